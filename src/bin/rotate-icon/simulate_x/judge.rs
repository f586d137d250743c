//! Judging a request: every check that X makes and some that it does not, in a fixed order.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method};
use data_encoding::BASE64;
use ring::hmac;

use super::answer::{
    BAD_AUTHENTICATION_DATA, BAD_REQUEST, COULD_NOT_AUTHENTICATE, IMAGE_IN_QUERY, IMAGE_MISSING,
    INVALID_TOKEN, MEDIA_TYPE_UNRECOGNIZED, NO_SUCH_PAGE, Rejection, TIMESTAMP_OUT_OF_BOUNDS,
    TOO_LARGE,
};
use super::authorization::Authorization;
use super::form;
use super::payload::{self, Payload};
use super::picture::Picture;
use super::signature;
use crate::text::{grouped, quoted};

/// The one path that is served under `/1.1/`.
pub(super) const UPDATE_PATH: &str = "/1.1/account/update_profile_image.json";

/// How many seconds a request may be older or younger than the simulator thinks it is.
const TIMESTAMP_WINDOW: u64 = 300;

/// The names that may come up in the query or the body.
const NAMES: [&str; 3] = ["image", "skip_status", "include_entities"];

/// The one app and the one account that there are.
pub(super) struct Keys {
    pub(super) consumer_key: String,
    pub(super) consumer_secret: String,
    pub(super) token: String,
    pub(super) token_secret: String,
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
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    pub(super) authorization: Result<Authorization, String>,
    /// The picture in the body, or why there is none.
    pub(super) picture: Result<Picture, Rejection>,
}

impl Request {
    /// Puts together what was received and takes out of it what there is to judge.
    pub(super) fn new(
        method: Method,
        path: &str,
        query: &str,
        headers: HeaderMap,
        payload: Payload,
        length: usize,
    ) -> Self {
        let picture = if length > payload::LARGEST {
            Err(TOO_LARGE.because(format!(
                "the body has {} bytes, more than {}",
                grouped(length),
                grouped(payload::LARGEST)
            )))
        } else {
            picture_in(&payload)
        };
        Self {
            authorization: Authorization::of(&headers),
            picture,
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            payload,
        }
    }

    /// Whether this is about the profile picture at all.
    pub(super) fn is_update(&self) -> bool {
        self.method == Method::POST && self.path == UPDATE_PATH
    }

    /// Judges the request: the picture to be set, or what X would have answered and why.
    pub(super) fn judge(
        &self,
        keys: &Keys,
        nonces: &mut Nonces,
        now: i64,
    ) -> Result<Picture, Rejection> {
        if !self.is_update() {
            let asked = quoted(&format!("{} {}", self.method, self.path));
            return Err(
                NO_SUCH_PAGE.because(format!("there is only POST {UPDATE_PATH}, not {asked}"))
            );
        }
        let authorization = self
            .authorization
            .as_ref()
            .map_err(|reason| BAD_AUTHENTICATION_DATA.because(reason))?;
        check_keys(authorization, keys)?;
        check_timestamp(authorization.timestamp, now)?;
        let query = self.decoded_query()?;
        self.check_signature(authorization, keys, &query)?;
        if !nonces.remember(authorization.timestamp, &authorization.nonce, now) {
            return Err(COULD_NOT_AUTHENTICATE.because("nonce reused"));
        }
        self.check_names(&query)?;
        let picture = self.picture.clone()?;
        match picture.problem {
            Some(problem) => Err(problem),
            None => Ok(picture),
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
                self.picture.clone()?;
                &[]
            }
            _ => &[],
        };
        let attempt = Attempt {
            scheme: "http",
            host,
            parameters: [&authorization.signed, query, form].concat(),
            key: signature::key(&keys.consumer_secret, &keys.token_secret),
        };
        if attempt.gives(&authorization.signature) {
            return Ok(());
        }
        Err(COULD_NOT_AUTHENTICATE.because(explain_mismatch(
            &attempt,
            authorization,
            keys,
            query,
            form,
        )))
    }

    fn check_names(&self, query: &[(String, String)]) -> Result<(), Rejection> {
        let in_query: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
        if in_query.contains(&"image") {
            return Err(IMAGE_IN_QUERY.because("the image must not be in the query"));
        }
        let mut seen = HashSet::new();
        for name in in_query.into_iter().chain(self.payload.names()) {
            if !NAMES.contains(&name) {
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

fn check_keys(authorization: &Authorization, keys: &Keys) -> Result<(), Rejection> {
    if authorization.consumer_key != keys.consumer_key {
        return Err(COULD_NOT_AUTHENTICATE.because("the API key (oauth_consumer_key) is unknown"));
    }
    if authorization.token != keys.token {
        return Err(INVALID_TOKEN.because("the access token (oauth_token) is unknown"));
    }
    Ok(())
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

/// One way to sign the request.
#[derive(Clone)]
struct Attempt<'a> {
    scheme: &'a str,
    host: &'a str,
    parameters: Vec<(String, String)>,
    key: hmac::Key,
}

impl Attempt<'_> {
    fn uri(&self) -> String {
        signature::base_uri(self.scheme, self.host, UPDATE_PATH)
    }

    fn gives(&self, signature: &str) -> bool {
        let base = signature::base_string("POST", &self.uri(), &self.parameters);
        signature::matches(&self.key, &base, signature)
    }
}

/// Tries the mistakes that are made most, so that the person in front of this learns which one it
/// was. Names parameters, never values, nor what is secret.
fn explain_mismatch(
    attempt: &Attempt,
    authorization: &Authorization,
    keys: &Keys,
    query: &[(String, String)],
    form: &[(String, String)],
) -> String {
    let without_port = attempt.host.rsplit_once(':').map_or("", |(host, _)| host);
    let addressed = |scheme, host| Attempt {
        scheme,
        host,
        ..attempt.clone()
    };
    let signing = |parameters: Vec<(String, String)>| Attempt {
        parameters,
        ..attempt.clone()
    };
    let keyed = |consumer_secret: &str, token_secret: &str| Attempt {
        key: signature::key(consumer_secret, token_secret),
        ..attempt.clone()
    };
    let signed = &authorization.signed;
    let mistakes = [
        (
            "it is made for https, not for http",
            addressed("https", attempt.host),
        ),
        (
            "it is made without the port",
            addressed("http", without_port),
        ),
        (
            "it is made for https://api.x.com",
            addressed("https", "api.x.com"),
        ),
        (
            "it is made for https://api.twitter.com",
            addressed("https", "api.twitter.com"),
        ),
        ("the query is not signed", signing([signed, form].concat())),
        ("the form is not signed", signing([signed, query].concat())),
        (
            "neither the query nor the form is signed",
            signing(signed.clone()),
        ),
        (
            "the token secret is left out of the key",
            keyed(&keys.consumer_secret, ""),
        ),
        (
            "the secrets are swapped",
            keyed(&keys.token_secret, &keys.consumer_secret),
        ),
    ];
    for (mistake, wrong) in mistakes {
        if wrong.gives(&authorization.signature) {
            return format!("the signature does not match: {mistake}");
        }
    }
    let mut names: Vec<&str> = attempt
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    format!(
        "the signature does not match: a secret is wrong, or something else was signed than POST {} \
         with the parameters {}",
        quoted(&attempt.uri()),
        names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
    )
}

/// The one picture in the body, or why there is none.
fn picture_in(payload: &Payload) -> Result<Picture, Rejection> {
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
                (Some(image), None) => Ok(Picture::inspect(
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
                (Some((_, text)), None) => Ok(Picture::inspect(from_base64(text)?, None)),
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
            assert_eq!((refusal.status, refusal.code), (422, Some(120)), "{wrong}");
        }
        assert_eq!(from_base64("").err().unwrap().refusal.code, Some(38));
    }
}
