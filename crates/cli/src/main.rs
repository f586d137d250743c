//! The command `rotate-icon`: renders and publishes frames, turns the icon from any machine, checks
//! settings, signs in, and simulates the networks. Each subcommand is a module that binds the core.

#![forbid(unsafe_code)]
// A command at a terminal may stop at an overflow; the core may not.
#![allow(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::string_slice))]

mod album;
mod animation;
mod client;
mod decoding;
mod doctor;
mod dotenv;
mod login;
mod private_file;
mod progress;
mod proxy;
mod publish;
mod remove_frames;
mod render;
mod rendered;
mod settings_source;
mod sheet;
mod simulate;
mod source;
mod state_file;
mod status;
mod text;
mod time_zones;
mod turn;
mod workspace;
mod wrangler_config;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Frames are allocated and freed by the hundred kilobytes. The system's allocator returns such
/// blocks to the kernel each time, which took a fifth of the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Turns a profile picture like the hour hand of a clock.
///
/// The picture, the icon, is rendered once as a set of turned copies, the frames. A
/// Cloudflare Worker sends the frame of the hour to X, Bluesky or Mastodon. This command
/// renders the frames and publishes them for the Worker, or does the Worker's job from any
/// machine.
///
/// `rotate-icon doctor` checks the settings, and `rotate-icon publish ICON --remote`
/// publishes an icon. To try everything without an account, run `npm start` in the
/// project's folder.
#[derive(Parser)]
#[command(name = "rotate-icon", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Render(render::Render),
    Publish(publish::Publish),
    Turn(turn::Turn),
    Doctor(doctor::Doctor),
    Login(login::Login),
    RemoveFrames(remove_frames::RemoveFrames),
    Simulate(simulate::Simulate),
}

#[tokio::main]
async fn main() -> ExitCode {
    decoding::silence_guarded_panics();
    let result = match Cli::try_parse()
        .unwrap_or_else(|error| refuse(&error))
        .command
    {
        Command::Render(options) => render::run(&options).map(done),
        Command::Publish(options) => publish::run(options).await,
        Command::Turn(options) => turn::run(options).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Login(options) => login::run(&options).await,
        Command::RemoveFrames(options) => remove_frames::run(&options).await,
        Command::Simulate(options) => simulate::run(options).await.map(done),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Reports an invalid command line, or prints the help or version that was asked for, and exits.
fn refuse(error: &clap::Error) -> Cli {
    // Without clap's colours if an argument, such as a file name, contains escape sequences.
    let is_plain = |word: std::ffi::OsString| text::shown(word.as_ref()) == word.to_string_lossy();
    if !std::env::args_os().all(is_plain) {
        complain(error.to_string().trim_end());
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// The exit status of a subcommand that reports failure by an error alone.
fn done(_: ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// Prints what is wrong to standard error.
#[allow(clippy::print_stderr)]
fn complain(text: &str) {
    eprintln!("rotate-icon: {}", text::harmless(text));
}

/// Prints a message to standard output.
#[allow(clippy::print_stdout)]
fn say(text: &str) {
    println!("{}", text::harmless(text));
}
