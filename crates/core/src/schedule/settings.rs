//! The settings of the schedule.

use crate::ports::TimeZones;
use crate::schedule::slots::{Direction, Period, Schedule};
use crate::schedule::time_zone::TimeZone;
use crate::settings::reader::{Reader, Variable};

/// The time zone whose clock the schedule follows.
pub const TIME_ZONE: Variable = Variable {
    name: "TIME_ZONE",
    default: "Asia/Tokyo",
    accepts: "the name of an IANA time zone, such as Asia/Tokyo or Europe/Berlin",
};
/// How long a full rotation takes.
pub const PERIOD: Variable = Variable {
    name: "PERIOD",
    default: "12h",
    accepts: "a period that divides a day, such as 12h, 24h, 1h, 1h30m or 20m, or 7d for a week",
};
/// The direction in which the icon turns.
pub const DIRECTION: Variable = Variable {
    name: "DIRECTION",
    default: "clockwise",
    accepts: "clockwise or counterclockwise",
};

impl Schedule {
    /// Reads the settings of a schedule. The reader notes what does not parse.
    pub fn read(reader: &mut Reader<'_>, time_zones: &impl TimeZones) -> Option<Self> {
        let time_zone = reader.parsed_by(TIME_ZONE, |text| time_zone(text, time_zones));
        let period = reader.parsed_by(PERIOD, period);
        let direction = reader.parsed_by(DIRECTION, direction);
        Some(Self {
            time_zone: time_zone?,
            period: period?,
            direction: direction?,
        })
    }
}

/// Reads the name of a time zone, also with spaces, as in `america / new york`.
fn time_zone(text: &str, time_zones: &impl TimeZones) -> Option<TimeZone> {
    let parts = text.split(['/', '\\']).map(|part| {
        let words: Vec<_> = part.split_whitespace().collect();
        words.join("_")
    });
    TimeZone::named(&parts.collect::<Vec<_>>().join("/"), time_zones).ok()
}

/// Reads a period, also in forms that [`Period`] does not read, such as `12 Hours`.
fn period(text: &str) -> Option<Period> {
    const UNITS: [(&str, &[&str]); 4] = [
        ("d", &["d", "day", "days"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("m", &["m", "min", "mins", "minute", "minutes"]),
        ("s", &["s", "sec", "secs", "second", "seconds"]),
    ];
    let text = text.to_lowercase();
    let mut short = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let after_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = rest.strip_suffix(after_digits)?;
        let after_digits = after_digits.trim_start();
        let after_unit = after_digits.trim_start_matches(char::is_alphabetic);
        let unit = after_digits.strip_suffix(after_unit)?;
        if digits.is_empty() {
            return None;
        }
        if matches!(unit, "w" | "week" | "weeks") {
            let weeks: u32 = digits.parse().ok()?;
            short.push_str(&weeks.checked_mul(7)?.to_string());
            short.push('d');
        } else {
            let (letter, _) = UNITS.iter().find(|(_, names)| names.contains(&unit))?;
            short.push_str(digits);
            short.push_str(letter);
        }
        rest = after_unit.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    short.parse().ok()
}

/// Reads a direction in any of the usual spellings, such as `Counter-clockwise` or `anticlockwise`.
fn direction(text: &str) -> Option<Direction> {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let word: String = letters.flat_map(char::to_lowercase).collect();
    match word.as_str() {
        "anticlockwise" => Some(Direction::Counterclockwise),
        word => word.parse().ok(),
    }
}
