//! `sealgate signing-config create`: a `signing_config.json` that names services, as cosign's command makes it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signer::SigningConfig;

use crate::{
    bounded_file,
    exit::Failure,
    flags::boolean,
    private_file,
    service_spec::{Spec, with_times_as_written},
    trust_source,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Put a signing config together
    Create(Args),
}

/// Puts a signing config together. Each service is a list of names and values: url, api-version, start-time, operator;
/// optional: end-time.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A certificate authority
    #[arg(long, value_name = "SERVICE", env = "COSIGN_FULCIO")]
    fulcio: Vec<String>,
    /// An identity provider to log in at
    #[arg(long, value_name = "SERVICE", env = "COSIGN_OIDC_PROVIDER")]
    oidc_provider: Vec<String>,
    /// A transparency log
    #[arg(long, value_name = "SERVICE", requires = "rekor_config", env = "COSIGN_REKOR")]
    rekor: Vec<String>,
    /// How many of the logs are written to: ANY, ALL or EXACT:N
    #[arg(long, value_name = "HOW MANY", env = "COSIGN_REKOR_CONFIG")]
    rekor_config: Option<String>,
    /// A timestamp authority
    #[arg(long, value_name = "SERVICE", requires = "tsa_config", env = "COSIGN_TSA")]
    tsa: Vec<String>,
    /// How many of the timestamp authorities are asked: ANY, ALL or EXACT:N
    #[arg(long, value_name = "HOW MANY", env = "COSIGN_TSA_CONFIG")]
    tsa_config: Option<String>,
    /// Begin with this signing config; flags that name services take the place of its own
    #[arg(long, value_name = "FILE", env = "COSIGN_BASE_CONFIG")]
    base_config: Option<PathBuf>,
    /// Begin with the signing config of the TUF mirror
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_WITH_DEFAULT_SERVICES")]
    with_default_services: bool,
    /// Begin with the one whose log is of version 2
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", requires = "with_default_services", env = "COSIGN_WITH_DEFAULT_REKOR_V2")]
    with_default_rekor_v2: bool,
    /// Leave out those configs' certificate authorities
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_FULCIO")]
    no_default_fulcio: bool,
    /// Leave out those configs' identity providers
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_OIDC")]
    no_default_oidc: bool,
    /// Leave out those configs' transparency logs
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_REKOR")]
    no_default_rekor: bool,
    /// Leave out those configs' timestamp authorities
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_NO_DEFAULT_TSA")]
    no_default_tsa: bool,
    /// Where to write the signing config, instead of standard output
    #[arg(long, value_name = "FILE", env = "COSIGN_OUT")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(Command::Create(args): Command) -> Result<(), Failure> {
    let config = document(&args).await?.to_string();
    SigningConfig::parse(config.as_bytes())
        .map_err(|why| Failure::failed(format_args!("the signing config would be of no use: {why}")))?;
    private_file::write_or_print(args.out.as_deref(), &config, "signing config")
}

/// The services of one kind: those that flags name, and what goes before them.
struct Kind<'a> {
    flag: &'static str,
    list: &'static str,
    /// The member that says how many of them take part, and what a flag says in its place.
    take: Option<(&'static str, &'static str, Option<&'a str>)>,
    specs: &'a [String],
    without: bool,
}

async fn document(args: &Args) -> Result<Value, Failure> {
    let base = args.base_config.as_deref().map(read).transpose()?;
    let defaults = match (args.with_default_services, args.with_default_rekor_v2) {
        (false, _) => None,
        (true, false) => Some(parsed("of the TUF mirror", &trust_source::signing_config().await?)?),
        (true, true) => Some(parsed("of the TUF mirror", &trust_source::target(REKOR_V2).await?)?),
    };
    let mut document = json!({"mediaType": MEDIA_TYPE});
    for kind in kinds(args) {
        // what a file names is replaced by flags, what comes by TUF is added to, as cosign does
        let replaced = kind.without || !kind.specs.is_empty();
        let before = [base.as_ref().filter(|_| !replaced), defaults.as_ref().filter(|_| !kind.without)];
        let before: Vec<&Value> = before.into_iter().flatten().collect();
        let services = kind.services(&before)?;
        if !services.is_empty() {
            document[kind.list] = services.into();
        }
        if let Some((member, how_many)) = kind.how_many(&before)? {
            document[member] = how_many;
        }
    }
    Ok(document)
}

fn kinds(args: &Args) -> [Kind<'_>; 4] {
    let logs = ("rekorTlogConfig", "--rekor-config", args.rekor_config.as_deref());
    let clocks = ("tsaConfig", "--tsa-config", args.tsa_config.as_deref());
    [
        Kind { flag: "--fulcio", list: "caUrls", take: None, specs: &args.fulcio, without: args.no_default_fulcio },
        Kind {
            flag: "--oidc-provider",
            list: "oidcUrls",
            take: None,
            specs: &args.oidc_provider,
            without: args.no_default_oidc,
        },
        Kind {
            flag: "--rekor",
            list: "rekorTlogUrls",
            take: Some(logs),
            specs: &args.rekor,
            without: args.no_default_rekor,
        },
        Kind { flag: "--tsa", list: "tsaUrls", take: Some(clocks), specs: &args.tsa, without: args.no_default_tsa },
    ]
}

impl Kind<'_> {
    fn services(&self, before: &[&Value]) -> Result<Vec<Value>, Failure> {
        let mut services: Vec<Value> =
            before.iter().filter_map(|config| config[self.list].as_array()).flatten().cloned().collect();
        for window in services.iter_mut().filter_map(|service| service.get_mut("validFor")) {
            *window = with_times_as_written(window.take());
        }
        for text in self.specs {
            services.push(self.service(text)?);
        }
        Ok(services)
    }

    fn service(&self, text: &str) -> Result<Value, Failure> {
        let spec = Spec::parse(self.flag, text, &["url", "api-version", "start-time", "operator"], &["end-time"])?;
        let version = spec.text("api-version");
        let number = version.parse().ok().filter(|number: &u32| *number > 0).ok_or_else(|| {
            spec.wrong(format_args!("`api-version`: `{version}` found, wanted a whole number, as 1 or 2"))
        })?;
        Ok(json!({
            "url": spec.text("url"),
            "majorApiVersion": number,
            "validFor": spec.window(None)?,
            "operator": spec.text("operator"),
        }))
    }

    /// How many of them take part: as a flag says, or as the last config before it does.
    fn how_many(&self, before: &[&Value]) -> Result<Option<(&'static str, Value)>, Failure> {
        let Some((member, flag, given)) = self.take else { return Ok(None) };
        let before = before.iter().rev().find_map(|config| config.get(member).cloned());
        let how_many = given.filter(|text| !text.is_empty()).map(|text| selector(flag, text)).transpose()?;
        Ok(Some((member, how_many.or(before).unwrap_or_else(|| json!({})))))
    }
}

fn selector(flag: &str, text: &str) -> Result<Value, Failure> {
    let wrong = || Failure::failed(format_args!("{flag}: `{text}` found, wanted ANY, ALL or EXACT:<count>"));
    let (word, count) = text.split_once(':').map_or((text, None), |(word, count)| (word, Some(count)));
    match (word.to_uppercase().as_str(), count) {
        (word @ ("ANY" | "ALL"), None) => Ok(json!({"selector": word})),
        ("EXACT", Some(count)) => {
            let count = count.parse().ok().filter(|count: &u32| *count > 0).ok_or_else(wrong)?;
            Ok(json!({"selector": "EXACT", "count": count}))
        }
        _ => Err(wrong()),
    }
}

fn read(path: &Path) -> Result<Value, Failure> {
    let bytes =
        bounded_file::read(path, MAX_KIB).map_err(|why| Failure::failed(format_args!("--base-config: {why}")))?;
    parsed(&path.display().to_string(), &bytes)
}

/// A config whose members are known to be what they should be.
fn parsed(name: &str, bytes: &[u8]) -> Result<Value, Failure> {
    let unusable = |why: &dyn std::fmt::Display| Failure::failed(format_args!("signing config {name}: {why}"));
    SigningConfig::parse(bytes).map_err(|why| unusable(&why))?;
    serde_json::from_slice(bytes).map_err(|why| unusable(&why))
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
/// The target with a log of version 2 in it.
const REKOR_V2: &str = "signing_config_rekor_v2.v0.2.json";
/// The most that a file is read to.
const MAX_KIB: u64 = 256;
