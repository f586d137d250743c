//! A local stand-in for X, Bluesky and Mastodon that is stricter than they are and says, to the
//! person in front of it, exactly what was wrong.
//!
//! It judges what this project sends, so it shares no code with what sends it and reads the
//! specifications (RFC 5849, AT Protocol, Mastodon's API) for itself, with other crates.

#![forbid(unsafe_code)]
// A person's own machine may stop at an overflow.
#![allow(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::string_slice))]

mod answer;
mod bluesky;
mod clock;
mod connection;
mod control;
mod faults;
mod form;
mod incoming;
mod mastodon;
mod network;
mod page;
mod payload;
mod picture;
mod random;
mod rate_limit;
mod received;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod x;

use std::future::Future;
use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::builder::NonEmptyStringValueParser;
use tokio::net::TcpListener;

use self::clock::{Clock, WIDEST_OFFSET};
use self::faults::Queued;
use self::state::{Accounts, Simulator};

/// Run local stand-ins for X, Bluesky and Mastodon, which check each request.
///
/// They are stricter than the real networks are known to be, about signatures and
/// tokens, limits, the body and the picture. The page at `/` shows what they received.
/// They fail on demand, by `--fault` or by a request to `/simulator/faults`.
#[derive(clap::Args)]
pub struct Simulate {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 8788)]
    port: u16,

    /// Answer to this Host header too, as a proxy in front sends it; may be repeated
    #[arg(long = "allow-host", value_name = "HOST[:PORT]")]
    allowed_hosts: Vec<String>,

    /// The API key (consumer key) that is accepted
    #[arg(
        long,
        env = "API_KEY",
        hide_env_values = true,
        default_value = "local-api-key",
        value_parser = NonEmptyStringValueParser::new()
    )]
    api_key: String,

    /// The secret of the API key; better given by the environment than on the command line
    #[arg(
        long,
        env = "API_KEY_SECRET",
        hide_env_values = true,
        default_value = "local-api-key-secret",
        value_parser = NonEmptyStringValueParser::new()
    )]
    api_key_secret: String,

    /// The access token that is accepted
    #[arg(
        long,
        env = "ACCESS_TOKEN",
        hide_env_values = true,
        default_value = "1-local-access-token",
        value_parser = NonEmptyStringValueParser::new()
    )]
    access_token: String,

    /// The secret of the access token; better given by the environment than on the command line
    #[arg(
        long,
        env = "ACCESS_TOKEN_SECRET",
        hide_env_values = true,
        default_value = "local-access-token-secret",
        value_parser = NonEmptyStringValueParser::new()
    )]
    access_token_secret: String,

    /// The handle, DID or e-mail address of the account on Bluesky
    #[arg(
        long,
        env = "BLUESKY_IDENTIFIER",
        hide_env_values = true,
        default_value = "local.test",
        value_parser = NonEmptyStringValueParser::new()
    )]
    bluesky_identifier: String,

    /// The app password for Bluesky; better given by the environment than on the command line
    #[arg(
        long,
        env = "BLUESKY_APP_PASSWORD",
        hide_env_values = true,
        default_value = "loca-lapp-pass-word",
        value_parser = NonEmptyStringValueParser::new()
    )]
    bluesky_app_password: String,

    /// Start with an account on Bluesky that has no profile record yet
    #[arg(long)]
    bluesky_without_profile: bool,

    /// The access token for Mastodon; better given by the environment than on the command line
    #[arg(
        long,
        env = "MASTODON_ACCESS_TOKEN",
        hide_env_values = true,
        default_value = "local-mastodon-token",
        value_parser = NonEmptyStringValueParser::new()
    )]
    mastodon_access_token: String,

    /// What the token for Mastodon is good for, with spaces between the scopes
    #[arg(
        long,
        value_name = "SCOPES",
        default_value = "read:accounts write:accounts"
    )]
    mastodon_scopes: String,

    /// The make of the server that Mastodon's API is offered by: what it says when it refuses, and
    /// how it takes pictures
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    mastodon_software: mastodon::Software,

    /// Answer with this fault from the start; may be repeated (--help lists the faults)
    #[arg(long = "fault", value_name = "[NETWORK:]NAME[@ENDPOINT][*TIMES]", long_help = faults::help())]
    faults: Vec<Queued>,

    /// Shift this stand-in's idea of the time, its Date header included
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(-WIDEST_OFFSET..=WIDEST_OFFSET)
    )]
    clock_offset: i64,

    /// How many received requests are kept; the oldest are dropped
    #[arg(long, value_name = "N", default_value = "100")]
    keep: NonZeroUsize,
}

/// Listens, prints the address on one line, and judges requests until the process is asked to end.
///
/// # Errors
///
/// When the address cannot be listened on, or standard output cannot be written to.
pub async fn run(options: Simulate) -> anyhow::Result<()> {
    let listener = listen(&options.host, options.port).await?;
    let address = listener
        .local_addr()
        .context("the address listened on is unknown")?;
    let simulator = Arc::new(Simulator::new(
        Accounts {
            x: x::Keys {
                consumer_key: options.api_key,
                consumer_secret: options.api_key_secret,
                token: options.access_token,
                token_secret: options.access_token_secret,
            },
            bluesky: bluesky::Login {
                identifier: options.bluesky_identifier,
                password: options.bluesky_app_password,
                with_profile: !options.bluesky_without_profile,
            },
            mastodon: mastodon::Grant {
                token: options.mastodon_access_token,
                scopes: options.mastodon_scopes,
                software: options.mastodon_software,
            },
        },
        Clock::with_offset(options.clock_offset),
        options.faults,
        options.keep,
        Box::new(std::io::stdout()),
    ));
    // Asked for before the line is printed: who has read the line may end this at once.
    let end = end_asked_for().context("the signals that end this cannot be heard")?;

    let mut output = std::io::stdout().lock();
    writeln!(output, "simulate is listening on http://{address}")
        .and_then(|()| output.flush())
        .context("standard output cannot be written to")?;
    drop(output);

    server::serve(listener, simulator, &options.allowed_hosts, end)
        .await
        .context("the stand-in for the networks stopped")
}

/// Listens on the address, or says in one line why that is not possible.
async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port))
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!(
                "port {port} on {host} is already taken: choose another one with --port \
                 (--port 0 takes any free one)"
            ),
            ErrorKind::PermissionDenied => anyhow!(
                "port {port} on {host} may not be used by this user: choose one above 1023 \
                 with --port"
            ),
            _ => anyhow!("cannot listen on {host} port {port} ({error}): see --host and --port"),
        })
}

/// Hears Ctrl-C and, where there is such a thing, SIGTERM. From this call on neither of them ends
/// the process by itself.
#[cfg(unix)]
fn end_asked_for() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Hears Ctrl-C.
#[cfg(not(unix))]
fn end_asked_for() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
