//! How large a frame is: its pixels and its file.

/// The width and height of a frame in pixels. Networks show profile pictures no larger.
pub const FRAME_SIZE: usize = 400;

/// The largest file of a frame that is rendered, in bytes. Every network takes a picture of this
/// size; a test holds their limits against it.
pub const MAX_FRAME_BYTES: usize = 512_000;
