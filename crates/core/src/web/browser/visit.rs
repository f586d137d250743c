//! A request of a browser, and what every route for browsers needs to know about it.

use http::header::LOCATION;
use http::{HeaderName, HeaderValue, Request, StatusCode};

use crate::network::sign_in::Service;
use crate::network::{Definition, NETWORKS};
use crate::ports::Clock;
use crate::service::directory::Session;
use crate::service::limits::Limited;
use crate::service::settings::{PUBLIC_URL, ServiceSettings};
use crate::service::sign_in::Failed;
use crate::service::tokens::{form_token, hash, random_token};
use crate::settings::secret::Secret;
use crate::web::answer::{Answer, guarded};
use crate::web::browser::cookies::{self, SESSION, VISITOR};
use crate::web::browser::form::Fields;
use crate::web::browser::host::ServiceHost;
use crate::web::browser::host::unreachable;
use crate::web::browser::origin::{
    FORM_TOKEN, require_own_host, require_own_page, token_in_header,
};
use crate::web::problem::Problem;
use crate::web::request::Parameters;
use crate::web::site::{Mood, Notice, Offer, problem_page, wants_page};

/// The address that a request comes from.
const CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");

/// A request of a browser.
pub(super) struct Visit<'a, H> {
    pub(super) request: &'a Request<()>,
    pub(super) query: &'a Parameters,
    pub(super) settings: &'a ServiceSettings,
    pub(super) host: &'a H,
}

/// A browser that is signed in.
pub(super) struct SignedIn {
    /// The token in its cookie.
    pub(super) token: Secret,
    /// Its session.
    pub(super) session: Session,
}

impl SignedIn {
    /// The token for the forms of its pages.
    pub(super) fn form_token(&self) -> Secret {
        form_token(&self.token)
    }
}

impl<H: ServiceHost> Visit<'_, H> {
    /// This service, if people can sign in to it and the request came to its address.
    ///
    /// # Errors
    /// When they cannot, or it came to another.
    pub(super) fn service(&self) -> Result<&Service, Problem> {
        let closed = |why: String| {
            let detail = format!("Signing in is closed: {why}.");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        };
        let service = match &self.settings.service {
            Ok(Some(service)) => service,
            Ok(None) => return Err(closed(format!("{PUBLIC_URL} is not set"))),
            Err(errors) => return Err(closed(errors.to_string())),
        };
        require_own_host(self.request, service)?;
        Ok(service)
    }

    /// The browser's session, if it is signed in.
    ///
    /// # Errors
    /// When the directory cannot be reached.
    pub(super) async fn signed_in(&self) -> Result<Option<SignedIn>, Problem> {
        let Some(token) = cookies::token(self.request, SESSION) else {
            return Ok(None);
        };
        let found = self
            .host
            .session(&hash(&token), Clock::now(self.host))
            .await;
        let session = found.map_err(|error| unreachable(&error))?;
        Ok(session.map(|session| SignedIn { token, session }))
    }

    /// The session of a browser that has to be signed in.
    ///
    /// # Errors
    /// When it is not.
    pub(super) async fn required_session(&self) -> Result<SignedIn, Problem> {
        self.service()?;
        let signed_in = self.signed_in().await?;
        signed_in.ok_or_else(|| {
            let detail = "You are signed out. Sign in, then repeat what you did.";
            Problem::new(StatusCode::UNAUTHORIZED, detail)
        })
    }

    /// The session of a browser that sends a form of one of its pages.
    ///
    /// # Errors
    /// When it is not signed in, or the form is not from there.
    pub(super) async fn session_of_form(&self, fields: &Fields) -> Result<SignedIn, Problem> {
        let signed_in = self.required_session().await?;
        let service = self.service()?;
        let token = fields.text(FORM_TOKEN);
        require_own_page(self.request, service, Some(&signed_in.token), token)?;
        Ok(signed_in)
    }

    /// The session of a browser whose script sends a request from one of its pages.
    ///
    /// # Errors
    /// As [`Self::session_of_form`].
    pub(super) async fn session_of_script(&self) -> Result<SignedIn, Problem> {
        let signed_in = self.required_session().await?;
        let token = token_in_header(self.request);
        require_own_page(self.request, self.service()?, Some(&signed_in.token), token)?;
        Ok(signed_in)
    }

    /// The token of a browser that is not signed in, and whether it is new and has to be kept.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub(super) fn visitor(&self) -> Result<(Secret, bool), Problem> {
        if let Some(token) = cookies::token(self.request, VISITOR) {
            return Ok((token, false));
        }
        let token = random_token().map_err(|_| failed(&Failed::Random))?;
        Ok((token, true))
    }

    /// Refuses a browser's request if too many have come from its address.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) async fn limit(&self, what: Limited) -> Result<(), Problem> {
        let address = self.request.headers().get(CONNECTING_IP);
        let address = address.and_then(|address| address.to_str().ok());
        if self.host.allow(what, address.unwrap_or("unknown")).await {
            return Ok(());
        }
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "That was too often from this address. Wait a minute, then try again.",
        );
        Err(problem.with_header(http::header::RETRY_AFTER, HeaderValue::from_static("60")))
    }

    /// The answer to a request that is refused: a page for a person, problem details for a program.
    pub(super) fn refused(&self, problem: Problem) -> Answer {
        if wants_page(self.request) {
            let back = match problem.status() {
                StatusCode::UNAUTHORIZED => "/sign-in",
                _ => "/account",
            };
            guarded(Ok(problem_page(&problem, back)))
        } else {
            guarded(Err(problem))
        }
    }

    /// What the page is to say of what was done before.
    pub(super) fn notice(&self) -> Option<(String, Mood)> {
        cookies::notice(self.request)
    }
}

/// A notice as the pages take it.
pub(super) fn told(notice: Option<&(String, Mood)>) -> Option<Notice<'_>> {
    let (text, mood) = notice?;
    Some(Notice { text, mood: *mood })
}

/// The networks on which people can sign in.
pub(super) fn offers() -> Vec<Offer<'static>> {
    let offer = |definition: &Definition| {
        let sign_in = definition.sign_in?;
        Some(Offer {
            network: definition.name,
            title: definition.title,
            place_label: sign_in.place_label(),
            place_example: sign_in.place_example(),
            consent: sign_in.consent(),
        })
    };
    NETWORKS.iter().filter_map(offer).collect()
}

/// Sends the browser on to a path of the service, by GET.
pub(super) fn see_other(path: &'static str) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::from_static(path);
    answer.headers_mut().insert(LOCATION, path);
    answer
}

/// The problem of a sign-in that has not succeeded.
pub(super) fn failed(failed: &Failed) -> Problem {
    use crate::network::sign_in::SignInError;

    let status = match failed {
        Failed::NoNetwork => StatusCode::NOT_FOUND,
        Failed::Network(SignInError::Place(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Failed::Network(
            SignInError::Paused { .. } | SignInError::Server(_) | SignInError::Failed(_),
        )
        | Failed::Account(_) => StatusCode::BAD_GATEWAY,
        Failed::Network(
            SignInError::AppForgotten { .. } | SignInError::Refused(_) | SignInError::Moved(_),
        )
        | Failed::Denied(_)
        | Failed::Over
        | Failed::OtherAccount
        | Failed::Closed => StatusCode::FORBIDDEN,
        Failed::Full
        | Failed::Unreachable(_)
        | Failed::Encryption(_)
        | Failed::Signing(_)
        | Failed::Random => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, failed.to_string())
}
