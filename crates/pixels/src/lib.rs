//! The inner loops: turning pictures by any angle, and encoding them in several
//! quarter turns.
//!
//! A package of its own because everything here is compiled for speed, and the
//! rest of the Worker, which runs once a request, for size (`[profile.worker]`
//! of the workspace).

#![forbid(unsafe_code)]
// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod jpeg;
pub mod plane;
pub mod processor;
pub mod rotation;

use thiserror::Error;

/// A text that is none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("has to be {0}")]
pub struct InvalidChoice(pub &'static str);
