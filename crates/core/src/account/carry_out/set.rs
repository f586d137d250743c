//! `Set`: what the page sets.

use std::collections::BTreeMap;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::done;
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::{Account, PAGE_SETTINGS};
use crate::outcome::{Diagnosis, Reason};
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::settings::errors::{Invalid, SettingsErrors};
use crate::settings::pasted;

/// The most characters of a setting. The longest name of a time zone has 32.
const MAX_CHARS: usize = 100;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Sets all of these settings, or none. An empty text unsets.
    ///
    /// # Errors
    /// When one of them cannot be set by the page, or cannot be understood.
    pub(super) async fn set(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let mut stored = opened.stored.clone();
        for (name, text) in settings {
            let is_of_page = PAGE_SETTINGS.iter().any(|variable| variable.name == name);
            if !is_of_page || text.chars().count() > MAX_CHARS {
                return Err(Diagnosis::new(
                    Reason::Settings,
                    "This is not a setting of the page, or its text is too long.",
                    "Load the page again, and set it there.",
                ));
            }
            match pasted::text(text) {
                text if text.is_empty() => stored.settings.remove(name),
                text => stored.settings.insert(name.clone(), text),
            };
        }
        let schedule = self.opened(stored.clone()).await.settings.schedule;
        if let Err(errors) = schedule {
            return Err(invalid(&errors));
        }
        if stored != opened.stored {
            self.keep(stored).await?;
        }
        Ok(done(Vec::new()))
    }
}

/// The settings cannot be understood. They are named as on the page.
fn invalid(errors: &SettingsErrors) -> Diagnosis {
    let in_words = |Invalid { name, accepts }: &Invalid| {
        let name = match *name {
            name if name == TIME_ZONE.name => "the time zone",
            name if name == PERIOD.name => "the time of a full rotation",
            name if name == DIRECTION.name => "the direction",
            other => other,
        };
        format!("{name} has to be {accepts}")
    };
    let wrong: Vec<_> = errors.invalid.iter().map(in_words).collect();
    Diagnosis::new(
        Reason::Settings,
        format!("Nothing was changed: {}.", wrong.join("; ")),
        "Correct it, and save again.",
    )
}
