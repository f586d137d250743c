//! Picture files → squares, for a host that runs this in a wasm instance of its
//! own: whatever a file does to a decoder, it does to this instance alone.
//!
//! An instance reads one picture and is thrown away, so what it hands out is
//! never taken back. The host (src/decoder.js)
//!
//! 1. gives it a memory of zeros, of the size that build.rs states,
//! 2. copies the options and the file to where `allocate` says,
//! 3. calls `square` and reads the `Reply`,
//! 4. or, if that trapped, asks `ran_out` and `panicked` for the reason.
//!
//! On other targets there is only the allocator, to be tested.

// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
#[cfg(target_arch = "wasm32")]
pub mod exports;
