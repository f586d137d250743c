//! A ledger in a file: the account's state on each network and the journal, as one JSON object that
//! is replaced as a whole. If another version wrote the file or it is damaged, everything that can
//! be understood is read, and a copy of the file is kept beside it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use rotate_icon_core::account::ledger::{Ledger, MAX_RECORDS, Record};
use rotate_icon_core::account::state::AccountState;
use rotate_icon_core::network::NETWORKS;
use rotate_icon_core::ports::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::private_file;
use crate::text::shown;

/// The version of the file's format.
const VERSION: u32 = 1;

/// The most bytes in a file: a journal of 2,000 entries takes a few million.
const MAX_BYTES: u64 = 64_000_000;

/// How long to wait for another turn: longer than any turn takes.
const LONGEST_TURN: Duration = Duration::from_mins(5);

/// A ledger in a file, or for one turn only.
pub(crate) struct StateFile {
    /// `None` keeps nothing.
    path: Option<PathBuf>,
    state: RefCell<State>,
    last_id: Cell<u32>,
    /// Why the last change could not be written.
    failure: RefCell<Option<String>>,
    /// A sentence that says what could not be read.
    notice: Option<String>,
    /// Held as long as this exists. The system releases it if the process ends.
    _lock: Option<File>,
}

#[derive(Clone, Serialize)]
struct State {
    version: u32,
    /// The id of the newest entry in the journal.
    last_id: u32,
    /// By network, as in the file: another version may know other networks.
    #[serde(rename = "standings")]
    account_states: BTreeMap<String, Value>,
    /// The journal, oldest first.
    journal: VecDeque<Kept>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            last_id: 0,
            account_states: BTreeMap::new(),
            journal: VecDeque::new(),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    id: u32,
    entry: Box<RawValue>,
}

/// Another process was making a turn for the whole wait.
#[derive(Debug, thiserror::Error)]
#[error("another turn has been going on for {} s, so that this one was left off", LONGEST_TURN.as_secs())]
pub(crate) struct Busy;

/// Reads the state of one network without opening the file for a turn. `None` if there is none that
/// can be understood.
pub(crate) fn glance(path: &Path, network: &str) -> Option<AccountState> {
    let json = private_file::read(path, MAX_BYTES).ok().flatten()?;
    let kept: Value = serde_json::from_slice(&json).ok()?;
    let account_state = kept.get("standings")?.get(network)?;
    serde_json::from_value(account_state.clone()).ok()
}

/// The default path, by the XDG rules.
pub(crate) fn default_path() -> Result<PathBuf> {
    const FILE: &str = "rotate-icon/state.json";

    let absolute = |name: &str| {
        let folder = PathBuf::from(std::env::var_os(name)?);
        folder.is_absolute().then_some(folder)
    };
    let local = |home: PathBuf| home.join(".local/state");
    let windows = || cfg!(windows).then(|| absolute("LOCALAPPDATA")).flatten();
    let folder = absolute("XDG_STATE_HOME").or_else(windows);
    let folder = folder.or_else(|| absolute("HOME").map(local));
    let folder = folder.context(
        "there is no HOME and no XDG_STATE_HOME to keep the state in; name a file with --state, \
         or keep none with --stateless",
    )?;
    Ok(folder.join(FILE))
}

impl StateFile {
    /// Creates a ledger that is lost with the process.
    pub(crate) fn none() -> Self {
        Self::of(None, State::default(), None)
    }

    /// Opens or creates a file, once no other process has it open.
    ///
    /// # Errors
    /// [`Busy`]; otherwise when the file cannot be read, or its copy cannot be written. The file
    /// stays unchanged.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        refuse_what_is_no_file(path)?;
        if let Some(folder) = path.parent() {
            make_folder(folder)
                .with_context(|| format!("cannot make the folder {}", shown(folder)))?;
        }
        let lock = lock(path).await?;
        let (state, notice) = read(path)?;
        Ok(Self {
            notice,
            ..Self::of(Some(path.to_owned()), state, Some(lock))
        })
    }

    /// A sentence that says what could not be read, if anything.
    pub(crate) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    fn of(path: Option<PathBuf>, state: State, lock: Option<File>) -> Self {
        Self {
            path,
            last_id: Cell::new(state.last_id),
            state: RefCell::new(state),
            failure: RefCell::default(),
            notice: None,
            _lock: lock,
        }
    }

    /// Why the last change could not be written, if it could not.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Makes a change and writes it, or makes none.
    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), StoreError> {
        let mut state = self.state.borrow().clone();
        change(&mut state);
        if let Some(path) = &self.path {
            let written = serde_json::to_vec(&state)
                .map_err(anyhow::Error::from)
                .and_then(|json| private_file::write(path, &json));
            if let Err(error) = written {
                let error = format!("{error:#}");
                self.failure.replace(Some(error.clone()));
                return Err(StoreError::Write(error));
            }
        }
        self.state.replace(state);
        self.failure.take();
        Ok(())
    }
}

impl Ledger for StateFile {
    fn advice(&self) -> &'static str {
        "See that the state file can be written, or name another with --state."
    }

    fn ask_now(&self) -> &'static str {
        "add --force"
    }

    fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    async fn account_state(&self, network: &str) -> Result<AccountState, StoreError> {
        let state = self.state.borrow();
        let stored = state.account_states.get(network);
        Ok(stored.map_or_else(AccountState::default, |stored| {
            AccountState::read(stored.to_string().as_bytes(), "").0
        }))
    }

    async fn keep(
        &self,
        network: &str,
        account_state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> Result<(), StoreError> {
        if record.is_none() && self.account_state(network).await? == *account_state {
            return Ok(());
        }
        let record = record.map(|Record { id, entry }| {
            let entry = RawValue::from_string((*entry).to_owned());
            let entry = entry.map_err(|error| StoreError::Write(error.to_string()))?;
            Ok(Kept { id: *id, entry })
        });
        let record = record.transpose()?;
        let account_state = serde_json::to_value(account_state)
            .map_err(|error| StoreError::Write(error.to_string()))?;
        self.change(|state| {
            state
                .account_states
                .insert(network.to_owned(), account_state);
            state.last_id = self.last_id.get();
            let Some(record) = record else {
                return;
            };
            match state.journal.iter_mut().find(|kept| kept.id == record.id) {
                Some(kept) => *kept = record,
                None => state.journal.push_back(record),
            }
            while state.journal.len() > MAX_RECORDS as usize {
                state.journal.pop_front();
            }
        })
    }

    fn next_id(&self) -> Result<u32, StoreError> {
        let next = self.last_id.get().saturating_add(1);
        self.last_id.set(next);
        Ok(next)
    }

    /// Does nothing: the next run finds out itself what is waiting.
    async fn wake_at(&self, _: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        Ok(())
    }

    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError> {
        let state = self.state.borrow();
        let newest = state.journal.iter().rev();
        let older = newest.filter(|kept| before.is_none_or(|before| kept.id < before));
        let records = older.take(limit.into());
        Ok(records
            .map(|kept| (kept.id, kept.entry.get().to_owned()))
            .collect())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        self.change(|state| {
            state.account_states.clear();
            state.journal.clear();
        })
    }
}

/// Reads everything in a file that can be understood. If that is not all, keeps a copy of the file
/// and returns a sentence that says so.
fn read(path: &Path) -> Result<(State, Option<String>)> {
    let unusable = || {
        format!(
            "the state in {} cannot be read, so nothing was sent and the file is as it was; name \
             another with --state",
            shown(path)
        )
    };
    let Some(json) = private_file::read(path, MAX_BYTES).with_context(unusable)? else {
        return Ok((State::default(), None));
    };
    let beside = beside(path, &json);
    let (state, why) = State::read(&json, &format!("The file is kept as {}.", shown(&beside)));
    let Some(why) = why else {
        return Ok((state, None));
    };
    private_file::write(&beside, &json).with_context(unusable)?;
    let notice = format!(
        "the state in {} could not all be read ({why}); this turn goes on with what is \
         understood, and the file is kept as {}",
        shown(path),
        shown(&beside)
    );
    Ok((state, Some(notice)))
}

/// The path for a copy of a file that is not understood: the same for the same content.
fn beside(path: &Path, content: &[u8]) -> PathBuf {
    let hash: [u8; 32] = Sha256::digest(content).into();
    let mut name = path
        .file_name()
        .expect("a file that was read has a name")
        .to_owned();
    name.push(format!(".unread-{}", HEXLOWER.encode(&hash[..4])));
    path.with_file_name(name)
}

impl State {
    /// Reads everything in a file that can be understood, and returns what cannot. The state of
    /// each affected network notes it, with the sentence `aside`, so that a turn tells the owner.
    fn read(json: &[u8], aside: &str) -> (Self, Option<String>) {
        let mut state = Self::default();
        let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(json)
        else {
            let why = "it is no JSON object";
            state.note_everywhere("It is no JSON object.", aside);
            return (state, Some(why.to_owned()));
        };
        let mut unread = Vec::new();
        if take(&mut members, "version", &mut unread) != Some(VERSION) {
            unread.push("version".to_owned());
        }
        state.last_id = take(&mut members, "last_id", &mut unread).unwrap_or_default();
        state.account_states = take(&mut members, "standings", &mut unread).unwrap_or_default();
        let journal: Vec<Box<RawValue>> =
            take(&mut members, "journal", &mut unread).unwrap_or_default();
        for entry in journal {
            match serde_json::from_str::<Kept>(entry.get()) {
                Ok(kept) => {
                    state.last_id = state.last_id.max(kept.id);
                    state.journal.push_back(kept);
                }
                Err(_) => unread.push("journal".to_owned()),
            }
        }
        unread.extend(members.into_keys());
        unread.dedup();
        if !unread.is_empty() {
            let names: Vec<_> = unread.iter().map(|name| format!("`{name:.40}`")).collect();
            state.note_everywhere(&format!("Not understood: {}.", names.join(", ")), aside);
        }
        for (network, stored) in &mut state.account_states {
            // The state of a network that only another version knows stays unchanged.
            if NETWORKS.iter().all(|one| one.name != network) {
                continue;
            }
            let (account_state, is_whole) =
                AccountState::read(stored.to_string().as_bytes(), aside);
            if !is_whole {
                unread.push(format!("standings.{network}"));
                *stored = json!(account_state);
            }
        }
        let why = unread.iter().map(|name| name.escape_debug().to_string());
        let why = why.collect::<Vec<_>>().join(", ");
        (
            state,
            (!unread.is_empty()).then(|| format!("not understood: {why:.200}")),
        )
    }

    /// Notes in every network's state that something could not be read.
    fn note_everywhere(&mut self, why: &str, aside: &str) {
        let note = AccountState::unread(why, aside);
        for network in NETWORKS {
            let stored = self.account_states.entry(network.name.to_owned());
            let stored = stored.or_insert_with(|| json!(note));
            if let Some(members) = stored.as_object_mut() {
                members
                    .entry("unread")
                    .or_insert_with(|| json!(note.unread));
            }
        }
    }
}

/// Takes a member out of an object, and adds its name to `unread` if it cannot be understood.
fn take<T: for<'de> Deserialize<'de>>(
    members: &mut BTreeMap<String, Box<RawValue>>,
    name: &str,
    unread: &mut Vec<String>,
) -> Option<T> {
    let member = members.remove(name)?;
    let read = serde_json::from_str(member.get()).ok();
    if read.is_none() {
        unread.push(name.to_owned());
    }
    read
}

/// Waits until no other process makes a turn with the file. Locks a file beside it, because each
/// change replaces the file itself.
async fn lock(path: &Path) -> Result<File> {
    let name = path.file_name();
    let name = name.with_context(|| format!("--state {} names no file", shown(path)))?;
    let mut name = name.to_owned();
    name.push(".lock");
    let path = path.with_file_name(name);
    let cannot = || format!("cannot lock {}", shown(&path));
    refuse_what_is_no_file(&path)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).with_context(cannot)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LONGEST_TURN => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(TryLockError::WouldBlock) => bail!(Busy),
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
    }
}

/// Refuses a folder, a device, which may never end, and a pipe, which may never begin.
fn refuse_what_is_no_file(path: &Path) -> Result<()> {
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    ensure!(
        !is_other,
        "{} is no regular file, so that no state can be kept there; nothing was sent. Name another \
         with --state",
        shown(path)
    );
    Ok(())
}

/// Creates a folder that only its owner can open, unless it exists.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account_state(refusals: u32) -> AccountState {
        AccountState {
            refusals,
            ..AccountState::default()
        }
    }

    async fn keep(ledger: &StateFile, network: &str, refusals: u32, entry: &str) {
        let id = ledger.next_id().unwrap();
        let record = Record { id, entry };
        ledger
            .keep(network, &account_state(refusals), Some(&record))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn what_is_kept_is_there_for_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/state.json");
        {
            let ledger = StateFile::open(&path).await.unwrap();
            assert_eq!(
                ledger.account_state("x").await.unwrap(),
                AccountState::default()
            );
            keep(&ledger, "x", 1, r#"{"n":1}"#).await;
            keep(&ledger, "mastodon", 2, r#"{"n":2}"#).await;
            ledger.keep("x", &account_state(3), None).await.unwrap();
        }
        let ledger = StateFile::open(&path).await.unwrap();
        assert_eq!(ledger.account_state("x").await.unwrap(), account_state(3));
        assert_eq!(
            ledger.account_state("mastodon").await.unwrap(),
            account_state(2)
        );
        let first = (1, r#"{"n":1}"#.to_owned());
        let second = (2, r#"{"n":2}"#.to_owned());
        assert_eq!(ledger.records(None, 9).unwrap(), [second, first.clone()]);
        assert_eq!(ledger.records(Some(2), 9).unwrap(), [first]);
        assert_eq!(ledger.next_id().unwrap(), 3);
        assert!(!private_file::is_open_to_others(&path));
        ledger.forget().await.unwrap();
        assert_eq!(ledger.records(None, 9).unwrap(), []);
    }

    #[tokio::test]
    async fn the_journal_is_bounded_and_an_entry_is_replaced_by_its_id() {
        let ledger = StateFile::none();
        for n in 0..=MAX_RECORDS {
            keep(&ledger, "x", n, "{}").await;
        }
        assert_eq!(ledger.records(None, u16::MAX).unwrap().len(), 2000);
        assert_eq!(ledger.records(Some(3), 9).unwrap(), [(2, "{}".to_owned())]);
        let record = Record { id: 2, entry: "[]" };
        ledger
            .keep("x", &account_state(0), Some(&record))
            .await
            .unwrap();
        assert_eq!(ledger.records(Some(3), 9).unwrap(), [(2, "[]".to_owned())]);
    }

    /// The files in the folder of a state, but for the lock.
    fn files(path: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let files = entries.map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let text = fs::read(entry.path()).unwrap();
            (name, String::from_utf8_lossy(&text).into_owned())
        });
        files
            .filter(|(name, _)| name != "state.json.lock")
            .collect()
    }

    /// Opens what is no state of this version: what is said, and what is known of X.
    async fn open(content: &[u8]) -> (String, AccountState, StateFile, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, content).unwrap();
        let ledger = StateFile::open(&path).await.unwrap();
        let notice = ledger.notice().expect("a notice").to_owned();
        let account_state = ledger.account_state("x").await.unwrap();
        // It is there twice now, and the copy is the owner's alone.
        let text = String::from_utf8_lossy(content).into_owned();
        let kept = files(&path);
        assert_eq!(kept.values().collect::<Vec<_>>(), [&text, &text]);
        let copy = folder.path().join(kept.keys().next_back().unwrap());
        assert!(notice.contains(copy.to_str().unwrap()), "{notice}");
        assert!(!private_file::is_open_to_others(&copy));
        (notice, account_state, ledger, folder)
    }

    #[tokio::test]
    async fn what_is_no_state_is_kept_beside_and_a_new_one_begun() {
        for garbage in [
            b"".as_slice(),
            b"{",
            b"null",
            b"[]",
            b"\xff\xfe\0",
            b"garbage",
        ] {
            let (notice, account_state, ledger, folder) = open(garbage).await;
            assert!(notice.contains("no JSON object"), "{notice}");
            let unread = account_state.unread.clone().expect("a note for the owner");
            assert!(unread.diagnosis.remedy.contains(".unread-"), "{unread:?}");
            assert_eq!(
                AccountState {
                    unread: None,
                    ..account_state
                },
                AccountState::default()
            );

            // What is kept from now on is a whole state again.
            ledger
                .keep("x", &AccountState::default(), None)
                .await
                .unwrap();
            drop(ledger);
            let path = folder.path().join("state.json");
            let ledger = StateFile::open(&path).await.unwrap();
            assert_eq!(ledger.notice(), None);
            assert_eq!(
                ledger.account_state("x").await.unwrap(),
                AccountState::default()
            );
            assert_eq!(files(&path).len(), 2);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_no_file_is_refused_at_once_and_gets_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        for path in [link.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = StateFile::open(path).await.err().unwrap();
            assert!(error.to_string().contains("is no regular file"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!Path::new("/dev/zero.lock").exists());
    }

    #[tokio::test]
    async fn a_file_without_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let error = StateFile::open(&path).await.err().unwrap();
        assert!(format!("{error:#}").contains("has more than"), "{error:#}");
    }

    #[tokio::test]
    async fn of_a_newer_state_what_is_understood_is_kept_the_hold_first() {
        let newer = r#"{"version":2,"last_id":7,"lease":{"until":9},"standings":{
            "x":{"refusals":"many","hold":{"until":1795314900000,"kind":"pause","scope":"app",
                 "trouble":{"reason":"rate-limit","message":"Too many.","remedy":"Wait."}}},
            "mastodon":{"refusals":2},
            "threads":{"session":[1,2]}},
            "journal":[{"id":6,"entry":{"n":6}},{"id":"seven","entry":{}},{"id":9,"entry":"text"}]}"#;
        let (notice, account_state, ledger, folder) = open(newer.as_bytes()).await;
        for name in ["version", "lease", "journal", "standings.x"] {
            assert!(notice.contains(name), "{name}: {notice}");
        }
        let hold = account_state.hold.clone().expect("the hold");
        assert_eq!(hold.until.timestamp_millis(), 1_795_314_900_000);
        assert_eq!(hold.diagnosis.message, "Too many.");
        assert_eq!(account_state.refusals, 0);
        let message = account_state.unread.clone().unwrap().diagnosis.message;
        assert!(
            message.contains("`hold`") && message.contains("`refusals`"),
            "{message}"
        );
        // Of the other one all is understood, but the file was not.
        let other = ledger.account_state("mastodon").await.unwrap();
        assert_eq!(other.refusals, 2);
        assert!(
            other
                .unread
                .unwrap()
                .diagnosis
                .message
                .contains("`version`")
        );
        assert_eq!(ledger.next_id().unwrap(), 10);
        let ids = ledger.records(None, 9).unwrap();
        assert_eq!(ids.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [9, 6]);

        ledger
            .keep("x", &AccountState::default(), None)
            .await
            .unwrap();
        let written = fs::read_to_string(folder.path().join("state.json")).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["version"], 1);
        // Should it be that version's turn again, it finds its network as it left it.
        assert_eq!(
            written["standings"]["threads"],
            json!({ "session": [1, 2] })
        );
    }

    #[tokio::test]
    async fn what_cannot_be_kept_beside_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, "garbage").unwrap();
        fs::create_dir(beside(&path, b"garbage")).unwrap();
        let error = StateFile::open(&path).await.err().unwrap();
        assert!(
            format!("{error:#}").contains("nothing was sent"),
            "{error:#}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "garbage");
    }

    #[tokio::test]
    async fn a_state_of_today_is_read_in_full() {
        let today = r#"{"version":1,"last_id":3,"standings":{"x":{"set":{"id":"0123456789abcdef0123456789abcdef","frames":12},"showing":{"set":"0123456789abcdef0123456789abcdef","frame":11},"slot":{"start":1795312800000,"end":1795316400000,"trigger":"cron","scheduled_at":1795314225000,"frame":11,"attempts":1,"is_turned":true,"record":3},"hold":null,"refusals":0,"stopped":null,"wake_at":null,"memory":null}},"journal":[{"id":3,"entry":{"event":"turn","outcome":"turned"}}]}"#;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, today).unwrap();
        let ledger = StateFile::open(&path).await.unwrap();
        assert_eq!(ledger.notice(), None);
        let account_state = ledger.account_state("x").await.unwrap();
        assert_eq!(account_state.shown_frame.as_ref().unwrap().frame, 11);
        assert_eq!(account_state.slot.as_ref().unwrap().record, Some(3));
        assert_eq!(ledger.next_id().unwrap(), 4);
        // A change writes the rest as it was.
        ledger
            .keep("mastodon", &AccountState::default(), None)
            .await
            .unwrap();
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let before: Value = serde_json::from_str(today).unwrap();
        assert_eq!(written["standings"]["x"], before["standings"]["x"]);
        assert_eq!(written["journal"], before["journal"]);
    }

    #[tokio::test]
    async fn a_second_process_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let first = StateFile::open(&path).await.unwrap();
        let second = async { StateFile::open(&path).await.unwrap() };
        let end_first = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            keep(&first, "x", 7, "{}").await;
            drop(first);
        };
        let (second, ()) = tokio::join!(second, end_first);
        assert_eq!(second.account_state("x").await.unwrap(), account_state(7));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let ledger = StateFile::open(&path).await.unwrap();
        fs::create_dir(&path).unwrap();
        ledger.keep("x", &account_state(1), None).await.unwrap_err();
        assert!(ledger.failure().unwrap().contains("cannot write"));
        assert_eq!(
            ledger.account_state("x").await.unwrap(),
            AccountState::default()
        );
        fs::remove_dir(&path).unwrap();
        ledger.keep("x", &account_state(1), None).await.unwrap();
        assert_eq!(ledger.failure(), None);
    }
}
