//! Frames: how an icon becomes frames, and how a set of them is named and stored.

#[cfg(test)]
mod fuzz;
pub mod media_type;
pub mod options;
mod png;
pub mod render;
pub mod set;
pub mod size;
pub mod store;
mod y4m;
