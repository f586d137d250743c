//! Signing in to Mastodon and its kin with a browser.
//!
//! The steps, and a file for each: what was typed names a place ([`handle`]); the place leads to a
//! server, which tells what it offers ([`discovery`]); this service registers there ([`apps`]); the
//! browser goes there and comes back with a code ([`authorization`]); the code becomes tokens
//! ([`tokens`]); and the server says whose they are ([`identity`]). Afterwards, [`picture`] keeps and
//! removes what the account shows.
//!
//! Any server may be typed, so every reply may be a lie. A server learns nothing but what it issued
//! itself: all requests of a sign-in go to the paths below its own address, whatever it says of its
//! endpoints. It can lie about its own accounts alone, since an account is identified by the server
//! that was asked, and then by its id there.

mod apps;
mod authorization;
mod calls;
mod connected;
mod discovery;
mod handle;
mod identity;
mod picture;
mod tokens;

use std::rc::Rc;

use self::connected::account_of;
use crate::network::interface::Network;
use crate::network::mastodon::account::NAME;
use crate::network::sign_in::{App, Connection, Server, Service, SignIn, SignInError, Tokens};
use crate::network::transport::{Pending, Transport};
use crate::outcome::Diagnosis;
use crate::settings::secret::Secret;

/// Signs people in to Mastodon and to servers that speak its API.
#[derive(Debug)]
pub(super) struct MastodonSignIn;

impl SignIn for MastodonSignIn {
    fn place_label(&self) -> &'static str {
        "Your server or handle"
    }

    fn place_example(&self) -> &'static str {
        "mastodon.social or @you@mastodon.social"
    }

    fn find<'a>(
        &'a self,
        typed: &'a str,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Server, SignInError>> {
        Box::pin(discovery::find(typed, service, transport))
    }

    fn register<'a>(
        &'a self,
        server: &'a Server,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<App, SignInError>> {
        Box::pin(apps::register(server, service, transport))
    }

    fn check<'a>(
        &'a self,
        app: &'a App,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(apps::check(app, transport))
    }

    fn authorization(
        &self,
        app: &App,
        _service: &Service,
        state: &str,
        verifier: &Secret,
    ) -> String {
        authorization::url(app, state, verifier)
    }

    fn exchange<'a>(
        &'a self,
        app: &'a App,
        _service: &'a Service,
        code: &'a Secret,
        verifier: &'a Secret,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(async move {
            let tokens = tokens::exchange(app, code, verifier, transport).await?;
            let identity = identity::of(app, &tokens, transport).await?;
            Ok(Connection {
                network: NAME.to_owned(),
                subject: identity.subject,
                name: identity.name,
                app: app.clone(),
                tokens,
            })
        })
    }

    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Tokens, SignInError>> {
        Box::pin(tokens::refresh(connection, transport))
    }

    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(tokens::revoke(connection, transport))
    }

    fn network(&self, connection: &Connection) -> Rc<dyn Network> {
        Rc::new(account_of(connection))
    }

    fn shown_picture<'a>(
        &'a self,
        connection: &'a Connection,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Option<Vec<u8>>, Diagnosis>> {
        Box::pin(picture::shown(connection, service, transport))
    }

    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(picture::remove(connection, transport))
    }
}

#[cfg(test)]
mod tests;
