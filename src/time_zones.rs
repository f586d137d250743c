//! Time zones as the runtime knows them: `Intl.DateTimeFormat` names the offset of a zone at an
//! instant. Cloudflare keeps the runtime's rules current, so a Worker that nobody touches for
//! years still follows them.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::console_error;

use rotate_icon_core::ports::{OffsetAt, TimeZones};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Intl)]
    type DateTimeFormat;

    #[wasm_bindgen(constructor, js_namespace = Intl, catch)]
    fn new(locale: &str, options: &Options) -> Result<DateTimeFormat, JsValue>;

    /// Throws a `RangeError` outside of JavaScript's calendar.
    #[wasm_bindgen(method, catch)]
    fn format(this: &DateTimeFormat, unix_ms: f64) -> Result<String, JsValue>;

    #[wasm_bindgen(js_name = Object)]
    type Options;

    #[wasm_bindgen(constructor, js_class = "Object")]
    fn new() -> Options;

    #[wasm_bindgen(method, setter, js_name = timeZone)]
    fn set_time_zone(this: &Options, name: &str);

    #[wasm_bindgen(method, setter, js_name = timeZoneName)]
    fn set_time_zone_name(this: &Options, style: &str);
}

/// The last instant of JavaScript's calendar, in Unix seconds (ECMA-262, "Time Values and Time
/// Range"). The first is as far from 1970.
const LAST_INSTANT: i64 = 8_640_000_000_000;

/// The runtime's time zones.
pub(crate) struct Runtime;

impl TimeZones for Runtime {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        let options = Options::new();
        options.set_time_zone(name);
        options.set_time_zone_name("longOffset");
        // Making a formatter takes 165 µs, using it 5.
        let formatter = DateTimeFormat::new("en-US", &options).ok()?;
        offset_seconds(&formatter, 0)?;
        let name = name.to_owned();
        Some(Rc::new(move |unix_seconds| {
            offset_seconds(&formatter, unix_seconds).unwrap_or_else(|| {
                console_error!("the runtime does not tell the offset of {name}; it is taken as 0");
                0
            })
        }))
    }
}

/// Formats an instant and reads the zone's offset off the text.
fn offset_seconds(formatter: &DateTimeFormat, unix_seconds: i64) -> Option<i32> {
    // Whole milliseconds below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let seconds = unix_seconds.clamp(-LAST_INSTANT, LAST_INSTANT) as f64;
    parse(&formatter.format(seconds * 1000.0).ok()?)
}

/// Reads the offset of a text such as `11/28/2026, GMT+05:30`, in seconds. Before standard time,
/// offsets have seconds: `GMT-00:44:30`. Some runtimes write no more than `GMT` for 0.
fn parse(text: &str) -> Option<i32> {
    let (_, offset) = text.rsplit_once("GMT")?;
    let Some(sign) = offset.chars().next() else {
        return Some(0);
    };
    let digits = offset.strip_prefix(['+', '-'])?;
    let mut seconds = 0_i32;
    for (part, unit) in digits.split(':').zip([3600, 60, 1]) {
        let part = part.parse::<i32>().ok()?.checked_mul(unit)?;
        seconds = seconds.checked_add(part)?;
    }
    Some(if sign == '-' {
        seconds.saturating_neg()
    } else {
        seconds
    })
}
