//! Makes squares of picture files in a wasm instance of its own, so that a file that breaks a
//! decoder breaks nothing else.
//!
//! An instance reads one picture and is dropped, so it never frees what it hands out. The host
//! (src/decoder.js)
//!
//! 1. gives it a zeroed memory of the size in build.rs,
//! 2. copies the options and the file to memory from `allocate`,
//! 3. calls `square` and reads the `Reply`,
//! 4. if that trapped, asks `ran_out` and `panicked` for the reason.
//!
//! On other targets only the allocator exists, for its tests.

// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
#[cfg(target_arch = "wasm32")]
pub mod exports;
