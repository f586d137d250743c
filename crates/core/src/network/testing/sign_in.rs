//! What tests sign in with.

use std::future::ready;

use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::rand_core::OsRng;

use crate::network::sign_in::{App, Context, Grant, Service};
use crate::network::signer::{Signer, SigningError};
use crate::network::transport::{Pending, Transport};
use crate::settings::secret::Secret;

/// Signs with the `p256` crate.
#[derive(Debug)]
pub(crate) struct P256;

impl Signer for P256 {
    fn generate(&self) -> Pending<'_, Result<Secret, SigningError>> {
        let key = SecretKey::random(&mut OsRng);
        let jwk = key.to_jwk_string();
        Box::pin(ready(Ok(Secret::new(jwk.as_str()))))
    }

    fn sign<'a>(
        &'a self,
        key: &'a Secret,
        message: &'a [u8],
    ) -> Pending<'a, Result<Vec<u8>, SigningError>> {
        let key = SecretKey::from_jwk_str(key.expose());
        let signed = key
            .map(|key| {
                let signature: Signature = SigningKey::from(key).sign(message);
                signature.to_vec()
            })
            .map_err(|error| SigningError(error.to_string()));
        Box::pin(ready(signed))
    }
}

/// What a sign-in reaches by a transport.
pub(crate) fn context<'a>(service: &'a Service, transport: &'a dyn Transport) -> Context<'a> {
    Context {
        service,
        transport,
        signer: &P256,
    }
}

/// A code that a browser has brought back.
pub(crate) fn grant<'a>(app: &'a App, code: &'a Secret, verifier: &'a Secret) -> Grant<'a> {
    Grant {
        app,
        code,
        verifier,
        issuer: None,
        kept: None,
    }
}
