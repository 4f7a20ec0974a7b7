//! Certificates that come with a signature: the signer's own, and those between it and a root.
//!
//! Read as far as a signer needs them: whose key, until when. Whether an authority really issued one is for whoever
//! verifies the signature to judge.

use std::time::Duration;

use der::{
    Decode as _, Reader, SliceReader, Tag,
    asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime},
};
use keys::{KeyError, PublicKey};
use rustls_pki_types::UnixTime;

/// The certificate of a signer, and the others up to its authority.
#[derive(Debug, Clone)]
pub struct Chain {
    leaf: Vec<u8>,
    others: Vec<Vec<u8>>,
    key: PublicKey,
    from: Duration,
    until: Duration,
    vouched: Vec<String>,
}

impl Chain {
    /// Reads the signer's certificate, and the others if there are any, from PEM.
    ///
    /// # Errors
    /// Fails on anything but certificates, on several where the signer's own is wanted, and if its key is of a kind
    /// that cannot sign.
    pub fn from_pem(leaf: &str, others: Option<&str>) -> Result<Self, CertificateFault> {
        let mut leaves = blocks(leaf)?;
        let others = others.map(blocks).transpose()?.unwrap_or_default();
        match (leaves.pop(), leaves.len()) {
            (Some(leaf), 0) => Self::new(leaf, others),
            (_, more) => Err(CertificateFault::Several { found: more + 1 }),
        }
    }

    pub(crate) fn new(leaf: Vec<u8>, mut others: Vec<Vec<u8>>) -> Result<Self, CertificateFault> {
        if others.len() > MAX_CHAIN {
            return Err(CertificateFault::TooMany { found: others.len() });
        }
        let (key, from, until, vouched) = read(&leaf).map_err(|_| CertificateFault::Malformed)?;
        let key = PublicKey::from_der(&key)?;
        others.retain(|other| *other != leaf); // some chains begin with the certificate itself
        Ok(Self { leaf, others, key, from, until, vouched })
    }

    /// The signer's certificate, DER.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// The key that it certifies.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// By whose word the holder is named, as Fulcio writes it into the signer's certificate: once or twice.
    pub(crate) fn vouched(&self) -> &[String] {
        &self.vouched
    }

    /// Whether the signer's certificate is in force at this moment.
    #[must_use]
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        let now = Duration::from_secs(now.as_secs());
        self.from <= now && now <= self.until
    }

    /// Until when it is in force, in seconds since 1970.
    pub(crate) fn until(&self) -> u64 {
        self.until.as_secs()
    }

    /// The signer's certificate as PEM, with LF line ends.
    #[must_use]
    pub fn leaf_pem(&self) -> String {
        pem(&self.leaf)
    }

    /// The others as PEM, one after another; nothing if there are none.
    #[must_use]
    pub fn others_pem(&self) -> String {
        self.others.iter().map(|der| pem(der)).collect()
    }
}

fn pem(der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(LABEL, der), config)
}

pub(crate) fn blocks(text: &str) -> Result<Vec<Vec<u8>>, CertificateFault> {
    if text.len() > MAX_PEM {
        return Err(CertificateFault::NotPem);
    }
    let blocks = pem::parse_many(text).map_err(|_| CertificateFault::NotPem)?;
    match !blocks.is_empty() && blocks.iter().all(|block| block.tag() == LABEL) {
        true => Ok(blocks.into_iter().map(pem::Pem::into_contents).collect()),
        false => Err(CertificateFault::NotPem),
    }
}

/// RFC 5280, 4.1: the key, from when until when, and whose token Fulcio was shown.
fn read(bytes: &[u8]) -> der::Result<(Vec<u8>, Duration, Duration, Vec<String>)> {
    let mut outer = SliceReader::new(AnyRef::from_der(bytes)?.value())?;
    let certificate = AnyRef::decode(&mut outer)?;
    let mut fields = SliceReader::new(certificate.value())?;
    if fields.peek_byte() == Some(VERSION) {
        fields.tlv_bytes()?;
    }
    for _ in ["serial number", "signature algorithm", "issuer"] {
        fields.tlv_bytes()?;
    }
    let validity = AnyRef::decode(&mut fields)?;
    let mut times = SliceReader::new(validity.value())?;
    let (from, until) = (time(&mut times)?, time(&mut times)?);
    fields.tlv_bytes()?; // the subject
    let key = fields.tlv_bytes()?.to_vec();
    Ok((key, from, until, vouched(&mut fields)?))
}

/// What Fulcio's extensions say about that, the newer one and the older one, among those at the end of a certificate.
fn vouched(fields: &mut SliceReader<'_>) -> der::Result<Vec<String>> {
    let mut vouched = Vec::new();
    while !fields.is_finished() {
        let field = fields.tlv_bytes()?;
        if field.first() != Some(&EXTENSIONS) {
            continue;
        }
        let list = AnyRef::from_der(AnyRef::from_der(field)?.value())?;
        let mut list = SliceReader::new(list.value())?;
        while !list.is_finished() {
            let extension = AnyRef::decode(&mut list)?;
            let mut parts = SliceReader::new(extension.value())?;
            let id = ObjectIdentifier::decode(&mut parts)?;
            if [ISSUER, FORMER_ISSUER].contains(&id) {
                Option::<bool>::decode(&mut parts)?; // whether it is critical
                vouched.push(issuer(id, AnyRef::decode(&mut parts)?.value()));
            }
        }
    }
    Ok(vouched)
}

/// The older extension is text as it is, the newer one text of ASN.1.
fn issuer(id: ObjectIdentifier, value: &[u8]) -> String {
    let text = if id == ISSUER { String::from_der(value).ok() } else { None };
    text.unwrap_or_else(|| String::from_utf8_lossy(value).into_owned())
}

fn time(reader: &mut SliceReader<'_>) -> der::Result<Duration> {
    let time = AnyRef::decode(reader)?;
    match der::Tagged::tag(&time) {
        Tag::UtcTime => time.decode_as::<UtcTime>().map(|time| time.to_unix_duration()),
        _ => time.decode_as::<GeneralizedTime>().map(|time| time.to_unix_duration()),
    }
}

const LABEL: &str = "CERTIFICATE";
/// `[0]`, constructed.
const VERSION: u8 = 0xa0;
/// `[3]`, constructed.
const EXTENSIONS: u8 = 0xa3;
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const FORMER_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const MAX_PEM: usize = 256 * 1024;
const MAX_CHAIN: usize = 10;

/// Why certificates are not a signer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The text is not PEM, or holds something else.
    #[error("other text found, wanted certificates in PEM")]
    NotPem,
    /// There are several where the signer's own is wanted.
    #[error("{found} certificates found, wanted the signer's alone")]
    Several {
        /// How many.
        found: usize,
    },
    /// There are more than any chain has.
    #[error("chain of {found} certificates found, wanted at most {MAX_CHAIN}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// The signer's certificate cannot be read.
    #[error("certificate is malformed")]
    Malformed,
    /// It is for a key that cannot sign.
    #[error("certificate's key: {0}")]
    Key(#[from] KeyError),
    /// It is by the word of somebody else than the token's issuer.
    #[error("certificate is by the word of `{found}`, wanted `{wanted}`, which issued the token")]
    OtherIssuer {
        /// Whom the certificate names.
        found: String,
        /// The token's issuer.
        wanted: String,
    },
    /// It is for another key.
    #[error("certificate is for {found}, wanted {wanted}")]
    OtherKey {
        /// The certificate's key.
        found: String,
        /// The key that signs.
        wanted: String,
    },
}
