//! Random tokens that let a browser in, and what is derived from them. Only hashes are stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::settings::secret::Secret;

/// Makes a token that nobody can guess: 43 characters of base64url.
///
/// # Errors
/// When the host has no random bytes.
pub fn random_token() -> Result<Secret, getrandom::Error> {
    Secret::random()
}

/// The hash under which a token is stored: SHA-256 in hex. A token has 256 random bits, so nobody
/// finds it from its hash.
pub fn hash(token: &Secret) -> String {
    HEXLOWER.encode(&digest("", token))
}

/// The token that the forms of a page carry for a browser with this cookie. It tells nothing of the
/// cookie, which scripts cannot read.
pub fn form_token(cookie: &Secret) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(digest("form\0", cookie)))
}

fn digest(purpose: &str, token: &Secret) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(purpose);
    hash.update(token.expose());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_what_is_derived_does_not_show_them() {
        let token = random_token().unwrap();
        assert_eq!(token.expose().len(), 43);
        assert_ne!(token.expose(), random_token().unwrap().expose());
        assert_eq!(hash(&token), hash(&token));
        let derived = [hash(&token), form_token(&token).expose().to_owned()];
        assert_ne!(derived[0], derived[1]);
        assert!(derived.iter().all(|text| !text.contains(token.expose())));
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hash = hash(&Secret::new("abc"));
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            hash,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
