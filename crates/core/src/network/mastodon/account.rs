//! An account on a server, as the settings or a sign-in describe it.

use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use serde_json::Value;

use crate::network::base_url::BaseUrl;
use crate::network::mastodon::advice::Advice;
use crate::network::mastodon::errors::{Needs, TITLE, outcome_of};
use crate::network::mastodon::server::{self, Server};
use crate::network::reply::{ErrorReply, text_of, unanswered};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// Mastodon's name in the journal and in answers.
pub(super) const NAME: &str = "mastodon";

/// The account's server.
pub const MASTODON_SERVER: &str = "MASTODON_SERVER";
/// The account's token. Its scope has to include `write:accounts`.
pub const MASTODON_ACCESS_TOKEN: &str = "MASTODON_ACCESS_TOKEN";

/// <https://docs.joinmastodon.org/methods/accounts/#verify_credentials>
pub(super) const VERIFY_CREDENTIALS: &str = "/api/v1/accounts/verify_credentials";

/// An account on a Mastodon server.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the server.
    pub server: BaseUrl,
    /// The account's token.
    pub access_token: Secret,
    /// What can be done about a refusal, which depends on where the token comes from.
    pub advice: &'static Advice,
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let server = reader.required_parsed::<Server>(MASTODON_SERVER, server::ACCEPTS);
        let access_token = reader.secret(MASTODON_ACCESS_TOKEN);
        Some(Self {
            server: server?.into(),
            access_token: access_token?,
            advice: &Advice::OF_SETTINGS,
        })
    }

    /// Builds a request with the account's token. `form` is the type of its body, and the body.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        form: Option<(String, Vec<u8>)>,
    ) -> Result<Request<Vec<u8>>, Diagnosis> {
        let token = self.access_token.expose();
        // `HeaderValue` accepts other text, which hosts would refuse.
        let token = Some(token).filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
        let token = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            // Without this header, Pixelfed redirects to a page instead of letting its API say what
            // is wrong.
            .header(ACCEPT, "application/json");
        if let Some(Ok(token)) = token {
            request = request.header(AUTHORIZATION, token);
        } else {
            return Err(self.invalid_request("the token has characters that no token has"));
        }
        let mut body = Vec::new();
        if let Some((content_type, form)) = form {
            request = request.header(CONTENT_TYPE, content_type);
            body = form;
        }
        let request = request.body(body);
        request.map_err(|error| self.invalid_request(&error.to_string()))
    }

    /// The account's name in the server's reply, or the outcome of a reply that has none.
    pub(super) fn name_in(
        &self,
        reply: &Result<Response<Vec<u8>>, SendError>,
        needs: Needs,
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
                    None => Err(Outcome::Refused(self.no_account())),
                }
            }
            Ok(reply) => {
                let error = ErrorReply::read(TITLE, reply, &secrets);
                Err(outcome_of(&error, needs, self.advice, now))
            }
            Err(error) => Err(unanswered(TITLE, self.advice.no_answer, error, now)),
        }
    }

    fn invalid_request(&self, why: &str) -> Diagnosis {
        Diagnosis::new(
            Reason::Settings,
            format!("The request cannot be made: {why}."),
            self.advice.invalid_request,
        )
    }

    /// What it means that a success has no account in it.
    pub(super) fn no_account(&self) -> Diagnosis {
        Diagnosis::new(
            Reason::UnexpectedReply,
            "The call was answered with success, but not with an account of Mastodon.",
            self.advice.no_account,
        )
    }
}
