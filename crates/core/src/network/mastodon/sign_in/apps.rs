//! This service as an application on a server (<https://docs.joinmastodon.org/methods/apps/>).

use crate::network::mastodon::account::NAME;
use crate::network::mastodon::sign_in::calls::{Calls, credentials, json_of, sentence, token_in};
use crate::network::mastodon::sign_in::discovery::Facts;
use crate::network::mastodon::sign_in::tokens::TOKEN;
use crate::network::sign_in::{App, Server, Service, SignInError};
use crate::network::transport::Transport;
use crate::settings::secret::Secret;

/// <https://docs.joinmastodon.org/methods/apps/#create>
const APPS: &str = "/api/v1/apps";

/// What people see on the page on which they consent.
const CLIENT_NAME: &str = "rotate-icon";

/// A code that no server has issued.
const NO_CODE: &str = "none";

/// Registers this service on a server.
///
/// # Errors
/// When the server does not register it.
pub(super) async fn register(
    server: &Server,
    service: &Service,
    transport: &dyn Transport,
) -> Result<App, SignInError> {
    let calls = Calls {
        server: &server.url,
        transport,
    };
    let Facts { scopes, uses_pkce } = Facts::of(server);
    let redirect_uri = service.redirect_uri(NAME, &server.url);
    let form = [
        ("client_name", CLIENT_NAME),
        ("redirect_uris", &redirect_uri),
        ("scopes", &scopes),
        ("website", &service.public_url),
    ];
    let reply = calls.post(APPS, &form).await?;
    let host = calls.host();
    if !reply.status().is_success() {
        let refusal = calls.refusal(&reply, &[]);
        return Err(calls
            .passing(&refusal)
            .unwrap_or_else(|| match refusal.status {
                404 | 405 => SignInError::Place(format!(
                    "{host} lets no other programs sign people in. Ask who runs it."
                )),
                _ => SignInError::Server(format!(
                    "{host} does not register this service. {} Ask who runs it.",
                    sentence(&refusal.said)
                )),
            }));
    }
    let registered = json_of(&reply);
    let texts = ["client_id", "client_secret"].map(|name| token_in(&registered, name));
    let [Some(client_id), Some(client_secret)] = texts else {
        return Err(SignInError::Server(format!(
            "{host} registered this service without giving it an id and a secret, as no Mastodon \
             server does. Check the name."
        )));
    };
    Ok(App {
        server: server.url.clone(),
        client_id,
        client_secret: Some(Secret::new(client_secret)),
        scopes,
        uses_pkce,
        redirect_uri,
    })
}

/// Asks a server whether it still knows the application: it looks at who asks before it looks at
/// what it is asked (RFC 6749 §4.1.3), so a code that it never issued is enough, and leaves nothing
/// behind.
///
/// # Errors
/// When it does not, or does not answer.
pub(super) async fn check(app: &App, transport: &dyn Transport) -> Result<(), SignInError> {
    let calls = Calls {
        server: &app.server,
        transport,
    };
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", NO_CODE),
        ("redirect_uri", &app.redirect_uri),
    ];
    form.extend(credentials(app));
    let reply = calls.post(TOKEN, &form).await?;
    let secrets: Vec<&Secret> = app.client_secret.iter().collect();
    let refusal = calls.refusal(&reply, &secrets);
    if refusal.error == "invalid_client" {
        return Err(SignInError::AppForgotten {
            server: calls.host().to_owned(),
        });
    }
    Ok(())
}
