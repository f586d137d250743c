//! Ways to sign a request: the right one, and the common mistakes.

use super::authorization::Authorization;
use super::signature::{self, Key};
use crate::text::quoted;

/// One way to sign a request.
#[derive(Clone)]
pub(crate) struct Attempt<'a> {
    pub(crate) method: &'a str,
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) key: Key,
}

impl Attempt<'_> {
    fn uri(&self) -> String {
        signature::base_uri(self.scheme, self.host, self.path)
    }

    /// Whether this way gives this signature.
    pub(crate) fn gives(&self, signature: &str) -> bool {
        let base = signature::base_string(self.method, &self.uri(), &self.parameters);
        signature::matches(&self.key, &base, signature)
    }
}

/// Explains a wrong signature by trying the most common mistakes. The explanation names parameters,
/// but no values and nothing secret.
pub(crate) fn explain_mismatch(
    attempt: &Attempt,
    authorization: &Authorization,
    (consumer_secret, token_secret): (&str, &str),
    query: &[(String, String)],
    form: &[(String, String)],
) -> String {
    let without_port = attempt.host.rsplit_once(':').map_or("", |(host, _)| host);
    let addressed = |scheme, host| Attempt {
        scheme,
        host,
        ..attempt.clone()
    };
    let signing = |parameters: Vec<(String, String)>| Attempt {
        parameters,
        ..attempt.clone()
    };
    let keyed = |consumer_secret: &str, token_secret: &str| Attempt {
        key: signature::key(consumer_secret, token_secret),
        ..attempt.clone()
    };
    let signed = &authorization.signed;
    let mistakes = [
        (
            "it is made for https, not for http",
            addressed("https", attempt.host),
        ),
        (
            "it is made without the port",
            addressed("http", without_port),
        ),
        (
            "it is made for https://api.x.com",
            addressed("https", "api.x.com"),
        ),
        (
            "it is made for https://api.twitter.com",
            addressed("https", "api.twitter.com"),
        ),
        ("the query is not signed", signing([signed, form].concat())),
        ("the form is not signed", signing([signed, query].concat())),
        (
            "neither the query nor the form is signed",
            signing(signed.clone()),
        ),
        (
            "the token secret is left out of the key",
            keyed(consumer_secret, ""),
        ),
        (
            "the secrets are swapped",
            keyed(token_secret, consumer_secret),
        ),
    ];
    for (mistake, wrong) in mistakes {
        if wrong.gives(&authorization.signature) {
            return format!("the signature does not match: {mistake}");
        }
    }
    let mut names: Vec<&str> = attempt
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    format!(
        "the signature does not match: a secret is wrong, or something other than {} {} with the \
         parameters {} was signed",
        attempt.method,
        quoted(&attempt.uri()),
        names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
    )
}
