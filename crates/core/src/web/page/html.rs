//! Writes the page's HTML.
//!
//! Everything a visitor reads is in the HTML, so reading it needs no script. Style and scripts are
//! files in `public/`, which are served without this program. Nothing is inline, since the policy
//! forbids it. What only the owner needs is loaded once the owner has signed in.
//!
//! The owner's token stays in the browser's `localStorage`, and only the script sends it, in a
//! header. A browser would send a cookie with requests of other sites too.

use chrono::Datelike;
use maud::{DOCTYPE, Markup, html};

use crate::outcome::Diagnosis;
use crate::web::page::dial::Dial;
use crate::web::page::owner::owner;
use crate::web::page::view::{Shown, View};
use crate::web::page::words::{
    at_there, clock, counted, day, in_words, mood, named, rfc_3339, wall_clock, when,
};

/// The page's Content-Security-Policy. It allows the page's own files, and pictures that were chosen
/// but not sent yet.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; img-src 'self' blob:; connect-src 'self'; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Writes the page.
pub(super) fn html(view: &View<'_>) -> Vec<u8> {
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
                link rel="icon" href=(dial(view).tab_icon());
                link rel="stylesheet" href="/page.css";
                link rel="modulepreload" href="/face.js";
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

/// Returns what the dial shows.
fn dial(view: &View<'_>) -> Dial<'static> {
    Dial {
        frames: view.frames,
        due: view.due_frame(),
        shown: view.shown_frame(),
        wall: view.local.map(|(_, wall)| wall),
        pictures: "/frames/",
    }
}

/// Writes what anybody may see. `face.js` fetches it again after a turn, and reads the times and the
/// number of frames from its attributes.
fn face(view: &View<'_>) -> Markup {
    html! {
        div #face
            data-now=(rfc_3339(view.now))
            data-wall=[view.local.map(|(_, wall)| rfc_3339(wall.and_utc()))]
            data-zone=[view.local.map(|(zone, _)| zone.name())]
            data-frames=[view.frames]
        {
            (dial(view).draw())
            div.told {
                h1 { "Profile picture clock" }
                (time_there(view))
                (current_frame(view))
                (shown_where(view))
                (findings(view.findings))
                (last_outcomes(view))
            }
        }
    }
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

/// Says which frame is up, and when the next one comes.
fn current_frame(view: &View<'_>) -> Markup {
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
        p.current-frame {
            @match (view.frames, view.due_frame(), view.shown_frame()) {
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
                "password that you stored as TRIGGER_TOKEN), and pick a picture. It turns when the next frame is due, or as soon as you press Turn now."
            }
        }
        @if let Some(next) = view.next_turn.or(view.next_frame) {
            p.next {
                @if view.next_turn.is_some() { "Next turn at " } @else { "The next frame is due at " }
                time #next datetime=(rfc_3339(next)) { (at_there(next, view.now, view.local)) }
                // The script fills this in; without it, the time says enough.
                span #left hidden { ", " strong #countdown role="timer" {} } "."
                @if view.next_turn.is_none() {
                    " No cron has fired lately, so nothing turns by itself. " (view.cron_advice)
                }
            }
        }
    }
}

/// Says which frame each network shows, if there are several.
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
                            time datetime=(rfc_3339(line.at)) { (when(line, view.now, view.local)) }
                            span { @if let Some(network) = line.network { strong { (network) ": " } } (in_words(line)) }
                        }
                    }
                }
            }
        }
    }
}
