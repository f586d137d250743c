//! Time zones as the machine knows them, which its updates keep current. A zone that the machine
//! does not have comes from the database that is built in: some systems have no database, some
//! leave out the old names, and some are older than a new name.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use rotate_icon_core::ports::{OffsetAt, TimeZones};

/// The databases, in the order in which they are asked.
pub(crate) struct Databases([TimeZoneDatabase; 2]);

/// Opens the database that `TZDIR` names or that lies in the usual folders, such as
/// `/usr/share/zoneinfo`, and the one that is built in.
pub(crate) fn machine() -> Databases {
    Databases([TimeZoneDatabase::from_env(), TimeZoneDatabase::bundled()])
}

impl TimeZones for Databases {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        let zone = self.0.iter().find_map(|database| database.get(name).ok())?;
        Some(Rc::new(move |unix_seconds| {
            let (first, last) = (Timestamp::MIN, Timestamp::MAX);
            let at = Timestamp::from_second(unix_seconds);
            let at = at.unwrap_or(if unix_seconds < 0 { first } else { last });
            zone.to_offset(at).seconds()
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Range;

    use chrono::{DateTime, Offset as _, TimeZone as _};
    use rotate_icon_core::schedule::time_zone::TimeZone;

    use super::*;

    /// 2015 to 2025: what the clocks did is known, and no release of the database changes it.
    const SETTLED: Range<i64> = 1_420_070_400..1_767_225_600;

    /// 2026 to 2035.
    const TO_COME: Range<i64> = SETTLED.end..2_082_758_400;

    /// The database corrected these after chrono-tz's release: since 2022, clocks there change at
    /// the hour of the European Union.
    const CORRECTED: [&str; 2] = ["Europe/Chisinau", "Europe/Tiraspol"];

    /// How many zones may differ in the years to come before a source counts as stale or wrong.
    const MOST_DIFFERENT: usize = 5;

    fn theirs(zone: chrono_tz::Tz, unix_seconds: i64) -> i32 {
        let at = DateTime::from_timestamp(unix_seconds, 0).unwrap();
        let offset = zone.offset_from_utc_datetime(&at.naive_utc());
        offset.fix().local_minus_utc()
    }

    /// Looks for the first instant at which two readings of a zone differ: at the end of each
    /// day, and on a day with a change in the seconds before and after each quarter of an hour.
    fn difference(zone: chrono_tz::Tz, ours: &TimeZone, years: Range<i64>) -> Option<i64> {
        let differs = |at: &i64| ours.offset_seconds_at(*at) != theirs(zone, *at);
        let mut before = theirs(zone, years.start);
        for day in years.step_by(86_400) {
            let after = theirs(zone, day + 86_399);
            let marks = if after == before { 86_400 } else { 900 };
            before = after;
            let mut marks = (day..day + 86_400).step_by(marks);
            if let Some(mark) = marks.find(|mark| differs(&(mark - 1)) || differs(mark)) {
                return Some(mark);
            }
        }
        None
    }

    #[test]
    fn the_machine_and_chrono_tz_agree_on_the_settled_years() {
        let machine = machine();
        let mut compared = 0;
        for zone in chrono_tz::TZ_VARIANTS {
            let Ok(ours) = TimeZone::named(zone.name(), &machine) else {
                continue;
            };
            if !CORRECTED.contains(&zone.name()) {
                let at = difference(zone, &ours, SETTLED);
                assert_eq!(at, None, "{zone} differs at this Unix time");
            }
            compared += 1;
        }
        assert!(compared > 550, "{compared} zones");
    }

    #[test]
    fn the_machine_and_chrono_tz_differ_in_few_zones_in_the_years_to_come() {
        let machine = machine();
        // Many names are of one zone.
        let mut different = BTreeMap::<(i64, i32, i32), Vec<&str>>::new();
        for zone in chrono_tz::TZ_VARIANTS {
            let Ok(ours) = TimeZone::named(zone.name(), &machine) else {
                continue;
            };
            if CORRECTED.contains(&zone.name()) {
                continue;
            }
            if let Some(at) = difference(zone, &ours, TO_COME) {
                let offsets = (at, ours.offset_seconds_at(at), theirs(zone, at));
                different.entry(offsets).or_default().push(zone.name());
            }
        }
        assert!(different.len() <= MOST_DIFFERENT, "{different:#?}");
    }

    #[test]
    fn a_zone_that_the_machine_does_not_have_comes_from_the_built_in_database() {
        let empty = tempfile::tempdir().unwrap();
        let none = TimeZoneDatabase::from_dir(empty.path());
        let databases = Databases([
            none.unwrap_or_else(|_| TimeZoneDatabase::none()),
            TimeZoneDatabase::bundled(),
        ]);
        for name in [
            "Asia/Calcutta",
            "Asia/Kolkata",
            "Europe/Kiev",
            "Europe/Kyiv",
        ] {
            assert!(TimeZone::named(name, &databases).is_ok(), "{name}");
        }
        for name in ["Factory", "+05:30", "JST", "localtime", "posix/Asia/Tokyo"] {
            assert!(TimeZone::named(name, &databases).is_err(), "{name}");
            assert!(TimeZone::named(name, &machine()).is_err(), "{name}");
        }
    }
}
