//! An account: its handle, the server that has it, and the authorization server of that. The
//! account's own document decides, not what an authorization server says.

use serde_json::Value;

use crate::network::base_url::BaseUrl;
use crate::network::bluesky::identifier::is_handle;
use crate::network::bluesky::oauth::lookups::{Lookups, unresolved};
use crate::network::bluesky::resolver::{did_of, document_of, endpoint_in, handle_in};
use crate::network::public_address::PublicOrigin;
use crate::network::sign_in::SignInError;

/// Where the server of an account says which authorization server it has (RFC 9728 §3).
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// What an account's document leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The handle in the document, in lower case. Whether it names the account too is not checked.
    pub(super) handle: Option<String>,
    /// The server that has the account.
    pub(super) pds: BaseUrl,
    /// The authorization server of that.
    pub(super) issuer: String,
}

/// Looks an account up by its DID.
///
/// # Errors
/// When it is not found, or a server on the way cannot be asked.
pub(super) async fn of(did: &str, lookups: &mut Lookups<'_>) -> Result<Identity, SignInError> {
    let lookup = lookups.lookup.clone();
    let document = document_of(did, &lookup, lookups).await;
    let document = document.map_err(|error| unresolved(error, did))?;
    let origin = server_in(&document, did, lookups)?;
    let issuer = issuer_of(&origin, lookups).await?;
    let (Some(issuer), Ok(pds)) = (issuer, origin.to_string().parse()) else {
        return Err(SignInError::Server(format!(
            "{}, the server of the account {did}, names no authorization server.",
            origin.authority()
        )));
    };
    let handle = handle_in(&document).map(str::to_ascii_lowercase);
    Ok(Identity {
        handle: handle.filter(|handle| is_handle(handle)),
        pds,
        issuer: issuer.to_string(),
    })
}

/// An account's name for people: its handle if that names the account too, or else its DID.
///
/// # Errors
/// When nobody can say just now whether the handle names the account.
pub(super) async fn name(
    did: &str,
    handle: Option<&str>,
    lookups: &mut Lookups<'_>,
) -> Result<String, SignInError> {
    let Some(handle) = handle else {
        return Ok(did.to_owned());
    };
    let lookup = lookups.lookup.clone();
    match did_of(handle, &lookup, lookups).await {
        Ok(named) if named == did => Ok(format!("@{handle}")),
        Ok(_) => Ok(did.to_owned()),
        Err(error) => match unresolved(error, handle) {
            SignInError::Place(_) => Ok(did.to_owned()),
            unclear => Err(unclear),
        },
    }
}

/// The server that an account's document names.
///
/// # Errors
/// When it names none, or one that may not be asked.
pub(super) fn server_in(
    document: &Value,
    did: &str,
    lookups: &Lookups<'_>,
) -> Result<PublicOrigin, SignInError> {
    let url = endpoint_in(document, did).and_then(|url| lookups.addresses.url(url).ok());
    let url = url.filter(|url| url.path == "/");
    url.map(|url| url.origin).ok_or_else(|| {
        SignInError::Place(format!(
            "The document of the account {did} names no server that may be asked."
        ))
    })
}

/// The authorization server of a server that has accounts; `None` if it names none.
///
/// # Errors
/// When the server does not answer, or names one that may not be asked.
pub(super) async fn issuer_of(
    server: &PublicOrigin,
    lookups: &Lookups<'_>,
) -> Result<Option<PublicOrigin>, SignInError> {
    let Some(document) = lookups.document(server, RESOURCE).await? else {
        return Ok(None);
    };
    let origin_in = |text: &Value| {
        let url = lookups.addresses.url(text.as_str()?).ok()?;
        (url.path == "/").then_some(url.origin)
    };
    let servers = document.get("authorization_servers");
    let issuer = match servers.and_then(Value::as_array).map(Vec::as_slice) {
        Some([one]) => origin_in(one),
        _ => None,
    };
    // A document about another server is not to be used (RFC 9728 §3.3).
    let resource = document.get("resource").and_then(origin_in);
    let issuer = issuer.filter(|_| resource.as_ref() == Some(server));
    let issuer = issuer.ok_or_else(|| {
        SignInError::Server(format!(
            "{} does not say which server signs its people in. Ask who runs it.",
            server.authority()
        ))
    })?;
    Ok(Some(issuer))
}
