//! Writes the forms by which people sign in on a network's own server.

use maud::{Markup, html};

use crate::web::site::layout::csrf_field;

/// A network on which people can sign in.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The network's name.
    pub network: &'a str,
    /// The network's title.
    pub title: &'a str,
    /// What a person may type to say where their account is, for the label of the field.
    pub place_label: &'a str,
    /// What that looks like, for the hint under the field: an example or two.
    pub place_example: &'a str,
    /// What its servers ask a person to allow: a sentence.
    pub consent: &'a str,
}

/// A sign-in that did not begin.
#[derive(Debug, Clone, Copy)]
pub struct FailedSignIn<'a> {
    /// The network's name.
    pub network: &'a str,
    /// What was typed.
    pub typed: &'a str,
    /// Why, and what to do.
    pub message: &'a str,
}

/// Writes the card of a network: its title as a heading, the form, and what its server then asks.
pub(super) fn sign_in_card(
    offer: &Offer<'_>,
    button: &str,
    csrf: &str,
    failed: Option<&FailedSignIn<'_>>,
) -> Markup {
    let title = format!("{}-title", offer.network);
    html! {
        section.card aria-labelledby=(title) {
            h2 id=(title) { (offer.title) }
            (sign_in_form(offer, button, csrf, failed))
        }
    }
}

/// Writes the form of a network, with the text of its button.
pub(super) fn sign_in_form(
    offer: &Offer<'_>,
    button: &str,
    csrf: &str,
    failed: Option<&FailedSignIn<'_>>,
) -> Markup {
    let failed = failed.filter(|failed| failed.network == offer.network);
    let id = |part: &str| format!("{}-{part}", offer.network);
    let (field, hint, error) = (id("place"), id("hint"), id("error"));
    let described_by = if failed.is_some() {
        format!("{error} {hint}")
    } else {
        hint.clone()
    };
    html! {
        form.sign-in method="post" action={ "/sign-in/" (offer.network) } {
            (csrf_field(csrf))
            label for=(field) { (offer.place_label) }
            div.row {
                input id=(field) name="server" type="text" inputmode="url" required maxlength="500"
                    autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false"
                    aria-describedby=(described_by) aria-invalid=[failed.map(|_| "true")]
                    autofocus[failed.is_some()] value=[failed.map(|failed| failed.typed)];
                button.first { (button) }
            }
            @if let Some(failed) = failed { p.error id=(error) role="alert" { (failed.message) } }
            p.soft id=(hint) { "For example: " (offer.place_example) }
            p.soft { (offer.consent) }
        }
    }
}
