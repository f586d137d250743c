//! Sessions: what a code opens, what a refresh token goes on with, and their end.

use chrono::{DateTime, TimeDelta};

use crate::instant::after;
use crate::network::bluesky::oauth::calls::Calls;
use crate::network::bluesky::oauth::client::{self, NETWORK, host};
use crate::network::bluesky::oauth::details::Details;
use crate::network::bluesky::oauth::dpop::{Dpop, Nonces};
use crate::network::bluesky::oauth::identity;
use crate::network::bluesky::oauth::kept::Kept;
use crate::network::bluesky::oauth::lookups::Lookups;
use crate::network::bluesky::oauth::scopes;
use crate::network::bluesky::oauth::tokens::{self, Granted};
use crate::network::sign_in::{App, ClientKey, Connection, Context, Grant, SignInError, host_of};
use crate::settings::secret::Secret;

/// How long a session goes on before its account is looked up again.
const CHECKED_FOR: TimeDelta = TimeDelta::days(1);

/// A token that would last longer than this and is renewed all the same was refused. Its account may
/// be on another server by now.
const REFUSED_BEFORE: TimeDelta = TimeDelta::minutes(10);

/// Opens a session with a code.
///
/// # Errors
/// When the answer is not from the server that was asked, the server does not exchange the code, or
/// it is not the one that signs in the account. What it has opened is revoked then, if there is time
/// left to ask it.
pub(super) async fn open(
    grant: Grant<'_>,
    context: Context<'_>,
) -> Result<Connection, SignInError> {
    let app = grant.app;
    let host = host(app);
    // Another server may have sent the browser here (mix-up attack, RFC 9207).
    if grant.issuer != Some(app.server.as_str()) {
        return Err(SignInError::Refused(format!(
            "The answer is not from {host}, where you went to sign in. Sign in again."
        )));
    }
    let kept = grant.kept.and_then(Kept::read);
    let kept = kept.ok_or_else(|| {
        SignInError::Refused("This sign-in cannot go on. Sign in again.".to_owned())
    })?;
    let app = &App {
        client_id: kept.client_id.clone(),
        ..app.clone()
    };
    let nonces = Nonces::default();
    if let Some(nonce) = &kept.nonce {
        nonces.learn(app.server.clone(), nonce);
    }
    let calls = calls(app, &kept.key, kept.client_key.as_ref(), &nonces, context);
    let endpoint = &kept.token_endpoint;
    let granted = tokens::exchange(
        calls,
        endpoint,
        &app.redirect_uri,
        grant.code,
        grant.verifier,
    );
    let granted = granted.await?;
    match connected(app, &kept, &granted, context).await {
        Ok(connection) => Ok(connection),
        Err(error) => {
            // Nobody uses the tokens. If they stay valid, that harms nobody.
            let endpoint = kept.revocation_endpoint.as_deref();
            let _ = tokens::revoke(calls, endpoint, &granted.tokens).await;
            Err(error)
        }
    }
}

/// The connection of what was granted, once it is sure that the server may grant it.
async fn connected(
    app: &App,
    kept: &Kept,
    granted: &Granted,
    context: Context<'_>,
) -> Result<Connection, SignInError> {
    let host = host(app);
    let did = &granted.subject;
    if kept.did.as_ref().is_some_and(|named| named != did) {
        return Err(SignInError::Refused(format!(
            "{host} signed you in to another account than the one that you typed. Sign in again, \
             with the handle of the account that you mean."
        )));
    }
    if !scopes::are_enough(&granted.scopes) {
        return Err(SignInError::Refused(format!(
            "{host} does not let this service change your picture. Sign in again, and allow it to. \
             If {host} does not ask you that, its software does not know what this service asks \
             for: ask who runs it to update it."
        )));
    }
    let mut lookups = Lookups::new(context)?;
    let identity = identity::of(did, &mut lookups).await?;
    // Any server could say that any account is signed in.
    if identity.issuer != app.server {
        return Err(SignInError::Refused(format!(
            "{host} signed you in to the account {did}, which {} signs in, and not {host}. Sign in \
             there.",
            host_of(&identity.issuer)
        )));
    }
    let name = identity::name(did, identity.handle.as_deref(), &mut lookups).await;
    let details = Details {
        key: kept.key.clone(),
        client_key: kept.client_key.clone(),
        pds: identity.pds,
        token_endpoint: kept.token_endpoint.clone(),
        revocation_endpoint: kept.revocation_endpoint.clone(),
        // A name that nobody can confirm just now is looked up at the next refresh.
        checked_at: match name {
            Ok(_) => context.transport.now(),
            Err(_) => DateTime::UNIX_EPOCH,
        },
        news: None,
        nonce: None,
    };
    Ok(Connection {
        network: NETWORK.to_owned(),
        subject: did.clone(),
        name: name.unwrap_or_else(|_| did.clone()),
        app: App {
            scopes: granted.scopes.clone(),
            ..app.clone()
        },
        tokens: granted.tokens.clone(),
        details: Some(details.stored()),
    })
}

/// Goes on with a session.
///
/// Looks the account up first if that was long ago: it may have another handle, or be on another
/// server. Afterwards nothing comes between the new tokens and their being stored. A lookup that
/// fails is left out, and made the next time.
///
/// # Errors
/// When the server gives no tokens, this service has had another address since the sign-in, or the
/// account has moved to another server ([`SignInError::Moved`]).
pub(super) async fn refresh(
    connection: &Connection,
    context: Context<'_>,
) -> Result<Connection, SignInError> {
    let client_id = &connection.app.client_id;
    // An id on this machine says all about itself, so it needs no address.
    let is_address = client_id.starts_with("https://");
    if is_address && client::declared(client_id, context.service).is_none() {
        return Err(SignInError::Refused(
            "This service has another address now, and servers know it by its address. Sign in \
             again."
                .to_owned(),
        ));
    }
    let mut connection = connection.clone();
    let mut details = details_of(&connection)?;
    let now = context.transport.now();
    let age = now.signed_duration_since(details.checked_at);
    // After a clock was set back, the time means nothing.
    let is_old = age >= CHECKED_FOR || age < TimeDelta::zero();
    let expires_at = connection.tokens.expires_at;
    let is_due = is_old || expires_at.is_some_and(|at| at > after(now, REFUSED_BEFORE));
    if is_due {
        follow(&mut connection, &mut details, context).await?;
    }
    let nonces = Nonces::default();
    let key = details.client_key.as_ref();
    let calls = calls(&connection.app, &details.key, key, &nonces, context);
    let granted = tokens::refresh(calls, &details.token_endpoint, &connection.tokens).await;
    let granted = match granted {
        Err(refused @ SignInError::Refused(_)) if !is_due => {
            // An account that has moved away is not open here any more.
            follow(&mut connection, &mut details, context).await?;
            return Err(refused);
        }
        other => other?,
    };
    if granted.subject != connection.subject {
        return Err(SignInError::Refused(format!(
            "{} answered for another account than yours. Sign in again.",
            host(&connection.app)
        )));
    }
    connection.app.scopes = granted.scopes;
    connection.tokens = granted.tokens;
    details.nonce = nonces.of(&details.pds.to_string());
    connection.details = Some(details.stored());
    Ok(connection)
}

/// Ends a session.
///
/// # Errors
/// When the server may still accept its tokens.
pub(super) async fn revoke(
    connection: &Connection,
    context: Context<'_>,
) -> Result<(), SignInError> {
    let details = details_of(connection)?;
    let nonces = Nonces::default();
    let key = details.client_key.as_ref();
    let calls = calls(&connection.app, &details.key, key, &nonces, context);
    let endpoint = details.revocation_endpoint.as_deref();
    tokens::revoke(calls, endpoint, &connection.tokens).await
}

/// Looks an account up again, and follows it to another server of the same authorization server.
/// What cannot be looked up stays as it is.
///
/// # Errors
/// [`SignInError::Moved`] when the account has moved to another authorization server.
async fn follow(
    connection: &mut Connection,
    details: &mut Details,
    context: Context<'_>,
) -> Result<(), SignInError> {
    let Ok(mut lookups) = Lookups::of_check(context) else {
        return Ok(());
    };
    let did = connection.subject.clone();
    let Ok(found) = identity::of(&did, &mut lookups).await else {
        return Ok(());
    };
    if found.issuer != connection.app.server {
        return Err(SignInError::Moved(format!(
            "Your account has moved from {} to {}. Sign in again with your handle.",
            host(&connection.app),
            found.pds.authority()
        )));
    }
    let mut news = Vec::new();
    if found.pds != details.pds {
        news.push(format!(
            "Your account has moved to the server {}. Turns go on there.",
            found.pds.authority()
        ));
        details.pds = found.pds;
    }
    let shown = found.handle.as_ref().map(|handle| format!("@{handle}"));
    if shown.as_ref() != Some(&connection.name) {
        let name = identity::name(&did, found.handle.as_deref(), &mut lookups).await;
        let Ok(name) = name else {
            details.news = told(&news);
            return Ok(());
        };
        if name != connection.name {
            news.extend(told_of_name(&connection.name, &name));
            connection.name = name;
        }
    }
    details.checked_at = context.transport.now();
    details.news = told(&news);
    Ok(())
}

/// What to tell of a name that is another one than before. A DID stands where a handle was not
/// confirmed.
fn told_of_name(before: &str, now: &str) -> Option<String> {
    match (before.starts_with('@'), now.starts_with('@')) {
        (true, true) => Some(format!(
            "Your account is called {now} now. It was {before}."
        )),
        (true, false) => Some(format!(
            "The handle {before} does not lead to your account any more."
        )),
        _ => None,
    }
}

fn told(news: &[String]) -> Option<String> {
    Some(news.join(" ")).filter(|news| !news.is_empty())
}

fn details_of(connection: &Connection) -> Result<Details, SignInError> {
    Details::of(connection).ok_or_else(|| {
        SignInError::Refused(
            "What was stored with your sign-in cannot be read any more. Sign in again.".to_owned(),
        )
    })
}

fn calls<'a>(
    app: &'a App,
    key: &'a Secret,
    client_key: Option<&'a ClientKey>,
    nonces: &'a Nonces,
    context: Context<'a>,
) -> Calls<'a> {
    Calls {
        issuer: &app.server,
        client_id: &app.client_id,
        client_key,
        dpop: Dpop {
            key,
            signer: context.signer,
            nonces,
        },
        transport: context.transport,
    }
}
