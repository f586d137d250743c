//! A ledger in a file: what is known of the account on each network, and the
//! journal, as one JSON object that is replaced as a whole.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use rotate_icon::ports::{Ledger, MAX_RECORDS, Record, StoreError};
use rotate_icon::standing::Standing;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::private_file;

/// The form of the file, should there be others one day.
const VERSION: u32 = 1;

/// How long to wait for another turn: longer than any takes.
const LONGEST_TURN: Duration = Duration::from_mins(5);

/// A ledger, in a file or for one turn only.
pub(crate) struct StateFile {
    /// `None` keeps nothing.
    path: Option<PathBuf>,
    state: RefCell<State>,
    last_id: Cell<u32>,
    /// Why the last change could not be written.
    failure: RefCell<Option<String>>,
    /// Held as long as this is; the system frees it if the process ends.
    _lock: Option<File>,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    /// The last id that an entry of the journal was given.
    last_id: u32,
    /// By network.
    standings: BTreeMap<String, Standing>,
    /// The journal, oldest first.
    journal: VecDeque<Kept>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            last_id: 0,
            standings: BTreeMap::new(),
            journal: VecDeque::new(),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    id: u32,
    entry: Box<RawValue>,
}

/// Another process was making a turn all the time.
#[derive(Debug, thiserror::Error)]
#[error("another turn has been going on for {} s, so that this one was left off", LONGEST_TURN.as_secs())]
pub(crate) struct Busy;

/// Where the state is if nobody says: by the rules of XDG.
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
    /// A ledger that is gone with the process.
    pub(crate) fn none() -> Self {
        Self::of(None, State::default(), None)
    }

    /// Opens a file, or begins one, once no other process has it open.
    ///
    /// # Errors
    /// [`Busy`], or what keeps the file from being read. It is left as it is.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            make_folder(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let lock = lock(path).await?;
        let state = read(path)?;
        Ok(Self::of(Some(path.to_owned()), state, Some(lock)))
    }

    fn of(path: Option<PathBuf>, state: State, lock: Option<File>) -> Self {
        Self {
            path,
            last_id: Cell::new(state.last_id),
            state: RefCell::new(state),
            failure: RefCell::default(),
            _lock: lock,
        }
    }

    /// Why what happened could not be kept, if it could not.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Makes a change that is in the file at once, or not at all.
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
    const ADVICE: &'static str =
        "See that the state file can be written, or name another with --state.";

    fn standing(&self, network: &str) -> Result<Standing, StoreError> {
        let state = self.state.borrow();
        Ok(state.standings.get(network).cloned().unwrap_or_default())
    }

    fn keep(
        &self,
        network: &str,
        standing: &Standing,
        record: Option<&Record<'_>>,
    ) -> Result<(), StoreError> {
        if record.is_none() && self.standing(network)? == *standing {
            return Ok(());
        }
        let record = record.map(|Record { id, entry }| {
            let entry = RawValue::from_string((*entry).to_owned());
            let entry = entry.map_err(|error| StoreError::Write(error.to_string()))?;
            Ok(Kept { id: *id, entry })
        });
        let record = record.transpose()?;
        self.change(|state| {
            state.standings.insert(network.to_owned(), standing.clone());
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

    /// Nobody is woken: the next run sees for itself what waits.
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

    fn forget(&self) -> Result<(), StoreError> {
        self.change(|state| {
            state.standings.clear();
            state.journal.clear();
        })
    }
}

fn read(path: &Path) -> Result<State> {
    let unusable = || {
        format!(
            "the state in {} cannot be read, so nothing was sent and the file is as it was; move \
             it away to begin a new one",
            path.display()
        )
    };
    let json = match fs::read(path) {
        Ok(json) => json,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => return Err(error).with_context(unusable),
    };
    let state: State = serde_json::from_slice(&json).with_context(unusable)?;
    let is_known = || {
        ensure!(
            state.version == VERSION,
            "it has the form {} of a newer rotate-icon",
            state.version
        );
        Ok(())
    };
    is_known().with_context(unusable)?;
    Ok(state)
}

/// Waits until no other process makes a turn with the file. The lock is on a file
/// beside it, since the file itself is replaced with each change.
async fn lock(path: &Path) -> Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = path.with_file_name(name);
    let cannot = || format!("cannot lock {}", path.display());
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

/// Makes a folder for the state, of the owner alone, unless it is there.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(refusals: u32) -> Standing {
        Standing {
            refusals,
            ..Standing::default()
        }
    }

    fn keep(ledger: &StateFile, network: &str, refusals: u32, entry: &str) {
        let id = ledger.next_id().unwrap();
        let record = Record { id, entry };
        ledger
            .keep(network, &standing(refusals), Some(&record))
            .unwrap();
    }

    #[tokio::test]
    async fn what_is_kept_is_there_for_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/state.json");
        {
            let ledger = StateFile::open(&path).await.unwrap();
            assert_eq!(ledger.standing("x").unwrap(), Standing::default());
            keep(&ledger, "x", 1, r#"{"n":1}"#);
            keep(&ledger, "mastodon", 2, r#"{"n":2}"#);
            ledger.keep("x", &standing(3), None).unwrap();
        }
        let ledger = StateFile::open(&path).await.unwrap();
        assert_eq!(ledger.standing("x").unwrap(), standing(3));
        assert_eq!(ledger.standing("mastodon").unwrap(), standing(2));
        let first = (1, r#"{"n":1}"#.to_owned());
        let second = (2, r#"{"n":2}"#.to_owned());
        assert_eq!(ledger.records(None, 9).unwrap(), [second, first.clone()]);
        assert_eq!(ledger.records(Some(2), 9).unwrap(), [first]);
        assert_eq!(ledger.next_id().unwrap(), 3);
        assert!(!private_file::is_open_to_others(&path));
        ledger.forget().unwrap();
        assert_eq!(ledger.records(None, 9).unwrap(), []);
    }

    #[tokio::test]
    async fn the_journal_is_bounded_and_an_entry_is_replaced_by_its_id() {
        let ledger = StateFile::none();
        for n in 0..=MAX_RECORDS {
            keep(&ledger, "x", n, "{}");
        }
        assert_eq!(ledger.records(None, u16::MAX).unwrap().len(), 2000);
        assert_eq!(ledger.records(Some(3), 9).unwrap(), [(2, "{}".to_owned())]);
        let record = Record { id: 2, entry: "[]" };
        ledger.keep("x", &standing(0), Some(&record)).unwrap();
        assert_eq!(ledger.records(Some(3), 9).unwrap(), [(2, "[]".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_no_state_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for garbage in [
            "",
            "{",
            "{}",
            r#"{"version":2,"last_id":0,"standings":{},"journal":[]}"#,
            r#"{"version":1,"last_id":0,"standings":{"x":{}},"journal":[]}"#,
        ] {
            fs::write(&path, garbage).unwrap();
            let error = StateFile::open(&path).await.err().unwrap();
            assert!(format!("{error:#}").contains("move it away"), "{error:#}");
            assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
        }
    }

    #[tokio::test]
    async fn a_second_process_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let first = StateFile::open(&path).await.unwrap();
        let second = async { StateFile::open(&path).await.unwrap() };
        let end_first = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            keep(&first, "x", 7, "{}");
            drop(first);
        };
        let (second, ()) = tokio::join!(second, end_first);
        assert_eq!(second.standing("x").unwrap(), standing(7));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let ledger = StateFile::open(&path).await.unwrap();
        fs::create_dir(&path).unwrap();
        ledger.keep("x", &standing(1), None).unwrap_err();
        assert!(ledger.failure().unwrap().contains("cannot write"));
        assert_eq!(ledger.standing("x").unwrap(), Standing::default());
        fs::remove_dir(&path).unwrap();
        ledger.keep("x", &standing(1), None).unwrap();
        assert_eq!(ledger.failure(), None);
    }
}
