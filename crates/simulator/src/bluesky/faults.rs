//! Bluesky's faults.

use http::HeaderValue;
use http::header::RETRY_AFTER;
use serde_json::json;

use super::limits::rate_headers;
use super::{
    ACCOUNT_TAKEDOWN, AUTH_FACTOR_TOKEN_REQUIRED, BLOB_NOT_FOUND, CREATE_SESSION, EXPIRED_TOKEN,
    GET_RECORD, GET_SESSION, INVALID_LOGIN, INVALID_MIME_TYPE, INVALID_SIZE, INVALID_SWAP,
    INVALID_TOKEN, PUT_RECORD, RATE_LIMIT_EXCEEDED, RECORD_NOT_FOUND, REFRESH_SESSION, UPLOAD_BLOB,
};
use crate::faults::{
    BAD_GATEWAY, CAPTIVE_PORTAL, EMPTY_ERROR, ENDLESS_BODY, Fault, HANG, RESET, SLOW, cut_off,
    hostile_text, refusal, special,
};
use crate::rate_limit::{Left, Limit};
use crate::reply::{Refusal, Reply};

/// The wait that the fault `rate-limit` asks for, in seconds.
const WAIT: i64 = 300;

/// All faults of Bluesky.
pub(crate) static FAULTS: &[Fault] = &[
    special(
        "rate-limit",
        "429 RateLimitExceeded, RateLimit-Reset is in 300 s",
        |now| {
            let left = Left {
                limit: Limit {
                    points: 3_000,
                    seconds: WAIT,
                },
                remaining: 0,
                reset: now.timestamp() + WAIT,
                exceeded: true,
            };
            let mut reply = Reply::refusal(RATE_LIMIT_EXCEEDED);
            reply.headers.extend(rate_headers(left));
            reply
        },
    ),
    special(
        "rate-limit-retry-after",
        "429 with an empty body and retry-after: 60",
        |_| Reply::empty(429).with(RETRY_AFTER, HeaderValue::from_static("60")),
    ),
    refusal(
        "internal-error",
        "500 InternalServerError: Bluesky has an internal error",
        Refusal::named(500, "InternalServerError", "Internal Server Error"),
    ),
    refusal(
        "upstream-failure",
        "502 UpstreamFailure: a server that Bluesky needs has failed",
        Refusal::named(502, "UpstreamFailure", "Upstream Failure"),
    ),
    refusal(
        "not-enough-resources",
        "503 NotEnoughResources: Bluesky is over capacity",
        Refusal::named(503, "NotEnoughResources", "Not Enough Resources"),
    ),
    BAD_GATEWAY,
    EMPTY_ERROR,
    refusal(
        "invalid-login",
        "401 AuthenticationRequired: the identifier or the password is wrong",
        INVALID_LOGIN,
    )
    .at(&[CREATE_SESSION]),
    refusal(
        "account-takedown",
        "401 AccountTakedown: the account was taken down",
        ACCOUNT_TAKEDOWN,
    )
    .at(&[CREATE_SESSION, REFRESH_SESSION]),
    refusal(
        "auth-factor",
        "401 AuthFactorTokenRequired: a code was sent by e-mail",
        AUTH_FACTOR_TOKEN_REQUIRED,
    )
    .at(&[CREATE_SESSION]),
    refusal(
        "expired-token",
        "400 ExpiredToken: the access token has expired",
        EXPIRED_TOKEN,
    )
    .at(&[GET_SESSION, UPLOAD_BLOB, PUT_RECORD]),
    refusal(
        "expired-refresh-token",
        "400 ExpiredToken: the refresh token has expired",
        EXPIRED_TOKEN,
    )
    .at(&[REFRESH_SESSION]),
    refusal(
        "invalid-token",
        "400 InvalidToken: the token cannot be verified",
        INVALID_TOKEN,
    )
    .at(&[GET_SESSION, REFRESH_SESSION, UPLOAD_BLOB, PUT_RECORD]),
    refusal(
        "record-not-found",
        "400 RecordNotFound: there is no profile",
        RECORD_NOT_FOUND,
    )
    .at(&[GET_RECORD]),
    refusal(
        "invalid-swap",
        "400 InvalidSwap: the record has changed since it was read",
        INVALID_SWAP,
    )
    .at(&[PUT_RECORD]),
    refusal(
        "blob-not-found",
        "400 BlobNotFound: there is no blob of the avatar",
        BLOB_NOT_FOUND,
    )
    .at(&[PUT_RECORD]),
    refusal(
        "invalid-mime-type",
        "400 InvalidMimeType: the avatar has the wrong type",
        INVALID_MIME_TYPE,
    )
    .at(&[PUT_RECORD]),
    refusal(
        "invalid-size",
        "400 InvalidSize: the avatar is too large",
        INVALID_SIZE,
    )
    .at(&[PUT_RECORD]),
    refusal(
        "too-large",
        "413 PayloadTooLargeError: the body is too large",
        Refusal::named(413, "PayloadTooLargeError", "request entity too large"),
    ),
    refusal(
        "not-implemented",
        "501 MethodNotImplemented: there is no such method",
        Refusal::named(501, "MethodNotImplemented", "Method Not Implemented"),
    ),
    CAPTIVE_PORTAL,
    special("unexpected-body", "200 with JSON of another shape", |_| {
        Reply::json(200, &json!({ "ok": true, "items": [1, 2, 3] }))
    }),
    special("wrong-json", "200 with JSON that breaks off", |_| {
        Reply::of(
            200,
            "application/json; charset=utf-8",
            "{\"did\":\"did:plc:",
        )
    }),
    special("empty-body", "200 with an empty body", |_| {
        Reply::empty(200)
    }),
    ENDLESS_BODY,
    special(
        "hostile-text",
        "400 with a script, line breaks, terminal escapes and 100 KB in the message",
        |_| {
            let text = hostile_text();
            Reply::json(400, &json!({ "error": text, "message": text }))
        },
    ),
    HANG,
    SLOW,
    RESET,
    cut_off("the request is carried out, but the answer breaks off in the middle"),
];
