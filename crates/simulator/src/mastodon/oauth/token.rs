//! Exchanging a code or a refresh token for a token, and revoking one.

use std::borrow::Cow;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac_sha256::Hash;
use http::header::AUTHORIZATION;
use serde_json::json;

use super::{App, CODE_LIFETIME, Code, Parameters, State};
use crate::mastodon::Kind;
use crate::mastodon::server::{Done, Judgment, Server};
use crate::mastodon::visit::Visit;
use crate::payload::Payload;
use crate::reply::{Refusal, Rejection, Reply};
use crate::request::Request;
use crate::text::quoted;

const INVALID_REQUEST: Refusal = Refusal::described(
    400,
    "invalid_request",
    "The request is missing a required parameter, includes an unsupported parameter value, or is \
     otherwise malformed.",
);
const UNSUPPORTED_GRANT_TYPE: Refusal = Refusal::described(
    400,
    "unsupported_grant_type",
    "The authorization grant type is not supported by the authorization server.",
);
const UNAUTHORIZED_CLIENT: Refusal = Refusal::described(
    403,
    "unauthorized_client",
    "You are not authorized to revoke this token",
);

/// Exchanges a code or a refresh token.
pub(crate) fn exchange(server: &mut Server, visit: &Visit<'_>, payload: Payload) -> Judgment {
    let invalid = |reason: String| INVALID_REQUEST.because(reason);
    let parameters = Parameters::of_form(visit.request, payload).map_err(invalid)?;
    let grant_type = parameters.required("grant_type").map_err(invalid)?;
    let app = client(server, visit.request, &parameters)
        .map_err(|reason| server.kind.invalid_client().because(reason))?;
    match grant_type {
        "authorization_code" => exchange_code(server, visit, &parameters, &app.client_id),
        "refresh_token" if server.kind.lifetime().is_some() => {
            refresh(server, visit, &parameters, &app.client_id)
        }
        other => {
            let reason = format!("this server has no grant of the type {}", quoted(other));
            Err(UNSUPPORTED_GRANT_TYPE.because(reason))
        }
    }
}

/// The app that a request comes from (RFC 6749 §2.3.1).
fn client(server: &Server, request: &Request, parameters: &Parameters) -> Result<App, String> {
    let in_body = (parameters.get("client_id"), parameters.get("client_secret"));
    let (client_id, secret) = match (basic(request)?, in_body) {
        (Some(_), _) if !server.kind.takes_basic() => {
            return Err("this server takes the client's secret in the body only".to_owned());
        }
        (Some(_), (_, Some(_))) => {
            return Err("the client identifies itself in two ways".to_owned());
        }
        (Some(basic), _) => basic,
        (None, (Some(client_id), Some(secret))) => (client_id.to_owned(), secret.to_owned()),
        (None, _) => return Err("client_id or client_secret is missing".to_owned()),
    };
    let app = server
        .oauth
        .app(&client_id)
        .ok_or("no app has this client_id")?;
    if app.client_secret != secret {
        return Err("the client_secret is another one".to_owned());
    }
    Ok(app.clone())
}

/// The id and the secret in the `Authorization` header.
fn basic(request: &Request) -> Result<Option<(String, String)>, String> {
    let Some(header) = request.headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let read = || {
        let text = header.to_str().ok()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decoded = |text: &str| urlencoding::decode(text).ok().map(Cow::into_owned);
        Some((decoded(id)?, decoded(secret)?))
    };
    let pair = read().ok_or("the Authorization header is not “Basic ” and an encoded pair")?;
    Ok(Some(pair))
}

fn exchange_code(
    server: &mut Server,
    visit: &Visit<'_>,
    parameters: &Parameters,
    client_id: &str,
) -> Judgment {
    let (kind, now) = (server.kind, visit.now.timestamp());
    let invalid = |reason: String| INVALID_REQUEST.because(reason);
    let text = parameters.required("code").map_err(invalid)?.to_owned();
    let redirect_uri = parameters.required("redirect_uri").map_err(invalid)?;
    let wrong = |reason: &str| kind.invalid_grant().because(reason);
    let code = server
        .oauth
        .codes
        .get(&text)
        .ok_or_else(|| wrong("there is no such code"))?;
    if code.client_id != client_id {
        return Err(wrong("the code was issued to another app"));
    }
    if code.is_used {
        return Err(wrong("the code was used before"));
    }
    if !(0..CODE_LIFETIME).contains(&now.saturating_sub(code.issued)) {
        return Err(wrong("the code is older than ten minutes"));
    }
    if code.redirect_uri != redirect_uri {
        return Err(wrong("the redirect_uri is not that of the code"));
    }
    if kind.has_pkce() {
        check_verifier(code, parameters.get("code_verifier"), kind)?;
    }
    let how = match (&code.challenge, kind.has_pkce()) {
        (Some(_), _) => "with PKCE",
        (None, true) => "without PKCE",
        (None, false) => "without PKCE, which this server does not have",
    };
    let (username, scopes) = (code.username.clone(), code.scopes.clone());
    let uri = visit.person_uri(&username);
    let same = server.oauth.tokens_of(Some(&username)).find(|token| {
        let is_good = token.state(now) == State::Good;
        is_good && token.client_id == client_id && token.scopes == scopes
    });
    let again = same.filter(|_| kind.reuses_tokens());
    let (answer, new) = if let Some(token) = again {
        (token.json(kind, &uri, now), None)
    } else {
        let oauth = &mut server.oauth;
        let token = oauth.new_token(kind, client_id, &username, scopes, now);
        (token.json(kind, &uri, now), Some(token))
    };
    let again = match new {
        Some(_) => "",
        None => ", with the same token as before",
    };
    let summary = format!("signed @{username} in, {how}{again}");
    let done = Done::with(Reply::json(200, &answer), summary, move |server| {
        if let Some(code) = server.oauth.codes.get_mut(&text) {
            code.is_used = true;
        }
        if let Some(token) = new {
            server.oauth.keep(token);
        }
    });
    Ok(done.by(&username))
}

/// Checks that the verifier is that of the challenge (RFC 7636 §4.6).
fn check_verifier(code: &Code, verifier: Option<&str>, kind: Kind) -> Result<(), Rejection> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let problem = match (&code.challenge, verifier) {
        (None, None) => return Ok(()),
        (None, Some(_)) => "there is a code_verifier, but there was no code_challenge",
        (Some(_), None) => "there was a code_challenge, but there is no code_verifier",
        (Some(_), Some(verifier))
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(is_plain) =>
        {
            "the code_verifier is not from 43 to 128 unreserved characters"
        }
        (Some(challenge), Some(verifier)) => {
            if BASE64URL_NOPAD.encode(&Hash::hash(verifier.as_bytes())) == *challenge {
                return Ok(());
            }
            "the code_verifier is not that of the code_challenge"
        }
    };
    Err(kind.invalid_grant().because(problem))
}

fn refresh(
    server: &mut Server,
    visit: &Visit<'_>,
    parameters: &Parameters,
    client_id: &str,
) -> Judgment {
    let (kind, now) = (server.kind, visit.now.timestamp());
    let invalid = |reason: String| INVALID_REQUEST.because(reason);
    let refresh = parameters.required("refresh_token").map_err(invalid)?;
    let wrong = |reason: &str| kind.invalid_refresh_token().because(reason);
    let old = server
        .oauth
        .tokens_of(None)
        .find(|token| token.refresh.as_deref() == Some(refresh))
        .ok_or_else(|| wrong("there is no such refresh token"))?;
    if old.client_id != client_id {
        return Err(wrong("the refresh token was issued to another app"));
    }
    if old.is_revoked {
        return Err(wrong("the refresh token was used before, or revoked"));
    }
    let scopes = old.scopes.clone();
    if let Some(asked) = parameters.get("scope")
        && !asked
            .split(' ')
            .all(|scope| scopes.iter().any(|it| it == scope))
    {
        return Err(wrong("more scopes are asked for than the token has"));
    }
    let (access, username) = (old.access.clone(), old.username.clone());
    let token = server
        .oauth
        .new_token(kind, client_id, &username, scopes, now);
    let answer = token.json(kind, &visit.person_uri(&username), now);
    let summary = format!("refreshed the token of @{username}");
    let done = Done::with(Reply::json(200, &answer), summary, move |server| {
        if let Some(old) = server.oauth.token_mut(&access) {
            old.is_revoked = true;
        }
        server.oauth.keep(token);
    });
    Ok(done.by(&username))
}

/// Revokes a token (RFC 7009).
pub(crate) fn revoke(server: &mut Server, visit: &Visit<'_>, payload: Payload) -> Judgment {
    let refused = |reason: String| UNAUTHORIZED_CLIENT.because(reason);
    let parameters = Parameters::of_form(visit.request, payload).map_err(refused)?;
    let text = parameters.required("token").map_err(refused)?;
    let app = client(server, visit.request, &parameters).map_err(refused)?;
    let found = server.oauth.tokens_of(None).find(|token| {
        let is_refresh = token.refresh.as_deref() == Some(text);
        token.access == text || is_refresh
    });
    let Some(token) = found else {
        let reply = Reply::json(200, &json!({}));
        return Ok(Done::plain(reply, "revoked nothing: the token is unknown"));
    };
    if token.client_id != app.client_id {
        return Err(refused("the token was issued to another app".to_owned()));
    }
    let (access, username) = (token.access.clone(), token.username.clone());
    let summary = format!("revoked the token of @{username}");
    let done = Done::with(Reply::json(200, &json!({})), summary, move |server| {
        if let Some(token) = server.oauth.token_mut(&access) {
            token.is_revoked = true;
        }
    });
    Ok(done.by(&username))
}
