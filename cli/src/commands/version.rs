//! `sealgate version`.

use serde_json::json;

use crate::output;

/// Prints the version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
    match args.json {
        true => output::line(json!({ "gitVersion": format!("v{version}"), "platform": platform })),
        false => output::line(format_args!("sealgate {version} ({platform})")),
    }
}
