//! The calls of one attempt with an app password, made with a token that the service accepts.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::{Account, TITLE};
use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::call::Call;
use crate::network::bluesky::calls::{Calls, answer_to, check_time};
use crate::network::bluesky::errors::{Failure, invalid_request};
use crate::network::bluesky::home::Home;
use crate::network::bluesky::session::Session;
use crate::network::interface::SavedSession;
use crate::network::reply::unanswered;
use crate::network::transport::{Pending, Transport};
use crate::outcome::Outcome;
use crate::settings::secret::Secret;

/// What the owner of an app password can do.
pub(super) const ADVICE: &Advice = &Advice::OF_SETTINGS;

/// The calls of one attempt with an app password.
pub(super) struct Exchange<'a> {
    pub(super) account: &'a Account,
    pub(super) saved_session: &'a mut Option<SavedSession>,
    pub(super) transport: &'a dyn Transport,
    /// The service that calls go to.
    pub(super) service: BaseUrl,
    /// The server and account found when the account first signed in.
    pub(super) home: Option<Home>,
    pub(super) session: Option<Session>,
    /// The frames that the record of frames held when it was last read, by their blobs'
    /// identifiers.
    pub(super) kept_frames: Vec<String>,
    pub(super) started: DateTime<Utc>,
    /// Whether a refused token has already been replaced.
    pub(super) is_renewed: bool,
    /// The status of the last reply.
    pub(super) status: Option<u16>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        account: &'a Account,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Self {
        let kept = saved_session.as_ref();
        let home = kept.and_then(|saved_session| Home::recalled(saved_session, account));
        let kept = kept.and_then(|saved_session| Session::recalled(saved_session, account));
        let (session, kept_frames) = kept.unzip();
        let last = session.as_ref().map(|session| &session.service);
        let service = account.service.as_ref().or(last).cloned();
        Self {
            account,
            saved_session,
            transport,
            service: service.unwrap_or_else(|| account.lookup.default.clone()),
            home,
            session,
            kept_frames: kept_frames.unwrap_or_default(),
            started: transport.now(),
            is_renewed: false,
            status: None,
        }
    }

    /// All texts that must not be shown, the longest first, because one may be part of another.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        let session = self.session.iter();
        let tokens = session.flat_map(|session| [&session.access, &session.refresh]);
        let mut secrets: Vec<_> = tokens.chain([&self.account.app_password]).collect();
        secrets.sort_by_key(|secret| usize::MAX.saturating_sub(secret.expose().len()));
        secrets
    }

    /// Whether the saved token may be what the service fails on.
    fn stumbles(&self, failure: &Failure) -> bool {
        let has_token = self.session.as_ref().is_none_or(Session::has_token);
        failure.status == Some(500) && !has_token && !self.is_renewed
    }

    /// Checks that there is time for one more request.
    pub(super) fn check_time(&self) -> Result<(), Failure> {
        check_time(self.started, self.transport.now())
    }

    /// Sends a call and reads the reply.
    pub(super) async fn send(
        &mut self,
        call: &Call<'_>,
        token: Option<&Secret>,
    ) -> Result<Value, Failure> {
        self.status = None;
        self.check_time()?;
        let request = call.request(&self.service, token.map(Secret::expose));
        let request = request
            .map_err(|error| Failure::new(Outcome::Refused(invalid_request(&error, ADVICE))))?;
        let reply = self.transport.send(request).await;
        let now = self.transport.now();
        let reply = reply
            .map_err(|error| Failure::new(unanswered(TITLE, ADVICE.no_answer, &error, now)))?;
        self.status = Some(reply.status().as_u16());
        answer_to(call, &reply, &self.secrets(), ADVICE, now)
    }
}

impl Calls for Exchange<'_> {
    fn did(&mut self) -> Pending<'_, Result<String, Failure>> {
        Box::pin(self.did_of_session())
    }

    fn call<'b>(&'b mut self, call: &'b Call<'b>) -> Pending<'b, Result<Value, Failure>> {
        Box::pin(async move {
            loop {
                let now = self.transport.now();
                let is_fresh = |session: &Session| session.is_fresh(now);
                if !self.session.as_ref().is_some_and(is_fresh) {
                    self.renew().await?;
                }
                let session = self.session.as_ref();
                let token = session.map(|session| session.access.clone());
                let failure = match self.send(call, token.as_ref()).await {
                    Err(failure) if failure.is_of_token() || self.stumbles(&failure) => failure,
                    other => return other,
                };
                if self.is_renewed {
                    // The service refuses even a new token: the next attempt starts over.
                    self.keep(None);
                    return Err(failure);
                }
                self.is_renewed = true;
                if let Some(session) = &mut self.session {
                    session.obtained_at = DateTime::UNIX_EPOCH;
                }
            }
        })
    }

    fn advice(&self) -> &'static Advice {
        ADVICE
    }

    fn kept_frames(&self) -> &[String] {
        &self.kept_frames
    }

    fn remember_frames(&mut self, frames: Vec<String>) {
        self.kept_frames = frames;
        self.remember();
    }
}
