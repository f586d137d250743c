//! `/journal`: what turns did, a page at a time; and forgetting it.

use http::StatusCode;
use serde_json::{Value, json};

use crate::account::ledger::Ledger;
use crate::account::settings::Settings;
use crate::account::wake::wake_when_needed;
use crate::ports::{Clock, Store, StoreError};
use crate::web::account_states::ledger_failed;
use crate::web::answer::{Answer, json_answer, json_object, no_content};
use crate::web::problem::Problem;
use crate::web::request::Parameters;

/// How many entries a page has where the request does not say.
const USUAL_LIMIT: u16 = 50;

/// How many entries a page has at most.
const MAX_LIMIT: u16 = 200;

/// Answers with entries, newest first: `limit` of them with ids below `before`.
///
/// # Errors
/// When a parameter is no whole number from 1, or the journal cannot be read.
pub(super) fn show<L: Ledger>(query: &Parameters, ledger: &L) -> Result<Answer, Problem> {
    let (mut before, mut limit) = (None, USUAL_LIMIT);
    for (name, value) in query {
        let number = value.parse::<u32>().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| {
            let detail = format!("`{name}` has to be a whole number from 1.");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        match name.as_str() {
            "before" => before = Some(number),
            _ => limit = u16::try_from(number).unwrap_or(MAX_LIMIT).min(MAX_LIMIT),
        }
    }
    let records = ledger.records(before, limit);
    let records = records.map_err(|error| failed(ledger, &error))?;
    let is_full = records.len() >= limit.into();
    let next = records.last().map(|(id, _)| *id).filter(|_| is_full);
    let entries: Vec<_> = records
        .iter()
        .map(|(id, entry)| entry_of(*id, entry))
        .collect();
    Ok(json_answer(&json!({ "entries": entries, "next": next })))
}

/// A record as it is answered.
fn entry_of(id: u32, stored: &str) -> Value {
    let mut members = match serde_json::from_slice(stored.as_bytes()) {
        Ok(Value::Object(members)) => members,
        _ => json_object(&json!({
            "outcome": "unreadable",
            "message": "The record of this turn cannot be read.",
        })),
    };
    members.remove("event");
    members.insert("id".to_owned(), json!(id));
    Value::Object(members)
}

/// Forgets the journal and the account's state. The schedule goes on, and with it the wakings for
/// slots that it does not begin.
///
/// # Errors
/// When the ledger fails.
pub(super) async fn forget<H: Store + Clock, L: Ledger>(
    settings: &Settings,
    host: &H,
    ledger: &L,
) -> Result<Answer, Problem> {
    let failed = |error| failed(ledger, &error);
    ledger.forget().await.map_err(failed)?;
    ledger.wake_at(None).await.map_err(failed)?;
    wake_when_needed(settings, host, ledger).await;
    Ok(no_content())
}

fn failed(ledger: &impl Ledger, error: &StoreError) -> Problem {
    Problem::unavailable(&ledger_failed(ledger, error))
}
