//! The first way: `POST account/update_profile_image` of API v1.1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use serde::Deserialize;

use crate::frames::media_type::MediaType;
use crate::network::interface::Picture;
use crate::network::multipart;
use crate::network::percent;
use crate::network::reply::quoted;
use crate::network::transport::Transport;
use crate::network::x::account::{Account, BodyForm};
use crate::network::x::errors::{self, Reply};
use crate::network::x::exchange::{Tried, invalid_request, no_reply, stamp};
use crate::network::x::oauth1::{self, Stamp};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::settings::secret::Secret;

const UPDATE_PROFILE_IMAGE: &str = "/1.1/account/update_profile_image.json";

/// Names the user that the keys belong to.
pub(super) const VERIFY_CREDENTIALS: &str = "/1.1/account/verify_credentials.json";

/// Sends a picture.
///
/// # Errors
/// When the request cannot be made.
pub(super) async fn send(
    account: &Account,
    picture: Picture<'_>,
    transport: &dyn Transport,
) -> Result<Tried, Diagnosis> {
    let request = request(account, picture, transport.now())?;
    let reply = match account.exchange(request, transport).await {
        Ok(reply) => reply,
        Err(error) => return Ok(Tried::with(no_reply(&error, transport.now()), None)),
    };
    let mut tried = Tried::with(reply.outcome(read_success), Some(reply.status()));
    if reply.is_success() {
        let name = read_user(reply.body(), &reply.secrets);
        tried.attempt.account = name.map(|name| format!("@{name}"));
    } else {
        tried.is_closed = errors::closes_v1(&reply);
    }
    Ok(tried)
}

/// The signed request that sends a picture.
///
/// # Errors
/// When there is no randomness, or the request is not valid HTTP.
pub(super) fn request(
    account: &Account,
    picture: Picture<'_>,
    now: DateTime<Utc>,
) -> Result<Request<Vec<u8>>, Diagnosis> {
    update_profile_image(account, picture.bytes, picture.media_type, &stamp(now)?)
        .map_err(|error| invalid_request(&error))
}

/// Builds the signed request that makes `frame` the account's profile picture.
///
/// # Errors
/// If the request is not valid HTTP, which no setting that parses leads to.
pub(super) fn update_profile_image(
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
pub(super) fn read_reply(
    reply: &Response<Vec<u8>>,
    secrets: &[&Secret],
    now: DateTime<Utc>,
) -> Outcome {
    let secrets = secrets.iter().map(|secret| (*secret).clone()).collect();
    Reply::read(reply.clone(), secrets, now).outcome(read_success)
}

/// Expects a user object; any other success comes from elsewhere, such as a captive portal.
pub(super) fn read_success(body: &[u8]) -> Outcome {
    match read_user(body, &[]) {
        Some(_) => Outcome::Turned,
        None => Outcome::Refused(no_user()),
    }
}

/// The user name in X's reply.
pub(super) fn read_user(body: &[u8], secrets: &[Secret]) -> Option<String> {
    #[derive(Deserialize)]
    struct User {
        screen_name: String,
    }

    let user = serde_json::from_slice::<User>(body).ok()?;
    let secrets: Vec<_> = secrets.iter().collect();
    Some(quoted(&user.screen_name, &secrets)).filter(|name| !name.is_empty())
}

pub(super) fn no_user() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with a user of X.",
        "Check API_BASE_URL: something other than X's API answers there.",
    )
}
