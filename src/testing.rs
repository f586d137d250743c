//! What the tests of several modules share: a host in memory and the settings
//! of a made-up account.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};
use http::{Request, Response};
use serde_json::Value;

use crate::dial::FrameCount;
use crate::frame_set::{CURRENT_KEY, FrameSet, MediaType};
use crate::journal::Entry;
use crate::ports::{
    Body, BodyError, Client, Clock, Journal, Lifetime, SendError, Store, StoreError,
};
use crate::settings::{
    ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_KEY, API_KEY_SECRET, Settings, TRIGGER_TOKEN,
};

/// The four keys of the made-up account; none is part of any other text.
pub(crate) const KEYS: [(&str, &str); 4] = [
    (API_KEY, "kAPIkAPIkAPI"),
    (API_KEY_SECRET, "kSECRETkSECRET+/"),
    (ACCESS_TOKEN, "370773112-tACCESStACCESS"),
    (ACCESS_TOKEN_SECRET, "tSECRETtSECRET+/"),
];

/// The token that opens the manual turn.
pub(crate) const TRIGGER: &str = "correct-horse-battery-staple";

/// The four keys and the trigger token.
pub(crate) fn secrets() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(_, value)| *value).chain([TRIGGER])
}

/// Every secret as it is and as it is written in a header or a form.
pub(crate) fn assert_no_secret_in(text: &str) {
    for secret in secrets() {
        let encoded = crate::oauth1::percent_encoded(secret);
        assert!(!text.contains(secret), "{secret} is in {text}");
        assert!(!text.contains(&encoded), "{encoded} is in {text}");
    }
    assert!(
        !text.contains("oauth_signature"),
        "a signature is in {text}"
    );
}

/// The settings with all keys, the trigger token, and these on top; an empty
/// text unsets.
pub(crate) fn settings_with(changes: &[(&str, &str)]) -> Settings {
    Settings::read(|name| {
        changes
            .iter()
            .chain(&KEYS)
            .chain(&[(TRIGGER_TOKEN, TRIGGER)])
            .find(|(set, _)| *set == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

/// The settings of an account that turns by the hour in Japan.
pub(crate) fn settings() -> Settings {
    settings_with(&[])
}

pub(crate) fn instant(rfc3339: &str) -> DateTime<Utc> {
    rfc3339.parse().unwrap()
}

/// The set of twelve frames that [`Host::new`] has.
pub(crate) fn frame_set() -> FrameSet {
    let frames = FrameCount::new(12).unwrap();
    FrameSet::of_album([b"icon".as_slice()], "recipe", frames, MediaType::Jpeg)
}

/// The bytes of a frame of [`frame_set`]: short, not text, and each its own.
pub(crate) fn frame_bytes(n: u16) -> Vec<u8> {
    let [high, low] = n.to_be_bytes();
    vec![
        0xff, 0xd8, 0x00, b'\r', b'\n', b'-', b'-', high, low, 0xff, 0xd9,
    ]
}

type Reply = Result<Response<Vec<u8>>, SendError>;

/// A host in memory: what it stores, what X answers, what was sent to X.
pub(crate) struct Host {
    pub(crate) now: DateTime<Utc>,
    pub(crate) values: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The keys whose writing fails.
    pub(crate) read_only_keys: BTreeSet<String>,
    /// The keys whose reading fails.
    pub(crate) broken_keys: BTreeSet<String>,
    pub(crate) reply: Reply,
    sent: RefCell<Vec<Request<Vec<u8>>>>,
    journal: RefCell<Vec<Value>>,
}

impl Host {
    /// It is 11:23:45 in Japan, twelve frames are stored and X takes them.
    pub(crate) fn new() -> Self {
        let set = frame_set();
        let mut host = Self {
            now: instant("2026-11-22T02:23:45Z"),
            values: RefCell::default(),
            read_only_keys: BTreeSet::new(),
            broken_keys: BTreeSet::new(),
            reply: Ok(reply(200, &[], USER)),
            sent: RefCell::default(),
            journal: RefCell::default(),
        };
        host.store(CURRENT_KEY, serde_json::to_vec(&set).unwrap());
        for n in 0..set.frames().get() {
            host.store(&set.frame_key(n), frame_bytes(n));
        }
        host
    }

    pub(crate) fn store(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.values.get_mut().insert(key.to_owned(), value.into());
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.values
            .get_mut()
            .remove(key)
            .expect("a key that is stored");
    }

    pub(crate) fn fail_to_read(&mut self, key: &str) {
        self.broken_keys.insert(key.to_owned());
    }

    /// Takes what was sent so far.
    pub(crate) fn take_sent(&self) -> Vec<Request<Vec<u8>>> {
        self.sent.take()
    }

    /// Takes the one request that was sent.
    pub(crate) fn take_only_sent(&self) -> Request<Vec<u8>> {
        let [request] = self.take_sent().try_into().expect("one request");
        request
    }

    /// Takes the one entry that was recorded.
    pub(crate) fn take_only_entry(&self) -> Value {
        let [entry] = self.journal.take().try_into().expect("one entry");
        entry
    }
}

impl Journal for Host {
    fn record(&self, entry: &Entry<'_>) {
        let entry = serde_json::to_value(entry).unwrap();
        self.journal.borrow_mut().push(entry);
    }
}

impl Store for Host {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if self.broken_keys.contains(key) {
            let error = "KV GET failed: 500 Internal Error".to_owned();
            return Err(StoreError::Read(error));
        }
        Ok(self.values.borrow().get(key).cloned())
    }

    async fn write(&self, key: &str, value: &[u8], _: Lifetime) -> Result<(), StoreError> {
        if self.read_only_keys.contains(key) {
            let error = "KV PUT failed: 429 Too Many Requests".to_owned();
            return Err(StoreError::Write(error));
        }
        self.values
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }
}

/// A body that must not be read.
pub(crate) struct NoBody;

impl Body for NoBody {
    async fn read(&self, _: usize) -> Result<Vec<u8>, BodyError> {
        panic!("this body must not be read")
    }
}

/// A body, or what goes wrong while it is read.
pub(crate) struct Sent(pub(crate) Result<Vec<u8>, BodyError>);

impl Body for Sent {
    async fn read(&self, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
        match &self.0 {
            Ok(bytes) if bytes.len() > max_bytes => Err(BodyError::TooLarge),
            other => other.clone(),
        }
    }
}

impl Client for Host {
    async fn send(&self, request: Request<Vec<u8>>) -> Reply {
        self.sent.borrow_mut().push(request);
        self.reply.clone()
    }
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// As much of a user object as matters.
pub(crate) const USER: &str = r#"{"id":6253282,"screen_name":"XAPI","name":"X API"}"#;

pub(crate) fn reply(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Response<Vec<u8>> {
    let mut reply = Response::builder().status(status);
    for (name, value) in headers {
        reply = reply.header(*name, *value);
    }
    reply.body(body.into()).unwrap()
}

/// Runs a future that never waits, as none of [`Host`]'s does.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future)
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a host in memory never waits"),
    }
}
