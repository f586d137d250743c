use super::*;
use crate::schedule::Direction;
use crate::testing::{instant, time_zone};

fn schedule(zone: &str, period: &str) -> Schedule {
    Schedule {
        time_zone: time_zone(zone),
        period: period.parse().unwrap(),
        direction: Direction::Clockwise,
    }
}

fn count(frames: u16) -> FrameCount {
    FrameCount::new(frames).unwrap()
}

/// A time of a Wednesday in winter.
fn at(time: &str) -> DateTime<Utc> {
    instant(&format!("2027-01-13T{time}Z"))
}

/// What is known after crons have fired, each at a time.
fn after_events(events: &[(&str, &str)]) -> CronEvents {
    let mut known = CronEvents::default();
    for (cron, time) in events {
        known.renew(cron, at(time));
    }
    known
}

/// The starts of slots without an event from a time on, as they come one after the
/// other.
fn starts(events: &CronEvents, from: &str, schedule: &Schedule, frames: u16) -> Vec<String> {
    let next = |now: &DateTime<Utc>| events.next_start(*now, schedule, count(frames));
    let starts = std::iter::successors(next(&at(from)), next);
    let starts = starts.take(50);
    starts.map(|at| at.format("%H:%M").to_string()).collect()
}

#[test]
fn a_cron_is_read_as_cloudflare_reads_it() {
    // 2027-01-10 is a Sunday.
    for (cron, fires, does_not) in [
        ("0 * * * *", "2027-01-13T05:00:00Z", "2027-01-13T05:01:00Z"),
        (
            "*/5 * * * *",
            "2027-01-13T05:55:00Z",
            "2027-01-13T05:56:00Z",
        ),
        (
            "7/20 * * * *",
            "2027-01-13T05:27:00Z",
            "2027-01-13T05:20:00Z",
        ),
        (
            "0 8-20 * * *",
            "2027-01-13T20:00:00Z",
            "2027-01-13T21:00:00Z",
        ),
        ("0 0 * * 1", "2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z"),
        ("0 0 * * 7", "2027-01-09T00:00:00Z", "2027-01-10T00:00:00Z"),
        (
            "0 0 * * MON-FRI",
            "2027-01-11T00:00:00Z",
            "2027-01-10T00:00:00Z",
        ),
        ("0 0 L * *", "2027-01-31T00:00:00Z", "2027-01-30T00:00:00Z"),
        ("0 0 1 * 1", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"),
        ("0 0 1 * 1", "2027-01-03T00:00:00Z", "2027-01-04T00:00:00Z"),
    ] {
        let read = parse(cron).unwrap();
        assert!(read.is_time_matching(&instant(fires)).unwrap(), "{cron}");
        assert!(
            !read.is_time_matching(&instant(does_not)).unwrap(),
            "{cron}"
        );
    }
}

#[test]
fn an_interval_is_the_longest_time_between_two_events_of_a_day() {
    for (cron, minutes) in [
        ("* * * * *", 1),
        ("*/5 * * * *", 5),
        ("*/7 * * * *", 7),
        ("0 * * * *", 60),
        ("0,1 * * * *", 59),
        ("0 8-20 * * *", 60),
        ("0 * * * 2-6", 60),
        ("0 */6 * * *", 360),
        ("0 12 * * *", 1440),
        ("0 0 1 1 *", 1440),
    ] {
        assert_eq!(interval(&parse(cron).unwrap()), minutes, "{cron}");
    }
}

#[test]
fn a_slot_that_begins_between_two_events_is_woken_for() {
    let hourly = after_events(&[("0 * * * *", "10:00:00")]);
    for (zone, period, frames, expected) in [
        ("Asia/Kolkata", "12h", 12, &["10:30", "11:30"][..]),
        ("Asia/Kathmandu", "12h", 12, &["10:15", "11:15"]),
        ("Pacific/Chatham", "12h", 12, &["10:15", "11:15"]),
        ("Australia/Eucla", "12h", 12, &["10:15", "11:15"]),
        ("Australia/Adelaide", "12h", 12, &["10:30", "11:30"]),
        ("America/St_Johns", "12h", 12, &["10:30", "11:30"]),
        ("Asia/Tokyo", "12h", 12, &[]),
        ("Australia/Lord_Howe", "12h", 12, &[]),
        ("Asia/Tokyo", "12h", 24, &["10:30", "11:30"]),
        (
            "Asia/Tokyo",
            "1h",
            4,
            &["10:15", "10:30", "10:45", "11:15", "11:30", "11:45"],
        ),
        ("Asia/Kolkata", "24h", 12, &["10:30"]),
        // A day that begins at 18:30.
        ("Asia/Kolkata", "7d", 7, &[]),
    ] {
        let schedule = schedule(zone, period);
        let found = starts(&hourly, "10:00:01", &schedule, frames);
        assert_eq!(found, expected, "{zone} {period} {frames}");
    }
    // Its winter is half an hour off.
    let mut july = CronEvents::default();
    july.renew("0 * * * *", instant("2027-07-13T10:00:00Z"));
    let lord_howe = schedule("Australia/Lord_Howe", "12h");
    let next = july.next_start(instant("2027-07-13T10:00:05Z"), &lord_howe, count(12));
    assert_eq!(next, Some(instant("2027-07-13T10:30:00Z")));
}

#[test]
fn a_slot_is_woken_for_to_the_millisecond() {
    let hourly = after_events(&[("0 * * * *", "13:00:00")]);
    let next = hourly.next_start(at("13:00:00"), &schedule("UTC", "12h"), count(7));
    assert_eq!(next, Some(at("13:42:51.429")));
}

#[test]
fn nobody_is_woken_later_than_two_intervals_after_the_last_event() {
    let kolkata = schedule("Asia/Kolkata", "12h");
    for (cron, last_start, end) in [
        ("0 * * * *", "11:30:00", "12:00:00"),
        ("0 */3 * * *", "15:30:00", "16:00:00"),
    ] {
        let events = after_events(&[(cron, "10:00:00")]);
        let expected = at(last_start).format("%H:%M").to_string();
        let found = starts(&events, "10:00:00", &kolkata, 12);
        assert_eq!(found.last(), Some(&expected), "{cron}");
        assert!(events.is_live(at(end)), "{cron}");
        let over = at(end) + TimeDelta::milliseconds(1);
        assert!(!events.is_live(over), "{cron}");
        assert_eq!(events.next_start(over, &kolkata, count(12)), None);
        assert_eq!(events.next_turn(over, &kolkata, count(12)), None);
        assert!(!events.wants(at(last_start), over, &kolkata, count(12)));
    }
    // None has ever fired.
    let none = CronEvents::default();
    assert_eq!(none.next_start(at("10:00:00"), &kolkata, count(12)), None);
    assert_eq!(none.next_turn(at("10:00:00"), &kolkata, count(12)), None);
    assert!(!none.is_live(at("10:00:00")));
}

#[test]
fn a_cron_that_leaves_out_the_night_leaves_it_out_here_too() {
    let kolkata = schedule("Asia/Kolkata", "12h");
    let evening = after_events(&[("0 8-20 * * *", "20:00:00")]);
    assert_eq!(starts(&evening, "20:00:00", &kolkata, 12), ["20:30"]);
    let tokyo = schedule("Asia/Tokyo", "12h");
    assert_eq!(starts(&evening, "20:00:00", &tokyo, 12), [""; 0]);
    let morning = evening.next_turn(at("20:59:00"), &tokyo, count(12));
    assert_eq!(morning, Some(instant("2027-01-14T08:00:00Z")));
}

#[test]
fn of_several_crons_one_may_begin_the_slots_that_another_does_not() {
    let kolkata = schedule("Asia/Kolkata", "12h");
    let both = after_events(&[
        ("0 * * * *", "09:00:00"),
        ("30 * * * *", "09:30:00"),
        ("0 * * * *", "10:00:00"),
    ]);
    assert_eq!(starts(&both, "10:00:00", &kolkata, 12), [""; 0]);
    // The one at half past is gone since, and its lease with it.
    let one = after_events(&[("30 * * * *", "07:30:00"), ("0 * * * *", "10:00:00")]);
    assert_eq!(one.crons.len(), 1);
    assert_eq!(starts(&one, "10:00:00", &kolkata, 12), ["10:30", "11:30"]);
    // An event again and again is one lease.
    let mut again = one.clone();
    again.renew("0 * * * *", at("11:00:00"));
    assert_eq!(again.crons.len(), 1);
    assert_eq!(starts(&again, "11:00:00", &kolkata, 12), ["11:30", "12:30"]);
}

#[test]
fn a_cron_that_was_replaced_begins_no_slots_any_more() {
    let kolkata = schedule("Asia/Kolkata", "12h");
    for (old, last, new, first, expected) in [
        (
            "*/30 * * * *",
            "10:30:00",
            "0 * * * *",
            "11:00:00",
            &["11:30", "12:30"][..],
        ),
        (
            "*/30 * * * *",
            "10:30:40",
            "0 * * * *",
            "11:00:03",
            &["11:30", "12:30"],
        ),
        (
            "*/5 * * * *",
            "10:55:01",
            "0 * * * *",
            "11:00:01",
            &["11:30", "12:30"],
        ),
        (
            "30 * * * *",
            "09:30:01",
            "0 * * * *",
            "11:00:01",
            &["11:30", "12:30"],
        ),
    ] {
        let events = after_events(&[(old, last), (new, first)]);
        assert_eq!(events.crons.len(), 1, "{old}");
        assert_eq!(starts(&events, first, &kolkata, 12), expected, "{old}");
    }
    // One that is still there comes back with its own event, whichever is told first, and has
    // missed none that it is early for.
    for events in [
        [
            ("*/30 * * * *", "10:30:01"),
            ("0 * * * *", "11:00:01"),
            ("*/30 * * * *", "11:00:02"),
        ],
        [
            ("0 * * * *", "10:00:01"),
            ("*/30 * * * *", "11:00:01"),
            ("0 * * * *", "11:00:02"),
        ],
        [
            ("0 * * * *", "10:00:01"),
            ("0 * * * *", "10:59:58"),
            ("*/30 * * * *", "11:00:02"),
        ],
    ] {
        let known = after_events(&events);
        assert_eq!(known.crons.len(), 2, "{events:?}");
        assert_eq!(starts(&known, "11:00:03", &kolkata, 12), [""; 0]);
    }
}

#[test]
fn the_slot_after_a_cron_was_replaced_does_not_wait_for_it() {
    let tokyo = schedule("Asia/Tokyo", "12h");
    let mut events = after_events(&[("0 * * * *", "10:00:01"), ("30 * * * *", "10:30:01")]);
    assert_eq!(starts(&events, "10:30:01", &tokyo, 12), ["11:00", "12:00"]);
    assert!(events.wants(at("11:00:00"), at("11:00:00"), &tokyo, count(12)));
    let next = |events: &CronEvents, now: &str| events.next_turn(at(now), &tokyo, count(12));
    assert_eq!(next(&events, "10:31:00"), Some(at("11:00:00")));
    events.renew("30 * * * *", at("11:30:01"));
    assert_eq!(events.crons.len(), 1);
    assert_eq!(starts(&events, "11:30:01", &tokyo, 12), ["12:00", "13:00"]);

    // If it was not replaced, its own event says so, and from then on both are relied on.
    let mut both = after_events(&[("0 * * * *", "10:00:01"), ("30 * * * *", "10:30:01")]);
    for (cron, time) in [
        ("0 * * * *", "11:00:01"),
        ("30 * * * *", "11:30:01"),
        ("0 * * * *", "12:00:01"),
    ] {
        both.renew(cron, at(time));
        assert_eq!(starts(&both, time, &tokyo, 12), [""; 0], "{time}");
        assert_eq!(both.crons.len(), 2);
    }
    assert_eq!(next(&both, "12:10:00"), Some(at("13:00:00")));
    // A text that cannot be read replaces none that is known.
    both.renew("?", at("12:20:00"));
    assert_eq!(starts(&both, "12:20:00", &tokyo, 12), [""; 0]);
}

#[test]
fn the_next_turn_is_the_one_that_comes_by_itself() {
    for (cron, zone, period, frames, now, next) in [
        ("0 * * * *", "Asia/Tokyo", "12h", 12, "10:20:00", "11:00:00"),
        (
            "0 * * * *",
            "Asia/Kolkata",
            "12h",
            12,
            "10:20:00",
            "10:30:00",
        ),
        ("0 * * * *", "Asia/Tokyo", "24h", 12, "10:20:00", "11:00:00"),
        (
            "*/15 * * * *",
            "Asia/Tokyo",
            "12h",
            12,
            "10:20:00",
            "11:00:00",
        ),
        // Slots that are too short to be woken for: with the first event after one.
        ("*/5 * * * *", "UTC", "20m", 60, "10:03:10", "10:05:00"),
    ] {
        let events = after_events(&[(cron, "10:00:00")]);
        let found = events.next_turn(at(now), &schedule(zone, period), count(frames));
        assert_eq!(found, Some(at(next)), "{cron} {zone} {period}");
    }
}

#[test]
fn slots_of_less_than_a_minute_are_left_to_the_cron() {
    let events = after_events(&[("*/5 * * * *", "10:00:00")]);
    let utc = schedule("UTC", "20m");
    assert_eq!(starts(&events, "10:00:00", &utc, 21), [""; 0]);
    assert!(!events.wants(at("10:00:57.143"), at("10:01:00"), &utc, count(21)));
    let expected = [
        "10:01", "10:02", "10:03", "10:04", "10:06", "10:07", "10:08", "10:09",
    ];
    assert_eq!(starts(&events, "10:00:00", &utc, 20), expected);
}

#[test]
fn a_text_that_cannot_be_read_and_a_clock_that_was_ahead_give_no_lease() {
    for text in [
        "",
        "null",
        "0 * * *",
        "@hourly?",
        "61 * * * *",
        "0 0 * * * *",
        "☃",
    ] {
        let mut events = after_events(&[("0 * * * *", "10:00:00")]);
        events.renew(text, at("10:00:00"));
        assert_eq!(events.crons.len(), 1, "{text}");
    }
    let mut events = CronEvents::default();
    events.renew("0 * * * *", instant("2041-01-01T00:00:00Z"));
    assert!(!events.is_live(at("10:00:00")));
    let kolkata = schedule("Asia/Kolkata", "12h");
    assert_eq!(starts(&events, "10:00:00", &kolkata, 12), [""; 0]);
    events.renew("0 * * * *", at("10:00:00"));
    assert_eq!(starts(&events, "10:00:00", &kolkata, 12).len(), 2);
}

#[test]
fn what_is_kept_is_understood_and_what_is_missing_is_none() {
    let events = after_events(&[("30 * * * *", "09:30:00"), ("0 * * * *", "10:00:00")]);
    let text = serde_json::to_string(&events).unwrap();
    assert_eq!(serde_json::from_str::<CronEvents>(&text).unwrap(), events);
    let empty: CronEvents = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, CronEvents::default());
    // No number in it does harm.
    let odd = r#"{"crons":[{"cron":"0 * * * *","last":0,"interval":0},{"cron":"?","last":8000000000000,"interval":65535}]}"#;
    let odd: CronEvents = serde_json::from_str(odd).unwrap();
    let kolkata = schedule("Asia/Kolkata", "12h");
    for now in [
        DateTime::UNIX_EPOCH,
        at("10:00:00"),
        DateTime::<Utc>::MAX_UTC,
    ] {
        odd.next_turn(now, &kolkata, count(12));
        odd.next_start(now, &kolkata, count(12));
    }
}
