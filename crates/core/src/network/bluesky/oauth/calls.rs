//! Requests to an authorization server: each proves by two keys who sends it, that of this service
//! and that of the session.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response};
use serde_json::Value;

use crate::network::bluesky::oauth::assertion;
use crate::network::bluesky::oauth::dpop::{Dpop, DpopError, asks_for_nonce};
use crate::network::bluesky::oauth::refusals::{LIMITS, passing, unanswered};
use crate::network::reply::ErrorReply;
use crate::network::sign_in::{ClientKey, SignInError, host_of};
use crate::network::signer::SigningError;
use crate::network::transport::Transport;
use crate::settings::secret::Secret;

/// The longest token or code that is read, in bytes. The official server's have about 1,000.
const MAX_TOKEN: usize = 8_000;

/// An authorization server, and what requests to it need.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    /// The server's scheme, host and port.
    pub(super) issuer: &'a str,
    /// The id of this service there.
    pub(super) client_id: &'a str,
    /// The key of this service; `None` for one on this machine.
    pub(super) client_key: Option<&'a ClientKey>,
    /// What proves the possession of the session's key.
    pub(super) dpop: Dpop<'a>,
    pub(super) transport: &'a dyn Transport,
}

impl Calls<'_> {
    /// The server's host, for texts.
    pub(super) fn host(&self) -> &str {
        host_of(self.issuer)
    }

    /// Sends a form, and sends it once more if the server asks for another nonce in the proof. It
    /// has not looked at a code or token then. Each form has a signed text of its own, since a
    /// server may have noted the first one.
    ///
    /// # Errors
    /// When no reply came.
    pub(super) async fn post(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let reply = self.post_once(endpoint, form).await?;
        if asks_for_nonce(&reply) {
            self.post_once(endpoint, form).await
        } else {
            Ok(reply)
        }
    }

    async fn post_once(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        serializer.append_pair("client_id", self.client_id);
        if let Some(key) = self.client_key {
            let now = self.transport.now();
            let signer = self.dpop.signer;
            let assertion = assertion::of(self.client_id, self.issuer, key, now, signer).await;
            let assertion = assertion.map_err(|error| unsigned(&error))?;
            serializer.append_pair("client_assertion_type", assertion::TYPE);
            serializer.append_pair("client_assertion", &assertion);
        }
        let form = serializer.extend_pairs(form).finish();
        let request = Request::post(endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form.into_bytes());
        let host = self.host();
        let request =
            request.map_err(|_| SignInError::Server(format!("{host} cannot be asked.")))?;
        let reply = self.dpop.send_once(request, None, self.transport, LIMITS);
        reply.await.map_err(|error| match error {
            DpopError::Unsigned(error) => unsigned(&error),
            DpopError::Send(error) => unanswered(host, &error, LIMITS),
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

    /// The error of a reply that says nothing of the request.
    pub(super) fn passing(&self, refusal: &ErrorReply<'_>) -> Option<SignInError> {
        passing(self.host(), refusal, self.transport.now())
    }
}

/// The error of a host that does not sign.
pub(super) fn unsigned(error: &SigningError) -> SignInError {
    SignInError::Failed(format!(
        "This service cannot sign in just now: {error}. Try again."
    ))
}

/// A token in a reply: a text that a header can carry.
pub(super) fn token_in(object: &Value, name: &str) -> Option<Secret> {
    let text = object.get(name)?.as_str()?;
    let is_token =
        (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Secret::new(text))
}
