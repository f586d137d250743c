//! Writes the card that chooses a picture and its look.

use maud::{Markup, html};

use crate::account::commands::{AccountView, SetView};
use crate::schedule::FrameCount;
use crate::schedule::settings::DIRECTION;
use crate::web::page::picture::picture;

/// A choice of the look: its name, its label, and its values with their words, the default first.
type Choice = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The choices of the look, as uploads name them.
const LOOK: [Choice; 3] = [
    (
        "shape",
        "Shape",
        &[
            ("square", "Square: a smaller file"),
            ("circle", "Circle: transparent corners"),
        ],
    ),
    (
        "fill",
        "Corners of a rotated square",
        &[
            ("reflect", "The picture's mirror image"),
            ("white", "White"),
            ("black", "Black"),
        ],
    ),
    (
        "kernel",
        "Interpolation",
        &[
            ("sharp", "Sharp: for photos"),
            ("nearest", "None: for pixel art"),
            ("bilinear", "Soft"),
            ("cubic", "Cubic"),
            ("lanczos", "Lanczos"),
            ("spline", "Spline: the most accurate"),
        ],
    ),
];

/// The quality of JPEG files where nothing else is chosen.
const QUALITY: &str = "95";

/// Writes the controls. `account.js` sends them with the picture.
pub(super) fn picture_controls(view: &AccountView, max_frames: u16) -> Markup {
    let set = view.set.as_ref();
    let frames = set.map_or(FrameCount::TWELVE.get(), |set| set.frames);
    let chosen = |name: &str| set.and_then(|set| set.rendering.get(name));
    let direction = view.settings.iter().find(|one| one.name == DIRECTION.name);
    html! {
        noscript { p.error { "Choosing a picture needs JavaScript: your browser crops it before it is sent." } }
        p #becoming .soft data-frames=(frames) data-shape=(shape_of(set))
            data-direction=[direction.map(|one| &one.text)]
        { "You crop it, and see it turn, before it is sent." }
        (picture())
        details {
            summary { "Frames and look" }
            // Sent with the picture, by the script.
            form #look {
                p.soft { "They hold for the picture that you choose now." }
                div.field {
                    label for="frames" { "Frames in a rotation" }
                    input #frames name="frames" type="number" inputmode="numeric" required min="1"
                        max=(max_frames) step="1" value=(frames);
                }
                @for (name, label, values) in LOOK {
                    (choice(name, label, values, chosen(name).map(String::as_str)))
                }
                div.field {
                    label for="quality" { "JPEG quality" }
                    input #quality name="quality" type="number" inputmode="numeric" required min="1"
                        max="100" step="1" value=(chosen("quality").map_or(QUALITY, |text| text));
                }
            }
        }
    }
}

/// The shape of the frames, as `icon.js` names it.
fn shape_of(set: Option<&SetView>) -> &'static str {
    let shape = set.and_then(|set| set.rendering.get("shape"));
    match shape.map(String::as_str) {
        Some("circle") => "round",
        _ => "square",
    }
}

fn choice(name: &str, label: &str, values: &[(&str, &str)], chosen: Option<&str>) -> Markup {
    let other = chosen.filter(|chosen| values.iter().all(|(value, _)| value != chosen));
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @for (value, words) in values {
                    option value=(value) selected[chosen == Some(value)] { (words) }
                }
                @if let Some(other) = other { option value=(other) selected { (other) } }
            }
        }
    }
}
