//! Frames: how an icon becomes frames, what a set of them is called, and how it lies in a store.

#[cfg(test)]
mod fuzz;
pub mod media_type;
mod png;
pub mod render;
pub mod rendering;
pub mod set;
pub mod size;
pub mod store;
mod y4m;
