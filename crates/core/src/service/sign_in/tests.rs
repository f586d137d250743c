//! How long a sign-in may take, and what becomes of an identity that is moved, with servers,
//! accounts and a directory in memory.

use std::rc::Rc;

use super::*;
use crate::account::account_store::AccountStore;
use crate::account::open::Memory;
use crate::account::testing::sign_in::{SIGN_IN, WITH_TOKENS_OF_ITS_OWN, connection};
use crate::network::testing::sign_in::P256;
use crate::service::testing::Person;
use crate::testing::{Host, block_on, frame_bytes, reply};

fn service() -> Service {
    Service {
        public_url: "https://icons.test".to_owned(),
        ..Service::default()
    }
}

fn signing_in<'a>(host: &'a Host, service: &'a Service) -> SigningIn<'a, Host> {
    SigningIn {
        host,
        signer: &P256,
        service,
        limit: Limit::AtMost(10),
    }
}

fn begun(host: &Host) -> Result<Begun, Failed> {
    let service = service();
    let signing_in = signing_in(host, &service);
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

/// Two accounts on a host. The first turns the identity `ada`.
struct Two {
    host: Host,
    first: AccountId,
    second: AccountId,
}

impl Two {
    fn new() -> Self {
        let host = Host::new();
        let [first, second] = [(); 2].map(|()| {
            let id = AccountId::random().unwrap();
            let mut person = Person {
                host: Host::new(),
                memory: Memory::default(),
            };
            let shown = Ok(reply(200, &[], frame_bytes(7)));
            person.host.answer("/shown", shown);
            let mut people = host.directory.people.borrow_mut();
            people.insert(id.clone(), Rc::new(person));
            id
        });
        let two = Self {
            host,
            first,
            second,
        };
        two.connect(&two.first, "one", false).unwrap();
        let start = Command::Start {
            without_picture: false,
        };
        let started = block_on(two.host.ask(&two.first, &start)).unwrap();
        assert!(matches!(started, Reply::Done { .. }), "{started:?}");
        two.sent_by(&two.first);
        two
    }

    /// Connects `ada` to an account, with a new token.
    fn connect(&self, to: &AccountId, token: &str, moves: bool) -> Result<Finished, Failed> {
        self.connect_on(&SIGN_IN, to, token, moves)
    }

    fn connect_on(
        &self,
        network: &dyn SignIn,
        to: &AccountId,
        token: &str,
        moves: bool,
    ) -> Result<Finished, Failed> {
        let service = service();
        let signing_in = signing_in(&self.host, &service);
        let granted = Granted::new(network, connection("ada", token, None));
        let now = Clock::now(&self.host);
        block_on(signing_in.take_in(&granted, Some(to), moves, now))
    }

    /// What the service itself has sent.
    fn sent(&self) -> Vec<String> {
        self.host.take_sent().iter().map(line).collect()
    }

    fn person(&self, of: &AccountId) -> Rc<Person> {
        self.host.directory.people.borrow()[of].clone()
    }

    /// What an account has sent: methods, paths and tokens.
    fn sent_by(&self, of: &AccountId) -> Vec<String> {
        self.person(of).host.take_sent().iter().map(line).collect()
    }

    fn pictures_of(&self, of: &AccountId) -> Vec<Vec<u8>> {
        let person = self.person(of);
        let pictures = person.host.ledger.pictures.borrow();
        pictures.values().cloned().collect()
    }

    fn connections_of(&self, of: &AccountId) -> Vec<StoredConnection> {
        let person = self.person(of);
        let stored = block_on(person.host.ledger.stored_account());
        stored.unwrap().connections
    }
}

fn line(request: &http::Request<Vec<u8>>) -> String {
    let target = request.uri().path_and_query().unwrap();
    format!("{} {target}", request.method())
}

#[test]
fn a_move_that_ends_anywhere_loses_nothing_and_is_made_again() {
    let mut ends = 0;
    loop {
        let two = Two::new();
        let picture = two.pictures_of(&two.first);
        assert_eq!(picture.len(), 1);
        two.host.directory.ends_after.set(Some(ends));
        let first_try = two.connect(&two.second, "two", true);
        two.host.directory.ends_after.set(None);
        if first_try.is_err() {
            let kept = [&two.first, &two.second].map(|of| two.pictures_of(of));
            assert!(kept.contains(&picture), "after {ends} steps");
            let again = two.connect(&two.second, "three", true).unwrap();
            assert_eq!(again, Finished::Connected);
        }

        assert_eq!(two.pictures_of(&two.second), picture, "after {ends} steps");
        let revoked = two.sent_by(&two.first);
        assert_eq!(revoked, ["POST /revoke?token=one"], "after {ends} steps");
        let [moved] = two.connections_of(&two.second).try_into().unwrap();
        assert_eq!(moved.before, Before::Picture);
        assert_eq!(moved.started_at, None);
        assert!(two.connections_of(&two.first).is_empty());
        assert!(two.pictures_of(&two.first).is_empty());
        let identity = identity_of(&connection("ada", "four", None));
        let nobody = AccountId::random().unwrap();
        let opened = two
            .host
            .sign_in(&identity, &nobody, Limit::Closed, two.host.now);
        let opened = block_on(opened).unwrap();
        assert_eq!(opened, SignedIn::Known(two.second.clone()));
        if first_try.is_ok() {
            break;
        }
        ends += 1;
    }
    assert!(ends >= 7, "{ends} steps");
}

#[test]
fn tokens_of_an_identity_that_stays_elsewhere_are_revoked_where_no_other_sign_in_has_them() {
    let two = Two::new();
    for (network, sent) in [
        (&SIGN_IN, [].as_slice()),
        (&WITH_TOKENS_OF_ITS_OWN, &["POST /revoke?token=two"]),
    ] {
        let taken = two.connect_on(network, &two.second, "two", false).unwrap();
        assert!(matches!(taken, Finished::Taken { .. }), "{taken:?}");
        assert_eq!(two.sent(), sent);
        assert!(two.sent_by(&two.first).is_empty());
    }
}

#[test]
fn tokens_that_an_account_does_not_take_are_revoked() {
    let two = Two::new();
    let second = two.person(&two.second);
    let connect = || two.connect_on(&WITH_TOKENS_OF_ITS_OWN, &two.second, "two", true);
    second.host.ledger.is_broken.set(true);
    let refused = connect().unwrap_err();
    assert!(matches!(refused, Failed::Account(_)), "{refused:?}");
    assert_eq!(two.sent(), ["POST /revoke?token=two"]);
    // The account before has lost nothing.
    assert_eq!(two.connections_of(&two.first).len(), 1);
    assert!(two.sent_by(&two.first).is_empty());

    // A reply that is lost says nothing of the tokens.
    second.host.ledger.is_broken.set(false);
    two.host.directory.ends_after.set(Some(4));
    let lost = connect().unwrap_err();
    assert!(matches!(lost, Failed::Unreachable(_)), "{lost:?}");
    assert_eq!(two.connections_of(&two.second).len(), 1);
    assert!(two.sent().is_empty());
}

#[test]
fn tokens_of_somebody_who_may_have_no_account_are_revoked() {
    let host = Host::new();
    let service = service();
    let closed = SigningIn {
        limit: Limit::Closed,
        ..signing_in(&host, &service)
    };
    let granted = Granted::new(&SIGN_IN, connection("eve", "one", None));
    let refused = block_on(closed.take_in(&granted, None, false, Clock::now(&host)));
    assert_eq!(refused, Err(Failed::Closed));
    assert_eq!(line(&host.take_only_sent()), "POST /revoke?token=one");
}
