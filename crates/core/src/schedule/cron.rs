//! What is known of the schedule that wakes a host, and from it, at which times no
//! event of the schedule comes though a frame is due.
//!
//! A cron counts in hours and minutes of UTC; frames change by the wall clock of any
//! zone, and a set may have more of them than there are events. So whoever can be
//! woken at an instant ([`crate::ports::Ledger::wake_at`]) is woken at the start of
//! each slot at which no cron fires. That has to end when the schedule does: each
//! event gives a lease for two intervals of its cron, and nobody is woken beyond.

use chrono::serde::ts_milliseconds;
use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use crate::instant::after;
use crate::schedule::slots::{FrameCount, Schedule};

/// How many intervals a lease lasts: one event may fail to come.
const INTERVALS: i32 = 2;

/// What a cron's interval is at most, in minutes: a day.
const MINUTES_A_DAY: u16 = 1440;

/// A slot has to last so many seconds for its start to be woken for, as long as a
/// cron's smallest interval.
const SHORTEST_SLOT_S: u32 = 60;

/// How many starts of slots are looked at. Where a cron fires at all of these, the
/// next one is soon enough to look further.
const LOOK_AHEAD: usize = 100;

/// How far ahead the next event of a cron is looked for, in days.
const DAYS_AHEAD: i64 = 8;

/// How far the clocks of two machines may differ.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The crons that have fired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronEvents {
    /// Each by its text.
    #[serde(default)]
    crons: Vec<Lease>,
}

/// What an event of a cron gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    /// The cron's text.
    cron: String,
    /// When its last event came.
    #[serde(with = "ts_milliseconds")]
    last: DateTime<Utc>,
    /// Its interval in minutes, 1 to 1440.
    interval: u16,
    /// Whether another cron has appeared since its last event, which may have replaced
    /// it: its next event is not relied on.
    #[serde(default)]
    is_doubted: bool,
}

impl CronEvents {
    /// Takes in that a cron has fired. What has not fired for long is forgotten, and so is
    /// what should have fired since and has not, as it may have been replaced by this one:
    /// if it has not, its next event brings it back. Where this one is new, the others are
    /// doubted until they fire. A text that cannot be read gives no lease: its events make
    /// their turns, and nothing comes in between.
    pub fn renew(&mut self, cron: &str, now: DateTime<Utc>) {
        self.crons
            .retain(|lease| lease.is_live(now) && (lease.cron == cron || !lease.has_missed(now)));
        let known = self.crons.iter().position(|lease| lease.cron == cron);
        let known = known.map(|index| self.crons.remove(index).interval);
        let is_new = known.is_none();
        if let Some(interval) = known.or_else(|| parse(cron).as_ref().map(interval)) {
            for lease in &mut self.crons {
                // What fired at the same time was not replaced.
                lease.is_doubted |= is_new && after(lease.last, SKEW) < now;
            }
            self.crons.push(Lease {
                cron: cron.to_owned(),
                last: now,
                interval,
                is_doubted: false,
            });
        }
    }

    /// Whether a cron has fired lately, so that turns come by themselves.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.crons.iter().any(|lease| lease.is_live(now))
    }

    /// The next instant after `now` at which a slot begins and no cron fires, as far
    /// as the leases reach.
    pub fn next_start(
        &self,
        now: DateTime<Utc>,
        schedule: &Schedule,
        frames: FrameCount,
    ) -> Option<DateTime<Utc>> {
        let leases = self.live(now);
        let until = leases.iter().map(Live::until).max()?;
        starts_after(now, schedule, frames)
            .take(LOOK_AHEAD)
            .take_while(|start| *start <= until)
            .find(|start| has_no_event(&leases, *start))
    }

    /// Whether a slot that has begun is one that no cron begins and a lease covers.
    pub fn wants(
        &self,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
        schedule: &Schedule,
        frames: FrameCount,
    ) -> bool {
        is_long_enough(schedule, frames) && has_no_event(&self.live(now), start)
    }

    /// When the next slot's turn comes by itself: at its start, or with a cron's first
    /// event after that. `None` if no cron has fired lately, or none will for days.
    pub fn next_turn(
        &self,
        now: DateTime<Utc>,
        schedule: &Schedule,
        frames: FrameCount,
    ) -> Option<DateTime<Utc>> {
        let leases = self.live(now);
        let start = schedule.slot_at(now, frames).end;
        let minutes = DAYS_AHEAD.saturating_mul(MINUTES_A_DAY.into());
        let event = (!leases.is_empty())
            .then(|| minutes_from(start, minutes).find(|at| fires(&leases, *at)))
            .flatten();
        let woken = self.next_start(now, schedule, frames);
        [event, woken].into_iter().flatten().min()
    }

    /// The leases that last, with their crons.
    fn live(&self, now: DateTime<Utc>) -> Vec<Live<'_>> {
        let live = self.crons.iter().filter(|lease| lease.is_live(now));
        live.filter_map(|lease| {
            let cron = parse(&lease.cron)?;
            Some(Live { lease, cron })
        })
        .collect()
    }
}

impl Lease {
    fn interval(&self) -> TimeDelta {
        TimeDelta::minutes(self.interval.clamp(1, MINUTES_A_DAY).into())
    }

    /// Until when slots are woken for on its account.
    fn until(&self) -> DateTime<Utc> {
        let two = self.interval().checked_mul(INTERVALS);
        after(self.last, two.expect("an interval is a day at most"))
    }

    /// Whether it lasts. A clock that was ahead once gives no lease.
    fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.last <= after(now, SKEW) && now <= self.until()
    }
}

impl Lease {
    /// Whether its cron should have fired since it last did. An event that came early is
    /// the one it was meant for.
    fn has_missed(&self, now: DateTime<Utc>) -> bool {
        let minutes = i64::from(MINUTES_A_DAY).saturating_mul(INTERVALS.into());
        let since = after(self.last, SKEW);
        let mut minutes = minutes_from(since, minutes).take_while(|at| *at <= now);
        parse(&self.cron).is_none_or(|cron| {
            minutes.any(|at| at != since && cron.is_time_matching(&at).unwrap_or_default())
        })
    }
}

/// A lease that lasts, and its cron.
struct Live<'a> {
    lease: &'a Lease,
    cron: Cron,
}

impl Live<'_> {
    fn until(&self) -> DateTime<Utc> {
        self.lease.until()
    }

    fn fires_at(&self, at: DateTime<Utc>) -> bool {
        self.cron.is_time_matching(&at).unwrap_or_default()
    }

    /// Whether an event is relied on.
    fn surely_fires_at(&self, at: DateTime<Utc>) -> bool {
        !self.lease.is_doubted && self.fires_at(at)
    }

    /// Whether the cron is at work at an instant: it fires less than an interval
    /// before it, so a cron that leaves out the night leaves it out here too.
    fn covers(&self, at: DateTime<Utc>) -> bool {
        let minutes = self.lease.interval.clamp(1, MINUTES_A_DAY).into();
        let from = after(at, TimeDelta::minutes(1_i64.saturating_sub(minutes)));
        at <= self.until() && minutes_from(floor(from), minutes).any(|at| self.fires_at(at))
    }
}

/// Whether a slot begins at an instant while a cron is at work, but not with its event.
fn has_no_event(leases: &[Live<'_>], start: DateTime<Utc>) -> bool {
    leases.iter().any(|lease| lease.covers(start)) && !fires(leases, start)
}

/// Whether a cron fires at an instant, and that is relied on.
fn fires(leases: &[Live<'_>], at: DateTime<Utc>) -> bool {
    floor(at) == at && leases.iter().any(|lease| lease.surely_fires_at(at))
}

fn is_long_enough(schedule: &Schedule, frames: FrameCount) -> bool {
    let shortest = u32::from(frames.get()).saturating_mul(SHORTEST_SLOT_S);
    schedule.period.seconds() >= shortest
}

/// The starts of the slots after an instant; none where slots are too short.
fn starts_after(
    now: DateTime<Utc>,
    schedule: &Schedule,
    frames: FrameCount,
) -> impl Iterator<Item = DateTime<Utc>> {
    let first = is_long_enough(schedule, frames).then(|| schedule.slot_at(now, frames).end);
    std::iter::successors(first, move |start| {
        Some(schedule.slot_at(*start, frames).end)
    })
}

/// So many whole minutes, from the first that is not before an instant.
fn minutes_from(at: DateTime<Utc>, count: i64) -> impl Iterator<Item = DateTime<Utc>> {
    let floor = floor(at);
    let first = i64::from(floor != at);
    (first..count.saturating_add(first)).map(move |n| after(floor, TimeDelta::minutes(n)))
}

/// The whole minute that an instant is in.
fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp();
    let into = seconds.rem_euclid(60);
    DateTime::from_timestamp(seconds.saturating_sub(into), 0).unwrap_or(at)
}

/// A cron as Cloudflare reads it: five fields in UTC, days of the week from 1, Sunday,
/// to 7, and what Quartz adds (`L`, `W`, `#`).
/// <https://developers.cloudflare.com/workers/configuration/cron-triggers/>
fn parse(text: &str) -> Option<Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build();
    parser.parse(text).ok()
}

/// The longest time between two events of a day on which there are events, in
/// minutes; a day where there is one event.
fn interval(cron: &Cron) -> u16 {
    let pattern = &cron.pattern;
    let fires = |n: &u16| {
        let (hour, minute) = (u32::from(*n) / 60, u32::from(*n) % 60);
        let both = pattern.hour_match(hour).and_then(|is_hour| {
            let is_minute = pattern.minute_match(minute)?;
            Ok(is_hour && is_minute)
        });
        both.expect("they are an hour of a day and a minute of an hour")
    };
    let events: Vec<u16> = (0..MINUTES_A_DAY).filter(fires).collect();
    let gaps = events.iter().zip(events.iter().skip(1));
    let gaps = gaps.map(|(one, next)| next.saturating_sub(*one));
    gaps.max().unwrap_or(MINUTES_A_DAY)
}

#[cfg(test)]
mod tests;
