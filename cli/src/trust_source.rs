//! Where trust comes from that no flag names: the files in `SIGSTORE_…` variables, as cosign has them, else TUF.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use gate::trust::{Material, Tuf, TufError, TufSettings};
use jiff::Timestamp;
use keys::PublicKey;
use serde_json::Value;
use tokio::sync::OnceCell;
use verifier::{CertificateAuthority, CertificateLog, TimestampAuthority, TransparencyLog, TrustRoot, Window};

use crate::{bounded_file, exit::Failure, flags::variables, output};

/// Says which variables decide what the trusted root is that nobody named.
pub(crate) fn announce() {
    let names = if Files::from_environment().any() { &VARIABLES[..] } else { &["TUF_MIRROR", "TUF_ROOT_JSON"] };
    for name in names {
        if let Some(value) = value(name) {
            variables::announce(name, value);
        }
    }
}

/// The trusted root for whoever named none. What is demanded is the caller's to say.
pub(crate) async fn trusted_root() -> Result<TrustRoot, Failure> {
    let files = Files::from_environment();
    if files.any() {
        return files.root();
    }
    let material = material().await?;
    TrustRoot::parse_trusted_root(&material.trusted_root)
        .map_err(|why| Failure::failed(format_args!("trusted root of TUF mirror {}: {why}", material.mirror)))
}

/// Whether the environment names files, which nothing refreshes.
pub(crate) fn by_files() -> bool {
    Files::from_environment().any()
}

/// The signing config that comes with the trust material.
pub(crate) async fn signing_config() -> Result<Vec<u8>, Failure> {
    let material = material().await?;
    material.signing_config.clone().ok_or_else(|| {
        Failure::failed(format_args!("TUF mirror {} has no signing config", material.mirror))
            .hint("--signing-config FILE names one; --fulcio-url and --rekor-url name the services")
    })
}

/// Fails where files say whom to trust: the mirror's signing config is of another instance than theirs.
pub(crate) fn must_name_services() -> Result<(), Failure> {
    match VARIABLES.into_iter().find(|name| path(name).is_some()) {
        None => Ok(()),
        Some(name) => {
            Err(Failure::failed(format_args!("{name} says whom to trust, and nothing names the services that sign"))
                .hint("--signing-config FILE names them, or --fulcio-url and --rekor-url"))
        }
    }
}

/// The trusted root of the TUF mirror as it is written there.
pub(crate) async fn trusted_root_document() -> Result<Value, Failure> {
    let material = material().await?;
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::failed(format_args!("trusted root of TUF mirror {}: {why}", material.mirror))
    };
    TrustRoot::parse_trusted_root(&material.trusted_root).map_err(|why| unusable(&why))?;
    serde_json::from_slice(&material.trusted_root).map_err(|why| unusable(&why))
}

/// Another file of the TUF mirror, which is asked for it.
pub(crate) async fn target(name: &str) -> Result<Vec<u8>, Failure> {
    tuf(None, None)?.target(name, Timestamp::now()).await.map_err(failure)
}

/// Loaded once, so that root and services are of one revision and a warning is given once.
async fn material() -> Result<&'static Material, Failure> {
    static LOADED: OnceCell<Material> = OnceCell::const_new();
    let load = async {
        let material = tuf(None, None)?.load(Timestamp::now()).await.map_err(failure)?;
        if let Some(warning) = &material.warning {
            output::warn(warning);
        }
        Ok(material)
    };
    LOADED.get_or_try_init(|| load).await
}

/// The TUF repository that the environment names, unless a command line did.
pub(crate) fn tuf(mirror: Option<String>, root: Option<Vec<u8>>) -> Result<Tuf, Failure> {
    let root = match (root, path("TUF_ROOT_JSON")) {
        (Some(root), _) => Some(root),
        (None, Some(path)) => Some(read(&path).map_err(|why| Failure::failed(format_args!("TUF_ROOT_JSON: {why}")))?),
        (None, None) => None,
    };
    let mirror = mirror.or_else(|| Some(value("TUF_MIRROR")?.to_string_lossy().into_owned()));
    Ok(Tuf::new(TufSettings { cache: cache_folder()?, mirror, root, patience: PATIENCE }))
}

pub(crate) fn failure(error: TufError) -> Failure {
    let hint = error.hint();
    Failure::failed(error).hint(hint)
}

fn cache_folder() -> Result<PathBuf, Failure> {
    let home = || Some(PathBuf::from(value("HOME")?).join(".sigstore/root"));
    path("TUF_ROOT").or_else(home).ok_or_else(|| {
        Failure::failed("no place for the TUF cache: neither TUF_ROOT nor HOME is set").hint("TUF_ROOT names a folder")
    })
}

/// The files that stand in for a trusted root. What none of them holds is trusted of nobody.
struct Files {
    authorities: Option<PathBuf>,
    log: Option<PathBuf>,
    certificate_log: Option<PathBuf>,
    clock: Option<PathBuf>,
}

impl Files {
    fn from_environment() -> Self {
        let [authorities, log, certificate_log, clock] = VARIABLES.map(path);
        Self { authorities, log, certificate_log, clock }
    }

    fn any(&self) -> bool {
        [&self.authorities, &self.log, &self.certificate_log, &self.clock].into_iter().any(Option::is_some)
    }

    fn root(&self) -> Result<TrustRoot, Failure> {
        let [authorities, log, certificate_log, clock] = VARIABLES;
        let always = Window::UNBOUNDED;
        let mut root = TrustRoot::new(Vec::new());
        if let Some(pem) = text(authorities, self.authorities.as_deref())? {
            let pool = CertificateAuthority::roots_and_intermediates(&pem, always);
            root = pool.map_err(|why| unusable(authorities, &why))?.into_iter().fold(root, TrustRoot::with_authority);
        }
        for key in self.keys(log, self.log.as_deref())? {
            root = root.with_log(TransparencyLog::new(key, "", always));
        }
        for key in self.keys(certificate_log, self.certificate_log.as_deref())? {
            root = root.with_certificate_log(CertificateLog::new(key, always));
        }
        if let Some(pem) = text(clock, self.clock.as_deref())? {
            let authority = TimestampAuthority::from_pem(&pem, always).map_err(|why| unusable(clock, &why))?;
            root = root.with_timestamp_authority(authority);
        }
        Ok(root)
    }

    /// The keys in a file, one after the other.
    fn keys(&self, variable: &str, path: Option<&Path>) -> Result<Vec<PublicKey>, Failure> {
        let Some(pem) = text(variable, path)? else { return Ok(Vec::new()) };
        let blocks: Vec<&str> = pem.split_inclusive(END).filter(|block| !block.trim().is_empty()).collect();
        match blocks.len() {
            1..=MAX_KEYS => {}
            found => return Err(unusable(variable, &format_args!("{found} keys found, wanted 1 to {MAX_KEYS}"))),
        }
        let key = |block: &&str| PublicKey::from_pem(block.as_bytes()).map_err(|why| unusable(variable, &why));
        blocks.iter().map(key).collect()
    }
}

fn text(variable: &str, path: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let bytes = read(path).map_err(|why| unusable(variable, &why))?;
    String::from_utf8(bytes).map(Some).map_err(|_| unusable(variable, &"not text"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    bounded_file::read(path, MAX_KIB).map(|bytes| bytes.to_vec())
}

fn unusable(variable: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("{variable}: {why}"))
}

fn path(variable: &str) -> Option<PathBuf> {
    value(variable).map(PathBuf::from)
}

/// An empty variable is an unset one.
fn value(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

const VARIABLES: [&str; 4] = [
    "SIGSTORE_ROOT_FILE",
    "SIGSTORE_REKOR_PUBLIC_KEY",
    "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE",
    "SIGSTORE_TSA_CERTIFICATE_FILE",
];
const END: &str = "-----END PUBLIC KEY-----";
const MAX_KEYS: usize = 16;
/// The most that one file is read to.
const MAX_KIB: u64 = 1024;
/// How long a refresh may take.
const PATIENCE: Duration = Duration::from_secs(10);
