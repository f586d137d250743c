//! The profile record, `app.bsky.actor.profile`: read, and put back with only the picture changed.

use serde_json::Value;

use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::blob::link_of;
use crate::network::bluesky::call::PUT_RECORD;
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::{Failure, MODERATED_PROFILE};
use crate::network::bluesky::frames::blob_of;
use crate::network::bluesky::records::{put, read};
use crate::network::interface::Picture;
use crate::network::reply::quoted;
use crate::outcome::Reason;

/// The collection of profiles. An account has one, with the key `self`.
const PROFILE: &str = "app.bsky.actor.profile";

/// The member of a profile that refers to the picture.
const AVATAR: &str = "avatar";

/// The most times that a record is read again after somebody else changed it, as in `upsertProfile`
/// of the official client.
const MAX_SWAPS: u32 = 5;

/// What the profile shows from now on.
#[derive(Clone, Copy)]
pub(super) enum Avatar<'a> {
    /// A picture, which is uploaded if the service does not have it.
    Picture(Picture<'a>),
    /// The picture that this refers to, which the service has.
    Held(&'a Value),
    /// None.
    Nothing,
}

/// The reference to the picture that the profile shows, if it shows one.
///
/// # Errors
/// When the profile cannot be read.
pub(super) async fn shown_avatar(
    calls: &mut dyn Calls,
    did: &str,
) -> Result<Option<Value>, Failure> {
    let (mut profile, _) = read(calls, did, PROFILE).await?;
    Ok(profile.remove(AVATAR).filter(|avatar| !avatar.is_null()))
}

/// Reads the profile and puts it back with another picture, or none.
///
/// # Errors
/// When the service does not take the picture or the profile.
pub(super) async fn replace_avatar(
    calls: &mut dyn Calls,
    avatar: Avatar<'_>,
) -> Result<(), Failure> {
    let did = calls.did().await?;
    let mut blob = match avatar {
        Avatar::Picture(picture) => blob_of(calls, &did, picture, false).await?,
        Avatar::Held(blob) => blob.clone(),
        Avatar::Nothing => Value::Null,
    };
    let mut is_healed = false;
    let mut swaps_left = MAX_SWAPS;
    // How many times in a row the record was missing, and yet there was one to replace.
    let mut contradictions = 0_u32;
    loop {
        let (mut profile, cid) = read(calls, &did, PROFILE).await?;
        let was_there = !cid.is_null();
        if blob.is_null() {
            if profile.remove(AVATAR).is_none() {
                return Ok(());
            }
        } else {
            profile
                .entry("$type")
                .or_insert_with(|| Value::from(PROFILE));
            profile.insert(AVATAR.to_owned(), blob.clone());
        }
        let profile = Value::Object(profile);
        let Err(failure) = put(calls, &did, PROFILE, &profile, &cid).await else {
            return Ok(());
        };
        match (failure.name.as_ref(), avatar) {
            ("InvalidSwap", _) if !was_there && contradictions > 0 => {
                return Err(failure.told(Reason::Account, MODERATED_PROFILE));
            }
            ("InvalidSwap", _) if swaps_left > 0 => {
                swaps_left = swaps_left.saturating_sub(1);
                contradictions = u32::from(!was_there);
            }
            ("BlobNotFound", Avatar::Picture(picture))
                if !is_healed && culprit(&failure, &profile, &blob).is_none() =>
            {
                is_healed = true;
                blob = blob_of(calls, &did, picture, true).await?;
            }
            _ => return Err(about_profile(failure, &profile, &blob, calls.advice())),
        }
    }
}

/// The member of a profile, other than the picture, that a refusal names.
fn culprit<'a>(failure: &Failure, profile: &'a Value, avatar: &Value) -> Option<&'a str> {
    let members = profile.as_object()?;
    let words = failure.words.as_ref();
    if *failure.name == *"BlobNotFound" {
        let is_named = |link: Option<&str>| link.is_some_and(|link| words.contains(link));
        let mut others = members.iter().filter(|(_, value)| *value != avatar);
        let named = others.find(|(_, value)| is_named(link_of(value)));
        return named.map(|(name, _)| name.as_str());
    }
    // The official server's present form (`… at $.record.website`), and its earlier one
    // (`Record/website must be …`). What was sent may precede it.
    let paths = ["$.record.", "$.record[\"", "Record/"];
    let found = paths.iter().find_map(|path| {
        let (_, rest) = words.rsplit_once(path)?;
        let names = members.keys().map(String::as_str);
        // The longest name, because one may begin with another.
        names
            .filter(|name| rest.starts_with(name))
            .max_by_key(|name| name.len())
    });
    found.filter(|name| *name != "avatar")
}

/// Adds a remedy for a refused profile.
fn about_profile(failure: Failure, profile: &Value, avatar: &Value, advice: &Advice) -> Failure {
    let is_told = failure
        .refusal()
        .is_some_and(|diagnosis| diagnosis.reason == Reason::Request);
    if *failure.call != *PUT_RECORD || (!is_told && *failure.name != *"BlobNotFound") {
        return failure;
    }
    if let Some(name) = culprit(&failure, profile, avatar) {
        let (what, how) = match name {
            "banner" => ("banner", "choose another banner"),
            "website" => ("website", "correct or remove the website"),
            "description" => ("description", "shorten the description"),
            "displayName" => ("display name", "shorten the display name"),
            "pronouns" => ("pronouns", "shorten the pronouns"),
            "pinnedPost" => ("pinned post", "unpin the post, or pin one"),
            _ => ("", ""),
        };
        let remedy = if what.is_empty() {
            let name = quoted(name, &[]);
            format!(
                "Bluesky does not accept the member `{name}` that the profile has, not the \
                 picture. Edit the profile once in the Bluesky app, or in the app that has set \
                 this member, and save it; then turn."
            )
        } else {
            format!(
                "Bluesky does not accept the {what} that the profile has, not the picture. Edit \
                 the profile once in the Bluesky app: {how}, and save; then turn."
            )
        };
        return failure.told(Reason::Request, remedy);
    }
    let is_of_picture = failure.words.contains("avatar")
        || matches!(failure.name.as_ref(), "InvalidMimeType" | "InvalidSize")
        || failure.status == Some(413);
    if is_of_picture || *failure.name == *"BlobNotFound" {
        return failure;
    }
    failure.told(Reason::Request, advice.refused_profile)
}
