//! Signing in by PIN: request tokens, the page on which a person agrees, and the PIN.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use maud::{DOCTYPE, Markup, html};

use super::replies::SCREEN_NAME;
use crate::form;
use crate::random::Random;
use crate::reply::Reply;
use crate::request::Request;
use crate::simulator::Simulator;

/// How long a sign-in may take, in seconds.
const LIFETIME: i64 = 900;

/// The page runs no script, loads nothing from elsewhere, and its form is sent here only.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// A sign-in under way.
#[derive(Clone)]
pub(crate) struct SignIn {
    pub(crate) token: String,
    pub(crate) secret: String,
    pin: String,
    /// When it began, in seconds since 1970.
    began: i64,
    /// Whether the person agreed.
    is_agreed: bool,
}

/// The sign-ins under way.
#[derive(Clone)]
pub(crate) struct SignIns {
    current: Vec<SignIn>,
    random: Random,
}

impl SignIns {
    /// No sign-ins. Tokens and PINs come from this source.
    pub(crate) fn new(random: Random) -> Self {
        Self {
            current: Vec::new(),
            random,
        }
    }

    /// Begins a sign-in and returns its token and secret.
    pub(crate) fn begin(&mut self, now: i64) -> (String, String) {
        let (token, secret) = (self.random.text(), self.random.text());
        self.current.retain(|sign_in| sign_in.is_current(now));
        self.current.push(SignIn {
            token: token.clone(),
            secret: secret.clone(),
            pin: pin(&mut self.random),
            began: now,
            is_agreed: false,
        });
        (token, secret)
    }

    /// The sign-in with this token, unless it has expired.
    pub(crate) fn get(&self, token: &str, now: i64) -> Option<&SignIn> {
        self.current
            .iter()
            .find(|sign_in| sign_in.token == token && sign_in.is_current(now))
    }

    /// Agrees to a sign-in, as its owner would, and returns the PIN.
    pub(crate) fn agree(&mut self, token: &str, now: i64) -> Option<String> {
        let sign_in = self
            .current
            .iter_mut()
            .find(|sign_in| sign_in.token == token && sign_in.is_current(now))?;
        sign_in.is_agreed = true;
        Some(sign_in.pin.clone())
    }

    /// Ends the sign-in with this token if the PIN is right. Returns whether it was.
    pub(crate) fn end(&mut self, token: &str, pin: &str) -> bool {
        let before = self.current.len();
        self.current
            .retain(|one| !(one.token == token && one.is_agreed && one.pin == pin));
        self.current.len() < before
    }
}

impl SignIn {
    fn is_current(&self, now: i64) -> bool {
        (0..LIFETIME).contains(&now.saturating_sub(self.began))
    }
}

/// Seven digits.
fn pin(random: &mut Random) -> String {
    let digits = random.bytes().into_iter().take(7);
    digits.map(|byte| char::from(b'0' + byte % 10)).collect()
}

fn token_in(text: &[u8]) -> Option<String> {
    let pairs = form::decode(text).ok()?;
    let mut tokens = pairs
        .into_iter()
        .filter(|(name, _)| name == "oauth_token")
        .map(|(_, value)| value);
    tokens.next().filter(|_| tokens.next().is_none())
}

/// Asks the person to agree.
pub(crate) fn ask(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now().timestamp();
    let token = token_in(request.query.as_bytes());
    let sign_ins = &simulator.x.memory.sign_ins;
    let Some(sign_in) = token.and_then(|token| sign_ins.get(&token, now)) else {
        return over();
    };
    let body = html! {
        h1 { "Let an app use your account?" }
        p {
            "It will be able to change the picture of @" (SCREEN_NAME)
            ". This is a simulator on this machine, not x.com."
        }
        form method="post" action="/oauth/authorize" {
            input type="hidden" name="oauth_token" value=(sign_in.token);
            button { "Authorize app" }
        }
    };
    document(200, "Authorize an app", &body)
}

/// Shows the PIN to the person who agreed.
pub(crate) fn allow(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now().timestamp();
    let token = token_in(&request.body.bytes);
    let Some(pin) = token.and_then(|token| simulator.x.agree(&token, now)) else {
        return over();
    };
    let body = html! {
        h1 { "Your PIN" }
        p { "Go back to the app and enter this PIN to finish:" }
        p.pin { code { (pin) } }
    };
    document(200, "Your PIN", &body)
}

fn over() -> Reply {
    let body = html! {
        h1 { "This sign-in is over" }
        p { "It is unknown, finished or expired. Start again in the app." }
    };
    document(404, "No such sign-in", &body)
}

fn document(status: u16, title: &str, body: &Markup) -> Reply {
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
    Reply::of(status, "text/html; charset=utf-8", page.into_string()).with_all(&[
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_seven_digits() {
        let pin = pin(&mut Random::new([0; 32]));
        assert!(pin.len() == 7 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn a_sign_in_ends_once_and_in_time() {
        let mut sign_ins = SignIns::new(Random::new([0; 32]));
        let (token, _) = sign_ins.begin(1_000);
        assert!(sign_ins.get(&token, 1_899).is_some());
        assert!(sign_ins.get(&token, 1_900).is_none());
        let hidden = sign_ins.current[0].pin.clone();
        assert!(!sign_ins.end(&token, &hidden), "nobody said yes");
        let pin = sign_ins.agree(&token, 1_000).unwrap();
        assert!(!sign_ins.end(&token, "12345678"));
        assert!(sign_ins.end(&token, &pin));
        assert!(!sign_ins.end(&token, &pin));
    }
}
