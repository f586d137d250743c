//! The standard library's allocator, with a record of how far it has reached.

#![expect(unsafe_code, reason = "an allocator cannot be without")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dlmalloc::GlobalDlmalloc;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
pub(crate) static ALLOCATOR: Recording = Recording::new();

/// Allocates with `dlmalloc` and records the highest address.
///
/// `dlmalloc` allocates from the lower end of the memory that the linker leaves free, and cannot
/// get more.
pub(crate) struct Recording {
    end: AtomicUsize,
    ran_out: AtomicBool,
}

impl Recording {
    pub(crate) const fn new() -> Self {
        Self {
            end: AtomicUsize::new(0),
            ran_out: AtomicBool::new(false),
        }
    }

    /// The first address beyond everything that was ever allocated, or 0.
    pub(crate) fn end(&self) -> usize {
        self.end.load(Ordering::Relaxed)
    }

    /// Whether an allocation has failed.
    pub(crate) fn ran_out(&self) -> bool {
        self.ran_out.load(Ordering::Relaxed)
    }

    /// Records and returns an allocation of this many bytes.
    fn record(&self, start: *mut u8, bytes: usize) -> *mut u8 {
        if start.is_null() {
            self.ran_out.store(true, Ordering::Relaxed);
        } else {
            let end = start.addr().saturating_add(bytes);
            self.end.fetch_max(end, Ordering::Relaxed);
        }
        start
    }
}

// SAFETY: all four functions pass their arguments to `dlmalloc` unchanged and return its results,
// so the callers' promises hold for it and its promises hold for the callers. Recording does not
// touch the memory and cannot unwind.
unsafe impl GlobalAlloc for Recording {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let start = unsafe { GlobalDlmalloc.alloc(layout) };
        self.record(start, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let start = unsafe { GlobalDlmalloc.alloc_zeroed(layout) };
        self.record(start, layout.size())
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let start = unsafe { GlobalDlmalloc.realloc(start, layout, new_size) };
        self.record(start, new_size)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { GlobalDlmalloc.dealloc(start, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for so many bytes, all written.
    fn room(allocator: &Recording, bytes: usize) -> (*mut u8, Layout) {
        let layout = Layout::from_size_align(bytes, 16).unwrap();
        // SAFETY: the size is not 0, and what is written is what was given.
        let start = unsafe { allocator.alloc(layout) };
        assert!(!start.is_null());
        // SAFETY: the same.
        unsafe { start.write_bytes(0xa5, bytes) };
        (start, layout)
    }

    #[test]
    fn the_end_is_beyond_all_that_was_given_and_stays() {
        let allocator = Recording::new();
        assert_eq!((allocator.end(), allocator.ran_out()), (0, false));
        let rooms: Vec<_> = (1..50).map(|n| room(&allocator, n * 1_000)).collect();
        let last = |(start, layout): &(*mut u8, Layout)| start.addr() + layout.size();
        let end = allocator.end();
        assert_eq!(Some(end), rooms.iter().map(last).max());
        for (start, layout) in rooms {
            // SAFETY: it was given for this layout, and grows to a size that is not 0.
            let grown = unsafe { allocator.realloc(start, layout, layout.size() + 77) };
            assert!(!grown.is_null());
            assert!(allocator.end() >= grown.addr() + layout.size() + 77);
            // SAFETY: so many bytes were written before.
            let kept = unsafe { std::slice::from_raw_parts(grown, layout.size()) };
            assert!(kept.iter().all(|byte| *byte == 0xa5));
            let layout = Layout::from_size_align(layout.size() + 77, 16).unwrap();
            // SAFETY: it was given for this layout.
            unsafe { allocator.dealloc(grown, layout) };
        }
        assert!(allocator.end() >= end);
        assert!(!allocator.ran_out());
    }

    #[test]
    fn to_want_more_than_there_is_is_remembered() {
        let allocator = Recording::new();
        let all = Layout::from_size_align(isize::MAX.unsigned_abs() / 2, 16).unwrap();
        // SAFETY: the size is not 0.
        assert!(unsafe { allocator.alloc(all) }.is_null());
        assert!(allocator.ran_out());
        let (start, layout) = room(&allocator, 10);
        assert!(allocator.ran_out());
        // SAFETY: it was given for this layout.
        unsafe { allocator.dealloc(start, layout) };
    }
}
