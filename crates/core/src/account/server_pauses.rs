//! The pauses that servers have asked for by a 429 (RFC 6585 §4). A server counts the requests of
//! all accounts that come from one place, so the pause that one of them gets is for all.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::instant::after;

/// The longest pause for all accounts of a server. The account that was asked for a longer one holds
/// it alone: some limits are an account's own.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// The most servers that are remembered. Those whose pauses end first are forgotten.
const MOST: usize = 1_000;

/// Until when servers are asked nothing. A host has one for all accounts that run together.
#[derive(Debug, Default)]
pub struct ServerPauses {
    asked_for: Pauses,
    /// Servers that have failed to renew a token. They are asked for no other until then, and turns
    /// with tokens that can be used go on.
    of_renewals: Pauses,
}

/// Until when, by server.
type Pauses = RefCell<BTreeMap<String, DateTime<Utc>>>;

impl ServerPauses {
    /// Asks nothing of a server until an instant, at most an hour from `now`.
    pub fn pause(&self, server: &str, until: DateTime<Utc>, now: DateTime<Utc>) {
        add(&self.asked_for, server, until, now);
    }

    /// Returns until when a server is asked nothing, if it is.
    pub fn until(&self, server: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        of(&self.asked_for, server, now)
    }

    /// Renews no token of a server until an instant, at most an hour from `now`.
    pub(super) fn pause_renewals(&self, server: &str, until: DateTime<Utc>, now: DateTime<Utc>) {
        add(&self.of_renewals, server, until, now);
    }

    /// Returns until when no token of a server is renewed because it failed at that, if so.
    pub(super) fn renewals_until(&self, server: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        of(&self.of_renewals, server, now)
    }
}

fn add(pauses: &Pauses, server: &str, until: DateTime<Utc>, now: DateTime<Utc>) {
    let mut pauses = pauses.borrow_mut();
    pauses.retain(|_, until| *until > now);
    let until = until.min(after(now, LONGEST));
    let before = pauses.get(server).copied();
    let until = before.map_or(until, |before| before.max(until));
    pauses.insert(server.to_owned(), until);
    if pauses.len() > MOST {
        let first = pauses.iter().min_by_key(|(_, until)| **until);
        if let Some(first) = first.map(|(server, _)| server.clone()) {
            pauses.remove(&first);
        }
    }
}

fn of(pauses: &Pauses, server: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = pauses.borrow().get(server).copied();
    until.filter(|until| *until > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::now;

    #[test]
    fn a_server_is_left_alone_until_its_pause_ends_and_an_hour_at_most() {
        let pauses = ServerPauses::default();
        let soon = now() + TimeDelta::minutes(5);
        pauses.pause("https://a.test", soon, now());
        assert_eq!(pauses.until("https://a.test", now()), Some(soon));
        assert_eq!(pauses.until("https://b.test", now()), None);
        assert_eq!(pauses.until("https://a.test", soon), None);

        // A shorter pause does not end a longer one.
        pauses.pause("https://a.test", now() + TimeDelta::minutes(1), now());
        assert_eq!(pauses.until("https://a.test", now()), Some(soon));
        pauses.pause("https://a.test", now() + TimeDelta::days(1), now());
        let in_an_hour = now() + TimeDelta::hours(1);
        assert_eq!(pauses.until("https://a.test", now()), Some(in_an_hour));
    }

    #[test]
    fn a_server_that_renews_no_token_is_still_asked_for_turns() {
        let pauses = ServerPauses::default();
        let soon = now() + TimeDelta::minutes(1);
        pauses.pause_renewals("https://a.test", soon, now());
        assert_eq!(pauses.renewals_until("https://a.test", now()), Some(soon));
        assert_eq!(pauses.renewals_until("https://a.test", soon), None);
        assert_eq!(pauses.until("https://a.test", now()), None);
    }

    #[test]
    fn pauses_take_a_limited_amount_of_memory() {
        let pauses = ServerPauses::default();
        for n in 0..2_000 {
            let until = now() + TimeDelta::seconds(1 + n);
            pauses.pause(&format!("https://{n}.test"), until, now());
        }
        assert_eq!(pauses.asked_for.borrow().len(), MOST);
        assert_eq!(pauses.until("https://0.test", now()), None);
        assert!(pauses.until("https://1999.test", now()).is_some());
    }
}
