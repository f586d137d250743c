//! A problem as a page, for browsers.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use maud::html;

use crate::web::answer::Answer;
use crate::web::problem::Problem;
use crate::web::site::layout::Page;

/// Whether a request comes from a browser that shows its answer: it asks for HTML by name.
pub fn wants_page<T>(request: &Request<T>) -> bool {
    let mut accepts = request.headers().get_all(ACCEPT).iter();
    accepts.any(|accept| {
        let accept = accept.to_str().unwrap_or_default();
        let mut types = accept.split(',').filter_map(|one| one.split(';').next());
        types.any(|one| one.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// Writes a problem as a page that leads back to the path `back`. It keeps the problem's status and
/// headers.
pub fn problem_page(problem: &Problem, back: &str) -> Answer {
    let status = problem.status();
    let title = match status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::UNAUTHORIZED => "You are signed out",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        _ => "That did not work",
    };
    let text = html! {
        h1 { (status.as_u16()) }
        p.headline { (title) }
        p { (problem.detail()) }
        p { a.button href=(back) { "Go back" } }
    };
    let mut answer = Page::of_text(title, &text).answer(status);
    for (name, value) in problem.clone().into_response().headers() {
        if name != CONTENT_TYPE {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}
