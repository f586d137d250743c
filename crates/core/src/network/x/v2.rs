//! API v2: `POST /2/media/upload`, then `PUT /2/users/me/profile_image` with the id of the upload.
//! A signature of OAuth 1.0a covers neither body (RFC 5849 §3.4.1.3.1).
//!
//! X's pages show the second call with a bearer token and do not say whether it accepts OAuth 1.0a:
//! <https://docs.x.com/x-api/users/update-profile-image>,
//! <https://docs.x.com/x-api/media/upload-media>.

use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::instant::after;
use crate::network::fingerprint::fingerprint;
use crate::network::interface::Picture;
use crate::network::multipart;
use crate::network::reply::{quoted, retry};
use crate::network::transport::Transport;
use crate::network::x::account::Account;
use crate::network::x::errors::{self, Reply};
use crate::network::x::exchange::{Tried, invalid_request, no_reply, stamp};
use crate::network::x::oauth1::{self, Stamp};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::settings::secret::Secret;

/// Says whose the keys are.
pub(super) const ME: &str = "/2/users/me";
const UPLOAD: &str = "/2/media/upload";
const SET: &str = "/2/users/me/profile_image";

/// An uploaded picture is not used for this long before it expires.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// The remedy if X does not accept OAuth 1.0a.
pub(super) const NO_OAUTH_1: &str = "For this call of API v2, X does not take OAuth 1.0a, by \
     which rotate-icon signs: it asks for an OAuth 2.0 token. So only API v1.1 is left, and an \
     app whose access level includes it: see the developer portal.";

/// An uploaded picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Media {
    /// X's id for it.
    id: String,
    /// The hash of its bytes.
    picture: String,
    /// When X deletes it, in seconds since 1970.
    expires_at: i64,
}

impl Media {
    fn is_good_for(&self, picture: Picture<'_>, now: DateTime<Utc>) -> bool {
        self.picture == fingerprint(picture.bytes)
            && after(now, MARGIN).timestamp() < self.expires_at
    }
}

/// Uploads a picture and sets it as the account's. Skips the upload if an earlier attempt made it
/// and X still has it.
pub(super) async fn send(
    account: &Account,
    picture: Picture<'_>,
    media: &mut Option<Media>,
    transport: &dyn Transport,
) -> Result<Tried, Diagnosis> {
    loop {
        let kept = media.take();
        let kept = kept.filter(|kept| kept.is_good_for(picture, transport.now()));
        let is_kept = kept.is_some();
        let uploaded = if let Some(kept) = kept {
            kept
        } else {
            let request = upload(account, picture, &stamp(transport.now())?)?;
            let reply = match account.exchange(request, transport).await {
                Ok(reply) if reply.is_success() => reply,
                Ok(reply) => return Ok(refused(&reply, false)),
                Err(error) => return Ok(Tried::with(no_reply(&error, transport.now()), None)),
            };
            let uploaded = match read_media(&reply, picture, transport.now()) {
                Ok(uploaded) => uploaded,
                Err(outcome) => return Ok(Tried::with(outcome, Some(reply.status()))),
            };
            if let Some(wait) = wait_for(&reply) {
                *media = Some(uploaded);
                let diagnosis = Diagnosis::new(
                    Reason::Transient,
                    "X has the picture and has not processed it yet.",
                    "Nothing to do; it is set with the next try.",
                );
                let outcome = retry(after(transport.now(), wait), transport.now(), diagnosis);
                return Ok(Tried::with(outcome, Some(reply.status())));
            }
            uploaded
        };
        let request = set(account, &uploaded.id, &stamp(transport.now())?)?;
        let reply = match account.exchange(request, transport).await {
            Ok(reply) => reply,
            Err(error) => {
                *media = Some(uploaded);
                return Ok(Tried::with(no_reply(&error, transport.now()), None));
            }
        };
        if is_kept && matches!(reply.status(), 400 | 404 | 422) {
            // X deleted it early: upload it again.
            continue;
        }
        if reply.is_success() {
            return Ok(Tried::with(read_set(&reply), Some(reply.status())));
        }
        let tried = refused(&reply, !is_kept);
        if matches!(tried.attempt.outcome, Outcome::Retry { .. }) {
            *media = Some(uploaded);
        }
        return Ok(tried);
    }
}

/// A refused call. `is_signed_right` says that X has just accepted another call signed with the
/// same keys.
fn refused(reply: &Reply, is_signed_right: bool) -> Tried {
    let is_of_oauth_1 = errors::refuses_oauth_1(reply) || is_signed_right && reply.status() == 401;
    let is_closed = is_of_oauth_1 || errors::closes_v2(reply);
    let mut outcome = reply.refusal();
    if let Outcome::Refused(diagnosis) = &mut outcome {
        if is_of_oauth_1 {
            *diagnosis = Diagnosis::new(Reason::Access, reply.said(), NO_OAUTH_1);
        } else if is_closed && diagnosis.reason == Reason::UnexpectedReply {
            diagnosis.reason = Reason::Access;
            diagnosis.remedy =
                "X does not offer this call of API v2 to the app. Set X_API to auto \
                              or 1.1; if v1.1 is closed to it too, see its access level in the \
                              developer portal."
                    .into();
        }
    }
    Tried {
        is_closed,
        is_of_oauth_1,
        ..Tried::with(outcome, Some(reply.status()))
    }
}

/// Builds the signed request that uploads a picture.
pub(super) fn upload(
    account: &Account,
    picture: Picture<'_>,
    stamp: &Stamp,
) -> Result<Request<Vec<u8>>, Diagnosis> {
    let url = format!("{}{UPLOAD}", account.base_url);
    let signed = oauth1::authorization("POST", &url, &[], &account.credentials, stamp);
    let Picture {
        bytes, media_type, ..
    } = picture;
    let fields = [
        ("media_category", "tweet_image"),
        ("media_type", media_type.as_str()),
    ];
    let body = multipart::file_and_fields(&stamp.nonce, "media", media_type, bytes, &fields);
    Request::post(url)
        .header(AUTHORIZATION, signed)
        .header(CONTENT_TYPE, multipart::content_type(&stamp.nonce))
        .body(body)
        .map_err(|error| invalid_request(&error))
}

/// Builds the signed request that sets an uploaded picture as the account's.
fn set(account: &Account, media_id: &str, stamp: &Stamp) -> Result<Request<Vec<u8>>, Diagnosis> {
    let url = format!("{}{SET}", account.base_url);
    let signed = oauth1::authorization("PUT", &url, &[], &account.credentials, stamp);
    Request::put(url)
        .header(AUTHORIZATION, signed)
        .header(CONTENT_TYPE, "application/json")
        .body(json!({ "media_id": media_id }).to_string().into_bytes())
        .map_err(|error| invalid_request(&error))
}

/// Reads X's reply to a successful upload.
fn read_media(reply: &Reply, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Media, Outcome> {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let id = body.pointer("/data/id").and_then(Value::as_str);
    let Some(id) = id.filter(|id| !id.is_empty() && id.len() <= 100) else {
        let is_told = reply.has_errors();
        return Err(Outcome::Refused(if is_told {
            said_no(reply)
        } else {
            no_media()
        }));
    };
    if state_in(&body) == Some("failed") {
        return Err(Outcome::Refused(Diagnosis::new(
            Reason::Request,
            "X accepted the picture and could not process it.",
            "Publish the icon again.",
        )));
    }
    let lifetime = body
        .pointer("/data/expires_after_secs")
        .and_then(Value::as_i64);
    Ok(Media {
        id: id.to_owned(),
        picture: fingerprint(picture.bytes),
        // Without an expiry time, the upload is not used again.
        expires_at: now.timestamp().saturating_add(lifetime.unwrap_or(0)),
    })
}

fn state_in(body: &Value) -> Option<&str> {
    body.pointer("/data/processing_info/state")?.as_str()
}

/// How long to wait while X processes the picture.
fn wait_for(reply: &Reply) -> Option<TimeDelta> {
    let body: Value = serde_json::from_slice(reply.body()).ok()?;
    matches!(state_in(&body)?, "pending" | "in_progress").then(|| {
        let seconds = body.pointer("/data/processing_info/check_after_secs");
        let seconds = seconds.and_then(Value::as_i64).unwrap_or(1);
        TimeDelta::seconds(seconds.clamp(1, 3_600))
    })
}

/// Reads a success of the second call. X's page does not show its body.
fn read_set(reply: &Reply) -> Outcome {
    let body = reply.body().trim_ascii();
    let is_object = || serde_json::from_slice::<Value>(body).is_ok_and(|body| body.is_object());
    if reply.has_errors() {
        Outcome::Refused(said_no(reply))
    } else if body.is_empty() || is_object() {
        Outcome::Turned
    } else {
        Outcome::Refused(no_media())
    }
}

/// The diagnosis of a success whose body reports errors.
fn said_no(reply: &Reply) -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        reply.said(),
        "X reported success and an error at once. See whether the picture has changed, and whether X \
         reports a problem.",
    )
}

fn no_media() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not as X does.",
        "Check API_BASE_URL: something other than X's API answers there.",
    )
}

/// The name of the user that the keys belong to.
pub(super) fn read_me(body: &[u8], secrets: &[Secret]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let secrets: Vec<_> = secrets.iter().collect();
    let name = quoted(body.pointer("/data/username")?.as_str()?, &secrets);
    Some(name).filter(|name| !name.is_empty())
}
