//! The answers of X: its errors by their numbers, and the user object.

use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// How many requests one window allows, as the headers have it. Nothing is counted: that limits are
/// reached is a fault to be asked for.
const REQUESTS_PER_WINDOW: u32 = 150;
/// The length of a window in seconds.
const WINDOW: i64 = 900;

/// When a limit of a day ends that is used up, in seconds.
pub(super) const DAY_LEFT: i64 = 40_000;

/// The name of the account, after the @.
pub(super) const SCREEN_NAME: &str = "local_account";
/// The number of the account.
pub(super) const USER_ID: u32 = 1;

pub(super) const BAD_AUTHENTICATION_DATA: Refusal =
    Refusal::new(400, 215, "Bad Authentication data.");
pub(super) const BAD_REQUEST: Refusal = Refusal::new(400, 214, "Bad request");
pub(super) const CALLBACK_NOT_APPROVED: Refusal = Refusal::new(
    403,
    415,
    "Callback URL not approved for this client application. Approved callback URLs can be adjusted \
     in your application settings",
);
pub(super) const COULD_NOT_AUTHENTICATE: Refusal =
    Refusal::new(401, 32, "Could not authenticate you.");
pub(super) const IMAGE_IN_QUERY: Refusal = Refusal::empty(430);
pub(super) const IMAGE_MISSING: Refusal = Refusal::new(403, 38, "image parameter is missing.");
pub(super) const INVALID_TOKEN: Refusal = Refusal::new(401, 89, "Invalid or expired token.");
pub(super) const INVALID_VERIFIER: Refusal = Refusal::text(
    401,
    "Error processing your OAuth request: Invalid oauth_verifier parameter",
);
pub(super) const MEDIA_TYPE_UNRECOGNIZED: Refusal =
    Refusal::new(422, 120, "Account update failed: media type unrecognized.");
pub(super) const NO_SUCH_PAGE: Refusal = Refusal::new(404, 34, "Sorry, that page does not exist.");
pub(super) const TIMESTAMP_OUT_OF_BOUNDS: Refusal =
    Refusal::new(401, 135, "Timestamp out of bounds.");
pub(super) const TOO_LARGE: Refusal = Refusal::empty(413);

/// What version 2 answers to a signature, a token or a nonce that is wrong.
pub(super) const UNAUTHORIZED: Refusal =
    Refusal::problem(401, "Unauthorized", "about:blank", "Unauthorized");
/// What version 2 answers to what is not as it is documented.
pub(super) const INVALID_REQUEST: Refusal = Refusal::problem(
    400,
    "Invalid Request",
    "https://api.x.com/2/problems/invalid-request",
    "One or more parameters to your request was invalid.",
);
pub(super) const TOO_LARGE_PROBLEM: Refusal =
    Refusal::problem(413, "Payload Too Large", "about:blank", "Payload Too Large");
/// What version 2 answers where there is nothing.
pub(super) const NOTHING_HERE: Refusal = Refusal::empty(404);
pub(super) const CREDITS_DEPLETED: Refusal = Refusal::problem(
    402,
    "CreditsDepleted",
    "https://api.twitter.com/2/problems/credits",
    "Your enrolled account [1] does not have any credits to fulfill this request.",
);
pub(super) const CLIENT_FORBIDDEN: Refusal = Refusal::problem(
    403,
    "Client Forbidden",
    "https://api.twitter.com/2/problems/client-forbidden",
    "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens \
     from a Twitter developer App that is attached to a Project.",
);
pub(super) const UNSUPPORTED_AUTHENTICATION: Refusal = Refusal::problem(
    403,
    "Unsupported Authentication",
    "https://api.twitter.com/2/problems/unsupported-authentication",
    "Authenticating with OAuth 1.0a User Context is forbidden for this endpoint. Supported \
     authentication types are [OAuth 2.0 User Context].",
);

/// What a token of the app may do, as every answer of success tells.
const ACCESS_LEVEL: HeaderName = HeaderName::from_static("x-access-level");

/// The account as version 2 has it.
pub(super) fn me_answer(now: DateTime<Utc>) -> Answer {
    let user = json!({
        "data": { "id": USER_ID.to_string(), "name": "Local account", "username": SCREEN_NAME }
    });
    with_rate_limit(Answer::json(200, &user), REQUESTS_PER_WINDOW - 1, now)
}

/// What version 2 answers to a picture that it sets; the documentation does not show it.
pub(super) fn set_answer(now: DateTime<Utc>) -> Answer {
    let body = json!({ "data": { "id": USER_ID.to_string() } });
    with_rate_limit(Answer::json(200, &body), REQUESTS_PER_WINDOW - 1, now)
}

/// A limit of a day that is used up, of the `user` or the `app`, while that of a quarter of an hour
/// is not.
pub(super) fn day_limit(of: &'static str, now: DateTime<Utc>) -> Answer {
    let refusal = Refusal::problem(429, "Too Many Requests", "about:blank", "Too Many Requests");
    let mut answer = with_rate_limit(Answer::refusal(refusal), REQUESTS_PER_WINDOW - 1, now);
    for (what, value) in [
        ("limit", 25),
        ("remaining", 0),
        ("reset", now.timestamp() + DAY_LEFT),
    ] {
        let name = format!("x-{of}-limit-24hour-{what}");
        if let Ok(name) = HeaderName::try_from(name) {
            answer = answer.with(name, HeaderValue::from(value));
        }
    }
    answer
}

/// The user object of version 1.1 of the API. To a new picture it is the answer with the previous
/// one, because X works on the new one after it has answered.
pub(super) fn user_answer(picture: &str, now: DateTime<Utc>) -> Answer {
    with_rate_limit(
        Answer::json_of_x(200, &user(picture)),
        REQUESTS_PER_WINDOW - 1,
        now,
    )
}

/// The same with the headers that tell how many requests are left.
pub(super) fn with_rate_limit(answer: Answer, remaining: u32, now: DateTime<Utc>) -> Answer {
    answer
        .with(ACCESS_LEVEL, HeaderValue::from_static("read-write"))
        .with(RATE_LIMIT, HeaderValue::from(REQUESTS_PER_WINDOW))
        .with(RATE_REMAINING, HeaderValue::from(remaining))
        .with(RATE_RESET, HeaderValue::from(now.timestamp() + WINDOW))
}

fn user(picture: &str) -> Value {
    json!({
        "id": USER_ID,
        "id_str": USER_ID.to_string(),
        "name": "Local account",
        "screen_name": SCREEN_NAME,
        "location": "",
        "description": "An account that exists on this machine only.",
        "url": null,
        "entities": { "description": { "urls": [] } },
        "protected": false,
        "followers_count": 0,
        "friends_count": 0,
        "listed_count": 0,
        "created_at": "Tue Mar 21 20:50:14 +0000 2006",
        "favourites_count": 0,
        "utc_offset": null,
        "time_zone": null,
        "geo_enabled": false,
        "verified": false,
        "statuses_count": 0,
        "lang": null,
        "profile_background_color": "F5F8FA",
        "profile_image_url": picture.replacen("https:", "http:", 1),
        "profile_image_url_https": picture,
        "profile_link_color": "1DA1F2",
        "profile_text_color": "333333",
        "profile_use_background_image": true,
        "default_profile": true,
        "default_profile_image": picture.contains("default_profile"),
        "following": false,
        "notifications": false,
        "suspended": false
    })
}
