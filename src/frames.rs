//! Icon → frames.
