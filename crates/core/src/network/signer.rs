//! What signs with keys of ES256: ECDSA on the curve P-256 with SHA-256 (RFC 7518 §3.4).

use std::fmt;

use thiserror::Error;

use crate::network::transport::Pending;
use crate::settings::secret::Secret;

/// Makes keys, and signs with them.
pub trait Signer: fmt::Debug {
    /// Makes a key: a private JWK (RFC 7517 §4, RFC 7518 §6.2) as JSON, with the members `kty`,
    /// `crv`, `x`, `y` and `d`, and perhaps others.
    ///
    /// # Errors
    /// When the host makes none.
    fn generate(&self) -> Pending<'_, Result<Secret, SigningError>>;

    /// Signs a message with a private JWK. Returns 64 bytes, r and then s, as a JWS has them
    /// (RFC 7518 §3.4).
    ///
    /// # Errors
    /// When the key is none of ES256, or the host does not sign.
    fn sign<'a>(
        &'a self,
        key: &'a Secret,
        message: &'a [u8],
    ) -> Pending<'a, Result<Vec<u8>, SigningError>>;
}

/// Why nothing was signed. The text says how the host failed; it is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("nothing can be signed: {0}")]
pub struct SigningError(pub String);
