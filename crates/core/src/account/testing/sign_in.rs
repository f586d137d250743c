//! A network to sign in to that answers by HTTP statuses. A request carries its token in its
//! address, so that a test can answer tokens apart.

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use http::Request;

use crate::network::sign_in::{
    App, Authorization, AuthorizationRequest, Client, Connection, Context, Grant, Server, Service,
    Shown, SignIn, SignInError, Tokens,
};
use crate::network::signer::Signer;
use crate::network::{Attempt, Network, Pending, Picture, SavedSession, Transport, Verified};
use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::settings::secret::Secret;

pub(crate) static SIGN_IN: Fake = Fake {
    has_tokens_of_its_own: false,
};

/// A network on which each sign-in has tokens of its own.
pub(crate) static WITH_TOKENS_OF_ITS_OWN: Fake = Fake {
    has_tokens_of_its_own: true,
};

/// The subject of an account whose network keeps frames, and holds the picture from before.
pub(crate) const KEEPER: &str = "keeper";

/// A saved session that outlives its connection.
pub(crate) const REMAINS: &str = "remains";

/// Where the person's account is.
pub(crate) const SERVER: &str = "https://social.test";

/// A connection with these tokens.
pub(crate) fn connection(subject: &str, access: &str, refresh: Option<&str>) -> Connection {
    Connection {
        network: "mastodon".to_owned(),
        subject: subject.to_owned(),
        name: format!("@{subject}@social.test"),
        app: App {
            server: SERVER.to_owned(),
            client_id: "client".to_owned(),
            client_secret: Some(Secret::new("cLIENTsECRET")),
            scopes: "write:accounts".to_owned(),
            uses_pkce: true,
            redirect_uri: "https://icons.test/callback".to_owned(),
        },
        tokens: Tokens {
            access: Secret::new(access),
            refresh: refresh.map(Secret::new),
            expires_at: None,
        },
        details: None,
    }
}

#[derive(Debug)]
pub(crate) struct Fake {
    has_tokens_of_its_own: bool,
}

/// An account on the network.
#[derive(Debug)]
struct Account {
    server: String,
    access: Secret,
    keeps_frames: bool,
}

/// Sends a request, and returns the status and the body of the reply.
async fn send(
    transport: &dyn Transport,
    method: &str,
    (server, what, token): (&str, &str, &str),
    body: &[u8],
) -> (u16, Vec<u8>) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{server}/{what}?token={token}"));
    match transport.send(request.body(body.to_vec()).unwrap()).await {
        Ok(reply) => (reply.status().as_u16(), reply.into_body()),
        Err(_) => (0, Vec::new()),
    }
}

fn diagnosis(status: u16) -> Diagnosis {
    let reason = match status {
        401 => Reason::Credentials,
        420 | 429 => Reason::RateLimit,
        _ => Reason::Transient,
    };
    Diagnosis::new(reason, format!("It answered {status}."), "Wait.")
}

impl Network for Account {
    fn max_picture_bytes(&self) -> usize {
        2_000_000
    }

    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>> {
        Box::pin(async move {
            let target = (self.server.as_str(), "avatar", self.access.expose());
            let (status, _) = send(transport, "POST", target, picture.bytes).await;
            *saved_session = Some(SavedSession("saved".to_owned()));
            let outcome = match status {
                200 => Outcome::Turned,
                401 => Outcome::Refused(diagnosis(status)),
                _ => Outcome::Retry {
                    at: transport.now() + TimeDelta::minutes(10),
                    diagnosis: diagnosis(status),
                },
            };
            Ok(Attempt {
                outcome,
                status: Some(status),
                account: None,
                note: None,
                // Which of the two limits it is, is for a test to say.
                is_limit_of_account: status == 420,
            })
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let request = Request::post(format!("{}/avatar", self.server));
        let request = request.body(picture.bytes.to_vec()).unwrap();
        Ok(Preview::of(&request, "", picture.bytes.len()))
    }

    fn keeps_frames(&self) -> bool {
        self.keeps_frames
    }

    fn remove_frames<'a>(
        &'a self,
        _: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(async move {
            if !self.keeps_frames {
                return Ok(());
            }
            let target = (self.server.as_str(), "frames", self.access.expose());
            match send(transport, "DELETE", target, &[]).await.0 {
                200 => Ok(()),
                status => Err(diagnosis(status)),
            }
        })
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let target = (self.server.as_str(), "account", self.access.expose());
            match send(transport, "GET", target, &[]).await.0 {
                200 => Ok(Verified::account("@ada".to_owned())),
                status => Err(diagnosis(status)),
            }
        })
    }
}

impl SignIn for Fake {
    fn place_label(&self) -> &'static str {
        "Server"
    }

    fn place_example(&self) -> &'static str {
        "social.test"
    }

    fn consent(&self) -> &'static str {
        "The server asks."
    }

    fn privacy(&self) -> &'static str {
        "The server's address."
    }

    fn find<'a>(&'a self, _: &'a str, _: Context<'a>) -> Pending<'a, Result<Server, SignInError>> {
        unimplemented!("nobody signs in here")
    }

    fn client(&self) -> Client<'_> {
        unimplemented!("nobody signs in here")
    }

    fn authorization<'a>(
        &'a self,
        _: AuthorizationRequest<'a>,
        _: Context<'a>,
    ) -> Pending<'a, Result<Authorization, SignInError>> {
        unimplemented!("nobody signs in here")
    }

    fn exchange<'a>(
        &'a self,
        _: Grant<'a>,
        _: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        unimplemented!("nobody signs in here")
    }

    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(async move {
            let transport = context.transport;
            let refresh = connection.tokens.refresh.as_ref().ok_or_else(|| {
                SignInError::Refused("It gave no token to renew it with. Sign in again.".to_owned())
            });
            let refresh = refresh?.expose();
            let target = (connection.app.server.as_str(), "token", refresh);
            let now = transport.now();
            match send(transport, "POST", target, &[]).await.0 {
                200 => Ok(Connection {
                    tokens: Tokens {
                        access: Secret::new(format!("{refresh}-access")),
                        refresh: Some(Secret::new(format!("{refresh}-refresh"))),
                        expires_at: Some(now + TimeDelta::hours(2)),
                    },
                    ..connection.clone()
                }),
                429 => Err(SignInError::Paused {
                    server: connection.app.server.clone(),
                    until: now + TimeDelta::minutes(10),
                }),
                500.. => Err(SignInError::Server("no".to_owned())),
                // An answer that cannot be read.
                299 => Err(SignInError::Failed("no".to_owned())),
                410 => Err(SignInError::Moved(
                    "Your account has moved. Sign in again with your handle.".to_owned(),
                )),
                _ => Err(SignInError::Refused(
                    "The sign-in has been ended. Sign in again.".to_owned(),
                )),
            }
        })
    }

    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(async move {
            let access = connection.tokens.access.expose();
            let target = (connection.app.server.as_str(), "revoke", access);
            match send(context.transport, "POST", target, &[]).await.0 {
                200 => Ok(()),
                _ => Err(SignInError::Server("no".to_owned())),
            }
        })
    }

    fn has_tokens_of_its_own(&self) -> bool {
        self.has_tokens_of_its_own
    }

    fn network(
        &self,
        connection: &Connection,
        _: Option<Service>,
        _: Rc<dyn Signer>,
    ) -> Rc<dyn Network> {
        Rc::new(Account {
            server: connection.app.server.clone(),
            access: connection.tokens.access.clone(),
            keeps_frames: connection.subject == KEEPER,
        })
    }

    fn keep_shown<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Shown, Diagnosis>> {
        Box::pin(async move {
            let access = connection.tokens.access.expose();
            let target = (connection.app.server.as_str(), "shown", access);
            match send(context.transport, "GET", target, &[]).await {
                (200, file) => Ok(Shown::File(file)),
                (204, _) => Ok(Shown::Default),
                (206, _) => Ok(Shown::Held),
                (status, _) => Err(diagnosis(status)),
            }
        })
    }

    fn put_held_back<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(async move {
            let access = connection.tokens.access.expose();
            let target = (connection.app.server.as_str(), "held", access);
            match send(context.transport, "POST", target, &[]).await.0 {
                200 => Ok(()),
                status => Err(diagnosis(status)),
            }
        })
    }

    fn remains_of(&self, saved_session: &SavedSession) -> Option<SavedSession> {
        Some(saved_session.clone()).filter(|saved| saved.0 == REMAINS)
    }

    fn remove_kept<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(async move {
            let access = connection.tokens.access.expose();
            let target = (connection.app.server.as_str(), "frames", access);
            match send(context.transport, "DELETE", target, &[]).await.0 {
                200 => Ok(()),
                status => Err(diagnosis(status)),
            }
        })
    }

    fn held_at(&self, subject: &str) -> Option<String> {
        (subject == KEEPER).then(|| "the record".to_owned())
    }

    fn how_to_remove_frames(&self, subject: &str) -> Option<String> {
        (subject == KEEPER).then(|| "Delete the record.".to_owned())
    }

    fn turned_on(&self, connection: &Connection) -> String {
        // Another server than the one that renews tokens.
        match connection.subject.as_str() {
            KEEPER => "https://keeper.test".to_owned(),
            _ => connection.app.server.clone(),
        }
    }

    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(async move {
            let access = connection.tokens.access.expose();
            let target = (connection.app.server.as_str(), "avatar", access);
            match send(context.transport, "DELETE", target, &[]).await.0 {
                200 => Ok(()),
                status => Err(diagnosis(status)),
            }
        })
    }
}
