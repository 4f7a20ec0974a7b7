//! RFC 3161 timestamps, judged: by which trusted authority, over this signature, at what time.
//!
//! What is asked of a signer is asked of the very certificate whose key the token's signature was checked with, never
//! of another one that lies beside it.

use oci::Digest;
use rustls_pki_types::UnixTime;
use serde::Serialize;

use crate::{
    ChainFault, TimestampAuthority, TrustRoot,
    asn1::NotDer,
    authority::Others,
    certificate::Certificate,
    path::Purpose,
    signed::Signed,
    token::{Response, Token},
    window::written,
};

/// An authority saw the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimestampProof {
    /// The digest of the authority's root certificate.
    #[serde(serialize_with = "as_text")]
    pub authority: Digest,
    /// When, in seconds since 1970.
    pub at: u64,
}

impl TimestampProof {
    pub(crate) fn time(&self) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.at))
    }
}

/// Judges one timestamp of this signature.
pub(crate) fn judge(
    response: &[u8],
    signed: &Signed<'_>,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<TimestampProof, TimestampFault> {
    // 1. a token was granted
    let token = granted(response)?;
    // 2. by an authority that is trusted
    let mut fault = TimestampFault::Foreign;
    let by = trust.timestamp_authorities().iter().find_map(|authority| match made_by(&token, authority) {
        Ok(()) => Some(authority.chain().id()),
        Err(why) => {
            if fault == TimestampFault::Foreign {
                fault = why;
            }
            None
        }
    });
    let Some(authority) = by else { return Err(fault) };
    // 3. over this signature, or over all of the stored envelope: cosign has legacy attestations stamped so, and the
    // signature is in it. The payload alone would not do: that it was there says nothing about who signed it when.
    let (algorithm, found) = &token.imprint;
    let hash = algorithm.ok_or(TimestampFault::Hash)?;
    let wanted = hash.of(signed.signature);
    if *found != wanted && signed.stored.is_none_or(|stored| *found != hash.of(stored)) {
        return Err(TimestampFault::OtherSignature { found: hex::encode(found), wanted: hex::encode(wanted) });
    }
    // 4. in the past
    if token.time > now {
        return Err(TimestampFault::Future { at: written(token.time.as_secs()) });
    }
    Ok(TimestampProof { authority, at: token.time.as_secs() })
}

/// The token in what an authority answered.
pub(crate) fn granted(response: &[u8]) -> Result<Box<Token>, TimestampFault> {
    if response.len() > MAX_RESPONSE {
        return Err(TimestampFault::Malformed);
    }
    match Response::parse(response).map_err(|NotDer| TimestampFault::Malformed)? {
        Response::Granted(token) => Ok(token),
        Response::Refused { status } => Err(TimestampFault::Refused { status }),
    }
}

/// Whether this authority made the token.
fn made_by(token: &Token, authority: &TimestampAuthority) -> Result<(), TimestampFault> {
    let candidates = match authority.signer() {
        Some(signer) => std::slice::from_ref(signer),
        None => token.certificates.as_slice(),
    };
    let mut fault = TimestampFault::Foreign;
    for certificate in candidates.iter().filter(|certificate| token.names(certificate)) {
        match signed_by(token, certificate, authority) {
            Ok(()) => return Ok(()),
            Err(why) => fault = why,
        }
    }
    Err(fault)
}

fn signed_by(token: &Token, certificate: &Certificate, authority: &TimestampAuthority) -> Result<(), TimestampFault> {
    if !token.is_by(certificate) {
        return Err(TimestampFault::Signature);
    }
    let path =
        authority.chain().path(certificate, Others::Carried(&token.certificates), token.time, Purpose::TimeStamping);
    path.map_err(|why| if why == ChainFault::UnknownIssuer { TimestampFault::Foreign } else { why.into() })?;
    if certificate.is_only_for(Purpose::TimeStamping.oid()) { Ok(()) } else { Err(TimestampFault::Purpose) }
}

fn as_text<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

const MAX_RESPONSE: usize = 64 * 1024;

/// Why a timestamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampFault {
    /// It cannot be read.
    #[error("timestamp is malformed")]
    Malformed,
    /// It is not standard base64, or not where it should be.
    #[error("timestamp: {0}")]
    Field(#[from] crate::FieldError),
    /// The authority refused.
    #[error("timestamp was refused with status {status}")]
    Refused {
        /// The status.
        status: u8,
    },
    /// It is by an authority that is not trusted.
    #[error("timestamp is by an unknown authority")]
    Foreign,
    /// The certificate named did not sign it.
    #[error("timestamp's signature is not its authority's")]
    Signature,
    /// The signer's certificate is not good at that time.
    #[error("timestamp: {0}")]
    Chain(#[from] ChainFault),
    /// The signer's certificate may do more than stamp.
    #[error("timestamp's signer is not for time stamping alone")]
    Purpose,
    /// It stamps with a hash function that is not accepted.
    #[error("timestamp uses a hash function other than SHA-256, SHA-384 and SHA-512")]
    Hash,
    /// It is of another signature.
    #[error("timestamp is of {found}, signature is {wanted}")]
    OtherSignature {
        /// The hash stamped.
        found: String,
        /// The signature's hash.
        wanted: String,
    },
    /// It is from the future.
    #[error("timestamp is of {at}, which is in the future")]
    Future {
        /// When.
        at: String,
    },
    /// The same authority stamped it already.
    #[error("timestamp is a further one of the same authority")]
    Repeated,
}
