//! Requests to the networks and to the owner's webhook.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::errors::{describe, has_name, is_too_large};
use crate::host::Host;
use rotate_icon_core::ports::{Client, ReplyLimits, SendError, USER_AGENT};

#[wasm_bindgen(module = "/src/client.js")]
extern "C" {
    /// A whole reply.
    type Reply;

    #[wasm_bindgen(method, getter)]
    fn status(this: &Reply) -> u16;

    /// Names and values in turn.
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Reply) -> Vec<String>;

    #[wasm_bindgen(method, getter)]
    fn body(this: &Reply) -> Uint8Array;

    #[wasm_bindgen(catch)]
    async fn send(
        method: &str,
        url: &str,
        headers: Vec<String>,
        body: Option<Uint8Array>,
        timeout_ms: u32,
        max_bytes: usize,
    ) -> Result<Reply, JsValue>;
}

impl Client for Host {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, SendError> {
        let mut headers = vec!["user-agent".to_owned(), USER_AGENT.to_owned()];
        for (name, value) in request.headers() {
            let value = value.to_str();
            let value = value.map_err(|error| SendError::Connection(error.to_string()))?;
            headers.extend([name.as_str().to_owned(), value.to_owned()]);
        }
        let body = Some(request.body()).filter(|body| !body.is_empty());
        let reply = send(
            request.method().as_str(),
            &request.uri().to_string(),
            headers,
            body.map(|body| Uint8Array::from(body.as_slice())),
            limits.timeout_ms,
            limits.max_bytes,
        )
        .await
        .map_err(|error| send_error(&error))?;
        let mut response = Response::new(reply.body().to_vec());
        let status = StatusCode::from_u16(reply.status());
        *response.status_mut() =
            status.map_err(|error| SendError::Connection(error.to_string()))?;
        *response.headers_mut() = header_map(&reply.headers());
        Ok(response)
    }
}

/// The headers, but for those that `http` does not take.
fn header_map(names_and_values: &[String]) -> HeaderMap {
    let pairs = names_and_values.chunks_exact(2).filter_map(|pair| {
        let [name, value] = pair else {
            return None;
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        // A map that is full, of some 24,000 names, holds all that anybody looks at.
        let _ = headers.try_append(name, value);
    }
    headers
}

fn send_error(error: &JsValue) -> SendError {
    if has_name(error, "TimeoutError") {
        SendError::Timeout
    } else if is_too_large(error) {
        SendError::TooLarge
    } else {
        SendError::Connection(describe(error))
    }
}
