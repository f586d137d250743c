//! The Durable Object of an account: it makes all turns of the account, one
//! after the other, and keeps its ledger.

use std::cell::{Cell, RefCell};

use chrono::{DateTime, Utc};
use futures_util::lock::Mutex;
use http::{Method, StatusCode};
use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, Stub, durable_object};

use super::host::{Host, describe, settings};
use super::http::{request_from, response_from};
use rotate_icon_core::account::ledger::{Ledger, MAX_RECORDS, Record};
use rotate_icon_core::account::state::AccountState;
use rotate_icon_core::account::turn::{on_schedule, wake};
use rotate_icon_core::ports::StoreError;
use rotate_icon_core::schedule::cron::CronEvents;
use rotate_icon_core::web::api::guarded;
use rotate_icon_core::web::problem::Problem;

#[wasm_bindgen(module = "/src/glue.js")]
extern "C" {
    #[wasm_bindgen(js_name = openLedger, catch)]
    fn open_ledger(storage: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = readStanding, catch)]
    fn read_account_state(
        storage: &JsValue,
        network: &str,
    ) -> std::result::Result<Option<String>, JsValue>;

    #[wasm_bindgen(js_name = setAside, catch)]
    fn set_aside(storage: &JsValue, network: &str) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = keepStanding, catch)]
    fn keep_account_state(
        storage: &JsValue,
        network: &str,
        account_state: &str,
    ) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = keepRecord, catch)]
    fn keep_record(
        storage: &JsValue,
        id: u32,
        entry: &str,
        most: u32,
    ) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = lastRecord, catch)]
    fn last_record(storage: &JsValue) -> std::result::Result<u32, JsValue>;

    #[wasm_bindgen(js_name = setAlarm, catch)]
    async fn set_alarm(
        storage: &JsValue,
        unix_ms: Option<f64>,
    ) -> std::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = readSchedule, catch)]
    fn read_schedule(storage: &JsValue) -> std::result::Result<Option<String>, JsValue>;

    #[wasm_bindgen(js_name = keepSchedule, catch)]
    fn keep_schedule(storage: &JsValue, schedule: &str) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(js_name = readRecords, catch)]
    fn read_records(
        storage: &JsValue,
        before: Option<u32>,
        limit: u16,
    ) -> std::result::Result<Array, JsValue>;

    #[wasm_bindgen(js_name = forgetAll, catch)]
    async fn forget_all(storage: &JsValue) -> std::result::Result<JsValue, JsValue>;
}

/// The Durable Objects of accounts.
const ACCOUNT_BINDING: &str = "ACCOUNT";

/// The one account of the settings; entry.js has the name too.
const ACCOUNT_NAME: &str = "default";

/// The account's Durable Object, to send it requests.
pub(super) fn stub(env: &Env) -> Result<Stub> {
    env.durable_object(ACCOUNT_BINDING)?
        .get_by_name(ACCOUNT_NAME)
}

/// An account.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct Account {
    host: Host,
    storage: Storage,
    /// Held while a turn is made.
    turns: Mutex<()>,
}

#[wasm_bindgen]
impl Account {
    /// Makes the turn that is due at an instant in Unix ms, for the Cron Trigger of
    /// this text.
    pub async fn turn(&self, unix_ms: f64, cron: String) {
        let at = self.host.instant(unix_ms);
        let _turn = self.turns.lock().await;
        let settings = settings(&self.host);
        on_schedule(&settings, &self.host, &self.storage, &cron, at).await;
    }
}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        let durable: JsValue = state.storage().as_raw().into();
        // Should it fail, so does whatever reads it next, and says why.
        let _ = open_ledger(&durable);
        Self {
            host: Host::new(env),
            storage: Storage {
                durable,
                account_states: RefCell::default(),
                last_id: Cell::default(),
            },
            turns: Mutex::new(()),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let request = match request_from(&request) {
            Ok(request) => request,
            Err(problem) => return response_from(guarded(Err(problem))),
        };
        let settings = settings(&self.host);
        let is_reading = [Method::GET, Method::HEAD].contains(request.method());
        let _turn = if is_reading {
            None
        } else {
            Some(self.turns.lock().await)
        };
        response_from(
            rotate_icon_core::web::account::respond(&request, &settings, &self.host, &self.storage)
                .await,
        )
    }

    async fn alarm(&self) -> Result<Response> {
        let _turn = self.turns.lock().await;
        wake(&settings(&self.host), &self.host, &self.storage).await;
        Response::empty()
    }
}

/// What to answer when the account's object cannot be reached.
pub(super) fn unreachable(error: &str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(
            "The account's Durable Object cannot be reached: {error}. Try again; if it stays, \
             check that wrangler.toml binds it as {ACCOUNT_BINDING} with its migration."
        ),
    )
}

/// The object's storage.
#[derive(Debug)]
struct Storage {
    durable: JsValue,
    /// By network, as they are stored: nobody else writes there.
    account_states: RefCell<Vec<(String, AccountState)>>,
    /// The last id that was given, once it is known.
    last_id: Cell<Option<u32>>,
}

impl Storage {
    fn known(&self, network: &str) -> Option<AccountState> {
        let account_states = self.account_states.borrow();
        let known = account_states.iter().find(|(of, _)| of == network);
        known.map(|(_, account_state)| account_state.clone())
    }

    fn know(&self, network: &str, account_state: &AccountState) {
        let mut account_states = self.account_states.borrow_mut();
        match account_states.iter_mut().find(|(of, _)| of == network) {
            Some((_, known)) => known.clone_from(account_state),
            None => account_states.push((network.to_owned(), account_state.clone())),
        }
    }
}

impl Ledger for Storage {
    const ADVICE: &'static str =
        "Try again; if it stays, see whether Cloudflare reports a problem with Durable Objects.";

    const ASK_NOW: &'static str = "press Turn now on the page";

    async fn account_state(&self, network: &str) -> std::result::Result<AccountState, StoreError> {
        if let Some(account_state) = self.known(network) {
            return Ok(account_state);
        }
        let text = read_account_state(&self.durable, network).map_err(|error| unread(&error))?;
        let account_state = match text {
            Some(text) => {
                let aside = format!(
                    "What could be read back is kept in the account's Durable Object, under `set \
                     aside: standing on {network}`, until DELETE /journal."
                );
                let (account_state, is_whole) = AccountState::read(text.as_bytes(), &aside);
                if !is_whole {
                    // What cannot be read back is of no use to anyone.
                    let _ = set_aside(&self.durable, network);
                }
                account_state
            }
            None => AccountState::default(),
        };
        self.know(network, &account_state);
        Ok(account_state)
    }

    async fn keep(
        &self,
        network: &str,
        account_state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> std::result::Result<(), StoreError> {
        // What is written without waiting in between is kept together.
        if let Some(Record { id, entry }) = record {
            keep_record(&self.durable, *id, entry, MAX_RECORDS)
                .map_err(|error| unwritten(&error))?;
        }
        if self.known(network).as_ref() == Some(account_state) {
            return Ok(());
        }
        let text = serde_json::to_string(account_state)
            .map_err(|error| StoreError::Write(error.to_string()))?;
        keep_account_state(&self.durable, network, &text).map_err(|error| unwritten(&error))?;
        self.know(network, account_state);
        Ok(())
    }

    fn next_id(&self) -> std::result::Result<u32, StoreError> {
        let last = match self.last_id.get() {
            Some(last) => last,
            None => last_record(&self.durable).map_err(|error| unread(&error))?,
        };
        let next = last.saturating_add(1);
        self.last_id.set(Some(next));
        Ok(next)
    }

    async fn wake_at(&self, at: Option<DateTime<Utc>>) -> std::result::Result<(), StoreError> {
        // Milliseconds far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let unix_ms = at.map(|at| at.timestamp_millis() as f64);
        let set = set_alarm(&self.durable, unix_ms).await;
        set.map(|_| ()).map_err(|error| unwritten(&error))
    }

    async fn cron_events(&self) -> std::result::Result<CronEvents, StoreError> {
        let text = read_schedule(&self.durable).map_err(|error| unread(&error))?;
        // What another version kept in another form is made anew by the next event.
        let events = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(events.unwrap_or_default())
    }

    async fn keep_cron_events(&self, events: &CronEvents) -> std::result::Result<(), StoreError> {
        let text =
            serde_json::to_string(events).map_err(|error| StoreError::Write(error.to_string()))?;
        keep_schedule(&self.durable, &text).map_err(|error| unwritten(&error))
    }

    fn records(
        &self,
        before: Option<u32>,
        limit: u16,
    ) -> std::result::Result<Vec<(u32, String)>, StoreError> {
        let rows = read_records(&self.durable, before, limit).map_err(|error| unread(&error))?;
        let mut values = rows.iter();
        let mut records = Vec::new();
        while let (Some(id), Some(entry)) = (values.next(), values.next()) {
            // An id that begins at 1 and counts turns.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let id = id.as_f64().unwrap_or_default() as u32;
            records.push((id, entry.as_string().unwrap_or_default()));
        }
        Ok(records)
    }

    async fn forget(&self) -> std::result::Result<(), StoreError> {
        self.account_states.take();
        let forgotten = forget_all(&self.durable).await;
        forgotten.map(|_| ()).map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &JsValue) -> StoreError {
    StoreError::Write(describe(error))
}

fn unread(error: &JsValue) -> StoreError {
    StoreError::Read(describe(error))
}
