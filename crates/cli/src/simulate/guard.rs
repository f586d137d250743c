//! Whom the simulator answers.
//!
//! A web page can have its own name resolve to this machine (DNS rebinding), and then speaks to
//! whatever listens here as if to its own server. The `Host` header gives it away, since it has the
//! page's name. A page that does not hide its origin is recognized by `Origin`.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};

/// Hosts by which the simulator may be addressed, beside the names of this machine.
#[derive(Default)]
pub(crate) struct AllowedHosts {
    /// As in the `Host` header.
    pub(crate) exactly: Vec<String>,
    /// Names for which a proxy in front may send any port, or none, and speak https.
    pub(crate) with_any_port: Vec<String>,
}

/// The hosts by which the simulator may be addressed.
pub(crate) struct Guard {
    /// In lower case, as in the `Host` header.
    hosts: Vec<String>,
    /// Names with any port, in lower case.
    names: Vec<String>,
}

impl Guard {
    /// Allows the names of this machine with the port of the listener, and `also` these hosts.
    pub(crate) fn of(address: SocketAddr, also: &AllowedHosts) -> Self {
        let names = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let own = match address.ip() {
            ip if ip.is_unspecified() => None,
            IpAddr::V4(ip) => Some(ip.to_string()),
            IpAddr::V6(ip) => Some(format!("[{ip}]")),
        };
        let port = address.port();
        let mut hosts: Vec<String> = names
            .into_iter()
            .chain(own)
            .map(|name| format!("{name}:{port}"))
            .collect();
        if port == 80 {
            let bare = hosts.iter().filter_map(|host| host.strip_suffix(":80"));
            hosts.extend(bare.map(str::to_owned).collect::<Vec<_>>());
        }
        let lower = |host: &String| host.to_ascii_lowercase();
        hosts.extend(also.exactly.iter().map(lower));
        Self {
            hosts,
            names: also.with_any_port.iter().map(lower).collect(),
        }
    }

    fn allows(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase()) || self.allows_name(host)
    }

    /// Whether a host has a name that is allowed with any port.
    fn allows_name(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            _ => &host,
        };
        self.names.iter().any(|known| known == name)
    }

    /// Why a request is refused because of its address or its origin; `None` if it is not.
    pub(crate) fn objection<T>(&self, request: &Request<T>) -> Option<(StatusCode, &'static str)> {
        let all = |name: HeaderName| request.headers().get_all(name).into_iter();
        let is_allowed = |host: &HeaderValue| host.to_str().is_ok_and(|host| self.allows(host));
        let authority = request.uri().authority();
        if all(HOST).next().is_none()
            || !all(HOST).all(is_allowed)
            || authority.is_some_and(|authority| !self.allows(authority.as_str()))
        {
            let reason = "the Host header has to be localhost, 127.0.0.1 or [::1] with the port of \
                          the simulator; --allow-host allows more";
            return Some((StatusCode::MISDIRECTED_REQUEST, reason));
        }
        let is_own = |origin: &HeaderValue| {
            let origin = origin.to_str().ok();
            let strip = |scheme| origin.and_then(|origin| origin.strip_prefix(scheme));
            strip("http://").is_some_and(|host| self.allows(host))
                || strip("https://").is_some_and(|host| self.allows_name(host))
        };
        if !all(ORIGIN).all(is_own) {
            let reason = "the Origin header names a page of another site";
            return Some((StatusCode::FORBIDDEN, reason));
        }
        // Links to the page from other sites are harmless. Browsers send no Origin with images and
        // the like, but do say that the request crosses sites.
        let says = |name, text| all(HeaderName::from_static(name)).any(|value| value == text);
        let is_link = request.method() == Method::GET && says("sec-fetch-mode", "navigate");
        if !is_link && (says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site"))
        {
            let reason = "a page of another site sends it";
            return Some((StatusCode::FORBIDDEN, reason));
        }
        None
    }
}
