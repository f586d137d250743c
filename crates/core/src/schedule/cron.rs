//! The Cron Triggers that wake a host, and the slots that begin without one.
//!
//! A cron counts in hours and minutes of UTC. Frames change by the clock of any time zone, and a
//! set may have more frames than a cron has events. So a host that can be woken at an instant
//! (`Ledger::wake_at`) is also woken at the start of each slot at which no cron fires. This has to
//! end when the crons are switched off: each event gives its cron a lease of two intervals, and no
//! turn is planned beyond the leases.

use chrono::serde::ts_milliseconds;
use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use crate::instant::after;
use crate::schedule::slots::{FrameCount, Schedule};

/// The length of a lease in intervals of its cron. With two, one event may fail to come.
const INTERVALS: i32 = 2;

/// The longest interval of a cron, in minutes: a day.
const MINUTES_A_DAY: u16 = 1440;

/// The length in seconds from which a slot is worth waking for: the shortest interval that a cron
/// can have.
const SHORTEST_SLOT_S: u32 = 60;

/// The number of slots to look ahead. If a cron fires at the start of all of them, its next event
/// is soon enough to look further.
const LOOK_AHEAD: usize = 100;

/// The number of days in which to look for the next event of a cron.
const DAYS_AHEAD: i64 = 8;

/// The difference that is allowed between the clocks of two machines.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The crons that have fired lately, each with its lease. An account keeps them between turns.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use rotate_icon_core::schedule::cron::CronEvents;
///
/// let now: DateTime<Utc> = "2026-11-22T10:00:00Z".parse()?;
/// let mut events = CronEvents::default();
/// events.renew("0 * * * *", now);
/// assert!(events.is_live(now + TimeDelta::hours(2)));
/// // Two events have failed to come: the cron has been switched off.
/// assert!(!events.is_live(now + TimeDelta::hours(3)));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronEvents {
    /// One lease for each cron.
    #[serde(default)]
    crons: Vec<Lease>,
}

/// The time for which a cron is trusted after an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    /// The cron's text.
    cron: String,
    /// The time of its last event.
    #[serde(with = "ts_milliseconds")]
    last: DateTime<Utc>,
    /// Its interval in minutes, 1 to 1440.
    interval: u16,
    /// Whether a new cron has fired since its last event. The new one may have replaced it, so
    /// its next event cannot be relied on.
    #[serde(default)]
    is_doubted: bool,
}

impl CronEvents {
    /// Records that a cron, given by its text, has fired.
    ///
    /// This drops the leases that have ended, and those of crons that should have fired since and
    /// have not: this cron may have replaced them. If it has not, their next event brings them
    /// back. If this cron is new, the others are in doubt until they fire. A text that cannot be
    /// read gets no lease: its events make their turns, and no slot between them has one.
    pub fn renew(&mut self, cron: &str, now: DateTime<Utc>) {
        self.crons
            .retain(|lease| lease.is_live(now) && (lease.cron == cron || !lease.has_missed(now)));
        let known = self.crons.iter().position(|lease| lease.cron == cron);
        let known = known.map(|index| self.crons.remove(index).interval);
        let is_new = known.is_none();
        if let Some(interval) = known.or_else(|| parse(cron).as_ref().map(interval)) {
            for lease in &mut self.crons {
                // A cron that fired at the same time has not been replaced.
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

    /// Returns whether a cron has fired lately, so that turns come by themselves.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.crons.iter().any(|lease| lease.is_live(now))
    }

    /// Returns the next instant after `now` at which a slot begins and no cron fires. Returns
    /// `None` if there is none before the leases end.
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

    /// Returns whether the slot that began at `start` needs a wake-up for its turn: a lease covers
    /// it, and no cron fires at its start.
    pub fn wants(
        &self,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
        schedule: &Schedule,
        frames: FrameCount,
    ) -> bool {
        is_long_enough(schedule, frames) && has_no_event(&self.live(now), start)
    }

    /// Returns when the next slot has its turn: at its start, or at the first event of a cron after
    /// that. Returns `None` if no cron has fired lately, or none will for days.
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

    /// Returns the leases that have not ended, with their crons.
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

    /// Returns when the lease ends.
    fn until(&self) -> DateTime<Utc> {
        let two = self.interval().checked_mul(INTERVALS);
        after(self.last, two.expect("an interval is a day at most"))
    }

    /// Returns whether the lease has begun and not ended. A lease from the future was written by a
    /// clock that was wrong.
    fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.last <= after(now, SKEW) && now <= self.until()
    }
}

impl Lease {
    /// Returns whether its cron should have fired again by now. An event that came up to
    /// [`SKEW`] early counts as the one that was due.
    fn has_missed(&self, now: DateTime<Utc>) -> bool {
        let minutes = i64::from(MINUTES_A_DAY).saturating_mul(INTERVALS.into());
        let since = after(self.last, SKEW);
        let mut minutes = minutes_from(since, minutes).take_while(|at| *at <= now);
        parse(&self.cron).is_none_or(|cron| {
            minutes.any(|at| at != since && cron.is_time_matching(&at).unwrap_or_default())
        })
    }
}

/// A lease that has not ended, with its parsed cron.
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

    /// Returns whether the cron fires at an instant and is not in doubt.
    fn surely_fires_at(&self, at: DateTime<Utc>) -> bool {
        !self.lease.is_doubted && self.fires_at(at)
    }

    /// Returns whether the cron is at work at an instant: it fires less than an interval before.
    /// So a cron that leaves out the night has no turns at night.
    fn covers(&self, at: DateTime<Utc>) -> bool {
        let minutes = self.lease.interval.clamp(1, MINUTES_A_DAY).into();
        let from = after(at, TimeDelta::minutes(1_i64.saturating_sub(minutes)));
        at <= self.until() && minutes_from(floor(from), minutes).any(|at| self.fires_at(at))
    }
}

/// Returns whether a cron is at work at the start of a slot, but none fires at it.
fn has_no_event(leases: &[Live<'_>], start: DateTime<Utc>) -> bool {
    leases.iter().any(|lease| lease.covers(start)) && !fires(leases, start)
}

/// Returns whether a cron that is not in doubt fires at an instant.
fn fires(leases: &[Live<'_>], at: DateTime<Utc>) -> bool {
    floor(at) == at && leases.iter().any(|lease| lease.surely_fires_at(at))
}

fn is_long_enough(schedule: &Schedule, frames: FrameCount) -> bool {
    let shortest = u32::from(frames.get()).saturating_mul(SHORTEST_SLOT_S);
    schedule.period.seconds() >= shortest
}

/// Lists the starts of the slots after an instant. The list is empty if slots are too short.
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

/// Lists `count` whole minutes, from the first that is not before an instant.
fn minutes_from(at: DateTime<Utc>, count: i64) -> impl Iterator<Item = DateTime<Utc>> {
    let floor = floor(at);
    let first = i64::from(floor != at);
    (first..count.saturating_add(first)).map(move |n| after(floor, TimeDelta::minutes(n)))
}

/// Rounds an instant down to the whole minute.
fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp();
    let into = seconds.rem_euclid(60);
    DateTime::from_timestamp(seconds.saturating_sub(into), 0).unwrap_or(at)
}

/// Parses a cron as Cloudflare does: five fields in UTC, days of the week from 1 (Sunday) to 7, and
/// the additions of Quartz (`L`, `W`, `#`).
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

/// Returns the longest time between two events of a day on which the cron fires, in minutes. If it
/// fires once a day, that is a day.
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
