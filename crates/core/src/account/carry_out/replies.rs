//! What several commands reply, in the same words.

use crate::account::commands::Reply;
use crate::account::journal::Report;
use crate::network;
use crate::outcome::{Diagnosis, Outcome, Reason};

/// The reply to what is done, with what else the person should know.
pub(super) fn done(notes: Vec<String>) -> Reply {
    Reply::Done { notes }
}

/// How turns have ended, a sentence or two for each network.
pub(super) fn told(reports: &[Report]) -> Vec<String> {
    let tell = |report: &Report| {
        let title = title(report.network);
        let said = match &report.outcome {
            Outcome::Turned => format!("{title} shows your icon as it is turned now."),
            Outcome::Unchanged | Outcome::DryRun(_) => {
                format!("{title} shows your icon as it is turned now already.")
            }
            Outcome::Retry { diagnosis, .. } => format!(
                "{title} has not taken the picture yet: {}",
                diagnosis.in_words()
            ),
            Outcome::Refused(diagnosis) => format!("{title}: {}", diagnosis.in_words()),
        };
        match &report.note {
            Some(note) => format!("{said} {note}"),
            None => said,
        }
    };
    reports.iter().map(tell).collect()
}

/// The title of a network, or its name if this version does not know it.
pub(super) fn title(network: &str) -> &str {
    network::named(network).map_or(network, |one| one.title)
}

/// A diagnosis whose remedy ends with these sentences.
pub(super) fn with_remedy(diagnosis: Diagnosis, sentences: &str) -> Diagnosis {
    Diagnosis {
        remedy: format!("{} {sentences}", diagnosis.remedy).into(),
        ..diagnosis
    }
}

/// There is no sign-in to a network.
pub(super) fn not_connected(network: &str) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("You are not signed in to {} here.", title(network)),
        "Sign in to it on the page first.",
    )
}

/// The tokens of a sign-in cannot be used any more.
pub(super) fn needs_sign_in(network: &str) -> Diagnosis {
    Diagnosis::new(
        Reason::Credentials,
        format!("The sign-in to {} is no longer valid.", title(network)),
        "Sign in again on the page; nothing else is lost.",
    )
}
