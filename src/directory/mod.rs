//! The directory's Durable Object: one database that knows who has which account, which
//! browsers are signed in, and which sign-ins are under way
//! ([`Directory`](rotate_icon_core::service::directory::Directory)).
//!
//! | file | what it has |
//! |---|---|
//! | `client.rs` | what the rest of the Worker uses: one request to the object a function |
//! | `request.rs` | these requests |
//! | `schema.rs` | the tables, and how those of older versions become them |
//! | `queries.rs` | the functions, each in one go and with nothing awaited, so nothing comes between |
//!
//! The object never receives a request from outside.

mod client;
mod queries;
mod request;
mod schema;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::errors::describe;
use queries::Tables;

/// The directory's object.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Directory {
    /// The tables, or why they could not be made.
    tables: std::result::Result<Tables, String>,
}

impl DurableObject for Directory {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        let migrated = schema::migrate(&sql).map_err(describe);
        Self {
            tables: migrated.map(|()| Tables::new(sql)),
        }
    }

    /// Takes a [`request::Request`] as JSON, and answers with the JSON of what the function gives,
    /// or with status 500 and the text of an error.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let request = match request.json().await {
            Ok(request) => request,
            // The versions of a Worker differ for a moment while one is deployed.
            Err(error) => return Response::error(describe(error), 400),
        };
        let answer = match &self.tables {
            Ok(tables) => tables.answer(request).map_err(describe),
            Err(error) => Err(error.clone()),
        };
        match answer {
            Ok(answer) => Response::from_json(&answer),
            Err(error) => Response::error(error, 500),
        }
    }
}
