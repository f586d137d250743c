//! The page that asks before an account is deleted.

use http::StatusCode;
use maud::html;

use crate::account::commands::{AccountView, ConnectionView};
use crate::web::answer::Answer;
use crate::web::site::layout::{Notice, Page, csrf_field};

/// Writes the page. Its form is sent to `POST /account/delete`, with `put_back` as `true` if the
/// pictures from before the start are to be put back.
pub fn delete_page(view: &AccountView, csrf: &str, notice: Option<Notice<'_>>) -> Answer {
    let can_put_back = |one: &&ConnectionView| one.before.can_be_put_back();
    let put_back: Vec<_> = view.connections.iter().filter(can_put_back).collect();
    let text = html! {
        h1 { "Your page" }
        p.headline { "Delete everything?" }
        p {
            "This stops the turning, signs rotate-icon out of your networks, and deletes your page with "
            "its pictures, settings and records. It cannot be undone. You may want to "
            a href="/account/export" download="rotate-icon.json" { "download everything" } " first."
        }
        form method="post" action="/account/delete" {
            (csrf_field(csrf))
            @if put_back.is_empty() {
                p { "Your profiles keep the pictures that they show now." }
            } @else {
                label.check {
                    input type="checkbox" name="put_back" value="true" checked;
                    span {
                        "Put my own picture back first"
                        @for (n, one) in put_back.iter().enumerate() {
                            @if n == 0 { " on " } @else { " and " }
                            (one.title)
                        }
                    }
                }
            }
            div.row {
                button.first { "Delete everything" }
                a href="/account" { "Keep my page" }
            }
        }
    };
    Page {
        notice,
        ..Page::of_text("Delete everything", &text)
    }
    .answer(StatusCode::OK)
}
