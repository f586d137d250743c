//! Signing in: begins, renews and ends sessions, and says what has become of an account that the
//! service does not open.

use serde_json::{Value, json};

use crate::network::bluesky::call::{
    CREATE_SESSION, Call, DELETE_SESSION, GET_SESSION, JSON, REFRESH_SESSION,
};
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::{Closed, Failure};
use crate::network::bluesky::exchange::{ADVICE, Exchange};
use crate::network::bluesky::session::Session;
use crate::outcome::Reason;

impl Exchange<'_> {
    /// The account's identifier, which only a session tells.
    pub(super) async fn did_of_session(&mut self) -> Result<String, Failure> {
        if self.session.is_none() {
            self.renew().await?;
        }
        let session = self.session.as_ref();
        let did = session.map(|session| session.did.clone());
        did.ok_or_else(|| Failure::unexpected(CREATE_SESSION, ADVICE))
    }

    /// Obtains another session: from the present one, or else from the password.
    pub(super) async fn renew(&mut self) -> Result<(), Failure> {
        if self.session.is_some() {
            match self.refresh().await {
                // Only the renewal of a living session says this; for the password, the server
                // would call it wrong.
                Err(failure) if failure.is_of_closed_account() => return Err(failure),
                Err(failure) if failure.is_of_unknown_account() => {
                    return Err(failure.told(Reason::Account, Closed::Deleted.remedy(ADVICE)));
                }
                Err(Failure {
                    status: Some(400 | 401),
                    ..
                }) => self.keep(None),
                other => return other,
            }
        }
        let found = self.locate().await?;
        let password = json!({
            "identifier": self.account.identifier,
            "password": self.account.app_password.expose(),
        });
        let password = password.to_string();
        let call = Call::post(CREATE_SESSION, Some(JSON), password.as_bytes());
        let reply = self.send(&call, None).await;
        let reply = reply.map_err(|failure| failure.asked_at(&self.service))?;
        if let Some(home) = found {
            if reply.get("did").and_then(Value::as_str) != Some(&home.did) {
                return Err(Failure::unexpected(call.path, ADVICE));
            }
            self.home = Some(home);
        }
        self.begin(&call, Ok(reply))
    }

    /// Renews the present session.
    async fn refresh(&mut self) -> Result<(), Failure> {
        let session = self.session.as_ref();
        let refresh = session.map(|session| session.refresh.clone());
        let call = Call::post(REFRESH_SESSION, None, &[]);
        let reply = self.send(&call, refresh.as_ref()).await;
        self.begin(&call, reply)
    }

    /// Keeps the session in a reply, if its account is open.
    fn begin(&mut self, call: &Call<'_>, reply: Result<Value, Failure>) -> Result<(), Failure> {
        let reply = reply?;
        let session = Session::read(&reply, self.service.clone(), self.transport.now());
        self.keep(Some(
            session.ok_or_else(|| Failure::unexpected(call.path, ADVICE))?,
        ));
        self.check_open(&reply)
    }

    /// Checks that the session's account is open.
    pub(super) fn check_open(&self, session: &Value) -> Result<(), Failure> {
        match Closed::of_session(session) {
            Some(closed) => Err(Failure {
                status: self.status,
                ..closed.told_by_session(ADVICE)
            }),
            None => Ok(()),
        }
    }

    /// Explains why an account cannot be turned: where it is, and its state there.
    pub(super) async fn explained(&mut self, failure: Failure) -> Failure {
        let failure = self.told_by_service(failure).await;
        self.located(failure).await
    }

    /// Explains why a call knows nothing of the account although the session is accepted: the
    /// session itself says so, or its renewal.
    async fn told_by_service(&mut self, failure: Failure) -> Failure {
        if !failure.is_of_unknown_account() {
            return failure;
        }
        let asked = self.call(&Call::get(GET_SESSION)).await;
        let found = match asked {
            Ok(session) => self.check_open(&session),
            Err(other) if other.is_of_unknown_account() => self.renew().await,
            Err(other) => Err(other),
        };
        match found {
            Err(closed) if closed.refusal().is_some() => closed,
            // The account is open, or the service does not say.
            _ => {
                self.status = failure.status;
                failure.told(Reason::Account, ADVICE.unknown_account)
            }
        }
    }

    /// Keeps a session at once: whatever comes next, the previous one is useless.
    pub(super) fn keep(&mut self, session: Option<Session>) {
        let did = |session: &Option<Session>| session.as_ref().map(|one| one.did.clone());
        if did(&session) != did(&self.session) {
            self.kept_frames.clear();
        }
        self.session = session;
        self.remember();
    }

    /// Saves what is known for the next turn. The account's server outlives its session.
    pub(super) fn remember(&mut self) {
        let home = self.home.as_ref();
        *self.saved_session = match &self.session {
            Some(session) => {
                Some(session.saved_session(self.account, &self.kept_frames, home.is_some()))
            }
            None => home.map(|home| home.saved_session(self.account)),
        };
    }

    /// Ends the saved session.
    pub(super) async fn end(&mut self) {
        if let Some(session) = self.session.take() {
            let call = Call::post(DELETE_SESSION, None, &[]);
            // If this fails, the session expires by itself.
            let _ = self.send(&call, Some(&session.refresh)).await;
        }
        self.kept_frames.clear();
        self.remember();
    }
}
