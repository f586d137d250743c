//! How long a sign-in may take, with servers and a directory in memory.

use super::*;
use crate::network::testing::sign_in::P256;
use crate::testing::{Host, block_on, reply};

fn begun(host: &Host) -> Result<Begun, Failed> {
    let service = Service {
        public_url: "https://icons.test".to_owned(),
        ..Service::default()
    };
    let signing_in = SigningIn {
        host,
        signer: &P256,
        service: &service,
        limit: Limit::AtMost(10),
    };
    let wish = Wish {
        network: "mastodon",
        typed: "social.example",
        account: None,
        moves: false,
    };
    block_on(signing_in.begin(&wish))
}

/// A server on which people can sign in.
fn server(reply_time: TimeDelta) -> Host {
    let mut host = Host::new();
    host.reply_time = reply_time;
    host.reply = Ok(reply(404, &[], "{}"));
    let app = r#"{"client_id":"client","client_secret":"secret"}"#;
    host.answer("/api/v1/apps", Ok(reply(200, &[], app)));
    host.answer("/api/v1/apps/verify_credentials", Ok(reply(200, &[], "{}")));
    let instance = r#"{"domain":"social.example","version":"4.3.0"}"#;
    host.answer("/api/v2/instance", Ok(reply(200, &[], instance)));
    host.answer(
        "/oauth/token",
        Ok(reply(200, &[], r#"{"access_token":"t"}"#)),
    );
    host
}

#[test]
fn servers_that_are_slow_together_are_given_up() {
    let begun_quickly = begun(&server(TimeDelta::seconds(1))).unwrap();
    assert_eq!(begun_quickly.server, "https://social.example");
    let host = server(TimeDelta::seconds(9));
    let before = Clock::now(&host);
    let error = begun(&host).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The servers that have to be asked took longer than 25 s together. Try again later."
    );
    // The host in memory does not cut a reply off, so the last one may be late.
    let took = Clock::now(&host).signed_duration_since(before);
    assert!(took < TimeDelta::seconds(25 + 9), "{took}");
}
