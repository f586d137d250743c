//! The faults that are due: which occurs where, how often, and how they are named in text.

use std::collections::VecDeque;
use std::fmt::Write;
use std::str::FromStr;

use crate::faults::Fault;
use crate::network::Network;

/// A fault, where it occurs and how often.
///
/// Written as `[NETWORK:]NAME[@ENDPOINT][*TIMES]`, as on the command line:
///
/// ```
/// use simulator::QueuedFault;
///
/// assert!("bluesky:hang@com.atproto.repo.putRecord*2".parse::<QueuedFault>().is_ok());
/// assert!("no-such-fault".parse::<QueuedFault>().is_err());
/// ```
#[derive(Clone)]
pub struct QueuedFault {
    pub(crate) network: Network,
    /// The one server at which it occurs, of a network that has several.
    pub(crate) server: Option<String>,
    pub(crate) fault: &'static Fault,
    /// `None`: wherever the fault occurs by itself.
    pub(crate) endpoint: Option<&'static str>,
    /// `None`: until the queue is cleared.
    pub(crate) times: Option<u32>,
}

impl QueuedFault {
    /// The fault with this name, at this endpoint, this many times.
    ///
    /// # Errors
    ///
    /// If there is no such fault or endpoint, or `times` is 0.
    pub(crate) fn new(
        network: Network,
        name: &str,
        endpoint: Option<&str>,
        times: Option<u32>,
    ) -> Result<Self, String> {
        if times == Some(0) {
            return Err("times has to be 1 or more; without it, the fault lasts".to_owned());
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
            server: None,
            fault: named(network, name)?,
            endpoint: endpoint.map(known).transpose()?,
            times,
        })
    }

    /// This fault at one server only.
    pub(crate) fn at_server(self, server: Option<String>) -> Self {
        Self { server, ..self }
    }

    fn occurs_at(&self, network: Network, server: Option<&str>, endpoint: &str) -> bool {
        self.network == network
            && (self.server.is_none() || self.server.as_deref() == server)
            && match self.endpoint {
                Some(asked) => asked == endpoint,
                None => self.fault.at.is_empty() || self.fault.at.contains(&endpoint),
            }
    }
}

/// The fault of a network with this name. The error lists the names there are.
fn named(network: Network, name: &str) -> Result<&'static Fault, String> {
    let faults = network.faults();
    faults
        .iter()
        .find(|fault| fault.name == name)
        .ok_or_else(|| {
            let known: Vec<&str> = faults.iter().map(|fault| fault.name).collect();
            format!("there is no such fault; known are {}", known.join(", "))
        })
}

impl FromStr for QueuedFault {
    type Err = String;

    /// Reads `[NETWORK:]NAME[@ENDPOINT][*TIMES]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (text, times) = match text.split_once('*') {
            None => (text, None),
            Some((text, times)) => {
                let times = times
                    .parse()
                    .map_err(|_| "the part after * has to be a whole number".to_owned())?;
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

/// The faults that are due, in the order in which they occur.
#[derive(Default)]
pub(crate) struct Queue(VecDeque<QueuedFault>);

impl Queue {
    /// A queue that begins with these faults.
    pub(crate) fn of(faults: Vec<QueuedFault>) -> Self {
        Self(faults.into())
    }

    /// Adds a fault at the end.
    pub(crate) fn push(&mut self, fault: QueuedFault) {
        self.0.push_back(fault);
    }

    /// Takes the fault that is due at this endpoint. `server` tells the servers of a network apart
    /// that has several.
    pub(crate) fn take(
        &mut self,
        network: Network,
        server: Option<&str>,
        endpoint: &str,
    ) -> Option<&'static Fault> {
        let index = self
            .0
            .iter()
            .position(|queued| queued.occurs_at(network, server, endpoint))?;
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

    /// Removes the faults of one network, or of all.
    pub(crate) fn clear(&mut self, network: Option<Network>) {
        self.0
            .retain(|queued| network.is_some_and(|network| queued.network != network));
    }

    /// The faults of a network, in order.
    pub(crate) fn iter(&self, network: Network) -> impl Iterator<Item = &QueuedFault> {
        self.0
            .iter()
            .filter(move |queued| queued.network == network)
    }
}

/// The help text of a command-line option that takes a [`QueuedFault`]: how one is written, and
/// all faults of each network.
pub fn help() -> String {
    let mut help = String::from(
        "Answer with this fault instead of the proper answer; may be repeated.\n\n\
         NAME*TIMES gives the fault that often and then goes on to the next one; NAME alone gives \
         it forever. bluesky:NAME and mastodon:NAME are faults of those networks, NAME@ENDPOINT \
         is a fault at one endpoint. The request is judged and recorded all the same. While the \
         simulator runs, add faults with PUT /simulator/faults and remove them with DELETE.\n",
    );
    for network in Network::ALL {
        // Writing to a string cannot fail.
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

    fn parsed(text: &str) -> QueuedFault {
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
            assert!(wrong.parse::<QueuedFault>().is_err(), "{wrong}");
        }
        let error = "hangs".parse::<QueuedFault>().err().unwrap();
        assert!(error.contains("hang") && error.contains("rate-limit-legacy"));
    }

    #[test]
    fn the_queue_counts_down_and_stays_at_what_lasts() {
        let faults = ["reset*2", "hang*1", "slow", "reset"];
        let mut queue = Queue::of(faults.map(parsed).into());
        let mut taken = || queue.take(Network::X, None, "any").map(|fault| fault.name);
        let names: Vec<_> = std::iter::repeat_with(&mut taken)
            .take(5)
            .flatten()
            .collect();
        assert_eq!(names, ["reset", "reset", "hang", "slow", "slow"]);
        assert_eq!(queue.iter(Network::X).count(), 2);
        queue.clear(None);
        assert!(queue.take(Network::X, None, "any").is_none());
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
        let mut at =
            |network, endpoint| queue.take(network, None, endpoint).map(|fault| fault.name);
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
}
