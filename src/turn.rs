//! One turn of one account: choose the frame, get it, send it, say how it
//! went. Written once, over the ports; every host calls this.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::AUTHORIZATION;
use http::{Request, Response};

use crate::frame_set::FrameSet;
use crate::frame_store::{self, current_set};
use crate::instant::after;
use crate::journal::{Entry, Report, Trigger};
use crate::network::x;
use crate::oauth1::{Credentials, Stamp};
use crate::outcome::{Outcome, Preview, Reason, Trouble};
use crate::ports::{
    Client, Clock, Ledger, Log, REPLY_TIMEOUT_MS, Record, SendError, Store, StoreError,
};
use crate::settings::{Settings, Turning};
use crate::standing::{Decision, Hold, Question, Showing, Slot, Standing};

/// What to do in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The instant whose frame is to be shown.
    pub at: DateTime<Utc>,
    /// This frame instead of the instant's.
    pub frame: Option<u16>,
    /// Do everything but send.
    pub dry_run: bool,
    /// Send even a frame that is believed to be shown.
    pub force: bool,
    /// What gave the order.
    pub trigger: Trigger,
}

impl Order {
    /// The turn that is due at an instant.
    pub fn due_at(at: DateTime<Utc>, trigger: Trigger) -> Self {
        Self {
            at,
            frame: None,
            dry_run: false,
            force: false,
            trigger,
        }
    }
}

/// Makes one turn, records it, and tells how it ended; there is no other way
/// for it to end.
///
/// An order for an instant that has passed is one for the present: what was
/// missed is not made up for.
pub async fn turn<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    order: &Order,
) -> Report {
    let started = host.now();
    let order = &Order {
        at: order.at.max(started),
        ..*order
    };
    let made = make_turn(settings, host, ledger, order).await;
    let Made {
        report,
        slot,
        sent_at,
        is_recorded,
        standing,
    } = made;
    let entry = Entry {
        event: "turn",
        trigger: slot.as_ref().map_or(order.trigger, |slot| slot.trigger),
        scheduled_at: slot.as_ref().map_or(order.at, |slot| slot.scheduled_at),
        sent_at,
        duration_ms: host.now().signed_duration_since(started).num_milliseconds(),
        report: &report,
    };
    host.log(&entry);
    let Some(mut standing) = standing else {
        return report;
    };
    let slot_name = slot.as_ref().map(slot_name);
    let is_given_up = slot.is_some_and(|slot| !slot.is_turned && report.retry_at >= Some(slot.end));
    let news = standing.news(&report.outcome, is_given_up);
    let record = is_recorded.then_some(Record {
        slot: slot_name,
        entry: &entry,
    });
    // What could not be kept is in the log; the turn has been made.
    let kept = ledger.keep(&standing, record.as_ref());
    // A turn that neither sent nor waits leaves another's try where it is, unless
    // it was that try.
    if sent_at.is_some() || report.retry_at.is_some() || order.trigger == Trigger::Retry {
        let ahead = |at: &DateTime<Utc>| *at > order.at;
        let held = standing.hold.as_ref().map(|hold| hold.until);
        let wait = report.retry_at.or(held.filter(ahead));
        let wait = wait.map(|at| at.signed_duration_since(order.at));
        let wake_at = wait.and_then(|wait| started.checked_add_signed(wait));
        let _ = ledger.wake_at(wake_at).await;
    }
    if let (Ok(()), Some(news), Some(webhook)) = (kept, news, &settings.alert_webhook) {
        // That the owner cannot be told is no reason to do anything else.
        if let Ok(request) = webhook.request(&news) {
            let _ = host.send(request).await;
        }
    }
    report
}

/// Makes the turn that [`Ledger::wake_at`] asked for: for the slot that is waiting for
/// another try if it still lasts, else for the present.
pub async fn wake<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Report {
    let waiting = ledger.standing().ok().and_then(|standing| standing.slot);
    let start = waiting.map_or_else(|| host.now(), |slot| slot.start);
    turn(
        settings,
        host,
        ledger,
        &Order::due_at(start, Trigger::Retry),
    )
    .await
}

/// A turn that has been made.
struct Made {
    report: Report,
    /// The slot it was for.
    slot: Option<Slot>,
    sent_at: Option<DateTime<Utc>>,
    /// Whether it says more than what is recorded of its slot.
    is_recorded: bool,
    /// What is known of the account now, if it could be read.
    standing: Option<Standing>,
}

impl Made {
    /// One that came to nothing before anything was known.
    fn without_standing(report: Report) -> Self {
        Self {
            report,
            slot: None,
            sent_at: None,
            is_recorded: false,
            standing: None,
        }
    }
}

async fn make_turn<H: Store + Client + Clock>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    order: &Order,
) -> Made {
    let mut report = Report::of(Outcome::Unchanged);
    let plan = plan(settings, host, order, &mut report).await;
    if order.dry_run {
        let ready = match plan {
            Ok(plan) => plan.prepare(host).await,
            Err(trouble) => Err(trouble),
        };
        report.outcome = match ready {
            Ok(request) => Outcome::DryRun(preview(&request)),
            Err(trouble) => Outcome::Refused(trouble),
        };
        return Made::without_standing(report);
    }
    let mut standing = match ledger.standing() {
        Ok(standing) => standing,
        Err(error) => {
            report.outcome = Outcome::Refused(unkept(&error));
            return Made::without_standing(report);
        }
    };
    let mut plan = match plan {
        Ok(plan) => plan,
        Err(trouble) => {
            report.outcome = Outcome::Refused(trouble);
            return Made {
                report,
                slot: None,
                sent_at: None,
                is_recorded: true,
                standing: Some(standing),
            };
        }
    };

    // What is asked for by hand once the slot has had its turn is a turn of its own.
    let is_apart = |slot: &Slot| order.trigger == Trigger::Manual && standing.has_turned(slot);
    plan.slot = plan.slot.filter(|slot| !is_apart(slot));
    let decision = standing.decide(&Question {
        at: order.at,
        frame: &plan.showing,
        slot: plan.slot.as_ref().map(|slot| slot.start),
        trigger: order.trigger,
        is_forced: order.force,
    });
    let slot = plan.slot.clone().map(|slot| standing.enter(slot).clone());
    let mut made = Made {
        report,
        slot,
        sent_at: None,
        is_recorded: false,
        standing: None,
    };
    match decision {
        Decision::Done => {}
        Decision::Unchanged => {
            // Its slot has nothing more to wait for, and says so once.
            if let Some(slot) = standing.slot.as_mut().filter(|_| plan.slot.is_some()) {
                made.is_recorded = !slot.is_turned;
                slot.is_turned = true;
                made.slot = Some(slot.clone());
            }
        }
        Decision::Wait(hold) => {
            // An attempt that was made says more than that there was none.
            made.is_recorded = made.slot.as_ref().is_none_or(|slot| slot.attempts == 0);
            made.report.retry_at = Some(hold.until);
            made.report.outcome = waiting(hold);
        }
        Decision::Send => {
            made.is_recorded = true;
            carry_out(host, ledger, order, &plan, &mut standing, &mut made).await;
        }
    }
    if let Some(slot) = &made.slot {
        made.report.attempts = slot.attempts;
    }
    made.standing = Some(standing);
    made
}

/// What a turn comes to that a hold keeps from sending.
fn waiting(Hold { until, trouble, .. }: Hold) -> Outcome {
    if trouble.reason.is_for_the_owner() {
        Outcome::Refused(trouble)
    } else {
        Outcome::Retry { at: until, trouble }
    }
}

/// Sends the frame and takes in how that ended.
async fn carry_out<H: Store + Client + Clock>(
    host: &H,
    ledger: &impl Ledger,
    order: &Order,
    plan: &Plan<'_>,
    standing: &mut Standing,
    made: &mut Made,
) {
    let sent = send(host, ledger, plan, standing, &mut made.report).await;
    let outcome = match sent {
        Ok(outcome) => outcome,
        // Nothing was sent, so there is nothing to learn.
        Err(trouble) => {
            made.report.outcome = Outcome::Refused(trouble);
            return;
        }
    };
    made.sent_at = Some(host.now());
    let outcome = seen_from(order.at, host.now(), outcome);
    if let Some(slot) = standing.slot.as_mut().filter(|_| plan.slot.is_some()) {
        slot.is_turned = outcome == Outcome::Turned;
        made.slot = Some(slot.clone());
    }
    let slot = made.slot.as_ref();
    let next = standing.learn(&outcome, plan.showing.clone(), order.at, slot, chance());
    made.report.retry_at = next;
    made.report.outcome = match outcome {
        // With the next slot, if not before.
        Outcome::Retry { at, trouble } => {
            made.report.retry_at = next.or(slot.map(|slot| slot.end));
            let at = made.report.retry_at.unwrap_or(at);
            Outcome::Retry { at, trouble }
        }
        outcome => outcome,
    };
}

/// The outcome of a turn whose instant may lie ahead of the clock: so do the
/// times in it then.
fn seen_from(instant: DateTime<Utc>, now: DateTime<Utc>, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry { at, trouble } if instant > now => Outcome::Retry {
            at: after(at, instant.signed_duration_since(now)),
            trouble,
        },
        outcome => outcome,
    }
}

/// Sends a frame, once the ledger knows that it is being sent, and has promised to
/// wake the next host should this one end in the middle.
async fn send<H: Store + Client + Clock>(
    host: &H,
    ledger: &impl Ledger,
    plan: &Plan<'_>,
    standing: &mut Standing,
    report: &mut Report,
) -> Result<Outcome, Trouble> {
    let ready = plan.prepare(host).await?;
    if let Some(slot) = standing.slot.as_mut().filter(|_| plan.slot.is_some()) {
        slot.attempts = slot.attempts.saturating_add(1);
    }
    // Until the network has answered, nobody knows what it shows.
    let sending = Standing {
        showing: None,
        ..standing.clone()
    };
    ledger
        .keep(&sending, None)
        .map_err(|error| unkept(&error))?;
    let longest = TimeDelta::milliseconds(i64::from(REPLY_TIMEOUT_MS).saturating_mul(2));
    let too_late = host.now().checked_add_signed(longest);
    ledger
        .wake_at(too_late)
        .await
        .map_err(|error| unkept(&error))?;
    report.attempts = 1;
    let reply = host.send(ready.http).await;
    report.network_status = reply.as_ref().ok().map(|reply| reply.status().as_u16());
    Ok(read_reply(reply, ready.credentials, host.now()))
}

/// A random number from 0 to 1, or the middle where there is none.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

/// The name that an entry has for its slot.
fn slot_name(slot: &Slot) -> String {
    format!("{} {}", x::NAME, slot.start.to_rfc3339())
}

fn unkept(error: &StoreError) -> Trouble {
    Trouble::new(
        Reason::Host,
        error.to_string(),
        "Nothing was sent, so that nothing is sent twice. Try again; if it stays, see whether \
         Cloudflare reports a problem with Durable Objects.",
    )
}

/// What a turn comes down to, before it is known whether to send anything.
struct Plan<'a> {
    turning: &'a Turning,
    set: FrameSet,
    frame: u16,
    showing: Showing,
    /// The slot of a frame that is due.
    slot: Option<Slot>,
}

async fn plan<'a, H: Store>(
    settings: &'a Settings,
    host: &H,
    order: &Order,
    report: &mut Report,
) -> Result<Plan<'a>, Trouble> {
    let turning = settings.turning.as_ref().map_err(|flaws| {
        flaws.trouble(
            "Set what is named with `npx wrangler secret put NAME` or in wrangler.toml, or in \
             .dev.vars for wrangler dev.",
        )
    })?;
    let set = current_set(host).await?;
    let frames = set.frames();
    report.frames = Some(frames.get());
    let frame = match order.frame {
        Some(n) if n < frames.get() => n,
        Some(n) => {
            return Err(Trouble::new(
                Reason::NoSuchFrame,
                format!("There is no frame {n}: the current set has {frames}."),
                "Ask for a frame from 0 to one less than their number.",
            ));
        }
        None => turning.dial.frame_at(order.at, frames),
    };
    report.frame = Some(frame);
    let slot = order.frame.is_none().then(|| {
        let slot = turning.dial.slot_at(order.at, frames);
        Slot {
            start: slot.start,
            end: slot.end,
            trigger: order.trigger,
            scheduled_at: order.at,
            attempts: 0,
            is_turned: false,
        }
    });
    Ok(Plan {
        turning,
        frame,
        showing: Showing {
            set: set.id().to_string(),
            frame,
        },
        slot,
        set,
    })
}

impl<'a> Plan<'a> {
    /// Gets the frame and makes the request.
    async fn prepare<H: Store + Clock>(&self, host: &H) -> Result<Ready<'a>, Trouble> {
        let Self {
            turning: Turning { account, .. },
            set,
            frame: n,
            ..
        } = self;
        let frame = frame_store::frame(host, set, *n).await?;
        if frame.is_empty() || frame.len() > x::MAX_FRAME_BYTES {
            return Err(Trouble::new(
                Reason::Frames,
                format!(
                    "Frame {n} has {} bytes; X takes from 1 to {}.",
                    frame.len(),
                    x::MAX_FRAME_BYTES
                ),
                "Publish the icon again, under another --quality: rotate-icon publish ICON --remote.",
            ));
        }

        let stamp = Stamp::fresh(host.now()).map_err(|error| {
            Trouble::new(
                Reason::Host,
                format!("There is no randomness for the signature: {error}."),
                "Try again.",
            )
        })?;
        let http = x::update_profile_image(account, &frame, set.media_type(), &stamp).map_err(
            |error| {
                Trouble::new(
                    Reason::Settings,
                    format!("The request cannot be made: {error}."),
                    "Check API_BASE_URL and the four keys.",
                )
            },
        )?;
        Ok(Ready {
            http,
            frame_bytes: frame.len(),
            credentials: &account.credentials,
        })
    }
}

/// A request that is ready to be sent.
struct Ready<'a> {
    http: Request<Vec<u8>>,
    frame_bytes: usize,
    credentials: &'a Credentials,
}

fn preview(ready: &Ready<'_>) -> Preview {
    Preview {
        method: ready.http.method().to_string(),
        url: ready.http.uri().to_string(),
        headers: ready
            .http
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = if name == AUTHORIZATION {
                    "OAuth (signed, not shown)".to_owned()
                } else {
                    String::from_utf8_lossy(value.as_bytes()).into_owned()
                };
                (name.to_string(), value)
            })
            .collect(),
        body_bytes: ready.http.body().len(),
        frame_bytes: ready.frame_bytes,
    }
}

fn read_reply(
    reply: Result<Response<Vec<u8>>, SendError>,
    credentials: &Credentials,
    now: DateTime<Utc>,
) -> Outcome {
    match reply {
        Ok(mut reply) => {
            // What X says is shown to the owner, and some proxies repeat what
            // they were sent.
            if !reply.status().is_success() {
                let said = String::from_utf8_lossy(reply.body());
                *reply.body_mut() = credentials.hidden_in(&said).into_bytes();
            }
            x::read_reply(&reply, now)
        }
        Err(error) => x::no_reply(&error, now),
    }
}

#[cfg(test)]
mod tests;
