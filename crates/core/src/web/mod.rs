//! The HTTP interface: its routes, the page, and its errors.

pub mod account;
pub mod api;
pub mod icon_upload;
pub mod page;
pub mod problem;
