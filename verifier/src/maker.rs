//! Who made a signature: a trusted key, or whoever a trusted authority named at a trusted time.

use rustls_pki_types::UnixTime;

use crate::{
    CertificateError, Fault, Identity, Signer, TrustRoot,
    certificate::Certificate,
    proofs::{Carried, Proofs},
    signed::{Message, Signed, SignedBy},
};

/// A signature with all that came along with it.
pub(crate) struct Candidate<'a> {
    pub(crate) message: Message<'a>,
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) signature: &'a [u8],
    pub(crate) stored: Option<&'a [u8]>,
    pub(crate) carried: Carried,
}

/// What may have made a signature, by the format that carries it. Certificates are read only when they are needed.
#[derive(Clone, Copy)]
pub(crate) enum Maker<'a> {
    Key,
    Certificate(Certificates<'a>),
    /// A legacy layer may carry a certificate that its key's holder never used.
    Either(Certificates<'a>),
}

type Certificates<'a> = &'a dyn Fn() -> Result<(Certificate, Vec<Certificate>), CertificateError>;

impl Candidate<'_> {
    /// Finds out who made the signature, and judges what vouches for it.
    pub(crate) fn judge(self, maker: Maker<'_>, trust: &TrustRoot, now: UnixTime) -> Result<(Signer, Proofs), Fault> {
        match maker {
            Maker::Key => self.by_key(trust, now, false),
            Maker::Certificate(read) => self.by_certificate(read, trust, now),
            Maker::Either(read) => match self.is_by_some_key(trust) {
                true => self.by_key(trust, now, true),
                false => self.by_certificate(read, trust, now),
            },
        }
    }

    fn is_by_some_key(&self, trust: &TrustRoot) -> bool {
        trust.signer(|key| self.message.is_signed_by(key, self.signature)).is_some()
    }

    fn by_key(self, trust: &TrustRoot, now: UnixTime, certified: bool) -> Result<(Signer, Proofs), Fault> {
        let Self { message, payload, signature, stored, carried } = self;
        let made_it = |key: &keys::PublicKey| message.is_signed_by(key, signature);
        let key = trust.signer(made_it).ok_or(Fault::NoTrustedKey { trusted: trust.keys().len() })?;
        let signed = Signed { message, payload, signature, stored, signer: SignedBy::Key(key) };
        let mut proofs = Proofs::gather(carried, &signed, trust, now);
        if certified {
            proofs.leave_certificate();
        }
        proofs.meet(trust.demands(), false)?;
        Ok((Signer::Key(key.id()), proofs))
    }

    /// The Sigstore client specification, "Verification", for certificates.
    fn by_certificate(
        self,
        read: Certificates<'_>,
        trust: &TrustRoot,
        now: UnixTime,
    ) -> Result<(Signer, Proofs), Fault> {
        let Self { message, payload, signature, stored, carried } = self;
        if trust.authorities().is_empty() {
            return Err(Fault::NoAuthority);
        }
        // 1. the certificate's key made the signature
        let (leaf, others) = read()?;
        if !message.is_signed_by(&leaf.key().map_err(CertificateError::Key)?, signature) {
            return Err(Fault::NotByCertificate);
        }
        // 2. it was there at these times
        let signed = Signed { message, payload, signature, stored, signer: SignedBy::Certificate(&leaf) };
        let mut proofs = Proofs::gather(carried, &signed, trust, now);
        let times: Vec<UnixTime> = proofs.times().iter().map(|time| at(time.at)).collect();
        if times.is_empty() {
            // a demanded log entry that is missing says more than the time that it would have brought
            proofs.meet(trust.demands(), false)?;
            return Err(Fault::NoTime { set_aside: proofs.set_aside().to_vec() });
        }
        // 3. at each of them the certificate was one of a trusted authority's
        let (authority, path) = trust.path(&leaf, &others, &times)?;
        // 4. and logs of certificates saw it
        proofs.certify(authority, &leaf, &path.issuer_key, trust, now);
        proofs.meet(trust.demands(), true)?;
        Ok((Signer::Identity(Identity::of(&leaf)?), proofs))
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}
