//! The page on which a person signs in and agrees.

use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use maud::{DOCTYPE, html};

use super::app::origin;
use super::authorize::Asked;
use crate::mastodon::people::{NAMED, display_name};
use crate::mastodon::server::Server;
use crate::mastodon::visit::Visit;
use crate::reply::Reply;

/// The page for what a client asks. Its form has every parameter again, so that nothing has to be
/// kept in between.
pub(super) fn consent(server: &Server, visit: &Visit<'_>, asked: &Asked) -> Reply {
    let host = visit.host();
    let scope = asked.scopes.join(" ");
    let challenge = asked.challenge.as_deref();
    let hidden = [
        ("response_type", Some("code")),
        ("client_id", Some(asked.client_id.as_str())),
        ("redirect_uri", Some(asked.redirect_uri.as_str())),
        ("scope", Some(scope.as_str())),
        ("state", Some(asked.state.as_str())),
        ("code_challenge", challenge),
        ("code_challenge_method", challenge.map(|_| "S256")),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Authorization required · " (host) }
                link rel="stylesheet" href="/packs/common.css";
            }
            body { main { section {
                h1 { "Authorization required" }
                p {
                    strong { (asked.client_name) } " would like permission to access your account \
                    on " strong { (host) } ". This is a simulated server (" (server.kind.name())
                    ") on this machine."
                }
                p { "It asks for:" }
                ul { @for scope in &asked.scopes { li { code { (scope) } } } }
                form method="post" action="/oauth/authorize" {
                    @for (name, value) in hidden {
                        @if let Some(value) = value {
                            input type="hidden" name=(name) value=(value);
                        }
                    }
                    fieldset {
                        legend { "Sign in as" }
                        @for (index, name) in NAMED.iter().enumerate() {
                            p { label {
                                input type="radio" name="account" value=(name) required
                                    checked[index == 0];
                                " " (display_name(name)) " (@" (name) ")"
                            } }
                        }
                    }
                    p {
                        button name="decision" value="authorize" { "Authorize" }
                        " "
                        button name="decision" value="deny" { "Deny" }
                    }
                }
            } } }
        }
    };
    // Browsers apply `form-action` to the redirect that follows too.
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self' {}",
        origin(&asked.redirect_uri).unwrap_or_default()
    );
    // With `no-referrer` the form would be sent with `Origin: null`.
    let reply = Reply::of(200, "text/html; charset=utf-8", page.into_string()).with_all(&[
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ]);
    match HeaderValue::from_str(&policy) {
        Ok(policy) => reply.with(CONTENT_SECURITY_POLICY, policy),
        Err(_) => reply,
    }
}
