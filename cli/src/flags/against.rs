//! Whose signature is expected, and what it is checked against: what all commands that verify have in common.

use std::path::Path;

use keys::PublicKey;
use verifier::{BundleMaker, TrustRoot};

use super::{certificates::CertificateFlags, expected::Expected, identity::IdentityFlags, trust::TrustFlags};
use crate::{exit::Failure, output};

#[derive(Debug, clap::Args)]
pub(crate) struct AgainstFlags {
    /// The public key: a PEM file, or env://NAME
    #[arg(long, value_name = "KEY", env = "COSIGN_KEY")]
    key: Option<String>,
    #[command(flatten)]
    identity: IdentityFlags,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    certificates: CertificateFlags,
}

impl AgainstFlags {
    /// Who must have signed, and by what that is told. What is not asked for is announced.
    pub(crate) async fn read(&self) -> Result<(Expected, TrustRoot), Failure> {
        let expected = Expected::of(self.key.as_deref(), &self.identity)?;
        let trust = self.root(expected.key()).await?;
        self.trust.announce();
        Ok((expected, trust))
    }

    /// The same, where nobody needs to be expected. Where nobody is trusted, nothing is checked, which is said.
    pub(crate) async fn read_leniently(&self) -> Result<(Option<Expected>, TrustRoot), Failure> {
        let given = self.key.is_some() || self.identity.is_given();
        let expected = given.then(|| Expected::of(self.key.as_deref(), &self.identity)).transpose()?;
        let key = expected.as_ref().and_then(Expected::key);
        let trust = match self.root(key).await {
            Err(failure) if self.trust.file().is_none() => {
                output::warn(format_args!("{}", failure.message));
                TrustRoot::new(key.into_iter().cloned().collect()).demanding(self.trust.demands())
            }
            result => result?,
        };
        self.trust.announce();
        Ok((expected, trust))
    }

    /// Whose a signature is that carries no certificate: whoever is given.
    pub(crate) fn signer(&self) -> Result<Option<BundleMaker>, Failure> {
        self.certificates.signer()
    }

    /// The trusted_root.json that is given.
    pub(crate) fn trusted_root(&self) -> Option<&Path> {
        self.trust.file()
    }

    async fn root(&self, key: Option<&PublicKey>) -> Result<TrustRoot, Failure> {
        self.certificates.root(&self.trust, key.cloned()).await
    }
}
