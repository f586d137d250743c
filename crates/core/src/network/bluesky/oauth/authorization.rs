//! The page of a server on which a person consents. What they are asked is sent to the server
//! first, and the browser only carries a reference to it (RFC 9126).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::network::bluesky::oauth::calls::{Calls, unsigned};
use crate::network::bluesky::oauth::client;
use crate::network::bluesky::oauth::discovery::Facts;
use crate::network::bluesky::oauth::dpop::{Dpop, Nonces};
use crate::network::bluesky::oauth::kept::Kept;
use crate::network::bluesky::oauth::refusals::{sentence, unexpected};
use crate::network::percent;
use crate::network::sign_in::{Authorization, AuthorizationRequest, Context, SignInError};
use crate::settings::secret::Secret;

/// How references begin (RFC 9126 §2.2).
const REFERENCE: &str = "urn:ietf:params:oauth:request_uri:";

/// The longest reference that is taken, in bytes.
const MAX_REFERENCE: usize = 500;

/// Asks a server for its page of consent.
///
/// # Errors
/// When the server does not give it.
pub(super) async fn begin(
    request: AuthorizationRequest<'_>,
    context: Context<'_>,
) -> Result<Authorization, SignInError> {
    let AuthorizationRequest {
        server, app, key, ..
    } = request;
    let facts = Facts::of(server)?;
    let session_key = context.signer.generate().await;
    let session_key = session_key.map_err(|error| unsigned(&error))?;
    let nonces = Nonces::default();
    let mut calls = Calls {
        issuer: &app.server,
        client_id: &app.client_id,
        client_key: key,
        dpop: Dpop {
            key: &session_key,
            signer: context.signer,
            nonces: &nonces,
        },
        transport: context.transport,
    };
    let mut reply = push(calls, &facts, &request, &app.scopes).await?;
    let broad = client::broad(app, context.service);
    if is_of_scope(calls, &reply) {
        calls.client_id = &broad.client_id;
        reply = push(calls, &facts, &request, &broad.scopes).await?;
    }
    if !reply.status().is_success() {
        return Err(refused(calls, &reply, request.verifier));
    }
    let reference = reference_in(&reply).ok_or_else(|| {
        SignInError::Server(format!(
            "{} took the request to sign in without saying how it goes on. Try again later, or \
             ask who runs it.",
            calls.host()
        ))
    })?;
    let endpoint = &facts.authorization_endpoint;
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    let [id, reference] = [calls.client_id, &reference].map(percent::encode);
    let url = format!("{endpoint}{separator}client_id={id}&request_uri={reference}");
    let kept = Kept {
        nonce: nonces.of(&app.server),
        client_key: key.cloned(),
        token_endpoint: facts.token_endpoint,
        revocation_endpoint: facts.revocation_endpoint,
        client_id: calls.client_id.to_owned(),
        did: facts.did,
        key: session_key,
    };
    Ok(Authorization {
        url,
        kept: Some(kept.stored()),
    })
}

/// Sends what the person is asked.
async fn push(
    calls: Calls<'_>,
    facts: &Facts,
    request: &AuthorizationRequest<'_>,
    scopes: &str,
) -> Result<Response<Vec<u8>>, SignInError> {
    let challenge = challenge(request.verifier);
    let mut form = vec![
        ("response_type", "code"),
        ("redirect_uri", &request.app.redirect_uri),
        ("scope", scopes),
        ("state", request.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    form.extend(facts.hint.as_deref().map(|hint| ("login_hint", hint)));
    calls.post(&facts.par_endpoint, &form).await
}

/// Whether a server may refuse a request because it does not know the scopes: some refuse what is
/// asked, others the whole document that declares it.
fn is_of_scope(calls: Calls<'_>, reply: &Response<Vec<u8>>) -> bool {
    const ERRORS: [&str; 2] = ["invalid_scope", "invalid_client_metadata"];
    reply.status() == 400 && ERRORS.contains(&calls.refusal(reply, &[]).error.as_str())
}

/// Why a server does not show its page.
fn refused(calls: Calls<'_>, reply: &Response<Vec<u8>>, verifier: &Secret) -> SignInError {
    let refusal = calls.refusal(reply, &[verifier]);
    if let Some(error) = calls.passing(&refusal) {
        return error;
    }
    match refusal.error.as_str() {
        "invalid_client" | "invalid_client_metadata" | "unauthorized_client" => {
            SignInError::Server(format!(
                "{} does not accept this service. {} Try again in a quarter of an hour; if that \
                 does not help, tell who runs this service.",
                calls.host(),
                sentence(&refusal.said)
            ))
        }
        _ => unexpected(&refusal),
    }
}

/// The reference in a reply.
fn reference_in(reply: &Response<Vec<u8>>) -> Option<String> {
    let body: Value = serde_json::from_slice(reply.body()).ok()?;
    let reference = body.get("request_uri")?.as_str()?;
    let id = reference.strip_prefix(REFERENCE)?;
    let is_reference = !id.is_empty()
        && reference.len() <= MAX_REFERENCE
        && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_reference.then(|| reference.to_owned())
}

/// The challenge of a verifier: its SHA-256 in base64url (RFC 7636 §4.2).
fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
