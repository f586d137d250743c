//! This service as authorization servers know it.
//!
//! On the internet it publishes a document, and signs what it sends with a key (a confidential
//! client). On a machine of one's own nobody can fetch a document, so it is what the specification
//! has for development: a client whose id says all about it, without a key
//! (<https://atproto.com/specs/oauth#localhost-client-development>).
//!
//! A server from before narrow scopes (August 2025) refuses a document that declares them. There the
//! service is a second application, with the same keys and addresses, that declares the broad one.

use serde_json::{Value, json};

use crate::network::base_url::is_loopback;
use crate::network::bluesky::oauth::scopes::{BROAD, NARROW};
use crate::network::jose::ES256;
use crate::network::percent;
use crate::network::sign_in::{App, Server, Service, host_of};

/// The network's name in addresses.
pub(super) const NETWORK: &str = "bluesky";

/// The name in addresses of the application that asks for [`BROAD`].
const GENERIC: &str = "bluesky/generic";

/// What people see in the list of programs that they have let in.
const CLIENT_NAME: &str = "rotate-icon";

/// The name of this machine that redirect URIs may not have, and the one that they have instead.
const LOCALHOST: &str = "http://localhost";
const LOOPBACK: &str = "http://127.0.0.1";

/// Whether the service is only on this machine.
pub(super) fn is_local(service: &Service) -> bool {
    let host = service.public_url.strip_prefix("http://");
    host.is_some_and(|host| is_loopback(host.split(':').next().unwrap_or_default()))
}

/// This service as an application that asks for [`NARROW`].
pub(super) fn app(server: &Server, service: &Service) -> App {
    App {
        server: server.url.clone(),
        client_id: id(NETWORK, NARROW, service),
        client_secret: None,
        scopes: NARROW.to_owned(),
        uses_pkce: true,
        redirect_uri: service.shared_redirect_uri(NETWORK),
    }
}

/// The application that asks for [`BROAD`], on the same server.
pub(super) fn broad(app: &App, service: &Service) -> App {
    App {
        client_id: id(GENERIC, BROAD, service),
        scopes: BROAD.to_owned(),
        ..app.clone()
    }
}

/// What the application with an id declares that it may ask for; `None` if this service has no such
/// application, or not at the address that it has now.
pub(super) fn declared(client_id: &str, service: &Service) -> Option<&'static str> {
    let applications = [(NETWORK, NARROW), (GENERIC, BROAD)];
    let mut applications = applications.into_iter();
    let is_it = |(name, scopes): &(&str, &str)| id(name, scopes, service) == client_id;
    let (_, scopes) = applications.find(is_it)?;
    Some(scopes)
}

/// The id of an application.
fn id(name: &str, scopes: &str, service: &Service) -> String {
    if !is_local(service) {
        return service.client_id(name);
    }
    let redirect_uri = service.shared_redirect_uri(NETWORK);
    // A port is not compared, but a name is.
    let path = redirect_uri.strip_prefix(LOCALHOST);
    let redirect_uri =
        path.map_or_else(|| redirect_uri.clone(), |path| format!("{LOOPBACK}{path}"));
    let [redirect_uri, scopes] = [&redirect_uri, scopes].map(percent::encode);
    format!("{LOCALHOST}?redirect_uri={redirect_uri}&scope={scopes}")
}

/// The document that authorization servers fetch at an id
/// (<https://atproto.com/specs/oauth#client-id-metadata-document>); `None` if it is none of this
/// service.
pub(super) fn document(client_id: &str, service: &Service) -> Option<Value> {
    let scopes = declared(client_id, service)?;
    Some(json!({
        "client_id": client_id,
        "client_name": CLIENT_NAME,
        "client_uri": service.public_url,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": scopes,
        "redirect_uris": [service.shared_redirect_uri(NETWORK)],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": ES256,
        "jwks_uri": service.jwks_uri(),
        "dpop_bound_access_tokens": true,
    }))
}

/// The host of a server, for texts.
pub(super) fn host(app: &App) -> &str {
    host_of(&app.server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(public_url: &str) -> Service {
        Service {
            public_url: public_url.to_owned(),
            ..Service::default()
        }
    }

    /// The scopes of the application that is asked for first.
    const SCOPES: &str = "atproto repo:app.bsky.actor.profile?action=create&action=update \
         repo:app.rotate-icon.frames blob:image/*";

    #[test]
    fn each_document_has_what_the_specification_asks_for() {
        let service = service("https://icons.example");
        for (client_id, scope) in [
            (
                "https://icons.example/oauth/bluesky/client-metadata.json",
                SCOPES,
            ),
            (
                "https://icons.example/oauth/bluesky/generic/client-metadata.json",
                "atproto transition:generic",
            ),
        ] {
            assert_eq!(
                document(client_id, &service).unwrap(),
                json!({
                    "client_id": client_id,
                    "client_name": "rotate-icon",
                    "client_uri": "https://icons.example",
                    "application_type": "web",
                    "grant_types": ["authorization_code", "refresh_token"],
                    "response_types": ["code"],
                    "scope": scope,
                    "redirect_uris": ["https://icons.example/callback/bluesky"],
                    "token_endpoint_auth_method": "private_key_jwt",
                    "token_endpoint_auth_signing_alg": "ES256",
                    "jwks_uri": "https://icons.example/oauth/jwks.json",
                    "dpop_bound_access_tokens": true,
                })
            );
        }
        for other in [
            "https://before.example/oauth/bluesky/client-metadata.json",
            "https://icons.example/oauth/mastodon/client-metadata.json",
            "https://icons.example/oauth/bluesky/other/client-metadata.json",
            "",
        ] {
            assert_eq!(document(other, &service), None, "{other}");
        }
    }

    #[test]
    fn the_application_is_a_document_or_on_loopback_an_id_that_says_all() {
        let server = Server {
            url: "https://pds.example".to_owned(),
            facts: String::new(),
        };
        let internet = service("https://icons.example");
        let published = app(&server, &internet);
        assert_eq!(
            published.client_id,
            "https://icons.example/oauth/bluesky/client-metadata.json"
        );
        assert_eq!(published.server, "https://pds.example");
        for public_url in ["http://127.0.0.1:8787", "http://localhost:8787"] {
            let service = service(public_url);
            assert!(is_local(&service), "{public_url}");
            let narrow = app(&server, &service);
            let broad = broad(&narrow, &service);
            for (local, scopes) in [(narrow, SCOPES), (broad, "atproto transition:generic")] {
                let query = local.client_id.strip_prefix("http://localhost?").unwrap();
                let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
                    .into_owned()
                    .collect();
                let redirect_uri = "http://127.0.0.1:8787/callback/bluesky";
                assert_eq!(parameters[0].1, redirect_uri, "{public_url}");
                assert_eq!(parameters[1], ("scope".to_owned(), scopes.to_owned()));
                assert_eq!(declared(&local.client_id, &service), Some(scopes));
                assert_eq!(declared(&local.client_id, &internet), None);
            }
        }
        assert!(!is_local(&internet));
        assert!(!is_local(&service("http://localhost.example")));
    }
}
