//! Our own signatures, seen with a verifier's eyes before anybody else sees them.
//!
//! A service that answered nonsense (another certificate's key, an entry of another signature, a time that cannot be)
//! is found out here, and nothing is stored.

use oci::PinnedRef;
use verifier::{
    Artifact, Demands, Fault, Found, IdentityMatcher, Signer, TransparencyLog, TrustRoot, examine, examine_blob,
};

use crate::{Credential, Made, Services, clock};

/// What verifiers will trust, and whom they will expect.
#[derive(Debug, Clone)]
pub struct Check {
    /// What is trusted, and what is demanded. A signer's key is trusted in addition.
    pub trust: TrustRoot,
    /// Who must be found to have signed, if they sign by name.
    pub identity: Option<IdentityMatcher>,
}

impl Check {
    /// What a signature is judged by that was made with these services: what they gave must be good.
    pub(crate) fn trust(&self, by: &Credential, services: &Services) -> TrustRoot {
        let own = if by.certificate().is_none() { vec![by.public().clone()] } else { Vec::new() };
        let demands = self.trust.demands();
        let demands = Demands {
            log_entry: demands.log_entry || services.has_log(),
            timestamp: demands.timestamp || services.has_timestamps(),
            ..demands
        };
        let keys = self.trust.keys().iter().cloned().chain(own).collect();
        self.trust.clone().with_keys(keys).demanding(demands)
    }

    /// The logs that are trusted; none where nothing is looked at.
    pub(crate) fn logs(check: Option<&Self>) -> &[TransparencyLog] {
        check.map_or(&[], |check| check.trust.logs())
    }

    /// Whether a signature or attestation of an image is good.
    pub(crate) fn image(&self, image: &PinnedRef, made: &Made, trust: &TrustRoot) -> Result<Signer, CheckFault> {
        let found = Found { signatures: vec![made.as_found()], gaps: Vec::new() };
        let evidence = examine(image, found, trust, clock::soon());
        let signers = evidence.verified().iter().map(verifier::VerifiedSignature::signer);
        let signer = signers.chain(evidence.attestations().iter().map(verifier::VerifiedAttestation::signer)).next();
        let signer = signer.cloned().ok_or_else(|| match evidence.refused() {
            [refused, ..] => CheckFault::Fault(Box::new(refused.fault.clone())),
            [] => CheckFault::Nothing,
        })?;
        self.expects(&signer)?;
        Ok(signer)
    }

    /// Whether a file's signature is good.
    pub(crate) fn blob(&self, artifact: Artifact<'_>, made: &Made, trust: &TrustRoot) -> Result<(), CheckFault> {
        let judged = examine_blob(artifact, made.stored().to_vec(), trust, clock::soon());
        let blob = judged.map_err(|fault| CheckFault::Fault(Box::new(fault)))?;
        self.expects(blob.signer())
    }

    fn expects(&self, signer: &Signer) -> Result<(), CheckFault> {
        match (signer, &self.identity) {
            (Signer::Identity(found), Some(wanted)) if !wanted.matches(found) => {
                Err(CheckFault::Identity { found: found.to_string(), wanted: wanted.to_string() })
            }
            _ => Ok(()),
        }
    }
}

/// Why a signature of our own is not good.
#[derive(Debug, thiserror::Error)]
pub enum CheckFault {
    /// A verifier would refuse it.
    #[error(transparent)]
    Fault(Box<Fault>),
    /// A verifier would not even see it.
    #[error("a verifier finds nothing in it")]
    Nothing,
    /// It is somebody else's.
    #[error("it is by {found}, wanted {wanted}")]
    Identity {
        /// Whom the certificate names.
        found: String,
        /// Who was expected.
        wanted: String,
    },
}
