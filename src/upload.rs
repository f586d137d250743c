//! Pictures that requests bring, or that were fetched. They are decoded by `decoder.js`, each in a wasm instance of its
//! own, so that a picture that breaks the decoder ends nothing else.

use js_sys::{Array, Function, Uint8Array};
use picture::{Options, PictureError};
use pixels::plane::{Plane, Planes};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::console_error;

use crate::errors::{describe, has_name, is_too_large};
use crate::host::Host;
use crate::kv::read_at_most;
use rotate_icon_core::ports::{Decoder, Form, Upload, UploadError};

#[wasm_bindgen]
extern "C" {
    /// Decodes a picture that lies in pieces. `entry.js` defines it.
    #[wasm_bindgen(thread_local_v2, js_name = decodePicture)]
    static DECODE: Option<Function>;
}

#[wasm_bindgen(module = "/src/body.js")]
extern "C" {
    /// The result of `readSquare` in `decoder.js`: one of these three.
    type Decoded;

    /// The samples of three planes, one after the other.
    #[wasm_bindgen(method, getter)]
    fn square(this: &Decoded) -> Option<Uint8Array>;

    /// A [`PictureError`] as JSON.
    #[wasm_bindgen(method, getter)]
    fn refusal(this: &Decoded) -> Option<String>;

    /// "memory" or "crashed".
    #[wasm_bindgen(method, getter)]
    fn failed(this: &Decoded) -> Option<String>;

    #[wasm_bindgen(js_name = readPicture, catch)]
    async fn read_picture(
        request: &web_sys::Request,
        max_bytes: usize,
        options: &str,
        decode: &Function,
    ) -> Result<Decoded, JsValue>;
}

/// The body of a request.
pub(crate) struct IncomingBody<'a>(pub(crate) &'a web_sys::Request);

impl Form for IncomingBody<'_> {
    async fn read(&self, max_bytes: usize) -> Result<Vec<u8>, UploadError> {
        let Some(body) = self.0.body() else {
            return Ok(Vec::new());
        };
        match read_at_most(&body, max_bytes).await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) if is_too_large(&error) => Err(UploadError::TooLarge),
            Err(error) => Err(UploadError::Incomplete(describe(error))),
        }
    }
}

impl Upload for IncomingBody<'_> {
    async fn square(&self, max_bytes: usize, options: &Options) -> Result<Planes, UploadError> {
        let (decode, options_json) = decoder(options)?;
        let decoded = read_picture(self.0, max_bytes, &options_json, &decode);
        let decoded = decoded.await.map_err(|error| {
            if is_too_large(&error) {
                UploadError::TooLarge
            } else if has_name(&error, "BusyError") {
                UploadError::Busy
            } else {
                UploadError::Incomplete(describe(error))
            }
        })?;
        Ok(square(&decoded, options.side)?)
    }
}

impl Decoder for Host {
    async fn decode(&self, file: Vec<u8>, options: &Options) -> Result<Planes, UploadError> {
        let (decode, options_json) = decoder(options)?;
        let pieces = Array::of1(&Uint8Array::from(file.as_slice()));
        // The runtime has its own copy.
        drop(file);
        let decoded = decode.call2(&JsValue::UNDEFINED, &pieces, &options_json.into());
        let decoded: Decoded = decoded
            .map_err(|error| unavailable(&describe(error)))?
            .unchecked_into();
        Ok(square(&decoded, options.side)?)
    }
}

/// What decodes, and the options as it takes them.
fn decoder(options: &Options) -> Result<(Function, String), UploadError> {
    let decode = DECODE.with(Clone::clone).ok_or_else(|| {
        unavailable("it was built without its decoder: `main` has to be what npm run build makes")
    })?;
    let options =
        serde_json::to_string(options).map_err(|error| unavailable(&error.to_string()))?;
    Ok((decode, options))
}

/// Logs that the Worker cannot read pictures, and why.
fn unavailable(why: &str) -> UploadError {
    let entry = serde_json::json!({ "event": "decoder", "failed": "unavailable", "message": why });
    console_error!("{entry}");
    UploadError::Unavailable(why.to_owned())
}

/// The square, or why there is none.
fn square(decoded: &Decoded, side: usize) -> Result<Planes, PictureError> {
    if let Some(refusal) = decoded.refusal() {
        return Err(serde_json::from_slice(refusal.as_bytes()).unwrap_or(PictureError::Crashed));
    }
    if decoded.failed().as_deref() == Some("memory") {
        return Err(PictureError::Memory);
    }
    let samples = decoded.square().map(|samples| samples.to_vec());
    let planes = samples.and_then(|samples| planes(&samples, side));
    planes.ok_or(PictureError::Crashed)
}

/// Three planes of `side` by `side` samples, which lie one after the other.
fn planes(samples: &[u8], side: usize) -> Option<Planes> {
    let mut planes = samples.chunks(side.checked_mul(side)?.max(1));
    let mut next = || Plane::new(side, side, planes.next()?.to_vec());
    Some(Planes {
        luma: next()?,
        blue: next()?,
        red: next()?,
    })
}
