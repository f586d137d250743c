//! Turns of an account that wakes itself.

use super::*;
use crate::account::id::AccountId;
use crate::account::own_clock::Delay;
use crate::account::settings::ClockSource;
use crate::account::stop::STOP;
use crate::account::wake::{check_alarm, wake_when_needed};
use crate::testing::{BundledTimeZones, USER, album, time_zone};

/// An account whose alarm is its clock.
struct Account {
    host: Host,
    settings: Settings,
    delay: Delay,
    frames: FrameCount,
    /// The alarms that are delivered for each that is set.
    deliveries: usize,
}

impl Account {
    fn new(zone: &str, period: &str, frames: u16, start: &str) -> Self {
        let mut host = Host::new();
        host.publish(&album("hours", frames));
        host.now = instant(start);
        let delay = Delay::of(&AccountId::random().unwrap(), None);
        let mut settings = settings_with(&[(TIME_ZONE.name, zone), (PERIOD.name, period)]);
        settings.clock = ClockSource::Alarm(delay);
        let account = Self {
            host,
            settings,
            delay,
            frames: FrameCount::new(frames).unwrap(),
            deliveries: 1,
        };
        let wakes = wake_when_needed(&account.settings, &account.host, &account.host.ledger);
        block_on(wakes);
        account
    }

    fn alarm(&self) -> Option<DateTime<Utc>> {
        self.host.ledger.wake_at.get()
    }

    fn wake(&self) {
        block_on(on_wake(&self.settings, &self.host, &self.host.ledger));
    }

    fn check(&self) {
        block_on(check_alarm(&self.settings, &self.host, &self.host.ledger));
    }

    /// The numbers of the frames that were sent since the last call.
    fn sent(&self) -> Vec<u16> {
        let sent = self.host.take_sent();
        let frames = sent.iter().map(frame_in);
        frames
            .map(|frame| u16::from_be_bytes([frame[7], frame[8]]))
            .collect()
    }

    /// Lets the time pass until an instant. Returns when frames were sent, and which.
    fn pass(&mut self, until: DateTime<Utc>) -> Vec<(DateTime<Utc>, u16)> {
        let mut sent = Vec::new();
        while let Some(alarm) = self.alarm().filter(|at| *at <= until) {
            assert!(alarm >= self.host.now, "woken in the past");
            self.host.now = alarm;
            self.host.ledger.wake_at.take();
            for _ in 0..self.deliveries {
                self.wake();
            }
            assert!(self.alarm().is_some_and(|next| next > alarm), "no alarm");
            sent.extend(self.sent().into_iter().map(|frame| (alarm, frame)));
        }
        self.host.now = until;
        sent
    }

    /// When the turns of the slots in a stretch of time are due, and their frames.
    fn due(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<(DateTime<Utc>, u16)> {
        let schedule = self.settings.schedule.as_ref().unwrap();
        let mut slot = schedule.slot_at(from, self.frames);
        let mut due = Vec::new();
        while slot.start <= until {
            let at = self.delay.due_in(&slot);
            if at > from && at <= until {
                due.push((at, schedule.frame_at(slot.start, self.frames)));
            }
            slot = schedule.slot_at(slot.end, self.frames);
        }
        due
    }
}

#[test]
fn in_every_zone_each_slot_has_one_turn_soon_after_its_start() {
    let (from, until) = ("2027-01-13T00:00:00Z", instant("2027-01-13T15:00:00Z"));
    let mut offsets = BTreeSet::new();
    for zone in BundledTimeZones::names() {
        let offset = time_zone(zone).offset_seconds_at(until.timestamp());
        if !offsets.insert(offset) {
            continue;
        }
        for (period, frames) in [("12h", 12), ("24h", 24), ("12h", 96), ("24h", 7)] {
            let mut account = Account::new(zone, period, frames, from);
            let sent = account.pass(until);
            assert_eq!(sent, account.due(instant(from), until), "{zone} {period}");
        }
    }
    // India and Nepal are among them.
    assert!(offsets.contains(&19_800) && offsets.contains(&20_700));
}

#[test]
fn a_clock_that_changes_leaves_no_slot_out_and_turns_none_twice() {
    for (zone, day) in [
        ("Europe/Berlin", "2027-03-28"),
        ("Europe/Berlin", "2026-10-25"),
        ("Australia/Lord_Howe", "2027-04-03"),
        ("Australia/Lord_Howe", "2026-10-03"),
        ("America/St_Johns", "2026-11-01"),
    ] {
        let from = format!("{day}T00:00:00Z");
        let mut account = Account::new(zone, "12h", 12, &from);
        account.deliveries = 3;
        let until = instant(&from) + TimeDelta::hours(36);
        let sent = account.pass(until);
        let mut due = account.due(instant(&from), until);
        // An hour that happens twice shows its frame all the while.
        due.dedup_by_key(|(_, frame)| *frame);
        assert_eq!(sent, due, "{zone} {day}");
    }
}

#[test]
fn slots_shorter_than_a_minute_have_a_turn_a_minute_at_most() {
    // Each has a delay of its own.
    for _ in 0..10 {
        let from = instant("2026-11-22T02:00:10Z");
        let mut account = Account::new("Asia/Tokyo", "20m", 96, "2026-11-22T02:00:10Z");
        let sent = account.pass(from + TimeDelta::hours(1));
        assert!((55..=60).contains(&sent.len()), "{}", sent.len());

        // Looking whether the alarm is there makes it no sooner.
        let alarm = account.alarm();
        account.host.now += TimeDelta::seconds(20);
        account.check();
        assert_eq!(account.alarm(), alarm);
        account.host.ledger.wake_at.take();
        account.check();
        let (last, _) = sent.last().unwrap();
        assert!(account.alarm().unwrap() >= *last + TimeDelta::minutes(1));
    }
}

#[test]
fn a_missed_stretch_causes_no_burst_and_a_lost_alarm_is_set_again() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, "2026-11-22T02:30:00Z");
    account.pass(instant("2026-11-22T03:30:00Z"));

    // The alarm goes off five hours late.
    account.host.now = instant("2026-11-22T09:30:00Z");
    account.host.ledger.wake_at.take();
    account.wake();
    assert_eq!(account.sent(), [6]);
    let next = account.alarm().unwrap();
    assert!(next >= instant("2026-11-22T10:00:00Z") && next < instant("2026-11-22T10:02:00Z"));

    // An alarm that is there stays as it is.
    account.check();
    assert_eq!(account.alarm(), Some(next));

    // It is lost, and the slot has had its turn.
    account.host.ledger.wake_at.take();
    account.check();
    assert_eq!(account.alarm(), Some(next));

    // It is lost, and a slot has missed its turn: at once.
    for lost in [None, Some(next), Some(instant("2026-12-24T00:00:00Z"))] {
        account.host.now = instant("2026-11-22T12:30:00Z");
        account.host.ledger.wake_at.set(lost);
        account.check();
        assert_eq!(account.alarm(), Some(account.host.now));
    }
    account.host.ledger.wake_at.take();
    account.wake();
    assert_eq!(account.sent(), [9]);
}

#[test]
fn a_retry_is_made_in_its_slot_and_the_alarm_then_waits_for_the_next() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, "2026-11-22T02:30:00Z");
    account.host.reply = Ok(reply(503, &[], ""));
    let due = account.alarm().unwrap();
    account.host.now = due;
    account.host.ledger.wake_at.take();
    account.wake();
    assert_eq!(account.sent(), [0]);
    let retry = account.alarm().unwrap();
    let wait = retry - due;
    assert!(
        wait >= TimeDelta::seconds(48) && wait <= TimeDelta::seconds(72),
        "{wait}"
    );

    account.host.reply = Ok(reply(200, &[], USER));
    let until = instant("2026-11-22T03:59:00Z");
    assert_eq!(account.pass(until), [(retry, 0)]);
    assert!(account.alarm().unwrap() >= instant("2026-11-22T04:00:00Z"));
}

#[test]
fn a_paused_account_neither_turns_nor_is_woken() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, "2026-11-22T02:30:00Z");
    account.settings.is_paused = true;
    account.check();
    assert_eq!(account.alarm(), None);
    account.host.now = instant("2026-11-22T03:30:00Z");
    account.wake();
    assert_eq!(account.alarm(), None);
    assert!(account.sent().is_empty());

    account.settings.is_paused = false;
    account.check();
    assert_eq!(account.alarm(), Some(account.host.now));
}

#[test]
fn a_paused_account_stays_known_to_its_cron_and_makes_no_turn() {
    let mut host = Host::new();
    let mut settings = settings();
    settings.is_paused = true;
    let turn = on_schedule(&settings, &host, &host.ledger, "0 * * * *", host.now);
    assert!(block_on(turn).is_empty());
    assert!(host.take_sent().is_empty());
    let events = block_on(host.ledger.cron_events()).unwrap();
    assert!(events.is_live(host.now));

    host.now = instant("2026-11-22T03:00:00Z");
    settings.is_paused = false;
    let turn = on_schedule(&settings, &host, &host.ledger, "0 * * * *", host.now);
    assert_eq!(block_on(turn).len(), 1);
    assert_eq!(host.take_sent().len(), 1);
}

#[test]
fn what_the_operator_has_stopped_sends_nothing_and_is_woken_for_the_next_slot() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, "2026-11-22T02:30:00Z");
    let before = account.alarm();
    let mut stopped = settings_with(&[(STOP, "all")]);
    stopped.clock = account.settings.clock;
    let running = std::mem::replace(&mut account.settings, stopped);
    assert!(account.settings.networks.is_empty());
    assert_eq!(account.alarm(), before);
    assert!(account.pass(instant("2026-11-22T05:30:00Z")).is_empty());
    assert!(account.alarm().unwrap() >= instant("2026-11-22T06:00:00Z"));

    account.settings = running;
    assert_eq!(account.pass(instant("2026-11-22T06:30:00Z")).len(), 1);
}

#[test]
fn a_clock_goes_on_where_the_store_or_the_ledger_fails() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, "2026-11-22T02:30:00Z");
    account.host.fail_to_read("current");
    assert!(account.pass(instant("2026-11-22T04:30:00Z")).is_empty());
    assert!(account.alarm().is_some());
    account.host.broken_keys.clear();
    account.host.ledger.is_read_only.set(true);
    account.pass(instant("2026-11-22T06:30:00Z"));
    assert!(account.alarm().is_some());
}
