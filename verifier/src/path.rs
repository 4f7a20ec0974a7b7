//! The path from a certificate to a root: found by following names and key identifiers, then checked by `webpki`, which
//! is given that path and nothing else.
//!
//! Certificates may come from a stranger. Left to search among them, a checker tries every way through; here a step is
//! taken on a signature wherever there is more than one to take, and the signatures of one search are counted.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::{
    asn1::{self, Items, NotDer, Oid},
    certificate::Certificate,
    window::written,
};

/// A path from a certificate to a root was found, and every signature on it is good.
#[derive(Debug)]
pub(crate) struct Path {
    /// The key of whoever issued the certificate, as DER.
    pub(crate) issuer_key: Vec<u8>,
}

/// What is looked for: a path to this root, in force at this moment at every step, for this purpose.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) root: &'a Certificate,
    pub(crate) time: UnixTime,
    pub(crate) purpose: Purpose,
}

impl Wanted<'_> {
    /// Finds the path from this certificate through some of the others, which are not trusted. At most four lie
    /// between, and at most 16 signatures are checked.
    pub(crate) fn find(&self, leaf: &Certificate, others: &[&Certificate]) -> Result<Path, ChainFault> {
        if !leaf.is_for(self.purpose.oid()) || !leaf.may_sign() {
            return Err(ChainFault::Purpose { wanted: self.purpose.name() });
        }
        let mut search = Search { wanted: self, others, checks: 0, nearest: ChainFault::UnknownIssuer };
        search.through(&mut vec![leaf]).ok_or(search.nearest)
    }

    /// Whether these certificates, each issued by the next and the last by the root, are a path.
    fn check(&self, steps: &[&Certificate]) -> Result<Path, ChainFault> {
        let (leaf, between) = steps.split_first().ok_or(ChainFault::UnknownIssuer)?;
        if between.iter().chain([&self.root]).any(|issuer| !issuer.may_issue()) {
            return Err(ChainFault::NoIssuer);
        }
        // webpki takes a root's name and key and leaves its other limits to whoever trusts it
        if self.root.most_below().is_some_and(|most| between.len() > most) {
            return Err(ChainFault::Broken { why: "PathLenConstraintViolated".to_owned() });
        }
        let why = |error: webpki::Error| fault(&error, leaf, self.time);
        let anchors = [anchor_from_trusted_cert(self.root.der()).map_err(why)?];
        let between: Vec<CertificateDer<'_>> = between.iter().map(|one| one.der().clone()).collect();
        let end = EndEntityCert::try_from(leaf.der()).map_err(why)?;
        let usage = KeyUsage::required_if_present(self.purpose.octets());
        let path = end
            .verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &between, self.time, usage, None, None)
            .map_err(why)?;
        Ok(Path { issuer_key: path.issuer_spki().to_vec() })
    }
}

struct Search<'a> {
    wanted: &'a Wanted<'a>,
    others: &'a [&'a Certificate],
    /// How many signatures were checked.
    checks: usize,
    nearest: ChainFault,
}

impl<'a> Search<'a> {
    /// Goes on from the last of these steps.
    fn through(&mut self, steps: &mut Vec<&'a Certificate>) -> Option<Path> {
        let last = *steps.last()?;
        if last.issuer() == self.wanted.root.subject() && self.may_check(steps.len()) {
            match self.wanted.check(steps) {
                Ok(path) => return Some(path),
                Err(why) => self.note(why),
            }
        }
        if steps.len() > MAX_BETWEEN {
            return None;
        }
        for next in self.issuers(last, steps) {
            steps.push(next);
            if let Some(path) = self.through(steps) {
                return Some(path);
            }
            steps.pop();
        }
        None
    }

    /// Who may have issued this: the one with the right name, or of several those whose key made the signature. What
    /// is in force comes first.
    fn issuers(&mut self, last: &Certificate, steps: &[&Certificate]) -> Vec<&'a Certificate> {
        let named = self.others.iter().copied().filter(|one| one.subject() == last.issuer() && !steps.contains(one));
        let mut found: Vec<_> = named.collect();
        // identifiers tell namesakes apart, but an issuer is not refused for what it calls its key
        let identified = |one: &&Certificate| last.issuer_key_identifier().is_some_and(|id| one.is_key(id));
        if found.iter().any(identified) {
            found.retain(identified);
        }
        found.sort_by_key(|one| !one.covers(self.wanted.time));
        if found.len() > 1 {
            found.retain(|one| self.may_check(1) && signed(one, last));
        }
        found
    }

    /// Whether so many signatures more may be checked.
    fn may_check(&mut self, more: usize) -> bool {
        let may = self.checks + more <= MAX_CHECKS;
        if may {
            self.checks += more;
        } else {
            self.note(ChainFault::Tangled { most: MAX_CHECKS });
        }
        may
    }

    fn note(&mut self, why: ChainFault) {
        if why.rank() < self.nearest.rank() {
            self.nearest = why;
        }
    }
}

/// Whether the key of `issuer` made the signature of `issued`. Says nothing about whether it may.
fn signed(issuer: &Certificate, issued: &Certificate) -> bool {
    let parts = || {
        let mut fields = Items::only(issued.der(), asn1::SEQUENCE)?.items()?;
        let (part, algorithm) = (fields.take(asn1::SEQUENCE)?.raw, fields.take(asn1::SEQUENCE)?.value);
        match fields.take(asn1::BIT_STRING)?.value.split_first() {
            Some((0, signature)) => Ok((part, algorithm, signature)),
            _ => Err(NotDer),
        }
    };
    let (Ok((part, algorithm, signature)), Ok(issuer)) = (parts(), EndEntityCert::try_from(issuer.der())) else {
        return false;
    };
    let mut fitting = ALL_VERIFICATION_ALGS.iter().filter(|known| known.signature_alg_id().as_ref() == algorithm);
    fitting.any(|known| issuer.verify_signature(*known, part, signature).is_ok())
}

const MAX_BETWEEN: usize = 4;
const MAX_CHECKS: usize = 16;

fn fault(error: &webpki::Error, leaf: &Certificate, time: UnixTime) -> ChainFault {
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
    /// Something that is not allowed to issue certificates issued it, or one of its issuers.
    #[error("certificate's chain has an issuer that may not issue certificates")]
    NoIssuer,
    /// Certificates beside it could lie between it and the root in too many ways.
    #[error("certificate's chain takes more than {most} signatures to follow")]
    Tangled {
        /// The limit.
        most: usize,
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
            Self::Broken { .. } | Self::NoIssuer | Self::Tangled { .. } => 1,
            Self::UnknownIssuer => 2,
        }
    }
}
