//! How the decoder is linked: over a memory that its host gives it, of a fixed size.

use std::error::Error;
use std::io::Write as _;
use std::{env, io};

/// All the memory there is, in bytes. src/decoder.js makes one of this size.
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
        // What overflows the stack leaves the memory, which traps, instead of
        // writing over other data.
        "--stack-first".to_owned(),
        // Up to here, memory is used without being allocated.
        "--export=__heap_base".to_owned(),
    ] {
        writeln!(out, "cargo::rustc-link-arg-cdylib={argument}")?;
    }
    Ok(())
}
