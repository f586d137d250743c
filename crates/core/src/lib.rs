//! The core of rotate-icon: one turn of one account, its frames, networks and pages.
//!
//! It knows neither Cloudflare nor the file system nor a socket. Two thin shells bind it to the
//! outside: the Worker and the command `rotate-icon`. `docs/design.md` is the map.

#![forbid(unsafe_code)]
// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod account;
pub mod frames;
mod instant;
pub mod network;
pub mod outcome;
pub mod ports;
pub mod schedule;
pub mod settings;
mod stored;
#[cfg(test)]
mod testing;
pub mod web;
