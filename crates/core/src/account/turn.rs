//! One turn of an icon: choose the frame, get it, send it to each network, say
//! how that went. Written once, over the ports; every host calls this.

use std::pin::pin;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::{Either, join, join_all, select};

use crate::account::alert;
use crate::account::journal::{self, Entry, Report, Trigger};
use crate::account::ledger::{Ledger, Record};
use crate::account::settings::{Configured, Settings};
use crate::account::state::{
    AccountState, Decision, FrameRef, Hold, HoldKind, KnownSet, News, Question, Slot,
};
use crate::frames::set::{FrameSet, frame_key};
use crate::frames::store::{self, current_set};
use crate::instant::after;
use crate::network::{Network, Picture, Verified};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::{Client, Clock, Log, Store, StoreError};
use crate::schedule::{FrameCount, Schedule};
use crate::settings::errors::SettingsErrors;

/// What to do in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnRequest {
    /// The instant whose frame is to be shown.
    pub at: DateTime<Utc>,
    /// This frame instead of the instant's.
    pub frame: Option<u16>,
    /// Do everything but send the picture. The network is asked whose account it is.
    pub dry_run: bool,
    /// Send even a frame that is believed to be shown.
    pub force: bool,
    /// What gave the order.
    pub trigger: Trigger,
}

impl TurnRequest {
    /// The turn that is due at an instant.
    pub fn due_at(at: DateTime<Utc>, trigger: Trigger) -> Self {
        Self {
            at,
            frame: None,
            dry_run: false,
            force: false,
            trigger,
        }
    }
}

/// Makes one turn, records it, and tells how it ended on each network that is set
/// up, in their order; there is no other way for it to end.
///
/// An order for an instant that has passed is one for the present: what was
/// missed is not made up for.
pub async fn turn<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    turn_request: &TurnRequest,
) -> Vec<Report> {
    let networks: Vec<_> = settings.networks.iter().collect();
    turn_on(&networks, settings, host, ledger, turn_request).await
}

/// Makes the turn of an event of the schedule: of a cron, given by its text, for an
/// instant. Then sees to the slots that begin before the next event.
pub async fn on_schedule<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    cron: &str,
    at: DateTime<Utc>,
) -> Vec<Report> {
    let mut events = ledger.cron_events().await.unwrap_or_default();
    events.renew(cron, host.now());
    // Without it, turns come with the schedule's events alone.
    let _ = ledger.keep_cron_events(&events).await;
    let reports = turn(
        settings,
        host,
        ledger,
        &TurnRequest::due_at(at, Trigger::Cron),
    )
    .await;
    wake_when_needed(settings, host, ledger).await;
    reports
}

/// Makes the turn that [`Ledger::wake_at`] asked for. Where a slot has begun without
/// an event of the schedule, that is the schedule's turn on all networks. Then those
/// that wait for another try have it: for the slot that waits if it still lasts, else
/// for the present.
pub async fn wake<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Vec<Report> {
    /// How much too early a host may wake.
    const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

    let due = after(host.now(), TOLERANCE);
    let mut reports = Vec::new();
    if let Some(start) = start_to_make(settings, host, ledger, due).await {
        let turn_request = TurnRequest::due_at(start, Trigger::Cron);
        reports = turn(settings, host, ledger, &turn_request).await;
    }
    let mut all = Vec::new();
    for one in &settings.networks {
        all.push((
            one,
            load_account_state(one, ledger).await.unwrap_or_default(),
        ));
    }
    let waits = |account_state: &AccountState| account_state.wake_at.is_some_and(|at| at <= due);
    // Where nobody waits, and no slot has begun, the turn is everybody's.
    if !reports.is_empty() || all.iter().any(|(_, account_state)| waits(account_state)) {
        all.retain(|(_, account_state)| waits(account_state));
    }
    if !all.is_empty() {
        let starts = all
            .iter()
            .filter_map(|(_, account_state)| account_state.slot.as_ref());
        let start = starts.map(|slot| slot.start).max();
        let networks: Vec<_> = all.iter().map(|(one, _)| *one).collect();
        let turn_request = TurnRequest::due_at(start.unwrap_or_else(|| host.now()), Trigger::Retry);
        reports.extend(turn_on(&networks, settings, host, ledger, &turn_request).await);
    }
    wake_when_needed(settings, host, ledger).await;
    reports
}

/// Has the ledger wake the next turn that no event of the schedule makes: another
/// try, or the turn of a slot, whichever is sooner.
pub async fn wake_when_needed<H: Store + Clock>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) {
    let tries = next_try(settings, ledger).await;
    let frames = frames_in_use(settings, host, ledger).await;
    let start = next_start(settings, ledger, frames, host.now()).await;
    if let Some(at) = tries.into_iter().chain(start).min() {
        // What could not be promised waits for the next turn.
        let _ = ledger.wake_at(Some(at)).await;
    }
}

/// When a network is tried again next.
async fn next_try(settings: &Settings, ledger: &impl Ledger) -> Option<DateTime<Utc>> {
    let mut next: Option<DateTime<Utc>> = None;
    for one in &settings.networks {
        let at = load_account_state(one, ledger)
            .await
            .ok()
            .and_then(|known| known.wake_at);
        next = next.into_iter().chain(at).min();
    }
    next
}

/// When the next slot begins without an event of the schedule.
async fn next_start(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let schedule = settings.schedule.as_ref().ok()?;
    let events = ledger.cron_events().await.ok()?;
    events.next_start(now, schedule, frames?)
}

/// The start of the present slot, if it has begun without an event of the schedule and
/// a network has not had its turn.
async fn start_to_make<H: Store>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let schedule = settings.schedule.as_ref().ok()?;
    let events = ledger.cron_events().await.ok()?;
    let events = Some(events).filter(|one| one.is_live(now))?;
    let frames = frames_in_use(settings, host, ledger).await?;
    let start = schedule.slot_at(now, frames).start;
    let ready = settings.networks.iter().filter(|one| one.network.is_ok());
    let mut have_begun = Vec::new();
    for one in ready {
        let slot = load_account_state(one, ledger)
            .await
            .ok()
            .and_then(|known| known.slot);
        have_begun.push(slot.is_some_and(|slot| slot.start == start));
    }
    // Where no settings can be used, that is what the turn tells.
    let is_open = have_begun.is_empty() || have_begun.contains(&false);
    (is_open && events.wants(start, now, schedule, frames)).then_some(start)
}

/// How many frames the set has that was current in the last turn; after what was known
/// has been forgotten, the one that is current.
async fn frames_in_use<H: Store>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Option<FrameCount> {
    match known_frames(settings, ledger).await {
        Some(frames) => Some(frames),
        None => Some(current_set(host).await.ok()?.frames()),
    }
}

/// What is known of the account on a network, as far as that holds with its settings;
/// with settings that cannot be used nothing is asked, and nothing changes.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn load_account_state(
    one: &Configured,
    ledger: &impl Ledger,
) -> Result<AccountState, StoreError> {
    let account_state = ledger.account_state(one.definition.name).await?;
    Ok(match one.network {
        Ok(_) => account_state.with_settings(&one.fingerprint),
        Err(_) => account_state,
    })
}

/// How many frames the set had that was current in the last turn.
async fn known_frames(settings: &Settings, ledger: &impl Ledger) -> Option<FrameCount> {
    for one in &settings.networks {
        if let Some(set) = load_account_state(one, ledger)
            .await
            .ok()
            .and_then(|known| known.set)
        {
            return FrameCount::new(set.frames);
        }
    }
    None
}

/// Ends what turns have begun on the networks, such as sessions: for a host that keeps nothing
/// after its run.
pub async fn end<H: Client + Clock>(settings: &Settings, host: &H, ledger: &impl Ledger) {
    let ends = settings.networks.iter().map(async |one| {
        let account_state = ledger.account_state(one.definition.name).await;
        let account_state = account_state.unwrap_or_default();
        if let (Ok(network), Some(saved_session)) = (&one.network, account_state.saved_session) {
            network.end(&mut Some(saved_session), host).await;
        }
    });
    join_all(ends).await;
}

async fn turn_on<H: Store + Client + Clock + Log>(
    networks: &[&Configured],
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    turn_request: &TurnRequest,
) -> Vec<Report> {
    let started = host.now();
    let turn_request = &TurnRequest {
        at: turn_request.at.max(started),
        ..*turn_request
    };
    let (plan, read_ahead) = Plan::make(networks, settings, host, ledger, turn_request).await;
    let mut turns = Vec::new();
    for network in networks {
        let turn = NetworkTurn::new(network, turn_request, started);
        turns.push(turn.start::<H>(settings, ledger, &plan).await);
    }
    let frame = match &plan.choice {
        Ok(Choice { set, due }) if turns.iter().any(NetworkTurn::wants_a_frame) => {
            store::frame(host, set, due.shown_frame.frame, read_ahead).await
        }
        Ok(_) => Ok(Vec::new()),
        Err(diagnosis) => Err(diagnosis.clone()),
    };
    let turns = turns
        .into_iter()
        .map(|turn| turn.finish(settings, host, ledger, &plan, &frame));
    let (reports, news): (Vec<_>, Vec<_>) = join_all(turns).await.into_iter().unzip();
    tell_owner(settings, host, news.into_iter().flatten()).await;
    reports
}

/// Tells the owner what is new, on their webhook if they have one.
async fn tell_owner<H: Client>(
    settings: &Settings,
    host: &H,
    news: impl Iterator<Item = (&'static str, News)>,
) {
    let news: Vec<_> = news.collect();
    if news.is_empty() {
        return;
    }
    if let Some(webhook) = &settings.alert_webhook {
        let text = alert::in_words(&news, settings.networks.len());
        // That the owner cannot be told is no reason to do anything else.
        if let Ok(request) = webhook.request(&text) {
            let _ = host.send(request, alert::TIMEOUT_MS).await;
        }
    }
}

/// What a turn comes down to, before it is known whether to send anything.
struct Plan {
    /// How many frames the set has.
    frames: Option<u16>,
    choice: Result<Choice, Diagnosis>,
}

/// The frame that is to be shown.
struct Choice {
    set: FrameSet,
    due: Due,
}

/// What an order means for a set.
struct Due {
    /// How many frames the set has.
    frames: FrameCount,
    shown_frame: FrameRef,
    /// The slot of a frame that is due.
    slot: Option<Slot>,
}

/// A frame as the store gave it.
type Read = Result<Option<Vec<u8>>, StoreError>;

impl Plan {
    /// Reads which set is current, and the frame with it where that saves time.
    async fn make<H: Store>(
        networks: &[&Configured],
        settings: &Settings,
        host: &H,
        ledger: &impl Ledger,
        turn_request: &TurnRequest,
    ) -> (Self, Option<Read>) {
        let with = |choice| Self {
            frames: None,
            choice,
        };
        let mut networks = networks.iter().filter(|one| one.network.is_ok()).peekable();
        let Some(schedule) = settings
            .schedule
            .as_ref()
            .ok()
            .filter(|_| networks.peek().is_some())
        else {
            let errors = settings.errors().diagnosis(H::ADVICE.settings);
            return (with(Err(errors)), None);
        };
        let guess = Due::guess(networks, schedule, ledger, turn_request).await;
        let (set, read) = current_set_and_frame(host, guess.as_ref()).await;
        let set = match set {
            Ok(set) => set,
            Err(diagnosis) => return (with(Err(diagnosis)), None),
        };
        let due = match guess.filter(|guess| guess.is_of(&set)) {
            Some(guess) => Ok(guess),
            None => Due::of(set.id(), set.frames(), schedule, turn_request),
        };
        let plan = Self {
            frames: Some(set.frames().get()),
            choice: due.map(|due| Choice { set, due }),
        };
        (plan, read)
    }
}

/// The current set, and what the store has for a frame if it is one of that set. The
/// two are asked for together, since the set is seldom another one; if it is, the
/// frame is not waited for.
async fn current_set_and_frame<H: Store>(
    host: &H,
    guess: Option<&Due>,
) -> (Result<FrameSet, Diagnosis>, Option<Read>) {
    let set = current_set(host);
    let Some(due) = guess else {
        return (set.await, None);
    };
    let key = frame_key(&due.shown_frame.set, due.shown_frame.frame);
    match select(pin!(set), pin!(host.read(&key))).await {
        Either::Left((Ok(set), read)) if due.is_of(&set) => (Ok(set), Some(read.await)),
        Either::Left((set, _)) => (set, None),
        Either::Right((read, set)) => {
            let set = set.await;
            let is_right = set.as_ref().is_ok_and(|set| due.is_of(set));
            (set, is_right.then_some(read))
        }
    }
}

impl Due {
    fn of(
        set_id: &str,
        frames: FrameCount,
        schedule: &Schedule,
        turn_request: &TurnRequest,
    ) -> Result<Self, Diagnosis> {
        let frame = match turn_request.frame {
            Some(n) if n < frames.get() => n,
            Some(n) => {
                return Err(Diagnosis::new(
                    Reason::NoSuchFrame,
                    format!("There is no frame {n}: the current set has {frames}."),
                    "Ask for a frame from 0 to one less than their number.",
                ));
            }
            None => schedule.frame_at(turn_request.at, frames),
        };
        let slot = turn_request.frame.is_none().then(|| {
            let slot = schedule.slot_at(turn_request.at, frames);
            Slot {
                start: slot.start,
                end: slot.end,
                trigger: turn_request.trigger,
                scheduled_at: turn_request.at,
                frame,
                attempts: 0,
                by_hand: 0,
                is_turned: false,
                record: None,
            }
        });
        let set = set_id.to_owned();
        Ok(Self {
            frames,
            shown_frame: FrameRef { set, frame },
            slot,
        })
    }

    /// What the order means if the set is the one that was current before; `None` if
    /// none is known, or its frame would not be needed.
    async fn guess<'a>(
        networks: impl Iterator<Item = &'a &'a Configured>,
        schedule: &Schedule,
        ledger: &impl Ledger,
        turn_request: &TurnRequest,
    ) -> Option<Self> {
        let mut account_states = Vec::new();
        for one in networks {
            account_states.extend(load_account_state(one, ledger).await.ok());
        }
        let KnownSet { id, frames } = account_states.iter().find_map(|one| one.set.as_ref())?;
        let due = Self::of(id, FrameCount::new(*frames)?, schedule, turn_request).ok()?;
        let sends = |one: &AccountState| due.decide(one, turn_request) == Decision::Send;
        (turn_request.dry_run || account_states.iter().any(sends)).then_some(due)
    }

    fn is_of(&self, set: &FrameSet) -> bool {
        self.shown_frame.set == set.id() && self.frames == set.frames()
    }

    /// The slot that a turn is for, if it is for one.
    fn slot(&self, account_state: &AccountState, turn_request: &TurnRequest) -> Option<&Slot> {
        // What is asked for by hand once the slot has had its turn is a turn of its own.
        let is_apart =
            |slot: &Slot| turn_request.trigger == Trigger::Manual && account_state.has_turned(slot);
        self.slot.as_ref().filter(|slot| !is_apart(slot))
    }

    fn decide(&self, account_state: &AccountState, turn_request: &TurnRequest) -> Decision {
        account_state.decide(&Question {
            at: turn_request.at,
            frame: &self.shown_frame,
            slot: self
                .slot(account_state, turn_request)
                .map(|slot| slot.start),
            trigger: turn_request.trigger,
            is_forced: turn_request.force,
        })
    }
}

/// The part of a turn that one network has.
struct NetworkTurn<'a> {
    configured: &'a Configured,
    turn_request: &'a TurnRequest,
    started: DateTime<Utc>,
    report: Report,
    /// What is known of the account, if it could be read.
    account_state: Option<AccountState>,
    /// Whether it is for the slot in `account_state`.
    is_for_slot: bool,
    sent_at: Option<DateTime<Utc>>,
    /// Whether it says more than what is recorded of its slot.
    is_recorded: bool,
    next: Next,
}

/// What is left to do once the standing has been looked at.
#[derive(PartialEq)]
enum Next {
    Nothing,
    Preview,
    Send,
}

impl<'a> NetworkTurn<'a> {
    fn new(
        configured: &'a Configured,
        turn_request: &'a TurnRequest,
        started: DateTime<Utc>,
    ) -> Self {
        Self {
            configured,
            turn_request,
            started,
            report: Report::of(configured.definition.name, Outcome::Unchanged),
            account_state: None,
            is_for_slot: false,
            sent_at: None,
            is_recorded: false,
            next: Next::Nothing,
        }
    }

    fn wants_a_frame(&self) -> bool {
        self.next != Next::Nothing
    }

    /// Looks at what is known, and decides.
    async fn start<H: Store>(
        mut self,
        settings: &Settings,
        ledger: &impl Ledger,
        plan: &Plan,
    ) -> Self {
        self.report.frames = plan.frames;
        let is_ready = settings.schedule.is_ok() && self.configured.network.is_ok();
        let choice = match &plan.choice {
            Ok(choice) if is_ready => Ok(choice),
            Err(diagnosis) if is_ready => Err(diagnosis.clone()),
            // What is wrong with another network keeps nothing from this one.
            _ => {
                let all = settings.schedule.as_ref().err();
                let own = self.configured.network.as_ref().err();
                let errors = [all, own].into_iter().flatten().cloned();
                let errors = errors.fold(SettingsErrors::default(), SettingsErrors::and);
                Err(errors.diagnosis(H::ADVICE.settings))
            }
        };
        if let Ok(choice) = choice {
            self.report.frame = Some(choice.due.shown_frame.frame);
        }
        if self.turn_request.dry_run {
            match choice {
                Ok(_) => self.next = Next::Preview,
                Err(diagnosis) => self.report.outcome = Outcome::Refused(diagnosis),
            }
            return self;
        }
        let mut account_state = match load_account_state(self.configured, ledger).await {
            Ok(account_state) => account_state,
            Err(error) => {
                self.report.outcome = Outcome::Refused(state_not_saved(ledger, &error));
                return self;
            }
        };
        if self.turn_request.trigger == Trigger::Retry {
            // It is this turn that was waited for.
            account_state.wake_at = None;
        }
        match choice {
            Ok(choice) => self.decide(choice, &mut account_state, ledger),
            Err(diagnosis) => {
                self.report.outcome = Outcome::Refused(diagnosis);
                self.is_recorded = true;
            }
        }
        self.account_state = Some(account_state);
        self
    }

    fn decide(&mut self, choice: &Choice, account_state: &mut AccountState, ledger: &impl Ledger) {
        let Choice { set, due } = choice;
        let slot = due.slot(account_state, self.turn_request);
        let decision = due.decide(account_state, self.turn_request);
        account_state.set = Some(KnownSet {
            id: set.id().to_owned(),
            frames: set.frames().get(),
        });
        if let Some(slot) = slot {
            self.is_for_slot = true;
            account_state.enter(slot.clone());
        }
        let mut slot = account_state.slot.as_mut().filter(|_| self.is_for_slot);
        match decision {
            Decision::Done => {}
            Decision::Unchanged => {
                // Its slot has nothing more to wait for, and says so once.
                if let Some(slot) = &mut slot {
                    self.is_recorded = !slot.is_turned;
                    slot.is_turned = true;
                }
            }
            Decision::Wait(hold) => {
                // An attempt that was made says more than that there was none.
                self.is_recorded = slot.as_ref().is_none_or(|slot| slot.attempts == 0);
                self.report.is_held = true;
                self.report.retry_at = Some(hold.until);
                self.report.outcome = waiting(hold, ledger);
            }
            Decision::Send => {
                self.is_recorded = true;
                self.next = Next::Send;
            }
        }
        if let Some(slot) = slot {
            self.report.attempts = slot.attempts;
        }
    }

    /// Does what is left to do, and takes down how it went.
    async fn finish<H: Store + Client + Clock + Log>(
        mut self,
        settings: &Settings,
        host: &H,
        ledger: &impl Ledger,
        plan: &Plan,
        frame: &Result<Vec<u8>, Diagnosis>,
    ) -> (Report, Vec<(&'static str, News)>) {
        let ready = match (&self.configured.network, &plan.choice, frame) {
            (Ok(network), Ok(choice), Ok(frame)) if self.wants_a_frame() => self
                .fitting::<H>(network.as_ref(), choice, frame)
                .map(|picture| Some((network.as_ref(), choice, picture))),
            (Ok(_), Ok(_), Err(diagnosis)) if self.wants_a_frame() => Err(diagnosis.clone()),
            _ => Ok(None),
        };
        match ready {
            Ok(Some((network, choice, picture))) if self.next == Next::Send => {
                self.send(network, choice, picture, host, ledger).await;
            }
            Ok(Some((network, _, picture))) => {
                self.report.outcome = self.look(network, picture, host, ledger).await;
            }
            Ok(None) => {}
            Err(diagnosis) => self.report.outcome = Outcome::Refused(diagnosis),
        }
        let unread = self.tell_unread(host, ledger).await;
        let news = self.record_outcome(settings, host, ledger).await;
        let title = self.configured.definition.title;
        let news = unread.into_iter().chain(news);
        (self.report, news.map(|news| (title, news)).collect())
    }

    /// Does everything but send: makes the request, and lets the network say whose picture it
    /// would be.
    async fn look<H: Client + Clock>(
        &self,
        network: &dyn Network,
        picture: Picture<'_>,
        host: &H,
        ledger: &impl Ledger,
    ) -> Outcome {
        let mut preview = match network.preview(picture, host.now()) {
            Ok(preview) => Box::new(preview),
            Err(diagnosis) => return Outcome::Refused(diagnosis),
        };
        let name = self.configured.definition.name;
        let mut account_state = match load_account_state(self.configured, ledger).await {
            Ok(account_state) => account_state,
            Err(error) => {
                preview.unchecked = Some(error.to_string());
                return Outcome::DryRun(preview);
            }
        };
        let at = self.turn_request.at;
        let is_pause = |hold: &&Hold| hold.kind == HoldKind::Pause && hold.holds_at(at);
        if let Some(pause) = account_state.hold.as_ref().filter(is_pause) {
            preview.unchecked = Some(pause.diagnosis.in_words());
            return Outcome::DryRun(preview);
        }
        let before = account_state.saved_session.clone();
        let verified = network.verify(&mut account_state.saved_session, host).await;
        // A session that was begun is the next turn's, and one that was renewed is the only one.
        if account_state.saved_session != before {
            // If it cannot be kept, the next turn begins another.
            let _ = ledger.keep(name, &account_state, None).await;
        }
        match verified {
            Ok(Verified {
                account,
                notes,
                unread,
            }) => {
                let why =
                    || unread.map_or_else(|| notes.join(" "), |diagnosis| diagnosis.in_words());
                preview.unchecked = account.is_none().then(why);
                preview.account = account;
            }
            // What passes says nothing, nor what is wrong with a request that is not the turn's.
            Err(diagnosis)
                if diagnosis.reason.is_for_the_owner() && diagnosis.reason != Reason::Request =>
            {
                return Outcome::Refused(diagnosis);
            }
            Err(diagnosis) => preview.unchecked = Some(diagnosis.in_words()),
        }
        Outcome::DryRun(preview)
    }

    /// The frame as a picture that the network takes.
    fn fitting<'b, H: Store>(
        &self,
        network: &dyn Network,
        choice: &'b Choice,
        frame: &'b [u8],
    ) -> Result<Picture<'b>, Diagnosis> {
        let most = network.max_picture_bytes();
        if frame.is_empty() || frame.len() > most {
            let title = self.configured.definition.title;
            let n = choice.due.shown_frame.frame;
            return Err(store::misfit::<H>(n, frame.len(), title, most));
        }
        Ok(Picture {
            bytes: frame,
            media_type: choice.set.media_type(),
            set: choice.set.id(),
        })
    }

    /// Sends the frame and takes in how that ended.
    async fn send<H: Store + Client + Clock>(
        &mut self,
        network: &dyn Network,
        choice: &Choice,
        picture: Picture<'_>,
        host: &H,
        ledger: &impl Ledger,
    ) {
        let Some(account_state) = &mut self.account_state else {
            return;
        };
        let by_hand = u32::from(self.turn_request.trigger == Trigger::Manual);
        if let Some(slot) = account_state.slot.as_mut().filter(|_| self.is_for_slot) {
            slot.attempts = slot.attempts.saturating_add(1);
            slot.by_hand = slot.by_hand.saturating_add(by_hand);
        }
        // Until the network has answered, nobody knows what it shows. The first try of
        // a slot need not say so beforehand, which would be half of what it writes: if
        // its host ends in the middle, the slot has had no turn.
        let noted = if self.turn_request.trigger == Trigger::Cron {
            Ok(())
        } else {
            let sending = AccountState {
                shown_frame: None,
                ..account_state.clone()
            };
            let name = self.configured.definition.name;
            ledger.keep(name, &sending, None).await
        };
        let sent = match noted {
            Ok(()) => {
                network
                    .update(picture, &mut account_state.saved_session, host)
                    .await
            }
            Err(error) => Err(state_not_saved(ledger, &error)),
        };
        let mut slot = account_state.slot.as_mut().filter(|_| self.is_for_slot);
        let attempt = match sent {
            Ok(attempt) => attempt,
            // Nothing was sent, so there is nothing to learn.
            Err(diagnosis) => {
                if let Some(slot) = slot {
                    slot.attempts = slot.attempts.saturating_sub(1);
                    slot.by_hand = slot.by_hand.saturating_sub(by_hand);
                }
                self.report.outcome = Outcome::Refused(diagnosis);
                return;
            }
        };
        let now = host.now();
        self.sent_at = Some(now);
        self.report.network_status = attempt.status;
        if attempt.account.is_some() {
            account_state.account = attempt.account;
        }
        self.report.note = attempt.note;
        let outcome = match seen_from(self.turn_request.at, now, attempt.outcome) {
            Outcome::Refused(diagnosis) if diagnosis.reason == Reason::Credentials => {
                let remedy = format!("{} {}", diagnosis.remedy, H::ADVICE.secrets);
                Outcome::Refused(Diagnosis::new(diagnosis.reason, diagnosis.message, remedy))
            }
            outcome => outcome,
        };
        if let Some(slot) = &mut slot {
            slot.is_turned = outcome == Outcome::Turned;
        }
        let slot = slot.cloned();
        self.report.attempts = slot.as_ref().map_or(1, |slot| slot.attempts);
        let shown_frame = choice.due.shown_frame.clone();
        // Randomness costs, and success does not need it.
        let jitter = if outcome.diagnosis().is_some() {
            jitter()
        } else {
            0.0
        };
        let next = account_state.learn(
            &outcome,
            shown_frame,
            self.turn_request.at,
            slot.as_ref(),
            self.turn_request.trigger,
            jitter,
        );
        self.report.retry_at = next;
        self.report.outcome = match outcome {
            // With the next slot, if not before.
            Outcome::Retry { at, diagnosis } => {
                let is_asked_for =
                    matches!(diagnosis.reason, Reason::RateLimit | Reason::SpamFilter);
                let next = next.or(slot.map(|slot| slot.end));
                self.report.retry_at = next.filter(|_| is_asked_for || ledger.is_kept());
                let at = next.unwrap_or(at);
                Outcome::Retry { at, diagnosis }
            }
            Outcome::Refused(diagnosis) => {
                self.report.retry_at = next.filter(|_| ledger.is_kept());
                let until = self.report.retry_at;
                Outcome::Refused(match until {
                    Some(until) => left_alone(diagnosis, until, ledger),
                    None => diagnosis,
                })
            }
            outcome => outcome,
        };
    }

    /// Logs and records what could not be read of what was stored, once.
    async fn tell_unread<H: Clock + Log>(
        &mut self,
        host: &H,
        ledger: &impl Ledger,
    ) -> Option<News> {
        let name = self.configured.definition.name;
        let account_state = self.account_state.as_mut()?;
        let diagnosis = account_state.tell_unread(host.now())?;
        let entry = journal::unread(
            name,
            self.turn_request.trigger,
            self.turn_request.at,
            &diagnosis,
        );
        host.log(&entry, true);
        let kept = match ledger.next_id() {
            Ok(id) => {
                let record = Record { id, entry: &entry };
                ledger.keep(name, account_state, Some(&record)).await
            }
            Err(error) => Err(error),
        };
        if kept.is_err() {
            // The next turn tells it again.
            account_state
                .unread
                .iter_mut()
                .for_each(|unread| unread.told_at = None);
        }
        kept.is_ok().then_some(News::Unread(diagnosis))
    }

    /// Logs the turn, keeps what is known after it, and sees to the next try.
    async fn record_outcome<H: Clock + Log>(
        &mut self,
        settings: &Settings,
        host: &H,
        ledger: &impl Ledger,
    ) -> Option<News> {
        let name = self.configured.definition.name;
        let slot = self
            .account_state
            .as_ref()
            .and_then(|known| known.slot.as_ref());
        let slot = slot.filter(|_| self.is_for_slot);
        let entry = Entry {
            event: "turn",
            trigger: slot.map_or(self.turn_request.trigger, |slot| slot.trigger),
            scheduled_at: slot.map_or(self.turn_request.at, |slot| slot.scheduled_at),
            sent_at: self.sent_at,
            duration_ms: host
                .now()
                .signed_duration_since(self.started)
                .num_milliseconds(),
            report: &self.report,
        };
        let text = entry.to_json();
        host.log(&text, self.report.outcome.diagnosis().is_some());
        let is_over = |slot: &Slot| !slot.is_turned && self.report.retry_at >= Some(slot.end);
        let is_given_up = slot.is_some_and(is_over);
        let account_state = self.account_state.as_mut()?;
        let news = account_state.news(&self.report.outcome, is_given_up);
        // A turn that neither sent nor waits leaves another's try where it is, unless
        // it was that try.
        let turn_request = self.turn_request;
        let is_retry = turn_request.trigger == Trigger::Retry;
        let was = account_state.wake_at;
        if self.sent_at.is_some() || self.report.retry_at.is_some() || is_retry {
            let ahead = |hold: &&Hold| hold.holds_at(turn_request.at);
            let held = account_state.hold.as_ref().filter(ahead);
            let wait = self.report.retry_at.or(held.map(|hold| hold.until));
            let wait = wait.map(|at| at.signed_duration_since(turn_request.at));
            account_state.wake_at = wait.and_then(|wait| self.started.checked_add_signed(wait));
        }
        let id = match account_state.slot.as_ref().filter(|_| self.is_for_slot) {
            _ if !self.is_recorded => None,
            Some(slot) if slot.record.is_some() => slot.record,
            _ => ledger.next_id().ok(),
        };
        if let Some(slot) = account_state.slot.as_mut().filter(|_| self.is_for_slot) {
            slot.record = id.or(slot.record);
        }
        let record = id.map(|id| Record { id, entry: &text });
        let account_state = &*account_state;
        let started = self.started;
        // Who is woken sees to the next try after all networks.
        let wakes = account_state.wake_at != was && !is_retry;
        // Begun without waiting in between, so that the two are kept together.
        let (kept, ()) = join(ledger.keep(name, account_state, record.as_ref()), async {
            if wakes {
                let tries = next_try(settings, ledger).await;
                let frames = known_frames(settings, ledger).await;
                let start = next_start(settings, ledger, frames, started).await;
                let _ = ledger.wake_at(tries.into_iter().chain(start).min()).await;
            }
        })
        .await;
        // What could not be kept is in the log; the turn has been made.
        news.filter(|_| kept.is_ok())
    }
}

/// What a turn comes to that a hold keeps from sending.
fn waiting(hold: Hold, ledger: &impl Ledger) -> Outcome {
    let Hold {
        until, diagnosis, ..
    } = hold;
    if diagnosis.reason.is_for_the_owner() {
        Outcome::Refused(left_alone(diagnosis, until, ledger))
    } else {
        Outcome::Retry {
            at: until,
            diagnosis,
        }
    }
}

/// What was refused, and how long the network is left alone for it.
fn left_alone<L: Ledger>(diagnosis: Diagnosis, until: DateTime<Utc>, _: &L) -> Diagnosis {
    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
    let remedy = format!(
        "{} It is not asked again before {until}; to ask now, {}.",
        diagnosis.remedy,
        L::ASK_NOW
    );
    Diagnosis::new(diagnosis.reason, diagnosis.message, remedy)
}

/// The outcome of a turn whose instant may lie ahead of the clock: so do the
/// times in it then.
fn seen_from(instant: DateTime<Utc>, now: DateTime<Utc>, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry { at, diagnosis } if instant > now => Outcome::Retry {
            at: after(at, instant.signed_duration_since(now)),
            diagnosis,
        },
        outcome => outcome,
    }
}

/// A random number from 0 to 1, or the middle where there is none.
fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

fn state_not_saved<L: Ledger>(_: &L, error: &StoreError) -> Diagnosis {
    let remedy = format!(
        "Nothing was sent, so that nothing is sent twice. {}",
        L::ADVICE
    );
    Diagnosis::new(Reason::Host, error.to_string(), remedy)
}

#[cfg(test)]
mod tests;
