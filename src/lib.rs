//! rotate-icon turns a profile picture like the hour hand of a clock.
//!
//! This library is the core: it knows neither Cloudflare nor the file system
//! nor a socket. Two thin shells bind it to the outside: `worker` (wasm32
//! only) and the command `rotate-icon` (native only). `docs/design.md` is the
//! map.

#![forbid(unsafe_code)]
// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod account_api;
pub mod alert;
pub mod api;
mod base16;
pub mod dial;
pub mod frame_set;
pub mod frame_store;
pub mod frames;
mod http_date;
mod icon_upload;
mod instant;
mod join_all;
pub mod journal;
pub mod network;
pub mod oauth1;
pub mod outcome;
pub mod page;
pub mod pasted;
mod png;
pub mod ports;
pub mod problem;
pub mod rendering;
mod rfc3339;
pub mod schedule;
pub mod secret;
pub mod settings;
pub mod standing;
mod stored;
#[cfg(test)]
mod testing;
pub mod time_zone;
pub mod turn;
#[cfg(target_arch = "wasm32")]
mod worker;
mod y4m;
