//! What a server tells about itself: `/.well-known/` and `instance`.

use http::HeaderValue;
use http::header::LOCATION;
use maud::{PreEscaped, html};
use serde_json::{Value, json};

use super::server::{Done, Judgment, Server};
use super::visit::Visit;
use super::{Kind, NOT_FOUND, people};
use crate::form;
use crate::reply::{Refusal, Reply};

const NO_RESOURCE: Refusal = Refusal::empty(400);

/// Answers `/.well-known/…`.
pub(crate) fn well_known(server: &Server, visit: &Visit<'_>) -> Judgment {
    match visit.request.path.as_str() {
        "/.well-known/host-meta" => Ok(host_meta(visit)),
        "/.well-known/webfinger" if visit.is_at_handles => to_web(visit),
        "/.well-known/webfinger" => webfinger(server, visit),
        _ => Ok(metadata(server, visit)),
    }
}

/// Where to ask about handles (RFC 6415).
fn host_meta(visit: &Visit<'_>) -> Done {
    let template = format!("{}/.well-known/webfinger?resource={{uri}}", visit.base);
    let document = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        (PreEscaped("<XRD xmlns=\"http://docs.oasis-open.org/ns/xri/xrd-1.0\">\n  "))
        (PreEscaped("<Link rel=\"lrdd\" template=\"")) (template) (PreEscaped("\"/>\n"))
        (PreEscaped("</XRD>\n"))
    };
    let media_type = "application/xrd+xml; charset=utf-8";
    let reply = Reply::of(200, media_type, document.into_string());
    Done::plain(reply, "showed where handles are")
}

/// Sends a question about a handle from the domain of the handles to the server.
fn to_web(visit: &Visit<'_>) -> Judgment {
    let query = &visit.request.query;
    let to = format!("{}/.well-known/webfinger?{query}", visit.base);
    let to = HeaderValue::from_str(&to)
        .map_err(|_| NO_RESOURCE.because("the query cannot stand in a header"))?;
    let reply = Reply::empty(301).with(LOCATION, to);
    Ok(Done::plain(reply, "sent on to the server"))
}

/// Who has a handle (RFC 7033).
fn webfinger(server: &Server, visit: &Visit<'_>) -> Judgment {
    let pairs = form::decode(visit.request.query.as_bytes())
        .map_err(|reason| NO_RESOURCE.because(reason))?;
    let resource = pairs.iter().find(|(name, _)| name == "resource");
    let (_, resource) =
        resource.ok_or_else(|| NO_RESOURCE.because("there is no resource in the query"))?;
    let domain = server.handles.as_deref().unwrap_or(visit.host());
    let known = resource
        .strip_prefix("acct:")
        .and_then(|handle| handle.split_once('@'))
        .filter(|(_, host)| {
            host.eq_ignore_ascii_case(domain) || host.eq_ignore_ascii_case(visit.host())
        })
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| people::number_of(name).is_some())
        .ok_or_else(|| NOT_FOUND.because("nobody here has that handle"))?;
    let profile = server.profile(&visit.base, &known);
    let document = json!({
        "subject": format!("acct:{known}@{domain}"),
        "aliases": [profile.url, profile.uri],
        "links": [
            {
                "rel": "http://webfinger.net/rel/profile-page",
                "type": "text/html",
                "href": profile.url,
            },
            { "rel": "self", "type": "application/activity+json", "href": profile.uri },
        ],
    });
    let media_type = "application/jrd+json; charset=utf-8";
    let reply = Reply::of(200, media_type, document.to_string());
    Ok(Done::plain(reply, format!("told who @{known} is")))
}

/// How to sign in (RFC 8414).
fn metadata(server: &Server, visit: &Visit<'_>) -> Done {
    let base = &visit.base;
    let document = json!({
        "issuer": format!("{base}/"),
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "app_registration_endpoint": format!("{base}/api/v1/apps"),
        "scopes_supported": server.kind.scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "service_documentation": "https://docs.joinmastodon.org/",
    });
    Done::plain(Reply::json(200, &document), "showed how to sign in")
}

/// Answers `instance`, in either version.
pub(crate) fn instance(server: &Server, visit: &Visit<'_>) -> Done {
    let kind = server.kind;
    let domain = server.handles.as_deref().unwrap_or(visit.host());
    let mut document = json!({
        "title": "A simulated server",
        "description": "A server that exists on this machine only.",
        "version": kind.version(),
        "languages": ["en"],
        "configuration": {},
        "rules": [],
    });
    let mut add = |name: &str, value: Value| {
        if let Some(members) = document.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if visit.request.path == "/api/v2/instance" {
        add("domain", domain.into());
        add("registrations", json!({ "enabled": false }));
    } else {
        // The others tell the whole address.
        let uri = match kind {
            Kind::Gotosocial | Kind::Pleroma => visit.base.clone(),
            _ => domain.to_owned(),
        };
        add("uri", uri.into());
        add("registrations", false.into());
    }
    Done::plain(Reply::json(200, &document), "showed the server")
}
