//! How people sign in with a browser: the steps of this folder, in the form that all networks have.

use std::rc::Rc;

use serde_json::Value;

use crate::network::bluesky::home::Home;
use crate::network::bluesky::oauth::account::{self, OauthAccount};
use crate::network::bluesky::oauth::{authorization, client, discovery, session};
use crate::network::interface::{Network, SavedSession};
use crate::network::sign_in::{
    App, Authorization, AuthorizationRequest, Client, Connection, Context, Grant, PublishedClient,
    Server, Service, Shown, SignIn, SignInError,
};
use crate::network::signer::Signer;
use crate::network::transport::Pending;
use crate::outcome::Diagnosis;

/// Signs people in to servers of the AT Protocol.
#[derive(Debug)]
pub(in crate::network::bluesky) struct BlueskySignIn;

impl SignIn for BlueskySignIn {
    fn place_label(&self) -> &'static str {
        "Your handle or server"
    }

    fn place_example(&self) -> &'static str {
        "you.bsky.social or bsky.social"
    }

    fn consent(&self) -> &'static str {
        "Your server then asks whether this service, which it calls by its address, may change your \
         profile, upload pictures, and keep a record of its own in your account."
    }

    fn privacy(&self) -> &'static str {
        "Your server's address, and your account's identifier (DID) and handle. A public record in \
         your own account, app.rotate-icon.frames, keeps the frames and your picture from before. \
         It is deleted when you disconnect."
    }

    fn find<'a>(
        &'a self,
        typed: &'a str,
        context: Context<'a>,
    ) -> Pending<'a, Result<Server, SignInError>> {
        Box::pin(discovery::find(typed, context))
    }

    fn client(&self) -> Client<'_> {
        Client::Published(self)
    }

    fn authorization<'a>(
        &'a self,
        request: AuthorizationRequest<'a>,
        context: Context<'a>,
    ) -> Pending<'a, Result<Authorization, SignInError>> {
        Box::pin(authorization::begin(request, context))
    }

    fn exchange<'a>(
        &'a self,
        grant: Grant<'a>,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(session::open(grant, context))
    }

    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>> {
        Box::pin(session::refresh(connection, context))
    }

    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(session::revoke(connection, context))
    }

    fn has_tokens_of_its_own(&self) -> bool {
        true
    }

    fn network(
        &self,
        connection: &Connection,
        service: Option<Service>,
        signer: Rc<dyn Signer>,
    ) -> Rc<dyn Network> {
        Rc::new(OauthAccount::new(connection, service, signer))
    }

    fn turned_on(&self, connection: &Connection) -> String {
        account::turned_on(connection)
    }

    fn keep_shown<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Shown, Diagnosis>> {
        Box::pin(account::keep_shown(connection, context))
    }

    fn put_held_back<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(account::put_held_back(connection, context))
    }

    fn remove_kept<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(account::remove_kept(connection, context))
    }

    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(account::remove_picture(connection, context))
    }

    fn place_of<'a>(&self, _name: &'a str, subject: &'a str) -> &'a str {
        subject
    }

    fn remains_of(&self, saved_session: &SavedSession) -> Option<SavedSession> {
        let home = Home::carried(saved_session)?;
        Some(SavedSession(home.to_string()))
    }

    fn held_at(&self, subject: &str) -> Option<String> {
        Some(account::held_at(subject))
    }

    fn how_to_remove_frames(&self, subject: &str) -> Option<String> {
        Some(account::how_to_remove_frames(subject))
    }
}

impl PublishedClient for BlueskySignIn {
    fn document(&self, client_id: &str, service: &Service) -> Option<Value> {
        client::document(client_id, service)
    }

    fn app(&self, server: &Server, service: &Service) -> App {
        client::app(server, service)
    }

    fn uses_key(&self, service: &Service) -> bool {
        !client::is_local(service)
    }
}
