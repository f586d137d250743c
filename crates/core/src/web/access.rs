//! Who may do what only the owner may: whoever has the trigger token (RFC 6750).

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, StatusCode};

use crate::account::settings::{Settings, TRIGGER_TOKEN, trigger_token_in};
use crate::web::problem::Problem;

/// Lets only the holder of the trigger token pass. `advice` says how the owner sets one.
///
/// # Errors
/// When the request has not the token, or there is none.
pub(super) fn authorize(
    request: &Request<()>,
    settings: &Settings,
    advice: &str,
) -> Result<(), Problem> {
    let closed = |why: String| {
        let detail = format!("This is closed: {why}. {advice}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let token = match &settings.trigger_token {
        Ok(Some(token)) => token,
        Ok(None) => return Err(closed(format!("{TRIGGER_TOKEN} is not set"))),
        Err(errors) => return Err(closed(errors.to_string())),
    };
    let Some(bearer) = bearer_token(request) else {
        return Err(unauthorized(
            "This needs the header `Authorization: Bearer TOKEN`, with the trigger token.",
            "Bearer",
        ));
    };
    // What was copied along is taken off here as it is for the setting.
    if token.matches(&trigger_token_in(bearer)) {
        Ok(())
    } else {
        Err(unauthorized(
            "That is not the trigger token.",
            "Bearer error=\"invalid_token\"",
        ))
    }
}

fn unauthorized(detail: &str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

fn bearer_token(request: &Request<()>) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim())
}
