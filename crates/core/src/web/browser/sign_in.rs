//! Signing in: the front page, the form, the way to the network's server, and the way back.

use crate::network;
use crate::network::sign_in::host_of;
use crate::ports::Form;
use crate::service::limits::Limited;
use crate::service::sign_in::{Failed, Finished, Returned, SigningIn, Wish};
use crate::service::tokens::{form_token, hash};
use crate::settings::secret::Secret;
use crate::web::answer::Answer;
use crate::web::browser::cookies::{self, VISITOR};
use crate::web::browser::form::Fields;
use crate::web::browser::host::ServiceHost;
use crate::web::browser::next::Next;
use crate::web::browser::origin::{FORM_TOKEN, require_own_page};
use crate::web::browser::visit::{SignedIn, Visit, failed, offers, see_other, told};
use crate::web::browser::{account, session};
use crate::web::problem::Problem;
use crate::web::request::Parameters;
use crate::web::site::{self, FailedSignIn, Landing, Mood, Taken};

/// The field of the form that says where the account is.
const SERVER: &str = "server";
/// The field that asks for an identity of another account.
const MOVE: &str = "move";
/// The field that asks for another account than the one that is signed in.
const SWITCH: &str = "switch";

/// The front page of an open service: what it is, and the way in.
pub(super) async fn front<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    visit.service()?;
    let is_signed_in = visit.signed_in().await?.is_some();
    landing(visit, is_signed_in, None)
}

/// The page to sign in. Whoever is signed in comes to their own page.
pub(super) async fn page<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    visit.service()?;
    if visit.signed_in().await?.is_some() {
        return Ok(see_other("/account").into());
    }
    landing(visit, false, None)
}

/// The front page, which may tell of a sign-in that did not begin.
fn landing<H: ServiceHost>(
    visit: &Visit<'_, H>,
    is_signed_in: bool,
    failed: Option<FailedSignIn<'_>>,
) -> Result<Next, Problem> {
    let (visitor, is_new) = visit.visitor()?;
    let notice = visit.notice();
    let mut answer = site::landing(&Landing {
        csrf: form_token(&visitor).expose(),
        offers: &offers(),
        failed,
        is_signed_in,
        notice: told(notice.as_ref()),
    });
    if is_new && !is_signed_in {
        cookies::keep_visitor(&mut answer, &visitor);
    }
    if notice.is_some() {
        cookies::forget_notice(&mut answer);
    }
    Ok(answer.into())
}

/// Begins a sign-in with a network, and sends the browser to its server.
pub(super) async fn begin<H: ServiceHost>(
    visit: &Visit<'_, H>,
    network: &str,
    body: &impl Form,
) -> Result<Next, Problem> {
    let service = visit.service()?;
    let fields = Fields::read(visit.request, body).await?;
    let signed_in = visit.signed_in().await?;
    let cookie = match &signed_in {
        Some(signed_in) => Some(signed_in.token.clone()),
        None => cookies::token(visit.request, VISITOR),
    };
    let token = fields.text(FORM_TOKEN);
    require_own_page(visit.request, service, cookie.as_ref(), token)?;
    visit.limit(Limited::SignIns).await?;

    let typed = fields.text(SERVER).unwrap_or_default();
    let account = signed_in.as_ref().map(|one| one.session.account.clone());
    let account = account.filter(|_| !fields.is_ticked(SWITCH));
    let signer = visit.host.signer();
    let signing_in = SigningIn {
        host: visit.host,
        signer: &*signer,
        service,
        limit: visit.settings.limit(),
    };
    let wish = Wish {
        network,
        typed,
        moves: account.is_some() && fields.is_ticked(MOVE),
        account,
    };
    let begun = match signing_in.begin(&wish).await {
        Ok(begun) => begun,
        // The person can put that right where they typed.
        Err(error @ Failed::Network(_)) => {
            let why = error.to_string();
            let failed = FailedSignIn {
                network,
                typed,
                message: &why,
            };
            return match &signed_in {
                None => landing(visit, false, Some(failed)),
                Some(signed_in) => account::page(visit, signed_in, Some(failed)).await,
            };
        }
        Err(error) => return Err(failed(&error)),
    };
    let mut answer = site::leaving(&begun.authorization, host_of(&begun.server));
    cookies::keep_sign_in(&mut answer, &hash(&begun.state), &begun.browser);
    Ok(answer.into())
}

/// Finishes a sign-in: the network's server has sent the browser back.
pub(super) async fn finish<H: ServiceHost>(
    visit: &Visit<'_, H>,
    network: &str,
    server: Option<&str>,
) -> Result<Next, Problem> {
    let service = visit.service()?;
    let redirect_uri = match server {
        Some(server) => service.redirect_uri(network, server),
        None => service.shared_redirect_uri(network),
    };
    let issuer = parameter(visit.query, "iss");
    visit.limit(Limited::SignIns).await?;
    let over = || failed(&Failed::Over);
    let state = Secret::new(parameter(visit.query, "state").ok_or_else(over)?);
    let state_hash = hash(&state);
    let cookie = cookies::sign_in_cookie(&state_hash);
    let browser = cookies::token(visit.request, &cookie).ok_or_else(over)?;
    let code = match parameter(visit.query, "code") {
        Some(code) => Ok(Secret::new(code)),
        None => Err(parameter(visit.query, "error").unwrap_or_default()),
    };
    let signed_in = visit.signed_in().await?;
    let signer = visit.host.signer();
    let signing_in = SigningIn {
        host: visit.host,
        signer: &*signer,
        service,
        limit: visit.settings.limit(),
    };
    let finished = signing_in
        .finish(Returned {
            network,
            redirect_uri: &redirect_uri,
            issuer: issuer.as_deref(),
            state,
            browser,
            code,
            account: signed_in.as_ref().map(|one| one.session.account.clone()),
        })
        .await;
    let mut answer = match finished {
        Ok(Finished::SignedIn(account)) => {
            let mut answer = see_other("/account");
            session::sign_in(visit, account, &mut answer).await?;
            answer
        }
        Ok(Finished::Connected) => see_other("/account"),
        Ok(Finished::Taken {
            network,
            place,
            name,
        }) => {
            let token = signed_in.as_ref().map(SignedIn::form_token);
            let token = token.ok_or_else(over)?;
            let definition = network::named(&network).ok_or_else(over)?;
            site::taken(&Taken {
                csrf: token.expose(),
                network: definition.name,
                title: definition.title,
                name: &name,
                place: &place,
            })
        }
        Err(error) => came_back_in_vain(&error, signed_in.is_some()),
    };
    cookies::forget(&mut answer, &cookie);
    Ok(answer.into())
}

/// Says on the page where the sign-in began why it has come to nothing.
fn came_back_in_vain(error: &Failed, is_signed_in: bool) -> Answer {
    let mut answer = see_other(if is_signed_in { "/account" } else { "/sign-in" });
    cookies::keep_notice(&mut answer, &error.to_string(), Mood::Bad);
    answer
}

fn parameter(query: &Parameters, name: &str) -> Option<String> {
    let (_, value) = query.iter().find(|(of, _)| of == name)?;
    Some(value.clone())
}
