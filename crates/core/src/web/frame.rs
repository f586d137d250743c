//! `GET /frames/{n}`: a frame of the current set.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{Request, StatusCode};

use crate::frames::store::{self, current_set};
use crate::ports::Store;
use crate::web::answer::{Answer, insert};
use crate::web::problem::Problem;

/// Answers with frame `n`, or with 304 where the sender has it already.
///
/// # Errors
/// When there is no such frame, or it cannot be read.
pub(super) async fn show<H: Store>(
    request: &Request<()>,
    n: u16,
    host: &H,
) -> Result<Answer, Problem> {
    let set = current_set(host).await;
    let set = set.map_err(|diagnosis| Problem::unavailable(&diagnosis))?;
    if n >= set.frames().get() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!(
                "There is no frame {n}: the current set has {}.",
                set.frames()
            ),
        ));
    }
    let etag = set.frame_etag(n);
    let mut answer = if is_known(request, &etag) {
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        let frame = store::frame(host, &set, n).await;
        let frame = frame.map_err(|diagnosis| Problem::unavailable(&diagnosis))?;
        let mut answer = Answer::new(frame);
        insert(&mut answer, CONTENT_TYPE, set.media_type().as_str());
        answer
    };
    insert(&mut answer, ETAG, &etag);
    // As long as the store itself may be behind; the tag makes asking again cheap.
    insert(&mut answer, CACHE_CONTROL, "public, max-age=60");
    Ok(answer)
}

/// Whether `If-None-Match` names this tag (RFC 9110 §13.1.2, weak comparison).
fn is_known(request: &Request<()>, etag: &str) -> bool {
    request
        .headers()
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
