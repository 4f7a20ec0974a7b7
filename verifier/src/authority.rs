//! The authorities that are trusted, and the chain from one of them to a certificate.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::{
    CertificateError, Window,
    asn1::Oid,
    certificate::{Certificate, MAX_CHAIN},
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

/// A path from a certificate to a root was found.
#[derive(Debug)]
pub(crate) struct Path {
    /// The key of whoever issued the certificate, as DER.
    pub(crate) issuer_key: Vec<u8>,
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
        extra: &[Certificate],
        time: UnixTime,
        purpose: Purpose,
    ) -> Result<Path, ChainFault> {
        let at = written(time.as_secs());
        let path = self.signatures(leaf, extra, time, purpose)?;
        if !self.root.covers(time) {
            return Err(ChainFault::RootOutside { at, window: self.root.window().to_string() });
        }
        if !self.window.contains(time) {
            return Err(ChainFault::AuthorityOutside { at, window: self.window.to_string() });
        }
        Ok(path)
    }

    fn signatures(
        &self,
        leaf: &Certificate,
        extra: &[Certificate],
        time: UnixTime,
        purpose: Purpose,
    ) -> Result<Path, ChainFault> {
        let why = |error: webpki::Error| chain_fault(&error, leaf, time);
        let anchors = [anchor_from_trusted_cert(self.root.der()).map_err(why)?];
        let between: Vec<CertificateDer<'_>> =
            self.intermediates.iter().chain(extra).map(|one| one.der().clone()).collect();
        let end = EndEntityCert::try_from(leaf.der()).map_err(why)?;
        if !leaf.is_for(purpose.oid()) || !leaf.may_sign() {
            return Err(ChainFault::Purpose { wanted: purpose.name() });
        }
        let usage = KeyUsage::required_if_present(purpose.octets());
        let path = end
            .verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &between, time, usage, None, None)
            .map_err(why)?;
        Ok(Path { issuer_key: path.issuer_spki().to_vec() })
    }
}

const MAX_ROOTS: usize = 64;

fn chain_fault(error: &webpki::Error, leaf: &Certificate, time: UnixTime) -> ChainFault {
    use webpki::Error;
    let at = written(time.as_secs());
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } if !leaf.covers(time) => {
            ChainFault::Outside { at, window: leaf.window().to_string() }
        }
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => ChainFault::IssuerOutside { at },
        Error::UnknownIssuer => ChainFault::UnknownIssuer,
        other => ChainFault::Broken { why: format!("{other:?}").chars().take(100).collect() },
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    pub(crate) fn oid(self) -> Oid {
        match self {
            Self::CodeSigning => Oid::new_unwrap("1.3.6.1.5.5.7.3.3"),
            Self::TimeStamping => Oid::new_unwrap("1.3.6.1.5.5.7.3.8"),
        }
    }

    /// The identifier's DER contents.
    fn octets(self) -> &'static [u8] {
        match self {
            Self::CodeSigning => &[43, 6, 1, 5, 5, 7, 3, 3],
            Self::TimeStamping => &[43, 6, 1, 5, 5, 7, 3, 8],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::CodeSigning => "code signing",
            Self::TimeStamping => "time stamping",
        }
    }
}

/// Why no path leads from a certificate to a trusted root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The certificate was not in force when it was used.
    #[error("certificate was used at {at}, it is valid from {window}")]
    Outside {
        /// When.
        at: String,
        /// When it was in force.
        window: String,
    },
    /// A certificate between it and the root was not in force.
    #[error("certificate was used at {at}, when one of its issuers was not valid")]
    IssuerOutside {
        /// When.
        at: String,
    },
    /// The root was not in force.
    #[error("certificate was used at {at}, its root is valid from {window}")]
    RootOutside {
        /// When.
        at: String,
        /// When it was in force.
        window: String,
    },
    /// The authority was not trusted at that time.
    #[error("certificate was used at {at}, its authority is trusted from {window}")]
    AuthorityOutside {
        /// When.
        at: String,
        /// When it was trusted.
        window: String,
    },
    /// It is for something else.
    #[error("certificate is not for {wanted}")]
    Purpose {
        /// What it should be for.
        wanted: &'static str,
    },
    /// A signature in the chain is wrong, or something in it cannot be accepted.
    #[error("certificate's chain is not valid: {why}")]
    Broken {
        /// The checker's word for it.
        why: String,
    },
    /// Nobody who is trusted issued it.
    #[error("certificate is not by a trusted authority")]
    UnknownIssuer,
}

impl ChainFault {
    /// How near the certificate came to being accepted: the nearest first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Outside { .. } | Self::IssuerOutside { .. } | Self::RootOutside { .. } => 0,
            Self::AuthorityOutside { .. } | Self::Purpose { .. } => 0,
            Self::Broken { .. } => 1,
            Self::UnknownIssuer => 2,
        }
    }
}
