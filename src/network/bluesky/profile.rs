//! The profile record, `app.bsky.actor.profile`: it is read and put back with
//! nothing but the picture changed.

use serde_json::{Value, json};

use super::call::{Call, GET_RECORD, JSON, PUT_RECORD, UPLOAD_BLOB};
use super::errors::{Failure, is_not_found};
use super::exchange::Exchange;
use crate::network::Picture;
use crate::oauth1::percent_encode;

/// The collection of profiles. An account has one, with the key `self`.
const PROFILE: &str = "app.bsky.actor.profile";

/// How often a record that somebody else has changed is read again, as in
/// `upsertProfile` of the official client.
const MAX_SWAPS: u32 = 5;

impl Exchange<'_> {
    /// Reads the profile and puts it back with a picture.
    pub(super) async fn replace_avatar(&mut self, picture: Picture<'_>) -> Result<(), Failure> {
        let did = self.did().await?;
        let mut query = format!("{GET_RECORD}?repo=");
        percent_encode(&did, &mut query);
        query.push_str("&collection=app.bsky.actor.profile&rkey=self");
        let mut blob = Value::Null;
        let mut swaps_left = MAX_SWAPS;
        let mut uploads_left = 2_u32;
        loop {
            let (mut profile, cid) = match self.call(&Call::get(&query)).await {
                Ok(mut reply) => match (taken(&mut reply, "value"), taken(&mut reply, "cid")) {
                    (Value::Object(profile), cid @ Value::String(_)) => (profile, cid),
                    _ => return Err(Failure::unexpected(GET_RECORD)),
                },
                Err(failure) if is_not_found(&failure) => Default::default(),
                Err(failure) => return Err(failure),
            };
            if blob.is_null() {
                uploads_left = uploads_left.saturating_sub(1);
                let mut reply = self.call(&Call::upload(picture)).await?;
                blob = taken(&mut reply, "blob");
                if !blob.pointer("/ref/$link").is_some_and(Value::is_string) {
                    return Err(Failure::unexpected(UPLOAD_BLOB));
                }
            }
            profile
                .entry("$type")
                .or_insert_with(|| Value::from(PROFILE));
            profile.insert("avatar".to_owned(), blob.clone());
            let record = json!({
                "repo": did,
                "collection": PROFILE,
                "rkey": "self",
                "record": profile,
                "swapRecord": cid,
            });
            let record = record.to_string();
            let put = Call::post(PUT_RECORD, Some(JSON), record.as_bytes());
            match self.call(&put).await {
                Ok(reply) if reply.get("cid").is_some_and(Value::is_string) => return Ok(()),
                Ok(_) => return Err(Failure::unexpected(PUT_RECORD)),
                Err(failure) => match failure.name.as_str() {
                    "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
                    "BlobNotFound" if uploads_left > 0 => blob = Value::Null,
                    _ => return Err(failure),
                },
            }
        }
    }
}

/// Takes a member out of an object; null where there is none.
fn taken(object: &mut Value, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}
