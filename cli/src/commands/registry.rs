//! `sealgate registry`: the embedded registry.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use registry::serve::{Access, AccessLog, Account, Options, Storage};
use tokio::net::TcpListener;

use super::webhook::stopped;
use crate::{exit::Failure, flags::duration, output};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Serve a small registry with the referrers API and conditional PUT
    Serve(Serve),
}

/// Serves a small registry, for trying things, tests and edge hosts.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen; anything but loopback needs --username and a password
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
    /// Keep everything in this folder instead of in memory
    #[arg(long, value_name = "DIR")]
    storage: Option<PathBuf>,
    /// The one user that is let in
    #[arg(long, value_name = "USER", requires = "password")]
    username: Option<String>,
    /// The user's password
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "SEALGATE_REGISTRY_PASSWORD",
        requires = "username",
        hide_env_values = true
    )]
    password: Option<String>,
    /// Leave the referrers API away, as many registries do
    #[arg(long)]
    no_referrers: bool,
    /// Write a line for each request on standard error
    #[arg(long)]
    access_log: bool,
    /// Wait before each answer, to measure with
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    latency: Duration,
}

pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    let Command::Serve(args) = command;
    let options = Options {
        storage: args.storage.as_ref().map_or_else(Storage::memory, Storage::directory),
        account: args
            .username
            .as_ref()
            .zip(args.password.as_ref())
            .map(|(user, password)| Account::new(user, password)),
        referrers: !args.no_referrers,
        latency: args.latency,
        access_log: args.access_log.then(|| AccessLog::new(|access| tell(&access))),
        ..Options::default()
    };
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failure::failed(format_args!("cannot listen at {}: {error}", args.listen)))?;
    let stopped = stopped()?;
    output::note(format_args!("listening at {}", listener.local_addr()?));
    tokio::select! {
        served = registry::serve::serve(options, listener) => served.map_err(|error| {
            Failure::failed(error).hint("--username and --password let one user in, and nobody else")
        }),
        () = stopped => Ok(()),
    }
}

fn tell(access: &Access) {
    let target: String = access.target.chars().flat_map(char::escape_default).take(500).collect();
    output::note(format_args!("{} {target} {}", access.method, access.status.as_u16()));
}
