//! `rotate-icon turn`: makes the Worker's turn on this machine.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use http::{Request, Response};
use rotate_icon_core::account::journal::{Report, Trigger};
use rotate_icon_core::account::ledger::Ledger;
use rotate_icon_core::account::settings::Settings;
use rotate_icon_core::account::turn::{self, TurnRequest, turn};
use rotate_icon_core::frames::set::CURRENT_KEY;
use rotate_icon_core::network::NETWORKS;
use rotate_icon_core::outcome::Outcome;
use rotate_icon_core::ports::{
    Advice, Client, Clock, Lifetime, Log, ReplyLimits, SendError, Store, StoreError,
};

use crate::client::Https;
use crate::rendered::RenderedFolder;
use crate::settings_source::{SettingsArgs, prepared};
use crate::source::{Source, SourceArgs};
use crate::state_file::{self, Busy, StateFile};
use crate::status::Status;
use crate::{complain, say, time_zones};

/// Turn the icon now, from this machine instead of a Worker
///
/// Sends the frame that is due to each network in the settings, unless it has been
/// sent already. Have cron or a systemd timer run this at least once a frame; more
/// often, so that a failed turn is tried again. It never waits: if a network asks for
/// a pause, runs leave it alone until the pause is over.
///
/// A state file keeps what was sent and what is waiting. Two runs at once make one
/// turn. A refusal is tried again after 1, 2, 4 hours and so on, up to a day; at once
/// if the settings have changed, or with --force. A run for which it is too early
/// reports no error.
///
/// Exit status:
///   0   every network shows the frame, or there is nothing to do
///   75  a network could not take it now, or is paused; a later run tries again
///   78  a setting is missing or wrong
///   1   something else needs your attention; the message says what
///   2   the command line is wrong
#[derive(Args)]
#[command(verbatim_doc_comment)]
// Each is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Turn {
    #[command(flatten)]
    source: SourceArgs,

    /// Use the frames in a folder that `rotate-icon render --out DIR` has written.
    #[arg(
        long,
        value_name = "DIR",
        group = "source",
        conflicts_with_all = [
            "from_animation", "frames", "crop", "background", "kernel", "fill", "shape", "quality",
        ]
    )]
    rendered: Option<PathBuf>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Send no picture: check the sign-in, and print what would be sent and to which account.
    #[arg(long)]
    dry_run: bool,

    /// Send this frame instead of the one that is due.
    #[arg(long, value_name = "N")]
    frame: Option<u16>,

    /// Send the frame even if a network shows it already, or has refused it.
    #[arg(long)]
    force: bool,

    /// Print one line of JSON for each network, as in the Worker's journal and log.
    #[arg(long)]
    json: bool,

    /// The state file.
    ///
    /// The default is `rotate-icon/state.json` in `$XDG_STATE_HOME` or `~/.local/state`.
    /// Two accounts need two files.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Keep no state: every run sends, and reports each refusal to your webhook.
    #[arg(long, conflicts_with = "state")]
    stateless: bool,
}

pub(crate) async fn run(options: Turn) -> Result<ExitCode> {
    let (sources, https) = match prepared(options.settings.read()) {
        Ok(both) => both,
        Err(status) => return Ok(status),
    };
    sources.warn();
    let settings = Settings::read(&time_zones::machine(), |name| sources.look_up(name));
    // A run that sends nothing has nothing to keep.
    let ledger = if options.stateless || options.dry_run {
        StateFile::none()
    } else {
        let path = options.state.map_or_else(state_file::default_path, Ok)?;
        match StateFile::open(&path).await {
            Err(error) if error.is::<Busy>() => {
                complain(&format!("{error:#}"));
                return Ok(Status::Later.into());
            }
            opened => opened?,
        }
    };
    if let Some(notice) = ledger.notice() {
        complain(notice);
    }
    let host = Host {
        https,
        frames: match options.rendered {
            Some(folder) => Frames::Rendered(folder, OnceCell::new()),
            None => Frames::Source(Box::new((options.source, OnceCell::new()))),
        },
        prints_entries: options.json,
    };
    let is_by_hand = options.force || options.dry_run || options.frame.is_some();
    let turn_request = TurnRequest {
        frame: options.frame,
        dry_run: options.dry_run,
        force: options.force,
        ..TurnRequest::due_at(
            host.now(),
            if is_by_hand {
                Trigger::Manual
            } else {
                Trigger::Cron
            },
        )
    };
    let reports = turn(&settings, &host, &ledger, &turn_request).await;
    if options.stateless || options.dry_run {
        // No later run continues this one's sessions.
        turn::end_sessions(&settings, &host, &ledger).await;
    }
    if !options.json {
        for report in &reports {
            tell(report, ledger.is_kept());
        }
    }
    let mut statuses: Vec<_> = reports.iter().map(Status::of_report).collect();
    if let Some(failure) = ledger.failure() {
        complain(&format!(
            "what this turn did could not be kept, so that the next one may send again: {failure}"
        ));
        statuses.push(Status::Refused);
    }
    Ok(statuses.into_iter().max().unwrap_or(Status::Well).into())
}

/// Prints how a turn ended on a network, in one line: to standard error if it failed. An earlier
/// failure that the turn waits for was printed by the earlier run.
fn tell(report: &Report, is_kept: bool) {
    let definition = NETWORKS.iter().find(|one| one.name == report.network);
    let title = definition.map_or(report.network, |one| one.title);
    let frame = match (report.frame, report.frames) {
        (Some(frame), Some(frames)) => format!("frame {frame} of {frames}"),
        _ => "the frame".to_owned(),
    };
    match &report.outcome {
        Outcome::Turned => {
            let note = report.note.as_ref().map(|note| format!(" {note}"));
            let note = note.unwrap_or_default();
            say(&format!("{title}: turned to {frame}.{note}"));
        }
        Outcome::Unchanged => say(&format!("{title}: nothing to do, {frame} has been sent.")),
        Outcome::DryRun(preview) => {
            let account = preview.account.as_ref();
            let account = account.map_or(String::new(), |name| format!(" for the account {name}"));
            let unchecked = preview.unchecked.as_ref();
            let unchecked = unchecked.map(|why| format!(" The sign-in was not checked: {why}"));
            say(&format!(
                "{title}: would send {frame}{account}: {} {} with {} bytes. No picture was sent.{}",
                preview.method,
                preview.url,
                preview.body_bytes,
                unchecked.unwrap_or_default()
            ));
        }
        Outcome::Retry { diagnosis, .. } | Outcome::Refused(diagnosis) => {
            let next = next_try(report, is_kept);
            let told = format!("{}{next}", diagnosis.in_words());
            if report.is_held {
                say(&format!("{title}: nothing was tried. Before: {told}"));
            } else {
                complain(&format!("{title}: {told}"));
            }
        }
    }
}

/// A sentence that says when a temporary failure is tried again; empty for a refusal, whose own
/// text says it.
fn next_try(report: &Report, is_kept: bool) -> String {
    let Outcome::Retry { .. } = report.outcome else {
        return String::new();
    };
    let at = report.retry_at;
    let at = at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    match at {
        Some(at) if is_kept => format!(" The first run after {at} tries again."),
        Some(at) => format!(" Start no other before {at}: without a state, it would send."),
        None if is_kept => String::new(),
        None => " Nothing tries again by itself: start another run.".to_owned(),
    }
}

/// This machine, as the core's ports see it.
struct Host {
    https: Https,
    frames: Frames,
    /// Whether log entries go to standard output.
    prints_entries: bool,
}

/// The source of frames. It is opened when the first frame is needed, so that an error ends the
/// turn as it does in the Worker.
enum Frames {
    /// A folder that `render` wrote.
    Rendered(PathBuf, OnceCell<RenderedFolder>),
    /// Pictures, from which only the needed frame is rendered.
    Source(Box<(SourceArgs, OnceCell<Source>)>),
}

impl Frames {
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Rendered(path, folder) => known(folder, || RenderedFolder::open(path))?.read(key),
            Self::Source(pictures) => {
                let (pictures, source) = &**pictures;
                let source = known(source, || pictures.read())?;
                if key == CURRENT_KEY {
                    return Ok(Some(source.current()?.into_bytes()));
                }
                let mut all = 0..source.set().frames().get();
                let Some(n) = all.find(|n| source.set().frame_key(*n) == key) else {
                    return Ok(None);
                };
                Ok(source.frames(&[n])?.pop().map(|frame| frame.file))
            }
        }
    }
}

/// Returns the value in a cell, made on first use.
fn known<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(known) => Ok(known),
        None => make().map(|made| cell.get_or_init(|| made)),
    }
}

impl Store for Host {
    fn advice(&self) -> &'static Advice {
        &Advice {
            settings: "Set what is named in the environment, in .dev.vars or, what is no secret, in \
                       wrangler.toml; `rotate-icon doctor` checks it.",
            secrets: "Store another value in .dev.vars, or wherever it is set; `rotate-icon doctor` \
                      tries it.",
            frames: "Write the folder again: rotate-icon render ICON --out DIR.",
            store: "Name an icon that can be read; or, for --rendered, write the folder: rotate-icon \
                    render ICON --out DIR.",
            size: "Render the icon again, under another --quality.",
            cron: "Have the machine's own cron run rotate-icon turn.",
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.frames.read(key);
        value.map_err(|error| StoreError::Read(format!("{error:#}")))
    }

    /// Does nothing: rendering a frame again takes no longer than keeping it.
    async fn write(&self, _: &str, _: &[u8], _: Lifetime) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Client for Host {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, SendError> {
        Client::send(&self.https, request, limits).await
    }
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        Clock::now(&self.https)
    }
}

impl Log for Host {
    fn log(&self, entry: &str, _: bool) {
        if self.prints_entries {
            say(entry);
        }
    }
}
