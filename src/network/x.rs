//! X: `POST account/update_profile_image`, API v1.1, signed with OAuth 1.0a.

use std::rc::Rc;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::base_url::{self, BaseUrl};
use super::reply::{
    Meaning, header_text, is_html, no_answer, quoted, rate_limited, retry, text_of, transient,
};
use super::{Attempt, Definition, Memory, Network, Pending, Picture, Verified, Wire, multipart};
use crate::frame_set::MediaType;
use crate::http_date;
use crate::instant::after;
use crate::oauth1::{self, Credentials, Stamp};
use crate::outcome::{Outcome, Preview, Reason, Trouble};
use crate::ports::{SendError, X_RATE_LIMIT_RESET};
use crate::secret::Secret;
use crate::settings::{Reader, Variable};

pub mod sign_in;

const TITLE: &str = "X";

/// X among the networks.
pub const DEFINITION: Definition = Definition {
    name: "x",
    title: TITLE,
    required: &[API_KEY, API_KEY_SECRET, ACCESS_TOKEN, ACCESS_TOKEN_SECRET],
    variables: &[API_BASE_URL, X_BODY],
    read,
};

/// The secret that names the app.
pub const API_KEY: &str = "API_KEY";
/// The secret that signs for the app.
pub const API_KEY_SECRET: &str = "API_KEY_SECRET";
/// The secret that names the account.
pub const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
/// The secret that signs for the account.
pub const ACCESS_TOKEN_SECRET: &str = "ACCESS_TOKEN_SECRET";

/// Where X's API is.
pub const API_BASE_URL: Variable = Variable {
    name: "API_BASE_URL",
    default: "https://api.x.com",
    accepts: base_url::ACCEPTS,
};
/// How the picture is sent to X.
pub const X_BODY: Variable = Variable {
    name: "X_BODY",
    default: "multipart",
    accepts: "multipart or form",
};

const UPDATE_PROFILE_IMAGE: &str = "/1.1/account/update_profile_image.json";

const VERIFY_CREDENTIALS: &str = "/1.1/account/verify_credentials.json";

/// The largest frame that is sent, in bytes. X says "less than 700 kilobytes"
/// and not whether that is the raw size or base64's; this is safe under both.
pub const MAX_FRAME_BYTES: usize = 512_000;

/// One account of X.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where the API is.
    pub base_url: BaseUrl,
    /// How the picture is sent.
    pub body: BodyForm,
    /// The app's and the account's keys.
    pub credentials: Credentials,
}

/// The two forms of body that X takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyForm {
    /// `multipart/form-data` with the raw bytes: a third smaller, not signed.
    #[default]
    Multipart,
    /// `application/x-www-form-urlencoded` with base64: all of it is signed.
    Form,
}

/// The text is neither `multipart` nor `form`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither multipart nor form")]
pub struct InvalidBodyForm;

impl FromStr for BodyForm {
    type Err = InvalidBodyForm;

    fn from_str(text: &str) -> Result<Self, InvalidBodyForm> {
        match text {
            "multipart" => Ok(Self::Multipart),
            "form" => Ok(Self::Form),
            _ => Err(InvalidBodyForm),
        }
    }
}

fn read(reader: &mut Reader<'_>) -> Option<Rc<dyn Network>> {
    Some(Rc::new(Account::read(reader)?))
}

impl Network for Account {
    fn max_picture_bytes(&self) -> usize {
        MAX_FRAME_BYTES
    }

    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        _: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<Attempt, Trouble>> {
        Box::pin(async move {
            let request = self.request(picture, wire.now())?;
            let reply = wire.send(request).await;
            let taken = reply.as_ref().ok();
            let taken = taken.filter(|reply| reply.status().is_success());
            let secrets = self.credentials.secrets();
            let name = taken.and_then(|reply| read_user(reply.body(), &secrets));
            Ok(Attempt {
                account: name.map(|name| format!("@{name}")),
                status: reply.as_ref().ok().map(|reply| reply.status().as_u16()),
                outcome: match reply {
                    Ok(reply) => read_reply(&reply, &self.credentials.secrets(), wire.now()),
                    Err(error) => no_reply(&error, wire.now()),
                },
                note: None,
            })
        })
    }

    fn preview(&self, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Preview, Trouble> {
        let request = self.request(picture, now)?;
        Ok(Preview::of(&request, "OAuth (signed, not shown)", picture))
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<Verified, Trouble>> {
        Box::pin(async move {
            let stamp = stamp(wire.now())?;
            let url = format!("{}{VERIFY_CREDENTIALS}", self.base_url);
            let signed = oauth1::authorization("GET", &url, &[], &self.credentials, &stamp);
            let request = Request::get(url).header(AUTHORIZATION, signed);
            let request = request.body(Vec::new()).map_err(|error| unmade(&error))?;
            let secrets = self.credentials.secrets();
            let outcome = match wire.send(request).await {
                Ok(reply) if reply.status().is_success() => {
                    let name = read_user(reply.body(), &secrets);
                    return name.map(Verified::account).ok_or_else(no_user);
                }
                Ok(reply) => read_reply(&reply, &secrets, wire.now()),
                Err(error) => no_reply(&error, wire.now()),
            };
            Err(outcome.trouble().cloned().unwrap_or_else(no_user))
        })
    }
}

impl Account {
    /// Reads the settings of an account.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base_url = reader.parsed(API_BASE_URL);
        let body = reader.parsed(X_BODY);
        let api_key = reader.secret(API_KEY);
        let api_key_secret = reader.secret(API_KEY_SECRET);
        let access_token = reader.secret(ACCESS_TOKEN);
        let access_token_secret = reader.secret(ACCESS_TOKEN_SECRET);
        Some(Self {
            base_url: base_url?,
            body: body?,
            credentials: Credentials {
                api_key: api_key?,
                api_key_secret: api_key_secret?,
                access_token: access_token?,
                access_token_secret: access_token_secret?,
            },
        })
    }

    fn request(
        &self,
        picture: Picture<'_>,
        now: DateTime<Utc>,
    ) -> Result<Request<Vec<u8>>, Trouble> {
        let stamp = stamp(now)?;
        update_profile_image(self, picture.bytes, picture.media_type, &stamp)
            .map_err(|error| unmade(&error))
    }
}

fn stamp(now: DateTime<Utc>) -> Result<Stamp, Trouble> {
    Stamp::fresh(now).map_err(|error| {
        Trouble::new(
            Reason::Host,
            format!("There is no randomness for the signature: {error}."),
            "Try again.",
        )
    })
}

fn unmade(error: &http::Error) -> Trouble {
    Trouble::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check API_BASE_URL and the four keys.",
    )
}

/// The signed request that makes `frame` the account's profile picture.
///
/// # Errors
/// When the request is not valid HTTP, which no setting that parses leads to.
pub fn update_profile_image(
    account: &Account,
    frame: &[u8],
    media_type: MediaType,
    stamp: &Stamp,
) -> http::Result<Request<Vec<u8>>> {
    let url = format!("{}{UPDATE_PROFILE_IMAGE}", account.base_url);
    let sign = |parameters: &[oauth1::Parameter<'_>]| {
        oauth1::authorization("POST", &url, parameters, &account.credentials, stamp)
    };
    let (authorization, content_type, body) = match account.body {
        BodyForm::Multipart => (
            sign(&[]),
            multipart::content_type(&stamp.nonce),
            multipart::one_file(&stamp.nonce, "image", media_type, frame),
        ),
        BodyForm::Form => {
            let image = BASE64.encode(frame);
            let mut body = String::from("image=");
            oauth1::percent_encode(&image, &mut body);
            (
                sign(&[("image", &image)]),
                "application/x-www-form-urlencoded".to_owned(),
                body.into_bytes(),
            )
        }
    };
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(AUTHORIZATION, authorization)
        .header(CONTENT_TYPE, content_type)
        .body(body)
}

/// Reads what X answered.
///
/// X has three shapes of error, and proxies in front of it add HTML and empty
/// bodies: `{"errors":[{"code","message"}]}`, `{"request","error"}` and problem
/// details. The error code says more than the status, so it is looked at first.
/// `secrets` are taken out of what is told, as some proxies repeat what they were sent.
pub fn read_reply(reply: &Response<Vec<u8>>, secrets: &[&Secret], now: DateTime<Utc>) -> Outcome {
    let status = reply.status();
    if status.is_success() {
        return read_success(reply.body());
    }
    let reply_error = ErrorReply::read(reply.body(), secrets);
    // Where one reply holds several errors, the first that is known counts.
    reply_error
        .errors
        .iter()
        .find_map(|error| {
            let said = reply_error.describe(status, Some(error));
            outcome_of_code(error.code?, &said, reply.headers(), now)
        })
        .unwrap_or_else(|| outcome_of_status(reply, &reply_error, now))
}

/// What it means that no whole reply came.
pub fn no_reply(error: &SendError, now: DateTime<Utc>) -> Outcome {
    no_answer(TITLE, API_BASE_URL.name, error, now)
}

/// A reply of success is a user object; anything else comes from elsewhere.
fn read_success(body: &[u8]) -> Outcome {
    match read_user(body, &[]) {
        Some(_) => Outcome::Turned,
        None => Outcome::Refused(no_user()),
    }
}

/// The name of the user that X answers with.
fn read_user(body: &[u8], secrets: &[&Secret]) -> Option<String> {
    #[derive(Deserialize)]
    struct User {
        screen_name: String,
    }

    let user = serde_json::from_slice::<User>(body).ok()?;
    Some(quoted(&user.screen_name, secrets))
}

fn no_user() -> Trouble {
    Trouble::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with a user of X.",
        "Check API_BASE_URL: something other than X's API answers there.",
    )
}

/// A reply of error in any of X's shapes.
struct ErrorReply {
    errors: Vec<SaidError>,
    is_html: bool,
}

/// One error as X tells it.
struct SaidError {
    code: Option<i64>,
    message: Option<String>,
}

impl ErrorReply {
    /// Reads a body member by member, so that an odd one hides no other.
    fn read(body: &[u8], secrets: &[&Secret]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self {
                errors: Vec::new(),
                is_html: is_html(body),
            };
        };
        let text = |value: &Value, name: &str| {
            Some(text_of(value, name, secrets)).filter(|text| !text.is_empty())
        };
        let listed = body.get("errors").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().map(|error| SaidError {
            code: error.get("code").and_then(Value::as_i64),
            message: text(error, "message"),
        });
        let single = ["error", "detail", "title"]
            .into_iter()
            .find_map(|name| text(&body, name))
            .map(|message| SaidError {
                code: None,
                message: Some(message),
            });
        Self {
            errors: listed
                .chain(single)
                .filter(|error| error.code.is_some() || error.message.is_some())
                .collect(),
            is_html: false,
        }
    }

    /// What X said, for a message: status, and code and text of one error.
    fn describe(&self, status: StatusCode, error: Option<&SaidError>) -> String {
        let mut said = format!("X answered {}", status.as_u16());
        if let Some(code) = error.and_then(|error| error.code) {
            said.push_str(", code ");
            said.push_str(&code.to_string());
        }
        if let Some(message) = error.and_then(|error| error.message.as_deref()) {
            said.push_str(": ");
            said.push_str(message);
        } else if self.is_html {
            said.push_str(" with a web page");
        }
        said
    }
}

const REGENERATE: &str = "Check the four values API_KEY, API_KEY_SECRET, ACCESS_TOKEN and \
     ACCESS_TOKEN_SECRET: all from one app, complete, and not regenerated since. \
     Copy them again from the developer portal, under Keys and tokens.";

/// The codes that are known: <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>.
fn outcome_of_code(
    code: i64,
    said: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<Outcome> {
    let refused =
        |reason, remedy: &'static str| Some(Outcome::Refused(Trouble::new(reason, said, remedy)));
    match code {
        32 | 89 | 99 | 215 => refused(Reason::Credentials, REGENERATE),
        135 => Some(clock_skew(said, headers, now)),
        453 => refused(
            Reason::Access,
            "The app's access level does not include this call: X has said that it takes a paid \
             one. Raise the level in the developer portal, or use an app that has it.",
        ),
        261 => refused(
            Reason::Access,
            "The app may only read. Set its permissions to Read and Write in the developer portal, \
             then regenerate the access token and its secret and store both again.",
        ),
        416 => refused(
            Reason::Access,
            "X has suspended the app. Look into the developer portal for the reason.",
        ),
        251 => refused(
            Reason::Access,
            "X has retired this call. Look for a newer version of rotate-icon.",
        ),
        64 => refused(
            Reason::Account,
            "X has suspended the account. Sign in to X in a browser and follow what it says.",
        ),
        326 => refused(
            Reason::Account,
            "X has locked the account for now. Sign in to X in a browser and unlock it.",
        ),
        226 => Some(retry(
            after(now, TimeDelta::days(1)),
            now,
            Trouble::new(
                Reason::SpamFilter,
                said,
                "X takes the turns for spam. Leave them off for a day, then turn less often.",
            ),
        )),
        88 => Some(limited(said, headers, now)),
        130 | 131 => Some(transient(TITLE, said, headers, now)),
        38 | 120 => refused(Reason::Request, NOT_ACCEPTED),
        _ => None,
    }
}

const NOT_ACCEPTED: &str = "X does not accept the picture or the request. Publish the icon again; \
     if that does not help, try X_BODY = \"form\".";

fn outcome_of_status(reply: &Response<Vec<u8>>, error: &ErrorReply, now: DateTime<Utc>) -> Outcome {
    let status = reply.status();
    let said = error.describe(status, error.errors.first());
    let refused = |reason, remedy: &'static str| {
        Outcome::Refused(Trouble::new(reason, said.as_str(), remedy))
    };
    match Meaning::of(status.as_u16()) {
        Meaning::Limit => limited(&said, reply.headers(), now),
        Meaning::Passes => transient(TITLE, &said, reply.headers(), now),
        Meaning::Forbidden if error.is_html => refused(
            Reason::Blocked,
            "A firewall in front of X refused the call, as it does at times to calls from \
             Workers. Wait, or make the turn from an ordinary machine.",
        ),
        Meaning::Credentials => refused(Reason::Credentials, REGENERATE),
        Meaning::Forbidden => refused(
            Reason::Access,
            "X does not allow this call. Check the app's permissions and access level in the \
             developer portal.",
        ),
        Meaning::Request => refused(Reason::Request, NOT_ACCEPTED),
        Meaning::Payment | Meaning::Unexpected => refused(
            Reason::UnexpectedReply,
            "This is no reply that X is known to give. Check API_BASE_URL; if it is right, see \
             whether X reports a problem.",
        ),
    }
}

/// Too many requests: the reset that X names counts.
fn limited(said: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(headers, X_RATE_LIMIT_RESET);
    // Seconds since 1970.
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    rate_limited("the app's keys", said, reset, headers, now)
}

fn clock_skew(said: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    let theirs = header_text(headers, DATE).and_then(http_date::parse);
    let message = match theirs {
        Some(theirs) => {
            let seconds = now.signed_duration_since(theirs).num_seconds();
            let side = if seconds < 0 { "behind" } else { "ahead of" };
            format!(
                "{said} (this clock is {} s {side} X's)",
                seconds.unsigned_abs()
            )
        }
        None => said.to_owned(),
    };
    Outcome::Refused(Trouble::new(
        Reason::ClockSkew,
        message,
        "The clock of the machine that sends is wrong. Set it, by NTP if possible.",
    ))
}

#[cfg(test)]
mod tests;
