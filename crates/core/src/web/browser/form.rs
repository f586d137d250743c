//! The fields of a form.

use http::{Request, StatusCode};

use crate::ports::{Form, UploadError};
use crate::web::problem::Problem;
use crate::web::request::content_type;

/// The largest form that is read, in bytes.
const MAX_BYTES: usize = 16_000;

/// The fields of a form that was sent.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the form in the body of a request.
    ///
    /// # Errors
    /// When it is no form, or too large.
    pub(super) async fn read(request: &Request<()>, body: &impl Form) -> Result<Self, Problem> {
        let media_type = content_type(request).split(';').next().unwrap_or_default();
        if !media_type
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            let detail = "This takes a form (application/x-www-form-urlencoded).";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = body.read(MAX_BYTES).await.map_err(|error| match error {
            UploadError::TooLarge => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "This form is larger than any of this service.",
            ),
            error => Problem::new(
                StatusCode::BAD_REQUEST,
                format!("The form did not arrive completely ({error}); send it again."),
            ),
        })?;
        let fields = form_urlencoded::parse(&bytes).into_owned().collect();
        Ok(Self(fields))
    }

    /// All fields, in the order of the form.
    pub(super) fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// The text of a field, without white space around it; `None` if it is not there.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        let (_, text) = fields.find(|(field, _)| field == name)?;
        Some(text.trim())
    }

    /// Whether a box is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !text.is_empty())
    }
}
