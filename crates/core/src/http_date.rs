//! Dates as HTTP has them: RFC 9110 §5.6.7, in the one form that may be written
//! today. The crate `httpdate` reads the two obsolete ones too, for 4 kB of the
//! gzipped script.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::rfc3339::{number, number_after};

const WEEKDAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Reads a date such as `Sun, 22 Nov 2026 05:00:00 GMT`.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = text.as_bytes();
    let weekday = name_of(WEEKDAYS, &mut rest)?;
    rest = rest.strip_prefix(b",")?;
    let day = number_after(b' ', &mut rest)?;
    rest = rest.strip_prefix(b" ")?;
    let month = name_of(MONTHS, &mut rest)?.checked_add(1)?;
    rest = rest.strip_prefix(b" ")?;
    let year = number(&mut rest, 4)?;
    let hour = number_after(b' ', &mut rest)?;
    let minute = number_after(b':', &mut rest)?;
    let second = number_after(b':', &mut rest)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let instant = date.and_hms_opt(hour, minute, second)?.and_utc();
    let is_one = rest == b" GMT" && date.weekday().num_days_from_monday() == weekday;
    is_one.then_some(instant)
}

/// Takes a name of three letters off the text: which of these it is, from 0.
fn name_of(names: &[u8], text: &mut &[u8]) -> Option<u32> {
    let (name, rest) = text.split_at_checked(3)?;
    *text = rest;
    let mut numbered = (0..).zip(names.chunks(3));
    numbered.find(|one| one.1 == name).map(|one| one.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_date_is_refused() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse(date).unwrap().timestamp(), 784_111_777);
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "unM, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Wed, 31 Feb 2027 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        /// The years that have four digits.
        #[test]
        fn every_date_is_read_as_chrono_writes_it(seconds in -62_167_219_200_i64..253_402_300_800) {
            let date = DateTime::from_timestamp(seconds, 0).unwrap();
            let text = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(parse(&text), Some(date));
        }

        #[test]
        fn what_is_read_chrono_reads_alike(
            text in prop_oneof![
                any::<String>(),
                "(Mon|Sun), [0-3][0-9] (Feb|Nov) [12][0-9]{3} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] GMT.?",
            ],
        ) {
            if let Some(instant) = parse(&text) {
                let by_chrono = DateTime::parse_from_rfc2822(&text).map(|date| date.to_utc());
                prop_assert_eq!(by_chrono, Ok(instant));
            }
        }
    }
}
