//! Draws the dial: frames around it like the hours of a clock, and the icon in the middle.
//!
//! The page's policy forbids inline styles, so positions on the dial are attributes of an SVG.

use std::fmt;

use chrono::{NaiveDateTime, Timelike};
use maud::{Markup, html};

use crate::web::page::words::{counted, named};

/// The most frames around the dial, as many as a clock has hours.
const MOST_AROUND: u16 = 12;

/// How far a frame has to be from the one that is due to be drawn beside it, in hundredths of a
/// degree: half the distance between two of twelve.
const LEAST_APART: u32 = 1_500;

/// What a dial shows.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Dial<'a> {
    /// The number of frames; `None` if there is no icon.
    pub(in crate::web) frames: Option<u16>,
    /// The frame that is due, if the set has it.
    pub(in crate::web) due: Option<u16>,
    /// The frame that is shown, if the set has it.
    pub(in crate::web) shown: Option<u16>,
    /// The wall-clock time, to whose minute the hand at the rim points.
    pub(in crate::web) wall: Option<NaiveDateTime>,
    /// The path of the pictures, up to the frame's number.
    pub(in crate::web) pictures: &'a str,
}

impl Dial<'_> {
    /// Draws the dial: each frame where the hour hand points when it is due, and in the middle the
    /// icon, round as networks show it.
    pub(in crate::web) fn draw(&self) -> Markup {
        let Self { frames, due, .. } = *self;
        let around = frames.map(|frames| places(frames, due));
        let around = around.unwrap_or_default();
        html! {
            figure.dial {
                svg viewBox="0 0 400 400" role="img" aria-label=(self.label()) {
                    (plate())
                    @if let Some(wall) = self.wall { (minute_hand(minute_angle(wall))) }
                    @match frames {
                        Some(frames) => {
                            @for n in around {
                                (self.frame_around(n, frames, 28))
                            }
                            // Last, so that it covers its neighbours.
                            @if let Some(n) = due {
                                (hour_hand(angle(n, frames)))
                                (self.frame_around(n, frames, 33))
                            }
                        }
                        None => @for n in 0..MOST_AROUND {
                            circle.empty cx="200" cy="52" r="28" transform=(rotated(angle(n, MOST_AROUND))) {}
                        }
                    }
                }
                @match self.middle() {
                    Some((n, alt)) => img #icon src=(self.picture_of(n)) width="400" height="400" alt=(alt) fetchpriority="high";
                    None => p #icon { "No icon yet" }
                }
            }
        }
    }

    fn label(&self) -> String {
        match (self.frames, self.due) {
            (None, _) => "An empty dial".to_owned(),
            (Some(frames), None) => format!("A dial of {}", counted(frames)),
            (Some(frames), Some(n)) => {
                let (frames, due) = (counted(frames), named(n));
                format!("A dial of {frames}; the hand points to {due}")
            }
        }
    }

    /// Draws a frame at its place. It is not rotated with its place, so it looks as it will be
    /// shown.
    fn frame_around(&self, n: u16, frames: u16, radius: u16) -> Markup {
        let angle = angle(n, frames);
        let upright = format!("rotate(-{angle} 200 52)");
        around(&self.picture_of(n), angle, radius, Some(&upright))
    }

    /// Chooses the frame in the middle, and describes it.
    fn middle(&self) -> Option<(u16, String)> {
        self.frames?;
        Some(match (self.shown, self.due) {
            (Some(n), _) => (n, format!("The icon as it is now: {}", named(n))),
            (None, Some(n)) => (n, format!("The icon as it is due now: {}", named(n))),
            (None, None) => (0, "The icon, upright".to_owned()),
        })
    }

    /// The picture for the page's tab: the one in the middle, if there is one.
    pub(in crate::web) fn tab_icon(&self) -> String {
        let middle = self.middle();
        middle.map_or_else(|| "/page.svg".to_owned(), |(n, _)| self.picture_of(n))
    }

    fn picture_of(&self, n: u16) -> String {
        format!("{}{n}", self.pictures)
    }
}

/// Draws a dial of a sample: one picture, rotated to each hour, and its hour hand at twelve.
/// A script turns the hands and the picture in the middle to the visitor's own time.
pub(in crate::web) fn sample_dial(picture: &str, label: &str) -> Markup {
    html! {
        figure.dial {
            svg viewBox="0 0 400 400" role="img" aria-label=(label) {
                (plate())
                (minute_hand(Angle(0)))
                @for n in 0..MOST_AROUND { (around(picture, angle(n, MOST_AROUND), 28, None)) }
                g #hand { (hour_hand(Angle(0))) (around(picture, Angle(0), 33, None)) }
            }
            img #icon src=(picture) width="400" height="400" alt="" fetchpriority="high";
        }
    }
}

/// Draws the plate with its marks.
fn plate() -> Markup {
    html! {
        clipPath id="round" clipPathUnits="objectBoundingBox" {
            circle cx=".5" cy=".5" r=".5" {}
        }
        circle.plate cx="200" cy="200" r="198" {}
        // A circle whose length counts as 60 is dashed once a minute.
        circle.minutes cx="200" cy="200" r="191" pathLength="60" {}
        circle.hours cx="200" cy="200" r="190" pathLength="12" {}
    }
}

fn minute_hand(angle: Angle) -> Markup {
    html! { line #minute x1="200" y1="2" x2="200" y2="18" transform=(rotated(angle)) {} }
}

fn hour_hand(angle: Angle) -> Markup {
    html! { polygon.hand points="200,92 194,116 206,116" transform=(rotated(angle)) {} }
}

/// Draws a picture at its place, which rotates it; `transform` rotates it further.
fn around(picture: &str, angle: Angle, radius: u16, transform: Option<&str>) -> Markup {
    let side = radius.saturating_mul(2);
    html! {
        g transform=(rotated(angle)) {
            circle.rim cx="200" cy="52" r=(radius.saturating_add(4)) {}
            image href=(picture) x=(200_u16.saturating_sub(radius)) y=(52_u16.saturating_sub(radius))
                width=(side) height=(side) transform=[transform] clip-path="url(#round)" {}
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
