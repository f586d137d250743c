//! What the pages have in common: the document, the form's token, and the notice at the top.

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};

use crate::web::answer::{Answer, insert};

/// The Content-Security-Policy of the pages. Their forms are sent here only; what sends the browser
/// elsewhere is a page of its own.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Where the source code is.
const SOURCE: &str = env!("CARGO_PKG_REPOSITORY");

/// What a page tells about the last thing that was done.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// A sentence or more.
    pub text: &'a str,
    /// Whether it went well.
    pub mood: Mood,
}

/// Whether something went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It is done.
    Good,
    /// It is not done.
    Bad,
}

/// A page, before it is a document.
pub(super) struct Page<'a> {
    /// The title, without the program's name.
    pub(super) title: &'a str,
    /// The picture for the page's tab.
    pub(super) tab_icon: &'a str,
    /// The page's script.
    pub(super) script: Option<&'a str>,
    /// What else the head has.
    pub(super) head: Markup,
    /// What stands beside the program's name at the top.
    pub(super) beside_name: Markup,
    /// The notice above all else.
    pub(super) notice: Option<Notice<'a>>,
    /// What the page is about.
    pub(super) main: Markup,
}

impl<'a> Page<'a> {
    /// A page of text alone.
    pub(super) fn of_text(title: &'a str, text: &Markup) -> Self {
        Self {
            title,
            tab_icon: "/page.svg",
            script: None,
            head: html! {},
            beside_name: html! {},
            notice: None,
            main: html! { div.text { (text) } },
        }
    }

    /// Writes the page as an answer with a status.
    pub(super) fn answer(self, status: StatusCode) -> Answer {
        let mut answer = Answer::new(self.document().into_string().into_bytes());
        *answer.status_mut() = status;
        insert(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
        let policy = HeaderValue::from_static(POLICY);
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        // With `no-referrer`, a browser would send forms with the origin `null`
        // (<https://fetch.spec.whatwg.org/#append-a-request-origin-header>).
        insert(&mut answer, REFERRER_POLICY, "same-origin");
        answer
    }

    fn document(self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="description" content="A profile picture that turns like the hour hand of a clock.";
                    title { (self.title) " · rotate-icon" }
                    link rel="icon" href=(self.tab_icon);
                    link rel="stylesheet" href="/page.css";
                    link rel="stylesheet" href="/site.css";
                    @if let Some(script) = self.script { script src=(script) type="module" {} }
                    (self.head)
                }
                body {
                    header.bar {
                        a.name href="/" { "rotate-icon" }
                        (self.beside_name)
                    }
                    main {
                        (notice(self.notice))
                        (self.main)
                    }
                    footer {
                        nav aria-label="About" {
                            a href="/privacy" { "Privacy" }
                            a href=(SOURCE) { "Source code" }
                        }
                    }
                }
            }
        }
    }
}

/// Writes the notice. Its place is always there, so that what a script writes into it is read out.
/// A notice that comes with the page gets the focus, which has it read out without a script.
fn notice(notice: Option<Notice<'_>>) -> Markup {
    let class = notice.map(|notice| match notice.mood {
        Mood::Good => "good",
        Mood::Bad => "bad",
    });
    html! {
        p #result class=[class] role="status" tabindex="-1" autofocus[notice.is_some()] {
            @if let Some(notice) = notice { (notice.text) }
        }
    }
}

/// Writes the field that proves that a form is one of this service's pages.
pub(super) fn csrf_field(csrf: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(csrf); }
}

/// Writes a form that is one button.
pub(super) fn one_button(action: &str, csrf: &str, button: &Markup) -> Markup {
    html! {
        form method="post" action=(action) { (csrf_field(csrf)) (button) }
    }
}
