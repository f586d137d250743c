//! Reads what another version may have stored, member by member, so that one that is missing or not
//! understood does not spoil the others.

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::instant::from_rfc3339;

/// Reads a member, or the default if the member is not understood.
pub(crate) fn or_default<'de, D, T>(member: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let stored = Value::deserialize(member)?;
    Ok(serde_json::from_value(stored).unwrap_or_default())
}

/// Whether a value that was read holds everything that was stored. A member stored as null holds
/// nothing.
pub(crate) fn says_all(read: &Value, stored: &Value) -> bool {
    match (read, stored) {
        (Value::Object(read), Value::Object(stored)) => stored.iter().all(|(name, stored)| {
            let read = read.get(name);
            read.map_or(stored.is_null(), |read| says_all(read, stored))
        }),
        (Value::Number(_), Value::String(_) | Value::Number(_)) => {
            read == stored || read.as_i64() == unix_ms(stored)
        }
        _ => read == stored,
    }
}

/// Reads milliseconds since 1970, which may be stored as the instant's text (RFC 3339).
fn unix_ms(stored: &Value) -> Option<i64> {
    match stored {
        Value::String(text) => from_rfc3339(text).map(|at| at.timestamp_millis()),
        // Whole numbers below 2^53 are exact as floats.
        #[allow(clippy::cast_possible_truncation)]
        number => number
            .as_i64()
            .or_else(|| number.as_f64().map(|ms| ms as i64)),
    }
}

/// Stores instants as milliseconds since 1970.
pub(crate) mod instant {
    pub(crate) use chrono::serde::ts_milliseconds::serialize;

    use super::{DateTime, Deserialize, Deserializer, Utc, Value, unix_ms};
    use serde::de::Error as _;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        member: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        let stored = Value::deserialize(member)?;
        unix_ms(&stored)
            .and_then(DateTime::from_timestamp_millis)
            .ok_or_else(|| D::Error::custom("not an instant"))
    }
}

/// The same, for an instant that may be missing.
pub(crate) mod instant_or_none {
    pub(crate) use chrono::serde::ts_milliseconds_option::serialize;

    use super::{DateTime, Deserialize, Deserializer, Utc, Value, unix_ms};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        member: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let stored = Value::deserialize(member)?;
        Ok(unix_ms(&stored).and_then(DateTime::from_timestamp_millis))
    }
}

/// Quotes text from the store in a sentence, as one short line.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 40;

    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MAX_CHARS).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("`{}{rest}`", start.escape_debug())
}

/// Reads an instant in the form of RFC 3339.
pub(crate) fn from_rfc_3339<'de, D: Deserializer<'de>>(
    member: D,
) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(member)?;
    from_rfc3339(&text).ok_or_else(|| D::Error::custom("not an instant"))
}

/// The same, or `None` if the instant is missing or not understood.
pub(crate) fn from_rfc_3339_or_none<'de, D: Deserializer<'de>>(
    member: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let stored = Value::deserialize(member)?;
    Ok(stored.as_str().and_then(from_rfc3339))
}
