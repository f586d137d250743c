//! The account's repository: its records, its blobs, and what a write has to leave unchanged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::cid;
use super::lexicon::{
    check_frames, check_profile, frames_in, has_a_number_too_large, link_in, links_in,
};
use super::{
    BLOB_NOT_FOUND, COLLECTION, FRAMES, INTERNAL_SERVER_ERROR, INVALID_MIME_TYPE, INVALID_REQUEST,
    INVALID_SIZE, INVALID_SWAP,
};
use crate::picture::Picture;
use crate::reply::Rejection;
use crate::text::quoted;

/// How long a blob is kept that no record refers to, in seconds.
pub(crate) const BLOB_LIFETIME: i64 = 60 * 60;

/// A record and its CID.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) cid: String,
    pub(crate) value: Map<String, Value>,
}

/// An uploaded blob.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) picture: Picture,
    pub(crate) mime_type: String,
    declared: String,
    /// Why it cannot be an avatar.
    flaw: Option<String>,
    uploaded: i64,
}

impl Blob {
    /// A blob of these bytes. Its type is that of the bytes, if they are a picture, else the
    /// declared one.
    pub(crate) fn of(bytes: Bytes, declared: &str) -> Self {
        let picture = Picture::inspect(bytes);
        Self {
            mime_type: picture.facts.media_type.unwrap_or(declared).to_owned(),
            declared: declared.to_owned(),
            flaw: picture.check_square().err(),
            uploaded: 0,
            picture,
        }
    }
}

/// The repository: one record per collection, and the blobs.
#[derive(Clone)]
pub(crate) struct Repository {
    records: BTreeMap<String, Record>,
    blobs: HashMap<String, Blob>,
}

impl Repository {
    /// A repository with a profile as other clients write it, or without one.
    pub(crate) fn new(with_profile: bool) -> Self {
        let mut repository = Self {
            records: BTreeMap::new(),
            blobs: HashMap::new(),
        };
        if with_profile {
            // The profile is inside the data model, so it has a CID.
            let _ = repository.overwrite(COLLECTION, Some(first_profile()));
        }
        repository
    }

    /// The record of a collection.
    pub(crate) fn record(&self, collection: &str) -> Option<&Record> {
        self.records.get(collection)
    }

    /// Loses blobs, although records refer to them.
    pub(crate) fn lose(&mut self, cids: &[String]) {
        self.blobs.retain(|cid, _| !cids.contains(cid));
    }

    /// Stores a blob and returns the reference to it.
    pub(crate) fn upload(&mut self, mut blob: Blob, now: DateTime<Utc>) -> Value {
        blob.uploaded = now.timestamp();
        let cid = cid::of_bytes(&blob.picture.bytes);
        let reference = json!({
            "$type": "blob",
            "ref": { "$link": cid },
            "mimeType": blob.mime_type,
            "size": blob.picture.facts.bytes,
        });
        self.blobs.insert(cid, blob);
        reference
    }

    /// Drops blobs that no record refers to: those older than [`BLOB_LIFETIME`] at this time, or
    /// all of them without a time.
    pub(crate) fn collect_garbage(&mut self, now: Option<DateTime<Utc>>) {
        let referred = self.referred();
        self.blobs.retain(|cid, blob| {
            let young = now.is_some_and(|now| now.timestamp() - blob.uploaded < BLOB_LIFETIME);
            young || referred.contains(cid)
        });
    }

    fn referred(&self) -> BTreeSet<String> {
        self.records
            .values()
            .flat_map(|record| links_in(&record.value))
            .collect()
    }

    /// The blobs as the control routes list them.
    pub(crate) fn list_blobs(&self) -> Value {
        let referred = self.referred();
        let mut blobs: Vec<(&String, &Blob)> = self.blobs.iter().collect();
        blobs.sort_by_key(|(cid, _)| *cid);
        blobs
            .into_iter()
            .map(|(cid, blob)| {
                json!({
                    "cid": cid,
                    "mimeType": blob.mime_type,
                    "size": blob.picture.facts.bytes,
                    "referred": referred.contains(cid),
                })
            })
            .collect()
    }

    /// Puts or deletes a record without checks, as another client would.
    ///
    /// # Errors
    ///
    /// If the record is outside the data model.
    pub(crate) fn overwrite(
        &mut self,
        collection: &str,
        value: Option<Map<String, Value>>,
    ) -> Result<(), String> {
        let record = match value {
            None => None,
            Some(value) => Some(Record {
                cid: cid::of_record(&Value::Object(value.clone()))?,
                value,
            }),
        };
        self.replace(collection, record);
        Ok(())
    }

    /// Changes the description of the profile, as another client would.
    pub(crate) fn touch(&mut self, count: u64) {
        let mut value = self
            .record(COLLECTION)
            .map_or_else(first_profile, |record| record.value.clone());
        let description = format!("Changed by another client, {count}.");
        value.insert("description".to_owned(), description.into());
        // The record had a CID before, and a text cannot take it away.
        let _ = self.overwrite(COLLECTION, Some(value));
    }

    /// Replaces the record of a collection, and drops the blobs that only the old one referred to.
    fn replace(&mut self, collection: &str, record: Option<Record>) {
        let before = self.referred();
        match record {
            Some(record) => self.records.insert(collection.to_owned(), record),
            None => self.records.remove(collection),
        };
        let after = self.referred();
        for cid in before.difference(&after) {
            self.blobs.remove(cid);
        }
    }

    /// Puts a record. Returns the avatar in it, and whether the record changed.
    ///
    /// # Errors
    ///
    /// If anything about the record is wrong.
    pub(crate) fn put(
        &mut self,
        collection: &str,
        value: &Map<String, Value>,
        swap: Option<&Value>,
    ) -> Result<(Option<Picture>, bool), Rejection> {
        if value.values().any(has_a_number_too_large) {
            return Err(
                INTERNAL_SERVER_ERROR.because("there is a number beyond 2^53 in the record")
            );
        }
        let checked = if collection == FRAMES {
            check_frames(value)
        } else {
            check_profile(value)
        };
        checked.map_err(|reason| {
            INVALID_REQUEST.saying(format!("Invalid {collection} record: {reason}"))
        })?;
        let cid = cid::of_record(&Value::Object(value.clone()))
            .map_err(|reason| INVALID_REQUEST.saying(reason))?;
        self.check_swap(collection, swap)?;
        let avatar = if collection == FRAMES {
            for frame in frames_in(value) {
                self.picture(frame)?;
            }
            self.check_frames_kept(value)?;
            None
        } else {
            self.check_kept(value)?;
            let avatar = value.get("avatar").map(|avatar| self.picture(avatar));
            avatar.transpose()?.cloned()
        };
        let before = self.record(collection);
        let changed = before.is_none_or(|before| before.cid != cid);
        let record = Record {
            cid,
            value: value.clone(),
        };
        self.replace(collection, Some(record));
        Ok((avatar, changed))
    }

    fn check_swap(&self, collection: &str, swap: Option<&Value>) -> Result<(), Rejection> {
        let Some(swap) = swap else {
            return Err(INVALID_REQUEST
                .because("there is no swapRecord: a change by another client could be lost"));
        };
        let present = self.record(collection).map(|record| record.cid.as_str());
        if swap.as_str() == present && (swap.is_null() || swap.is_string()) {
            return Ok(());
        }
        let present = present.unwrap_or("null");
        Err(INVALID_SWAP.saying(format!("Record was at {present}")))
    }

    /// Checks that no stored frame of the same set is lost, since it would have to be uploaded
    /// again.
    fn check_frames_kept(&self, value: &Map<String, Value>) -> Result<(), Rejection> {
        let Some(before) = self.record(FRAMES) else {
            return Ok(());
        };
        if before.value.get("set") != value.get("set") {
            return Ok(());
        }
        let kept = links_in(value);
        let mut lost = links_in(&before.value).into_iter();
        match lost.find(|cid| !kept.contains(cid) && self.blobs.contains_key(cid)) {
            Some(cid) => Err(INVALID_REQUEST.because(format!("the frame {cid} would be lost"))),
            None => Ok(()),
        }
    }

    /// Checks that nothing but the avatar changes.
    fn check_kept(&self, value: &Map<String, Value>) -> Result<(), Rejection> {
        let Some(before) = self.record(COLLECTION) else {
            return Ok(());
        };
        for (name, old) in &before.value {
            let name_shown = quoted(name);
            match value.get(name) {
                None => {
                    return Err(INVALID_REQUEST.because(format!(
                        "the field {name_shown} of the record would be lost"
                    )));
                }
                Some(new) if new != old && name != "avatar" => {
                    return Err(INVALID_REQUEST.because(format!(
                        "the field {name_shown} would be changed, not only the avatar"
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The stored picture that a reference in a record refers to.
    fn picture(&self, reference: &Value) -> Result<&Picture, Rejection> {
        let cid = link_in(reference).unwrap_or_default();
        let mime_type = reference["mimeType"].as_str().unwrap_or_default();
        let size = reference["size"].as_u64().unwrap_or_default();
        let Some(blob) = self.blobs.get(cid) else {
            return Err(BLOB_NOT_FOUND.saying(format!("Could not find blob: {cid}")));
        };
        let stored = blob.picture.facts.bytes;
        if mime_type != blob.mime_type {
            return Err(INVALID_MIME_TYPE.saying(format!(
                "Referenced Mimetype does not match stored blob. Expected: {}, Got: {mime_type}",
                blob.mime_type
            )));
        }
        if size != stored as u64 {
            return Err(INVALID_SIZE.saying(format!(
                "Referenced Size does not match stored blob. Expected: {stored}, Got: {size}"
            )));
        }
        if blob.declared != blob.mime_type {
            return Err(INVALID_MIME_TYPE.because(format!(
                "the avatar was uploaded as {} but is {mime_type}",
                quoted(&blob.declared)
            )));
        }
        match &blob.flaw {
            Some(flaw) => Err(INVALID_REQUEST.because(flaw)),
            None => Ok(&blob.picture),
        }
    }
}

/// The initial profile: ordinary fields, and one outside the lexicon with values that a careless
/// client would lose.
pub(crate) fn first_profile() -> Map<String, Value> {
    let profile = json!({
        "$type": COLLECTION,
        "displayName": "Local account ☃",
        "description": "An account that exists on this machine only.\n",
        "createdAt": "2023-04-12T00:00:00.000Z",
        "org.example.unknown": {
            "numbers": [0, -1, 9_007_199_254_740_991_u64],
            "nothing": null,
            "text": "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \"quoted\" \\ / \u{7f}",
        },
    });
    match profile {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
