//! Signing in with a browser: the profile of OAuth that the AT Protocol has
//! (<https://atproto.com/specs/oauth>).
//!
//! The steps, and a file for each: what was typed names a place ([`place`]); the place leads to an
//! authorization server, which tells what it offers ([`discovery`]); this service is known there by
//! a document ([`client`]) and what it asks for ([`scopes`]); the browser goes there and comes back
//! with a code ([`authorization`]), for which [`kept`] waits; the code becomes tokens ([`tokens`])
//! of a [`session`]. Whose they are, the account's own document confirms ([`identity`]).
//!
//! Requests to an authorization server ([`calls`]) are signed twice: with the key of this service
//! ([`assertion`]) and with the session's ([`dpop`]). What turns need of a session is in
//! [`details`]. Public requests, which carry no secret, are in [`lookups`].
//!
//! Any server may be typed, so every reply may be a lie. A server can lie about the accounts alone
//! that it signs in: the server that an account's document names has to name it.

mod account;
mod assertion;
mod attempt;
mod authorization;
mod calls;
mod client;
pub(super) mod details;
mod discovery;
pub(super) mod dpop;
mod identity;
mod kept;
mod lookups;
mod place;
mod refusals;
mod scopes;
mod session;
mod sign_in;
mod tokens;

pub(super) use self::sign_in::BlueskySignIn;

#[cfg(test)]
mod tests;
