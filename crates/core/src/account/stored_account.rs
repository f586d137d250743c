//! What an account is, beside its frames, its states and its journal: its settings and its
//! connections, as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::stored;

/// An account's settings and connections. Another version may have stored them, so each member is
/// read by itself ([`StoredAccount::read`]).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredAccount {
    /// The account's id; empty until a command has told it.
    pub id: String,
    /// What the page has set: names of settings and their texts.
    pub settings: BTreeMap<String, String>,
    /// When it was paused, if it is.
    #[serde(with = "stored::instant_or_none")]
    pub paused_at: Option<DateTime<Utc>>,
    /// The sign-ins, at most one a network.
    pub connections: Vec<StoredConnection>,
    /// What was stored and is not understood, by the names of the members. It is stored again as it
    /// was, for the version that understands it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub not_understood: Map<String, Value>,
}

/// A connection as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredConnection {
    /// The network's name.
    pub network: String,
    /// The identity of the account there.
    pub subject: String,
    /// The account's name there, for people.
    pub name: String,
    /// The tokens and the application, encrypted for the account and the field
    /// `connection NETWORK`; `None` once they are forgotten.
    pub secrets: Option<String>,
    /// When the person signed in. It tells this sign-in from others of the same identity.
    #[serde(with = "stored::instant")]
    pub signed_in_at: DateTime<Utc>,
    /// When the access token expires, if it does.
    #[serde(default, with = "stored::instant_or_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was started, if it was.
    #[serde(default, with = "stored::instant_or_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// What the network showed before the start. It is known of a connection that is not started if
    /// the identity was moved from an account that had started.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub before: Before,
}

/// What a network showed before the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// That is not known: nothing has started yet, or it could not be kept.
    #[default]
    Unknown,
    /// A picture, which is kept.
    Picture,
    /// A picture, which the network holds.
    Held,
    /// The server's default picture.
    Default,
    /// A picture that could not be kept when another account started, from which the identity was
    /// moved.
    Lost,
    /// A picture that the network held, and shows again. What turns have kept there may still be
    /// there.
    PutBack,
}

impl Before {
    /// Whether it can be put back.
    pub fn can_be_put_back(self) -> bool {
        matches!(self, Self::Picture | Self::Held | Self::Default)
    }

    /// Whether the picture that the network shows is the one to keep at a start. Otherwise it may be
    /// a frame.
    pub fn is_shown_until_start(self) -> bool {
        matches!(self, Self::Unknown | Self::PutBack)
    }
}

impl StoredConnection {
    /// Whether turns were made with it, here or in the account that its identity was moved from. If
    /// not, nothing of this service is on the network.
    pub fn has_turned(&self) -> bool {
        self.started_at.is_some() || self.before != Before::Unknown
    }
}

impl StoredAccount {
    /// Reads a stored account from JSON, as far as it is understood. The rest is kept in
    /// [`StoredAccount::not_understood`]. If it is not understood whether the account is paused, it
    /// is.
    pub fn read(json: &[u8]) -> Self {
        let mut account = Self::default();
        let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else {
            let text = String::from_utf8_lossy(json).into_owned();
            account.paused_at = Some(DateTime::UNIX_EPOCH);
            account
                .not_understood
                .insert("text".to_owned(), text.into());
            return account;
        };
        if let Some(Value::Object(before)) = members.remove("not_understood") {
            account.not_understood = before;
        }
        let aside = &mut account.not_understood;
        account.id = take(&mut members, "id", aside).unwrap_or_default();
        account.settings = take(&mut members, "settings", aside).unwrap_or_default();
        account.paused_at = match members.remove("paused_at") {
            None | Some(Value::Null) => None,
            Some(stored) => {
                let read = stored::instant_or_none::deserialize(&stored).ok().flatten();
                if read.is_none() {
                    aside.insert("paused_at".to_owned(), stored);
                }
                Some(read.unwrap_or_default())
            }
        };
        let connections: Vec<Value> = take(&mut members, "connections", aside).unwrap_or_default();
        for connection in connections {
            match serde_json::from_value(connection.clone()) {
                Ok(read) => account.connections.push(read),
                Err(_) => append(aside, "connections", connection),
            }
        }
        aside.extend(members);
        account
    }

    /// The connection on a network.
    pub fn connection(&self, network: &str) -> Option<&StoredConnection> {
        self.connections.iter().find(|one| one.network == network)
    }

    /// The connection on a network, to be changed.
    pub fn connection_mut(&mut self, network: &str) -> Option<&mut StoredConnection> {
        let mut connections = self.connections.iter_mut();
        connections.find(|one| one.network == network)
    }
}

/// Takes a member, and sets it aside if it is not understood.
fn take<T: DeserializeOwned>(
    members: &mut Map<String, Value>,
    name: &str,
    aside: &mut Map<String, Value>,
) -> Option<T> {
    let stored = members.remove(name)?;
    let read = serde_json::from_value(stored.clone()).ok();
    if read.is_none() {
        aside.insert(name.to_owned(), stored);
    }
    read
}

/// Adds a value to a list that is set aside.
fn append(aside: &mut Map<String, Value>, name: &str, value: Value) {
    match aside.get_mut(name) {
        Some(Value::Array(list)) => list.push(value),
        _ => {
            aside.insert(name.to_owned(), Value::Array(vec![value]));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::instant;

    fn connection() -> StoredConnection {
        StoredConnection {
            network: "a".to_owned(),
            subject: "1".to_owned(),
            name: "@me".to_owned(),
            secrets: None,
            signed_in_at: instant("2026-11-22T02:00:00Z"),
            expires_at: None,
            started_at: Some(instant("2026-11-22T03:00:00Z")),
            before: Before::Picture,
        }
    }

    #[test]
    fn an_account_is_read_as_it_was_stored() {
        let account = StoredAccount {
            id: "default".to_owned(),
            settings: [("PERIOD".to_owned(), "24h".to_owned())].into(),
            paused_at: Some(instant("2026-11-22T02:00:00Z")),
            connections: vec![connection()],
            not_understood: Map::new(),
        };
        let json = serde_json::to_vec(&account).unwrap();
        assert_eq!(StoredAccount::read(&json), account);
        assert_eq!(StoredAccount::read(b"{}"), StoredAccount::default());
    }

    #[test]
    fn what_another_version_has_stored_is_kept_for_it() {
        let strange = json!({"network": "a", "kind": "key"});
        let json = json!({
            "settings": {"PERIOD": 24},
            "paused_at": {"by": "operator"},
            "connections": [strange, connection()],
            "invitation": "abc",
        });
        let account = StoredAccount::read(json.to_string().as_bytes());
        // It is not known whether it may turn, so it does not.
        assert!(account.paused_at.is_some());
        assert_eq!(account.connections, [connection()]);
        let again = StoredAccount::read(&serde_json::to_vec(&account).unwrap());
        assert_eq!(again, account);
        let kept = again.not_understood;
        assert_eq!(kept["settings"], json!({"PERIOD": 24}));
        assert_eq!(kept["paused_at"], json!({"by": "operator"}));
        assert_eq!(kept["connections"], json!([strange]));
        assert_eq!(kept["invitation"], json!("abc"));

        let broken = StoredAccount::read(b"garbage");
        assert!(broken.paused_at.is_some());
        assert_eq!(broken.not_understood["text"], json!("garbage"));
    }
}
