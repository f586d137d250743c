//! The avatar that an account shows.

use http::Response;
use serde_json::Value;

/// The avatar's address in an account (<https://docs.joinmastodon.org/entities/Account/#avatar>).
pub(super) fn avatar_in(reply: &Response<Vec<u8>>) -> Option<String> {
    let account: Value = serde_json::from_slice(reply.body()).ok()?;
    Some(account.get("avatar")?.as_str()?.to_owned())
}

/// How the addresses of default avatars end, on Mastodon, Pixelfed and Pleroma.
const DEFAULT_AVATARS: [&str; 3] = [
    "/avatars/original/missing.png",
    "/avatars/default.jpg",
    "/images/avi.png",
];

/// Whether an address is that of the default avatar. Pixelfed appends `?v=0` to it.
pub(super) fn is_nobodys(avatar: &str) -> bool {
    let avatar = avatar.split(['?', '#']).next().unwrap_or_default();
    DEFAULT_AVATARS.iter().any(|end| avatar.ends_with(end))
        // GoToSocial has several.
        || avatar.contains("/assets/default_avatars/")
}
