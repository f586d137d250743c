//! Writes what an account's page says of its connections, and what can be done with each.

use maud::{Markup, html};

use crate::account::commands::{ConnectionView, Source};
use crate::account::stored_account::Before;
use crate::outcome::Diagnosis;
use crate::web::page::words::named;
use crate::web::site::layout::{csrf_field, one_button};

/// Writes the connections.
pub(super) fn connections(connections: &[ConnectionView], csrf: &str) -> Markup {
    html! {
        section #connections aria-labelledby="connections-title" {
            h2 #connections-title { "Connected" }
            @if connections.is_empty() {
                p.soft { "No network is connected, so nothing turns." }
            }
            div.cards {
                @for one in connections { (connection(one, csrf)) }
            }
        }
    }
}

fn connection(one: &ConnectionView, csrf: &str) -> Markup {
    html! {
        div.card {
            h3 {
                (one.title)
                @if let Some(name) = &one.name { " " span.account { (name) } }
            }
            p { (state(one)) }
            (finding(one.finding.as_ref()))
            @if one.needs_sign_in { (sign_in_again(one, csrf)) }
            @if one.source == Source::Page {
                (put_back(one, csrf))
                (disconnect(one, csrf))
            } @else {
                p.soft { "Connected by this service's secrets. Sign in here to replace them." }
            }
        }
    }
}

/// Says what a connection shows.
fn state(one: &ConnectionView) -> String {
    let of_unstarted = match one.before {
        Before::Unknown => "Not started. The picture there has not been touched.",
        Before::PutBack => "Not started. Your own picture is there again.",
        Before::Picture | Before::Held | Before::Default | Before::Lost => {
            "Not started here. It may still show a frame from the page that it was moved from."
        }
    };
    match one.frame {
        _ if !one.is_started => of_unstarted.to_owned(),
        Some(n) => format!("Shows {}.", named(n)),
        None => "Has taken no frame of this picture yet.".to_owned(),
    }
}

/// Writes what is wrong, and what to do.
pub(super) fn finding(finding: Option<&Diagnosis>) -> Markup {
    html! {
        @if let Some(Diagnosis { message, remedy, .. }) = finding {
            div.diagnosis {
                p { (message) }
                p { strong { "What to do: " } (remedy) }
            }
        }
    }
}

/// Writes the form that signs in again where the account is.
fn sign_in_again(one: &ConnectionView, csrf: &str) -> Markup {
    html! {
        @match &one.place {
            Some(place) => form.again method="post" action={ "/sign-in/" (one.network) } {
                (csrf_field(csrf))
                input type="hidden" name="server" value=(place);
                button.first { "Sign in again" }
            },
            None => p { a href="#connect" { "Sign in again below." } }
        }
    }
}

fn put_back(one: &ConnectionView, csrf: &str) -> Markup {
    let button = match one.before {
        Before::Picture | Before::Held => "Put my own picture back",
        Before::Default => "Remove the picture",
        before if !one.is_started && before.is_shown_until_start() => return html! {},
        Before::Unknown | Before::Lost | Before::PutBack => {
            return html! {
                p.soft { "Your picture from before could not be kept, so it cannot be put back here." }
            };
        }
    };
    let form = html! {
        input type="hidden" name="network" value=(one.network);
        button { (button) }
    };
    html! {
        (one_button("/account/put-back", csrf, &form))
        p.soft {
            @if one.before == Before::Default { "You had none before. " }
            "This pauses the turning."
        }
    }
}

fn disconnect(one: &ConnectionView, csrf: &str) -> Markup {
    html! {
        details {
            summary { "Disconnect" }
            form method="post" action="/account/disconnect" {
                (csrf_field(csrf))
                input type="hidden" name="network" value=(one.network);
                p { "rotate-icon signs out there and forgets this connection." }
                @if one.before.can_be_put_back() {
                    label.check {
                        input type="checkbox" name="put_back" value="true" checked;
                        span { "Put my own picture back first" }
                    }
                }
                button { "Disconnect " (one.title) }
            }
        }
    }
}
