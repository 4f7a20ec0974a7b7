//! Who made a signature: a trusted key, or whoever a trusted authority named at a trusted time.

use std::collections::BTreeSet;

use rustls_pki_types::UnixTime;

use crate::{
    CertificateError, Fault, Identity, Signer, TrustRoot,
    authority::Others,
    certificate::{Certificate, GivenCertificate},
    identity::Names,
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
    /// Which of a certificate's names are the signer's.
    pub(crate) names: Names,
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

/// The certificate that must have made a signature.
struct Certified<'a> {
    leaf: &'a Certificate,
    others: &'a [Certificate],
    /// By whoever asks, not by the signature.
    given: bool,
}

impl Candidate<'_> {
    /// Finds out who made the signature, and judges what vouches for it.
    pub(crate) fn judge(self, maker: Maker<'_>, trust: &TrustRoot, now: UnixTime) -> Result<(Signer, Proofs), Fault> {
        if let Some(given) = trust.given() {
            return self.by_key_or_given(maker, given, trust, now);
        }
        match maker {
            Maker::Key => self.by_key(trust, now, false),
            Maker::Certificate(read) => self.by_carried(read, trust, now),
            Maker::Either(read) => match self.is_by_some_key(trust) {
                true => self.by_key(trust, now, true),
                false => self.by_carried(read, trust, now),
            },
        }
    }

    /// Where a certificate is given, none that is carried is looked at: whoever gave it said who is to have signed.
    fn by_key_or_given(
        self,
        maker: Maker<'_>,
        given: &GivenCertificate,
        trust: &TrustRoot,
        now: UnixTime,
    ) -> Result<(Signer, Proofs), Fault> {
        let another = match maker {
            Maker::Key => false,
            Maker::Certificate(read) | Maker::Either(read) => read().map_or(true, |(leaf, _)| leaf != given.leaf),
        };
        if !matches!(maker, Maker::Certificate(_)) && self.is_by_some_key(trust) {
            return self.by_key(trust, now, another);
        }
        let certified = Certified { leaf: &given.leaf, others: &given.others, given: true };
        let (signer, mut proofs) = self.by_certificate(certified, trust, now)?;
        if another {
            proofs.leave_certificate();
        }
        Ok((signer, proofs))
    }

    fn is_by_some_key(&self, trust: &TrustRoot) -> bool {
        trust.signer(|key| self.message.signed_by(key, self.signature).ok()).is_some()
    }

    fn by_key(self, trust: &TrustRoot, now: UnixTime, certified: bool) -> Result<(Signer, Proofs), Fault> {
        let Self { message, payload, signature, stored, carried, .. } = self;
        let made_it = |key: &keys::PublicKey| message.signed_by(key, signature).ok();
        let (key, hash) = trust.signer(made_it).ok_or_else(|| not_by_key(trust))?;
        let signed = Signed { message, payload, signature, stored, signer: SignedBy::Key(key), hash };
        let mut proofs = Proofs::gather(carried, &signed, trust, now);
        if certified {
            proofs.leave_certificate();
        }
        proofs.meet(trust.demands(), false)?;
        Ok((Signer::Key(key.id()), proofs))
    }

    fn by_carried(self, read: Certificates<'_>, trust: &TrustRoot, now: UnixTime) -> Result<(Signer, Proofs), Fault> {
        if trust.authorities().is_empty() {
            return Err(Fault::NoAuthority);
        }
        let (leaf, others) = read()?;
        self.by_certificate(Certified { leaf: &leaf, others: &others, given: false }, trust, now)
    }

    /// The Sigstore client specification, "Verification", for certificates.
    fn by_certificate(
        self,
        Certified { leaf, others, given }: Certified<'_>,
        trust: &TrustRoot,
        now: UnixTime,
    ) -> Result<(Signer, Proofs), Fault> {
        let Self { message, payload, signature, stored, carried, names } = self;
        if trust.authorities().is_empty() {
            return Err(Fault::NoAuthority);
        }
        // 1. the certificate's key made the signature
        let hash = message
            .signed_by(&leaf.key().map_err(CertificateError::Key)?, signature)
            .map_err(|_| if given { Fault::NotByGivenCertificate } else { Fault::NotByCertificate })?;
        // 2. it was there at these times
        let signer = if given { SignedBy::Given(leaf) } else { SignedBy::Certificate(leaf) };
        let signed = Signed { message, payload, signature, stored, signer, hash };
        let mut proofs = Proofs::gather(carried, &signed, trust, now);
        let moments: BTreeSet<u64> = proofs.times().iter().map(|time| time.at).collect();
        let times: Vec<UnixTime> = moments.into_iter().map(at).collect();
        if times.is_empty() {
            // a demanded log entry that is missing says more than the time that it would have brought
            proofs.meet(trust.demands(), false)?;
            return Err(Fault::NoTime { set_aside: proofs.set_aside().to_vec() });
        }
        // 3. at each of them the certificate was one of a trusted authority's
        let others = if given { Others::Given(others) } else { Others::Carried(others) };
        let (authority, path) = trust.path(leaf, others, &times)?;
        // 4. and logs of certificates saw it
        proofs.certify(authority, leaf, &path.issuer_key, trust, now);
        proofs.meet(trust.demands(), true)?;
        Ok((Signer::Identity(Identity::of(leaf, names)?), proofs))
    }
}

/// Where no key is trusted, no key was wanted.
fn not_by_key(trust: &TrustRoot) -> Fault {
    match (trust.keys().len(), trust.authorities()) {
        (0, [_, ..]) => Fault::NoCertificate,
        (trusted, _) => Fault::NoTrustedKey { trusted },
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}
