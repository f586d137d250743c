//! Sessions that go on, accounts that change meanwhile, and the end of sessions.

use super::*;
use crate::network::bluesky::oauth::details::Details;
use crate::network::testing::now;
use crate::ports::SendError;
use chrono::TimeDelta;

const NEW: &str = "ref-NEWNEWNEWNEWNEWNEWNEW";

fn renewed() -> Reply {
    let mut body = granted();
    body["access_token"] = "NEWACCESS.NEWACCESS.NEWACCESS".into();
    body["refresh_token"] = NEW.into();
    with_nonce(200, &body)
}

/// Refreshes a session some time after it was opened.
fn refresh_after(
    age: TimeDelta,
    steps: Vec<Step>,
) -> (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>) {
    let (service, script) = (service(), Script::new(steps));
    script.now.set(now() + age);
    let connection = connection();
    let refreshed = block_on(session::refresh(&connection, context(&service, &script)));
    (refreshed, script.sent())
}

fn refresh(steps: Vec<Step>) -> (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>) {
    refresh_after(TimeDelta::hours(1), steps)
}

/// Refreshes a session after its account has to be looked up again.
fn refresh_next_day(steps: Vec<Step>) -> (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>) {
    refresh_after(TimeDelta::hours(25), steps)
}

#[test]
fn an_operator_s_mistake_about_lookups_ends_no_session() {
    let mut service = service();
    let name = crate::network::bluesky::BLUESKY_DIRECTORY.name;
    service
        .variables
        .insert(name, "http://plc.example".to_owned());
    let script = Script::new(vec![(TOKEN, renewed())]);
    script.now.set(now() + TimeDelta::hours(25));
    let connection = connection();
    let refreshed = block_on(session::refresh(&connection, context(&service, &script)));
    assert_eq!(refreshed.unwrap().name, "@alice.net");
    script.sent();
}

#[test]
fn a_refresh_token_is_sent_once_and_replaced() {
    let (refreshed, sent) = refresh(vec![(TOKEN, renewed())]);
    let connection = refreshed.unwrap();
    assert_eq!(connection.tokens.refresh.as_ref().unwrap().expose(), NEW);
    let expires_at = now() + TimeDelta::seconds(3_600 + 3_599);
    assert_eq!(connection.tokens.expires_at, Some(expires_at));
    assert_eq!(connection.name, "@alice.net");
    assert_eq!(
        member(&sent[0], "grant_type").as_deref(),
        Some("refresh_token")
    );
    assert_eq!(member(&sent[0], "refresh_token").as_deref(), Some(REFRESH));
    let details = Details::of(&connection).unwrap();
    assertion(&sent[0], &details.client_key.unwrap());
    assert_eq!(proof(&sent[0]).get("ath"), None);
    // Where a nonce is asked for, the token was not looked at.
    let (refreshed, sent) = refresh(vec![(TOKEN, asks_for("n")), (TOKEN, renewed())]);
    refreshed.unwrap();
    assert_eq!(member(&sent[1], "refresh_token").as_deref(), Some(REFRESH));
}

#[test]
fn whatever_else_is_answered_it_is_not_sent_again() {
    // What says nothing of other sessions on the server.
    for answer in [
        Ok(reply(200, &[("dpop-nonce", "n")], "{}")),
        refusal(401, "invalid_dpop_proof"),
    ] {
        let error = refresh(vec![(TOKEN, answer)]).0.unwrap_err();
        assert!(matches!(error, SignInError::Failed(_)), "{error:?}");
        shown(&error);
    }
    for answer in [
        Err(SendError::Timeout),
        Err(SendError::Connection("reset".to_owned())),
        Ok(reply(503, &[("dpop-nonce", "n")], "")),
        refusal(400, "invalid_client_metadata"),
    ] {
        let error = refresh(vec![(TOKEN, answer)]).0.unwrap_err();
        assert!(matches!(error, SignInError::Server(_)), "{error:?}");
        shown(&error);
    }
    let endless = vec![(TOKEN, asks_for("a")), (TOKEN, asks_for("b"))];
    let error = refresh(endless).0.unwrap_err();
    assert!(matches!(error, SignInError::Failed(_)), "{error:?}");
    let error = refresh(vec![(TOKEN, Ok(reply(429, &[], "")))])
        .0
        .unwrap_err();
    assert!(matches!(error, SignInError::Paused { .. }), "{error:?}");
}

#[test]
fn a_session_that_is_over_is_told_and_where_its_account_is_by_now() {
    let still_there = vec![
        (TOKEN, refusal(400, "invalid_grant")),
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
    ];
    let error = refresh(still_there).0.unwrap_err();
    let told = "entry.alice.net has signed you out: the sign-in was revoked, or has expired.";
    assert_eq!(shown(&error), format!("{told} Sign in again."));
    let other = "https://pds.other.net";
    let moved = vec![
        (TOKEN, refusal(400, "invalid_grant")),
        (PLC, document("alice.net", other)),
        (RESOURCE, resource(other, "https://other.net")),
    ];
    let error = refresh(moved).0.unwrap_err();
    let told = "Your account has moved from entry.alice.net to pds.other.net.";
    assert!(shown(&error).starts_with(told), "{error}");
    let unknown = vec![
        (TOKEN, refusal(400, "invalid_client")),
        (PLC, Err(SendError::Timeout)),
    ];
    let error = refresh(unknown).0.unwrap_err();
    assert!(shown(&error).contains("no longer be published"), "{error}");
}

#[test]
fn a_service_with_another_address_asks_for_another_sign_in_and_no_server() {
    let script = Script::new(Vec::new());
    let mut service = service();
    service.public_url = "https://turning.example".to_owned();
    let refreshed = block_on(session::refresh(&connection(), context(&service, &script)));
    let error = refreshed.unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
    assert!(shown(&error).contains("another address now"), "{error}");
    assert!(shown(&error).ends_with("Sign in again."), "{error}");
    script.sent();
}

#[test]
fn a_document_that_a_server_cannot_use_for_a_day_ends_the_session() {
    // The token has ended an hour after it was given.
    let refresh_at = |hours| {
        let mut connection = connection();
        let mut details = Details::of(&connection).unwrap();
        details.checked_at = now() + TimeDelta::hours(hours);
        connection.details = Some(details.stored());
        let answer = refusal(400, "invalid_client_metadata");
        let still_there = vec![
            (TOKEN, answer),
            (PLC, document("alice.net", PDS)),
            (RESOURCE, resource(PDS, ISSUER)),
        ];
        let steps = still_there.into_iter().take(if hours < 25 { 1 } else { 3 });
        let (service, script) = (service(), Script::new(steps));
        script.now.set(now() + TimeDelta::hours(hours));
        let refreshed = block_on(session::refresh(&connection, context(&service, &script)));
        script.sent();
        refreshed.unwrap_err()
    };
    let error = refresh_at(24);
    assert!(matches!(error, SignInError::Server(_)), "{error:?}");
    let error = refresh_at(25);
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
    assert!(shown(&error).contains("Sign in again."), "{error}");
}

#[test]
fn tokens_for_another_account_are_not_used() {
    let mut other = granted();
    other["sub"] = OTHER_DID.into();
    let error = refresh(vec![(TOKEN, with_nonce(200, &other))])
        .0
        .unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
}

#[test]
fn once_a_day_the_account_is_looked_up() {
    let steps = vec![
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
        (TOKEN, renewed()),
    ];
    let details = Details::of(&refresh_next_day(steps).0.unwrap()).unwrap();
    assert_eq!(details.checked_at, now() + TimeDelta::hours(25));
    assert_eq!(details.news, None);
    // After a clock was set back, too.
    let steps = vec![
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
        (TOKEN, renewed()),
    ];
    refresh_after(TimeDelta::hours(-1), steps).0.unwrap();
}

#[test]
fn an_account_with_another_handle_is_called_by_that_and_it_is_told() {
    let bob = "GET /dns-query?name=_atproto.bob.net&type=TXT";
    let steps = |named| {
        vec![
            (PLC, document("Bob.net", PDS)),
            (RESOURCE, resource(PDS, ISSUER)),
            (bob, named),
        ]
    };
    let mut all = steps(named(DID));
    all.push((TOKEN, renewed()));
    let connection = refresh_next_day(all).0.unwrap();
    assert_eq!(connection.name, "@bob.net");
    let news = Details::of(&connection).unwrap().news.unwrap();
    assert_eq!(
        news,
        "Your account is called @bob.net now. It was @alice.net."
    );
    // A refresh before the next turn that tells the news does not lose them. They are of no use
    // once the account is looked up again.
    let again = |hours, steps| {
        let (service, script) = (service(), Script::new(steps));
        script.now.set(now() + TimeDelta::hours(hours));
        let again = block_on(session::refresh(&connection, context(&service, &script)));
        script.sent();
        Details::of(&again.unwrap()).unwrap().news
    };
    assert_eq!(again(26, vec![(TOKEN, renewed())]), Some(news));
    let next_day = vec![
        (PLC, document("bob.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
        (TOKEN, renewed()),
    ];
    assert_eq!(again(51, next_day), None);
    // A handle that names somebody else is not shown.
    let mut all = steps(named(OTHER_DID));
    all.push((TOKEN, renewed()));
    let connection = refresh_next_day(all).0.unwrap();
    assert_eq!(connection.name, DID);
    let news = Details::of(&connection).unwrap().news.unwrap();
    assert!(news.contains("@alice.net does not lead"), "{news}");
}

#[test]
fn an_account_that_has_moved_is_followed_as_far_as_its_session_goes() {
    let other = "https://pds.other.net";
    let within = vec![
        (PLC, document("alice.net", other)),
        (RESOURCE, resource(other, ISSUER)),
        (TOKEN, renewed()),
    ];
    let connection = refresh_next_day(within).0.unwrap();
    let details = Details::of(&connection).unwrap();
    assert_eq!(details.pds.to_string(), other);
    assert!(details.news.unwrap().contains("pds.other.net"));
    // No token goes to a server that does not sign the account in any more.
    let away = vec![
        (PLC, document("alice.net", other)),
        (RESOURCE, resource(other, "https://other.net")),
    ];
    let error = refresh_next_day(away).0.unwrap_err();
    assert!(
        shown(&error).contains("moved from entry.alice.net to pds.other.net"),
        "{error}"
    );
    // A token that is refused before its time may be refused for that.
    let at_once = vec![
        (PLC, document("alice.net", other)),
        (RESOURCE, resource(other, ISSUER)),
        (TOKEN, renewed()),
    ];
    let (refreshed, _) = refresh_after(TimeDelta::minutes(10), at_once);
    let details = Details::of(&refreshed.unwrap()).unwrap();
    assert_eq!(details.pds.to_string(), other);
}

#[test]
fn a_lookup_that_fails_keeps_nobody_from_going_on() {
    let bob = "GET /dns-query?name=_atproto.bob.net&type=TXT";
    for steps in [
        vec![(PLC, Err(SendError::Timeout))],
        vec![(PLC, Ok(reply(404, &[], "")))],
        vec![(PLC, ok("[".repeat(50_000)))],
        vec![(PLC, document("alice.net", "https://10.0.0.1"))],
        vec![
            (PLC, document("alice.net", PDS)),
            (RESOURCE, Ok(reply(503, &[], ""))),
        ],
        vec![
            (PLC, document("alice.net", PDS)),
            (RESOURCE, Ok(reply(404, &[], ""))),
        ],
        vec![
            (PLC, document("bob.net", PDS)),
            (RESOURCE, resource(PDS, ISSUER)),
            (bob, Err(SendError::Timeout)),
            (WEB, Err(SendError::Timeout)),
        ],
    ] {
        let mut steps = steps;
        steps.push((TOKEN, renewed()));
        let connection = refresh_next_day(steps).0.unwrap();
        assert_eq!(connection.name, "@alice.net");
        // The next refresh tries again.
        let details = Details::of(&connection).unwrap();
        assert_eq!((details.checked_at, details.news), (now(), None));
    }
}

#[test]
fn a_session_is_ended_by_its_refresh_token() {
    let service = service();
    let connection = connection();
    let end = |steps: Vec<Step>| {
        let script = Script::new(steps);
        let ended = block_on(session::revoke(&connection, context(&service, &script)));
        (ended, script.sent())
    };
    let (ended, sent) = end(vec![
        (REVOKE, asks_for("n")),
        (REVOKE, with_nonce(200, &json!({}))),
    ]);
    ended.unwrap();
    assert_eq!(sent[1].uri(), "https://entry.alice.net/oauth/revoke");
    assert_eq!(member(&sent[1], "token").as_deref(), Some(REFRESH));
    assert_eq!(proof(&sent[1])["nonce"], "n");
    for answer in [
        refusal(400, "invalid_request"),
        Ok(reply(404, &[], "")),
        Ok(reply(503, &[], "")),
        Err(SendError::Timeout),
    ] {
        let error = end(vec![(REVOKE, answer)]).0.unwrap_err();
        shown(&error);
    }
}

#[test]
fn details_that_cannot_be_read_any_more_are_told() {
    let (service, script) = (service(), Script::new(Vec::new()));
    let connection = Connection {
        details: Some(Secret::new("{}")),
        ..connection()
    };
    let error = block_on(session::refresh(&connection, context(&service, &script))).unwrap_err();
    assert!(shown(&error).contains("Sign in again."), "{error}");
    let error = block_on(session::revoke(&connection, context(&service, &script))).unwrap_err();
    assert!(matches!(error, SignInError::Refused(_)), "{error:?}");
    script.sent();
}
