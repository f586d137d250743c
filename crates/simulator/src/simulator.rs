//! The simulator's state, and the record that every request to a network leaves in it.

use std::num::NonZeroUsize;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{DATE, HeaderValue};

use crate::answer::{Answer, Delivery};
use crate::bluesky::{self, Bluesky};
use crate::clock::{self, Clock};
use crate::fault_queue::{Queue, QueuedFault};
use crate::faults::Fault;
use crate::mastodon::{self, Mastodon};
use crate::network::Network;
use crate::picture::{Facts, Picture};
use crate::random::Random;
use crate::received::{Journal, Received, Verdict};
use crate::reply::{Rejection, Reply};
use crate::request::{Body, Request};
use crate::routes;
use crate::x::{self, X};

/// What a [`Simulator`] starts with.
pub struct Options {
    /// The app and the account on X.
    pub x: x::Keys,
    /// The account on Bluesky.
    pub bluesky: bluesky::Login,
    /// The access token for Mastodon.
    pub mastodon: mastodon::Grant,
    /// Further servers of Mastodon's network, told apart by the `Host` header.
    pub mastodon_servers: Vec<mastodon::NamedServer>,
    /// The faults to answer with, in this order.
    pub faults: Vec<QueuedFault>,
    /// How many seconds the simulator's clock runs ahead, at most [`crate::WIDEST_OFFSET`] either
    /// way.
    pub clock_offset: i64,
    /// How many received requests are kept; the oldest are dropped.
    pub keep: NonZeroUsize,
    /// 32 random bytes, from which all tokens are made. With a fixed seed they can be guessed.
    pub seed: [u8; 32],
}

impl Default for Options {
    /// The credentials of the local development setup, no faults, and a fixed seed.
    fn default() -> Self {
        Self {
            x: x::Keys::default(),
            bluesky: bluesky::Login::default(),
            mastodon: mastodon::Grant::default(),
            mastodon_servers: Vec::new(),
            faults: Vec::new(),
            clock_offset: 0,
            keep: NonZeroUsize::MIN.saturating_add(99),
            seed: [0; 32],
        }
    }
}

/// The stand-ins for all networks: an account on each, and what happened to it.
pub struct Simulator {
    pub(crate) clock: Clock,
    pub(crate) faults: Queue,
    pub(crate) journal: Journal,
    pub(crate) x: X,
    pub(crate) bluesky: Bluesky,
    pub(crate) mastodon: Mastodon,
    /// The picture of the account on each network, in the order of [`Network::ALL`].
    icons: [Option<Icon>; 3],
}

/// The picture of an account.
#[derive(Clone)]
pub(crate) struct Icon {
    /// The number of the request that set it.
    pub(crate) number: u64,
    pub(crate) set_at: DateTime<Utc>,
    pub(crate) facts: Facts,
    pub(crate) bytes: Bytes,
}

impl Icon {
    /// The picture that the request with this number sets.
    pub(crate) fn of(picture: Picture, number: u64, set_at: DateTime<Utc>) -> Self {
        Self {
            number,
            set_at,
            facts: picture.facts,
            bytes: picture.bytes,
        }
    }
}

/// The reply to a correct request, and its effect.
pub(crate) struct Accepted {
    pub(crate) reply: Reply,
    /// What was accepted, in a few words.
    pub(crate) summary: String,
    /// The account's new picture.
    pub(crate) icon: Option<Picture>,
    /// Whether the account has no picture from now on.
    pub(crate) removes_icon: bool,
}

impl Accepted {
    /// An accepted request that sets no picture.
    pub(crate) fn new(reply: Reply, summary: impl Into<String>) -> Self {
        Self {
            reply,
            summary: summary.into(),
            icon: None,
            removes_icon: false,
        }
    }
}

/// A judged request, ready to be recorded.
pub(crate) struct Judged {
    pub(crate) network: Network,
    /// The server and the account, of a network that has several.
    pub(crate) server: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) endpoint: Option<&'static str>,
    pub(crate) fault: Option<&'static Fault>,
    pub(crate) outcome: Result<Accepted, Rejection>,
    /// Headers to add to the proper reply.
    pub(crate) headers: HeaderMap,
    /// The reply that the fault `cut-off` sends; the proper one if `None`.
    pub(crate) cut_off: Option<Reply>,
    /// The kind of body in one word.
    pub(crate) body: &'static str,
    /// The timestamp and the nonce of OAuth 1.0a.
    pub(crate) oauth: Option<(i64, String)>,
    /// The picture in the request.
    pub(crate) picture: Option<Picture>,
}

impl Simulator {
    /// A simulator that has received nothing yet.
    pub fn new(options: Options) -> Self {
        let mut random = Random::new(options.seed);
        Self {
            clock: Clock::with_offset(options.clock_offset),
            faults: Queue::of(options.faults),
            journal: Journal::keeping(options.keep),
            x: X::new(options.x, random.fork()),
            bluesky: Bluesky::new(options.bluesky, random.fork()),
            mastodon: Mastodon::new(options.mastodon, options.mastodon_servers, &mut random),
            icons: [const { None }; 3],
        }
    }

    /// Judges a request, records it and answers it. `now` is the host's time.
    ///
    /// The host carries out the answer's [`Delivery`] and shows its `log` line. Two Host headers,
    /// a broken-off body and whatever else a client may do wrong are judged too, so the host
    /// passes on every request as it came.
    pub fn handle(&mut self, request: http::Request<Body>, now: DateTime<Utc>) -> Answer {
        self.clock.set(now);
        let mut answer = routes::answer(self, &Request::from(request));
        if let Ok(date) = HeaderValue::from_str(&clock::http_date(self.clock.now())) {
            answer.response.headers_mut().entry(DATE).or_insert(date);
        }
        answer
    }

    /// The picture of the account on a network.
    pub(crate) fn icon(&self, network: Network) -> Option<&Icon> {
        let [x, bluesky, mastodon] = &self.icons;
        match network {
            Network::X => x.as_ref(),
            Network::Bluesky => bluesky.as_ref(),
            Network::Mastodon => mastodon.as_ref(),
        }
    }

    fn set_icon(&mut self, network: Network, icon: Option<Icon>) {
        let [x, bluesky, mastodon] = &mut self.icons;
        let place = match network {
            Network::X => x,
            Network::Bluesky => bluesky,
            Network::Mastodon => mastodon,
        };
        *place = icon;
    }

    /// Records a judged request and answers it.
    pub(crate) fn settle(&mut self, judged: Judged) -> Answer {
        let now = self.clock.now();
        let fault = judged.fault;
        let passes = fault.is_none_or(Fault::lets_pass);
        let number = self.journal.next_number();
        let took_effect = passes && judged.outcome.is_ok();

        let (verdict, summary, reason, mut proper) = match judged.outcome {
            Ok(accepted) => {
                if let (true, Some(picture)) = (passes, accepted.icon) {
                    let icon = Icon::of(picture, number, now);
                    self.set_icon(judged.network, Some(icon));
                }
                if passes && accepted.removes_icon {
                    self.set_icon(judged.network, None);
                }
                let summary = accepted.summary;
                (Verdict::Accepted, summary.clone(), summary, accepted.reply)
            }
            Err(rejection) => (
                Verdict::Rejected,
                rejection.summary(),
                rejection.explanation.clone(),
                rejection.reply(),
            ),
        };
        proper.headers.extend(judged.headers);
        let explanation = match (fault, passes) {
            (None, _) => reason,
            (Some(_), true) => format!("{} all the same: {summary}", verdict.word()),
            (Some(_), false) => format!("would have been {}: {summary}", verdict.word()),
        };
        let (reply, delivery) = match fault {
            None => (proper, Delivery::Whole),
            Some(fault) => fault.reply(now, proper, judged.cut_off),
        };

        let is_answered = !matches!(delivery, Delivery::Hang | Delivery::Reset);
        let (oauth_timestamp, oauth_nonce) = judged.oauth.unzip();
        let received = Received {
            number,
            network: judged.network,
            server: judged.server,
            account: judged.account,
            endpoint: judged.endpoint,
            at: now,
            fault: fault.map(|fault| fault.name),
            status: is_answered.then(|| reply.status.as_u16()),
            code: reply.code,
            error: reply.error,
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
        let log = Some(received.line());
        self.journal.add(received);
        Answer {
            response: reply.into_response(),
            delivery,
            log,
        }
    }
}
