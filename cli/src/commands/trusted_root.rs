//! `sealgate trusted-root create`: a `trusted_root.json` out of certificates and keys, as cosign's command makes it.

mod parts;

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use verifier::TrustRoot;

use crate::{
    exit::Failure,
    flags::boolean,
    private_file,
    service_spec::{Spec, with_times_as_written},
    trust_source,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Put a trusted root together from certificates and keys
    Create(Args),
}

/// Puts a trusted root together. Each service is a list of names and values, as `url=…,start-time=…`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A certificate authority: url, certificate-chain; optional: start-time, end-time
    #[arg(long, value_name = "SERVICE", env = "COSIGN_FULCIO")]
    fulcio: Vec<String>,
    /// A log of certificates: url, public-key, start-time; optional: end-time, origin
    #[arg(long, value_name = "SERVICE", env = "COSIGN_CTFE")]
    ctfe: Vec<String>,
    /// A transparency log: url, public-key, start-time; optional: end-time, origin
    #[arg(long, value_name = "SERVICE", env = "COSIGN_REKOR")]
    rekor: Vec<String>,
    /// A timestamp authority: url, certificate-chain; optional: start-time, end-time
    #[arg(long, value_name = "SERVICE", env = "COSIGN_TSA")]
    tsa: Vec<String>,
    /// Begin with the trusted root of the TUF mirror
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_WITH_DEFAULT_SERVICES")]
    with_default_services: bool,
    /// Leave out that root's certificate authorities
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_FULCIO")]
    no_default_fulcio: bool,
    /// Leave out that root's logs of certificates
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_CTFE")]
    no_default_ctfe: bool,
    /// Leave out that root's transparency logs
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_REKOR")]
    no_default_rekor: bool,
    /// Leave out that root's timestamp authorities
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_TSA")]
    no_default_tsa: bool,
    /// Where to write the trusted root, instead of standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUT")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(Command::Create(args): Command) -> Result<(), Failure> {
    let root = document(&args).await?.to_string();
    TrustRoot::parse_trusted_root(root.as_bytes())
        .map_err(|why| Failure::failed(format_args!("the trusted root would be of no use: {why}")))?;
    private_file::write_or_print(args.out.as_deref(), &root, "trusted root")
}

async fn document(args: &Args) -> Result<Value, Failure> {
    let defaults = match args.with_default_services {
        true => trust_source::trusted_root_document().await?,
        false => json!({}),
    };
    let known = |list: &str, without: bool| if without { Vec::new() } else { known(&defaults, list) };
    let lists = [
        ("tlogs", logs("--rekor", known("tlogs", args.no_default_rekor), &args.rekor)?),
        (AUTHORITIES, authorities(known(AUTHORITIES, args.no_default_fulcio), &args.fulcio, parts::authority)?),
        ("ctlogs", logs("--ctfe", known("ctlogs", args.no_default_ctfe), &args.ctfe)?),
        (CLOCKS, authorities(known(CLOCKS, args.no_default_tsa), &args.tsa, parts::clock)?),
    ];
    let mut document = json!({"mediaType": MEDIA_TYPE});
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        document[name] = list.into();
    }
    Ok(document)
}

/// What another trusted root says, in the words of version 0.1.
fn known(root: &Value, list: &str) -> Vec<Value> {
    let mut members = root[list].as_array().cloned().unwrap_or_default();
    for member in &mut members {
        if let Some(fields) = member.as_object_mut() {
            fields.retain(|name, _| name != "operator" && name != "checkpointKeyId");
        }
        if let Some(window) = member.pointer_mut(if member.get("publicKey").is_some() { KEY_WINDOW } else { WINDOW }) {
            *window = with_times_as_written(window.take());
        }
    }
    members
}

/// These logs, the oldest first. One that a flag names takes the place of one that is known by the same id.
fn logs(flag: &'static str, mut known: Vec<Value>, specs: &[String]) -> Result<Vec<Value>, Failure> {
    let mut named: Vec<Value> = Vec::new();
    for text in specs {
        let spec = Spec::parse(flag, text, &["url", "public-key", "start-time"], &["end-time", "origin"])?;
        let log = parts::log(&spec)?;
        if named.iter().any(|other| other["logId"] == log["logId"]) {
            return Err(spec.wrong(format_args!("log with key `{}` found twice, wanted once", spec.text("public-key"))));
        }
        known.retain(|other| other["logId"] != log["logId"]);
        named.push(log);
    }
    known.append(&mut named);
    Ok(oldest_first(known, KEY_WINDOW))
}

fn authorities(
    mut known: Vec<Value>,
    specs: &[String],
    read: fn(&str) -> Result<Value, Failure>,
) -> Result<Vec<Value>, Failure> {
    for spec in specs {
        known.push(read(spec)?);
    }
    Ok(oldest_first(known, WINDOW))
}

fn oldest_first(mut members: Vec<Value>, window: &str) -> Vec<Value> {
    let start = |member: &Value| -> Option<Timestamp> { member.pointer(window)?.get("start")?.as_str()?.parse().ok() };
    members.sort_by_key(|member| start(member).unwrap_or(Timestamp::UNIX_EPOCH));
    members
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const AUTHORITIES: &str = "certificateAuthorities";
const CLOCKS: &str = "timestampAuthorities";
const WINDOW: &str = "/validFor";
const KEY_WINDOW: &str = "/publicKey/validFor";
