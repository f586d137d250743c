//! A request as it came in, read to its end, before any network looks at it.

use axum::extract::Request as HttpRequest;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method};

use super::payload::Raw;

/// A request, read to its end.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) raw: Raw,
}

impl Incoming {
    /// Reads a request.
    pub(super) async fn read(request: HttpRequest) -> Self {
        let (head, body) = request.into_parts();
        Self {
            raw: Raw::read(body).await,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            method: head.method,
            headers: head.headers,
        }
    }

    /// The host it is addressed to.
    pub(super) fn host(&self) -> &str {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        host.unwrap_or("localhost")
    }

    /// The bearer token (RFC 6750 §2.1), or why there is none.
    pub(super) fn bearer(&self) -> Result<&str, NoBearer> {
        let mut all = self.headers.get_all(AUTHORIZATION).iter();
        let header = all.next().ok_or(NoBearer::Missing)?;
        if all.next().is_some() {
            return Err(NoBearer::Other("there are two Authorization headers"));
        }
        header
            .to_str()
            .ok()
            .and_then(|header| header.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty() && !token.contains(' '))
            .ok_or(NoBearer::Other(
                "the Authorization header is not “Bearer ” and one token",
            ))
    }
}

impl Incoming {
    /// Whether there is an `Authorization` of another kind, with its credentials.
    pub(super) fn has_other_scheme(&self) -> bool {
        let header = self
            .headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok());
        let parts = header.and_then(|header| header.split_once(' '));
        parts.is_some_and(|(scheme, rest)| scheme != "Bearer" && !rest.is_empty())
    }
}

/// Why there is no bearer token.
#[derive(Clone, Copy)]
pub(super) enum NoBearer {
    /// There is no header for it.
    Missing,
    /// There is one, with something else.
    Other(&'static str),
}

impl NoBearer {
    /// The reason in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Missing => "there is no Authorization header",
            Self::Other(words) => words,
        }
    }
}
