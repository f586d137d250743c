//! `/keys/client`: the keys with which this service signs as an application, for the owner.

use http::StatusCode;
use serde_json::json;

use crate::service::client_keys::{self, Added, Deleted, MAX_CLIENT_KEYS, NoClientKey, Usage};
use crate::service::sign_in::Failed;
use crate::web::answer::json_answer;
use crate::web::browser::host::ServiceHost;
use crate::web::browser::next::Next;
use crate::web::browser::visit::{Visit, failed};
use crate::web::problem::Problem;

/// Lists the keys.
pub(super) async fn list<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    listed(visit, StatusCode::OK, None).await
}

/// Adds a key.
pub(super) async fn add<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    let signer = visit.host.signer();
    let added = client_keys::add(visit.host, &*signer).await;
    match added.map_err(problem)? {
        Added::Done(id) => {
            let note = format!(
                "Key {id} is published. New sign-ins use it from `signs_from` on, when servers know \
                 it, or at once if no other key can sign. Sign-ins of before stay with theirs: keep \
                 the older keys as long as people use them."
            );
            listed(visit, StatusCode::CREATED, Some(note)).await
        }
        Added::Full => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "There are {MAX_CLIENT_KEYS} keys, and no more may be added. Delete one first: the \
                 oldest has the fewest sign-ins."
            ),
        )),
    }
}

/// Deletes a key.
pub(super) async fn delete<H: ServiceHost>(
    visit: &Visit<'_, H>,
    id: &str,
) -> Result<Next, Problem> {
    let deleted = client_keys::delete(visit.host, id).await;
    match deleted.map_err(problem)? {
        Deleted::Done => {
            let note = format!(
                "Key {id} is no longer published. Servers forget it within some minutes. Whoever has \
                 signed in with it is asked to sign in again; nothing else of theirs is lost."
            );
            listed(visit, StatusCode::OK, Some(note)).await
        }
        Deleted::Unknown => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "There is no key with this id. GET /keys/client lists them.",
        )),
        Deleted::Needed => Err(Problem::new(
            StatusCode::CONFLICT,
            "Nothing but this key can sign, so it stays. Add another first: POST /keys/client.",
        )),
    }
}

/// Answers with all keys, and what is to be said besides.
async fn listed<H: ServiceHost>(
    visit: &Visit<'_, H>,
    status: StatusCode,
    note: Option<String>,
) -> Result<Next, Problem> {
    let keys = client_keys::list(visit.host).await.map_err(problem)?;
    let signing = keys.iter().find(|key| key.usage == Usage::Signs);
    let mut told = json!({
        "signing": signing.map(|key| &key.id),
        "keys": keys,
    });
    if let (Some(told), Some(note)) = (told.as_object_mut(), note) {
        told.insert("note".to_owned(), note.into());
    }
    let mut answer = json_answer(&told);
    *answer.status_mut() = status;
    Ok(answer.into())
}

fn problem(error: NoClientKey) -> Problem {
    failed(&Failed::from(error))
}
