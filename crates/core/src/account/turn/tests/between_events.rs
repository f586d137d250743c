//! Turns at the starts of slots that no event of the schedule begins.

use super::*;
use crate::schedule::cron::CronEvents;
use crate::testing::{BundledTimeZones, album, time_zone};

/// An account whose cron fires at some minutes of each hour.
struct Account {
    host: Host,
    settings: Settings,
    cron: &'static str,
    /// The interval of the cron in minutes.
    every: i64,
}

/// A time of the day on which these tests start.
fn utc(time: &str) -> DateTime<Utc> {
    instant(&format!("2027-01-13T{time}Z"))
}

impl Account {
    fn new(zone: &str, period: &str, frames: u16, (cron, every): (&'static str, i64)) -> Self {
        let mut host = Host::new();
        host.publish(&album("hours", frames));
        Self {
            host,
            settings: settings_with(&[(TIME_ZONE.name, zone), (PERIOD.name, period)]),
            cron,
            every,
        }
    }

    fn schedule(&self) -> &Schedule {
        self.settings.schedule.as_ref().unwrap()
    }

    /// The frames that were sent since the last call, and the entries that were logged.
    fn sent(&self) -> Vec<u16> {
        let sent = self.host.take_sent();
        sent.iter()
            .map(|request| {
                let frame = frame_in(request);
                u16::from_be_bytes([frame[7], frame[8]])
            })
            .collect()
    }

    fn fires(&mut self, at: DateTime<Utc>) {
        self.host.now = at;
        let turn = on_schedule(&self.settings, &self.host, &self.host.ledger, self.cron, at);
        block_on(turn);
    }

    /// Lets the time pass until an instant, with or without the cron. Returns the instants at which
    /// frames were sent, and the frames.
    fn pass(&mut self, until: DateTime<Utc>, has_cron: bool) -> Vec<(DateTime<Utc>, u16)> {
        let mut sent = Vec::new();
        loop {
            let now = self.host.now;
            let step = self.every * 60;
            let next = (now.timestamp() / step + 1) * step;
            let event = DateTime::from_timestamp(next, 0).filter(|at| has_cron && *at <= until);
            let alarm = self.host.ledger.wake_at.get().filter(|at| *at <= until);
            match (event, alarm) {
                (Some(event), None) => self.fires(event),
                (Some(event), Some(alarm)) if event < alarm => self.fires(event),
                (_, Some(alarm)) => {
                    assert!(alarm > now, "woken at once");
                    self.host.ledger.wake_at.take();
                    self.host.now = alarm;
                    block_on(on_wake(&self.settings, &self.host, &self.host.ledger));
                }
                (None, None) => break,
            }
            sent.extend(self.sent().into_iter().map(|frame| (self.host.now, frame)));
        }
        self.host.now = until;
        sent
    }

    /// The starts of the slots in a stretch of time, and their frames.
    fn slots(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        frames: u16,
    ) -> Vec<(DateTime<Utc>, u16)> {
        let frames = FrameCount::new(frames).unwrap();
        let first = self.schedule().slot_at(from, frames).end;
        let next = |start: &DateTime<Utc>| Some(self.schedule().slot_at(*start, frames).end);
        let starts = std::iter::successors(Some(first), next);
        let starts = starts.take_while(|start| *start <= until);
        starts
            .map(|start| (start, self.schedule().frame_at(start, frames)))
            .collect()
    }
}

const HOURLY: (&str, i64) = ("0 * * * *", 60);

#[test]
fn in_every_zone_each_slot_has_its_turn_at_its_start_and_ends_with_the_schedule() {
    let crons = [HOURLY, ("*/20 * * * *", 20), ("0 */3 * * *", 180)];
    let schedules = [("12h", 12), ("12h", 24), ("1h30m", 4), ("24h", 7)];
    let mut offsets = BTreeSet::new();
    for zone in BundledTimeZones::names() {
        let offset = time_zone(zone);
        // Zones with the same clock on that day give the same result.
        if !offsets.insert(offset.offset_seconds_at(utc("12:00:00").timestamp())) {
            continue;
        }
        for cron in crons {
            for (period, frames) in schedules {
                let mut account = Account::new(zone, period, frames, cron);
                account.fires(utc("00:00:00"));
                account.sent();
                let sent = account.pass(utc("15:00:00"), true);
                let slots = account.slots(utc("00:00:00"), utc("15:00:00"), frames);
                assert_eq!(sent, slots, "{zone} {cron:?} {period} {frames}");
                let entries = account.host.ledger.entries();
                assert!(entries.iter().all(|entry| entry["trigger"] == "cron"));
                assert!(entries.iter().all(|entry| entry["attempts"] == 1));
                assert_eq!(entries.len(), slots.len() + 1);

                // The cron is switched off.
                let end = utc("15:00:00") + TimeDelta::minutes(2 * cron.1);
                let late = account.pass(instant("2027-02-01T00:00:00Z"), false);
                assert!(
                    late.iter().all(|(at, _)| *at <= end),
                    "{zone} {cron:?} {late:?}"
                );
                assert_eq!(account.host.ledger.wake_at.get(), None);
            }
        }
    }
    assert!(offsets.len() > 35, "{} offsets", offsets.len());
}

#[test]
fn a_turn_at_the_start_of_a_slot_is_recorded_as_the_schedule_s() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.fires(utc("10:00:00"));
    let entry = account.host.take_only_entry();
    assert_eq!(entry["frame"], 3);
    assert_eq!(account.host.ledger.wake_at.get(), Some(utc("10:30:00")));
    account.pass(utc("10:59:59"), true);
    let entry = account.host.take_only_entry();
    assert_eq!(entry["trigger"], "cron");
    assert_eq!(entry["frame"], 4);
    assert_eq!(entry["scheduled_at"], "2027-01-13T10:30:00Z");
    assert_eq!(entry["sent_at"], "2027-01-13T10:30:00Z");
    assert_eq!(account.host.ledger.entries().last(), Some(&entry));
}

#[test]
fn one_alarm_serves_slots_and_tries_and_the_sooner_comes_first() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.host.reply = Err(SendError::Timeout);
    account.fires(utc("10:00:00"));
    // The next attempt comes before the next slot.
    let first = account.host.ledger.wake_at.get().unwrap();
    assert!(first < utc("10:02:00"), "{first}");
    let tries = account.pass(utc("10:29:59"), true);
    assert!(tries.len() >= 2 && tries.iter().all(|(_, frame)| *frame == 3));
    // A longer wait does not delay the slot.
    account.host.reply = Ok(reply(200, &[], crate::testing::USER));
    assert_eq!(account.pass(utc("10:30:00"), true), [(utc("10:30:00"), 4)]);

    let refusal = json!({ "errors": [{ "code": 32, "message": "No." }] });
    account.host.reply = Ok(reply(401, &[], refusal.to_string()));
    assert_eq!(account.pass(utc("11:30:00"), true), [(utc("11:30:00"), 5)]);
    account.host.reply = Ok(reply(200, &[], crate::testing::USER));
    let hour_later = utc("12:30:00");
    assert_eq!(account.pass(hour_later, true), [(hour_later, 6)]);
}

#[test]
fn a_cron_that_was_replaced_leaves_no_slot_waiting_once_the_new_one_has_fired() {
    let mut account = Account::new("Asia/Tokyo", "12h", 12, HOURLY);
    account.fires(utc("10:00:00"));
    account.sent();
    // Deployed at 10:10.
    account.cron = "30 * * * *";
    account.fires(utc("10:30:00"));
    assert_eq!(account.sent(), [0_u16; 0]);
    assert_eq!(account.pass(utc("11:29:59"), false), [(utc("11:00:00"), 8)]);
    account.fires(utc("11:30:00"));
    assert_eq!(account.sent(), [0_u16; 0]);
    assert_eq!(account.pass(utc("12:29:59"), false), [(utc("12:00:00"), 9)]);
}

#[test]
fn without_an_event_nobody_is_woken_for_a_slot() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.host.now = utc("10:10:00");
    for turn_request in [
        TurnRequest::due_at(account.host.now, Trigger::Manual),
        TurnRequest::due_at(account.host.now, Trigger::Cron),
    ] {
        turn_by(&account.settings, &account.host, &turn_request);
        assert_eq!(account.host.ledger.wake_at.get(), None);
    }
}

#[test]
fn a_turn_by_hand_leaves_the_next_slot_its_turn() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.fires(utc("10:00:00"));
    account.host.take_only_entry();
    account.host.now = utc("10:10:00");
    // A failed attempt starts and ends a wait of its own.
    for (reply_of_x, force) in [
        (Err(SendError::Timeout), true),
        (Ok(reply(200, &[], crate::testing::USER)), true),
    ] {
        account.host.reply = reply_of_x;
        let turn_request = TurnRequest {
            force,
            ..TurnRequest::due_at(account.host.now, Trigger::Manual)
        };
        turn_by(&account.settings, &account.host, &turn_request);
        assert_eq!(account.host.ledger.wake_at.get(), Some(utc("10:30:00")));
    }
}

#[test]
fn a_host_that_wakes_late_makes_the_turn_of_the_present_once() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.fires(utc("10:00:00"));
    account.sent();
    for at in ["10:47:00", "10:47:01"] {
        account.host.now = utc(at);
        block_on(on_wake(
            &account.settings,
            &account.host,
            &account.host.ledger,
        ));
    }
    assert_eq!(account.sent(), [4]);
    assert_eq!(account.host.ledger.wake_at.get(), Some(utc("11:30:00")));
    // A wake-up that is a little early counts.
    account.host.now = utc("11:29:59.5");
    block_on(on_wake(
        &account.settings,
        &account.host,
        &account.host.ledger,
    ));
    assert_eq!(account.sent(), [5]);
}

#[test]
fn all_networks_have_their_turn_at_the_start_of_a_slot() {
    let changes = [(TIME_ZONE.name, "Asia/Kolkata")];
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    account.host = account.host.on_all_networks();
    account.settings = crate::testing::settings_of_all_networks(&changes);
    account.fires(utc("10:00:00"));
    account.host.take_sent();
    account.host.ledger.wake_at.take();
    account.host.now = utc("10:30:00");
    let reports = block_on(on_wake(
        &account.settings,
        &account.host,
        &account.host.ledger,
    ));
    let turned = reports
        .iter()
        .map(|report| (report.network, report.frame, &report.outcome));
    let expected = ["x", "bluesky", "mastodon"].map(|name| (name, Some(4), &Outcome::Turned));
    assert_eq!(turned.collect::<Vec<_>>(), expected);
}

#[test]
fn a_schedule_that_cannot_be_read_leaves_the_turns_to_its_events() {
    let mut account = Account::new("Asia/Kolkata", "12h", 12, HOURLY);
    block_on(account.host.ledger.keep_cron_events(&CronEvents::default())).unwrap();
    account.host.ledger.is_read_only.set(true);
    account.fires(utc("10:00:00"));
    assert_eq!(account.host.ledger.wake_at.get(), None);
}
