mod ways;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::TimeDelta;
use http::Response;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::oauth1::{Credentials, Stamp};
use super::v1::{read_reply, update_profile_image};
use super::*;
use crate::frames::media_type::MediaType;
use crate::settings::secret::Secret;
use crate::testing::{USER, block_on, instant, reply};

const URL: &str = "https://api.x.com/1.1/account/update_profile_image.json";

/// The start of a JPEG file, and in base64 every character that needs
/// percent-encoding: `/9j/4AAQ+A==`.
const FRAME: [u8; 7] = [0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0xf8];

/// The account and the stamp of the example in X's guide to signatures.
fn account(body: BodyForm) -> Account {
    Account {
        base_url: "https://api.x.com".parse().unwrap(),
        api: Api::Auto,
        body,
        credentials: Credentials {
            api_key: Secret::new("xvz1evFS4wEEPTGEFPHBog"),
            api_key_secret: Secret::new("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
            access_token: Secret::new("370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
            access_token_secret: Secret::new("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"),
        },
    }
}

fn stamp() -> Stamp {
    Stamp {
        nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg".to_owned(),
        timestamp: 1_318_622_958,
    }
}

fn headers_of(request: &Request<Vec<u8>>) -> Vec<(&str, &str)> {
    request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect()
}

fn authorization_with(signature: &str) -> String {
    format!(
        "OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", \
         oauth_nonce=\"kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1318622958\", \
         oauth_token=\"370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb\", \
         oauth_version=\"1.0\", oauth_signature=\"{signature}\""
    )
}

#[test]
fn a_multipart_request_carries_the_frame_as_it_is_and_does_not_sign_it() {
    let account = account(BodyForm::Multipart);
    let request = update_profile_image(&account, &FRAME, MediaType::Jpeg, &stamp()).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), URL);
    assert_eq!(
        headers_of(&request),
        [
            (
                "authorization",
                authorization_with("5ieX14kUJKBNwWwc71hPFUzwRH0%3D").as_str()
            ),
            (
                "content-type",
                "multipart/form-data; boundary=kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"
            ),
        ]
    );
    assert_eq!(
        *request.body(),
        *b"--kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg\r\n\
           Content-Disposition: form-data; name=\"image\"; filename=\"image.jpg\"\r\n\
           Content-Type: image/jpeg\r\n\
           \r\n\
           \xff\xd8\xff\xe0\x00\x10\xf8\r\n\
           --kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg--\r\n"
    );
}

#[test]
fn a_form_request_carries_the_frame_in_base64_and_signs_it() {
    let account = account(BodyForm::Form);
    let request = update_profile_image(&account, &FRAME, MediaType::Jpeg, &stamp()).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), URL);
    assert_eq!(
        headers_of(&request),
        [
            (
                "authorization",
                authorization_with("tGY6vxufbg8lIV37sjona24%2FAsQ%3D").as_str()
            ),
            ("content-type", "application/x-www-form-urlencoded"),
        ]
    );
    assert_eq!(*request.body(), *b"image=%2F9j%2F4AAQ%2BA%3D%3D");
}

#[test]
fn a_png_frame_is_called_one() {
    let account = account(BodyForm::Multipart);
    let request = update_profile_image(&account, &FRAME, MediaType::Png, &stamp()).unwrap();
    let body = String::from_utf8_lossy(request.body());
    assert!(body.contains("; filename=\"image.png\"\r\nContent-Type: image/png\r\n"));
}

#[test]
fn the_request_goes_to_the_base_url_that_is_set() {
    let account = Account {
        base_url: "http://127.0.0.1:8788".parse().unwrap(),
        ..account(BodyForm::Multipart)
    };
    let request = update_profile_image(&account, &FRAME, MediaType::Jpeg, &stamp()).unwrap();
    assert_eq!(
        request.uri(),
        "http://127.0.0.1:8788/1.1/account/update_profile_image.json"
    );
}

#[test]
fn the_form_of_the_body_is_read_by_its_name() {
    assert_eq!("multipart".parse(), Ok(BodyForm::Multipart));
    assert_eq!("form".parse(), Ok(BodyForm::Form));
    for text in ["", "Form", "multipart/form-data", "base64"] {
        assert_eq!(text.parse::<BodyForm>(), Err(InvalidBodyForm));
    }
}

proptest! {
    #[test]
    fn any_frame_comes_out_of_a_multipart_body_as_it_went_in(
        frame in vec(any::<u8>(), 0..2000),
    ) {
        let stamp = Stamp::fresh(now()).unwrap();
        let account = account(BodyForm::Multipart);
        let request = update_profile_image(&account, &frame, MediaType::Png, &stamp).unwrap();
        let content_type = request.headers()[CONTENT_TYPE].to_str().unwrap();
        let boundary = multer::parse_boundary(content_type).unwrap();
        prop_assert!(!frame.windows(boundary.len()).any(|part| part == boundary.as_bytes()));

        let mut parts = Multipart::with_reader(request.body().as_slice(), boundary);
        block_on(async {
            let part = parts.next_field().await.unwrap().unwrap();
            prop_assert_eq!(part.name(), Some("image"));
            prop_assert_eq!(part.file_name(), Some("image.png"));
            prop_assert_eq!(part.content_type().map(AsRef::as_ref), Some("image/png"));
            prop_assert_eq!(part.bytes().await.unwrap(), frame);
            prop_assert!(parts.next_field().await.unwrap().is_none());
            Ok(())
        })?;
    }

    #[test]
    fn any_frame_comes_out_of_a_form_body_as_it_went_in(
        frame in vec(any::<u8>(), 0..2000),
    ) {
        let account = account(BodyForm::Form);
        let request = update_profile_image(&account, &frame, MediaType::Png, &stamp()).unwrap();
        let fields: Vec<_> = form_urlencoded::parse(request.body()).collect();
        prop_assert_eq!(fields.len(), 1);
        prop_assert_eq!(&fields[0].0, "image");
        prop_assert_eq!(BASE64.decode(fields[0].1.as_bytes()).unwrap(), frame);
    }
}

fn now() -> DateTime<Utc> {
    instant("2026-11-22T02:23:45Z")
}

const NOW: i64 = 1_795_314_225;

/// X's first shape of error, with one error.
fn error(code: i64, message: &str) -> String {
    json!({ "errors": [{ "code": code, "message": message }] }).to_string()
}

fn refused(reply: &Response<Vec<u8>>) -> Diagnosis {
    match read_reply(reply, &[], now()) {
        Outcome::Refused(diagnosis) => diagnosis,
        other => panic!("{other:?} instead of a refusal"),
    }
}

fn retry(reply: &Response<Vec<u8>>) -> (DateTime<Utc>, Diagnosis) {
    match read_reply(reply, &[], now()) {
        Outcome::Retry { at, diagnosis } => (at, diagnosis),
        other => panic!("{other:?} instead of a retry"),
    }
}

/// How many seconds to wait after a reply.
fn pause(reply: &Response<Vec<u8>>) -> i64 {
    retry(reply).0.signed_duration_since(now()).num_seconds()
}

const MINUTE: i64 = 60;
const QUARTER: i64 = 15 * MINUTE;
const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn a_user_is_a_turn() {
    for status in [200, 201, 202] {
        assert_eq!(
            read_reply(&reply(status, &[], USER), &[], now()),
            Outcome::Turned
        );
    }
}

#[test]
fn success_that_is_no_user_is_unexpected() {
    for body in [
        "",
        "{}",
        "[]",
        "OK",
        "<!DOCTYPE html><title>Sign in to the Wi-Fi</title>",
        r#"{"screen_name":null}"#,
        r#"{"screen_name":""}"#,
        r#"{"errors":[{"code":32,"message":"Could not authenticate you."}]}"#,
    ] {
        let diagnosis = refused(&reply(200, &[], body));
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply, "{body}");
        assert!(
            diagnosis.remedy.contains("API_BASE_URL"),
            "{}",
            diagnosis.remedy
        );
    }
    assert_eq!(
        refused(&reply(204, &[], "")).reason,
        Reason::UnexpectedReply
    );
}

#[test]
fn what_waiting_does_not_mend_is_refused_with_what_the_owner_can_do() {
    const THE_FOUR: &[&str] = &[
        "API_KEY,",
        "API_KEY_SECRET,",
        "ACCESS_TOKEN ",
        "ACCESS_TOKEN_SECRET:",
        "Keys and tokens",
    ];
    for (status, code, reason, remedy) in [
        (401, 32, Reason::Credentials, THE_FOUR),
        (401, 89, Reason::Credentials, THE_FOUR),
        (403, 99, Reason::Credentials, THE_FOUR),
        (400, 215, Reason::Credentials, THE_FOUR),
        (401, 135, Reason::ClockSkew, &["clock", "Set it", "NTP"]),
        (
            403,
            453,
            Reason::Access,
            &["access level", "paid", "developer portal"],
        ),
        (
            403,
            261,
            Reason::Access,
            &["Read and Write", "regenerate", "store both again"],
        ),
        (
            403,
            416,
            Reason::Access,
            &["suspended the app", "developer portal"],
        ),
        (410, 251, Reason::Access, &["retired", "newer version"]),
        (
            403,
            64,
            Reason::Account,
            &["suspended the account", "Sign in"],
        ),
        (403, 326, Reason::Account, &["locked", "Sign in", "unlock"]),
        (
            403,
            38,
            Reason::Request,
            &["Publish the icon again", "X_BODY = \"form\""],
        ),
        (
            403,
            120,
            Reason::Request,
            &["Publish the icon again", "X_BODY = \"form\""],
        ),
    ] {
        let diagnosis = refused(&reply(status, &[], error(code, "Because.")));
        assert_eq!(diagnosis.reason, reason, "code {code}");
        assert_eq!(
            diagnosis.message,
            format!("X answered {status}, code {code}: Because.")
        );
        for words in remedy {
            assert!(
                diagnosis.remedy.contains(words),
                "{words}: {}",
                diagnosis.remedy
            );
        }
    }
}

#[test]
fn what_waiting_mends_is_retried_after_a_fitting_pause() {
    for (status, code, reason, seconds, remedy) in [
        (403, 226, Reason::SpamFilter, DAY, "turn less often"),
        (
            429,
            88,
            Reason::RateLimit,
            QUARTER,
            "Nothing to do but wait",
        ),
        (503, 130, Reason::Transient, MINUTE, "Nothing to do"),
        (500, 131, Reason::Transient, MINUTE, "Nothing to do"),
    ] {
        let reply = reply(status, &[], error(code, "Because."));
        let (at, diagnosis) = retry(&reply);
        assert_eq!(at.timestamp() - NOW, seconds, "code {code}");
        assert_eq!(diagnosis.reason, reason, "code {code}");
        assert_eq!(
            diagnosis.message,
            format!("X answered {status}, code {code}: Because.")
        );
        assert!(diagnosis.remedy.contains(remedy), "{}", diagnosis.remedy);
    }
}

#[test]
fn a_code_that_is_known_counts_for_more_than_the_status() {
    for code in [
        32, 38, 64, 88, 89, 99, 120, 130, 131, 135, 215, 226, 251, 261, 326, 416, 453,
    ] {
        let reasons = [302, 400, 401, 403, 404, 410, 413, 420, 429, 500, 503].map(|status| {
            let outcome = read_reply(&reply(status, &[], error(code, "")), &[], now());
            outcome.diagnosis().unwrap().reason
        });
        assert!(
            reasons.iter().all(|reason| *reason == reasons[0]),
            "{code}: {reasons:?}"
        );
        assert_ne!(reasons[0], Reason::UnexpectedReply, "{code}");
    }
}

#[test]
fn without_a_code_the_status_counts() {
    for (status, reason, remedy) in [
        (401, Reason::Credentials, "ACCESS_TOKEN_SECRET"),
        (403, Reason::Access, "permissions and access level"),
        (413, Reason::Request, "Publish the icon again"),
        (422, Reason::Request, "Publish the icon again"),
        (301, Reason::UnexpectedReply, "API_BASE_URL"),
        (400, Reason::UnexpectedReply, "API_BASE_URL"),
        (404, Reason::UnexpectedReply, "API_BASE_URL"),
        (405, Reason::UnexpectedReply, "API_BASE_URL"),
        (501, Reason::UnexpectedReply, "API_BASE_URL"),
        (600, Reason::UnexpectedReply, "API_BASE_URL"),
    ] {
        let diagnosis = refused(&reply(status, &[], ""));
        assert_eq!(diagnosis.reason, reason, "{status}");
        assert_eq!(diagnosis.message, format!("X answered {status}"));
        assert!(diagnosis.remedy.contains(remedy), "{}", diagnosis.remedy);
    }
    for status in [420, 429] {
        let (at, diagnosis) = retry(&reply(status, &[], ""));
        assert_eq!(diagnosis.reason, Reason::RateLimit, "{status}");
        assert_eq!(at.timestamp() - NOW, QUARTER, "{status}");
    }
    for status in [500, 502, 503, 504, 520, 599] {
        let (at, diagnosis) = retry(&reply(status, &[], ""));
        assert_eq!(diagnosis.reason, Reason::Transient, "{status}");
        assert_eq!(at.timestamp() - NOW, MINUTE, "{status}");
    }
}

#[test]
fn each_shape_of_error_is_read() {
    for (status, body, message) in [
        (
            401,
            json!({ "errors": [{ "code": 32, "message": "Could not authenticate you." }] }),
            "X answered 401, code 32: Could not authenticate you.",
        ),
        (
            401,
            json!({ "request": "/1.1/account/update_profile_image.json", "error": "Not authorized." }),
            "X answered 401: Not authorized.",
        ),
        (
            401,
            json!({ "title": "Unauthorized", "type": "about:blank", "status": 401,
                    "detail": "Unauthorized request" }),
            "X answered 401: Unauthorized request",
        ),
        (
            401,
            json!({ "title": "Unauthorized", "type": "about:blank", "status": 401 }),
            "X answered 401: Unauthorized",
        ),
        (
            401,
            json!({ "errors": [{ "code": 32 }] }),
            "X answered 401, code 32",
        ),
        (
            401,
            json!({ "errors": [{ "message": "No code." }] }),
            "X answered 401: No code.",
        ),
        (401, json!({ "errors": [] }), "X answered 401"),
        (401, json!({}), "X answered 401"),
        (401, json!("Unauthorized"), "X answered 401"),
    ] {
        let diagnosis = refused(&reply(status, &[], body.to_string()));
        assert_eq!(diagnosis.reason, Reason::Credentials, "{body}");
        assert_eq!(diagnosis.message, message);
    }
}

#[test]
fn members_of_an_odd_kind_do_not_hide_the_code() {
    for body in [
        r#"{"errors":[{"code":453,"message":null}]}"#,
        r#"{"errors":[{"code":453,"message":{"text":"Tier"}}]}"#,
        r#"{"errors":["Odd",{"code":"32"},{"code":453}]}"#,
        r#"{"errors":[{"code":453}],"error":{"code":1},"title":7,"detail":[]}"#,
        r#"{"errors":[{"code":453}],"errors":[{"code":453}]}"#,
    ] {
        let diagnosis = refused(&reply(403, &[], body));
        assert_eq!(diagnosis.message, "X answered 403, code 453", "{body}");
        assert!(diagnosis.remedy.contains("paid"), "{body}");
    }
}

#[test]
fn of_several_errors_the_first_that_is_known_counts_and_is_told() {
    let body = json!({ "errors": [
        { "code": 999, "message": "Something." },
        { "message": "No code." },
        { "code": 453, "message": "You have access to a subset of the API." },
        { "code": 32, "message": "Could not authenticate you." },
    ] });
    let diagnosis = refused(&reply(401, &[], body.to_string()));
    assert_eq!(diagnosis.reason, Reason::Access);
    assert_eq!(
        diagnosis.message,
        "X answered 401, code 453: You have access to a subset of the API."
    );
}

#[test]
fn an_unknown_code_is_told_and_the_status_counts() {
    for (status, code, reason) in [
        (403, 999, Reason::Access),
        (401, -1, Reason::Credentials),
        (404, 34, Reason::UnexpectedReply),
        (400, i64::MIN, Reason::UnexpectedReply),
    ] {
        let diagnosis = refused(&reply(status, &[], error(code, "Something.")));
        assert_eq!(diagnosis.reason, reason);
        assert_eq!(
            diagnosis.message,
            format!("X answered {status}, code {code}: Something.")
        );
    }
    let (_, diagnosis) = retry(&reply(503, &[], error(999, "Something.")));
    assert_eq!(diagnosis.reason, Reason::Transient);
    // Larger than any number that could be a code.
    let diagnosis = refused(&reply(
        403,
        &[],
        r#"{"errors":[{"code":18446744073709551615}]}"#,
    ));
    assert_eq!(diagnosis.message, "X answered 403");
}

#[test]
fn a_web_page_with_403_is_a_firewall_s_and_no_fault_of_the_keys() {
    for page in [
        "<!DOCTYPE html>\n<html><title>Attention Required! | Cloudflare</title>",
        "\r\n  <html>",
    ] {
        let diagnosis = refused(&reply(403, &[("content-type", "text/html")], page));
        assert_eq!(diagnosis.reason, Reason::Blocked);
        assert_eq!(diagnosis.message, "X answered 403 with a web page");
        for words in ["firewall", "Wait", "ordinary machine"] {
            assert!(diagnosis.remedy.contains(words), "{}", diagnosis.remedy);
        }
    }
}

#[test]
fn a_web_page_with_another_status_is_what_the_status_says() {
    let page = "<html><h1>Bad Gateway</h1>";
    let (_, diagnosis) = retry(&reply(502, &[], page));
    assert_eq!(diagnosis.reason, Reason::Transient);
    assert_eq!(diagnosis.message, "X answered 502 with a web page");
    assert_eq!(retry(&reply(429, &[], page)).1.reason, Reason::RateLimit);
    assert_eq!(refused(&reply(401, &[], page)).reason, Reason::Credentials);
    assert_eq!(
        refused(&reply(404, &[], page)).reason,
        Reason::UnexpectedReply
    );
}

#[test]
fn a_rate_limit_is_waited_out_until_the_reset_that_x_names() {
    let reset = (NOW + 321).to_string();
    let headers = [
        ("x-rate-limit-limit", "15"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", reset.as_str()),
        ("retry-after", "7"),
    ];
    assert_eq!(pause(&reply(429, &headers, "")), 321);
    assert_eq!(pause(&reply(420, &headers, "")), 321);
    assert_eq!(
        pause(&reply(429, &headers, error(88, "Rate limit exceeded."))),
        321
    );
    assert_eq!(
        pause(&reply(403, &headers, error(88, "Rate limit exceeded."))),
        321
    );
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    for value in ["77", " 77 ", "Sun, 22 Nov 2026 02:25:02 GMT"] {
        let headers = [("retry-after", value)];
        for reply in [
            reply(429, &headers, ""),
            reply(503, &headers, ""),
            reply(500, &headers, ""),
            reply(400, &headers, error(130, "Over capacity.")),
        ] {
            assert_eq!(pause(&reply), 77, "{value}");
        }
    }
}

#[test]
fn retry_after_counts_where_the_reset_is_past_or_unreadable() {
    let past = (NOW - 1).to_string();
    for reset in [past.as_str(), "0", "-1", "soon", ""] {
        let headers = [("x-rate-limit-reset", reset), ("retry-after", "77")];
        assert_eq!(pause(&reply(429, &headers, "")), 77, "{reset}");
    }
}

#[test]
fn an_instant_that_is_not_in_the_future_or_cannot_be_read_leaves_the_usual_pause() {
    let now = NOW.to_string();
    let past = (NOW - 3600).to_string();
    for value in [
        now.as_str(),
        &past,
        "0",
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "18446744073709551615",
        "99999999999999999999999999",
        "1e10",
        "soon",
        "",
        "Sun, 22 Nov 2026 02:23:45 GMT",
        "\u{fc}",
    ] {
        let headers = [("x-rate-limit-reset", value)];
        assert_eq!(pause(&reply(429, &headers, "")), QUARTER, "{value}");
    }
    for value in [
        "0",
        "-1",
        "18446744073709551615",
        "1.5",
        "soon",
        "",
        "Sun, 22 Nov 2026 02:23:45 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "\u{fc}",
    ] {
        let headers = [("retry-after", value)];
        assert_eq!(pause(&reply(429, &headers, "")), QUARTER, "{value}");
        assert_eq!(pause(&reply(503, &headers, "")), MINUTE, "{value}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_told_by_how_much_and_on_which_side() {
    let body = error(135, "Timestamp out of bounds.");
    for (date, message) in [
        (
            "Sun, 22 Nov 2026 02:23:45 GMT",
            " (this clock is 0 s ahead of X's)",
        ),
        (
            "Sun, 22 Nov 2026 02:13:44 GMT",
            " (this clock is 601 s ahead of X's)",
        ),
        (
            "Sun, 22 Nov 2026 03:23:46 GMT",
            " (this clock is 3601 s behind X's)",
        ),
        ("not a date", ""),
        ("", ""),
    ] {
        let diagnosis = refused(&reply(401, &[("date", date)], body.as_str()));
        assert_eq!(diagnosis.reason, Reason::ClockSkew);
        assert_eq!(
            diagnosis.message,
            format!("X answered 401, code 135: Timestamp out of bounds.{message}")
        );
    }
    assert_eq!(
        refused(&reply(401, &[], body)).message,
        "X answered 401, code 135: Timestamp out of bounds."
    );
}

#[test]
fn what_x_says_is_made_fit_for_one_line_of_a_log() {
    let diagnosis = refused(&reply(
        403,
        &[],
        error(453, "a\r\nERROR b\u{1b}[2J\u{2028}c\0"),
    ));
    assert_eq!(
        diagnosis.message,
        "X answered 403, code 453: a ERROR b [2J c"
    );
    let diagnosis = refused(&reply(403, &[], error(453, &"é".repeat(10_000))));
    assert_eq!(
        diagnosis.message,
        format!("X answered 403, code 453: {}…", "é".repeat(200))
    );
    let diagnosis = refused(&reply(403, &[], error(453, " \n ")));
    assert_eq!(diagnosis.message, "X answered 403, code 453");
}

#[test]
fn a_limit_of_a_day_is_waited_out_and_not_asked_after_every_quarter_of_an_hour() {
    let at = |seconds: i64| (NOW + seconds).to_string();
    let (quarter, day, later) = (at(900), at(40_000), at(50_000));
    for (headers, seconds) in [
        // The account's is used up, the app's, or both: the last one counts.
        (
            vec![
                ("x-rate-limit-remaining", "149"),
                ("x-rate-limit-reset", &quarter),
                ("x-user-limit-24hour-remaining", "0"),
                ("x-user-limit-24hour-reset", &day),
            ],
            40_000,
        ),
        (
            vec![
                ("x-rate-limit-reset", &quarter),
                ("x-app-limit-24hour-remaining", "0"),
                ("x-app-limit-24hour-reset", &day),
            ],
            40_000,
        ),
        (
            vec![
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", &quarter),
                ("x-user-limit-24hour-remaining", " 0 "),
                ("x-user-limit-24hour-reset", &day),
                ("x-app-limit-24hour-remaining", "0"),
                ("x-app-limit-24hour-reset", &later),
            ],
            50_000,
        ),
        // There is some left of the day.
        (
            vec![
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", &quarter),
                ("x-user-limit-24hour-remaining", "7"),
                ("x-user-limit-24hour-reset", &day),
            ],
            900,
        ),
        // What cannot be read says nothing.
        (
            vec![
                ("x-user-limit-24hour-remaining", "none"),
                ("x-user-limit-24hour-reset", &day),
                ("x-app-limit-24hour-remaining", "0"),
                ("x-app-limit-24hour-reset", "soon"),
                ("retry-after", "77"),
            ],
            77,
        ),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        assert_eq!(pause(&reply(429, &headers, "")), seconds, "{headers:?}");
        let limited = reply(429, &headers, error(88, "Rate limit exceeded."));
        assert_eq!(pause(&limited), seconds, "{headers:?}");
    }
}

#[test]
fn credits_and_caps_that_are_used_up_are_told_as_that() {
    let problem = |status: u16, kind: &str| {
        let body = json!({
            "title": "No", "detail": "Used up.", "status": status,
            "type": format!("https://api.twitter.com/2/problems/{kind}"),
        });
        reply(status, &[], body.to_string())
    };
    for reply in [
        problem(402, "credits"),
        reply(402, &[], ""),
        problem(403, "credits"),
    ] {
        let diagnosis = refused(&reply);
        assert_eq!(diagnosis.reason, Reason::Access);
        for part in ["credits", "used up", "console.x.com"] {
            assert!(diagnosis.remedy.contains(part), "{}", diagnosis.remedy);
        }
        assert!(!diagnosis.remedy.contains("API_BASE_URL"));
    }
    let (at, diagnosis) = retry(&problem(429, "usage-capped"));
    assert_eq!(at.timestamp() - NOW, DAY);
    assert_eq!(diagnosis.reason, Reason::RateLimit);
    let diagnosis = refused(&problem(403, "client-forbidden"));
    assert_eq!(diagnosis.reason, Reason::Access);
    assert!(diagnosis.remedy.contains("not enrolled"));
}

fn any_code() -> impl Strategy<Value = i64> {
    let known = vec![
        32, 38, 64, 88, 89, 99, 120, 130, 131, 135, 215, 226, 251, 261, 326, 416, 453,
    ];
    prop_oneof![3 => proptest::sample::select(known), 1 => any::<i64>()]
}

/// Replies' bodies: noise, and errors of every shape filled with noise.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let entry = (
        proptest::option::of(any_code()),
        proptest::option::of(any::<String>()),
    )
        .prop_map(|(code, message)| json!({ "code": code, "message": message }));
    prop_oneof![
        vec(any::<u8>(), 0..200),
        any::<String>().prop_map(|text| format!("<{text}").into_bytes()),
        "[ -~]{0,40}".prop_map(|text| format!("{{\"errors\":{text}}}").into_bytes()),
        vec(entry, 0..4).prop_map(|errors| json!({ "errors": errors }).to_string().into_bytes()),
        (any_code(), "\\PC{300}").prop_map(|(code, message)| error(code, &message).into_bytes()),
        (any::<String>(), any::<String>())
            .prop_map(|(request, error)| json!({ "request": request, "error": error }))
            .prop_map(|body| body.to_string().into_bytes()),
        (any::<String>(), any::<String>())
            .prop_map(|(title, detail)| json!({ "title": title, "detail": detail }))
            .prop_map(|body| body.to_string().into_bytes()),
    ]
}

fn any_header_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..30),
        any::<i128>().prop_map(|number| number.to_string().into_bytes()),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (NOW - 10..NOW + 10_000).prop_map(|seconds| seconds.to_string().into_bytes()),
        "(Mon|Sun), [0-9]{1,2} (Jan|Nov) [0-9]{1,5} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})"
            .prop_map(String::into_bytes),
    ]
}

fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn whatever_comes_back_ends_in_an_outcome_with_a_short_message_of_one_line(
        status in 100_u16..1000,
        headers in vec(
            (
                proptest::sample::select(vec![
                    "date",
                    "retry-after",
                    "x-rate-limit-reset",
                    "x-rate-limit-remaining",
                    "x-user-limit-24hour-reset",
                    "x-user-limit-24hour-remaining",
                ]),
                any_header_value(),
            ),
            0..4,
        ),
        body in any_body(),
        at in prop_oneof![
            Just(now()),
            (-8_334_601_228_800_i64..8_210_266_876_800)
                .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap()),
        ],
    ) {
        let mut reply = reply(status, &[], body);
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                reply.headers_mut().append(name, value);
            }
        }
        let outcome = read_reply(&reply, &[], at);
        let Some(Diagnosis { message, remedy, .. }) = outcome.diagnosis() else {
            prop_assert_eq!(outcome, Outcome::Turned);
            return Ok(());
        };
        prop_assert!(message.chars().count() <= 300, "{}", message);
        prop_assert!(!message.contains(breaks_a_line), "{}", message);
        prop_assert!(!remedy.is_empty());
        // Within a day of the end of time there is no later instant.
        let is_last_day = DateTime::<Utc>::MAX_UTC.signed_duration_since(at) <= TimeDelta::days(1);
        if let Outcome::Retry { at: later, .. } = outcome {
            prop_assert!(later > at || is_last_day);
        }
    }
}
