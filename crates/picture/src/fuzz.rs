//! Files with anything changed in them: each is read or refused, and soon.
//!
//! A short run is part of the tests, the same each time. A long one takes other
//! changes each time, and other files if there is a folder with them:
//!
//! ```console
//! $ node tests/pictures/write.js
//! $ FUZZ_SECONDS=600 FUZZ_FILES=target/pictures/good:target/pictures/hostile \
//!     cargo test --release -p picture fuzz -- --nocapture
//! ```
//!
//! What it finds is reduced and printed in base64; it belongs to the files of
//! `tests/pictures/hostile.js`.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::tests::small_files;
use super::*;

/// What is done to a file.
#[derive(Debug, Clone)]
enum Change {
    /// One bit is another one.
    Flip(Index, u8),
    /// Bytes are replaced.
    Set(Index, Vec<u8>),
    /// Bytes are put in between.
    Insert(Index, Vec<u8>),
    /// So many bytes are left out.
    Remove(Index, usize),
    /// Bytes from one place come again at another.
    Copy(Index, Index, usize),
    /// It ends there.
    Cut(Index),
    /// From there on, it is another file from somewhere on.
    Splice(Index, Index, Index),
}

/// A byte, or numbers that have been trouble: of one, two and four bytes, in both
/// orders.
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
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), value()).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        2 => (at(), value()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), 1_usize..64).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), at(), 1_usize..300).prop_map(|(from, to, length)| Change::Copy(from, to, length)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), at(), at()).prop_map(|(at, other, from)| Change::Splice(at, other, from)),
    ]
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>, others: &[Vec<u8>]) {
        // A place, or the end.
        let place = |at: &Index, file: &[u8]| at.index(file.len() + 1);
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
                file.drain(at..(at + length).min(file.len()));
            }
            Self::Copy(from, to, length) => {
                let (from, to) = (place(from, file), place(to, file));
                let copied = file[from..(from + length).min(file.len())].to_vec();
                file.splice(to..to, copied);
            }
            Self::Cut(at) => file.truncate(place(at, file)),
            Self::Splice(at, other, from) => {
                file.truncate(place(at, file));
                let other = other.get(others);
                file.extend_from_slice(&other[place(from, other)..]);
            }
        }
    }
}

/// Makes the checksums of a PNG file's chunks right again, without which nothing of
/// a changed chunk is read.
fn mend_checksums(file: &mut [u8]) {
    if !file.starts_with(b"\x89PNG\r\n\x1a\n") {
        return;
    }
    let (_, mut chunks) = file.split_at_mut(8);
    while let Some((length, rest)) = chunks.split_first_chunk_mut::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((body, rest)) = rest.split_at_mut_checked(length.saturating_add(4)) else {
            return;
        };
        let Some((checksum, rest)) = rest.split_first_chunk_mut::<4>() else {
            return;
        };
        *checksum = crc32fast::hash(body).to_be_bytes();
        chunks = rest;
    }
}

/// The files that are changed.
fn files() -> Vec<Vec<u8>> {
    /// Longer ones take the time of many.
    const LONGEST: u64 = 100_000;
    let made = small_files().into_iter().map(|(_, file)| file);
    let folders = env::var_os("FUZZ_FILES");
    // Tests run in the package's folder.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = folders
        .iter()
        .flat_map(env::split_paths)
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().len() <= LONGEST)
        .map(|entry| fs::read(entry.path()).unwrap());
    made.chain(found).collect()
}

/// The changes of a short run.
const CASES: u32 = 20_000;

#[test]
fn fuzz_any_change_is_read_or_refused_soon() {
    /// Little, so that no time goes into large pictures.
    const LIMITS: Limits = Limits { memory: 3_000_000 };
    /// How long one file may take.
    const LONGEST: Duration = Duration::from_secs(10);
    let files = files();
    let seconds = env::var("FUZZ_SECONDS").map(|seconds| seconds.parse().unwrap());
    let (end, mut rng) = match seconds {
        Ok(seconds) => (
            Some(Instant::now() + Duration::from_secs(seconds)),
            TestRng::from_seed(RngAlgorithm::ChaCha, &another_seed()),
        ),
        Err(_) => (None, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let changed = |which: &Index, changes: &[Change]| {
        let mut file = which.get(&files).clone();
        for change in changes {
            change.apply(&mut file, &files);
        }
        mend_checksums(&mut file);
        file
    };
    let strategy = (any::<Index>(), prop::collection::vec(change(), 1..8));
    let options = Options {
        side: 16,
        crop: Crop::default(),
        background: Colour::WHITE,
    };
    let mut runs: u64 = 0;
    loop {
        // A runner ends for good when it has made its cases.
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        rng = runner.new_rng();
        let result = runner.run(&strategy, |(which, changes)| {
            let file = changed(&which, &changes);
            let started = Instant::now();
            let square = square(&file, &options, LIMITS);
            if started.elapsed() > LONGEST {
                return Err(TestCaseError::fail("it takes too long"));
            }
            // A sentence, whatever the decoder says.
            if let Err(error) = square {
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
            }
            Ok(())
        });
        if let Err(TestError::Fail(why, (which, changes))) = &result {
            let file = BASE64_STANDARD.encode(changed(which, changes));
            panic!("{why}: {file}");
        }
        result.unwrap();
        runs += 1;
        if end.is_none_or(|end| Instant::now() >= end) {
            break;
        }
    }
    if seconds.is_ok() {
        say(&format!(
            "{} changes of {} files were read or refused",
            runs * u64::from(CASES),
            files.len()
        ));
    }
}

#[expect(clippy::print_stderr, reason = "what a long run came to")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Another one each time.
fn another_seed() -> [u8; 32] {
    let nanoseconds = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_nanos();
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&nanoseconds.to_le_bytes());
    seed
}
