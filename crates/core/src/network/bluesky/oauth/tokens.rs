//! Tokens: from a code, from a refresh token, and their end.

use chrono::{DateTime, TimeDelta, Utc};
use http::Response;
use serde_json::Value;

use crate::instant::after;
use crate::network::bluesky::oauth::calls::{Calls, token_in};
use crate::network::bluesky::oauth::refusals::{sentence, unexpected};
use crate::network::bluesky::resolver::valid_did;
use crate::network::reply::ErrorReply;
use crate::network::sign_in::{SignInError, Tokens};
use crate::settings::secret::Secret;

/// The longest time after which a token is believed to expire, in seconds: a day. The longest that
/// the specification allows is half an hour.
const MAX_EXPIRES_IN: u64 = 86_400;

/// After how many seconds a token is taken to expire of which the server does not say it: the
/// shortest time that the specification recommends.
const EXPIRES_IN: u64 = 300;

/// How long after the end of a token it is believed that it passes if a server cannot use the
/// document of this service.
const METADATA_PASSES: TimeDelta = TimeDelta::days(1);

/// The longest list of scopes that is read, in bytes.
const MAX_SCOPES: usize = 4_000;

/// What a server has granted.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) tokens: Tokens,
    /// The DID of the account, as the server says.
    pub(super) subject: String,
    /// The scopes, separated by spaces.
    pub(super) scopes: String,
}

/// Exchanges a code for tokens.
///
/// # Errors
/// When the server does not exchange it.
pub(super) async fn exchange(
    calls: Calls<'_>,
    endpoint: &str,
    redirect_uri: &str,
    code: &Secret,
    verifier: &Secret,
) -> Result<Granted, SignInError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier.expose()),
    ];
    fetch(calls, endpoint, &form, &[code, verifier], None).await
}

/// Exchanges a refresh token for new tokens. A server takes one once, and ends the session of one
/// that comes again, so a lost answer is a lost session.
///
/// # Errors
/// When the server does not exchange it.
pub(super) async fn refresh(
    calls: Calls<'_>,
    endpoint: &str,
    tokens: &Tokens,
) -> Result<Granted, SignInError> {
    let host = calls.host();
    let refresh = tokens.refresh.as_ref().ok_or_else(|| {
        SignInError::Refused(format!(
            "{host} gave no token to stay signed in with. Sign in again."
        ))
    })?;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
    ];
    let secrets = [refresh, &tokens.access];
    fetch(calls, endpoint, &form, &secrets, Some(tokens)).await
}

/// Revokes the tokens of a session (RFC 7009). The official server ends the session with either.
///
/// # Errors
/// When the server may still accept them.
pub(super) async fn revoke(
    calls: Calls<'_>,
    endpoint: Option<&str>,
    tokens: &Tokens,
) -> Result<(), SignInError> {
    let by_hand = "Remove this service there yourself, in the settings of your account.";
    let endpoint = endpoint.ok_or_else(|| {
        SignInError::Server(format!("{} ends no sign-ins. {by_hand}", calls.host()))
    })?;
    let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
    let reply = calls.post(endpoint, &[("token", token.expose())]).await?;
    if reply.status().is_success() {
        return Ok(());
    }
    let secrets: Vec<&Secret> = tokens.refresh.iter().chain([&tokens.access]).collect();
    let refusal = calls.refusal(&reply, &secrets);
    Err(calls
        .passing(&refusal)
        .unwrap_or_else(|| SignInError::Server(format!("{} {by_hand}", sentence(&refusal.said)))))
}

/// Asks for tokens with a grant. `before` are those that are to be renewed, if there are any.
async fn fetch(
    calls: Calls<'_>,
    endpoint: &str,
    form: &[(&str, &str)],
    secrets: &[&Secret],
    before: Option<&Tokens>,
) -> Result<Granted, SignInError> {
    let reply = calls.post(endpoint, form).await?;
    if !reply.status().is_success() {
        return Err(refused(calls, &calls.refusal(&reply, secrets), before));
    }
    granted_in(&reply, calls.transport.now()).map_err(|what| {
        SignInError::Failed(format!(
            "{} answered {what}, as no server of Bluesky accounts does. Try again later, or ask who \
             runs it.",
            calls.host()
        ))
    })
}

/// Why no tokens came (RFC 6749 §5.2).
fn refused(calls: Calls<'_>, refusal: &ErrorReply<'_>, before: Option<&Tokens>) -> SignInError {
    if let Some(error) = calls.passing(refusal) {
        return error;
    }
    let host = calls.host();
    match refusal.error.as_str() {
        // Another proof may be taken.
        "use_dpop_nonce" | "invalid_dpop_proof" => {
            SignInError::Failed(unexpected(refusal).to_string())
        }
        // The server could not fetch this service's document.
        "invalid_client_metadata" => {
            let said = sentence(&refusal.said);
            let now = calls.transport.now();
            let ended_at = before.and_then(|tokens| tokens.expires_at);
            if ended_at.is_some_and(|at| after(at, METADATA_PASSES) <= now) {
                SignInError::Refused(format!(
                    "{said} Sign in again. If that fails too, tell the operator of this service."
                ))
            } else {
                SignInError::Server(format!("{said} Try again later."))
            }
        }
        "invalid_grant" if before.is_some() => SignInError::Refused(format!(
            "{host} has signed you out: the sign-in was revoked, or has expired. Sign in again."
        )),
        "invalid_client" => SignInError::Refused(format!(
            "{host} does not accept the key of this service that you signed in with. It may no \
             longer be published. Sign in again."
        )),
        _ if matches!(refusal.status, 400 | 401 | 403 | 422) && !refusal.is_html => {
            SignInError::Refused(format!("{} Sign in again.", sentence(&refusal.said)))
        }
        _ => unexpected(refusal),
    }
}

/// Reads an answer. The error says what it lacks.
fn granted_in(reply: &Response<Vec<u8>>, now: DateTime<Utc>) -> Result<Granted, &'static str> {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let access = token_in(&body, "access_token").ok_or("without a token")?;
    // A token of another kind would be of use to whoever gets hold of it.
    let is_bound = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("DPoP"));
    if !is_bound {
        return Err("with a token that is bound to no key");
    }
    let subject = text("sub").and_then(valid_did);
    let subject = subject.ok_or("without saying whose account it is")?;
    let is_list = |scopes: &&str| {
        let is_letter = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        scopes.len() <= MAX_SCOPES && scopes.bytes().all(is_letter)
    };
    let scopes = text("scope").filter(is_list);
    let scopes = scopes.ok_or("without saying what it allows")?;
    let expires_in = body.get("expires_in").and_then(Value::as_u64);
    let expires_in = expires_in.unwrap_or(EXPIRES_IN).min(MAX_EXPIRES_IN);
    let expires_in = i64::try_from(expires_in).unwrap_or_default();
    Ok(Granted {
        tokens: Tokens {
            access,
            refresh: token_in(&body, "refresh_token"),
            expires_at: Some(after(now, TimeDelta::seconds(expires_in))),
        },
        subject: subject.to_owned(),
        scopes: scopes.to_owned(),
    })
}
