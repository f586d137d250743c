//! The schedule: which frame an instant shows, and the slot it lies in.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::instant::after;
use crate::schedule::time_zone::TimeZone;

const SECONDS_A_DAY: u32 = 86_400;
const SECONDS_A_WEEK: u32 = 604_800;

/// The time from the midnight that began the Monday before the Unix epoch to the epoch, in ms.
const MONDAY_TO_EPOCH_MS: i64 = 259_200_000;

/// The number of frames in a frame set: 1 to 1440, which is one for each minute of a day.
///
/// ```
/// use rotate_icon_core::schedule::FrameCount;
///
/// assert_eq!("12".parse(), Ok(FrameCount::TWELVE));
/// assert_eq!(FrameCount::new(1441), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameCount(NonZeroU16);

impl FrameCount {
    /// The most frames a set may have.
    pub const MAX: u16 = 1440;

    /// One frame for each hour of a clock's face.
    pub const TWELVE: Self = Self(match NonZeroU16::new(12) {
        Some(twelve) => twelve,
        None => NonZeroU16::MIN,
    });

    /// Makes a count of frames. Returns `None` outside of 1 to 1440.
    pub fn new(count: u16) -> Option<Self> {
        NonZeroU16::new(count)
            .filter(|count| count.get() <= Self::MAX)
            .map(Self)
    }

    /// Returns the count, 1 to 1440.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

/// The text is not a number of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("has to be a whole number from 1 to {}", FrameCount::MAX)]
pub struct InvalidFrameCount;

impl FromStr for FrameCount {
    type Err = InvalidFrameCount;

    fn from_str(text: &str) -> Result<Self, InvalidFrameCount> {
        let count = text.parse().ok();
        count.and_then(Self::new).ok_or(InvalidFrameCount)
    }
}

impl fmt::Display for FrameCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time that one full rotation takes: a whole number of seconds that divides a day, so that
/// every day begins at frame 0; or a week, which begins on Monday (ISO 8601 §3.1.1.23).
///
/// ```
/// use rotate_icon_core::schedule::Period;
///
/// let period: Period = "90m".parse()?;
/// assert_eq!(period.seconds(), 5400);
/// assert_eq!(period.to_string(), "1h30m");
/// // Seven hours do not divide a day.
/// assert!("7h".parse::<Period>().is_err());
/// # Ok::<(), rotate_icon_core::schedule::InvalidPeriod>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    seconds: u32,
}

/// The period neither divides a day nor is a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a period that divides a day, such as 12h, 24h, 1h, 1h30m or 20m, nor a week, 7d")]
pub struct InvalidPeriod;

impl Period {
    /// The hour hand's period.
    pub const TWELVE_HOURS: Self = Self { seconds: 43_200 };

    /// Makes a period of a number of seconds, which has to divide a day of 86,400 s or be a week
    /// of 604,800 s.
    ///
    /// # Errors
    /// Returns [`InvalidPeriod`] for any other number.
    pub fn from_seconds(seconds: u32) -> Result<Self, InvalidPeriod> {
        match SECONDS_A_DAY.checked_rem(seconds) {
            Some(0) => Ok(Self { seconds }),
            _ if seconds == SECONDS_A_WEEK => Ok(Self { seconds }),
            _ => Err(InvalidPeriod),
        }
    }

    /// Returns the period in seconds: 1 to 86,400, or 604,800.
    pub fn seconds(self) -> u32 {
        self.seconds
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    /// Reads days, hours, minutes, and seconds in that order, each optional, as in `12h`, `90m`,
    /// `1h30m`, or `7d`.
    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let mut rest = text;
        let mut total = 0_u32;
        for (unit, unit_seconds) in [('d', SECONDS_A_DAY), ('h', 3600), ('m', 60), ('s', 1)] {
            let Some((digits, after)) = rest.split_once(unit) else {
                continue;
            };
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidPeriod);
            }
            total = digits
                .parse::<u32>()
                .ok()
                .and_then(|number| number.checked_mul(unit_seconds))
                .and_then(|seconds| total.checked_add(seconds))
                .ok_or(InvalidPeriod)?;
            rest = after;
        }
        if rest.is_empty() {
            Self::from_seconds(total)
        } else {
            Err(InvalidPeriod)
        }
    }
}

impl fmt::Display for Period {
    /// Writes the shortest form that can be read again, for example `12h` or `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds;
        if seconds == SECONDS_A_WEEK {
            return f.write_str("7d");
        }
        for (count, unit) in [
            (seconds / 3600, 'h'),
            (seconds % 3600 / 60, 'm'),
            (seconds % 60, 's'),
        ] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

/// The direction in which the icon turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// As the hands of a clock do.
    #[default]
    Clockwise,
    /// Against the hands of a clock.
    Counterclockwise,
}

impl Direction {
    /// Returns the frame that is `step` steps from frame 0 in this direction. Frame k of a set is
    /// the icon rotated *clockwise* by k · 360° / `frames`, whatever the direction.
    pub fn frame_after(self, step: u16, frames: FrameCount) -> u16 {
        let frames = frames.0;
        let step = step % frames;
        match self {
            Self::Clockwise => step,
            Self::Counterclockwise => frames.get().saturating_sub(step) % frames,
        }
    }
}

/// The text is neither `clockwise` nor `counterclockwise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither clockwise nor counterclockwise")]
pub struct InvalidDirection;

impl FromStr for Direction {
    type Err = InvalidDirection;

    fn from_str(text: &str) -> Result<Self, InvalidDirection> {
        match text {
            "clockwise" => Ok(Self::Clockwise),
            "counterclockwise" => Ok(Self::Counterclockwise),
            _ => Err(InvalidDirection),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clockwise => "clockwise",
            Self::Counterclockwise => "counterclockwise",
        })
    }
}

/// Maps time to frames: by the clock of which time zone the icon turns, how fast, and which way.
///
/// ```
/// use std::rc::Rc;
///
/// use chrono::{DateTime, Utc};
/// use rotate_icon_core::ports::{OffsetAt, TimeZones};
/// use rotate_icon_core::schedule::time_zone::TimeZone;
/// use rotate_icon_core::schedule::{Direction, FrameCount, Period, Schedule};
///
/// /// A host that knows one time zone.
/// struct Japan;
///
/// impl TimeZones for Japan {
///     fn open(&self, name: &str) -> Option<OffsetAt> {
///         (name == "Asia/Tokyo").then(|| Rc::new(|_| 9 * 3600) as OffsetAt)
///     }
/// }
///
/// let schedule = Schedule {
///     time_zone: TimeZone::named("asia/tokyo", &Japan)?,
///     period: Period::TWELVE_HOURS,
///     direction: Direction::Clockwise,
/// };
/// // 23 minutes past 11 in Japan.
/// let now: DateTime<Utc> = "2026-11-22T02:23:45Z".parse().unwrap();
/// assert_eq!(schedule.frame_at(now, FrameCount::TWELVE), 11);
/// let slot = schedule.slot_at(now, FrameCount::TWELVE);
/// assert_eq!(slot.end.to_rfc3339(), "2026-11-22T03:00:00+00:00");
/// # Ok::<(), rotate_icon_core::schedule::time_zone::UnknownTimeZone>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The time zone whose clock the icon follows.
    pub time_zone: TimeZone,
    /// The time that a full rotation takes.
    pub period: Period,
    /// The direction of the rotation.
    pub direction: Direction,
}

impl Schedule {
    /// Returns the number of the frame to show at an instant, 0 to `frames` − 1.
    ///
    /// The number depends only on the local weekday and time of day. An hour that happens twice
    /// shows the same frames twice; an hour that does not happen is skipped.
    pub fn frame_at(&self, at: DateTime<Utc>, frames: FrameCount) -> u16 {
        let step = u16::try_from(self.elapsed_at(at).step(frames))
            .expect("a step is less than the number of frames");
        self.direction.frame_after(step, frames)
    }

    /// Returns the slot of an instant: the stretch of time around it that shows one frame.
    ///
    /// A slot also ends where the local clock is put forward or back, even if the next slot shows
    /// the same frame. So a slot never has two frames, and an hour that happens twice is two slots.
    pub fn slot_at(&self, at: DateTime<Utc>, frames: FrameCount) -> Range<DateTime<Utc>> {
        // The instant may be finer than a millisecond; the slot's start must not depend on that.
        let finer = TimeDelta::nanoseconds((at.timestamp_subsec_nanos() % 1_000_000).into());
        let elapsed = self.elapsed_at(at);
        let step = elapsed.step(frames);
        let [start, end] = [step, step.saturating_add(1)].map(|step| {
            let since = elapsed.start_of(step, frames).saturating_sub(elapsed.ms);
            let since = TimeDelta::milliseconds(since);
            after(at, since.checked_sub(&finer).unwrap_or(since))
        });
        // Rounded up: the clock may change in the slot's last, incomplete second.
        let within = start.timestamp()..end.timestamp().saturating_add(1);
        let unchanged = self.time_zone.stretch_at(at.timestamp(), within);
        let change = |unix_seconds| DateTime::from_timestamp(unix_seconds, 0);
        let start = change(unchanged.start).map_or(start, |change| start.max(change));
        let end = change(unchanged.end).map_or(end, |change| end.min(change));
        start..end
    }

    /// Returns the local time at an instant, as a clock on a wall shows it.
    pub fn local_time_at(&self, at: DateTime<Utc>) -> NaiveDateTime {
        self.time_zone.local_time_at(at)
    }

    fn elapsed_at(&self, at: DateTime<Utc>) -> Elapsed {
        let local_ms = self.local_time_at(at).and_utc().timestamp_millis();
        let period_ms = i64::from(self.period.seconds).saturating_mul(1000);
        // A period divides a day or is a week, so the remainder is the time since the present
        // rotation began. It is below 604.8 million ms.
        let since_monday_ms = local_ms.saturating_add(MONDAY_TO_EPOCH_MS);
        let ms = since_monday_ms
            .checked_rem_euclid(period_ms)
            .expect("a period is not empty");
        Elapsed { ms, period_ms }
    }
}

/// The part of a rotation that has passed.
struct Elapsed {
    ms: i64,
    period_ms: i64,
}

impl Elapsed {
    /// Counts the frames that have passed since the rotation began.
    fn step(&self, frames: FrameCount) -> i64 {
        self.ms
            .saturating_mul(i64::from(frames.get()))
            .checked_div(self.period_ms)
            .expect("a period is not empty")
    }

    /// Returns the first ms of a step, counted from the beginning of the rotation.
    fn start_of(&self, step: i64, frames: FrameCount) -> i64 {
        let frames = i64::from(frames.get());
        step.saturating_mul(self.period_ms)
            .saturating_add(frames.saturating_sub(1))
            .checked_div(frames)
            .expect("a set has at least one frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, FixedOffset};
    use proptest::prelude::*;

    use crate::testing::{BundledTimeZones, time_zone};

    fn schedule(zone: &str, period: &str, direction: Direction) -> Schedule {
        Schedule {
            time_zone: time_zone(zone),
            period: period.parse().unwrap(),
            direction,
        }
    }

    fn count(frames: u16) -> FrameCount {
        FrameCount::new(frames).unwrap()
    }

    fn at(rfc3339: &str) -> DateTime<Utc> {
        rfc3339.parse().unwrap()
    }

    #[test]
    fn seven_frames_of_a_week_are_monday_to_sunday() {
        let schedule = schedule("Europe/Berlin", "7d", Direction::Clockwise);
        // 2026-11-23 is a Monday.
        for day in 0..14_u16 {
            let midnight = at("2026-11-22T23:00:00Z") + Duration::days(day.into());
            assert_eq!(schedule.frame_at(midnight, count(7)), day % 7);
            let before = midnight - Duration::milliseconds(1);
            assert_eq!(schedule.frame_at(before, count(7)), (day + 6) % 7);
        }
        assert_eq!("168h".parse::<Period>(), "7d".parse());
        assert_eq!("7d".parse::<Period>().unwrap().to_string(), "7d");
        assert_eq!("1d".parse::<Period>(), "24h".parse());
        assert!("14d".parse::<Period>().is_err());
        assert!("2d".parse::<Period>().is_err());
    }

    #[test]
    fn a_slot_is_the_same_at_every_instant_of_it_however_fine_the_clock() {
        let schedule = schedule("Asia/Tokyo", "12h", Direction::Clockwise);
        let slot = at("2026-11-22T02:00:00Z")..at("2026-11-22T03:00:00Z");
        for instant in [
            "2026-11-22T02:00:00.000000001Z",
            "2026-11-22T02:23:45.123456789Z",
            "2026-11-22T02:59:59.999999999Z",
        ] {
            assert_eq!(schedule.slot_at(at(instant), count(12)), slot, "{instant}");
        }
    }

    #[test]
    fn the_default_shows_the_frame_of_the_hour_in_japan() {
        let schedule = schedule("Asia/Tokyo", "12h", Direction::Clockwise);
        for hour in 0..24_u16 {
            let japan = FixedOffset::east_opt(9 * 3600).unwrap();
            let instant = at("2026-11-21T15:00:00Z") + Duration::hours(hour.into());
            assert_eq!(
                instant.with_timezone(&japan).format("%H").to_string(),
                format!("{hour:02}")
            );
            assert_eq!(schedule.frame_at(instant, count(12)), hour % 12);
            let last_millisecond = instant + Duration::milliseconds(3_599_999);
            assert_eq!(schedule.frame_at(last_millisecond, count(12)), hour % 12);
        }
    }

    #[test]
    fn it_is_the_article_s_formula_for_every_hour_of_the_day() {
        // The article: `(t + 9) % 12` with `t` the hour of `Utc::now().hour12()`.
        let schedule = schedule("Asia/Tokyo", "12h", Direction::Clockwise);
        for hour in 0..24_i64 {
            let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
            let frame = schedule.frame_at(
                at("2026-02-01T00:00:00Z") + Duration::hours(hour),
                count(12),
            );
            assert_eq!(i64::from(frame), (hour12 + 9) % 12, "at {hour}:00 UTC");
        }
    }

    #[test]
    fn an_hour_that_happens_twice_shows_its_frame_twice() {
        let schedule = schedule("Europe/Berlin", "12h", Direction::Clockwise);
        let frames: Vec<_> = (0..5)
            .map(|hour| {
                schedule.frame_at(
                    at("2026-10-24T23:00:00Z") + Duration::hours(hour),
                    count(12),
                )
            })
            .collect();
        // 01:00, 02:00 summer time, 02:00 winter time, 03:00, 04:00.
        assert_eq!(frames, [1, 2, 2, 3, 4]);
    }

    #[test]
    fn an_hour_that_does_not_happen_is_skipped() {
        let schedule = schedule("America/New_York", "12h", Direction::Clockwise);
        let frames: Vec<_> = (0..4)
            .map(|hour| {
                schedule.frame_at(
                    at("2026-03-08T05:00:00Z") + Duration::hours(hour),
                    count(12),
                )
            })
            .collect();
        // 00:00, 01:00, 03:00, 04:00.
        assert_eq!(frames, [0, 1, 3, 4]);
    }

    #[test]
    fn zones_off_the_hour_and_half_hour_changes_are_followed() {
        let kathmandu = schedule("Asia/Kathmandu", "24h", Direction::Clockwise);
        assert_eq!(
            kathmandu.frame_at(at("2026-01-01T00:00:00Z"), count(1440)),
            345
        );
        // Lord Howe changes by half an hour: 10:30 in winter, 11:00 in summer.
        let lord_howe = schedule("Australia/Lord_Howe", "24h", Direction::Clockwise);
        assert_eq!(
            lord_howe.frame_at(at("2026-07-01T00:00:00Z"), count(48)),
            21
        );
        assert_eq!(
            lord_howe.frame_at(at("2026-12-31T00:00:00Z"), count(48)),
            22
        );
    }

    #[test]
    fn counterclockwise_goes_through_the_same_frames_backwards() {
        let schedule = schedule("UTC", "12h", Direction::Counterclockwise);
        let frames: Vec<_> = (0..12)
            .map(|hour| {
                schedule.frame_at(
                    at("2026-01-01T00:00:00Z") + Duration::hours(hour),
                    count(12),
                )
            })
            .collect();
        assert_eq!(frames, [0, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn instants_before_1970_and_at_the_ends_of_time_have_a_frame() {
        let schedule = schedule("America/New_York", "24h", Direction::Clockwise);
        assert_eq!(
            schedule.frame_at(at("1969-12-31T23:59:59.999Z"), count(24)),
            18
        );
        for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(schedule.frame_at(instant, count(1440)) < 1440);
        }
    }

    #[test]
    fn periods_are_read_and_written() {
        for (text, seconds) in [
            ("12h", 43_200),
            ("24h", 86_400),
            ("1h", 3600),
            ("1h30m", 5400),
            ("20m", 1200),
            ("45s", 45),
        ] {
            assert_eq!(text.parse::<Period>().map(Period::seconds), Ok(seconds));
            assert_eq!(Period::from_seconds(seconds).unwrap().to_string(), text);
        }
        assert_eq!("90m".parse(), Period::from_seconds(5400));
        for text in [
            "",
            "0h",
            "7h",
            "48h",
            "12",
            "h",
            "12 h",
            "-12h",
            "+12h",
            "12H",
            "1m1h",
            "12h12h",
            "1.5h",
            "99999999999h",
            "4294967295h",
            "１２h",
        ] {
            assert_eq!(text.parse::<Period>(), Err(InvalidPeriod), "{text:?}");
        }
    }

    #[test]
    fn a_frame_count_is_1_to_1440() {
        assert_eq!(FrameCount::new(0), None);
        assert_eq!(FrameCount::new(1441), None);
        assert_eq!(FrameCount::new(1).map(FrameCount::get), Some(1));
        assert_eq!(FrameCount::new(1440).map(FrameCount::get), Some(1440));
    }

    fn any_period() -> impl Strategy<Value = Period> {
        let divisors: Vec<u32> = (1..=86_400).filter(|n| 86_400 % n == 0).collect();
        proptest::sample::select(divisors).prop_map(|s| Period::from_seconds(s).unwrap())
    }

    fn any_zone() -> impl Strategy<Value = TimeZone> {
        let names: Vec<&str> = BundledTimeZones::names().collect();
        proptest::sample::select(names).prop_map(time_zone)
    }

    /// The slots between two instants, each as the one after the last.
    fn slots(schedule: &Schedule, from: &str, to: &str, frames: u16) -> Vec<Range<DateTime<Utc>>> {
        let mut slots = vec![schedule.slot_at(at(from), count(frames))];
        while let Some(last) = slots.last()
            && last.end < at(to)
        {
            slots.push(schedule.slot_at(last.end, count(frames)));
        }
        slots
    }

    #[test]
    fn a_slot_is_the_hour_around_an_instant() {
        let schedule = schedule("Asia/Tokyo", "12h", Direction::Clockwise);
        let slot = at("2026-11-22T02:00:00Z")..at("2026-11-22T03:00:00Z");
        for instant in [
            "2026-11-22T02:00:00Z",
            "2026-11-22T02:23:45.678Z",
            "2026-11-22T02:59:59.999Z",
        ] {
            assert_eq!(schedule.slot_at(at(instant), count(12)), slot);
        }
    }

    #[test]
    fn a_slot_is_the_wall_clock_s() {
        for (zone, period, frames, start, end) in [
            // Quarters of the hour, from 05:45 ahead of UTC.
            ("Asia/Kathmandu", "24h", 24, "02:15:00", "03:15:00"),
            (
                "Europe/Berlin",
                "7d",
                7,
                "2026-11-21T23:00:00Z",
                "2026-11-22T23:00:00Z",
            ),
            ("UTC", "12h", 1, "00:00:00", "12:00:00"),
            ("UTC", "1h", 60, "02:23:00", "02:24:00"),
            ("UTC", "24h", 1440, "02:23:00", "02:24:00"),
            // 12 h in seven are no whole ms: 1:42:51.428… each.
            ("UTC", "12h", 7, "01:42:51.429", "03:25:42.858"),
        ] {
            let schedule = schedule(zone, period, Direction::Clockwise);
            let slot = schedule.slot_at(at("2026-11-22T02:23:45Z"), count(frames));
            let [start, end] = [start, end].map(|time| {
                let long = format!("2026-11-22T{time}Z");
                at(if time.len() < 20 { &long } else { time })
            });
            assert_eq!(slot, start..end, "{zone} {period} {frames}");
        }
    }

    #[test]
    fn an_hour_that_happens_twice_is_two_slots() {
        let schedule = schedule("Europe/Berlin", "12h", Direction::Clockwise);
        let slots = slots(
            &schedule,
            "2026-10-24T23:30:00Z",
            "2026-10-25T04:00:00Z",
            12,
        );
        let starts: Vec<_> = slots.iter().map(|slot| slot.start.to_rfc3339()).collect();
        let expected = [23, 0, 1, 2, 3].map(|hour| {
            let day = if hour == 23 { 24 } else { 25 };
            format!("2026-10-{day}T{hour:02}:00:00+00:00")
        });
        assert_eq!(starts, expected);
    }

    #[test]
    fn an_hour_that_does_not_happen_is_no_slot() {
        let schedule = schedule("America/New_York", "12h", Direction::Clockwise);
        let slots = slots(
            &schedule,
            "2026-03-08T05:00:00Z",
            "2026-03-08T09:00:00Z",
            12,
        );
        let lengths: Vec<_> = slots.iter().map(|slot| slot.end - slot.start).collect();
        assert_eq!(lengths, [Duration::hours(1); 4]);
    }

    #[test]
    fn a_clock_that_goes_back_within_an_hour_begins_a_slot() {
        // 03:45 becomes 02:45, so that 2 o'clock is due for a quarter of an hour.
        let chatham = schedule("Pacific/Chatham", "12h", Direction::Clockwise);
        let around = slots(&chatham, "2027-04-03T13:00:00Z", "2027-04-03T15:00:00Z", 12);
        let around: Vec<_> = around
            .iter()
            .map(|slot| {
                let times = [slot.start, slot.end].map(|at| at.format("%H:%M").to_string());
                (times.join("-"), chatham.frame_at(slot.start, count(12)))
            })
            .collect();
        let expected = [
            ("12:15-13:15", 2),
            ("13:15-14:00", 3),
            ("14:00-14:15", 2),
            ("14:15-15:15", 3),
        ];
        assert_eq!(around, expected.map(|(times, n)| (times.to_owned(), n)));
    }

    #[test]
    fn where_the_clock_changes_within_a_slot_an_instant_is_in_its_slot_all_the_same() {
        for (zone, day) in [
            ("Europe/Berlin", "2026-10-25T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"),
        ] {
            for (period, frames) in [("24h", 1), ("12h", 12), ("12h", 7), ("7d", 7)] {
                let schedule = schedule(zone, period, Direction::Clockwise);
                for minute in (0..1440).step_by(7) {
                    let instant = at(day) + Duration::minutes(minute);
                    let slot = schedule.slot_at(instant, count(frames));
                    assert!(slot.contains(&instant), "{zone} {instant}");
                }
            }
        }
    }

    #[test]
    fn instants_at_the_ends_of_time_have_a_slot() {
        let schedule = schedule("America/New_York", "24h", Direction::Clockwise);
        for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let slot = schedule.slot_at(instant, count(7));
            assert!(slot.start <= instant && instant <= slot.end);
        }
    }

    fn any_count() -> impl Strategy<Value = u16> {
        prop_oneof![
            1_u16..=1440,
            proptest::sample::select(vec![1, 2, 7, 12, 60, 1440])
        ]
    }

    fn any_direction() -> impl Strategy<Value = Direction> {
        proptest::sample::select(vec![Direction::Clockwise, Direction::Counterclockwise])
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            max_global_rejects: 20_000,
            ..<_>::default()
        })]

        #[test]
        fn a_slot_holds_its_instant_shows_one_frame_and_ends_where_the_next_begins(
            time_zone in any_zone(),
            period in prop_oneof![any_period(), Just("7d".parse().unwrap())],
            direction in any_direction(),
            frames in any_count(),
            unix_ms in 1_700_000_000_000_i64..4_000_000_000_000,
        ) {
            let schedule = Schedule { time_zone, period, direction };
            let frames = count(frames);
            // More frames than ms in a rotation have no stretch each.
            prop_assume!(u32::from(frames.get()) <= period.seconds().saturating_mul(1000));
            let instant = DateTime::from_timestamp_millis(unix_ms).unwrap();
            let slot = schedule.slot_at(instant, frames);
            prop_assert!(slot.contains(&instant), "{:?}", slot);

            let ms = Duration::milliseconds(1);
            let frame = schedule.frame_at(instant, frames);
            for within in [slot.start, slot.end - ms] {
                prop_assert_eq!(schedule.frame_at(within, frames), frame);
                prop_assert_eq!(&schedule.slot_at(within, frames), &slot);
            }
            let before = schedule.slot_at(slot.start - ms, frames);
            let after = schedule.slot_at(slot.end, frames);
            prop_assert_eq!(before.end, slot.start);
            prop_assert_eq!(after.start, slot.end);

            // Where the clock is not changed there, another frame is why it ends.
            let offset = |at: DateTime<Utc>| schedule.time_zone.offset_seconds_at(at.timestamp());
            for other in [slot.start - ms, slot.end] {
                if frames.get() > 1 && offset(other) == offset(instant) {
                    prop_assert_ne!(schedule.frame_at(other, frames), frame);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_period_reads_back_as_it_was_written(period in any_period()) {
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }

        #[test]
        fn a_frame_is_the_share_of_the_rotation_that_has_passed_on_the_wall_clock(
            time_zone in any_zone(),
            period in any_period(),
            frames in 1_u16..=1440,
            unix_ms in -2_000_000_000_000_i64..4_000_000_000_000,
        ) {
            let instant = DateTime::from_timestamp_millis(unix_ms).unwrap();
            let offset = time_zone.offset_seconds_at(instant.timestamp());
            let offset = FixedOffset::east_opt(offset).unwrap();
            let wall = instant.with_timezone(&offset).time();
            let since_midnight = wall.signed_duration_since(chrono::NaiveTime::MIN);
            let since_midnight = since_midnight.num_milliseconds();
            let direction = Direction::Clockwise;
            let clockwise = Schedule { time_zone, period, direction };
            let frame = clockwise.frame_at(instant, count(frames));

            // The frame's stretch holds the wall clock's time in the rotation.
            let period_ms = i64::from(period.seconds()) * 1000;
            let elapsed = since_midnight % period_ms;
            prop_assert!(frame < frames);
            prop_assert!(i64::from(frame) * period_ms <= elapsed * i64::from(frames));
            prop_assert!(elapsed * i64::from(frames) < (i64::from(frame) + 1) * period_ms);

            let counterclockwise = Schedule { direction: Direction::Counterclockwise, ..clockwise };
            let mirrored = counterclockwise.frame_at(instant, count(frames));
            prop_assert_eq!((mirrored + frame) % frames, 0);
        }
    }
}
