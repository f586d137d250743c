//! `GET /health`: whether the account could turn now, and whether it does, with all that is in the
//! way.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::account::ledger::Ledger;
use crate::account::next_wake::next_turn;
use crate::account::settings::Settings;
use crate::frames::set::FrameSet;
use crate::frames::store::{check_frame, current_set};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{Clock, Store};
use crate::schedule::Schedule;
use crate::web::account_states::{StateOn, account_states};
use crate::web::answer::{Answer, json_answer, json_object};
use crate::web::problem::Problem;

/// Answers 200 where the account is ready to turn, and else 503 with the same members.
///
/// # Errors
/// When it is not ready.
pub(super) async fn show<H: Store + Clock>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Result<Answer, Problem> {
    let now = host.now();
    let frames = check_frames(settings, host).await;
    let mut findings = Vec::new();
    for state in account_states(settings, ledger).await {
        findings.extend(findings_on(&state, ledger, now).await);
    }
    let errors = settings.errors();
    let blocking = findings.iter().filter_map(|finding| finding.detail.clone());
    let frames_diagnosis = frames.as_ref().err().map(Diagnosis::in_words);
    let mut detail: Vec<String> = frames_diagnosis.into_iter().chain(blocking).collect();
    detail.extend(settings.standstill().map(|diagnosis| diagnosis.in_words()));
    let is_ready = detail.is_empty() && settings.errors_of_turns().is_empty();
    if !errors.is_empty() {
        detail.insert(0, format!("Settings: {errors}."));
    }
    let frames = frames.ok();
    let count = frames.as_ref().map(|found| found.set.frames());
    let next_turn = next_turn(settings, ledger, count, now).await;
    let networks = settings.networks.iter();
    let networks: Vec<_> = networks.map(|one| one.definition.name).collect();
    let body = json_object(&json!({
        "ready": is_ready,
        "missing": errors.missing,
        "invalid": errors.invalid,
        "manual_turn": if matches!(settings.trigger_token, Ok(Some(_))) { "open" } else { "closed" },
        "networks": networks,
        "dial": settings.schedule.as_ref().ok().map(schedule_in_json),
        "next_turn": next_turn.map(rfc_3339),
        "frame_set": frames.map(|found| found.in_json()),
        "troubles": findings.iter().map(Finding::in_json).collect::<Vec<_>>(),
    }));
    if is_ready {
        Ok(json_answer(&body))
    } else {
        let diagnosis = detail.join(" ");
        let problem = Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, diagnosis);
        Err(problem.with_extensions(body))
    }
}

fn schedule_in_json(schedule: &Schedule) -> Value {
    json!({
        "time_zone": schedule.time_zone.name(),
        "period": schedule.period.to_string(),
        "direction": schedule.direction.to_string(),
    })
}

fn rfc_3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The current set, and the frame that is due if the schedule can be read.
struct Frames {
    set: FrameSet,
    frame_now: Option<u16>,
}

impl Frames {
    fn in_json(&self) -> Value {
        let mut found = json!({ "id": self.set.id(), "frames": self.set.frames().get() });
        if let (Some(n), Some(found)) = (self.frame_now, found.as_object_mut()) {
            found.insert("frame_now".to_owned(), json!(n));
        }
        found
    }
}

/// Checks that the frame that is due can be sent: it is stored, or can be rendered, and every
/// network takes its size.
async fn check_frames<H: Store + Clock>(
    settings: &Settings,
    host: &H,
) -> Result<Frames, Diagnosis> {
    let set = current_set(host).await?;
    let Ok(schedule) = &settings.schedule else {
        let frame_now = None;
        return Ok(Frames { set, frame_now });
    };
    let n = schedule.frame_at(host.now(), set.frames());
    let limits = settings.networks.iter().filter_map(|one| {
        let network = one.network.as_ref().ok()?;
        Some((one.definition.title, network.max_picture_bytes()))
    });
    check_frame(host, &set, n, limits).await?;
    let frame_now = Some(n);
    Ok(Frames { set, frame_now })
}

/// Something that a network's state tells of.
struct Finding {
    network: &'static str,
    diagnosis: Diagnosis,
    /// When it is tried again by itself.
    retry_at: Option<DateTime<Utc>>,
    /// What it means for the account's readiness, in words; `None` if it passes by itself.
    detail: Option<String>,
}

impl Finding {
    fn in_json(&self) -> Value {
        json!({
            "network": self.network,
            "reason": self.diagnosis.reason,
            "message": self.diagnosis.message,
            "remedy": self.diagnosis.remedy,
            "retry_at": self.retry_at.map(rfc_3339),
        })
    }
}

/// What the state on a network tells of: why turning has stopped there, or what it waits for, and
/// what of the state could not be read.
async fn findings_on(
    StateOn { network, state }: &StateOn<'_>,
    ledger: &impl Ledger,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let (name, title) = (network.definition.name, network.definition.title);
    let finding = |diagnosis: &Diagnosis, retry_at, detail| Finding {
        network: name,
        diagnosis: diagnosis.clone(),
        retry_at,
        detail,
    };
    let state = match state {
        Ok(state) => state,
        Err(diagnosis) => return vec![finding(diagnosis, None, Some(diagnosis.in_words()))],
    };
    let mut findings = Vec::new();
    let hold = state.hold.as_ref().filter(|hold| hold.holds_at(now));
    // Settings and frames have just been checked as they are now.
    let is_of_now =
        |diagnosis: &&Diagnosis| !matches!(diagnosis.reason, Reason::Settings | Reason::Frames);
    // What other settings led to says nothing of the next turn.
    let stored = ledger.account_state(name).await.ok();
    let stored = stored.and_then(|stored| stored.settings);
    let is_of_these = stored.is_none_or(|stored| stored == network.fingerprint);
    let stopped = state.stopped.as_ref().filter(|_| is_of_these);
    if let Some(diagnosis) = stopped.filter(is_of_now) {
        let detail = format!("{title}, at the last try: {}", diagnosis.in_words());
        findings.push(finding(
            diagnosis,
            hold.map(|hold| hold.until),
            Some(detail),
        ));
    } else if let Some(hold) = hold.filter(|hold| is_of_now(&&hold.diagnosis)) {
        findings.push(finding(&hold.diagnosis, Some(hold.until), None));
    }
    if let Some(unread) = &state.unread {
        findings.push(finding(&unread.diagnosis, None, None));
    }
    findings
}
