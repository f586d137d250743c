//! An account, opened: its settings, overlaid by what its page has set and by its sign-ins.
//!
//! The owner's account has the host's variables and secrets too. What the page sets goes before
//! them, and a sign-in that has been started goes before the secrets of the same network. Any other
//! account has only what its page sets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::account::account_store::AccountStore;
use crate::account::connections::decrypted;
use crate::account::host::AccountHost;
use crate::account::id::AccountId;
use crate::account::ledger::Ledger;
use crate::account::own_clock::{Delay, SHORTEST_SLOT};
use crate::account::settings::{
    ClockSource, Configured, Settings, fingerprint_of_sign_in, networks_set_up,
};
use crate::account::stop::STOP;
use crate::account::stored_account::{StoredAccount, StoredConnection};
use crate::network::sign_in::Connection;
use crate::network::{self, NETWORKS};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{EncryptionError, StoreError};
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::settings::errors::{Invalid, SettingsErrors};
use crate::settings::reader::Variable;

/// What the page sets.
pub const PAGE_SETTINGS: [Variable; 3] = [TIME_ZONE, PERIOD, DIRECTION];

/// The secret that encrypts tokens.
const SERVICE_KEY: &str = "SERVICE_KEY";

/// What that has to be for tokens that it cannot decrypt.
const SERVICE_KEY_ACCEPTS: &str = "one that has the key with which this sign-in was stored (add the \
     key from before, or sign in again)";

/// An account, with everything that it stands on. Two events of an account must not run at once; the
/// host makes sure of that.
#[derive(Debug)]
pub struct Account<'a, H, L> {
    /// Its id.
    pub id: &'a AccountId,
    /// Its host.
    pub host: &'a H,
    /// Where its settings, connections, states and journal are kept.
    pub ledger: &'a L,
    /// What is known of it since the last event.
    pub memory: &'a Memory,
}

/// What of an account stays in memory between its events. Nobody else may change what is stored.
#[derive(Debug, Default)]
pub struct Memory {
    opened: RefCell<Option<Rc<Opened>>>,
    /// Counts the changes of what is stored.
    changes: Cell<u32>,
}

/// What an account has stored, and the settings that follow from it.
#[derive(Debug)]
pub struct Opened {
    /// What it has stored.
    pub stored: StoredAccount,
    /// The settings of its turns.
    pub settings: Settings,
    /// Its connections that have tokens which can be decrypted.
    pub(super) connections: Vec<Connection>,
    /// Whether another try would not find more.
    is_lasting: bool,
}

#[cfg(test)]
impl Memory {
    /// What is known of an account that is opened with these settings.
    pub(crate) fn of(settings: Settings) -> Self {
        let opened = Rc::new(Opened {
            stored: StoredAccount::default(),
            settings,
            connections: Vec::new(),
            is_lasting: true,
        });
        Self {
            opened: RefCell::new(Some(opened)),
            changes: Cell::default(),
        }
    }
}

impl Opened {
    /// The connection on a network, if its tokens can be used.
    pub(super) fn connection(&self, network: &str) -> Option<&Connection> {
        self.connections.iter().find(|one| one.network == network)
    }

    /// Whether turns are made on a network by a sign-in.
    pub(super) fn turns_on(&self, network: &str) -> bool {
        let mut networks = self.settings.networks.iter();
        networks.any(|one| one.definition.name == network && one.is_signed_in)
    }
}

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Opens the account.
    ///
    /// # Errors
    /// When what is stored cannot be read, or is another account's. Without it nothing may be sent:
    /// the account may be paused.
    pub async fn open(&self) -> Result<Rc<Opened>, Diagnosis> {
        if let Some(opened) = &*self.memory.opened.borrow() {
            return Ok(opened.clone());
        }
        let changes = self.memory.changes.get();
        let stored = self.ledger.stored_account().await;
        let stored = stored.map_err(|error| self.failed(&error))?;
        if !stored.id.is_empty() && stored.id != self.id.as_str() {
            return Err(of_another_account());
        }
        let opened = Rc::new(self.opened(stored).await);
        // What has been changed in the meantime may not be in it.
        if opened.is_lasting && self.memory.changes.get() == changes {
            self.memory.opened.replace(Some(opened.clone()));
        }
        Ok(opened)
    }

    /// Stores the account's settings and connections in place of those before.
    ///
    /// # Errors
    /// When they are not stored.
    pub(super) async fn keep(&self, mut stored: StoredAccount) -> Result<(), Diagnosis> {
        stored.id = self.id.to_string();
        self.forget_in_memory();
        let kept = self.ledger.keep_stored_account(&stored).await;
        // Somebody may have opened the account while this was written.
        self.forget_in_memory();
        kept.map_err(|error| self.failed(&error))
    }

    /// Reads what is stored anew when the account is opened the next time.
    pub(super) fn forget_in_memory(&self) {
        self.memory.opened.take();
        let changes = self.memory.changes.get();
        self.memory.changes.set(changes.wrapping_add(1));
    }

    /// The diagnosis of a store of this account that has failed.
    pub(super) fn failed(&self, error: &StoreError) -> Diagnosis {
        Diagnosis::new(Reason::Host, error.to_string(), self.ledger.advice())
    }

    /// What an account that has stored this stands on.
    pub(super) async fn opened(&self, stored: StoredAccount) -> Opened {
        let is_owner = self.id.is_owner();
        let look_up = |name: &str| text(name, &stored, is_owner, self.host);
        let mut networks = if is_owner {
            networks_set_up(&look_up)
        } else {
            Vec::new()
        };
        let mut connections = Vec::new();
        let mut is_lasting = true;
        for one in &stored.connections {
            let read = decrypted(one, self.id, self.host).await;
            is_lasting &= !matches!(read, Err(EncryptionError::Unavailable(_)));
            if one.started_at.is_some() {
                networks.retain(|other| other.definition.name != one.network);
                networks.extend(self.configured(one, &read));
            }
            connections.extend(read.ok().flatten());
        }
        if is_owner && networks.is_empty() && stored.connections.is_empty() {
            networks = Settings::read(self.host, look_up).networks;
        }
        let place = |one: &Configured| {
            let mut all = NETWORKS.iter();
            all.position(|network| network.name == one.definition.name)
        };
        networks.sort_by_key(place);
        let mut settings = Settings::with_networks(self.host, &look_up, networks);
        settings.is_paused = stored.paused_at.is_some();
        if !is_owner {
            let shortest = self.host.variable(SHORTEST_SLOT.name);
            settings.clock = ClockSource::Alarm(Delay::of(self.id, shortest.as_deref()));
        }
        Opened {
            stored,
            settings,
            connections,
            is_lasting,
        }
    }

    /// The account of a connection for turns; `None` if its tokens are forgotten, or this version
    /// does not know its network.
    fn configured(
        &self,
        stored: &StoredConnection,
        read: &Result<Option<Connection>, EncryptionError>,
    ) -> Option<Configured> {
        let definition = network::named(&stored.network)?;
        let network = match read {
            Ok(None) => return None,
            Ok(Some(connection)) => {
                let sign_in = self.host.sign_in_to(&stored.network)?;
                Ok(sign_in.network(connection, self.host.service(), self.host.signer()))
            }
            Err(error) => Err(key_errors(error)),
        };
        Some(Configured {
            definition,
            network,
            fingerprint: fingerprint_of_sign_in(&stored.subject, stored.signed_in_at),
            is_signed_in: true,
            hold: None,
            unready: None,
        })
    }
}

/// What is stored belongs to another account than the host has opened.
fn of_another_account() -> Diagnosis {
    Diagnosis::new(
        Reason::Host,
        "The host has opened this account under the id of another one.",
        "Nothing is sent. Report this to the authors of this program.",
    )
}

/// The text of a setting.
fn text(
    name: &str,
    stored: &StoredAccount,
    is_owner: bool,
    host: &impl AccountHost,
) -> Option<String> {
    let is_of_page = PAGE_SETTINGS.iter().any(|variable| variable.name == name);
    let of_page = stored.settings.get(name).filter(|_| is_of_page).cloned();
    match of_page {
        None if is_owner || name == STOP => host.variable(name),
        of_page => of_page,
    }
}

/// Why tokens cannot be decrypted, as an error of the secret that would.
fn key_errors(error: &EncryptionError) -> SettingsErrors {
    match error {
        EncryptionError::NoKey => SettingsErrors {
            missing: vec![SERVICE_KEY],
            invalid: Vec::new(),
        },
        EncryptionError::InvalidKey(accepts) => SettingsErrors::of(Invalid {
            name: SERVICE_KEY,
            accepts,
        }),
        EncryptionError::Unavailable(_) => SettingsErrors::of(Invalid {
            name: SERVICE_KEY,
            accepts: "a key that this host can use, and just now it could not",
        }),
        EncryptionError::UnknownKey(_) | EncryptionError::Damaged => SettingsErrors::of(Invalid {
            name: SERVICE_KEY,
            accepts: SERVICE_KEY_ACCEPTS,
        }),
    }
}
