//! Writes what the owner sees: the sign-in, and the tools that the script shows after it.

use maud::{Markup, html};

use crate::frames::options::Shape;
use crate::web::icon;
use crate::web::page::view::{Becoming, View};
use crate::web::page::words::{counted_as, length};

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
                    "this browser and sent only with what you do here. There is no cookie, so no other "
                    "site can use it."
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
                (changing(view))
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
            p { button #forget type="button" { "Sign out: forget the token" } }
        }
    }
}

/// Writes the card that changes the icon.
fn changing(view: &View<'_>) -> Markup {
    html! {
        div.card {
            h3 { "Change the icon" }
            (becoming(view))
            label for="file" { "A picture: JPEG, PNG, WebP or GIF" }
            // In this order, and nothing else: a phone that takes photos as HEIC then
            // converts them to the first.
            input #file type="file" accept="image/jpeg,image/png,image/webp,image/gif"
                data-most=(icon::MAX_BYTES);
            div #preview hidden {
                link rel="stylesheet" href="/icon.css";
                p #note {}
                (cropping())
                figure #turning hidden {
                    div.clock {
                        svg viewBox="0 0 400 400" aria-hidden="true" {
                            circle.hours cx="200" cy="200" r="190" pathLength="12" {}
                            polygon #place-of-frame points="200,34 194,58 206,58" {}
                        }
                        canvas #turned width="400" height="400" role="img"
                            aria-label="The new icon, turning as it will" {}
                    }
                    figcaption {
                        span #which {}
                        button #animate type="button" {}
                    }
                }
                div.row #plain hidden {
                    img.large width="400" height="400" alt="The new icon, as a profile shows it";
                    img.small width="48" height="48" alt="The new icon, small";
                }
                p.soft { "Nothing is sent yet." }
                div.row {
                    button.first #use-picture type="button" { "Use this picture" }
                    button #discard type="button" { "Discard" }
                }
            }
        }
    }
}

/// Writes the controls that choose a square of the picture. `crop.js` shows the picture behind a
/// window, and moves it by pointer, keys and sliders.
fn cropping() -> Markup {
    let slider = |id: &str, label: &str, least: u16, most: u16| {
        html! {
            label for=(id) { (label) }
            input id=(id) type="range" min=(least) max=(most) step="1";
        }
    };
    html! {
        div #cropping hidden {
            p #crop-help {
                "Drag the picture until the circle shows what you want. Two fingers, the wheel, + and − zoom; "
                "arrow keys move."
            }
            div #crop role="application" tabindex="0" aria-label="The square of the picture that is used"
                aria-describedby="crop-help place" { canvas {} }
            p #place .unseen aria-live="polite" {}
            div.slider { (slider("zoom", "Zoom", 100, 100)) }
            details {
                summary { "Move without dragging" }
                div.slider { (slider("across", "Across", 0, 100)) }
                div.slider { (slider("down", "Down", 0, 100)) }
            }
        }
    }
}

/// Says what a new picture becomes. `owner.js` replaces it together with the face, and `icon.js` reads
/// from its attributes how the preview turns.
fn becoming(view: &View<'_>) -> Markup {
    let Becoming {
        frames,
        shape,
        turning,
        replaces_album,
    } = view.becoming;
    let shape = match shape {
        Shape::Square => "square",
        Shape::Circle => "round",
    };
    html! {
        p #becoming .soft data-frames=(frames) data-shape=(shape)
            data-direction=[turning.map(|(_, direction)| direction)]
        {
            "The picture becomes " (counted_as(shape, frames)) "."
            // A single frame never turns.
            @if let Some((period, direction)) = turning.filter(|_| frames > 1) {
                " They turn " (direction) ", once in " (length(period))
                @if let Some((zone, _)) = view.local { ", by the clock of " (zone.name()) }
                "."
            }
            @if replaces_album { " They take the place of the album that is there now." }
        }
    }
}
