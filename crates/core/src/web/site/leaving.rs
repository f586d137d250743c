//! The page between a form here and another server. A browser that obeys `form-action 'self'` follows
//! no redirect from a form to elsewhere (CSP Level 3 §6.4.1), so the page itself goes on.

use http::StatusCode;
use maud::html;

use crate::web::answer::Answer;
use crate::web::problem::Problem;
use crate::web::site::layout::Page;
use crate::web::site::problem_page::problem_page;

/// Sends the browser to the address `url` of the server `host`, by itself or by a link.
pub fn leaving(url: &str, host: &str) -> Answer {
    let is_web = ["https://", "http://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if !is_web || url.contains(char::is_whitespace) {
        let detail = "The server's address for signing in is none of the web. Ask its operator.";
        return problem_page(&Problem::new(StatusCode::BAD_GATEWAY, detail), "/");
    }
    let text = html! {
        h1 { "Signing in" }
        p.headline { "On to " (host) " …" }
        p { a.button href=(url) rel="noreferrer" { "Continue to " (host) } }
    };
    Page {
        head: html! { meta http-equiv="refresh" content={ "0; url=" (url) }; },
        ..Page::of_text("Signing in", &text)
    }
    .answer(StatusCode::OK)
}
