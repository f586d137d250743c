//! The page at `/`: for each network the account as it would be shown, what was received, and what
//! failed and why.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};

use super::clock::{plain, rfc_3339};
use super::faults::Queued;
use super::network::Network;
use super::received::{Received, Verdict};
use super::state::{Icon, Simulator, State as Known};

/// After how many seconds the page is loaded anew.
const REFRESH: u32 = 5;
/// The most entries that each list shows.
const SHOWN: usize = 24;

/// No script, nothing from elsewhere, no frame around it.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Answers with the style of the page.
pub(super) async fn style() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CACHE_CONTROL, "no-cache"),
        ],
        include_str!("style.css"),
    )
}

/// Answers with the page.
pub(super) async fn show(State(simulator): State<Arc<Simulator>>, uri: Uri) -> impl IntoResponse {
    let paused = uri.query() == Some("paused");
    let page = page(&simulator.state(), simulator.clock.now(), paused);
    (
        [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
        ],
        page.into_string(),
    )
}

fn page(state: &Known, now: DateTime<Utc>, paused: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if !paused {
                    meta http-equiv="refresh" content=(REFRESH);
                }
                title { "Simulated networks" }
                link rel="stylesheet" href="/simulator/style.css";
            }
            body {
                header {
                    h1 { "Simulated networks" }
                    p { "A stand-in on this machine, not x.com, bsky.app or any Mastodon server" }
                }
                main {
                    @for of in Network::ALL {
                        (network(state, of))
                    }
                    (faults(state))
                }
                footer { p {
                    "As of " (time(now)) ". "
                    @if paused {
                        a href="/" { "Refresh every " (REFRESH) " seconds" }
                    } @else {
                        a href="/?paused" { "Stop refreshing" }
                    }
                    " · " a href="/simulator/received" { "Requests as JSON" }
                    " · " a href="/simulator/faults" { "Faults as JSON" }
                } }
            }
        }
    }
}

/// What happened on a network; a line, if nothing did.
fn network(state: &Known, network: Network) -> Markup {
    let received: Vec<&Received> = state.journal.newest_first(Some(network)).collect();
    let icon = state.icon(network);
    let name = network.name();
    html! {
        @if received.is_empty() && icon.is_none() {
            section.quiet { h2 { (network.title()) } p.muted { "Nothing was received." } }
        } @else {
            section class=(name) aria-labelledby=(name) {
                (profile(state, network, icon))
                (pictures(&received))
                (failures(&received))
                (requests(&received))
            }
        }
    }
}

fn profile(state: &Known, network: Network, icon: Option<&Icon>) -> Markup {
    let account = match network {
        Network::X => "@local_account".to_owned(),
        Network::Bluesky => format!("@{}", state.bluesky.handle()),
        Network::Mastodon => "@local".to_owned(),
    };
    let (at, words) = match network {
        // The number makes a new address of every picture, so that none is shown from a cache.
        Network::X => (
            "/simulator/icon?".to_owned(),
            "The profile picture as it is now".to_owned(),
        ),
        other => (
            format!("/simulator/icon?network={}&n=", other.name()),
            format!("The picture on {} as it is now", other.title()),
        ),
    };
    html! {
        div.banner {}
        @match icon {
            Some(icon) => {
                img.icon src={ (at) (icon.number) } width="132" height="132" alt=(words);
            }
            None => div.icon role="img" aria-label={ "No picture on " (network.title()) " yet" } {}
        }
        h2 id=(network.name()) { (network.title()) }
        p.muted { (account) }
        @match icon {
            Some(icon) => p {
                "Picture set " (time(icon.set_at)) " by request " (icon.number)
                span.muted { " (" (icon.facts.summary()) ")" }
            }
            None => p { "No picture was set yet." }
        }
    }
}

fn pictures(received: &[&Received]) -> Markup {
    let with_picture: Vec<&Received> = received
        .iter()
        .copied()
        .filter(|received| received.picture.is_some())
        .take(SHOWN)
        .collect();
    html! {
        h3 { "Pictures received" }
        @if with_picture.is_empty() {
            p.muted { "None yet." }
        } @else {
            ol.strip reversed {
                @for received in with_picture { li { (picture(received)) } }
            }
        }
    }
}

fn requests(received: &[&Received]) -> Markup {
    html! {
        details {
            summary { "All requests (" (received.len()) ")" }
            ol.requests reversed {
                @for received in received.iter().take(SHOWN) {
                    li {
                        (verdict(received)) " " code { (received.endpoint.unwrap_or("unknown")) }
                        div.muted {
                            "Request " (received.number) ", " (time(received.at))
                            ", answered: " (received.answered())
                        }
                    }
                }
            }
        }
    }
}

fn picture(received: &Received) -> Markup {
    let number = received.number;
    let shown = received
        .picture
        .as_ref()
        .is_some_and(|facts| facts.width.is_some());
    let at = format!("/simulator/received/{number}/picture");
    html! {
        @if shown {
            a href=(at) {
                img src=(at) width="96" height="96" alt={ "The picture of request " (number) };
            }
        } @else {
            div.no-picture { "not a picture" }
        }
        div { (verdict(received)) }
        div.muted { (time(received.at)) }
        @if let Some(fault) = received.fault {
            div.muted { "fault: " (fault) }
        }
    }
}

fn verdict(received: &Received) -> Markup {
    let class = match received.verdict {
        Verdict::Accepted if received.took_effect => "accepted",
        Verdict::Accepted => "lost",
        Verdict::Rejected => "rejected",
    };
    let word = match class {
        "lost" => "accepted, but lost",
        _ => received.verdict.word(),
    };
    html! { strong class=(class) { (word) } }
}

fn failures(received: &[&Received]) -> Markup {
    let failed: Vec<&Received> = received
        .iter()
        .copied()
        .filter(|received| received.fault.is_some() || received.verdict == Verdict::Rejected)
        .take(SHOWN)
        .collect();
    html! {
        h3 { "What failed and why" }
        @if failed.is_empty() {
            p.muted { "Nothing failed." }
        } @else {
            ol.failures reversed {
                @for received in failed {
                    li {
                        div.muted {
                            "Request " (received.number) ", " (time(received.at))
                            ", answered: " (received.answered())
                        }
                        @if let Some(fault) = received.fault {
                            div { "Fault " code { (fault) } ": " (received.explanation) }
                        } @else {
                            div { (received.summary) }
                        }
                    }
                }
            }
        }
    }
}

fn faults(state: &Known) -> Markup {
    let queue: Vec<&Queued> = Network::ALL
        .into_iter()
        .flat_map(|network| state.faults.iter(network))
        .collect();
    html! {
        section {
            h2 { "Faults to come" }
            @if queue.is_empty() {
                p.muted { "None: requests get the answer that they deserve." }
            } @else {
                ol {
                    @for queued in queue {
                        li {
                            (queued.network.title()) ": " code { (queued.fault.name) } ", "
                            @match queued.times {
                                Some(1) => "once",
                                Some(times) => { (times) " times" }
                                None => "until the queue is cleared",
                            }
                            @if let Some(endpoint) = queued.endpoint {
                                ", at " code { (endpoint) }
                            }
                            span.muted { " (" (queued.fault.description) ")" }
                        }
                    }
                }
            }
            @for network in Network::ALL {
                details {
                    summary { "All faults of " (network.title()) }
                    dl {
                        @for fault in network.faults() {
                            dt { code { (fault.name) } }
                            dd { (fault.description) }
                        }
                    }
                }
            }
        }
    }
}

fn time(time: DateTime<Utc>) -> Markup {
    html! { time datetime=(rfc_3339(time)) { (plain(time)) } }
}
