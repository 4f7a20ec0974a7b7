//! Signatures of files, in bundles of any version: what images have in registries, for everything else.

use oci::{Digest, excerpt};
use rustls_pki_types::UnixTime;
use serde::Serialize;

use crate::{
    BundleError, Fault, FieldError, Proofs, Signer, TrustRoot,
    bundle::{Bundle, Chains, Content, Noted, Versions},
    examine::{judge_bundled, judge_envelope, statement, subject},
    identity::Names,
    maker::Candidate,
    proofs::Carried,
    signed::{HashAlgorithm, Message},
};

/// A file that was signed, or only what it hashes to.
#[derive(Debug, Clone, Copy)]
pub enum Artifact<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// Its SHA-256. Signatures over another hash of it cannot be checked then.
    Digest(Digest),
}

/// A signature that was checked and is over the file.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedBlob {
    signer: Signer,
    predicate_type: Option<String>,
    proofs: Proofs,
}

impl VerifiedBlob {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What a statement about the file is called; none for a signature over the file itself.
    #[must_use]
    pub fn predicate_type(&self) -> Option<&str> {
        self.predicate_type.as_deref()
    }

    /// Which logs and clocks vouch for it.
    #[must_use]
    pub fn proofs(&self) -> &Proofs {
        &self.proofs
    }
}

/// Examines one bundle for one file. Says nothing about what a statement's predicate is worth.
///
/// # Errors
/// Says why the bundle does not count.
pub fn examine_blob(
    artifact: Artifact<'_>,
    bundle: Vec<u8>,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<VerifiedBlob, Fault> {
    let Bundle { content, signer, log_entries, timestamps } =
        Bundle::parse(bundle, Versions::All, Chains::under(trust))?;
    let carried = Carried { log_entries, timestamps };
    match content {
        Content::Envelope(envelope) => {
            let (signer, proofs) = judge_envelope(&envelope, &signer, carried, trust, now)?;
            let statement = statement(&envelope)?;
            subject(&statement, &artifact.digest())?;
            Ok(VerifiedBlob { signer, predicate_type: Some(statement.predicate_type), proofs })
        }
        Content::Message { noted, signature } => {
            noted.map(|noted| artifact.is_noted(&noted)).transpose()?;
            let (message, names) = (artifact.message(), Names::One);
            let candidate = Candidate { message, payload: None, signature: &signature, stored: None, carried, names };
            let (signer, proofs) = judge_bundled(candidate, &signer, trust, now)?;
            Ok(VerifiedBlob { signer, predicate_type: None, proofs })
        }
    }
}

impl Artifact<'_> {
    fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Digest(digest) => *digest,
        }
    }

    fn message(&self) -> Message<'_> {
        match self {
            Self::Bytes(bytes) => Message::Bytes(bytes),
            Self::Digest(digest) => Message::Digest(*digest),
        }
    }

    /// The digest beside the signature is not signed, but a wrong one shows that the bundle is another file's.
    fn is_noted(&self, noted: &Noted) -> Result<(), Fault> {
        let Noted { algorithm, digest } = noted;
        let needs_bytes = || Fault::NeedsBytes { algorithm: excerpt(algorithm, 40) };
        let hash = HashAlgorithm::named(algorithm).ok_or_else(needs_bytes)?;
        let wanted = self.message().hash(hash).ok_or_else(needs_bytes)?;
        if digest.len() != hash.length() {
            return Err(BundleError::from(FieldError::Base64("digest")).into());
        }
        if *digest == wanted {
            return Ok(());
        }
        Err(Fault::OtherArtifact { named: hex::encode(digest), artifact: hex::encode(wanted) })
    }
}
