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

use std::future::ready;
use std::rc::Rc;

use self::connected::account_of;
use crate::network::interface::Network;
use crate::network::mastodon::account::NAME;
use crate::network::sign_in::{
    App, Authorization, AuthorizationRequest, Client, Connection, Context, Grant, RegisteredClient,
    Server, Service, Shown, SignIn, SignInError,
};
use crate::network::signer::Signer;
use crate::network::transport::Pending;
use crate::outcome::{Diagnosis, Reason};

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

    fn consent(&self) -> &'static str {
        "Your server then asks whether rotate-icon may read your profile and change its picture."
    }

    fn privacy(&self) -> &'static str {
        "Your server's address, and your account's number and name there. Your picture from before \
         is kept here, and deleted when you disconnect. Nothing of rotate-icon stays in your account \
         but the picture that it shows."
    }

    fn find<'a>(
        &'a self,
        typed: &'a str,
        context: Context<'a>,
    ) -> Pending<'a, Result<Server, SignInError>> {
        Box::pin(discovery::find(typed, context.service, context.transport))
    }

    fn client(&self) -> Client<'_> {
        Client::Registered(self)
    }

    fn authorization<'a>(
        &'a self,
        request: AuthorizationRequest<'a>,
        _context: Context<'a>,
    ) -> Pending<'a, Result<Authorization, SignInError>> {
        let url = authorization::url(request.app, request.state, request.verifier);
        Box::pin(ready(Ok(Authorization { url, kept: None })))
    }

    fn exchange<'a>(
        &'a self,
        grant: Grant<'a>,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(async move {
            let Grant {
                app,
                code,
                verifier,
                ..
            } = grant;
            let tokens = tokens::exchange(app, code, verifier, context.transport).await?;
            let identity = identity::of(app, &tokens, context.transport).await?;
            Ok(Connection {
                network: NAME.to_owned(),
                subject: identity.subject,
                name: identity.name,
                app: app.clone(),
                tokens,
                details: None,
            })
        })
    }

    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(async move {
            let tokens = tokens::refresh(connection, context.transport).await?;
            Ok(Connection {
                tokens,
                ..connection.clone()
            })
        })
    }

    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(tokens::revoke(connection, context.transport))
    }

    fn network(
        &self,
        connection: &Connection,
        _service: Option<Service>,
        _signer: Rc<dyn Signer>,
    ) -> Rc<dyn Network> {
        Rc::new(account_of(connection))
    }

    fn keep_shown<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Shown, Diagnosis>> {
        Box::pin(async move {
            let shown = picture::shown(connection, context.service, context.transport).await?;
            Ok(shown.map_or(Shown::Default, Shown::File))
        })
    }

    fn put_held_back<'a>(
        &'a self,
        _connection: &'a Connection,
        _context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(ready(Err(Diagnosis::new(
            Reason::Settings,
            "Servers of Mastodon hold no picture from before.",
            "Choose another one there yourself.",
        ))))
    }

    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(picture::remove(connection, context.transport))
    }
}

impl RegisteredClient for MastodonSignIn {
    fn register<'a>(
        &'a self,
        server: &'a Server,
        context: Context<'a>,
    ) -> Pending<'a, Result<App, SignInError>> {
        Box::pin(apps::register(server, context.service, context.transport))
    }

    fn check<'a>(
        &'a self,
        app: &'a App,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(apps::check(app, context.transport))
    }
}

#[cfg(test)]
mod tests;
