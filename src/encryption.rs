//! What encrypts secrets before they are stored: AES-256-GCM of the runtime's Web Cryptography,
//! with keys that HKDF-SHA-256 (RFC 5869) derives from those of the secret `SERVICE_KEY`.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use js_sys::futures::JsFuture;
use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AesDerivedKeyParams, AesGcmParams, Crypto, CryptoKey, HkdfParams};
use web_sys::{SubtleCrypto, WorkerGlobalScope};

use crate::errors::describe;
use crate::host::Host;
use crate::settings::text;
use rotate_icon_core::ports::{Encryption, EncryptionError, Purpose};
use rotate_icon_core::service::keys::{
    Encrypted, IV_BYTES, SETTING, ServiceKey, ServiceKeys, additional_data,
};

/// What the derived keys are for. Keys for anything else are derived with another text.
const INFO: &[u8] = b"rotate-icon encryption at rest v1";

const CIPHER: &str = "AES-GCM";
const KEY_BITS: u32 = 256;

impl Encryption for Host {
    fn newest_key(&self) -> Result<Option<String>, EncryptionError> {
        let keys = self.keys()?;
        Ok(keys.newest().map(|key| key.id().to_owned()))
    }

    async fn encrypt(&self, text: &str, purpose: &Purpose<'_>) -> Result<String, EncryptionError> {
        let keys = self.keys()?;
        let key = keys.newest().ok_or(EncryptionError::NoKey)?;
        let encrypted = async {
            let crypto = crypto()?;
            let mut iv = [0; IV_BYTES];
            crypto.get_random_values_with_u8_array(&mut iv)?;
            let subtle = crypto.subtle();
            let cipher_key = derived(&subtle, key).await?;
            let ciphertext = subtle.encrypt_with_object_and_js_u8_array(
                &parameters(iv, key, purpose),
                &cipher_key,
                &Uint8Array::from(text.as_bytes()),
            )?;
            let ciphertext = bytes(ciphertext).await?;
            Ok(Encrypted {
                key: key.id().to_owned(),
                iv,
                ciphertext,
            })
        };
        encrypted
            .await
            .map(|encrypted| encrypted.to_string())
            .map_err(unavailable)
    }

    async fn decrypt(
        &self,
        encrypted: &str,
        purpose: &Purpose<'_>,
    ) -> Result<String, EncryptionError> {
        let Encrypted {
            key,
            iv,
            ciphertext,
        } = Encrypted::read(encrypted)?;
        let keys = self.keys()?;
        keys.newest().ok_or(EncryptionError::NoKey)?;
        let Some(key) = keys.get(&key) else {
            return Err(EncryptionError::UnknownKey(key));
        };
        let begun = async {
            let subtle = crypto()?.subtle();
            let cipher_key = derived(&subtle, key).await?;
            subtle.decrypt_with_object_and_js_u8_array(
                &parameters(iv, key, purpose),
                &cipher_key,
                &Uint8Array::from(ciphertext.as_slice()),
            )
        };
        let decrypting = begun.await.map_err(unavailable)?;
        // It is rejected if anything was changed, and for nothing else.
        let text = bytes(decrypting)
            .await
            .map_err(|_| EncryptionError::Damaged)?;
        String::from_utf8(text).map_err(|_| EncryptionError::Damaged)
    }
}

impl Host {
    /// The keys. They are read once an isolate, like all settings.
    fn keys(&self) -> Result<Rc<ServiceKeys>, EncryptionError> {
        thread_local! {
            static KEYS: OnceCell<Result<Rc<ServiceKeys>, EncryptionError>> =
                const { OnceCell::new() };
        }
        KEYS.with(|keys| {
            keys.get_or_init(|| {
                let text = text(&self.env, SETTING).unwrap_or_default();
                ServiceKeys::read(&text).map(Rc::new)
            })
            .clone()
        })
    }
}

pub(crate) fn crypto() -> Result<Crypto, JsValue> {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.crypto()
}

/// The key of the cipher. It is derived once an isolate, and cannot be read back.
async fn derived(subtle: &SubtleCrypto, key: &ServiceKey) -> Result<CryptoKey, JsValue> {
    thread_local! {
        static DERIVED: RefCell<Vec<(String, CryptoKey)>> = const { RefCell::new(Vec::new()) };
    }
    let known = DERIVED.with_borrow(|derived| {
        let mut derived = derived.iter();
        derived.find_map(|(id, derived)| (id == key.id()).then(|| derived.clone()))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let material = subtle.import_key_with_str(
        "raw",
        &Uint8Array::from(key.expose()),
        "HKDF",
        false,
        &Array::of1(&"deriveKey".into()),
    )?;
    let material: CryptoKey = JsFuture::from(material).await?.unchecked_into();
    let derivation = HkdfParams::new_with_str(
        "HKDF",
        "SHA-256",
        &Uint8Array::from(INFO),
        // A salt is for material that is not random all over (RFC 5869 §3.1).
        &Uint8Array::new_with_length(0),
    );
    let cipher_key = subtle.derive_key_with_object_and_object(
        &derivation,
        &material,
        &AesDerivedKeyParams::new(CIPHER, KEY_BITS),
        false,
        &Array::of2(&"encrypt".into(), &"decrypt".into()),
    )?;
    let cipher_key: CryptoKey = JsFuture::from(cipher_key).await?.unchecked_into();
    DERIVED.with_borrow_mut(|derived| derived.push((key.id().to_owned(), cipher_key.clone())));
    Ok(cipher_key)
}

fn parameters(iv: [u8; IV_BYTES], key: &ServiceKey, purpose: &Purpose<'_>) -> AesGcmParams {
    let parameters = AesGcmParams::new_with_u8_array(CIPHER, &Uint8Array::from(iv.as_slice()));
    let additional = Uint8Array::from(additional_data(key, purpose).as_slice());
    parameters.set_additional_data_u8_array(&additional);
    parameters
}

/// The bytes that a promise of the cipher gives.
async fn bytes(promise: Promise) -> Result<Vec<u8>, JsValue> {
    let buffer: ArrayBuffer = JsFuture::from(promise).await?.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

// `map_err` passes the error by value.
#[allow(clippy::needless_pass_by_value)]
fn unavailable(error: JsValue) -> EncryptionError {
    EncryptionError::Unavailable(describe(error))
}
