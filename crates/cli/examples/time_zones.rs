//! Prints how the clocks of all time zones change, as the command knows them. A test compares it
//! with the Worker's runtime.
//!
//! Each line is of one zone: `["Asia/Tokyo",[[1420070400,32400]]]`, with its name and from when on
//! it has which offset, both in seconds.
#![allow(clippy::print_stdout)]
#![allow(missing_docs)]

use std::ops::Range;

use anyhow::Result;
use jiff::tz::TimeZoneDatabase;
use rotate_icon_core::schedule::time_zone::TimeZone;

#[path = "../src/time_zones.rs"]
mod time_zones;

/// 2015 to 2035, in Unix time.
const YEARS: Range<i64> = 1_420_070_400..2_082_758_400;

fn main() -> Result<()> {
    let machine = time_zones::machine();
    for name in TimeZoneDatabase::bundled().available() {
        // The database also has a name for a zone that nobody has set.
        let Ok(zone) = TimeZone::named(name.as_str(), &machine) else {
            continue;
        };
        let mut changes = Vec::new();
        let mut start = YEARS.start;
        while start < YEARS.end {
            changes.push((start, zone.offset_seconds_at(start)));
            start = zone.stretch_at(start, start..YEARS.end).end;
        }
        println!("{}", serde_json::to_string(&(zone.name(), changes))?);
    }
    Ok(())
}
