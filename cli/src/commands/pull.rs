//! `sealgate pull`: `docker pull`, with the policy asked first.

mod show;

use std::{env, io::IsTerminal as _, path::PathBuf};

use gate::{Door, Request};
use host::{Daemon, DockerHost, Wanted};
use oci::{ImageRef, PinnedRef};
use policy::Verdict;

use crate::{
    exit::Failure,
    flags::{
        policy::PolicyFlags,
        registry::{RegistryFlags, docker_folder},
    },
    output,
};

/// Judges an image, has the Docker daemon pull exactly the digest that was judged, and tags it as asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// Print only the image's name
    #[arg(short, long)]
    quiet: bool,
    /// Pull for this platform if the image has several: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", env = "DOCKER_DEFAULT_PLATFORM")]
    platform: Option<String>,
    /// Write the image to an OCI layout, `oci:DIR`, instead of a daemon
    #[arg(long, value_name = "oci:DIR", value_parser = layout)]
    to: Option<PathBuf>,
    /// The daemon's address, unix://PATH or tcp://HOST:PORT
    #[arg(short = 'H', long, value_name = "HOST")]
    host: Option<String>,
    /// The daemon's context
    #[arg(short, long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    registry: RegistryFlags,
}

fn layout(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("oci:") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(format!("`{text}` found, wanted oci:DIR")),
    }
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let image: ImageRef =
        args.image.parse().map_err(|why| Failure::failed(format_args!("image `{}`: {why}", args.image)))?;
    if image.tag().is_none() && image.digest().is_none() && !args.quiet {
        output::line("Using default tag: latest");
    }
    let pinned = judge(&args, &image).await?;
    match &args.to {
        Some(folder) => to_layout(&args, &image, &pinned, folder).await?,
        None => to_daemon(&args, &image, &pinned).await?,
    }
    output::line(name(&image));
    Ok(())
}

/// The image by the digest that the policy allows. What cannot be pinned is not pulled.
async fn judge(args: &Args, image: &ImageRef) -> Result<PinnedRef, Failure> {
    let gate = args.policy.gate_for(std::slice::from_ref(image), &args.registry).await?;
    let request = Request {
        image: image.clone(),
        object: None,
        door: Door::Pull,
        asked_by: env::var("USER").unwrap_or_default(),
        // A variable is not who somebody is.
        user: None,
        namespace: None,
        deadline: args.registry.timeout,
    };
    let judged = gate.check(&request).await.map_err(|error| {
        let failure = Failure::failed(format_args!("could not decide about `{}`", image.familiar()));
        Failure { hint: error.hint(), ..failure.details(vec![error.to_string()]) }
    })?;
    let said: Vec<String> = gate::lines(&judged.verdict).iter().map(|line| line.trim().to_owned()).collect();
    match (&judged.verdict, judged.pinned) {
        (Verdict::Deny(_), _) => {
            Err(Failure::failed(format_args!("image `{}` is refused by policy", image.familiar())).details(said))
        }
        (Verdict::Allow(_), None) => {
            Err(Failure::failed(format_args!("image `{}` cannot be resolved", image.familiar())).details(said))
        }
        (Verdict::Allow(_), Some(pinned)) => {
            output::note(format_args!("Verified {}", pinned.digest()));
            said.iter().for_each(|line| output::note(format_args!("  {line}")));
            Ok(pinned)
        }
    }
}

async fn to_daemon(args: &Args, image: &ImageRef, pinned: &PinnedRef) -> Result<(), Failure> {
    let set = |name| env::var(name).ok();
    let wanted = Wanted {
        context_flag: args.context.clone(),
        host_flag: args.host.clone(),
        host_variable: set("DOCKER_HOST"),
        context_variable: set("DOCKER_CONTEXT"),
        config_folder: docker_folder(),
    };
    let host = DockerHost::find(&wanted).map_err(Failure::failed)?;
    let daemon = Daemon::connect(&host).await.map_err(Failure::failed)?;
    let credential = args.registry.credentials().lookup(pinned.repository().domain()).await.map_err(Failure::failed)?;
    let credential = credential.map(|(credential, _)| credential);
    let mut progress = show::Progress::new(args.quiet, std::io::stdout().is_terminal());
    let pulled = daemon.pull(image, pinned, args.platform.as_deref(), credential.as_ref(), |e| progress.event(e)).await;
    progress.end();
    // The daemon's words are printed as Docker's CLI prints them.
    pulled.map_err(Failure::failed)
}

async fn to_layout(args: &Args, image: &ImageRef, pinned: &PinnedRef, folder: &std::path::Path) -> Result<(), Failure> {
    let client = args.registry.client([image])?;
    let (platform, patience) = (args.platform.as_deref(), args.registry.timeout);
    let copied = host::copy_to_layout(&client, image, pinned, platform, folder, patience).await;
    let copied = copied.map_err(Failure::failed)?;
    if !args.quiet {
        output::line(format_args!("Digest: {}", pinned.digest()));
        output::line(format_args!("Status: {} blobs written to {}", copied, folder.display()));
    }
    Ok(())
}

/// The last line of `docker pull`.
fn name(image: &ImageRef) -> String {
    match image.effective_tag() {
        Some(tag) => format!("{}:{tag}", image.repository()),
        None => image.to_string(),
    }
}
