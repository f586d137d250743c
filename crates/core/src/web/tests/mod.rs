//! Tests of the interface as a whole.

mod with_account;
mod without_account;
