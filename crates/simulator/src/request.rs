//! A request as the host received it, before any network reads it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, request};

/// A request whose body was read to its end.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Without the question mark; empty if there is none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl From<http::Request<Body>> for Request {
    fn from(request: http::Request<Body>) -> Self {
        let (
            request::Parts {
                method,
                uri,
                headers,
                ..
            },
            body,
        ) = request.into_parts();
        Self {
            method,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        }
    }
}

impl Request {
    /// The host the request is addressed to.
    pub(crate) fn host(&self) -> &str {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
        host.unwrap_or("localhost")
    }

    /// The bearer token (RFC 6750 §2.1).
    ///
    /// # Errors
    ///
    /// The reason why there is no token.
    pub(crate) fn bearer(&self) -> Result<&str, NoBearer> {
        let mut all = self.headers.get_all(AUTHORIZATION).iter();
        let header = all.next().ok_or(NoBearer::Missing)?;
        if all.next().is_some() {
            return Err(NoBearer::Malformed("there are two Authorization headers"));
        }
        header
            .to_str()
            .ok()
            .and_then(|header| header.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty() && !token.contains(' '))
            .ok_or(NoBearer::Malformed(
                "the Authorization header is not “Bearer ” followed by one token",
            ))
    }

    /// Whether the `Authorization` header has credentials of another scheme than `Bearer`.
    pub(crate) fn has_other_scheme(&self) -> bool {
        let header = self
            .headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok());
        let parts = header.and_then(|header| header.split_once(' '));
        parts.is_some_and(|(scheme, rest)| scheme != "Bearer" && !rest.is_empty())
    }
}

/// Why a request has no bearer token.
#[derive(Clone, Copy)]
pub(crate) enum NoBearer {
    /// There is no `Authorization` header.
    Missing,
    /// The header holds something else; the reason says what.
    Malformed(&'static str),
}

impl NoBearer {
    /// The reason as a clause.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Missing => "there is no Authorization header",
            Self::Malformed(reason) => reason,
        }
    }
}

/// The body of a request, which the host reads in pieces.
#[derive(Debug, Default)]
pub struct Body {
    /// Empty if the body is longer than [`Body::LARGEST_HELD`].
    pub(crate) bytes: Bytes,
    pub(crate) length: usize,
    pub(crate) broke_off: bool,
}

impl Body {
    /// The longest body that is kept, in bytes. It is far above every network's limit, so that
    /// the simulator can tell what else is wrong with a request that is too large.
    pub const LARGEST_HELD: usize = 16 * 1024 * 1024;

    /// How many bytes of a longer body a host reads and drops, so that its sender gets an answer.
    pub const LARGEST_READ: usize = 64 * 1024 * 1024;

    /// A body of `length` bytes that was too long to keep.
    #[must_use]
    pub fn oversized(length: usize) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }

    /// A body that ended before its declared length, because the client closed the connection.
    #[must_use]
    pub fn broken_off() -> Self {
        Self {
            broke_off: true,
            ..Self::default()
        }
    }
}

impl From<Bytes> for Body {
    /// A complete body. The bytes are dropped if there are more than [`Body::LARGEST_HELD`].
    fn from(bytes: Bytes) -> Self {
        let length = bytes.len();
        if length > Self::LARGEST_HELD {
            return Self::oversized(length);
        }
        Self {
            bytes,
            length,
            broke_off: false,
        }
    }
}
