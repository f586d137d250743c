//! Inputs for the fuzz targets of the other packages, on stable Rust.
//!
//! A fuzz target is a test that calls [`fuzz`]. In `cargo test` it is short, and the same each
//! time. `npm run fuzz` sets [`SECONDS`]: then it runs that long, on other inputs each time.

#![forbid(unsafe_code)]

mod change;

use std::env;
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, RngAlgorithm, TestCaseError, TestCaseResult, TestError, TestRng, TestRunner,
};

pub use change::{Bytes, Change, change, changed};

/// The environment variable with the seconds that each target runs.
pub const SECONDS: &str = "FUZZ_SECONDS";

/// The longest time that one input may take.
const LONGEST: Duration = Duration::from_secs(10);

/// Checks `cases` inputs of a strategy, or as many as fit into the time that [`SECONDS`] sets.
///
/// # Panics
/// When `check` fails, panics or takes too long. The message has the input, which is made as
/// simple as possible first.
#[expect(clippy::panic, reason = "a test fails by it")]
pub fn fuzz<S>(cases: u32, strategy: &S, check: impl Fn(&S::Value) -> TestCaseResult)
where
    S: Strategy<Value: Debug>,
{
    let time = env::var(SECONDS).ok().map(|text| match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(error) => panic!("{SECONDS} has to be a whole number, not {text:?}: {error}"),
    });
    let mut rng = match time {
        Some(_) => TestRng::from_seed(RngAlgorithm::ChaCha, &new_seed()),
        None => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let started = Instant::now();
    let mut checked: u64 = 0;
    loop {
        // A runner is done for good after its cases.
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        rng = runner.new_rng();
        let result = runner.run(strategy, |input| {
            let started = Instant::now();
            check(&input)?;
            if started.elapsed() > LONGEST {
                return Err(TestCaseError::fail("it takes too long"));
            }
            Ok(())
        });
        match result {
            Ok(()) => checked = checked.saturating_add(cases.into()),
            Err(TestError::Fail(why, input)) => panic!("{why}\nwith the input {input:?}"),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
        if time.is_none_or(|time| started.elapsed() >= time) {
            break;
        }
    }
    if time.is_some() {
        say(&format!("{checked} inputs checked"));
    }
}

#[expect(clippy::print_stderr, reason = "the result of a long run")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// A seed from the clock.
fn new_seed() -> [u8; 32] {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let mut seed = [0; 32];
    for (to, from) in seed.iter_mut().zip(since_1970.as_nanos().to_le_bytes()) {
        *to = from;
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[should_panic(expected = "with the input 1000")]
    fn an_input_that_fails_is_shown_in_its_simplest_form() {
        fuzz(1_000, &(0_u32..1_000_000), |input| {
            prop_assert!(*input < 1_000);
            Ok(())
        });
    }

    #[test]
    fn changes_reach_every_byte_and_length() {
        let file = b"0123456789".to_vec();
        let seen = std::cell::RefCell::new(std::collections::HashSet::new());
        fuzz(
            2_000,
            &changed(vec![file.clone()], |_| ()),
            |Bytes(bytes)| {
                let mut seen = seen.borrow_mut();
                seen.insert((0, bytes.len()));
                seen.extend(
                    (0..file.len())
                        .filter(|at| bytes.get(*at) != file.get(*at))
                        .map(|at| (1, at)),
                );
                Ok(())
            },
        );
        let seen = seen.into_inner();
        for n in 0..file.len() {
            assert!(seen.contains(&(0, n)) && seen.contains(&(1, n)), "{n}");
        }
    }
}
