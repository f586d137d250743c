//! OAuth 1.0a request signatures, RFC 5849, with HMAC-SHA1.
//!
//! What is signed: the method, the URL, every query parameter, every protocol
//! parameter and, of a body that is `application/x-www-form-urlencoded`, every
//! form parameter. The parts of a multipart body never are (§3.4.1.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use http::header::AUTHORIZATION;
use sha1::Sha1;

use crate::base16;
use crate::settings::secret::Secret;

/// One name and value, decoded.
pub type Parameter<'a> = (&'a str, &'a str);

/// The app's key and the account's token, each with its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Names the app (`oauth_consumer_key`).
    pub api_key: Secret,
    /// Signs for the app.
    pub api_key_secret: Secret,
    /// Names the account (`oauth_token`).
    pub access_token: Secret,
    /// Signs for the account.
    pub access_token_secret: Secret,
}

impl Credentials {
    /// The pairs that sign.
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

    /// All four, the longest-lived first.
    pub fn secrets(&self) -> [&Secret; 4] {
        [
            &self.api_key_secret,
            &self.access_token_secret,
            &self.access_token,
            &self.api_key,
        ]
    }
}

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The app.
    pub app: Pair<'a>,
    /// The token of an account or of a sign-in; an app that begins a sign-in has
    /// none.
    pub token: Option<Pair<'a>>,
}

/// What names somebody, and the secret that signs for them.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The name.
    pub id: &'a Secret,
    /// The secret.
    pub secret: &'a Secret,
}

/// What makes a signature good for one sending only (§3.3).
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Never used before with the same timestamp.
    pub nonce: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

impl Stamp {
    /// A stamp for a request that is sent now, with 128 random bits.
    ///
    /// # Errors
    /// When the host has no randomness to give.
    pub fn fresh(now: DateTime<Utc>) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)?;
        Ok(Self {
            nonce: base16::encode(&random),
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

/// As [`authorization`], with these keys, and with protocol parameters beside the
/// usual ones, as the steps of a sign-in have them (§2.1, §2.3).
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
    // A request without a token is signed with an empty secret of one (§3.4.2).
    let none = Secret::new("");
    let token_secret = token.map_or(&none, |token| token.secret);
    let signature = signature(&base_string, app.secret, token_secret);

    let mut header = String::from("OAuth ");
    for (name, value) in protocol {
        header.push_str(name);
        header.push_str("=\"");
        percent_encode(value, &mut header);
        header.push_str("\", ");
    }
    header.push_str("oauth_signature=\"");
    percent_encode(&signature, &mut header);
    header.push('"');
    header
}

/// The signature of a request that was signed, which is good for nothing else.
pub fn signature_of<T>(request: &Request<T>) -> Option<Secret> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (_, signature) = header.split_once("oauth_signature=\"")?;
    let (signature, _) = signature.split_once('"')?;
    // Of base64, three characters are encoded.
    let decoded = signature.replace("%2B", "+").replace("%2F", "/");
    Some(Secret::new(decoded.replace("%3D", "=")))
}

/// The signature base string (§3.4.1) over all groups of parameters together.
pub fn signature_base_string(method: &str, url: &str, groups: &[&[Parameter<'_>]]) -> String {
    // §3.4.1.3.2: encoded first, then sorted by the bytes of name, then value.
    let mut parameters: Vec<(String, String)> = groups
        .iter()
        .copied()
        .flatten()
        .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
        .collect();
    parameters.sort_unstable();

    let mut base_string = String::new();
    percent_encode(&method.to_ascii_uppercase(), &mut base_string);
    base_string.push('&');
    percent_encode(url, &mut base_string);
    let mut separator = "&";
    for (name, value) in &parameters {
        base_string.push_str(separator);
        separator = "%26";
        percent_encode(name, &mut base_string);
        base_string.push_str("%3D");
        percent_encode(value, &mut base_string);
    }
    if parameters.is_empty() {
        base_string.push('&');
    }
    base_string
}

/// The HMAC-SHA1 signature of a base string, in base64 (§3.4.2).
pub fn signature(base_string: &str, client_secret: &Secret, token_secret: &Secret) -> String {
    let mut key = String::new();
    percent_encode(client_secret.expose(), &mut key);
    key.push('&');
    percent_encode(token_secret.expose(), &mut key);
    // HMAC takes a key of any length, so there is no error to report.
    Hmac::<Sha1>::new_from_slice(key.as_bytes()).map_or_else(
        |_| String::new(),
        |mac| BASE64.encode(mac.chain_update(base_string).finalize().into_bytes()),
    )
}

/// Appends a text in percent-encoding (§3.6): every byte of its UTF-8 form but
/// the unreserved characters becomes `%` and two upper-case hex digits.
pub fn percent_encode(text: &str, out: &mut String) {
    let is_reserved =
        |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
    out.reserve(text.len());
    let mut rest = text;
    // Most of a text, and nearly all of base64, is runs of unreserved characters.
    while let Some((run, after)) = rest
        .bytes()
        .position(is_reserved)
        .and_then(|end| rest.split_at_checked(end))
    {
        out.push_str(run);
        let mut chars = after.chars();
        if let Some(reserved) = chars.next() {
            for byte in reserved.encode_utf8(&mut [0; 4]).bytes() {
                out.push('%');
                out.push(hex_digit(byte >> 4));
                out.push(hex_digit(byte & 15));
            }
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// A digit from 0 to 15 in upper-case hex.
fn hex_digit(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// A text in percent-encoding, see [`percent_encode`].
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    percent_encode(text, &mut encoded);
    encoded
}

#[cfg(test)]
mod tests;
