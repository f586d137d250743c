//! Links the decoder to a memory of fixed size that its host provides.

use std::error::Error;
use std::io::Write as _;
use std::{env, io};

/// The size of the memory in bytes. src/decoder.js has the same number.
const MEMORY: u32 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    writeln!(out, "cargo::rerun-if-changed=build.rs")?;
    if env::var("CARGO_CFG_TARGET_ARCH")? != "wasm32" {
        return Ok(());
    }
    for argument in [
        "--import-memory".to_owned(),
        format!("--initial-memory={MEMORY}"),
        format!("--max-memory={MEMORY}"),
        // A stack overflow leaves the memory, which traps, instead of overwriting other data.
        "--stack-first".to_owned(),
        // The end of the memory that is used without being allocated.
        "--export=__heap_base".to_owned(),
    ] {
        writeln!(out, "cargo::rustc-link-arg-cdylib={argument}")?;
    }
    Ok(())
}
