//! Where an account is, in whatever form people type or paste it: a server, a handle, the address of
//! a profile on its own server or as another server shows it.

use percent_encoding::percent_decode_str;

use crate::network::mastodon::server::is_user;
use crate::network::public_address::{PublicAddresses, PublicOrigin};
use crate::network::reply::quoted;
use crate::network::sign_in::SignInError;
use crate::network::typed::cleaned;

/// What to type.
pub(super) const WHAT_TO_TYPE: &str = "Type the server that your account is on, such as \
     mastodon.social, or your whole handle, such as @you@mastodon.social.";

/// Where somebody says that their account is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The name before the domain, if they gave it.
    pub(super) user: Option<String>,
    /// The server, or the domain of its handles.
    pub(super) origin: PublicOrigin,
}

/// Reads what was typed.
///
/// # Errors
/// When it names no server, or one that may not be asked.
pub(super) fn read(typed: &str, addresses: PublicAddresses<'_>) -> Result<Place, SignInError> {
    let no_place = || SignInError::Place(WHAT_TO_TYPE.to_owned());
    let text = cleaned(typed).ok_or_else(no_place)?;
    let (user, host) = user_and_host(&text).ok_or_else(|| {
        let text = quoted(&text, &[]);
        SignInError::Place(format!("“{text}” names no server. {WHAT_TO_TYPE}"))
    })?;
    // A full stop or a comma belongs to a sentence.
    let host = host.trim_end_matches(['.', ',', ';']);
    let host = host.strip_suffix(":443").unwrap_or(host);
    let origin = addresses.origin(host).map_err(|error| {
        let host = quoted(host, &[]);
        SignInError::Place(format!("“{host}” cannot be asked: {error}. {WHAT_TO_TYPE}"))
    })?;
    Ok(Place { user, origin })
}

/// Splits a text into the name of an account, if it has one, and a host.
fn user_and_host(text: &str) -> Option<(Option<String>, String)> {
    let text = without_prefix(text, "acct:").unwrap_or(text);
    let (is_url, place) = match text.split_once("://") {
        // Everybody means https.
        Some((scheme, place)) => {
            let is_web = ["http", "https"]
                .iter()
                .any(|web| scheme.eq_ignore_ascii_case(web));
            (true, is_web.then_some(place)?)
        }
        None => (false, text),
    };
    let end = place.find(['/', '?', '#']).unwrap_or(place.len());
    let (authority, rest) = place.split_at_checked(end)?;
    if !is_url && authority.contains('@') {
        let handle = authority.strip_prefix('@').unwrap_or(authority);
        return handle_of(handle);
    }
    let (user, home) = account_in(rest)?;
    let host = home.unwrap_or_else(|| authority.to_owned());
    let has_dot_or_port = host.contains(['.', ':']) || host.eq_ignore_ascii_case("localhost");
    // A single word is the name of an account more likely than that of a host. An international name
    // may have full stops of its own.
    (has_dot_or_port || !host.is_ascii()).then_some((user, host))
}

/// Reads `me@social.example`.
fn handle_of(handle: &str) -> Option<(Option<String>, String)> {
    let (user, host) = handle.split_once('@')?;
    let is_handle = is_user(user) && !host.is_empty() && !host.contains('@');
    is_handle.then(|| (Some(user.to_owned()), host.to_owned()))
}

/// The account that a path shows, and its server if that is another one: `/@me`, `/users/me`,
/// `/web/@me`, `/@me@social.example`, or on servers of programs that show others' accounts,
/// `/social.example/@me`. `None` if it shows something that is no account.
fn account_in(rest: &str) -> Option<(Option<String>, Option<String>)> {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<String> = path
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let mut before = "";
    for part in &parts {
        if let Some(name) = part.strip_prefix('@') {
            if name.contains('@') {
                let (user, home) = handle_of(name)?;
                return Some((user, Some(home)));
            }
            let home = before.contains('.').then(|| before.to_owned());
            return Some((user_of(name), home));
        }
        if before == "users" {
            return Some((user_of(part), None));
        }
        before = part;
    }
    Some((None, None))
}

fn user_of(name: &str) -> Option<String> {
    is_user(name).then(|| name.to_owned())
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::sign_in::Service;

    fn place(typed: &str) -> Result<(Option<String>, String), SignInError> {
        let service = Service {
            public_url: "https://icons.example".to_owned(),
            ..Service::default()
        };
        let place = read(typed, PublicAddresses::for_visitors_of(&service))?;
        Ok((place.user, place.origin.to_string()))
    }

    #[test]
    fn a_place_is_understood_as_people_paste_it() {
        const SERVER: &str = "https://social.example";
        for (typed, user, server) in [
            ("social.example", None, SERVER),
            ("  Social.Example ", None, SERVER),
            ("https://social.example", None, SERVER),
            ("http://social.example/", None, SERVER),
            ("HTTPS://SOCIAL.EXAMPLE/about?a=b#c", None, SERVER),
            ("https://social.example:443/", None, SERVER),
            ("social.example.", None, SERVER),
            ("social.example/home", None, SERVER),
            ("@ada@social.example", Some("ada"), SERVER),
            ("ada@social.example", Some("ada"), SERVER),
            ("@Ada@Social.Example/", Some("Ada"), SERVER),
            ("acct:ada@social.example", Some("ada"), SERVER),
            ("ACCT:@ada@social.example", Some("ada"), SERVER),
            ("ada@social.example, ", Some("ada"), SERVER),
            ("“@ada@social.example”", Some("ada"), SERVER),
            ("<https://social.example/@ada>", Some("ada"), SERVER),
            // What keyboards and programs add.
            ("@ada @social.example", Some("ada"), SERVER),
            ("@ ada @ social. example", Some("ada"), SERVER),
            ("＠ada＠social．example", Some("ada"), SERVER),
            ("＠ada＠ｓｏｃｉａｌ。ｅｘａｍｐｌｅ", Some("ada"), SERVER),
            ("https：／／social.example／＠ada", Some("ada"), SERVER),
            (
                "\u{2068}@ada@social\u{200b}.example\u{2069}\u{feff}\n",
                Some("ada"),
                SERVER,
            ),
            // Profiles.
            ("https://social.example/@ada", Some("ada"), SERVER),
            ("https://social.example/users/ada", Some("ada"), SERVER),
            ("https://social.example/web/@ada", Some("ada"), SERVER),
            (
                "https://social.example/@ada/109?a=@b@c.example",
                Some("ada"),
                SERVER,
            ),
            ("https://social.example/%40ada", Some("ada"), SERVER),
            ("social.example/@ada", Some("ada"), SERVER),
            // As another server, or another program, shows them.
            (
                "https://other.example/@ada@social.example",
                Some("ada"),
                SERVER,
            ),
            (
                "https://other.example/deck/@ada@Social.example/1",
                Some("ada"),
                SERVER,
            ),
            (
                "https://other.example/%40ada%40social.example",
                Some("ada"),
                SERVER,
            ),
            (
                "https://program.example/social.example/@ada",
                Some("ada"),
                SERVER,
            ),
            // International names.
            (
                "@ada@bücher.example",
                Some("ada"),
                "https://xn--bcher-kva.example",
            ),
            (
                "https://BÜCHER.example/@ada",
                Some("ada"),
                "https://xn--bcher-kva.example",
            ),
            ("例え。テスト", None, "https://xn--r8jz45g.xn--zckzah"),
        ] {
            let expected = (user.map(ToOwned::to_owned), server.to_owned());
            assert_eq!(place(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn what_names_no_server_that_may_be_asked_is_told_what_to_type() {
        for typed in [
            "",
            "  ",
            "ada",
            "@ada",
            "@ada@",
            "@@social.example",
            "ada social.example",
            "my server is social.example",
            "@ada@a@b.example",
            "https://other.example/@ada@",
            "https://other.example/@ada@a@b.example",
            "a b@social.example",
            "ftp://social.example",
            "javascript:alert(1)",
            "https://ada:secret@social.example",
            "https://ada@social.example/",
            "social.example:8443",
            "127.0.0.1:8788",
            "localhost:3000",
            "https://printer.local/@ada",
            "@ada@[::1]",
            "@ada@127.1",
            "https://other.example/@ada@127.0.0.1:22",
            "<script>alert(1)</script>",
            &"a".repeat(2_000),
            &format!("@ada@{}.example", "a".repeat(64)),
        ] {
            let error = place(typed).unwrap_err();
            let SignInError::Place(text) = &error else {
                panic!("{error:?}");
            };
            assert!(text.ends_with(WHAT_TO_TYPE), "{text}");
            assert!(text.chars().count() < 500, "{text}");
        }
    }

    #[test]
    fn a_service_on_this_machine_takes_servers_on_it() {
        let service = Service {
            public_url: "http://127.0.0.1:8787".to_owned(),
            ..Service::default()
        };
        let addresses = PublicAddresses::for_visitors_of(&service);
        for typed in [
            "127.0.0.1:8788",
            "http://127.0.0.1:8788/@ada",
            "@ada@127.0.0.1:8788",
            "ada@127.0.0.1:8788",
            "http://127.0.0.1:9999/@ada@127.0.0.1:8788",
        ] {
            let place = read(typed, addresses).unwrap();
            assert_eq!(place.origin.to_string(), "http://127.0.0.1:8788", "{typed}");
        }
        let place = read("localhost", addresses).unwrap();
        assert_eq!(place.origin.to_string(), "http://localhost");
    }
}
