//! What an account needs from its host, all ports together.

use std::rc::Rc;

use crate::account::server_pauses::ServerPauses;
use crate::network;
use crate::network::sign_in::{Service, SignIn};
use crate::network::signer::Signer;
use crate::ports::{Advice, Client, Clock, Decoder, Encryption, Log, Store, TimeZones};

/// A host of accounts.
pub trait AccountHost: Store + Client + Clock + Log + TimeZones + Encryption + Decoder {
    /// Returns the text of a variable or secret of the host; `None` if it is not set.
    fn variable(&self, name: &str) -> Option<String>;

    /// Returns this service as other servers see it; `None` if the operator has not said its
    /// address.
    fn service(&self) -> Option<Service>;

    /// Returns what signs on this host.
    fn signer(&self) -> Rc<dyn Signer>;

    /// Returns the pauses that servers have asked for, the same ones for all accounts that run
    /// together.
    fn server_pauses(&self) -> Rc<ServerPauses>;

    /// Returns how people sign in to a network, if they can.
    fn sign_in_to(&self, network: &str) -> Option<&'static dyn SignIn> {
        network::named(network)?.sign_in
    }
}

/// The advice of [`Store::advice`] for accounts of visitors, who cannot change the host.
pub const VISITORS_ADVICE: Advice = Advice {
    settings: "Change it on your page; what is not there, only the operator of this service can \
               change.",
    secrets: "Sign in again on your page; nothing else is lost.",
    frames: "Choose a picture on your page.",
    store: "Wait: it is tried again by itself. If it stays, tell the operator of this service.",
    size: "Choose a simpler picture on your page.",
    cron: "Wait: it is tried again by itself.",
};

/// The advice of [`Ledger::advice`](crate::account::ledger::Ledger::advice) for accounts of
/// visitors.
pub const VISITORS_LEDGER_ADVICE: &str =
    "Wait: it is tried again by itself. If it stays, tell the operator of this service.";
