//! The proxy that the environment names. A value that cannot be read is an error, because ignoring
//! it would send requests past the proxy.

use std::env::VarError;

use anyhow::{Context, Result, anyhow, ensure};
use rotate_icon_core::settings::pasted;
use ureq::Proxy;
use ureq::http::Uri;

/// The variables, the most specific for HTTPS first: all requests that leave this machine use
/// HTTPS.
const NAMES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// The variables that list hosts to reach without a proxy.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What a variable may be.
const ACCEPTS: &str = "the address of a proxy, such as http://proxy.example:3128 or \
     socks5h://127.0.0.1:1080";

/// A proxy and the variable that names it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) proxy: Proxy,
    pub(crate) variable: &'static str,
}

/// Reads the proxy from the environment; `None` if no variable names one.
///
/// # Errors
/// When any of the variables cannot be read. The error does not repeat the value, which may contain
/// a password.
pub(crate) fn from_environment() -> Result<Option<Named>> {
    named_by(|name| std::env::var(name))
}

fn named_by(look_up: impl Fn(&str) -> Result<String, VarError>) -> Result<Option<Named>> {
    let text = |name: &'static str| match look_up(name) {
        Ok(text) => Ok(pasted::text(&text)),
        Err(VarError::NotPresent) => Ok(String::new()),
        Err(VarError::NotUnicode(_)) => Err(anyhow!("{name} is no UTF-8")),
    };
    let mut exceptions = Vec::new();
    for name in EXCEPTIONS {
        let hosts = text(name)?;
        let hosts = hosts
            .split(',')
            .map(str::trim)
            .filter(|host| !host.is_empty());
        exceptions.extend(hosts.map(str::to_owned));
    }
    let mut first = None;
    for variable in NAMES {
        let text = text(variable)?;
        if text.is_empty() {
            continue;
        }
        let read = read(&text, &exceptions);
        let proxy = read.with_context(|| {
            format!(
                "{variable} has to be {ACCEPTS}, or not set; nothing was sent, since it would go \
                 past the proxy"
            )
        });
        // The remaining variables must be valid too: they were set for a reason.
        let proxy = proxy?;
        first.get_or_insert(Named { proxy, variable });
    }
    Ok(first)
}

fn read(text: &str, exceptions: &[String]) -> Result<Proxy> {
    const NOT_ONE: &str = "this cannot be read as one";

    // `Proxy` would replace an invalid port by a default.
    let uri: Uri = text.parse().ok().context(NOT_ONE)?;
    let authority = uri.authority().context(NOT_ONE)?;
    let place = authority
        .as_str()
        .rsplit('@')
        .next()
        .expect("a split text has a last part");
    let port = place.strip_prefix(authority.host()).context(NOT_ONE)?;
    let port = port.strip_prefix(':').map(|digits| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u16>()
            .ok()
            .filter(|port| is_number && *port > 0)
    });
    let has_path = !matches!(uri.path(), "" | "/") || uri.query().is_some();
    ensure!(
        port != Some(None) && !authority.host().is_empty() && !has_path,
        NOT_ONE
    );
    let proxy = Proxy::new(text).ok().context(NOT_ONE)?;
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port())
        .resolve_target(proxy.resolve_target());
    if let Some(name) = proxy.username() {
        builder = builder.username(name);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for host in exceptions {
        // As in curl, a name also covers its subdomains.
        builder = builder.no_proxy(host);
        builder = match host.strip_prefix("*.").or_else(|| host.strip_prefix('.')) {
            Some(bare) => builder.no_proxy(bare),
            None if host.contains('*') => builder,
            None => builder.no_proxy(&format!(".{host}")),
        };
    }
    builder.build().ok().context(NOT_ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    use ureq::ProxyProtocol;

    fn named(variables: &[(&str, &str)]) -> Result<Option<Named>> {
        named_by(|name| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn each_form_of_a_proxy_is_read() {
        use ProxyProtocol::{Http, Https, Socks4, Socks4A, Socks5, Socks5h};
        for (text, protocol, host, port) in [
            ("http://proxy.example:3128", Http, "proxy.example", 3128),
            ("proxy.example:3128", Http, "proxy.example", 3128),
            ("https://proxy.example/", Https, "proxy.example", 443),
            ("socks5://127.0.0.1:9", Socks5, "127.0.0.1", 9),
            ("socks5h://[::1]:1080", Socks5h, "[::1]", 1080),
            ("SOCKS5://localhost", Socks5, "localhost", 1080),
            ("socks4://a", Socks4, "a", 1080),
            ("socks4a://a", Socks4A, "a", 1080),
            (" \"http://a:1\"\n", Http, "a", 1),
        ] {
            for variable in NAMES {
                let found = named(&[(variable, text)]).unwrap().unwrap();
                assert_eq!(found.variable, variable);
                let proxy = (
                    found.proxy.protocol(),
                    found.proxy.host(),
                    found.proxy.port(),
                );
                assert_eq!(proxy, (protocol, host, port), "{text}");
            }
        }
        let found = named(&[("ALL_PROXY", "socks5://me:h%40unter2@a:1")])
            .unwrap()
            .unwrap();
        assert_eq!(found.proxy.username(), Some("me"));
        assert_eq!(found.proxy.password(), Some("h@unter2"));
        assert!(!format!("{found:?}").contains("unter2"));
    }

    #[test]
    fn what_cannot_be_read_is_never_taken_for_none() {
        for text in [
            "ftp://hunter2",
            "pac+http://hunter2/",
            "hunter2 hunter2",
            "http://",
            "socks5://",
            "socks5://hunter2:0",
            "socks5://hunter2:+1",
            "socks5://hunter2:65536",
            "socks5://hunter2:port",
            "socks5://hunter2:",
            "http://a:hunter2@b:x",
            "http://hunter2:3128/path",
            "/hunter2",
            "socks5:/hunter2:1",
            "://hunter2",
        ] {
            for variable in NAMES {
                let other = ("all_proxy", "http://right:1");
                let error = named(&[(variable, text), other]).unwrap_err();
                let error = format!("{error:#}");
                assert!(error.starts_with(variable), "{text}: {error}");
                assert!(!error.contains("hunter2"), "{error}");
            }
        }
    }

    #[test]
    fn what_says_most_of_https_goes_first_and_what_is_blank_is_not_set() {
        let all = [("ALL_PROXY", "http://all"), ("HTTP_PROXY", "http://plain")];
        let found = |more: &[(&str, &str)]| {
            let found = named(&[more, &all].concat()).unwrap().unwrap();
            (found.variable, found.proxy.host().to_owned())
        };
        let host = |text: &str| text.to_owned();
        assert_eq!(
            found(&[("https_proxy", "http://s")]),
            ("https_proxy", host("s"))
        );
        assert_eq!(found(&[("HTTPS_PROXY", " ")]), ("ALL_PROXY", host("all")));
        assert!(named(&[("ALL_PROXY", "")]).unwrap().is_none());
        assert!(named(&[]).unwrap().is_none());
    }

    #[test]
    fn hosts_that_need_no_proxy_are_known_with_those_below_them() {
        let exceptions = " a.example, .b.example,*.c.example ,127.0.0.1,";
        let found = named(&[("NO_PROXY", exceptions), ("ALL_PROXY", "http://p")]);
        let proxy = found.unwrap().unwrap().proxy;
        for (host, is_reached) in [
            ("a.example", true),
            ("x.a.example", true),
            ("b.example", true),
            ("x.b.example", true),
            ("c.example", true),
            ("x.c.example", true),
            ("127.0.0.1", true),
            ("xa.example", false),
            ("example", false),
            ("127.0.0.2", false),
        ] {
            let uri = format!("https://{host}/").parse().unwrap();
            assert_eq!(proxy.is_no_proxy(&uri), is_reached, "{host}");
        }
        let found = named(&[("no_proxy", "*"), ("ALL_PROXY", "http://p")])
            .unwrap()
            .unwrap();
        assert!(found.proxy.is_no_proxy(&"https://a".parse().unwrap()));
    }
}
