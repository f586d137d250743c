//! Files with a few changes in them.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, Selector};

/// A file. Its `Debug` form is base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(&self.0))
    }
}

/// Files with up to eight changes in each, and now and then bytes of pure chance. `mend` is
/// called last, for what no reader gets past, such as a checksum.
///
/// # Panics
/// When a file is made and there are no `files`.
pub fn changed(
    files: Vec<Vec<u8>>,
    mend: impl Fn(&mut Vec<u8>) + Clone + 'static,
) -> impl Strategy<Value = Bytes> {
    let changed = (any::<Selector>(), prop::collection::vec(change(), 0..=8));
    let changed = changed.prop_map(move |(which, changes)| {
        let mut file = which.select(&files).clone();
        for change in changes {
            change.apply(&mut file, &files);
        }
        mend(&mut file);
        Bytes(file)
    });
    let random = prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes);
    prop_oneof![19 => changed, 1 => random]
}

/// One change of a file.
#[derive(Debug, Clone)]
pub enum Change {
    /// Flips a bit.
    Flip(Index, u8),
    /// Replaces bytes.
    Set(Index, Vec<u8>),
    /// Inserts bytes.
    Insert(Index, Vec<u8>),
    /// Removes this many bytes.
    Remove(Index, usize),
    /// Copies this many bytes from one place to another.
    Copy(Index, Index, usize),
    /// Ends the file.
    Cut(Index),
    /// Goes on with another file from a place in it.
    Splice(Index, Box<Selector>, Index),
}

/// A byte or a few, or a number at a limit: of one, two or four bytes, in either order.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let number = prop::sample::select(vec![
        0_u32,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x3fff,
        0x7fff,
        0x8000,
        0xffff,
        0x10000,
        0xff_ffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fff0,
        0xffff_ffff,
    ]);
    prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        number.clone().prop_map(|n| n.to_be_bytes().to_vec()),
        number.clone().prop_map(|n| n.to_le_bytes().to_vec()),
        number.clone().prop_map(|n| n.to_be_bytes()[2..].to_vec()),
        number.prop_map(|n| n.to_le_bytes()[..2].to_vec()),
        prop::collection::vec(any::<u8>(), 1..9),
        // In texts.
        "[0-9]{1,20}".prop_map(String::into_bytes),
        "[ -~]{1,8}".prop_map(String::into_bytes),
    ]
}

/// Any change.
pub fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), value()).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        2 => (at(), value()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), 1_usize..64).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), at(), 1_usize..300)
            .prop_map(|(from, to, length)| Change::Copy(from, to, length)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), any::<Selector>(), at())
            .prop_map(|(at, other, from)| Change::Splice(at, Box::new(other), from)),
    ]
}

impl Change {
    /// Makes the change; `files` are those that a splice takes from.
    ///
    /// # Panics
    /// When it is a splice and there are no `files`.
    pub fn apply(&self, file: &mut Vec<u8>, files: &[Vec<u8>]) {
        // A byte's place, or the end.
        let place = |at: &Index, file: &[u8]| at.index(file.len().saturating_add(1));
        match self {
            Self::Flip(at, bit) => {
                let at = place(at, file);
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Set(at, bytes) => {
                let at = place(at, file);
                for (old, new) in file.iter_mut().skip(at).zip(bytes) {
                    *old = *new;
                }
            }
            Self::Insert(at, bytes) => {
                let at = place(at, file);
                file.splice(at..at, bytes.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = place(at, file);
                file.drain(at..at.saturating_add(*length).min(file.len()));
            }
            Self::Copy(from, to, length) => {
                let (from, to) = (place(from, file), place(to, file));
                let copied: Vec<u8> = file.iter().skip(from).take(*length).copied().collect();
                file.splice(to..to, copied);
            }
            Self::Cut(at) => file.truncate(place(at, file)),
            Self::Splice(at, other, from) => {
                file.truncate(place(at, file));
                let other = other.select(files);
                file.extend(other.iter().skip(place(from, other)));
            }
        }
    }
}
