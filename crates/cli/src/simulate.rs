//! `rotate-icon simulate`: lets the library `simulator` listen on a port of this machine.
//!
//! The library judges and answers; what belongs to a connection is here.

mod connection;
mod guard;
mod server;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;

use anyhow::{Context, anyhow};
use clap::builder::TypedValueParser;
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser};
use simulator::{
    BlueskyLogin, MastodonGrant, MastodonSoftware, NamedMastodon, Options, QueuedFault, Simulator,
    WIDEST_OFFSET, XKeys,
};
use tokio::net::TcpListener;

use self::guard::AllowedHosts;
use self::server::Server;

/// Run local stand-ins for X, Bluesky and Mastodon, which check each request.
///
/// They check signatures and tokens, limits, bodies and pictures more strictly than the real
/// networks are known to. The page at `/` shows what they received. They fail on demand, by
/// `--fault` or by a request to `/simulator/faults`.
#[derive(clap::Args)]
pub(crate) struct Simulate {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 8788)]
    port: u16,

    /// Answer to this Host header too, as a proxy in front sends it; may be repeated
    #[arg(long = "allow-host", value_name = "HOST[:PORT]")]
    allowed_hosts: Vec<String>,

    /// The accepted API key (consumer key)
    #[arg(
        long,
        env = "API_KEY",
        hide_env_values = true,
        default_value_t = XKeys::default().consumer_key,
        value_parser = NonEmptyStringValueParser::new()
    )]
    api_key: String,

    /// The secret of the API key; better set in the environment than on the command line
    #[arg(
        long,
        env = "API_KEY_SECRET",
        hide_env_values = true,
        default_value_t = XKeys::default().consumer_secret,
        value_parser = NonEmptyStringValueParser::new()
    )]
    api_key_secret: String,

    /// The accepted access token
    #[arg(
        long,
        env = "ACCESS_TOKEN",
        hide_env_values = true,
        default_value_t = XKeys::default().token,
        value_parser = NonEmptyStringValueParser::new()
    )]
    access_token: String,

    /// The secret of the access token; better set in the environment than on the command line
    #[arg(
        long,
        env = "ACCESS_TOKEN_SECRET",
        hide_env_values = true,
        default_value_t = XKeys::default().token_secret,
        value_parser = NonEmptyStringValueParser::new()
    )]
    access_token_secret: String,

    /// The handle, DID or e-mail address of the account on Bluesky
    #[arg(
        long,
        env = "BLUESKY_IDENTIFIER",
        hide_env_values = true,
        default_value_t = BlueskyLogin::default().identifier,
        value_parser = NonEmptyStringValueParser::new()
    )]
    bluesky_identifier: String,

    /// The app password for Bluesky; better set in the environment than on the command line
    #[arg(
        long,
        env = "BLUESKY_APP_PASSWORD",
        hide_env_values = true,
        default_value_t = BlueskyLogin::default().password,
        value_parser = NonEmptyStringValueParser::new()
    )]
    bluesky_app_password: String,

    /// Start with an account on Bluesky that has no profile record yet
    #[arg(long)]
    bluesky_without_profile: bool,

    /// The access token for Mastodon; better set in the environment than on the command line
    #[arg(
        long,
        env = "MASTODON_ACCESS_TOKEN",
        hide_env_values = true,
        default_value_t = MastodonGrant::default().token,
        value_parser = NonEmptyStringValueParser::new()
    )]
    mastodon_access_token: String,

    /// The scopes of the token for Mastodon, separated by spaces
    #[arg(
        long,
        value_name = "SCOPES",
        default_value_t = MastodonGrant::default().scopes
    )]
    mastodon_scopes: String,

    /// The server software behind Mastodon's API: how it refuses requests and handles pictures
    #[arg(long, value_name = "NAME", value_parser = software(), default_value_t)]
    mastodon_software: MastodonSoftware,

    /// Also be this server, by its Host header; may be repeated (--help lists the kinds)
    ///
    /// People sign in to it by OAuth: ada, grace, hedy and any person-N. The kinds are
    /// mastodon-4.2, mastodon-4.3, gotosocial, pixelfed and pleroma. With `handles`, its people
    /// are called @name@DOMAIN, and DOMAIN answers nothing but host-meta and webfinger. The server
    /// calls itself by https and HOST: send requests for it here, with that Host header. This
    /// listener's own address is such a server too, of the kind mastodon-4.3. Change servers
    /// with PATCH /simulator/mastodon/servers, and issue tokens with
    /// POST /simulator/mastodon/tokens.
    #[arg(long = "mastodon-server", value_name = "HOST=KIND[,handles=DOMAIN]")]
    mastodon_servers: Vec<NamedMastodon>,

    /// Answer with this fault from the start; may be repeated (--help lists the faults)
    #[arg(
        long = "fault",
        value_name = "[NETWORK:]NAME[@ENDPOINT][*TIMES]",
        long_help = simulator::fault_help()
    )]
    faults: Vec<QueuedFault>,

    /// Shift the simulator's clock, its Date header included
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i64).range(-WIDEST_OFFSET..=WIDEST_OFFSET)
    )]
    clock_offset: i64,

    /// How many received requests to keep; the oldest are dropped
    #[arg(long, value_name = "N", default_value = "100")]
    keep: NonZeroUsize,
}

/// Takes the name of server software.
fn software() -> impl TypedValueParser<Value = MastodonSoftware> {
    let names = MastodonSoftware::ALL
        .map(|software| PossibleValue::new(software.name()).help(software.description()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<MastodonSoftware>())
}

impl Simulate {
    fn simulator(self) -> anyhow::Result<Simulator> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("the system gave no random bytes")?;
        Ok(Simulator::new(Options {
            x: XKeys {
                consumer_key: self.api_key,
                consumer_secret: self.api_key_secret,
                token: self.access_token,
                token_secret: self.access_token_secret,
            },
            bluesky: BlueskyLogin {
                identifier: self.bluesky_identifier,
                password: self.bluesky_app_password,
                with_profile: !self.bluesky_without_profile,
            },
            mastodon: MastodonGrant {
                token: self.mastodon_access_token,
                scopes: self.mastodon_scopes,
                software: self.mastodon_software,
            },
            mastodon_servers: self.mastodon_servers,
            faults: self.faults,
            clock_offset: self.clock_offset,
            keep: self.keep,
            seed,
        }))
    }
}

/// Listens, prints the address on one line, and answers requests until the process is asked to end.
///
/// # Errors
///
/// If the address cannot be listened on, or standard output cannot be written to.
pub(crate) async fn run(options: Simulate) -> anyhow::Result<()> {
    let listener = listen(&options.host, options.port).await?;
    let address = listener
        .local_addr()
        .context("the address of the listener is unknown")?;
    let servers = options.mastodon_servers.iter();
    let allowed = AllowedHosts {
        exactly: options.allowed_hosts.clone(),
        with_any_port: servers
            .flat_map(NamedMastodon::hosts)
            .map(str::to_owned)
            .collect(),
    };
    let server = Server::new(options.simulator()?, Box::new(std::io::stdout()));
    // Before the line is printed: whoever has read it may end the process at once.
    let end = end_requested().context("signals cannot be received")?;

    let mut output = std::io::stdout().lock();
    writeln!(output, "simulate is listening on http://{address}")
        .and_then(|()| output.flush())
        .context("standard output cannot be written to")?;
    drop(output);

    server
        .serve(listener, &allowed, end)
        .await
        .context("the simulator stopped")
}

/// Listens on an address. The error says in one line why that is not possible.
async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port))
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!(
                "port {port} on {host} is already taken: choose another one with --port \
                 (--port 0 takes any free one)"
            ),
            ErrorKind::PermissionDenied => anyhow!(
                "this user may not listen on port {port} of {host}: choose one above 1023 with \
                 --port"
            ),
            _ => anyhow!("cannot listen on {host} port {port} ({error}): see --host and --port"),
        })
}

/// Waits for Ctrl-C or SIGTERM. From the call on, neither ends the process by itself.
#[cfg(unix)]
fn end_requested() -> std::io::Result<impl Future<Output = ()>> {
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

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn end_requested() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
