//! The inner loops: rotate pictures by any angle, and encode them in several quarter turns.
//!
//! They are a package of their own because they are compiled for speed, and the rest of the Worker,
//! which runs once per request, for size (`[profile.worker]` in the workspace).

#![forbid(unsafe_code)]
// Tests calculate with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod jpeg;
pub mod plane;
pub mod processor;
pub mod rotation;

use thiserror::Error;

/// The text names none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("has to be {0}")]
pub struct InvalidChoice(pub &'static str);
