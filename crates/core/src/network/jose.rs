//! Keys and signed texts in JSON (JOSE): public keys of private ones (RFC 7517, RFC 7518 §6.2), their
//! thumbprints (RFC 7638), and the compact form of what was signed with ES256 (RFC 7515 §7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::network::signer::{Signer, SigningError};
use crate::settings::secret::Secret;

/// The algorithm: ECDSA on the curve P-256 with SHA-256.
pub const ES256: &str = "ES256";

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its coordinates in base64url, as a JWK has them.
    x: String,
    y: String,
}

impl PublicKey {
    /// The public half of a private JWK; `None` if that is no key on P-256.
    pub fn of(private: &Secret) -> Option<Self> {
        let jwk: Value = serde_json::from_str(private.expose()).ok()?;
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let coordinate = |name: &str| {
            let text = member(name)?;
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            (bytes.len() == 32).then(|| text.to_owned())
        };
        let is_of_curve = member("kty") == Some("EC") && member("crv") == Some("P-256");
        is_of_curve.then_some(())?;
        Some(Self {
            x: coordinate("x")?,
            y: coordinate("y")?,
        })
    }

    /// The JWK, with the members that make the key and no others (RFC 7638 §3.2).
    pub fn jwk(&self) -> Value {
        json!({ "crv": "P-256", "kty": "EC", "x": self.x, "y": self.y })
    }

    /// The thumbprint: the SHA-256 of the JWK with its members in the order of their names, in
    /// base64url (RFC 7638 §3).
    pub fn thumbprint(&self) -> String {
        let Self { x, y } = self;
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }
}

/// Signs claims with a private JWK, and returns them in the compact form. `header` has no `alg`.
///
/// # Errors
/// When nothing can be signed.
pub async fn signed(
    mut header: Value,
    claims: &Value,
    key: &Secret,
    signer: &dyn Signer,
) -> Result<String, SigningError> {
    if let Value::Object(members) = &mut header {
        members.insert("alg".to_owned(), ES256.into());
    }
    let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let message = format!("{header}.{claims}");
    let signature = signer.sign(key, message.as_bytes()).await?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(format!("{message}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 7515, appendix A.3.1. Its thumbprint was computed with Python's hashlib.
    #[test]
    fn the_public_half_of_a_key_has_the_thumbprint_of_the_standard() {
        let private = Secret::new(
            json!({
                "kty": "EC",
                "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
            })
            .to_string(),
        );
        let public = PublicKey::of(&private).unwrap();
        assert_eq!(public.jwk().get("d"), None);
        assert_eq!(
            public.thumbprint(),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }

    #[test]
    fn what_is_no_key_on_the_curve_has_no_public_half() {
        for text in [
            "",
            "{}",
            r#"{"kty":"EC","crv":"P-384","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"f83O","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        ] {
            assert_eq!(PublicKey::of(&Secret::new(text)), None, "{text}");
        }
    }
}
