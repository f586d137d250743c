//! `Export`: everything that is kept, for the person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::account::account_store::AccountStore;
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::{Before, StoredAccount, StoredConnection};
use crate::frames::media_type::MediaType;
use crate::frames::set::FrameSet;
use crate::frames::store::current_set;
use crate::network::NETWORKS;
use crate::outcome::{Diagnosis, Reason};

/// The format of a stored icon, which has no registered media type.
const ICON_TYPE: &str = "video/x-yuv4mpeg";

/// The most bytes of frames that are told, so that the whole fits into a host's memory. They can be
/// rendered from the icon, which is always told.
const MAX_FRAMES_BYTES: usize = 12_000_000;

/// How many entries of the journal are read at once.
const PAGE: u16 = 500;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Tells everything that is kept. Tokens are left out: they open the account to whoever finds
    /// the file.
    pub(super) async fn export(&self) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let stored = &opened.stored;
        let mut connections = Vec::new();
        for one in &stored.connections {
            connections.push(self.connection_in_json(one).await?);
        }
        let export = json!({
            "account": self.id.as_str(),
            "exported_at": self.host.now(),
            "settings": stored.settings,
            "paused_at": stored.paused_at,
            "connections": connections,
            "not_understood": without_secrets(stored),
            "states": self.states_in_json().await?,
            "journal": self.journal_in_json()?,
            "icon": self.frames_in_json().await?,
        });
        Ok(Reply::Exported { export })
    }

    async fn connection_in_json(&self, one: &StoredConnection) -> Result<Value, Diagnosis> {
        let picture = self.ledger.picture(&one.network).await;
        let picture = picture.map_err(|error| self.failed(&error))?;
        let sign_in = self.host.sign_in_to(&one.network);
        let held_at = sign_in.and_then(|sign_in| sign_in.held_at(&one.subject));
        let held_at = held_at.filter(|_| one.before == Before::Held);
        Ok(json!({
            "network": one.network,
            "account": one.subject,
            "name": one.name,
            "signed_in_at": one.signed_in_at,
            "token_expires_at": one.expires_at,
            "started_at": one.started_at,
            "before_start": one.before,
            "picture_before_start_is_at": held_at,
            "picture_before_start":
                picture.map(|file| in_base64(MediaType::Jpeg.as_str(), &file)),
        }))
    }

    /// The state on each network, without what may let somebody in.
    async fn states_in_json(&self) -> Result<Value, Diagnosis> {
        let mut states = Map::new();
        for network in NETWORKS {
            let state = self.ledger.account_state(network.name).await;
            let mut state = state.map_err(|error| self.failed(&error))?;
            state.saved_session = None;
            let json = serde_json::to_value(&state);
            let json = json.expect("a state is made of texts and numbers");
            states.insert(network.name.to_owned(), json);
        }
        Ok(Value::Object(states))
    }

    /// The whole journal, newest first.
    fn journal_in_json(&self) -> Result<Vec<Value>, Diagnosis> {
        let mut entries = Vec::new();
        let mut before = None;
        loop {
            let records = self.ledger.records(before, PAGE);
            let records = records.map_err(|error| self.failed(&error))?;
            let Some((oldest, _)) = records.last() else {
                return Ok(entries);
            };
            before = Some(*oldest);
            entries.extend(records.into_iter().map(|(_, entry)| {
                let read = serde_json::from_slice(entry.as_bytes());
                read.unwrap_or(Value::String(entry))
            }));
        }
    }

    /// The current set with its icon and its frames; null if there is none.
    async fn frames_in_json(&self) -> Result<Value, Diagnosis> {
        let set = match current_set(self.host).await {
            Ok(set) => set,
            Err(diagnosis) if diagnosis.reason == Reason::NoIcon => return Ok(Value::Null),
            Err(diagnosis) => return Err(diagnosis),
        };
        let mut frames = Map::new();
        let mut bytes = 0_usize;
        for n in 0..set.frames().get() {
            let Some(file) = self.value(&set.frame_key(n)).await? else {
                continue;
            };
            bytes = bytes.saturating_add(file.len());
            if bytes > MAX_FRAMES_BYTES {
                break;
            }
            frames.insert(n.to_string(), in_base64(set.media_type().as_str(), &file));
        }
        let icon = self.value(&set.icon_key()).await?;
        Ok(json!({
            "set": set_in_json(&set),
            "icon": icon.map(|file| in_base64(ICON_TYPE, &file)),
            "frames": frames,
            "note": "A frame that is not here is the icon, rotated: it is rendered when it is due.",
        }))
    }

    async fn value(&self, key: &str) -> Result<Option<Vec<u8>>, Diagnosis> {
        let value = self.host.read(key).await;
        value.map_err(|error| {
            Diagnosis::new(Reason::Host, error.to_string(), self.host.advice().store)
        })
    }
}

fn set_in_json(set: &FrameSet) -> Value {
    serde_json::to_value(set).expect("a set is made of texts and numbers")
}

fn in_base64(media_type: &str, file: &[u8]) -> Value {
    json!({ "media_type": media_type, "base64": STANDARD.encode(file) })
}

/// What is not understood, without the secrets of connections.
fn without_secrets(stored: &StoredAccount) -> Value {
    let mut members = Value::Object(stored.not_understood.clone());
    remove_secrets(&mut members);
    members
}

fn remove_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("secrets");
            members.values_mut().for_each(remove_secrets);
        }
        Value::Array(list) => list.iter_mut().for_each(remove_secrets),
        _ => {}
    }
}
