//! `rotate-icon publish`: stores an icon and its frames in the Worker's KV namespace.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::{ArgGroup, Args};
use rotate_icon_core::frames::set::{CURRENT_KEY, FrameSet};
use serde::Deserialize;

use crate::render::BulkEntry;
use crate::say;
use crate::source::{SourceArgs, frames_in_words, lowered_in_words};
use crate::text::shown;
use crate::workspace::{Workspace, ended};

/// How many values go into one bulk upload; wrangler's own limits are 10,000
/// values and 100 MB.
const BULK_VALUES: usize = 100;

/// Render an icon and publish its frames for the Worker.
///
/// Stores the icon and all frames in the KV namespace that is bound as FRAMES, then
/// switches the Worker to them with one last write, so an unfinished upload is never
/// shown. Run it again at any time: it sends only what is missing. The previous set is
/// kept, since KV may serve it for another minute or so; older sets are deleted.
///
/// It calls the project's own wrangler, so run it in the project's folder.
#[derive(Args)]
#[command(group(ArgGroup::new("where").args(["local", "remote"]).required(true)))]
pub(crate) struct Publish {
    #[command(flatten)]
    source: SourceArgs,

    /// Publish to the namespace at Cloudflare, with wrangler's login.
    #[arg(long)]
    remote: bool,

    /// Publish to the namespace that `wrangler dev` uses on this machine.
    #[arg(long)]
    local: bool,

    /// The folder of the local namespace, as in `wrangler dev --persist-to`.
    #[arg(long, value_name = "DIR", requires = "local")]
    persist_to: Option<PathBuf>,

    /// The id of the namespace, if it is not the deployed Worker's.
    #[arg(long, value_name = "ID", requires = "remote")]
    namespace_id: Option<String>,
}

pub(crate) async fn run(options: Publish) -> Result<ExitCode> {
    let workspace = Arc::new(Workspace::new()?);
    let theirs = Arc::clone(&workspace);
    let publishing = tokio::task::spawn_blocking(move || publish(&options, &theirs));
    tokio::select! {
        published = publishing => published?.map(|()| ExitCode::SUCCESS),
        status = ended() => {
            workspace.clear();
            // Does not wait for frames that are still being rendered.
            std::process::exit(status)
        }
    }
}

fn publish(options: &Publish, workspace: &Workspace) -> Result<()> {
    if !Path::new("wrangler.toml").exists() {
        bail!("there is no wrangler.toml here; run this in the project's folder");
    }
    let source = options.source.read()?;
    let set = source.set();
    let kv = Kv::new(options, workspace)?;

    let stored = kv.keys()?;
    let current = stored
        .contains(CURRENT_KEY)
        .then(|| kv.current())
        .transpose()?
        .flatten();

    // Renders only the missing frames.
    let is_missing = |key: &String| !stored.contains(key);
    let missing: Vec<u16> = (0..set.frames().get())
        .filter(|n| is_missing(&set.frame_key(*n)))
        .collect();
    let frames = source.frames(&missing)?;
    if let Some(lowered) = lowered_in_words(&frames) {
        say(&lowered);
    }
    let icon = source.stored_icon().filter(|_| is_missing(&set.icon_key()));
    let values: Vec<(String, &[u8])> = frames
        .iter()
        .map(|frame| (set.frame_key(frame.number), frame.file.as_slice()))
        .chain(icon.iter().map(|icon| (set.icon_key(), icon.as_slice())))
        .collect();
    let mut done = 0;
    for chunk in values.chunks(BULK_VALUES) {
        let entries = chunk
            .iter()
            .map(|(key, value)| BulkEntry::new(key.clone(), value));
        kv.put_all(&entries.collect::<Vec<_>>())
            .context("the frames could not be stored; the current set is untouched")?;
        done += chunk.len();
        say(&format!("Stored {done} of {} values.", values.len()));
    }

    if current.as_ref() == Some(set) {
        say(&format!("The current set is {} already.", set.id()));
    } else {
        kv.put_current(&source.current()?)
            .context("the new set is stored, but could not be made current; run this again")?;
        say(&format!(
            "Switched to {} with {}.",
            set.id(),
            frames_in_words(set.frames().get().into())
        ));
    }

    let kept = [Some(set), current.as_ref()];
    let old: Vec<&str> = stored
        .iter()
        .map(String::as_str)
        .filter(|key| {
            FrameSet::id_of_key(key)
                .is_some_and(|id| kept.iter().flatten().all(|kept| kept.id() != id))
        })
        .collect();
    if !old.is_empty() {
        kv.delete_all(&old)
            .context("the new set is current, but old ones could not be deleted; run this again")?;
        say(&format!("Deleted {} values of old sets.", old.len()));
    }
    Ok(())
}

/// The KV namespace, through wrangler.
struct Kv<'a> {
    flags: Vec<String>,
    workspace: &'a Workspace,
}

impl<'a> Kv<'a> {
    fn new(options: &Publish, workspace: &'a Workspace) -> Result<Self> {
        let mut flags = match &options.namespace_id {
            Some(id) => vec!["--namespace-id".to_owned(), id.clone()],
            None => vec!["--binding".to_owned(), "FRAMES".to_owned()],
        };
        flags.push(
            if options.remote {
                "--remote"
            } else {
                "--local"
            }
            .to_owned(),
        );
        if let Some(folder) = &options.persist_to {
            flags.push("--persist-to".to_owned());
            flags.push(path_text(folder)?.to_owned());
        }
        Ok(Self { flags, workspace })
    }

    fn keys(&self) -> Result<BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Key {
            name: String,
        }
        let json = self.wrangler(&["key", "list"])?;
        let keys: Vec<Key> =
            serde_json::from_slice(&json).context("wrangler's list of keys cannot be read")?;
        Ok(keys.into_iter().map(|key| key.name).collect())
    }

    /// Reads the current set; `None` if the stored value is not a set.
    fn current(&self) -> Result<Option<FrameSet>> {
        let json = self.wrangler(&["key", "get", CURRENT_KEY])?;
        Ok(serde_json::from_slice(&json).ok())
    }

    fn put_all(&self, entries: &[BulkEntry]) -> Result<()> {
        let file = self.file("put.json", &serde_json::to_vec(entries)?)?;
        self.wrangler(&["bulk", "put", &file]).map(drop)
    }

    fn put_current(&self, set: &str) -> Result<()> {
        let file = self.file("current.json", set.as_bytes())?;
        self.wrangler(&["key", "put", CURRENT_KEY, "--path", &file])
            .map(drop)
    }

    fn delete_all(&self, keys: &[&str]) -> Result<()> {
        let file = self.file("delete.json", &serde_json::to_vec(keys)?)?;
        self.wrangler(&["bulk", "delete", &file, "--force"])
            .map(drop)
    }

    fn file(&self, name: &str, content: &[u8]) -> Result<String> {
        let path = self.workspace.path().join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", shown(&path)))?;
        path_text(&path).map(str::to_owned)
    }

    /// Runs `wrangler kv …` and returns its output.
    fn wrangler(&self, words: &[&str]) -> Result<Vec<u8>> {
        let program = if cfg!(windows) { "npx.cmd" } else { "npx" };
        let mut command = Command::new(program);
        command
            .args(["--no-install", "wrangler", "kv"])
            .args(words)
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let started = self.workspace.start(&mut command);
        let mut printed = started
            .map_err(|error| anyhow!("cannot start npx ({error}); install Node.js 20 or later"))?;
        let mut output = Vec::new();
        printed.read_to_end(&mut output)?;
        if !self.workspace.wait()? {
            bail!(
                "`wrangler kv {}` failed: {}",
                words.join(" "),
                String::from_utf8_lossy(&output).trim()
            );
        }
        Ok(output)
    }
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| anyhow!("the path {} is not UTF-8", shown(path)))
}
