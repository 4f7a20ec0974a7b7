//! X.509 certificates, as far as signatures need them. Whether one is genuine is the chain's business.

use std::collections::BTreeSet;

use keys::{KeyError, PublicKey};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{
    Window,
    asn1::{self, Item, Items, NotDer, Oid, constructed, context},
};

/// A certificate taken apart; nothing in it has been checked.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    window: Window,
    key: Vec<u8>,
    extensions: Vec<Extension>,
}

/// An extension of a certificate, or of anything else that has some.
#[derive(Debug, Clone)]
pub(crate) struct Extension {
    id: Oid,
    critical: bool,
    value: Vec<u8>,
}

impl Extension {
    /// Whether whoever does not understand it must refuse the whole.
    pub(crate) fn is_critical(&self) -> bool {
        self.critical
    }
}

impl Certificate {
    /// Reads one DER certificate.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLarge { found: der.len(), most: MAX_CERTIFICATE });
        }
        read(der).map_err(|NotDer| CertificateError::Malformed)?.unique_extensions()
    }

    /// Reads the certificates of PEM text that holds nothing else.
    pub(crate) fn parse_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        Self::parse_pem_of(text, MAX_CHAIN)
    }

    /// The same, of at most so many.
    pub(crate) fn parse_pem_of(text: &str, most: usize) -> Result<Vec<Self>, CertificateError> {
        if text.len() > MAX_PEM {
            return Err(CertificateError::TooLarge { found: text.len(), most: MAX_PEM });
        }
        let blocks = pem::parse_many(text).map_err(|_| CertificateError::NotPem)?;
        if blocks.is_empty() || blocks.iter().any(|block| block.tag() != "CERTIFICATE") {
            return Err(CertificateError::NotPem);
        }
        if blocks.len() > most {
            return Err(CertificateError::TooMany { found: blocks.len(), most });
        }
        blocks.iter().map(|block| Self::parse(block.contents())).collect()
    }

    fn unique_extensions(self) -> Result<Self, CertificateError> {
        let found = self.extensions.len();
        if found > MAX_EXTENSIONS {
            return Err(CertificateError::TooManyExtensions { found, most: MAX_EXTENSIONS });
        }
        let distinct: BTreeSet<Oid> = self.extensions.iter().map(|extension| extension.id).collect();
        if distinct.len() == found { Ok(self) } else { Err(CertificateError::Malformed) }
    }

    /// The bytes.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The serial number's DER contents.
    pub(crate) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The DER name of the issuer.
    pub(crate) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The DER name of whom it is for.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The public key.
    pub(crate) fn key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_der(&self.key)
    }

    /// Whether it was in force at this moment.
    pub(crate) fn covers(&self, time: UnixTime) -> bool {
        self.window.contains(time)
    }

    /// When it was in force.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Whether it names itself as its issuer, as roots do.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it says that it is an authority's.
    pub(crate) fn is_authority(&self) -> bool {
        self.basic_constraints().is_some_and(|(authority, _)| authority)
    }

    /// Whether its key may issue certificates: it is an authority's, and its key usage, if it has one, does not say no.
    pub(crate) fn may_issue(&self) -> bool {
        self.is_authority() && self.may(CERTIFICATE_SIGN)
    }

    /// How many authorities may stand between it and a signer's certificate, if that is limited.
    pub(crate) fn most_below(&self) -> Option<usize> {
        self.basic_constraints().and_then(|(_, most)| most)
    }

    /// RFC 5280, 4.2.1.9. A length that cannot be read allows nothing.
    fn basic_constraints(&self) -> Option<(bool, Option<usize>)> {
        let read = |value: &[u8]| {
            let mut fields = Items::only(value, asn1::SEQUENCE)?.items()?;
            let authority = fields.optional(asn1::BOOLEAN)?.is_some_and(|is| is.value == [0xff]);
            let most = fields.optional(asn1::INTEGER)?.map(|most| match most.value {
                [most @ 0..=127] => usize::from(*most),
                [0, most] => usize::from(*most),
                _ => 0,
            });
            fields.end()?;
            Ok::<_, NotDer>((authority, most))
        };
        read(self.extension(BASIC_CONSTRAINTS)?).ok()
    }

    /// Whether its extended key usage names this purpose.
    pub(crate) fn is_for(&self, purpose: Oid) -> bool {
        let named = |value: &[u8]| {
            let list = Items::only(value, asn1::SEQUENCE)?.items()?.rest()?;
            list.iter().map(Item::oid).collect::<Result<Vec<_>, _>>()
        };
        self.extension(EXTENDED_KEY_USAGE).is_some_and(|value| named(value).is_ok_and(|list| list.contains(&purpose)))
    }

    /// Whether its extended key usage is this purpose alone, and critical (RFC 3161, 2.3).
    pub(crate) fn is_only_for(&self, purpose: Oid) -> bool {
        let alone = |value: &[u8]| {
            let list = Items::only(value, asn1::SEQUENCE)?.items()?.rest()?;
            Ok::<_, NotDer>(list.len() == 1 && list[0].oid()? == purpose)
        };
        let usage = self.extensions.iter().find(|extension| extension.id == EXTENDED_KEY_USAGE);
        usage.is_some_and(|usage| usage.critical && alone(&usage.value).unwrap_or(false))
    }

    /// Whether its key usage, if it has one, lets its key sign things other than certificates.
    pub(crate) fn may_sign(&self) -> bool {
        self.may(DIGITAL_SIGNATURE)
    }

    /// RFC 5280, 4.2.1.3, of the bits in the first octet.
    fn may(&self, usage: u8) -> bool {
        let bits = |value: &[u8]| Items::only(value, asn1::BIT_STRING).map(|item| item.value.get(1).copied());
        match self.extension(KEY_USAGE) {
            None => true,
            Some(value) => bits(value).is_ok_and(|first| first.is_some_and(|byte| byte & usage != 0)),
        }
    }

    /// The subject key identifier.
    pub(crate) fn key_identifier(&self) -> Option<&[u8]> {
        Items::only(self.extension(SUBJECT_KEY_IDENTIFIER)?, asn1::OCTET_STRING).ok().map(|item| item.value)
    }

    /// Whether it calls its key so.
    pub(crate) fn is_key(&self, id: &[u8]) -> bool {
        self.key_identifier() == Some(id)
    }

    /// What it calls the key that issued it (RFC 5280, 4.2.1.1).
    pub(crate) fn issuer_key_identifier(&self) -> Option<&[u8]> {
        let value = self.extension(AUTHORITY_KEY_IDENTIFIER)?;
        let id = Items::only(value, asn1::SEQUENCE).ok()?.items().ok()?.optional(context(0)).ok()?;
        id.map(|item| item.value)
    }

    /// The contents of an extension.
    pub(crate) fn extension(&self, id: Oid) -> Option<&[u8]> {
        self.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.value.as_slice())
    }

    /// The part that was signed, without this extension: what a CT log signed before the certificate was (RFC 6962,
    /// 3.2). Every other byte stays as it is.
    pub(crate) fn signed_part_without(&self, id: Oid) -> Result<Vec<u8>, CertificateError> {
        without(&self.der, id).map_err(|NotDer| CertificateError::Malformed)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

/// A certificate that whoever asks has given, and others that may lie between it and a root.
#[derive(Debug, Clone)]
pub(crate) struct GivenCertificate {
    pub(crate) leaf: Certificate,
    pub(crate) others: Vec<Certificate>,
}

impl GivenCertificate {
    /// The certificates of PEM text, the signer's first. Roots after it prove nothing and are passed over.
    pub(crate) fn parse_pem(text: &str) -> Result<Self, CertificateError> {
        let mut others = Certificate::parse_pem(text)?;
        let leaf = others.remove(0);
        others.retain(|one| !one.is_self_issued());
        Ok(Self { leaf, others })
    }

    pub(crate) fn describe(&self) -> String {
        let id = |one: &Certificate| oci::Digest::of(one.der()).to_string();
        format!("given {} {:?}", id(&self.leaf), self.others.iter().map(id).collect::<Vec<_>>())
    }
}

/// RFC 5280, 4.1.
fn read(der: &[u8]) -> Result<Certificate, NotDer> {
    let mut fields = signed_part(der)?.items()?;
    fields.optional(constructed(0))?;
    let serial = fields.take(asn1::INTEGER)?.value.to_vec();
    fields.take(asn1::SEQUENCE)?;
    let issuer = fields.take(asn1::SEQUENCE)?.raw.to_vec();
    let mut validity = fields.take(asn1::SEQUENCE)?.items()?;
    let window = Window::new(Some(validity.any()?.time()?), Some(validity.any()?.time()?));
    let subject = fields.take(asn1::SEQUENCE)?.raw.to_vec();
    let key = fields.take(asn1::SEQUENCE)?.raw.to_vec();
    let rest = fields.rest()?;
    let extensions = match rest.iter().find(|item| item.tag == constructed(3)) {
        Some(outer) => Items::only(outer.value, asn1::SEQUENCE)?.items()?.rest()?,
        None => Vec::new(),
    };
    let extensions = extensions.iter().map(extension).collect::<Result<_, _>>()?;
    let der = CertificateDer::from(der.to_vec());
    Ok(Certificate { der, serial, issuer, subject, window, key, extensions })
}

fn signed_part(der: &[u8]) -> Result<Item<'_>, NotDer> {
    Items::only(der, asn1::SEQUENCE)?.items()?.take(asn1::SEQUENCE)
}

/// RFC 5280, 4.1: Extension.
pub(crate) fn extension(item: &Item<'_>) -> Result<Extension, NotDer> {
    let mut fields = item.items()?;
    let id = fields.take(asn1::OBJECT_IDENTIFIER)?.oid()?;
    let critical = fields.optional(asn1::BOOLEAN)?.is_some_and(|is| is.value == [0xff]);
    let value = fields.take(asn1::OCTET_STRING)?.value.to_vec();
    fields.end()?;
    Ok(Extension { id, critical, value })
}

fn without(der: &[u8], id: Oid) -> Result<Vec<u8>, NotDer> {
    let mut contents = Vec::new();
    for field in signed_part(der)?.items()?.rest()? {
        if field.tag != constructed(3) {
            contents.extend_from_slice(field.raw);
            continue;
        }
        let mut kept = Vec::new();
        for item in Items::only(field.value, asn1::SEQUENCE)?.items()?.rest()? {
            if extension(&item)?.id != id {
                kept.extend_from_slice(item.raw);
            }
        }
        contents.extend(asn1::wrap(constructed(3), &asn1::wrap(asn1::SEQUENCE, &kept)));
    }
    Ok(asn1::wrap(asn1::SEQUENCE, &contents))
}

/// The most certificates of one chain that are looked at.
pub(crate) const MAX_CHAIN: usize = 10;
const MAX_CERTIFICATE: usize = 64 * 1024;
const MAX_EXTENSIONS: usize = 64;
const MAX_PEM: usize = 256 * 1024;
const BASIC_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.37");
const KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.15");
/// Bits 0 and 5 of a key usage.
const DIGITAL_SIGNATURE: u8 = 0x80;
const CERTIFICATE_SIGN: u8 = 0x04;
const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.35");
const SUBJECT_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.14");

/// Why something is not a certificate that can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not the DER of a certificate, or one with an extension twice.
    #[error("certificate is malformed")]
    Malformed,
    /// Not PEM text with certificates and nothing else.
    #[error("not PEM text of certificates alone")]
    NotPem,
    /// Larger than what is looked at.
    #[error("certificate of {found} bytes found, at most {most} are read")]
    TooLarge {
        /// How many bytes.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// No certificate where one was wanted.
    #[error("no certificate found in the chain")]
    Absent,
    /// More certificates than are looked at.
    #[error("chain of {found} certificates found, at most {most} are read")]
    TooMany {
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// More extensions than are looked at.
    #[error("certificate with {found} extensions found, at most {most} are read")]
    TooManyExtensions {
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// A signature brings its own root. Roots are named by whoever trusts them.
    #[error("chain contains a root certificate, which a signature must not bring along")]
    Root,
    /// It names nobody.
    #[error("certificate names nobody: no subject alternative name of a known kind")]
    Nameless,
    /// It has a name without any text, which would be nobody's or everybody's.
    #[error("certificate has an empty name")]
    EmptyName,
    /// The two places for the issuer of the identity disagree.
    #[error("certificate names two issuers of the identity")]
    TwoIssuers,
    /// An identity's member is not text, or a name is not ASCII.
    #[error("certificate's identity is not plain text")]
    Text,
    /// Its key is of a kind that cannot be used.
    #[error("certificate's key: {0}")]
    Key(#[from] KeyError),
}
