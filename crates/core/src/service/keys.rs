//! The keys that encrypt what is stored: how the setting `SERVICE_KEY` writes them, and the form of
//! what they have encrypted. The cipher is the host's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};

use crate::ports::{EncryptionError, Purpose};
use crate::settings::pasted;

/// The name of the setting.
pub const SETTING: &str = "SERVICE_KEY";

/// What the setting has to be, to follow "has to be".
const EXPECTED: &str = "one key or several, the newest first, separated by spaces or commas; each \
                        at least 32 random bytes in base64 or hex, as `openssl rand -base64 32` \
                        prints them";

/// The fewest bytes of a key.
const MIN_KEY_BYTES: usize = 32;

/// What is hashed before a key for its id.
const ID_LABEL: &[u8] = b"rotate-icon key id v1\0";

/// How many bytes of a key's hash are its id. The few keys of one service hardly share an id.
const ID_BYTES: usize = 4;

/// The bytes of an initialization vector of AES-GCM (NIST SP 800-38D §5.2.1.1).
pub const IV_BYTES: usize = 12;

/// A key. Its `Debug` form hides it.
#[derive(Clone)]
pub struct ServiceKey {
    id: String,
    bytes: Vec<u8>,
}

impl ServiceKey {
    fn new(bytes: Vec<u8>) -> Self {
        let hash = Sha256::new()
            .chain_update(ID_LABEL)
            .chain_update(&bytes)
            .finalize();
        let id = hash.iter().copied().take(ID_BYTES).collect::<Vec<_>>();
        Self {
            id: HEXLOWER.encode(&id),
            bytes,
        }
    }

    /// The key's id: 8 hex digits of its hash, so that nobody has to name keys.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, of which a host derives the key of its cipher.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceKey({}, hidden)", self.id)
    }
}

/// The keys of a service. The newest encrypts, each decrypts what it has encrypted.
#[derive(Debug, Clone, Default)]
pub struct ServiceKeys(Vec<ServiceKey>);

impl ServiceKeys {
    /// Reads the setting as it was pasted. An empty text holds no key.
    ///
    /// # Errors
    /// [`EncryptionError::InvalidKey`] if any part of it is not a key.
    pub fn read(text: &str) -> Result<Self, EncryptionError> {
        let text = pasted::value(text, SETTING);
        let keys = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .map(|key| key.trim_matches(['"', '\'']))
            .filter(|key| !key.is_empty())
            .map(|key| decoded(key).map(ServiceKey::new))
            .collect::<Option<_>>();
        keys.map(Self).ok_or(EncryptionError::InvalidKey(EXPECTED))
    }

    /// The key that encrypts.
    pub fn newest(&self) -> Option<&ServiceKey> {
        self.0.first()
    }

    /// The key with this id.
    pub fn get(&self, id: &str) -> Option<&ServiceKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// The bytes of a key in hex, base64 or base64url.
fn decoded(key: &str) -> Option<Vec<u8>> {
    let is_hex =
        key.len() >= 2 * MIN_KEY_BYTES && key.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = if is_hex {
        HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok()?
    } else {
        let standard = key
            .trim_end_matches('=')
            .replace('-', "+")
            .replace('_', "/");
        STANDARD_NO_PAD.decode(standard).ok()?
    };
    Some(bytes).filter(|bytes| bytes.len() >= MIN_KEY_BYTES)
}

/// An encrypted text. Its text form is `KEY.IV.CIPHERTEXT`: the key's id, then both in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// The id of the key.
    pub key: String,
    /// The initialization vector.
    pub iv: [u8; IV_BYTES],
    /// The ciphertext with the cipher's tag at its end.
    pub ciphertext: Vec<u8>,
}

impl Encrypted {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`EncryptionError::Damaged`] if the text has another form.
    pub fn read(text: &str) -> Result<Self, EncryptionError> {
        let read = || {
            let mut parts = text.split('.');
            let key = parts.next()?;
            let is_id = key.len() == 2 * ID_BYTES
                && key.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
            let iv = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
            let ciphertext = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
            (is_id && parts.next().is_none()).then_some(())?;
            Some(Self {
                key: key.to_owned(),
                iv: iv.try_into().ok()?,
                ciphertext,
            })
        };
        read().ok_or(EncryptionError::Damaged)
    }
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iv = URL_SAFE_NO_PAD.encode(self.iv);
        let ciphertext = URL_SAFE_NO_PAD.encode(&self.ciphertext);
        write!(f, "{}.{iv}.{ciphertext}", self.key)
    }
}

/// What is authenticated with a text: the id of its key, which has 8 bytes, the length of the owner
/// in bytes (32 bits, big-endian), the owner, and the field. No two purposes give the same bytes.
pub fn additional_data(key: &ServiceKey, purpose: &Purpose<'_>) -> Vec<u8> {
    let length = u32::try_from(purpose.owner.len()).unwrap_or(u32::MAX);
    [
        key.id.as_bytes(),
        &length.to_be_bytes(),
        purpose.owner.as_bytes(),
        purpose.field.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::key_of;

    /// Bytes 0 to 31 in base64, and 32 bytes of 255 in hex.
    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn ids(text: &str) -> Vec<String> {
        let keys = ServiceKeys::read(text).unwrap();
        keys.0.into_iter().map(|key| key.id).collect()
    }

    #[test]
    fn a_key_is_known_by_its_bytes_however_they_are_written() {
        let [id] = ids(OLD).try_into().unwrap();
        // Computed with Python's hashlib.
        assert_eq!(id, "3135a6a2");
        for same in [
            OLD.trim_end_matches('='),
            "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
            &format!("SERVICE_KEY={OLD}"),
            &format!("\"{OLD}\"\n"),
            &format!("\u{feff} {OLD} "),
        ] {
            assert_eq!(ids(same), std::slice::from_ref(&id), "{same:?}");
        }
        let standard = "+/+/".repeat(11);
        assert_eq!(
            ids(&standard),
            ids(&standard.replace('+', "-").replace('/', "_"))
        );
    }

    #[test]
    fn the_newest_key_stands_first() {
        for pasted in [
            format!("{NEW} {OLD}"),
            format!("{NEW},{OLD}"),
            format!("\"{NEW}\", '{OLD}'\n"),
            format!("SERVICE_KEY={NEW}\n{OLD}"),
        ] {
            let keys = ServiceKeys::read(&pasted).unwrap();
            let newest = keys.newest().unwrap();
            assert_eq!(newest.expose(), [255; 32], "{pasted}");
            let old = keys.get(&ids(OLD)[0]).unwrap();
            assert_eq!(old.expose(), (0..32).collect::<Vec<u8>>());
            assert!(keys.get("00000000").is_none());
        }
        for nothing in ["", " ", "\"\"", "SERVICE_KEY="] {
            assert!(ServiceKeys::read(nothing).unwrap().newest().is_none());
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for wrong in [
            "correct horse battery staple",
            OLD.trim_end_matches("Hh8="),
            NEW.strip_suffix('f').unwrap(),
            &format!("{OLD} short"),
            &format!("{OLD}{OLD}"),
            "ü".repeat(40).as_str(),
        ] {
            let error = ServiceKeys::read(wrong).unwrap_err();
            assert!(matches!(error, EncryptionError::InvalidKey(_)), "{wrong}");
            let first: String = wrong.chars().take(8).collect();
            assert!(!error.to_string().contains(&first), "{error}");
        }
        let shown = format!("{:?}", ServiceKeys::read(NEW).unwrap());
        assert!(
            !shown.contains("255") && shown.contains("hidden"),
            "{shown}"
        );
    }

    #[test]
    fn an_encrypted_text_is_read_as_it_was_written_and_nothing_else_is_one() {
        let encrypted = Encrypted {
            key: "0123abcd".to_owned(),
            iv: *b"twelve bytes",
            ciphertext: vec![250; 20],
        };
        let text = encrypted.to_string();
        assert_eq!(key_of(&text), "0123abcd");
        assert_eq!(Encrypted::read(&text), Ok(encrypted));
        for other in [
            "",
            "0123abcd",
            "0123abcd..",
            &text.replace("0123abcd", "0123ABCD"),
            &text.replace("0123abcd", "123abcd"),
            &format!("{text}."),
            &format!("{text}="),
            &text.replacen('.', ".AAAA", 1),
        ] {
            assert_eq!(
                Encrypted::read(other),
                Err(EncryptionError::Damaged),
                "{other}"
            );
        }
    }

    #[test]
    fn no_two_purposes_are_alike() {
        let keys = ServiceKeys::read(&format!("{OLD} {NEW}")).unwrap();
        let data =
            |key: usize, owner, field| additional_data(&keys.0[key], &Purpose { owner, field });
        let all = [
            data(0, "ab", "c"),
            data(0, "a", "bc"),
            data(0, "", "abc"),
            data(0, "abc", ""),
            data(1, "ab", "c"),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[n + 1..].contains(one), "{n}");
        }
    }
}
