//! Reading the `Authorization` header of RFC 5849 §3.5.1, without any leniency.

use std::collections::BTreeMap;

use super::signature::percent_encode;
use crate::form;
use crate::text::quoted;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The least length of a nonce, in characters. A shorter one may recur by chance.
const SHORTEST_NONCE: usize = 16;

/// The protocol parameters that any request may have. Clients repeat the parameters of a sign-in in
/// the requests after it; `oauth_body_hash` belongs to an extension, and oauthlib adds it to every
/// body that is not a form.
const KNOWN: [&str; 9] = [
    "oauth_body_hash",
    "oauth_callback",
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_verifier",
    "oauth_version",
];

/// The purpose of a request, which decides the parameters that belong to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Obtaining a request token, to sign in with (RFC 5849 §2.1).
    RequestToken,
    /// Obtaining the access token of the account (RFC 5849 §2.3).
    AccessToken,
    /// Acting on behalf of the account (RFC 5849 §3.1).
    Resource,
}

impl Purpose {
    fn knows(self, name: &str) -> bool {
        KNOWN.contains(&name)
            || match self {
                Self::RequestToken => false,
                Self::AccessToken | Self::Resource => name == "oauth_token",
            }
    }
}

/// The protocol parameters of one request, decoded.
pub(crate) struct Authorization {
    pub(crate) consumer_key: String,
    /// Empty for a purpose that takes no token.
    pub(crate) token: String,
    pub(crate) signature: String,
    pub(crate) timestamp: i64,
    pub(crate) nonce: String,
    /// The hash of the body, if the request has one.
    pub(crate) body_hash: Option<String>,
    /// All parameters that are signed (RFC 5849 §3.4.1.3.1): the signature and the realm are not.
    pub(crate) signed: Vec<(String, String)>,
}

impl Authorization {
    /// Reads the `Authorization` header or, without one, the parameters in the query
    /// (RFC 5849 §3.5.3).
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn of(headers: &HeaderMap, query: &str, purpose: Purpose) -> Result<Self, String> {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let Some(header) = all.next() else {
            let mut protocol = form::decode(query.as_bytes())?;
            protocol.retain(|(name, _)| is_protocol(name));
            if protocol.is_empty() {
                return Err("there is no Authorization header".to_owned());
            }
            if let Some((name, _)) = protocol.iter().find(|(name, _)| !purpose.knows(name)) {
                return Err(format!(
                    "the parameter {} does not belong here",
                    quoted(name)
                ));
            }
            return Self::of_pairs(protocol, purpose);
        };
        if all.next().is_some() {
            return Err("there are two Authorization headers".to_owned());
        }
        let header = header
            .to_str()
            .map_err(|_| "the Authorization header is not plain ASCII")?;
        let parameters = header
            .strip_prefix("OAuth ")
            .ok_or("the Authorization header does not begin with “OAuth ”")?;
        Self::of_pairs(pairs(parameters, purpose)?, purpose)
    }

    fn of_pairs(pairs: Vec<(String, String)>, purpose: Purpose) -> Result<Self, String> {
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if parameters.insert(name.clone(), value).is_some() {
                return Err(format!("{name} is given twice"));
            }
        }
        let required = |name: &str| {
            parameters
                .get(name)
                .filter(|value: &&String| !value.is_empty())
                .cloned()
                .ok_or_else(|| format!("{name} is missing or empty"))
        };
        let consumer_key = required("oauth_consumer_key")?;
        let token = match purpose {
            Purpose::RequestToken => String::new(),
            Purpose::AccessToken | Purpose::Resource => required("oauth_token")?,
        };
        let method = required("oauth_signature_method")?;
        let timestamp = required("oauth_timestamp")?;
        let nonce = required("oauth_nonce")?;
        let signature = required("oauth_signature")?;

        if method != "HMAC-SHA1" {
            return Err(format!(
                "oauth_signature_method is {} rather than HMAC-SHA1",
                quoted(&method)
            ));
        }
        let timestamp = read_timestamp(&timestamp)?;
        if nonce.chars().count() < SHORTEST_NONCE {
            return Err(format!(
                "oauth_nonce has fewer than {SHORTEST_NONCE} characters"
            ));
        }
        if let Some(version) = parameters.get("oauth_version")
            && version != "1.0"
        {
            return Err(format!(
                "oauth_version is {} rather than 1.0",
                quoted(version)
            ));
        }
        let body_hash = parameters.get("oauth_body_hash").cloned();
        let signed = parameters
            .into_iter()
            .filter(|(name, _)| name != "oauth_signature" && name != "realm")
            .collect();
        Ok(Self {
            consumer_key,
            token,
            signature,
            timestamp,
            nonce,
            body_hash,
            signed,
        })
    }
}

/// Whether a parameter of a query belongs to OAuth.
pub(crate) fn is_protocol(name: &str) -> bool {
    name.starts_with("oauth_")
}

/// Reads a timestamp (RFC 5849 §3.3): a positive whole number of seconds.
fn read_timestamp(text: &str) -> Result<i64, String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) || text.starts_with('0') {
        return Err("oauth_timestamp is not a positive whole number in plain digits".to_owned());
    }
    text.parse()
        .map_err(|_| "oauth_timestamp is far too large".to_owned())
}

/// Splits and decodes the list `name="value", name="value"`.
fn pairs(text: &str, purpose: Purpose) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    loop {
        let (name, after) = rest
            .split_once("=\"")
            .ok_or("a parameter is not of the form name=\"value\"")?;
        let (value, after) = after
            .split_once('"')
            .ok_or("the closing quotation mark of a value is missing")?;
        pairs.push(read_pair(name, value, purpose)?);

        let after = after.trim_start_matches([' ', '\t']);
        if after.is_empty() {
            return Ok(pairs);
        }
        rest = after
            .strip_prefix(',')
            .ok_or_else(|| format!("a comma is missing after {name}"))?
            .trim_start_matches([' ', '\t']);
    }
}

/// Decodes one pair. `realm` (RFC 5849 §3.5.1) is not a protocol parameter and is not encoded.
fn read_pair(name: &str, value: &str, purpose: Purpose) -> Result<(String, String), String> {
    if name == "realm" {
        return Ok((name.to_owned(), value.to_owned()));
    }
    if !purpose.knows(name) {
        return Err(format!(
            "the parameter {} does not belong here",
            quoted(name)
        ));
    }
    // A text has only one encoding (RFC 5849 §3.6), so encoding the decoded value has to give the
    // received one.
    let decoded =
        urlencoding::decode(value).map_err(|_| format!("the value of {name} is not UTF-8"))?;
    if percent_encode(&decoded) != value {
        return Err(format!(
            "the value of {name} is not percent-encoded as RFC 5849 section 3.6 prescribes"
        ));
    }
    Ok((name.to_owned(), decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "OAuth oauth_consumer_key=\"key\", oauth_nonce=\"0123456789abcdef\", \
                        oauth_signature=\"AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D\", \
                        oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1318622958\", \
                        oauth_token=\"1-token\", oauth_version=\"1.0\"";

    fn read(header: &str) -> Result<Authorization, String> {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        Authorization::of(&headers, "", Purpose::Resource)
    }

    fn reason(header: &str) -> String {
        read(header).err().expect("it was accepted")
    }

    #[test]
    fn a_proper_header_is_read() {
        let authorization = read(GOOD).unwrap();
        assert_eq!(authorization.consumer_key, "key");
        assert_eq!(authorization.token, "1-token");
        assert_eq!(authorization.nonce, "0123456789abcdef");
        assert_eq!(authorization.timestamp, 1_318_622_958);
        assert!(authorization.signature.ends_with('='));
        assert_eq!(authorization.signed.len(), 6);
        assert!(
            authorization
                .signed
                .iter()
                .all(|(name, _)| name != "oauth_signature")
        );
    }

    #[test]
    fn what_is_optional_may_differ() {
        read(&GOOD.replace(", ", ",")).unwrap();
        read(&GOOD.replace(", ", " ,\t")).unwrap();
        read(&GOOD.replace(", oauth_version=\"1.0\"", "")).unwrap();
        let with_realm = read(&GOOD.replace("OAuth ", "OAuth realm=\"a, b\", ")).unwrap();
        assert!(with_realm.signed.iter().all(|(name, _)| name != "realm"));
    }

    #[test]
    fn anything_sloppy_is_refused() {
        for (from, to, part) in [
            ("OAuth ", "", "does not begin"),
            ("OAuth ", "oauth ", "does not begin"),
            ("OAuth ", "Bearer ", "does not begin"),
            ("%3D", "=", "not percent-encoded"),
            ("%3D", "%3d", "not percent-encoded"),
            ("%3D", "%", "not percent-encoded"),
            ("%3D", "+", "not percent-encoded"),
            ("%3D", "%FF", "not UTF-8"),
            ("1-token", "1%2Dtoken", "not percent-encoded"),
            ("\"1-token\"", "1-token", "does not belong"),
            ("\"1-token\"", "'1-token'", "does not belong"),
            ("\"1.0\"", "\"1.0", "closing quotation mark"),
            ("\"1.0\"", "\"1.0\",", "not of the form"),
            ("\"1.0\"", "\"1.1\"", "oauth_version"),
            ("\"key\",", "\"key\";", "comma"),
            ("\"key\",", "\"key\"", "comma"),
            ("oauth_version=\"1.0\"", "oauth_token=\"1-token\"", "twice"),
            ("oauth_version", "OAuth_version", "does not belong"),
            ("oauth_version", "oauth_session", "does not belong"),
            ("oauth_version", "status", "does not belong"),
            ("oauth_version=", "oauth_version =", "does not belong"),
            ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA1"),
            ("1318622958", "-1318622958", "oauth_timestamp"),
            ("1318622958", "1318622958.5", "not a positive"),
            ("1318622958", "0", "not a positive"),
            ("1318622958", "01318622958", "not a positive"),
            ("1318622958", "99999999999999999999", "far too large"),
            ("1318622958", "", "missing or empty"),
            ("0123456789abcdef", "0123456789abcde", "fewer than 16"),
            ("0123456789abcdef", "", "missing or empty"),
            ("oauth_token=\"1-token\", ", "", "oauth_token is missing"),
            (
                "oauth_consumer_key=\"key\", ",
                "",
                "oauth_consumer_key is missing",
            ),
            (
                "oauth_signature_method=\"HMAC-SHA1\", ",
                "",
                "oauth_signature_method is missing",
            ),
        ] {
            let sloppy = GOOD.replacen(from, to, 1);
            assert_ne!(sloppy, GOOD);
            let reason = reason(&sloppy);
            assert!(reason.contains(part), "{sloppy}: {reason}");
        }
        assert!(reason("OAuth ").contains("not of the form"));
    }

    #[test]
    fn there_has_to_be_exactly_one_header() {
        assert!(Authorization::of(&HeaderMap::new(), "", Purpose::Resource).is_err());
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static(GOOD));
        assert!(Authorization::of(&headers, "", Purpose::Resource).is_ok());
        headers.append(AUTHORIZATION, HeaderValue::from_static(GOOD));
        assert!(
            Authorization::of(&headers, "", Purpose::Resource)
                .err()
                .unwrap()
                .contains("two")
        );
        headers.clear();
        headers.append(
            AUTHORIZATION,
            HeaderValue::from_bytes(b"OAuth \xff").unwrap(),
        );
        assert!(
            Authorization::of(&headers, "", Purpose::Resource)
                .err()
                .unwrap()
                .contains("ASCII")
        );
    }

    #[test]
    fn what_belongs_to_a_request_depends_on_its_purpose() {
        let read = |from: &str, to: &str, purpose| {
            let mut headers = HeaderMap::new();
            let header = GOOD.replace(from, to);
            headers.append(AUTHORIZATION, HeaderValue::from_str(&header).unwrap());
            Authorization::of(&headers, "", purpose).map(|read| read.token)
        };
        let token = "oauth_token=\"1-token\"";
        let callback = "oauth_callback=\"oob\"";
        let both = "oauth_token=\"1-token\", oauth_verifier=\"1234567\"";
        assert_eq!(
            read(token, callback, Purpose::RequestToken),
            Ok(String::new())
        );
        assert!(read(token, token, Purpose::RequestToken).is_err());
        assert!(read(token, both, Purpose::AccessToken).is_ok());
        // Clients keep what a sign-in took.
        assert!(read(token, both, Purpose::Resource).is_ok());
        let again = "oauth_token=\"1-token\", oauth_callback=\"oob\"";
        assert!(read(token, again, Purpose::AccessToken).is_ok());
        // A token is needed all the same.
        assert!(read(token, callback, Purpose::AccessToken).is_err());
    }

    #[test]
    fn without_a_header_the_parameters_may_be_in_the_query() {
        let query = "user.fields=name&oauth_consumer_key=key&oauth_nonce=0123456789abcdef&\
                     oauth_signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&\
                     oauth_signature_method=HMAC-SHA1&oauth_timestamp=1318622958&\
                     oauth_token=1-token";
        let read = |query: &str| Authorization::of(&HeaderMap::new(), query, Purpose::Resource);
        let authorization = read(query).unwrap();
        assert_eq!(authorization.token, "1-token");
        assert!(authorization.signature.ends_with('='));
        assert_eq!(authorization.signed.len(), 5, "none of the others");
        for (from, to) in [
            ("oauth_token=1-token", ""),
            ("oauth_token=", "oauth_session="),
            ("HMAC-SHA1", "PLAINTEXT"),
            ("oauth_nonce=", "oauth_timestamp="),
            ("%3D", "%3d"),
        ] {
            assert!(read(&query.replace(from, to)).is_err(), "{from}");
        }
        // With a header, only the header counts.
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(Authorization::of(&headers, query, Purpose::Resource).is_err());
    }
}
