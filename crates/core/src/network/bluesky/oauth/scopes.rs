//! What this service asks to be allowed (<https://atproto.com/specs/permission>): to change the
//! profile, upload pictures, and keep a record of its own that holds the frames.

use form_urlencoded::parse;

/// The record with the picture.
const PROFILE: &str = "app.bsky.actor.profile";

/// What is asked for. A profile is never deleted.
pub(super) const NARROW: &str = "atproto repo:app.bsky.actor.profile?action=create&action=update \
     repo:app.rotate-icon.frames blob:image/*";

/// What is asked for where the server does not know [`NARROW`]: what an app password may do.
pub(super) const BROAD: &str = "atproto transition:generic";

/// Whether granted scopes let the picture be changed. Servers may write them in another way than
/// they were asked for.
pub(super) fn are_enough(granted: &str) -> bool {
    let scopes: Vec<&str> = granted.split(' ').collect();
    let writes = |action| scopes.iter().any(|scope| allows_write(scope, action));
    let uploads = || scopes.iter().any(|scope| allows_images(scope));
    scopes.contains(&"atproto")
        && (scopes.contains(&"transition:generic")
            || (writes("create") && writes("update") && uploads()))
}

/// Whether a scope lets the profile be written in some way.
fn allows_write(scope: &str, action: &str) -> bool {
    let Some((collections, parameters)) = parts(scope, "repo", "collection") else {
        return false;
    };
    let mut actions = parameters.iter().filter(|(name, _)| name == "action");
    // Without any, all are meant.
    let is_allowed = actions.clone().next().is_none() || actions.any(|(_, one)| one == action);
    is_allowed
        && collections
            .iter()
            .any(|collection| matches!(collection.as_str(), PROFILE | "*"))
}

/// Whether a scope lets pictures be uploaded.
fn allows_images(scope: &str) -> bool {
    parts(scope, "blob", "accept").is_some_and(|(types, _)| {
        let mut types = types.iter();
        types.any(|one| one == "*/*" || one.starts_with("image/"))
    })
}

/// Names and values.
type Parameters = Vec<(String, String)>;

/// Takes a scope of a kind apart: into the values of its main parameter, which may stand after a
/// colon or among the others, and its parameters.
fn parts(scope: &str, kind: &str, main: &str) -> Option<(Vec<String>, Parameters)> {
    let (head, query) = scope.split_once('?').unwrap_or((scope, ""));
    let first = match head.split_once(':') {
        Some((name, value)) if name == kind => Some(value.to_owned()),
        None if head == kind => None,
        _ => return None,
    };
    let parameters: Parameters = parse(query.as_bytes()).into_owned().collect();
    let others = parameters.iter().filter(|(name, _)| name == main);
    let values = others.map(|(_, value)| value.clone()).chain(first);
    Some((values.collect(), parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_enough() {
        for scopes in [NARROW, BROAD] {
            assert!(are_enough(scopes), "{scopes}");
        }
    }

    #[test]
    fn scopes_may_be_written_in_other_ways() {
        for scopes in [
            "atproto repo:app.bsky.actor.profile blob:*/*",
            "atproto repo:* blob:image/jpeg",
            "blob?accept=image/png&accept=image/jpeg atproto \
             repo?collection=app.bsky.actor.profile&collection=a.b.c&action=update&action=create",
            "atproto repo:app.bsky.actor.profile?action=create blob:image/* \
             repo:app.bsky.actor.profile?action=update",
        ] {
            assert!(are_enough(scopes), "{scopes}");
        }
        for scopes in [
            "",
            "atproto",
            "transition:generic",
            "atproto transition:email",
            "atproto repo:app.bsky.actor.profile?action=create blob:image/*",
            "atproto repo:app.bsky.actor.profile?action=delete blob:image/*",
            "atproto repo:app.bsky.feed.post blob:image/*",
            "atproto repo:app.bsky.actor.profile",
            "atproto repo:app.bsky.actor.profile blob:video/*",
            "atproto repository:app.bsky.actor.profile blob:image/*",
            "atproto blob:app.bsky.actor.profile repo:image/*",
        ] {
            assert!(!are_enough(scopes), "{scopes}");
        }
    }
}
