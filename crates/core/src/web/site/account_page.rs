//! The page of an account, at `/account`.

use http::StatusCode;
use maud::{Markup, html};

use crate::account::commands::{AccountView, ConnectionView, Source, Stage};
use crate::schedule::time_zone::TimeZone;
use crate::web::answer::Answer;
use crate::web::site::account_face::Face;
use crate::web::site::connections::connections;
use crate::web::site::layout::{Notice, Page, csrf_field, one_button};
use crate::web::site::picture_card::picture_controls;
use crate::web::site::schedule_form::ScheduleForm;
use crate::web::site::sign_in_form::{FailedSignIn, Offer, sign_in_form};

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct AccountPage<'a> {
    /// The account.
    pub view: &'a AccountView,
    /// The time zone that its settings name; `None` if it cannot be opened.
    pub zone: Option<&'a TimeZone>,
    /// The token against forged requests.
    pub csrf: &'a str,
    /// Whether it is the owner's account, which cannot be deleted, and which `/owner` shows to everybody.
    pub is_owner: bool,
    /// The most frames that a rotation may have.
    pub max_frames: u16,
    /// The networks on which people can sign in.
    pub offers: &'a [Offer<'a>],
    /// What came of the last thing that was done.
    pub notice: Option<Notice<'a>>,
    /// The sign-in that did not begin, if there is one.
    pub failed: Option<FailedSignIn<'a>>,
    /// The fields of the form of settings if it was refused; else empty.
    pub typed: &'a [(String, String)],
    /// Whether the start was refused because the picture that a network shows could not be kept.
    pub cannot_keep_picture: bool,
}

/// Writes the page. It has the status 422 if it shows what was refused.
pub fn account_page(page: &AccountPage<'_>) -> Answer {
    let face = Face {
        view: page.view,
        zone: page.zone,
    };
    let tab_icon = face.dial().tab_icon();
    let is_refused = page.failed.is_some() || !page.typed.is_empty() || page.cannot_keep_picture;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page {
        title: "Your page",
        tab_icon: &tab_icon,
        script: Some("/account.js"),
        head: html! { link rel="modulepreload" href="/face.js"; },
        beside_name: one_button(
            "/account/sign-out",
            page.csrf,
            &html! { button.quiet { "Sign out" } },
        ),
        notice: page.notice,
        main: html! {
            (face.write())
            @if page.view.stage == Stage::New { (page.steps()) } @else { (page.controls()) }
            (connections(&page.view.connections, page.csrf))
            @if page.view.stage != Stage::New { (page.changes()) }
            (page.connect())
            (page.data())
        },
    }
    .answer(status)
}

impl AccountPage<'_> {
    fn schedule_form(&self) -> ScheduleForm<'_> {
        ScheduleForm {
            view: self.view,
            typed: self.typed,
            is_owner: self.is_owner,
        }
    }

    /// Writes the three steps of a new account. The last one sends the form of the second, so that
    /// nothing that was chosen is lost.
    fn steps(&self) -> Markup {
        let csrf = self.csrf;
        html! {
            section #steps aria-labelledby="steps-title" {
                h2 #steps-title { "Three steps to a turning picture" }
                div.cards {
                    div.card {
                        h3 { "1. Choose a picture" }
                        @if self.view.set.is_some() { p.done { "Your picture is in place. Choose another if you like." } }
                        (picture_controls(self.view, self.max_frames))
                    }
                    div.card {
                        h3 { "2. Choose how it turns" }
                        form #schedule method="post" action="/account/settings" {
                            (csrf_field(csrf))
                            (self.schedule_form().fields())
                            p { button { "Save" } }
                        }
                        (self.schedule_form().unset_forms(csrf))
                    }
                    div.card {
                        h3 { "3. Start" }
                        (self.start("schedule"))
                    }
                }
            }
        }
    }

    /// Writes what will happen and the button that agrees to it, which sends the form `form`.
    fn start(&self, form: &str) -> Markup {
        let waiting: Vec<_> = self.waiting().collect();
        html! {
            @if waiting.is_empty() {
                p { "Connect a network below first." }
            } @else {
                p {
                    "Start replaces your profile picture on "
                    @for (n, one) in waiting.iter().enumerate() {
                        @if n > 0 { " and on " }
                        strong { (one.title) }
                        @if let Some(name) = &one.name { " (" (name) ")" }
                    }
                    " with the frame that is due, and again whenever the next one is due."
                    @if waiting.iter().any(|one| one.before.is_shown_until_start()) {
                        " The picture that you have there now is kept, so that you can put it back."
                    }
                    @if waiting.iter().any(|one| one.before.can_be_put_back()) {
                        " What your profile showed before it turned has moved here with it."
                    }
                }
                p { "Pause, put your own picture back, or delete everything on this page at any time." }
                @if self.cannot_keep_picture {
                    p { button.first form=(form) formaction="/account/start" { "Try again" } }
                    p {
                        button form=(form) formaction="/account/start" name="without_picture" value="true" {
                            "Start without keeping my old picture"
                        }
                    }
                } @else {
                    p { button.first form=(form) formaction="/account/start" { "Start" } }
                }
            }
        }
    }

    /// The connections that wait for a start.
    fn waiting(&self) -> impl Iterator<Item = &ConnectionView> {
        let connections = self.view.connections.iter();
        connections.filter(|one| !one.is_started && one.source == Source::Page)
    }

    /// Writes the buttons of an account that turns or is paused.
    fn controls(&self) -> Markup {
        let csrf = self.csrf;
        let button = |action: &str, class: Option<&str>, text: &str| {
            one_button(action, csrf, &html! { button class=[class] { (text) } })
        };
        html! {
            section #controls aria-label="Turning" {
                div.row {
                    @if self.view.stage == Stage::Paused {
                        (button("/account/resume", Some("first"), "Resume"))
                    } @else {
                        (button("/account/turn", Some("first"), "Turn now"))
                        (button("/account/pause", None, "Pause"))
                    }
                }
                @if self.waiting().next().is_some() {
                    div.card {
                        h2 { "Start" }
                        form #begin method="post" action="/account/start" { (csrf_field(csrf)) }
                        (self.start("begin"))
                    }
                }
            }
        }
    }

    /// Writes the cards that change the picture and the schedule.
    fn changes(&self) -> Markup {
        let csrf = self.csrf;
        html! {
            section aria-labelledby="changes-title" {
                h2 #changes-title { "Change" }
                div.cards {
                    div.card {
                        h3 { "The picture" }
                        (picture_controls(self.view, self.max_frames))
                    }
                    div.card {
                        h3 { "How it turns" }
                        form #schedule method="post" action="/account/settings" {
                            (csrf_field(csrf))
                            (self.schedule_form().fields())
                            p { button.first { "Save" } }
                        }
                        (self.schedule_form().unset_forms(csrf))
                    }
                }
            }
        }
    }

    /// Writes the forms that connect a network. Those that would replace what is connected are folded.
    fn connect(&self) -> Markup {
        let is_connected = |offer: &Offer<'_>| {
            let mut connections = self.view.connections.iter();
            connections.any(|one| one.network == offer.network)
        };
        let has_failed = |offer: &Offer<'_>| {
            let failed = self.failed.as_ref();
            failed.is_some_and(|failed| failed.network == offer.network)
        };
        let form = |offer: &Offer<'_>| {
            let label = format!("Connect {}", offer.title);
            sign_in_form(offer, &label, self.csrf, self.failed.as_ref())
        };
        html! {
            @if !self.offers.is_empty() {
                section #connect aria-labelledby="connect-title" {
                    h2 #connect-title { "Connect another account" }
                    div.cards {
                        @for offer in self.offers {
                            @if is_connected(offer) {
                                details.card open[has_failed(offer)] {
                                    summary { "Another account on " (offer.title) }
                                    p.soft { "It takes the place of the one that is connected now." }
                                    (form(offer))
                                }
                            } @else {
                                section.card aria-label=(offer.title) {
                                    h3 { (offer.title) }
                                    (form(offer))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Writes what can be done with everything that is kept.
    fn data(&self) -> Markup {
        html! {
            section aria-labelledby="data-title" {
                h2 #data-title { "Your data" }
                div.row {
                    a.button href="/account/export" download="rotate-icon.json" { "Download everything" }
                    @if self.is_owner {
                        a href="/owner" { "The page that everybody sees" }
                    } @else {
                        a.button href="/account/delete" { "Delete everything …" }
                    }
                }
            }
        }
    }
}
