//! Signed certificate timestamps: a log's word that it saw a certificate before it was issued (RFC 6962, 3.2, 3.3).

use keys::KeyId;
use oci::Digest;
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

use crate::{
    TrustRoot,
    asn1::{self, Items, Oid},
    certificate::Certificate,
    window::written,
};

/// A log saw the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateLogProof {
    /// The log's key.
    #[serde(serialize_with = "as_text")]
    pub key: KeyId,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// One timestamp as found in the certificate.
pub(crate) struct Sct<'a> {
    log: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

/// The timestamps in a certificate, each of which may be malformed by itself; none if there is no such extension.
pub(crate) fn embedded(
    certificate: &Certificate,
) -> Result<Vec<Result<Sct<'_>, CertificateLogFault>>, CertificateLogFault> {
    let malformed = CertificateLogFault::Malformed;
    let Some(value) = certificate.extension(SCT_LIST) else { return Ok(Vec::new()) };
    let list = Items::only(value, asn1::OCTET_STRING).map_err(|_| malformed.clone())?.value;
    let mut list = sized(&mut &list[..]).filter(|inner| inner.len() + 2 == list.len()).ok_or(malformed.clone())?;
    let mut found = Vec::new();
    while !list.is_empty() {
        if found.len() == MAX_SCTS {
            return Err(CertificateLogFault::TooMany { most: MAX_SCTS });
        }
        let bytes = sized(&mut list).ok_or(malformed.clone())?;
        found.push(Sct::read(bytes).ok_or(malformed.clone()));
    }
    Ok(found)
}

impl<'a> Sct<'a> {
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let [VERSION_1] = take(rest, 1)? else { return None };
        let log = take(rest, 32)?;
        let milliseconds = u64::from_be_bytes(take(rest, 8)?.try_into().ok()?);
        let extensions = sized(rest)?;
        let _algorithms = take(rest, 2)?;
        let signature = sized(rest)?;
        rest.is_empty().then_some(Self { log, milliseconds, extensions, signature })
    }

    /// Judges it against the logs that are trusted. `issuer_key` is that of the path that was verified: two issuers
    /// may share a name.
    pub(crate) fn judge(
        &self,
        certificate: &Certificate,
        issuer_key: &[u8],
        trust: &TrustRoot,
        now: UnixTime,
    ) -> Result<CertificateLogProof, CertificateLogFault> {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_millis(self.milliseconds));
        let at = || written(time.as_secs());
        let mut fault = CertificateLogFault::Foreign { id: hex::encode(self.log) };
        for log in trust.certificate_logs().iter().filter(|log| log.is(self.log)) {
            fault = if log.key().verify(&self.message(certificate, issuer_key)?, self.signature).is_err() {
                CertificateLogFault::Signature
            } else if !log.window().contains(time) {
                CertificateLogFault::Outside { at: at(), window: log.window().to_string() }
            } else if time > now {
                CertificateLogFault::Future { at: at() }
            } else {
                return Ok(CertificateLogProof { key: log.key().id(), at: time.as_secs() });
            };
        }
        Err(fault)
    }

    /// What the log signed: the certificate as it was before these timestamps were put in.
    fn message(&self, certificate: &Certificate, issuer_key: &[u8]) -> Result<Vec<u8>, CertificateLogFault> {
        let malformed = CertificateLogFault::Malformed;
        let precertificate = certificate.signed_part_without(SCT_LIST).map_err(|_| malformed.clone())?;
        let length = u32::try_from(precertificate.len()).ok().filter(|length| *length < 1 << 24).ok_or(malformed)?;
        let mut bytes = vec![0, 0];
        bytes.extend(self.milliseconds.to_be_bytes());
        bytes.extend(PRECERTIFICATE.to_be_bytes());
        bytes.extend(Digest::of(issuer_key).as_bytes());
        bytes.extend(&length.to_be_bytes()[1..]);
        bytes.extend(precertificate);
        bytes.extend(u16::try_from(self.extensions.len()).expect("read with a length of two bytes").to_be_bytes());
        bytes.extend(self.extensions);
        Ok(bytes)
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// What follows a length of two bytes.
fn sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(take(bytes, 2)?.try_into().ok()?);
    take(bytes, usize::from(length))
}

fn as_text<S: Serializer>(key: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

const SCT_LIST: Oid = Oid::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
const VERSION_1: u8 = 0;
const PRECERTIFICATE: u16 = 1;
const MAX_SCTS: usize = 32;

/// Why a signed certificate timestamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateLogFault {
    /// It cannot be read.
    #[error("certificate timestamp is malformed")]
    Malformed,
    /// More than are looked at.
    #[error("more than {most} certificate timestamps found")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// It is of a log that is not trusted.
    #[error("certificate timestamp is of unknown log {id}")]
    Foreign {
        /// The log's id.
        id: String,
    },
    /// The log did not sign it for this certificate.
    #[error("certificate timestamp's signature is not the log's over this certificate")]
    Signature,
    /// The log was not trusted at that time.
    #[error("certificate timestamp is of {at}, its log is trusted from {window}")]
    Outside {
        /// When.
        at: String,
        /// When the log is trusted.
        window: String,
    },
    /// It is from the future.
    #[error("certificate timestamp is of {at}, which is in the future")]
    Future {
        /// When.
        at: String,
    },
}
