//! Checking HMAC-SHA1 signatures as RFC 5849 §3.4 defines them.

use data_encoding::BASE64;
use hmac_sha1_compact::HMAC;

/// Percent-encodes as RFC 5849 §3.6 prescribes: all but the unreserved characters of RFC 3986 §2.3.
pub(crate) fn percent_encode(text: &str) -> String {
    urlencoding::encode(text).into_owned()
}

/// The key of a signature: both secrets, as RFC 5849 §3.4.2 joins them.
#[derive(Clone)]
pub(crate) struct Key(String);

/// The base string URI of RFC 5849 §3.4.1.2: the host in lower case, the port only if it is not the
/// scheme's default.
pub(crate) fn base_uri(scheme: &str, host: &str, path: &str) -> String {
    let host = host.to_ascii_lowercase();
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    format!("{scheme}://{host}{path}")
}

/// The signature base string of RFC 5849 §3.4.1.1. The parameters are decoded and may be in any
/// order.
pub(crate) fn base_string(method: &str, base_uri: &str, parameters: &[(String, String)]) -> String {
    format!(
        "{}&{}&{}",
        percent_encode(&method.to_ascii_uppercase()),
        percent_encode(base_uri),
        percent_encode(&normalized(parameters))
    )
}

/// The parameters normalized as RFC 5849 §3.4.1.3.2 prescribes: encoded, then sorted by their
/// encoded bytes.
fn normalized(parameters: &[(String, String)]) -> String {
    let mut encoded: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| (percent_encode(name), percent_encode(value)))
        .collect();
    encoded.sort_unstable();
    let pairs: Vec<String> = encoded
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The key that these secrets make.
pub(crate) fn key(consumer_secret: &str, token_secret: &str) -> Key {
    Key(format!(
        "{}&{}",
        percent_encode(consumer_secret),
        percent_encode(token_secret)
    ))
}

/// The signature of a base string, in base64.
pub(crate) fn sign(Key(key): &Key, base_string: &str) -> String {
    BASE64.encode(&HMAC::mac(base_string.as_bytes(), key.as_bytes()))
}

/// Whether this is the signature of the base string. The comparison is not constant in time: the
/// secrets it could reveal protect nothing but a simulated account.
pub(crate) fn matches(key: &Key, base_string: &str, signature: &str) -> bool {
    sign(key, base_string) == signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form;

    /// One published or independently computed signature.
    struct Vector<'a> {
        method: &'a str,
        uri: &'a str,
        query: &'a str,
        form: &'a str,
        signature: &'a str,
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn check(vector: &Vector, protocol: &[(&str, &str)], key: &Key) {
        let mut parameters = pairs(protocol);
        parameters.extend(form::decode(vector.query.as_bytes()).unwrap());
        parameters.extend(form::decode(vector.form.as_bytes()).unwrap());
        let base = base_string(vector.method, vector.uri, &parameters);
        assert_eq!(sign(key, &base), vector.signature, "{base}");
        assert!(matches(key, &base, vector.signature));
        assert!(!matches(key, &format!("{base}x"), vector.signature));
    }

    const S_QUERY: &str = "include_entities=true";
    const S_FORM: &str =
        "status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21";
    const UPDATE: &str = "https://api.x.com/1.1/account/update_profile_image.json";

    #[test]
    fn set_a() {
        let protocol = [
            ("oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            (
                "oauth_token",
                "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            ),
            ("oauth_version", "1.0"),
        ];
        let key = key(
            "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        );
        let vector = |method, uri, query, form, signature| Vector {
            method,
            uri,
            query,
            form,
            signature,
        };
        for vector in [
            vector(
                "POST",
                "https://api.twitter.com/1/statuses/update.json",
                S_QUERY,
                S_FORM,
                "tnnArxj06cWHq44gCs1OSKk/jLY=",
            ),
            vector(
                "POST",
                "https://api.twitter.com/1.1/statuses/update.json",
                S_QUERY,
                S_FORM,
                "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
            ),
            vector(
                "POST",
                "https://api.x.com/1.1/statuses/update.json",
                S_QUERY,
                S_FORM,
                "Ls93hJiZbQ3akF3HF3x1Bz8/zU4=",
            ),
            vector(
                "GET",
                "https://stream.twitter.com/1.1/statuses/sample.json",
                "stall_warnings=true",
                "",
                "OGQqcy4l5xWBFX7t0DrkP5/D0rM=",
            ),
            vector(
                "POST",
                "https://example.com/post.json",
                "",
                "",
                "pN52L1gJ6sOyYOyv23cwfWFsIZc=",
            ),
            vector(
                "GET",
                "https://example.com/get.json",
                "bar=%E9%85%92%E5%A0%B4&foo=%E3%81%B5%E3%83%BC",
                "",
                "Xp35hf3T21yhpEuxez7p6bV62Bw=",
            ),
            vector("POST", UPDATE, "", "", "5ieX14kUJKBNwWwc71hPFUzwRH0="),
            vector(
                "POST",
                UPDATE,
                "skip_status=true",
                "",
                "+4PWl9QgtLsMVC5Y+jGD4C2bRg8=",
            ),
            vector(
                "POST",
                UPDATE,
                "",
                "image=%2F9j%2F4AAQ%2BA%3D%3D",
                "tGY6vxufbg8lIV37sjona24/AsQ=",
            ),
        ] {
            check(&vector, &protocol, &key);
        }
    }

    #[test]
    fn rfc_5849_section_3_4_1() {
        let protocol = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        let mut parameters = pairs(&protocol);
        parameters.extend(form::decode(b"b5=%3D%253D&a3=a&c%40=&a2=r%20b").unwrap());
        parameters.extend(form::decode(b"c2&a3=2+q").unwrap());
        let uri = base_uri("http", "EXAMPLE.COM:80", "/request");
        let base = base_string("post", &uri, &parameters);
        assert_eq!(
            base,
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5\
             %3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth\
             _nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D13713120\
             1%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
        // The RFC prints a wrong signature: erratum 2550.
        assert_eq!(
            sign(&key("j49sk3j29djd", "dh893hdasih9"), &base),
            "r6/TJjbCOr97/+UU0NsvSne7s5g="
        );
    }

    #[test]
    fn rfc_5849_section_1_2() {
        check(
            &Vector {
                method: "GET",
                uri: "http://photos.example.net/photos",
                query: "file=vacation.jpg&size=original",
                form: "",
                signature: "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
            },
            &[
                ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
                ("oauth_token", "nnch734d00sl2jdk"),
                ("oauth_signature_method", "HMAC-SHA1"),
                ("oauth_timestamp", "137131202"),
                ("oauth_nonce", "chapoH"),
            ],
            &key("kd94hf93k423kf44", "pfkkdhi9sl3r4s00"),
        );
    }

    #[test]
    fn percent_encoding() {
        for (plain, encoded) in [
            ("Ladies + Gentlemen", "Ladies%20%2B%20Gentlemen"),
            ("An encoded string!", "An%20encoded%20string%21"),
            ("☃", "%E2%98%83"),
            ("-._~*'()", "-._~%2A%27%28%29"),
        ] {
            assert_eq!(percent_encode(plain), encoded);
        }
    }

    #[test]
    fn only_the_scheme_s_own_port_is_left_out() {
        for (scheme, host, uri) in [
            ("http", "LocalHost:8788", "http://localhost:8788/p"),
            ("http", "a.example:80", "http://a.example/p"),
            ("http", "a.example:443", "http://a.example:443/p"),
            ("https", "a.example:443", "https://a.example/p"),
            ("http", "[::1]:8080", "http://[::1]:8080/p"),
        ] {
            assert_eq!(base_uri(scheme, host, "/p"), uri);
        }
    }

    #[test]
    fn a_signature_must_be_whole_and_proper_base64() {
        let key = key("a", "b");
        let signature = sign(&key, "text");
        assert!(matches(&key, "text", &signature));
        for wrong in ["", "AAAA", signature.trim_end_matches('='), &signature[4..]] {
            assert!(!matches(&key, "text", wrong));
        }
    }
}
