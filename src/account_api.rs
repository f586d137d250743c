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

use chrono::{DateTime, Utc};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::api::{
    Answer, allow, authorize, frame_number, guarded, insert, json_answer, json_object, query,
    refuse_body,
};
use crate::dial::{Dial, FrameCount};
use crate::frame_set::FrameSet;
use crate::frame_store::current_set;
use crate::journal::{Recorded, Report, Trigger};
use crate::network::NETWORKS;
use crate::outcome::{Outcome, Reason, Trouble};
use crate::page::{self, Line, Shown, View};
use crate::ports::{Client, Clock, Ledger, Log, Store, StoreError};
use crate::problem::Problem;
use crate::settings::{Configured, Settings};
use crate::standing::{Showing, Standing};
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
    let reports = turn(settings, host, ledger, &order).await;
    let told = match reports.as_slice() {
        [report] => json_object(report),
        several => json_object(&json!({ "turns": several })),
    };
    match not_turned(&reports, host.now()) {
        Some(problem) => Err(problem.with_extensions(told)),
        None => Ok(json_answer(&told)),
    }
}

/// What kept the icon from turning on each network that there was trouble with.
/// What the owner has to do something about counts for more than what passes.
fn not_turned(reports: &[Report], now: DateTime<Utc>) -> Option<Problem> {
    let is_alone = reports.len() == 1;
    let troubles = reports.iter().filter_map(|report| {
        let said = report.outcome.trouble()?.in_words();
        let title = title_of(report.network).filter(|_| !is_alone);
        Some(title.map_or(said.clone(), |title| format!("{title}: {said}")))
    });
    let detail = troubles.collect::<Vec<_>>().join(" ");
    let refused = reports.iter().find_map(|report| match &report.outcome {
        Outcome::Refused(trouble) => Some(status_of(trouble.reason)),
        _ => None,
    });
    let retries = reports.iter().filter_map(|report| match &report.outcome {
        Outcome::Retry { at, .. } => Some(*at),
        _ => None,
    });
    if let Some(status) = refused {
        return Some(Problem::new(status, detail));
    }
    // Whole seconds, rounded up: not before that instant.
    let wait = retries.min()?.signed_duration_since(now);
    let seconds = (wait.num_milliseconds().saturating_add(999) / 1000).max(1);
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    Some(problem.with_header(RETRY_AFTER, HeaderValue::from(seconds)))
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
        Reason::Settings | Reason::NoIcon | Reason::Frames | Reason::Host => {
            StatusCode::SERVICE_UNAVAILABLE
        }
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
            let mut entry: Value = serde_json::from_slice(entry.as_bytes()).ok()?;
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
    let dial = settings.dial.as_ref().ok();
    let set = current_set(host).await;
    let records = ledger.records(None, LINES).unwrap_or_default();
    let are_several = settings.networks.len() > 1;
    let recorded: Vec<Recorded> = records
        .iter()
        .filter_map(|(_, entry)| serde_json::from_slice(entry.as_bytes()).ok())
        .collect();
    let last = lines(&recorded, dial, are_several);
    let frames = set.as_ref().ok().map(FrameSet::frames);
    let standings: Vec<(&Configured, Standing)> = settings
        .networks
        .iter()
        .map(|one| {
            (
                one,
                ledger.standing(one.definition.name).unwrap_or_default(),
            )
        })
        .collect();
    let is_current = |showing: &&Showing| set.as_ref().is_ok_and(|set| set.id() == showing.set);
    let shown: Vec<Shown<'_>> = standings
        .iter()
        .map(|(one, standing)| Shown {
            title: one.definition.title,
            account: standing.account.as_deref(),
            frame: standing
                .showing
                .as_ref()
                .filter(is_current)
                .map(|showing| showing.frame),
        })
        .collect();
    let flaws = settings.flaws();
    let settings_trouble = (!flaws.is_empty())
        .then(|| flaws.trouble("The owner has to set them; GET /health names them too."));
    let holds = standings
        .iter()
        .filter_map(|(_, standing)| standing.hold.as_ref());
    let holds = holds.map(|hold| hold.until).filter(|until| *until > now);
    let has_had_none = || standings.iter().all(|(_, known)| known.set.is_none());
    let is_new = set
        .as_ref()
        .is_err_and(|trouble| trouble.reason == Reason::NoIcon && has_had_none());
    let of_set = set.as_ref().err().filter(|_| !is_new);
    let of_all = settings_trouble.as_ref().or(of_set);
    let mut troubles: Vec<(Option<&str>, &Trouble)> =
        of_all.map(|trouble| (None, trouble)).into_iter().collect();
    for (one, standing) in &standings {
        let hold = standing.hold.as_ref().filter(|hold| hold.until > now);
        let trouble = standing.stopped.as_ref().or(hold.map(|hold| &hold.trouble));
        let is_told = of_all.is_some_and(|_| {
            trouble.is_some_and(|trouble| trouble.reason == Reason::Settings) || !are_several
        });
        let title = are_several.then_some(one.definition.title);
        troubles.extend(trouble.filter(|_| !is_told).map(|trouble| (title, trouble)));
    }
    let next_slot = dial
        .zip(frames)
        .map(|(dial, frames)| dial.slot_at(now, frames).end);
    let html = page::html(&View {
        now,
        local: dial.map(|dial| (dial.time_zone.name(), dial.local_time_at(now))),
        frames: frames.map(FrameCount::get),
        is_new,
        due: dial
            .zip(frames)
            .map(|(dial, frames)| dial.frame_at(now, frames)),
        shown: &shown,
        next_turn: holds.min().or(next_slot),
        last: &last,
        troubles: &troubles,
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

/// Entries of the journal as the page tells them, with their networks if there are
/// several.
fn lines<'a>(recorded: &'a [Recorded], dial: Option<&Dial>, are_several: bool) -> Vec<Line<'a>> {
    let line = |entry: &'a Recorded| {
        let at = entry.sent_at.unwrap_or(entry.scheduled_at);
        Line {
            at,
            local: dial.map(|dial| dial.local_time_at(at)),
            frame: entry.frame,
            outcome: &entry.outcome,
            message: entry.message.as_deref(),
            attempts: entry.attempts,
            network: title_of(&entry.network).filter(|_| are_several),
        }
    };
    recorded.iter().map(line).collect()
}

/// A network's name in sentences.
fn title_of(name: &str) -> Option<&'static str> {
    let definition = NETWORKS.iter().find(|one| one.name == name)?;
    Some(definition.title)
}

fn unreadable(error: &StoreError) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("{error} Try again; if it stays, see whether Cloudflare reports a problem."),
    )
}

#[cfg(test)]
mod tests;
