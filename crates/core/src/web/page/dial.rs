//! Draws the dial: frames around it like the hours of a clock, and the icon in the middle.
//!
//! The page's policy forbids inline styles, so positions on the dial are attributes of an SVG.

use std::fmt;

use chrono::{NaiveDateTime, Timelike};
use maud::{Markup, html};

use crate::web::page::view::View;
use crate::web::page::words::{counted, named};

/// The most frames around the dial, as many as a clock has hours.
const MOST_AROUND: u16 = 12;

/// How far a frame has to be from the one that is due to be drawn beside it, in hundredths of a
/// degree: half the distance between two of twelve.
const LEAST_APART: u32 = 1_500;

/// Draws the dial: each frame where the hour hand points when it is due, and in the middle the icon,
/// round as networks show it.
pub(super) fn dial(view: &View<'_>) -> Markup {
    let due = view.due_frame();
    let around = view.frames.map(|frames| places(frames, due));
    let around = around.unwrap_or_default();
    let label = match (view.frames, due) {
        (None, _) => "An empty dial".to_owned(),
        (Some(frames), None) => format!("A dial of {}", counted(frames)),
        (Some(frames), Some(n)) => {
            format!(
                "A dial of {}; the hand points to {}",
                counted(frames),
                named(n)
            )
        }
    };
    html! {
        figure.dial {
            svg viewBox="0 0 400 400" role="img" aria-label=(label) {
                clipPath id="round" clipPathUnits="objectBoundingBox" {
                    circle cx=".5" cy=".5" r=".5" {}
                }
                circle.plate cx="200" cy="200" r="198" {}
                // A circle whose length counts as 60 is dashed once a minute.
                circle.minutes cx="200" cy="200" r="191" pathLength="60" {}
                circle.hours cx="200" cy="200" r="190" pathLength="12" {}
                @if let Some((_, wall)) = view.local {
                    line #minute x1="200" y1="2" x2="200" y2="18" transform=(rotated(minute_angle(wall))) {}
                }
                @match view.frames {
                    Some(frames) => {
                        @for n in around {
                            (frame_around(n, frames, 28))
                        }
                        // Last, so that it covers its neighbours.
                        @if let Some(n) = due {
                            polygon.hand points="200,92 194,116 206,116"
                                transform=(rotated(angle(n, frames))) {}
                            (frame_around(n, frames, 33))
                        }
                    }
                    None => @for n in 0..MOST_AROUND {
                        circle.empty cx="200" cy="52" r="28" transform=(rotated(angle(n, MOST_AROUND))) {}
                    }
                }
            }
            @match icon_now(view) {
                Some((n, alt)) => img #icon src=(picture_of(n)) width="400" height="400" alt=(alt) fetchpriority="high";
                None => p #icon { "No icon yet" }
            }
        }
    }
}

/// Draws a frame at its place. It is not rotated with its place, so it looks as it will be shown.
fn frame_around(n: u16, frames: u16, radius: u16) -> Markup {
    let side = radius.saturating_mul(2);
    let angle = angle(n, frames);
    html! {
        g transform=(rotated(angle)) {
            circle.rim cx="200" cy="52" r=(radius.saturating_add(4)) {}
            image href=(picture_of(n)) x=(200_u16.saturating_sub(radius)) y=(52_u16.saturating_sub(radius))
                width=(side) height=(side) transform={ "rotate(-" (angle) " 200 52)" } clip-path="url(#round)" {}
        }
    }
}

/// Chooses the frames around the dial beside the one that is due: all of them, or as many as there is
/// room for, at equal distances.
pub(super) fn places(frames: u16, due: Option<u16>) -> Vec<u16> {
    let count = frames.min(MOST_AROUND);
    let is_free =
        |n: &u16| due.is_none_or(|due| angle(*n, frames).apart(angle(due, frames)) >= LEAST_APART);
    (0..count)
        .map(|k| {
            let n = u32::from(k).saturating_mul(frames.into());
            let n = n.checked_div(count.into()).expect("the count exceeds k");
            u16::try_from(n).expect("n is less than the number of frames")
        })
        .filter(is_free)
        .collect()
}

/// Returns by how much a frame is rotated clockwise.
fn angle(n: u16, frames: u16) -> Angle {
    let hundredths = u32::from(n).saturating_mul(36_000);
    let frames = u32::from(frames.max(1));
    let half = frames / 2;
    Angle(
        hundredths
            .saturating_add(half)
            .checked_div(frames)
            .expect("it is at least 1"),
    )
}

/// Returns where the minute hand points.
fn minute_angle(wall: NaiveDateTime) -> Angle {
    let seconds = wall
        .minute()
        .saturating_mul(60)
        .saturating_add(wall.second());
    Angle(seconds.saturating_mul(10))
}

/// An angle in hundredths of a degree. The code that prints floating-point numbers is larger than the
/// rest of the page.
#[derive(Clone, Copy)]
struct Angle(u32);

impl Angle {
    /// Returns the smaller angle between two directions, in hundredths of a degree.
    fn apart(self, other: Self) -> u32 {
        let apart = self.0.abs_diff(other.0);
        apart.min(36_000_u32.saturating_sub(apart))
    }
}

impl fmt::Display for Angle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (degrees, 0) => write!(f, "{degrees}"),
            (degrees, hundredths) => write!(f, "{degrees}.{hundredths:02}"),
        }
    }
}

/// The value of the attribute that rotates an element about the middle of the dial.
fn rotated(angle: Angle) -> String {
    format!("rotate({angle} 200 200)")
}

pub(super) fn picture_of(n: u16) -> String {
    format!("/frames/{n}")
}

/// Chooses the frame in the middle, and describes it.
pub(super) fn icon_now(view: &View<'_>) -> Option<(u16, String)> {
    view.frames?;
    Some(match (view.shown_frame(), view.due_frame()) {
        (Some(n), _) => (n, format!("The icon as it is now: {}", named(n))),
        (None, Some(n)) => (n, format!("The icon as it is due now: {}", named(n))),
        (None, None) => (0, "The icon, upright".to_owned()),
    })
}
