//! `POST /turn`: a turn now, by hand.

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::account::account_store::AccountStore;
use crate::account::host::AccountHost;
use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::turn::TurnRequest;
use crate::network;
use crate::outcome::Outcome;
use crate::web::answer::{Answer, json_answer, json_object};
use crate::web::problem::{Problem, status_of};
use crate::web::request::{Parameters, frame_number};

/// Makes the turn that a query asks for, and answers how it ended on each network.
///
/// # Errors
/// When the query does not say what to do, or the turn did not succeed everywhere.
pub(super) async fn make<H: AccountHost, L: Ledger + AccountStore>(
    query: &Parameters,
    account: &Account<'_, H, L>,
) -> Result<Answer, Problem> {
    let host = account.host;
    let turn_request = turn_request(query, host.now())?;
    let reports = account.turn_by_request(&turn_request).await;
    let reports = reports.map_err(|diagnosis| Problem::unavailable(&diagnosis))?;
    let told = match reports.as_slice() {
        [report] => json_object(report),
        several => json_object(&json!({ "turns": several })),
    };
    match not_turned(&reports, host.now()) {
        Some(problem) => Err(problem.with_extensions(told)),
        None => Ok(json_answer(&told)),
    }
}

/// Reads what to do.
fn turn_request(query: &Parameters, now: DateTime<Utc>) -> Result<TurnRequest, Problem> {
    let mut turn_request = TurnRequest::due_at(now, Trigger::Manual);
    for (name, value) in query {
        match name.as_str() {
            "frame" => {
                let frame = frame_number(value).ok_or_else(|| {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        "`frame` has to be the number of a frame: 0, 1 and so on.",
                    )
                })?;
                turn_request.frame = Some(frame);
            }
            "dry_run" => turn_request.dry_run = truth(name, value)?,
            _ => turn_request.force = truth(name, value)?,
        }
    }
    Ok(turn_request)
}

fn truth(name: &str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| {
        let detail = format!("`{name}` has to be true or false.");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// What kept the icon from turning, on each network where something did. A refusal, which needs the
/// owner, decides the status before a failure that passes.
fn not_turned(reports: &[Report], now: DateTime<Utc>) -> Option<Problem> {
    let is_alone = reports.len() == 1;
    let findings = reports.iter().filter_map(|report| {
        let said = report.outcome.diagnosis()?.in_words();
        let definition = network::named(report.network).filter(|_| !is_alone);
        Some(match definition {
            Some(definition) => format!("{}: {said}", definition.title),
            None => said,
        })
    });
    let detail = findings.collect::<Vec<_>>().join(" ");
    let refused = reports.iter().find_map(|report| match &report.outcome {
        Outcome::Refused(diagnosis) => Some(status_of(diagnosis.reason)),
        _ => None,
    });
    if let Some(status) = refused {
        return Some(Problem::new(status, detail));
    }
    let retries = reports.iter().filter_map(|report| match &report.outcome {
        Outcome::Retry { at, .. } => Some(*at),
        _ => None,
    });
    // Whole seconds, rounded up: not before that instant.
    let wait = retries.min()?.signed_duration_since(now);
    let seconds = (wait.num_milliseconds().saturating_add(999) / 1000).max(1);
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    Some(problem.with_header(RETRY_AFTER, HeaderValue::from(seconds)))
}
