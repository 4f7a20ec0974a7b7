//! Who signs, and with which services: what all commands that sign have in common.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use rustls_pki_types::UnixTime;
use signer::{By, Chain, Check, Format, LogVersion, Services, SigningAlgorithm, SigningConfig, SigningKey};
use verifier::{Demands, TrustRoot};

use super::{
    boolean,
    login::LoginFlags,
    services::{Chosen, ISSUER, ServiceFlags, Urls},
    trust,
};
use crate::{bounded_file, consent, exit::Failure, key_source, output, trust_source};

/// Empty text is refused: a variable that a pipeline forgot to set must not turn a signature by key into one by name.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SigningFlags {
    /// The private key: an encrypted key file, or env://NAME; without it, whoever logs in signs by name
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_KEY")]
    key: Option<String>,
    /// The certificate of the key, which names its holder: PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "COSIGN_CERTIFICATE",
        requires = "key",
        conflicts_with = "issue_certificate"
    )]
    certificate: Option<PathBuf>,
    /// The certificates above it, the root last: PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_CERTIFICATE_CHAIN", requires = "certificate")]
    certificate_chain: Option<PathBuf>,
    /// Sign by name although there is a key: the key is certified
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_ISSUE_CERTIFICATE")]
    issue_certificate: bool,
    /// Answer every question with yes
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_YES")]
    yes: bool,
    /// What verifiers will trust, a trusted_root.json: a signature that it would not let pass is not stored
    #[arg(long, value_name = "FILE", env = "COSIGN_TRUSTED_ROOT")]
    trusted_root: Option<PathBuf>,
    /// With --trusted-root: the certificate that is issued need not be in a log of certificates
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_INSECURE_SKIP_VERIFY")]
    insecure_skip_verify: bool,
    #[command(flatten)]
    login: LoginFlags,
    #[command(flatten)]
    services: ServiceFlags,
}

/// What was decided before anybody was asked for anything.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) services: Services,
    pub(crate) check: Option<Check>,
    issuer: String,
}

impl SigningFlags {
    /// Whether who signs is still to be certified.
    pub(crate) fn by_identity(&self) -> bool {
        self.issue_certificate || self.key.is_none()
    }

    /// Chooses the services, and says what they will publish.
    pub(crate) async fn plan(&self, format: Format) -> Result<Plan, Failure> {
        let stamping = self.services.stamping()?;
        let plan = self.chosen(format).await?;
        self.services.fit(&plan.services)?;
        if plan.services.hosts().into_iter().any(consent::is_public) {
            consent::ask(self.yes)?;
        }
        match stamping {
            Some(web) => Ok(Plan { services: plan.services.stamping_over(web), ..plan }),
            None => Ok(plan),
        }
    }

    async fn chosen(&self, format: Format) -> Result<Plan, Failure> {
        let issuer = self.login.issuer();
        let chosen = self.services.chosen(self.by_identity(), issuer)?;
        if chosen == Chosen::Trusted {
            trust_source::must_name_services()?;
        }
        let trust = match &self.trusted_root {
            Some(path) => Some(trust::read(path)?),
            // what names the services also says how to tell that they answered well
            None if chosen == Chosen::Trusted => Some(trust_source::trusted_root().await?),
            None => None,
        };
        let check = trust.map(|trust| self.check(trust));
        let config = match chosen {
            Chosen::Urls(urls) => {
                let services = by_address(&urls).map_err(choosing)?;
                return Ok(Plan { services, check, issuer: issuer.unwrap_or(ISSUER).to_owned() });
            }
            Chosen::File(path) => bounded_file::read(&path, MAX_KIB).map(|bytes| bytes.to_vec()).map_err(choosing)?,
            Chosen::Trusted => trust_source::signing_config().await?,
        };
        let config = SigningConfig::parse(&config).map_err(choosing)?;
        let services = config.select(UnixTime::now(), format, self.by_identity()).map_err(choosing)?;
        let issuer = issuer.or_else(|| config.provider(UnixTime::now())).unwrap_or(ISSUER).to_owned();
        Ok(Plan { services, check, issuer })
    }

    /// Who signs: the holder of the key, once it is decrypted, or whoever logs in.
    pub(crate) async fn by(&self, plan: &Plan, algorithm: SigningAlgorithm) -> Result<By, Failure> {
        let Some(reference) = self.key.clone() else {
            output::note("Generating ephemeral keys...");
            return Ok(By::Identity(self.login.token(&plan.issuer).await?, algorithm));
        };
        let key = tokio::task::spawn_blocking(move || key_source::private(&reference));
        let key = SigningKey::from(key.await.map_err(|_| Failure::failed("reading key: the work was lost"))??);
        match &self.certificate {
            _ if self.issue_certificate => Ok(By::Issued(self.login.token(&plan.issuer).await?, key)),
            None => Ok(By::Key(key)),
            Some(leaf) => Ok(By::Certificate(key, chain(leaf, self.certificate_chain.as_deref())?)),
        }
    }

    /// What was made must be good by this root as far as services took part, and in a certificate log if the root
    /// knows one and the certificate was issued for the occasion.
    fn check(&self, trust: TrustRoot) -> Check {
        let logged = !self.insecure_skip_verify && !trust.certificate_logs().is_empty();
        let demands = Demands { log_entry: false, certificate_log: self.by_identity() && logged, timestamp: false };
        Check { trust: trust.demanding(demands), identity: None }
    }
}

fn by_address(urls: &Urls) -> Result<Services, signer::ServiceError> {
    let mut services = Services::none();
    if let Some(url) = &urls.authority {
        services = services.with_authority(url)?;
    }
    if let Some(url) = &urls.log {
        services = services.with_log(url, LogVersion::One)?;
    }
    if let Some(url) = &urls.timestamps {
        services = services.with_timestamps(url)?;
    }
    Ok(services)
}

fn chain(leaf: &Path, others: Option<&Path>) -> Result<Chain, Failure> {
    let read = |path: &Path| {
        let bytes = bounded_file::read(path, MAX_KIB).map_err(certificate)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| certificate(format_args!("{}: it is no PEM", path.display())))
    };
    let others = others.map(read).transpose()?;
    Chain::from_pem(&read(leaf)?, others.as_deref())
        .map_err(|why| certificate(format_args!("{}: {why}", leaf.display())))
}

fn certificate(why: impl std::fmt::Display) -> Failure {
    Failure::failed(format_args!("reading certificate: {why}"))
}

fn choosing(why: impl std::fmt::Display) -> Failure {
    Failure::failed(format_args!("choosing services: {why}"))
}

const MAX_KIB: u64 = 1024;
