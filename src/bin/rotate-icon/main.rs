//! The command `rotate-icon`: renders and publishes frames, and simulates the networks.
//! native only; each subcommand is a module that binds the core.

// What a person runs at a terminal may stop at an overflow; the core may not.
#![allow(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::string_slice))]

mod album;
mod animation;
mod progress;
mod publish;
mod render;
mod sheet;
mod simulate;
mod source;
mod text;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Frames come and go by the hundred kilobyte. The system's allocator gives
/// such pieces back to the kernel each time, which cost a fifth of the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Turns a profile picture like the hour hand of a clock.
///
/// A Cloudflare Worker sends the frame of the hour to X; this command makes the
/// frames, puts them where the Worker finds them, and stands in for the networks
/// on a laptop.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Render(render::Render),
    Publish(publish::Publish),
    Simulate(simulate::Simulate),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Render(options) => render::run(&options),
        Command::Publish(options) => publish::run(&options),
        Command::Simulate(options) => simulate::run(options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The one place where the command reports an error.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("rotate-icon: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Tells the person at the terminal.
#[allow(clippy::print_stdout)]
fn say(text: &str) {
    println!("{text}");
}
