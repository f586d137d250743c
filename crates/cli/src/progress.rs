//! A progress bar for long work.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work with more steps than this shows the bar from the start.
const LONG_STEPS: usize = 48;

/// Other work shows the bar after this time.
const LONG: Duration = Duration::from_millis(500);

/// The progress of some work. A bar appears on standard error if that is a terminal and the work
/// takes long, and disappears when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_long: bool,
    begun: Instant,
    shown: Once,
}

impl Progress {
    /// Begins work that has this number of steps.
    pub(crate) fn new(what: &'static str, steps: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let template = "{msg} [{wide_bar}] {pos}/{len}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        let progress = Self {
            bar,
            is_long: steps > LONG_STEPS,
            begun: Instant::now(),
            shown: Once::new(),
        };
        progress.advance(0);
        progress
    }

    /// Records that more steps are done.
    pub(crate) fn advance(&self, steps: usize) {
        if self.is_long || self.begun.elapsed() > LONG {
            // indicatif draws nothing if this is not a terminal.
            let stderr = ProgressDrawTarget::stderr;
            self.shown.call_once(|| self.bar.set_draw_target(stderr()));
        }
        self.bar.inc(steps as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
