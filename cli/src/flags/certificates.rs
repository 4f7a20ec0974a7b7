//! Certificates that whoever verifies has at hand, beside a trusted root or in place of parts of it.

use std::{
    env,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use verifier::{BundleMaker, CertificateAuthority, CertificateError, Demands, TimestampAuthority, TrustRoot, Window};

use super::{boolean, trust::TrustFlags, variables};
use crate::{bounded_file, exit::Failure};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Certificates")]
pub(crate) struct CertificateFlags {
    /// The signer's certificate, PEM: the signature must be by it, and it must lead to a trusted authority
    #[arg(long, value_name = "FILE", env = "COSIGN_CERTIFICATE", conflicts_with = "key")]
    certificate: Option<PathBuf>,
    /// The certificates above the signer's, the root last, PEM: trusted to name signers, and no others
    #[arg(long, value_name = "FILE", env = "COSIGN_CERTIFICATE_CHAIN", conflicts_with_all = ["ca_roots", "ca_intermediates"])]
    certificate_chain: Option<PathBuf>,
    /// Root certificates, PEM: trusted to name signers, and no others
    #[arg(long, value_name = "FILE", env = "COSIGN_CA_ROOTS")]
    ca_roots: Option<PathBuf>,
    /// Certificates that may lie between a signer's and those roots, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_CA_INTERMEDIATES", requires = "ca_roots")]
    ca_intermediates: Option<PathBuf>,
    /// The certificates of a timestamp authority, the root last, PEM: trusted for the time, and no others; asks for a
    /// timestamp by it
    #[arg(long, value_name = "FILE", env = "COSIGN_TIMESTAMP_CERTIFICATE_CHAIN")]
    timestamp_certificate_chain: Option<PathBuf>,
    /// Let bundles of version 0.3 bring certificates between the signer's and a root
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_ALLOW_CERTIFICATE_CHAIN")]
    allow_certificate_chain: bool,
}

/// What these flags put in place of a trusted root's own.
struct Given {
    authorities: Option<Vec<CertificateAuthority>>,
    clock: Option<TimestampAuthority>,
}

impl CertificateFlags {
    /// What signatures are checked against: what these flags name, and the rest as the other flags say. Nothing else is
    /// asked for where these are enough.
    pub(crate) async fn root(&self, trust: &TrustFlags, key: Option<PublicKey>) -> Result<TrustRoot, Failure> {
        let given = self.given()?;
        let demands = trust.demands();
        let demands = Demands { timestamp: demands.timestamp || given.clock.is_some(), ..demands };
        let root = match given.is_enough(demands, key.is_some()) {
            true => TrustRoot::new(key.into_iter().collect()),
            false => trust.root(key).await?,
        };
        let root = given.put_into(&root).demanding(demands);
        let root = if self.allow_certificate_chain { allowing_chains(root) } else { root };
        match &self.certificate {
            None => Ok(root),
            Some(path) => {
                variables::announce("COSIGN_CERTIFICATE", path);
                root.with_given_certificate(&text(path)?).map_err(|why| unusable(path, &why))
            }
        }
    }

    /// Whose a signature is that carries no certificate: whoever is given.
    pub(crate) fn signer(&self) -> Result<Option<BundleMaker>, Failure> {
        self.certificate.as_deref().map(maker).transpose()
    }

    fn given(&self) -> Result<Given, Failure> {
        let authorities = match (&self.certificate_chain, &self.ca_roots) {
            (Some(chain), _) => {
                variables::announce("COSIGN_CERTIFICATE_CHAIN", chain);
                let authority = CertificateAuthority::from_pem(&text(chain)?, Window::UNBOUNDED);
                Some(vec![authority.map_err(|why| unusable(chain, &why))?])
            }
            (None, Some(roots)) => {
                variables::announce("COSIGN_CA_ROOTS", roots);
                if let Some(between) = &self.ca_intermediates {
                    variables::announce("COSIGN_CA_INTERMEDIATES", between);
                }
                let between = self.ca_intermediates.as_deref().map(text).transpose()?;
                let pool = CertificateAuthority::pool(&text(roots)?, between.as_deref(), Window::UNBOUNDED);
                Some(pool.map_err(|why| unusable(roots, &why))?)
            }
            (None, None) => None,
        };
        let clock = self.timestamp_certificate_chain.as_deref().map(|path| {
            variables::announce("COSIGN_TIMESTAMP_CERTIFICATE_CHAIN", path);
            TimestampAuthority::from_pem(&text(path)?, Window::UNBOUNDED).map_err(|why| unusable(path, &why))
        });
        Ok(Given { authorities, clock: clock.transpose()? })
    }
}

impl Given {
    /// Whether nothing else is needed. A signature by certificate always needs a clock.
    fn is_enough(&self, demands: Demands, by_key: bool) -> bool {
        let named = by_key || (self.authorities.is_some() && !demands.certificate_log);
        named && self.clock.is_some() && !demands.log_entry
    }

    fn put_into(self, root: &TrustRoot) -> TrustRoot {
        let authorities = self.authorities.unwrap_or_else(|| root.authorities().to_vec());
        let clocks = self.clock.map_or_else(|| root.timestamp_authorities().to_vec(), |clock| vec![clock]);
        let new = TrustRoot::new(root.keys().to_vec());
        let new = authorities.into_iter().fold(new, TrustRoot::with_authority);
        let new = clocks.into_iter().fold(new, TrustRoot::with_timestamp_authority);
        let new = root.logs().iter().cloned().fold(new, TrustRoot::with_log);
        root.certificate_logs().iter().cloned().fold(new, TrustRoot::with_certificate_log)
    }
}

fn allowing_chains(root: TrustRoot) -> TrustRoot {
    if let Some(value) = env::var_os("COSIGN_ALLOW_CERTIFICATE_CHAIN") {
        variables::announce("COSIGN_ALLOW_CERTIFICATE_CHAIN", value);
    }
    root.with_carried_chains()
}

/// Whoever the first certificate of a file names.
pub(crate) fn maker(path: &Path) -> Result<BundleMaker, Failure> {
    BundleMaker::certificate(&text(path)?).map_err(|why| unusable(path, &why))
}

fn text(path: &Path) -> Result<String, Failure> {
    let loading = |why: &dyn std::fmt::Display| Failure::failed(format_args!("loading certificate: {why}"));
    let bytes = bounded_file::read(path, MAX_KIB).map_err(|why| loading(&why))?;
    pem(&bytes).ok_or_else(|| loading(&format_args!("{}: wanted PEM, or that in base64", path.display())))
}

/// PEM text as it is, or in base64 once more, as cosign writes it; a certificate in DER likewise.
pub(crate) fn pem(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let compact: String = text.split_whitespace().collect();
    match BASE64_STANDARD.decode(&compact) {
        Ok(der) if der.first() == Some(&SEQUENCE) => {
            Some(format!("-----BEGIN CERTIFICATE-----\n{compact}\n-----END CERTIFICATE-----\n"))
        }
        Ok(inner) => String::from_utf8(inner).ok(),
        Err(_) => Some(text.to_owned()),
    }
}

fn unusable(path: &Path, why: &CertificateError) -> Failure {
    Failure::failed(format_args!("loading certificate: {}: {why}", path.display()))
}

/// The first byte of a certificate.
const SEQUENCE: u8 = 0x30;
const MAX_KIB: u64 = 1024;
