//! A temporary folder and a program that works in it. Both end with this process, also when a
//! signal ends it. The next run removes what a killed process has left behind.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use tempfile::{Builder, TempDir};

/// The prefix of all such folders' names.
const PREFIX: &str = "rotate-icon-publish-";

/// The file in the folder that its process locks.
const LOCK: &str = "lock";

/// How long a folder may be unlocked after it was created.
const UNLOCKED: Duration = Duration::from_mins(1);

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The folder, and the program that runs.
pub(crate) struct Workspace {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// `None` once it was removed.
    folder: Option<TempDir>,
    program: Option<Child>,
    /// The system releases it if the process ends.
    _lock: File,
}

impl Workspace {
    /// Creates a folder that only its owner can open, and removes folders that nobody uses.
    pub(crate) fn new() -> Result<Self> {
        Self::new_in(&env::temp_dir())
    }

    fn new_in(parent: &Path) -> Result<Self> {
        remove_left_over(parent);
        let make = || {
            let folder = Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            let lock = File::create(folder.path().join(LOCK))?;
            lock.lock()?;
            io::Result::Ok((folder, lock))
        };
        let (folder, lock) = make().context("cannot make a temporary folder")?;
        Ok(Self {
            path: folder.path().to_owned(),
            state: Mutex::new(State {
                folder: Some(folder),
                program: None,
                _lock: lock,
            }),
        })
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a program and returns its standard output, which must be a pipe.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<ChildStdout> {
        // In its own process group, so that its children can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.folder.is_none() {
            return Err(io::Error::other("this was ended"));
        }
        let mut program = command.spawn()?;
        let output = program.stdout.take();
        state.program = Some(program);
        output.ok_or_else(|| io::Error::other("it has no output"))
    }

    /// Waits for the program, which has closed its output, and returns whether it succeeded.
    pub(crate) fn wait(&self) -> io::Result<bool> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.program.take() {
            Some(mut program) => Ok(program.wait()?.success()),
            None => Ok(false),
        }
    }

    /// Ends the program and removes the folder.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut program) = state.program.take() {
            end(&mut program);
        }
        // If this fails, the next run removes it.
        let _ = state.folder.take().map(TempDir::close);
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Asks a program and its children to end, and kills the program if it does not.
fn end(program: &mut Child) {
    ask_to_end(program);
    let asked = Instant::now();
    while asked.elapsed() < GRACE && matches!(program.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // It may have ended already.
    let _ = program.kill();
    let _ = program.wait();
}

#[cfg(unix)]
fn ask_to_end(program: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let _ = kill_process_group(Pid::from_child(program), Signal::TERM);
}

/// This system has no way to ask.
#[cfg(not(unix))]
fn ask_to_end(_: &Child) {}

/// Removes the folders of processes that were killed.
fn remove_left_over(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && is_left_over(&entry.path()) {
            // Fails for a folder of another user, which stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left_over(folder: &Path) -> bool {
    match File::options().write(true).open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = fs::metadata(folder).and_then(|metadata| metadata.modified());
            made.is_ok_and(|made| {
                let age = SystemTime::now().duration_since(made);
                age.is_ok_and(|age| age > UNLOCKED)
            })
        }
        Err(_) => false,
    }
}

/// Waits for a signal that ends processes, and returns the exit status for it: 128 plus the
/// signal's number, as in shells.
#[cfg(unix)]
pub(crate) async fn ended() -> i32 {
    use tokio::signal::unix::{SignalKind, signal};

    let signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let waiting = signals.map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signal) => drop(signal.recv().await),
                // Without a handler, the signal ends the process itself.
                Err(_) => std::future::pending().await,
            }
            128 + kind.as_raw_value()
        })
    });
    futures_util::future::select_all(waiting).await.0
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn ended() -> i32 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => 130,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_behind_is_removed_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let names = || {
            let entries = fs::read_dir(parent.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("put.json"), "[]").unwrap();
        let new = parent.path().join(format!("{PREFIX}new"));
        fs::create_dir(&new).unwrap();
        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();

        let first = Workspace::new_in(parent.path()).unwrap();
        let second = Workspace::new_in(parent.path()).unwrap();
        assert!(!left.exists());
        assert_eq!(names().len(), 4);
        fs::write(first.path().join("put.json"), "[]").unwrap();
        drop(first);
        second.clear();
        assert_eq!(
            names(),
            [other.file_name().unwrap(), new.file_name().unwrap()]
        );
        assert!(second.start(&mut Command::new("true")).is_err());
    }
}
