//! The page at `/` of a service that is open: what this is, and where to sign in.

use http::StatusCode;
use maud::{Markup, html};

use crate::web::answer::Answer;
use crate::web::page::dial::sample_dial;
use crate::web::site::layout::{Notice, Page};
use crate::web::site::sign_in_form::{FailedSignIn, Offer, sign_in_card};

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    /// The token against forged requests.
    pub csrf: &'a str,
    /// The networks on which people can sign in.
    pub offers: &'a [Offer<'a>],
    /// The sign-in that did not begin, if there is one.
    pub failed: Option<FailedSignIn<'a>>,
    /// Whether the browser is signed in.
    pub is_signed_in: bool,
    /// What else is to be told.
    pub notice: Option<Notice<'a>>,
}

/// Writes the page. It has the status 422 if a sign-in did not begin.
pub fn landing(landing: &Landing<'_>) -> Answer {
    let page = Page {
        script: Some("/landing.js"),
        head: html! { link rel="modulepreload" href="/face.js"; },
        notice: landing.notice,
        beside_name: html! {
            @if landing.is_signed_in { a href="/account" { "Your page" } }
        },
        ..Page::of_text("Profile picture clock", &html! {})
    };
    let status = match landing.failed {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Page {
        main: main(landing),
        ..page
    }
    .answer(status)
}

fn main(landing: &Landing<'_>) -> Markup {
    html! {
        div #face {
            (sample_dial("/sample.svg", "A dial with the same picture at each hour, rotated as the hour hand points"))
            div.told {
                h1 { "Profile picture clock" }
                p.headline { "Your profile picture turns like the hour hand of a clock." }
                // The script fills this in.
                p #here .soft hidden {
                    "It is " time #clock {} " where you are, so the picture points to " span #hour {} "."
                }
                @if landing.is_signed_in {
                    p { a.button href="/account" { "Open your page" } }
                } @else {
                    p {
                        "Sign in where your account is. That changes nothing yet: on your page you choose a "
                        "picture, and it turns once you press Start."
                    }
                    div.ways {
                        @for offer in landing.offers {
                            @let button = format!("Sign in with {}", offer.title);
                            (sign_in_card(offer, &button, landing.csrf, landing.failed.as_ref()))
                        }
                    }
                }
            }
        }
    }
}
