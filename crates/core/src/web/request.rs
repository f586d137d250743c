//! Reads what a request says besides its path: its query, and what its headers tell of its body.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{Request, StatusCode};

use crate::web::problem::Problem;

/// The parameters of a query: names and values, each name once.
pub(super) type Parameters = Vec<(String, String)>;

/// Stands for parameters of any name: of a request that another server makes up.
pub(super) const ANY: &str = "*";

/// Reads the query's parameters.
///
/// # Errors
/// When one is not among `known`, or is given more than once.
pub(super) fn query(request: &Request<()>, known: &[&str]) -> Result<Parameters, Problem> {
    let bad = |detail| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    let mut parameters = Parameters::new();
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()) {
        if !known.contains(&name.as_ref()) && known != [ANY] {
            return bad(if known.is_empty() {
                "This takes no query parameters.".to_owned()
            } else {
                format!("The query parameters here are: {}.", known.join(", "))
            });
        }
        if parameters.iter().any(|(seen, _)| *seen == name) {
            return bad(format!("`{name}` is given more than once."));
        }
        parameters.push((name.into_owned(), value.into_owned()));
    }
    Ok(parameters)
}

/// Reads a frame's number in its one form: decimal digits, no sign, no leading zero.
pub(super) fn frame_number(text: &str) -> Option<u16> {
    let n: u16 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

/// Refuses a request that has a body.
///
/// # Errors
/// When it has one, or does not say how long it is.
pub(super) fn refuse_body(request: &Request<()>) -> Result<(), Problem> {
    let headers = request.headers();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if lengths.all(|length| length == "0") && !headers.contains_key(TRANSFER_ENCODING) {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This takes no body; use the query instead.",
        ))
    }
}

/// What the sender says the body is, or an empty text.
pub(super) fn content_type(request: &Request<()>) -> &str {
    let value = request.headers().get(CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// How long the sender says the body is, in bytes.
pub(super) fn content_length(request: &Request<()>) -> Option<u64> {
    let length = request.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}
