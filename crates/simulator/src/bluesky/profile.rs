//! The records, the blobs they refer to, and everything that has to be right for a new one to be
//! taken: the profile, and the frames that this client keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::cid;
use super::{
    BLOB_NOT_FOUND, COLLECTION, FRAMES, INTERNAL_SERVER_ERROR, INVALID_MIME_TYPE, INVALID_REQUEST,
    INVALID_SIZE, INVALID_SWAP,
};
use crate::answer::Rejection;
use crate::picture::Picture;
use crate::text::quoted;

/// The most bytes of an avatar.
const LARGEST_AVATAR: u64 = 1_000_000;
/// The most frames that are kept: more would not fit into the JSON that servers take.
const MOST_FRAMES: usize = 1_000;
/// The largest whole number that JavaScript has exactly; the data model has no larger one.
const LARGEST_NUMBER: u64 = (1 << 53) - 1;
/// What labels are that the owner of an account gives it.
const SELF_LABELS: &str = "com.atproto.label.defs#selfLabels";
/// How many seconds a blob is kept that no record refers to.
pub(super) const BLOB_LIFETIME: i64 = 60 * 60;

/// A text of the record: its name, its most graphemes and its most bytes.
const TEXTS: [(&str, usize, usize); 3] = [
    ("displayName", 64, 640),
    ("description", 256, 2_560),
    ("pronouns", 20, 200),
];

/// A record and its identifier.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) cid: String,
    pub(super) value: Map<String, Value>,
}

/// Bytes that were uploaded.
#[derive(Clone)]
pub(super) struct Blob {
    pub(super) picture: Picture,
    pub(super) mime_type: String,
    declared: String,
    /// What is wrong with it as a picture.
    flaw: Option<String>,
    uploaded: i64,
}

impl Blob {
    /// Looks at bytes that are being uploaded. Their type is what they are, if that can be told.
    pub(super) fn of(bytes: Bytes, declared: &str) -> Self {
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

/// The part of the account's repository that there is: a record a collection, and the blobs.
#[derive(Clone)]
pub(super) struct Repository {
    records: BTreeMap<String, Record>,
    blobs: HashMap<String, Blob>,
}

impl Repository {
    /// With a profile as other clients leave it, or without any.
    pub(super) fn new(with_profile: bool) -> Self {
        let mut repository = Self {
            records: BTreeMap::new(),
            blobs: HashMap::new(),
        };
        if with_profile {
            // A record of whole numbers, texts and the like always has an identifier.
            let _ = repository.overwrite(COLLECTION, Some(first_profile()));
        }
        repository
    }

    /// The one record of a collection.
    pub(super) fn record(&self, collection: &str) -> Option<&Record> {
        self.records.get(collection)
    }

    /// Loses blobs, although records refer to them.
    pub(super) fn lose(&mut self, cids: &[String]) {
        self.blobs.retain(|cid, _| !cids.contains(cid));
    }

    /// Keeps bytes for a while, and gives the reference to them.
    pub(super) fn upload(&mut self, mut blob: Blob, now: DateTime<Utc>) -> Value {
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

    /// Drops the blobs that no record refers to and that are old enough; all, without a time.
    pub(super) fn collect_garbage(&mut self, now: Option<DateTime<Utc>>) {
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
    pub(super) fn list_blobs(&self) -> Value {
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

    /// What another client does: puts any record, or deletes it.
    pub(super) fn overwrite(
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

    /// What another client does in between: changes the description.
    pub(super) fn touch(&mut self, count: u64) {
        let mut value = self
            .record(COLLECTION)
            .map_or_else(first_profile, |record| record.value.clone());
        let description = format!("Changed by another client, {count}.");
        value.insert("description".to_owned(), description.into());
        // The record had an identifier before, and a text is as good as another.
        let _ = self.overwrite(COLLECTION, Some(value));
    }

    /// Sets the record of a collection and drops the blobs that only the one before referred to.
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

    /// Puts a record, if everything about it is right; the picture in it, and whether anything
    /// changed.
    pub(super) fn put(
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
            check_lexicon(value)
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
            return Err(INVALID_REQUEST.because(
                "there is no swapRecord: what another client changed in between would be lost",
            ));
        };
        let present = self.record(collection).map(|record| record.cid.as_str());
        if swap.as_str() == present && (swap.is_null() || swap.is_string()) {
            return Ok(());
        }
        let present = present.unwrap_or("null");
        Err(INVALID_SWAP.saying(format!("Record was at {present}")))
    }

    /// Frames of the set that is kept stay, as long as they are there: they would have to be
    /// uploaded again.
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

    /// Nothing but the avatar is any business of this client.
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

    /// The picture that a reference in a record refers to.
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

/// The profile that is there at first: what people write, and a field that no lexicon knows, with
/// values that a careless client would lose.
fn first_profile() -> Map<String, Value> {
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

/// The identifier in a reference to a blob.
fn link_in(blob: &Value) -> Option<&str> {
    blob.pointer("/ref/$link").and_then(Value::as_str)
}

/// The blobs that a record refers to, however deep.
fn links_in(value: &Map<String, Value>) -> BTreeSet<String> {
    let mut links = BTreeSet::new();
    let mut rest: Vec<&Value> = value.values().collect();
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => {
                if members.get("$type").and_then(Value::as_str) == Some("blob")
                    && let Some(link) = link_in(value)
                {
                    links.insert(link.to_owned());
                }
                rest.extend(members.values());
            }
            _ => {}
        }
    }
    links
}

/// The frames that a record of them refers to.
fn frames_in(value: &Map<String, Value>) -> &[Value] {
    let frames = value.get("frames").and_then(Value::as_array);
    frames.map(Vec::as_slice).unwrap_or_default()
}

/// Checks what this client keeps its frames in. The official server knows no such record and
/// would take anything.
fn check_frames(value: &Map<String, Value>) -> Result<(), String> {
    if value.get("$type").and_then(Value::as_str) != Some(FRAMES) {
        return Err(format!("Invalid $type: expected {FRAMES}"));
    }
    let known = ["$type", "set", "frames"];
    if let Some(name) = value.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("there is no member {}", quoted(name)));
    }
    if value
        .get("set")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err("Expected string value type at $.record.set".to_owned());
    }
    let frames = frames_in(value);
    if frames.is_empty() || frames.len() > MOST_FRAMES {
        return Err(format!(
            "{} frames are kept, not 1 to {MOST_FRAMES}",
            frames.len()
        ));
    }
    if links_in(value).len() != frames.len() {
        return Err("a frame is kept twice".to_owned());
    }
    frames
        .iter()
        .try_for_each(|frame| check_blob("frames", frame))
}

/// Checks a record against the lexicon of profiles, in the words of the official server.
fn check_lexicon(value: &Map<String, Value>) -> Result<(), String> {
    if value.get("$type").and_then(Value::as_str) != Some(COLLECTION) {
        return Err(format!("Invalid $type: expected {COLLECTION}"));
    }
    check_numbers(value)?;
    for (name, most_graphemes, most_bytes) in TEXTS {
        let Some(text) = value.get(name) else {
            continue;
        };
        let Some(text) = text.as_str() else {
            return Err(format!("Expected string value type at $.record.{name}"));
        };
        if text.len() > most_bytes {
            return Err(format!(
                "string too big (maximum {most_bytes}, got {}) at $.record.{name}",
                text.len()
            ));
        }
        let count = graphemes(text);
        if count > most_graphemes {
            return Err(format!(
                "grapheme too big (maximum {most_graphemes}, got {count}) at $.record.{name}"
            ));
        }
    }
    for name in ["avatar", "banner"] {
        if let Some(blob) = value.get(name) {
            check_blob(name, blob)?;
        }
    }
    if let Some(website) = value.get("website")
        && !website.as_str().is_some_and(is_uri)
    {
        return Err(format!("Invalid uri (got {website}) at $.record.website"));
    }
    for name in ["joinedViaStarterPack", "pinnedPost"] {
        if let Some(reference) = value.get(name) {
            check_reference(name, reference)?;
        }
    }
    if let Some(labels) = value.get("labels") {
        check_labels(labels)?;
    }
    if let Some(created) = value.get("createdAt")
        && created
            .as_str()
            .is_none_or(|created| DateTime::parse_from_rfc3339(created).is_err())
    {
        return Err(format!(
            "Invalid datetime (got {created}) at $.record.createdAt"
        ));
    }
    Ok(())
}

/// All numbers are whole, wherever they are.
fn check_numbers(record: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in record {
        let mut rest = vec![value];
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(members) => rest.extend(members.values()),
                Value::Number(number) if !number.is_i64() && !number.is_u64() => {
                    return Err(format!(
                        "Expected integer value type (got {number}) at $.record.{name}"
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_blob(name: &str, blob: &Value) -> Result<(), String> {
    let whole = blob.as_object().is_some_and(|members| {
        members.len() == 4
            && blob["$type"] == "blob"
            && blob["ref"].as_object().is_some_and(|link| link.len() == 1)
            && link_in(blob).is_some_and(cid::is_of_bytes)
            && blob["mimeType"].is_string()
            && blob["size"].as_u64().is_some_and(|size| size > 0)
    });
    if !whole {
        return Err(format!("Expected blob value type at $.record.{name}"));
    }
    let mime_type = blob["mimeType"].as_str().unwrap_or_default();
    if !matches!(mime_type, "image/png" | "image/jpeg") {
        return Err(format!(
            "Expected one of \"image/png\" or \"image/jpeg\" (got \"{mime_type}\") at \
             $.record.{name}.mimeType"
        ));
    }
    let size = blob["size"].as_u64().unwrap_or_default();
    if size > LARGEST_AVATAR {
        return Err(format!(
            "blob too big (maximum {LARGEST_AVATAR}, got {size}) at $.record.{name}"
        ));
    }
    Ok(())
}

/// Whether a text has the form of a URI, as `@atproto/syntax` sees it:
/// `/^\w+:(?:\/\/)?[^\s\/][^\s]*$/`.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    !scheme.is_empty()
        && scheme.chars().all(is_word)
        && !rest.is_empty()
        && !rest.starts_with('/')
        && !rest.contains(char::is_whitespace)
}

/// Checks a reference to a version of a record, `com.atproto.repo.strongRef`.
fn check_reference(name: &str, reference: &Value) -> Result<(), String> {
    if !reference.is_object() {
        return Err(format!(
            "Expected object value type (got {reference}) at $.record.{name}"
        ));
    }
    for key in ["uri", "cid"] {
        if reference.get(key).is_none() {
            return Err(format!("Missing required key \"{key}\" at $.record.{name}"));
        }
    }
    let uri = reference["uri"].as_str();
    if !uri.is_some_and(|uri| uri.starts_with("at://") && !uri.contains(char::is_whitespace)) {
        let uri = &reference["uri"];
        return Err(format!("Invalid at-uri (got {uri}) at $.record.{name}.uri"));
    }
    let cid = reference["cid"].as_str();
    if cid.and_then(cid::decode).is_none() {
        let cid = &reference["cid"];
        return Err(format!(
            "Invalid CID string (got {cid}) at $.record.{name}.cid"
        ));
    }
    Ok(())
}

/// Checks the labels that an account has given itself. Those of other types may hold anything.
fn check_labels(labels: &Value) -> Result<(), String> {
    let Some(kind) = labels.get("$type").and_then(Value::as_str) else {
        return Err(format!(
            "Expected an object which includes the \"$type\" property value type (got {labels}) at \
             $.record.labels"
        ));
    };
    if kind != SELF_LABELS {
        return Ok(());
    }
    let Some(values) = labels.get("values").and_then(Value::as_array) else {
        return Err("Missing required key \"values\" at $.record.labels".to_owned());
    };
    if values.len() > 10 {
        return Err("array too big (maximum 10) at $.record.labels.values".to_owned());
    }
    let is_label = |value: &Value| value["val"].as_str().is_some_and(|val| val.len() <= 128);
    if !values.iter().all(is_label) {
        return Err("string too big (maximum 128) at $.record.labels.values".to_owned());
    }
    Ok(())
}

/// Whether there is a whole number that the data model does not have.
fn has_a_number_too_large(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            let has_fraction = number.as_f64().is_some_and(|number| number.fract() != 0.0);
            // What is neither of these and whole is larger than either.
            size.map_or(!has_fraction, |size| size > LARGEST_NUMBER)
        }
        Value::Array(items) => items.iter().any(has_a_number_too_large),
        Value::Object(members) => members.values().any(has_a_number_too_large),
        _ => false,
    }
}

/// How many graphemes there are at most: characters, but for those that only change the one before
/// them. What Unicode joins in other ways counts several times here.
fn graphemes(text: &str) -> usize {
    let mut count = 0;
    let mut joined = false;
    for character in text.chars() {
        let extends = matches!(
            u32::from(character),
            0x300..=0x36f | 0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0x1_f3fb..=0x1_f3ff
        );
        if !extends && !joined {
            count += 1;
        }
        joined = character == '\u{200d}';
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphemes_are_counted_as_people_do() {
        for (text, count) in [
            ("", 0),
            ("abc", 3),
            ("u\u{308}", 1),
            ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", 1),
            ("\u{1f44d}\u{1f3fd}!", 2),
        ] {
            assert_eq!(graphemes(text), count, "{text}");
        }
    }

    #[test]
    fn the_first_profile_keeps_to_the_lexicon() {
        assert_eq!(check_lexicon(&first_profile()), Ok(()));
        let repository = Repository::new(true);
        assert!(
            repository
                .record(COLLECTION)
                .is_some_and(|record| record.cid.starts_with("bafyrei"))
        );
    }
}
