//! The checks of a record: a profile against its lexicon, and this client's record of frames.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{COLLECTION, FRAMES, cid};
use crate::text::quoted;

/// The most bytes of an avatar.
const LARGEST_AVATAR: u64 = 1_000_000;
/// The most frames in a record. The JSON of more would be too large for servers.
const MOST_FRAMES: usize = 1_000;
/// The largest number in the data model: the largest integer that JavaScript represents exactly.
const LARGEST_NUMBER: u64 = (1 << 53) - 1;
/// The type of the labels that an account gives itself.
const SELF_LABELS: &str = "com.atproto.label.defs#selfLabels";
/// The texts of a profile: name, most graphemes, most bytes.
const TEXTS: [(&str, usize, usize); 3] = [
    ("displayName", 64, 640),
    ("description", 256, 2_560),
    ("pronouns", 20, 200),
];

/// The CID in a reference to a blob.
pub(crate) fn link_in(blob: &Value) -> Option<&str> {
    blob.pointer("/ref/$link").and_then(Value::as_str)
}

/// The CIDs of all blobs that a record refers to, at any depth.
pub(crate) fn links_in(value: &Map<String, Value>) -> BTreeSet<String> {
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

/// The references to frames in a record of frames.
pub(crate) fn frames_in(value: &Map<String, Value>) -> &[Value] {
    let frames = value.get("frames").and_then(Value::as_array);
    frames.map(Vec::as_slice).unwrap_or_default()
}

/// Checks a record of frames. The official server does not know its type and accepts anything.
pub(crate) fn check_frames(value: &Map<String, Value>) -> Result<(), String> {
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
            "the record has {} frames rather than 1 to {MOST_FRAMES}",
            frames.len()
        ));
    }
    if links_in(value).len() != frames.len() {
        return Err("a frame occurs twice".to_owned());
    }
    frames
        .iter()
        .try_for_each(|frame| check_blob("frames", frame))
}

/// Checks a profile against its lexicon. The errors are worded as on the official server.
pub(crate) fn check_profile(value: &Map<String, Value>) -> Result<(), String> {
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
        let count = text.graphemes(true).count();
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

/// Checks that all numbers are whole, at any depth.
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

/// Whether a text has the form of a URI by the rule of `@atproto/syntax`:
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

/// Checks a reference to a version of a record: `com.atproto.repo.strongRef`.
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

/// Checks the labels that an account gives itself. Labels of other types may hold anything.
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

/// Whether a value contains a whole number too large for the data model.
pub(crate) fn has_a_number_too_large(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            let has_fraction = number.as_f64().is_some_and(|number| number.fract() != 0.0);
            // A whole number that fits neither type is larger than both.
            size.map_or(!has_fraction, |size| size > LARGEST_NUMBER)
        }
        Value::Array(items) => items.iter().any(has_a_number_too_large),
        Value::Object(members) => members.values().any(has_a_number_too_large),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::repository::{Repository, first_profile};
    use super::*;

    #[test]
    fn graphemes_are_counted_as_people_do() {
        let with_name = |name: &str| {
            let mut profile = first_profile();
            profile.insert("displayName".to_owned(), name.into());
            check_profile(&profile)
        };
        for grapheme in [
            "a",
            "u\u{308}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}",
            "\u{1f44d}\u{1f3fd}",
        ] {
            let most = 640 / grapheme.len();
            assert_eq!(
                with_name(&grapheme.repeat(most.min(64))),
                Ok(()),
                "{grapheme}"
            );
        }
        let error = with_name(&"u\u{308}".repeat(65)).unwrap_err();
        assert!(error.contains("(maximum 64, got 65)"), "{error}");
    }

    #[test]
    fn the_first_profile_keeps_to_the_lexicon() {
        assert_eq!(check_profile(&first_profile()), Ok(()));
        let repository = Repository::new(true);
        assert!(
            repository
                .record(COLLECTION)
                .is_some_and(|record| record.cid.starts_with("bafyrei"))
        );
    }
}
