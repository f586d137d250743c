//! Judging a request: every check that X makes and some that it does not, in a fixed order.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method};
use chrono::{DateTime, Utc};
use data_encoding::BASE64;

use super::answer::{
    BAD_AUTHENTICATION_DATA, BAD_REQUEST, CALLBACK_NOT_APPROVED, COULD_NOT_AUTHENTICATE,
    IMAGE_IN_QUERY, IMAGE_MISSING, INVALID_REQUEST, INVALID_TOKEN, INVALID_VERIFIER,
    MEDIA_TYPE_UNRECOGNIZED, NO_SUCH_PAGE, NOTHING_HERE, SCREEN_NAME, TIMESTAMP_OUT_OF_BOUNDS,
    TOO_LARGE, UNAUTHORIZED, USER_ID, me_answer, set_answer, user_answer,
};
use super::attempt::{Attempt, explain_mismatch};
use super::authorization::{Authorization, Purpose, is_protocol};
use super::endpoint::{Endpoint, ME_PATH, SET_PATH, UPDATE_PATH, UPLOAD_PATH, VERIFY_PATH};
use super::media::{self, Uploads};
use super::picture::Upload;
use super::sign_in::SignIns;
use super::signature::{self, percent_encode};
use crate::answer::{Answer, Rejection};
use crate::form;
use crate::incoming::Incoming;
use crate::payload::{self, Payload};
use crate::picture::Picture;
use crate::state::Accepted;
use crate::text::{grouped, quoted};

/// How many seconds a request may be older or younger than the simulator thinks it is.
const TIMESTAMP_WINDOW: u64 = 300;

/// The one app and the one account that there are.
pub(crate) struct Keys {
    pub(crate) consumer_key: String,
    pub(crate) consumer_secret: String,
    pub(crate) token: String,
    pub(crate) token_secret: String,
}

/// The nonces used within the window of timestamps. One key and one token are accepted, so a
/// timestamp and a nonce are all that tells requests apart (RFC 5849 §3.3).
#[derive(Default)]
pub(super) struct Nonces(HashSet<(i64, String)>);

impl Nonces {
    /// Remembers a nonce; `false` if it was known already.
    fn remember(&mut self, timestamp: i64, nonce: &str, now: i64) -> bool {
        self.0
            .retain(|(timestamp, _)| timestamp.abs_diff(now) <= TIMESTAMP_WINDOW);
        self.0.insert((timestamp, nonce.to_owned()))
    }
}

/// A request, read to its end.
pub(super) struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    pub(super) payload: Payload,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) authorization: Result<Authorization, String>,
    /// The picture in the body, or why there is none.
    pub(super) upload: Result<Upload, Rejection>,
    /// The picture that is uploaded by version 2, or why there is none.
    pub(super) media: Result<Picture, Rejection>,
}

/// What a request may change, judged on a copy.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) sign_ins: SignIns,
    pub(super) uploads: Uploads,
}

impl Request {
    /// Takes out of a request what there is to judge.
    pub(super) async fn of(incoming: Incoming) -> Self {
        let payload = Payload::of(&incoming.headers, &incoming.raw).await;
        let length = incoming.raw.length;
        let upload = if length > payload::LARGEST {
            Err(TOO_LARGE.because(format!(
                "the body has {} bytes, more than {}",
                grouped(length),
                grouped(payload::LARGEST)
            )))
        } else {
            picture_in(&payload)
        };
        let endpoint = Endpoint::of(&incoming.method, &incoming.path);
        let purpose = endpoint.map_or(Purpose::Resource, Endpoint::purpose);
        let is_upload = endpoint == Some(Endpoint::Upload);
        Self {
            authorization: Authorization::of(&incoming.headers, &incoming.query, purpose),
            upload,
            media: if is_upload {
                media::picture_in(&payload, length)
            } else {
                Err(INVALID_REQUEST.because("this is no upload"))
            },
            body: incoming.raw.bytes,
            endpoint,
            method: incoming.method,
            path: incoming.path,
            query: incoming.query,
            headers: incoming.headers,
            payload,
        }
    }

    /// Judges the request: what is done for it, or what X would have answered and why. `picture`
    /// is the address of the account's present one, `number` that of the request.
    pub(super) fn judge(
        &self,
        keys: &Keys,
        nonces: &mut Nonces,
        memory: &mut Memory,
        picture: &str,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let asked = quoted(&format!("{} {}", self.method, self.path));
            // Version 2 answers so whether or not the request is signed.
            let refusal = if self.path.starts_with("/2/") {
                NOTHING_HERE
            } else {
                NO_SUCH_PAGE
            };
            return Err(refusal.because(format!(
                "there is only POST {UPDATE_PATH}, GET {VERIFY_PATH}, POST {UPLOAD_PATH}, PUT \
                 {SET_PATH} and GET {ME_PATH}, not {asked}"
            )));
        };
        let judged = self.judge_at(endpoint, keys, nonces, memory, picture, number, now);
        match judged {
            // Version 2 tells the same in problem details.
            Err(rejection) if endpoint.is_of_v2() => Err(match rejection.refusal.code() {
                Some(32 | 89 | 135 | 215) => rejection.instead(UNAUTHORIZED),
                Some(_) => rejection.instead(INVALID_REQUEST),
                None => rejection,
            }),
            judged => judged,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn judge_at(
        &self,
        endpoint: Endpoint,
        keys: &Keys,
        nonces: &mut Nonces,
        memory: &mut Memory,
        picture: &str,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<Accepted, Rejection> {
        let Memory { sign_ins, uploads } = memory;
        let authorization = self
            .authorization
            .as_ref()
            .map_err(|reason| BAD_AUTHENTICATION_DATA.because(reason))?;
        if authorization.consumer_key != keys.consumer_key {
            let reason = "the API key (oauth_consumer_key) is unknown";
            return Err(COULD_NOT_AUTHENTICATE.because(reason));
        }
        let seconds = now.timestamp();
        let token_secret = token_secret(endpoint, authorization, keys, sign_ins, seconds)?;
        check_timestamp(authorization.timestamp, seconds)?;
        let mut query = self.decoded_query()?;
        if !self.headers.contains_key(AUTHORIZATION) {
            // They are there already.
            query.retain(|(name, _)| !is_protocol(name));
        }
        self.check_body_hash(authorization)?;
        self.check_signature(authorization, keys, &token_secret, &query)?;
        if !nonces.remember(authorization.timestamp, &authorization.nonce, seconds) {
            return Err(COULD_NOT_AUTHENTICATE.because("nonce reused"));
        }
        self.check_names(endpoint, &query)?;
        match endpoint {
            Endpoint::Update => {
                let upload = self.upload.clone()?;
                if let Some(problem) = upload.problem {
                    return Err(problem);
                }
                Ok(Accepted {
                    answer: user_answer(picture, now),
                    summary: format!("frame {}", upload.picture.facts.summary()),
                    icon: Some(upload.picture),
                })
            }
            Endpoint::Verify => {
                self.check_no_body()?;
                let answer = user_answer(picture, now);
                Ok(Accepted::new(answer, format!("told who @{SCREEN_NAME} is")))
            }
            Endpoint::Me => {
                self.check_no_body()?;
                Ok(Accepted::new(
                    me_answer(now),
                    format!("told who @{SCREEN_NAME} is"),
                ))
            }
            Endpoint::Upload => {
                let picture = self.media.clone()?;
                let facts = &picture.facts;
                let summary = format!("kept {}", facts.summary());
                let bytes = facts.bytes;
                let id = uploads.keep(picture, number, seconds);
                let answer = Answer::json(200, &media::uploaded(&id, bytes));
                Ok(Accepted::new(answer, summary))
            }
            Endpoint::Set => {
                let picture = uploads.named_in(&self.headers, &self.body, seconds)?;
                Ok(Accepted {
                    answer: set_answer(now),
                    summary: format!("frame {}", picture.facts.summary()),
                    icon: Some(picture),
                })
            }
            Endpoint::RequestToken => self.begin_sign_in(authorization, &query, sign_ins, seconds),
            Endpoint::AccessToken => self.end_sign_in(authorization, &query, keys, sign_ins),
        }
    }

    fn begin_sign_in(
        &self,
        authorization: &Authorization,
        query: &[(String, String)],
        sign_ins: &mut SignIns,
        now: i64,
    ) -> Result<Accepted, Rejection> {
        let callback = self
            .protocol_parameter("oauth_callback", authorization, query)
            .map_err(|reason| BAD_AUTHENTICATION_DATA.because(reason))?;
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
        Ok(Accepted::new(form, "handed out a request token"))
    }

    fn end_sign_in(
        &self,
        authorization: &Authorization,
        query: &[(String, String)],
        keys: &Keys,
        sign_ins: &mut SignIns,
    ) -> Result<Accepted, Rejection> {
        let verifier = self
            .protocol_parameter("oauth_verifier", authorization, query)
            .map_err(|reason| BAD_AUTHENTICATION_DATA.because(reason))?;
        if !sign_ins.end(&authorization.token, &verifier) {
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
        Ok(Accepted::new(form, "handed out the access token"))
    }

    /// A parameter that stands in the header, the query or the form, but in one of them only.
    fn protocol_parameter(
        &self,
        name: &str,
        authorization: &Authorization,
        query: &[(String, String)],
    ) -> Result<String, String> {
        let form = match &self.payload {
            Payload::Form(Ok(pairs)) => pairs.as_slice(),
            Payload::Nothing => &[],
            _ => return Err("the body is no form".to_owned()),
        };
        let mut values = authorization
            .signed
            .iter()
            .chain(query)
            .chain(form)
            .filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value.clone()),
            (None, _) => Err(format!("{name} is missing")),
            (Some(_), Some(_)) => Err(format!("{name} is given twice")),
        }
    }

    /// The hash of an extension of OAuth 1.0a, which has to be right if it is there: it is never sent
    /// with a form.
    fn check_body_hash(&self, authorization: &Authorization) -> Result<(), Rejection> {
        let Some(hash) = &authorization.body_hash else {
            return Ok(());
        };
        if matches!(self.payload, Payload::Form(_)) {
            return Err(BAD_REQUEST.because("oauth_body_hash does not belong to a form"));
        }
        let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.body);
        if BASE64.encode(sha1.as_ref()) == *hash {
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
        form::decode(self.query.as_bytes())
            .map_err(|reason| BAD_REQUEST.because(format!("the query is badly encoded: {reason}")))
    }

    fn check_signature(
        &self,
        authorization: &Authorization,
        keys: &Keys,
        token_secret: &str,
        query: &[(String, String)],
    ) -> Result<(), Rejection> {
        let mut hosts = self.headers.get_all(HOST).iter();
        let (Some(host), None) = (
            hosts.next().and_then(|host| host.to_str().ok()),
            hosts.next(),
        ) else {
            return Err(BAD_REQUEST.because("there has to be exactly one Host header"));
        };
        // RFC 5849 §3.4.1.3.1: the parts of a multipart form are never signed, nor is any other
        // body than a form.
        let form = match &self.payload {
            Payload::Form(Ok(pairs)) => pairs.as_slice(),
            Payload::Form(Err(reason)) => {
                let reason = format!("the form is badly encoded: {reason}");
                return Err(BAD_REQUEST.because(reason));
            }
            Payload::Oversized => {
                // What cannot be looked at cannot have its signature checked either.
                self.upload.clone()?;
                &[]
            }
            _ => &[],
        };
        let attempt = Attempt {
            method: self.method.as_str(),
            scheme: "http",
            host,
            path: &self.path,
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
            // That there is one image only is checked with the image.
            if !seen.insert(name) && name != "image" {
                return Err(BAD_REQUEST.because(format!("{name} is given twice")));
            }
        }
        Ok(())
    }
}

/// The secret of the token that the request is signed with, if the token is known.
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

/// A form as X answers with it.
fn encode(pairs: &[(&str, &str)]) -> Answer {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    Answer::of(200, "text/html;charset=utf-8", pairs.join("&"))
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

/// The one picture in the body, or why there is none.
fn picture_in(payload: &Payload) -> Result<Upload, Rejection> {
    let missing = |reason: &str| IMAGE_MISSING.because(reason);
    match payload {
        Payload::Nothing => Err(missing("there is no body")),
        Payload::Oversized => Err(TOO_LARGE.because("the body is too large to be looked at")),
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
