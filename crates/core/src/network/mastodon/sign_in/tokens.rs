//! Tokens: from a code, from a refresh token, and their end
//! (<https://docs.joinmastodon.org/methods/oauth/>).

use chrono::{DateTime, TimeDelta, Utc};
use http::Response;
use serde_json::Value;

use crate::instant::after;
use crate::network::mastodon::sign_in::calls::{
    Calls, credentials, json_of, sentence, token_in, unexpected,
};
use crate::network::reply::ErrorReply;
use crate::network::sign_in::{App, Connection, SignInError, Tokens};
use crate::network::transport::Transport;
use crate::settings::secret::Secret;

/// <https://docs.joinmastodon.org/methods/oauth/#token>
pub(super) const TOKEN: &str = "/oauth/token";

/// <https://docs.joinmastodon.org/methods/oauth/#revoke>
const REVOKE: &str = "/oauth/revoke";

/// The longest time after which a token is believed to expire, in seconds: ten years.
const MAX_EXPIRES_IN: u32 = 315_360_000;

/// Exchanges a code for tokens.
///
/// # Errors
/// When the server does not exchange it.
pub(super) async fn exchange(
    app: &App,
    code: &Secret,
    verifier: &Secret,
    transport: &dyn Transport,
) -> Result<Tokens, SignInError> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &app.redirect_uri),
    ];
    if app.uses_pkce {
        form.push(("code_verifier", verifier.expose()));
    }
    fetch(app, form, &[code, verifier], transport).await
}

/// Exchanges the refresh token of a connection for new tokens.
///
/// # Errors
/// When it has none, or the server does not exchange it.
pub(super) async fn refresh(
    connection: &Connection,
    transport: &dyn Transport,
) -> Result<Tokens, SignInError> {
    let app = &connection.app;
    let Some(refresh) = &connection.tokens.refresh else {
        let calls = Calls {
            server: &app.server,
            transport,
        };
        return Err(SignInError::Refused(format!(
            "{} gave no token to stay signed in with. Sign in again.",
            calls.host()
        )));
    };
    let form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
    ];
    let secrets = [refresh, &connection.tokens.access];
    let mut tokens = fetch(app, form, &secrets, transport).await?;
    // A server that gives no new one goes on with the old one (RFC 6749 §6).
    tokens.refresh.get_or_insert_with(|| refresh.clone());
    Ok(tokens)
}

/// Revokes the tokens of a connection (RFC 7009).
///
/// # Errors
/// When the server may still accept one.
pub(super) async fn revoke(
    connection: &Connection,
    transport: &dyn Transport,
) -> Result<(), SignInError> {
    let Connection { app, tokens, .. } = connection;
    let calls = Calls {
        server: &app.server,
        transport,
    };
    let mut all = vec![&tokens.access];
    all.extend(&app.client_secret);
    all.extend(&tokens.refresh);
    // The access token ends with the refresh token on some servers only.
    for token in tokens.refresh.iter().chain([&tokens.access]) {
        let form: Vec<_> = credentials(app)
            .chain([("token", token.expose())])
            .collect();
        let reply = calls.post(REVOKE, &form).await?;
        if !reply.status().is_success() {
            let refusal = calls.refusal(&reply, &all);
            return Err(calls.passing(&refusal).unwrap_or_else(|| {
                SignInError::Server(format!(
                    "{} Remove this service there yourself, in the settings of your account.",
                    sentence(&refusal.said)
                ))
            }));
        }
    }
    Ok(())
}

/// Asks for tokens with a grant.
async fn fetch(
    app: &App,
    form: Vec<(&str, &str)>,
    secrets: &[&Secret],
    transport: &dyn Transport,
) -> Result<Tokens, SignInError> {
    let calls = Calls {
        server: &app.server,
        transport,
    };
    let form: Vec<_> = form.into_iter().chain(credentials(app)).collect();
    let reply = calls.post(TOKEN, &form).await?;
    if !reply.status().is_success() {
        let secrets: Vec<&Secret> = secrets.iter().copied().chain(&app.client_secret).collect();
        let refusal = calls.refusal(&reply, &secrets);
        return Err(refused(calls, &refusal));
    }
    tokens_in(calls, &reply)
}

/// Why no tokens came (RFC 6749 §5.2).
fn refused(calls: Calls<'_>, refusal: &ErrorReply<'_>) -> SignInError {
    let server = calls.host().to_owned();
    let is_for_the_person = matches!(refusal.status, 400 | 401 | 403 | 422);
    if refusal.error == "invalid_client" {
        return SignInError::AppForgotten { server };
    }
    if let Some(error) = calls.passing(refusal) {
        return error;
    }
    if is_for_the_person && !refusal.is_html {
        return SignInError::Refused(format!("{} Sign in again.", sentence(&refusal.said)));
    }
    unexpected(refusal)
}

fn tokens_in(calls: Calls<'_>, reply: &Response<Vec<u8>>) -> Result<Tokens, SignInError> {
    let host = calls.host();
    let body = json_of(reply);
    let access = token_in(&body, "access_token");
    let kind = body.get("token_type").and_then(Value::as_str);
    let is_bearer = kind.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let Some(access) = access.filter(|_| is_bearer) else {
        return Err(SignInError::Failed(format!(
            "{host} answered without a token, as no Mastodon server does. Try again later, or ask \
             who runs it."
        )));
    };
    // A server may let a person allow less than was asked for (RFC 6749 §5.1).
    let scopes = body.get("scope").and_then(Value::as_str);
    let may_write = scopes.is_none_or(|scopes| {
        let mut scopes = scopes.split([' ', ',']);
        scopes.any(|scope| matches!(scope, "write" | "write:accounts"))
    });
    if !may_write {
        return Err(SignInError::Refused(format!(
            "{host} does not let this service change your picture. Sign in again, and allow it to."
        )));
    }
    Ok(Tokens {
        access: Secret::new(access),
        refresh: token_in(&body, "refresh_token").map(Secret::new),
        expires_at: expires_at(&body, calls.transport.now()),
    })
}

/// When the access token expires: in `expires_in` seconds, which some servers write as a text.
fn expires_at(body: &Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let expires_in = body.get("expires_in")?;
    let seconds = match expires_in {
        Value::String(text) => text.parse().ok()?,
        number => number.as_f64()?,
    };
    let seconds = Some(seconds).filter(|seconds| *seconds > 0.0)?;
    #[allow(clippy::cast_possible_truncation)]
    let seconds = seconds.min(f64::from(MAX_EXPIRES_IN)) as i64;
    Some(after(now, TimeDelta::seconds(seconds)))
}
