//! What is signed, and nonces.

use super::*;
use crate::network::bluesky::oauth::dpop::{Dpop, Nonces};
use crate::network::testing::NOW;
use crate::ports::ReplyLimits;

const PUT: &str = "POST /xrpc/com.atproto.repo.putRecord?a=b";

/// The replies to requests of one session, and what was sent.
fn send(steps: Vec<Step>, requests: usize) -> (Vec<u16>, Vec<Request<Vec<u8>>>) {
    let script = Script::new(steps);
    let (key, nonces) = (client_key().private, Nonces::default());
    let dpop = Dpop {
        key: &key,
        signer: &P256,
        nonces: &nonces,
    };
    let token = Secret::new(ACCESS);
    let mut statuses = Vec::new();
    for _ in 0..requests {
        let url = format!("{PDS}/xrpc/com.atproto.repo.putRecord?a=b");
        let request = Request::post(url).body(b"{}".to_vec()).unwrap();
        let limits = ReplyLimits::OF_TURNS;
        let reply = block_on(dpop.send(request, Some(&token), &script, limits)).unwrap();
        statuses.push(reply.status().as_u16());
    }
    (statuses, script.sent())
}

#[allow(clippy::unnecessary_wraps)]
fn challenged(status: u16, nonce: &str) -> Reply {
    let challenge = r#"DPoP algs="ES256", error="use_dpop_nonce", error_description="Nonce""#;
    let headers = [("dpop-nonce", nonce), ("www-authenticate", challenge)];
    Ok(reply(status, &headers, "{}"))
}

#[test]
fn a_request_proves_the_possession_of_the_session_s_key() {
    let (_, sent) = send(vec![(PUT, ok("{}"))], 1);
    let claims = proof(&sent[0]);
    // RFC 9449, §4.2, and the SHA-256 of the token by Python's hashlib.
    let expected = json!({
        "jti": claims["jti"],
        "htm": "POST",
        "htu": "https://pds.alice.net/xrpc/com.atproto.repo.putRecord",
        "iat": NOW,
        "ath": "BbH3DwmNF7G21-D8d_5Yr5cpUfFZHl9aUwB7T4l7_cA",
    });
    assert_eq!(claims["jti"].as_str().unwrap().len(), 43);
    assert_eq!(claims, expected);
    let authorization = header(&sent[0], "authorization").unwrap();
    assert_eq!(authorization, format!("DPoP {ACCESS}"));
}

#[test]
fn a_nonce_that_is_asked_for_is_sent_once_and_kept_for_the_next_request() {
    let steps = vec![
        (PUT, challenged(401, "first")),
        (PUT, ok("{}")),
        (PUT, Ok(reply(200, &[("dpop-nonce", "second")], "{}"))),
        (PUT, ok("{}")),
    ];
    let (statuses, sent) = send(steps, 3);
    assert_eq!(statuses, [200, 200, 200]);
    let proofs: Vec<Value> = sent.iter().map(proof).collect();
    let nonces: Vec<Option<&str>> = proofs.iter().map(|one| one["nonce"].as_str()).collect();
    assert_eq!(nonces, [None, Some("first"), Some("first"), Some("second")]);
    // A proof that comes twice is refused.
    let mut ids: Vec<&Value> = proofs.iter().map(|one| &one["jti"]).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert_eq!(sent[0].body(), sent[1].body());
}

#[test]
fn nobody_is_asked_more_than_twice() {
    let steps = vec![(PUT, challenged(401, "a")), (PUT, challenged(401, "b"))];
    assert_eq!(send(steps, 1).0, [401]);
}

#[test]
fn what_does_not_ask_for_a_nonce_is_not_sent_again() {
    let long = "n".repeat(10_000);
    for answer in [
        challenged(403, "nonce"),
        challenged(200, "nonce"),
        challenged(401, &long),
        challenged(401, "no\"nonce"),
        Ok(reply(
            401,
            &[("dpop-nonce", "nonce")],
            r#"{"error":"invalid_token"}"#,
        )),
        Ok(reply(400, &[], r#"{"error":"use_dpop_nonce"}"#)),
        Ok(reply(400, &[("dpop-nonce", "nonce")], "[".repeat(50_000))),
    ] {
        send(vec![(PUT, answer)], 1);
    }
}

#[test]
fn each_form_says_which_application_it_is_from() {
    let steps = vec![(PAR, asks_for("n")), (PAR, pushed())];
    let begun = begin(steps);
    let id = "https://icons.example/oauth/bluesky/client-metadata.json";
    let mut ids = Vec::new();
    for request in &begun.sent {
        let claims = assertion(request, &begun.key);
        let expected = json!({
            "iss": id,
            "sub": id,
            "aud": ISSUER,
            "jti": claims["jti"],
            "iat": NOW - 10,
            "exp": NOW + 50,
        });
        assert_eq!(claims, expected);
        ids.push(claims["jti"].clone());
        assert_eq!(member(request, "client_id").as_deref(), Some(id));
        assert_eq!(
            member(request, "client_assertion_type").as_deref(),
            Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        );
    }
    // The server may have noted the first one.
    assert_ne!(ids[0], ids[1]);
    assert_eq!(proof(&begun.sent[1])["nonce"], "n");
    // With the key of the service, nobody could forge a proof, nor the other way round.
    let public = jose::PublicKey::of(&begun.key.private).unwrap().jwk();
    let (header, _) = verified(header(&begun.sent[0], "dpop").unwrap(), None);
    assert_ne!(header["jwk"], public);
}

#[test]
fn a_service_on_this_machine_signs_with_the_session_s_key_alone() {
    let service = Service {
        public_url: "http://127.0.0.1:8787".to_owned(),
        ..Service::default()
    };
    let issuer = "http://localhost:2583";
    let steps = vec![
        (RESOURCE, resource(issuer, issuer)),
        (METADATA, ok(metadata(issuer))),
        (PAR, pushed()),
    ];
    let script = Script::new(steps);
    let context = context(&service, &script);
    let server = block_on(discovery::find("localhost:2583", context)).unwrap();
    assert_eq!(server.url, issuer);
    let app = client::app(&server, &service);
    let request = AuthorizationRequest {
        server: &server,
        app: &app,
        key: None,
        state: "STATE",
        verifier: &Secret::new(VERIFIER),
    };
    let url = block_on(authorization::begin(request, context))
        .unwrap()
        .url;
    assert!(
        url.starts_with(
            "http://localhost:2583/oauth/authorize?client_id=http%3A%2F%2Flocalhost%3F"
        )
    );
    let sent = script.sent();
    assert_eq!(member(&sent[2], "client_assertion"), None);
    assert_eq!(proof(&sent[2])["htu"], format!("{issuer}/oauth/par"));
}
