//! X, by either of two calls: `POST account/update_profile_image` of API v1.1, or an upload
//! followed by `PUT /2/users/me/profile_image` of API v2 (`v2.rs`). Both are signed with OAuth
//! 1.0a.
//!
//! X offers a call to an app depending on its access level, and does not document every case.
//! Unless a setting decides, v1.1 is tried first, and v2 where X refuses v1.1 to the app. The call
//! that works is remembered and tried first from then on.

use std::rc::Rc;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::oauth1::{Credentials, Stamp};
use super::base_url::{self, BaseUrl};
use super::percent;
use super::reply::{no_answer, quoted};
use super::{
    Attempt, Definition, Network, Pending, Picture, SavedSession, Transport, Verified, fingerprint,
    multipart,
};
use crate::frames::set::MediaType;
use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::ports::SendError;
use crate::settings::secret::Secret;
use crate::settings::{Reader, Variable};

mod errors;
pub mod oauth1;
pub mod sign_in;
mod v2;

const TITLE: &str = "X";

/// X's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: "x",
    title: TITLE,
    required: &[API_KEY, API_KEY_SECRET, ACCESS_TOKEN, ACCESS_TOKEN_SECRET],
    variables: &[API_BASE_URL, X_API, X_BODY],
    read,
};

/// Identifies the app.
pub const API_KEY: &str = "API_KEY";
/// Signs for the app.
pub const API_KEY_SECRET: &str = "API_KEY_SECRET";
/// Identifies the account.
pub const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
/// Signs for the account.
pub const ACCESS_TOKEN_SECRET: &str = "ACCESS_TOKEN_SECRET";

/// The address of X's API.
pub const API_BASE_URL: Variable = Variable {
    name: "API_BASE_URL",
    default: "https://api.x.com",
    accepts: base_url::ACCEPTS,
};
/// The version of X's API that takes the picture.
pub const X_API: Variable = Variable {
    name: "X_API",
    default: "auto",
    accepts: "auto, 1.1 or 2",
};
/// The form of the body that v1.1 takes.
pub const X_BODY: Variable = Variable {
    name: "X_BODY",
    default: "multipart",
    accepts: "multipart or form",
};

const UPDATE_PROFILE_IMAGE: &str = "/1.1/account/update_profile_image.json";

const VERIFY_CREDENTIALS: &str = "/1.1/account/verify_credentials.json";

/// The largest frame that is sent, in bytes. X says "less than 700 kilobytes" without saying
/// whether it means the raw size or base64's; this is safe under both.
pub const MAX_FRAME_BYTES: usize = 512_000;

/// An account on X.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the API.
    pub base_url: BaseUrl,
    /// The version of the API that takes the picture.
    pub api: Api,
    /// The form of the body for v1.1.
    pub body: BodyForm,
    /// The keys of the app and the account.
    pub credentials: Credentials,
}

/// The choice of X's API version in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// The version that X offers to the app, trying v1.1 first.
    #[default]
    Auto,
    /// This version alone.
    Only(Version),
}

/// A version of X's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// v1.1: one request.
    #[serde(rename = "1.1")]
    V1,
    /// v2: an upload, and a request that refers to it.
    #[serde(rename = "2")]
    V2,
}

/// The text is neither `auto` nor a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither auto nor 1.1 nor 2")]
pub struct InvalidApi;

impl FromStr for Api {
    type Err = InvalidApi;

    fn from_str(text: &str) -> Result<Self, InvalidApi> {
        match text {
            "auto" => Ok(Self::Auto),
            "1.1" => Ok(Self::Only(Version::V1)),
            "2" => Ok(Self::Only(Version::V2)),
            _ => Err(InvalidApi),
        }
    }
}

impl Version {
    fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }

    /// The version's name in a sentence.
    fn title(self) -> &'static str {
        match self {
            Self::V1 => "API v1.1",
            Self::V2 => "API v2",
        }
    }
}

/// The forms of body that v1.1 takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyForm {
    /// `multipart/form-data` with the raw bytes: a third smaller, and not signed.
    #[default]
    Multipart,
    /// `application/x-www-form-urlencoded` with base64: signed as a whole.
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
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>> {
        Box::pin(async move {
            let mut kept = Kept::recalled(saved_session.as_ref(), self);
            let first = match self.api {
                Api::Only(version) => version,
                Api::Auto => kept.version.unwrap_or(Version::V1),
            };
            let tried = self.send(first, picture, &mut kept, transport).await?;
            let attempt = if self.api == Api::Auto && tried.is_closed {
                let other = self
                    .send(first.other(), picture, &mut kept, transport)
                    .await?;
                if other.attempt.outcome == Outcome::Turned {
                    kept.version = Some(first.other());
                }
                both(&tried, other, first.other())
            } else {
                tried.attempt
            };
            *saved_session = kept.saved_session();
            Ok(attempt)
        })
    }

    fn preview(&self, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let request = match self.api {
            Api::Only(Version::V2) => v2::upload(self, picture, &stamp(now)?),
            _ => self.request(picture, now),
        };
        Ok(Preview::of(&request?, "OAuth (signed, not shown)", picture))
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let first = match self.api {
                Api::Only(version) => version,
                Api::Auto => Version::V1,
            };
            let one = self.ask_whose(first, transport).await?;
            if let Err(asked) = &one
                && !asked.is_closed
            {
                return Err(asked.diagnosis.clone());
            }
            let other = match self.api {
                Api::Only(_) => None,
                Api::Auto => Some(self.ask_whose(first.other(), transport).await?),
            };
            let notes = vec![open_to_the_app(&one, other.as_ref())];
            match (one, other) {
                (Ok(name), _) | (Err(_), Some(Ok(name))) => Ok(Verified {
                    account: Some(name),
                    notes,
                    unread: None,
                }),
                (Err(asked), None) => Err(asked.diagnosis),
                (Err(one), Some(Err(other))) => {
                    let second = (&other.diagnosis, first.other());
                    Err(neither(&one.diagnosis, second, other.is_of_oauth_1))
                }
            }
        })
    }
}

/// The result of sending a picture by one version.
struct Tried {
    attempt: Attempt,
    /// X does not offer this version to the app; the other one may be open.
    is_closed: bool,
    /// X refuses OAuth 1.0a itself.
    is_of_oauth_1: bool,
}

impl Tried {
    fn with(outcome: Outcome, status: Option<u16>) -> Self {
        Self {
            attempt: Attempt {
                outcome,
                status,
                account: None,
                note: None,
            },
            is_closed: false,
            is_of_oauth_1: false,
        }
    }
}

/// A version that did not say whose the keys are.
struct Untold {
    diagnosis: Diagnosis,
    is_closed: bool,
    is_of_oauth_1: bool,
}

/// Combines the results of both versions; the first is closed to the app.
fn both(first: &Tried, second: Tried, version: Version) -> Attempt {
    let mut attempt = second.attempt;
    let closed = first.attempt.outcome.diagnosis();
    match (&attempt.outcome, closed) {
        (Outcome::Turned, closed) => {
            let why = closed.map_or("", |diagnosis| diagnosis.message.as_str());
            attempt.note = Some(format!(
                "X refused one version of its API to this app ({why}), so the picture went by the \
                 other, which is tried first from now on."
            ));
        }
        (Outcome::Refused(diagnosis), Some(closed)) => {
            // X checks the signature before it decides what the app may do.
            let knows_the_keys = first.attempt.status == Some(403);
            // v1.1 accepts OAuth 1.0a from any app that it is open to.
            let is_of_oauth_1 = version == Version::V2
                && (second.is_of_oauth_1
                    || knows_the_keys && diagnosis.reason == Reason::Credentials);
            let diagnosis = neither(closed, (diagnosis, version), is_of_oauth_1);
            attempt.outcome = Outcome::Refused(diagnosis);
        }
        _ => {}
    }
    attempt
}

/// Explains that neither version takes the picture, with both answers unless they are the same.
fn neither(first: &Diagnosis, second: (&Diagnosis, Version), is_of_oauth_1: bool) -> Diagnosis {
    let (second, version) = second;
    if first.message == second.message {
        return first.clone();
    }
    let message = format!(
        "{}; and by {}, {}",
        first.message.trim_end_matches('.'),
        version.title(),
        second.message
    );
    let remedy = if is_of_oauth_1 {
        v2::NO_OAUTH_1.into()
    } else if second.reason == Reason::Access {
        first.remedy.clone()
    } else {
        second.remedy.clone()
    };
    let reason = if is_of_oauth_1 {
        Reason::Access
    } else {
        second.reason
    };
    Diagnosis {
        reason,
        message,
        remedy,
    }
}

/// Which versions are open to the app, as far as calls that change nothing show.
fn open_to_the_app(v1: &Result<String, Untold>, v2: Option<&Result<String, Untold>>) -> String {
    let answers = |version: Version, answer: &Result<String, Untold>| match answer {
        Ok(_) => format!("{} answers this app", version.title()),
        Err(untold) => {
            let said = untold.diagnosis.message.trim_end_matches('.');
            format!("{} does not ({said})", version.title())
        }
    };
    match v2 {
        None => "Whether X lets this app set the picture, only a turn can tell.".to_owned(),
        Some(v2) => format!(
            "{}; {}. Whether X lets it set the picture by them, only a turn can tell.",
            answers(Version::V1, v1),
            answers(Version::V2, v2)
        ),
    }
}

/// What a turn saves for the next one.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The app and the address that it was learnt from.
    app: String,
    /// The version that worked after the other one was refused.
    version: Option<Version>,
    /// A picture that was uploaded and not set yet.
    media: Option<v2::Media>,
}

impl Kept {
    fn recalled(saved_session: Option<&SavedSession>, account: &Account) -> Self {
        let key = account.credentials.api_key.expose();
        let app = fingerprint(format!("{key} {}", account.base_url).as_bytes());
        let kept = saved_session
            .and_then(|saved_session| serde_json::from_slice(saved_session.0.as_bytes()).ok());
        let kept = kept.filter(|kept: &Self| kept.app == app);
        kept.unwrap_or_else(|| Self {
            app,
            ..Self::default()
        })
    }

    /// The text to save; `None` if there is nothing to remember.
    fn saved_session(&self) -> Option<SavedSession> {
        (self.version.is_some() || self.media.is_some())
            .then(|| serde_json::to_string(self).ok().map(SavedSession))
            .flatten()
    }
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base_url = reader.parsed(API_BASE_URL);
        let api = reader.parsed(X_API);
        let body = reader.parsed(X_BODY);
        let api_key = reader.secret(API_KEY);
        let api_key_secret = reader.secret(API_KEY_SECRET);
        let access_token = reader.secret(ACCESS_TOKEN);
        let access_token_secret = reader.secret(ACCESS_TOKEN_SECRET);
        Some(Self {
            base_url: base_url?,
            api: api?,
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
    ) -> Result<Request<Vec<u8>>, Diagnosis> {
        let stamp = stamp(now)?;
        update_profile_image(self, picture.bytes, picture.media_type, &stamp)
            .map_err(|error| invalid_request(&error))
    }

    /// Sends a picture by one version.
    async fn send(
        &self,
        version: Version,
        picture: Picture<'_>,
        kept: &mut Kept,
        transport: &dyn Transport,
    ) -> Result<Tried, Diagnosis> {
        match version {
            Version::V1 => {
                let request = self.request(picture, transport.now())?;
                let reply = self.exchange(request, transport).await;
                Ok(match reply {
                    Ok(reply) => {
                        let outcome = reply.outcome(read_success);
                        let mut tried = Tried::with(outcome, Some(reply.status()));
                        if reply.is_success() {
                            let name = read_user(reply.body(), &reply.secrets);
                            tried.attempt.account = name.map(|name| format!("@{name}"));
                        } else {
                            tried.is_closed = errors::closes_v1(&reply);
                        }
                        tried
                    }
                    Err(error) => Tried::with(no_reply(&error, transport.now()), None),
                })
            }
            Version::V2 => v2::send(self, picture, &mut kept.media, transport).await,
        }
    }

    /// Asks whose the keys are, by a call that changes nothing.
    async fn ask_whose(
        &self,
        version: Version,
        transport: &dyn Transport,
    ) -> Result<Result<String, Untold>, Diagnosis> {
        let path = match version {
            Version::V1 => VERIFY_CREDENTIALS,
            Version::V2 => v2::ME,
        };
        let url = format!("{}{path}", self.base_url);
        let stamp = stamp(transport.now())?;
        let signed = oauth1::authorization("GET", &url, &[], &self.credentials, &stamp);
        let request = Request::get(url).header(AUTHORIZATION, signed);
        let request = request
            .body(Vec::new())
            .map_err(|error| invalid_request(&error))?;
        let untold = |outcome: Outcome, is_closed, is_of_oauth_1| Untold {
            diagnosis: outcome.diagnosis().cloned().unwrap_or_else(no_user),
            is_closed,
            is_of_oauth_1,
        };
        Ok(match self.exchange(request, transport).await {
            Ok(reply) if reply.is_success() => {
                let name = match version {
                    Version::V1 => read_user(reply.body(), &reply.secrets),
                    Version::V2 => v2::read_me(reply.body(), &reply.secrets),
                };
                match name {
                    Some(_) if reply.may_only_read() => {
                        Err(untold(Outcome::Refused(errors::only_reads()), false, false))
                    }
                    Some(name) => Ok(name),
                    None => Err(untold(Outcome::Refused(no_user()), false, false)),
                }
            }
            Ok(reply) => {
                let is_closed = match version {
                    Version::V1 => errors::closes_v1(&reply),
                    Version::V2 => errors::closes_v2(&reply),
                };
                let outcome = reply.outcome(read_success);
                Err(untold(outcome, is_closed, errors::refuses_oauth_1(&reply)))
            }
            Err(error) => Err(untold(no_reply(&error, transport.now()), false, false)),
        })
    }

    /// Sends a request and reads the reply.
    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        transport: &dyn Transport,
    ) -> Result<errors::Reply, SendError> {
        // Some proxies repeat the request.
        let secrets = self.credentials.secrets().into_iter().cloned();
        let secrets = secrets.chain(oauth1::signature_of(&request)).collect();
        let reply = transport.send(request).await?;
        Ok(errors::Reply::read(reply, secrets, transport.now()))
    }
}

fn stamp(now: DateTime<Utc>) -> Result<Stamp, Diagnosis> {
    Stamp::fresh(now).map_err(|error| {
        Diagnosis::new(
            Reason::Host,
            format!("There is no randomness for the signature: {error}."),
            "Try again.",
        )
    })
}

fn invalid_request(error: &http::Error) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check API_BASE_URL and the four keys.",
    )
}

/// Builds the signed request that makes `frame` the account's profile picture.
///
/// # Errors
/// If the request is not valid HTTP, which no setting that parses leads to.
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
            let body = format!("image={}", percent::encode(&image));
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

/// Reads X's reply to a call of API v1.1. Removes `secrets` from the message.
pub fn read_reply(reply: &Response<Vec<u8>>, secrets: &[&Secret], now: DateTime<Utc>) -> Outcome {
    let secrets = secrets.iter().map(|secret| (*secret).clone()).collect();
    errors::Reply::read(reply.clone(), secrets, now).outcome(read_success)
}

/// The outcome of a call that got no complete reply.
pub fn no_reply(error: &SendError, now: DateTime<Utc>) -> Outcome {
    no_answer(TITLE, API_BASE_URL.name, error, now)
}

/// Expects a user object; any other success comes from elsewhere, such as a captive portal.
fn read_success(body: &[u8]) -> Outcome {
    match read_user(body, &[]) {
        Some(_) => Outcome::Turned,
        None => Outcome::Refused(no_user()),
    }
}

/// The user name in X's reply.
fn read_user(body: &[u8], secrets: &[Secret]) -> Option<String> {
    #[derive(Deserialize)]
    struct User {
        screen_name: String,
    }

    let user = serde_json::from_slice::<User>(body).ok()?;
    let secrets: Vec<_> = secrets.iter().collect();
    Some(quoted(&user.screen_name, &secrets))
}

fn no_user() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with a user of X.",
        "Check API_BASE_URL: something other than X's API answers there.",
    )
}

#[cfg(test)]
mod tests;
