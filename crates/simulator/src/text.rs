//! Words for people: what came from a request is made harmless before it is shown.

/// The longest piece of a request that is repeated in an explanation.
const LONGEST_QUOTE: usize = 100;

/// A piece of a request in quotation marks: short, and without control characters, so that it can
/// be shown in a terminal.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("“{}”", shown.escape_debug())
}

/// A number with its thousands set apart: 80,123.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("skip"), "“skip”");
        assert_eq!(quoted("a\u{1b}[31m\nb"), "“a\\u{1b}[31m\\nb”");
        assert_eq!(quoted("\u{202e}x"), "“\\u{202e}x”");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST_QUOTE + 3);
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (80_123, "80,123"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
