//! One turn of one account: choose the frame, get it, send it, say how it
//! went. Written once, over the ports; every host calls this.

use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{Request, Response};

use crate::frame_store::{self, current_set};
use crate::journal::{Entry, Report, Trigger};
use crate::network::x;
use crate::oauth1::{Credentials, Stamp};
use crate::outcome::{Outcome, Preview, Reason, Trouble};
use crate::ports::{Client, Clock, Journal, SendError, Store};
use crate::settings::{Settings, Turning};

/// What to do in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The instant whose frame is to be shown.
    pub at: DateTime<Utc>,
    /// This frame instead of the instant's.
    pub frame: Option<u16>,
    /// Do everything but send.
    pub dry_run: bool,
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
            trigger,
        }
    }
}

/// Makes one turn, records it, and tells how it ended; there is no other way
/// for it to end.
pub async fn turn<H: Store + Client + Clock + Journal>(
    settings: &Settings,
    host: &H,
    order: &Order,
) -> Report {
    let started = host.now();
    let report = make_turn(settings, host, order).await;
    host.record(&Entry {
        event: "turn",
        trigger: order.trigger,
        scheduled_at: order.at,
        duration_ms: host.now().signed_duration_since(started).num_milliseconds(),
        report: &report,
    });
    report
}

async fn make_turn<H: Store + Client + Clock>(
    settings: &Settings,
    host: &H,
    order: &Order,
) -> Report {
    let mut report = Report {
        frame: None,
        frames: None,
        network_status: None,
        outcome: Outcome::Turned,
    };
    match prepare(settings, host, order, &mut report).await {
        Ok(request) if order.dry_run => {
            report.outcome = Outcome::DryRun(preview(&request));
        }
        Ok(request) => {
            let reply = host.send(request.http).await;
            report.network_status = reply.as_ref().ok().map(|reply| reply.status().as_u16());
            report.outcome = read_reply(reply, request.credentials, host.now());
        }
        Err(trouble) => report.outcome = Outcome::Refused(trouble),
    }
    report
}

/// A request that is ready to be sent.
struct Ready<'a> {
    http: Request<Vec<u8>>,
    frame_bytes: usize,
    credentials: &'a Credentials,
}

async fn prepare<'a, H: Store + Clock>(
    settings: &'a Settings,
    host: &H,
    order: &Order,
    report: &mut Report,
) -> Result<Ready<'a>, Trouble> {
    let Turning { dial, account } = settings.turning.as_ref().map_err(|flaws| {
        Trouble::new(
            Reason::Settings,
            format!("The settings are not complete: {flaws}."),
            "Set what is named with `npx wrangler secret put NAME` or in wrangler.toml, or in \
             .dev.vars for wrangler dev.",
        )
    })?;

    let set = current_set(host).await?;
    let frames = set.frames();
    report.frames = Some(frames.get());
    let n = match order.frame {
        Some(n) if n < frames.get() => n,
        Some(n) => {
            return Err(Trouble::new(
                Reason::NoSuchFrame,
                format!("There is no frame {n}: the current set has {frames}."),
                "Ask for a frame from 0 to one less than their number.",
            ));
        }
        None => dial.frame_at(order.at, frames),
    };
    report.frame = Some(n);

    let frame = frame_store::frame(host, &set, n).await?;
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
    let http =
        x::update_profile_image(account, &frame, set.media_type(), &stamp).map_err(|error| {
            Trouble::new(
                Reason::Settings,
                format!("The request cannot be made: {error}."),
                "Check API_BASE_URL and the four keys.",
            )
        })?;
    Ok(Ready {
        http,
        frame_bytes: frame.len(),
        credentials: &account.credentials,
    })
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
