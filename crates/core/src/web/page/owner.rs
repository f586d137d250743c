//! Writes what the owner sees: the sign-in, and the tools that the script shows after it.

use maud::{Markup, html};

use crate::web::page::picture::{becoming, picture};
use crate::web::page::view::View;

/// Writes the sign-in, and the tools in a template.
pub(super) fn owner(view: &View<'_>) -> Markup {
    html! {
        // Without the script nothing in here would work.
        details #owner hidden {
            summary { "Owner" }
            form #sign-in {
                label for="token" { "Trigger token" }
                div.row {
                    input #token type="password" autocomplete="current-password" required
                        spellcheck="false" autocapitalize="off" aria-describedby="token-note token-error";
                    button.first { "Sign in" }
                }
                p #token-error .error role="alert" {}
                p #token-note .soft {
                    "This page's password: the secret that is stored as TRIGGER_TOKEN. It is kept only in "
                    "this browser and sent only with what you do here, so no other site can use it."
                }
            }
        }
        template #tools-template { (tools(view)) }
    }
}

fn tools(view: &View<'_>) -> Markup {
    html! {
        section #tools aria-labelledby="tools-title" {
            h2 #tools-title tabindex="-1" { "Owner's tools" }
            // Above the tools and always there, so that it is read out when it changes.
            p #result role="status" {}
            div.cards {
                div.card {
                    h3 { "Turn" }
                    form #turn {
                        button.first { "Turn now" }
                        label.check {
                            input #force type="checkbox";
                            "Send the frame even if it is up already"
                        }
                    }
                    form #send-frame {
                        label for="frame" { "Frame" }
                        div.row {
                            input #frame type="number" min="0" step="1" inputmode="numeric" required;
                            button { "Send this frame" }
                            img #frame-picture width="48" height="48" alt="" hidden;
                        }
                        label.check {
                            input #force-frame type="checkbox";
                            "Send it even if it is up already"
                        }
                    }
                    form #rehearse {
                        button aria-describedby="rehearsal" { "Dry run" }
                        p #rehearsal .soft {
                            "A rehearsal: chooses the frame that is due, signs in, and shows what a turn would "
                            "send. No picture is sent, so nothing changes."
                        }
                    }
                }
                div.card {
                    h3 { "Change the icon" }
                    (becoming(view.becoming, view.local.map(|(zone, _)| zone.name())))
                    (picture())
                }
            }
            details #journal {
                summary { "Journal" }
                ol.outcomes {}
                p.soft #journal-note {}
                button #older type="button" hidden { "Show older entries" }
            }
            @for one in view.keeping {
                p.row {
                    button.remove id={ "remove-" (one.name) } type="button" value=(one.name) {
                        "Remove the frames kept on " (one.title)
                    }
                }
            }
            p.row {
                button #open-account type="button" { "Networks and settings" }
                button #forget type="button" { "Sign out: forget the token" }
            }
        }
    }
}
