//! Where an account is, in whatever form people type or paste it: a handle, the address of a
//! profile, a DID, or a server.

use crate::network::base_url::is_loopback;
use crate::network::bluesky::account::DEFAULT_SERVICE;
use crate::network::bluesky::identifier::{Identifier, is_handle};
use crate::network::bluesky::resolver::valid_did;
use crate::network::public_address::{PublicAddresses, PublicOrigin};
use crate::network::reply::quoted;
use crate::network::sign_in::SignInError;
use crate::network::typed::cleaned;

/// What to type.
pub(super) const WHAT_TO_TYPE: &str = "Type your whole handle, such as alice.bsky.social, or the \
     server that your account is on, such as bsky.social.";

/// Bluesky's own app, whose address people paste. It is a handle too, and no server: the accounts of
/// its people are on [`DEFAULT_SERVICE`].
const APP: &str = "bsky.app";

/// Where somebody says that their account is. It names an account or a server, or both: a handle
/// looks like the name of a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The account.
    pub(super) account: Option<Named>,
    /// The server.
    pub(super) server: Option<PublicOrigin>,
}

/// An account by one of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// Its handle, in lower case.
    Handle(String),
    /// Its DID.
    Did(String),
}

/// Reads what was typed.
///
/// # Errors
/// When it names neither an account nor a server that may be asked.
pub(super) fn read(typed: &str, addresses: PublicAddresses<'_>) -> Result<Place, SignInError> {
    let no_place = || SignInError::Place(WHAT_TO_TYPE.to_owned());
    let text = cleaned(typed).ok_or_else(no_place)?;
    // A full stop or a comma belongs to a sentence.
    let text = text.trim_end_matches(['.', ',', ';']);
    let shown = quoted(text, &[]);
    let host = server_in(text);
    if host.is_some_and(|host| host.eq_ignore_ascii_case(APP)) {
        return Ok(Place {
            account: None,
            server: addresses.url(DEFAULT_SERVICE).ok().map(|url| url.origin),
        });
    }
    let account = account_in(text, addresses);
    let server = host.map(|host| addresses.origin(host));
    match (account, server) {
        (Some(account), server) => Ok(Place {
            account: Some(account),
            server: server.and_then(Result::ok),
        }),
        (None, Some(Ok(server))) => Ok(Place {
            account: None,
            server: Some(server),
        }),
        _ if is_mail(text) => Err(SignInError::Place(format!(
            "“{shown}” is no handle. {WHAT_TO_TYPE}"
        ))),
        (None, Some(Err(_))) if is_label(text) => Err(SignInError::Place(format!(
            "“{shown}” is not a whole handle. Bluesky's own end in .bsky.social: is yours \
             {shown}.bsky.social? {WHAT_TO_TYPE}"
        ))),
        (None, Some(Err(error))) => Err(SignInError::Place(format!(
            "“{shown}” cannot be asked: {error}. {WHAT_TO_TYPE}"
        ))),
        (None, None) => Err(SignInError::Place(format!(
            "“{shown}” names no account. {WHAT_TO_TYPE}"
        ))),
    }
}

/// The account that a text names, if it can name one.
fn account_in(text: &str, addresses: PublicAddresses<'_>) -> Option<Named> {
    if let Ok(identifier) = text.parse::<Identifier>() {
        let name = identifier.to_string();
        if name.starts_with("did:") {
            return valid_did(&name).map(|did| Named::Did(did.to_owned()));
        }
        return is_handle(&name).then_some(Named::Handle(name));
    }
    // An international name.
    let name = text.strip_prefix('@').unwrap_or(text);
    if name.is_ascii() {
        return None;
    }
    let name = addresses.origin(name).ok()?;
    let name = name.authority();
    is_handle(name).then(|| Named::Handle(name.to_owned()))
}

/// The host of the server that a text names, if it can name one: what has no `@` before it, and is
/// no address of a profile.
fn server_in(text: &str) -> Option<&str> {
    let (scheme, place) = match text.split_once("://") {
        Some((scheme, place)) => (Some(scheme), place),
        None => (None, text),
    };
    let is_web = scheme.is_none_or(|scheme| {
        let mut web = ["http", "https"].iter();
        web.any(|web| scheme.eq_ignore_ascii_case(web))
    });
    let end = place.find(['/', '?', '#']).unwrap_or(place.len());
    let (host, rest) = place.split_at_checked(end)?;
    let is_server = is_web
        && !host.is_empty()
        && !host.contains('@')
        && !host.starts_with("did:")
        && !rest.starts_with("/profile/");
    is_server.then(|| host.strip_suffix(":443").unwrap_or(host))
}

/// Whether a text is of one `@` between others, as e-mail addresses and the handles of other
/// networks are.
fn is_mail(text: &str) -> bool {
    text.trim_start_matches('@').contains('@') && !text.contains('/')
}

/// Whether a text may be the first part of a handle.
fn is_label(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_letter) && !is_loopback(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::sign_in::Service;

    const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";

    fn at(public_url: &str, typed: &str) -> Result<(String, String), SignInError> {
        let service = Service {
            public_url: public_url.to_owned(),
            ..Service::default()
        };
        let place = read(typed, PublicAddresses::for_visitors_of(&service))?;
        let account = match place.account {
            Some(Named::Handle(name) | Named::Did(name)) => name,
            None => String::new(),
        };
        let server = place.server.map(|server| server.to_string());
        Ok((account, server.unwrap_or_default()))
    }

    #[test]
    fn a_place_is_understood_as_people_paste_it() {
        const ALICE: &str = "alice.example.com";
        const SERVER: &str = "https://alice.example.com";
        for (typed, account, server) in [
            ("alice.example.com", ALICE, SERVER),
            (" Alice.Example.com. ", ALICE, SERVER),
            ("https://alice.example.com/", ALICE, SERVER),
            ("https://alice.example.com:443", "", SERVER),
            ("https://alice.example.com/xrpc/_health", "", SERVER),
            ("@alice.example.com", ALICE, ""),
            ("＠alice．example．com", ALICE, ""),
            ("@ alice.example.com", ALICE, ""),
            ("“@alice.example.com”", ALICE, ""),
            ("@alice.example.com, ", ALICE, ""),
            ("at://alice.example.com", ALICE, ""),
            ("https://bsky.app/profile/alice.example.com", ALICE, ""),
            ("bsky.app/profile/alice.example.com/post/3k", ALICE, ""),
            ("bsky.app", "", "https://bsky.social"),
            (" https://bsky.app/ ", "", "https://bsky.social"),
            ("BSKY.app/settings", "", "https://bsky.social"),
            ("@bsky.app", "bsky.app", ""),
            ("at://bsky.app", "bsky.app", ""),
            ("https://bsky.app/profile/bsky.app", "bsky.app", ""),
            ("https://bsky.social", "bsky.social", "https://bsky.social"),
            (DID, DID, ""),
            (&format!("at://{DID}/app.bsky.actor.profile/self"), DID, ""),
            (&format!("https://bsky.app/profile/{DID}"), DID, ""),
            ("did:web:alice.example.com", "did:web:alice.example.com", ""),
            ("@bücher.example.com", "xn--bcher-kva.example.com", ""),
            (
                "bücher.example.com",
                "xn--bcher-kva.example.com",
                "https://xn--bcher-kva.example.com",
            ),
        ] {
            let expected = (account.to_owned(), server.to_owned());
            assert_eq!(at("https://icons.example", typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn what_names_nothing_that_may_be_asked_is_told_what_to_type() {
        for typed in [
            "",
            "  ",
            "@",
            "alice",
            "@alice",
            "alice smith",
            "alice@example.com",
            "@alice@mastodon.social",
            "did:plc:short",
            "did:key:abc",
            "did:web:10.0.0.1",
            "https://bsky.app/profile/alice",
            "ftp://alice.example.com",
            "javascript:alert(1)",
            "https://alice:secret@example.com",
            "alice.example.com:8443",
            "127.0.0.1:2583",
            "http://localhost:2583",
            "https://[::1]/",
            "0x7f.1",
            "<script>alert(1)</script>",
            &"a".repeat(2_000),
        ] {
            let error = at("https://icons.example", typed).unwrap_err();
            let SignInError::Place(text) = &error else {
                panic!("{error:?}");
            };
            assert!(text.ends_with(WHAT_TO_TYPE), "{typed}: {text}");
            assert!(text.chars().count() < 500, "{text}");
        }
        let told = at("https://icons.example", "alice").unwrap_err();
        assert!(told.to_string().contains("alice.bsky.social?"), "{told}");
    }

    #[test]
    fn a_service_on_this_machine_takes_servers_on_it() {
        for typed in ["localhost:2583", "http://localhost:2583/"] {
            let place = at("http://127.0.0.1:8787", typed).unwrap();
            assert_eq!(place, (String::new(), "http://localhost:2583".to_owned()));
        }
        let place = at("http://127.0.0.1:8787", "alice.test").unwrap();
        assert_eq!(place, ("alice.test".to_owned(), String::new()));
    }
}
