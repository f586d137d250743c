//! The core of rotate-icon: one turn of one account, its frames, networks and pages.
//!
//! It knows no host: no Cloudflare, no file system, no sockets. Two thin shells bind its ports to the
//! outside, the Worker and the command `rotate-icon`. `docs/design.md` is the map.
//!
//! The modules are layers. Each uses only those below it, which `scripts/layers.js` checks:
//!
//! | module | what it does |
//! |---|---|
//! | [`web`] | answers HTTP requests: routes, page, health, journal |
//! | [`service`] | says whose account is whose, and how people come to theirs |
//! | [`account`] | one turn of one account; its settings, state, journal and alerts |
//! | [`network`] | builds the networks' requests and reads their replies |
//! | [`frames`] | renders frames, names their sets, and reads them from a store |
//! | [`schedule`] | says which frame an instant shows; time zones and crons |
//! | [`settings`] | reads settings by name |
//! | [`ports`] | says what a host has to provide |
//! | [`outcome`] | says how a turn ended, and why |

#![forbid(unsafe_code)]
// Tests calculate with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod account;
pub mod frames;
mod instant;
pub mod network;
pub mod outcome;
pub mod ports;
pub mod schedule;
pub mod service;
pub mod settings;
mod stored;
#[cfg(test)]
mod testing;
pub mod web;
