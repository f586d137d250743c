//! Whose tokens they are.

use serde_json::Value;

use crate::network::mastodon::account::VERIFY_CREDENTIALS;
use crate::network::mastodon::sign_in::calls::{Calls, json_of, sentence, token_in, unexpected};
use crate::network::reply::text_of;
use crate::network::sign_in::{App, SignInError, Tokens};
use crate::network::transport::Transport;
use crate::settings::secret::{Secret, hidden};

/// The longest id that is believed, in bytes. `GoToSocial`'s have 26.
const MAX_ID: usize = 100;

/// The most characters of a name that are shown. Mastodon's have at most 30.
const MAX_NAME: usize = 60;

/// An account on a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The server that was asked, and the account's id there: `https://social.example 14715`.
    pub(super) subject: String,
    /// The account's name with the server, such as `@ada@social.example`.
    pub(super) name: String,
}

/// Asks a server whose its tokens are.
///
/// # Errors
/// When it does not say.
pub(super) async fn of(
    app: &App,
    tokens: &Tokens,
    transport: &dyn Transport,
) -> Result<Identity, SignInError> {
    let calls = Calls {
        server: &app.server,
        transport,
    };
    let reply = calls.get(VERIFY_CREDENTIALS, Some(&tokens.access)).await?;
    let secrets: Vec<&Secret> = [&tokens.access]
        .into_iter()
        .chain(&app.client_secret)
        .chain(&tokens.refresh)
        .collect();
    if !reply.status().is_success() {
        let refusal = calls.refusal(&reply, &secrets);
        return Err(calls
            .passing(&refusal)
            .unwrap_or_else(|| match refusal.status {
                401 | 403 if !refusal.is_html => SignInError::Refused(format!(
                    "{} Sign in there first: your account may be disabled or not confirmed.",
                    sentence(&refusal.said)
                )),
                _ => unexpected(&refusal),
            }));
    }
    identity_in(calls, &json_of(&reply), &secrets).ok_or_else(|| {
        SignInError::Server(format!(
            "{} does not say whose account it is. Try again later, or ask who runs it.",
            calls.host()
        ))
    })
}

/// Reads an account. What it says of other servers is not believed.
fn identity_in(calls: Calls<'_>, account: &Value, secrets: &[&Secret]) -> Option<Identity> {
    let id = token_in(account, "id").filter(|id| id.len() <= MAX_ID)?;
    // Whose account it is, is stored and shown, and no place for a token.
    if hidden(&id, secrets) != id {
        return None;
    }
    let names = ["username", "acct"].map(|name| text_of(account, name, secrets));
    let name = names.into_iter().find(|name| !name.is_empty())?;
    let name: String = name.split('@').next()?.chars().take(MAX_NAME).collect();
    Some(Identity {
        subject: format!("{} {id}", calls.server),
        name: format!("@{name}@{}", calls.host()),
    })
}
