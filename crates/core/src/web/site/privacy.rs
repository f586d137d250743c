//! The page at `/privacy`: what is kept, where, how long, and how to leave.

use http::StatusCode;
use maud::{Markup, html};

use crate::account::ledger::MAX_RECORDS;
use crate::service::directory::{SESSION_LIFETIME, SIGN_IN_LIFETIME};
use crate::web::answer::Answer;
use crate::web::site::layout::Page;

/// What a host says of where and how long it keeps what is stored. Each text is a sentence or more.
#[derive(Debug, Clone, Copy)]
pub struct HostPrivacy {
    /// Whose machines the service runs on, and where what is stored lies.
    pub place: &'static str,
    /// How long what is deleted can still be restored.
    pub deletion: &'static str,
    /// What is logged of requests, and how long that is kept.
    pub logs: &'static str,
}

/// What is kept of a person with an account, each with its purpose and end.
const KEPT: [(&str, &str); 8] = [
    (
        "Your account",
        "A random id, the day it was created, your settings (time zone, period, direction), and whether it is paused.",
    ),
    (
        "Your connections",
        "For each network: the server, your account's id and name there, and when you signed in and pressed Start.",
    ),
    (
        "Your sign-ins on networks",
        "The tokens that your servers gave, and the key of the sign-in where they ask for one, encrypted with a key that is not stored beside them. Your passwords never come here.",
    ),
    (
        "Your picture",
        "The square that you chose, and its frames. Here, only you can see them; your servers show them to everybody.",
    ),
    (
        "Your picture from before",
        "What each network showed before you pressed Start, so that it can be put back: here, or on your server where it holds pictures.",
    ),
    (
        "What happened",
        "What each turn did, when, and what the server answered if it failed.",
    ),
    (
        "Where turning stands",
        "For each network, the frame that it shows, when to try again, and the account's name as the server last told it.",
    ),
    (
        "Browsers that are signed in",
        "A hash of the cookie's token, and when the browser signed in and will be signed out.",
    ),
];

/// A network on which people sign in, and what is kept of their accounts because of it.
#[derive(Debug, Clone, Copy)]
pub struct NetworkPrivacy<'a> {
    /// The network's title.
    pub title: &'a str,
    /// What is kept, in sentences.
    pub kept: &'a str,
}

/// Writes the page. `contact` is how to reach whoever runs the service, with the address of its link;
/// `None` if nobody but the owner has an account.
pub fn privacy(
    host: &HostPrivacy,
    networks: &[NetworkPrivacy<'_>],
    contact: Option<(&str, &str)>,
) -> Answer {
    let text = html! {
        h1 { "Privacy" }
        p.headline { "What rotate-icon keeps of you, and how to leave" }
        p {
            "rotate-icon keeps what it needs to turn your profile picture, and nothing else. It shows no "
            "advertisements and loads nothing from other sites. What it gives away is your picture, to "
            "the networks that you connect."
        }
        (kept(networks))
        h2 { "Where" }
        p { (host.place) }
        p { (host.logs) " The service's own log has neither your name nor your address." }
        (how_long(host))
        (cookies())
        h2 { "How to leave" }
        p {
            "On your page, " strong { "Disconnect" } " forgets one network, and "
            strong { "Delete everything" } " all of the above, after putting your own picture back if you "
            "wish. Your servers are told that the tokens are no longer used. "
            strong { "Download everything" } " gives you what is kept as one file. What your servers have "
            "already passed on to others stays where it is."
        }
        @if let Some((name, link)) = contact {
            h2 { "Who runs this" }
            p { "Write to " a href=(link) { (name) } "." }
        }
    };
    Page::of_text("Privacy", &text).answer(StatusCode::OK)
}

fn kept(networks: &[NetworkPrivacy<'_>]) -> Markup {
    html! {
        h2 { "What is kept" }
        dl {
            @for (what, how) in KEPT {
                dt { (what) }
                dd { (how) }
            }
            @for one in networks {
                dt { "If you sign in with " (one.title) }
                dd { (one.kept) }
            }
        }
        p {
            "While you sign in, the server that you go to, and the account if you have named it, are kept "
            "for " (SIGN_IN_LIFETIME.num_minutes()) " minutes. Each server where somebody has signed in "
            "knows the service as an application; that says nothing of you."
        }
    }
}

fn how_long(host: &HostPrivacy) -> Markup {
    html! {
        h2 { "How long" }
        p {
            "Until you delete it. The record of what happened keeps the last " (MAX_RECORDS)
            " turns. A browser is signed out after " (SESSION_LIFETIME.num_days()) " days. If your server "
            "refuses the service for two weeks, the tokens are forgotten, and your page is paused."
        }
        p { (host.deletion) }
    }
}

fn cookies() -> Markup {
    html! {
        h2 { "Cookies" }
        p { "There are four. No script can read them, and no other site gets them." }
        ul {
            li { "One keeps you signed in for " (SESSION_LIFETIME.num_days()) " days." }
            li { "One proves that a form comes from a page of this service. It ends when you close the browser." }
            li {
                "One makes sure that a sign-in ends in the browser where it began. It lasts "
                (SIGN_IN_LIFETIME.num_minutes()) " minutes."
            }
            li { "One carries what the next page tells you, such as “Paused”. It lasts a minute at most." }
        }
    }
}
