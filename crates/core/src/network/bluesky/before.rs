//! The picture that the account showed before the start. The record of frames refers to it
//! ([`BEFORE`]), so the service keeps it as it is, whatever its format, and the profile can refer to
//! it again.

use serde_json::{Value, json};

use crate::network::bluesky::account::TITLE;
use crate::network::bluesky::blob::link_of;
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::Failure;
use crate::network::bluesky::frames::{BEFORE, FRAMES, before_in};
use crate::network::bluesky::profile::{Avatar, replace_avatar, shown_avatar};
use crate::network::bluesky::records::{put, read};
use crate::network::sign_in::Shown;
use crate::outcome::Reason;

/// The most times that the record is read again after somebody else changed it.
const MAX_SWAPS: u32 = 3;

/// What a person can do whose picture cannot be held.
const KEEP_IT_YOURSELF: &str = "Download the picture from your profile first, so that you can put \
     it back yourself.";

/// What a person can do whose picture is not held any more.
const CHOOSE_AGAIN: &str = "Choose your picture again in the Bluesky app.";

/// Enters the picture that the profile shows into the record of frames.
///
/// If the profile shows one of the frames and the record holds a picture from before, that stays: the
/// account was started before, and its start was forgotten.
///
/// # Errors
/// When the picture cannot be held.
pub(super) async fn keep_shown(calls: &mut dyn Calls) -> Result<Shown, Failure> {
    let did = calls.did().await?;
    let Some(avatar) = shown_avatar(calls, &did).await? else {
        return Ok(Shown::Default);
    };
    let Some(link) = link_of(&avatar) else {
        // A form from before 2023, which servers accept in no new record.
        return Err(Failure::refused(
            Reason::Request,
            format!("{TITLE} cannot hold the picture: the profile refers to it in an old form"),
            KEEP_IT_YOURSELF,
        ));
    };
    let mut swaps_left = MAX_SWAPS;
    let mut are_frames_gone = false;
    loop {
        let (mut record, swap) = read(calls, &did, FRAMES).await?;
        let frames = record.get("frames").and_then(Value::as_array);
        let mut frames = frames.into_iter().flatten().filter_map(link_of);
        let shows_frame = frames.any(|frame| frame == link);
        if before_in(&record).is_some_and(|before| shows_frame || *before == avatar) {
            return Ok(Shown::Held);
        }
        record.entry("$type").or_insert_with(|| FRAMES.into());
        record.entry("set").or_insert_with(|| "".into());
        if are_frames_gone {
            record.remove("frames");
        }
        record.entry("frames").or_insert_with(|| json!([]));
        record.insert(BEFORE.to_owned(), avatar.clone());
        let Err(failure) = put(calls, &did, FRAMES, &Value::Object(record), &swap).await else {
            return Ok(Shown::Held);
        };
        match failure.name.as_ref() {
            "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
            // Frames of an earlier time. They are uploaded again when they are due.
            "BlobNotFound" if !are_frames_gone && !failure.words.contains(link) => {
                are_frames_gone = true;
                calls.remember_frames(Vec::new());
            }
            "BlobNotFound" => return Err(failure.told(Reason::Request, KEEP_IT_YOURSELF)),
            _ => return Err(failure),
        }
    }
}

/// Has the profile show the picture again that the record of frames holds.
///
/// # Errors
/// When the record does not hold it any more, or the service does not take the profile.
pub(super) async fn put_held_back(calls: &mut dyn Calls) -> Result<(), Failure> {
    let did = calls.did().await?;
    let (record, _) = read(calls, &did, FRAMES).await?;
    let Some(before) = before_in(&record) else {
        return Err(Failure::refused(
            Reason::Settings,
            format!(
                "The picture from before the start was held by the record {FRAMES} of your \
                 account, and is not there any more"
            ),
            CHOOSE_AGAIN,
        ));
    };
    let put = replace_avatar(calls, Avatar::Held(before)).await;
    put.map_err(|failure| {
        let link = link_of(before).unwrap_or_default();
        if *failure.name == *"BlobNotFound" && failure.words.contains(link) {
            return failure.told(Reason::Settings, CHOOSE_AGAIN);
        }
        failure
    })
}
