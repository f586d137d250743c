//! The page of a server on which a person consents (RFC 6749 §4.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::network::percent;
use crate::network::sign_in::App;
use crate::settings::secret::Secret;

/// <https://docs.joinmastodon.org/methods/oauth/#authorize>
const AUTHORIZE: &str = "/oauth/authorize";

/// The address of the page.
pub(super) fn url(app: &App, state: &str, verifier: &Secret) -> String {
    let challenge = challenge(verifier);
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", &app.client_id),
        ("redirect_uri", &app.redirect_uri),
        ("scope", &app.scopes),
        ("state", state),
    ];
    if app.uses_pkce {
        parameters.push(("code_challenge", &challenge));
        parameters.push(("code_challenge_method", "S256"));
    }
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", percent::encode(value)))
        .collect();
    format!("{}{AUTHORIZE}?{}", app.server, parameters.join("&"))
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
