//! Reads a settings file as wrangler reads `.dev.vars`: with the regular expressions of dotenv
//! 16.3.1, which wrangler bundles, in an engine for JavaScript's regular expressions. A test
//! compares the two on all kinds of text.

use std::ops::Range;

use anyhow::{Context, Result};
use regress::Regex;

/// `LINE` of dotenv's `lib/main.js`.
const LINE: &str = r#"(?:^|^)\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?(?:$|$)"#;

/// The quotation marks that dotenv removes from a value.
const QUOTED: &str = r#"^(['"`])([\s\S]*)\1$"#;

/// The error if a pattern does not compile, which the tests would show.
const NO_PATTERN: &str = "a pattern of dotenv does not compile";

/// What a text defines.
pub(crate) struct Parsed {
    /// In the order of the text. If a name occurs twice, the last definition counts.
    pub(crate) definitions: Vec<Definition>,
    /// The numbers, from 1, of lines that are neither blank nor a comment nor part of a definition.
    pub(crate) unread: Vec<usize>,
}

/// One `NAME=value`.
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Its byte range in the text, without the end of the line.
    pub(crate) place: Range<usize>,
    /// The numbers of its first and last line, from 1.
    pub(crate) lines: (usize, usize),
    /// Whether the value ends at a `#` in the middle of a word.
    pub(crate) is_cut: bool,
}

/// Reads a text.
pub(crate) fn parse(text: &str) -> Result<Parsed> {
    let line = Regex::with_flags(LINE, "m").context(NO_PATTERN)?;
    let quoted = Regex::with_flags(QUOTED, "m").context(NO_PATTERN)?;
    let (source, dropped) = with_line_feeds(text);
    let part = |range: Range<usize>| {
        source
            .get(range)
            .expect("a match begins and ends at a character")
    };
    let from = |at: usize| part(at..source.len());
    let line_of = |at: usize| part(0..at).matches('\n').count() + 1;
    let mut definitions = Vec::new();
    let mut is_read = vec![false; source.split('\n').count()];
    for found in line.find_iter(&source) {
        let Some(name) = found.group(1) else { continue };
        let value = found.group(2);
        let raw = value.clone().map_or("", part);
        // A definition without a value ends with its `=` or `:`.
        let sign = from(name.end).find(['=', ':']);
        let sign = sign.map_or(name.end, |at| name.end + at + 1);
        let end = value.map_or(sign, |value| value.start + raw.trim_end().len());
        let end = end.max(sign);
        let blank = part(found.range()).find(|c| !is_space(c));
        let start = found.start() + blank.unwrap_or(0);
        let line_end = from(end).find('\n').map_or(source.len(), |at| end + at);
        let lines = (line_of(start), line_of(end));
        let all = is_read.iter_mut().take(lines.1).skip(lines.0 - 1);
        all.for_each(|is_read| *is_read = true);
        definitions.push(Definition {
            name: part(name).to_owned(),
            value: value_of(raw, &quoted),
            place: in_original(start, &dropped)..in_original(line_end, &dropped),
            lines,
            is_cut: from(end).starts_with('#') && raw.trim_end() == raw && !raw.is_empty(),
        });
    }
    let unread = source.split('\n').zip(&is_read).enumerate();
    let unread = unread.filter(|(_, (line, is_read))| {
        let line = line.trim_matches(is_space);
        !**is_read && !line.is_empty() && !line.starts_with('#')
    });
    Ok(Parsed {
        unread: unread.map(|(index, _)| index + 1).collect(),
        definitions,
    })
}

/// Removes the quotation marks from a value, as `parse` in dotenv's `lib/main.js` does.
fn value_of(raw: &str, quoted: &Regex) -> String {
    let raw = raw.trim_matches(is_space);
    let value = quoted.replace_all(raw, "$2");
    if raw.starts_with('"') {
        value.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        value
    }
}

/// Normalizes line ends to line feeds. Also returns the places where a carriage return was dropped
/// before a line feed.
fn with_line_feeds(text: &str) -> (String, Vec<usize>) {
    let mut source = String::with_capacity(text.len());
    let mut dropped = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' && chars.peek() == Some(&'\n') {
            dropped.push(source.len());
        } else if c == '\r' {
            source.push('\n');
        } else {
            source.push(c);
        }
    }
    (source, dropped)
}

/// Converts a place to that in the original text, with its carriage returns.
fn in_original(place: usize, dropped: &[usize]) -> usize {
    place + dropped.partition_point(|at| *at < place)
}

/// Whether JavaScript's `\s` and `trim()` count a character as white space (ECMA-262, `WhiteSpace`
/// and `LineTerminator`). They include the byte order mark and exclude U+0085.
fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    fn values(text: &str) -> BTreeMap<String, String> {
        let definitions = parse(text).unwrap().definitions.into_iter();
        definitions.map(|one| (one.name, one.value)).collect()
    }

    /// Texts that people and editors write, and some that nobody does.
    const TEXTS: [&str; 36] = [
        "",
        "A=1",
        "\u{feff}A=1\nB=2",
        "A=1\r\nB=2\r\n",
        "A=1\rB=2",
        "A: 1\nB:2\nC : 3",
        " A = 1 \t\n\u{a0}B\u{3000}=\u{2003}2\u{a0}",
        "export A=1\nexport\nB=2\nexport  C=3",
        "A='1' # one\nB=\"2\" # two\nC=3 # three\nD=4#four",
        "A='a # b'\nB=\"a # b\"\nC=`a # b`",
        "A=\"a\\nb\"\nB='a\\nb'\nC=a\\nb\nD=\"a\\rb\\\\n\"",
        "A=\"one\ntwo\"\nB='one\ntwo'\nC=`one\n\ntwo`\nD=1",
        "A='open\nB=2",
        "A=\"open\nB=2\nC=\"3",
        "A=\nB='2'",
        "A=\n'2'\nB=3",
        "A=\n\n# a comment\nB=2",
        "A\n=1\nB =\n2",
        "A=1\nA=2\nA=",
        "A==1=\nB=a=b",
        "A=it's\nB='it\\'s'\nC=\"a\\\"b\"\nD='a'b'",
        "A='a' b\nB=''\nC=\"\"\nD=``\nE='\nF='''",
        "# A=1\n  # B=2\n#C\nD=4",
        "no definition\nA=1\na b=c\nB=2",
        "set A=1\n$env:B=2\n- C=3\n\"D\"=4\nE+=5",
        "A.b-c=1\nÄ=2\n1=3\n-=4\n.=5",
        "A=ä日本🙂\nB='🙂'\nC=\"\u{200b}x\u{200b}\"",
        "A=1\u{2028}B=2\u{2029}C=3",
        "A=1\u{85}B=2\u{85}",
        "A=\u{feff}1\u{feff}\nB=\"\u{feff}1\"\u{feff}",
        "\u{200b}A=1\nB=2",
        "A=$B${C}\\$D\nB=$$",
        "A=a\0b\nB=\u{7}c",
        "A='x'#y\nB=\"x\"y#z\nC=`x`# `y`",
        "A=#\nB= #\nC=##",
        "A='one'\n'two'\nB=\"a\"\"b\"",
    ];

    /// Texts of the pieces that matter, in any order.
    fn made_up(count: usize) -> Vec<String> {
        let pieces = proptest::sample::select(vec![
            "A", "B", "export ", "=", ":", ": ", " ", "\t", "\n", "\n\n", "\r\n", "\r", "'", "\"",
            "`", "\\", "\\n", "\\r", "\\'", "\\\"", "#", "# ", "x", "1", "$", "{", "}", ".", "-",
            "_", "ä", "🙂", "\u{feff}", "\u{a0}", "\u{85}", "\u{2028}", "\u{200b}", "\u{b}",
            "\nA=", "\nB='", "\nC=\"", "'\n", "\"\n",
        ]);
        let text = proptest::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat());
        let mut runner = TestRunner::deterministic();
        let made = (0..count).map(|_| text.new_tree(&mut runner).unwrap().current());
        made.collect()
    }

    /// What wrangler itself reads in each text, in a folder with nothing else; `None`
    /// where it is not installed.
    fn by_wrangler(texts: &[String]) -> Option<Vec<BTreeMap<String, String>>> {
        const PROGRAM: &str = r#"
            import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
            import { tmpdir } from "node:os";
            import path from "node:path";
            import { unstable_getVarsForDev as read } from "wrangler";
            const folder = mkdtempSync(path.join(tmpdir(), "rotate-icon-test-"));
            const configuration = path.join(folder, "wrangler.toml");
            const values = JSON.parse(readFileSync(0, "utf8")).map((text) => {
              writeFileSync(path.join(folder, ".dev.vars"), text);
              const read_ = Object.entries(read(configuration, undefined, {}, undefined, true));
              return Object.fromEntries(read_.map(([name, { value }]) => [name, value]));
            });
            rmSync(folder, { recursive: true });
            console.log(JSON.stringify(values));
        "#;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if !root.join("node_modules/wrangler").exists() {
            return None;
        }
        let mut node = Command::new("node")
            .args(["--input-type=module", "-e", PROGRAM])
            .current_dir(&root)
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = node.stdin.take().unwrap();
        input
            .write_all(&serde_json::to_vec(texts).unwrap())
            .unwrap();
        drop(input);
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success());
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn every_text_is_read_as_wrangler_reads_it() {
        let mut texts = TEXTS.map(str::to_owned).to_vec();
        texts.push(include_str!("../../../.dev.vars.example").to_owned());
        texts.extend(made_up(5_000));
        let Some(expected) = by_wrangler(&texts) else {
            // `npm test` installs it first.
            return;
        };
        assert_eq!(texts.len(), expected.len());
        for (text, expected) in texts.iter().zip(expected) {
            assert_eq!(values(text), expected, "{text:?}");
        }
    }

    #[test]
    fn values_are_those_of_dotenv() {
        for (text, expected) in [
            ("\u{feff}A=1\nB=2", [("A", "1"), ("B", "2")]),
            ("A=1\r\nB = 2 \r\n", [("A", "1"), ("B", "2")]),
            ("A: 1\nexport B='2' # two", [("A", "1"), ("B", "2")]),
            ("A=\"a\\nb\"\nB=`it's`", [("A", "a\nb"), ("B", "it's")]),
            ("A='a\nb'\nB=", [("A", "a\nb"), ("B", "")]),
            ("A=0\nA='1\nB=a=b==", [("A", "'1"), ("B", "a=b==")]),
        ] {
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(values(text), BTreeMap::from(expected), "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_not_read_are_known_by_their_numbers() {
        for (text, unread) in [
            ("A=1\n\n# note\nB=2\n", [].as_slice()),
            ("A=1\r\nno definition\r\nB=2", &[2]),
            ("API KEY=1\nA='x\ny=z'\n\u{200b}B=2\nset C=3", &[1, 4, 5]),
            ("A=\n# note\n\n\"B\"=1", &[4]),
            ("export\nA=1", &[]),
        ] {
            assert_eq!(parse(text).unwrap().unread, unread, "{text:?}");
        }
    }

    #[test]
    fn places_are_those_of_the_text_as_it_is() {
        for (text, name, place) in [
            ("A=1", "A", "A=1"),
            ("\r\n\r\n A = 1 # one\r\nB=2\r\n", "A", "A = 1 # one"),
            ("\r\n\r\nA=1\r\nB=2\r\n", "B", "B=2"),
            ("A='x\r\ny' # two\r\nB=2", "A", "A='x\r\ny' # two"),
            ("A=\n\n# note\nB=", "A", "A="),
            ("export A=ä\nB=2", "A", "export A=ä"),
        ] {
            let parsed = parse(text).unwrap().definitions;
            let found = parsed.iter().find(|one| one.name == name).unwrap();
            assert_eq!(&text[found.place.clone()], place, "{text:?}");
        }
    }

    #[test]
    fn what_a_sign_amid_a_word_cuts_off_is_seen() {
        for (text, is_cut) in [
            ("A=ab#cd", true),
            ("A=ab #cd", false),
            ("A='ab'#cd", true),
            ("A='ab#cd'", false),
            ("A=#cd", false),
            ("A=ab", false),
        ] {
            assert_eq!(parse(text).unwrap().definitions[0].is_cut, is_cut, "{text}");
        }
    }
}
