//! The networks. One file each: a request out, a reply read; no I/O.

pub mod base_url;
mod multipart;
pub mod x;

/// Text from outside made fit for a log line or a page: control characters
/// gone, white space folded, at most 200 characters.
fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 200;

    let mut quoted = String::new();
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_short_line() {
        assert_eq!(quoted(" a\r\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(quoted(&"ab ".repeat(200)).chars().count(), 201);
        assert_eq!(quoted("\0\u{7}"), "");
    }
}
