//! Instants as RFC 3339 writes them, as far as this program gets to read any:
//! what the journal holds, and the reset that Mastodon names. chrono reads by a
//! machinery for all formats, which is a good part of the script.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Reads an instant such as `2026-11-22T05:00:00Z`: with or without a fraction of
/// a second, which is cut to milliseconds, and in UTC or with an offset. Letters
/// have to be capital, and the second 60 is none.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    let month = number_after(b'-', &mut rest)?;
    let day = number_after(b'-', &mut rest)?;
    let hour = number_after(b'T', &mut rest)?;
    let minute = number_after(b':', &mut rest)?;
    let second = number_after(b':', &mut rest)?;
    let ms = match rest.strip_prefix(b".") {
        None => 0,
        Some(fraction) => {
            rest = fraction;
            milliseconds(&mut rest)?
        }
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let there = date.and_hms_milli_opt(hour, minute, second, ms)?.and_utc();
    there.checked_sub_signed(offset(rest)?)
}

/// How far a wall clock is ahead of UTC: what comes after its time.
fn offset(text: &[u8]) -> Option<TimeDelta> {
    let (sign, mut rest) = text.split_first()?;
    let minutes = match sign {
        b'Z' => 0,
        b'+' => hours_and_minutes(&mut rest)?,
        b'-' => hours_and_minutes(&mut rest)?.saturating_neg(),
        _ => return None,
    };
    rest.is_empty().then(|| TimeDelta::minutes(minutes))
}

/// Takes an offset of less than a day off the text: how many minutes.
fn hours_and_minutes(text: &mut &[u8]) -> Option<i64> {
    let hours = number(text, 2).filter(|hours| *hours < 24)?;
    let minutes = number_after(b':', text).filter(|minutes| *minutes < 60)?;
    Some(hours.saturating_mul(60).saturating_add(minutes).into())
}

/// Takes a number of two digits and the sign before it off the text.
pub(crate) fn number_after(sign: u8, text: &mut &[u8]) -> Option<u32> {
    *text = text.strip_prefix(&[sign])?;
    number(text, 2)
}

/// Takes a number of so many digits off the text.
pub(crate) fn number(text: &mut &[u8], digits: usize) -> Option<u32> {
    let (number, rest) = text.split_at_checked(digits)?;
    *text = rest;
    number
        .iter()
        .try_fold(0, |number, digit| with_digit(number, *digit))
}

/// Takes the digits after a decimal point off the text: one or more.
fn milliseconds(text: &mut &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|digit| digit.is_ascii_digit());
    let (fraction, rest) = text.split_at_checked(digits.count())?;
    *text = rest;
    fraction.first()?;
    let digits = fraction.iter().chain([b'0'; 2].iter());
    digits
        .take(3)
        .try_fold(0, |ms, digit| with_digit(ms, *digit))
}

fn with_digit(number: u32, digit: u8) -> Option<u32> {
    let digit = char::from(digit).to_digit(10)?;
    number.checked_mul(10)?.checked_add(digit)
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, SecondsFormat, SubsecRound};
    use proptest::prelude::*;

    use super::*;

    /// What chrono reads, cut to milliseconds.
    fn by_chrono(text: &str) -> Option<DateTime<Utc>> {
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        Some(instant.to_utc().trunc_subsecs(3))
    }

    #[test]
    fn what_is_sent_and_what_the_journal_has_is_read() {
        for (text, unix_ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T05:00:00Z", 1_795_323_600_000),
            ("2026-11-22T05:00:00.000000Z", 1_795_323_600_000),
            ("2026-11-22T05:00:00.5Z", 1_795_323_600_500),
            ("2026-11-22T05:00:00.0129999999999Z", 1_795_323_600_012),
            ("2026-11-22T06:30:00+01:30", 1_795_323_600_000),
            ("2026-11-21T23:00:00-06:00", 1_795_323_600_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ] {
            assert_eq!(parse(text).unwrap().timestamp_millis(), unix_ms, "{text}");
            assert_eq!(parse(text), by_chrono(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11-22",
            "2026-11-22T05:00:00",
            "2026-11-22T05:00Z",
            "2026-11-22T05:00:00.Z",
            "2026-11-22T05:00:00Z ",
            "2026-11-22T05:00:00ZZ",
            "2026-11-22T05:00:00+0100",
            "2026-11-22T05:00:00+01:60",
            "2026-11-22T05:00:00+24:00",
            "2026-11-22T24:00:00Z",
            "2026-11-22T05:60:00Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "+026-11-22T05:00:00Z",
            "2026-11-22T05:00:0\u{663}Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
            assert_eq!(by_chrono(text), None, "{text}");
        }
    }

    proptest! {
        /// The years that have four digits.
        #[test]
        fn every_instant_is_read_as_chrono_writes_it(
            unix_ms in -62_167_000_000_000_i64..253_402_200_000_000,
            ns in 0_i64..1_000_000,
            offset in -1439..1440,
        ) {
            let cut = DateTime::from_timestamp_millis(unix_ms).unwrap();
            let instant = cut + TimeDelta::nanoseconds(ns);
            for (format, read) in [
                (SecondsFormat::Secs, cut.trunc_subsecs(0)),
                (SecondsFormat::Millis, cut),
                (SecondsFormat::Micros, cut),
                (SecondsFormat::Nanos, cut),
                (SecondsFormat::AutoSi, cut),
            ] {
                let there = instant.with_timezone(&FixedOffset::east_opt(offset * 60).unwrap());
                for text in [
                    instant.to_rfc3339_opts(format, true),
                    there.to_rfc3339_opts(format, false),
                ] {
                    prop_assert_eq!(parse(&text), Some(read), "{}", text);
                }
            }
        }

        #[test]
        fn what_is_read_chrono_reads_alike(
            text in prop_oneof![
                any::<String>(),
                "[0-9T:.Z+-]{0,40}",
                "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]\
                 (\\.[0-9]{0,12})?(Z|[+-][0-2][0-9]:[0-6][0-9])?.?",
            ],
        ) {
            if let Some(instant) = parse(&text) {
                prop_assert_eq!(by_chrono(&text), Some(instant));
            }
        }
    }
}
