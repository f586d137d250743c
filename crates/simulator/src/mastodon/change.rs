//! What tests change on a server that people sign in to, and the tokens that they issue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::server::{Pose, Server, check_person};
use super::{ENDPOINTS, Mastodon};

/// Everyone, where a change names a person.
const EVERYONE: &str = "*";

/// A change to a server. Members that are left out change nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerChange {
    /// The server; the listener's own, if left out.
    pub(crate) server: Option<String>,
    /// Forgets all apps. Their tokens go on to work, but cannot be refreshed or revoked.
    #[serde(default)]
    forget_apps: bool,
    /// Lets the limits on registrations and on requests without a token begin anew.
    #[serde(default)]
    reset_limits: bool,
    /// Revokes the tokens of this person, or of everyone: `*`.
    revoke: Option<String>,
    /// Lets the tokens of this person, or of everyone, expire now. They can still be refreshed,
    /// where tokens can be.
    expire: Option<String>,
    /// Whom `verify_credentials` shows instead of the person who signed in: `grace`,
    /// `grace@other.example`, or `someone-new` for another one each time; `null` ends the lie.
    #[serde(default, deserialize_with = "present")]
    poses_as: Option<Value>,
    /// Where the server redirects requests to these endpoints; `null` ends that.
    #[serde(default)]
    redirects: BTreeMap<String, Option<String>>,
}

/// Reads a member that is present, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A token to issue without a sign-in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueToken {
    /// The server; the listener's own, if left out.
    server: Option<String>,
    account: String,
    /// Separated by spaces.
    scopes: String,
    /// The app to issue it to, which can then refresh and revoke it.
    client_id: Option<String>,
}

impl Mastodon {
    /// Changes a server.
    ///
    /// # Errors
    ///
    /// If there is no such server, person or endpoint. Nothing is changed then.
    pub(crate) fn change_server(
        &mut self,
        change: ServerChange,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let server = self.server_mut(change.server.as_deref())?;
        let revoke = change.revoke.map(who).transpose()?;
        let expire = change.expire.map(who).transpose()?;
        let pose = change.poses_as.map(|text| pose(&text)).transpose()?;
        let redirects = change.redirects.into_iter().map(redirect);
        let redirects: Vec<_> = redirects.collect::<Result<_, _>>()?;
        if change.forget_apps {
            server.oauth.forget_apps();
        }
        if change.reset_limits {
            server.reset_limits();
        }
        if let Some(who) = revoke {
            server.oauth.revoke_tokens_of(who.as_deref());
        }
        if let Some(who) = expire {
            server
                .oauth
                .expire_tokens_of(who.as_deref(), now.timestamp());
        }
        if let Some(pose) = pose {
            server.pose = pose;
        }
        for (endpoint, to) in redirects {
            match to {
                Some(to) => server.redirects.insert(endpoint, to),
                None => server.redirects.remove(endpoint),
            };
        }
        Ok(())
    }

    /// Issues a token to a person, as a sign-in would, and returns what the token endpoint would
    /// answer.
    ///
    /// # Errors
    ///
    /// If there is no such server, person, scope or app.
    pub(crate) fn issue_token(
        &mut self,
        wanted: &IssueToken,
        host: &str,
        now: DateTime<Utc>,
    ) -> Result<Value, String> {
        let server = self.server_mut(wanted.server.as_deref())?;
        check_person(&wanted.account)?;
        let scopes: Vec<String> = wanted.scopes.split(' ').map(str::to_owned).collect();
        let known = server.kind.scopes();
        if let Some(scope) = scopes.iter().find(|scope| !known.contains(&scope.as_str())) {
            return Err(format!("this server does not know the scope “{scope}”"));
        }
        let client_id = match wanted.client_id.as_deref() {
            None => "",
            Some(id) if server.oauth.app(id).is_some() => id,
            Some(_) => return Err("no app of this server has that client_id".to_owned()),
        };
        let (kind, now) = (server.kind, now.timestamp());
        let token = server
            .oauth
            .new_token(kind, client_id, &wanted.account, scopes, now);
        let profile = server.profile(&server.base(host), &wanted.account);
        let answer = json!({
            "server": server.name(),
            "id": profile.id,
            "token": token.json(kind, &profile.uri, now),
        });
        server.oauth.keep(token);
        Ok(answer)
    }

    /// All servers as the control routes show them.
    pub(crate) fn describe_servers(&self, now: DateTime<Utc>) -> Value {
        let now = now.timestamp();
        self.servers()
            .map(|server: &Server| server.describe(now))
            .collect()
    }
}

/// The pose that is meant; `None` for the truth.
fn pose(text: &Value) -> Result<Option<Pose>, String> {
    match text {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some),
        _ => Err("a pose is a name, or null for none".to_owned()),
    }
}

/// The person that is meant; `None` for everyone.
fn who(name: String) -> Result<Option<String>, String> {
    if name == EVERYONE {
        return Ok(None);
    }
    check_person(&name)?;
    Ok(Some(name))
}

fn redirect(
    (endpoint, to): (String, Option<String>),
) -> Result<(&'static str, Option<String>), String> {
    let known = ENDPOINTS.into_iter().find(|known| *known == endpoint);
    let known = known.ok_or_else(|| {
        let known = ENDPOINTS.join(", ");
        format!("there is no such endpoint; known are {known}")
    })?;
    if to
        .as_deref()
        .is_some_and(|to| HeaderValue::from_str(to).is_err())
    {
        return Err("the address cannot stand in a header".to_owned());
    }
    Ok((known, to))
}
