//! Content identifiers (CIDs) as the AT Protocol has them: version 1, SHA-256, base 32, of raw
//! bytes or of a record as DAG-CBOR.

use data_encoding::BASE64_NOPAD;
use hmac_sha256::Hash;
use ipld_core::cid::multihash::Multihash;
use ipld_core::cid::{Cid, Version};
use ipld_core::ipld::Ipld;
use serde_json::Value;

/// The multicodec of raw bytes.
const RAW: u64 = 0x55;
/// The multicodec of DAG-CBOR.
const DAG_CBOR: u64 = 0x71;
/// The multihash code of SHA-256.
const SHA_256: u64 = 0x12;

/// The CID of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    cid(RAW, bytes).to_string()
}

/// The CID of a record.
///
/// # Errors
///
/// If the record is outside the data model: a number with a fraction, a malformed link or bytes.
pub(crate) fn of_record(record: &Value) -> Result<String, String> {
    Ok(cid(DAG_CBOR, &encode(record)?).to_string())
}

fn cid(codec: u64, bytes: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA_256, &Hash::hash(bytes));
    Cid::new_v1(
        codec,
        hash.expect("a multihash holds 64 bytes, and SHA-256 has 32"),
    )
}

/// Reads a CID, if it is one of those above.
pub(crate) fn decode(text: &str) -> Option<Cid> {
    let cid: Cid = text.parse().ok()?;
    let is_known = cid.version() == Version::V1
        && matches!(cid.codec(), RAW | DAG_CBOR)
        && (cid.hash().code(), cid.hash().size()) == (SHA_256, 32);
    // Other bases, and base 32 in upper case, give another text.
    (is_known && cid.to_string() == text).then_some(cid)
}

/// Whether a text is the CID of bytes rather than of a record.
pub(crate) fn is_of_bytes(text: &str) -> bool {
    decode(text).is_some_and(|cid| cid.codec() == RAW)
}

/// Encodes a value as DAG-CBOR.
fn encode(value: &Value) -> Result<Vec<u8>, String> {
    serde_ipld_dagcbor::to_vec(&ipld(value)?).map_err(|error| error.to_string())
}

/// A value of the AT Protocol's data model, from JSON: `$link` is a CID, `$bytes` is base 64.
fn ipld(value: &Value) -> Result<Ipld, String> {
    Ok(match value {
        Value::Null => Ipld::Null,
        Value::Bool(value) => Ipld::Bool(*value),
        Value::Number(number) => Ipld::Integer(
            number
                .as_i128()
                .ok_or_else(|| format!("{number} is not a whole number"))?,
        ),
        Value::String(text) => Ipld::String(text.clone()),
        Value::Array(items) => Ipld::List(items.iter().map(ipld).collect::<Result<_, _>>()?),
        Value::Object(members) => {
            let only = |name| members.get(name).filter(|_| members.len() == 1);
            if let Some(link) = only("$link") {
                let cid = link.as_str().and_then(decode);
                Ipld::Link(cid.ok_or("a $link is not a CID of version 1 in base 32")?)
            } else if let Some(bytes) = only("$bytes") {
                let digits = bytes.as_str().map(|text| text.trim_end_matches('='));
                let bytes = digits.and_then(|text| BASE64_NOPAD.decode(text.as_bytes()).ok());
                Ipld::Bytes(bytes.ok_or("a $bytes is not base 64")?)
            } else {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), ipld(value)?)));
                Ipld::Map(members.collect::<Result<_, String>>()?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::json;

    use super::*;

    fn cbor(value: &Value) -> String {
        HEXLOWER.encode(&encode(value).unwrap())
    }

    #[test]
    fn identifiers_are_those_that_everybody_knows() {
        let empty = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        assert_eq!(of_bytes(b""), empty);
        let no_members = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
        assert_eq!(of_record(&json!({})).unwrap(), no_members);
        assert!(decode(empty).is_some() && decode(no_members).is_some());
        assert!(is_of_bytes(empty) && !is_of_bytes(no_members));
        for wrong in [
            "",
            "b",
            &empty[1..],
            &empty.to_uppercase(),
            &empty[..58],
            "bafy",
        ] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn values_are_written_as_rfc_8949_has_them() {
        for (value, expected) in [
            (json!(0), "00"),
            (json!(23), "17"),
            (json!(24), "1818"),
            (json!(1000), "1903e8"),
            (json!(1_000_000), "1a000f4240"),
            (json!(1_000_000_000_000_u64), "1b000000e8d4a51000"),
            (json!(-1), "20"),
            (json!(-1000), "3903e7"),
            (json!("ü"), "62c3bc"),
            (json!([1, [2, 3]]), "8201820203"),
            (json!({ "bb": 2, "c": 3, "a": 1 }), "a3616101616303626262"),
            (json!([true, false, null]), "83f5f4f6"),
            (json!({ "$bytes": "AQID" }), "43010203"),
        ] {
            let written = cbor(&value);
            if value.is_object() && value.get("bb").is_some() {
                assert!(written.starts_with(expected), "{written}");
                assert_eq!(written, "a361610161630362626202");
            } else {
                assert_eq!(written, expected);
            }
        }
        let link = json!({ "$link": of_bytes(b"") });
        assert!(cbor(&link).starts_with("d82a58250001551220e3b0c442"));
        for wrong in [
            json!(1.5),
            json!({ "$link": "x" }),
            json!({ "$bytes": "?" }),
        ] {
            assert!(of_record(&wrong).is_err());
        }
    }
}
