//! Ways to sign a request: the right one, and those that people take by mistake.

use ring::hmac;

use super::authorization::Authorization;
use super::signature;
use crate::text::quoted;

/// One way to sign the request.
#[derive(Clone)]
pub(super) struct Attempt<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) key: hmac::Key,
}

impl Attempt<'_> {
    fn uri(&self) -> String {
        signature::base_uri(self.scheme, self.host, self.path)
    }

    /// Whether this way gives that signature.
    pub(super) fn gives(&self, signature: &str) -> bool {
        let base = signature::base_string(self.method, &self.uri(), &self.parameters);
        signature::matches(&self.key, &base, signature)
    }
}

/// Tries the mistakes that are made most, so that the person in front of this learns which one it
/// was. Names parameters, never values, nor what is secret.
pub(super) fn explain_mismatch(
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
        "the signature does not match: a secret is wrong, or something else was signed than {} {} \
         with the parameters {}",
        attempt.method,
        quoted(&attempt.uri()),
        names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
    )
}
