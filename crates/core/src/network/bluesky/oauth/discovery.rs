//! From a place to the authorization server, and what that offers.
//!
//! A handle leads to an account, whose document names the server that has it, which names its
//! authorization server (RFC 9728). That describes itself (RFC 8414). Each hop is an address that
//! somebody else has written, and is checked before it is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::bluesky::identifier::is_handle;
use crate::network::bluesky::oauth::identity;
use crate::network::bluesky::oauth::lookups::{Lookups, unresolved};
use crate::network::bluesky::oauth::place::{self, Named, WHAT_TO_TYPE};
use crate::network::bluesky::resolver::{did_of, document_of, handle_in, names_handle};
use crate::network::jose::ES256;
use crate::network::public_address::{PublicAddresses, PublicOrigin};
use crate::network::reply::quoted;
use crate::network::sign_in::{Context, Server, SignInError};

/// Where an authorization server describes itself (RFC 8414 §3).
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// What is known of an authorization server and of who wants to sign in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Where browsers go.
    pub(super) authorization_endpoint: String,
    /// Where requests for authorization are pushed to (RFC 9126).
    pub(super) par_endpoint: String,
    /// Where tokens are given.
    pub(super) token_endpoint: String,
    /// Where they are revoked (RFC 7009), if they are.
    pub(super) revocation_endpoint: Option<String>,
    /// The account that the person named: no other may be signed in.
    pub(super) did: Option<String>,
    /// The name that they typed.
    pub(super) hint: Option<String>,
}

impl Facts {
    /// Reads what [`find`] has found out.
    ///
    /// # Errors
    /// When another version has written it.
    pub(super) fn of(server: &Server) -> Result<Self, SignInError> {
        let over = |_| SignInError::Server("This sign-in cannot go on. Begin again.".to_owned());
        serde_json::from_str(&server.facts).map_err(over)
    }
}

/// Finds the authorization server of an account, or of the accounts of a server.
///
/// The name of a server may be a handle too. A bare name means the account that has it, and an
/// address the server, if there is one.
///
/// # Errors
/// When the text names neither, or a server cannot be asked or may not be.
pub(super) async fn find(typed: &str, context: Context<'_>) -> Result<Server, SignInError> {
    let mut lookups = Lookups::new(context)?;
    let place = place::read(typed, lookups.addresses)?;
    let (named, origin) = match (&place.account, &place.server) {
        (Some(named), Some(origin)) => (named, origin),
        (Some(named), None) => return of_account(named, None, &mut lookups).await,
        (None, Some(origin)) => return of_server(origin, &lookups).await,
        (None, None) => return Err(SignInError::Place(WHAT_TO_TYPE.to_owned())),
    };
    let is_address = typed.contains("://");
    let mut of_address = None;
    if is_address {
        match of_server(origin, &lookups).await {
            Ok(found) => return Ok(found),
            Err(failed) => of_address = Some(failed),
        }
    }
    let unknown = match of_account(named, Some(origin), &mut lookups).await {
        Ok(found) => return Ok(found),
        Err(unknown) => unknown,
    };
    let failed = match of_address {
        Some(failed) => failed,
        None => match of_server(origin, &lookups).await {
            Ok(found) => return Ok(found),
            Err(failed) => failed,
        },
    };
    Err(match failed {
        // A pause is kept for all who ask that server.
        SignInError::Paused { .. } => failed,
        // A server's address was typed, and the server fails.
        SignInError::Server(_) if is_address => failed,
        // What looks like a handle was meant as one more likely than as a server.
        _ => unknown,
    })
}

fn server(issuer: &PublicOrigin, facts: &Facts) -> Server {
    Server {
        url: issuer.to_string(),
        facts: serde_json::to_string(facts).expect("it is made of texts"),
    }
}

/// An account that was found.
struct Account {
    /// The server that has it.
    pds: PublicOrigin,
    /// The authorization server of that.
    issuer: PublicOrigin,
    did: String,
    /// The handle in its document, which nothing but that may prove.
    handle: Option<String>,
}

/// The authorization server of an account that a person named. `host` is the server that the same
/// text names, if it can be the name of one.
async fn of_account(
    named: &Named,
    host: Option<&PublicOrigin>,
    lookups: &mut Lookups<'_>,
) -> Result<Server, SignInError> {
    let found = account(named, lookups).await?;
    let facts = metadata(&found.issuer, lookups).await?;
    // Whoever types the name of the account's own server may be anyone there.
    let is_its_server = |host: &PublicOrigin| *host == found.pds || *host == found.issuer;
    if host.is_some_and(is_its_server) {
        return Ok(server(&found.issuer, &facts));
    }
    let facts = Facts {
        // The server shows it to whom it asks for a password.
        hint: found.handle.or_else(|| Some(found.did.clone())),
        did: Some(found.did),
        ..facts
    };
    Ok(server(&found.issuer, &facts))
}

/// Finds an account.
async fn account(named: &Named, lookups: &mut Lookups<'_>) -> Result<Account, SignInError> {
    let lookup = lookups.lookup.clone();
    let did = match named {
        Named::Did(did) => did.clone(),
        Named::Handle(handle) => {
            let did = did_of(handle, &lookup, lookups).await;
            did.map_err(|error| unresolved(error, handle))?
        }
    };
    let document = document_of(&did, &lookup, lookups).await;
    let document = document.map_err(|error| unresolved(error, &did))?;
    if let Named::Handle(handle) = named
        && !names_handle(&document, handle)
    {
        return Err(SignInError::Place(format!(
            "The account that {handle} names has another handle. Type the one that it has now, or \
             the server that it is on."
        )));
    }
    let pds = identity::server_in(&document, &did, lookups)?;
    let issuer = identity::issuer_of(&pds, lookups).await?;
    let issuer = issuer.ok_or_else(|| no_oauth(&pds))?;
    let handle = handle_in(&document).filter(|handle| is_handle(handle));
    let handle = handle.map(str::to_owned);
    Ok(Account {
        pds,
        issuer,
        did,
        handle,
    })
}

/// The authorization server of a server that a person named, which may be it itself.
async fn of_server(origin: &PublicOrigin, lookups: &Lookups<'_>) -> Result<Server, SignInError> {
    let issuer = identity::issuer_of(origin, lookups).await?;
    let issuer = issuer.unwrap_or_else(|| origin.clone());
    let facts = metadata(&issuer, lookups).await?;
    Ok(server(&issuer, &facts))
}

fn no_oauth(server: &PublicOrigin) -> SignInError {
    let host = server.authority();
    SignInError::Place(format!(
        "{host} lets no other programs sign people in, or is no server of Bluesky accounts. \
         {WHAT_TO_TYPE}"
    ))
}

/// What an authorization server says of itself.
async fn metadata(issuer: &PublicOrigin, lookups: &Lookups<'_>) -> Result<Facts, SignInError> {
    let document = lookups.document(issuer, METADATA).await?;
    let document = document.ok_or_else(|| no_oauth(issuer))?;
    facts_in(&document, issuer, lookups.addresses).map_err(|what| {
        SignInError::Server(format!(
            "{} describes its sign-in otherwise than the AT Protocol does: {what}. Ask who runs \
             it.",
            issuer.authority()
        ))
    })
}

/// Reads and checks a description (<https://atproto.com/specs/oauth#authorization-servers>). The
/// error says what is wrong in it.
fn facts_in(
    document: &Value,
    issuer: &PublicOrigin,
    addresses: PublicAddresses<'_>,
) -> Result<Facts, String> {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    // One that names another issuer is not to be used (RFC 8414 §3.3).
    if text("issuer") != Some(issuer.to_string().as_str()) {
        let named = quoted(text("issuer").unwrap_or_default(), &[]);
        return Err(format!("its issuer is “{named}”"));
    }
    for name in [
        "authorization_response_iss_parameter_supported",
        "require_pushed_authorization_requests",
        "client_id_metadata_document_supported",
    ] {
        if document.get(name) != Some(&Value::Bool(true)) {
            return Err(format!("{name} is not true"));
        }
    }
    if document.get("require_request_uri_registration") == Some(&Value::Bool(false)) {
        return Err("require_request_uri_registration is false".to_owned());
    }
    let has = |name: &str, item: &str| {
        let items = document.get(name).and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(|one| one.as_str() == Some(item)))
    };
    for (name, item) in [
        ("response_types_supported", "code"),
        ("grant_types_supported", "authorization_code"),
        ("grant_types_supported", "refresh_token"),
        ("code_challenge_methods_supported", "S256"),
        ("token_endpoint_auth_methods_supported", "none"),
        ("token_endpoint_auth_methods_supported", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg_values_supported", ES256),
        ("scopes_supported", "atproto"),
        ("dpop_signing_alg_values_supported", ES256),
    ] {
        if !has(name, item) {
            return Err(format!("{name} lacks {item}"));
        }
    }
    // What is not to be accepted from a client: a text that is not signed.
    if has("token_endpoint_auth_signing_alg_values_supported", "none") {
        return Err("token_endpoint_auth_signing_alg_values_supported has none".to_owned());
    }
    let browsers = text("authorization_endpoint").and_then(|url| addresses.url(url).ok());
    let browsers = browsers.ok_or("authorization_endpoint is no public address")?;
    // RFC 8414 would let these be anywhere. What is sent to them is for the issuer alone: a code, a
    // refresh token, a signed text. So they have to be on its own host, as on all known servers.
    let of_issuer = |name: &str| {
        let url = text(name).and_then(|url| addresses.url(url).ok());
        let url = url.filter(|url| url.origin == *issuer && !url.path.contains('?'));
        url.map(|url| url.to_string())
            .ok_or_else(|| format!("{name} is not on its own host"))
    };
    let revocation = document.get("revocation_endpoint");
    let revocation = revocation.filter(|endpoint| !endpoint.is_null());
    Ok(Facts {
        authorization_endpoint: browsers.to_string(),
        par_endpoint: of_issuer("pushed_authorization_request_endpoint")?,
        token_endpoint: of_issuer("token_endpoint")?,
        revocation_endpoint: revocation
            .map(|_| of_issuer("revocation_endpoint"))
            .transpose()?,
        did: None,
        hint: None,
    })
}
