//! The page at `/`: the dial with its frames, what happened last, what is wrong
//! and what to do about it; for the owner, what `page.js` does with the token.
//!
//! All that is to be read stands in the HTML, so it needs no script. The style
//! and the scripts are files of their own, in `public/`, which Cloudflare serves
//! without the Worker; nothing is inline: the policy forbids it. Places on the dial are therefore attributes of an SVG.
//! What only the owner needs to change the icon is loaded once the owner has signed in.
//!
//! The owner's token stays in the browser's `localStorage` and is sent in a
//! header, by the script alone. There is no cookie, which a browser would send
//! along with a request that another site makes.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use maud::{DOCTYPE, Markup, html};

use crate::frames::rendering::Shape;
use crate::network::Definition;
use crate::outcome::Diagnosis;
use crate::schedule::time_zone::TimeZone;
use crate::schedule::{Direction, Period};
use crate::web::icon_upload;

#[cfg(test)]
mod tests;

/// The page's Content-Security-Policy: its own files, and pictures that were
/// chosen but not sent yet.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; img-src 'self' blob:; connect-src 'self'; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'none'";

/// The most frames that stand around the dial, as many as a clock has hours.
const MOST_AROUND: u16 = 12;

/// How far a frame has to be from the one that is due, to be seen next to it, in
/// hundredths of a degree: half of what twelve are apart.
const LEAST_APART: u32 = 1_500;

/// What the page shows.
pub struct View<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// The time zone and the wall-clock time there; `None` when the settings cannot be read.
    pub local: Option<(&'a TimeZone, NaiveDateTime)>,
    /// How many frames the current set has, if there is one.
    pub frames: Option<u16>,
    /// Whether no icon has been published yet.
    pub is_new: bool,
    /// The frame that is due now.
    pub due: Option<u16>,
    /// What each network shows.
    pub shown: &'a [Shown<'a>],
    /// When the next turn comes by itself, for a frame or as another try; `None` where
    /// no schedule makes one.
    pub next_turn: Option<DateTime<Utc>>,
    /// When the next frame is due.
    pub next_frame: Option<DateTime<Utc>>,
    /// The last outcomes, newest first.
    pub last: &'a [Line<'a>],
    /// What is wrong now and what to do; with the network's title where there are
    /// several.
    pub findings: &'a [(Option<&'a str>, &'a Diagnosis)],
    /// The networks on which frames are kept beside the picture that is shown.
    pub keeping: &'a [Definition],
    /// What a new picture becomes.
    pub becoming: Becoming,
}

/// What a picture becomes that is put in place of the icon.
#[derive(Debug, Clone, Copy)]
pub struct Becoming {
    /// How many frames.
    pub frames: u16,
    /// What of the square they show.
    pub shape: Shape,
    /// How long a full rotation takes, and which way it goes; `None` when the settings
    /// cannot be read.
    pub turning: Option<(Period, Direction)>,
    /// Whether the present set was made from several pictures.
    pub replaces_album: bool,
}

/// What a network shows.
pub struct Shown<'a> {
    /// The network's title.
    pub title: &'a str,
    /// The account's name there, once a turn has told it.
    pub account: Option<&'a str>,
    /// The frame that it took last, if it is of the current set.
    pub frame: Option<u16>,
}

/// One outcome as the page tells it.
pub struct Line<'a> {
    /// When it was.
    pub at: DateTime<Utc>,
    /// The wall-clock time then.
    pub local: Option<NaiveDateTime>,
    /// The frame that was chosen.
    pub frame: Option<u16>,
    /// How it ended, by its name in the journal.
    pub outcome: &'a str,
    /// What went wrong, if anything did.
    pub message: Option<&'a str>,
    /// How often it was tried.
    pub attempts: u32,
    /// The network's title where there are several.
    pub network: Option<&'a str>,
}

/// The page.
pub fn html(view: &View<'_>) -> Vec<u8> {
    page(view).into_string().into_bytes()
}

fn page(view: &View<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="description" content="A profile picture that turns like the hour hand of a clock.";
                title { "rotate-icon" }
                link rel="icon" href=(icon_now(view).map_or("/page.svg".to_owned(), |(n, _)| picture_of(n)));
                link rel="stylesheet" href="/page.css";
                script src="/page.js" type="module" {}
            }
            body {
                main {
                    (face(view))
                    (owner(view))
                }
                footer {
                    p {
                        "rotate-icon: a profile picture that turns like the hour hand of a clock. "
                        a href="/health" { "Health" }
                    }
                }
            }
        }
    }
}

/// What anybody may see. `page.js` fetches it anew after a turn, and reads the
/// times and the count of frames from its attributes.
fn face(view: &View<'_>) -> Markup {
    html! {
        div #face
            data-now=(rfc_3339(view.now))
            data-wall=[view.local.map(|(_, wall)| rfc_3339(wall.and_utc()))]
            data-zone=[view.local.map(|(zone, _)| zone.name())]
            data-frames=[view.frames]
        {
            (dial(view))
            div.told {
                h1 { "Profile picture clock" }
                (time_there(view))
                (account_state(view))
                (shown_where(view))
                (findings(view.findings))
                (last_outcomes(view))
            }
        }
    }
}

/// The dial: the frames where an hour hand would point to, and in the middle
/// the icon, round as networks show it.
fn dial(view: &View<'_>) -> Markup {
    let due = due(view);
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
                        // Last, so that it lies above a neighbour that it covers in part.
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

/// A frame at its place, upright there, so that it is seen as it will be shown.
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

/// The frames that stand around the dial next to the one that is due: all, or as
/// many as there is room for, evenly chosen.
fn places(frames: u16, due: Option<u16>) -> Vec<u16> {
    let count = frames.min(MOST_AROUND);
    let is_free =
        |n: &u16| due.is_none_or(|due| angle(*n, frames).apart(angle(due, frames)) >= LEAST_APART);
    (0..count)
        .filter_map(|k| {
            let n = u32::from(k)
                .checked_mul(frames.into())?
                .checked_div(count.into())?;
            u16::try_from(n).ok()
        })
        .filter(is_free)
        .collect()
}

/// By how much a frame is turned clockwise.
fn angle(n: u16, frames: u16) -> Angle {
    let hundredths = u32::from(n).saturating_mul(36_000);
    let frames = u32::from(frames.max(1));
    let half = frames / 2;
    Angle(
        hundredths
            .saturating_add(half)
            .checked_div(frames)
            .unwrap_or_default(),
    )
}

/// Where the minute hand points to.
fn minute_angle(wall: NaiveDateTime) -> Angle {
    let seconds = wall
        .minute()
        .saturating_mul(60)
        .saturating_add(wall.second());
    Angle(seconds.saturating_mul(10))
}

/// An angle in hundredths of a degree. Printing a floating-point number would add
/// more to the script than all of the page.
#[derive(Clone, Copy)]
struct Angle(u32);

impl Angle {
    /// The smaller of the two angles between the two.
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

/// The attribute that turns something about the middle of the dial.
fn rotated(angle: Angle) -> String {
    format!("rotate({angle} 200 200)")
}

fn picture_of(n: u16) -> String {
    format!("/frames/{n}")
}

/// The frame to show in the middle, and what it is.
fn icon_now(view: &View<'_>) -> Option<(u16, String)> {
    view.frames?;
    Some(match (shown_frame(view), due(view)) {
        (Some(n), _) => (n, format!("The icon as it is now: {}", named(n))),
        (None, Some(n)) => (n, format!("The icon as it is due now: {}", named(n))),
        (None, None) => (0, "The icon, upright".to_owned()),
    })
}

/// The frame that is due, if the set has it.
fn due(view: &View<'_>) -> Option<u16> {
    view.due
        .filter(|n| view.frames.is_some_and(|frames| *n < frames))
}

/// The frame that is up on the first network, if the set has it.
fn shown_frame(view: &View<'_>) -> Option<u16> {
    view.shown
        .first()
        .and_then(|shown| shown.frame)
        .filter(|n| view.frames.is_some_and(|frames| *n < frames))
}

fn time_there(view: &View<'_>) -> Markup {
    let (zone, wall) = view.local.map_or_else(
        || ("UTC", view.now.naive_utc()),
        |(zone, wall)| (zone.name(), wall),
    );
    html! {
        p.time { time #clock datetime=(wall_clock(wall)) { (clock(wall)) } }
        p.soft { (wall.weekday()) " " (day(wall)) " · " span.zone { (zone) } }
    }
}

/// Which frame is up, and when the next one comes.
fn account_state(view: &View<'_>) -> Markup {
    // The first letter of a sentence.
    let frame = |n: u16| format!("Frame {n}");
    let of = |n: u16, frames: u16| {
        let upright = if n == 0 { ", upright," } else { "" };
        format!(" of {frames}{upright}")
    };
    let place = match view.shown {
        [Shown { title, account, .. }] => {
            let name = account.map(|account| format!(" as {account}"));
            format!(" on {title}{}", name.unwrap_or_default())
        }
        _ => String::new(),
    };
    html! {
        p.account_state {
            @match (view.frames, due(view), shown_frame(view)) {
                (None, ..) => "There is no icon yet.",
                (Some(frames), Some(due), Some(up)) if due == up => {
                    strong { (frame(due)) } (of(due, frames)) " is up" (place) "."
                }
                (Some(frames), Some(due), Some(up)) => {
                    strong { (frame(due)) } (of(due, frames)) " is due. " (frame(up)) " is still up" (place) "."
                }
                (Some(frames), Some(due), None) => {
                    strong { (frame(due)) } (of(due, frames)) " is due."
                }
                (Some(frames), None, Some(up)) => {
                    strong { (frame(up)) } (of(up, frames)) " is up" (place) "."
                }
                (Some(frames), None, None) => { "There are " (counted(frames)) "." }
            }
        }
        @if view.is_new {
            p.welcome {
                "Choose your icon below: open " strong { "Owner" } ", enter your trigger token (the "
                "password that you stored as TRIGGER_TOKEN), and pick a picture. It turns with the next full slot, or as soon as you press Turn now."
            }
        }
        @if let Some(next) = view.next_turn.or(view.next_frame) {
            p.next {
                @if view.next_turn.is_some() { "Next turn at " } @else { "The next frame is due at " }
                time #next datetime=(rfc_3339(next)) { (at_there(next, view)) }
                // The script fills this in; without it, the time says enough.
                span #left hidden { ", " strong #countdown role="timer" {} } "."
                @if view.next_turn.is_none() {
                    " No cron has fired lately, so nothing turns by itself: after a deployment, wait "
                    "for its first event; under " code { "wrangler dev" } " there is none."
                }
            }
        }
    }
}

/// Which frame each network shows, where there are several.
fn shown_where(view: &View<'_>) -> Markup {
    html! {
        @if view.shown.len() > 1 {
            ul.networks {
                @for Shown { title, account, frame } in view.shown {
                    li {
                        strong { (title) }
                        @if let Some(account) = account { " as " (account) }
                        @match frame {
                            Some(n) => { " shows " (named(*n)) "." }
                            None => { " has taken no frame of this icon yet." }
                        }
                    }
                }
            }
        }
    }
}

fn findings(findings: &[(Option<&str>, &Diagnosis)]) -> Markup {
    html! {
        @if !findings.is_empty() {
            section.diagnosis aria-labelledby="wrong" {
                h2 #wrong { "Something is wrong" }
                @for (network, Diagnosis { message, remedy, .. }) in findings {
                    p { @if let Some(network) = network { strong { (network) ": " } } (message) }
                    p { strong { "What to do: " } (remedy) }
                }
            }
        }
    }
}

fn last_outcomes(view: &View<'_>) -> Markup {
    html! {
        section aria-labelledby="last" {
            h2 #last { "Last outcomes" }
            @if view.last.is_empty() {
                p.soft { "No turn yet." }
            } @else {
                ol.outcomes {
                    @for line in view.last {
                        li class=(mood(line.outcome)) {
                            time datetime=(rfc_3339(line.at)) { (when(line, view)) }
                            span { @if let Some(network) = line.network { strong { (network) ": " } } (in_words(line)) }
                        }
                    }
                }
            }
        }
    }
}

/// How an outcome is marked.
fn mood(outcome: &str) -> &'static str {
    match outcome {
        "turned" => "good",
        "unchanged" | "dry-run" => "calm",
        "retry" | "unread" => "wait",
        _ => "bad",
    }
}

/// An outcome in plain words.
fn in_words(line: &Line<'_>) -> String {
    let frame = line.frame.map(named);
    let frame = frame.as_deref().unwrap_or("the frame");
    let said = match line.outcome {
        "turned" => format!("Turned to {frame}."),
        "unchanged" => format!("Nothing to do: {frame} was up."),
        "dry-run" => format!("A dry run of {frame}. Nothing was sent."),
        "retry" => format!("Could not turn to {frame} for the moment."),
        "refused" => format!("Could not turn to {frame}."),
        "unread" => "Went on without a part of what was stored.".to_owned(),
        other => format!("{other}, {frame}."),
    };
    let tries = match line.attempts {
        0 | 1 => String::new(),
        tries => format!(" It was tried {tries} times."),
    };
    let why = line.message.map(|message| format!(" {message}"));
    format!("{said}{tries}{}", why.unwrap_or_default())
}

/// When an outcome was, by the wall clock and with the day if it was another.
fn when(line: &Line<'_>, view: &View<'_>) -> String {
    match (line.local, view.local) {
        (Some(wall), Some((_, today))) => moment(wall, today),
        (Some(wall), None) => moment(wall, wall),
        (None, _) => format!("{} UTC", moment(line.at.naive_utc(), view.now.naive_utc())),
    }
}

/// An instant by the wall clock there, which may be set to summer time before it.
fn at_there(instant: DateTime<Utc>, view: &View<'_>) -> String {
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

/// A time of day, with the day unless it is today.
fn moment(wall: NaiveDateTime, today: NaiveDateTime) -> String {
    if wall.date() == today.date() {
        clock(wall)
    } else {
        format!("{}, {}", day(wall), clock(wall))
    }
}

fn clock(wall: NaiveDateTime) -> String {
    format!("{:02}:{:02}", wall.hour(), wall.minute())
}

/// The day, such as 22 Nov.
fn day(wall: NaiveDateTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = usize::try_from(wall.month0()).ok();
    let month = month.and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    format!("{} {month}", wall.day())
}

/// A frame's number in a sentence.
fn named(n: u16) -> String {
    if n == 0 {
        "frame 0 (upright)".to_owned()
    } else {
        format!("frame {n}")
    }
}

fn counted(frames: u16) -> String {
    if frames == 1 {
        "1 frame".to_owned()
    } else {
        format!("{frames} frames")
    }
}

/// As RFC 3339 has it, to the second.
fn rfc_3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same without an offset, as HTML has it for a time on a wall clock.
fn wall_clock(wall: NaiveDateTime) -> String {
    rfc_3339(wall.and_utc()).trim_end_matches('Z').to_owned()
}

/// Where the owner signs in, and the tools that the script then shows.
fn owner(view: &View<'_>) -> Markup {
    html! {
        // Without the script nothing in here would work.
        details #owner hidden {
            summary { "Owner" }
            form #sign-in {
                label for="token" { "Trigger token" }
                div.row {
                    input #token type="password" autocomplete="current-password" required
                        spellcheck="false" autocapitalize="off" aria-describedby="token-note token-error";
                    button.first { "Sign in" }
                }
                p #token-error .error role="alert" {}
                p #token-note .soft {
                    "It is the password for this page: the secret that is stored as TRIGGER_TOKEN with "
                    "the Worker. It is kept in this browser only, and sent only with what you do here. "
                    "There is no cookie that another site could use."
                }
            }
        }
        template #tools-template { (tools(view)) }
    }
}

fn tools(view: &View<'_>) -> Markup {
    html! {
        section #tools aria-labelledby="tools-title" {
            h2 #tools-title tabindex="-1" { "Owner's tools" }
            // Above the tools and always there, so that it is read out when it changes.
            p #result role="status" {}
            div.cards {
                div.card {
                    h3 { "Turn" }
                    form #turn {
                        button.first { "Turn now" }
                        label.check {
                            input #force type="checkbox";
                            "Send the frame even if it is up already"
                        }
                    }
                    form #send-frame {
                        label for="frame" { "Frame" }
                        div.row {
                            input #frame type="number" min="0" step="1" inputmode="numeric" required;
                            button { "Send this frame" }
                            img #frame-picture width="48" height="48" alt="" hidden;
                        }
                        label.check {
                            input #force-frame type="checkbox";
                            "Send it even if it is up already"
                        }
                    }
                    form #rehearse {
                        button aria-describedby="rehearsal" { "Dry run" }
                        p #rehearsal .soft {
                            "A rehearsal: it chooses the frame that is due, signs in, and tells what a turn would "
                            "send. No picture is sent, so nothing changes."
                        }
                    }
                }
                (changing(view))
            }
            details #journal {
                summary { "Journal" }
                ol.outcomes {}
                p.soft #journal-note {}
                button #older type="button" hidden { "Show older entries" }
            }
            @for one in view.keeping {
                p.row {
                    button.remove id={ "remove-" (one.name) } type="button" value=(one.name) {
                        "Remove the frames kept on " (one.title)
                    }
                }
            }
            p { button #forget type="button" { "Sign out: forget the token" } }
        }
    }
}

/// Where the owner changes the icon.
fn changing(view: &View<'_>) -> Markup {
    html! {
        div.card {
            h3 { "Change the icon" }
            (becoming(view))
            label for="file" { "A picture: JPEG, PNG, WebP or GIF" }
            // In this order, and nothing else: a phone that takes photos as HEIC then
            // converts them to the first.
            input #file type="file" accept="image/jpeg,image/png,image/webp,image/gif"
                data-most=(icon_upload::MAX_BYTES);
            div #preview hidden {
                link rel="stylesheet" href="/icon.css";
                p #note {}
                (cropping())
                figure #turning hidden {
                    div.clock {
                        svg viewBox="0 0 400 400" aria-hidden="true" {
                            circle.hours cx="200" cy="200" r="190" pathLength="12" {}
                            polygon #place-of-frame points="200,34 194,58 206,58" {}
                        }
                        canvas #turned width="400" height="400" role="img"
                            aria-label="The new icon, turning as it will" {}
                    }
                    figcaption {
                        span #which {}
                        button #animate type="button" {}
                    }
                }
                div.row #plain hidden {
                    img.large width="400" height="400" alt="The new icon, as a profile shows it";
                    img.small width="48" height="48" alt="The new icon, small";
                }
                p.soft { "Nothing is sent yet." }
                div.row {
                    button.first #use-picture type="button" { "Use this picture" }
                    button #discard type="button" { "Discard" }
                }
            }
        }
    }
}

/// Where the owner chooses a square of the picture. `crop.js` shows the picture under a
/// window, and moves it by pointer, keys and the sliders.
fn cropping() -> Markup {
    let slider = |id: &str, label: &str, least: u16, most: u16| {
        html! {
            label for=(id) { (label) }
            input id=(id) type="range" min=(least) max=(most) step="1";
        }
    };
    html! {
        div #cropping hidden {
            p #crop-help {
                "Drag the picture until the circle shows what you want. Two fingers, the wheel, + and − zoom; "
                "arrow keys move."
            }
            div #crop role="application" tabindex="0" aria-label="The square of the picture that is used"
                aria-describedby="crop-help place" { canvas {} }
            p #place .unseen aria-live="polite" {}
            div.slider { (slider("zoom", "Zoom", 100, 100)) }
            details {
                summary { "Move without dragging" }
                div.slider { (slider("across", "Across", 0, 100)) }
                div.slider { (slider("down", "Down", 0, 100)) }
            }
        }
    }
}

/// What a new picture becomes, in words. `owner.js` replaces it with the face, and
/// `icon.js` reads from its attributes how the preview turns.
fn becoming(view: &View<'_>) -> Markup {
    let Becoming {
        frames,
        shape,
        turning,
        replaces_album,
    } = view.becoming;
    let shape = match shape {
        Shape::Square => "square",
        Shape::Circle => "round",
    };
    html! {
        p #becoming .soft data-frames=(frames) data-shape=(shape)
            data-direction=[turning.map(|(_, direction)| direction)]
        {
            "The picture becomes " (counted_as(shape, frames)) "."
            // A single frame never turns.
            @if let Some((period, direction)) = turning.filter(|_| frames > 1) {
                " They turn " (direction) ", once in " (length(period))
                @if let Some((zone, _)) = view.local { ", by the clock of " (zone.name()) }
                "."
            }
            @if replaces_album { " They take the place of the album that is there now." }
        }
    }
}

/// Frames of a shape, counted.
fn counted_as(shape: &str, frames: u16) -> String {
    if frames == 1 {
        format!("1 {shape} frame")
    } else {
        format!("{frames} {shape} frames")
    }
}

/// A period in words.
fn length(period: Period) -> String {
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
