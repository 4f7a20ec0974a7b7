//! The members of a trusted root: authorities from certificates, logs from keys.

use std::{fmt, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use keys::{KeyKind, PublicKey};
use oci::Digest;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use x509_cert::{
    Certificate,
    der::{
        Decode as _,
        asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
        oid::db::rfc4519::{CN, O},
    },
    ext::pkix::BasicConstraints,
    name::Name,
};

use crate::{bounded_file, exit::Failure, service_spec::Spec};

/// An authority that names signers, trusted from its root's first day on unless it is said otherwise.
pub(super) fn authority(text: &str) -> Result<Value, Failure> {
    let spec = Spec::parse("--fulcio", text, &["url", "certificate-chain"], &["start-time", "end-time"])?;
    let chain = Chain::read(&spec)?;
    chain.member(&spec, chain.root())
}

/// An authority for the time, trusted from its own first day on unless it is said otherwise.
pub(super) fn clock(text: &str) -> Result<Value, Failure> {
    let spec = Spec::parse("--tsa", text, &["url", "certificate-chain"], &["start-time", "end-time"])?;
    let chain = Chain::read(&spec)?;
    let first = &chain.certificates[0];
    if chain.certificates.len() < 2 || is_authority(first) {
        let path = spec.text("certificate-chain");
        return Err(spec.wrong(format_args!("{path}: wanted the certificate that signs, then those above it")));
    }
    chain.member(&spec, first)
}

/// A log, known by its key or, where an origin is named, by key and origin.
pub(super) fn log(spec: &Spec<'_>) -> Result<Value, Failure> {
    let path = spec.text("public-key");
    let unusable = |why: &dyn fmt::Display| spec.wrong(format_args!("`public-key`: {why}"));
    let bytes = bounded_file::read(Path::new(path), MAX_KIB).map_err(|why| unusable(&why))?;
    let key = PublicKey::from_pem(&bytes).map_err(|why| unusable(&format_args!("{path}: {why}")))?;
    let details = details(key.kind()).ok_or_else(|| {
        unusable(&format_args!("{path}: {} key found, wanted RSA of 2048, 3072 or 4096 bits", key.kind()))
    })?;
    Ok(json!({
        "baseUrl": spec.text("url"),
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": BASE64_STANDARD.encode(key.to_der()),
            "keyDetails": details,
            "validFor": spec.window(None)?,
        },
        "logId": {"keyId": BASE64_STANDARD.encode(id(&key, spec.optional("origin")))},
    }))
}

/// Certificates, the root last.
struct Chain {
    der: Vec<CertificateDer<'static>>,
    certificates: Vec<Certificate>,
}

impl Chain {
    fn read(spec: &Spec<'_>) -> Result<Self, Failure> {
        let path = spec.text("certificate-chain");
        let unusable = |why: &dyn fmt::Display| spec.wrong(format_args!("`certificate-chain`: {why}"));
        let bytes = bounded_file::read(Path::new(path), MAX_KIB).map_err(|why| unusable(&why))?;
        let no_chain = |why: &dyn fmt::Display| unusable(&format_args!("{path}: {why}"));
        let der: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|why| no_chain(&format_args!("not PEM: {why}")))?;
        if der.is_empty() {
            return Err(no_chain(&"no certificate found, wanted PEM with at least one"));
        }
        let parse = |der: &CertificateDer<'_>| Certificate::from_der(der);
        let certificates = der.iter().map(parse).collect::<Result<_, _>>().map_err(|why| no_chain(&why))?;
        Ok(Self { der, certificates })
    }

    fn root(&self) -> &Certificate {
        self.certificates.last().expect("a chain that was read is not empty")
    }

    /// It in a trusted root, trusted from the first day of this certificate on if nothing else is said.
    fn member(&self, spec: &Spec<'_>, from: &Certificate) -> Result<Value, Failure> {
        let certificate = |der: &CertificateDer<'_>| json!({"rawBytes": BASE64_STANDARD.encode(der)});
        Ok(json!({
            "subject": subject(&self.root().tbs_certificate.subject),
            "uri": spec.text("url"),
            "certChain": {"certificates": self.der.iter().map(certificate).collect::<Vec<_>>()},
            "validFor": spec.window(Some(first_day(spec, from)?))?,
        }))
    }
}

fn first_day(spec: &Spec<'_>, certificate: &Certificate) -> Result<Timestamp, Failure> {
    let not_before = certificate.tbs_certificate.validity.not_before;
    let at = i64::try_from(not_before.to_unix_duration().as_secs()).ok().map(Timestamp::from_second);
    at.and_then(Result::ok).ok_or_else(|| {
        spec.wrong(format_args!("certificate from {not_before} on found, wanted one from before the end of 9999"))
    })
}

/// The first organization and the last common name, as cosign takes them.
fn subject(name: &Name) -> Value {
    let texts = |kind: ObjectIdentifier| {
        let attributes = name.0.iter().flat_map(|part| part.0.iter());
        attributes.filter(move |one| one.oid == kind).filter_map(|one| text(&one.value))
    };
    let named = [("organization", texts(O).next()), ("commonName", texts(CN).next_back())];
    named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))).collect()
}

fn text(value: &x509_cert::der::Any) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned());
    let ascii = || value.decode_as::<Ia5StringRef<'_>>().map(|text| text.as_str().to_owned());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned());
    utf8.or_else(|_| printable()).or_else(|_| ascii()).or_else(|_| teletex()).ok().filter(|text| !text.is_empty())
}

fn is_authority(certificate: &Certificate) -> bool {
    let constraints = certificate.tbs_certificate.get::<BasicConstraints>();
    matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
}

fn details(kind: KeyKind) -> Option<&'static str> {
    Some(match kind {
        KeyKind::P256 => "PKIX_ECDSA_P256_SHA_256",
        KeyKind::P384 => "PKIX_ECDSA_P384_SHA_384",
        KeyKind::P521 => "PKIX_ECDSA_P521_SHA_512",
        KeyKind::Ed25519 => "PKIX_ED25519",
        KeyKind::Rsa(2048) => "PKIX_RSA_PKCS1V15_2048_SHA256",
        KeyKind::Rsa(3072) => "PKIX_RSA_PKCS1V15_3072_SHA256",
        KeyKind::Rsa(4096) => "PKIX_RSA_PKCS1V15_4096_SHA256",
        KeyKind::Rsa(_) => return None,
    })
}

/// What entries and checkpoints know the log by: as RFC 6962 has it, and under an origin as signed notes do.
fn id(key: &PublicKey, origin: Option<&str>) -> [u8; 32] {
    let der = key.to_der();
    let note = origin.and_then(|name| match key.kind() {
        KeyKind::Ed25519 => Some([name.as_bytes(), b"\n\x01", &der[der.len() - ED25519..]].concat()),
        KeyKind::Rsa(_) => Some([name.as_bytes(), b"\n\xffPKIX-RSA-PKCS#1v1.5", der].concat()),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => None,
    });
    *Digest::of(note.as_deref().unwrap_or(der)).as_bytes()
}

/// An Ed25519 key is the last 32 bytes of its SubjectPublicKeyInfo.
const ED25519: usize = 32;
/// The most that a file is read to.
const MAX_KIB: u64 = 256;
