//! An account as its owner sees it.

use serde_json::{Value, json};

/// An account, and where it is.
#[derive(Clone)]
pub(crate) struct Profile {
    /// The public address of the server, without a slash at its end.
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) acct: String,
    pub(crate) display_name: String,
    pub(crate) url: String,
    pub(crate) uri: String,
    /// The address of the picture.
    pub(crate) avatar: String,
}

impl Profile {
    /// The account as `verify_credentials` answers it.
    pub(crate) fn json(&self) -> Value {
        let header = format!("{}/headers/original/missing.png", self.base);
        json!({
            "id": self.id,
            "username": self.username,
            "acct": self.acct,
            "display_name": self.display_name,
            "locked": false,
            "bot": false,
            "discoverable": true,
            "indexable": false,
            "group": false,
            "created_at": "2016-03-16T00:00:00.000Z",
            "note": "<p>An account that exists on this machine only.</p>",
            "url": self.url,
            "uri": self.uri,
            "avatar": self.avatar,
            "avatar_static": self.avatar,
            "header": header,
            "header_static": header,
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": 0,
            "last_status_at": null,
            "hide_collections": null,
            "noindex": false,
            "source": {
                "privacy": "public",
                "sensitive": false,
                "language": null,
                "note": "An account that exists on this machine only.",
                "fields": [],
                "follow_requests_count": 0,
                "hide_collections": null,
                "discoverable": true,
                "indexable": false,
            },
            "emojis": [],
            "roles": [],
            "fields": [],
            "role": {
                "id": "-99",
                "name": "",
                "permissions": "65536",
                "color": "",
                "highlighted": false,
            },
        })
    }
}
