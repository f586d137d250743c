//! Records: one of a collection, read and put back.

use serde_json::{Map, Value, json};

use crate::network::bluesky::call::{
    Call, DELETE_RECORD, GET_RECORD, JSON, PUT_RECORD, SELF, get_record,
};
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::Failure;

/// A record as it was read: its members, and the identifier to replace; empty and `null` if it does
/// not exist.
pub(super) type Read = (Map<String, Value>, Value);

/// An account's only record in a collection.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn read(
    calls: &mut dyn Calls,
    did: &str,
    collection: &str,
) -> Result<Read, Failure> {
    match calls.call(&Call::get(&get_record(did, collection))).await {
        Ok(mut reply) => match (taken(&mut reply, "value"), taken(&mut reply, "cid")) {
            (Value::Object(value), cid @ Value::String(_)) => Ok((value, cid)),
            _ => Err(Failure::unexpected(GET_RECORD, calls.advice())),
        },
        Err(failure) if failure.is_not_found() => Ok(Default::default()),
        Err(failure) => Err(failure),
    }
}

/// Puts a record in place of the one that was read.
///
/// # Errors
/// When the service does not take it. `InvalidSwap` says that it has another one by now.
pub(super) async fn put(
    calls: &mut dyn Calls,
    did: &str,
    collection: &str,
    value: &Value,
    swap: &Value,
) -> Result<(), Failure> {
    let record = json!({
        "repo": did,
        "collection": collection,
        "rkey": SELF,
        "record": value,
        "swapRecord": swap,
    });
    let record = record.to_string();
    let put = Call::post(PUT_RECORD, Some(JSON), record.as_bytes());
    let reply = calls.call(&put).await?;
    match reply.get("cid") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(Failure::unexpected(PUT_RECORD, calls.advice())),
    }
}

/// Deletes an account's only record in a collection.
///
/// # Errors
/// When it may still be there.
pub(super) async fn delete(
    calls: &mut dyn Calls,
    did: &str,
    collection: &str,
) -> Result<(), Failure> {
    let record = json!({ "repo": did, "collection": collection, "rkey": SELF });
    let record = record.to_string();
    let delete = Call::post(DELETE_RECORD, Some(JSON), record.as_bytes());
    calls.call(&delete).await.map(drop)
}

/// Takes a member out of an object; `null` if it does not exist.
pub(super) fn taken(object: &mut Value, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}
