//! Says outcomes, times and numbers of frames in words.

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, Timelike, Utc};

use crate::schedule::Period;
use crate::web::page::view::{Line, Local};

/// Returns the class that colours an outcome.
pub(in crate::web) fn mood(outcome: &str) -> &'static str {
    match outcome {
        "turned" => "good",
        "unchanged" | "dry-run" | "put-back" => "calm",
        "retry" | "unread" | "not-put-back" => "wait",
        _ => "bad",
    }
}

/// Says an outcome in plain words.
pub(in crate::web) fn in_words(line: &Line<'_>) -> String {
    let frame = line.frame.map(named);
    let frame = frame.as_deref().unwrap_or("the frame");
    let said = match line.outcome {
        "turned" => format!("Turned to {frame}."),
        "unchanged" => format!("Nothing to do: {frame} was already up."),
        "dry-run" => format!("A dry run of {frame}. Nothing was sent."),
        "retry" => format!("Could not turn to {frame} for now."),
        "refused" => format!("Could not turn to {frame}."),
        "unread" => "Went on without stored data that could not be read.".to_owned(),
        "put-back" => "Put back the picture from before the start.".to_owned(),
        "not-put-back" => "Could not put back the picture from before the start.".to_owned(),
        other => format!("{other}, {frame}."),
    };
    let tries = match line.attempts {
        0 | 1 => String::new(),
        tries => format!(" It was tried {tries} times."),
    };
    let why = line.message.map(|message| format!(" {message}"));
    format!("{said}{tries}{}", why.unwrap_or_default())
}

/// Says when an outcome was by the wall clock, with the day unless it was today.
pub(in crate::web) fn when(line: &Line<'_>, now: DateTime<Utc>, local: Local<'_>) -> String {
    match (line.local, local) {
        (Some(wall), Some((_, today))) => moment(wall, today),
        (Some(wall), None) => moment(wall, wall),
        (None, _) => format!("{} UTC", moment(line.at.naive_utc(), now.naive_utc())),
    }
}

/// Says an instant by the wall clock, which may change to summer time before it.
pub(in crate::web) fn at_there(
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
    local: Local<'_>,
) -> String {
    let wall = local.map(|(zone, today)| moment(zone.local_time_at(instant), today));
    wall.unwrap_or_else(|| {
        let (instant, now) = (instant.naive_utc(), now.naive_utc());
        format!("{} UTC", moment(instant, now))
    })
}

/// Says a time of day, with the day unless it is today.
fn moment(wall: NaiveDateTime, today: NaiveDateTime) -> String {
    if wall.date() == today.date() {
        clock(wall)
    } else {
        format!("{}, {}", day(wall), clock(wall))
    }
}

pub(in crate::web) fn clock(wall: NaiveDateTime) -> String {
    format!("{:02}:{:02}", wall.hour(), wall.minute())
}

/// Says a day, such as 22 Nov.
pub(in crate::web) fn day(wall: NaiveDateTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.get(wall.month0() as usize);
    let month = month.expect("a year has twelve months");
    format!("{} {month}", wall.day())
}

/// Says a frame's number in a sentence.
pub(in crate::web) fn named(n: u16) -> String {
    if n == 0 {
        "frame 0 (upright)".to_owned()
    } else {
        format!("frame {n}")
    }
}

pub(in crate::web) fn counted(frames: u16) -> String {
    if frames == 1 {
        "1 frame".to_owned()
    } else {
        format!("{frames} frames")
    }
}

/// Formats an instant by RFC 3339, to the second.
pub(in crate::web) fn rfc_3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Formats a wall-clock time for HTML: as RFC 3339, without an offset.
pub(in crate::web) fn wall_clock(wall: NaiveDateTime) -> String {
    rfc_3339(wall.and_utc()).trim_end_matches('Z').to_owned()
}

/// Says a number of frames with their shape.
pub(in crate::web) fn counted_as(shape: &str, frames: u16) -> String {
    if frames == 1 {
        format!("1 {shape} frame")
    } else {
        format!("{frames} {shape} frames")
    }
}

/// Says a period in words.
pub(in crate::web) fn length(period: Period) -> String {
    let seconds = period.seconds();
    match (seconds, seconds % 3600, seconds % 60) {
        (604_800, ..) => "a week".to_owned(),
        (3600, ..) => "an hour".to_owned(),
        (60, ..) => "a minute".to_owned(),
        (1, ..) => "a second".to_owned(),
        (_, 0, _) => format!("{} hours", seconds / 3600),
        (_, _, 0) => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}
