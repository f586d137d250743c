//! X's replies: its errors, the user object and the headers of its rate limits.

use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::HeaderName;
use serde_json::{Value, json};

use crate::reply::{Refusal, Reply};

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// How many requests a window allows, for the headers. Requests are not counted: reaching the limit
/// is a fault.
const REQUESTS_PER_WINDOW: u32 = 150;
/// The length of a window, in seconds.
const WINDOW: i64 = 900;

/// The time until a used-up daily limit is renewed, in seconds.
pub(crate) const DAY_LEFT: i64 = 40_000;

/// The account's name, without the @.
pub(crate) const SCREEN_NAME: &str = "local_account";
/// The account's id.
pub(crate) const USER_ID: u32 = 1;

pub(crate) const BAD_AUTHENTICATION_DATA: Refusal =
    Refusal::numbered(400, 215, "Bad Authentication data.");
pub(crate) const BAD_REQUEST: Refusal = Refusal::numbered(400, 214, "Bad request");
pub(crate) const CALLBACK_NOT_APPROVED: Refusal = Refusal::numbered(
    403,
    415,
    "Callback URL not approved for this client application. Approved callback URLs can be adjusted \
     in your application settings",
);
pub(crate) const COULD_NOT_AUTHENTICATE: Refusal =
    Refusal::numbered(401, 32, "Could not authenticate you.");
pub(crate) const IMAGE_IN_QUERY: Refusal = Refusal::empty(430);
pub(crate) const IMAGE_MISSING: Refusal = Refusal::numbered(403, 38, "image parameter is missing.");
pub(crate) const INVALID_TOKEN: Refusal = Refusal::numbered(401, 89, "Invalid or expired token.");
pub(crate) const INVALID_VERIFIER: Refusal = Refusal::text(
    401,
    "Error processing your OAuth request: Invalid oauth_verifier parameter",
);
pub(crate) const MEDIA_TYPE_UNRECOGNIZED: Refusal =
    Refusal::numbered(422, 120, "Account update failed: media type unrecognized.");
pub(crate) const NO_SUCH_PAGE: Refusal =
    Refusal::numbered(404, 34, "Sorry, that page does not exist.");
pub(crate) const TIMESTAMP_OUT_OF_BOUNDS: Refusal =
    Refusal::numbered(401, 135, "Timestamp out of bounds.");
pub(crate) const TOO_LARGE: Refusal = Refusal::empty(413);

/// Version 2's refusal of a wrong signature, token or nonce.
pub(crate) const UNAUTHORIZED: Refusal =
    Refusal::problem(401, "Unauthorized", "about:blank", "Unauthorized");
/// Version 2's refusal of parameters that do not match its documentation.
pub(crate) const INVALID_REQUEST: Refusal = Refusal::problem(
    400,
    "Invalid Request",
    "https://api.x.com/2/problems/invalid-request",
    "One or more parameters to your request was invalid.",
);
pub(crate) const TOO_LARGE_PROBLEM: Refusal =
    Refusal::problem(413, "Payload Too Large", "about:blank", "Payload Too Large");
/// Version 2's reply where there is no endpoint.
pub(crate) const NOTHING_HERE: Refusal = Refusal::empty(404);
pub(crate) const CREDITS_DEPLETED: Refusal = Refusal::problem(
    402,
    "CreditsDepleted",
    "https://api.twitter.com/2/problems/credits",
    "Your enrolled account [1] does not have any credits to fulfill this request.",
);
pub(crate) const CLIENT_FORBIDDEN: Refusal = Refusal::problem(
    403,
    "Client Forbidden",
    "https://api.twitter.com/2/problems/client-forbidden",
    "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens \
     from a Twitter developer App that is attached to a Project.",
);
pub(crate) const UNSUPPORTED_AUTHENTICATION: Refusal = Refusal::problem(
    403,
    "Unsupported Authentication",
    "https://api.twitter.com/2/problems/unsupported-authentication",
    "Authenticating with OAuth 1.0a User Context is forbidden for this endpoint. Supported \
     authentication types are [OAuth 2.0 User Context].",
);

/// What the app's token may do; every success has this header.
const ACCESS_LEVEL: HeaderName = HeaderName::from_static("x-access-level");

/// The account, in version 2's shape.
pub(crate) fn me_reply(now: DateTime<Utc>) -> Reply {
    let user = json!({
        "data": { "id": USER_ID.to_string(), "name": "Local account", "username": SCREEN_NAME }
    });
    with_rate_limit(Reply::json(200, &user), REQUESTS_PER_WINDOW - 1, now)
}

/// Version 2's reply to a picture that was set. X's documentation does not show it.
pub(crate) fn set_reply(now: DateTime<Utc>) -> Reply {
    let body = json!({ "data": { "id": USER_ID.to_string() } });
    with_rate_limit(Reply::json(200, &body), REQUESTS_PER_WINDOW - 1, now)
}

/// The refusal when a daily limit is used up, of the `user` or the `app`. The limit of the window
/// is not.
pub(crate) fn day_limit(of: &'static str, now: DateTime<Utc>) -> Reply {
    let refusal = Refusal::problem(429, "Too Many Requests", "about:blank", "Too Many Requests");
    let mut reply = with_rate_limit(Reply::refusal(refusal), REQUESTS_PER_WINDOW - 1, now);
    for (what, value) in [
        ("limit", 25),
        ("remaining", 0),
        ("reset", now.timestamp() + DAY_LEFT),
    ] {
        let name = format!("x-{of}-limit-24hour-{what}");
        if let Ok(name) = HeaderName::try_from(name) {
            reply = reply.with(name, HeaderValue::from(value));
        }
    }
    reply
}

/// The account, in version 1.1's shape. The reply to a new picture still has the previous one,
/// because X processes the new one after it has answered.
pub(crate) fn user_reply(picture: &str, now: DateTime<Utc>) -> Reply {
    with_rate_limit(
        Reply::json_of_x(200, &user(picture)),
        REQUESTS_PER_WINDOW - 1,
        now,
    )
}

/// A reply with the headers of the rate limit.
pub(crate) fn with_rate_limit(reply: Reply, remaining: u32, now: DateTime<Utc>) -> Reply {
    reply
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
