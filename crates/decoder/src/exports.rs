//! The functions that the host calls.

#![expect(
    unsafe_code,
    reason = "the compiler can vouch neither for a name that is exported nor for what the host writes"
)]

use std::mem::ManuallyDrop;
use std::sync::OnceLock;
use std::{ptr, slice};

use picture::{Limits, Options, PictureError};

use crate::allocator::ALLOCATOR;

/// A reply for the host: bytes and their kind.
#[repr(C)]
pub struct Reply {
    kind: Kind,
    start: *const u8,
    length: usize,
}

/// The kind of a reply. src/decoder.js has the same numbers.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum Kind {
    /// A `PictureError` as JSON.
    Refusal = 0,
    /// The planes of a square one after another: luma, blue, red.
    Square = 1,
    /// The message of a panic.
    Panic = 2,
}

/// Hands bytes to the host. They are never freed: the instance ends with the reply.
fn reply(kind: Kind, bytes: Vec<u8>) -> *const Reply {
    let bytes = bytes.leak();
    Box::leak(Box::new(Reply {
        kind,
        start: bytes.as_ptr(),
        length: bytes.len(),
    }))
}

/// Allocates `length` bytes, which are never freed; null if there is not enough memory.
// SAFETY: nothing else that is linked has this name.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    let mut room = ManuallyDrop::new(Vec::new());
    match room.try_reserve_exact(length) {
        Ok(()) => room.as_mut_ptr(),
        Err(_) => ptr::null_mut(),
    }
}

/// Makes a square of a picture file. `options` are [`Options`] as JSON. Returns a [`Reply`] with
/// the square or a refusal.
///
/// # Safety
/// Each pointer and length must describe an allocation of [`allocate`] in which every byte has been
/// written.
// SAFETY: nothing else that is linked has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn square(
    file: *const u8,
    file_length: usize,
    options: *const u8,
    options_length: usize,
) -> *const Reply {
    std::panic::set_hook(Box::new(|panic| {
        PANICKED.get_or_init(|| panic.to_string());
    }));
    // SAFETY: the caller's promise. The memory is never freed, and nobody writes to it while this
    // runs.
    let file = unsafe { slice::from_raw_parts(file, file_length) };
    // SAFETY: the same.
    let options = unsafe { slice::from_raw_parts(options, options_length) };
    match read(file, options) {
        Ok(square) => reply(Kind::Square, square),
        Err(refusal) => {
            // A decoder may have reported the lack of memory as an error in the file.
            let refusal = if ALLOCATOR.ran_out() {
                PictureError::Memory
            } else {
                refusal
            };
            reply(
                Kind::Refusal,
                serde_json::to_vec(&refusal).expect("a refusal is made of texts and numbers"),
            )
        }
    }
}

fn read(file: &[u8], options: &[u8]) -> Result<Vec<u8>, PictureError> {
    let options: Options = serde_json::from_slice(options).map_err(|_| PictureError::Crashed)?;
    let planes = picture::square(file, &options, Limits::WORKER)?;
    Ok([
        planes.luma.samples(),
        planes.blue.samples(),
        planes.red.samples(),
    ]
    .concat())
}

/// Returns 1 if an allocation has failed, otherwise 0.
// SAFETY: nothing else that is linked has this name.
#[unsafe(no_mangle)]
pub extern "C" fn ran_out() -> u32 {
    ALLOCATOR.ran_out().into()
}

/// Returns the first address beyond everything that was ever allocated, or 0.
// SAFETY: nothing else that is linked has this name.
#[unsafe(no_mangle)]
pub extern "C" fn end() -> usize {
    ALLOCATOR.end()
}

/// The message of the first panic.
static PANICKED: OnceLock<String> = OnceLock::new();

/// Returns a [`Reply`] with the message of the first panic, empty if there was none.
// SAFETY: nothing else that is linked has this name.
#[unsafe(no_mangle)]
pub extern "C" fn panicked() -> *const Reply {
    let message = PANICKED.get().cloned().unwrap_or_default();
    reply(Kind::Panic, message.into_bytes())
}
