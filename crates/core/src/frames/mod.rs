//! Frames: made of an icon, named as a set, and kept in a store.

mod png;
pub mod render;
pub mod rendering;
pub mod set;
pub mod store;
mod y4m;
