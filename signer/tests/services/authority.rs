//! Authorities for names and for the time that certify whatever they are asked to.

use std::time::{Duration, SystemTime};

use keys::{KeyKind, PrivateKey, PublicKey};
use oci::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SignatureAlgorithm,
};

use crate::der;

/// A root that issues certificates itself.
pub(crate) struct Authority {
    root: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Somebody's public key, as the library wants it.
struct Key(PublicKey);

impl PublicKeyData for Key {
    /// The point at the end of the SubjectPublicKeyInfo.
    fn der_bytes(&self) -> &[u8] {
        let (der, point) = match self.0.kind() {
            KeyKind::P256 => (self.0.to_der(), 65),
            KeyKind::P384 => (self.0.to_der(), 97),
            other => panic!("no certificates for {other} here"),
        };
        &der[der.len() - point..]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        if self.0.kind() == KeyKind::P256 { &rcgen::PKCS_ECDSA_P256_SHA256 } else { &rcgen::PKCS_ECDSA_P384_SHA384 }
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = lasting(3600);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        Self { root, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.root
    }

    /// The certificate of whoever holds this key, PEM, for so many seconds.
    pub(crate) fn certify(&self, key: &PublicKey, name: &str, seconds: u64) -> String {
        self.certify_within(key, name, lasting(seconds))
    }

    /// The same for Alice, until this moment.
    pub(crate) fn certify_until(&self, key: &PublicKey, until: u64) -> String {
        let mut params = lasting(0);
        params.not_after = (SystemTime::UNIX_EPOCH + Duration::from_secs(until)).into();
        self.certify_within(key, "alice@a.test", params)
    }

    /// The same for Alice, with these extensions of Fulcio's: their number, and what is in them.
    pub(crate) fn certify_saying(&self, key: &PublicKey, extensions: &[(u64, Vec<u8>)]) -> String {
        let extension = |(number, content): &(u64, Vec<u8>)| {
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, *number], content.clone())
        };
        let extensions = extensions.iter().map(extension).collect();
        self.certify_with(key, "alice@a.test", extensions, lasting(600))
    }

    fn certify_within(&self, key: &PublicKey, name: &str, params: CertificateParams) -> String {
        let issuer = der::tlv(0x0c, &[ISSUER.as_bytes()]);
        let issuer = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], issuer);
        self.certify_with(key, name, vec![issuer], params)
    }

    fn certify_with(
        &self,
        key: &PublicKey,
        name: &str,
        extensions: Vec<CustomExtension>,
        mut params: CertificateParams,
    ) -> String {
        params.subject_alt_names = vec![SanType::Rfc822Name(name.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.custom_extensions = extensions;
        params.signed_by(&Key(key.clone()), &self.issuer).unwrap().pem()
    }

    /// A clock's certificate with its key.
    fn clock(&self) -> (Vec<u8>, PrivateKey) {
        let key = PrivateKey::generate().unwrap();
        let mut params = lasting(3600);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = der::sequence(&[&der::oid(&[1, 3, 6, 1, 5, 5, 7, 3, 8])]);
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], usage);
        usage.set_criticality(true);
        params.custom_extensions = vec![usage];
        let der = params.signed_by(&Key(key.public().clone()), &self.issuer).unwrap().der().to_vec();
        (der, key)
    }
}

fn lasting(seconds: u64) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    let now = SystemTime::now();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = (now - Duration::from_secs(60)).into();
    params.not_after = (now + Duration::from_secs(seconds)).into();
    params
}

/// A timestamp authority.
pub(crate) struct Clock {
    pub(crate) authority: Authority,
    certificate: Vec<u8>,
    key: PrivateKey,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("time");
        let (certificate, key) = authority.clock();
        Self { authority, certificate, key }
    }

    /// A token (RFC 3161) of this hash, now, with the clock's certificate in it.
    pub(crate) fn token(&self, hash: &[u8], at: u64) -> Vec<u8> {
        let sha256 = der::sequence(&[&der::oid(&[2, 16, 840, 1, 101, 3, 4, 2, 1])]);
        let time = jiff::Timestamp::from_second(at as i64).unwrap().strftime("%Y%m%d%H%M%SZ").to_string();
        let stamp = der::tlv(0x18, &[time.as_bytes()]);
        let imprint = der::sequence(&[&sha256, &der::octets(hash)]);
        let policy = der::oid(&[1, 3, 6, 1, 4, 1, 57264, 2]);
        let info = der::sequence(&[&der::integer(1), &policy, &imprint, &der::integer(9), &stamp]);
        let tst_info = der::oid(&[1, 2, 840, 113549, 1, 9, 16, 1, 4]);
        let attribute = |id: &[u64], value: &[u8]| der::sequence(&[&der::oid(id), &der::set(&[value])]);
        let attributes = [
            attribute(&[1, 2, 840, 113549, 1, 9, 3], &tst_info),
            attribute(&[1, 2, 840, 113549, 1, 9, 4], &der::octets(Digest::of(&info).as_bytes())),
        ]
        .concat();
        let signed = self.key.sign(&der::set(&[&attributes])).unwrap();
        let fields = der::certificate(&self.certificate);
        let signer = der::sequence(&[
            &der::integer(1),
            &der::sequence(&[fields[3], fields[1]]),
            &sha256,
            &der::tlv(0xa0, &[&attributes]),
            &der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2])]),
            &der::octets(&signed),
        ]);
        let content = der::sequence(&[&tst_info, &der::tlv(0xa0, &[&der::octets(&info)])]);
        let certificates = der::tlv(0xa0, &[&self.certificate]);
        let data =
            der::sequence(&[&der::integer(3), &der::set(&[&sha256]), &content, &certificates, &der::set(&[&signer])]);
        let token = der::sequence(&[&der::oid(&[1, 2, 840, 113549, 1, 7, 2]), &der::tlv(0xa0, &[&data])]);
        der::sequence(&[&der::sequence(&[&der::integer(0)]), &token])
    }
}

/// Who says who a signer is.
pub(crate) const ISSUER: &str = "https://issuer.test";
