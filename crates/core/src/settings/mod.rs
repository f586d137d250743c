//! How settings are read, whatever they are for.
//!
//! A host looks texts up by name. A value is understood as people paste it ([`pasted`]). Nothing
//! falls back silently: a value that cannot be right is named, with what it may be, before
//! anything is sent. No message repeats a value, which may be a secret in the wrong place.
//!
//! Which settings there are is told where they are used: [`crate::schedule::settings`], each
//! network's file, and [`crate::account::settings`], which puts all of them together.

pub mod errors;
pub mod pasted;
pub mod reader;
pub mod secret;

pub use self::errors::{Invalid, SettingsErrors};
pub use self::reader::{Reader, Variable, read_some};
