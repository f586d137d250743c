//! Secret texts, such as keys and tokens, and how to keep them out of what is shown.

use std::cmp::Reverse;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret text. Its `Debug` form hides it and it has no `Display`, so it cannot get into a log by
/// accident. [`Secret::expose`] is the only way to read it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes a secret that nobody can guess: 32 random bytes, as 43 characters of base64url.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Returns the text itself, to sign or send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a text that somebody sent is this secret. The time that the comparison takes does not
    /// depend on where the texts differ, nor on the secret's length, since it compares the SHA-256
    /// digests of both.
    pub fn matches(&self, candidate: &str) -> bool {
        let ours = Sha256::digest(self.0.as_bytes());
        let theirs = Sha256::digest(candidate.as_bytes());
        ours.as_slice().ct_eq(theirs.as_slice()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// The number of random bytes in a secret that is made here.
const RANDOM_BYTES: usize = 32;

/// Replaces a secret.
const HIDDEN: &str = "(hidden)";

/// The fewest characters that count as a secret in base64 or hex, or as a secret that is cut off at
/// the end of a text. Fewer occur by chance.
const MIN_CHARS: usize = 8;

/// Removes secrets from a decoded text that came from outside, in every form in which it may repeat
/// them: as they are; percent-encoded, once or several times; escaped as in JSON or HTML; in base64
/// or base64url, also as a part of something longer; in hex; and cut off by the end of the text.
pub fn hidden(text: &str, secrets: &[&Secret]) -> String {
    let mut forms: Vec<Form> = secrets.iter().flat_map(|secret| forms_of(secret)).collect();
    // One secret may be a part of another.
    forms.sort_by_key(|form| Reverse(form.text.len()));
    if forms.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let found = forms
            .iter()
            .find_map(|form| Some((form, after(rest, form)?)));
        if let Some((form, after)) = found {
            rest = after;
            if form.is_base64 {
                // What stands before and after may hold the bits of the characters at its ends.
                shown.truncate(shown.trim_end_matches(is_of_base64).len());
                rest = rest.trim_start_matches(is_of_base64);
            }
            shown.push_str(HIDDEN);
        } else {
            shown.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    shown
}

/// A form in which a text may repeat a secret.
struct Form {
    text: String,
    is_base64: bool,
}

fn forms_of(secret: &Secret) -> Vec<Form> {
    let text = secret.expose();
    let form = |text: String, is_base64| Form { text, is_base64 };
    // As it is, and with its white space folded, as texts are shown.
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = [text.to_owned(), folded].map(|text| form(text, false));
    let hex = HEXLOWER.encode(text.as_bytes());
    let mut encoded = vec![form(hex.to_ascii_uppercase(), false), form(hex, false)];
    // Base64 makes four characters of three bytes, so a secret has one of three forms, depending on
    // where it begins in what was encoded.
    for before in 0..3_usize {
        let mut padded = vec![0; before];
        padded.extend_from_slice(text.as_bytes());
        // Leave out the characters that hold bits of what stands before or after.
        let first = before.saturating_mul(4).div_ceil(3);
        let last = padded.len().saturating_mul(4) / 3;
        let alphabets = [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ];
        let own = alphabets.iter().filter_map(|text| text.get(first..last));
        encoded.extend(own.map(|text| form(text.to_owned(), true)));
    }
    let is_long = |form: &Form| form.text.len() >= MIN_CHARS;
    let plain = plain.into_iter().filter(|form| !form.text.is_empty());
    plain.chain(encoded.into_iter().filter(is_long)).collect()
}

fn is_of_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=' | '%')
}

/// Returns what follows a form at the beginning of a text, if the text begins with it.
fn after<'a>(text: &'a str, form: &Form) -> Option<&'a str> {
    let mut rest = text;
    for (read, wanted) in form.text.chars().enumerate() {
        if rest.is_empty() && read >= MIN_CHARS {
            return Some(rest);
        }
        rest = after_char(rest, wanted)?;
    }
    Some(rest)
}

/// Returns what follows a character at the beginning of a text, if the text begins with it in any
/// form.
fn after_char(text: &str, wanted: char) -> Option<&str> {
    // Most characters are neither the character itself nor the start of a form of it.
    match text.chars().next()? {
        '%' => after_percent(text, wanted),
        '\\' => after_backslash(text, wanted),
        '&' => after_entity(text, wanted),
        '+' if wanted == ' ' => text.strip_prefix('+'),
        _ => None,
    }
    .or_else(|| text.strip_prefix(wanted))
}

/// As [`after_char`], for percent-encoding (RFC 3986 §2.1), also several times over.
fn after_percent(text: &str, wanted: char) -> Option<&str> {
    let mut bytes = [0; 4];
    let mut rest = text;
    for byte in wanted.encode_utf8(&mut bytes).bytes() {
        let digits = format!("{byte:02x}");
        rest = ["%252525", "%2525", "%25", "%"]
            .into_iter()
            .find_map(|prefix| after_ignoring_case(rest.strip_prefix(prefix)?, &digits))?;
    }
    Some(rest)
}

/// As [`after_char`], for the escapes of JSON (RFC 8259 §7) and JavaScript.
fn after_backslash(text: &str, wanted: char) -> Option<&str> {
    let mut units = [0; 2];
    let mut rest = text;
    for unit in wanted.encode_utf16(&mut units) {
        rest = match rest.strip_prefix("\\u") {
            Some(rest) => after_ignoring_case(rest, &format!("{unit:04x}"))?,
            None => after_ignoring_case(rest.strip_prefix("\\x")?, &format!("{unit:02x}"))?,
        };
    }
    Some(rest)
}

/// As [`after_char`], for HTML's character references by number or name.
fn after_entity(text: &str, wanted: char) -> Option<&str> {
    let number = u32::from(wanted);
    let name = match wanted {
        '&' => "amp",
        '<' => "lt",
        '>' => "gt",
        '"' => "quot",
        '\'' => "apos",
        _ => "",
    };
    let (reference, rest) = text.strip_prefix('&')?.split_once(';')?;
    let is_it = (!name.is_empty() && reference == name)
        || reference.strip_prefix('#').is_some_and(|digits| {
            let hex = digits.strip_prefix(['x', 'X']);
            let read = hex.map_or_else(|| digits.parse(), |hex| u32::from_str_radix(hex, 16));
            read == Ok(number)
        });
    is_it.then_some(rest)
}

fn after_ignoring_case<'a>(text: &'a str, digits: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(digits.len())?;
    start.eq_ignore_ascii_case(digits).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("correct horse");
        assert!(secret.matches("correct horse"));
        for other in [
            "",
            "correct",
            "correct horsf",
            "correct horse ",
            "Correct horse",
        ] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }

    #[test]
    fn debug_output_hides_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(hidden)");
    }

    /// Holds what has to be encoded in each of the forms, and more than ASCII.
    const SECRET: &str = "kS/ec+ret=%&<é\u{1f511}>\"'";

    fn assert_hides(text: &str) {
        let shown = hidden(&format!("before {text} after"), &[&Secret::new(SECRET)]);
        assert_eq!(shown, "before (hidden) after", "{text}");
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_in_which_it_can_come_back() {
        assert_hides(SECRET);
        // JSON, of which one layer was decoded.
        let escaped = SECRET.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
        let escaped = escaped.collect::<Vec<_>>().concat();
        assert_hides(&escaped);
        assert_hides(&escaped.to_lowercase());
        // Percent-encoded: all of it, only what has to be, and several times.
        let percent = crate::network::percent::encode;
        let all = SECRET.bytes().map(|byte| format!("%{byte:02x}"));
        assert_hides(&all.collect::<Vec<_>>().concat());
        assert_hides(&percent(SECRET));
        assert_hides(&percent(SECRET).to_lowercase().replace("ks", "kS"));
        assert_hides(&percent(&percent(SECRET)));
        assert_hides(&percent(&percent(&percent(SECRET))));
        // HTML.
        let references = SECRET.chars().map(|c| format!("&#{};", u32::from(c)));
        assert_hides(&references.collect::<Vec<_>>().concat());
        assert_hides("kS/ec+ret=%&amp;&lt;é&#x1F511;&gt;&quot;&apos;");
        // Hex.
        assert_hides(&HEXLOWER.encode(SECRET.as_bytes()));
        assert_hides(&HEXLOWER.encode(SECRET.as_bytes()).to_uppercase());
    }

    #[test]
    fn a_secret_is_hidden_in_base64_wherever_it_begins_in_what_was_encoded() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};

        for before in ["", "a", "ab", "abc", "user:"] {
            for behind in ["", "z", "zy", "zyx"] {
                let whole = format!("{before}{SECRET}{behind}");
                for encoded in [STANDARD.encode(&whole), URL_SAFE.encode(&whole)] {
                    assert_hides(&encoded);
                    assert_hides(encoded.trim_end_matches('='));
                    assert_hides(&crate::network::percent::encode(&encoded).replace("%3D", ""));
                }
            }
        }
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first_and_what_is_cut_off_goes_too() {
        let secrets = [Secret::new("hunter2"), Secret::new("hunter2-and-more")];
        let secrets: Vec<_> = secrets.iter().collect();
        assert_eq!(hidden("a hunter2-and-more b", &secrets), "a (hidden) b");
        assert_eq!(hidden("a hunter2, b", &secrets), "a (hidden), b");
        assert_eq!(
            hidden("the key is hunter2-and", &secrets),
            "the key is (hidden)"
        );
        assert_eq!(hidden("hunter2hunter2", &secrets), "(hidden)(hidden)");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let secrets = [Secret::new(SECRET), Secret::new(""), Secret::new("hunter2")];
        let secrets: Vec<_> = secrets.iter().collect();
        for text in [
            "",
            "hunter",
            "100 % &amp; more \\u0068",
            "aHVudA",
            "é\u{1f511}",
        ] {
            assert_eq!(hidden(text, &secrets), text);
        }
        assert_eq!(hidden("hunter2", &[]), "hunter2");
    }

    proptest::proptest! {
        #[test]
        fn no_text_around_a_secret_keeps_it_in_sight(
            before in ".{0,40}", behind in ".{0,40}", secret in "[ -~]{8,40}",
        ) {
            let kept = Secret::new(secret.trim());
            let text = format!("{before}{}{behind}", kept.expose());
            let shown = hidden(&text, &[&kept]);
            proptest::prop_assert!(kept.expose().is_empty() || !shown.contains(kept.expose()));
        }
    }
}
