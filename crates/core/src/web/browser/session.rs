//! Sessions: the owner's, in exchange for the trigger token, and the end of anybody's.

use crate::account::id::AccountId;
use crate::instant::after;
use crate::ports::{Clock, Form};
use crate::service::directory::{SESSION_LIFETIME, Session};
use crate::service::sign_in::Failed;
use crate::service::tokens::{hash, random_token};
use crate::web::answer::{Answer, no_content};
use crate::web::browser::cookies::{self, SESSION};
use crate::web::browser::form::Fields;
use crate::web::browser::host::{ServiceHost, unreachable};
use crate::web::browser::next::Next;
use crate::web::browser::visit::{Visit, failed, see_other};
use crate::web::problem::Problem;

/// Signs the owner's browser in. The route has checked the trigger token, which no other site can
/// have the browser send.
pub(super) async fn exchange<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    visit.service()?;
    let mut answer = no_content();
    sign_in(visit, AccountId::owner(), &mut answer).await?;
    Ok(answer.into())
}

/// Signs a browser in to an account. Its session is always a new one, so nobody can have fixed it.
pub(super) async fn sign_in<H: ServiceHost>(
    visit: &Visit<'_, H>,
    account: AccountId,
    answer: &mut Answer,
) -> Result<(), Problem> {
    let token = random_token().map_err(|_| failed(&Failed::Random))?;
    let now = Clock::now(visit.host);
    let session = Session {
        token_hash: hash(&token),
        account,
        created_at: now,
        expires_at: after(now, SESSION_LIFETIME),
    };
    if let Some(before) = cookies::token(visit.request, SESSION) {
        let ended = visit.host.end_session(&hash(&before)).await;
        ended.map_err(|error| unreachable(&error))?;
    }
    let kept = visit.host.keep_session(&session).await;
    kept.map_err(|error| unreachable(&error))?;
    cookies::keep_session(answer, &token);
    Ok(())
}

/// Signs a browser out. The account goes on turning.
pub(super) async fn sign_out<H: ServiceHost>(
    visit: &Visit<'_, H>,
    body: &impl Form,
) -> Result<Next, Problem> {
    let fields = Fields::read(visit.request, body).await?;
    let signed_in = visit.session_of_form(&fields).await?;
    let ended = visit.host.end_session(&signed_in.session.token_hash).await;
    ended.map_err(|error| unreachable(&error))?;
    let mut answer = see_other("/");
    cookies::forget(&mut answer, SESSION);
    Ok(answer.into())
}
