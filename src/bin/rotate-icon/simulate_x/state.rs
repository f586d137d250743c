//! Everything the simulator knows, all of it in memory, and what one request does to it.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use chrono::{DateTime, Utc};

use super::answer::Answer;
use super::clock::Clock;
use super::faults::{Delivery, Fault, Queue, Queued};
use super::judge::{Keys, Nonces, Request};
use super::picture::Facts;
use super::received::{Journal, Received, Verdict};

/// What an account has before it has a picture.
const DEFAULT_PICTURE: &str =
    "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png";

/// The stand-in for X: an app, an account, and what happened to it.
pub(super) struct Simulator {
    keys: Keys,
    pub(super) clock: Clock,
    state: Mutex<State>,
}

/// What changes while the simulator runs.
pub(super) struct State {
    pub(super) faults: Queue,
    pub(super) journal: Journal,
    pub(super) icon: Option<Icon>,
    nonces: Nonces,
    /// Where a line about each request is written.
    output: Box<dyn Write + Send>,
}

/// The picture of the account.
pub(super) struct Icon {
    /// The number of the request that set it.
    pub(super) number: u64,
    pub(super) set_at: DateTime<Utc>,
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

impl Icon {
    /// An address in the shape of X's own ones; nothing is there.
    fn address(&self) -> String {
        let digest = self.facts.sha256.get(..8).unwrap_or_default();
        let ending = match self.facts.media_type {
            Some("image/png") => "png",
            Some("image/gif") => "gif",
            _ => "jpg",
        };
        format!(
            "https://pbs.twimg.com/profile_images/{}/{digest}_normal.{ending}",
            self.number
        )
    }
}

impl Simulator {
    /// A simulator to which nothing has happened yet.
    pub(super) fn new(
        keys: Keys,
        clock: Clock,
        faults: Vec<Queued>,
        keep: NonZeroUsize,
        output: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            keys,
            clock,
            state: Mutex::new(State {
                faults: Queue::of(faults),
                journal: Journal::keeping(keep),
                icon: None,
                nonces: Nonces::default(),
                output,
            }),
        }
    }

    /// The state, for as long as the guard is held.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a request, records it, prints a line about it and says what to do for it.
    pub(super) fn receive(&self, request: &Request) -> Delivery {
        self.state().receive(request, &self.keys, self.clock.now())
    }
}

impl State {
    fn receive(&mut self, request: &Request, keys: &Keys, now: DateTime<Utc>) -> Delivery {
        let fault = if request.is_update() {
            self.faults.take()
        } else {
            None
        };
        let judgement = request.judge(keys, &mut self.nonces, now.timestamp());
        let previous_picture = self
            .icon
            .as_ref()
            .map_or_else(|| DEFAULT_PICTURE.to_owned(), Icon::address);
        let user = || Answer::user(&previous_picture, now);

        let (verdict, summary, reason, proper) = match &judgement {
            Ok(picture) => {
                let summary = format!("frame {}", picture.facts.summary());
                (Verdict::Accepted, summary.clone(), summary, user())
            }
            Err(rejection) => (
                Verdict::Rejected,
                rejection.summary(),
                rejection.explanation.clone(),
                Answer::refusal(rejection.refusal),
            ),
        };
        let passes = fault.is_none_or(Fault::lets_pass);
        let explanation = match (fault, passes) {
            (None, _) => reason,
            (Some(_), true) => format!("{} all the same: {summary}", verdict.word()),
            (Some(_), false) => format!("would have been {}: {summary}", verdict.word()),
        };
        let delivery = match fault {
            None => Delivery::Send(proper),
            Some(fault) => fault.delivery(now, proper, user),
        };

        let number = self.journal.next_number();
        let took_effect = passes && judgement.is_ok();
        if let (true, Ok(picture)) = (passes, judgement) {
            self.icon = Some(Icon {
                number,
                set_at: now,
                facts: picture.facts,
                bytes: picture.bytes,
            });
        }
        let answer = match &delivery {
            Delivery::Send(answer) | Delivery::SendLate(_, answer) | Delivery::SendHalf(answer) => {
                Some(answer)
            }
            Delivery::Hang | Delivery::Reset => None,
        };
        let authorization = request.authorization.as_ref().ok();
        let picture = request.picture.as_ref().ok();
        let received = Received {
            number,
            at: now,
            fault: fault.map(|fault| fault.name),
            status: answer.map(|answer| answer.status.as_u16()),
            code: answer.and_then(|answer| answer.code),
            verdict,
            explanation,
            summary,
            took_effect,
            body: request.payload.kind(),
            oauth_timestamp: authorization.map(|authorization| authorization.timestamp),
            oauth_nonce: authorization.map(|authorization| authorization.nonce.clone()),
            picture: picture.map(|picture| picture.facts.clone()),
            bytes: picture.map(|picture| picture.bytes.clone()),
        };
        // Nobody reading along is no reason to stop.
        let _ = writeln!(self.output, "{}", received.line()).and_then(|()| self.output.flush());
        self.journal.add(received);
        delivery
    }
}
