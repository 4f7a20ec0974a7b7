//! Timestamps (RFC 3161): the hash of a signature in, a token with a time out.

use der::{Decode as _, SliceReader, asn1::AnyRef};
use oci::Digest;

use crate::{
    Service, ServiceError,
    service::Address,
    token::{Web, web::Body},
};

/// A timestamp authority. Its address is that of the very page that stamps.
#[derive(Debug, Clone)]
pub(crate) struct TimestampServer(Address);

impl TimestampServer {
    pub(crate) fn new(url: &str) -> Result<Self, ServiceError> {
        Address::new(Service::TimestampAuthority, url).map(Self)
    }

    pub(crate) fn address(&self) -> &Address {
        &self.0
    }

    /// Has these bytes stamped; with the authority's certificate if that is wanted, as older verifiers do.
    ///
    /// Whether the token is genuine is for the verifier to judge, but it must be one, over these bytes.
    pub(crate) async fn stamp(&self, web: &Web, bytes: &[u8], certificate: bool) -> Result<Vec<u8>, ServiceError> {
        let digest = Digest::of(bytes);
        let request = request(&digest, certificate);
        let question = self.0.post(&[], Body::Bytes("application/timestamp-query", &request));
        let answer = self.0.succeeded(web.ask(&question).await)?;
        match status(&answer.bytes) {
            Ok(0 | 1) => {}
            Ok(status) => return Err(ServiceError::Refused { host: self.0.host(), status }),
            Err(_) => return Err(self.0.lacks("timestamp")),
        }
        let imprint = [OCTET_STRING_OF_32, digest.as_bytes()].concat();
        match answer.bytes.windows(imprint.len()).any(|part| part == imprint) {
            true => Ok(answer.bytes.to_vec()),
            false => Err(ServiceError::OtherTimestamp { host: self.0.host(), wanted: digest.hex() }),
        }
    }
}

/// RFC 3161, 2.4.1: TimeStampReq. A nonce would tell an old token from a new one; there is no old one of a signature
/// that was made a moment ago.
fn request(digest: &Digest, certificate: bool) -> Vec<u8> {
    let mut fields = [VERSION_1, SHA256_IMPRINT, OCTET_STRING_OF_32, digest.as_bytes()].concat();
    fields.extend_from_slice(if certificate { TRUE } else { &[] });
    let length = u8::try_from(fields.len()).expect("a request is shorter than 128 bytes");
    [&[0x30, length], fields.as_slice()].concat()
}

/// RFC 3161, 2.4.2: the status of a TimeStampResp.
fn status(response: &[u8]) -> der::Result<u64> {
    let mut response = SliceReader::new(AnyRef::from_der(response)?.value())?;
    let info = AnyRef::decode(&mut response)?;
    u64::decode(&mut SliceReader::new(info.value())?)
}

const VERSION_1: &[u8] = &[0x02, 0x01, 0x01];
/// A MessageImprint by SHA-256, up to the hash.
const SHA256_IMPRINT: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
const OCTET_STRING_OF_32: &[u8] = &[0x04, 0x20];
const TRUE: &[u8] = &[0x01, 0x01, 0xff];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_der_with_the_hash_at_its_place() {
        let digest = Digest::of(b"signature");
        for certificate in [true, false] {
            let request = request(&digest, certificate);
            assert_eq!(usize::from(request[1]) + 2, request.len());
            assert_eq!(&request[24..56], digest.as_bytes());
            assert_eq!(request.len() - 56, if certificate { 3 } else { 0 });
        }
    }

    #[test]
    fn status_is_read_and_nothing_else_is_one() {
        assert_eq!(status(&[0x30, 5, 0x30, 3, 2, 1, 2]), Ok(2));
        for bad in [&[][..], &[0x30, 0], &[0x30, 2, 0x30, 0], &[0x30, 5, 0x30, 3, 2, 1], b"{}"] {
            assert!(status(bad).is_err(), "{bad:?}");
        }
    }
}
