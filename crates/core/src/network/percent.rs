//! Percent-encoding, RFC 3986 §2.1.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All of ASCII but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes every byte of a text's UTF-8 form, except the unreserved characters, as `%` and two
/// upper-case hex digits. OAuth 1.0a asks for exactly this (RFC 5849 §3.6).
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_but_the_unreserved_characters_is_percent_encoded() {
        for (text, encoded) in [
            ("Ladies + Gentlemen", "Ladies%20%2B%20Gentlemen"),
            ("An encoded string!", "An%20encoded%20string%21"),
            ("☃", "%E2%98%83"),
            ("", ""),
            ("azAZ09-._~", "azAZ09-._~"),
            (
                "!*'()/:@&=%\0\u{7f}",
                "%21%2A%27%28%29%2F%3A%40%26%3D%25%00%7F",
            ),
        ] {
            assert_eq!(encode(text), encoded);
        }
    }

    proptest! {
        #[test]
        fn percent_encoding_is_that_of_rfc_3986(text in any::<String>()) {
            let expected: String = text
                .bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    _ => format!("%{byte:02X}"),
                })
                .collect();
            prop_assert_eq!(encode(&text), expected);
        }
    }
}
