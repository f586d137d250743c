//! The networks. One file each: a request out, a reply read; no I/O.

pub mod base_url;
mod multipart;
pub mod x;

/// Text from outside made fit for a log line or a page: control characters
/// and those that change the direction of text gone, white space folded, at
/// most 200 characters.
fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 200;

    let mut quoted = String::new();
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_bidi_control(c))
        .filter(|word| !word.is_empty());
    let mut chars = 0_usize;
    for word in words {
        for c in (!quoted.is_empty())
            .then_some(' ')
            .into_iter()
            .chain(word.chars())
        {
            if chars == MAX_CHARS {
                quoted.push('…');
                return quoted;
            }
            quoted.push(c);
            chars = chars.saturating_add(1);
        }
    }
    quoted
}

/// Unicode's property `Bidi_Control` (UAX #9): such a character makes text read
/// as another than it is.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_short_line() {
        assert_eq!(quoted(" a\r\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(quoted(&"ab ".repeat(200)).chars().count(), 201);
        assert_eq!(quoted("\0\u{7}"), "");
        assert_eq!(quoted("a\u{202e}b\u{2066}"), "a b");
    }
}
