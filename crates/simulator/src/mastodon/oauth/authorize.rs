//! Asking a person for consent: `/oauth/authorize`.

use http::HeaderValue;
use http::header::LOCATION;

use super::page;
use super::{Code, Parameters};
use crate::mastodon::people;
use crate::mastodon::server::{Done, Judgment, Server};
use crate::mastodon::visit::Visit;
use crate::payload::Payload;
use crate::reply::{Refusal, Rejection, Reply};
use crate::text::quoted;

/// The fewest characters of a `state`. A shorter one can be guessed (RFC 6749 §10.12).
const SHORTEST_STATE: usize = 16;
/// The characters of a challenge: SHA-256 in base64url (RFC 7636 §4.2).
const CHALLENGE: usize = 43;

/// Why a person sees an error rather than being sent back: the redirect URI cannot be trusted.
const UNKNOWN_CLIENT: Refusal = Refusal::html(
    400,
    "<!DOCTYPE html><html lang=\"en\"><head><title>An error has occurred</title></head><body>\
     <main><h1>An error has occurred</h1><p>Client authentication failed due to unknown client, \
     no client authentication included, or unsupported authentication method.</p></main></body>\
     </html>",
);
const WRONG_REDIRECT_URI: Refusal = Refusal::html(
    400,
    "<!DOCTYPE html><html lang=\"en\"><head><title>An error has occurred</title></head><body>\
     <main><h1>An error has occurred</h1><p>The redirect uri included is not valid.</p></main>\
     </body></html>",
);
const WRONG_FORM: Refusal = Refusal::html(
    422,
    "<!DOCTYPE html><html lang=\"en\"><head><title>An error has occurred</title></head><body>\
     <main><h1>An error has occurred</h1><p>Go back, choose an account and press a button.</p>\
     </main></body></html>",
);

/// What a client asks a person for, once it is checked.
pub(super) struct Asked {
    pub(super) client_id: String,
    pub(super) client_name: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) state: String,
    /// The challenge as it was sent; whether it counts depends on the server.
    pub(super) challenge: Option<String>,
}

/// Shows the page on which a person agrees or not.
pub(crate) fn ask(server: &mut Server, visit: &Visit<'_>) -> Judgment {
    let parameters =
        Parameters::of_query(visit.request).map_err(|reason| WRONG_REDIRECT_URI.because(reason))?;
    let asked = check(server, &parameters)?;
    let summary = format!("asked for consent to {}", asked.scopes.join(" "));
    let reply = page::consent(server, visit, &asked);
    Ok(Done::plain(reply, summary))
}

/// Sends a person back to the client who decided.
pub(crate) fn decide(server: &mut Server, visit: &Visit<'_>, payload: Payload) -> Judgment {
    let parameters =
        Parameters::of_form(visit.request, payload).map_err(|reason| WRONG_FORM.because(reason))?;
    let asked = check(server, &parameters)?;
    let username = match (parameters.get("decision"), parameters.get("account")) {
        (Some("deny"), _) => {
            let back = [
                ("error", "access_denied"),
                (
                    "error_description",
                    "The resource owner or authorization server denied the request.",
                ),
                ("state", &asked.state),
            ];
            let reply = redirect(&asked.redirect_uri, &back)?;
            return Ok(Done::plain(reply, "the person did not agree"));
        }
        (Some("authorize"), Some(username)) if people::number_of(username).is_some() => username,
        (Some("authorize"), Some(other)) => {
            let reason = format!("there is nobody called {} here", quoted(other));
            return Err(WRONG_FORM.because(reason));
        }
        _ => return Err(WRONG_FORM.because("the form has no decision, or no account")),
    };
    let code = server.oauth.random.text();
    let reply = redirect(
        &asked.redirect_uri,
        &[("code", &code), ("state", &asked.state)],
    )?;
    let kept = Code {
        client_id: asked.client_id,
        redirect_uri: asked.redirect_uri,
        scopes: asked.scopes,
        username: username.to_owned(),
        challenge: asked.challenge.filter(|_| server.kind.has_pkce()),
        issued: visit.now.timestamp(),
        is_used: false,
    };
    let summary = format!("@{username} agreed");
    let done = Done::with(reply, summary, move |server| {
        server.oauth.codes.insert(code, kept);
    });
    Ok(done.by(username))
}

/// Checks what a client asks for.
///
/// # Errors
///
/// An error page until the redirect URI is known to be the client's; from then on a redirect to it
/// (RFC 6749 §4.1.2.1).
fn check(server: &Server, parameters: &Parameters) -> Result<Asked, Rejection> {
    let client_id = parameters
        .required("client_id")
        .map_err(|reason| UNKNOWN_CLIENT.because(reason))?;
    let app = server
        .oauth
        .app(client_id)
        .ok_or_else(|| UNKNOWN_CLIENT.because("no app has this client_id"))?;
    let redirect_uri = parameters
        .required("redirect_uri")
        .map_err(|reason| WRONG_REDIRECT_URI.because(reason))?;
    if !app.redirect_uris.iter().any(|known| known == redirect_uri) {
        let reason = "the redirect_uri is not exactly one that the app registered";
        return Err(WRONG_REDIRECT_URI.because(reason));
    }
    let state = parameters.get("state");
    let refuse = |error: &str, reason: String| {
        let mut back = vec![("error", error), ("error_description", &*reason)];
        back.extend(state.map(|state| ("state", state)));
        let rejection = Refusal::empty(302).because(format!("{error}: {reason}"));
        match location(redirect_uri, &back) {
            Ok(location) => rejection.sending_to(location),
            Err(rejection) => rejection,
        }
    };
    let invalid = |reason: String| refuse("invalid_request", reason);
    match parameters.required("response_type").map_err(invalid)? {
        "code" => {}
        other => {
            let reason = format!("response_type is {} rather than code", quoted(other));
            return Err(refuse("unsupported_response_type", reason));
        }
    }
    let state = parameters.required("state").map_err(invalid)?;
    if state.chars().count() < SHORTEST_STATE {
        return Err(invalid(format!(
            "state has fewer than {SHORTEST_STATE} characters"
        )));
    }
    let scopes = parameters.required("scope").map_err(invalid)?;
    let scopes: Vec<String> = scopes.split(' ').map(str::to_owned).collect();
    let known = server.kind.scopes();
    for scope in &scopes {
        if !known.contains(&scope.as_str()) {
            let reason = format!("this server does not know the scope {}", quoted(scope));
            return Err(refuse("invalid_scope", reason));
        }
        if !app.scopes.contains(scope) {
            let reason = format!("the app did not register the scope {}", quoted(scope));
            return Err(refuse("invalid_scope", reason));
        }
    }
    let challenge = parameters.get("code_challenge");
    if server.kind.has_pkce() {
        let method = parameters.get("code_challenge_method");
        check_challenge(challenge, method).map_err(|reason| invalid(reason.to_owned()))?;
    }
    Ok(Asked {
        client_id: client_id.to_owned(),
        client_name: app.name.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: state.to_owned(),
        challenge: challenge.map(str::to_owned),
    })
}

/// Checks the challenge of PKCE (RFC 7636 §4.3).
fn check_challenge(challenge: Option<&str>, method: Option<&str>) -> Result<(), &'static str> {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (challenge, method) {
        (None, None) => Ok(()),
        (Some(text), Some("S256")) if text.len() == CHALLENGE && text.bytes().all(is_base64url) => {
            Ok(())
        }
        (Some(_), Some("S256")) => Err("code_challenge is not a SHA-256 in base64url"),
        (Some(_), _) => Err("code_challenge_method is not S256"),
        (None, Some(_)) => Err("there is a code_challenge_method without a code_challenge"),
    }
}

/// A redirect to an app.
fn redirect(redirect_uri: &str, back: &[(&str, &str)]) -> Result<Reply, Rejection> {
    Ok(Reply::empty(302).with(LOCATION, location(redirect_uri, back)?))
}

/// An app's redirect URI with these parameters in its query (RFC 6749 §4.1.2).
fn location(redirect_uri: &str, back: &[(&str, &str)]) -> Result<HeaderValue, Rejection> {
    let pairs = back
        .iter()
        .map(|(name, value)| format!("{name}={}", urlencoding::encode(value)));
    let mark = if redirect_uri.contains('?') { '&' } else { '?' };
    let text = format!(
        "{redirect_uri}{mark}{}",
        pairs.collect::<Vec<_>>().join("&")
    );
    HeaderValue::from_str(&text)
        .map_err(|_| WRONG_REDIRECT_URI.because("the redirect_uri cannot stand in a header"))
}
