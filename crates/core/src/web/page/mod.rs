//! `GET /`: the page for a person to look at. It gathers what the page shows, part by part.

pub(super) mod dial;
mod html;
mod owner;
pub(super) mod picture;
#[cfg(test)]
mod tests;
pub(super) mod view;
pub(super) mod words;

use chrono::{DateTime, Utc};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

pub(super) use self::html::POLICY;
use self::view::{Becoming, Line, Shown, View};
use crate::account::journal::Recorded;
use crate::account::ledger::Ledger;
use crate::account::next_wake::next_turn;
use crate::account::settings::Settings;
use crate::account::state::AccountState;
use crate::frames::set::FrameSet;
use crate::frames::store::current_set;
use crate::network::{self, Definition};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{Clock, Store};
use crate::schedule::{FrameCount, Schedule};
use crate::web::account_states::{StateOn, account_states, ledger_failed};
use crate::web::answer::{Answer, insert};
use crate::web::icon::IconUpload;

/// How many outcomes the page shows.
const LINES: u16 = 8;

/// Answers with the page. It shows whatever is wrong.
pub(super) async fn show<H: Store + Clock, L: Ledger>(
    settings: &Settings,
    host: &H,
    ledger: &L,
) -> Answer {
    let now = host.now();
    let schedule = settings.schedule.as_ref().ok();
    let set = current_set(host).await;
    let states = account_states(settings, ledger).await;
    let (recorded, journal_diagnosis) = last_recorded(ledger);
    let are_several = settings.networks.len() > 1;
    let is_new = is_new(&set, &states);
    let errors = settings.errors();
    let settings_diagnosis = (!errors.is_empty())
        .then(|| errors.diagnosis("The owner has to set them; GET /health names them too."));
    let of_set = set.as_ref().err().filter(|_| !is_new);
    let of_all = OfAll {
        turns: settings_diagnosis.as_ref().or(of_set),
        ledger: unread(&states).or(journal_diagnosis.as_ref()),
    };
    let set = set.as_ref().ok();
    let frames = set.map(FrameSet::frames);
    let scheduled = schedule.zip(frames);
    let html = html::html(&View {
        now,
        local: schedule.map(|schedule| (&schedule.time_zone, schedule.local_time_at(now))),
        frames: frames.map(FrameCount::get),
        is_new,
        due: scheduled.map(|(schedule, frames)| schedule.frame_at(now, frames)),
        shown: &shown(&states, set),
        next_turn: next_turn(settings, ledger, frames, now).await,
        cron_advice: host.advice().cron,
        next_frame: scheduled.map(|(schedule, frames)| schedule.slot_at(now, frames).end),
        last: &lines(&recorded, schedule, are_several),
        findings: &findings(&of_all, &states, are_several, now),
        keeping: &keeping(settings),
        becoming: becoming(set, schedule),
    });
    let mut answer = Answer::new(html);
    insert(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
    insert(&mut answer, CONTENT_SECURITY_POLICY, POLICY);
    answer
}

/// What is wrong whatever the network.
struct OfAll<'a> {
    /// Why no turn can be made.
    turns: Option<&'a Diagnosis>,
    /// Why the ledger cannot be read.
    ledger: Option<&'a Diagnosis>,
}

/// Reads the last entries of the journal, newest first. Leaves out those that cannot be read.
fn last_recorded<L: Ledger>(ledger: &L) -> (Vec<Recorded>, Option<Diagnosis>) {
    match ledger.records(None, LINES) {
        Ok(records) => {
            let entries = records
                .iter()
                .filter_map(|(_, entry)| serde_json::from_slice(entry.as_bytes()).ok());
            (entries.collect(), None)
        }
        Err(error) => (Vec::new(), Some(ledger_failed(ledger, &error))),
    }
}

/// Whether no icon has ever been published: there is none now, and no turn has seen one.
fn is_new(set: &Result<FrameSet, Diagnosis>, states: &[StateOn<'_>]) -> bool {
    let is_missing = set
        .as_ref()
        .is_err_and(|diagnosis| diagnosis.reason == Reason::NoIcon);
    is_missing && readable(states).all(|(_, state)| state.set.is_none())
}

/// Returns the states that could be read, each with its network.
fn readable<'a>(states: &'a [StateOn<'_>]) -> impl Iterator<Item = (Definition, &'a AccountState)> {
    states
        .iter()
        .filter_map(|one| Some((one.network.definition, one.state.as_ref().ok()?)))
}

/// Returns why a state could not be read, if there is one.
fn unread<'a>(states: &'a [StateOn<'_>]) -> Option<&'a Diagnosis> {
    states.iter().find_map(|one| one.state.as_ref().err())
}

/// Finds what each network shows of the current set.
fn shown<'a>(states: &'a [StateOn<'_>], set: Option<&FrameSet>) -> Vec<Shown<'a>> {
    let shown = |one: &'a StateOn<'_>| {
        let state = one.state.as_ref().ok();
        let frame = state.and_then(|state| state.shown_frame.as_ref());
        let frame = frame.filter(|frame| set.is_some_and(|set| set.id() == frame.set));
        Shown {
            title: one.network.definition.title,
            account: state.and_then(|state| state.account.as_deref()),
            frame: frame.map(|frame| frame.frame),
        }
    };
    states.iter().map(shown).collect()
}

/// Collects everything that is wrong: first what concerns all networks, then what concerns one, with
/// its title if there are several.
fn findings<'a>(
    of_all: &OfAll<'a>,
    states: &'a [StateOn<'_>],
    are_several: bool,
    now: DateTime<Utc>,
) -> Vec<(Option<&'a str>, &'a Diagnosis)> {
    let of_all_networks = [of_all.turns, of_all.ledger].into_iter().flatten();
    let mut findings: Vec<_> = of_all_networks.map(|diagnosis| (None, diagnosis)).collect();
    for (definition, state) in readable(states) {
        let title = are_several.then_some(definition.title);
        let hold = state.hold.as_ref().filter(|hold| hold.holds_at(now));
        let stopped = state.stopped.as_ref();
        let own = stopped.or(hold.map(|hold| &hold.diagnosis));
        // What keeps every turn from being made is what has stopped the network too.
        let is_told = |diagnosis: &Diagnosis| {
            of_all.turns.is_some() && (diagnosis.reason == Reason::Settings || !are_several)
        };
        let own = own.filter(|diagnosis| !is_told(diagnosis));
        let unread = state.unread.as_ref().map(|unread| &unread.diagnosis);
        findings.extend(own.into_iter().chain(unread).map(|one| (title, one)));
    }
    findings
}

/// Returns the networks on which turns keep frames.
fn keeping(settings: &Settings) -> Vec<Definition> {
    let networks = settings.networks.iter().filter(|one| {
        let network = one.network.as_ref();
        network.is_ok_and(|network| network.keeps_frames())
    });
    networks.map(|one| one.definition).collect()
}

/// Says what a new picture becomes, unless the upload says otherwise.
fn becoming(set: Option<&FrameSet>, schedule: Option<&Schedule>) -> Becoming {
    let upload = IconUpload::like(set);
    Becoming {
        frames: upload.frames.get(),
        shape: upload.recipe.rendering.shape,
        turning: schedule.map(|schedule| (schedule.period, schedule.direction)),
        replaces_album: set.is_some_and(|set| set.rendering().is_none()),
    }
}

/// Makes lines of entries of the journal, with their networks if there are several.
fn lines<'a>(
    recorded: &'a [Recorded],
    schedule: Option<&Schedule>,
    are_several: bool,
) -> Vec<Line<'a>> {
    let line = |entry: &'a Recorded| {
        let at = entry.sent_at.unwrap_or(entry.scheduled_at);
        let definition = network::named(&entry.network).filter(|_| are_several);
        Line {
            at,
            local: schedule.map(|schedule| schedule.local_time_at(at)),
            frame: entry.frame,
            outcome: &entry.outcome,
            message: entry.message.as_deref(),
            attempts: entry.attempts,
            network: definition.map(|definition| definition.title),
        }
    };
    recorded.iter().map(line).collect()
}
