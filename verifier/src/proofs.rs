//! What a signature carries beside itself, judged piece by piece.
//!
//! One piece that is foreign or false never hides one that is good, and counts for nothing.

use std::fmt;

use keys::{KeyId, SignatureHash};
use oci::Digest;
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

use crate::{
    CertificateLogFault, CertificateLogProof, Demands, Fault, LogFault, LogProof, TimestampFault, TimestampProof,
    TrustRoot, Unexamined, certificate::Certificate, log_entry::LogEntry, sct, signed::Signed, timestamp,
};

/// Pieces of evidence as found.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) log_entries: Vec<Result<LogEntry, LogFault>>,
    pub(crate) timestamps: Vec<Result<Vec<u8>, TimestampFault>>,
}

/// What was proven about a signature beside who made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proofs {
    log_entries: Vec<LogProof>,
    timestamps: Vec<TimestampProof>,
    certificate_logs: Vec<CertificateLogProof>,
    #[serde(serialize_with = "as_optional_text")]
    authority: Option<Digest>,
    set_aside: Vec<SetAside>,
    #[serde(skip)]
    unexamined: Vec<Unexamined>,
    #[serde(skip)]
    signature: Option<Digest>,
    #[serde(skip)]
    hash: Option<SignatureHash>,
}

impl Proofs {
    /// Judges all that was carried: timestamps first, since a log may be trusted at their times only.
    pub(crate) fn gather(carried: Carried, signed: &Signed<'_>, trust: &TrustRoot, now: UnixTime) -> Self {
        let mut proofs = Self { signature: Some(signed.id()), hash: signed.hash, ..Self::default() };
        if trust.timestamp_authorities().is_empty() {
            proofs.unexamined.extend((!carried.timestamps.is_empty()).then_some(Unexamined::Timestamp));
        } else {
            proofs.stamp(carried.timestamps, signed, trust, now);
        }
        if trust.logs().is_empty() {
            proofs.unexamined.extend((!carried.log_entries.is_empty()).then_some(Unexamined::LogEntry));
        } else {
            proofs.log(carried.log_entries, signed, trust, now);
        }
        proofs
    }

    fn stamp(
        &mut self,
        found: Vec<Result<Vec<u8>, TimestampFault>>,
        signed: &Signed<'_>,
        trust: &TrustRoot,
        now: UnixTime,
    ) {
        for (index, response) in found.into_iter().enumerate() {
            let judged = response.and_then(|bytes| timestamp::judge(&bytes, signed, trust, now));
            match judged {
                Ok(proof) if self.timestamps.iter().any(|other| other.authority == proof.authority) => {
                    // it counts for nothing more, but a certificate must have been valid at its time too
                    self.timestamps.push(proof);
                    self.set_aside.push(SetAside::Timestamp { index, why: TimestampFault::Repeated });
                }
                Ok(proof) => self.timestamps.push(proof),
                Err(why) => self.set_aside.push(SetAside::Timestamp { index, why }),
            }
        }
    }

    fn log(&mut self, found: Vec<Result<LogEntry, LogFault>>, signed: &Signed<'_>, trust: &TrustRoot, now: UnixTime) {
        let times: Vec<UnixTime> = self.timestamps.iter().map(TimestampProof::time).collect();
        let mut seen: Vec<(Vec<u8>, u64)> = Vec::new();
        for (index, entry) in found.into_iter().enumerate() {
            let judged = entry.and_then(|entry| {
                let (log, place) = entry.claims();
                let claims = (log.to_vec(), place);
                if seen.contains(&claims) {
                    return Err(LogFault::Repeated);
                }
                let proof = entry.judge(signed, trust, &times, now)?;
                seen.push(claims);
                Ok(proof)
            });
            match judged {
                Ok(proof) => self.log_entries.push(proof),
                Err(why) => self.set_aside.push(SetAside::LogEntry { index, why }),
            }
        }
    }

    /// The authority that vouched for the signer, and what the logs of certificates say.
    pub(crate) fn certify(
        &mut self,
        authority: Digest,
        certificate: &Certificate,
        issuer_key: &[u8],
        trust: &TrustRoot,
        now: UnixTime,
    ) {
        self.authority = Some(authority);
        if trust.certificate_logs().is_empty() {
            return;
        }
        let found = match sct::embedded(certificate) {
            Ok(found) => found,
            Err(why) => vec![Err(why)],
        };
        for (index, sct) in found.into_iter().enumerate() {
            match sct.and_then(|sct| sct.judge(certificate, issuer_key, trust, now)) {
                Ok(proof) => self.certificate_logs.push(proof),
                Err(why) => self.set_aside.push(SetAside::CertificateTimestamp { index, why }),
            }
        }
    }

    /// That a certificate made the signature, though a key was what it was judged by.
    pub(crate) fn leave_certificate(&mut self) {
        self.unexamined.insert(0, Unexamined::Certificate);
    }

    /// Whether this meets what is demanded; `certified` is whether a certificate made the signature.
    pub(crate) fn meet(&self, demands: Demands, certified: bool) -> Result<(), Fault> {
        let of = |kind: fn(&SetAside) -> bool| self.set_aside.iter().filter(|one| kind(one)).cloned().collect();
        if demands.log_entry && self.log_entries.is_empty() {
            return Err(Fault::NoLogEntry { set_aside: of(|one| matches!(one, SetAside::LogEntry { .. })) });
        }
        if demands.certificate_log && certified && self.certificate_logs.is_empty() {
            let set_aside = of(|one| matches!(one, SetAside::CertificateTimestamp { .. }));
            return Err(Fault::NoCertificateLog { set_aside });
        }
        if demands.timestamp && self.timestamps.is_empty() {
            return Err(Fault::NoTimestamp { set_aside: of(|one| matches!(one, SetAside::Timestamp { .. })) });
        }
        Ok(())
    }

    /// What tells the signature from others: the SHA-256 of its bytes and the PEM form of the certificate that made it.
    pub(crate) fn signature(&self) -> Digest {
        self.signature.expect("proofs are gathered for a signature")
    }

    /// The hash that the signature was checked with; none where its key admits one alone.
    pub(crate) fn hash(&self) -> Option<SignatureHash> {
        self.hash
    }

    /// The logs' entries for this signature. To count logs, count their distinct keys: one log may have several.
    #[must_use]
    pub fn log_entries(&self) -> &[LogProof] {
        &self.log_entries
    }

    /// The timestamps of this signature. To count authorities, count the distinct ones.
    #[must_use]
    pub fn timestamps(&self) -> &[TimestampProof] {
        &self.timestamps
    }

    /// What logs of certificates say of the signer's certificate.
    #[must_use]
    pub fn certificate_logs(&self) -> &[CertificateLogProof] {
        &self.certificate_logs
    }

    /// The digest of the root certificate under which the signer was named, if a certificate names it.
    #[must_use]
    pub fn authority(&self) -> Option<&Digest> {
        self.authority.as_ref()
    }

    /// Every moment at which the signature is known to have been there, and by which clock.
    #[must_use]
    pub fn times(&self) -> Vec<VerifiedTime> {
        let by_log = |proof: &LogProof| proof.integrated.map(|at| VerifiedTime { at, clock: Clock::Log(proof.key) });
        let by_authority =
            |proof: &TimestampProof| VerifiedTime { at: proof.at, clock: Clock::Authority(proof.authority) };
        self.timestamps.iter().map(by_authority).chain(self.log_entries.iter().filter_map(by_log)).collect()
    }

    /// The pieces that prove nothing, each with its reason.
    #[must_use]
    pub fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// What was not looked at, since nothing is trusted that it could be checked against.
    #[must_use]
    pub fn unexamined(&self) -> &[Unexamined] {
        &self.unexamined
    }
}

/// A moment at which a signature was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedTime {
    /// In seconds since 1970.
    pub at: u64,
    /// Whose word it is.
    pub clock: Clock,
}

/// Whose word a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The transparency log with this key, which signed it.
    Log(KeyId),
    /// The timestamp authority under this root certificate.
    Authority(Digest),
}

/// A piece of evidence that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetAside {
    /// A log entry.
    LogEntry {
        /// Which one.
        index: usize,
        /// Why.
        why: LogFault,
    },
    /// An RFC 3161 timestamp.
    Timestamp {
        /// Which one.
        index: usize,
        /// Why.
        why: TimestampFault,
    },
    /// A timestamp of the certificate.
    CertificateTimestamp {
        /// Which one.
        index: usize,
        /// Why.
        why: CertificateLogFault,
    },
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogEntry { why, .. } => why.fmt(f),
            Self::Timestamp { why, .. } => why.fmt(f),
            Self::CertificateTimestamp { why, .. } => why.fmt(f),
        }
    }
}

impl Serialize for SetAside {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn as_optional_text<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => serializer.collect_str(digest),
        None => serializer.serialize_none(),
    }
}
