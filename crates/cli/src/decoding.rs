//! Turns a panic in a picture decoder into an ordinary error.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use picture::PictureError;

thread_local! {
    /// Whether this thread is in [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Silences the message of panics in [`guarded`], whose error is reported instead.
pub(crate) fn silence_guarded_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !GUARDED.get() {
            usual(panic);
        }
    }));
}

/// Runs `decode` and returns [`PictureError::Crashed`] if it panics.
///
/// After a panic, do not use anything that `decode` has borrowed mutably.
pub(crate) fn guarded<T, E: From<PictureError>>(
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let before = GUARDED.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(before);
    decoded.unwrap_or_else(|_| Err(PictureError::Crashed.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_file_is_decoded() {
        let nothing: &[u8] = &[];
        for _ in 0..2 {
            let crashed: Result<u8, _> = guarded(|| Ok(nothing[1]));
            assert_eq!(crashed, Err(PictureError::Crashed));
            assert!(!GUARDED.get());
            assert_eq!(guarded(|| Ok::<_, PictureError>(7)), Ok(7));
            let refused: Result<u8, _> = guarded(|| Err(PictureError::Empty));
            assert_eq!(refused, Err(PictureError::Empty));
        }
    }

    #[test]
    fn a_panic_is_silent_on_its_own_thread_alone() {
        let silent = guarded(|| {
            let other = std::thread::spawn(|| GUARDED.get()).join();
            Ok::<_, PictureError>((GUARDED.get(), other.unwrap()))
        });
        assert_eq!(silent, Ok((true, false)));
    }
}
