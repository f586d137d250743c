//! The store of frames: a KV namespace.

use std::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Delay;
use worker::kv::{KvError, KvStore};

use crate::errors::{describe, is_too_large};
use crate::host::Host;
use rotate_icon_core::ports::{Advice, Lifetime, MAX_VALUE_BYTES, Store, StoreError};

#[wasm_bindgen(module = "/src/body.js")]
extern "C" {
    #[wasm_bindgen(js_name = readAtMost, catch)]
    pub(crate) async fn read_at_most(
        body: &web_sys::ReadableStream,
        max_bytes: usize,
    ) -> Result<Uint8Array, JsValue>;
}

/// The binding of the KV namespace.
const BINDING: &str = "FRAMES";

/// How long to wait before each further try to read a value. A read that fails for a moment is no
/// reason to leave out a turn.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

impl Host {
    fn frames(&self) -> Result<&KvStore, String> {
        if let Some(frames) = self.frames.get() {
            return Ok(frames);
        }
        let frames = KvStore::from_this(&self.env, BINDING).map_err(|error| match error {
            KvError::InvalidKvStore(_) => {
                format!("wrangler.toml binds no KV namespace as {BINDING}")
            }
            error => describe(error),
        })?;
        Ok(self.frames.get_or_init(|| frames))
    }
}

impl Store for Host {
    fn advice(&self) -> &'static Advice {
        &Advice {
            settings: "Set a secret with `npx wrangler secret put NAME` (for wrangler dev: in .dev.vars), \
                       and anything else in wrangler.toml.",
            secrets: "To store another value: `npx wrangler secret put NAME` (for wrangler dev: in \
                      .dev.vars, then restart it).",
            frames: "Publish the icon: PUT it to /icon, or rotate-icon publish ICON --remote (--local \
                     for wrangler dev).",
            store: "Try again; if it stays, see whether Cloudflare reports a problem with KV.",
            size: "Publish the icon again, under another --quality: rotate-icon publish ICON --remote.",
            cron: "After a deployment, wait for its first event; under wrangler dev there is none.",
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let frames = self.frames().map_err(StoreError::Read)?;
        for wait in WAITS {
            match read(frames, key).await {
                Err(StoreError::Read(_)) => Delay::from(wait).await,
                done => return done,
            }
        }
        read(frames, key).await
    }

    async fn write(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        const SECONDS_A_DAY: u64 = 86_400;

        let frames = self.frames().map_err(StoreError::Write)?;
        let written = async {
            let put = frames.put_bytes(key, value)?;
            match lifetime {
                Lifetime::Unlimited => put,
                Lifetime::Days(days) => put.expiration_ttl(u64::from(days) * SECONDS_A_DAY),
            }
            .execute()
            .await
        };
        written
            .await
            .map_err(|error| StoreError::Write(describe(error)))
    }
}

/// Reads a value as a stream, so that one that is too large is given up early.
async fn read(frames: &KvStore, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let stream = frames.get(key).stream().await;
    let stream = stream.map_err(|error| StoreError::Read(describe(error)))?;
    let Some(stream) = stream else {
        return Ok(None);
    };
    match read_at_most(&stream, MAX_VALUE_BYTES).await {
        Ok(value) => Ok(Some(value.to_vec())),
        Err(error) if is_too_large(&error) => Err(StoreError::TooLarge),
        Err(error) => Err(StoreError::Read(describe(error))),
    }
}
