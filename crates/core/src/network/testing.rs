//! What the tests of several networks share: a wire on which everything is as it
//! was written down.

pub(crate) mod sign_in;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::ready;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Network, Pending, Picture, Transport};
use crate::account::settings::Settings;
use crate::frames::media_type::MediaType;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::{ReplyLimits, SendError};
use crate::testing::{BundledTimeZones, instant, reply};

pub(super) type Reply = Result<Response<Vec<u8>>, SendError>;

/// The start of a JPEG file.
pub(super) const FRAME: [u8; 7] = [0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0xf8];

pub(super) const PICTURE: Picture<'static> = Picture {
    bytes: &FRAME,
    media_type: MediaType::Jpeg,
    set: "set",
};

pub(super) fn now() -> DateTime<Utc> {
    instant("2026-11-22T02:23:45Z")
}

/// [`now`] as Unix time.
pub(super) const NOW: i64 = 1_795_314_225;

/// A wire that answers each request that is expected, in their order.
pub(super) struct Script {
    pub(super) now: Cell<DateTime<Utc>>,
    /// How long each reply takes.
    pub(super) reply_time: chrono::TimeDelta,
    /// Method and path of a request, and the reply.
    steps: RefCell<VecDeque<(&'static str, Reply)>>,
    sent: RefCell<Vec<Request<Vec<u8>>>>,
}

impl Script {
    pub(super) fn new(steps: impl IntoIterator<Item = (&'static str, Reply)>) -> Self {
        Self {
            now: Cell::new(now()),
            reply_time: chrono::TimeDelta::zero(),
            steps: RefCell::new(steps.into_iter().collect()),
            sent: RefCell::default(),
        }
    }

    /// What was sent: all that was expected.
    pub(super) fn sent(self) -> Vec<Request<Vec<u8>>> {
        let left: Vec<_> = self.steps.take().into_iter().map(|step| step.0).collect();
        assert_eq!(left, Vec::<&str>::new(), "not sent");
        self.sent.take()
    }
}

impl Transport for Script {
    fn send_within(&self, request: Request<Vec<u8>>, _: ReplyLimits) -> Pending<'_, Reply> {
        let path = request.uri().path_and_query().unwrap();
        let sent = format!("{} {path}", request.method());
        let step = self.steps.borrow_mut().pop_front();
        let (expected, reply) = step.unwrap_or_else(|| panic!("{sent} after the end"));
        assert_eq!(sent, expected);
        self.sent.borrow_mut().push(request);
        self.now.set(self.now.get() + self.reply_time);
        Box::pin(ready(reply))
    }

    fn now(&self) -> DateTime<Utc> {
        self.now.get()
    }
}

/// Stands in the replies of [`Noise`] for the secret that the request came with, as
/// some proxies repeat what they were sent.
pub(super) const SENT: &str = "%SENT%";

/// A wire that answers whatever is sent with some replies, over and over.
pub(super) struct Noise {
    pub(super) replies: Vec<Reply>,
    pub(super) sent: Cell<usize>,
}

impl Transport for Noise {
    fn send_within(&self, request: Request<Vec<u8>>, _: ReplyLimits) -> Pending<'_, Reply> {
        let n = self.sent.get();
        self.sent.set(n + 1);
        let mut reply = self.replies[n % self.replies.len()].clone();
        let bearer = header(&request, "authorization").map(|text| text.replace("Bearer ", ""));
        let secret = bearer.unwrap_or_else(|| {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            body["password"].as_str().unwrap().to_owned()
        });
        if let Ok(reply) = &mut reply
            && let Ok(body) = std::str::from_utf8(reply.body())
        {
            *reply.body_mut() = body.replace(SENT, &secret).into_bytes();
        }
        Box::pin(ready(reply))
    }

    fn now(&self) -> DateTime<Utc> {
        now()
    }
}

/// The account of the one network that these settings are of.
pub(super) fn network(settings: &[(&str, &str)]) -> Rc<dyn Network> {
    let settings = Settings::read(&BundledTimeZones, |name| {
        let set = settings.iter().find(|(set, _)| *set == name);
        set.map(|(_, value)| (*value).to_owned())
    });
    let [configured] = settings.networks.try_into().expect("one network");
    configured.network.unwrap()
}

/// A reply of success.
// In the form in which it is a step of a script, of a text or a JSON value.
#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]
pub(super) fn ok(body: impl ToString) -> Reply {
    Ok(reply(200, &[], body.to_string()))
}

pub(super) fn refused(outcome: &Outcome) -> &Diagnosis {
    match outcome {
        Outcome::Refused(diagnosis) => diagnosis,
        other => panic!("{other:?} instead of a refusal"),
    }
}

/// How many seconds to wait, and why.
pub(super) fn pause(outcome: &Outcome) -> (i64, Reason) {
    match outcome {
        Outcome::Retry { at, diagnosis } => (at.timestamp() - NOW, diagnosis.reason),
        other => panic!("{other:?} instead of a retry"),
    }
}

/// A header's value, as text.
pub(super) fn header<'a>(request: &'a Request<Vec<u8>>, name: &str) -> Option<&'a str> {
    Some(request.headers().get(name)?.to_str().unwrap())
}

fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// That what went wrong is told in a line, with what to do, and no secret.
pub(super) fn assert_fit_to_be_shown(diagnosis: &Diagnosis, secrets: &[&str]) {
    let Diagnosis {
        message, remedy, ..
    } = diagnosis;
    assert!(message.chars().count() <= 300, "{message}");
    assert!(!message.contains(breaks_a_line), "{message}");
    assert!(!remedy.is_empty());
    for secret in secrets {
        assert!(!message.contains(secret), "{secret} is in {message}");
    }
}

/// That an attempt ended as one may, whatever came back.
pub(super) fn assert_fit(outcome: &Outcome, secrets: &[&str]) {
    if let Some(diagnosis) = outcome.diagnosis() {
        assert_fit_to_be_shown(diagnosis, secrets);
    } else {
        assert_eq!(outcome, &Outcome::Turned);
    }
    if let Outcome::Retry { at, .. } = outcome {
        assert!(*at > now());
    }
}

/// Any reply, and none: with a body of these, or of noise around them.
pub(super) fn any_reply(
    bodies: impl Strategy<Value = String> + 'static,
    headers: &'static [&'static str],
) -> impl Strategy<Value = Reply> {
    let body = prop_oneof![
        4 => bodies.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..100),
        1 => any::<String>().prop_map(|text| format!("<{text}").into_bytes()),
    ];
    let value = prop_oneof![
        "[ -~]{0,30}",
        any::<i64>().prop_map(|number| number.to_string()),
        (NOW - 10..NOW + 10_000).prop_map(|seconds| seconds.to_string()),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:00(\\.[0-9]{6})?Z",
    ];
    let headers = vec((proptest::sample::select(headers), value), 0..3);
    let status = prop_oneof![
        3 => Just(200),
        3 => proptest::sample::select(&[400_u16, 401, 403, 404, 413, 422, 429, 500, 503]),
        1 => 100_u16..1000,
    ];
    let some = (status, headers, body).prop_map(|(status, headers, body)| {
        let mut some = reply(status, &[], body);
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                some.headers_mut().append(name, value);
            }
        }
        Ok(some)
    });
    prop_oneof![
        9 => some,
        1 => Just(Err(SendError::Timeout)),
    ]
}

/// Bodies of error: any of these names with any words, some of which repeat what was
/// sent.
pub(super) fn any_error(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let words = prop_oneof![
        2 => any::<String>(),
        1 => "\\PC{300}",
        2 => (any::<String>(), any::<String>())
            .prop_map(|(before, after)| format!("{before}{SENT}{after}")),
    ];
    let name = prop_oneof![
        4 => proptest::sample::select(names).prop_map(ToOwned::to_owned),
        1 => words.clone().boxed(),
    ];
    (name, words).prop_map(|(error, message)| {
        json!({ "error": error, "message": message, "error_description": message }).to_string()
    })
}
