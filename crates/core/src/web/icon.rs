//! `PUT /icon`: a new icon, with the choices in the query and the picture in the body.

use std::str::FromStr;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, StatusCode};
use picture::PictureError;
use serde_json::json;

use crate::frames::render::{Icon, Recipe};
use crate::frames::set::FrameSet;
use crate::frames::store::{self, current_set};
use crate::outcome::Reason;
use crate::ports::{Store, Upload, UploadError};
use crate::schedule::FrameCount;
use crate::web::answer::{Answer, json_answer};
use crate::web::problem::Problem;
use crate::web::request::{Parameters, content_length, content_type};

/// The largest picture file that is taken, in bytes: a photo of 48 megapixels.
pub(super) const MAX_BYTES: usize = 25_000_000;

/// Publishes a new icon. What the query leaves open stays as it is in the current set.
///
/// # Errors
/// When a choice or the picture cannot be used, or the store fails. The icon stays the one that it
/// was.
pub(super) async fn take<H: Store>(
    request: &Request<()>,
    query: &Parameters,
    picture: &impl Upload,
    host: &H,
) -> Result<Answer, Problem> {
    let current = match current_set(host).await {
        Ok(set) => Some(set),
        // The new icon is the remedy.
        Err(diagnosis) if matches!(diagnosis.reason, Reason::NoIcon | Reason::Frames) => None,
        Err(diagnosis) => return Err(Problem::unavailable(&diagnosis)),
    };
    let upload = IconUpload::of(query, current.as_ref())?;
    // Spares a body that says how long it is the way here.
    if content_length(request).is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(refusal(&UploadError::TooLarge, ""));
    }
    let (set, icon) = upload.read(picture, content_type(request)).await?;
    let published = store::publish(host, &set, &icon).await;
    published.map_err(|diagnosis| Problem::unavailable(&diagnosis))?;
    Ok(json_answer(&json!({
        "changed": current.as_ref() != Some(&set),
        "frame_set": set,
        "crop": upload.recipe.crop.to_string(),
        "background": upload.recipe.background.to_string(),
    })))
}

/// The query's parameters, named as the command names its options.
pub(super) const CHOICES: [&str; 7] = [
    "frames",
    "crop",
    "background",
    "kernel",
    "fill",
    "shape",
    "quality",
];

/// What to make of a picture.
pub(super) struct IconUpload {
    pub(super) recipe: Recipe,
    pub(super) frames: FrameCount,
}

impl IconUpload {
    /// What is made where nothing is chosen: the same as in the current set, so that a new picture
    /// turns like the old one. Crop and background are the picture's own.
    pub(super) fn like(current: Option<&FrameSet>) -> Self {
        Self {
            recipe: Recipe {
                rendering: current.and_then(FrameSet::rendering).unwrap_or_default(),
                ..Recipe::default()
            },
            frames: current.map_or(FrameCount::TWELVE, FrameSet::frames),
        }
    }

    /// Reads choices, each of [`CHOICES`] at most once. What they leave open is as in
    /// [`Self::like`].
    fn of(choices: &Parameters, current: Option<&FrameSet>) -> Result<Self, Problem> {
        let mut upload = Self::like(current);
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

    /// Reads the picture, which came with this content type, and describes its frame set.
    async fn read(
        &self,
        upload: &impl Upload,
        content_type: &str,
    ) -> Result<(FrameSet, Icon), Problem> {
        let square = upload.square(MAX_BYTES, &self.recipe.options()).await;
        let square = square.map_err(|error| refusal(&error, content_type))?;
        let icon = Icon::of_square(square, self.recipe.rendering);
        let icon = icon.ok_or_else(|| refusal(&PictureError::Empty.into(), content_type))?;
        Ok((icon.frame_set(self.frames), icon))
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("`{name}` {error}.")))
}

/// Says why a picture that came with this content type is not taken. Nothing has been stored yet, so
/// the current set stays.
fn refusal(error: &UploadError, content_type: &str) -> Problem {
    let (status, detail) = match error {
        UploadError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "This picture is larger than {} MB. Make it smaller: no more than 400×400 pixels \
                 are shown anyway.{REDUCED_BY_PAGE}",
                MAX_BYTES / 1_000_000
            ),
        ),
        UploadError::Incomplete(cause) => (
            StatusCode::BAD_REQUEST,
            format!("The picture did not arrive completely ({cause}); send it again."),
        ),
        UploadError::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pictures are being read at this moment; send it again.".to_owned(),
        ),
        UploadError::Unavailable(cause) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("The picture is not at fault: this Worker cannot read any ({cause})."),
        ),
        UploadError::Picture(error) => {
            let why = as_sentence(&error.to_string());
            (
                status_of(error),
                format!("{why}{}", advice(error, content_type)),
            )
        }
    };
    let problem = Problem::new(status, format!("{detail} The icon has not been changed."));
    match error {
        UploadError::Busy => problem.with_header(RETRY_AFTER, HeaderValue::from_static("5")),
        _ => problem,
    }
}

fn status_of(error: &PictureError) -> StatusCode {
    match error {
        PictureError::Format(_) | PictureError::Unsupported { .. } => {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        }
        PictureError::TooLarge { .. } | PictureError::Unpacked { .. } | PictureError::Memory => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        PictureError::Empty
        | PictureError::Broken { .. }
        | PictureError::Crop { .. }
        | PictureError::Crashed => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What to do about a picture that is too large, as another sentence.
const REDUCED_BY_PAGE: &str = " The page at / reduces a picture of any size before it sends it.";

/// What else to do, as another sentence: about a picture that is too large, or one that was sent by
/// the wrong option of curl. The content types are those that curl sends by itself.
fn advice(error: &PictureError, content_type: &str) -> &'static str {
    match error {
        PictureError::TooLarge { .. } | PictureError::Unpacked { .. } | PictureError::Memory => {
            return REDUCED_BY_PAGE;
        }
        PictureError::Crop { .. } => return "",
        PictureError::Format(_)
        | PictureError::Empty
        | PictureError::Broken { .. }
        | PictureError::Unsupported { .. }
        | PictureError::Crashed => {}
    }
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        " If it was sent by `curl -d`, that has left out its line ends: send it with `curl -T FILE` \
         or `--data-binary @FILE`."
    } else if media_type.eq_ignore_ascii_case("multipart/form-data") {
        " With curl, that is `-T FILE` or `--data-binary @FILE` instead of `-F`."
    } else {
        ""
    }
}

/// Gives a text a capital letter at its start and a full stop at its end.
fn as_sentence(text: &str) -> String {
    let mut sentence = format!("{text}.");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}
