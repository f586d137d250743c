//! Blobs: what the bytes of a picture are called, and how records refer to them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::network::interface::Picture;

/// The largest picture that is sent, in bytes: `maxSize` of `avatar` in the lexicon,
/// <https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/actor/profile.json>.
pub(super) const MAX_PICTURE_BYTES: usize = 1_000_000;

/// Version 1 of a content identifier: raw bytes, by their SHA-256 of 32 bytes
/// (<https://atproto.com/specs/data-model#link-and-cid-formats>).
const CID_OF_BYTES: [u8; 4] = [0x01, 0x55, 0x12, 0x20];

/// The identifier of the blob with these bytes.
pub(super) fn cid(bytes: &[u8]) -> String {
    let mut cid = CID_OF_BYTES.to_vec();
    cid.extend(Sha256::digest(bytes));
    let digits = base32::encode(base32::Alphabet::Rfc4648Lower { padding: false }, &cid);
    // The multibase prefix of base 32.
    format!("b{digits}")
}

/// A reference to a picture's blob, as records hold it:
/// <https://atproto.com/specs/data-model#blob-type>.
pub(super) fn reference(picture: Picture<'_>, link: &str) -> Value {
    json!({
        "$type": "blob",
        "ref": { "$link": link },
        "mimeType": picture.media_type.as_str(),
        "size": picture.bytes.len(),
    })
}

/// The identifier in a reference to a blob.
pub(super) fn link_of(blob: &Value) -> Option<&str> {
    blob.pointer("/ref/$link")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_called_as_the_data_model_says() {
        // Another implementation's form.
        for (bytes, expected) in [
            (
                &b""[..],
                "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
            ),
            (
                &b"Hello, World!\n"[..],
                "bafkreigjrqslm57p6regbl7kn5etxoxmloy4js5sbhdpyk53i73g74vnge",
            ),
        ] {
            assert_eq!(cid(bytes), expected);
        }
    }
}
