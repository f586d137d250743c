//! What the pages of the service need from a host.

use std::rc::Rc;

use http::StatusCode;

use crate::network::signer::Signer;
use crate::ports::{Client, Clock, Encryption, Store, TimeZones};
use crate::service::accounts::{Accounts, Unreachable};
use crate::service::directory::Directory;
use crate::service::limits::RateLimits;
use crate::web::problem::Problem;
use crate::web::site::HostPrivacy;

/// What a host provides to the pages of the service.
pub trait ServiceHost:
    Store + Client + Clock + TimeZones + Encryption + Directory + Accounts + RateLimits
{
    /// What the host says of where and how long it keeps what is stored.
    const PRIVACY: HostPrivacy;

    /// Returns what signs on this host.
    fn signer(&self) -> Rc<dyn Signer>;
}

/// The answer when a part of the service cannot be reached.
pub(super) fn unreachable(error: &Unreachable) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("This service cannot be reached completely ({error}). Try again."),
    )
}
