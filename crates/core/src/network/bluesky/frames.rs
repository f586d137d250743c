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
use crate::network::bluesky::call::{Call, DELETE_RECORD, JSON, SELF, UPLOAD_BLOB};
use crate::network::bluesky::errors::{Failure, MODERATED_PICTURE, uploads_limited};
use crate::network::bluesky::exchange::Exchange;
use crate::network::bluesky::records::taken;
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

impl Exchange<'_> {
    /// A reference to a picture's blob. If the blob has not been seen in the record of frames, or
    /// `is_lost`, it is uploaded now and entered there.
    pub(super) async fn blob_of(
        &mut self,
        did: &str,
        picture: Picture<'_>,
        is_lost: bool,
    ) -> Result<Value, Failure> {
        let link = cid(picture.bytes);
        if !is_lost && self.kept_frames.contains(&link) {
            return Ok(reference(picture, &link));
        }
        let mut uploaded = None;
        let mut gone: Vec<String> = if is_lost {
            vec![link.clone()]
        } else {
            Vec::new()
        };
        let mut swaps_left = MAX_SWAPS;
        for _ in 0..MAX_TRIES {
            let read = self.record(did, FRAMES).await;
            let (mut record, swap) = match read {
                Ok(read) => read,
                Err(failure) if can_do_without(&failure) => break,
                Err(failure) => return Err(failure),
            };
            let mut frames = frames_of(&mut record, picture.set);
            frames.retain(|frame| {
                link_of(frame).is_some_and(|link| !gone.iter().any(|one| one == link))
            });
            self.remember_frames(&frames);
            if self.kept_frames.contains(&link) {
                return Ok(reference(picture, &link));
            }
            let blob = match &uploaded {
                Some(blob) => blob,
                None => uploaded.insert(self.upload(picture).await?),
            };
            // If the service re-encoded the picture, its blob cannot be found again.
            if link_of(blob) != Some(&link) || frames.len() >= MAX_FRAMES {
                break;
            }
            frames.push(blob.clone());
            let value = json!({ "$type": FRAMES, "set": picture.set, "frames": frames });
            let Err(failure) = self.put(did, FRAMES, &value, &swap).await else {
                self.remember_frames(&frames);
                break;
            };
            match failure.name.as_ref() {
                "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
                // Moderation removed it, or others keep changing it.
                "InvalidSwap" => break,
                "BlobNotFound" => {
                    let words = &failure.words;
                    let named = links(&frames).find(|one| words.contains(*one) && *one != link);
                    match named {
                        Some(named) => gone.push(named.to_owned()),
                        None => gone
                            .extend(links(&frames).filter(|one| *one != link).map(str::to_owned)),
                    }
                }
                _ if can_do_without(&failure) => break,
                _ => return Err(failure),
            }
        }
        match uploaded {
            Some(blob) => Ok(blob),
            None => self.upload(picture).await,
        }
    }

    /// Remembers which frames the record refers to.
    fn remember_frames(&mut self, frames: &[Value]) {
        self.kept_frames = links(frames).map(str::to_owned).collect();
        self.remember();
    }

    async fn upload(&mut self, picture: Picture<'_>) -> Result<Value, Failure> {
        let mut reply = match self.call(&Call::upload(picture)).await {
            Ok(reply) => reply,
            Err(failure) if failure.status == Some(429) && *failure.call == *UPLOAD_BLOB => {
                return Err(uploads_limited(failure));
            }
            Err(failure)
                if failure.words.contains("taken") && failure.words.contains("re-upload") =>
            {
                return Err(failure.told(Reason::Request, MODERATED_PICTURE));
            }
            Err(failure) => return Err(failure),
        };
        let blob = taken(&mut reply, "blob");
        match link_of(&blob) {
            Some(_) => Ok(blob),
            None => Err(Failure::unexpected(UPLOAD_BLOB)),
        }
    }

    /// Deletes the record of frames. The picture that the profile shows stays.
    pub(super) async fn remove_frames(&mut self) -> Result<(), Failure> {
        let did = self.did().await?;
        let record = json!({ "repo": did, "collection": FRAMES, "rkey": SELF });
        let record = record.to_string();
        self.kept_frames.clear();
        self.remember();
        let delete = Call::post(DELETE_RECORD, Some(JSON), record.as_bytes());
        self.call(&delete).await.map(drop)
    }
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
