//! OAuth 1.0a request signatures with HMAC-SHA1 (RFC 5849).
//!
//! A signature covers the method, the URL, every query parameter, every protocol parameter and, if
//! the body is `application/x-www-form-urlencoded`, every form parameter. It never covers the parts
//! of a multipart body (§3.4.1.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use sha1::Sha1;

use crate::network::percent;
use crate::settings::secret::Secret;

/// One name and value, decoded.
pub type Parameter<'a> = (&'a str, &'a str);

/// The app's key and the account's token, each with its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Identifies the app (`oauth_consumer_key`).
    pub api_key: Secret,
    /// Signs for the app.
    pub api_key_secret: Secret,
    /// Identifies the account (`oauth_token`).
    pub access_token: Secret,
    /// Signs for the account.
    pub access_token_secret: Secret,
}

impl Credentials {
    /// The app's and the account's pair, to sign with.
    pub fn keys(&self) -> Keys<'_> {
        Keys {
            app: Pair {
                id: &self.api_key,
                secret: &self.api_key_secret,
            },
            token: Some(Pair {
                id: &self.access_token,
                secret: &self.access_token_secret,
            }),
        }
    }

    /// All four secrets, the longest-lived first.
    pub fn secrets(&self) -> [&Secret; 4] {
        [
            &self.api_key_secret,
            &self.access_token_secret,
            &self.access_token,
            &self.api_key,
        ]
    }
}

/// The keys that sign a request.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The app.
    pub app: Pair<'a>,
    /// The token of an account or of a sign-in. The first step of a sign-in has none.
    pub token: Option<Pair<'a>>,
}

/// An identifier and the secret that signs for it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The identifier.
    pub id: &'a Secret,
    /// The secret.
    pub secret: &'a Secret,
}

/// Makes a signature good for one request only (§3.3).
#[derive(Debug, Clone)]
pub struct Stamp {
    /// A value that no other request with the same timestamp has used.
    pub nonce: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

impl Stamp {
    /// A stamp for a request that is sent now, with 128 random bits.
    ///
    /// # Errors
    /// If the host provides no randomness.
    pub fn fresh(now: DateTime<Utc>) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)?;
        Ok(Self {
            nonce: HEXLOWER.encode(&random),
            timestamp: now.timestamp(),
        })
    }
}

/// The value of the `Authorization` header for a request (§3.5.1).
///
/// `url` is the base string URI of §3.4.1.2: scheme and host in lower case, no
/// default port, no query. `parameters` are the query's and, for a form body,
/// the form's.
pub fn authorization(
    method: &str,
    url: &str,
    parameters: &[Parameter<'_>],
    credentials: &Credentials,
    stamp: &Stamp,
) -> String {
    authorization_with(method, url, parameters, credentials.keys(), &[], stamp)
}

/// Like [`authorization`], with these keys and with further protocol parameters, as the steps of a
/// sign-in need them (§2.1, §2.3).
pub fn authorization_with(
    method: &str,
    url: &str,
    parameters: &[Parameter<'_>],
    keys: Keys<'_>,
    extra: &[Parameter<'_>],
    stamp: &Stamp,
) -> String {
    let timestamp = stamp.timestamp.to_string();
    let (app, token) = (keys.app, keys.token);
    let mut protocol = vec![("oauth_consumer_key", app.id.expose())];
    protocol.extend_from_slice(extra);
    protocol.extend([
        ("oauth_nonce", stamp.nonce.as_str()),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &timestamp),
    ]);
    protocol.extend(token.map(|token| ("oauth_token", token.id.expose())));
    protocol.push(("oauth_version", "1.0"));
    let base_string = signature_base_string(method, url, &[parameters, &protocol]);
    // Without a token, the token secret is empty (§3.4.2).
    let none = Secret::new("");
    let token_secret = token.map_or(&none, |token| token.secret);
    let signature = signature(&base_string, app.secret, token_secret);

    protocol.push(("oauth_signature", &signature));
    let members = protocol
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", percent::encode(value)));
    format!("OAuth {}", members.collect::<Vec<_>>().join(", "))
}

/// The signature in a signed request. It is good for nothing else.
pub fn signature_of<T>(request: &Request<T>) -> Option<Secret> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (_, signature) = header.split_once("oauth_signature=\"")?;
    let (signature, _) = signature.split_once('"')?;
    let signature = percent_decode_str(signature).decode_utf8().ok()?;
    Some(Secret::new(signature))
}

/// The signature base string (§3.4.1) of all parameters in `groups`.
pub fn signature_base_string(method: &str, url: &str, groups: &[&[Parameter<'_>]]) -> String {
    // §3.4.1.3.2: encode first, then sort by the bytes of the name, then of the value.
    let mut parameters: Vec<(String, String)> = groups
        .iter()
        .copied()
        .flatten()
        .map(|(name, value)| (percent::encode(name), percent::encode(value)))
        .collect();
    parameters.sort_unstable();

    // §3.4.1.1: the joined parameters are encoded once more as a whole.
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let method = method.to_ascii_uppercase();
    let parts = [method.as_str(), url, &parameters.join("&")];
    parts.map(percent::encode).join("&")
}

/// The HMAC-SHA1 signature of a base string, in base64 (§3.4.2).
pub fn signature(base_string: &str, client_secret: &Secret, token_secret: &Secret) -> String {
    let key = [client_secret, token_secret]
        .map(|secret| percent::encode(secret.expose()))
        .join("&");
    let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    BASE64.encode(mac.chain_update(base_string).finalize().into_bytes())
}

#[cfg(test)]
mod tests;
