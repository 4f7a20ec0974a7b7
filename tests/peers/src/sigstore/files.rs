//! What clients of a private Sigstore are given: trusted roots by cosign, and signing configs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Log;
use super::issuer::{EMAIL, Issuer};
use super::pki::{self, Pki};
use super::world::World;
use crate::client::run;

/// Which services take part in a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Rekor v1 alone.
    Rekor1,
    /// Rekor v1, and a timestamp.
    Rekor1Tsa,
    /// Rekor v2, and a timestamp.
    Rekor2,
    /// Rekor v2 of the release that still took DSSE entries, and a timestamp.
    Rekor2Dsse,
    /// A timestamp, and no log.
    TsaOnly,
    /// Rekor v1 alone, and a certificate that is in no log.
    NoCt,
}

/// What a trusted root may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate authority.
    Authority,
    /// The log of certificates.
    CertificateLog,
    /// Rekor v1.
    Rekor1,
    /// Both logs of the second generation.
    Rekor2,
    /// The timestamp authority.
    Timestamps,
}

impl Recipe {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Rekor1, Self::Rekor1Tsa, Self::Rekor2, Self::Rekor2Dsse, Self::TsaOnly, Self::NoCt];

    /// Short enough for a repository's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rekor1 => "rekor1",
            Self::Rekor1Tsa => "rekor1-tsa",
            Self::Rekor2 => "rekor2",
            Self::Rekor2Dsse => "rekor2d",
            Self::TsaOnly => "tsa-only",
            Self::NoCt => "no-ct",
        }
    }

    /// The log that is written to, if one is.
    #[must_use]
    pub fn log(self) -> Option<Log> {
        match self {
            Self::Rekor1 | Self::Rekor1Tsa | Self::NoCt => Some(Log::Rekor1),
            Self::Rekor2 => Some(Log::Rekor2),
            Self::Rekor2Dsse => Some(Log::Rekor2Dsse),
            Self::TsaOnly => None,
        }
    }

    /// Whether there is a timestamp.
    #[must_use]
    pub fn is_timestamped(self) -> bool {
        !matches!(self, Self::Rekor1 | Self::NoCt)
    }

    pub(super) fn file(self) -> String {
        format!("signing_config.{}.json", self.name())
    }

    fn signing_config(self, world: &World, issuer: &Issuer) -> Value {
        let authority = if self == Self::NoCt { &world.fulcio_without_log } else { &world.fulcio };
        let mut config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(&authority.url(), 1)],
            "oidcUrls": [service(&issuer.url(EMAIL), 1)],
            "rekorTlogConfig": {},
            "tsaConfig": {},
        });
        if let Some(log) = self.log() {
            let version = if log == Log::Rekor1 { 1 } else { 2 };
            config["rekorTlogUrls"] = json!([service(&world.log(log).url(), version)]);
            config["rekorTlogConfig"] = json!({ "selector": "ANY" });
        }
        if self.is_timestamped() {
            config["tsaUrls"] = json!([service(&world.timestamps(), 1)]);
            config["tsaConfig"] = json!({ "selector": "ANY" });
        }
        config
    }
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Authority, Self::CertificateLog, Self::Rekor1, Self::Rekor2, Self::Timestamps];

    pub(super) fn trusted_root(self) -> String {
        format!("trusted_root.without-{self:?}.json").to_lowercase()
    }

    fn take_from(self, root: &mut Value) {
        match self {
            Self::Authority => root["certificateAuthorities"] = json!([]),
            Self::CertificateLog => root["ctlogs"] = json!([]),
            Self::Timestamps => root["timestampAuthorities"] = json!([]),
            Self::Rekor1 => logs(root).retain(is_rekor2),
            Self::Rekor2 => logs(root).retain(|log| !is_rekor2(log)),
        }
    }
}

fn logs(root: &mut Value) -> &mut Vec<Value> {
    root["tlogs"].as_array_mut().expect("the trusted root has logs")
}

fn is_rekor2(log: &Value) -> bool {
    log["baseUrl"].as_str().is_some_and(|url| url.contains("//rekor2"))
}

pub(super) fn write_signing_configs(folder: &Path, world: &World, issuer: &Issuer) {
    for recipe in Recipe::ALL {
        write(&folder.join(recipe.file()), &recipe.signing_config(world, issuer));
    }
}

fn service(url: &str, version: u32) -> Value {
    json!({ "url": url, "majorApiVersion": version, "validFor": { "start": START }, "operator": "sealgate.test" })
}

/// The whole one, those that lack a part, and that of others.
pub(super) fn write_trusted_roots(folder: &Path, world: &World, pki: &Pki, of_others: &Pki) {
    let path = folder.join(TRUSTED_ROOT);
    create_trusted_root(&path, world, pki);
    create_trusted_root(&folder.join(TRUSTED_ROOT_OF_OTHERS), world, of_others);
    let whole: Value =
        serde_json::from_slice(&fs::read(&path).expect("cosign has written it")).expect("cosign writes JSON");
    for part in Part::ALL {
        let mut root = whole.clone();
        part.take_from(&mut root);
        assert_ne!(root, whole, "{part:?} is nowhere in the trusted root");
        write(&folder.join(part.trusted_root()), &root);
    }
}

fn create_trusted_root(path: &Path, world: &World, pki: &Pki) {
    let chain = |name| format!("certificate-chain={},start-time={START}", pki.path(name).display());
    let public = |name| format!("public-key={},start-time={START}", pki.path(name).display());
    // Clients take the name of a checkpoint's signer from the host of this URL, wherever the log is really reached.
    let rekor2 = |name: &str, key| {
        format!("--rekor=url=https://{name}.sealgate.test,{},origin={name}.sealgate.test", public(key))
    };
    let args = [
        "trusted-root".to_owned(),
        "create".to_owned(),
        format!("--fulcio=url={},{}", world.fulcio.url(), chain(pki::FULCIO_CHAIN)),
        format!("--ctfe=url={},{}", world.certificates.url(), public(pki::CT_LOG_PUBLIC)),
        format!("--tsa=url={},{}", world.timestamps(), chain(pki::TSA_CHAIN)),
        format!("--rekor=url={},{}", world.rekor1.url(), public(pki::REKOR1_PUBLIC)),
        rekor2(super::world::REKOR2, pki::REKOR2_PUBLIC),
        rekor2(super::world::REKOR2_DSSE, pki::REKOR2_DSSE_PUBLIC),
        format!("--out={}", path.display()),
    ];
    run("cosign-3", args).success();
}

fn write(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("a temporary folder can be written");
}

pub(super) const TRUSTED_ROOT: &str = "trusted_root.json";
pub(super) const TRUSTED_ROOT_OF_OTHERS: &str = "trusted_root.of-others.json";
/// Of everything: before any test, after the beginning of the certificates.
const START: &str = "2021-01-01T00:00:00Z";
