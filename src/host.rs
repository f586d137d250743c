//! The Worker's environment as the core's ports see it: here the clock and the log.

use std::cell::OnceCell;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use worker::kv::KvStore;
use worker::{Env, console_error, console_log};

use crate::settings::{service_settings, text};
use crate::signing::WebCrypto;
use crate::time_zones::Runtime;
use rotate_icon_core::account::host::AccountHost;
use rotate_icon_core::account::server_pauses::ServerPauses;
use rotate_icon_core::network::sign_in::Service;
use rotate_icon_core::network::signer::Signer;
use rotate_icon_core::ports::{Clock, Log, OffsetAt, TimeZones};
use rotate_icon_core::web::{HostPrivacy, ServiceHost};

/// The environment of an event. `kv.rs` makes it a store, `client.rs` an HTTP client.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) env: Env,
    /// The KV namespace of the frames, once it has been looked up.
    pub(crate) frames: OnceCell<KvStore>,
}

impl Host {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            frames: OnceCell::new(),
        }
    }
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl TimeZones for Host {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        Runtime.open(name)
    }
}

impl AccountHost for Host {
    fn variable(&self, name: &str) -> Option<String> {
        text(&self.env, name)
    }

    fn service(&self) -> Option<Service> {
        service_settings(&self.env).service.clone().ok().flatten()
    }

    fn signer(&self) -> Rc<dyn Signer> {
        Rc::new(WebCrypto)
    }

    /// The pauses that servers have asked for, shared by the accounts of an isolate.
    fn server_pauses(&self) -> Rc<ServerPauses> {
        thread_local! {
            static PAUSES: Rc<ServerPauses> = Rc::default();
        }
        PAUSES.with(Rc::clone)
    }
}

impl Log for Host {
    /// Writes one line of JSON; Workers Logs splits it into fields.
    fn log(&self, entry: &str, is_failure: bool) {
        if is_failure {
            console_error!("{entry}");
        } else {
            console_log!("{entry}");
        }
    }
}

impl ServiceHost for Host {
    fn signer(&self) -> Rc<dyn Signer> {
        Rc::new(WebCrypto)
    }

    const PRIVACY: HostPrivacy = HostPrivacy {
        place: "The service runs on the machines of Cloudflare, Inc. What is kept of you lies in its \
                Durable Objects: one for your account alone, and one that says whose account is \
                whose.",
        deletion: "What you delete is gone from the service at once. Cloudflare can restore \
                   deleted storage for up to 30 days, as a protection against mistakes; after that, \
                   nobody can.",
        logs: "Cloudflare sees the address of every visitor, as any host does, and uses it to count \
               sign-ins against abuse. The log of the service is kept for a few days.",
    };
}
