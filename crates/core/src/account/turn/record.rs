//! The last phase of a turn: log it, write the journal, save the account's state, and tell the
//! owner.

use chrono::{DateTime, Utc};
use futures_util::future::join;

use crate::account::alert::{self, News};
use crate::account::journal::{self, Entry, Report, Trigger};
use crate::account::ledger::{Ledger, Record};
use crate::account::next_wake::next_wake_after;
use crate::account::settings::{ClockSource, Configured};
use crate::account::state::{AccountState, Slot};
use crate::account::turn::context::Turn;
use crate::account::turn::ended::{Ended, JournalEntry, Progress, Save};
use crate::ports::{Client, Clock, Log, StoreError};

impl<H: Client + Clock + Log, L: Ledger> Turn<'_, H, L> {
    /// Records how the turn has ended on one network. Returns the report, and the news for the
    /// owner with the title of the network.
    pub(super) async fn record(&self, ended: Ended<'_>) -> (Report, Vec<(&'static str, News)>) {
        let Ended {
            configured,
            report,
            sent_at,
            save,
        } = ended;
        // An account's own alarm is set with the last network's record. If it were set sooner and the
        // host ended then, the other networks would miss their turn.
        let unrecorded = self.unrecorded.get().saturating_sub(1);
        self.unrecorded.set(unrecorded);
        let has_own_clock = self.settings.clock != ClockSource::Cron;
        let is_last_of_own_clock = has_own_clock && unrecorded == 0;
        let Save::State(mut progress, entry) = save else {
            self.log(&report, sent_at, None);
            return (report, Vec::new());
        };
        let unread = self.report_unread(configured, &mut progress.state).await;
        let line = self.log(&report, sent_at, progress.slot());
        let given_up = progress
            .slot()
            .is_some_and(|slot| !slot.is_turned && report.retry_at >= Some(slot.end));
        let change = progress.state.news(&report.outcome, given_up);
        let wakes = self.set_wake(&mut progress.state, &report, sent_at) || is_last_of_own_clock;
        let saved = self.save(configured, progress, entry, &line, wakes).await;
        // What could not be saved is in the log. The owner hears of it from the turn that can save
        // that they have.
        let change = change.filter(|_| saved.is_ok());
        let title = configured.definition.title;
        let news = unread.into_iter().chain(change);
        (report, news.map(|news| (title, news)).collect())
    }

    /// Logs the turn, and returns its entry as a line of JSON. A turn that counts for a slot is
    /// logged as the turn that the slot's first one was.
    fn log(&self, report: &Report, sent_at: Option<DateTime<Utc>>, slot: Option<&Slot>) -> String {
        let duration = self.host.now().signed_duration_since(self.started);
        let entry = Entry {
            event: "turn",
            trigger: slot.map_or(self.request.trigger, |slot| slot.trigger),
            scheduled_at: slot.map_or(self.request.at, |slot| slot.scheduled_at),
            sent_at,
            duration_ms: duration.num_milliseconds(),
            report,
        };
        let line = entry.to_json();
        self.host.log(&line, report.outcome.diagnosis().is_some());
        line
    }

    /// Logs and records what could not be read of the stored state, once. Returns it as news for
    /// the owner.
    async fn report_unread(
        &self,
        configured: &Configured,
        state: &mut AccountState,
    ) -> Option<News> {
        let name = configured.definition.name;
        let diagnosis = state.tell_unread(self.host.now())?;
        let entry = journal::unread(name, self.request.trigger, self.request.at, &diagnosis);
        self.host.log(&entry, true);
        let saved = match self.ledger.next_id() {
            Ok(id) => {
                let record = Record { id, entry: &entry };
                self.ledger.keep(name, state, Some(&record)).await
            }
            Err(error) => Err(error),
        };
        if saved.is_err() {
            // The next turn reports it again.
            if let Some(unread) = &mut state.unread {
                unread.told_at = None;
            }
        }
        saved.is_ok().then_some(News::Unread(diagnosis))
    }

    /// Sets when the account is to be woken for its next attempt. Returns whether that changes when
    /// the host is to be woken.
    fn set_wake(
        &self,
        state: &mut AccountState,
        report: &Report,
        sent_at: Option<DateTime<Utc>>,
    ) -> bool {
        let retry = self.request.trigger == Trigger::Retry;
        let before = state.wake_at;
        // A turn that neither sent nor waits leaves the next attempt of another turn as it is,
        // unless it was that attempt.
        if sent_at.is_some() || report.retry_at.is_some() || retry {
            let at = self.request.at;
            let held = state.hold.as_ref().filter(|hold| hold.holds_at(at));
            let next = report.retry_at.or(held.map(|hold| hold.until));
            let wait = next.map(|next| next.signed_duration_since(at));
            state.wake_at = wait.and_then(|wait| self.started.checked_add_signed(wait));
        }
        // After a turn that was a retry, the host is told once, for all networks.
        state.wake_at != before && !retry
    }

    /// Saves the account's state, together with the entry of the turn.
    ///
    /// # Errors
    /// If the state is not saved.
    async fn save(
        &self,
        configured: &Configured,
        mut progress: Box<Progress>,
        entry: JournalEntry,
        line: &str,
        wakes: bool,
    ) -> Result<(), StoreError> {
        let id = match (entry, progress.slot().and_then(|slot| slot.record)) {
            (JournalEntry::Skip, _) => None,
            (JournalEntry::Write, Some(id)) => Some(id),
            (JournalEntry::Write, None) => self.ledger.next_id().ok(),
        };
        if let Some(slot) = progress.slot_mut() {
            slot.record = id.or(slot.record);
        }
        let record = id.map(|id| Record { id, entry: line });
        let name = configured.definition.name;
        // Both start before either waits, so that the host saves them together.
        let save = self.ledger.keep(name, &progress.state, record.as_ref());
        let (saved, ()) = join(save, async {
            if wakes {
                let next = next_wake_after(self.settings, self.ledger, self.started).await;
                // This network's attempt is made even if its state is not saved.
                let next = next.into_iter().chain(progress.state.wake_at).min();
                // If that cannot be promised, the next turn asks for it again.
                let _ = self.ledger.wake_at(next).await;
            }
        })
        .await;
        saved
    }

    /// Tells the owner the news of a turn, if they have a webhook.
    pub(super) async fn tell_owner(&self, news: Vec<(&'static str, News)>) {
        if news.is_empty() {
            return;
        }
        if let Some(webhook) = &self.settings.alert_webhook {
            let text = alert::in_words(&news, self.settings.networks.len());
            // The turn has ended, whether or not the owner can be told.
            if let Ok(request) = webhook.request(&text) {
                let _ = self.host.send(request, alert::LIMITS).await;
            }
        }
    }
}
