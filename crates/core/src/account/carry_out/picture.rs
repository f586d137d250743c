//! The picture that a network showed before the start: fetching it, and putting it back.

use chrono::SecondsFormat;
use serde_json::json;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{needs_sign_in, not_connected, title};
use crate::account::host::AccountHost;
use crate::account::journal::Trigger;
use crate::account::ledger::{Ledger, Record};
use crate::account::open::Account;
use crate::account::state::AccountState;
use crate::account::stored_account::{Before, StoredAccount};
use crate::frames::media_type::MediaType;
use crate::frames::options::Rendering;
use crate::frames::render::{Icon, Recipe};
use crate::network::sign_in::{Connection, Service, Shown};
use crate::network::{Network, Picture};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::StoreError;
use crate::schedule::FrameCount;
use pixels::jpeg::Quality;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Keeps the picture that a network shows: on the network, or here as a JPEG file of 400×400
    /// pixels.
    ///
    /// # Errors
    /// When the picture cannot be fetched, read or kept.
    pub(super) async fn keep_shown(&self, connection: &Connection) -> Result<Before, Diagnosis> {
        let network = connection.network.as_str();
        let service = self.service()?;
        let sign_in = self.host.sign_in_to(network);
        let sign_in = sign_in.ok_or_else(|| not_connected(network))?;
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        let mut shown = sign_in.keep_shown(connection, context).await;
        let is_refused = matches!(&shown, Err(error) if error.reason == Reason::Credentials);
        if is_refused && self.renew(connection).await {
            let renewed = self.open().await?;
            let connection = renewed.connection(network);
            let connection = connection.ok_or_else(|| needs_sign_in(network))?;
            shown = sign_in.keep_shown(connection, context).await;
        }
        let (before, file) = match shown? {
            Shown::Default => (Before::Default, None),
            Shown::Held => (Before::Held, None),
            Shown::File(file) => (Before::Picture, Some(self.as_jpeg(network, file).await?)),
        };
        self.keep_picture(network, file.as_deref()).await?;
        Ok(before)
    }

    /// This service, whose address networks need.
    pub(super) fn service(&self) -> Result<Service, Diagnosis> {
        self.host.service().ok_or_else(|| {
            Diagnosis::new(
                Reason::Settings,
                "This service has no address of its own, PUBLIC_URL.",
                self.host.advice().settings,
            )
        })
    }

    /// Makes a JPEG file of 400×400 pixels of a picture.
    async fn as_jpeg(&self, network: &str, file: Vec<u8>) -> Result<Vec<u8>, Diagnosis> {
        let unusable = |why: String| {
            Diagnosis::new(
                Reason::Request,
                format!("The picture on {} cannot be read: {why}.", title(network)),
                "Save it yourself if you want it back later.",
            )
        };
        let options = Recipe::default().options();
        let square = self.host.decode(file, &options).await;
        let square = square.map_err(|error| unusable(error.to_string()))?;
        let best = Rendering {
            quality: Quality::BEST,
            ..Rendering::default()
        };
        let icon = Icon::of_square(square, best);
        let icon = icon.ok_or_else(|| unusable("it is empty".to_owned()))?;
        // Frame 0 is upright, whatever their number.
        let frame = icon.frame(0, FrameCount::TWELVE);
        let frame = frame.map_err(|error| unusable(error.to_string()))?;
        Ok(frame.file)
    }

    /// Puts back what a network showed before the start. The account has to be paused already, so
    /// that no turn replaces it.
    ///
    /// # Errors
    /// When that is not known, or the network does not take it.
    pub(super) async fn put_picture_back(
        &self,
        stored: &StoredAccount,
        network: &str,
    ) -> Result<(), Diagnosis> {
        let of_network = stored.connection(network);
        let of_network = of_network.ok_or_else(|| not_connected(network))?;
        let picture = match of_network.before {
            Before::Unknown | Before::Lost | Before::PutBack => return Err(not_kept(network)),
            Before::Default => Shown::Default,
            Before::Held => Shown::Held,
            Before::Picture => {
                let file = self.ledger.picture(network).await;
                let file = file.map_err(|error| self.failed(&error))?;
                Shown::File(file.ok_or_else(|| not_kept(network))?)
            }
        };
        let connection = self.fresh_connection(network).await?;
        let connection = connection.ok_or_else(|| needs_sign_in(network))?;
        let first = self.send_back(&connection, &picture).await;
        let is_refused = matches!(&first, Err(error) if error.reason == Reason::Credentials);
        if is_refused && self.renew(&connection).await {
            let renewed = self.open().await?;
            let connection = renewed.connection(network);
            let connection = connection.ok_or_else(|| needs_sign_in(network))?;
            return self.send_back(connection, &picture).await;
        }
        first
    }

    /// Has a network show what it showed before.
    async fn send_back(&self, connection: &Connection, picture: &Shown) -> Result<(), Diagnosis> {
        let network = connection.network.as_str();
        let service = self.service()?;
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        let sign_in = self.host.sign_in_to(network);
        let sign_in = sign_in.ok_or_else(|| not_connected(network))?;
        let state = self.ledger.account_state(network).await;
        let mut state = state.map_err(|error| self.failed(&error))?;
        // From here on it is unknown which frame the network shows. This is saved first: if the host
        // ends in the middle, the next turn sends its frame.
        state.shown_frame = None;
        state.wake_at = None;
        self.keep_state(network, &state, None).await?;
        let sent = match picture {
            Shown::File(bytes) => {
                let account = sign_in.network(connection, Some(service.clone()), signer.clone());
                self.update(account.as_ref(), bytes, &mut state).await
            }
            Shown::Held => sign_in.put_held_back(connection, context).await,
            Shown::Default => sign_in.remove_picture(connection, context).await,
        };
        let entry = self.journal_entry(network, &sent);
        self.host.log(&entry, sent.is_err());
        let saved = match self.ledger.next_id() {
            Ok(id) => {
                let record = Record { id, entry: &entry };
                self.keep_state(network, &state, Some(&record)).await
            }
            Err(error) => Err(self.failed(&error)),
        };
        sent.and(saved)
    }

    async fn update(
        &self,
        account: &dyn Network,
        bytes: &[u8],
        state: &mut AccountState,
    ) -> Result<(), Diagnosis> {
        let picture = Picture {
            bytes,
            media_type: MediaType::Jpeg,
            // It is of no set.
            set: "",
        };
        let attempt = account
            .update(picture, &mut state.saved_session, self.host)
            .await?;
        match attempt.outcome {
            Outcome::Retry { diagnosis, .. } | Outcome::Refused(diagnosis) => Err(diagnosis),
            Outcome::Turned | Outcome::Unchanged | Outcome::DryRun(_) => Ok(()),
        }
    }

    /// The entry of a picture that was put back: it has the members of every other entry.
    fn journal_entry(&self, network: &str, sent: &Result<(), Diagnosis>) -> String {
        let now = self.host.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let diagnosis = sent.as_ref().err();
        let mut entry = json!({
            "event": "put-back",
            "trigger": Trigger::Manual,
            "scheduled_at": now,
            "sent_at": now,
            "duration_ms": 0,
            "network": network,
            "frame": null,
            "frames": null,
            "outcome": if sent.is_ok() { "put-back" } else { "not-put-back" },
            "attempts": 1,
            "network_status": null,
        });
        if let (Some(diagnosis), Some(members)) = (diagnosis, entry.as_object_mut()) {
            members.insert("reason".to_owned(), json!(diagnosis.reason));
            members.insert("message".to_owned(), json!(diagnosis.message));
            members.insert("remedy".to_owned(), json!(diagnosis.remedy));
        }
        entry.to_string()
    }

    /// Saves the state on a network.
    pub(super) async fn keep_state(
        &self,
        network: &str,
        state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> Result<(), Diagnosis> {
        let kept: Result<(), StoreError> = self.ledger.keep(network, state, record).await;
        kept.map_err(|error| self.failed(&error))
    }
}

/// The picture from before the start is not kept.
fn not_kept(network: &str) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!(
            "The picture that {} showed before the start is not kept here.",
            title(network)
        ),
        format!("Choose another one on {} itself.", title(network)),
    )
}
