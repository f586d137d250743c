//! Mastodon: `PATCH accounts/update_credentials`, with a token of the account.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use serde_json::Value;

use self::server::Server;
use super::base_url::BaseUrl;
use super::reply::{ErrorReply, header_text, no_answer, rate_limited, text_of, transient};
use super::{Attempt, Definition, Memory, Network, Pending, Picture, Wire, multipart};
use crate::outcome::{Outcome, Preview, Reason, Trouble};
use crate::ports::{SendError, X_RATELIMIT_RESET};
use crate::rfc3339;
use crate::secret::Secret;
use crate::settings::Reader;

pub mod server;

const TITLE: &str = "Mastodon";

/// Mastodon among the networks.
pub const DEFINITION: Definition = Definition {
    name: "mastodon",
    title: TITLE,
    required: &[MASTODON_SERVER, MASTODON_ACCESS_TOKEN],
    variables: &[],
    read,
};

/// Where the account is.
pub const MASTODON_SERVER: &str = "MASTODON_SERVER";
/// The secret that opens the account; its scope has to include `write:accounts`.
pub const MASTODON_ACCESS_TOKEN: &str = "MASTODON_ACCESS_TOKEN";

/// <https://docs.joinmastodon.org/methods/accounts/#update_credentials>
const UPDATE_CREDENTIALS: &str = "/api/v1/accounts/update_credentials";

/// <https://docs.joinmastodon.org/methods/accounts/#verify_credentials>
const VERIFY_CREDENTIALS: &str = "/api/v1/accounts/verify_credentials";

/// The largest frame that is sent, in bytes: what servers before 4.3 take, of
/// either reading of "2 MB".
pub const MAX_FRAME_BYTES: usize = 2_000_000;

/// An account on a server of Mastodon.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where the server is.
    pub server: BaseUrl,
    /// The account's token.
    pub access_token: Secret,
}

fn read(reader: &mut Reader<'_>) -> Option<Rc<dyn Network>> {
    Some(Rc::new(Account::read(reader)?))
}

impl Network for Account {
    fn max_picture_bytes(&self) -> usize {
        MAX_FRAME_BYTES
    }

    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        _: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<Attempt, Trouble>> {
        Box::pin(async move {
            let reply = wire.send(self.update_credentials(picture)?).await;
            let name = self.name_in(&reply, wire.now());
            Ok(Attempt {
                status: reply.as_ref().ok().map(|reply| reply.status().as_u16()),
                account: name.as_ref().ok().cloned(),
                outcome: match name {
                    Ok(_) => Outcome::Turned,
                    Err(outcome) => outcome,
                },
            })
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Trouble> {
        let request = self.update_credentials(picture)?;
        Ok(Preview::of(&request, "Bearer (not shown)", picture))
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let request = self.request(Method::GET, VERIFY_CREDENTIALS, None)?;
            let reply = wire.send(request).await;
            let name = self.name_in(&reply, wire.now());
            name.map_err(|outcome| outcome.trouble().cloned().unwrap_or_else(no_account))
        })
    }
}

impl Account {
    /// Reads the settings of an account.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let server = reader.required_parsed::<Server>(MASTODON_SERVER, server::ACCEPTS);
        let access_token = reader.secret(MASTODON_ACCESS_TOKEN);
        Some(Self {
            server: server?.into(),
            access_token: access_token?,
        })
    }

    /// The request that makes a picture the account's.
    fn update_credentials(&self, picture: Picture<'_>) -> Result<Request<Vec<u8>>, Trouble> {
        let boundary = multipart::fresh_boundary()?;
        let Picture { bytes, media_type } = picture;
        let body = multipart::one_file(&boundary, "avatar", media_type, bytes);
        let form = Some((multipart::content_type(&boundary), body));
        self.request(Method::PATCH, UPDATE_CREDENTIALS, form)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        form: Option<(String, Vec<u8>)>,
    ) -> Result<Request<Vec<u8>>, Trouble> {
        let token = self.access_token.expose();
        // `HeaderValue` would take other text, and hosts would not.
        let token = Some(token).filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
        let token = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        if let Some(Ok(token)) = token {
            request = request.header(AUTHORIZATION, token);
        } else {
            return Err(unmade("the token has characters that no token has"));
        }
        let mut body = Vec::new();
        if let Some((content_type, form)) = form {
            request = request.header(CONTENT_TYPE, content_type);
            body = form;
        }
        let request = request.body(body);
        request.map_err(|error| unmade(&error.to_string()))
    }

    /// The name of the account that the server answers with, or what else it means.
    fn name_in(
        &self,
        reply: &Result<Response<Vec<u8>>, SendError>,
        now: DateTime<Utc>,
    ) -> Result<String, Outcome> {
        let secrets = [&self.access_token];
        match reply {
            Ok(reply) if reply.status().is_success() => {
                let account: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
                let name = ["acct", "username"].map(|name| text_of(&account, name, &secrets));
                match name.into_iter().find(|name| !name.is_empty()) {
                    Some(name) if name.contains('@') => Ok(format!("@{name}")),
                    Some(name) => Ok(format!("@{name}@{}", self.server.authority())),
                    None => Err(Outcome::Refused(no_account())),
                }
            }
            Ok(reply) => Err(outcome_of(&ErrorReply::read(TITLE, reply, &secrets), now)),
            Err(error) => Err(no_answer(TITLE, MASTODON_SERVER, error, now)),
        }
    }
}

fn unmade(why: &str) -> Trouble {
    Trouble::new(
        Reason::Settings,
        format!("The request cannot be made: {why}."),
        "Check MASTODON_SERVER and MASTODON_ACCESS_TOKEN.",
    )
}

fn no_account() -> Trouble {
    Trouble::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with an account of Mastodon.",
        "Check MASTODON_SERVER: something other than Mastodon's API answers there.",
    )
}

/// What a reply of error means. The sentences in it are those of Mastodon:
/// <https://docs.joinmastodon.org/entities/Error/>, and
/// `app/controllers/concerns/api` of its source.
fn outcome_of(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let refused = |reason, remedy: &'static str| {
        Outcome::Refused(Trouble::new(reason, reply.said.as_str(), remedy))
    };
    match reply.status {
        429 => limited(reply, now),
        500..=599 => transient(TITLE, &reply.said, reply.headers, now),
        403 if reply.is_html => refused(
            Reason::Blocked,
            "A firewall in front of the server refused the call, as it may do to calls from \
             Workers. Wait, or ask who runs the server.",
        ),
        401 => refused(Reason::Credentials, ANOTHER_TOKEN),
        // The token is the application's and no account's.
        422 if reply.error.contains("authenticated user") => {
            refused(Reason::Credentials, ANOTHER_TOKEN)
        }
        403 if reply.error.contains("authorized scopes") => refused(
            Reason::Access,
            "The token may not do this. Give the application the scope write:accounts under \
             Preferences, Development, then regenerate its access token and store that as \
             MASTODON_ACCESS_TOKEN.",
        ),
        403 => refused(
            Reason::Account,
            "The server does not let the account do this. Sign in there in a browser and follow \
             what it says: the account may be disabled, suspended or not confirmed.",
        ),
        413 | 422 => refused(
            Reason::Request,
            "The server does not accept the picture: it may have limits of its own. Publish the \
             icon again, under another --quality.",
        ),
        _ => refused(
            Reason::UnexpectedReply,
            "This is no reply that Mastodon is known to give. Check MASTODON_SERVER: the address \
             at which you sign in.",
        ),
    }
}

const ANOTHER_TOKEN: &str = "Check MASTODON_ACCESS_TOKEN: complete, of an account on \
     MASTODON_SERVER, and not revoked since. There, under Preferences, Development, your \
     application shows it; its scope has to include write:accounts.";

/// Too many requests: the reset that the server names counts, an ISO 8601 time
/// (<https://docs.joinmastodon.org/api/rate-limits/>).
fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, X_RATELIMIT_RESET);
    let reset = reset.and_then(|at| rfc3339::parse(at.trim()));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}

#[cfg(test)]
mod tests;
