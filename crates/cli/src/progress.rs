//! A bar that shows a person at a terminal how far long work is.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work with more steps than this is long from the start.
const LONG_STEPS: usize = 48;

/// Work that takes more time than this is long as well.
const LONG: Duration = Duration::from_millis(500);

/// How far some work is. The bar appears on standard error, only there if that
/// is a terminal and the work is long, and is gone when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_long: bool,
    begun: Instant,
    shown: Once,
}

impl Progress {
    /// Begins work of so many steps.
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

    /// So many steps more are done.
    pub(crate) fn advance(&self, steps: usize) {
        if self.is_long || self.begun.elapsed() > LONG {
            // indicatif looks whether it is a terminal, and else draws nothing.
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
