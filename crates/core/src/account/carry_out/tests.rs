//! Commands on an account with a network that answers by statuses.

use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use serde_json::Value;

use crate::account::account_store::AccountStore;
use crate::account::commands::{AccountView, Command, ConnectionView, Reply, Source, Stage};
use crate::account::connections::stored_connection;
use crate::account::id::AccountId;
use crate::account::ledger::Ledger;
use crate::account::open::{Account, Memory};
use crate::account::state::AccountState;
use crate::account::stop::STOP;
use crate::account::stored_account::{Before, StoredAccount, StoredConnection};
use crate::account::testing::sign_in::{KEEPER, REMAINS, SERVER, connection};
use crate::frames::set::CURRENT_KEY;
use crate::network::SavedSession;
use crate::outcome::{Diagnosis, Reason};
use crate::testing::{Book, Host, KEYS, block_on, frame_bytes, frame_set, instant, reply};

const NETWORK: &str = "mastodon";

/// A person with an account.
struct Person {
    host: Host,
    id: AccountId,
    memory: Memory,
}

impl Person {
    /// A visitor with an icon of twelve frames, in Japan at 11:23:45. Their network shows a picture
    /// and says yes.
    fn visitor() -> Self {
        Self::new(AccountId::random().unwrap())
    }

    /// The owner, who has secrets for another network.
    fn owner() -> Self {
        let mut person = Self::new(AccountId::owner());
        let secrets = KEYS.map(|(name, value)| (name, value.to_owned()));
        person.host.variables.extend(secrets);
        person
    }

    fn new(id: AccountId) -> Self {
        let mut host = Host::new();
        host.answer("/shown", Ok(reply(200, &[], frame_bytes(7))));
        Self {
            host,
            id,
            memory: Memory::default(),
        }
    }

    fn account(&self) -> Account<'_, Host, Book> {
        Account {
            id: &self.id,
            host: &self.host,
            ledger: &self.host.ledger,
            memory: &self.memory,
        }
    }

    fn ask(&self, command: &Command) -> Reply {
        block_on(self.account().carry_out(command))
    }

    /// Has a command carried out, and returns the notes.
    fn have(&self, command: &Command) -> Vec<String> {
        match self.ask(command) {
            Reply::Done { notes } => notes,
            other => panic!("{command:?}: {other:?}"),
        }
    }

    fn refused(&self, command: &Command) -> Diagnosis {
        match self.ask(command) {
            Reply::Refused { diagnosis } => diagnosis,
            other => panic!("{command:?}: {other:?}"),
        }
    }

    fn view(&self) -> AccountView {
        match self.ask(&Command::Show) {
            Reply::Shown { view } => *view,
            other => panic!("{other:?}"),
        }
    }

    /// The only connection that the page shows.
    fn shown(&self) -> ConnectionView {
        let [shown] = self.view().connections.try_into().expect("one connection");
        shown
    }

    /// A sign-in, ready to be stored.
    fn signed_in(&self, subject: &str, access: &str, refresh: Option<&str>) -> StoredConnection {
        let connection = connection(subject, access, refresh);
        let stored = stored_connection(&connection, &self.id, self.host.now, &self.host);
        block_on(stored).unwrap()
    }

    /// An identity has moved to another account, which has this token.
    fn moved_away(&self, subject: &str, access: &str) -> Command {
        Command::Moved {
            new: self.signed_in(subject, access, None),
        }
    }

    fn connect(&self, subject: &str, access: &str) -> Vec<String> {
        let connection = self.signed_in(subject, access, None);
        self.have(&Command::Connect {
            connection,
            picture: None,
        })
    }

    fn start(&self) -> Vec<String> {
        self.have(&Command::Start {
            without_picture: false,
        })
    }

    /// The same person, whose icon turns.
    fn turning(self) -> Self {
        self.connect("ada", "one");
        self.start();
        self.host.take_sent();
        self
    }

    /// A person whose icon turns on a network that keeps frames, and holds the picture from before.
    fn keeper() -> Self {
        let mut person = Self::visitor();
        person.host.answer("/shown", Ok(reply(206, &[], "")));
        person.connect(KEEPER, "one");
        person.start();
        person.host.take_sent();
        person
    }

    fn stored(&self) -> StoredAccount {
        block_on(self.host.ledger.stored_account()).unwrap()
    }

    fn alarm(&self) -> Option<DateTime<Utc>> {
        self.host.ledger.wake_at.get()
    }

    /// Lets the alarms go off that are due at an instant.
    fn wake(&mut self, at: &str) {
        self.host.now = instant(at);
        self.host.ledger.wake_at.take();
        block_on(self.account().on_wake()).unwrap();
    }

    /// What was sent since the last call: methods and addresses.
    fn sent(&self) -> Vec<String> {
        let sent = self.host.take_sent();
        sent.iter().map(line).collect()
    }

    /// The host ends as it was when it sent its last request, and another one goes on.
    fn killed_while_sending(&mut self) {
        self.host.end_while_sending();
        self.memory = Memory::default();
    }
}

fn line(request: &Request<Vec<u8>>) -> String {
    let uri = request.uri().to_string();
    let path = uri.strip_prefix(SERVER).unwrap_or(&uri);
    format!("{} {path}", request.method())
}

fn put_back() -> Command {
    Command::PutBack {
        network: NETWORK.to_owned(),
    }
}

fn disconnect(put_back: bool) -> Command {
    Command::Disconnect {
        network: NETWORK.to_owned(),
        put_back,
    }
}

fn set(name: &str, text: &str) -> Command {
    Command::Set {
        settings: [(name.to_owned(), text.to_owned())].into(),
    }
}

const START: Command = Command::Start {
    without_picture: false,
};

#[test]
fn signing_in_is_no_consent_and_start_is() {
    let mut person = Person::visitor();
    person.connect("ada", "one");
    person.have(&set("TIME_ZONE", "Asia/Kolkata"));
    assert_eq!(person.view().stage, Stage::New);
    let diagnosis = person.refused(&Command::Turn);
    assert_eq!(diagnosis.message, "No network has been started.");
    person.have(&Command::CheckAlarm);
    person.wake("2026-11-22T03:30:00Z");
    assert_eq!(person.alarm(), None);
    assert!(person.sent().is_empty());

    let notes = person.start();
    assert_eq!(notes, ["Mastodon shows your icon as it is turned now."]);
    assert_eq!(
        person.sent(),
        ["GET /shown?token=one", "POST /avatar?token=one"]
    );
    let view = person.view();
    assert_eq!(view.stage, Stage::Turning);
    assert_eq!(view.next_turn, person.alarm());
    let shown = person.shown();
    assert!(shown.is_started && !shown.needs_sign_in);
    assert_eq!(shown.before, Before::Picture);
    assert_eq!(shown.frame, Some(9));
    assert_eq!(shown.name.as_deref(), Some("@ada@social.test"));

    // On the minute in their zone, and soon after.
    let alarm = person.alarm().unwrap();
    assert!(alarm >= instant("2026-11-22T04:30:00Z"));
    assert!(alarm < instant("2026-11-22T04:32:00Z"));
    person.wake("2026-11-22T04:32:00Z");
    assert_eq!(person.sent(), ["POST /avatar?token=one"]);
    assert_eq!(person.host.ledger.entries().len(), 2);
}

#[test]
fn a_start_waits_for_a_sign_in_and_a_picture() {
    let mut person = Person::visitor();
    let diagnosis = person.refused(&START);
    assert_eq!(diagnosis.message, "There is no network to start on.");
    person.connect("ada", "one");
    person.host.remove(CURRENT_KEY);
    let diagnosis = person.refused(&START);
    assert_eq!(diagnosis.reason, Reason::NoIcon);
    assert!(person.sent().is_empty());
    assert_eq!(person.view().stage, Stage::New);
}

#[test]
fn a_picture_that_cannot_be_kept_stops_the_start_until_the_person_goes_without() {
    let mut person = Person::visitor();
    person.connect("ada", "one");
    for body in [(500, vec![]), (200, b"no picture".to_vec())] {
        person.host.answer("/shown", Ok(reply(body.0, &[], body.1)));
        let Reply::PictureNotKept { diagnosis } = person.ask(&START) else {
            panic!("it was kept");
        };
        assert!(diagnosis.message.contains("could not be put back later"));
        assert!(diagnosis.remedy.contains("start without it"));
        assert_eq!(person.sent(), ["GET /shown?token=one"]);
        assert_eq!(person.view().stage, Stage::New);
    }
    person.have(&Command::Start {
        without_picture: true,
    });
    assert_eq!(person.view().stage, Stage::Turning);
    assert_eq!(person.shown().before, Before::Unknown);
    let diagnosis = person.refused(&put_back());
    assert!(
        diagnosis.message.ends_with("is not kept here."),
        "{diagnosis:?}"
    );
}

#[test]
fn a_start_that_is_broken_off_has_not_started_and_can_be_repeated() {
    let mut person = Person::visitor();
    person.connect("ada", "one");
    // As the picture is fetched.
    person.host.answer("/shown", Ok(reply(500, &[], "")));
    person.ask(&START);
    person.killed_while_sending();
    assert_eq!(person.view().stage, Stage::New);
    person
        .host
        .answer("/shown", Ok(reply(200, &[], frame_bytes(7))));

    // As the first frame is sent.
    person.start();
    person.killed_while_sending();
    assert_eq!(person.view().stage, Stage::Turning);
    assert_eq!(person.alarm(), Some(person.host.now), "no turn is left out");
    person.host.take_sent();
    person.start();
    assert_eq!(person.sent(), ["POST /avatar?token=one"]);
}

#[test]
fn the_picture_from_before_is_put_back_and_resuming_sends_a_frame_again() {
    let person = Person::visitor().turning();
    let before = person.host.ledger.pictures.borrow()[NETWORK].clone();
    assert!(before.starts_with(&[0xff, 0xd8]));

    let notes = person.have(&put_back());
    assert!(notes[0].contains("turning is paused"), "{notes:?}");
    let sent = person.host.take_only_sent();
    assert_eq!(line(&sent), "POST /avatar?token=one");
    assert_eq!(*sent.body(), before);
    assert_eq!(person.alarm(), None);
    assert_eq!(person.view().stage, Stage::Paused);
    assert_eq!(person.shown().frame, None);
    let diagnosis = person.refused(&Command::Turn);
    assert_eq!(diagnosis.message, "Turning is paused.");
    assert!(person.sent().is_empty());

    // In the slot that has had its turn.
    let notes = person.have(&Command::Resume);
    assert_eq!(notes, ["Mastodon shows your icon as it is turned now."]);
    let sent = person.host.take_only_sent();
    assert_eq!(*sent.body(), frame_bytes(11));
    assert!(person.alarm().is_some());
    let outcomes: Vec<_> = person.host.ledger.entries();
    let outcomes: Vec<_> = outcomes.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["turned", "put-back", "turned"]);
}

#[test]
fn a_default_picture_is_put_back_by_removing_ours() {
    let mut person = Person::visitor();
    person.host.answer("/shown", Ok(reply(204, &[], "")));
    let person = person.turning();
    assert_eq!(person.shown().before, Before::Default);
    person.have(&put_back());
    assert_eq!(person.sent(), ["DELETE /avatar?token=one"]);
}

#[test]
fn a_picture_that_is_refused_stays_kept_and_the_account_paused() {
    let mut person = Person::visitor().turning();
    person.host.answer("/avatar", Ok(reply(503, &[], "")));
    let diagnosis = person.refused(&put_back());
    assert_eq!(diagnosis.message, "It answered 503.");
    assert!(diagnosis.remedy.contains("paused"), "{diagnosis:?}");
    assert_eq!(person.view().stage, Stage::Paused);
    person.host.answer("/avatar", Ok(reply(200, &[], "")));
    person.have(&put_back());
}

#[test]
fn a_paused_account_sends_nothing_and_resumes_at_once() {
    let mut person = Person::visitor().turning();
    person.have(&Command::Pause);
    person.have(&Command::Pause);
    assert_eq!(person.alarm(), None);
    person.wake("2026-11-22T04:30:00Z");
    assert!(person.sent().is_empty());
    assert_eq!(person.view().next_turn, None);
    person.have(&Command::Resume);
    assert_eq!(person.sent(), ["POST /avatar?token=one"]);
    assert!(person.alarm().is_some());
    // Again, there is nothing to do.
    person.have(&Command::Resume);
    assert!(person.sent().is_empty());
}

#[test]
fn settings_are_set_all_or_none_and_the_page_goes_before_variables() {
    let mut person = Person::owner();
    let variable = ("PERIOD", "24h".to_owned());
    person.host.variables.extend([variable]);
    let both = |period: &str| Command::Set {
        settings: [
            ("TIME_ZONE".to_owned(), "Europe/Berlin".to_owned()),
            ("PERIOD".to_owned(), period.to_owned()),
        ]
        .into(),
    };
    let diagnosis = person.refused(&both("13h"));
    assert!(
        diagnosis
            .message
            .starts_with("Nothing was changed: the time of a full rotation has to be a period")
    );
    assert!(person.stored().settings.is_empty());
    let diagnosis = person.refused(&set("API_KEY", "mine"));
    assert!(
        diagnosis
            .message
            .starts_with("This is not a setting of the page")
    );

    person.have(&both("12h"));
    let settings = person.view().settings;
    let of = |name: &str| {
        settings
            .iter()
            .find(|one| one.name == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("TIME_ZONE").text, "Europe/Berlin");
    assert_eq!(of("TIME_ZONE").source, Source::Page);
    assert_eq!(of("TIME_ZONE").otherwise, "Asia/Tokyo");
    assert_eq!(
        (of("PERIOD").text, of("PERIOD").otherwise),
        ("12h".into(), "24h".into())
    );
    assert_eq!(of("DIRECTION").source, Source::Default);
    assert_eq!(
        person.view().wall_clock.as_deref(),
        Some("2026-11-22T03:23:45")
    );
    person.have(&set("PERIOD", " "));
    let period = person.view().settings;
    let period = period.iter().find(|one| one.name == "PERIOD").unwrap();
    assert_eq!(
        (period.text.as_str(), period.source),
        ("24h", Source::Variables)
    );
}

#[test]
fn another_zone_is_turned_to_at_once() {
    let mut person = Person::visitor().turning();
    person.have(&set("TIME_ZONE", "Asia/Kathmandu"));
    assert_eq!(person.alarm(), Some(person.host.now));
    person.wake("2026-11-22T02:23:46Z");
    assert_eq!(*person.host.take_only_sent().body(), frame_bytes(8));
}

#[test]
fn signing_in_again_goes_on_and_another_account_waits_for_its_start() {
    let mut person = Person::visitor().turning();
    person.host.now += TimeDelta::minutes(1);
    assert!(person.connect("ada", "one").is_empty());
    assert!(
        person.sent().is_empty(),
        "the server has given the same token again"
    );
    assert!(person.connect("ada", "two").is_empty());
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    assert!(person.shown().is_started);
    assert_eq!(person.shown().before, Before::Picture);
    person.wake("2026-11-22T03:05:00Z");
    assert_eq!(person.sent(), ["POST /avatar?token=two"]);

    let notes = person.connect("eve", "three");
    assert!(notes[0].starts_with("@ada@social.test on Mastodon is no longer turned"));
    assert_eq!(person.sent(), ["POST /revoke?token=two"]);
    assert_eq!(person.view().stage, Stage::New);
    assert!(person.host.ledger.pictures.borrow().is_empty());
    assert_eq!(person.alarm(), None);
    person.wake("2026-11-22T04:05:00Z");
    assert!(person.sent().is_empty());
}

#[test]
fn a_sign_in_for_another_account_is_not_kept() {
    let person = Person::visitor();
    let connection = Person::visitor().signed_in("ada", "one", None);
    let diagnosis = person.refused(&Command::Connect {
        connection,
        picture: None,
    });
    assert!(diagnosis.message.starts_with("The sign-in cannot be kept"));
    assert!(person.stored().connections.is_empty());
}

#[test]
fn disconnecting_puts_back_revokes_and_forgets() {
    let person = Person::visitor().turning();
    assert!(person.have(&disconnect(true)).is_empty());
    assert_eq!(
        person.sent(),
        ["POST /avatar?token=one", "POST /revoke?token=one"]
    );
    assert!(person.stored().connections.is_empty());
    assert_eq!(person.stored().paused_at, None, "other networks go on");
    assert!(person.host.ledger.pictures.borrow().is_empty());
    assert_eq!(person.alarm(), None);
    assert!(person.have(&disconnect(true)).is_empty());
    assert!(person.sent().is_empty());
}

#[test]
fn nothing_of_the_state_outlives_a_connection_but_what_is_of_the_settings() {
    for (saved, remains) in [(REMAINS, true), ("saved", false)] {
        let person = Person::visitor().turning();
        let mut state = block_on(person.host.ledger.account_state(NETWORK)).unwrap();
        assert!(state.slot.is_some());
        state.saved_session = Some(SavedSession(saved.to_owned()));
        block_on(person.host.ledger.keep(NETWORK, &state, None)).unwrap();
        // A command may be given twice.
        for _ in 0..2 {
            person.have(&disconnect(false));
            let remaining = AccountState {
                saved_session: state.saved_session.clone().filter(|_| remains),
                ..AccountState::default()
            };
            let kept = block_on(person.host.ledger.account_state(NETWORK)).unwrap();
            assert_eq!(kept, remaining, "{saved}");
        }
    }
}

#[test]
fn a_connection_stays_where_its_picture_cannot_be_put_back() {
    let mut person = Person::visitor().turning();
    person.host.answer("/avatar", Ok(reply(503, &[], "")));
    let diagnosis = person.refused(&disconnect(true));
    let remedy = diagnosis.remedy;
    assert!(remedy.ends_with("Or disconnect without putting it back."));
    assert_eq!(person.stored().connections.len(), 1);
    // It turns as before.
    assert_eq!(person.view().stage, Stage::Turning);
    assert!(person.alarm().is_some());
    // Without, it goes; the server does not confirm it.
    person.host.answer("/revoke", Ok(reply(503, &[], "")));
    let notes = person.have(&disconnect(false));
    assert!(
        notes[0].starts_with("Mastodon has not confirmed"),
        "{notes:?}"
    );
    assert!(person.stored().connections.is_empty());
}

#[test]
fn what_has_moved_to_another_account_is_forgotten_and_stays_on_the_network() {
    let person = Person::keeper();
    person.have(&person.moved_away(KEEPER, "two"));
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    assert!(person.stored().connections.is_empty());
    assert_eq!(person.alarm(), None);
    person.have(&person.moved_away(KEEPER, "two"));
    assert!(person.sent().is_empty());
    // Another identity has taken its place.
    person.connect("eve", "three");
    person.have(&person.moved_away(KEEPER, "two"));
    assert_eq!(person.stored().connections.len(), 1);
    assert!(person.sent().is_empty());

    // The server has given the same token again.
    let person = Person::keeper();
    person.have(&person.moved_away(KEEPER, "one"));
    assert!(person.sent().is_empty());
    assert!(person.stored().connections.is_empty());
}

#[test]
fn what_goes_with_an_identity_is_told_as_often_as_it_is_asked_for() {
    let person = Person::visitor().turning();
    let carry = |subject: &str| {
        person.ask(&Command::Carry {
            network: NETWORK.to_owned(),
            subject: subject.to_owned(),
        })
    };
    let told = carry("ada");
    assert!(
        matches!(
            &told,
            Reply::Carried {
                before: Before::Picture,
                picture: Some(_)
            }
        ),
        "{told:?}"
    );
    assert_eq!(carry("ada"), told);
    assert!(person.shown().is_started);
    let nothing = Reply::Carried {
        before: Before::Unknown,
        picture: None,
    };
    assert_eq!(carry("eve"), nothing);
    assert!(person.sent().is_empty());
}

#[test]
fn what_has_moved_takes_the_place_of_a_sign_in_that_never_started() {
    let other = Person::visitor();
    other.connect("ada", "two");
    moved(&Person::visitor().turning(), &other, "ada", "three");
    assert_eq!(other.sent(), ["POST /revoke?token=two"]);
    assert_eq!(other.shown().before, Before::Picture);
    assert_eq!(other.host.ledger.pictures.borrow().len(), 1);
}

/// Has the identity of one person's only connection moved to the other, with new tokens.
fn moved(from: &Person, to: &Person, subject: &str, access: &str) {
    let carried = from.ask(&Command::Carry {
        network: NETWORK.to_owned(),
        subject: subject.to_owned(),
    });
    let Reply::Carried { before, picture } = carried else {
        panic!("{carried:?}");
    };
    let connection = StoredConnection {
        before,
        ..to.signed_in(subject, access, None)
    };
    to.have(&Command::Connect {
        connection,
        picture,
    });
    from.have(&from.moved_away(subject, access));
    assert!(from.host.ledger.pictures.borrow().is_empty());
}

#[test]
fn the_picture_from_before_moves_with_the_identity() {
    let person = Person::visitor().turning();
    let picture = person.host.ledger.pictures.borrow().clone();
    assert_eq!(picture.len(), 1);
    let mut other = Person::visitor();
    other.host.server_pauses = person.host.server_pauses.clone();
    moved(&person, &other, "ada", "two");
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    assert!(other.sent().is_empty());
    let shown = other.shown();
    assert!(!shown.is_started);
    assert_eq!(*other.host.ledger.pictures.borrow(), picture);

    // The network shows a frame by now, which is no picture from before.
    other.start();
    assert_eq!(other.sent(), ["POST /avatar?token=two"]);
    assert_eq!(*other.host.ledger.pictures.borrow(), picture);
    assert_eq!(other.shown().before, Before::Picture);
    other.have(&put_back());
    let sent = other.host.take_sent();
    assert_eq!(sent[0].body(), picture.values().next().unwrap());
}

#[test]
fn what_a_network_holds_moves_with_the_identity_too() {
    let person = Person::keeper();
    let other = Person::visitor();
    moved(&person, &other, KEEPER, "two");
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    assert!(other.sent().is_empty());
    other.start();
    other.have(&put_back());
    assert_eq!(
        other.sent(),
        ["POST /avatar?token=two", "POST /held?token=two"]
    );
}

#[test]
fn what_has_moved_is_put_back_and_removed_without_a_start() {
    for (leave, put_back) in [
        (disconnect(true), true),
        (disconnect(false), false),
        (Command::Delete { put_back: true }, true),
        (Command::Delete { put_back: false }, false),
    ] {
        let other = Person::visitor();
        moved(&Person::keeper(), &other, KEEPER, "two");
        let shown = other.shown();
        assert!(!shown.is_started);
        assert_eq!(shown.before, Before::Held);
        assert!(other.have(&leave).is_empty());
        let mut expected = vec!["DELETE /frames?token=two", "POST /revoke?token=two"];
        if put_back {
            expected.insert(0, "POST /held?token=two");
        }
        assert_eq!(other.sent(), expected);
    }
}

#[test]
fn a_picture_that_was_lost_before_a_move_is_not_taken_for_a_frame_afterwards() {
    let mut person = Person::visitor();
    person.host.answer("/shown", Ok(reply(500, &[], "")));
    person.connect("ada", "one");
    person.have(&Command::Start {
        without_picture: true,
    });
    let other = Person::visitor();
    moved(&person, &other, "ada", "two");
    other.start();
    assert_eq!(other.sent(), ["POST /avatar?token=two"]);
    assert!(!other.shown().before.can_be_put_back());
    other.refused(&put_back());
}

#[test]
fn what_never_started_leaves_the_network_as_it_is() {
    for leave in [
        disconnect(false),
        disconnect(true),
        Command::Delete { put_back: true },
    ] {
        let person = Person::visitor();
        person.connect(KEEPER, "one");
        assert!(person.have(&leave).is_empty());
        assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    }
    // Another identity takes its place.
    let person = Person::visitor();
    person.connect(KEEPER, "one");
    assert!(person.connect("ada", "two").is_empty());
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
}

#[test]
fn leaving_removes_what_turns_have_kept_on_the_network_before_it_signs_out() {
    for (leave, put_back) in [
        (disconnect(true), true),
        (disconnect(false), false),
        (Command::Delete { put_back: true }, true),
        (Command::Delete { put_back: false }, false),
    ] {
        let person = Person::keeper();
        assert!(person.have(&leave).is_empty());
        let mut expected = vec!["DELETE /frames?token=one", "POST /revoke?token=one"];
        if put_back {
            expected.insert(0, "POST /held?token=one");
        }
        assert_eq!(person.sent(), expected);
        assert!(person.stored().connections.is_empty());
    }
}

#[test]
fn a_picture_that_was_put_back_is_not_asked_for_again_once_the_network_holds_it_no_more() {
    for leave in [disconnect(true), Command::Delete { put_back: true }] {
        let mut person = Person::keeper();
        person.have(&leave);
        // The host ended while it signed out.
        person.killed_while_sending();
        person.host.take_sent();
        person.have(&leave);
        assert_eq!(
            person.sent(),
            ["DELETE /frames?token=one", "POST /revoke?token=one"]
        );
    }
}

#[test]
fn who_leaves_is_told_what_a_network_no_longer_lets_this_service_remove() {
    let told = |person: &Person, leave: &Command| {
        let notes = person.have(leave);
        assert_eq!(
            notes,
            ["Mastodon has not let this service tidy up. Delete the record."]
        );
        assert!(person.stored().connections.is_empty());
    };
    for leave in [disconnect(false), Command::Delete { put_back: false }] {
        let mut person = Person::keeper();
        person.host.answer("/frames", Ok(reply(401, &[], "")));
        told(&person, &leave);
        // Tokens that were forgotten remove nothing either.
        let mut person = Person::keeper();
        let mut stored = person.stored();
        stored.connections[0].secrets = None;
        block_on(person.host.ledger.keep_stored_account(&stored)).unwrap();
        person.memory = Memory::default();
        told(&person, &leave);
        assert!(person.sent().is_empty());
    }
    // Another identity in place of this one leaves too.
    let mut person = Person::keeper();
    person.host.answer("/frames", Ok(reply(401, &[], "")));
    let notes = person.connect("ada", "two");
    assert!(notes[0].contains("Delete the record."), "{notes:?}");
    assert_eq!(
        person.sent(),
        ["DELETE /frames?token=one", "POST /revoke?token=one"]
    );
}

#[test]
fn what_is_to_be_removed_is_removed_with_renewed_tokens() {
    let mut person = Person::visitor();
    person.host.answer("/shown", Ok(reply(206, &[], "")));
    let connection = person.signed_in(KEEPER, "one", Some("r"));
    person.have(&Command::Connect {
        connection,
        picture: None,
    });
    person.start();
    person.host.take_sent();
    person
        .host
        .answer("/frames?token=one", Ok(reply(401, &[], "")));
    assert!(person.have(&disconnect(false)).is_empty());
    assert_eq!(
        person.sent(),
        [
            "DELETE /frames?token=one",
            "POST /token?token=r",
            "DELETE /frames?token=r-access",
            "POST /revoke?token=r-access"
        ]
    );
}

#[test]
fn an_export_tells_where_a_held_picture_is() {
    let person = Person::keeper();
    let Reply::Exported { export } = person.ask(&Command::Export) else {
        panic!("no export");
    };
    let of_network = &export["connections"][0];
    assert_eq!(of_network["before_start"], "held");
    assert_eq!(of_network["picture_before_start"], Value::Null);
    assert_eq!(of_network["picture_before_start_is_at"], "the record");
    assert_eq!(person.shown().before, Before::Held);
}

#[test]
fn leaving_puts_back_revokes_and_deletes_everything() {
    let mut person = Person::visitor().turning();
    person.host.answer("/avatar", Ok(reply(503, &[], "")));
    let diagnosis = person.refused(&Command::Delete { put_back: true });
    assert!(diagnosis.remedy.ends_with("Turning is paused."));
    // Nothing is lost, and nothing turns.
    assert_eq!(person.view().stage, Stage::Paused);
    assert!(!person.host.ledger.pictures.borrow().is_empty());
    person.host.answer("/avatar", Ok(reply(200, &[], "")));
    person.host.take_sent();

    person.have(&Command::Delete { put_back: true });
    assert_eq!(
        person.sent(),
        ["POST /avatar?token=one", "POST /revoke?token=one"]
    );
    let book = &person.host.ledger;
    assert!(book.account.borrow().is_none());
    assert!(book.pictures.borrow().is_empty());
    assert!(book.account_states.borrow().is_empty());
    assert!(book.entries().is_empty());
    assert_eq!(person.alarm(), None);
    person.have(&Command::Delete { put_back: true });
    assert!(person.sent().is_empty());
}

#[test]
fn an_account_that_ends_while_it_leaves_turns_no_more_and_leaves_again() {
    let mut person = Person::visitor().turning();
    person.have(&Command::Delete { put_back: true });
    person.killed_while_sending();
    assert_eq!(person.view().stage, Stage::Paused);
    person.host.take_sent();
    person.wake("2026-11-22T04:30:00Z");
    assert!(person.sent().is_empty());
    person.have(&Command::Delete { put_back: false });
    assert!(person.host.ledger.account.borrow().is_none());
}

#[test]
fn an_export_has_everything_but_what_opens_the_account() {
    let person = Person::visitor().turning();
    person.have(&set("PERIOD", "24h"));
    let Reply::Exported { export } = person.ask(&Command::Export) else {
        panic!("no export");
    };
    assert_eq!(export["settings"]["PERIOD"], "24h");
    assert_eq!(export["account"], person.id.as_str());
    let of_network = &export["connections"][0];
    assert_eq!(of_network["account"], "ada");
    assert_eq!(of_network["before_start"], "picture");
    let picture = &of_network["picture_before_start"];
    assert_eq!(picture["media_type"], "image/jpeg");
    assert!(picture["base64"].as_str().unwrap().starts_with("/9j/"));
    assert_eq!(export["journal"][0]["outcome"], "turned");
    assert_eq!(export["states"][NETWORK]["slot"]["frame"], 11);
    assert_eq!(export["icon"]["set"]["id"], frame_set().id());
    assert_eq!(export["icon"]["frames"].as_object().unwrap().len(), 12);
    let text = export.to_string();
    let secrets = person.stored().connections[0].secrets.clone().unwrap();
    assert!(!text.contains(&secrets) && !text.contains("cLIENTsECRET"));
}

#[test]
fn tokens_are_encrypted_with_the_newest_key_again_and_again() {
    let mut person = Person::visitor().turning();
    assert!(
        person.stored().connections[0]
            .secrets
            .as_ref()
            .unwrap()
            .starts_with("first.")
    );
    person.host.keys = vec!["second", "first"];
    for _ in 0..2 {
        person.have(&Command::RotateKeys);
        assert!(
            person.stored().connections[0]
                .secrets
                .as_ref()
                .unwrap()
                .starts_with("second.")
        );
    }
    person.host.keys = vec!["second"];
    person.memory = Memory::default();
    person.wake("2026-11-22T03:05:00Z");
    assert_eq!(person.sent(), ["POST /avatar?token=one"]);

    person.host.keys = vec!["third"];
    person.memory = Memory::default();
    let diagnosis = person.refused(&Command::RotateKeys);
    assert!(
        diagnosis
            .message
            .contains("SERVICE_KEY does not have the key second any more")
    );
    person.wake("2026-11-22T04:05:00Z");
    assert!(person.sent().is_empty());
    let finding = person.shown().finding.unwrap();
    assert!(finding.message.contains("SERVICE_KEY"), "{finding:?}");
    assert!(person.shown().needs_sign_in);
}

#[test]
fn tokens_that_expire_are_renewed_and_stored_before_they_are_used() {
    let mut person = Person::visitor();
    let mut connection = person.signed_in("ada", "one", Some("r"));
    connection.expires_at = Some(instant("2026-11-22T03:06:00Z"));
    person.have(&Command::Connect {
        connection,
        picture: None,
    });
    person.start();
    assert_eq!(
        person.sent(),
        ["GET /shown?token=one", "POST /avatar?token=one"]
    );

    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(
        person.sent(),
        ["POST /token?token=r", "POST /avatar?token=r-access"]
    );
    let stored = person.stored();
    assert_eq!(
        stored.connections[0].expires_at,
        Some(instant("2026-11-22T05:02:00Z"))
    );
    // The host ended while the frame was sent: the new tokens are there, and are not renewed again.
    person.killed_while_sending();
    person.wake("2026-11-22T03:02:30Z");
    assert_eq!(person.sent(), ["POST /avatar?token=r-access"]);
    // A refreshed token is no new sign-in.
    assert_eq!(person.shown().frame, Some(0));
}

#[test]
fn tokens_that_are_refused_are_renewed_and_the_turn_is_made_again() {
    let mut person = Person::visitor();
    let connection = person.signed_in("ada", "one", Some("r"));
    person.have(&Command::Connect {
        connection,
        picture: None,
    });
    person.start();
    person.host.take_sent();
    person
        .host
        .answer("/avatar?token=one", Ok(reply(401, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(
        person.sent(),
        [
            "POST /avatar?token=one",
            "POST /token?token=r",
            "POST /avatar?token=r-access"
        ]
    );
    let shown = person.shown();
    assert_eq!(
        (shown.frame, shown.finding, shown.needs_sign_in),
        (Some(0), None, false)
    );
}

#[test]
fn a_server_that_cannot_renew_tokens_for_a_moment_ends_no_sign_in() {
    for expires_at in [Some(instant("2026-11-22T03:01:00Z")), None] {
        let mut person = Person::visitor();
        let mut connection = person.signed_in("ada", "one", Some("r"));
        connection.expires_at = expires_at;
        person.have(&Command::Connect {
            connection,
            picture: None,
        });
        person.start();
        person.host.take_sent();
        let refused = Ok(reply(401, &[], ""));
        person.host.answer("/avatar?token=one", refused);
        person
            .host
            .answer("/token?token=r", Ok(reply(503, &[], "")));
        person.wake("2026-11-22T03:02:00Z");
        let shown = person.shown();
        assert!(!shown.needs_sign_in, "{:?}", shown.finding);
        person.host.take_sent();

        person
            .host
            .answer("/token?token=r", Ok(reply(200, &[], "")));
        person.wake("2026-11-22T03:06:00Z");
        let mut sent = vec!["POST /token?token=r", "POST /avatar?token=r-access"];
        if expires_at.is_none() {
            // Nobody knows that the token has ended before it is refused.
            sent.insert(0, "POST /avatar?token=one");
        }
        assert_eq!(person.sent(), sent);
        assert_eq!(person.shown().frame, Some(0));
    }
}

/// A visitor whose icon turns by tokens that end at 03:01, or without notice.
fn with_renewed_tokens(subject: &str, expires_at: Option<&str>) -> Person {
    let person = Person::visitor();
    let mut connection = person.signed_in(subject, "one", Some("r"));
    connection.expires_at = expires_at.map(instant);
    person.have(&Command::Connect {
        connection,
        picture: None,
    });
    person.start();
    person.host.take_sent();
    person
}

#[test]
fn why_tokens_are_not_renewed_is_what_the_person_reads() {
    // The token has expired, so the network is not asked with it; or nobody knows before.
    for (expires_at, asked) in [
        (Some("2026-11-22T03:01:00Z"), vec!["POST /token?token=r"]),
        (None, vec!["POST /avatar?token=one", "POST /token?token=r"]),
    ] {
        let mut person = with_renewed_tokens("ada", expires_at);
        let refused = Ok(reply(401, &[], ""));
        person.host.answer("/avatar?token=one", refused);
        person
            .host
            .answer("/token?token=r", Ok(reply(400, &[], "")));
        person.wake("2026-11-22T03:02:00Z");
        assert_eq!(person.sent(), asked);
        let shown = person.shown();
        assert!(shown.needs_sign_in);
        let finding = shown.finding.unwrap();
        assert_eq!(
            finding.message,
            "The sign-in has been ended. Sign in again."
        );
        let until = "It is not asked again before 2026-11-22T04:02:00Z";
        assert!(finding.remedy.contains(until), "{finding:?}");
        assert!(finding.remedy.starts_with("Nothing else is lost."));
        let entries = person.host.ledger.entries();
        let entry = entries.last().unwrap();
        assert_eq!(
            entry["message"],
            "The sign-in has been ended. Sign in again."
        );
        // Nothing is asked of a session that is over while it is left alone.
        person.wake("2026-11-22T03:30:00Z");
        assert!(person.sent().is_empty());
        // A person may ask at once.
        let diagnosis = person.refused(&Command::Turn);
        assert_eq!(
            diagnosis.message,
            "The sign-in has been ended. Sign in again."
        );
        assert_eq!(person.sent(), asked);
        person.host.now += TimeDelta::minutes(5);
        person.connect("ada", "two");
        assert!(!person.shown().needs_sign_in);
        person.host.take_sent();
        person.wake("2026-11-22T04:02:01Z");
        assert_eq!(person.sent(), ["POST /avatar?token=two"]);
    }
}

#[test]
fn a_refused_renewal_leaves_a_token_in_use_that_can_be_used_and_a_move_does_not() {
    let soon = Some("2026-11-22T03:06:00Z");
    let mut person = with_renewed_tokens("ada", soon);
    person
        .host
        .answer("/token?token=r", Ok(reply(400, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(
        person.sent(),
        ["POST /token?token=r", "POST /avatar?token=one"]
    );
    assert!(!person.shown().needs_sign_in);

    let mut person = with_renewed_tokens("ada", soon);
    person
        .host
        .answer("/token?token=r", Ok(reply(410, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(person.sent(), ["POST /token?token=r"]);
    let shown = person.shown();
    assert!(shown.needs_sign_in);
    let finding = shown.finding.unwrap();
    assert_eq!(
        finding.message,
        "Your account has moved. Sign in again with your handle."
    );
}

#[test]
fn a_token_that_ends_and_cannot_be_renewed_is_told() {
    let mut person = Person::visitor();
    let mut connection = person.signed_in("ada", "one", None);
    connection.expires_at = Some(instant("2026-11-22T03:01:00Z"));
    person.have(&Command::Connect {
        connection,
        picture: None,
    });
    person.start();
    let refused = Ok(reply(401, &[], ""));
    person.host.answer("/avatar?token=one", refused);
    person.wake("2026-11-22T03:02:00Z");
    let finding = person.shown().finding.unwrap();
    assert_eq!(
        finding.message,
        "It gave no token to renew it with. Sign in again."
    );
}

/// Lets every alarm of a day go off. Returns how many there were, and how often tokens were asked
/// for.
fn wakes_and_renewals_of_a_day(person: &mut Person) -> (usize, usize) {
    let end = instant("2026-11-23T03:00:00Z");
    let (mut wakes, mut renewals) = (0, 0);
    while let Some(alarm) = person.alarm().filter(|at| *at < end) {
        person.wake(&alarm.to_rfc3339());
        wakes += 1;
        let sent = person.sent();
        renewals += sent.iter().filter(|line| line.contains("/token")).count();
    }
    (wakes, renewals)
}

#[test]
fn a_server_that_renews_nothing_for_a_day_is_asked_a_few_dozen_times() {
    // It fails; it asks for a pause, over and over; its answers cannot be read.
    for status in [503, 429, 299] {
        for expires_at in [Some("2026-11-22T03:01:00Z"), None] {
            let mut person = with_renewed_tokens("ada", expires_at);
            let refused = Ok(reply(401, &[], ""));
            person.host.answer("/avatar?token=one", refused);
            person
                .host
                .answer("/token?token=r", Ok(reply(status, &[], "")));
            let (wakes, renewals) = wakes_and_renewals_of_a_day(&mut person);
            assert!((24..60).contains(&wakes), "{status}: {wakes}");
            assert!((20..40).contains(&renewals), "{status}: {renewals}");
            let shown = person.shown();
            assert!(!shown.needs_sign_in, "{:?}", shown.finding);
            assert!(shown.finding.is_some());
            // Once it renews tokens again, the icon turns with the next slot.
            person
                .host
                .answer("/token?token=r", Ok(reply(200, &[], "")));
            let alarm = person.alarm().unwrap();
            assert!(alarm < instant("2026-11-23T04:05:00Z"), "{alarm}");
            person.wake("2026-11-23T04:05:00Z");
            assert_eq!(person.sent().last().unwrap(), "POST /avatar?token=r-access");
            assert_eq!(person.shown().finding, None);
        }
    }
}

#[test]
fn a_slot_of_a_day_does_not_wait_for_its_end() {
    let mut person = with_renewed_tokens("ada", Some("2026-11-22T03:01:00Z"));
    person
        .host
        .answer("/token?token=r", Ok(reply(503, &[], "")));
    // Each of the twelve frames is shown for fourteen hours.
    person.have(&set("PERIOD", "168h"));
    wakes_and_renewals_of_a_day(&mut person);
    let wait = person.alarm().unwrap() - person.host.now;
    assert!(wait <= TimeDelta::hours(1), "{wait}");
}

#[test]
fn a_server_that_fails_is_left_alone_by_all_and_one_bad_answer_concerns_nobody_else() {
    let at = "2026-11-22T03:02:00Z";
    for (status, is_left_alone) in [(503, true), (299, false)] {
        let mut person = with_renewed_tokens("ada", Some("2026-11-22T03:01:00Z"));
        person
            .host
            .answer("/token?token=r", Ok(reply(status, &[], "")));
        let mut other = with_renewed_tokens("bob", Some("2026-11-22T03:01:00Z"));
        other.host.server_pauses = person.host.server_pauses.clone();
        person.wake(at);
        assert_eq!(person.sent(), ["POST /token?token=r"]);
        other.wake(at);
        let expected: &[&str] = if is_left_alone {
            &[]
        } else {
            &["POST /token?token=r", "POST /avatar?token=r-access"]
        };
        assert_eq!(other.sent(), expected);
        assert!(!other.shown().needs_sign_in);
        other.wake("2026-11-22T03:06:00Z");
        assert_eq!(other.shown().frame, Some(0));
    }
}

#[test]
fn a_sign_in_that_cannot_be_renewed_is_given_up_after_two_weeks() {
    for expires_at in [Some("2026-11-22T03:01:00Z"), None] {
        let mut person = with_renewed_tokens("ada", expires_at);
        let refused = Ok(reply(401, &[], ""));
        person.host.answer("/avatar?token=one", refused);
        person
            .host
            .answer("/token?token=r", Ok(reply(400, &[], "")));
        let mut tries = 0;
        let end = instant("2026-12-08T00:00:00Z");
        while let Some(alarm) = person.alarm().filter(|at| *at < end) {
            person.wake(&alarm.to_rfc3339());
            let sent = person.sent();
            tries += sent.iter().filter(|line| line.contains("/token")).count();
        }
        assert!((14..30).contains(&tries), "{tries}");
        assert!(person.stored().paused_at.is_some());
        assert_eq!(person.stored().connections[0].secrets, None);
    }
}

#[test]
fn a_sign_in_that_has_ended_is_told_and_another_goes_on_at_once() {
    let mut person = Person::visitor().turning();
    person
        .host
        .answer("/avatar?token=one", Ok(reply(401, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    let shown = person.shown();
    assert!(shown.needs_sign_in);
    let remedy = shown.finding.unwrap().remedy;
    assert!(remedy.starts_with("Sign in again on the page; nothing else is lost."));
    person.host.take_sent();

    person.host.now += TimeDelta::minutes(5);
    person.connect("ada", "two");
    assert_eq!(person.sent(), ["POST /revoke?token=one"]);
    assert!(!person.shown().needs_sign_in);
    person.wake("2026-11-22T04:02:00Z");
    assert_eq!(person.sent(), ["POST /avatar?token=two"]);
    assert_eq!(person.shown().before, Before::Picture);
}

#[test]
fn after_two_weeks_of_refusals_tokens_are_forgotten_and_nothing_else() {
    let mut person = Person::visitor().turning();
    person
        .host
        .answer("/avatar?token=one", Ok(reply(401, &[], "")));
    let mut tries = 0;
    let end = instant("2026-12-08T00:00:00Z");
    while let Some(alarm) = person.alarm().filter(|at| *at < end) {
        person.wake(&alarm.to_rfc3339());
        let sent = person.sent();
        tries += sent.iter().filter(|line| line.contains("/avatar")).count();
        if person.stored().paused_at.is_some() {
            assert_eq!(sent.last().unwrap(), "POST /revoke?token=one");
            break;
        }
    }
    assert!((14..30).contains(&tries), "{tries}");
    let paused = person.stored().paused_at.expect("it has given up");
    let refused = paused - instant("2026-11-22T03:00:00Z");
    assert!(
        refused >= TimeDelta::days(14) && refused <= TimeDelta::days(15),
        "{refused}"
    );
    assert_eq!(person.alarm(), None);
    assert_eq!(person.stored().connections[0].secrets, None);
    let shown = person.shown();
    assert!(shown.needs_sign_in);
    assert!(shown.finding.unwrap().message.contains("for two weeks"));
    let diagnosis = person.refused(&Command::Resume);
    assert_eq!(diagnosis.reason, Reason::Credentials);

    person.connect("ada", "two");
    person.have(&Command::Resume);
    assert_eq!(person.sent(), ["POST /avatar?token=two"]);
    assert_eq!(person.stored().connections[0].before, Before::Picture);
    assert_eq!(person.view().stage, Stage::Turning);
}

#[test]
fn a_pause_that_a_server_asks_of_one_account_is_for_all() {
    let mut person = Person::visitor().turning();
    let mut other = Person::visitor().turning();
    other.host.server_pauses = person.host.server_pauses.clone();
    person.host.answer("/avatar", Ok(reply(429, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(person.sent().len(), 1);

    other.wake("2026-11-22T03:02:00Z");
    assert!(other.sent().is_empty());
    let until = other.alarm().unwrap();
    assert!(until >= instant("2026-11-22T03:12:00Z"));
    assert!(until < instant("2026-11-22T03:14:01Z"));
    other.wake(&until.to_rfc3339());
    assert_eq!(other.sent(), ["POST /avatar?token=one"]);
}

#[test]
fn a_limit_of_one_account_pauses_nobody_else() {
    let mut person = Person::visitor().turning();
    let mut other = Person::visitor().turning();
    other.host.server_pauses = person.host.server_pauses.clone();
    person.host.answer("/avatar", Ok(reply(420, &[], "")));
    person.wake("2026-11-22T03:02:00Z");
    assert_eq!(person.sent().len(), 1);
    other.wake("2026-11-22T03:02:00Z");
    assert_eq!(other.sent(), ["POST /avatar?token=one"]);
    // Its own turns wait all the same.
    person.wake("2026-11-22T03:05:00Z");
    assert!(person.sent().is_empty());
}

#[test]
fn the_owner_keeps_turning_by_secrets_until_a_sign_in_is_started() {
    let mut person = Person::owner();
    let at = instant("2026-11-22T03:00:00Z");
    let cron = |person: &mut Person, at: DateTime<Utc>| {
        person.host.now = at;
        let turn = block_on(person.account().on_schedule("0 * * * *", at));
        turn.unwrap()
            .iter()
            .map(|report| report.network)
            .collect::<Vec<_>>()
    };
    assert_eq!(cron(&mut person, at), ["x"]);
    person.connect("ada", "one");
    assert_eq!(cron(&mut person, at + TimeDelta::hours(1)), ["x"]);
    assert_eq!(person.view().stage, Stage::Turning);
    person.start();
    assert_eq!(cron(&mut person, at + TimeDelta::hours(2)), ["x", NETWORK]);

    // A sign-in goes before the secrets of its network.
    let secrets = [
        (
            crate::network::mastodon::MASTODON_SERVER,
            "https://mastodon.test",
        ),
        (
            crate::network::mastodon::MASTODON_ACCESS_TOKEN,
            "mTOKENmTOKEN",
        ),
    ];
    let secrets = secrets.map(|(name, text)| (name, text.to_owned()));
    person.host.variables.extend(secrets);
    person.memory = Memory::default();
    person.host.take_sent();
    assert_eq!(cron(&mut person, at + TimeDelta::hours(3)), ["x", NETWORK]);
    assert!(
        person
            .sent()
            .iter()
            .any(|line| line == "POST /avatar?token=one")
    );
    let sources = person.view().connections.into_iter().map(|one| one.source);
    assert_eq!(
        sources.collect::<Vec<_>>(),
        [Source::Variables, Source::Page]
    );
    person.have(&Command::Pause);
    assert!(cron(&mut person, at + TimeDelta::hours(4)).is_empty());
}

#[test]
fn the_operator_stops_a_network_for_all() {
    let mut person = Person::visitor().turning();
    person.host.variables.insert(STOP, NETWORK.to_owned());
    person.memory = Memory::default();
    person.wake("2026-11-22T03:02:00Z");
    assert!(person.sent().is_empty());
    assert!(person.alarm().is_some());
    let diagnosis = person.refused(&Command::Turn);
    let message = "The operator of this service has stopped turning on Mastodon, by STOP.";
    assert_eq!(diagnosis.message, message);
    assert_eq!(person.shown().finding.unwrap().message, message);
    // Leaving is never stopped.
    person.have(&disconnect(true));
    assert_eq!(person.sent().len(), 2);
}

#[test]
fn what_cannot_be_read_sends_nothing_and_is_tried_again() {
    let mut person = Person::visitor().turning();
    person.host.ledger.is_broken.set(true);
    person.memory = Memory::default();
    person.host.now = instant("2026-11-22T03:02:00Z");
    block_on(person.account().on_wake()).unwrap_err();
    assert!(person.sent().is_empty());
    let diagnosis = person.refused(&Command::Turn);
    assert_eq!(diagnosis.reason, Reason::Host);
}

#[test]
fn an_account_that_is_opened_under_another_id_sends_nothing() {
    let mut person = Person::visitor().turning();
    let secrets = KEYS.map(|(name, value)| (name, value.to_owned()));
    person.host.variables.extend(secrets);
    person.id = AccountId::owner();
    person.memory = Memory::default();
    person.host.now = instant("2026-11-22T03:02:00Z");
    block_on(person.account().on_wake()).unwrap_err();
    person.refused(&Command::Turn);
    assert!(person.sent().is_empty());
}

#[test]
fn what_another_version_has_stored_is_told_and_kept() {
    let person = Person::visitor().turning();
    let mut account: Value =
        serde_json::from_str(person.host.ledger.account.borrow().as_ref().unwrap()).unwrap();
    account["invitation"] = "abc".into();
    let json = account.to_string();
    person.host.ledger.account.replace(Some(json));
    let person = Person {
        memory: Memory::default(),
        ..person
    };
    let findings = person.view().findings;
    assert!(
        findings[0].message.starts_with("Part of what is stored"),
        "{findings:?}"
    );
    person.have(&Command::Pause);
    assert_eq!(person.stored().not_understood["invitation"], "abc");
}
