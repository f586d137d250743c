//! The ports on Workers: KV, `fetch`, the clock and the log; and the settings,
//! from the environment.

use std::cell::OnceCell;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use js_sys::{Array, Reflect, Uint8Array};
use picture::{Options, PictureError};
use pixels::plane::{Plane, Planes};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, console_error, console_log};

use rotate_icon_core::account::settings::Settings;
use rotate_icon_core::ports::{
    self, Advice, Client, Clock, Lifetime, Log, MAX_REPLY_BYTES, MAX_VALUE_BYTES, SendError, Store,
    StoreError, USER_AGENT, UploadError,
};

use crate::zones;

#[wasm_bindgen(module = "/src/glue.js")]
extern "C" {
    #[wasm_bindgen(js_name = kvGet, catch)]
    async fn kv_get(namespace: &JsValue, key: &str, max_bytes: usize) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = kvPut, catch)]
    async fn kv_put(
        namespace: &JsValue,
        key: &str,
        value: &[u8],
        seconds: Option<u32>,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = readPicture, catch)]
    async fn read_picture(
        request: &web_sys::Request,
        max_bytes: usize,
        options: &str,
        decode: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn send(
        method: &str,
        url: &str,
        headers: &str,
        body: &[u8],
        timeout_ms: u32,
        max_bytes: usize,
    ) -> Result<JsValue, JsValue>;
}

/// The KV namespace with the frames.
const FRAMES_BINDING: &str = "FRAMES";

/// What entry.js adds to the environment: it reads pictures in an instance of its own.
const DECODER: &str = "DECODER";

/// The Worker's environment behind the core's ports.
#[derive(Debug)]
pub(super) struct Host {
    env: Env,
    frames: OnceCell<JsValue>,
}

impl Host {
    pub(super) fn new(env: Env) -> Self {
        Self {
            env,
            frames: OnceCell::new(),
        }
    }

    /// The KV namespace with the frames.
    fn frames(&self) -> Result<&JsValue, JsValue> {
        if let Some(frames) = self.frames.get() {
            return Ok(frames);
        }
        let namespace = Reflect::get(&self.env, &FRAMES_BINDING.into())?;
        if namespace.is_undefined() {
            return Err(format!("wrangler.toml binds no KV namespace as {FRAMES_BINDING}").into());
        }
        Ok(self.frames.get_or_init(|| namespace))
    }

    /// An instant in Unix ms, as JavaScript has it; what is none is now.
    pub(super) fn instant(&self, unix_ms: f64) -> DateTime<Utc> {
        // A whole number of ms far below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        let instant = DateTime::from_timestamp_millis(unix_ms as i64);
        instant.unwrap_or_else(|| self.now())
    }

    /// A variable or secret; what is not a text is given as its JSON, so that
    /// it is read and refused like any other value.
    fn text(&self, name: &str) -> Option<String> {
        let value = Reflect::get(&self.env, &name.into()).ok()?;
        if value.is_undefined() || value.is_null() {
            return None;
        }
        value
            .as_string()
            .or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
    }
}

/// The settings. They are read once an isolate: a change of a variable or a
/// secret is a new version of the Worker, which runs in new isolates.
pub(super) fn settings(host: &Host) -> Rc<Settings> {
    thread_local! {
        static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    }
    SETTINGS.with(|settings| {
        settings
            .get_or_init(|| Rc::new(Settings::read(&zones::Runtime, |name| host.text(name))))
            .clone()
    })
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        // Whole milliseconds far below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        let unix_ms = js_sys::Date::now() as i64;
        DateTime::from_timestamp_millis(unix_ms).unwrap_or_default()
    }
}

impl Store for Host {
    const ADVICE: Advice = Advice {
        settings: "Set what is named with `npx wrangler secret put NAME` or in wrangler.toml, or \
                   in .dev.vars for wrangler dev.",
        secrets: "To store another value: `npx wrangler secret put NAME` (for wrangler dev: in \
                  .dev.vars, then restart it).",
        frames: "Publish the icon: PUT it to /icon, or rotate-icon publish ICON --remote (--local \
                 for wrangler dev).",
        store: "Try again; if it stays, see whether Cloudflare reports a problem with KV.",
        size: "Publish the icon again, under another --quality: rotate-icon publish ICON --remote.",
    };

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = async { kv_get(self.frames()?, key, MAX_VALUE_BYTES).await }.await;
        let value = value.map_err(|error| {
            if has_name(&error, TOO_LARGE) {
                StoreError::TooLarge
            } else {
                StoreError::Read(describe(&error))
            }
        })?;
        Ok(value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
    }

    async fn write(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        const SECONDS_A_DAY: u32 = 86_400;
        let seconds = match lifetime {
            Lifetime::Unlimited => None,
            Lifetime::Days(days) => Some(days.saturating_mul(SECONDS_A_DAY)),
        };
        let written = async { kv_put(self.frames()?, key, value, seconds).await }.await;
        written.map_err(|error| StoreError::Write(describe(&error)))
    }
}

/// The body of an incoming request, and the environment.
pub(super) struct Upload<'a>(pub(super) &'a web_sys::Request, pub(super) &'a Env);

impl ports::Upload for Upload<'_> {
    async fn square(&self, max_bytes: usize, options: &Options) -> Result<Planes, UploadError> {
        let read = async {
            let decode = Reflect::get(self.1, &DECODER.into())?;
            let options_json = serde_json::to_string(options).unwrap_or_default();
            read_picture(self.0, max_bytes, &options_json, &decode).await
        };
        let reply = read.await.map_err(|error| {
            if has_name(&error, TOO_LARGE) {
                UploadError::TooLarge
            } else if has_name(&error, "BusyError") {
                UploadError::Busy
            } else {
                UploadError::Incomplete(describe(&error))
            }
        })?;
        Ok(read_square(&reply, options.side)?)
    }
}

/// The square or the refusal that `readSquare` in `decoder.js` gives.
fn read_square(reply: &JsValue, side: usize) -> Result<Planes, PictureError> {
    let member = |name: &str| Reflect::get(reply, &name.into()).unwrap_or_default();
    if let Some(refusal) = member("refusal").as_string() {
        return Err(serde_json::from_slice(refusal.as_bytes()).unwrap_or(PictureError::Crashed));
    }
    if member("failed").as_string().as_deref() == Some("memory") {
        return Err(PictureError::Memory);
    }
    let square = member("square");
    let square = square.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    let planes = square.and_then(|bytes| planes(&bytes, side));
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

impl Client for Host {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        timeout_ms: u32,
    ) -> Result<Response<Vec<u8>>, SendError> {
        // One text: each that goes over to JavaScript costs.
        let mut headers = format!("user-agent:{USER_AGENT}\n");
        for (name, value) in request.headers() {
            let value = value
                .to_str()
                .map_err(|error| SendError::Connection(error.to_string()))?;
            for part in [name.as_str(), ":", value, "\n"] {
                headers.push_str(part);
            }
        }
        // The body is lent to JavaScript, which copies it at once.
        let reply = send(
            request.method().as_str(),
            &request.uri().to_string(),
            &headers,
            request.body(),
            timeout_ms,
            MAX_REPLY_BYTES,
        )
        .await
        .map_err(|error| send_error(&error))?;
        read_reply(&reply)
            .ok_or_else(|| SendError::Connection("the reply cannot be read".to_owned()))
    }
}

impl Log for Host {
    /// One line of JSON, which Workers Logs takes apart into fields.
    fn log(&self, entry: &str, is_failure: bool) {
        if is_failure {
            console_error!("{entry}");
        } else {
            console_log!("{entry}");
        }
    }
}

/// The status, headers and body that `send` in `glue.js` gives.
fn read_reply(reply: &JsValue) -> Option<Response<Vec<u8>>> {
    let reply: &Array = reply.dyn_ref()?;
    let body = reply.get(2);
    let mut response = Response::new(body.dyn_ref::<Uint8Array>()?.to_vec());
    // An HTTP status has three digits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let status = reply.get(0).as_f64()? as u16;
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = reply.get(1);
    let headers = headers
        .dyn_ref::<Array>()?
        .iter()
        .map(|text| text.as_string());
    read_headers(headers, response.headers_mut());
    Some(response)
}

/// Reads names and values in turn. Skips what `http` does not take.
fn read_headers(mut texts: impl Iterator<Item = Option<String>>, headers: &mut HeaderMap) {
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        let name = name.and_then(|name| HeaderName::try_from(name).ok());
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
}

fn send_error(error: &JsValue) -> SendError {
    if has_name(error, "TimeoutError") {
        SendError::Timeout
    } else if has_name(error, TOO_LARGE) {
        SendError::TooLarge
    } else {
        SendError::Connection(describe(error))
    }
}

/// The name of the error for more bytes than were asked for; glue.js has it too.
const TOO_LARGE: &str = "TooLargeError";

fn has_name(error: &JsValue, name: &str) -> bool {
    error
        .dyn_ref::<js_sys::Error>()
        .is_some_and(|error| error.name() == name)
}

/// What a thrown JavaScript value says, as part of a sentence.
pub(super) fn describe(error: &JsValue) -> String {
    let said = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "unknown error".to_owned());
    said.trim_end_matches('.').to_owned()
}
