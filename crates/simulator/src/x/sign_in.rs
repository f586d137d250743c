//! Signing in by PIN: request tokens, the page on which a person says yes, and what is then handed
//! out.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use super::answer::SCREEN_NAME;
use crate::form;
use crate::random;
use crate::state::Simulator;

/// How many seconds a sign-in may take.
const LIFETIME: i64 = 900;

/// No script, nothing from elsewhere, and the form is sent here only.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// A sign-in that was begun.
#[derive(Clone)]
pub(super) struct SignIn {
    pub(super) token: String,
    pub(super) secret: String,
    pin: String,
    began: i64,
    /// Whether the person said yes.
    allowed: bool,
}

/// The sign-ins that are under way.
#[derive(Clone, Default)]
pub(super) struct SignIns(Vec<SignIn>);

impl SignIns {
    /// Begins one and gives its token and secret.
    pub(super) fn begin(&mut self, now: i64) -> (String, String) {
        let (token, secret) = (random::text(), random::text());
        self.0.retain(|sign_in| sign_in.is_current(now));
        self.0.push(SignIn {
            token: token.clone(),
            secret: secret.clone(),
            pin: pin(),
            began: now,
            allowed: false,
        });
        (token, secret)
    }

    /// The one with that token, unless it is over.
    pub(super) fn get(&self, token: &str, now: i64) -> Option<&SignIn> {
        self.0
            .iter()
            .find(|sign_in| sign_in.token == token && sign_in.is_current(now))
    }

    /// Has the person say yes, and gives the PIN.
    pub(super) fn allow(&mut self, token: &str, now: i64) -> Option<String> {
        let sign_in = self
            .0
            .iter_mut()
            .find(|sign_in| sign_in.token == token && sign_in.is_current(now))?;
        sign_in.allowed = true;
        Some(sign_in.pin.clone())
    }

    /// Ends the one with that token if this is its PIN, and says whether it was.
    pub(super) fn end(&mut self, token: &str, pin: &str) -> bool {
        let before = self.0.len();
        self.0
            .retain(|one| !(one.token == token && one.allowed && one.pin == pin));
        self.0.len() < before
    }
}

impl SignIn {
    fn is_current(&self, now: i64) -> bool {
        (0..LIFETIME).contains(&now.saturating_sub(self.began))
    }
}

/// Seven digits.
fn pin() -> String {
    random::bytes()
        .iter()
        .take(7)
        .fold(String::new(), |mut pin, byte| {
            // Writing to a string does not fail.
            let _ = write!(pin, "{}", byte % 10);
            pin
        })
}

/// The pages that a person sees while signing in.
pub(super) fn pages() -> Router<Arc<Simulator>> {
    Router::new().route("/oauth/authorize", get(ask).post(allow))
}

fn token_in(text: &[u8]) -> Option<String> {
    let pairs = form::decode(text).ok()?;
    let mut tokens = pairs
        .into_iter()
        .filter(|(name, _)| name == "oauth_token")
        .map(|(_, value)| value);
    tokens.next().filter(|_| tokens.next().is_none())
}

/// Asks the person.
async fn ask(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    let now = simulator.clock.now().timestamp();
    let state = simulator.state();
    let token = token_in(uri.query().unwrap_or_default().as_bytes());
    let Some(sign_in) = token.and_then(|token| state.x.memory.sign_ins.get(&token, now).cloned())
    else {
        return over();
    };
    let body = html! {
        h1 { "Let an app use your account?" }
        p {
            "It will be able to change the picture of @" (SCREEN_NAME)
            ". This is a stand-in on this machine, not x.com."
        }
        form method="post" action="/oauth/authorize" {
            input type="hidden" name="oauth_token" value=(sign_in.token);
            button { "Authorize app" }
        }
    };
    document(StatusCode::OK, "Authorize an app", &body)
}

/// Shows the PIN to the person who said yes.
async fn allow(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    let now = simulator.clock.now().timestamp();
    let pin = token_in(&body).and_then(|token| simulator.state().x.pin(&token, now));
    let Some(pin) = pin else {
        return over();
    };
    let body = html! {
        h1 { "Your PIN" }
        p { "Go back to the app and enter this PIN to finish:" }
        p.pin { code { (pin) } }
    };
    document(StatusCode::OK, "Your PIN", &body)
}

fn over() -> Response {
    let body = html! {
        h1 { "This sign-in is over" }
        p { "It is not known here, was finished, or took too long. Begin again in the app." }
    };
    document(StatusCode::NOT_FOUND, "No such sign-in", &body)
}

fn document(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Simulated X" }
                link rel="stylesheet" href="/simulator/style.css";
            }
            body { main { section { (body) } } }
        }
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page.into_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_seven_digits() {
        let pin = pin();
        assert!(pin.len() == 7 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn a_sign_in_ends_once_and_in_time() {
        let mut sign_ins = SignIns::default();
        let (token, _) = sign_ins.begin(1_000);
        assert!(sign_ins.get(&token, 1_899).is_some());
        assert!(sign_ins.get(&token, 1_900).is_none());
        let hidden = sign_ins.0[0].pin.clone();
        assert!(!sign_ins.end(&token, &hidden), "nobody said yes");
        let pin = sign_ins.allow(&token, 1_000).unwrap();
        assert!(!sign_ins.end(&token, "12345678"));
        assert!(sign_ins.end(&token, &pin));
        assert!(!sign_ins.end(&token, &pin));
    }
}
