//! Mastodon's faults.

use http::HeaderValue;
use http::header::RETRY_AFTER;
use serde_json::json;

use super::software::{INVALID_TOKEN, OUTSIDE_SCOPES};
use super::{AVATAR_TOO_LARGE, TOO_MANY_REQUESTS, UPDATE, rate_headers};
use crate::faults::{
    BAD_GATEWAY, CAPTIVE_PORTAL, EMPTY_ERROR, ENDLESS_BODY, Fault, HANG, RESET, SLOW, cut_off,
    hostile_text, page, refusal, special,
};
use crate::rate_limit::{Left, Limit};
use crate::reply::{Refusal, Reply};

/// All faults of Mastodon.
pub(crate) static FAULTS: &[Fault] = &[
    special(
        "rate-limit",
        "429: the limit is reached, X-RateLimit-Reset is in 300 s",
        |now| {
            let left = Left {
                limit: Limit {
                    points: 300,
                    seconds: 300,
                },
                remaining: 0,
                reset: now.timestamp() + 300,
                exceeded: true,
            };
            let mut reply = Reply::refusal(TOO_MANY_REQUESTS);
            reply.headers.extend(rate_headers(left));
            reply
        },
    ),
    special(
        "rate-limit-retry-after",
        "429 with an empty body and retry-after: 60",
        |_| Reply::empty(429).with(RETRY_AFTER, HeaderValue::from_static("60")),
    ),
    page(
        "internal-error",
        "500 with a page in HTML, as Mastodon shows it",
        500,
        None,
        "<!DOCTYPE html><html lang='en'><head><title>We're sorry, but something went wrong on our \
         end. - Mastodon</title></head><body class='error'><h1>We're sorry, but something went \
         wrong on our end.</h1></body></html>",
    ),
    BAD_GATEWAY,
    refusal(
        "remote-failure",
        "503: a server that Mastodon needs did not answer",
        Refusal::bare(
            503,
            "There was a temporary problem serving your request, please try again",
        ),
    ),
    EMPTY_ERROR,
    refusal(
        "not-implemented",
        "501: the server does not have this call",
        Refusal::bare(501, "This method is not implemented"),
    ),
    refusal(
        "unauthenticated",
        "500 to an unknown token, as Pixelfed answers",
        Refusal::bare(500, "Unauthenticated."),
    ),
    refusal(
        "invalid-token",
        "401: the access token is invalid",
        INVALID_TOKEN,
    ),
    refusal(
        "revoked-token",
        "401: the access token was revoked",
        Refusal::bare(401, "The access token was revoked"),
    ),
    refusal(
        "expired-token",
        "401: the access token expired",
        Refusal::bare(401, "The access token expired"),
    ),
    refusal(
        "outside-scopes",
        "403: the scopes of the token do not include this",
        OUTSIDE_SCOPES,
    ),
    refusal(
        "insufficient-scope",
        "403 to a token without the scope, as GoToSocial answers",
        Refusal::bare(403, "Forbidden: token has insufficient scope permission"),
    ),
    refusal(
        "insufficient-permission",
        "403 to a token without the scope, as Pleroma and Akkoma answer",
        Refusal::bare(403, "Insufficient permissions: write:accounts."),
    ),
    refusal(
        "invalid-credentials",
        "403 to an unknown token, as Pleroma and Akkoma answer",
        Refusal::bare(403, "Invalid credentials."),
    ),
    refusal(
        "forbidden",
        "403 with an empty message to a token without the scope, as Pixelfed answers",
        Refusal::bare(403, ""),
    ),
    refusal(
        "media-too-large",
        "400: the avatar is larger than GoToSocial allows",
        Refusal::bare(
            400,
            "Bad Request: media exceeds configured max size: 40.0KiB",
        ),
    )
    .at(&[UPDATE]),
    special(
        "invalid-members",
        "500 with invalid members, as Pixelfed answers",
        |_| {
            let body = json!({
                "message": "The file must be in jpeg or png format",
                "errors": { "avatar": ["The file must be in jpeg or png format"] },
            });
            Reply::json(500, &body)
        },
    )
    .at(&[UPDATE]),
    refusal(
        "suspended-account",
        "403: the account is suspended",
        Refusal::bare(403, "Your login is currently disabled"),
    ),
    refusal(
        "unconfirmed-account",
        "403: the e-mail address is not confirmed",
        Refusal::bare(403, "Your login is missing a confirmed e-mail address"),
    ),
    refusal(
        "not-found",
        "404: there is no such record",
        Refusal::bare(404, "Record not found"),
    ),
    refusal("too-large", "413 with an empty body", Refusal::empty(413)).at(&[UPDATE]),
    refusal(
        "avatar-too-large",
        "422: Mastodon finds the avatar too large",
        AVATAR_TOO_LARGE,
    )
    .at(&[UPDATE]),
    refusal(
        "invalid-avatar",
        "422: Mastodon rejects the avatar",
        Refusal::bare(422, "Validation failed: Avatar is invalid"),
    )
    .at(&[UPDATE]),
    page(
        "proxy-block",
        "403 with a page in HTML, as Cloudflare blocks a client",
        403,
        Some("cloudflare"),
        "<!DOCTYPE html>\n<html lang=\"en-US\"><head>\
         <title>Attention Required! | Cloudflare</title></head>\
         <body><h1>Sorry, you have been blocked</h1></body></html>",
    ),
    CAPTIVE_PORTAL,
    special("unexpected-body", "200 with JSON of another shape", |_| {
        Reply::json(200, &json!({ "ok": true, "items": [1, 2, 3] }))
    }),
    special("wrong-json", "200 with JSON that breaks off", |_| {
        Reply::of(200, "application/json; charset=utf-8", "{\"id\":\"1\",")
    }),
    special("empty-body", "200 with an empty body", |_| {
        Reply::empty(200)
    }),
    ENDLESS_BODY,
    special(
        "hostile-text",
        "422 with a script, line breaks, terminal escapes and 100 KB in the message",
        |_| Reply::json(422, &json!({ "error": hostile_text() })),
    ),
    HANG,
    SLOW,
    RESET,
    cut_off("the request is carried out, but the answer breaks off in the middle"),
];
