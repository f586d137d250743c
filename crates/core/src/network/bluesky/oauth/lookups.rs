//! Public requests about accounts and servers, which carry no secret.

use http::header::ACCEPT;
use http::{Request, Response};
use serde_json::Value;

use crate::network::bluesky::account::{
    BLUESKY_DIRECTORY, BLUESKY_DNS, DEFAULT_SERVICE, Lookup, TITLE,
};
use crate::network::bluesky::oauth::refusals::{LIMITS, passing, unanswered};
use crate::network::bluesky::resolver::{Asked, Fetch, Unresolved};
use crate::network::public_address::{PublicAddresses, PublicOrigin};
use crate::network::reply::{ErrorReply, quoted};
use crate::network::sign_in::{Context, SignInError};
use crate::network::transport::Transport;
use crate::ports::ReplyLimits;
use crate::settings::reader::read_some;

/// What a lookup may take that nobody waits for.
const LIMITS_OF_CHECKS: ReplyLimits = ReplyLimits {
    timeout_ms: 5_000,
    ..LIMITS
};

/// What sends public requests.
#[derive(Clone)]
pub(super) struct Lookups<'a> {
    /// Where they may go.
    pub(super) addresses: PublicAddresses<'a>,
    /// Where accounts are looked up, as the operator has set it.
    pub(super) lookup: Lookup,
    pub(super) transport: &'a dyn Transport,
    limits: ReplyLimits,
}

impl<'a> Lookups<'a> {
    /// Lookups while a person waits.
    ///
    /// # Errors
    /// When the operator has not set where accounts are looked up as it may be.
    pub(super) fn new(context: Context<'a>) -> Result<Self, SignInError> {
        let Context {
            service, transport, ..
        } = context;
        let set = |name: &str| service.variables.get(name).cloned();
        let lookup = read_some(set, |reader| {
            let directory = reader.parsed(BLUESKY_DIRECTORY);
            let dns = reader.parsed(BLUESKY_DNS);
            Some(Lookup {
                directory: directory?,
                dns: dns?,
                default: DEFAULT_SERVICE.parse().expect("it is a base URL"),
            })
        });
        let lookup = lookup.map_err(|errors| {
            SignInError::Server(format!(
                "Signing in with {TITLE} is closed: {errors}. Only the operator of this service \
                 can change that."
            ))
        })?;
        Ok(Self {
            addresses: PublicAddresses::for_visitors_of(service),
            lookup,
            transport,
            limits: LIMITS,
        })
    }

    /// Lookups for a check that may be left out.
    ///
    /// # Errors
    /// As those of [`Self::new`].
    pub(super) fn of_check(context: Context<'a>) -> Result<Self, SignInError> {
        Ok(Self {
            limits: LIMITS_OF_CHECKS,
            ..Self::new(context)?
        })
    }

    /// Fetches a document of a server; `None` if the server does not have it.
    ///
    /// # Errors
    /// When the server does not answer, fails or asks for a pause.
    pub(super) async fn document(
        &self,
        origin: &PublicOrigin,
        path: &str,
    ) -> Result<Option<Value>, SignInError> {
        let host = origin.authority();
        let request = Request::get(format!("{origin}{path}"))
            .header(ACCEPT, "application/json")
            .body(Vec::new());
        let request =
            request.map_err(|_| SignInError::Server(format!("{host} cannot be asked.")))?;
        let reply = self.transport.send_within(request, self.limits).await;
        let reply = reply.map_err(|error| unanswered(host, &error, self.limits))?;
        if reply.status() == 200 {
            let document: Option<Value> = serde_json::from_slice(reply.body()).ok();
            return Ok(document.filter(Value::is_object));
        }
        let refusal = ErrorReply::read(host, &reply, &[]);
        passing(host, &refusal, self.transport.now()).map_or(Ok(None), Err)
    }
}

impl Fetch for Lookups<'_> {
    type Error = SignInError;

    async fn fetch(
        &mut self,
        request: Request<Vec<u8>>,
        asked: Asked<'_>,
    ) -> Result<Response<Vec<u8>>, SignInError> {
        let title = asked.title();
        // The operator's settings may name any server, a visitor may not.
        if asked.setting().is_none() {
            let url = self.addresses.url(&request.uri().to_string());
            url.map_err(|error| SignInError::Place(format!("{title} cannot be asked: {error}.")))?;
        }
        let reply = self.transport.send_within(request, self.limits).await;
        reply.map_err(|error| unanswered(title, &error, self.limits))
    }
}

/// Explains why nothing was found of a handle or an account.
pub(super) fn unresolved(error: Unresolved<'_, SignInError>, name: &str) -> SignInError {
    let name = quoted(name, &[]);
    match error {
        Unresolved::NoReply(error) => error,
        Unresolved::UnknownHandle => SignInError::Place(format!(
            "No account has the handle {name}. Check it: it ends in a domain, as in \
             alice.bsky.social."
        )),
        Unresolved::UnknownAccount => SignInError::Place(format!(
            "There is no account {name} any more, or nothing is known of it."
        )),
        Unresolved::SeveralAccounts => SignInError::Place(format!(
            "The entries _atproto.{name} in DNS name several accounts. Leave the one of your \
             account and remove the others, or type the server that your account is on."
        )),
        Unresolved::Failing(_, said, _) => SignInError::Server(format!("{said}. Try again later.")),
        Unresolved::Unexpected(asked) => SignInError::Server(format!(
            "{} gave an unexpected answer. Try again later.",
            asked.title()
        )),
    }
}
