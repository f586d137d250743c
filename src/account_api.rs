//! The part of the HTTP interface that needs to know an account's standing:
//! written over the ports as [`crate::api`] is, for whoever has the account's
//! ledger.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /turn` | a turn now, by hand |
//! | `GET /journal` | what turns did, newest first |
//! | `DELETE /journal` | forgets that, and all that is known of the account |

use std::pin::Pin;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::api::{
    Answer, allow, authorize, frame_number, guarded, insert, json_answer, json_object, query,
    refuse_body,
};
use crate::dial::FrameCount;
use crate::frame_set::FrameSet;
use crate::frame_store::current_set;
use crate::journal::{Recorded, Report, Trigger};
use crate::outcome::{Outcome, Reason, Trouble};
use crate::page::{self, Line, View};
use crate::ports::{Client, Clock, Ledger, Log, Store, StoreError};
use crate::problem::Problem;
use crate::settings::{Settings, Turning};
use crate::turn::{Order, turn};

/// Answers one request that needs to know the account's standing.
pub async fn respond<H: Store + Client + Clock + Log>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Answer {
    // Each in a function of its own, as in `api`.
    type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;
    let answering: Answering<'_> = match request.uri().path() {
        "/turn" => Box::pin(manual_turn(request, settings, host, ledger)),
        "/journal" => Box::pin(journal(request, settings, ledger)),
        _ => Box::pin(status_page(request, settings, host, ledger)),
    };
    guarded(answering.await)
}

/// Turns away, before anyone looks at the account, what would be turned away
/// anyhow.
///
/// # Errors
/// When the request will not do.
pub fn admit(request: &Request<()>, settings: &Settings) -> Result<(), Problem> {
    match request.uri().path() {
        "/turn" => {
            allow(request, "POST")?;
            authorize(request, settings)?;
            refuse_body(request)
        }
        "/journal" => {
            allow(request, "GET, HEAD, DELETE")?;
            authorize(request, settings)
        }
        _ => {
            allow(request, "GET, HEAD")?;
            query(request, &[]).map(|_| ())
        }
    }
}

/// A turn by hand.
async fn manual_turn<H: Store + Client + Clock + Log>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    admit(request, settings)?;
    let mut order = Order::due_at(host.now(), Trigger::Manual);
    for (name, value) in query(request, &["frame", "dry_run", "force"])? {
        match name.as_str() {
            "frame" => {
                let frame = frame_number(&value).ok_or_else(|| {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        "`frame` has to be the number of a frame: 0, 1 and so on.",
                    )
                })?;
                order.frame = Some(frame);
            }
            "dry_run" => order.dry_run = truth("dry_run", &value)?,
            _ => order.force = truth("force", &value)?,
        }
    }
    let report = turn(settings, host, ledger, &order).await;
    match &report.outcome {
        Outcome::Turned | Outcome::Unchanged | Outcome::DryRun(_) => Ok(json_answer(&report)),
        Outcome::Retry { at, trouble } => {
            // Whole seconds, rounded up: not before that instant.
            let wait = at.signed_duration_since(host.now());
            let seconds = (wait.num_milliseconds().saturating_add(999) / 1000).max(1);
            Err(
                not_turned(StatusCode::SERVICE_UNAVAILABLE, trouble, &report)
                    .with_header(RETRY_AFTER, HeaderValue::from(seconds)),
            )
        }
        Outcome::Refused(trouble) => Err(not_turned(status_of(trouble.reason), trouble, &report)),
    }
}

fn truth(name: &str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| {
        let detail = format!("`{name}` has to be true or false.");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// The status to answer a refused turn with.
fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::NoSuchFrame => StatusCode::BAD_REQUEST,
        Reason::Settings | Reason::Frames | Reason::Host => StatusCode::SERVICE_UNAVAILABLE,
        Reason::Credentials
        | Reason::ClockSkew
        | Reason::Access
        | Reason::Account
        | Reason::SpamFilter
        | Reason::RateLimit
        | Reason::Transient
        | Reason::Request
        | Reason::Blocked
        | Reason::UnexpectedReply => StatusCode::BAD_GATEWAY,
    }
}

/// A problem that carries everything the report says.
fn not_turned(status: StatusCode, trouble: &Trouble, report: &Report) -> Problem {
    Problem::new(status, trouble.in_words()).with_extensions(json_object(report))
}

/// The journal, a page at a time.
async fn journal(
    request: &Request<()>,
    settings: &Settings,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    const MOST: u16 = 200;

    admit(request, settings)?;
    if request.method() == Method::DELETE {
        query(request, &[])?;
        ledger.forget().map_err(|error| unreadable(&error))?;
        let forgotten = ledger.wake_at(None).await;
        forgotten.map_err(|error| unreadable(&error))?;
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::NO_CONTENT;
        return Ok(answer);
    }
    let (mut before, mut limit) = (None, 50);
    for (name, value) in query(request, &["before", "limit"])? {
        let number = value.parse::<u32>().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| {
            let detail = format!("`{name}` has to be a whole number from 1.");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        match name.as_str() {
            "before" => before = Some(number),
            _ => limit = u16::try_from(number).unwrap_or(MOST).min(MOST),
        }
    }
    let records = ledger.records(before, limit);
    let records = records.map_err(|error| unreadable(&error))?;
    let next = (records.len() >= limit.into()).then(|| records.last().map(|(id, _)| *id));
    let entries: Vec<Value> = records
        .iter()
        .filter_map(|(id, entry)| {
            let mut entry: Value = serde_json::from_str(entry).ok()?;
            let members = entry.as_object_mut()?;
            members.remove("event");
            members.insert("id".to_owned(), json!(id));
            Some(entry)
        })
        .collect();
    let mut answer = json_answer(&json!({ "entries": entries, "next": next.flatten() }));
    insert(&mut answer, CACHE_CONTROL, "no-store");
    Ok(answer)
}

/// The page for a person to look at.
async fn status_page<H: Store + Clock>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    const LINES: u16 = 8;

    admit(request, settings)?;
    let now = host.now();
    let dial = settings
        .turning
        .as_ref()
        .ok()
        .map(|Turning { dial, .. }| dial);
    let local = |at| dial.map(|dial| dial.local_time_at(at));
    let set = current_set(host).await;
    let standing = ledger.standing();
    let records = ledger.records(None, LINES).unwrap_or_default();
    let recorded: Vec<Recorded> = records
        .iter()
        .filter_map(|(_, entry)| serde_json::from_str(entry).ok())
        .collect();
    let last: Vec<Line<'_>> = recorded
        .iter()
        .map(|entry| {
            let at = entry.sent_at.unwrap_or(entry.scheduled_at);
            Line {
                at,
                local: local(at),
                frame: entry.frame,
                outcome: &entry.outcome,
                message: entry.message.as_deref(),
                attempts: entry.attempts,
            }
        })
        .collect();
    let frames = set.as_ref().ok().map(FrameSet::frames);
    let standing = standing.unwrap_or_default();
    let showing = standing
        .showing
        .as_ref()
        .filter(|showing| set.as_ref().is_ok_and(|set| set.id() == showing.set));
    let settings_trouble = settings
        .turning
        .as_ref()
        .err()
        .map(|flaws| flaws.trouble("The owner has to set them; GET /health names them too."));
    let hold = standing.hold.as_ref().filter(|hold| hold.until > now);
    let trouble = settings_trouble
        .as_ref()
        .or(set.as_ref().err())
        .or(standing.stopped.as_ref())
        .or(hold.map(|hold| &hold.trouble));
    let next_slot = dial
        .zip(frames)
        .map(|(dial, frames)| dial.slot_at(now, frames).end);
    let html = page::html(&View {
        now,
        local: dial.map(|dial| (dial.time_zone.name(), dial.local_time_at(now))),
        frames: frames.map(FrameCount::get),
        due: dial
            .zip(frames)
            .map(|(dial, frames)| dial.frame_at(now, frames)),
        showing: showing.map(|showing| showing.frame),
        next_turn: hold.map(|hold| hold.until).or(next_slot),
        last: &last,
        trouble,
    });
    let mut answer = Answer::new(html);
    insert(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
    insert(
        &mut answer,
        CONTENT_SECURITY_POLICY,
        page::CONTENT_SECURITY_POLICY,
    );
    insert(&mut answer, CACHE_CONTROL, "no-store");
    Ok(answer)
}

fn unreadable(error: &StoreError) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("{error} Try again; if it stays, see whether Cloudflare reports a problem."),
    )
}

#[cfg(test)]
mod tests;
