//! The record of frames, which keeps frames at the service so that each is uploaded once.
//!
//! `uploadBlob` may be called 1,000 times a day per IP address (`uploadBlob.ts` of the official
//! server), and Workers share addresses. A blob lives as long as a record of its account refers to
//! it, so the program's own record refers to the frames of the current set. A frame is uploaded
//! when it is first due; after that, a turn reads and puts the profile, and no more. A blob's name
//! follows from its bytes, so the record is read only if a frame has not been seen in it before.
//!
//! Like everything in a repository, the record and its pictures are public.
//!
//! A frame that is shown is not lost with the record: the profile refers to it too.

use serde_json::{Map, Value, json};

use crate::network::bluesky::blob::{cid, link_of, reference};
use crate::network::bluesky::call::{Call, UPLOAD_BLOB};
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::{Failure, uploads_limited};
use crate::network::bluesky::records::{delete, put, read, taken};
use crate::network::interface::Picture;
use crate::outcome::Reason;

/// The collection of the record. An account has one, with the key `self`. The name is the same for
/// every deployment and never changes: another name would orphan existing records.
pub(super) const FRAMES: &str = "app.rotate-icon.frames";

/// The most frames that the record refers to. A reference takes 135 bytes, and servers accept 150
/// KiB of JSON (`index.ts` of the official server). The frames of a larger set beyond that are
/// uploaded each time.
pub(super) const MAX_FRAMES: usize = 1_000;

/// The most times that a turn puts the record if blobs it refers to are gone. The turn does not
/// depend on it.
const MAX_TRIES: u32 = 10;

/// The most times that a record is read again after somebody else changed it.
const MAX_SWAPS: u32 = 2;

/// The member of the record that refers to the picture that the account showed before the start.
pub(super) const BEFORE: &str = "before";

/// The reference to the picture from before the start that the record holds.
pub(super) fn before_in(record: &Map<String, Value>) -> Option<&Value> {
    record
        .get(BEFORE)
        .filter(|before| link_of(before).is_some())
}

/// The frames of a set that the record refers to.
fn frames_of(record: &mut Map<String, Value>, set: &str) -> Vec<Value> {
    if record.get("set").and_then(Value::as_str) != Some(set) {
        return Vec::new();
    }
    let Some(Value::Array(mut frames)) = record.remove("frames") else {
        return Vec::new();
    };
    frames.retain(|frame| link_of(frame).is_some());
    frames
}

fn links(frames: &[Value]) -> impl Iterator<Item = &str> {
    frames.iter().filter_map(link_of)
}

/// A reference to a picture's blob. If the blob has not been seen in the record of frames, or
/// `is_lost`, it is uploaded now and entered there.
pub(super) async fn blob_of(
    calls: &mut dyn Calls,
    did: &str,
    picture: Picture<'_>,
    is_lost: bool,
) -> Result<Value, Failure> {
    let link = cid(picture.bytes);
    if !is_lost && calls.kept_frames().contains(&link) {
        return Ok(reference(picture, &link));
    }
    let mut uploaded = None;
    let mut gone: Vec<String> = if is_lost {
        vec![link.clone()]
    } else {
        Vec::new()
    };
    let mut is_before_gone = false;
    let mut swaps_left = MAX_SWAPS;
    for _ in 0..MAX_TRIES {
        let found = read(calls, did, FRAMES).await;
        let (mut record, swap) = match found {
            Ok(found) => found,
            Err(failure) if can_do_without(&failure) => break,
            Err(failure) => return Err(failure),
        };
        let mut frames = frames_of(&mut record, picture.set);
        frames
            .retain(|frame| link_of(frame).is_some_and(|link| !gone.iter().any(|one| one == link)));
        remember(calls, &frames);
        if calls.kept_frames().contains(&link) {
            return Ok(reference(picture, &link));
        }
        let blob = match &uploaded {
            Some(blob) => blob,
            None => uploaded.insert(upload(calls, picture).await?),
        };
        // If the service re-encoded the picture, its blob cannot be found again.
        if link_of(blob) != Some(&link) || frames.len() >= MAX_FRAMES {
            break;
        }
        frames.push(blob.clone());
        let mut value = json!({ "$type": FRAMES, "set": picture.set, "frames": frames });
        // The picture from before the start outlives every set.
        let before = before_in(&record).filter(|_| !is_before_gone);
        if let (Some(before), Value::Object(members)) = (before, &mut value) {
            members.insert(BEFORE.to_owned(), before.clone());
        }
        let Err(failure) = put(calls, did, FRAMES, &value, &swap).await else {
            remember(calls, &frames);
            break;
        };
        match failure.name.as_ref() {
            "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
            // Moderation removed it, or others keep changing it.
            "InvalidSwap" => break,
            "BlobNotFound" => {
                let words = &failure.words;
                let is_named = |one: &&str| words.contains(*one) && *one != link;
                let before = before.and_then(link_of).filter(is_named);
                match links(&frames).find(is_named) {
                    Some(named) => gone.push(named.to_owned()),
                    // It cannot be put back any more, and with it the record would keep no frame.
                    None if before.is_some() => is_before_gone = true,
                    None => {
                        gone.extend(links(&frames).filter(|one| *one != link).map(str::to_owned));
                    }
                }
            }
            _ if can_do_without(&failure) => break,
            _ => return Err(failure),
        }
    }
    match uploaded {
        Some(blob) => Ok(blob),
        None => upload(calls, picture).await,
    }
}

/// Remembers which frames the record refers to.
fn remember(calls: &mut dyn Calls, frames: &[Value]) {
    calls.remember_frames(links(frames).map(str::to_owned).collect());
}

async fn upload(calls: &mut dyn Calls, picture: Picture<'_>) -> Result<Value, Failure> {
    let mut reply = match calls.call(&Call::upload(picture)).await {
        Ok(reply) => reply,
        Err(failure) if failure.status == Some(429) && *failure.call == *UPLOAD_BLOB => {
            return Err(uploads_limited(failure));
        }
        Err(failure) if failure.words.contains("taken") && failure.words.contains("re-upload") => {
            return Err(failure.told(Reason::Request, calls.advice().moderated_picture));
        }
        Err(failure) => return Err(failure),
    };
    let blob = taken(&mut reply, "blob");
    match link_of(&blob) {
        Some(_) => Ok(blob),
        None => Err(Failure::unexpected(UPLOAD_BLOB, calls.advice())),
    }
}

/// Removes the frames from the record, which goes on holding the picture from before the start. A
/// record that holds none is deleted.
///
/// # Errors
/// When the frames may still be there.
pub(super) async fn remove_all_but_before(calls: &mut dyn Calls) -> Result<(), Failure> {
    let did = calls.did().await?;
    calls.remember_frames(Vec::new());
    let mut swaps_left = MAX_SWAPS;
    loop {
        let (record, swap) = read(calls, &did, FRAMES).await?;
        let Some(before) = before_in(&record) else {
            return delete(calls, &did, FRAMES).await;
        };
        let value = json!({ "$type": FRAMES, "set": "", "frames": [], BEFORE: before });
        let Err(failure) = put(calls, &did, FRAMES, &value, &swap).await else {
            return Ok(());
        };
        match failure.name.as_ref() {
            "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
            // Moderation removed the picture, so it cannot be put back any more.
            "BlobNotFound" => return delete(calls, &did, FRAMES).await,
            _ => return Err(failure),
        }
    }
}

/// Deletes the record of frames, and with it the picture from before the start that it may hold. The
/// picture that the profile shows stays.
///
/// # Errors
/// When it may still be there.
pub(super) async fn remove_frames(calls: &mut dyn Calls) -> Result<(), Failure> {
    let did = calls.did().await?;
    calls.remember_frames(Vec::new());
    delete(calls, &did, FRAMES).await
}

/// Whether the record is out of reach but the turn can go on: then the picture is uploaded as if
/// there were no record.
fn can_do_without(failure: &Failure) -> bool {
    if failure.is_of_unknown_account() || failure.is_of_closed_account() {
        return false;
    }
    failure.refusal().is_some_and(|diagnosis| {
        matches!(
            diagnosis.reason,
            Reason::Request | Reason::Access | Reason::UnexpectedReply
        )
    })
}
