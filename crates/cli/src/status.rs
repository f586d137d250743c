//! Exit statuses that cron and systemd can act on, from sysexits.h where it has one.

use std::process::ExitCode;

use rotate_icon_core::account::journal::Report;
use rotate_icon_core::outcome::{Diagnosis, Outcome, Reason};

/// How a run ended, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All is well.
    Well,
    /// The failure is temporary, or it is too early; a later run tries again (`EX_TEMPFAIL`).
    Later,
    /// The owner has to do something.
    Refused,
    /// A setting is missing or wrong (`EX_CONFIG`).
    Settings,
}

impl Status {
    /// The status for a failure.
    pub(crate) fn of_diagnosis(diagnosis: &Diagnosis) -> Self {
        match diagnosis.reason {
            Reason::Settings => Self::Settings,
            reason if reason.is_for_the_owner() => Self::Refused,
            _ => Self::Later,
        }
    }

    /// The status for a turn. A turn that waits after an earlier failure has tried nothing; a later
    /// one does.
    pub(crate) fn of_report(report: &Report) -> Self {
        if report.is_held {
            Self::Later
        } else {
            Self::of_outcome(&report.outcome)
        }
    }

    /// The status for an outcome.
    fn of_outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Retry { .. } => Self::Later,
            _ => outcome.diagnosis().map_or(Self::Well, Self::of_diagnosis),
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Well => 0,
            Status::Later => 75,
            Status::Refused => 1,
            Status::Settings => 78,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_counts() {
        let all = [
            Status::Later,
            Status::Settings,
            Status::Well,
            Status::Refused,
        ];
        assert_eq!(all.into_iter().max(), Some(Status::Settings));
        assert_eq!(all[..1].iter().max(), Some(&Status::Later));
    }

    #[test]
    fn a_trouble_that_passes_is_for_later() {
        for (reason, status) in [
            (Reason::Transient, Status::Later),
            (Reason::RateLimit, Status::Later),
            (Reason::SpamFilter, Status::Later),
            (Reason::Settings, Status::Settings),
            (Reason::Credentials, Status::Refused),
            (Reason::Frames, Status::Refused),
            (Reason::Host, Status::Refused),
        ] {
            let diagnosis = Diagnosis::new(reason, "No.", "Wait.");
            assert_eq!(Status::of_diagnosis(&diagnosis), status);
            let mut report = Report::of("x", Outcome::Refused(diagnosis));
            assert_eq!(Status::of_report(&report), status);
            report.is_held = true;
            assert_eq!(Status::of_report(&report), Status::Later);
        }
    }
}
