mod local_servers;

use std::collections::HashMap;

use chrono::TimeDelta;
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::network::mastodon::advice::Advice;
use crate::network::sign_in::Tokens;
use crate::network::testing::sign_in::{context, grant};
use crate::network::testing::{
    PICTURE, Reply, Script, assert_fit_to_be_shown, header, now, ok, refused,
};
use crate::outcome::Reason;
use crate::ports::SendError;
use crate::settings::secret::Secret;
use crate::testing::{block_on, instant, reply};

const SERVER: &str = "https://social.example";
const HOST_META: &str = "GET /.well-known/host-meta";
const WEBFINGER: &str = "GET /.well-known/webfinger?resource=acct%3Aada%40social.example";
const METADATA: &str = "GET /.well-known/oauth-authorization-server";
const INSTANCE_1: &str = "GET /api/v1/instance";
const INSTANCE_2: &str = "GET /api/v2/instance";
const APPS: &str = "POST /api/v1/apps";
const TOKEN: &str = "POST /oauth/token";
const REVOKE: &str = "POST /oauth/revoke";
const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";
const UPDATE: &str = "PATCH /api/v1/accounts/update_credentials";
const AVATAR: &str = "DELETE /api/v1/profile/avatar";

const CODE: &str = "kCODEkCODEkCODE";
const VERIFIER: &str = "kVERIFIERkVERIFIERkVERIFIERkVERIFIERkVERIFI";
const CLIENT_SECRET: &str = "kCLIENTkSECRET";
const ACCESS: &str = "kACCESSkACCESSkACCESS";
const REFRESH: &str = "kREFRESHkREFRESHkREFRESH";
const SECRETS: [&str; 5] = [CODE, VERIFIER, CLIENT_SECRET, ACCESS, REFRESH];

fn service() -> Service {
    Service {
        public_url: "https://icons.example".to_owned(),
        ..Service::default()
    }
}

fn app() -> App {
    App {
        server: SERVER.to_owned(),
        client_id: "client-1".to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: "profile write:accounts".to_owned(),
        uses_pkce: true,
        redirect_uri: "https://icons.example/callback/mastodon/social.example".to_owned(),
    }
}

fn connection() -> Connection {
    Connection {
        network: NAME.to_owned(),
        subject: format!("{SERVER} 14715"),
        name: "@ada@social.example".to_owned(),
        app: app(),
        tokens: Tokens {
            access: Secret::new(ACCESS),
            refresh: Some(Secret::new(REFRESH)),
            expires_at: None,
        },
        details: None,
    }
}

#[allow(clippy::unnecessary_wraps)]
fn failed(status: u16, body: &Value) -> Reply {
    Ok(reply(status, &[], body.to_string()))
}

fn not_found() -> Reply {
    failed(404, &json!({ "error": "Not Found" }))
}

#[allow(clippy::unnecessary_wraps)]
fn sent_on(to: &str) -> Reply {
    Ok(reply(301, &[("location", to)], ""))
}

/// As Mastodon 4.3 has it.
fn metadata(changes: &Value) -> Reply {
    let mut metadata = json!({
        "issuer": "https://social.example/",
        "authorization_endpoint": "https://social.example/oauth/authorize",
        "token_endpoint": "https://evil.example/oauth/token",
        "scopes_supported": ["read", "profile", "write", "read:accounts", "write:accounts"],
        "code_challenge_methods_supported": ["S256"],
    });
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    ok(metadata)
}

fn account(changes: &Value) -> Reply {
    let mut account = json!({
        "id": "14715", "username": "ada", "acct": "ada", "url": "https://social.example/@ada",
        "avatar": "https://files.example/avatars/1.png",
    });
    for (name, value) in changes.as_object().unwrap() {
        account[name] = value.clone();
    }
    ok(account)
}

type Found = Result<Server, SignInError>;

/// What is found of a text, and where was asked.
fn find(
    typed: &str,
    steps: impl IntoIterator<Item = (&'static str, Reply)>,
) -> (Found, Vec<Request<Vec<u8>>>) {
    let script = Script::new(steps);
    let found = block_on(MastodonSignIn.find(typed, context(&service(), &script)));
    let sent = script.sent();
    for request in &sent {
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri().scheme_str(), Some("https"));
        assert_eq!(header(request, "accept"), Some("application/json"));
        assert_eq!(header(request, "authorization"), None);
    }
    (found, sent)
}

/// The URL of a server that is found, its scopes, and whether it checks PKCE.
fn found(
    typed: &str,
    steps: impl IntoIterator<Item = (&'static str, Reply)>,
) -> (String, String, bool) {
    let (server, _) = find(typed, steps);
    let server = server.unwrap();
    let facts: Value = serde_json::from_str(&server.facts).unwrap();
    let scopes = facts["scopes"].as_str().unwrap().to_owned();
    (server.url, scopes, facts["uses_pkce"].as_bool().unwrap())
}

/// Why nothing is found.
fn not_found_because(steps: impl IntoIterator<Item = (&'static str, Reply)>) -> SignInError {
    find("social.example", steps).0.unwrap_err()
}

fn form_of(request: &Request<Vec<u8>>) -> HashMap<String, String> {
    let kind = header(request, "content-type");
    assert_eq!(kind, Some("application/x-www-form-urlencoded"));
    let pairs: Vec<_> = form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let count = pairs.len();
    let form: HashMap<_, _> = pairs.into_iter().collect();
    assert_eq!(form.len(), count, "nothing is sent twice");
    form
}

fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// That an error can be shown to whoever signs in.
fn assert_shown(error: &SignInError) {
    let text = error.to_string();
    assert!(text.chars().count() < 500, "{text}");
    assert!(!text.contains(char::is_control), "{text}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

#[test]
fn a_server_that_describes_its_sign_in_gets_the_narrowest_scopes_and_pkce() {
    for (changes, scopes, uses_pkce) in [
        (json!({}), "profile write:accounts", true),
        (
            json!({ "scopes_supported": ["read:accounts", "write:accounts"] }),
            "read:accounts write:accounts",
            true,
        ),
        (
            json!({ "scopes_supported": ["read", "write", "follow"] }),
            "read write",
            true,
        ),
        (
            json!({ "scopes_supported": 7, "code_challenge_methods_supported": "S256" }),
            "read:accounts write:accounts",
            false,
        ),
        (
            json!({ "code_challenge_methods_supported": ["plain"] }),
            "profile write:accounts",
            false,
        ),
    ] {
        let steps = [(HOST_META, not_found()), (METADATA, metadata(&changes))];
        let expected = (SERVER.to_owned(), scopes.to_owned(), uses_pkce);
        assert_eq!(found("social.example", steps), expected, "{changes}");
    }
}

#[test]
fn other_servers_get_the_scopes_of_their_kind() {
    for (version, scopes) in [
        ("4.2.13", "read:accounts write:accounts"),
        ("0.19.1+git-0000000", "read:accounts write:accounts"),
        (
            "2.7.2 (compatible; Pleroma 2.9.1)",
            "read:accounts write:accounts",
        ),
        ("3.5.3 (compatible; Pixelfed 0.12.4)", "read write"),
    ] {
        let instance = || ok(json!({ "uri": "social.example", "version": version }));
        let expected = (SERVER.to_owned(), scopes.to_owned(), false);
        let before = [(HOST_META, not_found()), (METADATA, not_found())];
        let steps = before.into_iter().chain([(INSTANCE_1, instance())]);
        assert_eq!(found("social.example", steps), expected, "{version}");
        let before = [(HOST_META, not_found()), (METADATA, not_found())];
        let steps = before
            .into_iter()
            .chain([(INSTANCE_1, not_found()), (INSTANCE_2, instance())]);
        assert_eq!(found("social.example", steps), expected, "{version}");
    }
    // One that tells only its own people about itself.
    let closed = failed(
        401,
        &json!({ "error": "This method requires an authenticated user" }),
    );
    let steps = [
        (HOST_META, not_found()),
        (METADATA, not_found()),
        (INSTANCE_1, closed),
    ];
    assert_eq!(found("social.example", steps).0, SERVER);
}

#[test]
fn a_description_that_is_another_servers_counts_for_nothing() {
    for issuer in [
        json!("https://evil.example"),
        json!("http://social.example"),
        json!("https://social.example/oauth"),
        json!("https://social.example.evil.example"),
        json!(null),
        json!(["https://social.example"]),
    ] {
        let steps = [
            (HOST_META, not_found()),
            (METADATA, metadata(&json!({ "issuer": issuer }))),
            (INSTANCE_1, ok(json!({ "version": "4.3.2" }))),
        ];
        let expected = (
            SERVER.to_owned(),
            "read:accounts write:accounts".to_owned(),
            false,
        );
        assert_eq!(found("social.example", steps), expected, "{issuer}");
    }
}

fn host_meta(template: &str) -> Reply {
    ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <XRD xmlns=\"http://docs.oasis-open.org/ns/xri/xrd-1.0\">\n\
         <Link rel='other' template='https://evil.example/'/>\n\
         <Link rel=\"lrdd\" type=\"application/xrd+xml\" template=\"{template}\"/>\n</XRD>"
    ))
}

#[test]
fn a_domain_of_handles_leads_to_its_server() {
    const WEB: &str = "https://web.social.example";
    let metadata = || metadata(&json!({ "issuer": WEB }));
    let template = format!("{WEB}/.well-known/webfinger?resource={{uri}}");
    let document = format!("{WEB}/.well-known/host-meta");
    for first in [host_meta(&template), sent_on(&document)] {
        for typed in ["social.example", "@ada@social.example"] {
            let steps = [(HOST_META, first.clone()), (METADATA, metadata())];
            let (server, sent) = find(typed, steps);
            assert_eq!(server.unwrap().url, WEB);
            assert_eq!(sent[0].uri().host(), Some("social.example"));
            assert_eq!(sent[1].uri().host(), Some("web.social.example"));
        }
    }
    // Some domains describe their accounts alone.
    let links = json!({ "links": [
        { "rel": "self", "type": "text/html", "href": "https://evil.example/" },
        { "rel": "self", "type": "application/activity+json", "href": format!("{WEB}/users/ada") },
    ] });
    let query = format!("{WEB}/.well-known/webfinger?resource=acct%3Aada%40social.example");
    for second in [ok(links), sent_on(&query)] {
        let steps = [
            (HOST_META, not_found()),
            (WEBFINGER, second),
            (METADATA, metadata()),
        ];
        let (server, sent) = find("@ada@social.example", steps);
        assert_eq!(server.unwrap().url, WEB);
        assert_eq!(sent[2].uri().host(), Some("web.social.example"));
    }
}

#[test]
fn a_domain_leads_nowhere_that_may_not_be_asked() {
    for to in [
        "http://web.social.example",
        "https://127.0.0.1",
        "https://metadata.google.internal",
        "https://web.social.example:8443",
        "https://ada@web.social.example",
        "https://icons.example",
        "//web.social.example",
        "",
    ] {
        for first in [
            host_meta(&format!("{to}/.well-known/webfinger?resource={{uri}}")),
            sent_on(&format!("{to}/.well-known/host-meta")),
            // Sent on, but to something else.
            sent_on(&format!("{to}/login")),
            sent_on("https://web.social.example/login"),
        ] {
            let steps = [(HOST_META, first), (METADATA, metadata(&json!({})))];
            let (server, sent) = find("social.example", steps);
            assert_eq!(server.unwrap().url, SERVER, "{to}");
            assert!(
                sent.iter()
                    .all(|one| one.uri().host() == Some("social.example"))
            );
        }
    }
}

#[test]
fn a_domain_that_says_nothing_useful_is_its_own_server() {
    for first in [
        ok(""),
        ok("<XRD><Link rel=\"lrdd\" template=></XRD>"),
        ok("<XRD><Link rel=\"lrdd\" template=\"</XRD>"),
        ok("<Link ="),
        ok("<Link rel=\"lrdd\"/>"),
        Ok(reply(200, &[], vec![0xff, 0xfe])),
        Err(SendError::Timeout),
        Err(SendError::TooLarge),
        failed(503, &json!({})),
    ] {
        let steps = [(HOST_META, first), (METADATA, metadata(&json!({})))];
        assert_eq!(found("social.example", steps).0, SERVER);
    }
    for second in [
        ok("{}"),
        ok(json!({ "links": [{ "rel": "self" }, 7, null] })),
        ok(json!({ "links": "self" })),
        not_found(),
        Err(SendError::Timeout),
    ] {
        let steps = [
            (HOST_META, not_found()),
            (WEBFINGER, second),
            (METADATA, metadata(&json!({}))),
        ];
        assert_eq!(found("@ada@social.example", steps).0, SERVER);
    }
}

#[test]
fn what_is_no_server_of_this_kind_is_told_so_before_anything_is_registered() {
    let page = || ok("<!DOCTYPE html><title>A shop</title>");
    for (reply, hint) in [
        (not_found(), "e-mail"),
        (page(), "e-mail"),
        (ok(json!({ "version": 7 })), "e-mail"),
        (sent_on("https://www.social.example/"), "www.social.example"),
        (sent_on("https://127.0.0.1/"), "e-mail"),
        (failed(403, &json!("Forbidden")), "e-mail"),
    ] {
        let error = not_found_because([
            (HOST_META, not_found()),
            (METADATA, page()),
            (INSTANCE_1, reply),
            (INSTANCE_2, not_found()),
        ]);
        assert_shown(&error);
        assert!(matches!(error, SignInError::Place(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("social.example does not speak"), "{text}");
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn a_server_that_fails_is_named_with_what_to_do() {
    for (reply, part) in [
        (Err(SendError::Timeout), "within 10 s"),
        (Err(SendError::TooLarge), "Check the name"),
        (
            Err(SendError::Connection("kACCESS".to_owned())),
            "Check the name",
        ),
        (
            failed(503, &json!({ "error": "Down" })),
            "503: Down. Try again later.",
        ),
    ] {
        let error = not_found_because([(HOST_META, not_found()), (METADATA, reply)]);
        assert_shown(&error);
        assert!(matches!(error, SignInError::Server(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("social.example"), "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    for (headers, until) in [
        (
            vec![("x-ratelimit-reset", "2026-11-22T02:30:00.000000Z")],
            "2026-11-22T02:30:00Z",
        ),
        (vec![("retry-after", "75")], "2026-11-22T02:25:00Z"),
        // Over, or nothing: the window of registrations.
        (
            vec![("x-ratelimit-reset", "2026-11-22T02:00:00Z")],
            "2026-11-22T02:33:45Z",
        ),
        (vec![], "2026-11-22T02:33:45Z"),
        // Not believed.
        (
            vec![("x-ratelimit-reset", "2099-01-01T00:00:00Z")],
            "2026-11-23T02:23:45Z",
        ),
    ] {
        let limited = || {
            Ok(reply(
                429,
                &headers,
                json!({ "error": "Too many" }).to_string(),
            ))
        };
        let paused = SignInError::Paused {
            server: "social.example".to_owned(),
            until: instant(until),
        };
        for steps in [
            vec![(HOST_META, limited())],
            vec![(HOST_META, not_found()), (METADATA, limited())],
            vec![
                (HOST_META, not_found()),
                (METADATA, not_found()),
                (INSTANCE_1, limited()),
            ],
        ] {
            assert_eq!(not_found_because(steps), paused);
        }
        assert_eq!(register(limited()).0.unwrap_err(), paused);
        assert_eq!(exchange([(TOKEN, limited())]).0.unwrap_err(), paused);
        let steps = [(TOKEN, ok(tokens())), (VERIFY, limited())];
        assert_eq!(exchange(steps).0.unwrap_err(), paused);
    }
}

fn register(reply: Reply) -> (Result<App, SignInError>, Request<Vec<u8>>) {
    let script = Script::new([(APPS, reply)]);
    let server = Server {
        url: SERVER.to_owned(),
        facts: json!({ "scopes": "profile write:accounts", "uses_pkce": true }).to_string(),
    };
    let app = block_on(MastodonSignIn.register(&server, context(&service(), &script)));
    let [request] = script.sent().try_into().unwrap();
    (app, request)
}

#[test]
fn this_service_registers_with_what_people_will_be_asked_for() {
    for (id, secret) in [
        (json!("client-1"), json!(CLIENT_SECRET)),
        (json!(17), json!(CLIENT_SECRET)),
    ] {
        let registered = json!({ "client_id": id, "client_secret": secret });
        let (app, request) = register(ok(registered));
        let app = app.unwrap();
        assert_eq!(app.server, SERVER);
        assert_eq!(app.client_id, id.to_string().replace('"', ""));
        assert_eq!(app.client_secret.unwrap().expose(), CLIENT_SECRET);
        assert_eq!(app.scopes, "profile write:accounts");
        assert!(app.uses_pkce);
        assert_eq!(app.redirect_uri, super::tests::app().redirect_uri);
        assert_eq!(request.uri(), "https://social.example/api/v1/apps");
        let form = pairs(&[
            ("client_name", "rotate-icon"),
            (
                "redirect_uris",
                "https://icons.example/callback/mastodon/social.example",
            ),
            ("scopes", "profile write:accounts"),
            ("website", "https://icons.example"),
        ]);
        assert_eq!(form_of(&request), form);
    }
}

#[test]
fn a_server_that_does_not_register_this_service_is_named_with_its_words() {
    for (reply, is_place, part) in [
        (
            failed(
                422,
                &json!({ "error": "Validation failed: Redirect URI is invalid" }),
            ),
            false,
            "Validation failed: Redirect URI is invalid. Ask who runs it.",
        ),
        (not_found(), true, "Ask who runs it"),
        (
            failed(403, &json!({ "error": "Forbidden." })),
            false,
            "403: Forbidden. Ask",
        ),
        (failed(500, &json!({})), false, "Try again later"),
        (ok("<html>"), false, "without giving it an id"),
        (
            ok(json!({ "client_id": "a" })),
            false,
            "without giving it an id",
        ),
        (
            ok(json!({ "client_id": "", "client_secret": "b" })),
            false,
            "an id",
        ),
        (
            ok(json!({ "client_id": "a", "client_secret": "b\nc" })),
            false,
            "an id",
        ),
        (
            ok(json!({ "client_id": ["a"], "client_secret": "b" })),
            false,
            "an id",
        ),
        (
            ok(json!({ "client_id": "a", "client_secret": "b".repeat(9_000) })),
            false,
            "an id",
        ),
        (Err(SendError::Timeout), false, "within 10 s"),
    ] {
        let error = register(reply).0.unwrap_err();
        assert_shown(&error);
        assert_eq!(
            matches!(error, SignInError::Place(_)),
            is_place,
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("social.example") && text.contains(part),
            "{text}"
        );
    }
}

#[test]
fn a_server_that_has_forgotten_this_service_is_noticed_before_the_browser_goes_there() {
    let check = |reply: Reply| {
        let script = Script::new([(TOKEN, reply)]);
        let checked = block_on(MastodonSignIn.check(&app(), context(&service(), &script)));
        let [request] = script.sent().try_into().unwrap();
        let form = form_of(&request);
        assert_eq!(form["client_id"], "client-1");
        assert_eq!(form["client_secret"], CLIENT_SECRET);
        assert_eq!(form["grant_type"], "authorization_code");
        checked
    };
    let forgotten = SignInError::AppForgotten {
        server: "social.example".to_owned(),
    };
    let invalid_client = json!({ "error": "invalid_client", "error_description": "Unknown." });
    for status in [400, 401] {
        assert_eq!(
            check(failed(status, &invalid_client)),
            Err(forgotten.clone())
        );
    }
    for reply in [
        failed(400, &json!({ "error": "invalid_grant" })),
        failed(401, &json!({ "error": "Invalid credentials" })),
        failed(503, &json!({})),
        ok("<html>"),
    ] {
        assert_eq!(check(reply), Ok(()));
    }
    assert!(matches!(
        check(Err(SendError::Timeout)),
        Err(SignInError::Server(_))
    ));
}

#[test]
fn the_browser_is_sent_to_the_servers_page_of_consent() {
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut app = app();
    app.client_id = "a&b=c#d".to_owned();
    let parameters = |app: &App| -> HashMap<String, String> {
        let url = authorization::url(app, "state+1&", &verifier);
        assert!(url.starts_with("https://social.example/oauth/authorize?"));
        assert!(!url.contains(verifier.expose()));
        Url::parse(&url)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect()
    };
    let mut expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "a&b=c#d"),
        (
            "redirect_uri",
            "https://icons.example/callback/mastodon/social.example",
        ),
        ("scope", "profile write:accounts"),
        ("state", "state+1&"),
        // RFC 7636, appendix B.
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(parameters(&app), expected);
    app.uses_pkce = false;
    expected.retain(|name, _| !name.starts_with("code_challenge"));
    assert_eq!(parameters(&app), expected);
}

fn tokens() -> Value {
    json!({
        "access_token": ACCESS,
        "token_type": "Bearer",
        "scope": "profile write:accounts",
        "created_at": 1_795_314_225,
    })
}

type Exchanged = (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>);

fn exchange_for(app: &App, steps: impl IntoIterator<Item = (&'static str, Reply)>) -> Exchanged {
    let script = Script::new(steps);
    let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
    let exchanged = block_on(
        MastodonSignIn.exchange(grant(app, &code, &verifier), context(&service(), &script)),
    );
    if let Err(error) = &exchanged {
        assert_shown(error);
    }
    (exchanged, script.sent())
}

fn exchange(steps: impl IntoIterator<Item = (&'static str, Reply)>) -> Exchanged {
    exchange_for(&app(), steps)
}

#[test]
fn a_code_becomes_a_connection_that_the_server_vouches_for() {
    let steps = [(TOKEN, ok(tokens())), (VERIFY, account(&json!({})))];
    let (connection, sent) = exchange(steps);
    let connection = connection.unwrap();
    assert_eq!(connection.network, "mastodon");
    assert_eq!(connection.subject, "https://social.example 14715");
    assert_eq!(connection.name, "@ada@social.example");
    assert_eq!(connection.app.client_id, "client-1");
    assert_eq!(connection.tokens.access.expose(), ACCESS);
    assert!(connection.tokens.refresh.is_none());
    assert_eq!(connection.tokens.expires_at, None);
    let [exchange, verify] = sent.try_into().unwrap();
    assert_eq!(exchange.uri(), "https://social.example/oauth/token");
    let mut form = pairs(&[
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
        ("client_id", "client-1"),
        ("client_secret", CLIENT_SECRET),
        (
            "redirect_uri",
            "https://icons.example/callback/mastodon/social.example",
        ),
    ]);
    assert_eq!(form_of(&exchange), form);
    assert_eq!(header(&exchange, "authorization"), None);
    assert_eq!(verify.uri().host(), Some("social.example"));
    let bearer = format!("Bearer {ACCESS}");
    assert_eq!(header(&verify, "authorization"), Some(bearer.as_str()));
    // Where the server does not check PKCE, no verifier is given away.
    let mut app = app();
    app.uses_pkce = false;
    let steps = [(TOKEN, ok(tokens())), (VERIFY, account(&json!({})))];
    let (_, sent) = exchange_for(&app, steps);
    form.remove("code_verifier");
    assert_eq!(form_of(&sent[0]), form);
}

#[test]
fn tokens_that_expire_say_when_and_with_what_they_are_renewed() {
    let month = TimeDelta::days(30);
    for (expires_in, lasts) in [
        (json!(2_592_000), Some(month)),
        (json!("2592000"), Some(month)),
        (json!(2_592_000.0), Some(month)),
        (json!(1e300), Some(TimeDelta::days(3_650))),
        (json!(0), None),
        (json!(-5), None),
        (json!(null), None),
        (json!("soon"), None),
    ] {
        let mut tokens = tokens();
        tokens["expires_in"] = expires_in.clone();
        tokens["refresh_token"] = json!(REFRESH);
        let steps = [(TOKEN, ok(tokens)), (VERIFY, account(&json!({})))];
        let connection = exchange(steps).0.unwrap();
        let expires_at = lasts.map(|lasts| now() + lasts);
        assert_eq!(connection.tokens.expires_at, expires_at, "{expires_in}");
        assert_eq!(connection.tokens.refresh.unwrap().expose(), REFRESH);
    }
}

#[test]
fn a_server_can_lie_about_its_own_accounts_alone() {
    for (claim, subject, name) in [
        (
            json!({ "id": 7, "username": "ada@other.example" }),
            "https://social.example 7",
            "@ada@social.example",
        ),
        (
            json!({ "username": "", "acct": "ada@other.example" }),
            "https://social.example 14715",
            "@ada@social.example",
        ),
        (
            json!({ "username": "a\u{202e}d\u{0}a\n<b>" }),
            "https://social.example 14715",
            "@a d a <b>@social.example",
        ),
        (
            json!({ "username": ACCESS }),
            "https://social.example 14715",
            "@(hidden)@social.example",
        ),
    ] {
        let steps = [(TOKEN, ok(tokens())), (VERIFY, account(&claim))];
        let connection = exchange(steps).0.unwrap();
        assert_eq!(connection.subject, subject, "{claim}");
        assert_eq!(connection.name, name, "{claim}");
    }
    let claim = json!({ "username": "a".repeat(5_000) });
    let steps = [(TOKEN, ok(tokens())), (VERIFY, account(&claim))];
    assert!(exchange(steps).0.unwrap().name.len() < 100);
    for claim in [
        json!({ "id": null }),
        json!({ "id": "" }),
        json!({ "id": ACCESS }),
        json!({ "id": "1 https://other.example 2" }),
        json!({ "id": "1".repeat(101) }),
        json!({ "id": { "a": 1 } }),
        json!({ "username": null, "acct": null }),
        json!({ "username": "@", "acct": "" , "id": [] }),
    ] {
        let steps = [(TOKEN, ok(tokens())), (VERIFY, account(&claim))];
        let error = exchange(steps).0.unwrap_err();
        assert!(
            matches!(error, SignInError::Server(_)),
            "{claim}: {error:?}"
        );
    }
}

#[test]
fn a_code_that_is_not_exchanged_says_what_to_do() {
    let words = |status, error: &str| failed(status, &json!({ "error": error }));
    let echo = format!("bad {CODE} {CLIENT_SECRET} {VERIFIER}");
    for (reply, is_refused, part) in [
        (words(400, "invalid_grant"), true, "Sign in again"),
        (words(401, "Unauthorized"), true, "Sign in again"),
        (words(400, &echo), true, "(hidden)"),
        (words(500, "Oh no"), false, "Try again later"),
        (Ok(reply(403, &[], "<html>")), false, "web page"),
        (words(404, "Not Found"), false, "ask who runs it"),
        (ok("{}"), false, "without a token"),
        (
            ok(json!({ "access_token": "a b" })),
            false,
            "without a token",
        ),
        (
            ok(json!({ "access_token": ACCESS, "token_type": "mac" })),
            false,
            "without a token",
        ),
        (
            ok(json!({ "access_token": ACCESS, "scope": "profile read" })),
            true,
            "allow it",
        ),
        (Err(SendError::Timeout), false, "within 10 s"),
    ] {
        let error = exchange([(TOKEN, reply)]).0.unwrap_err();
        assert_eq!(
            matches!(error, SignInError::Refused(_)),
            is_refused,
            "{error:?}"
        );
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = exchange([(TOKEN, words(401, "invalid_client"))])
        .0
        .unwrap_err();
    assert!(matches!(error, SignInError::AppForgotten { .. }));
    for (reply, is_refused) in [
        (words(403, "Your login is currently disabled"), true),
        (
            words(401, &format!("The access token {ACCESS} is invalid")),
            true,
        ),
        (words(500, ACCESS), false),
        (ok("[]"), false),
    ] {
        let error = exchange([(TOKEN, ok(tokens())), (VERIFY, reply)])
            .0
            .unwrap_err();
        assert_eq!(
            matches!(error, SignInError::Refused(_)),
            is_refused,
            "{error:?}"
        );
    }
}

#[test]
fn a_refresh_token_is_exchanged_and_kept_if_there_is_no_new_one() {
    for (new, kept) in [
        (json!("kNEWkREFRESH"), "kNEWkREFRESH"),
        (json!(null), REFRESH),
    ] {
        let mut answer = tokens();
        answer["access_token"] = json!("kNEWkACCESS");
        answer["refresh_token"] = new;
        answer["expires_in"] = json!(60);
        let script = Script::new([(TOKEN, ok(answer))]);
        let (connection, service) = (connection(), service());
        let refreshed = MastodonSignIn.refresh(&connection, context(&service, &script));
        let tokens = block_on(refreshed).unwrap().tokens;
        assert_eq!(tokens.access.expose(), "kNEWkACCESS");
        assert_eq!(tokens.refresh.unwrap().expose(), kept);
        assert_eq!(tokens.expires_at, Some(now() + TimeDelta::minutes(1)));
        let form = pairs(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH),
            ("client_id", "client-1"),
            ("client_secret", CLIENT_SECRET),
        ]);
        assert_eq!(form_of(&script.sent()[0]), form);
    }
    let refresh = |error: &str| {
        let error = json!({ "error": error, "error_description": format!("no {REFRESH}") });
        let script = Script::new([(TOKEN, failed(400, &error))]);
        block_on(MastodonSignIn.refresh(&connection(), context(&service(), &script))).unwrap_err()
    };
    assert_shown(&refresh("invalid_grant"));
    assert!(matches!(refresh("invalid_grant"), SignInError::Refused(_)));
    assert!(matches!(
        refresh("invalid_client"),
        SignInError::AppForgotten { .. }
    ));
    let mut without = connection();
    without.tokens.refresh = None;
    let error = block_on(MastodonSignIn.refresh(&without, context(&service(), &Script::new([]))))
        .unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)));
}

#[test]
fn both_tokens_are_revoked() {
    let script = Script::new([(REVOKE, ok("{}")), (REVOKE, ok("{}"))]);
    block_on(MastodonSignIn.revoke(&connection(), context(&service(), &script))).unwrap();
    let tokens = script
        .sent()
        .iter()
        .map(|request| {
            let form = form_of(request);
            assert_eq!(form["client_id"], "client-1");
            assert_eq!(form["client_secret"], CLIENT_SECRET);
            form["token"].clone()
        })
        .collect::<Vec<_>>();
    assert_eq!(tokens, [REFRESH, ACCESS]);
    for reply in [
        failed(
            403,
            &json!({ "error": "unauthorized_client", "error_description": ACCESS }),
        ),
        not_found(),
        failed(503, &json!({})),
        Err(SendError::Timeout),
    ] {
        let script = Script::new([(REVOKE, reply)]);
        let error = block_on(MastodonSignIn.revoke(&connection(), context(&service(), &script)))
            .unwrap_err();
        assert_shown(&error);
        assert!(matches!(error, SignInError::Server(_)), "{error:?}");
    }
}

#[test]
fn who_signed_in_is_told_what_they_can_do_on_their_page() {
    let network = account_of(&connection());
    let unread = || {
        failed(
            403,
            &json!({ "error": "This action is outside the scopes" }),
        )
    };
    let invalid = failed(401, &json!({ "error": "The access token was revoked" }));
    let script = Script::new([(VERIFY, unread()), (UPDATE, invalid)]);
    let attempt = block_on(network.update(PICTURE, &mut None, &script)).unwrap();
    let diagnosis = refused(&attempt.outcome);
    assert_eq!(diagnosis.reason, Reason::Credentials);
    assert!(diagnosis.remedy.contains("Sign in again"));
    let Advice {
        no_answer,
        invalid_request,
        no_account,
        token,
        scopes,
        may_not_read,
        no_reason_to_write,
        no_reason_to_read,
        picture,
        firewall,
        unexpected,
    } = Advice::OF_SIGN_IN;
    for text in [
        no_answer,
        invalid_request,
        no_account,
        token,
        scopes,
        may_not_read,
        no_reason_to_write,
        no_reason_to_read,
        picture,
        firewall,
        unexpected,
    ] {
        for owners in [
            "MASTODON_",
            "--",
            "`",
            "secret",
            "token",
            "Workers",
            "Publish",
        ] {
            assert!(!text.contains(owners), "{text}");
        }
    }
}

#[test]
fn a_token_goes_nowhere_if_its_server_was_stored_in_another_form() {
    for server in [
        "",
        "http://social.example",
        "https://social.example/a",
        "social",
    ] {
        let mut connection = connection();
        connection.app.server = server.to_owned();
        let account = account_of(&connection);
        assert_eq!(
            account.server.to_string(),
            "https://server.invalid",
            "{server}"
        );
    }
}

type Shown = (Result<Option<Vec<u8>>, Diagnosis>, Vec<Request<Vec<u8>>>);

fn shown(steps: impl IntoIterator<Item = (&'static str, Reply)>) -> Shown {
    let script = Script::new(steps);
    let shown = block_on(picture::shown(&connection(), &service(), &script));
    if let Err(diagnosis) = &shown {
        assert_fit_to_be_shown(diagnosis, &SECRETS);
    }
    (shown, script.sent())
}

#[test]
fn the_shown_picture_is_fetched_from_wherever_it_is_without_the_token() {
    let file = Ok(Response::new(b"picture".to_vec()));
    let steps = [(VERIFY, account(&json!({}))), ("GET /avatars/1.png", file)];
    let (picture, sent) = shown(steps);
    assert_eq!(picture, Ok(Some(b"picture".to_vec())));
    assert_eq!(sent[1].uri(), "https://files.example/avatars/1.png");
    assert_eq!(header(&sent[1], "authorization"), None);
    for avatar in [
        json!("https://social.example/avatars/original/missing.png"),
        json!("https://social.example/storage/avatars/default.jpg?v=0"),
        json!("https://social.example/images/avi.png"),
        json!("https://social.example/assets/default_avatars/GoToSocial_icon1.webp"),
        json!(""),
        json!(null),
    ] {
        let account = account(&json!({ "avatar": avatar }));
        assert_eq!(shown([(VERIFY, account)]).0, Ok(None), "{avatar}");
    }
}

#[test]
fn a_picture_that_may_not_be_fetched_is_not() {
    for avatar in [
        "http://files.example/1.png",
        "https://127.0.0.1/1.png",
        "https://169.254.169.254/latest/meta-data",
        "https://router.lan/1.png",
        "https://files.example:22/1.png",
        "https://icons.example/icon",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "/1.png",
        "a\u{202e}\nb",
    ] {
        let account = account(&json!({ "avatar": avatar }));
        let diagnosis = shown([(VERIFY, account)]).0.unwrap_err();
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply, "{avatar}");
    }
    for (file, reason) in [
        (sent_on("https://127.0.0.1/"), Reason::UnexpectedReply),
        (not_found(), Reason::UnexpectedReply),
        (Err(SendError::TooLarge), Reason::UnexpectedReply),
        (Err(SendError::Timeout), Reason::Transient),
    ] {
        let steps = [(VERIFY, account(&json!({}))), ("GET /avatars/1.png", file)];
        let diagnosis = shown(steps).0.unwrap_err();
        assert_eq!(diagnosis.reason, reason);
        assert!(diagnosis.message.contains("files.example"), "{diagnosis:?}");
    }
    let steps = [(VERIFY, failed(401, &json!({ "error": ACCESS })))];
    assert_eq!(shown(steps).0.unwrap_err().reason, Reason::Credentials);
}

#[test]
fn the_picture_is_removed() {
    let remove = |reply: Reply| {
        let script = Script::new([(AVATAR, reply)]);
        let removed =
            block_on(MastodonSignIn.remove_picture(&connection(), context(&service(), &script)));
        let [request] = script.sent().try_into().unwrap();
        let bearer = format!("Bearer {ACCESS}");
        assert_eq!(header(&request, "authorization"), Some(bearer.as_str()));
        removed
    };
    assert_eq!(remove(account(&json!({}))), Ok(()));
    for (reply, reason, remedy) in [
        (not_found(), Reason::UnexpectedReply, "yourself"),
        (
            failed(401, &json!({ "error": "The access token is invalid" })),
            Reason::Credentials,
            "Sign in again",
        ),
        (Err(SendError::Timeout), Reason::Transient, "your server"),
        (failed(429, &json!({})), Reason::RateLimit, "wait"),
    ] {
        let diagnosis = remove(reply).unwrap_err();
        assert_fit_to_be_shown(&diagnosis, &SECRETS);
        assert_eq!(diagnosis.reason, reason);
        assert!(diagnosis.remedy.contains(remedy), "{diagnosis:?}");
    }
}

#[test]
fn no_debug_output_gives_a_secret_away() {
    let connection = connection();
    let network = account_of(&connection);
    let debug = format!("{connection:?} {network:?} {MastodonSignIn:?}");
    for secret in SECRETS {
        assert!(!debug.contains(secret));
    }
}
