//! Signing in with a browser: the profile of OAuth that the AT Protocol has
//! (<https://atproto.com/specs/oauth>).

pub(super) mod details;
pub(super) mod dpop;
