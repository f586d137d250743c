//! Writes the face of an account's page: the dial, the time, and whether the icon turns. `face.js`
//! fetches it again after a turn, so it has neither links nor forms.

use chrono::{Datelike, NaiveDateTime};
use maud::{Markup, html};
use serde::Deserialize;

use crate::account::commands::{AccountView, Stage};
use crate::account::journal::Recorded;
use crate::network;
use crate::schedule::time_zone::TimeZone;
use crate::web::page::dial::Dial;
use crate::web::page::view::{Line, Local};
use crate::web::page::words::{
    at_there, clock, day, in_words, mood, named, rfc_3339, wall_clock, when,
};
use crate::web::site::connections::finding;
use crate::web::site::schedule_form::has_no_zone;

/// An account's view, with the clock of its time zone.
#[derive(Clone, Copy)]
pub(super) struct Face<'a> {
    pub(super) view: &'a AccountView,
    /// The account's time zone; `None` if it cannot be opened.
    pub(super) zone: Option<&'a TimeZone>,
}

impl Face<'_> {
    /// The account's zone and its time. While nobody has chosen a zone, the script shows the
    /// browser's time.
    fn local(&self) -> Local<'_> {
        let zone = self.zone.filter(|_| !has_no_zone(self.view))?;
        Some((zone, zone.local_time_at(self.view.now)))
    }

    /// The name of the clock's zone, and its time: that of UTC if the account's zone cannot be opened.
    fn clock(&self) -> (&str, NaiveDateTime) {
        self.local().map_or_else(
            || ("UTC", self.view.now.naive_utc()),
            |(zone, wall)| (zone.name(), wall),
        )
    }

    /// What the dial shows.
    pub(super) fn dial(&self) -> Dial<'static> {
        let set = self.view.set.as_ref();
        let has = |n: &u16| set.is_some_and(|set| *n < set.frames);
        let shown = self.view.connections.iter().find_map(|one| one.frame);
        Dial {
            frames: set.map(|set| set.frames),
            due: set
                .and_then(|set| set.due)
                .filter(has)
                .filter(|_| self.local().is_some()),
            shown: shown.filter(has),
            wall: Some(self.clock().1),
            pictures: "/account/frames/",
        }
    }

    /// Writes the face.
    pub(super) fn write(&self) -> Markup {
        let view = self.view;
        let local = self.local();
        let (zone, wall) = self.clock();
        html! {
            div #face
                data-now=(rfc_3339(view.now))
                data-wall=(rfc_3339(wall.and_utc()))
                data-zone=(zone)
                data-frames=[view.set.as_ref().map(|set| set.frames)]
            {
                (self.dial().draw())
                div.told {
                    h1 { "Your page" }
                    p.time { time #clock datetime=(wall_clock(wall)) { (clock(wall)) } }
                    p #there .soft { (wall.weekday()) " " (day(wall)) " · " span.zone { (zone) } }
                    (self.stage())
                    @if let Some(why) = &view.stopped {
                        div.diagnosis { p { strong { "Stopped by the operator: " } (why) } }
                    }
                    @for one in &view.findings { (finding(Some(one))) }
                    @if view.stage != Stage::New { (self.journal(local)) }
                }
            }
        }
    }

    /// Says whether it turns, and when next.
    fn stage(&self) -> Markup {
        let Dial { due, shown, .. } = self.dial();
        let words = match self.view.stage {
            Stage::New => "Nothing turns yet.",
            Stage::Turning => "Your picture is turning.",
            Stage::Paused => "Paused. The picture that is up stays.",
        };
        html! {
            p.current-frame {
                strong { (words) }
                @match (self.view.stage, due, shown) {
                    (Stage::New, ..) => " Your profile is as it was.",
                    (Stage::Turning, Some(due), Some(shown)) if due != shown => {
                        " " (capital(&named(shown))) " is up; " (named(due)) " is due."
                    }
                    (_, _, Some(shown)) => { " " (capital(&named(shown))) " is up." }
                    _ => {}
                }
            }
            @if let Some(next) = self.view.next_turn {
                p.next {
                    "Next turn at "
                    time #next datetime=(rfc_3339(next)) { (at_there(next, self.view.now, self.local())) }
                    // The script fills this in; without it, the time says enough.
                    span #left hidden { ", " strong #countdown role="timer" {} } "."
                }
            }
        }
    }

    fn journal(&self, local: Local<'_>) -> Markup {
        let recorded: Vec<Recorded> = self
            .view
            .journal
            .iter()
            .filter_map(|entry| Recorded::deserialize(entry).ok())
            .collect();
        let are_several = self.view.connections.len() > 1;
        html! {
            section aria-labelledby="last" {
                h2 #last { "What happened" }
                @if recorded.is_empty() {
                    p.soft { "No turn yet." }
                } @else {
                    ol.outcomes {
                        @for line in recorded.iter().map(|one| self.line(one, are_several)) {
                            li class=(mood(line.outcome)) {
                                time datetime=(rfc_3339(line.at)) { (when(&line, self.view.now, local)) }
                                span {
                                    @if let Some(network) = line.network { strong { (network) ": " } }
                                    (in_words(&line))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn line<'l>(&self, entry: &'l Recorded, are_several: bool) -> Line<'l> {
        let at = entry.sent_at.unwrap_or(entry.scheduled_at);
        let definition = network::named(&entry.network).filter(|_| are_several);
        Line {
            at,
            local: self.zone.map(|zone| zone.local_time_at(at)),
            frame: entry.frame,
            outcome: &entry.outcome,
            message: entry.message.as_deref(),
            attempts: entry.attempts,
            network: definition.map(|definition| definition.title),
        }
    }
}

/// Gives a text a capital letter at its start.
fn capital(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
