//! The page at `/`: for each network the account as it would look, the received requests, and what
//! failed and why.

use chrono::{DateTime, Utc};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use maud::{DOCTYPE, Markup, html};

use crate::clock::{plain, rfc_3339};
use crate::fault_queue::QueuedFault;
use crate::mastodon::Server;
use crate::network::Network;
use crate::received::{Received, Verdict};
use crate::reply::Reply;
use crate::request::Request;
use crate::simulator::{Icon, Simulator};

/// Seconds after which the page reloads itself.
const REFRESH: u32 = 5;
/// The most entries each list shows.
const SHOWN: usize = 24;

/// The page runs no script, loads nothing from elsewhere and cannot be framed.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Answers with the style sheet.
pub(crate) fn style(_: &mut Simulator, _: &Request) -> Reply {
    Reply::of(200, "text/css; charset=utf-8", include_str!("style.css")).with_all(&[
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ])
}

/// Answers with the page.
pub(crate) fn show(simulator: &mut Simulator, request: &Request) -> Reply {
    let paused = request.query == "paused";
    let page = page(simulator, simulator.clock.now(), paused);
    Reply::of(200, "text/html; charset=utf-8", page.into_string()).with_all(&[
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ])
}

fn page(simulator: &Simulator, now: DateTime<Utc>, paused: bool) -> Markup {
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
                    p { "Stand-ins on this machine, not x.com, bsky.app or a Mastodon server" }
                }
                main {
                    @for of in Network::ALL {
                        (network(simulator, of))
                    }
                    @for server in simulator.mastodon.servers() {
                        (people(server))
                    }
                    (faults(simulator))
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

/// One network: the account and its requests, or one line if it is unused.
fn network(simulator: &Simulator, network: Network) -> Markup {
    let received: Vec<&Received> = simulator.journal.newest_first(Some(network)).collect();
    let icon = simulator.icon(network);
    let name = network.name();
    html! {
        @if received.is_empty() && icon.is_none() {
            section.quiet { h2 { (network.title()) } p.muted { "Nothing was received." } }
        } @else {
            section class=(name) aria-labelledby=(name) {
                (profile(simulator, network, icon))
                (pictures(&received))
                (failures(&received))
                (requests(&received))
            }
        }
    }
}

fn profile(simulator: &Simulator, network: Network, icon: Option<&Icon>) -> Markup {
    let account = match network {
        Network::X => "@local_account".to_owned(),
        Network::Bluesky => format!("@{}", simulator.bluesky.handle()),
        Network::Mastodon => "@local".to_owned(),
    };
    let (at, words) = match network {
        // The number gives every picture an address of its own, so that no cache shows an old one.
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

/// A server of Mastodon's network and the pictures of its people; nothing for the listener's own
/// before anybody signed in there.
fn people(server: &Server) -> Markup {
    let people = server.known_people();
    let host = server.name();
    let is_used = server.host.is_some() || server.oauth.app_count() > 0;
    html! {
        @if is_used {
            section class="mastodon" aria-labelledby=(host) {
                h2 id=(host) { "Mastodon: " (host) }
                p.muted {
                    (server.kind.name())
                    @if let Some(domain) = &server.handles { ", handles at " (domain) }
                    ", " (server.oauth.app_count()) " apps"
                }
                ol.strip {
                    @for name in people.iter().take(SHOWN) {
                        li {
                            @if let Some(picture) = server.people.file_name(server.kind, name) {
                                // The file name gives every picture an address of its own.
                                img src={
                                    "/simulator/icon?network=mastodon&server=" (host)
                                    "&account=" (name) "&n=" (picture)
                                } width="96" height="96"
                                    alt={ "The picture of @" (name) " on " (host) };
                            } @else {
                                div.no-picture { "no picture" }
                            }
                            div { "@" (name) }
                        }
                    }
                }
                @if people.len() > SHOWN {
                    p.muted { (people.len() - SHOWN) " more people are not shown." }
                }
            }
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
                        @if let Some(server) = &received.server {
                            " on " (server)
                        }
                        @if let Some(account) = &received.account {
                            " as @" (account)
                        }
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

fn faults(simulator: &Simulator) -> Markup {
    let queue: Vec<&QueuedFault> = Network::ALL
        .into_iter()
        .flat_map(|network| simulator.faults.iter(network))
        .collect();
    html! {
        section {
            h2 { "Faults to come" }
            @if queue.is_empty() {
                p.muted { "None: each request gets its proper answer." }
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
                            @if let Some(server) = &queued.server {
                                ", on " (server)
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
