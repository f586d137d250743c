//! From what a person types to a session, and everything that servers may try on the way.

use super::*;
use crate::network::bluesky::oauth::details::Details;
use crate::network::bluesky::oauth::discovery::Facts;
use crate::network::bluesky::{BLUESKY_DIRECTORY, BLUESKY_DNS};
use crate::network::testing::now;
use crate::ports::SendError;
use chrono::TimeDelta;

#[test]
fn a_handle_leads_to_the_authorization_server_of_its_account() {
    let (found, sent) = find("@alice.net", found_by_handle());
    let found = found.unwrap();
    assert_eq!(found.url, ISSUER);
    let facts = Facts::of(&found).unwrap();
    assert_eq!(facts.did.as_deref(), Some(DID));
    assert_eq!(facts.hint.as_deref(), Some("alice.net"));
    assert_eq!(facts.token_endpoint, "https://entry.alice.net/oauth/token");
    let expected = [
        "cloudflare-dns.com",
        "plc.directory",
        "pds.alice.net",
        "entry.alice.net",
    ];
    assert_eq!(hosts(&sent), expected);
}

#[test]
fn where_accounts_are_looked_up_is_what_the_operator_has_set_or_nobody_is_asked() {
    let find_with = |name, text: &str, steps| {
        let mut service = service();
        service.variables.insert(name, text.to_owned());
        let script = Script::new(steps);
        let found = block_on(discovery::find("@alice.net", context(&service, &script)));
        (found, script.sent())
    };
    for (name, place, host) in [
        (BLUESKY_DNS.name, 0, "dns.example"),
        (BLUESKY_DIRECTORY.name, 1, "plc.example"),
    ] {
        let (found, sent) = find_with(name, &format!("HTTPS://{host}/"), found_by_handle());
        found.unwrap();
        assert_eq!(hosts(&sent)[place], host);
        for mistyped in [
            "http://plc.example",
            "https://plc.example/did",
            "plc,example",
        ] {
            let (found, _) = find_with(name, mistyped, Vec::new());
            let error = shown(&found.unwrap_err());
            assert!(error.contains("Only the operator"), "{error}");
            assert!(error.contains(name), "{error}");
        }
    }
}

#[test]
fn a_did_needs_no_handle() {
    let steps = found_by_handle().split_off(1);
    let facts = Facts::of(&find(DID, steps).0.unwrap()).unwrap();
    assert_eq!(facts.hint.as_deref(), Some("alice.net"));
}

#[test]
fn a_server_may_be_typed_that_has_accounts_or_signs_them_in() {
    // A server that has accounts.
    let steps = vec![
        (RESOURCE, resource(PDS, ISSUER)),
        (METADATA, ok(metadata(ISSUER))),
    ];
    let (found, _) = find("https://pds.alice.net:443/", steps);
    let found = found.unwrap();
    assert_eq!(found.url, ISSUER);
    let facts = Facts::of(&found).unwrap();
    assert_eq!((facts.did, facts.hint), (None, None));
    // One that signs them in, and looks like a handle.
    let steps = vec![
        (
            "GET /dns-query?name=_atproto.entry.alice.net&type=TXT",
            ok(json!({ "Status": 3 })),
        ),
        (WEB, Ok(reply(404, &[], ""))),
        (RESOURCE, Ok(reply(404, &[], ""))),
        (METADATA, ok(metadata(ISSUER))),
    ];
    assert_eq!(find("entry.alice.net", steps).0.unwrap().url, ISSUER);
}

/// The account that a found server may not sign in another than, and the hint that the server gets.
fn named_in(server: &Server) -> (Option<String>, Option<String>) {
    let facts = Facts::of(server).unwrap();
    (facts.did, facts.hint)
}

#[test]
fn a_server_whose_name_is_a_handle_signs_in_all_its_accounts() {
    // As its address, it is the server, and nobody looks for an account.
    let steps = vec![
        (RESOURCE, resource(ISSUER, ISSUER)),
        (METADATA, ok(metadata(ISSUER))),
    ];
    let address = find("https://entry.alice.net/", steps).0.unwrap();
    // As its bare name, it may be the account, or any other on the account's server.
    let handle = "entry.alice.net";
    let steps = |pds| {
        vec![
            (
                "GET /dns-query?name=_atproto.entry.alice.net&type=TXT",
                named(DID),
            ),
            (PLC, document(handle, pds)),
            (RESOURCE, resource(pds, ISSUER)),
            (METADATA, ok(metadata(ISSUER))),
        ]
    };
    let of_issuer = find(handle, steps(PDS)).0.unwrap();
    let of_pds = find(handle, steps(ISSUER)).0.unwrap();
    for server in [address, of_issuer, of_pds] {
        assert_eq!(server.url, ISSUER);
        assert_eq!(named_in(&server), (None, None));
        let begun = begin_at(&server, vec![(PAR, pushed())]);
        let mut other = granted();
        other["sub"] = OTHER_DID.into();
        let mut theirs: Value =
            serde_json::from_slice(document("bob.net", PDS).unwrap().body()).unwrap();
        theirs["id"] = OTHER_DID.into();
        let steps = vec![
            (TOKEN, with_nonce(200, &other)),
            ("GET /did:plc:ewvi7nxzyoun6zhxrhs64oiz", ok(theirs)),
            (RESOURCE, resource(PDS, ISSUER)),
            (
                "GET /dns-query?name=_atproto.bob.net&type=TXT",
                named(OTHER_DID),
            ),
        ];
        let (opened, _) = open_as(&begun, Some(ISSUER), steps);
        assert_eq!(opened.unwrap().name, "@bob.net");
    }
    // With an `@` it is the handle alone.
    let server = find("@entry.alice.net", steps(PDS)).0.unwrap();
    assert_eq!(named_in(&server).0.as_deref(), Some(DID));
}

#[test]
fn a_handle_signs_in_no_other_account_however_it_is_typed() {
    let missing = || Ok(reply(404, &[], "Not Found"));
    let no_server = vec![(RESOURCE, missing()), (METADATA, missing())];
    let elsewhere = vec![(RESOURCE, resource(PDS, ISSUER))];
    for (typed, mut steps) in [
        ("@alice.net", Vec::new()),
        ("alice.net", Vec::new()),
        ("at://alice.net", Vec::new()),
        ("https://alice.net/", no_server),
        // The host of a handle that answers for the server of the account.
        ("https://alice.net/", elsewhere),
        (
            "https://alice.net/",
            vec![(RESOURCE, Err(SendError::Timeout))],
        ),
    ] {
        steps.extend(found_by_handle());
        let server = find(typed, steps).0.unwrap();
        let hint = Some("alice.net".to_owned());
        assert_eq!(named_in(&server), (Some(DID.to_owned()), hint), "{typed}");
        let begun = begin_at(&server, vec![(PAR, pushed())]);
        let mut other = granted();
        other["sub"] = OTHER_DID.into();
        let steps = vec![
            (TOKEN, with_nonce(200, &other)),
            (REVOKE, with_nonce(200, &json!({}))),
        ];
        let error = open_as(&begun, Some(ISSUER), steps).0.unwrap_err();
        assert!(shown(&error).contains("another account"), "{error}");
    }
}

#[test]
fn the_address_of_bluesky_s_app_leads_to_the_server_of_its_people() {
    for typed in ["bsky.app", "https://bsky.app/", "https://bsky.social"] {
        let issuer = "https://bsky.social";
        let steps = vec![
            (RESOURCE, Ok(reply(404, &[], ""))),
            (METADATA, ok(metadata(issuer))),
        ];
        let (found, sent) = find(typed, steps);
        let found = found.unwrap();
        assert_eq!(found.url, issuer, "{typed}");
        assert_eq!(named_in(&found), (None, None));
        assert_eq!(hosts(&sent), ["bsky.social", "bsky.social"]);
    }
}

#[test]
fn what_leads_nowhere_is_told_as_what_it_was_most_likely_meant_as() {
    let missing = || Ok(reply(404, &[], "Not Found"));
    let steps = vec![
        (DNS, ok(json!({ "Status": 3 }))),
        (WEB, missing()),
        (RESOURCE, missing()),
        (METADATA, missing()),
    ];
    let error = find("alice.net", steps).0.unwrap_err();
    assert!(
        shown(&error).starts_with("No account has the handle alice.net"),
        "{error}"
    );
    let steps = vec![(RESOURCE, missing()), (METADATA, missing())];
    let error = find("https://alice.net:443", steps).0.unwrap_err();
    assert!(shown(&error).contains("lets no other programs"), "{error}");
    // A pause is kept for everyone.
    let limited = Ok(reply(429, &[("retry-after", "60")], ""));
    let steps = vec![
        (DNS, ok(json!({ "Status": 3 }))),
        (WEB, missing()),
        (RESOURCE, limited),
    ];
    let error = find("alice.net", steps).0.unwrap_err();
    let until = now() + TimeDelta::seconds(60);
    assert!(
        matches!(error, SignInError::Paused { until: at, .. } if at == until),
        "{error}"
    );
}

#[test]
fn an_account_has_to_name_the_handle_that_names_it() {
    let steps = vec![(DNS, named(DID)), (PLC, document("bob.net", PDS))];
    let error = find("@alice.net", steps).0.unwrap_err();
    assert!(shown(&error).contains("has another handle"), "{error}");
}

#[test]
fn nobody_is_asked_who_is_not_on_the_public_internet() {
    for address in [
        "http://pds.alice.net",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://localhost",
        "http://127.0.0.1:2583",
        "https://pds.local",
        "https://pds.internal",
        "https://user@pds.alice.net",
        "https://pds.alice.net:8443",
        "https://pds.alice.net/path",
        "https://icons.example",
        "ftp://pds.alice.net",
        "",
    ] {
        let steps = vec![(DNS, named(DID)), (PLC, document("alice.net", address))];
        let error = find("@alice.net", steps).0.unwrap_err();
        assert!(
            shown(&error).contains("no server that may be asked"),
            "{address}: {error}"
        );
        let mut steps = found_by_handle();
        steps.truncate(2);
        steps.push((RESOURCE, resource(PDS, address)));
        let error = find("@alice.net", steps).0.unwrap_err();
        assert!(
            shown(&error).contains("does not say which server"),
            "{address}: {error}"
        );
    }
    for did in [
        "did:web:10.0.0.1",
        "did:web:localhost%3A80",
        "did:web:pds.internal",
    ] {
        assert!(
            matches!(find(did, Vec::new()).0, Err(SignInError::Place(_))),
            "{did}"
        );
    }
}

#[test]
fn a_server_s_document_is_about_itself_and_names_one_authorization_server() {
    for document in [
        json!({ "resource": "https://other.net", "authorization_servers": [ISSUER] }),
        json!({ "authorization_servers": [ISSUER] }),
        json!({ "resource": PDS, "authorization_servers": [ISSUER, PDS] }),
        json!({ "resource": PDS, "authorization_servers": [] }),
        json!({ "resource": PDS, "authorization_servers": [null] }),
        json!({ "resource": PDS, "authorization_servers": format!("{ISSUER}/a") }),
        json!({ "resource": PDS, "authorization_servers": [format!("{ISSUER}/a")] }),
        json!({ "resource": PDS }),
    ] {
        let mut steps = found_by_handle();
        steps.truncate(2);
        steps.push((RESOURCE, ok(&document)));
        let error = find("@alice.net", steps).0.unwrap_err();
        assert!(
            shown(&error).contains("does not say which server"),
            "{document}: {error}"
        );
    }
}

/// What comes of a description of an authorization server.
fn described(metadata: &Value) -> Result<Server, SignInError> {
    let mut steps = found_by_handle();
    steps[3] = (METADATA, ok(metadata));
    find("@alice.net", steps).0
}

#[test]
fn a_description_that_lacks_what_the_specification_asks_for_is_not_used() {
    described(&metadata(ISSUER)).unwrap();
    let members: Vec<String> = metadata(ISSUER)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    for name in members {
        let mut other = metadata(ISSUER);
        other.as_object_mut().unwrap().remove(&name);
        // The only one that is optional.
        if name == "revocation_endpoint" {
            described(&other).unwrap();
            continue;
        }
        let error = described(&other).unwrap_err();
        assert!(
            shown(&error).contains(&name) || name == "issuer",
            "{name}: {error}"
        );
    }
    for (name, value) in [
        ("issuer", json!("https://other.net")),
        ("issuer", json!("https://entry.alice.net/")),
        (
            "authorization_response_iss_parameter_supported",
            json!(false),
        ),
        (
            "authorization_response_iss_parameter_supported",
            json!("true"),
        ),
        ("require_pushed_authorization_requests", json!(false)),
        ("client_id_metadata_document_supported", json!(null)),
        ("require_request_uri_registration", json!(false)),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(["ES256", "none"]),
        ),
        ("dpop_signing_alg_values_supported", json!(["RS256"])),
        (
            "authorization_endpoint",
            json!("http://entry.alice.net/oauth/authorize"),
        ),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        (
            "authorization_endpoint",
            json!("https://10.0.0.1/oauth/authorize"),
        ),
        ("token_endpoint", json!("https://other.net/oauth/token")),
        (
            "token_endpoint",
            json!("http://entry.alice.net/oauth/token"),
        ),
        (
            "token_endpoint",
            json!("https://entry.alice.net:8443/oauth/token"),
        ),
        (
            "token_endpoint",
            json!("https://169.254.169.254/oauth/token"),
        ),
        (
            "token_endpoint",
            json!("https://entry.alice.net@other.net/oauth/token"),
        ),
        ("token_endpoint", json!("/oauth/token")),
        (
            "pushed_authorization_request_endpoint",
            json!("https://other.net/oauth/par"),
        ),
        (
            "pushed_authorization_request_endpoint",
            json!("https://localhost/oauth/par"),
        ),
        (
            "revocation_endpoint",
            json!("https://other.net/oauth/revoke"),
        ),
        ("revocation_endpoint", json!(7)),
    ] {
        let mut other = metadata(ISSUER);
        other[name] = value.clone();
        let error = described(&other).unwrap_err();
        assert!(
            shown(&error).contains(name) || name == "issuer",
            "{name} {value}: {error}"
        );
    }
}

#[test]
fn huge_deep_and_redirected_documents_end_in_words() {
    let deep = "[".repeat(90_000);
    let elsewhere = [("location", "https://10.0.0.1/")];
    for answer in [
        ok(deep),
        ok("<html>"),
        Ok(reply(302, &elsewhere, "")),
        Ok(reply(204, &[], "")),
        Ok(reply(503, &[], "")),
        Err(SendError::Timeout),
        Err(SendError::TooLarge),
        Err(SendError::Connection("reset".to_owned())),
    ] {
        for (at, name) in [(2, RESOURCE), (3, METADATA)] {
            let mut steps = found_by_handle();
            steps.truncate(at);
            steps.push((name, answer.clone()));
            shown(&find("@alice.net", steps).0.unwrap_err());
        }
    }
}

#[test]
fn what_a_person_is_asked_is_pushed_and_the_browser_carries_a_reference() {
    let begun = begin(vec![(PAR, pushed())]);
    let expected = "https://entry.alice.net/oauth/authorize\
         ?client_id=https%3A%2F%2Ficons.example%2Foauth%2Fbluesky%2Fclient-metadata.json\
         &request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Areq-1";
    assert_eq!(begun.url.unwrap(), expected);
    let sent = &begun.sent[0];
    assert_eq!(sent.uri(), "https://entry.alice.net/oauth/par");
    for (name, value) in [
        ("response_type", "code"),
        ("redirect_uri", "https://icons.example/callback/bluesky"),
        (
            "scope",
            "atproto repo:app.bsky.actor.profile?action=create&action=update \
             repo:app.rotate-icon.frames blob:image/*",
        ),
        ("state", "STATE"),
        ("code_challenge_method", "S256"),
        ("login_hint", "alice.net"),
    ] {
        assert_eq!(member(sent, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(member(sent, "code_challenge").unwrap().len(), 43);
    assert_eq!(proof(sent)["htm"], "POST");
    let all = format!(
        "{:?}{}",
        sent.headers(),
        String::from_utf8_lossy(sent.body())
    );
    assert!(!all.contains(VERIFIER));
}

#[test]
fn a_server_without_narrow_scopes_is_asked_for_the_broad_one_once() {
    const GENERIC: &str = "https://icons.example/oauth/bluesky/generic/client-metadata.json";

    let is_generic = |request: &Request<Vec<u8>>, key: &ClientKey| {
        assert_eq!(member(request, "client_id").as_deref(), Some(GENERIC));
        assert_eq!(assertion(request, key)["iss"], GENERIC);
    };
    for error in ["invalid_scope", "invalid_client_metadata"] {
        let begun = begin(vec![(PAR, refusal(400, error)), (PAR, pushed())]);
        let url = begun.url.as_ref().unwrap();
        assert!(url.contains("bluesky%2Fgeneric%2Fclient-metadata"), "{url}");
        let sent = &begun.sent[1];
        is_generic(sent, &begun.key);
        let scope = member(sent, "scope");
        assert_eq!(scope.as_deref(), Some("atproto transition:generic"));
        // Whoever signs in so stays with that application.
        let mut broad = granted();
        broad["scope"] = "atproto transition:generic".into();
        let mut steps = vec![(TOKEN, with_nonce(200, &broad))];
        steps.extend(confirmed());
        let (opened, sent) = open_as(&begun, Some(ISSUER), steps);
        is_generic(&sent[0], &begun.key);
        let connection = opened.unwrap();
        assert_eq!(connection.app.client_id, GENERIC);
        let script = Script::new(vec![
            (TOKEN, with_nonce(200, &broad)),
            (REVOKE, with_nonce(200, &json!({}))),
        ]);
        script.now.set(now() + TimeDelta::hours(1));
        let service = service();
        let context = context(&service, &script);
        let refreshed = block_on(session::refresh(&connection, context)).unwrap();
        assert_eq!(refreshed.app.client_id, GENERIC);
        block_on(session::revoke(&refreshed, context)).unwrap();
        for request in script.sent() {
            is_generic(&request, &begun.key);
        }
        let twice = vec![(PAR, refusal(400, error)), (PAR, refusal(400, error))];
        shown(&begin(twice).url.unwrap_err());
    }
}

#[test]
fn references_that_are_none_send_nobody_anywhere() {
    let long = format!("{REFERENCE}{}", "x".repeat(1_000));
    for reference in [
        json!("https://other.net/request.jwt"),
        json!("urn:ietf:params:oauth:request_uri:"),
        json!("urn:ietf:params:oauth:request_uri:a b"),
        json!("urn:ietf:params:oauth:request_uri:a\r\nlocation: b"),
        json!(long),
        json!(null),
        json!([REFERENCE]),
    ] {
        let answer = with_nonce(201, &json!({ "request_uri": reference }));
        let error = begin(vec![(PAR, answer)]).url.unwrap_err();
        assert!(
            shown(&error).contains("without saying how it goes on"),
            "{reference}"
        );
    }
    // What it may hold cannot become another parameter.
    let answer = json!({ "request_uri": "urn:ietf:params:oauth:request_uri:a&client_id=b#c" });
    let url = begin(vec![(PAR, with_nonce(201, &answer))]).url.unwrap();
    assert!(
        url.ends_with("request_uri%3Aa%26client_id%3Db%23c"),
        "{url}"
    );
}

#[test]
fn why_a_server_does_not_show_its_page_is_told() {
    for (answer, part) in [
        (
            refusal(400, "invalid_client"),
            "does not accept this service",
        ),
        (
            refusal(400, "unauthorized_client"),
            "does not accept this service",
        ),
        (refusal(400, "invalid_request"), "Because"),
        (refusal(503, "down"), "Try again later"),
        (Ok(reply(403, &[], "<html>")), "with a web page"),
        (Err(SendError::Timeout), "did not answer within 10 s"),
    ] {
        let error = begin(vec![(PAR, answer)]).url.unwrap_err();
        assert!(matches!(error, SignInError::Server(_)), "{error:?}");
        assert!(shown(&error).contains(part), "{error}");
    }
    let neither = ["invalid_client_metadata"; 2].map(|error| (PAR, refusal(400, error)));
    let error = begin(neither.into()).url.unwrap_err();
    assert!(shown(&error).contains("does not accept this service"));
    let endless = vec![(PAR, asks_for("a")), (PAR, asks_for("b"))];
    shown(&begin(endless).url.unwrap_err());
    let limited = Ok(reply(429, &[("ratelimit-reset", "1795314300")], ""));
    let error = begin(vec![(PAR, limited)]).url.unwrap_err();
    let SignInError::Paused { server, until } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (server.as_str(), until.timestamp()),
        ("entry.alice.net", 1_795_314_300)
    );
}

#[test]
fn a_code_opens_a_session_of_the_account() {
    let begun = begin(vec![(PAR, pushed())]);
    let mut steps = vec![(TOKEN, with_nonce(200, &granted()))];
    steps.extend(confirmed());
    let (opened, sent) = open_as(&begun, Some(ISSUER), steps);
    let connection = opened.unwrap();
    assert_eq!(connection.network, "bluesky");
    assert_eq!(connection.subject, DID);
    assert_eq!(connection.name, "@alice.net");
    assert_eq!(connection.app.server, ISSUER);
    assert_eq!(connection.tokens.access.expose(), ACCESS);
    assert_eq!(
        connection.tokens.refresh.as_ref().unwrap().expose(),
        REFRESH
    );
    let expires_at = now() + TimeDelta::seconds(3_599);
    assert_eq!(connection.tokens.expires_at, Some(expires_at));
    let details = Details::of(&connection).unwrap();
    assert_eq!(details.pds.to_string(), PDS);
    assert_eq!(details.client_key.unwrap().id, "key-1");
    assert_eq!((details.checked_at, details.news), (now(), None));

    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
        ("redirect_uri", "https://icons.example/callback/bluesky"),
    ] {
        assert_eq!(member(&sent[0], name).as_deref(), Some(value), "{name}");
    }
    assertion(&sent[0], &begun.key);
    // The session's key is the one that the request was pushed with, and the server's nonce is
    // known from then.
    let key = |request| verified(header(request, "dpop").unwrap(), None).0["jwk"].clone();
    assert_eq!(key(&sent[0]), key(&begun.sent[0]));
    assert_eq!(proof(&sent[0])["nonce"], "nonce-1");
    assert!(sent[1..].iter().all(|request| request.method() == "GET"));
}

#[test]
fn a_nonce_that_is_too_old_costs_one_request_more() {
    let mut steps = vec![
        (TOKEN, asks_for("new")),
        (TOKEN, with_nonce(200, &granted())),
    ];
    steps.extend(confirmed());
    let (opened, sent) = open(steps);
    opened.unwrap();
    assert_eq!(proof(&sent[1])["nonce"], "new");
    let endless = vec![(TOKEN, asks_for("a")), (TOKEN, asks_for("b"))];
    let error = open(endless).0.unwrap_err();
    assert!(matches!(error, SignInError::Failed(_)), "{error:?}");
}

#[test]
fn an_answer_of_another_server_is_sent_to_nobody() {
    let begun = begin(vec![(PAR, pushed())]);
    for issuer in [
        None,
        Some("https://other.net"),
        Some("https://entry.alice.net/"),
        Some(""),
    ] {
        let error = open_as(&begun, issuer, Vec::new()).0.unwrap_err();
        assert!(
            shown(&error).contains("is not from entry.alice.net"),
            "{error}"
        );
    }
    let begun = Begun {
        kept: Some(Secret::new("{}")),
        ..begun
    };
    let error = open_as(&begun, Some(ISSUER), Vec::new()).0.unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
}

/// What comes of tokens that are not used: the session is ended.
fn not_used(granted: &Value, steps: Vec<Step>) -> SignInError {
    let mut all = vec![(TOKEN, with_nonce(200, granted))];
    all.extend(steps);
    all.push((REVOKE, with_nonce(200, &json!({}))));
    let (opened, sent) = open(all);
    let revoked = sent.last().unwrap();
    assert_eq!(member(revoked, "token").as_deref(), Some(REFRESH));
    let error = opened.unwrap_err();
    shown(&error);
    error
}

#[test]
fn a_server_signs_in_nobody_but_its_own_accounts() {
    // The account is at another authorization server.
    let steps = vec![
        (PLC, document("alice.net", "https://pds.other.net")),
        (
            RESOURCE,
            resource("https://pds.other.net", "https://other.net"),
        ),
    ];
    let error = not_used(&granted(), steps);
    assert!(
        error.to_string().contains("which other.net signs in"),
        "{error}"
    );
    // It says that it is somebody else's whom the person has not named.
    let mut other = granted();
    other["sub"] = OTHER_DID.into();
    let error = not_used(&other, Vec::new());
    assert!(error.to_string().contains("another account"), "{error}");
    // Nobody can say.
    let error = not_used(&granted(), vec![(PLC, Err(SendError::Timeout))]);
    assert!(matches!(error, SignInError::Server(_)), "{error:?}");
    let error = not_used(&granted(), vec![(PLC, Ok(reply(404, &[], "")))]);
    assert!(matches!(error, SignInError::Place(_)), "{error:?}");
}

#[test]
fn without_a_handle_the_account_is_the_one_that_the_server_names() {
    let steps = vec![
        (RESOURCE, resource(ISSUER, ISSUER)),
        (METADATA, ok(metadata(ISSUER))),
    ];
    let server = find("https://entry.alice.net:443", steps).0.unwrap();
    let begun = begin_at(&server, vec![(PAR, pushed())]);
    assert_eq!(member(&begun.sent[0], "login_hint"), None);
    let mut steps = vec![(TOKEN, with_nonce(200, &granted()))];
    steps.extend(confirmed());
    let connection = open_as(&begun, Some(ISSUER), steps).0.unwrap();
    assert_eq!(connection.subject, DID);
    // It cannot name one of another server.
    let steps = vec![
        (TOKEN, with_nonce(200, &granted())),
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, "https://other.net")),
        (REVOKE, ok("{}")),
    ];
    let error = open_as(&begun, Some(ISSUER), steps).0.unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
}

#[test]
fn a_handle_that_does_not_name_the_account_is_not_shown() {
    for (dns, web) in [
        (named(OTHER_DID), None),
        (ok(json!({ "Status": 3 })), Some(Ok(reply(404, &[], "")))),
        (ok(json!({ "Status": 2 })), Some(Err(SendError::Timeout))),
    ] {
        let mut steps = vec![(TOKEN, with_nonce(200, &granted()))];
        steps.extend(confirmed());
        steps[3].1 = dns;
        steps.extend(web.map(|web| (WEB, web)));
        assert_eq!(open(steps).0.unwrap().name, DID);
    }
    let mut steps = vec![(TOKEN, with_nonce(200, &granted()))];
    steps.extend(confirmed());
    steps.truncate(3);
    steps[1].1 = document("<b>not.a handle", PDS);
    assert_eq!(open(steps).0.unwrap().name, DID);
}

#[test]
fn tokens_that_do_not_let_the_picture_be_changed_are_not_used() {
    for scope in ["atproto", "transition:generic", "atproto blob:image/*", ""] {
        let mut narrow = granted();
        narrow["scope"] = scope.into();
        let error = not_used(&narrow, Vec::new());
        let told = error.to_string();
        for part in ["allow it to", "ask who runs it to update it"] {
            assert!(told.contains(part), "{scope}: {told}");
        }
    }
    let mut broad = granted();
    broad["scope"] = "atproto transition:generic".into();
    let mut steps = vec![(TOKEN, with_nonce(200, &broad))];
    steps.extend(confirmed());
    let scopes = open(steps).0.unwrap().app.scopes;
    assert_eq!(scopes, "atproto transition:generic");
}

#[test]
fn an_answer_that_is_no_grant_is_none() {
    for (name, value) in [
        ("access_token", json!(null)),
        ("access_token", json!("a b")),
        ("access_token", json!("x".repeat(10_000))),
        ("token_type", json!("Bearer")),
        ("token_type", json!(null)),
        ("sub", json!(null)),
        ("sub", json!("did:key:abc")),
        ("sub", json!("did:web:10.0.0.1")),
        ("scope", json!(null)),
        ("scope", json!("atproto\r\n")),
    ] {
        let mut other = granted();
        other[name] = value.clone();
        let error = open(vec![(TOKEN, with_nonce(200, &other))]).0.unwrap_err();
        assert!(
            matches!(error, SignInError::Failed(_)),
            "{name} {value}: {error:?}"
        );
        shown(&error);
    }
}

#[test]
fn when_a_token_expires_is_believed_within_reason() {
    for (value, seconds) in [
        (json!(900), 900),
        (json!(null), 300),
        (json!(-5), 300),
        (json!("soon"), 300),
        (json!(u64::MAX), 86_400),
    ] {
        let mut other = granted();
        other["expires_in"] = value;
        let mut steps = vec![(TOKEN, with_nonce(200, &other))];
        steps.extend(confirmed());
        let tokens = open(steps).0.unwrap().tokens;
        assert_eq!(tokens.expires_at, Some(now() + TimeDelta::seconds(seconds)));
    }
}

#[test]
fn a_code_that_is_refused_is_told_and_a_server_s_words_tell_no_secret() {
    for (answer, part) in [
        (refusal(400, "invalid_grant"), "Sign in again."),
        (refusal(400, "invalid_client"), "key of this service"),
        (
            Ok(reply(
                400,
                &[],
                json!({ "error": "invalid_grant", "error_description": format!("{CODE} {VERIFIER}") })
                    .to_string(),
            )),
            "(hidden)",
        ),
    ] {
        let error = open(vec![(TOKEN, answer)]).0.unwrap_err();
        assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
        assert!(shown(&error).contains(part), "{error}");
    }
    let error = open(vec![(TOKEN, refusal(401, "invalid_dpop_proof"))]).0;
    assert!(matches!(error.unwrap_err(), SignInError::Failed(_)));
    for answer in [
        refusal(400, "invalid_client_metadata"),
        refusal(500, "server_error"),
        Ok(reply(403, &[], "<html>")),
        Ok(reply(302, &[("location", "https://10.0.0.1/")], "")),
    ] {
        let error = open(vec![(TOKEN, answer)]).0.unwrap_err();
        assert!(matches!(error, SignInError::Server(_)), "{error:?}");
        shown(&error);
    }
}
