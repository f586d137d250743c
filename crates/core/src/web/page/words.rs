//! Says outcomes, times and numbers of frames in words.

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, TimeDelta, Timelike, Utc};

use crate::schedule::Period;
use crate::web::page::view::{Line, View};

/// Returns the class that colours an outcome.
pub(super) fn mood(outcome: &str) -> &'static str {
    match outcome {
        "turned" => "good",
        "unchanged" | "dry-run" => "calm",
        "retry" | "unread" => "wait",
        _ => "bad",
    }
}

/// Says an outcome in plain words.
pub(super) fn in_words(line: &Line<'_>) -> String {
    let frame = line.frame.map(named);
    let frame = frame.as_deref().unwrap_or("the frame");
    let said = match line.outcome {
        "turned" => format!("Turned to {frame}."),
        "unchanged" => format!("Nothing to do: {frame} was already up."),
        "dry-run" => format!("A dry run of {frame}. Nothing was sent."),
        "retry" => format!("Could not turn to {frame} for now."),
        "refused" => format!("Could not turn to {frame}."),
        "unread" => "Went on without stored data that could not be read.".to_owned(),
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
pub(super) fn when(line: &Line<'_>, view: &View<'_>) -> String {
    match (line.local, view.local) {
        (Some(wall), Some((_, today))) => moment(wall, today),
        (Some(wall), None) => moment(wall, wall),
        (None, _) => format!("{} UTC", moment(line.at.naive_utc(), view.now.naive_utc())),
    }
}

/// Says an instant by the wall clock, which may change to summer time before it.
pub(super) fn at_there(instant: DateTime<Utc>, view: &View<'_>) -> String {
    let wall = view.local.and_then(|(zone, today)| {
        let offset = TimeDelta::seconds(zone.offset_seconds_at(instant.timestamp()).into());
        let wall = instant.naive_utc().checked_add_signed(offset)?;
        Some(moment(wall, today))
    });
    wall.unwrap_or_else(|| {
        let (instant, now) = (instant.naive_utc(), view.now.naive_utc());
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

pub(super) fn clock(wall: NaiveDateTime) -> String {
    format!("{:02}:{:02}", wall.hour(), wall.minute())
}

/// Says a day, such as 22 Nov.
pub(super) fn day(wall: NaiveDateTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.get(wall.month0() as usize);
    let month = month.expect("a year has twelve months");
    format!("{} {month}", wall.day())
}

/// Says a frame's number in a sentence.
pub(super) fn named(n: u16) -> String {
    if n == 0 {
        "frame 0 (upright)".to_owned()
    } else {
        format!("frame {n}")
    }
}

pub(super) fn counted(frames: u16) -> String {
    if frames == 1 {
        "1 frame".to_owned()
    } else {
        format!("{frames} frames")
    }
}

/// Formats an instant by RFC 3339, to the second.
pub(super) fn rfc_3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Formats a wall-clock time for HTML: as RFC 3339, without an offset.
pub(super) fn wall_clock(wall: NaiveDateTime) -> String {
    rfc_3339(wall.and_utc()).trim_end_matches('Z').to_owned()
}

/// Says a number of frames with their shape.
pub(super) fn counted_as(shape: &str, frames: u16) -> String {
    if frames == 1 {
        format!("1 {shape} frame")
    } else {
        format!("{frames} {shape} frames")
    }
}

/// Says a period in words.
pub(super) fn length(period: Period) -> String {
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
