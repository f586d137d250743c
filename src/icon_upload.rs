//! A new icon as a request brings it: the choices in the query, the picture in
//! the body.

use std::str::FromStr;

use http::StatusCode;

use crate::dial::FrameCount;
use crate::frame_set::FrameSet;
use crate::frames::{Icon, Recipe};
use crate::picture::{Limits, PictureError};
use crate::ports::BodyError;
use crate::problem::Problem;

/// The largest picture file that is taken, in bytes.
pub(crate) const MAX_BYTES: usize = 10_000_000;

/// The query's parameters, named as the command names its options.
pub(crate) const CHOICES: [&str; 7] = [
    "frames",
    "crop",
    "background",
    "kernel",
    "fill",
    "shape",
    "quality",
];

/// What is to be made of a picture.
pub(crate) struct IconUpload {
    pub(crate) recipe: Recipe,
    frames: FrameCount,
}

impl IconUpload {
    /// Reads names and values, each of [`CHOICES`] at most once. What they leave
    /// open is as in the current set, so that a new picture turns like the old
    /// one; crop and background are the picture's own.
    pub(crate) fn of(
        choices: &[(String, String)],
        current: Option<&FrameSet>,
    ) -> Result<Self, Problem> {
        let mut upload = Self {
            recipe: Recipe {
                rendering: current.and_then(FrameSet::rendering).unwrap_or_default(),
                ..Recipe::default()
            },
            frames: current.map_or(FrameCount::TWELVE, FrameSet::frames),
        };
        for (name, value) in choices {
            let Recipe {
                crop,
                background,
                rendering,
            } = &mut upload.recipe;
            match name.as_str() {
                "frames" => upload.frames = read(name, value)?,
                "crop" => *crop = read(name, value)?,
                "background" => *background = read(name, value)?,
                "kernel" => rendering.kernel = read(name, value)?,
                "fill" => rendering.fill = read(name, value)?,
                "shape" => rendering.shape = read(name, value)?,
                _ => rendering.quality = read(name, value)?,
            }
        }
        Ok(upload)
    }

    /// Reads the picture and describes its frame set.
    pub(crate) fn read(&self, file: &[u8]) -> Result<(FrameSet, Icon), Problem> {
        let icon =
            Icon::read(file, &self.recipe, Limits::WORKER).map_err(|error| refusal(&error))?;
        Ok((self.recipe.frame_set(file, self.frames), icon))
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("`{name}` {error}.")))
}

/// The current set stays what it was: nothing has been stored yet.
fn refusal(error: &PictureError) -> Problem {
    let status = match error {
        PictureError::Format(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        PictureError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        PictureError::Empty | PictureError::Broken { .. } | PictureError::Crop { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    let mut detail = error.to_string();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Problem::new(status, format!("{detail}. The icon has not been changed."))
}

/// A body that is too long or broke off.
pub(crate) fn unreadable(error: &BodyError) -> Problem {
    match error {
        BodyError::TooLarge => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "This picture is larger than {} MB. Make it smaller: no more than 400×400 pixels \
                 are shown anyway. The icon has not been changed.",
                MAX_BYTES / 1_000_000
            ),
        ),
        BodyError::Incomplete(cause) => Problem::new(
            StatusCode::BAD_REQUEST,
            format!(
                "The picture did not arrive completely ({cause}); send it again. The icon has \
                 not been changed."
            ),
        ),
    }
}
