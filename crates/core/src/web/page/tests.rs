//! The page as HTML: what it says, that nothing in it is inline, and its size.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::dial::places;
use super::html::{POLICY, html};
use super::view::{Becoming, Line, Shown, View};
use super::words::length;
use crate::frames::options::Shape;
use crate::outcome::{Diagnosis, Reason};
use crate::schedule::time_zone::TimeZone;
use crate::schedule::{Direction, Period};
use crate::testing::time_zone;

/// The files that every visitor loads with the page, beside the Worker.
const VISITOR: [&str; 3] = [
    include_str!("../../../../../public/face.js"),
    include_str!("../../../../../public/page.css"),
    include_str!("../../../../../public/page.js"),
];

/// Those that the owner loads besides, once signed in.
const OWNER: [&str; 5] = [
    include_str!("../../../../../public/owner.js"),
    include_str!("../../../../../public/icon.js"),
    include_str!("../../../../../public/icon.css"),
    include_str!("../../../../../public/crop.js"),
    include_str!("../../../../../public/picture.js"),
];

const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror='alert(\"1\")'>&amp;";

/// X shows frame 8.
const ON_X: [Shown<'_>; 1] = on_x(Some(8));

const NOWHERE: [Shown<'_>; 1] = on_x(None);

const fn on_x<'a>(frame: Option<u16>) -> [Shown<'a>; 1] {
    [Shown {
        title: "X",
        account: Some("@alice"),
        frame,
    }]
}

fn at(rfc3339: &str) -> DateTime<Utc> {
    rfc3339.parse().unwrap()
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn line<'a>(outcome: &'a str, frame: Option<u16>, message: Option<&'a str>) -> Line<'a> {
    Line {
        at: at("2026-11-22T11:00:02Z"),
        local: Some(wall("2026-11-22T20:00:02")),
        frame,
        outcome,
        message,
        attempts: 1,
        network: None,
    }
}

fn zone(name: &str) -> &'static TimeZone {
    Box::leak(Box::new(time_zone(name)))
}

/// 20:17 in Tokyo, and all is well.
fn view<'a>() -> View<'a> {
    View {
        now: at("2026-11-22T11:17:30Z"),
        local: Some((zone("Asia/Tokyo"), wall("2026-11-22T20:17:30"))),
        frames: Some(12),
        is_new: false,
        due: Some(8),
        shown: &ON_X,
        next_turn: Some(at("2026-11-22T12:00:00Z")),
        cron_advice: "Wait for the first event.",
        next_frame: Some(at("2026-11-22T12:00:00Z")),
        last: &[],
        findings: &[],
        keeping: &[],
        becoming: Becoming {
            frames: 12,
            shape: Shape::Square,
            turning: Some((Period::TWELVE_HOURS, Direction::Clockwise)),
            replaces_album: false,
        },
    }
}

fn text_of(view: &View<'_>) -> String {
    String::from_utf8(html(view)).unwrap()
}

/// What is to be read: everything between the tags, but for what only the
/// script fills in and shows.
fn words_of(html: &str) -> String {
    let (before, rest) = html
        .split_once("<span id=\"left\" hidden>")
        .unwrap_or((html, ""));
    let after = rest.split_once("</span>").map_or("", |(_, after)| after);
    let html = format!("{before}{after}");
    let mut words = String::new();
    let mut rest = html.split_once("<body>").unwrap().1;
    while let Some((text, tail)) = rest.split_once('<') {
        words.push_str(text);
        rest = tail.split_once('>').unwrap().1;
    }
    words
}

/// The frames whose pictures stand around the dial.
fn around(html: &str) -> Vec<u16> {
    html.split("<image href=\"/frames/")
        .skip(1)
        .map(|after| after.split_once('"').unwrap().0.parse().unwrap())
        .collect()
}

#[track_caller]
fn assert_says(view: &View<'_>, sentence: &str) {
    let words = words_of(&text_of(view));
    assert!(words.contains(sentence), "{sentence:?} is not in: {words}");
}

#[test]
fn what_is_to_be_read_needs_no_script() {
    let mut view = view();
    let last = [
        line("turned", Some(8), None),
        line("retry", Some(7), Some("X answered 503.")),
    ];
    view.last = &last;
    for sentence in [
        "the secret that is stored as TRIGGER_TOKEN",
        "20:17",
        "Sun 22 Nov · Asia/Tokyo",
        "Frame 8 of 12 is up on X as @alice.",
        "Next turn at 21:00.",
        "Turned to frame 8.",
        "Could not turn to frame 7 for now. X answered 503.",
    ] {
        assert_says(&view, sentence);
    }
    let html = text_of(&view);
    assert!(html.contains(r#"aria-label="A dial of 12 frames; the hand points to frame 8""#));
    assert!(html.contains(r#"alt="The icon as it is now: frame 8""#));
    assert!(!html.contains("Something is wrong"));
}

#[test]
fn a_new_worker_asks_for_an_icon_and_calls_nothing_wrong() {
    let mut view = view();
    (view.frames, view.due, view.is_new) = (None, None, true);
    view.shown = &NOWHERE;
    assert_says(&view, "There is no icon yet.");
    assert_says(&view, "Choose your icon below");
    assert!(!text_of(&view).contains("Something is wrong"));
}

#[test]
fn frame_0_is_called_upright() {
    let mut view = view();
    let shown = on_x(Some(0));
    (view.due, view.shown) = (Some(0), &shown);
    let last = [line("turned", Some(0), None)];
    view.last = &last;
    assert_says(&view, "Frame 0 of 12, upright, is up on X as @alice.");
    assert_says(&view, "Turned to frame 0 (upright).");
}

#[test]
fn each_outcome_is_told_in_plain_words() {
    for (outcome, frame, told) in [
        ("turned", Some(3), "Turned to frame 3."),
        (
            "unchanged",
            Some(3),
            "Nothing to do: frame 3 was already up.",
        ),
        (
            "dry-run",
            Some(3),
            "A dry run of frame 3. Nothing was sent.",
        ),
        ("refused", Some(3), "Could not turn to frame 3."),
        ("refused", None, "Could not turn to the frame."),
        ("another", Some(3), "another, frame 3."),
    ] {
        let mut view = view();
        let last = [line(outcome, frame, None)];
        view.last = &last;
        assert_says(&view, told);
    }
    let mut view = view();
    let mut tried = line("turned", Some(3), None);
    tried.attempts = 3;
    let last = [tried];
    view.last = &last;
    assert_says(&view, "Turned to frame 3. It was tried 3 times.");
}

#[test]
fn a_frame_that_the_network_has_not_taken_yet_is_only_due() {
    let mut view = view();
    let up = on_x(Some(7));
    view.shown = &up;
    assert_says(
        &view,
        "Frame 8 of 12 is due. Frame 7 is still up on X as @alice.",
    );
    assert!(text_of(&view).contains(r#"src="/frames/7""#));
    view.shown = &NOWHERE;
    assert_says(&view, "Frame 8 of 12 is due.");
    assert!(text_of(&view).contains(r#"src="/frames/8""#));
    view.due = None;
    let up = on_x(Some(7));
    view.shown = &up;
    assert_says(&view, "Frame 7 of 12 is up on X as @alice.");
    assert!(!text_of(&view).contains("class=\"hand\""));
    view.shown = &NOWHERE;
    assert_says(&view, "There are 12 frames.");
    // Numbers that the set does not have are not shown.
    view.due = Some(12);
    let up = on_x(Some(400));
    view.shown = &up;
    assert_says(&view, "There are 12 frames.");
    assert!(!text_of(&view).contains("/frames/12"));
}

#[test]
fn times_on_other_days_are_told_with_the_day() {
    let mut view = view();
    view.next_turn = Some(at("2026-11-22T15:00:00Z"));
    assert_says(&view, "Next turn at 23 Nov, 00:00.");
    let mut yesterday = line("turned", Some(8), None);
    yesterday.local = Some(wall("2026-11-21T20:00:02"));
    let last = [yesterday];
    view.last = &last;
    assert_says(&view, "21 Nov, 20:00");
}

#[test]
fn without_a_schedule_no_turn_is_promised() {
    let mut view = view();
    view.next_turn = None;
    assert_says(
        &view,
        "The next frame is due at 21:00. No cron has fired lately, so nothing turns by itself. Wait for the first event.",
    );
    assert!(!text_of(&view).contains("Next turn"));
}

#[test]
fn the_next_turn_is_told_in_the_summer_time_that_begins_with_it() {
    let mut view = view();
    view.now = at("2026-03-29T00:30:00Z");
    view.local = Some((zone("Europe/Berlin"), wall("2026-03-29T01:30:00")));
    view.next_turn = Some(at("2026-03-29T01:00:00Z"));
    assert_says(&view, "Next turn at 03:00.");
}

#[test]
fn without_settings_times_are_told_in_utc() {
    let mut view = view();
    view.local = None;
    let mut unplaced = line("turned", Some(8), None);
    unplaced.local = None;
    let last = [unplaced];
    view.last = &last;
    assert_says(&view, "11:17");
    assert_says(&view, "Sun 22 Nov · UTC");
    assert_says(&view, "Next turn at 12:00 UTC.");
    assert_says(&view, "11:00 UTC");
    assert!(!text_of(&view).contains("data-zone"));
}

#[test]
fn trouble_is_shown_with_what_to_do() {
    let diagnosis = Diagnosis::new(
        Reason::Credentials,
        "X does not accept the keys.",
        "Copy all four keys again.",
    );
    let mut view = view();
    let findings = [(None, &diagnosis)];
    view.findings = &findings;
    assert_says(&view, "Something is wrong");
    assert_says(&view, "X does not accept the keys.");
    assert_says(&view, "What to do: Copy all four keys again.");
}

#[test]
fn without_a_set_there_is_an_empty_dial() {
    let mut view = view();
    (view.frames, view.next_turn, view.next_frame) = (None, None, None);
    assert_says(&view, "There is no icon yet.");
    assert_says(&view, "No turn yet.");
    let html = text_of(&view);
    assert!(!html.contains("/frames/"), "{html}");
    assert!(html.contains(r#"aria-label="An empty dial""#));
    assert_eq!(html.matches("class=\"empty\"").count(), 12);
    assert!(!html.contains("Next turn"));
}

#[test]
fn at_most_twelve_frames_stand_around_beside_the_due_one() {
    for frames in [1, 2, 5, 7, 11, 12, 13, 24, 60, 100, 1439, 1440] {
        for due in [0, frames / 3, frames - 1] {
            let mut view = view();
            let up = on_x(Some(due));
            (view.frames, view.due, view.shown) = (Some(frames), Some(due), &up);
            let html = text_of(&view);
            let shown = around(&html);
            assert!((1..=13).contains(&shown.len()), "{frames}: {shown:?}");
            assert!(shown.iter().all(|n| *n < frames), "{frames}: {shown:?}");
            // The last one is drawn above the others, next to the hand.
            assert_eq!(shown.last(), Some(&due), "{frames}");
            let mut others = shown.clone();
            others.sort_unstable();
            others.dedup();
            assert_eq!(others.len(), shown.len(), "{frames}: {shown:?}");
            if frames <= 12 {
                assert_eq!(others, (0..frames).collect::<Vec<_>>());
            }
        }
    }
    assert_eq!(
        places(24, None),
        [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]
    );
    assert_eq!(places(1440, None).last(), Some(&1320));
    // What would be covered is left out: 17 of 60 is nearest to 15.
    assert_eq!(
        places(60, Some(17)),
        [0, 5, 10, 20, 25, 30, 35, 40, 45, 50, 55]
    );
    assert_eq!(
        places(60, Some(59)),
        [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]
    );
    assert!(places(0, None).is_empty());
}

#[test]
fn a_frame_stands_where_the_hour_hand_would_point_to() {
    let mut view = view();
    view.due = Some(3);
    let html = text_of(&view);
    assert!(html.contains(
        r#"<polygon class="hand" points="200,92 194,116 206,116" transform="rotate(90 200 200)">"#
    ));
    view.frames = Some(1440);
    view.due = Some(1);
    assert!(
        text_of(&view)
            .contains(r#"points="200,92 194,116 206,116" transform="rotate(0.25 200 200)""#)
    );
    view.frames = Some(7);
    assert!(text_of(&view).contains(r#"transform="rotate(51.43 200 200)""#));
    // 17.5 minutes.
    assert!(text_of(&view).contains(r#"y2="18" transform="rotate(105 200 200)""#));
}

#[test]
fn hostile_text_stays_text() {
    let diagnosis = Diagnosis::new(Reason::Settings, HOSTILE, HOSTILE);
    let mut view = view();
    let last = [line(HOSTILE, Some(1), Some(HOSTILE))];
    let mut shown = on_x(Some(8));
    (shown[0].title, shown[0].account) = (HOSTILE, Some(HOSTILE));
    view.shown = &shown;
    view.last = &last;
    let findings = [(None, &diagnosis)];
    view.findings = &findings;
    let html = text_of(&view);
    assert!(
        !html.contains("<script>") && !html.contains("<img src=x"),
        "{html}"
    );
    assert!(
        html.matches("&lt;script&gt;alert(1)&lt;/script&gt;")
            .count()
            >= 5
    );
    assert!(html.contains("&amp;amp;"));
    // In an attribute, where a quote would end it.
    assert!(html.contains("alert(&quot;1&quot;)"));
}

#[test]
fn nothing_is_inline_or_from_elsewhere() {
    let diagnosis = Diagnosis::new(Reason::Host, "The store failed.", "Wait.");
    let last = [line("refused", None, Some("X did not."))];
    let mut view = view();
    let findings = [(None, &diagnosis)];
    (view.last, view.findings) = (&last, &findings);
    let html = text_of(&view);
    let tags: Vec<&str> = html
        .split('<')
        .map(|part| part.split('>').next().unwrap())
        .collect();
    for tag in &tags {
        for attribute in tag.split_ascii_whitespace().skip(1) {
            let name = attribute.split('=').next().unwrap();
            assert!(
                name != "style" && !name.starts_with("on"),
                "inline: <{tag}>"
            );
            for naming in ["href=\"", "src=\"", "action=\""] {
                if let Some(address) = attribute.strip_prefix(naming) {
                    assert!(
                        address.starts_with('/') && !address.starts_with("//"),
                        "elsewhere: <{tag}>"
                    );
                }
            }
        }
    }
    let scripts = tags.iter().filter(|tag| tag.starts_with("script"));
    let scripts: Vec<_> = scripts.copied().collect();
    assert_eq!(scripts, [r#"script src="/page.js" type="module""#]);
    assert!(html.contains("type=\"module\"></script>"));
    assert!(!tags.iter().any(|tag| tag.starts_with("style")));
    for text in VISITOR.iter().chain(&OWNER) {
        assert!(!text.contains("http:") && !text.contains("https:"));
        assert!(!text.contains("innerHTML") && !text.contains("eval("));
    }
}

#[test]
fn without_the_token_the_tools_lie_in_a_template() {
    let html = text_of(&view());
    let (public, rest) = html.split_once("<template").unwrap();
    let (tools, after) = rest.split_once("</template>").unwrap();
    for tool in [
        "Turn now",
        "Dry run",
        "Send this frame",
        "Use this picture",
        "Journal",
    ] {
        assert!(tools.contains(tool), "{tool}");
        assert!(!public.contains(tool) && !after.contains(tool), "{tool}");
    }
    // Where to sign in is shown by the script, since it needs the script.
    assert!(public.contains(r#"<details id="owner" hidden>"#));
}

#[test]
fn what_every_visitor_loads_is_under_30_kb() {
    let message = "X answered 403 and said that this app may not do this with its present access.";
    let remedy = "Raise the access level in the developer portal, or use the keys of an app that has it, then store all four.";
    let diagnosis = Diagnosis::new(Reason::Access, message, remedy);
    let last: Vec<_> = (0..10)
        .map(|n| line("refused", Some(n), Some(message)))
        .collect();
    let mut view = view();
    (view.frames, view.due, view.shown) = (Some(1440), Some(1439), &NOWHERE);
    let findings = [(None, &diagnosis)];
    (view.last, view.findings) = (&last, &findings);
    // Nothing else is loaded before somebody signs in: the browser's tests see to it.
    let files = VISITOR.map(str::len);
    let bytes = html(&view).len() + files.iter().sum::<usize>();
    assert!(
        bytes < 30_000,
        "{bytes} bytes, of which {files:?} are style and script"
    );
}

#[test]
fn what_the_owner_loads_besides_is_under_40_kb() {
    let files = OWNER.map(str::len);
    let bytes: usize = files.iter().sum();
    assert!(bytes < 40_000, "{bytes} bytes: {files:?}");
}

#[test]
fn the_policy_allows_nothing_inline_and_nobody_else() {
    assert!(POLICY.starts_with("default-src 'none'; "));
    assert!(!POLICY.contains("unsafe"));
    assert!(!POLICY.contains("  "));
    for part in POLICY.split("; ") {
        let sources: Vec<_> = part.split(' ').skip(1).collect();
        assert!(
            matches!(sources[..], ["'none'" | "'self'"] | ["'self'", "blob:"]),
            "{part}"
        );
    }
}

#[test]
fn what_is_kept_on_a_network_can_be_removed_where_anything_is() {
    let keeping = [crate::network::bluesky::DEFINITION];
    let text = text_of(&View {
        keeping: &keeping,
        ..view()
    });
    assert!(text.contains("value=\"bluesky\""), "{text}");
    assert!(text.contains("Remove the frames kept on Bluesky"));
    assert!(!text_of(&view()).contains("Remove the frames"));
}

#[test]
fn what_a_new_picture_becomes_is_told_with_the_tools() {
    let mut view = view();
    assert_says(
        &view,
        "The picture becomes 12 square frames. They turn clockwise, once in 12 hours, by the \
         clock of Asia/Tokyo.",
    );
    let html = text_of(&view);
    assert!(html.contains(
        r#"data-frames="12" data-shape="square" data-direction="clockwise">The picture"#
    ));
    let (public, _) = html.split_once("<template").unwrap();
    assert!(!public.contains("The picture becomes"));

    view.becoming.turning = Some((
        Period::from_seconds(86_400).unwrap(),
        Direction::Counterclockwise,
    ));
    (view.becoming.frames, view.becoming.shape) = (24, Shape::Circle);
    view.becoming.replaces_album = true;
    assert_says(
        &view,
        "The picture becomes 24 round frames. They turn counterclockwise, once in 24 hours, by \
         the clock of Asia/Tokyo. They take the place of the album that is there now.",
    );
    assert!(text_of(&view).contains(r#"data-direction="counterclockwise""#));
    // Without settings nobody knows how they turn.
    (view.becoming.frames, view.becoming.turning, view.local) = (1, None, None);
    view.becoming.replaces_album = false;
    assert_says(&view, "The picture becomes 1 round frame.A picture");
}

#[test]
fn a_period_is_told_in_words() {
    for (seconds, words) in [
        (604_800, "a week"),
        (43_200, "12 hours"),
        (3600, "an hour"),
        (5400, "90 minutes"),
        (60, "a minute"),
        (90, "90 seconds"),
        (1, "a second"),
    ] {
        assert_eq!(length(Period::from_seconds(seconds).unwrap()), words);
    }
}

#[test]
fn what_belongs_to_a_button_is_in_its_form() {
    let html = text_of(&view());
    let form = |id: &str| {
        let (_, after) = html.split_once(&format!("<form id=\"{id}\">")).unwrap();
        after.split_once("</form>").unwrap().0.to_owned()
    };
    let (turn, frame, rehearse) = (form("turn"), form("send-frame"), form("rehearse"));
    assert!(turn.contains("Turn now") && turn.contains("Send the frame even if it is up already"));
    assert!(
        frame.contains("Send this frame") && frame.contains("Send it even if it is up already")
    );
    // It sends no picture, so nothing can be forced.
    assert!(rehearse.contains("Dry run") && !rehearse.contains("even if"));
    assert!(rehearse.contains("No picture is sent"));
}

#[test]
fn a_phone_is_asked_for_formats_that_are_read() {
    // With any other name in the list, or another order, iOS hands out HEIC as it is.
    assert!(text_of(&view()).contains(r#"accept="image/jpeg,image/png,image/webp,image/gif""#));
}

#[test]
fn every_class_that_has_a_style_is_on_the_page() {
    let page = [
        include_str!("dial.rs"),
        include_str!("html.rs"),
        include_str!("owner.rs"),
        include_str!("picture.rs"),
        include_str!("words.rs"),
        include_str!("../../../../../public/face.js"),
        include_str!("../../../../../public/page.js"),
        include_str!("../../../../../public/owner.js"),
        include_str!("../../../../../public/icon.js"),
        include_str!("../../../../../public/crop.js"),
    ]
    .concat();
    for style in [
        include_str!("../../../../../public/page.css"),
        include_str!("../../../../../public/icon.css"),
    ] {
        for rule in style.split('{') {
            let selector = rule.rsplit(['}', ';', '/']).next().unwrap();
            for class in selector.split('.').skip(1) {
                let is_of_name = |c: &char| c.is_ascii_lowercase() || *c == '-';
                let class: String = class.chars().take_while(is_of_name).collect();
                assert!(page.contains(&class), ".{class}");
            }
        }
    }
}
