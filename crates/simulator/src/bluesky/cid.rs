//! Content identifiers: version 1, SHA-256, in base 32, of raw bytes and of records as DAG-CBOR.

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// The codec of raw bytes.
const RAW: u8 = 0x55;
/// The codec of DAG-CBOR.
const DAG_CBOR: u8 = 0x71;
/// Before the digest: the hash function (SHA-256) and the length of a digest.
const MULTIHASH: [u8; 2] = [0x12, 0x20];

/// The identifier of bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    identifier(RAW, bytes)
}

/// The identifier of a record, or why it has none.
pub(super) fn of_record(record: &Value) -> Result<String, String> {
    let mut cbor = Vec::new();
    write(record, &mut cbor)?;
    Ok(identifier(DAG_CBOR, &cbor))
}

fn identifier(codec: u8, bytes: &[u8]) -> String {
    let mut binary = vec![1, codec];
    binary.extend(MULTIHASH);
    binary.extend(digest(&SHA256, bytes).as_ref());
    format!("b{}", BASE32_NOPAD.encode(&binary).to_ascii_lowercase())
}

/// The bytes of an identifier, if it is one of those above.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix('b')?;
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let binary = BASE32_NOPAD
        .decode(digits.to_ascii_uppercase().as_bytes())
        .ok()?;
    let known = matches!(binary.get(..4), Some([1, RAW | DAG_CBOR, 0x12, 0x20]));
    (known && binary.len() == 36).then_some(binary)
}

/// Whether a text is the identifier of bytes, not of a record.
pub(super) fn is_of_bytes(text: &str) -> bool {
    decode(text).is_some_and(|binary| binary.get(1) == Some(&RAW))
}

/// Writes a value of AT Protocol's data model as DAG-CBOR.
fn write(value: &Value, cbor: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Null => cbor.push(0xf6),
        Value::Bool(false) => cbor.push(0xf4),
        Value::Bool(true) => cbor.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(0, number, cbor),
            (None, Some(number)) => head(1, !number.cast_unsigned(), cbor),
            (None, None) => return Err(format!("{number} is not a whole number")),
        },
        Value::String(text) => {
            head(3, text.len() as u64, cbor);
            cbor.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, cbor);
            for item in items {
                write(item, cbor)?;
            }
        }
        Value::Object(members) => write_object(members, cbor)?,
    }
    Ok(())
}

fn write_object(members: &Map<String, Value>, cbor: &mut Vec<u8>) -> Result<(), String> {
    let only = |name| members.get(name).filter(|_| members.len() == 1);
    if let Some(link) = only("$link") {
        let binary = link
            .as_str()
            .and_then(decode)
            .ok_or("a $link is not a CID of version 1 in base 32")?;
        head(6, 42, cbor);
        // One more byte, which says that what follows is binary.
        head(2, binary.len() as u64 + 1, cbor);
        cbor.push(0);
        cbor.extend(binary);
        return Ok(());
    }
    if let Some(bytes) = only("$bytes") {
        let bytes = bytes
            .as_str()
            .and_then(|text| {
                BASE64_NOPAD
                    .decode(text.trim_end_matches('=').as_bytes())
                    .ok()
            })
            .ok_or("a $bytes is not base 64")?;
        head(2, bytes.len() as u64, cbor);
        cbor.extend(bytes);
        return Ok(());
    }
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
    head(5, sorted.len() as u64, cbor);
    for (name, value) in sorted {
        head(3, name.len() as u64, cbor);
        cbor.extend(name.as_bytes());
        write(value, cbor)?;
    }
    Ok(())
}

/// The head of an item (RFC 8949 §3): its major type and its argument, as short as possible.
fn head(major: u8, argument: u64, cbor: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    let (marker, length) = match argument {
        0..24 => {
            let [.., last] = bytes;
            cbor.push(major | last);
            return;
        }
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    cbor.push(major | marker);
    cbor.extend(bytes.iter().skip(8 - length));
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::json;

    use super::*;

    fn cbor(value: &Value) -> String {
        let mut cbor = Vec::new();
        write(value, &mut cbor).unwrap();
        HEXLOWER.encode(&cbor)
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
