//! The page for a sign-in with an identity that another account has.

use http::StatusCode;
use maud::html;

use crate::web::answer::Answer;
use crate::web::site::layout::{Page, csrf_field};

/// An identity that another account has.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// The token against forged requests.
    pub csrf: &'a str,
    /// The network's name.
    pub network: &'a str,
    /// The network's title.
    pub title: &'a str,
    /// The account's name there. It is the server's text.
    pub name: &'a str,
    /// What finds the account there, for the field `server`.
    pub place: &'a str,
}

/// Writes the page. Both of its forms begin the sign-in anew, at `POST /sign-in/NETWORK`: with the
/// field `switch`, to the account that has the identity; with `move`, to take the identity from it.
pub fn taken(taken: &Taken<'_>) -> Answer {
    let Taken {
        csrf,
        network,
        title,
        name,
        place,
    } = taken;
    let again = |choice: &str, button: &str, class: Option<&str>| {
        html! {
            form method="post" action={ "/sign-in/" (network) } {
                (csrf_field(csrf))
                input type="hidden" name="server" value=(place);
                button name=(choice) value="true" class=[class] { (button) }
            }
        }
    };
    let text = html! {
        h1 { (title) }
        p.headline { (name) " has a page of its own here" }
        p { "Each account turns from one page only. Choose which; " (title) " then asks you once more." }
        div.cards {
            section.card aria-labelledby="switch" {
                h2 #switch { "Go to its page" }
                p { "You leave the page that you have open. Both stay as they are." }
                (again("switch", "Switch to that page", Some("first")))
            }
            section.card aria-labelledby="move" {
                h2 #move { "Move it here" }
                p {
                    "The other page loses this network and no longer turns it. Here it waits until you "
                    "press Start. What each page has recorded stays where it is."
                }
                (again("move", "Move it to this page", None))
            }
        }
        p { a href="/account" { "Neither: back to your page" } }
    };
    Page::of_text("Already connected", &text).answer(StatusCode::OK)
}
