//! The host of a visitor's account: the Worker's, but for the frames, which are in the object's
//! storage, and for what visitors can do about a problem.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{Request, Response};
use picture::Options;
use pixels::plane::Planes;

use crate::host::Host;
use crate::storage::{Storage, Visitor};
use rotate_icon_core::account::host::{AccountHost, VISITORS_ADVICE};
use rotate_icon_core::account::server_pauses::ServerPauses;
use rotate_icon_core::network::sign_in::Service;
use rotate_icon_core::ports::{
    Advice, Client, Clock, Decoder, Encryption, EncryptionError, Lifetime, Log, OffsetAt, Purpose,
    ReplyLimits, SendError, Store, StoreError, TimeZones, UploadError,
};

/// The host of a visitor's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct VisitorsHost<'a> {
    pub(super) host: &'a Host,
    pub(super) storage: &'a Storage<Visitor>,
}

impl Store for VisitorsHost<'_> {
    const ADVICE: Advice = VISITORS_ADVICE;

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.storage.frames_file(key)
    }

    /// Keeps a value until another set is published: there is room for the frames of one.
    async fn write(&self, key: &str, value: &[u8], _: Lifetime) -> Result<(), StoreError> {
        self.storage.put_frames_file(key, value)
    }

    async fn remove_all_but(&self, set_ids: &[&str]) -> Result<(), StoreError> {
        self.storage.remove_sets_but(set_ids)
    }
}

impl AccountHost for VisitorsHost<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name)
    }

    fn service(&self) -> Option<Service> {
        self.host.service()
    }

    fn server_pauses(&self) -> Rc<ServerPauses> {
        self.host.server_pauses()
    }
}

impl Client for VisitorsHost<'_> {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, SendError> {
        self.host.send(request, limits).await
    }
}

impl Clock for VisitorsHost<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.host.now()
    }
}

impl Log for VisitorsHost<'_> {
    fn log(&self, entry: &str, is_failure: bool) {
        self.host.log(entry, is_failure);
    }
}

impl TimeZones for VisitorsHost<'_> {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        self.host.open(name)
    }
}

impl Encryption for VisitorsHost<'_> {
    fn newest_key(&self) -> Result<Option<String>, EncryptionError> {
        self.host.newest_key()
    }

    async fn encrypt(&self, text: &str, purpose: &Purpose<'_>) -> Result<String, EncryptionError> {
        self.host.encrypt(text, purpose).await
    }

    async fn decrypt(
        &self,
        encrypted: &str,
        purpose: &Purpose<'_>,
    ) -> Result<String, EncryptionError> {
        self.host.decrypt(encrypted, purpose).await
    }
}

impl Decoder for VisitorsHost<'_> {
    async fn decode(&self, file: Vec<u8>, options: &Options) -> Result<Planes, UploadError> {
        self.host.decode(file, options).await
    }
}
