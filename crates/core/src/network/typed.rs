//! Names of servers and accounts as people type and paste them.

use crate::settings::pasted;

/// More bytes than any handle or address of a profile has.
const MAX_TYPED: usize = 1_000;

/// Characters that a keyboard or a program puts spaces beside.
const SEPARATORS: [char; 4] = ['@', '.', '/', ':'];

/// Takes off what came along by typing and pasting. `None` if nothing is left, or more than one
/// word.
pub(crate) fn cleaned(typed: &str) -> Option<String> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let text: String = pasted::text(typed).chars().map(narrow).collect();
    let mut cleaned = String::new();
    for word in text.split_whitespace() {
        // Joining two words would name another server.
        let is_joined =
            cleaned.is_empty() || cleaned.ends_with(SEPARATORS) || word.starts_with(SEPARATORS);
        if !is_joined {
            return None;
        }
        cleaned.push_str(word);
    }
    (!cleaned.is_empty()).then_some(cleaned)
}

/// A separator as ASCII has it, for one that a keyboard for Chinese or Japanese makes.
fn narrow(c: char) -> char {
    match c {
        '＠' | '﹫' => '@',
        '．' | '。' | '｡' => '.',
        '／' => '/',
        '：' => ':',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keyboards_add_is_taken_off_and_words_are_not_joined() {
        for (typed, text) in [
            (" @ ada @ social. example\n", Some("@ada@social.example")),
            ("＠ada．example", Some("@ada.example")),
            ("“ada.example”", Some("ada.example")),
            ("ada example", None),
            ("", None),
        ] {
            assert_eq!(cleaned(typed).as_deref(), text, "{typed}");
        }
        assert_eq!(cleaned(&"a".repeat(2_000)), None);
    }
}
