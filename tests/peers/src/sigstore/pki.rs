//! The keys and certificates of a private Sigstore, as files.
//!
//! As the public one has them: the authorities' roots and intermediates with P-384 and P-256 keys, the purpose stated
//! on the intermediates, logs with P-256 keys except Rekor v2, whose key is Ed25519.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};

/// A folder with all of them.
#[derive(Debug)]
pub(super) struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// Makes new ones in that folder.
    pub(super) fn create(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a temporary folder can be written");
        let pki = Self { folder: folder.to_owned() };
        pki.write_fulcio();
        pki.write_timestamp_authority();
        let certificates = key(&PKCS_ECDSA_P256_SHA256);
        pki.write(CT_LOG_KEY, &as_sec1(&certificates));
        pki.write(CT_LOG_PUBLIC, &certificates.public_key_pem());
        pki.write_log(REKOR1_KEY, REKOR1_PUBLIC, &PKCS_ECDSA_P256_SHA256);
        pki.write_log(REKOR2_KEY, REKOR2_PUBLIC, &PKCS_ED25519);
        pki.write_log(REKOR2_DSSE_KEY, REKOR2_DSSE_PUBLIC, &PKCS_ECDSA_P256_SHA256);
        pki
    }

    /// Where the file of that name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write_fulcio(&self) {
        let (root, root_certificate) = root("fulcio-root");
        let intermediate_key = key(&PKCS_ECDSA_P256_SHA256);
        let params = intermediate("fulcio-intermediate", ExtendedKeyUsagePurpose::CodeSigning);
        let intermediate = params.signed_by(&intermediate_key, &root).expect(COMPLETE).pem();
        self.write(FULCIO_KEY, &intermediate_key.serialize_pem());
        self.write(FULCIO_CHAIN, &format!("{intermediate}{root_certificate}"));
        self.write(FULCIO_ROOT, &root_certificate);
    }

    fn write_timestamp_authority(&self) {
        let (root, root_certificate) = root("tsa-root");
        let params = intermediate("tsa-intermediate", ExtendedKeyUsagePurpose::TimeStamping);
        let intermediate_key = key(&PKCS_ECDSA_P384_SHA384);
        let intermediate = params.signed_by(&intermediate_key, &root).expect(COMPLETE).pem();
        let leaf_key = key(&PKCS_ECDSA_P256_SHA256);
        let leaf = timestamp_leaf().signed_by(&leaf_key, &Issuer::new(params, intermediate_key)).expect(COMPLETE).pem();
        self.write(TSA_KEY, &leaf_key.serialize_pem());
        self.write(TSA_CHAIN, &format!("{leaf}{intermediate}{root_certificate}"));
    }

    fn write_log(&self, private: &str, public: &str, algorithm: &'static SignatureAlgorithm) {
        let key = key(algorithm);
        self.write(private, &key.serialize_pem());
        self.write(public, &key.public_key_pem());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a temporary folder can be written");
    }
}

fn root(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = key(&PKCS_ECDSA_P384_SHA384);
    let params = authority(name, 1);
    let certificate = params.self_signed(&key).expect(COMPLETE).pem();
    (Issuer::new(params, key), certificate)
}

fn intermediate(name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = authority(name, 0);
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str, path: u8) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// RFC 3161 asks for the purpose to be critical and the only one.
fn timestamp_leaf() -> CertificateParams {
    let mut params = named("tsa");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let mut purpose = CustomExtension::from_oid_content(EXTENDED_KEY_USAGE, ONLY_TIME_STAMPING.to_vec());
    purpose.set_criticality(true);
    params.custom_extensions = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "sealgate.test");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    params
}

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("the system has randomness")
}

/// The log of certificates reads no other form.
fn as_sec1(key: &KeyPair) -> String {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.serialized_der()).expect("a P-256 key");
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().expect("a key has this form");
    let text = STANDARD.encode(der.as_ref());
    format!("-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")
}

pub(super) const FULCIO_ROOT: &str = "fulcio-root.pem";
pub(super) const FULCIO_CHAIN: &str = "fulcio-chain.pem";
pub(super) const FULCIO_KEY: &str = "fulcio.key";
pub(super) const TSA_CHAIN: &str = "tsa-chain.pem";
pub(super) const TSA_KEY: &str = "tsa.key";
pub(super) const CT_LOG_KEY: &str = "ctlog.key";
pub(super) const CT_LOG_PUBLIC: &str = "ctlog.pub";
pub(super) const REKOR1_KEY: &str = "rekor1.key";
pub(super) const REKOR1_PUBLIC: &str = "rekor1.pub";
pub(super) const REKOR2_KEY: &str = "rekor2.key";
pub(super) const REKOR2_PUBLIC: &str = "rekor2.pub";
pub(super) const REKOR2_DSSE_KEY: &str = "rekor2d.key";
pub(super) const REKOR2_DSSE_PUBLIC: &str = "rekor2d.pub";
const COMPLETE: &str = "the parameters are complete";
/// 2.5.29.37.
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
/// A sequence of the one identifier 1.3.6.1.5.5.7.3.8.
const ONLY_TIME_STAMPING: [u8; 12] = [0x30, 10, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
