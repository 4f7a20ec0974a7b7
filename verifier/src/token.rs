//! Timestamp tokens (RFC 3161) in CMS signed data (RFC 5652): taken apart, and the parts checked against each other.

use aws_lc_rs::digest;
use rustls_pki_types::UnixTime;

use crate::{
    asn1::{self, Item, Items, NotDer, Oid, constructed, context},
    certificate::{self, Certificate, MAX_CHAIN},
    signed::HashAlgorithm,
};

/// A hash, and by which function if it is one that is accepted.
type Imprint = (Option<HashAlgorithm>, Vec<u8>);

/// A token as found.
pub(crate) struct Token {
    /// The hash that was stamped.
    pub(crate) imprint: Imprint,
    /// The time that it claims.
    pub(crate) time: UnixTime,
    /// The certificates that it brings along.
    pub(crate) certificates: Vec<Certificate>,
    info: Vec<u8>,
    signer: SignerInfo,
}

struct SignerInfo {
    by: By,
    algorithm: Option<HashAlgorithm>,
    /// The signed attributes in the form that is signed.
    attributes: Vec<u8>,
    content_type: Vec<u8>,
    message_digest: Vec<u8>,
    /// What the signer says its certificate hashes to, by SHA-1 if there is no other function.
    certificate: Option<Imprint>,
    signature: Vec<u8>,
}

enum By {
    IssuerAndSerial(Vec<u8>, Vec<u8>),
    KeyIdentifier(Vec<u8>),
}

/// What a time stamping server answered.
pub(crate) enum Response {
    Granted(Box<Token>),
    Refused { status: u8 },
}

impl Response {
    /// RFC 3161, 2.4.2: TimeStampResp.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, NotDer> {
        let mut response = Items::only(der, asn1::SEQUENCE)?.items()?;
        let status = response.take(asn1::SEQUENCE)?.items()?.take(asn1::INTEGER)?;
        match status.value {
            [0 | 1] => Token::read(&response.take(asn1::SEQUENCE)?).map(|token| Self::Granted(Box::new(token))),
            [status] => Ok(Self::Refused { status: *status }),
            _ => Err(NotDer),
        }
    }
}

impl Token {
    /// RFC 5652, 3 and 5.1: ContentInfo with SignedData, with exactly one signer.
    fn read(content: &Item<'_>) -> Result<Self, NotDer> {
        let mut content = content.items()?;
        if content.take(asn1::OBJECT_IDENTIFIER)?.oid()? != SIGNED_DATA {
            return Err(NotDer);
        }
        let signed = content.take(constructed(0))?.value;
        let mut signed = Items::only(signed, asn1::SEQUENCE)?.items()?;
        signed.take(asn1::INTEGER)?;
        signed.take(asn1::SET)?;
        let mut inner = signed.take(asn1::SEQUENCE)?.items()?;
        if inner.take(asn1::OBJECT_IDENTIFIER)?.oid()? != TST_INFO {
            return Err(NotDer);
        }
        let info = Items::only(inner.take(constructed(0))?.value, asn1::OCTET_STRING)?.value.to_vec();
        let certificates = match signed.optional(constructed(0))? {
            Some(set) => certificates(&set)?,
            None => Vec::new(),
        };
        signed.optional(constructed(1))?;
        let signer = Items::only(signed.take(asn1::SET)?.value, asn1::SEQUENCE)?;
        signed.end()?;
        let (imprint, time) = stamped(&info)?;
        Ok(Self { imprint, time, certificates, signer: SignerInfo::read(&signer)?, info })
    }

    /// Whether the token names this certificate as its signer's.
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        match &self.signer.by {
            By::IssuerAndSerial(issuer, serial) => issuer == certificate.issuer() && serial == certificate.serial(),
            By::KeyIdentifier(id) => certificate.key_identifier() == Some(id),
        }
    }

    /// Whether the key of this very certificate signed this very content (RFC 5652, 5.4).
    pub(crate) fn is_by(&self, certificate: &Certificate) -> bool {
        let signer = &self.signer;
        let content = signer.algorithm.is_some_and(|hash| hash.of(&self.info) == signer.message_digest);
        let named = signer.certificate.as_ref().is_none_or(|(algorithm, wanted)| match algorithm {
            Some(hash) => hash.of(certificate.der()) == *wanted,
            None => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der()).as_ref() == wanted,
        });
        let signed = |key: keys::PublicKey| key.verify(&signer.attributes, &signer.signature).is_ok();
        signer.content_type == TST_INFO.as_bytes() && content && named && certificate.key().is_ok_and(signed)
    }
}

/// Certificates of other kinds are passed over.
fn certificates(set: &Item<'_>) -> Result<Vec<Certificate>, NotDer> {
    let items = set.items()?.rest()?;
    if items.len() > MAX_CHAIN {
        return Err(NotDer);
    }
    let plain = items.iter().filter(|item| item.tag == asn1::SEQUENCE);
    plain.map(|item| Certificate::parse(item.raw).map_err(|_| NotDer)).collect()
}

/// RFC 3161, 2.4.2: TSTInfo. What it says beside the hash and the time changes nothing about them, but it must be what
/// such a token may say, to its end: an extension that must be understood is one that is not.
fn stamped(info: &[u8]) -> Result<(Imprint, UnixTime), NotDer> {
    let mut info = Items::only(info, asn1::SEQUENCE)?.items()?;
    if info.take(asn1::INTEGER)?.value != [1] {
        return Err(NotDer);
    }
    info.take(asn1::OBJECT_IDENTIFIER)?;
    let imprint = imprint(&info.take(asn1::SEQUENCE)?)?;
    info.take(asn1::INTEGER)?;
    let time = info.take(asn1::GENERALIZED_TIME)?.time()?;
    // accuracy, ordering, nonce, tsa
    for tag in [asn1::SEQUENCE, asn1::BOOLEAN, asn1::INTEGER, constructed(0)] {
        info.optional(tag)?;
    }
    let extensions = info.optional(constructed(1))?.map(|list| list.items()?.rest()).transpose()?;
    for item in extensions.iter().flatten() {
        if certificate::extension(item)?.is_critical() {
            return Err(NotDer);
        }
    }
    info.end()?;
    Ok((imprint, time))
}

/// A hash by a function that is not accepted is of any length.
fn imprint(item: &Item<'_>) -> Result<Imprint, NotDer> {
    let mut fields = item.items()?;
    let algorithm = algorithm(&fields.take(asn1::SEQUENCE)?)?;
    let hash = fields.take(asn1::OCTET_STRING)?.value.to_vec();
    fields.end()?;
    let fits = algorithm.is_none_or(|algorithm| hash.len() == algorithm.length());
    if fits { Ok((algorithm, hash)) } else { Err(NotDer) }
}

impl SignerInfo {
    /// RFC 5652, 5.3. Without signed attributes there is nothing that names the content, so they must be there.
    fn read(item: &Item<'_>) -> Result<Self, NotDer> {
        let mut fields = item.items()?;
        fields.take(asn1::INTEGER)?;
        let by = By::read(&fields.any()?)?;
        let algorithm = algorithm(&fields.take(asn1::SEQUENCE)?)?;
        let signed = fields.take(constructed(0))?;
        fields.take(asn1::SEQUENCE)?;
        let signature = fields.take(asn1::OCTET_STRING)?.value.to_vec();
        fields.optional(constructed(1))?;
        fields.end()?;
        let list = attributes(&signed)?;
        let one = |id: Oid| match list.iter().filter(|(found, _)| *found == id).collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            [(_, value)] => Ok(Some(*value)),
            _ => Err(NotDer),
        };
        let content_type = one(CONTENT_TYPE)?.filter(|item| item.tag == asn1::OBJECT_IDENTIFIER).ok_or(NotDer)?;
        let message_digest = one(MESSAGE_DIGEST)?.filter(|item| item.tag == asn1::OCTET_STRING).ok_or(NotDer)?;
        let certificate = match (one(SIGNING_CERTIFICATE_2)?, one(SIGNING_CERTIFICATE)?) {
            (Some(value), _) => Some(certificate_2(&value)?),
            (None, Some(value)) => Some((None, first_certificate(&value)?.take(asn1::OCTET_STRING)?.value.to_vec())),
            (None, None) => None,
        };
        Ok(Self {
            by,
            algorithm,
            attributes: asn1::wrap(asn1::SET, signed.value),
            content_type: content_type.value.to_vec(),
            message_digest: message_digest.value.to_vec(),
            certificate,
            signature,
        })
    }
}

impl By {
    fn read(item: &Item<'_>) -> Result<Self, NotDer> {
        if item.tag == KEY_IDENTIFIER {
            return Ok(Self::KeyIdentifier(item.value.to_vec()));
        }
        let mut fields = Items::only(item.raw, asn1::SEQUENCE)?.items()?;
        let issuer = fields.take(asn1::SEQUENCE)?.raw.to_vec();
        Ok(Self::IssuerAndSerial(issuer, fields.take(asn1::INTEGER)?.value.to_vec()))
    }
}

/// Each attribute with its one value.
fn attributes<'a>(signed: &Item<'a>) -> Result<Vec<(Oid, Item<'a>)>, NotDer> {
    let read = |item: &Item<'a>| {
        let mut fields = Items::only(item.raw, asn1::SEQUENCE)?.items()?;
        let id = fields.take(asn1::OBJECT_IDENTIFIER)?.oid()?;
        let mut values = fields.take(asn1::SET)?.items()?;
        let value = values.any()?;
        values.end()?;
        Ok((id, value))
    };
    signed.items()?.rest()?.iter().map(read).collect()
}

/// RFC 5035, 3: the first of the certificates named is the signer's.
fn first_certificate<'a>(value: &Item<'a>) -> Result<Items<'a>, NotDer> {
    Items::only(value.raw, asn1::SEQUENCE)?.items()?.take(asn1::SEQUENCE)?.items()?.take(asn1::SEQUENCE)?.items()
}

fn certificate_2(value: &Item<'_>) -> Result<Imprint, NotDer> {
    let mut id = first_certificate(value)?;
    let algorithm = match id.optional(asn1::SEQUENCE)? {
        Some(named) => algorithm(&named)?.ok_or(NotDer)?,
        None => HashAlgorithm::Sha256,
    };
    Ok((Some(algorithm), id.take(asn1::OCTET_STRING)?.value.to_vec()))
}

/// An AlgorithmIdentifier's hash function, if it is one that is accepted.
fn algorithm(item: &Item<'_>) -> Result<Option<HashAlgorithm>, NotDer> {
    let id = item.items()?.take(asn1::OBJECT_IDENTIFIER)?.oid()?;
    Ok(HASHES.iter().find(|(known, _)| *known == id).map(|(_, algorithm)| *algorithm))
}

const KEY_IDENTIFIER: u8 = context(0);
const SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");
const HASHES: [(Oid, HashAlgorithm); 3] = [
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.1"), HashAlgorithm::Sha256),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.2"), HashAlgorithm::Sha384),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.3"), HashAlgorithm::Sha512),
];
