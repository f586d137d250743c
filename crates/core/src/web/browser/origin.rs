//! Where a request comes from, and where it goes.

use http::header::ORIGIN;
use http::{HeaderName, Request, StatusCode};

use crate::network::sign_in::{Service, host_of};
use crate::service::tokens::form_token;
use crate::settings::secret::Secret;
use crate::web::problem::Problem;

/// What a browser says about the site that a request comes from
/// (<https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The field of a form, or the header of a script's request, that holds the form token.
pub(super) const FORM_TOKEN: &str = "csrf";
const FORM_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// Refuses a request to another host than the service's own, such as a preview: cookies and
/// redirects are for the one address (RFC 9110 §15.5.20).
///
/// # Errors
/// When it is another.
pub(super) fn require_own_host(request: &Request<()>, service: &Service) -> Result<(), Problem> {
    let scheme = request.uri().scheme_str().unwrap_or_default();
    let authority = request.uri().authority().map_or("", |host| host.as_str());
    // A proxy before the service may have ended TLS.
    if authority.eq_ignore_ascii_case(host_of(&service.public_url)) && !scheme.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "Signing in works at {} only. Go on there.",
            service.public_url
        ),
    ))
}

/// Refuses a request that does not come from a page of the service itself: another site may have
/// made the browser send it. Its origin has to be the service's, and `token` what the page was
/// given for the browser with this `cookie`.
///
/// # Errors
/// When it does not.
pub(super) fn require_own_page(
    request: &Request<()>,
    service: &Service,
    cookie: Option<&Secret>,
    token: Option<&str>,
) -> Result<(), Problem> {
    let is_own = is_own_origin(request, service)
        && cookie
            .zip(token)
            .is_some_and(|(cookie, token)| form_token(cookie).matches(token));
    if is_own {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "This did not come from a page of this service that is still valid. Nothing has changed. \
         Open the page again, and repeat what you did.",
    ))
}

/// The form token that a script sends in a header.
pub(super) fn token_in_header(request: &Request<()>) -> Option<&str> {
    request.headers().get(FORM_TOKEN_HEADER)?.to_str().ok()
}

fn is_own_origin(request: &Request<()>, service: &Service) -> bool {
    let only = |name: HeaderName| {
        let mut values = request.headers().get_all(name).into_iter();
        let value = values.next()?;
        // Two values are nobody's.
        let value = values.next().is_none().then_some(value)?;
        value.to_str().ok()
    };
    match only(ORIGIN) {
        Some(origin) => origin == service.public_url,
        // Every browser that leaves Origin out with a change sends this.
        None => only(SEC_FETCH_SITE) == Some("same-origin"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            public_url: "https://icons.example".to_owned(),
            ..Service::default()
        }
    }

    fn request(target: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method("POST").uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn another_host_is_not_this_service() {
        for (target, is_own) in [
            ("https://icons.example/account", true),
            ("https://ICONS.example/account", true),
            ("https://icons.me.workers.dev/account", false),
            ("https://icons.example:8443/account", false),
            ("https://icons.example.evil.example/account", false),
            ("/account", false),
        ] {
            let checked = require_own_host(&request(target, &[]), &service());
            assert_eq!(checked.is_ok(), is_own, "{target}");
            if let Err(problem) = checked {
                assert_eq!(problem.status(), StatusCode::MISDIRECTED_REQUEST);
            }
        }
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_ours_with_its_token() {
        let cookie = Secret::new("cookie");
        let token = form_token(&cookie);
        let own = ("origin", "https://icons.example");
        let same = ("sec-fetch-site", "same-origin");
        let is_taken = |headers: &[(&str, &str)], cookie: Option<&Secret>, token: Option<&str>| {
            let request = request("https://icons.example/account/start", headers);
            require_own_page(&request, &service(), cookie, token).is_ok()
        };
        let token = Some(token.expose());
        assert!(is_taken(&[own], Some(&cookie), token));
        assert!(is_taken(&[same], Some(&cookie), token));
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "null"), same],
            &[("origin", "https://evil.example"), same],
            &[("origin", "http://icons.example")],
            &[("origin", "https://icons.example.evil.example")],
            &[own, ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!is_taken(headers, Some(&cookie), token), "{headers:?}");
        }
        assert!(!is_taken(&[own], Some(&cookie), None));
        assert!(!is_taken(&[own], Some(&cookie), Some("")));
        assert!(!is_taken(&[own], None, token));
        assert!(!is_taken(&[own], Some(&Secret::new("another")), token));
        assert!(!is_taken(&[own], Some(&cookie), Some(cookie.expose())));
    }
}
