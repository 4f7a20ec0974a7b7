//! A certificate authority that lives as long as the process, for a webhook without files.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority for a few names. Its key never leaves memory and is wiped by nobody but the process's end.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    names: Vec<String>,
}

impl Authority {
    /// An authority that issues for these names, or for this machine's own if there are none.
    pub(crate) fn new(names: &[String]) -> Result<Self, rcgen::Error> {
        let names = if names.is_empty() { LOCAL.map(str::to_owned).to_vec() } else { names.to_vec() };
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "sealgate webhook authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        live(&mut params, AUTHORITY_LIFE);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem, names })
    }

    /// The authority's own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A new serving certificate with a new key, valid for ninety days.
    pub(crate) fn issue(&self) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, "sealgate webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        live(&mut params, LIFE);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        Ok((certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}

/// From an hour ago, since clocks differ.
fn live(params: &mut CertificateParams, life: Duration) {
    let now = SystemTime::now();
    params.not_before = (now - Duration::from_secs(3600)).into();
    params.not_after = (now + life).into();
}

const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_secs(24 * 3600);
const LIFE: Duration = Duration::from_secs(90 * DAY.as_secs());
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * DAY.as_secs());
