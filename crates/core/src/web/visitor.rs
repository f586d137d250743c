//! What an account that is not the owner's answers itself: it takes its icon and gives its frames.
//! Whoever asks has been checked before.

use http::header::CACHE_CONTROL;
use http::{Request, StatusCode};

use crate::ports::{Store, Upload};
use crate::web::answer::{Answer, guarded, insert};
use crate::web::problem::Problem;
use crate::web::{frame, icon, request};

/// The most frames of a visitor's set.
pub(super) const MAX_FRAMES: u16 = 96;

/// Answers `PUT /icon`, with `picture` as its body, and `GET /frames/{n}`, from the account's own
/// store.
pub async fn respond_for_visitor<H: Store>(
    request: &Request<()>,
    picture: &impl Upload,
    host: &H,
) -> Answer {
    guarded(answer(request, picture, host).await)
}

async fn answer<H: Store>(
    request: &Request<()>,
    picture: &impl Upload,
    host: &H,
) -> Result<Answer, Problem> {
    let path = request.uri().path();
    if request.method() == "PUT" && path == "/icon" {
        let query = request::query(request, &icon::CHOICES)?;
        let frames = query.iter().find(|(name, _)| name == "frames");
        let count = frames.and_then(|(_, count)| count.parse::<u16>().ok());
        if count.is_some_and(|count| count > MAX_FRAMES) {
            let detail = format!("`frames` has to be a whole number from 1 to {MAX_FRAMES}.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        return icon::take(request, &query, picture, host).await;
    }
    let frame = path.strip_prefix("/frames/");
    match frame.and_then(request::frame_number) {
        Some(n) => {
            let mut answer = frame::show(request, n, host).await?;
            // The address is the same for everybody, but the frame is not.
            insert(&mut answer, CACHE_CONTROL, "private, no-cache");
            Ok(answer)
        }
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "There is nothing here.",
        )),
    }
}
