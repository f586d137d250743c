//! The calls of one attempt with a session that somebody has signed in to with a browser.

use std::future::ready;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::TITLE;
use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::call::{Call, GET_RECORD, get_repo_status};
use crate::network::bluesky::calls::{Calls, answer_to, check_time};
use crate::network::bluesky::errors::{Closed, Failure, invalid_request};
use crate::network::bluesky::home::Home;
use crate::network::bluesky::oauth::details::Details;
use crate::network::bluesky::oauth::dpop::{Dpop, DpopError, Nonces};
use crate::network::bluesky::oauth::identity::server_in;
use crate::network::bluesky::oauth::lookups::Lookups;
use crate::network::bluesky::resolver::document_of;
use crate::network::interface::SavedSession;
use crate::network::reply::unanswered;
use crate::network::sign_in::{Connection, Context, Service};
use crate::network::signer::Signer;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::ReplyLimits;
use crate::settings::secret::Secret;
use chrono::{DateTime, Utc};

/// What a person can do who has signed in with a browser.
pub(super) const ADVICE: &Advice = &Advice::OF_SIGN_IN;

/// An account that somebody has signed in to. A host keeps it in memory until its tokens are
/// renewed.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// The account.
    pub(super) did: String,
    /// Its name for people, such as `@alice.example`.
    pub(super) name: String,
    token: Secret,
    details: Option<Details>,
    /// This service, by whose settings accounts are looked up; `None` if it has no address.
    service: Option<Service>,
    nonces: Nonces,
}

impl SignedIn {
    /// The account of a connection.
    pub(super) fn new(connection: &Connection, service: Option<Service>) -> Self {
        let details = Details::of(connection);
        let nonces = Nonces::default();
        if let Some(details) = &details
            && let Some(nonce) = &details.nonce
        {
            nonces.learn(details.pds.to_string(), nonce);
        }
        Self {
            did: connection.subject.clone(),
            name: connection.name.clone(),
            token: connection.tokens.access.clone(),
            details,
            service,
            nonces,
        }
    }

    /// The server that has the account.
    ///
    /// # Errors
    /// When that is not known.
    pub(super) fn pds(&self) -> Result<&BaseUrl, Diagnosis> {
        self.details().map(|details| &details.pds)
    }

    /// Begins an attempt.
    ///
    /// # Errors
    /// When it is not known how to send its requests.
    pub(super) fn begin<'a>(
        &'a self,
        signer: &'a dyn Signer,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Result<OauthCalls<'a>, Diagnosis> {
        let kept = Kept::recalled(saved_session.as_ref(), &self.did);
        Ok(OauthCalls {
            account: self,
            details: self.details()?,
            signer,
            saved_session,
            kept,
            transport,
            started: transport.now(),
            status: None,
        })
    }

    fn details(&self) -> Result<&Details, Diagnosis> {
        self.details.as_ref().ok_or_else(|| {
            Diagnosis::new(
                Reason::Credentials,
                "What is stored of this sign-in is of another version of this service.",
                ADVICE.credentials,
            )
        })
    }
}

/// What is saved between attempts.
#[derive(Serialize, Deserialize)]
struct Kept {
    did: String,
    /// The frames in the record of frames, by their blobs' identifiers.
    #[serde(default)]
    frames: Vec<String>,
    /// The last news that its owner was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<String>,
    /// What guards the owner's app password, which is not used meanwhile ([`Home::carried`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<Value>,
}

impl Kept {
    fn recalled(saved_session: Option<&SavedSession>, did: &str) -> Self {
        let kept = saved_session.and_then(|saved| serde_json::from_str(&saved.0).ok());
        let kept = kept.filter(|kept: &Self| kept.did == did);
        let kept = kept.unwrap_or_else(|| Self {
            did: did.to_owned(),
            frames: Vec::new(),
            told: None,
            home: None,
        });
        Self {
            home: saved_session.and_then(Home::carried),
            ..kept
        }
    }
}

/// The calls of one attempt.
pub(super) struct OauthCalls<'a> {
    account: &'a SignedIn,
    details: &'a Details,
    signer: &'a dyn Signer,
    saved_session: &'a mut Option<SavedSession>,
    kept: Kept,
    transport: &'a dyn Transport,
    started: DateTime<Utc>,
    /// The status of the last reply.
    pub(super) status: Option<u16>,
}

/// What a call shows of who makes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The token, and a proof that its session's key is here.
    Session,
    /// Nothing.
    Anyone,
}

impl OauthCalls<'_> {
    /// All texts that must not be shown.
    pub(super) fn secrets(&self) -> [&Secret; 1] {
        [&self.account.token]
    }

    /// What the last look at the account has found out, unless its owner has been told.
    pub(super) fn news(&mut self) -> Option<String> {
        let news = self.details.news.clone();
        let news = news.filter(|news| self.kept.told.as_ref() != Some(news))?;
        self.kept.told = Some(news.clone());
        self.remember();
        Some(news)
    }

    /// Sends a call and reads the reply.
    async fn send(&mut self, call: &Call<'_>, by: By) -> Result<Value, Failure> {
        const LIMITS: ReplyLimits = ReplyLimits::OF_TURNS;

        self.status = None;
        check_time(self.started, self.transport.now())?;
        let request = call.request(&self.details.pds, None);
        let request = request
            .map_err(|error| Failure::new(Outcome::Refused(invalid_request(&error, ADVICE))))?;
        let reply = match by {
            By::Anyone => {
                let reply = self.transport.send_within(request, LIMITS).await;
                reply.map_err(DpopError::from)
            }
            By::Session => {
                let dpop = Dpop {
                    key: &self.details.key,
                    signer: self.signer,
                    nonces: &self.account.nonces,
                };
                let token = Some(&self.account.token);
                dpop.send(request, token, self.transport, LIMITS).await
            }
        };
        let now = self.transport.now();
        let reply = reply.map_err(|error| match error {
            DpopError::Send(error) => {
                Failure::new(unanswered(TITLE, ADVICE.no_answer, &error, now))
            }
            DpopError::Unsigned(error) => Failure::refused(
                Reason::Host,
                format!("Nothing was sent: {error}"),
                "Wait: it is tried again by itself. If it stays, tell the operator of this \
                 service.",
            ),
        })?;
        self.status = Some(reply.status().as_u16());
        answer_to(call, &reply, &self.secrets(), ADVICE, now)
    }

    /// Explains why an account cannot be turned: that it is closed, or has moved.
    ///
    /// A server knows nothing of the records of a closed account and takes none of its tokens,
    /// whatever has closed it. Its state is public.
    pub(super) async fn explained(&mut self, failure: Failure) -> Failure {
        if !failure.is_of_unknown_account() && !failure.is_of_closed_account() {
            return failure;
        }
        let status = self.status;
        let asked = get_repo_status(&self.account.did);
        let state = self.send(&Call::get(&asked), By::Anyone).await;
        self.status = status;
        let closed = match &state {
            Ok(state) => Closed::of_session(state),
            Err(refusal) if *refusal.name == *"RepoNotFound" => Some(Closed::Deleted),
            Err(refusal) => Closed::named(&refusal.name),
        };
        let closed = closed.or_else(|| Closed::named(&failure.name));
        let Some(closed) = closed else {
            return match state {
                // The server does not say just now.
                Err(other) if other.refusal().is_none() => other,
                _ => failure.told(Reason::Account, ADVICE.unknown_account),
            };
        };
        // An account that moves is deactivated where it was, and deleted there later.
        if matches!(closed, Closed::Deactivated | Closed::Deleted)
            && let Some(host) = self.moved_to().await
        {
            // With this reason, the tokens are renewed, and the account is followed if they can be.
            return Failure::refused(
                Reason::Credentials,
                format!("Your account is on another server now: {host}"),
                ADVICE.credentials,
            );
        }
        let told = closed.told_by_session(ADVICE);
        Failure { status, ..told }
    }

    /// The host of another server that the account's document names by now.
    async fn moved_to(&self) -> Option<String> {
        let lookups = Lookups::of_check(Context {
            service: self.account.service.as_ref()?,
            transport: self.transport,
            signer: self.signer,
        });
        let lookups = lookups.ok()?;
        let did = &self.account.did;
        let document = document_of(did, &lookups.lookup.clone(), &mut lookups.clone()).await;
        let server = server_in(&document.ok()?, did, &lookups).ok()?;
        let has_moved = server.to_string() != self.details.pds.to_string();
        has_moved.then(|| server.authority().to_owned())
    }

    /// Checks that the account is open, by what the server says of its session.
    pub(super) fn check_open(&self, session: &Value) -> Result<(), Failure> {
        match Closed::of_session(session) {
            Some(closed) => Err(Failure {
                status: self.status,
                ..closed.told_by_session(ADVICE)
            }),
            None => Ok(()),
        }
    }

    /// Saves what is known for the next attempt.
    fn remember(&mut self) {
        let kept = serde_json::to_string(&self.kept).expect("it is made of texts");
        *self.saved_session = Some(SavedSession(kept));
    }
}

impl Calls for OauthCalls<'_> {
    fn did(&mut self) -> Pending<'_, Result<String, Failure>> {
        Box::pin(ready(Ok(self.account.did.clone())))
    }

    fn call<'b>(&'b mut self, call: &'b Call<'b>) -> Pending<'b, Result<Value, Failure>> {
        Box::pin(async move {
            // Records are public, and servers give them to anyone. A call with a token costs a
            // signature, and another one with a second request where the server's nonce is not
            // known yet.
            if call.name() == GET_RECORD {
                match self.send(call, By::Anyone).await {
                    Err(Failure {
                        status: Some(401 | 403),
                        ..
                    }) => {}
                    other => return other,
                }
            }
            self.send(call, By::Session).await
        })
    }

    fn advice(&self) -> &'static Advice {
        ADVICE
    }

    fn kept_frames(&self) -> &[String] {
        &self.kept.frames
    }

    fn remember_frames(&mut self, frames: Vec<String>) {
        self.kept.frames = frames;
        self.remember();
    }
}
