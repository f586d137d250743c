//! The part of the HTTP interface that needs to know an account's standing:
//! written over the ports as [`crate::web::api`] is, for whoever has the account's
//! ledger.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /turn` | a turn now, by hand |
//! | `GET /journal` | what turns did, newest first |
//! | `DELETE /journal` | forgets that, and all that is known of the account |
//! | `GET /health` | whether it could turn now, and whether it does |
//! | `DELETE /networks/{network}/frames` | removes what is kept on a network beside the picture |

use std::pin::Pin;

use chrono::{DateTime, SecondsFormat, Utc};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::account::journal::{Recorded, Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::settings::{Configured, Settings};
use crate::account::state::AccountState;
use crate::account::turn::{TurnRequest, turn};
use crate::account::wake::wake_when_needed;
use crate::frames::set::{FrameRef, FrameSet};
use crate::frames::store::{check_frame, current_set};
use crate::network::NETWORKS;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::{Client, Clock, Log, Store, StoreError};
use crate::schedule::{FrameCount, Schedule};
use crate::web::api::{
    Answer, allow, authorize, frame_number, guarded, insert, json_answer, json_object, query,
    refuse_body,
};
use crate::web::icon_upload::IconUpload;
use crate::web::page::{self, Becoming, Line, Shown, View};
use crate::web::problem::Problem;

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
        "/journal" => Box::pin(journal(request, settings, host, ledger)),
        "/health" => Box::pin(health(request, settings, host, ledger)),
        path if path.starts_with("/networks/") => {
            Box::pin(remove_frames(request, settings, host, ledger))
        }
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
        path if path.starts_with("/networks/") => {
            network_in(path)?;
            allow(request, "DELETE")?;
            authorize(request, settings)?;
            refuse_body(request)?;
            query(request, &[]).map(|_| ())
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
    let mut turn_request = TurnRequest::due_at(host.now(), Trigger::Manual);
    for (name, value) in query(request, &["frame", "dry_run", "force"])? {
        match name.as_str() {
            "frame" => {
                let frame = frame_number(&value).ok_or_else(|| {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        "`frame` has to be the number of a frame: 0, 1 and so on.",
                    )
                })?;
                turn_request.frame = Some(frame);
            }
            "dry_run" => turn_request.dry_run = truth("dry_run", &value)?,
            _ => turn_request.force = truth("force", &value)?,
        }
    }
    let reports = turn(settings, host, ledger, &turn_request).await;
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
    let findings = reports.iter().filter_map(|report| {
        let said = report.outcome.diagnosis()?.in_words();
        let title = title_of(report.network).filter(|_| !is_alone);
        Some(title.map_or(said.clone(), |title| format!("{title}: {said}")))
    });
    let detail = findings.collect::<Vec<_>>().join(" ");
    let refused = reports.iter().find_map(|report| match &report.outcome {
        Outcome::Refused(diagnosis) => Some(status_of(diagnosis.reason)),
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
async fn journal<H: Store + Clock>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    const MOST: u16 = 200;

    admit(request, settings)?;
    if request.method() == Method::DELETE {
        query(request, &[])?;
        let forgotten = ledger.forget().await;
        forgotten.map_err(|error| unreadable(&error))?;
        let forgotten = ledger.wake_at(None).await;
        forgotten.map_err(|error| unreadable(&error))?;
        // The schedule goes on, and with it the slots that it does not begin.
        wake_when_needed(settings, host, ledger).await;
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
    let entries = records.iter().map(|(id, entry)| {
        let mut members = match serde_json::from_slice(entry.as_bytes()) {
            Ok(Value::Object(members)) => members,
            _ => json_object(&json!({
                "outcome": "unreadable",
                "message": "What is stored of this turn cannot be read.",
            })),
        };
        members.remove("event");
        members.insert("id".to_owned(), json!(id));
        Value::Object(members)
    });
    let entries: Vec<_> = entries.collect();
    Ok(json_answer(
        &json!({ "entries": entries, "next": next.flatten() }),
    ))
}

/// What is known of the account on each network, or why that cannot be read.
async fn account_states<'a, L: Ledger>(
    settings: &'a Settings,
    ledger: &L,
) -> Vec<(&'a Configured, Result<AccountState, Diagnosis>)> {
    let mut account_states = Vec::new();
    for one in &settings.networks {
        let account_state = load_state(one, ledger).await;
        account_states.push((one, account_state.map_err(|error| failed::<L>(&error))));
    }
    account_states
}

/// When the next turn comes by itself on any network: with the next slot that the
/// schedule begins, or at the end of what holds the network.
async fn next_turn(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let events = ledger.cron_events().await.unwrap_or_default();
    let schedule = settings.schedule.as_ref().ok().zip(frames);
    let next_slot = schedule.and_then(|(schedule, frames)| events.next_turn(now, schedule, frames));
    let mut next: Option<DateTime<Utc>> = None;
    for one in &settings.networks {
        let hold = load_state(one, ledger).await.unwrap_or_default().hold;
        let hold = hold.filter(|hold| hold.holds_at(now));
        let at = hold.map_or(next_slot, |hold| Some(hold.until));
        next = next.into_iter().chain(at).min();
    }
    next
}

fn failed<L: Ledger>(error: &StoreError) -> Diagnosis {
    Diagnosis::new(Reason::Host, error.to_string(), L::ADVICE)
}

/// The network's name in the path of what is kept there.
fn network_in(path: &str) -> Result<&str, Problem> {
    let rest = path.strip_prefix("/networks/");
    let name = rest.and_then(|rest| rest.strip_suffix("/frames"));
    name.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "There is DELETE /networks/{network}/frames, such as /networks/bluesky/frames.",
        )
    })
}

/// Removes what turns have kept on a network.
async fn remove_frames<H: Store + Client + Clock>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    admit(request, settings)?;
    let name = network_in(request.uri().path())?;
    let not_found = |detail: &str| Problem::new(StatusCode::NOT_FOUND, detail);
    let mut networks = settings.networks.iter();
    let one = networks.find(|one| one.definition.name == name);
    let one = one.ok_or_else(|| not_found("No network of this name is set up here."))?;
    let network = one.network.as_ref().map_err(|errors| {
        let diagnosis = errors.diagnosis(H::ADVICE.settings);
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, diagnosis.in_words())
    })?;
    if !network.keeps_frames() {
        return Err(not_found("No frames are kept on this network."));
    }
    let account_state = ledger.account_state(name).await;
    let mut account_state = account_state.map_err(|error| unreadable(&error))?;
    let removed = network
        .remove_frames(&mut account_state.saved_session, host)
        .await;
    // Also what was begun in vain, such as a session.
    let kept = ledger.keep(name, &account_state, None).await;
    removed.map_err(|diagnosis| Problem::new(status_of(diagnosis.reason), diagnosis.in_words()))?;
    kept.map_err(|error| unreadable(&error))?;
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}

/// Whether it could turn now and whether it does, with all that is in the way.
async fn health<H: Store + Clock>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    admit(request, settings)?;
    let (frame_set, frames_diagnosis) = match frame_set_health(settings, host).await {
        Ok(found) => (found, None),
        Err(diagnosis) => (Value::Null, Some(diagnosis)),
    };
    let errors = settings.errors();
    let mut detail: Vec<String> = Vec::new();
    detail.extend(frames_diagnosis.iter().map(Diagnosis::in_words));
    let mut findings: Vec<Value> = Vec::new();
    let now = host.now();
    for (one, account_state) in account_states(settings, ledger).await {
        let name = one.definition.name;
        let mut tell = |diagnosis: &Diagnosis, retry_at: Option<DateTime<Utc>>| {
            let retry_at = retry_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
            findings.push(json!({
                "network": name,
                "reason": diagnosis.reason,
                "message": diagnosis.message,
                "remedy": diagnosis.remedy,
                "retry_at": retry_at,
            }));
        };
        let account_state = match account_state {
            Ok(account_state) => account_state,
            Err(diagnosis) => {
                tell(&diagnosis, None);
                detail.push(diagnosis.in_words());
                continue;
            }
        };
        let hold = account_state
            .hold
            .as_ref()
            .filter(|hold| hold.holds_at(now));
        // Of settings and frames it was looked at how they are now.
        let is_of_now =
            |diagnosis: &&Diagnosis| !matches!(diagnosis.reason, Reason::Settings | Reason::Frames);
        // What other settings led to says nothing of the next turn.
        let stored = ledger.account_state(name).await.ok();
        let stored = stored.and_then(|stored| stored.settings);
        let is_of_these = stored.is_none_or(|stored| stored == one.fingerprint);
        let stopped = account_state.stopped.as_ref().filter(|_| is_of_these);
        if let Some(diagnosis) = stopped.filter(is_of_now) {
            tell(diagnosis, hold.map(|hold| hold.until));
            let title = one.definition.title;
            detail.push(format!(
                "{title}, at the last try: {}",
                diagnosis.in_words()
            ));
        } else if let Some(hold) = hold.filter(|hold| is_of_now(&&hold.diagnosis)) {
            // It passes by itself.
            tell(&hold.diagnosis, Some(hold.until));
        }
        if let Some(unread) = &account_state.unread {
            tell(&unread.diagnosis, None);
        }
    }
    let frames = frame_set.get("frames").and_then(Value::as_u64);
    let frames = frames.and_then(|frames| FrameCount::new(u16::try_from(frames).ok()?));
    let next_turn = next_turn(settings, ledger, frames, now).await;
    let is_ready = detail.is_empty() && settings.errors_of_turns().is_empty();
    if !errors.is_empty() {
        detail.insert(0, format!("Settings: {errors}."));
    }
    let networks = settings.networks.iter();
    let networks: Vec<_> = networks.map(|one| one.definition.name).collect();
    let body = json_object(&json!({
        "ready": is_ready,
        "missing": errors.missing,
        "invalid": errors.invalid,
        "manual_turn": if matches!(settings.trigger_token, Ok(Some(_))) { "open" } else { "closed" },
        "networks": networks,
        "dial": settings.schedule.as_ref().ok().map(|schedule| json!({
            "time_zone": schedule.time_zone.name(),
            "period": schedule.period.to_string(),
            "direction": schedule.direction.to_string(),
        })),
        "next_turn": next_turn.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "frame_set": frame_set,
        "troubles": findings,
    }));
    if is_ready {
        Ok(json_answer(&body))
    } else {
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail.join(" ")).with_extensions(body))
    }
}

/// The current set and, if the schedule is known, the frame of this moment, which has to
/// be in the store, fit to be sent, or come from the icon there.
async fn frame_set_health<H: Store + Clock>(
    settings: &Settings,
    host: &H,
) -> Result<Value, Diagnosis> {
    let set = current_set(host).await?;
    let mut found = json!({ "id": set.id(), "frames": set.frames().get() });
    if let (Ok(schedule), Some(found)) = (&settings.schedule, found.as_object_mut()) {
        let n = schedule.frame_at(host.now(), set.frames());
        let networks = settings.networks.iter().filter_map(|one| {
            let network = one.network.as_ref().ok()?;
            Some((one.definition.title, network.max_picture_bytes()))
        });
        check_frame(host, &set, n, networks).await?;
        found.insert("frame_now".to_owned(), json!(n));
    }
    Ok(found)
}

/// The page for a person to look at.
#[expect(clippy::too_many_lines)]
async fn status_page<H: Store + Clock, L: Ledger>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &L,
) -> Result<Answer, Problem> {
    const LINES: u16 = 8;

    admit(request, settings)?;
    let now = host.now();
    let schedule = settings.schedule.as_ref().ok();
    let set = current_set(host).await;
    let (records, journal_diagnosis) = match ledger.records(None, LINES) {
        Ok(records) => (records, None),
        Err(error) => (Vec::new(), Some(failed::<L>(&error))),
    };
    let are_several = settings.networks.len() > 1;
    let recorded: Vec<Recorded> = records
        .iter()
        .filter_map(|(_, entry)| serde_json::from_slice(entry.as_bytes()).ok())
        .collect();
    let last = lines(&recorded, schedule, are_several);
    let frames = set.as_ref().ok().map(FrameSet::frames);
    let account_states = account_states(settings, ledger).await;
    let known: Vec<(&Configured, &AccountState)> = account_states
        .iter()
        .filter_map(|(one, account_state)| Some((*one, account_state.as_ref().ok()?)))
        .collect();
    let is_current =
        |shown_frame: &&FrameRef| set.as_ref().is_ok_and(|set| set.id() == shown_frame.set);
    let shown: Vec<Shown<'_>> = account_states
        .iter()
        .map(|(one, account_state)| {
            let known = account_state.as_ref().ok();
            let shown_frame = known.and_then(|known| known.shown_frame.as_ref());
            Shown {
                title: one.definition.title,
                account: known.and_then(|known| known.account.as_deref()),
                frame: shown_frame
                    .filter(is_current)
                    .map(|shown_frame| shown_frame.frame),
            }
        })
        .collect();
    let errors = settings.errors();
    let settings_diagnosis = (!errors.is_empty())
        .then(|| errors.diagnosis("The owner has to set them; GET /health names them too."));
    let has_had_none = || known.iter().all(|(_, known)| known.set.is_none());
    let is_new = set
        .as_ref()
        .is_err_and(|diagnosis| diagnosis.reason == Reason::NoIcon && has_had_none());
    let of_set = set.as_ref().err().filter(|_| !is_new);
    let unread = account_states
        .iter()
        .find_map(|(_, account_state)| account_state.as_ref().err());
    let of_all = settings_diagnosis.as_ref().or(of_set);
    let of_all = [of_all, unread.or(journal_diagnosis.as_ref())];
    let mut findings: Vec<(Option<&str>, &Diagnosis)> = of_all
        .into_iter()
        .flatten()
        .map(|diagnosis| (None, diagnosis))
        .collect();
    let [turn_diagnosis, _] = of_all;
    for (one, account_state) in &known {
        let hold = account_state
            .hold
            .as_ref()
            .filter(|hold| hold.holds_at(now));
        let diagnosis = account_state
            .stopped
            .as_ref()
            .or(hold.map(|hold| &hold.diagnosis));
        let is_told = turn_diagnosis.is_some_and(|_| {
            diagnosis.is_some_and(|diagnosis| diagnosis.reason == Reason::Settings) || !are_several
        });
        let title = are_several.then_some(one.definition.title);
        findings.extend(
            diagnosis
                .filter(|_| !is_told)
                .map(|diagnosis| (title, diagnosis)),
        );
        let unread = account_state.unread.as_ref();
        findings.extend(unread.map(|unread| (title, &unread.diagnosis)));
    }
    let next_turn = next_turn(settings, ledger, frames, now).await;
    let next_frame = schedule.zip(frames);
    let next_frame = next_frame.map(|(schedule, frames)| schedule.slot_at(now, frames).end);
    let keeping = settings.networks.iter().filter(|one| {
        let network = one.network.as_ref();
        network.is_ok_and(|network| network.keeps_frames())
    });
    let keeping: Vec<_> = keeping.map(|one| one.definition).collect();
    let html = page::html(&View {
        now,
        local: schedule.map(|schedule| (&schedule.time_zone, schedule.local_time_at(now))),
        frames: frames.map(FrameCount::get),
        is_new,
        due: schedule
            .zip(frames)
            .map(|(schedule, frames)| schedule.frame_at(now, frames)),
        shown: &shown,
        next_turn,
        next_frame,
        last: &last,
        findings: &findings,
        keeping: &keeping,
        becoming: becoming(set.as_ref().ok(), schedule),
    });
    let mut answer = Answer::new(html);
    insert(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
    insert(
        &mut answer,
        CONTENT_SECURITY_POLICY,
        page::CONTENT_SECURITY_POLICY,
    );
    Ok(answer)
}

/// What a new picture becomes: what the upload leaves open is as in the present set.
fn becoming(set: Option<&FrameSet>, schedule: Option<&Schedule>) -> Becoming {
    let upload = IconUpload::like(set);
    Becoming {
        frames: upload.frames.get(),
        shape: upload.recipe.rendering.shape,
        turning: schedule.map(|schedule| (schedule.period, schedule.direction)),
        replaces_album: set.is_some_and(|set| set.rendering().is_none()),
    }
}

/// Entries of the journal as the page tells them, with their networks if there are
/// several.
fn lines<'a>(
    recorded: &'a [Recorded],
    schedule: Option<&Schedule>,
    are_several: bool,
) -> Vec<Line<'a>> {
    let line = |entry: &'a Recorded| {
        let at = entry.sent_at.unwrap_or(entry.scheduled_at);
        Line {
            at,
            local: schedule.map(|schedule| schedule.local_time_at(at)),
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
