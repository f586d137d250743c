//! What the core needs from outside. A host (the Worker, the command, a test)
//! implements these few traits; the core does everything else.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{Request, Response};
use picture::PictureError;
use pixels::plane::Planes;
use thiserror::Error;

/// Keeps values by key.
pub trait Store {
    /// What its owner can do when a turn comes to nothing on this side.
    const ADVICE: Advice;

    /// The value's bytes, or `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read at all, or the value has more than
    /// [`MAX_VALUE_BYTES`].
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Stores a value in place of any other.
    ///
    /// # Errors
    /// When it is not stored.
    fn write(
        &self,
        key: &str,
        value: &[u8],
        lifetime: Lifetime,
    ) -> impl Future<Output = Result<(), StoreError>>;
}

/// What the owner of a host can do on their side, where it depends on the host:
/// each a sentence or two, to follow what went wrong.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// Settings are missing or do not parse; they are named before.
    pub settings: &'static str,
    /// A network does not accept a secret, and another has to be stored.
    pub secrets: &'static str,
    /// The store has no frame set, or lacks a frame of it.
    pub frames: &'static str,
    /// The store cannot be read.
    pub store: &'static str,
    /// A frame is larger than a network takes.
    pub size: &'static str,
}

/// How long a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is deleted.
    Unlimited,
    /// For so many days.
    Days(u32),
}

/// The picture that a request brings as its body. It is read only once it is
/// wanted, and decoded where a decoder's failure harms nobody else.
pub trait Upload {
    /// Reads a file of at most `max_bytes` and makes a square of it, as
    /// [`picture::square`] does.
    ///
    /// # Errors
    /// When the file does not arrive or is no picture that can be used.
    fn square(
        &self,
        max_bytes: usize,
        options: &picture::Options,
    ) -> impl Future<Output = Result<Planes, UploadError>>;
}

/// A picture that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UploadError {
    /// More bytes than asked for.
    #[error("the picture is too large")]
    TooLarge,
    /// It did not arrive completely.
    #[error("the picture did not arrive completely: {0}")]
    Incomplete(String),
    /// Others are being read, and there is no memory for one more.
    #[error("too many pictures are being read")]
    Busy,
    /// The host itself cannot read pictures, whatever they are.
    #[error("pictures cannot be read: {0}")]
    Unavailable(String),
    /// The file is no picture that can be used.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Sends a request to a network and reads the whole reply.
pub trait Client {
    /// Sends it once, follows no redirect, and gives up after `timeout_ms`
    /// milliseconds. Names the sender by [`USER_AGENT`].
    ///
    /// # Errors
    /// When no whole reply came back.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        timeout_ms: u32,
    ) -> impl Future<Output = Result<Response<Vec<u8>>, SendError>>;
}

/// Tells the time.
pub trait Clock {
    /// The instant now.
    fn now(&self) -> DateTime<Utc>;
}

/// Knows the rules of the world's time zones, in the version that the host has.
pub trait TimeZones {
    /// Opens a time zone by its name in the IANA database, such as `Asia/Tokyo`. A host takes
    /// the old name of a zone as well as the new one. Returns `None` for an unknown name.
    fn open(&self, name: &str) -> Option<OffsetAt>;
}

/// Tells how far a zone's local time is ahead of UTC, in seconds, at a Unix time in seconds.
/// Where a host's calendar ends, the offset is that of its first or last instant.
pub type OffsetAt = Rc<dyn Fn(i64) -> i32>;

/// Writes what turns did into a log.
pub trait Log {
    /// Takes one entry as JSON; a turn does not fail for it.
    fn log(&self, entry: &str, is_failure: bool);
}

/// How every request names its sender (RFC 9110 §10.1.5): program, version, and the
/// address where those who receive it can read what it is. Some servers refuse a
/// request that does not say.
pub const USER_AGENT: &str = concat!(
    "rotate-icon/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// How long a network may take to answer completely, in milliseconds.
pub const REPLY_TIMEOUT_MS: u32 = 20_000;

/// The largest reply that is read, in bytes; a user object of X has about 4 kB.
pub const MAX_REPLY_BYTES: usize = 1_000_000;

/// The largest value that is read from a store, in bytes: as large as the largest
/// frame that any network takes, and far larger than an icon.
pub const MAX_VALUE_BYTES: usize = 2_000_000;

/// The store failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A value could not be read.
    #[error("The store could not be read: {0}.")]
    Read(String),
    /// A value could not be written.
    #[error("The store could not be written: {0}.")]
    Write(String),
    /// A value is larger than anything that belongs there.
    #[error("The store holds a value of more than {MAX_VALUE_BYTES} bytes.")]
    TooLarge,
}

/// No whole reply came back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// Nothing, or not everything, came in time. A network has [`REPLY_TIMEOUT_MS`], and
    /// what becomes of other requests is told to nobody.
    #[error("no complete reply within {} s", REPLY_TIMEOUT_MS / 1000)]
    Timeout,
    /// The connection failed or broke off.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The reply does not end.
    #[error("the reply is larger than {MAX_REPLY_BYTES} bytes")]
    TooLarge,
}
