//! What signs: ECDSA on P-256 with SHA-256 of the runtime's Web Cryptography, which takes a fraction
//! of the time that the same takes in WebAssembly.

use js_sys::futures::JsFuture;
use js_sys::{Array, ArrayBuffer, JSON, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, CryptoKeyPair, EcKeyGenParams, EcdsaParams};

use crate::encryption::crypto;
use crate::errors::describe;
use rotate_icon_core::network::Pending;
use rotate_icon_core::network::signer::{Signer, SigningError};
use rotate_icon_core::settings::secret::Secret;

const ALGORITHM: &str = "ECDSA";
const CURVE: &str = "P-256";
const HASH: &str = "SHA-256";

/// The runtime's Web Cryptography.
#[derive(Debug)]
pub(crate) struct WebCrypto;

impl Signer for WebCrypto {
    fn generate(&self) -> Pending<'_, Result<Secret, SigningError>> {
        Box::pin(async { generated().await.map(Secret::new).map_err(failed) })
    }

    fn sign<'a>(
        &'a self,
        key: &'a Secret,
        message: &'a [u8],
    ) -> Pending<'a, Result<Vec<u8>, SigningError>> {
        Box::pin(async move { signed(key.expose(), message).await.map_err(failed) })
    }
}

async fn generated() -> Result<String, JsValue> {
    let subtle = crypto()?.subtle();
    let pair = subtle.generate_key_with_object(
        &EcKeyGenParams::new(ALGORITHM, CURVE),
        true,
        &Array::of2(&"sign".into(), &"verify".into()),
    )?;
    let pair: CryptoKeyPair = JsFuture::from(pair).await?.unchecked_into();
    let exported = subtle.export_key("jwk", &pair.get_private_key())?;
    let jwk = JsFuture::from(exported).await?;
    Ok(JSON::stringify(&jwk)?.into())
}

async fn signed(key: &str, message: &[u8]) -> Result<Vec<u8>, JsValue> {
    let subtle = crypto()?.subtle();
    let jwk: Object = JSON::parse(key)?.unchecked_into();
    let imported = subtle.import_key_with_object(
        "jwk",
        &jwk,
        &EcKeyGenParams::new(ALGORITHM, CURVE),
        false,
        &Array::of1(&"sign".into()),
    )?;
    let key: CryptoKey = JsFuture::from(imported).await?.unchecked_into();
    let signing = subtle.sign_with_object_and_js_u8_array(
        &EcdsaParams::new_with_str(ALGORITHM, HASH),
        &key,
        &Uint8Array::from(message),
    )?;
    let signature: ArrayBuffer = JsFuture::from(signing).await?.unchecked_into();
    Ok(Uint8Array::new(&signature).to_vec())
}

// `map_err` passes the error by value.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: JsValue) -> SigningError {
    SigningError(describe(error))
}
