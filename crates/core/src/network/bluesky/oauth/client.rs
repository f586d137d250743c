//! This service as authorization servers know it.
//!
//! On the internet it publishes a document, and signs what it sends with a key (a confidential
//! client). On a machine of one's own nobody can fetch a document, so it is what the specification
//! has for development: a client whose id says all about it, without a key
//! (<https://atproto.com/specs/oauth#localhost-client-development>).

use serde_json::{Value, json};

use crate::network::base_url::is_loopback;
use crate::network::bluesky::oauth::scopes::{DECLARED, NARROW};
use crate::network::jose::ES256;
use crate::network::percent;
use crate::network::sign_in::{App, Server, Service, host_of};

/// The network's name in addresses.
pub(super) const NETWORK: &str = "bluesky";

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

/// This service as an application.
pub(super) fn app(server: &Server, service: &Service) -> App {
    let redirect_uri = service.shared_redirect_uri(NETWORK);
    let client_id = if is_local(service) {
        local_id(&redirect_uri)
    } else {
        service.client_id(NETWORK)
    };
    App {
        server: server.url.clone(),
        client_id,
        client_secret: None,
        scopes: NARROW.to_owned(),
        uses_pkce: true,
        redirect_uri,
    }
}

/// The id of the service on this machine. A port is not compared, but a name is.
fn local_id(redirect_uri: &str) -> String {
    let path = redirect_uri.strip_prefix(LOCALHOST);
    let redirect_uri = path.map_or_else(
        || redirect_uri.to_owned(),
        |path| format!("{LOOPBACK}{path}"),
    );
    format!(
        "{LOCALHOST}?redirect_uri={}&scope={}",
        percent::encode(&redirect_uri),
        percent::encode(DECLARED)
    )
}

/// The document that authorization servers fetch
/// (<https://atproto.com/specs/oauth#client-id-metadata-document>).
pub(super) fn document(service: &Service) -> Value {
    json!({
        "client_id": service.client_id(NETWORK),
        "client_name": CLIENT_NAME,
        "client_uri": service.public_url,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": DECLARED,
        "redirect_uris": [service.shared_redirect_uri(NETWORK)],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": ES256,
        "jwks_uri": service.jwks_uri(),
        "dpop_bound_access_tokens": true,
    })
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

    #[test]
    fn the_document_has_what_the_specification_asks_for() {
        let document = document(&service("https://icons.example"));
        assert_eq!(
            document,
            json!({
                "client_id": "https://icons.example/oauth/bluesky/client-metadata.json",
                "client_name": "rotate-icon",
                "client_uri": "https://icons.example",
                "application_type": "web",
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "scope": "atproto repo:app.bsky.actor.profile?action=create&action=update \
                          repo:app.rotate-icon.frames blob:image/* transition:generic",
                "redirect_uris": ["https://icons.example/callback/bluesky"],
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "ES256",
                "jwks_uri": "https://icons.example/oauth/jwks.json",
                "dpop_bound_access_tokens": true,
            })
        );
    }

    #[test]
    fn the_application_is_a_document_or_on_loopback_an_id_that_says_all() {
        let server = Server {
            url: "https://pds.example".to_owned(),
            facts: String::new(),
        };
        let published = app(&server, &service("https://icons.example"));
        assert_eq!(
            published.client_id,
            "https://icons.example/oauth/bluesky/client-metadata.json"
        );
        assert_eq!(published.server, "https://pds.example");
        for public_url in ["http://127.0.0.1:8787", "http://localhost:8787"] {
            assert!(is_local(&service(public_url)), "{public_url}");
            let local = app(&server, &service(public_url));
            let query = local.client_id.strip_prefix("http://localhost?").unwrap();
            let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            let redirect_uri = "http://127.0.0.1:8787/callback/bluesky";
            assert_eq!(parameters[0].1, redirect_uri, "{public_url}");
            assert_eq!(parameters[1], ("scope".to_owned(), DECLARED.to_owned()));
        }
        assert!(!is_local(&service("https://icons.example")));
        assert!(!is_local(&service("http://localhost.example")));
    }
}
