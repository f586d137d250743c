//! The faults that can be asked for, of any network, and the queues of those that are due. Which
//! ones there are stands in a table of each network.

use std::collections::VecDeque;
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::{HeaderName, SERVER};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::answer::{Answer, Refusal};
use super::network::Network;

/// How long `slow` lets the client wait.
const SLOWNESS: Duration = Duration::from_secs(3);
/// How much text `hostile-text` sends at least.
const HOSTILE_BYTES: usize = 100 * 1024;

/// A fault that can be asked for.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// The endpoints at which it comes up unless another one is asked for; all, if empty.
    #[serde(skip)]
    at: &'static [&'static str],
    #[serde(skip)]
    reply: Reply,
}

/// How a fault replies.
#[derive(Clone, Copy)]
enum Reply {
    /// An error in the network's usual shape, or an empty one.
    Refusal(Refusal),
    /// A page rather than an answer, from something in front of the network.
    Page {
        status: u16,
        server: Option<&'static str>,
        html: &'static str,
    },
    /// An answer that depends on the time, or is none of the above.
    Special(fn(DateTime<Utc>) -> Answer),
    /// The proper answer, too late.
    Slow,
    /// Nothing at all, until the client leaves.
    Hang,
    /// A TCP reset.
    Reset,
    /// Half an answer.
    CutOff,
    /// A body that never ends.
    Endless,
}

/// What is to be done for a request.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Send this.
    Send(Answer),
    /// Send this after a while.
    SendLate(Duration, Answer),
    /// Send the head of this and half of its body, then close the connection.
    SendHalf(Answer),
    /// Send a body that never ends.
    SendEndless,
    /// Say nothing until the client leaves.
    Hang,
    /// Reset the connection.
    Reset,
}

/// A fault that refuses the request.
pub(super) const fn refusal(
    name: &'static str,
    description: &'static str,
    refusal: Refusal,
) -> Fault {
    fault(name, description, Reply::Refusal(refusal))
}

/// A fault with an answer of its own.
pub(super) const fn special(
    name: &'static str,
    description: &'static str,
    answer: fn(DateTime<Utc>) -> Answer,
) -> Fault {
    fault(name, description, Reply::Special(answer))
}

/// A fault that answers with a web page.
pub(super) const fn page(
    name: &'static str,
    description: &'static str,
    status: u16,
    server: Option<&'static str>,
    html: &'static str,
) -> Fault {
    let reply = Reply::Page {
        status,
        server,
        html,
    };
    fault(name, description, reply)
}

/// A fault that does what was asked and breaks off in the middle of saying so.
pub(super) const fn cut_off(description: &'static str) -> Fault {
    fault("cut-off", description, Reply::CutOff)
}

pub(super) const HANG: Fault = fault("hang", "no answer until the client leaves", Reply::Hang);
pub(super) const SLOW: Fault = fault("slow", "the proper answer, after 3 s", Reply::Slow);
pub(super) const RESET: Fault = fault("reset", "a TCP reset instead of an answer", Reply::Reset);
pub(super) const ENDLESS_BODY: Fault = fault(
    "endless-body",
    "200 with a body that never ends",
    Reply::Endless,
);
pub(super) const CAPTIVE_PORTAL: Fault = page(
    "captive-portal",
    "200 with a page in HTML, as public networks show it",
    200,
    None,
    "<!DOCTYPE html><html><head><title>Welcome</title></head>\
     <body><h1>Welcome</h1><p>Please sign in to use this network.</p></body></html>",
);
pub(super) const BAD_GATEWAY: Fault = page(
    "bad-gateway",
    "502 with a page in HTML",
    502,
    None,
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
     <body><h1>502 Bad Gateway</h1></body></html>",
);
pub(super) const EMPTY_ERROR: Fault =
    refusal("empty-error", "500 with an empty body", Refusal::empty(500));

const fn fault(name: &'static str, description: &'static str, reply: Reply) -> Fault {
    Fault {
        name,
        description,
        at: &[],
        reply,
    }
}

/// A text that does harm wherever it is shown without care.
pub(super) fn hostile_text() -> String {
    let line = "<script>alert(1)</script>\r\n\u{1b}[2J\u{1b}[31m\u{1b}]0;title\u{7}\u{8}\0 \
                \u{202e}\"'&{}%s\n::error::\n";
    line.repeat(HOSTILE_BYTES / line.len() + 1)
}

impl Fault {
    /// The same fault, which comes up at these endpoints only.
    pub(super) const fn at(self, endpoints: &'static [&'static str]) -> Self {
        Self {
            at: endpoints,
            ..self
        }
    }

    /// The fault of that name, or which names there are.
    fn named(network: Network, name: &str) -> Result<&'static Self, String> {
        let faults = network.faults();
        faults
            .iter()
            .find(|fault| fault.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = faults.iter().map(|fault| fault.name).collect();
                format!("there is no such fault; known are {}", known.join(", "))
            })
    }

    /// Whether the request does what it asks for in spite of the fault.
    pub(super) fn lets_pass(&self) -> bool {
        matches!(self.reply, Reply::Slow | Reply::CutOff)
    }

    /// What is done instead of sending the proper answer; `cut_off` is what breaks off.
    pub(super) fn delivery(
        &self,
        now: DateTime<Utc>,
        proper: Answer,
        cut_off: Option<Answer>,
    ) -> Delivery {
        match self.reply {
            Reply::Refusal(refusal) => Delivery::Send(Answer::refusal(refusal)),
            Reply::Page {
                status,
                server,
                html,
            } => {
                let answer = Answer::of(status, "text/html; charset=UTF-8", html);
                Delivery::Send(match server {
                    Some(server) => answer.with(SERVER, HeaderValue::from_static(server)).with(
                        HeaderName::from_static("cf-ray"),
                        HeaderValue::from_static("0000000000000000-ZRH"),
                    ),
                    None => answer,
                })
            }
            Reply::Special(answer) => Delivery::Send(answer(now)),
            Reply::Slow => Delivery::SendLate(SLOWNESS, proper),
            Reply::Hang => Delivery::Hang,
            Reply::Reset => Delivery::Reset,
            Reply::CutOff => Delivery::SendHalf(cut_off.unwrap_or(proper)),
            Reply::Endless => Delivery::SendEndless,
        }
    }
}

/// A fault, where it comes up and how often it is still to come up.
#[derive(Clone)]
pub(super) struct Queued {
    pub(super) network: Network,
    pub(super) fault: &'static Fault,
    /// `None`: wherever such a fault comes up.
    pub(super) endpoint: Option<&'static str>,
    /// `None`: until the queue is cleared.
    pub(super) times: Option<u32>,
}

impl Queued {
    /// The fault of that name, at that endpoint, so many times.
    pub(super) fn new(
        network: Network,
        name: &str,
        endpoint: Option<&str>,
        times: Option<u32>,
    ) -> Result<Self, String> {
        if times == Some(0) {
            return Err("times has to be 1 or more; leave it out for ever".to_owned());
        }
        let endpoints = network.endpoints();
        let known = |asked: &str| {
            let found = endpoints.iter().find(|known| **known == asked).copied();
            found.ok_or_else(|| {
                let known = endpoints.join(", ");
                format!("there is no such endpoint; known are {known}")
            })
        };
        Ok(Self {
            network,
            fault: Fault::named(network, name)?,
            endpoint: endpoint.map(known).transpose()?,
            times,
        })
    }

    fn comes_up_at(&self, network: Network, endpoint: &str) -> bool {
        self.network == network
            && match self.endpoint {
                Some(asked) => asked == endpoint,
                None => self.fault.at.is_empty() || self.fault.at.contains(&endpoint),
            }
    }
}

impl FromStr for Queued {
    type Err = String;

    /// Reads `[NETWORK:]NAME[@ENDPOINT][*TIMES]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (text, times) = match text.split_once('*') {
            None => (text, None),
            Some((text, times)) => {
                let times = times
                    .parse()
                    .map_err(|_| "what follows * has to be a whole number".to_owned())?;
                (text, Some(times))
            }
        };
        let (text, endpoint) = match text.split_once('@') {
            None => (text, None),
            Some((text, endpoint)) => (text, Some(endpoint)),
        };
        let (network, name) = match text.split_once(':') {
            None => (Network::X, text),
            Some((network, name)) => (Network::named(network)?, name),
        };
        Self::new(network, name, endpoint, times)
    }
}

/// The faults that are due, in the order in which they come up.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Queued>);

impl Queue {
    /// A queue that begins with these.
    pub(super) fn of(faults: Vec<Queued>) -> Self {
        Self(faults.into())
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, fault: Queued) {
        self.0.push_back(fault);
    }

    /// Takes the fault that is due now at that endpoint.
    pub(super) fn take(&mut self, network: Network, endpoint: &str) -> Option<&'static Fault> {
        let index = self
            .0
            .iter()
            .position(|queued| queued.comes_up_at(network, endpoint))?;
        let queued = self.0.get_mut(index)?;
        let fault = queued.fault;
        if let Some(times) = &mut queued.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(fault)
    }

    /// Removes those of one network, or all.
    pub(super) fn clear(&mut self, network: Option<Network>) {
        self.0
            .retain(|queued| network.is_some_and(|network| queued.network != network));
    }

    /// What is in the queue for a network, first come first.
    pub(super) fn iter(&self, network: Network) -> impl Iterator<Item = &Queued> {
        self.0
            .iter()
            .filter(move |queued| queued.network == network)
    }
}

/// The help text of the option that names faults.
pub(super) fn help() -> String {
    let mut help = String::from(
        "Give this fault instead of the proper answer; may be repeated.\n\n\
         NAME*TIMES gives it so many times and then goes on to the next one; NAME alone gives it \
         for ever. bluesky:NAME and mastodon:NAME are faults of those networks, NAME@ENDPOINT one \
         at a single endpoint. The request is judged and recorded all the same. While this runs, \
         faults are added with PUT /simulator/faults and removed with DELETE.\n",
    );
    for network in Network::ALL {
        // Writing to a string does not fail.
        let _ = writeln!(help, "\nThe faults of {}:", network.title());
        for Fault {
            name, description, ..
        } in network.faults()
        {
            let _ = writeln!(help, "  {name:<24} {description}");
        }
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Queued {
        text.parse().unwrap()
    }

    #[test]
    fn the_tables_are_sound() {
        let help = help();
        for network in Network::ALL {
            let faults = network.faults();
            for (index, fault) in faults.iter().enumerate() {
                assert!(faults[..index].iter().all(|other| other.name != fault.name));
                assert!(!fault.description.is_empty() && !fault.description.contains('\n'));
                assert!(help.contains(fault.name) && help.contains(fault.description));
                assert!(fault.name.len() < 24);
                for endpoint in fault.at {
                    assert!(network.endpoints().contains(endpoint), "{endpoint}");
                }
            }
        }
        // Each of X's is known by name to the tests of the Worker.
        assert_eq!(Network::X.faults().len(), 42);
    }

    #[test]
    fn faults_are_named_with_their_network_their_endpoint_and_their_number_of_times() {
        let queued = parsed("hang");
        assert_eq!((queued.fault.name, queued.times), ("hang", None));
        assert_eq!((queued.network, queued.endpoint), (Network::X, None));
        let queued = parsed("over-capacity*2");
        assert_eq!(
            (queued.fault.name, queued.times),
            ("over-capacity", Some(2))
        );
        let queued = parsed("bluesky:hang@com.atproto.repo.putRecord*3");
        assert_eq!(queued.network, Network::Bluesky);
        assert_eq!(queued.endpoint, Some("com.atproto.repo.putRecord"));
        assert_eq!((queued.fault.name, queued.times), ("hang", Some(3)));
        for wrong in [
            "",
            "hangs",
            "hang*",
            "hang*0",
            "hang*-1",
            "hang*x",
            "*2",
            "y:hang",
            "bluesky:over-capacity",
            "hang@com.atproto.repo.putRecord",
        ] {
            assert!(wrong.parse::<Queued>().is_err(), "{wrong}");
        }
        let error = "hangs".parse::<Queued>().err().unwrap();
        assert!(error.contains("hang") && error.contains("rate-limit-legacy"));
    }

    #[test]
    fn the_queue_counts_down_and_stays_at_what_lasts() {
        let faults = ["reset*2", "hang*1", "slow", "reset"];
        let mut queue = Queue::of(faults.map(parsed).into());
        let mut taken = || queue.take(Network::X, "any").map(|fault| fault.name);
        let names: Vec<_> = std::iter::repeat_with(&mut taken)
            .take(5)
            .flatten()
            .collect();
        assert_eq!(names, ["reset", "reset", "hang", "slow", "slow"]);
        assert_eq!(queue.iter(Network::X).count(), 2);
        queue.clear(None);
        assert!(queue.take(Network::X, "any").is_none());
    }

    #[test]
    fn a_fault_waits_for_its_network_and_its_endpoint() {
        let put = "com.atproto.repo.putRecord";
        let faults = [
            "bluesky:invalid-swap*1",
            "mastodon:hang*1",
            "bluesky:slow@com.atproto.repo.putRecord",
        ];
        let mut queue = Queue::of(faults.map(parsed).into());
        let mut at = |network, endpoint| queue.take(network, endpoint).map(|fault| fault.name);
        assert_eq!(at(Network::X, "account/update_profile_image"), None);
        assert_eq!(at(Network::Bluesky, "com.atproto.repo.getRecord"), None);
        assert_eq!(at(Network::Bluesky, put), Some("invalid-swap"));
        assert_eq!(at(Network::Bluesky, put), Some("slow"));
        assert_eq!(
            at(Network::Mastodon, "accounts/update_credentials"),
            Some("hang")
        );
        queue.clear(Some(Network::Mastodon));
        assert_eq!(queue.iter(Network::Bluesky).count(), 1);
        queue.clear(Some(Network::Bluesky));
        assert_eq!(queue.iter(Network::Bluesky).count(), 0);
    }

    #[test]
    fn hostile_text_is_large_and_hostile() {
        let text = hostile_text();
        assert!(text.len() >= HOSTILE_BYTES);
        for part in ["<script>alert(1)</script>", "\n", "\u{1b}["] {
            assert!(text.contains(part));
        }
    }
}
