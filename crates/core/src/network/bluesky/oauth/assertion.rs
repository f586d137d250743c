//! Signed texts by which this service proves which application it is (`private_key_jwt`, RFC 7523).

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::network::bluesky::oauth::dpop::unique_id;
use crate::network::jose::signed;
use crate::network::sign_in::ClientKey;
use crate::network::signer::{Signer, SigningError};

/// The form's member that says what kind of text it is (RFC 7523 §2.2).
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long one is good for, in seconds: the longest that the specification allows.
const LIFETIME: i64 = 60;

/// How far one is dated back, in seconds. The official server accepts none from the future, by not
/// one second.
const DATED_BACK: i64 = 10;

/// Signs one for an authorization server. Each is used once.
///
/// # Errors
/// When nothing can be signed.
pub(super) async fn of(
    client_id: &str,
    issuer: &str,
    key: &ClientKey,
    now: DateTime<Utc>,
    signer: &dyn Signer,
) -> Result<String, SigningError> {
    let issued_at = now.timestamp().saturating_sub(DATED_BACK);
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": unique_id()?,
        "iat": issued_at,
        "exp": issued_at.saturating_add(LIFETIME),
    });
    let header = json!({ "typ": "JWT", "kid": key.id });
    signed(header, &claims, &key.private, signer).await
}
