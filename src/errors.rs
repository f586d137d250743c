//! Errors of JavaScript and of the `worker` crate.

use wasm_bindgen::{JsCast, JsValue};

/// The message of an error, without its full stop, to go into a sentence. Takes whatever JavaScript
/// throws, and the errors of the `worker` crate.
pub(crate) fn describe(error: impl Into<JsValue>) -> String {
    let error = error.into();
    let message = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "unknown error".to_owned());
    message.trim_end_matches('.').to_owned()
}

/// Whether JavaScript has thrown an error of this name.
pub(crate) fn has_name(error: &JsValue, name: &str) -> bool {
    let error = error.dyn_ref::<js_sys::Error>();
    error.is_some_and(|error| error.name() == name)
}

/// Whether `body.js` has given up a body for its size.
pub(crate) fn is_too_large(error: &JsValue) -> bool {
    has_name(error, "TooLargeError")
}
