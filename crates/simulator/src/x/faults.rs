//! X's faults.

use chrono::TimeDelta;
use http::HeaderValue;
use http::header::{DATE, RETRY_AFTER};
use serde_json::json;

use super::endpoint::{SET, UPDATE_PATH, UPLOAD};
use super::replies::{
    BAD_AUTHENTICATION_DATA, CLIENT_FORBIDDEN, COULD_NOT_AUTHENTICATE, CREDITS_DEPLETED,
    IMAGE_MISSING, INVALID_REQUEST, INVALID_TOKEN, NO_SUCH_PAGE, NOTHING_HERE,
    TIMESTAMP_OUT_OF_BOUNDS, TOO_LARGE, UNAUTHORIZED, UNSUPPORTED_AUTHENTICATION, day_limit,
    with_rate_limit,
};
use crate::clock;
use crate::faults::{
    BAD_GATEWAY, CAPTIVE_PORTAL, EMPTY_ERROR, Fault, HANG, RESET, SLOW, cut_off, hostile_text,
    page, refusal, special,
};
use crate::reply::{Refusal, Reply};

const fn error(
    name: &'static str,
    description: &'static str,
    status: u16,
    code: u16,
    message: &'static str,
) -> Fault {
    refusal(name, description, Refusal::numbered(status, code, message))
}

/// All faults of X.
pub(crate) static FAULTS: &[Fault] = &[
    special(
        "rate-limit",
        "429, code 88: the limit is reached, x-rate-limit-reset is in 900 s",
        |now| with_rate_limit(Reply::error(429, 88, "Rate limit exceeded"), 0, now),
    ),
    special(
        "rate-limit-retry-after",
        "429 with an empty body and retry-after: 60",
        |_| Reply::empty(429).with(RETRY_AFTER, HeaderValue::from_static("60")),
    ),
    special(
        "rate-limit-legacy",
        "420 in the oldest shape: “Enhance your calm”",
        |_| {
            let body = json!({ "request": UPDATE_PATH, "error": "Enhance your calm" });
            Reply::json_of_x(420, &body)
        },
    ),
    special(
        "user-day-limit",
        "429: the account's daily limit is reached, x-user-limit-24hour-reset is in 40,000 s",
        |now| day_limit("user", now),
    ),
    special(
        "app-day-limit",
        "429: the app's daily limit is reached, x-app-limit-24hour-reset is in 40,000 s",
        |now| day_limit("app", now),
    ),
    refusal(
        "usage-capped",
        "429: what the app's plan includes is used up",
        Refusal::problem(
            429,
            "UsageCapExceeded",
            "https://api.twitter.com/2/problems/usage-capped",
            "Usage cap exceeded: Monthly product cap",
        ),
    ),
    error(
        "over-capacity",
        "503, code 130: X is over capacity",
        503,
        130,
        "Over capacity",
    ),
    error(
        "internal-error",
        "500, code 131: X has an internal error",
        500,
        131,
        "Internal error",
    ),
    BAD_GATEWAY,
    EMPTY_ERROR,
    refusal(
        "not-implemented",
        "501 with an empty body",
        Refusal::empty(501),
    ),
    refusal(
        "credits-depleted",
        "402: the credits for the API are used up",
        CREDITS_DEPLETED,
    ),
    refusal(
        "could-not-authenticate",
        "401, code 32: keys or signature are wrong",
        COULD_NOT_AUTHENTICATE,
    ),
    refusal(
        "invalid-token",
        "401, code 89: the token was revoked",
        INVALID_TOKEN,
    ),
    error(
        "unable-to-verify",
        "403, code 99: the keys cannot be verified",
        403,
        99,
        "Unable to verify your credentials.",
    ),
    refusal(
        "bad-authentication-data",
        "400, code 215: the Authorization header is not understood",
        BAD_AUTHENTICATION_DATA,
    ),
    special(
        "clock-skew",
        "401, code 135: the Date header of the answer is an hour ahead",
        |now| {
            let reply = Reply::refusal(TIMESTAMP_OUT_OF_BOUNDS);
            match HeaderValue::from_str(&clock::http_date(now + TimeDelta::hours(1))) {
                Ok(date) => reply.with(DATE, date),
                Err(_) => reply,
            }
        },
    ),
    error(
        "access-tier",
        "403, code 453: the app's access level does not include this call",
        403,
        453,
        "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints \
         (e.g. media post, oauth) only. If you need access to this endpoint, you may need a \
         different access level. You can learn more here: \
         https://developer.x.com/en/portal/product",
    ),
    error(
        "read-only-app",
        "403, code 261: the app may read but not write",
        403,
        261,
        "Application cannot perform write actions. Contact Support.",
    ),
    error(
        "suspended-account",
        "403, code 64: the account is suspended",
        403,
        64,
        "Your account is suspended and is not permitted to access this feature.",
    ),
    error(
        "locked-account",
        "403, code 326: the account is locked until its owner signs in",
        403,
        326,
        "To protect our users from spam and other malicious activity, this account is temporarily \
         locked. Please log in to https://x.com to unlock your account.",
    ),
    error(
        "suspended-app",
        "401, code 416: the app is suspended",
        401,
        416,
        "Invalid / suspended application",
    ),
    error(
        "retired-endpoint",
        "410, code 251: the call is no longer offered",
        410,
        251,
        "This endpoint has been retired and should not be used.",
    ),
    refusal(
        "no-such-page",
        "404, code 34: X does not offer this call to the app",
        NO_SUCH_PAGE,
    ),
    refusal(
        "nothing-here",
        "404 with an empty body, as version 2 answers where there is no endpoint",
        NOTHING_HERE,
    ),
    refusal(
        "client-forbidden",
        "403: the app is not enrolled, in the shape of version 2",
        CLIENT_FORBIDDEN,
    ),
    refusal(
        "oauth1-forbidden",
        "403: version 2 does not accept OAuth 1.0a for setting the picture",
        UNSUPPORTED_AUTHENTICATION,
    )
    .at(&[SET]),
    refusal(
        "unauthorized",
        "401 in the shape of version 2",
        UNAUTHORIZED,
    )
    .at(&[SET, UPLOAD]),
    refusal(
        "invalid-media",
        "400: X does not know the uploaded picture",
        INVALID_REQUEST,
    )
    .at(&[SET]),
    error(
        "spam-filter",
        "403, code 226: X takes the request for spam",
        403,
        226,
        "This request looks like it might be automated. To protect our users from spam and other \
         malicious activity, we can't complete this action right now. Please try again later.",
    ),
    refusal(
        "missing-parameter",
        "403, code 38: X finds no image",
        IMAGE_MISSING,
    ),
    error(
        "invalid-value",
        "422, code 120: X rejects the image",
        422,
        120,
        "Account update failed: image is invalid.",
    ),
    refusal("too-large", "413 with an empty body", TOO_LARGE),
    refusal(
        "unprocessable",
        "422 with an empty body",
        Refusal::empty(422),
    ),
    special(
        "problem-json",
        "403 in the shape of RFC 9457, application/problem+json",
        |_| {
            let body = json!({
                "title": "Forbidden",
                "detail": "You are not permitted to perform this action.",
                "type": "about:blank",
                "status": 403
            });
            Reply::of(403, "application/problem+json", body.to_string())
        },
    ),
    page(
        "proxy-block",
        "403 with a page in HTML, as Cloudflare blocks a client",
        403,
        Some("cloudflare"),
        "<!DOCTYPE html>\n<html lang=\"en-US\"><head>\
         <title>Attention Required! | Cloudflare</title>\
         <meta charset=\"UTF-8\"><meta name=\"robots\" content=\"noindex, nofollow\"></head>\
         <body><div id=\"cf-wrapper\"><div id=\"cf-error-details\">\
         <h1 data-translate=\"block_headline\">Sorry, you have been blocked</h1>\
         <h2><span data-translate=\"unable_to_access\">You are unable to access</span> x.com</h2>\
         <p>This website is using a security service to protect itself from online attacks.</p>\
         <p>Cloudflare Ray ID: <strong>0000000000000000</strong></p>\
         </div></div></body></html>",
    ),
    CAPTIVE_PORTAL,
    special(
        "hostile-text",
        "403 with a script, line breaks, terminal escapes and 100 KB in the message",
        |_| Reply::error(403, 999, &hostile_text()),
    ),
    HANG,
    SLOW,
    RESET,
    cut_off("the picture is set, but the answer (200) breaks off in the middle"),
];
