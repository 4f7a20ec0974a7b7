//! `sealgate webhook`: the Kubernetes door.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use gate::DecisionLog;
use webhook::{Tls, Webhook};

use crate::{
    exit::Failure,
    flags::{duration, policy::PolicyFlags, registry::RegistryFlags},
    output,
};

/// Answers admission reviews at /mutate and /validate, over HTTPS.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Certificate chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Without --tls-cert: a name or address that the certificate made is for (may be repeated)
    #[arg(long, value_name = "NAME", conflicts_with = "tls_cert")]
    tls_name: Vec<String>,
    /// Without --tls-cert: write the authority that signed the certificate here, for caBundle
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert")]
    ca_out: Option<PathBuf>,
    /// Answer only callers with a certificate by this authority, PEM: the API server, and whoever probes or scrapes
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// How long the last good policy outlives files that do not load
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration::parse)]
    stale_policy_grace: Duration,
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

/// Several reviews at a time, so several threads.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args))
}

async fn serve(args: Args) -> Result<(), Failure> {
    tracing_subscriber::fmt().json().with_writer(io::stderr).init();
    let log = DecisionLog::lines(Box::new(io::stdout()));
    let (gate, folder) = args.policy.gate_for_strangers(&args.registry, log, args.stale_policy_grace).await?;
    let tls = tls(&args).await?;
    let tls = match &args.client_ca {
        Some(authority) => tls.with_client_authority(authority).await.map_err(Failure::failed)?,
        None => tls,
    };
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| Failure::failed(format_args!("cannot listen at {}: {error}", args.listen)))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let stopped = stopped()?;
    output::note(format_args!("serving admission reviews at https://{address}"));
    let router = webhook::router(Webhook::new(gate.clone()));
    tokio::select! {
        served = webhook::serve(listener, tls, router, stopped) => Ok(served?),
        // It ends only if it cannot go on, and nobody would see a policy change any more.
        () = folder.follow(gate) => Err(Failure::failed("policies are no longer followed")),
    }
}

async fn tls(args: &Args) -> Result<Tls, Failure> {
    if let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) {
        return Tls::from_files(cert, key).await.map_err(Failure::failed);
    }
    let tls = Tls::own(&args.tls_name).map_err(Failure::failed)?;
    let authority = tls.authority().unwrap_or_default();
    match &args.ca_out {
        Some(path) => std::fs::write(path, authority)?,
        None => output::note(format_args!("the certificate is signed by this authority:\n{authority}")),
    }
    Ok(tls)
}

/// Listens from now on for being told to end; what is returned ends then. Called before anybody can know that the process
/// serves: whoever ends it at once must find it listening.
pub(crate) fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
