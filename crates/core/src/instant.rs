//! Reads instants that networks and the journal wrote, and calculates with them.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, TimeDelta, Utc};

/// A date in HTTP: `Sun, 22 Nov 2026 05:00:00 GMT` (RFC 9110 §5.6.7, IMF-fixdate).
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Returns the instant that follows another by a time; that one itself where the calendar ends.
pub(crate) fn after(at: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(delta).unwrap_or(at)
}

/// Reads an instant in the form of RFC 3339, such as `2026-11-22T05:00:00Z`. Cuts a fraction of a
/// second to milliseconds.
pub(crate) fn from_rfc3339(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(instant.to_utc().trunc_subsecs(3))
}

/// Reads a date of HTTP in the form that servers have to write. The two obsolete forms are
/// refused.
pub(crate) fn from_http_date(text: &str) -> Option<DateTime<Utc>> {
    let instant = NaiveDateTime::parse_from_str(text, HTTP_DATE).ok()?;
    // chrono reads more than it writes: `6` for `06`, `NOV` for `Nov`, other white space.
    let is_exact = instant.format(HTTP_DATE).to_string() == text;
    is_exact.then(|| instant.and_utc())
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, SecondsFormat};
    use proptest::prelude::*;

    use super::*;

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
            let instant = from_rfc3339(text).unwrap();
            assert_eq!(instant.timestamp_millis(), unix_ms, "{text}");
            assert_eq!(instant.timestamp_subsec_nanos() % 1_000_000, 0, "{text}");
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
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(from_http_date(date).unwrap().timestamp(), 784_111_777);
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun,  6 Nov 1994 08:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "unM, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Wed, 31 Feb 2027 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(from_http_date(text), None, "{text}");
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
                    prop_assert_eq!(from_rfc3339(&text), Some(read), "{}", text);
                }
            }
        }

        /// The years that have four digits.
        #[test]
        fn every_date_is_read_as_chrono_writes_it(
            seconds in -62_167_219_200_i64..253_402_300_800,
        ) {
            let date = DateTime::from_timestamp(seconds, 0).unwrap();
            let text = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(from_http_date(&text), Some(date));
        }

        /// chrono's reader of RFC 2822 is another one.
        #[test]
        fn what_is_read_chrono_reads_alike(
            text in prop_oneof![
                any::<String>(),
                "(Mon|Sun), [0-3][0-9] (Feb|Nov) [12][0-9]{3} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] GMT.?",
            ],
        ) {
            if let Some(instant) = from_http_date(&text) {
                let by_chrono = DateTime::parse_from_rfc2822(&text).map(|date| date.to_utc());
                prop_assert_eq!(by_chrono, Ok(instant));
            }
        }
    }
}
