//! The pages as HTML, by rule: what is foreign stays text, nothing is inline, every form proves where
//! it comes from, and the privacy page names all that is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;

use super::*;
use crate::account::commands::{AccountView, ConnectionView, SetView, SettingView, Source, Stage};
use crate::account::id::AccountId;
use crate::account::stored_account::{Before, StoredAccount, StoredConnection};
use crate::frames::options::{Fill, Shape};
use crate::outcome::{Diagnosis, Reason};
use crate::schedule::time_zone::TimeZone;
use crate::service::directory::{Identity, Listing, PendingSignIn, Session};
use crate::testing::{settings_of_all_networks, time_zone};
use crate::web::answer::Answer;
use crate::web::problem::Problem;
use crate::web::routes::admit;
use pixels::rotation::Kernel;

const HOSTILE: &str = "</p><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;";
const CSRF: &str = "csrf-token-of-the-session";

const OFFERS: [Offer<'_>; 2] = [
    Offer {
        network: "mastodon",
        title: "Mastodon",
        place_label: "Your server or handle",
        place_example: "social.example or @ada@social.example",
        consent: "Your server then asks whether rotate-icon may change your picture.",
    },
    Offer {
        network: "elsewhere",
        title: "Other Network",
        place_label: "Your handle, or just your server",
        place_example: "ada.example or example",
        consent: "Your server then asks whether rotate-icon may change your profile.",
    },
];

const NETWORKS: [NetworkPrivacy<'_>; 1] = [NetworkPrivacy {
    title: "Other Network",
    kept: "A public record in your account.",
}];

const HOST: HostPrivacy = HostPrivacy {
    place: "On the machines of Example Hosting.",
    deletion: "Deleted data can be restored for 30 days.",
    logs: "The host logs requests for a week.",
};

fn at(rfc3339: &str) -> DateTime<Utc> {
    rfc3339.parse().unwrap()
}

fn zone() -> &'static TimeZone {
    Box::leak(Box::new(time_zone("Asia/Kolkata")))
}

fn setting(name: &str, text: &str, source: Source, otherwise: &str) -> SettingView {
    SettingView {
        name: name.to_owned(),
        text: text.to_owned(),
        source,
        otherwise: otherwise.to_owned(),
    }
}

/// An account just after its first sign-in.
fn new_account() -> AccountView {
    AccountView {
        now: at("2026-11-22T11:17:30Z"),
        stage: Stage::New,
        stopped: None,
        settings: vec![
            setting("TIME_ZONE", "Asia/Tokyo", Source::Default, "Asia/Tokyo"),
            setting("PERIOD", "12h", Source::Default, "12h"),
            setting("DIRECTION", "clockwise", Source::Default, "clockwise"),
        ],
        wall_clock: None,
        set: None,
        connections: vec![connection("@ada@social.example")],
        next_turn: None,
        findings: vec![],
        journal: vec![],
    }
}

fn connection(name: &str) -> ConnectionView {
    ConnectionView {
        network: "mastodon".to_owned(),
        title: "Mastodon".to_owned(),
        name: Some(name.to_owned()),
        place: Some(name.to_owned()),
        source: Source::Page,
        is_started: false,
        needs_sign_in: false,
        before: Before::Unknown,
        frame: None,
        finding: None,
    }
}

/// 16:47 in Kolkata, and all is well.
fn turning() -> AccountView {
    let mut view = new_account();
    view.stage = Stage::Turning;
    view.settings[0] = setting("TIME_ZONE", "Asia/Kolkata", Source::Page, "Asia/Tokyo");
    view.set = Some(SetView {
        id: "set".to_owned(),
        frames: 12,
        due: Some(4),
        rendering: BTreeMap::from([("shape".to_owned(), "circle".to_owned())]),
    });
    let connection = &mut view.connections[0];
    connection.is_started = true;
    connection.before = Before::Picture;
    connection.frame = Some(4);
    view.next_turn = Some(at("2026-11-22T11:30:00Z"));
    view.journal = vec![json!({
        "network": "mastodon",
        "scheduled_at": "2026-11-22T10:30:00Z",
        "sent_at": "2026-11-22T10:30:41Z",
        "frame": 4,
        "outcome": "turned",
        "attempts": 1,
    })];
    view
}

/// An account with foreign text wherever there can be any.
fn hostile() -> AccountView {
    let mut view = turning();
    let diagnosis = Diagnosis::new(Reason::Access, HOSTILE, HOSTILE);
    view.stopped = Some(HOSTILE.to_owned());
    view.findings = vec![diagnosis.clone()];
    view.settings[1] = setting("PERIOD", HOSTILE, Source::Page, HOSTILE);
    view.connections = vec![ConnectionView {
        title: HOSTILE.to_owned(),
        needs_sign_in: true,
        finding: Some(diagnosis),
        ..view.connections[0].clone()
    }];
    view.connections[0].name = Some(HOSTILE.to_owned());
    view.connections.push(connection(HOSTILE));
    view.journal = vec![json!({
        "network": HOSTILE,
        "scheduled_at": "2026-11-22T10:30:00Z",
        "outcome": HOSTILE,
        "message": HOSTILE,
    })];
    let rendering = &mut view.set.as_mut().unwrap().rendering;
    rendering.insert("kernel".to_owned(), HOSTILE.to_owned());
    rendering.insert("quality".to_owned(), HOSTILE.to_owned());
    view
}

fn page_of(view: &AccountView) -> AccountPage<'_> {
    AccountPage {
        view,
        zone: Some(zone()),
        csrf: CSRF,
        is_owner: false,
        max_frames: 96,
        offers: &OFFERS,
        notice: None,
        failed: None,
        typed: &[],
        cannot_keep_picture: false,
    }
}

/// Whether a route takes a request.
#[track_caller]
fn assert_is_routed(method: &str, path: &str) {
    let request = Request::builder().method(method).uri(path).body(());
    let admitted = admit(&request.unwrap(), || settings_of_all_networks(&[]), "").map(|_| ());
    assert!(admitted.is_ok(), "{method} {path}: {admitted:?}");
}

fn html_of(answer: &Answer) -> String {
    String::from_utf8(answer.body().clone()).unwrap()
}

fn account(view: &AccountView) -> String {
    html_of(&account_page(&page_of(view)))
}

fn landing_page(failed: Option<FailedSignIn<'_>>) -> Answer {
    landing(&Landing {
        csrf: CSRF,
        offers: &OFFERS,
        failed,
        is_signed_in: false,
        notice: None,
    })
}

const TAKEN: Taken<'_> = Taken {
    csrf: CSRF,
    network: "mastodon",
    title: "Mastodon",
    name: HOSTILE,
    place: "https://social.example",
};

/// Every page, with foreign text wherever there can be any.
fn every_page() -> Vec<(&'static str, Answer)> {
    let failed = Some(FailedSignIn {
        network: "mastodon",
        typed: HOSTILE,
        message: HOSTILE,
    });
    let notice = Some(Notice {
        text: HOSTILE,
        mood: Mood::Bad,
    });
    let typed = [
        ("TIME_ZONE".to_owned(), HOSTILE.to_owned()),
        ("PERIOD".to_owned(), "other".to_owned()),
        ("OTHER_PERIOD".to_owned(), HOSTILE.to_owned()),
    ];
    let (new, all) = (new_account(), hostile());
    let mut paused = hostile();
    paused.stage = Stage::Paused;
    paused.connections[0].source = Source::Variables;
    paused.settings[1].source = Source::Variables;
    let problem = Problem::new(StatusCode::NOT_FOUND, HOSTILE);
    vec![
        ("landing", landing_page(failed)),
        ("new", account_page(&page_of(&new))),
        (
            "refused",
            account_page(&AccountPage {
                notice,
                failed,
                typed: &typed,
                cannot_keep_picture: true,
                ..page_of(&new)
            }),
        ),
        ("turning", account_page(&page_of(&all))),
        (
            "the owner's",
            account_page(&AccountPage {
                zone: None,
                is_owner: true,
                ..page_of(&paused)
            }),
        ),
        ("delete", delete_page(&all, CSRF, notice)),
        ("taken", taken(&TAKEN)),
        (
            "leaving",
            leaving("https://social.example/oauth/authorize?a=b&c='\"", HOSTILE),
        ),
        ("problem", problem_page(&problem, "/")),
        (
            "privacy",
            privacy(&HOST, &NETWORKS, Some((HOSTILE, "mailto:a@b.example"))),
        ),
    ]
}

/// The tags of a document, each without its angle brackets.
fn tags(html: &str) -> Vec<&str> {
    let tags = html.split('<').skip(1);
    tags.map(|part| part.split('>').next().unwrap()).collect()
}

/// The value of a tag's attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split('"').next()
}

#[track_caller]
fn assert_says(html: &str, sentence: &str) {
    let mut words = String::new();
    for part in html.split_once("<body>").unwrap().1.split('<') {
        words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    assert!(words.contains(sentence), "{sentence:?} is not in: {words}");
}

#[test]
fn foreign_text_stays_text() {
    for (name, answer) in every_page() {
        let html = html_of(&answer);
        assert!(!html.contains("<script>"), "{name}: {html}");
        assert!(!html.contains("<img src=x"), "{name}: {html}");
        assert!(!html.contains("\"'>"), "{name}: {html}");
        if !matches!(name, "new" | "the owner's") {
            assert!(html.contains("&lt;script&gt;alert(1)"), "{name}: {html}");
        }
    }
}

#[test]
fn nothing_is_inline_and_only_links_lead_elsewhere() {
    for (name, answer) in every_page() {
        let policy = answer.headers().get(CONTENT_SECURITY_POLICY).unwrap();
        assert_eq!(policy, layout::POLICY, "{name}");
        let html = html_of(&answer);
        for tag in tags(&html) {
            let element = tag.split(' ').next().unwrap();
            assert!(element != "style", "{name}");
            if element == "script" {
                assert!(tag.starts_with("script src=\"/"), "{name}: <{tag}>");
            }
            for written in tag.split_ascii_whitespace().skip(1) {
                let attribute = written.split('=').next().unwrap();
                let is_inline = attribute == "style" || attribute.starts_with("on");
                // Words of a foreign text are inside of a value.
                assert!(!is_inline || written.contains('&'), "{name}: <{tag}>");
            }
            for naming in ["href", "src", "action", "formaction"] {
                let Some(address) = attribute(tag, naming) else {
                    continue;
                };
                let is_here = address.starts_with('/') && !address.starts_with("//");
                let is_link = element == "a"
                    && ["#", "https://", "mailto:"]
                        .iter()
                        .any(|scheme| address.starts_with(scheme));
                assert!(is_here || is_link, "{name}: <{tag}>");
                if is_here && element == "a" {
                    assert_is_routed("GET", address);
                }
            }
        }
    }
}

#[test]
fn every_form_is_sent_to_a_route_and_proves_its_origin() {
    for (name, answer) in every_page() {
        let html = html_of(&answer);
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let tag = form.split('>').next().unwrap();
            // The script reads it, and nothing sends it.
            if tag.contains("id=\"look\"") {
                continue;
            }
            assert_eq!(attribute(tag, "method"), Some("post"), "{name}: {tag}");
            let action = attribute(tag, "action").unwrap();
            assert_is_routed("POST", action);
            let field = format!("<input type=\"hidden\" name=\"csrf\" value=\"{CSRF}\">");
            assert_eq!(form.matches(&field).count(), 1, "{name}: {form}");
        }
        for tag in tags(&html) {
            if let Some(action) = attribute(tag, "formaction") {
                assert_is_routed("POST", action);
            }
            // Nowhere else: addresses are logged, and names of elements are read by others.
            let is_field = tag.starts_with("input type=\"hidden\" name=\"csrf\"");
            assert!(is_field || !tag.contains(CSRF), "{name}: <{tag}>");
        }
    }
}

#[test]
fn ids_are_unique_and_what_refers_to_one_finds_it() {
    for (name, answer) in every_page() {
        let html = html_of(&answer);
        let tags = tags(&html);
        let mut ids: Vec<_> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: {ids:?}");
        for tag in &tags {
            for naming in ["for", "form", "list", "aria-describedby", "aria-labelledby"] {
                for id in attribute(tag, naming).unwrap_or_default().split(' ') {
                    assert!(id.is_empty() || ids.contains(&id), "{name}: <{tag}>");
                }
            }
            let is_typed = tag.starts_with("input") && !tag.contains("type=\"hidden\"");
            if is_typed || tag.starts_with("select") {
                let label = attribute(tag, "id").map(|id| format!("<label for=\"{id}\">"));
                let is_check = tag.contains("type=\"checkbox\"");
                assert!(
                    is_check || html.contains(&label.unwrap()),
                    "{name}: <{tag}>"
                );
            }
        }
    }
}

#[test]
fn a_sign_in_that_did_not_begin_keeps_what_was_typed_beside_the_reason() {
    assert_eq!(landing_page(None).status(), StatusCode::OK);
    let answer = landing_page(Some(FailedSignIn {
        network: "mastodon",
        typed: "localhost",
        message: "localhost is no server of the internet.",
    }));
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = html_of(&answer);
    assert!(html.contains("value=\"localhost\""), "{html}");
    assert!(html.contains("aria-describedby=\"mastodon-error mastodon-hint\""));
    assert_says(&html, "localhost is no server of the internet.");
}

#[test]
fn each_network_has_a_form_of_its_own_with_what_its_server_asks() {
    let view = new_account();
    let landing = html_of(&landing_page(None));
    for page in [&landing, &account(&view)] {
        for offer in OFFERS {
            let action = format!("action=\"/sign-in/{}\"", offer.network);
            let (_, form) = page.split_once(&action).unwrap();
            let form = form.split("</form>").next().unwrap();
            for text in [offer.place_label, offer.place_example, offer.consent] {
                assert!(form.contains(text), "{text:?} is not in {form}");
            }
        }
    }
    for heading in ["Mastodon</h2>", "Other Network</h2>"] {
        assert!(landing.contains(heading), "{heading}");
    }
    let connecting = account(&view);
    assert!(connecting.contains("Another account on Mastodon"));
    assert!(!connecting.contains("Another account on Other Network"));
    assert!(connecting.contains("Other Network</h3>"));
}

#[test]
fn a_new_account_is_told_what_start_does_and_that_nothing_was_touched() {
    let html = account(&new_account());
    for sentence in [
        "Nothing turns yet. Your profile is as it was.",
        "1. Choose a picture",
        "Start replaces your profile picture on Mastodon (@ada@social.example) with the frame that \
         is due",
        "Pause, put your own picture back, or delete everything on this page at any time.",
        "Choosing a picture needs JavaScript",
    ] {
        assert_says(&html, sentence);
    }
    // The browser's zone is offered only where nobody has chosen one, and no other is shown.
    assert!(html.contains("data-from-browser"));
    assert_says(&html, "Sun 22 Nov · UTC");
    assert!(html.contains("name=\"was_TIME_ZONE\" value=\"\""));
    assert!(!html.contains("value=\"Asia/Tokyo\""));
    assert!(!account(&turning()).contains("data-from-browser"));
    // The Enter key saves. Only its own button starts.
    let (_, form) = html.split_once("<form id=\"schedule\"").unwrap();
    let (_, first) = form.split_once("<button").unwrap();
    assert!(first.starts_with(">Save</button>"), "{first}");
    assert!(form.starts_with(" method=\"post\" action=\"/account/settings\""));
    assert!(html.contains("form=\"schedule\" formaction=\"/account/start\">Start</button>"));
}

#[test]
fn a_start_that_cannot_keep_the_picture_goes_on_only_if_asked_to() {
    let view = new_account();
    let html = html_of(&account_page(&AccountPage {
        cannot_keep_picture: true,
        ..page_of(&view)
    }));
    assert!(html.contains("name=\"without_picture\" value=\"true\""));
    assert!(!account(&view).contains("without_picture"));
}

#[test]
fn a_turning_account_says_what_is_up_and_when_the_next_turn_comes_by_its_own_clock() {
    let html = account(&turning());
    for sentence in [
        "16:47",
        "Sun 22 Nov · Asia/Kolkata",
        "Your picture is turning. Frame 4 is up.",
        "Next turn at 17:00",
        "16:00Turned to frame 4.",
        "Shows frame 4.",
    ] {
        assert_says(&html, sentence);
    }
    assert!(html.contains("src=\"/account/frames/4\""));
    assert!(html.contains("Pause") && !html.contains("Resume"));
    assert!(!html.contains("Three steps"));
    // There are no variables of theirs, so it does not matter where a value is from.
    assert!(!html.contains("Set on this page."));
}

#[test]
fn an_empty_dial_asks_for_no_picture() {
    let html = account(&new_account());
    assert!(html.contains("aria-label=\"An empty dial\""));
    assert!(!html.contains("/account/frames/"));
}

#[test]
fn a_connection_that_was_signed_out_is_signed_in_again_by_one_button() {
    let mut view = turning();
    view.connections[0].needs_sign_in = true;
    view.connections[0].finding = Some(Diagnosis::new(
        Reason::Credentials,
        "social.example has signed rotate-icon out.",
        "Sign in again.",
    ));
    let html = account(&view);
    assert_says(&html, "What to do: Sign in again.");
    let again =
        "name=\"server\" value=\"@ada@social.example\"><button class=\"first\">Sign in again";
    assert!(html.contains(again), "{html}");
}

#[test]
fn only_a_picture_that_can_be_put_back_is_offered() {
    let mut view = turning();
    assert_says(&account(&view), "Put my own picture back");
    assert!(html_of(&delete_page(&view, CSRF, None)).contains("name=\"put_back\""));
    view.connections[0].before = Before::Default;
    assert_says(&account(&view), "Remove the pictureYou had none before.");
    view.connections[0].before = Before::Unknown;
    assert_says(&account(&view), "could not be kept");
    assert!(!html_of(&delete_page(&view, CSRF, None)).contains("name=\"put_back\""));
}

#[test]
fn what_is_not_started_says_whether_its_picture_has_been_touched() {
    let mut view = new_account();
    let says = |view: &AccountView| (account(view), html_of(&delete_page(view, CSRF, None)));
    let kept = "The picture that you have there now is kept";
    let (html, leaving) = says(&view);
    assert_says(
        &html,
        "Not started. The picture there has not been touched.",
    );
    assert_says(&html, kept);
    assert!(!html.contains("/account/put-back") && !html.contains("put_back"));
    assert!(!leaving.contains("put_back"));

    view.connections[0].before = Before::Held;
    let (html, leaving) = says(&view);
    assert_says(
        &html,
        "It may still show a frame from the page that it was moved from.",
    );
    assert_says(&html, "Put my own picture back");
    assert!(!html.contains(kept));
    assert!(html.contains("name=\"put_back\"") && leaving.contains("name=\"put_back\""));

    view.connections[0].before = Before::Lost;
    let (html, _) = says(&view);
    assert_says(&html, "It may still show a frame");
    assert!(!html.contains(kept) && !html.contains("put_back"));

    view.connections[0].before = Before::PutBack;
    let (html, _) = says(&view);
    assert_says(&html, "Not started. Your own picture is there again.");
    assert_says(&html, kept);
    assert!(!html.contains("put_back"));
}

#[test]
fn the_owner_sees_which_value_holds_and_cannot_delete_the_first_account() {
    let mut view = turning();
    view.settings[1].source = Source::Variables;
    let html = html_of(&account_page(&AccountPage {
        is_owner: true,
        ..page_of(&view)
    }));
    assert_says(
        &html,
        "From this service's variable PERIOD, until you set another here.",
    );
    assert_says(&html, "Set on this page. Back to Asia/Tokyo");
    assert_says(&html, "Not set yet: this is the default.");
    assert!(html.contains("<input type=\"hidden\" name=\"TIME_ZONE\" value=\"\">"));
    assert!(!html.contains("/account/delete"));
    view.connections[0].source = Source::Variables;
    let html = account(&view);
    assert_says(&html, "Connected by this service's secrets.");
    assert!(!html.contains("/account/disconnect") && !html.contains("/account/put-back"));
}

#[test]
fn a_form_sets_what_was_changed_and_unsets_only_when_asked() {
    let fields = |fields: &[(&str, &str)]| {
        let owned = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings_in(&owned.collect::<Vec<_>>())
    };
    let set = |name: &str, text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
    let form = [
        ("csrf", CSRF),
        ("TIME_ZONE", " Asia/Kolkata "),
        ("was_TIME_ZONE", "Asia/Tokyo"),
        ("PERIOD", "12h"),
        ("OTHER_PERIOD", "6h"),
        ("was_PERIOD", "12h"),
        ("DIRECTION", "clockwise"),
        ("was_DIRECTION", "clockwise"),
        ("was_OTHER", "x"),
    ];
    assert_eq!(fields(&form), set("TIME_ZONE", "Asia/Kolkata"));
    let other = [
        ("PERIOD", "other"),
        ("OTHER_PERIOD", "6h"),
        ("was_PERIOD", "12h"),
    ];
    assert_eq!(fields(&other), set("PERIOD", "6h"));
    // A field that was emptied by mistake.
    assert_eq!(
        fields(&[("TIME_ZONE", ""), ("was_TIME_ZONE", "Asia/Tokyo")]),
        BTreeMap::new()
    );
    assert_eq!(fields(&[("TIME_ZONE", "")]), set("TIME_ZONE", ""));
    assert_eq!(
        fields(&[("SIGN_UP", "open"), ("TRIGGER_TOKEN", "x")]),
        BTreeMap::new()
    );
}

#[test]
fn what_was_typed_is_shown_again() {
    let view = new_account();
    let typed = [
        ("TIME_ZONE".to_owned(), "Mars/Olympus".to_owned()),
        ("PERIOD".to_owned(), "other".to_owned()),
        ("OTHER_PERIOD".to_owned(), "7h".to_owned()),
    ];
    let answer = account_page(&AccountPage {
        typed: &typed,
        ..page_of(&view)
    });
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = html_of(&answer);
    assert!(html.contains("value=\"Mars/Olympus\""));
    assert!(html.contains("value=\"other\" selected"));
    assert!(html.contains("value=\"7h\""));
    assert!(!html.contains("data-from-browser"));
}

#[test]
fn every_choice_of_the_look_is_one_that_an_upload_takes() {
    let html = account(&new_account());
    let values = |name: &str| -> Vec<String> {
        let (_, select) = html.split_once(&format!("<select id=\"{name}\"")).unwrap();
        let options = select
            .split_once("</select>")
            .unwrap()
            .0
            .split("value=\"")
            .skip(1);
        options
            .map(|option| option.split('"').next().unwrap().to_owned())
            .collect()
    };
    for value in values("shape") {
        assert!(value.parse::<Shape>().is_ok(), "{value}");
    }
    for value in values("fill") {
        assert!(value.parse::<Fill>().is_ok(), "{value}");
    }
    for value in values("kernel") {
        assert!(value.parse::<Kernel>().is_ok(), "{value}");
    }
    assert!(html.contains("max=\"96\"") && html.contains("value=\"12\""));
}

#[test]
fn the_browser_is_sent_to_a_server_of_the_web_only() {
    let html = html_of(&leaving(
        "https://social.example/authorize?a=b&c=d",
        "social.example",
    ));
    let meta =
        "http-equiv=\"refresh\" content=\"0; url=https://social.example/authorize?a=b&amp;c=d\"";
    assert!(html.contains(meta), "{html}");
    assert_says(&html, "Continue to social.example");
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "//social.example",
        "https://a b",
    ] {
        let answer = leaving(url, "social.example");
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{url}");
        assert!(!html_of(&answer).contains(url), "{url}");
    }
}

#[test]
fn a_problem_is_a_page_for_browsers_with_its_status_and_headers() {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Wait a minute.")
        .with_header(RETRY_AFTER, HeaderValue::from_static("60"));
    let answer = problem_page(&problem, "/account");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[RETRY_AFTER], "60");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_says(&html_of(&answer), "Wait a minute.");
    for (accept, is_page) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", true),
        ("application/json, TEXT/HTML;q=0.5", true),
        ("*/*", false),
        ("application/json", false),
    ] {
        let request = Request::get("/").header("accept", accept).body(()).unwrap();
        assert_eq!(wants_page(&request), is_page, "{accept}");
    }
    assert!(!wants_page(&Request::get("/").body(()).unwrap()));
}

/// Whoever adds a member to what is stored comes by here, and asks whether the page tells it.
#[test]
fn the_privacy_page_names_all_that_is_stored() {
    let contact = ("ada@example.com", "mailto:ada@example.com");
    let html = html_of(&privacy(&HOST, &NETWORKS, Some(contact)));
    let told = |sentences: &[&str]| {
        for sentence in sentences {
            assert_says(&html, sentence);
        }
    };
    let StoredAccount {
        id: _,
        settings: _,
        paused_at: _,
        connections: _,
        // What another version has stored, for it.
        not_understood: _,
    } = StoredAccount::default();
    told(&[
        "A random id",
        "your settings (time zone, period, direction), and whether it is paused",
    ]);
    let StoredConnection {
        network: _,
        subject: _,
        name: _,
        secrets: _,
        signed_in_at,
        expires_at: _,
        started_at: _,
        before: _,
    } = StoredConnection {
        network: String::new(),
        subject: String::new(),
        name: String::new(),
        secrets: None,
        signed_in_at: at("2026-11-22T11:00:00Z"),
        expires_at: None,
        started_at: None,
        before: Before::Unknown,
    };
    told(&[
        "the server, your account's id and name there, and when you signed in and pressed Start",
        "The tokens that your servers gave, and the key of the sign-in where they ask for one, encrypted",
        "If you sign in with Other NetworkA public record in your account.",
        "What each network showed before you pressed Start",
    ]);
    let Listing {
        created_at: _,
        identities: _,
        sessions: _,
    } = Listing::default();
    let Session {
        token_hash: _,
        account: _,
        created_at: _,
        expires_at: _,
    } = Session {
        token_hash: String::new(),
        account: AccountId::owner(),
        created_at: signed_in_at,
        expires_at: signed_in_at,
    };
    let Identity {
        network: _,
        subject: _,
    } = Identity {
        network: String::new(),
        subject: String::new(),
    };
    let PendingSignIn {
        state_hash: _,
        browser_hash: _,
        network: _,
        server: _,
        secrets: _,
        account: _,
        moves: _,
        expires_at: _,
    } = PendingSignIn {
        state_hash: String::new(),
        browser_hash: String::new(),
        network: String::new(),
        server: String::new(),
        secrets: String::new(),
        account: None,
        moves: false,
        expires_at: signed_in_at,
    };
    told(&[
        "the day it was created",
        "A hash of the cookie's token, and when the browser signed in and will be signed out.",
        "While you sign in, the server that you go to, and the account if you have named it, are kept \
         for 10 minutes.",
        "the last 2000 turns",
        "A browser is signed out after 90 days.",
        "There are four. No script can read them",
        HOST.place,
        HOST.deletion,
        HOST.logs,
        "Write to ada@example.com.",
    ]);
}

#[test]
fn what_a_visitor_loads_is_under_30_kb() {
    let files = [
        include_str!("../../../../../public/page.css"),
        include_str!("../../../../../public/site.css"),
        include_str!("../../../../../public/face.js"),
        include_str!("../../../../../public/landing.js"),
        include_str!("../../../../../public/sample.svg"),
    ];
    let files = files.map(str::len);
    let bytes = landing_page(None).body().len() + files.iter().sum::<usize>();
    assert!(
        bytes < 30_000,
        "{bytes} bytes, of which {files:?} are files"
    );
}

#[test]
fn every_class_that_has_a_style_is_on_a_page() {
    let pages: String = every_page().iter().map(|(_, page)| html_of(page)).collect();
    for rule in include_str!("../../../../../public/site.css").split('{') {
        let selector = rule.rsplit(['}', ';', '/']).next().unwrap();
        for class in selector.split('.').skip(1) {
            let is_of_name = |c: &char| c.is_ascii_lowercase() || *c == '-';
            let class: String = class.chars().take_while(is_of_name).collect();
            assert!(pages.contains(&class), ".{class}");
        }
    }
}
