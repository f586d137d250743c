//! Proofs that the sender of a request has a session's key (DPoP, RFC 9449). A token that somebody
//! else got hold of is of no use without it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::network::jose::{PublicKey, signed};
use crate::network::reply::header_text;
use crate::network::signer::{Signer, SigningError};
use crate::network::transport::Transport;
use crate::ports::{ReplyLimits, SendError};
use crate::settings::secret::Secret;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How a server says that a proof lacks its nonce, or has an old one (RFC 9449 §8, §9).
const USE_NONCE: &str = "use_dpop_nonce";

/// The longest nonce that is sent back, in bytes. Those of the official server have 43.
const MAX_NONCE: usize = 512;

/// Sends requests with proofs that the sender has a session's key.
#[derive(Debug, Clone, Copy)]
pub(in crate::network::bluesky) struct Dpop<'a> {
    /// The private key, a JWK as JSON.
    pub(in crate::network::bluesky) key: &'a Secret,
    /// What signs.
    pub(in crate::network::bluesky) signer: &'a dyn Signer,
    /// The nonces that servers have given.
    pub(in crate::network::bluesky) nonces: &'a Nonces,
}

/// The last nonce of each server, by scheme, host and port. Servers take one for a few minutes, so
/// nonces are not stored with a connection.
#[derive(Debug, Default)]
pub(in crate::network::bluesky) struct Nonces(RefCell<BTreeMap<String, String>>);

/// Why no reply came to a request with a proof.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::network::bluesky) enum DpopError {
    /// The proof was not made. Nothing was sent.
    #[error(transparent)]
    Unsigned(#[from] SigningError),
    /// No complete reply arrived.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Dpop<'_> {
    /// Sends a request, and sends it once more if the server asks for another nonce: it has not
    /// looked at the request then (RFC 9449 §8). With a token, the request has it as
    /// `Authorization`.
    ///
    /// # Errors
    /// When no reply came.
    pub(in crate::network::bluesky) async fn send(
        &self,
        request: Request<Vec<u8>>,
        token: Option<&Secret>,
        transport: &dyn Transport,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, DpopError> {
        let again = request.clone();
        let reply = self.send_once(request, token, transport, limits).await?;
        if asks_for_nonce(&reply) {
            self.send_once(again, token, transport, limits).await
        } else {
            Ok(reply)
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When no reply came.
    pub(in crate::network::bluesky) async fn send_once(
        &self,
        mut request: Request<Vec<u8>>,
        token: Option<&Secret>,
        transport: &dyn Transport,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, DpopError> {
        let now = transport.now().timestamp();
        let proof = self.proof(&request, token, now).await?;
        let origin = origin_of(request.uri());
        let headers = request.headers_mut();
        headers.insert(DPOP, header_value(&proof)?);
        if let Some(token) = token {
            let mut value = header_value(&format!("DPoP {}", token.expose()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let reply = transport.send_within(request, limits).await?;
        if let Some(nonce) = nonce_in(&reply) {
            self.nonces.learn(origin, nonce);
        }
        Ok(reply)
    }

    /// The proof of a request (RFC 9449 §4.2). `now` is in seconds since 1970.
    async fn proof(
        &self,
        request: &Request<Vec<u8>>,
        token: Option<&Secret>,
        now: i64,
    ) -> Result<String, SigningError> {
        let public = PublicKey::of(self.key);
        let public = public.ok_or_else(|| SigningError("the key is not on P-256".to_owned()))?;
        let header = json!({ "typ": "dpop+jwt", "jwk": public.jwk() });
        let uri = request.uri();
        let origin = origin_of(uri);
        let mut claims = json!({
            "jti": unique_id()?,
            "htm": request.method().as_str(),
            "htu": format!("{origin}{}", uri.path()),
            "iat": now,
        });
        if let Value::Object(members) = &mut claims {
            if let Some(nonce) = self.nonces.of(&origin) {
                members.insert("nonce".to_owned(), nonce.into());
            }
            if let Some(token) = token {
                let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()));
                members.insert("ath".to_owned(), hash.into());
            }
        }
        signed(header, &claims, self.key, self.signer).await
    }
}

impl Nonces {
    /// The last nonce of a server.
    pub(in crate::network::bluesky) fn of(&self, origin: &str) -> Option<String> {
        self.0.borrow().get(origin).cloned()
    }

    /// Remembers a nonce of a server.
    pub(in crate::network::bluesky) fn learn(&self, origin: String, nonce: &str) {
        self.0.borrow_mut().insert(origin, nonce.to_owned());
    }
}

/// Whether a server has refused a request only because its proof lacks the nonce that the reply
/// gives. An authorization server says so in the body, the server of an account in a header.
pub(in crate::network::bluesky) fn asks_for_nonce(reply: &Response<Vec<u8>>) -> bool {
    let is_refusal = matches!(reply.status().as_u16(), 400 | 401);
    let is_asked = || {
        let challenges = reply.headers().get_all(WWW_AUTHENTICATE).iter();
        let mut challenges = challenges.filter_map(|value| value.to_str().ok());
        challenges.any(|challenge| challenge.contains(USE_NONCE)) || {
            let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
            body.get("error").and_then(Value::as_str) == Some(USE_NONCE)
        }
    };
    is_refusal && nonce_in(reply).is_some() && is_asked()
}

/// The nonce in a reply, of the characters that one may have (RFC 9449 §8.1).
fn nonce_in(reply: &Response<Vec<u8>>) -> Option<&str> {
    let nonce = header_text(reply.headers(), DPOP_NONCE)?;
    let is_nonce = (1..=MAX_NONCE).contains(&nonce.len())
        && nonce
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    is_nonce.then_some(nonce)
}

/// Scheme, host and port of a request's address.
fn origin_of(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{scheme}://{authority}")
}

/// An id that no other signed text has (`jti`, RFC 7519 §4.1.7).
///
/// # Errors
/// When the host has no random bytes.
pub(super) fn unique_id() -> Result<String, SigningError> {
    let id = Secret::random().map_err(|error| SigningError(error.to_string()))?;
    Ok(id.expose().to_owned())
}

fn header_value(text: &str) -> Result<HeaderValue, SigningError> {
    HeaderValue::from_str(text).map_err(|_| SigningError("no header can carry it".to_owned()))
}
