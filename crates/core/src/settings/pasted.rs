//! Cleans texts as people paste them. Every host reads settings through it.
//!
//! Invisible characters come from chat programs and right-to-left pages, quotation marks from
//! `docker run --env-file` and word processors, and `Bearer` from examples. None of them is part of
//! any setting.

/// The pairs of marks around quoted texts. Some languages close a quotation with the mark that
/// others open it with.
const PAIRS: [(char, char); 18] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('<', '>'),
    ('“', '”'),
    ('”', '”'),
    ('„', '“'),
    ('„', '”'),
    ('‟', '”'),
    ('‘', '’'),
    ('’', '’'),
    ('‚', '‘'),
    ('‚', '’'),
    ('‛', '’'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('›', '‹'),
];

/// Removes invisible characters from a text, and the white space and pairs of quotation marks
/// around it.
#[must_use]
pub fn text(pasted: &str) -> String {
    let visible: String = pasted.chars().filter(|c| !is_invisible(*c)).collect();
    let mut text = visible.trim();
    while let Some(inner) = unquoted(text) {
        text = inner.trim();
    }
    text.to_owned()
}

/// Cleans a token. Besides what [`text`] removes, it removes the line breaks of a narrow window, and
/// the words before a token in a header. Cleaning a token twice changes nothing more.
#[must_use]
pub fn token(pasted: &str) -> String {
    let whole = text(pasted);
    let lines = whole.lines().map(str::trim);
    let mut token = text(&lines.collect::<String>());
    loop {
        let mut words = ["authorization:", "bearer "].into_iter();
        match words.find_map(|word| without_prefix(&token, word)) {
            Some(rest) => token = text(rest),
            None => return token,
        }
    }
}

/// Removes a prefix, in upper or lower case.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Reads the value of a setting from what was pasted for it, which may be a whole line `NAME=value`.
pub(crate) fn value(pasted: &str, name: &str) -> String {
    let pasted = text(pasted);
    text(value_of_line(&pasted, name))
}

/// Returns the value in a line `NAME=value`; any other text stays as it is.
fn value_of_line<'a>(text: &'a str, name: &str) -> &'a str {
    let line = without_prefix(text, "export ").unwrap_or(text).trim_start();
    let value = without_prefix(line, name).map(str::trim_start);
    value
        .and_then(|rest| rest.strip_prefix(['=', ':']))
        .unwrap_or(text)
}

/// Returns the text between a pair of quotation marks, if it has one.
fn unquoted(text: &str) -> Option<&str> {
    let mut inner = text.chars();
    let ends = (inner.next()?, inner.next_back()?);
    PAIRS.contains(&ends).then_some(inner.as_str())
}

/// Whether nothing of a character shows: control characters that are no white space,
/// and Unicode's property `Default_Ignorable_Code_Point` (UAX #44,
/// `DerivedCoreProperties.txt`), which has the byte order mark, zero-width and
/// bidirectional controls, with what stands for an object in a text.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffc}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_along_by_copying_is_taken_off() {
        for pasted in [
            "a b",
            " a b\r\n",
            "\u{feff}a b",
            "\u{202a}a b\u{202c}",
            "\u{2066}a b\u{2069}",
            "a\u{200b} b\u{200d}",
            "\u{a0}a b\u{3000}",
            "a\u{ad} b\u{0}",
            "\"a b\"",
            "'a b'",
            "`a b`",
            "“a b”",
            "„a b“",
            "”a b”",
            "‘a b’",
            "« a b »",
            "<a b>",
            "\u{feff}\" 'a b' \"\u{200b}\n",
        ] {
            assert_eq!(text(pasted), "a b", "{pasted:?}");
        }
    }

    #[test]
    fn what_belongs_to_a_text_stays() {
        for same in [
            "it's", "\"a", "a'", "a\"b", "<a", "a>", "<a\"", "ü", "日本",
            // Marks of two kinds are no pair, but the ends of a password.
            "'a\"", "\"a`", "\"a”", "“a\"", "“a’", "«a›", "»a»", "`a'", "\"", "“", ">a<",
        ] {
            assert_eq!(text(same), same);
        }
        for empty in ["", " \n", "\u{feff}", "\"\"", "' '", "\u{200b}\"\u{200b}\""] {
            assert_eq!(text(empty), "", "{empty:?}");
        }
    }

    #[test]
    fn a_token_comes_without_the_words_before_it_and_without_line_breaks() {
        for pasted in [
            "abc-DEF",
            "Bearer abc-DEF",
            "bearer  abc-DEF ",
            "Authorization: Bearer abc-DEF",
            "\"Bearer abc-DEF\"",
            "Bearer \"abc-DEF\"",
            "\"Authorization: 'Bearer \"abc-DEF\"'\"",
            "Bearer Bearer abc-DEF",
            "abc-\n  DEF",
            "abc\r\n-DEF\r\n",
            "abc\u{200b}-DEF",
        ] {
            assert_eq!(token(pasted), "abc-DEF", "{pasted:?}");
        }
        for odd in [
            "Bearer Bearer a",
            "\"Bearer\" a",
            "'a' 'b'",
            "Bearer: \"a\"\n",
        ] {
            assert_eq!(token(&token(odd)), token(odd), "{odd}");
        }
        assert_eq!(token("Bearer"), "Bearer");
        assert_eq!(token("correct horse"), "correct horse");
    }

    #[test]
    fn a_whole_line_is_as_good_as_its_value() {
        for (text, value) in [
            ("API_KEY=a", "a"),
            ("api_key: a", " a"),
            ("export API_KEY = a", " a"),
            ("API_KEY_SECRET=a", "API_KEY_SECRET=a"),
            ("a=API_KEY", "a=API_KEY"),
            ("API_KEY", "API_KEY"),
            ("ü", "ü"),
        ] {
            assert_eq!(value_of_line(text, "API_KEY"), value);
        }
    }
}
