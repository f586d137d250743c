//! Writes the controls that choose a picture, for the scripts `icon.js` and `crop.js`.

use maud::{Markup, html};

use crate::frames::options::Shape;
use crate::web::icon;
use crate::web::page::view::Becoming;
use crate::web::page::words::{counted_as, length};

/// Writes the field for a picture, and what `icon.js` shows once one has been chosen.
pub(in crate::web) fn picture() -> Markup {
    html! {
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
pub(in crate::web) fn becoming(becoming: Becoming, zone: Option<&str>) -> Markup {
    let Becoming {
        frames,
        shape,
        turning,
        replaces_album,
    } = becoming;
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
                @if let Some(zone) = zone { ", by the clock of " (zone) }
                "."
            }
            @if replaces_album { " They take the place of the album that is there now." }
        }
    }
}
