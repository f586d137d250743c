//! The host of an account: the Worker's. The frames of an account that is not the owner's are in the
//! object's storage, and its person can do other things about a problem.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::{Request, Response};
use picture::Options;
use pixels::plane::Planes;

use crate::host::Host;
use crate::storage::Storage;
use rotate_icon_core::account::host::{AccountHost, VISITORS_ADVICE};
use rotate_icon_core::account::server_pauses::ServerPauses;
use rotate_icon_core::network::sign_in::Service;
use rotate_icon_core::network::signer::Signer;
use rotate_icon_core::ports::{
    Advice, Client, Clock, Decoder, Encryption, EncryptionError, Lifetime, Log, OffsetAt, Purpose,
    ReplyLimits, SendError, Store, StoreError, TimeZones, UploadError,
};

/// The host of an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccountsHost<'a> {
    pub(super) host: &'a Host,
    /// Where the frames are; `None` for the owner's, which are in KV.
    pub(super) frames: Option<&'a Storage>,
}

impl Store for AccountsHost<'_> {
    fn advice(&self) -> &'static Advice {
        match self.frames {
            None => self.host.advice(),
            Some(_) => &VISITORS_ADVICE,
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.frames {
            None => self.host.read(key).await,
            Some(storage) => storage.frames_file(key),
        }
    }

    /// Keeps a value; in the object's storage until another set is published, since there is room
    /// for the frames of one.
    async fn write(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        match self.frames {
            None => self.host.write(key, value, lifetime).await,
            Some(storage) => storage.put_frames_file(key, value),
        }
    }

    async fn remove_all_but(&self, set_ids: &[&str]) -> Result<(), StoreError> {
        match self.frames {
            None => self.host.remove_all_but(set_ids).await,
            Some(storage) => storage.remove_sets_but(set_ids),
        }
    }
}

impl AccountHost for AccountsHost<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name)
    }

    fn service(&self) -> Option<Service> {
        self.host.service()
    }

    fn signer(&self) -> Rc<dyn Signer> {
        AccountHost::signer(self.host)
    }

    fn server_pauses(&self) -> Rc<ServerPauses> {
        self.host.server_pauses()
    }
}

impl Client for AccountsHost<'_> {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, SendError> {
        self.host.send(request, limits).await
    }
}

impl Clock for AccountsHost<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.host.now()
    }
}

impl Log for AccountsHost<'_> {
    fn log(&self, entry: &str, is_failure: bool) {
        self.host.log(entry, is_failure);
    }
}

impl TimeZones for AccountsHost<'_> {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        self.host.open(name)
    }
}

impl Encryption for AccountsHost<'_> {
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

impl Decoder for AccountsHost<'_> {
    async fn decode(&self, file: Vec<u8>, options: &Options) -> Result<Planes, UploadError> {
        self.host.decode(file, options).await
    }
}
