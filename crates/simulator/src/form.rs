//! Reading `application/x-www-form-urlencoded` in a query or a body, without any leniency.

use std::borrow::Cow;

use crate::text::quoted;

/// Decodes names and values, in the order in which they stand.
///
/// Both common encodings are accepted, that of RFC 3986 and that of HTML forms (`+` for a space,
/// an unencoded `*`). Hexadecimal digits have to be upper case in either.
///
/// # Errors
///
/// What is wrong with the encoding.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<(String, String)>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(|byte| *byte == b'&').map(decode_pair).collect()
}

fn decode_pair(pair: &[u8]) -> Result<(String, String), String> {
    if pair.is_empty() {
        return Err("there is an empty pair (two “&” in a row, or one at an end)".to_owned());
    }
    let mut sides = pair.splitn(2, |byte| *byte == b'=');
    let (name, value) = (
        sides.next().unwrap_or_default(),
        sides.next().unwrap_or_default(),
    );
    if name.is_empty() {
        return Err("there is a value without a name".to_owned());
    }
    Ok((decode_text(name)?, decode_text(value)?))
}

fn decode_text(text: &[u8]) -> Result<String, String> {
    check_characters(text)?;
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded = urlencoding::decode_binary(&spaced);
    String::from_utf8(Cow::into_owned(decoded))
        .map_err(|_| "the encoded text is not UTF-8".to_owned())
}

/// Refuses characters that have to be encoded, and malformed encodings.
fn check_characters(text: &[u8]) -> Result<(), String> {
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()];
                let is_digit = |digit: Option<u8>| matches!(digit, Some(b'0'..=b'9' | b'A'..=b'F'));
                if !digits.into_iter().all(is_digit) {
                    return Err(
                        "a “%” is not followed by two upper-case hexadecimal digits".to_owned()
                    );
                }
            }
            b'-' | b'.' | b'_' | b'~' | b'*' | b'+' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ if byte.is_ascii() => {
                let character = char::from(byte).to_string();
                return Err(format!("{} should have been encoded", quoted(&character)));
            }
            _ => return Err(format!("the byte {byte:02X} should have been encoded")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_encode_are_read() {
        let decoded = decode(b"a=1+2%203&b%40=%2B&c2&d=&%E2%98%83=~*").unwrap();
        let expected = [
            ("a", "1 2 3"),
            ("b@", "+"),
            ("c2", ""),
            ("d", ""),
            ("☃", "~*"),
        ];
        assert_eq!(
            decoded,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert!(decode(b"").unwrap().is_empty());
    }

    #[test]
    fn sloppy_encoding_is_refused() {
        for (sloppy, part) in [
            ("image=/9j", "“/” should"),
            ("image=AA==", "“=” should"),
            ("image=a b", "“ ” should"),
            ("image=%2f9j", "upper-case"),
            ("image=%2", "upper-case"),
            ("image=%", "upper-case"),
            ("image=%GG", "upper-case"),
            ("image=\u{e9}", "byte C3"),
            ("image=%FF", "UTF-8"),
            ("a=1&&b=2", "empty pair"),
            ("a=1&", "empty pair"),
            ("=1", "without a name"),
            ("a\n=1", "“\\n” should"),
        ] {
            let reason = decode(sloppy.as_bytes()).unwrap_err();
            assert!(reason.contains(part), "{sloppy:?}: {reason}");
        }
    }
}
