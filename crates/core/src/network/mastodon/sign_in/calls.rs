//! Requests to a server during a sign-in, and what their failures mean.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{Request, Response};
use serde_json::Value;

use crate::instant::after;
use crate::network::mastodon::errors::limit_reset;
use crate::network::reply::{ErrorReply, Meaning, retry_after};
use crate::network::sign_in::{App, SignInError, host_of};
use crate::network::transport::Transport;
use crate::ports::{MAX_REPLY_BYTES, ReplyLimits, SendError};
use crate::settings::secret::Secret;

/// What each reply may take while a person waits.
const LIMITS: ReplyLimits = ReplyLimits {
    timeout_ms: 10_000,
    max_bytes: MAX_REPLY_BYTES,
};

/// The longest token, id or secret that a server may give, in bytes. Pixelfed's tokens have about
/// 1,100.
const MAX_TOKEN: usize = 8_000;

/// A server, and what carries requests to it.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    /// The server's scheme, host and port.
    pub(super) server: &'a str,
    pub(super) transport: &'a dyn Transport,
}

impl Calls<'_> {
    /// The server's host, for texts.
    pub(super) fn host(&self) -> &str {
        host_of(self.server)
    }

    /// Sends a GET, with a token if there is one.
    pub(super) async fn get(
        &self,
        path: &str,
        token: Option<&Secret>,
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let mut request = Request::get(format!("{}{path}", self.server));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        self.send(request, Vec::new()).await
    }

    /// Sends a form by POST.
    pub(super) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(format!("{}{path}", self.server))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, form.into_bytes()).await
    }

    async fn send(
        &self,
        request: Builder,
        body: Vec<u8>,
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let host = self.host();
        // Without this header, Pixelfed redirects to a page instead of letting its API say what is
        // wrong.
        let request = request.header(ACCEPT, "application/json").body(body);
        let request =
            request.map_err(|_| SignInError::Server(format!("{host} cannot be asked.")))?;
        let reply = self.transport.send_within(request, LIMITS).await;
        reply.map_err(|error| {
            SignInError::Server(match error {
                SendError::Timeout => format!(
                    "{host} did not answer within {} s. Try again later.",
                    LIMITS.timeout_ms / 1000
                ),
                SendError::TooLarge => format!(
                    "{host} answered with more than {} bytes, as no Mastodon server does. Check \
                     the name.",
                    LIMITS.max_bytes
                ),
                SendError::Connection(_) => {
                    format!("{host} cannot be reached. Check the name, or try again later.")
                }
            })
        })
    }

    /// Reads a reply that is no success.
    pub(super) fn refusal<'r>(
        &self,
        reply: &'r Response<Vec<u8>>,
        secrets: &[&Secret],
    ) -> ErrorReply<'r> {
        ErrorReply::read(self.host(), reply, secrets)
    }

    /// The error of a reply that says nothing of the request: the server asks for a pause, or fails.
    pub(super) fn passing(&self, refusal: &ErrorReply<'_>) -> Option<SignInError> {
        match refusal.meaning() {
            Meaning::Limit => Some(SignInError::Paused {
                server: self.host().to_owned(),
                until: self.until(refusal),
            }),
            Meaning::Passes => {
                let said = sentence(&refusal.said);
                Some(SignInError::Server(format!("{said} Try again later.")))
            }
            _ => None,
        }
    }

    /// When a limit ends. Registrations have the longest window, ten minutes
    /// (`config/initializers/rack_attack.rb` in Mastodon's source). More than a day is not believed.
    fn until(&self, refusal: &ErrorReply<'_>) -> DateTime<Utc> {
        let now = self.transport.now();
        let named = limit_reset(refusal.headers).filter(|at| *at > now);
        let until = named
            .or_else(|| retry_after(refusal.headers, now))
            .unwrap_or_else(|| after(now, TimeDelta::minutes(10)));
        until.min(after(now, TimeDelta::days(1)))
    }
}

/// The error of a refusal that is none of those that a step knows.
pub(super) fn unexpected(refusal: &ErrorReply<'_>) -> SignInError {
    SignInError::Server(format!(
        "{} No Mastodon server is known to do that. Try again later, or ask who runs it.",
        sentence(&refusal.said)
    ))
}

/// What a server said as a sentence, which may end in the server's own words.
pub(super) fn sentence(said: &str) -> String {
    let stop = if said.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{said}{stop}")
}

/// Reads a reply's JSON; `Null` if it is none.
pub(super) fn json_of(reply: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(reply.body()).unwrap_or_default()
}

/// A token, id or secret in a reply: a text that a header can carry, or a number.
pub(super) fn token_in(object: &Value, name: &str) -> Option<String> {
    let text = match object.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_token =
        (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then_some(text)
}

/// The members of a form that say which application it is from (RFC 6749 §2.3.1).
pub(super) fn credentials(app: &App) -> impl Iterator<Item = (&str, &str)> {
    let secret = app.client_secret.as_ref();
    let secret = secret.map(|secret| ("client_secret", secret.expose()));
    [("client_id", app.client_id.as_str())]
        .into_iter()
        .chain(secret)
}
