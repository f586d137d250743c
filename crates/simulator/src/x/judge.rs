//! Judging a request: every check X makes, and some it does not, in a fixed order.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use hmac_sha1_compact::Hash;
use http::header::{AUTHORIZATION, HOST};

use super::authorization::{Authorization, Purpose, is_protocol};
use super::endpoint::{Endpoint, ME_PATH, SET_PATH, UPDATE_PATH, UPLOAD_PATH, VERIFY_PATH};
use super::media::{self, Uploads};
use super::picture::Upload;
use super::replies::{
    BAD_AUTHENTICATION_DATA, BAD_REQUEST, CALLBACK_NOT_APPROVED, COULD_NOT_AUTHENTICATE,
    IMAGE_IN_QUERY, IMAGE_MISSING, INVALID_REQUEST, INVALID_TOKEN, INVALID_VERIFIER,
    MEDIA_TYPE_UNRECOGNIZED, NO_SUCH_PAGE, NOTHING_HERE, SCREEN_NAME, TIMESTAMP_OUT_OF_BOUNDS,
    TOO_LARGE, UNAUTHORIZED, USER_ID, me_reply, set_reply, user_reply,
};
use super::sign_in::SignIns;
use super::signature::{self, percent_encode};
use super::signing::{Attempt, explain_mismatch};
use crate::form;
use crate::payload::{self, Payload};
use crate::picture::Picture;
use crate::reply::{Rejection, Reply};
use crate::request::Request;
use crate::simulator::Accepted;
use crate::text::{grouped, quoted};

/// How far a timestamp may be from the simulator's clock, in seconds.
const TIMESTAMP_WINDOW: u64 = 300;

/// The keys of the one app and the one account.
pub struct Keys {
    /// The API key (consumer key).
    pub consumer_key: String,
    /// The secret of the API key.
    pub consumer_secret: String,
    /// The access token of the account.
    pub token: String,
    /// The secret of the access token.
    pub token_secret: String,
}

impl Default for Keys {
    /// The keys of the local development setup.
    fn default() -> Self {
        Self {
            consumer_key: "local-api-key".to_owned(),
            consumer_secret: "local-api-key-secret".to_owned(),
            token: "1-local-access-token".to_owned(),
            token_secret: "local-access-token-secret".to_owned(),
        }
    }
}

/// The nonces used within the window of timestamps. Only one key and one token are accepted, so
/// timestamp and nonce alone tell requests apart (RFC 5849 §3.3).
#[derive(Default)]
pub(crate) struct Nonces(HashSet<(i64, String)>);

impl Nonces {
    /// Remembers a nonce. Returns `false` if it was used before.
    fn remember(&mut self, timestamp: i64, nonce: &str, now: i64) -> bool {
        self.0
            .retain(|(timestamp, _)| timestamp.abs_diff(now) <= TIMESTAMP_WINDOW);
        self.0.insert((timestamp, nonce.to_owned()))
    }
}

/// A request, and what X reads from it before it looks at the account.
pub(crate) struct Call<'a> {
    request: &'a Request,
    pub(crate) payload: Payload,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) authorization: Result<Authorization, String>,
    /// The picture in the body, or why there is none.
    pub(crate) upload: Result<Upload, Rejection>,
    /// The picture uploaded by version 2, or why there is none.
    pub(crate) media: Result<Picture, Rejection>,
}

/// The part of X's state that a request may change. Each request is judged on a copy.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) sign_ins: SignIns,
    pub(crate) uploads: Uploads,
}

/// The state and the circumstances in which a request is judged.
pub(crate) struct Context<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) nonces: &'a mut Nonces,
    pub(crate) memory: &'a mut Memory,
    /// The URL of the account's current picture.
    pub(crate) picture: &'a str,
    /// The number of the request.
    pub(crate) number: u64,
    pub(crate) now: DateTime<Utc>,
}

impl<'a> Call<'a> {
    /// Reads a request.
    pub(crate) fn of(request: &'a Request) -> Self {
        let payload = Payload::of(request);
        let length = request.body.length;
        let upload = if length > payload::LARGEST {
            Err(TOO_LARGE.because(format!(
                "the body has {} bytes, more than {}",
                grouped(length),
                grouped(payload::LARGEST)
            )))
        } else {
            picture_in(&payload)
        };
        let endpoint = Endpoint::of(&request.method, &request.path);
        let purpose = endpoint.map_or(Purpose::Resource, Endpoint::purpose);
        let is_upload = endpoint == Some(Endpoint::Upload);
        Self {
            request,
            authorization: Authorization::of(&request.headers, &request.query, purpose),
            upload,
            media: if is_upload {
                media::picture_in(&payload, length)
            } else {
                Err(INVALID_REQUEST.because("this is not an upload"))
            },
            endpoint,
            payload,
        }
    }

    /// Judges the request: carries it out, or refuses it as X would.
    pub(crate) fn judge(&self, context: &mut Context<'_>) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let Request { method, path, .. } = self.request;
            let asked = quoted(&format!("{method} {path}"));
            // Version 2 answers this way whether or not the request is signed.
            let refusal = if path.starts_with("/2/") {
                NOTHING_HERE
            } else {
                NO_SUCH_PAGE
            };
            return Err(refusal.because(format!(
                "there is only POST {UPDATE_PATH}, GET {VERIFY_PATH}, POST {UPLOAD_PATH}, PUT \
                 {SET_PATH} and GET {ME_PATH}, not {asked}"
            )));
        };
        match self.judge_at(endpoint, context) {
            // Version 2 tells the same errors as problem details.
            Err(rejection) if endpoint.is_of_v2() => Err(match rejection.refusal.code() {
                Some(32 | 89 | 135 | 215) => rejection.instead(UNAUTHORIZED),
                Some(_) => rejection.instead(INVALID_REQUEST),
                None => rejection,
            }),
            judged => judged,
        }
    }

    fn judge_at(
        &self,
        endpoint: Endpoint,
        context: &mut Context<'_>,
    ) -> Result<Accepted, Rejection> {
        let query = self.check_authorization(endpoint, context)?;
        self.check_names(endpoint, &query)?;
        let Context {
            keys,
            memory,
            picture,
            number,
            now,
            ..
        } = context;
        let Memory { sign_ins, uploads } = memory;
        let seconds = now.timestamp();
        match endpoint {
            Endpoint::Update => {
                let upload = self.upload.clone()?;
                if let Some(problem) = upload.problem {
                    return Err(problem);
                }
                Ok(Accepted {
                    reply: user_reply(picture, *now),
                    summary: format!("frame {}", upload.picture.facts.summary()),
                    icon: Some(upload.picture),
                    removes_icon: false,
                })
            }
            Endpoint::Verify => {
                self.check_no_body()?;
                let summary = format!("showed the account @{SCREEN_NAME}");
                Ok(Accepted::new(user_reply(picture, *now), summary))
            }
            Endpoint::Me => {
                self.check_no_body()?;
                let summary = format!("showed the account @{SCREEN_NAME}");
                Ok(Accepted::new(me_reply(*now), summary))
            }
            Endpoint::Upload => {
                let picture = self.media.clone()?;
                let facts = &picture.facts;
                let summary = format!("kept {}", facts.summary());
                let bytes = facts.bytes;
                let id = uploads.keep(picture, *number, seconds);
                let reply = Reply::json(200, &media::uploaded(&id, bytes));
                Ok(Accepted::new(reply, summary))
            }
            Endpoint::Set => {
                let Request { headers, body, .. } = self.request;
                let picture = uploads.named_in(headers, &body.bytes, seconds)?;
                Ok(Accepted {
                    reply: set_reply(*now),
                    summary: format!("frame {}", picture.facts.summary()),
                    icon: Some(picture),
                    removes_icon: false,
                })
            }
            Endpoint::RequestToken => self.begin_sign_in(&query, sign_ins, seconds),
            Endpoint::AccessToken => self.end_sign_in(&query, keys, sign_ins),
        }
    }

    /// The protocol parameters, or the refusal if they could not be read.
    fn authorization(&self) -> Result<&Authorization, Rejection> {
        self.authorization
            .as_ref()
            .map_err(|reason| BAD_AUTHENTICATION_DATA.because(reason))
    }

    /// Checks keys, timestamp, signature and nonce. Returns the parameters of the query, without
    /// OAuth's own.
    fn check_authorization(
        &self,
        endpoint: Endpoint,
        context: &mut Context<'_>,
    ) -> Result<Vec<(String, String)>, Rejection> {
        let Context {
            keys,
            nonces,
            memory,
            now,
            ..
        } = context;
        let authorization = self.authorization()?;
        if authorization.consumer_key != keys.consumer_key {
            let reason = "the API key (oauth_consumer_key) is unknown";
            return Err(COULD_NOT_AUTHENTICATE.because(reason));
        }
        let now = now.timestamp();
        let token_secret = token_secret(endpoint, authorization, keys, &memory.sign_ins, now)?;
        check_timestamp(authorization.timestamp, now)?;
        let mut query = self.decoded_query()?;
        if !self.request.headers.contains_key(AUTHORIZATION) {
            // The signed parameters already include them.
            query.retain(|(name, _)| !is_protocol(name));
        }
        self.check_body_hash(authorization)?;
        self.check_signature(authorization, keys, &token_secret, &query)?;
        if !nonces.remember(authorization.timestamp, &authorization.nonce, now) {
            return Err(COULD_NOT_AUTHENTICATE.because("nonce reused"));
        }
        Ok(query)
    }

    fn begin_sign_in(
        &self,
        query: &[(String, String)],
        sign_ins: &mut SignIns,
        now: i64,
    ) -> Result<Accepted, Rejection> {
        let callback = self.protocol_parameter("oauth_callback", query)?;
        if callback != "oob" {
            let callback = quoted(&callback);
            return Err(CALLBACK_NOT_APPROVED
                .because(format!("oauth_callback is {callback} rather than “oob”")));
        }
        let (token, secret) = sign_ins.begin(now);
        let form = encode(&[
            ("oauth_token", &token),
            ("oauth_token_secret", &secret),
            ("oauth_callback_confirmed", "true"),
        ]);
        Ok(Accepted::new(form, "issued a request token"))
    }

    fn end_sign_in(
        &self,
        query: &[(String, String)],
        keys: &Keys,
        sign_ins: &mut SignIns,
    ) -> Result<Accepted, Rejection> {
        let verifier = self.protocol_parameter("oauth_verifier", query)?;
        if !sign_ins.end(&self.authorization()?.token, &verifier) {
            return Err(INVALID_VERIFIER.because(
                "oauth_verifier is not the PIN, or nobody has said yes at /oauth/authorize yet",
            ));
        }
        let form = encode(&[
            ("oauth_token", &keys.token),
            ("oauth_token_secret", &keys.token_secret),
            ("user_id", &USER_ID.to_string()),
            ("screen_name", SCREEN_NAME),
        ]);
        Ok(Accepted::new(form, "issued the access token"))
    }

    /// A protocol parameter, which may stand in the header, the query or the form, but only once.
    fn protocol_parameter(
        &self,
        name: &str,
        query: &[(String, String)],
    ) -> Result<String, Rejection> {
        let refused = |reason: String| Err(BAD_AUTHENTICATION_DATA.because(reason));
        let form = match &self.payload {
            Payload::Form(Ok(pairs)) => pairs.as_slice(),
            Payload::Nothing => &[],
            _ => return refused("the body is not a form".to_owned()),
        };
        let signed = &self.authorization()?.signed;
        let mut values = signed
            .iter()
            .chain(query)
            .chain(form)
            .filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value.clone()),
            (None, _) => refused(format!("{name} is missing")),
            (Some(_), Some(_)) => refused(format!("{name} is given twice")),
        }
    }

    /// Checks the hash of the body: an extension of OAuth 1.0a that applies to any body but a form.
    fn check_body_hash(&self, authorization: &Authorization) -> Result<(), Rejection> {
        let Some(hash) = &authorization.body_hash else {
            return Ok(());
        };
        if matches!(self.payload, Payload::Form(_)) {
            return Err(BAD_REQUEST.because("oauth_body_hash does not belong to a form"));
        }
        if BASE64.encode(&Hash::hash(&self.request.body.bytes)) == *hash {
            return Ok(());
        }
        Err(COULD_NOT_AUTHENTICATE.because("oauth_body_hash is not that of the body"))
    }

    fn check_no_body(&self) -> Result<(), Rejection> {
        match self.payload {
            Payload::Nothing => Ok(()),
            _ => Err(BAD_REQUEST.because("there is a body with a GET request")),
        }
    }

    fn decoded_query(&self) -> Result<Vec<(String, String)>, Rejection> {
        form::decode(self.request.query.as_bytes())
            .map_err(|reason| BAD_REQUEST.because(format!("the query is badly encoded: {reason}")))
    }

    fn check_signature(
        &self,
        authorization: &Authorization,
        keys: &Keys,
        token_secret: &str,
        query: &[(String, String)],
    ) -> Result<(), Rejection> {
        let mut hosts = self.request.headers.get_all(HOST).iter();
        let (Some(host), None) = (
            hosts.next().and_then(|host| host.to_str().ok()),
            hosts.next(),
        ) else {
            return Err(BAD_REQUEST.because("there has to be exactly one Host header"));
        };
        // Only the body of a form is signed (RFC 5849 §3.4.1.3.1), not the parts of a multipart
        // form.
        let form = match &self.payload {
            Payload::Form(Ok(pairs)) => pairs.as_slice(),
            Payload::Form(Err(reason)) => {
                let reason = format!("the form is badly encoded: {reason}");
                return Err(BAD_REQUEST.because(reason));
            }
            Payload::Oversized => {
                // The signature may cover the body, which was not kept.
                self.upload.clone()?;
                &[]
            }
            _ => &[],
        };
        let attempt = Attempt {
            method: self.request.method.as_str(),
            scheme: "http",
            host,
            path: &self.request.path,
            parameters: [&authorization.signed, query, form].concat(),
            key: signature::key(&keys.consumer_secret, token_secret),
        };
        if attempt.gives(&authorization.signature) {
            return Ok(());
        }
        Err(COULD_NOT_AUTHENTICATE.because(explain_mismatch(
            &attempt,
            authorization,
            (&keys.consumer_secret, token_secret),
            query,
            form,
        )))
    }

    fn check_names(&self, endpoint: Endpoint, query: &[(String, String)]) -> Result<(), Rejection> {
        let in_query: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
        if in_query.contains(&"image") {
            return Err(IMAGE_IN_QUERY.because("the image must not be in the query"));
        }
        let mut seen = HashSet::new();
        for name in in_query.into_iter().chain(self.payload.names()) {
            if !endpoint.names().contains(&name) {
                let name = quoted(name);
                return Err(BAD_REQUEST.because(format!("there is no parameter {name}")));
            }
            // Two images are refused with a reason of their own.
            if !seen.insert(name) && name != "image" {
                return Err(BAD_REQUEST.because(format!("{name} is given twice")));
            }
        }
        Ok(())
    }
}

/// The secret of the token that the request was signed with.
///
/// # Errors
///
/// If the token is unknown.
fn token_secret(
    endpoint: Endpoint,
    authorization: &Authorization,
    keys: &Keys,
    sign_ins: &SignIns,
    now: i64,
) -> Result<String, Rejection> {
    match endpoint {
        Endpoint::RequestToken => Ok(String::new()),
        Endpoint::AccessToken => sign_ins
            .get(&authorization.token, now)
            .map(|sign_in| sign_in.secret.clone())
            .ok_or_else(|| {
                INVALID_TOKEN.because("the request token is unknown, was used, or is too old")
            }),
        _ if authorization.token == keys.token => Ok(keys.token_secret.clone()),
        _ => Err(INVALID_TOKEN.because("the access token (oauth_token) is unknown")),
    }
}

/// A form with X's media type.
fn encode(pairs: &[(&str, &str)]) -> Reply {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    Reply::of(200, "text/html;charset=utf-8", pairs.join("&"))
}

fn check_timestamp(timestamp: i64, now: i64) -> Result<(), Rejection> {
    let distance = timestamp.abs_diff(now);
    if distance <= TIMESTAMP_WINDOW {
        return Ok(());
    }
    let direction = if timestamp < now {
        "behind"
    } else {
        "ahead of"
    };
    Err(TIMESTAMP_OUT_OF_BOUNDS.because(format!(
        "oauth_timestamp is {distance} s {direction} the time here, more than {TIMESTAMP_WINDOW} s"
    )))
}

/// The picture in the body.
///
/// # Errors
///
/// Why there is none.
fn picture_in(payload: &Payload) -> Result<Upload, Rejection> {
    let missing = |reason: &str| IMAGE_MISSING.because(reason);
    match payload {
        Payload::Nothing => Err(missing("there is no body")),
        Payload::Oversized => Err(TOO_LARGE.because("the body is too large to read")),
        Payload::Other(reason) | Payload::Multipart(Err(reason)) | Payload::Form(Err(reason)) => {
            Err(missing(reason))
        }
        Payload::Multipart(Ok(parts)) => {
            let mut images = parts.iter().filter(|part| part.name == "image");
            match (images.next(), images.next()) {
                (Some(image), None) => Ok(Upload::inspect(
                    image.bytes.clone(),
                    image.content_type.as_deref(),
                )),
                (None, _) => Err(missing("no part is named image")),
                (Some(_), Some(_)) => Err(missing("several parts are named image")),
            }
        }
        Payload::Form(Ok(pairs)) => {
            let mut images = pairs.iter().filter(|(name, _)| name == "image");
            match (images.next(), images.next()) {
                (Some((_, text)), None) => Ok(Upload::inspect(from_base64(text)?, None)),
                (None, _) => Err(missing("the form has no image")),
                (Some(_), Some(_)) => Err(missing("the form has several images")),
            }
        }
    }
}

fn from_base64(text: &str) -> Result<Bytes, Rejection> {
    if text.is_empty() {
        return Err(IMAGE_MISSING.because("the image is empty"));
    }
    if text.starts_with("data:") {
        let reason = "the image is a data: URL rather than base64 alone";
        return Err(MEDIA_TYPE_UNRECOGNIZED.because(reason));
    }
    BASE64
        .decode(text.as_bytes())
        .map(Bytes::from)
        .map_err(|error| {
            MEDIA_TYPE_UNRECOGNIZED.because(format!(
                "the image is not standard base64 with its padding ({})",
                quoted(&error.to_string())
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_forgotten_with_their_timestamps() {
        let mut nonces = Nonces::default();
        assert!(nonces.remember(1_000, "a", 1_000));
        assert!(nonces.remember(1_000, "b", 1_000));
        assert!(nonces.remember(1_001, "a", 1_000));
        assert!(!nonces.remember(1_000, "a", 1_300));
        assert!(nonces.remember(1_400, "c", 1_301));
        assert_eq!(nonces.0.len(), 2);
    }

    #[test]
    fn the_window_of_timestamps_is_exact() {
        for (timestamp, ok) in [(699, false), (700, true), (1_300, true), (1_301, false)] {
            assert_eq!(check_timestamp(timestamp, 1_000).is_ok(), ok, "{timestamp}");
        }
        assert!(check_timestamp(i64::MAX, -5).is_err());
    }

    #[test]
    fn base64_has_to_be_standard_and_padded() {
        assert_eq!(from_base64("/+8=").ok().unwrap(), &b"\xff\xef"[..]);
        for wrong in [
            "_-8=",
            "/+8",
            "/+9=",
            " /+8=",
            "/+8=\n",
            "====",
            "data:image/png;base64,AAAA",
        ] {
            let refusal = from_base64(wrong).err().unwrap().refusal;
            assert_eq!(
                (refusal.status, refusal.code()),
                (422, Some(120)),
                "{wrong}"
            );
        }
        assert_eq!(from_base64("").err().unwrap().refusal.code(), Some(38));
    }
}
