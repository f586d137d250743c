//! Everything the simulator knows, all of it in memory, and how a request enters its record.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};

use super::answer::{Answer, Rejection};
use super::bluesky::{self, Bluesky};
use super::clock::Clock;
use super::faults::{Delivery, Fault, Queue, Queued};
use super::mastodon::{self, Mastodon};
use super::network::Network;
use super::picture::{Facts, Picture};
use super::received::{Journal, Received, Verdict};
use super::x::{self, X};

/// The stand-in for the networks: an account on each, and what happened to it.
pub(super) struct Simulator {
    pub(super) clock: Clock,
    state: Mutex<State>,
}

/// Who may do what on each network.
pub(super) struct Accounts {
    pub(super) x: x::Keys,
    pub(super) bluesky: bluesky::Login,
    pub(super) mastodon: mastodon::Grant,
}

/// What changes while the simulator runs.
pub(super) struct State {
    pub(super) faults: Queue,
    pub(super) journal: Journal,
    pub(super) x: X,
    pub(super) bluesky: Bluesky,
    pub(super) mastodon: Mastodon,
    /// The picture of the account on each network, in the order of [`Network::ALL`].
    icons: [Option<Icon>; 3],
    /// Where a line about each request is written.
    output: Box<dyn Write + Send>,
}

/// The picture of an account.
#[derive(Clone)]
pub(super) struct Icon {
    /// The number of the request that set it.
    pub(super) number: u64,
    pub(super) set_at: DateTime<Utc>,
    pub(super) facts: Facts,
    pub(super) bytes: Bytes,
}

/// What a good request gets, and what it does.
pub(super) struct Accepted {
    pub(super) answer: Answer,
    /// What was accepted, in a few words.
    pub(super) summary: String,
    /// The picture that becomes that of the account.
    pub(super) icon: Option<Picture>,
}

impl Accepted {
    /// Something other than a new picture.
    pub(super) fn new(answer: Answer, summary: impl Into<String>) -> Self {
        Self {
            answer,
            summary: summary.into(),
            icon: None,
        }
    }
}

/// A request that was judged, to be recorded.
pub(super) struct Judged {
    pub(super) network: Network,
    pub(super) endpoint: Option<&'static str>,
    pub(super) fault: Option<&'static Fault>,
    pub(super) outcome: Result<Accepted, Rejection>,
    /// Added to the proper answer.
    pub(super) headers: HeaderMap,
    /// What breaks off, if that is not the proper answer.
    pub(super) cut_off: Option<Answer>,
    /// The kind of body in one word.
    pub(super) body: &'static str,
    pub(super) oauth: Option<(i64, String)>,
    /// The picture that came with it.
    pub(super) picture: Option<Picture>,
}

impl Simulator {
    /// A simulator to which nothing has happened yet.
    pub(super) fn new(
        accounts: Accounts,
        clock: Clock,
        faults: Vec<Queued>,
        keep: NonZeroUsize,
        output: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                faults: Queue::of(faults),
                journal: Journal::keeping(keep),
                x: X::new(accounts.x),
                bluesky: Bluesky::new(accounts.bluesky),
                mastodon: Mastodon::new(accounts.mastodon),
                icons: [const { None }; 3],
                output,
            }),
        }
    }

    /// The state, for as long as the guard is held.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The picture of the account on a network.
    pub(super) fn icon(&self, network: Network) -> Option<&Icon> {
        let [x, bluesky, mastodon] = &self.icons;
        match network {
            Network::X => x.as_ref(),
            Network::Bluesky => bluesky.as_ref(),
            Network::Mastodon => mastodon.as_ref(),
        }
    }

    fn set_icon(&mut self, network: Network, icon: Icon) {
        let [x, bluesky, mastodon] = &mut self.icons;
        let place = match network {
            Network::X => x,
            Network::Bluesky => bluesky,
            Network::Mastodon => mastodon,
        };
        *place = Some(icon);
    }

    /// Records a request, prints a line about it and says what to do for it.
    pub(super) fn settle(&mut self, judged: Judged, now: DateTime<Utc>) -> Delivery {
        let fault = judged.fault;
        let passes = fault.is_none_or(Fault::lets_pass);
        let number = self.journal.next_number();
        let took_effect = passes && judged.outcome.is_ok();

        let (verdict, summary, reason, mut proper) = match judged.outcome {
            Ok(accepted) => {
                if let (true, Some(picture)) = (passes, accepted.icon) {
                    let icon = Icon {
                        number,
                        set_at: now,
                        facts: picture.facts,
                        bytes: picture.bytes,
                    };
                    self.set_icon(judged.network, icon);
                }
                let summary = accepted.summary;
                (Verdict::Accepted, summary.clone(), summary, accepted.answer)
            }
            Err(rejection) => (
                Verdict::Rejected,
                rejection.summary(),
                rejection.explanation.clone(),
                rejection.answer(),
            ),
        };
        proper.headers.extend(judged.headers);
        let explanation = match (fault, passes) {
            (None, _) => reason,
            (Some(_), true) => format!("{} all the same: {summary}", verdict.word()),
            (Some(_), false) => format!("would have been {}: {summary}", verdict.word()),
        };
        let delivery = match fault {
            None => Delivery::Send(proper),
            Some(fault) => fault.delivery(now, proper, judged.cut_off),
        };

        let answer = match &delivery {
            Delivery::Send(answer) | Delivery::SendLate(_, answer) | Delivery::SendHalf(answer) => {
                Some(answer)
            }
            Delivery::SendEndless | Delivery::Hang | Delivery::Reset => None,
        };
        let status = match &delivery {
            Delivery::SendEndless => Some(200),
            _ => answer.map(|answer| answer.status.as_u16()),
        };
        let (oauth_timestamp, oauth_nonce) = judged.oauth.unzip();
        let received = Received {
            number,
            network: judged.network,
            endpoint: judged.endpoint,
            at: now,
            fault: fault.map(|fault| fault.name),
            status,
            code: answer.and_then(|answer| answer.code),
            error: answer.and_then(|answer| answer.error),
            verdict,
            explanation,
            summary,
            took_effect,
            body: judged.body,
            oauth_timestamp,
            oauth_nonce,
            picture: judged.picture.as_ref().map(|picture| picture.facts.clone()),
            bytes: judged.picture.map(|picture| picture.bytes),
        };
        // Nobody reading along is no reason to stop.
        let _ = writeln!(self.output, "{}", received.line()).and_then(|()| self.output.flush());
        self.journal.add(received);
        delivery
    }
}
