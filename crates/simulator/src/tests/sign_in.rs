//! Signing in to a server of Mastodon's network: each rule, and what breaks it.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac_sha256::Hash;
use serde_json::{Value, json};

use super::client::{Reply, Running};

pub(super) const SOCIAL: &str = "social.example";
const CALLBACK: &str = "https://icons.example/sign-in/mastodon";
const STATE: &str = "a-state-that-nobody-guesses";
const VERIFIER: &str = "a-verifier-of-43-characters-or-more-as-pkce-has-it";
const SCOPES: &str = "read:accounts write:accounts";

/// Pairs as a form or a query has them.
pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs).finish()
}

/// These pairs, but with another value of one; without it, if the value is empty.
fn but<'a>(pairs: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = pairs.iter().filter(|(known, _)| *known != name).copied();
    let new = (!value.is_empty()).then_some((name, value));
    others.chain(new).collect()
}

fn challenge() -> String {
    BASE64URL_NOPAD.encode(&Hash::hash(VERIFIER.as_bytes()))
}

/// A client of a server, as correct as it can be.
pub(super) struct Client<'a> {
    pub(super) running: &'a Running,
    pub(super) host: &'a str,
    pub(super) id: String,
    pub(super) secret: String,
    scopes: &'a str,
    challenge: Option<String>,
}

impl<'a> Client<'a> {
    /// Registers an app that uses PKCE.
    pub(super) fn register(running: &'a Running, host: &'a str, scopes: &'a str) -> Self {
        let app = [
            ("client_name", "icons"),
            ("redirect_uris", CALLBACK),
            ("scopes", scopes),
            ("website", "https://icons.example/"),
        ];
        let reply = post(running, host, "/api/v1/apps", &app);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
        Self {
            running,
            host,
            id: text("client_id"),
            secret: text("client_secret"),
            scopes,
            challenge: Some(challenge()),
        }
    }

    fn asked(&self) -> Vec<(&str, &str)> {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", CALLBACK),
            ("scope", self.scopes),
            ("state", STATE),
        ];
        if let Some(challenge) = &self.challenge {
            pairs.push(("code_challenge", challenge));
            pairs.push(("code_challenge_method", "S256"));
        }
        pairs
    }

    fn ask(&self, pairs: &[(&str, &str)]) -> Reply {
        let line = format!("GET /oauth/authorize?{}", encoded(pairs));
        self.running.ask_at(self.host, &line, &[], b"")
    }

    /// Presses a button of the page and returns the query of the redirect.
    fn decide(&self, account: &str, decision: &str) -> Vec<(String, String)> {
        let pairs = [
            self.asked(),
            vec![("account", account), ("decision", decision)],
        ]
        .concat();
        back(&post(self.running, self.host, "/oauth/authorize", &pairs))
    }

    /// A code for a person.
    pub(super) fn code(&self, account: &str) -> String {
        let back = self.decide(account, "authorize");
        let [(code, text), (state, same)] = &back[..] else {
            panic!("{back:?}");
        };
        assert_eq!((&**code, &**state, &**same), ("code", "state", STATE));
        text.clone()
    }

    fn exchanged<'b>(&'b self, code: &'b str) -> Vec<(&'b str, &'b str)> {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        if self.challenge.is_some() {
            pairs.push(("code_verifier", VERIFIER));
        }
        pairs
    }

    pub(super) fn token(&self, pairs: &[(&str, &str)]) -> Reply {
        post(self.running, self.host, "/oauth/token", pairs)
    }

    /// Signs a person in; returns the answer of the token endpoint.
    pub(super) fn sign_in(&self, account: &str) -> Value {
        let code = self.code(account);
        let reply = self.token(&self.exchanged(&code));
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        reply.json()
    }

    pub(super) fn refresh(&self, token: &str) -> Reply {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
            ("refresh_token", token),
        ])
    }

    fn revoke(&self, token: &str) -> Reply {
        let pairs = [
            ("client_id", &*self.id),
            ("client_secret", &self.secret),
            ("token", token),
        ];
        post(self.running, self.host, "/oauth/revoke", &pairs)
    }

    pub(super) fn verify(&self, token: &str) -> Reply {
        let headers = [format!("Authorization: Bearer {token}")];
        let line = "GET /api/v1/accounts/verify_credentials";
        self.running.ask_at(self.host, line, &headers, b"")
    }
}

pub(super) fn post(running: &Running, host: &str, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let form = "Content-Type: application/x-www-form-urlencoded".to_owned();
    let line = format!("POST {path}");
    running.ask_at(host, &line, &[form], encoded(pairs).as_bytes())
}

/// The query of the redirect to the app.
fn back(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 302, "{}", reply.text());
    let to = reply.header("location").unwrap();
    let query = to
        .strip_prefix(CALLBACK)
        .unwrap()
        .strip_prefix('?')
        .unwrap();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn expect(reply: &Reply, running: &Running, status: u16, error: &str, words: &str) {
    let explanation = running.last()["explanation"].as_str().unwrap().to_owned();
    assert_eq!(reply.status, status, "{explanation}");
    assert_eq!(reply.json()["error"], error, "{explanation}");
    assert!(explanation.contains(words), "{explanation} without {words}");
    assert_eq!(running.last()["took_effect"], false);
}

#[test]
fn a_person_signs_in_on_a_server_of_each_kind() {
    for kind in crate::MastodonKind::ALL {
        let server = format!("{SOCIAL}={kind}");
        let running = Running::serving(&[&server]);
        let scopes = if kind.name() == "pixelfed" {
            "read write"
        } else {
            SCOPES
        };
        let client = Client::register(&running, SOCIAL, scopes);
        let answer = client.sign_in("grace");
        assert_eq!(answer["token_type"], "Bearer");
        let does_expire = matches!(kind.name(), "pixelfed" | "pleroma");
        assert_eq!(answer["expires_in"].is_i64(), does_expire, "{kind}");
        assert_eq!(answer["refresh_token"].is_string(), does_expire, "{kind}");
        let reply = client.verify(answer["access_token"].as_str().unwrap());
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["username"], "grace");
        let last = running.last();
        assert_eq!(
            (&last["server"], &last["account"]),
            (&json!(SOCIAL), &json!("grace"))
        );
    }
}

#[test]
fn the_listener_itself_is_a_server_too() {
    let running = Running::start();
    let client = Client::register(&running, running.address, "profile write:accounts");
    let answer = client.sign_in("ada");
    let account = client
        .verify(answer["access_token"].as_str().unwrap())
        .json();
    let avatar = account["avatar"].as_str().unwrap();
    assert!(avatar.starts_with("http://127.0.0.1:8788/"), "{avatar}");
    assert_eq!(running.last()["server"], "own");
    // X's page is there as well.
    let reply = running.get("/oauth/authorize?oauth_token=x");
    assert!(reply.text().contains("Simulated X"));
}

#[test]
fn an_app_is_registered_by_form_or_json() {
    let running = Running::serving(&["a.example=mastodon-4.3", "b.example=mastodon-4.2"]);
    let json_type = ["Content-Type: application/json".to_owned()];
    let register = |host, body: &Value| {
        let body = body.to_string();
        running.ask_at(host, "POST /api/v1/apps", &json_type, body.as_bytes())
    };
    let mut app = json!({
        "client_name": "icons",
        "redirect_uris": [CALLBACK],
        "scopes": "profile write:accounts",
    });
    let reply = register("a.example", &app);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["redirect_uris"], json!([CALLBACK]));

    let reply = register("b.example", &app);
    let (error, words) = ("Validation failed: Redirect URI can't be blank", "blank");
    expect(&reply, &running, 422, error, words);
    app["redirect_uris"] = CALLBACK.into();
    let reply = register("b.example", &app);
    let error = "Validation failed: Scopes doesn't match configured on the server.";
    expect(&reply, &running, 422, error, "Scopes");
    app["scopes"] = SCOPES.into();
    let answer = register("b.example", &app).json();
    assert_eq!(answer["redirect_uri"], CALLBACK);
    assert!(answer["client_secret_expires_at"].is_null());
}

#[test]
fn what_is_no_app_is_refused() {
    let running = Running::serving(&["a.example=mastodon-4.3"]);
    let app = [
        ("client_name", "icons"),
        ("redirect_uris", CALLBACK),
        ("scopes", SCOPES),
    ];
    let long = "x".repeat(61);
    for (name, value, error) in [
        ("client_name", "", "Application name can't be blank"),
        (
            "client_name",
            &*long,
            "Application name is too long (maximum is 60 characters)",
        ),
        ("redirect_uris", "", "Redirect URI can't be blank"),
        (
            "redirect_uris",
            "urn:ietf:wg:oauth:2.0:oob",
            "Redirect URI must be an absolute URI.",
        ),
        (
            "redirect_uris",
            "http://icons.example/",
            "Redirect URI must be an HTTPS/SSL URI.",
        ),
        (
            "redirect_uris",
            "https://icons.example/#a",
            "Redirect URI cannot contain a fragment.",
        ),
        ("website", "icons", "Application website is invalid"),
        (
            "scopes",
            "read:me",
            "Scopes doesn't match configured on the server.",
        ),
        ("scope", SCOPES, "Application name can't be blank"),
    ] {
        let body = json!({ "server": "a.example", "reset_limits": true });
        running.control("PATCH", "mastodon/servers", &body);
        let reply = post(
            &running,
            "a.example",
            "/api/v1/apps",
            &but(&app, name, value),
        );
        let error = format!("Validation failed: {error}");
        expect(&reply, &running, 422, &error, "");
    }
    let local = but(&app, "redirect_uris", "http://127.0.0.1:8787/back");
    assert_eq!(
        post(&running, "a.example", "/api/v1/apps", &local).status,
        200
    );
}

#[test]
fn registrations_are_limited_where_mastodon_limits_them() {
    let running = Running::serving(&["a.example=mastodon-4.2", "b.example=gotosocial"]);
    running.wait(601 - running.now().timestamp() % 600);
    for host in ["a.example", "b.example"] {
        for _ in 0..5 {
            Client::register(&running, host, SCOPES);
        }
    }
    let app = [("client_name", "icons"), ("redirect_uris", CALLBACK)];
    let reply = post(&running, "a.example", "/api/v1/apps", &app);
    expect(&reply, &running, 429, "Too many requests", "in 10 minutes");
    assert_eq!(reply.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert!(reply.header("x-ratelimit-reset").is_some());
    Client::register(&running, "b.example", SCOPES);
    running.wait(600);
    Client::register(&running, "a.example", SCOPES);
}

#[test]
fn an_error_is_a_page_until_the_redirect_uri_can_be_trusted() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    for (name, value, words) in [
        ("client_id", "", "client_id is missing"),
        ("client_id", "another", "no app"),
        ("redirect_uri", "", "redirect_uri is missing"),
        (
            "redirect_uri",
            "https://icons.example/sign-in",
            "not exactly",
        ),
        (
            "redirect_uri",
            "https://icons.example/sign-in/mastodon/",
            "not exactly",
        ),
    ] {
        let reply = client.ask(&but(&client.asked(), name, value));
        assert_eq!(reply.status, 400, "{name}={value}");
        assert!(reply.header("location").is_none());
        assert!(reply.text().starts_with("<!DOCTYPE html>"));
        let last = running.last();
        assert!(
            last["explanation"].as_str().unwrap().contains(words),
            "{last}"
        );
    }
    let twice = [client.asked(), vec![("client_id", "x")]].concat();
    assert_eq!(client.ask(&twice).status, 400);
}

#[test]
fn a_wrong_request_is_sent_back_to_the_app() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let challenge = challenge();
    for (name, value, error) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("state", "short", "invalid_request"),
        ("scope", "", "invalid_request"),
        ("scope", "read:me", "invalid_scope"),
        ("scope", "write", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", &challenge[1..], "invalid_request"),
    ] {
        let back = back(&client.ask(&but(&client.asked(), name, value)));
        assert_eq!(
            back[0],
            ("error".to_owned(), error.to_owned()),
            "{name}={value}"
        );
        assert_eq!(back.len(), 3);
        assert_eq!(running.last()["verdict"], "rejected");
    }
    let back = back(&client.ask(&but(&client.asked(), "state", "")));
    assert_eq!(back.len(), 2, "there is no state to send back");
}

#[test]
fn the_page_asks_for_consent_without_script() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let reply = client.ask(&client.asked());
    assert_eq!(reply.status, 200);
    let policy = reply.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' https://icons.example"),
        "{policy}"
    );
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    let text = reply.text();
    for part in [
        "<html lang=\"en\">",
        "<legend>",
        "type=\"radio\" name=\"account\" value=\"ada\"",
        "name=\"decision\" value=\"authorize\">Authorize<",
        "name=\"decision\" value=\"deny\">Deny<",
        "Ada &lt;b&gt;",
        STATE,
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("<script") && !text.contains("<b>"));
    let style = running.ask_at(SOCIAL, "GET /packs/common.css", &[], b"");
    assert_eq!(style.status, 200);
    assert_eq!(
        running.received().len(),
        2,
        "the style sheet is not recorded"
    );
}

#[test]
fn a_person_may_refuse() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let back = client.decide("ada", "deny");
    assert_eq!(back[0].1, "access_denied");
    assert_eq!(back[2], ("state".to_owned(), STATE.to_owned()));
    for (account, decision) in [("nobody", "authorize"), ("ada", "maybe")] {
        let form = [
            client.asked(),
            vec![("account", account), ("decision", decision)],
        ]
        .concat();
        assert_eq!(
            post(&running, SOCIAL, "/oauth/authorize", &form).status,
            422
        );
    }
}

#[test]
fn a_code_is_good_once_for_ten_minutes_and_for_its_app() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let other = Client::register(&running, SOCIAL, SCOPES);
    let code = client.code("ada");
    let good = client.exchanged(&code);
    for (pairs, words) in [
        (other.exchanged(&code), "another app"),
        (but(&good, "code", "another"), "no such code"),
        (
            but(&good, "redirect_uri", "https://icons.example/"),
            "redirect_uri",
        ),
        (but(&good, "code_verifier", ""), "no code_verifier"),
        (but(&good, "code_verifier", "short"), "from 43"),
        (
            but(
                &good,
                "code_verifier",
                "another-verifier-of-43-characters-or-more-x",
            ),
            "not that of",
        ),
    ] {
        let reply = client.token(&pairs);
        expect(&reply, &running, 400, "invalid_grant", words);
    }
    assert_eq!(client.token(&good).status, 200);
    expect(
        &client.token(&good),
        &running,
        400,
        "invalid_grant",
        "used before",
    );

    let code = client.code("ada");
    running.wait(601);
    let reply = client.token(&client.exchanged(&code));
    expect(&reply, &running, 400, "invalid_grant", "ten minutes");
}

#[test]
fn a_verifier_without_a_challenge_is_refused() {
    let running = Running::serving(&["a.example=mastodon-4.3", "b.example=gotosocial"]);
    for (host, status) in [("a.example", 400), ("b.example", 200)] {
        let mut client = Client::register(&running, host, SCOPES);
        client.challenge = None;
        let code = client.code("ada");
        let pairs = [client.exchanged(&code), vec![("code_verifier", VERIFIER)]].concat();
        assert_eq!(client.token(&pairs).status, status);
    }
    // A server without PKCE ignores what belongs to it.
    let client = Client::register(&running, "b.example", SCOPES);
    let code = client.code("ada");
    let pairs = but(&client.exchanged(&code), "code_verifier", "wrong");
    assert_eq!(client.token(&pairs).status, 200);
    let explanation = running.last()["explanation"].to_string();
    assert!(explanation.contains("does not have"), "{explanation}");
}

#[test]
fn a_client_has_to_prove_who_it_is() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let code = client.code("ada");
    let good = client.exchanged(&code);
    for (name, value) in [
        ("client_secret", "wrong"),
        ("client_secret", ""),
        ("client_id", "another"),
    ] {
        let reply = client.token(&but(&good, name, value));
        expect(&reply, &running, 401, "invalid_client", "client");
        assert!(reply.header("www-authenticate").is_some());
        let description = reply.json()["error_description"].to_string();
        assert!(description.contains("due to unknown client, no client authentication included"));
    }
    for (name, value, error) in [
        ("grant_type", "", "invalid_request"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("grant_type", "refresh_token", "unsupported_grant_type"),
        ("code", "", "invalid_request"),
    ] {
        let reply = client.token(&but(&good, name, value));
        expect(&reply, &running, 400, error, "");
    }
    let basic = BASE64.encode(format!("{}:{}", client.id, client.secret).as_bytes());
    let headers = [
        format!("Authorization: Basic {basic}"),
        "Content-Type: application/x-www-form-urlencoded".to_owned(),
    ];
    let pairs = but(&but(&good, "client_secret", ""), "client_id", "");
    let body = encoded(&pairs);
    let reply = running.ask_at(SOCIAL, "POST /oauth/token", &headers, body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn parameters_stand_in_a_form_and_once() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let code = client.code("ada");
    let good = client.exchanged(&code);
    let query = format!("POST /oauth/token?{}", encoded(&good));
    let reply = running.ask_at(SOCIAL, &query, &[], b"");
    expect(&reply, &running, 400, "invalid_request", "in the body");
    let json_type = ["Content-Type: application/json".to_owned()];
    let reply = running.ask_at(SOCIAL, "POST /oauth/token", &json_type, b"{}");
    expect(&reply, &running, 400, "invalid_request", "application/json");
    let twice = [good.clone(), vec![("code", "x")]].concat();
    expect(
        &client.token(&twice),
        &running,
        400,
        "invalid_request",
        "twice",
    );
    assert_eq!(client.token(&good).status, 200);
}

#[test]
fn mastodon_gives_the_same_token_again() {
    let running = Running::serving(&["a.example=mastodon-4.2", "b.example=gotosocial"]);
    for (host, is_same) in [("a.example", true), ("b.example", false)] {
        let client = Client::register(&running, host, SCOPES);
        let first = client.sign_in("ada");
        let again = client.sign_in("ada");
        assert_eq!(first["access_token"] == again["access_token"], is_same);
        assert_ne!(
            client.sign_in("grace")["access_token"],
            again["access_token"]
        );
        let token = first["access_token"].as_str().unwrap();
        assert_eq!(client.revoke(token).status, 200);
        let new = client.sign_in("ada");
        assert_ne!(new["access_token"], token);
    }
}

#[test]
fn a_token_is_refreshed_once() {
    for (kind, scopes, status, error) in [
        ("pleroma", SCOPES, 400, "Invalid credentials"),
        ("pixelfed", "read write", 401, "invalid_request"),
    ] {
        let running = Running::serving(&[&format!("{SOCIAL}={kind}")]);
        let client = Client::register(&running, SOCIAL, scopes);
        let first = client.sign_in("ada");
        let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
        running.wait(first["expires_in"].as_i64().unwrap());
        let reply = client.verify(&text(&first, "access_token"));
        assert_ne!(reply.status, 200, "{kind}");
        let refresh = text(&first, "refresh_token");
        let other = Client::register(&running, SOCIAL, scopes);
        expect(
            &other.refresh(&refresh),
            &running,
            status,
            error,
            "another app",
        );
        let reply = client.refresh(&refresh);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let new = reply.json();
        assert_eq!(client.verify(&text(&new, "access_token")).status, 200);
        expect(
            &client.refresh(&refresh),
            &running,
            status,
            error,
            "used before",
        );
        assert_eq!(client.refresh(&text(&new, "refresh_token")).status, 200);
        let old = client.verify(&text(&new, "access_token"));
        assert_ne!(old.status, 200, "a refreshed token ends");
    }
}

#[test]
fn a_token_is_revoked_by_its_app_alone() {
    let running = Running::serving(&["social.example=mastodon-4.3", "p.example=pixelfed"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let other = Client::register(&running, SOCIAL, SCOPES);
    let answer = client.sign_in("ada");
    let token = answer["access_token"].as_str().unwrap();
    expect(
        &other.revoke(token),
        &running,
        403,
        "unauthorized_client",
        "another app",
    );
    expect(
        &client.revoke(""),
        &running,
        403,
        "unauthorized_client",
        "token",
    );
    assert_eq!(client.verify(token).status, 200);
    for _ in 0..2 {
        let reply = client.revoke(token);
        assert_eq!((reply.status, reply.json()), (200, json!({})));
    }
    assert_eq!(client.revoke("unknown").status, 200);
    let reply = client.verify(token);
    expect(
        &reply,
        &running,
        401,
        "The access token was revoked",
        "revoked",
    );
    let pixelfed = Client::register(&running, "p.example", "read write");
    assert_eq!(pixelfed.revoke("any").status, 404);
}

#[test]
fn a_code_of_one_server_is_worth_nothing_on_another() {
    let running = Running::serving(&["a.example=mastodon-4.3", "b.example=mastodon-4.3"]);
    let one = Client::register(&running, "a.example", SCOPES);
    let other = Client::register(&running, "b.example", SCOPES);
    let code = one.code("ada");
    let reply = other.token(&other.exchanged(&code));
    expect(&reply, &running, 400, "invalid_grant", "no such code");
    let reply = other.token(&one.exchanged(&code));
    expect(&reply, &running, 401, "invalid_client", "no app");
    let answer = one.sign_in("ada");
    assert_eq!(
        other
            .verify(answer["access_token"].as_str().unwrap())
            .status,
        401
    );
}

#[test]
fn nothing_secret_is_recorded() {
    let running = Running::serving(&["social.example=pleroma"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let code = client.code("ada");
    let answer = client.token(&client.exchanged(&code)).json();
    client.refresh("a-wrong-refresh-token");
    client.verify("a-wrong-token");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let secrets = [
        client.secret.clone(),
        code,
        text("access_token"),
        text("refresh_token"),
        VERIFIER.to_owned(),
        STATE.to_owned(),
        "a-wrong-refresh-token".to_owned(),
        "a-wrong-token".to_owned(),
    ];
    let shown = [
        running.get("/simulator/received"),
        running.get("/simulator/mastodon/servers"),
        running.get("/"),
    ];
    for secret in secrets {
        for shown in &shown {
            assert!(!shown.text().contains(&secret), "{secret}");
        }
        assert!(!running.lines().contains(&secret), "{secret}");
    }
}
