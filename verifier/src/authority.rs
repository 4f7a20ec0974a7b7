//! The authorities that are trusted, and the chain from one of them to a certificate.

use rustls_pki_types::UnixTime;
use webpki::anchor_from_trusted_cert;

use crate::{
    CertificateError, ChainFault, Window,
    certificate::{Certificate, MAX_CHAIN},
    path::{Path, Purpose, Wanted},
    window::written,
};

/// An authority that is trusted to name signers.
#[derive(Debug, Clone)]
pub struct CertificateAuthority(Chain);

impl CertificateAuthority {
    /// The authority with this chain in PEM, the root last.
    ///
    /// # Errors
    /// Fails on text that is not a chain of at most ten certificates.
    pub fn from_pem(chain: &str, window: Window) -> Result<Self, CertificateError> {
        Self::new(Certificate::parse_pem(chain)?, window)
    }

    /// One authority for each of these roots in PEM, each with all of these intermediates below it: pools of
    /// certificates, as cosign's `--ca-roots` and `--ca-intermediates` name them.
    ///
    /// # Errors
    /// Fails on text that holds anything but certificates, on more than 64 roots, and on ten or more intermediates.
    pub fn pool(roots: &str, intermediates: Option<&str>, window: Window) -> Result<Vec<Self>, CertificateError> {
        let between = intermediates.map(Certificate::parse_pem).transpose()?.unwrap_or_default();
        let with = |root| Self::new(between.iter().cloned().chain([root]).collect(), window);
        Certificate::parse_pem_of(roots, MAX_ROOTS)?.into_iter().map(with).collect()
    }

    /// The same of one file that holds both: what issued itself is a root, the rest stands below each of them, as in
    /// cosign's `SIGSTORE_ROOT_FILE`.
    ///
    /// # Errors
    /// As [`Self::pool`], and on text without a root.
    pub fn roots_and_intermediates(pem: &str, window: Window) -> Result<Vec<Self>, CertificateError> {
        let all = Certificate::parse_pem_of(pem, MAX_ROOTS)?;
        let (roots, between): (Vec<_>, Vec<_>) = all.into_iter().partition(Certificate::is_self_issued);
        if roots.is_empty() {
            return Err(CertificateError::Absent);
        }
        let with = |root| Self::new(between.iter().cloned().chain([root]).collect(), window);
        roots.into_iter().map(with).collect()
    }

    pub(crate) fn new(certificates: Vec<Certificate>, window: Window) -> Result<Self, CertificateError> {
        Chain::new(certificates, window).map(Self)
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.0
    }
}

/// An authority that is trusted to say what time it was.
#[derive(Debug, Clone)]
pub struct TimestampAuthority {
    signer: Option<Certificate>,
    chain: Chain,
}

impl TimestampAuthority {
    /// The authority with this chain in PEM, the root last. If the first one is no authority's, it alone signs.
    ///
    /// # Errors
    /// Fails on text that is not a chain of at most ten certificates.
    pub fn from_pem(chain: &str, window: Window) -> Result<Self, CertificateError> {
        Self::new(Certificate::parse_pem(chain)?, window)
    }

    pub(crate) fn new(mut certificates: Vec<Certificate>, window: Window) -> Result<Self, CertificateError> {
        let known = certificates.len() > 1 && !certificates[0].is_authority();
        let signer = known.then(|| certificates.remove(0));
        Ok(Self { signer, chain: Chain::new(certificates, window)? })
    }

    /// The certificate that must have signed, if it is known.
    pub(crate) fn signer(&self) -> Option<&Certificate> {
        self.signer.as_ref()
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// A root, the intermediates below it, and when they are trusted.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    root: Certificate,
    intermediates: Vec<Certificate>,
    window: Window,
}

/// Certificates beside an authority's own that may lie between it and a signer's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Others<'a> {
    /// A signature or a timestamp brought them. As with cosign, they count only where the authority names none itself:
    /// whoever lists its intermediates means those.
    Carried(&'a [Certificate]),
    /// Whoever asks gave them.
    Given(&'a [Certificate]),
}

impl Chain {
    fn new(mut certificates: Vec<Certificate>, window: Window) -> Result<Self, CertificateError> {
        if certificates.len() > MAX_CHAIN {
            return Err(CertificateError::TooMany { found: certificates.len(), most: MAX_CHAIN });
        }
        let root = certificates.pop().ok_or(CertificateError::Absent)?;
        anchor_from_trusted_cert(root.der()).map_err(|_| CertificateError::Malformed)?;
        Ok(Self { root, intermediates: certificates, window })
    }

    /// SHA-256 of the root's DER: what this authority is known by.
    pub(crate) fn id(&self) -> oci::Digest {
        oci::Digest::of(self.root.der())
    }

    /// When this authority is trusted.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    pub(crate) fn describe(&self) -> String {
        let ids: Vec<String> = self.intermediates.iter().map(|one| oci::Digest::of(one.der()).to_string()).collect();
        format!("{} {ids:?} {}", self.id(), self.window)
    }

    /// Finds the path from this certificate to the root, in force at this moment at every step, for this purpose.
    pub(crate) fn path(
        &self,
        leaf: &Certificate,
        others: Others<'_>,
        time: UnixTime,
        purpose: Purpose,
    ) -> Result<Path, ChainFault> {
        let at = written(time.as_secs());
        let path = Wanted { root: &self.root, time, purpose }.find(leaf, &self.between(others))?;
        if !self.root.covers(time) {
            return Err(ChainFault::RootOutside { at, window: self.root.window().to_string() });
        }
        if !self.window.contains(time) {
            return Err(ChainFault::AuthorityOutside { at, window: self.window.to_string() });
        }
        Ok(path)
    }

    fn between<'a>(&'a self, others: Others<'a>) -> Vec<&'a Certificate> {
        let more = match others {
            Others::Carried(_) if !self.intermediates.is_empty() => &[],
            Others::Carried(more) | Others::Given(more) => more,
        };
        self.intermediates.iter().chain(more).collect()
    }
}

const MAX_ROOTS: usize = 64;
