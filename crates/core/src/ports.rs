//! The ports: what the core needs from outside.
//!
//! A host (the Worker, the command, a test) implements these few traits, and
//! [`Ledger`](crate::account::ledger::Ledger); the core does everything else.

use std::future::ready;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{Request, Response};
use picture::PictureError;
use pixels::plane::Planes;
use thiserror::Error;

/// Stores values by key.
pub trait Store {
    /// Returns what whoever has the account can do when a turn fails on this side.
    fn advice(&self) -> &'static Advice;

    /// Returns the bytes of a value, or `None` if there is no such key.
    ///
    /// # Errors
    /// When the store cannot be read, or the value has more than [`MAX_VALUE_BYTES`].
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Stores a value, and replaces the one that was there.
    ///
    /// # Errors
    /// When the value may not be stored.
    fn write(
        &self,
        key: &str,
        value: &[u8],
        lifetime: Lifetime,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Deletes the frames and icons of all sets whose ids are not among these. A store whose values
    /// go by themselves need not do anything.
    ///
    /// # Errors
    /// When some of them may still be there.
    fn remove_all_but(&self, _set_ids: &[&str]) -> impl Future<Output = Result<(), StoreError>> {
        ready(Ok(()))
    }
}

/// What the owner of a host can do about each kind of problem, where that depends on the host. Each
/// text is a sentence or two that can follow a message.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// Settings are missing or do not parse. The message names them.
    pub settings: &'static str,
    /// A network does not accept a secret, so another has to be stored.
    pub secrets: &'static str,
    /// The store has no frame set, or one of its frames is missing.
    pub frames: &'static str,
    /// The store cannot be read.
    pub store: &'static str,
    /// A frame is larger than a network takes.
    pub size: &'static str,
    /// No cron has fired lately, so nothing turns by itself.
    pub cron: &'static str,
}

/// How long a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is deleted.
    Unlimited,
    /// For this number of days.
    Days(u32),
}

/// A picture in the body of a request. The host reads it when the core asks, and decodes it where a
/// failing decoder harms nothing else.
pub trait Upload {
    /// Reads a file of at most `max_bytes` and makes a square of it, as [`picture::square`] does.
    ///
    /// # Errors
    /// When the file does not arrive, or is not a picture that can be used.
    fn square(
        &self,
        max_bytes: usize,
        options: &picture::Options,
    ) -> impl Future<Output = Result<Planes, UploadError>>;
}

/// A form in the body of a request. The host reads it when the core asks.
pub trait Form {
    /// Reads a body of at most `max_bytes`.
    ///
    /// # Errors
    /// When the body is larger, or does not arrive.
    fn read(&self, max_bytes: usize) -> impl Future<Output = Result<Vec<u8>, UploadError>>;
}

/// Why a picture could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UploadError {
    /// The file has more bytes than allowed.
    #[error("the picture is too large")]
    TooLarge,
    /// The file did not arrive completely.
    #[error("the picture did not arrive completely: {0}")]
    Incomplete(String),
    /// Other pictures are being read, and there is no memory for one more.
    #[error("too many pictures are being read")]
    Busy,
    /// The host cannot read any pictures.
    #[error("pictures cannot be read: {0}")]
    Unavailable(String),
    /// The file is not a picture that can be used.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Encrypts what is stored, with keys that are not stored beside it.
pub trait Encryption {
    /// Returns the id of the key that encrypts; `None` where the host has no key.
    ///
    /// # Errors
    /// When the host's keys cannot be used. The text says why.
    fn newest_key(&self) -> Result<Option<String>, EncryptionError>;

    /// Encrypts a text. Only [`Encryption::decrypt`] with the same purpose gives it back. The
    /// result is a text that names the key ([`key_of`]).
    ///
    /// # Errors
    /// When the host has no key that it can use.
    fn encrypt(
        &self,
        text: &str,
        purpose: &Purpose<'_>,
    ) -> impl Future<Output = Result<String, EncryptionError>>;

    /// Decrypts what [`Encryption::encrypt`] has returned, by whichever key.
    ///
    /// # Errors
    /// When the host does not have its key, or it was changed, or encrypted for another purpose.
    fn decrypt(
        &self,
        encrypted: &str,
        purpose: &Purpose<'_>,
    ) -> impl Future<Output = Result<String, EncryptionError>>;
}

/// What an encrypted text is for. It is authenticated with the text, so nobody can move the text
/// of one account or field to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// Whose it is: the id of an account, or the address of a server.
    pub owner: &'a str,
    /// Which of its texts it is.
    pub field: &'a str,
}

/// The id of the key that a text was encrypted with: what stands before its first full stop.
pub fn key_of(encrypted: &str) -> &str {
    encrypted.split('.').next().unwrap_or_default()
}

/// Why a text was not encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncryptionError {
    /// The host has no key.
    #[error("SERVICE_KEY is not set")]
    NoKey,
    /// The host's keys cannot be read. The text says what they have to be.
    #[error("SERVICE_KEY has to be {0}")]
    InvalidKey(&'static str),
    /// The text was encrypted with a key that the host does not have.
    #[error("SERVICE_KEY does not have the key {0} any more")]
    UnknownKey(String),
    /// The text was changed, or encrypted for another purpose.
    #[error("what was stored cannot be decrypted")]
    Damaged,
    /// The host's cipher failed. The text says how.
    #[error("nothing can be encrypted or decrypted: {0}")]
    Unavailable(String),
}

/// Decodes pictures that the core has fetched, where a failing decoder harms nothing else.
pub trait Decoder {
    /// Makes a square of a picture file, as [`picture::square`] does.
    ///
    /// # Errors
    /// When the file is not a picture that can be used.
    fn decode(
        &self,
        file: Vec<u8>,
        options: &picture::Options,
    ) -> impl Future<Output = Result<Planes, UploadError>>;
}

/// Sends a request to a network and reads the whole reply.
pub trait Client {
    /// Sends a request once, with [`USER_AGENT`] as its sender. Follows no redirect, and gives up
    /// at either limit.
    ///
    /// # Errors
    /// When no complete reply arrives.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> impl Future<Output = Result<Response<Vec<u8>>, SendError>>;
}

/// What a reply may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// How long it may take until it is complete, in milliseconds.
    pub timeout_ms: u32,
    /// How large its body may be, in bytes, once it is decoded.
    pub max_bytes: usize,
}

impl ReplyLimits {
    /// The limits of a turn's requests: [`REPLY_TIMEOUT_MS`] and [`MAX_REPLY_BYTES`].
    pub const OF_TURNS: Self = Self {
        timeout_ms: REPLY_TIMEOUT_MS,
        max_bytes: MAX_REPLY_BYTES,
    };
}

/// Tells the time.
pub trait Clock {
    /// Returns the current instant.
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

/// Writes a log of turns.
pub trait Log {
    /// Writes one entry, which is a line of JSON. Writing it cannot make a turn fail.
    fn log(&self, entry: &str, is_failure: bool);
}

/// The `User-Agent` of every request (RFC 9110 §10.1.5): program, version, and an address where
/// whoever receives the request can read what sent it. Some servers refuse requests without one.
pub const USER_AGENT: &str = concat!(
    "rotate-icon/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// How long a network may take for a complete reply to a turn's request, in milliseconds.
pub const REPLY_TIMEOUT_MS: u32 = 20_000;

/// The largest reply to a turn's request that is read, in bytes. Replies of the networks have a few
/// kilobytes.
pub const MAX_REPLY_BYTES: usize = 1_000_000;

/// The largest value that is read from a store, in bytes: the size of the largest picture that any
/// network takes, and far more than an icon has.
pub const MAX_VALUE_BYTES: usize = 2_000_000;

/// How a store failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A value could not be read.
    #[error("The store could not be read: {0}.")]
    Read(String),
    /// A value could not be written.
    #[error("The store could not be written: {0}.")]
    Write(String),
    /// A value has more than [`MAX_VALUE_BYTES`], so it was not written by this program.
    #[error("The store holds a value of more than {MAX_VALUE_BYTES} bytes.")]
    TooLarge,
}

/// Why no complete reply arrived. The texts name the limits of turns, [`ReplyLimits::OF_TURNS`]; requests
/// with other limits have texts of their own.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The reply was not complete in time.
    #[error("no complete reply within {} s", REPLY_TIMEOUT_MS / 1000)]
    Timeout,
    /// The connection failed or was closed early.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The reply is larger than it may be.
    #[error("the reply is larger than {MAX_REPLY_BYTES} bytes")]
    TooLarge,
}
