//! Certificates that a signer brings along.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::UnixTime;
use signer::{CertificateFault, Chain};

/// A certificate in force in 2026 alone.
fn certificate(name: &str) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[test]
fn certificate_is_read_with_its_key_and_its_time() {
    let (leaf, other) = (certificate("a"), certificate("b"));
    let chain = Chain::from_pem(&leaf, Some(&other)).unwrap();
    assert_eq!(pem::parse(chain.leaf_pem()).unwrap(), pem::parse(&leaf).unwrap());
    assert_eq!(pem::parse(chain.others_pem()).unwrap(), pem::parse(&other).unwrap());
    assert_eq!(chain.key().kind(), keys::KeyKind::P256);
    let (first, last) = (1_767_225_600, 1_798_761_600);
    assert!(chain.is_in_force(at(first)) && chain.is_in_force(at(last)));
    assert!(!chain.is_in_force(at(first - 1)) && !chain.is_in_force(at(last + 1)));
}

#[test]
fn chain_that_begins_with_the_certificate_itself_has_it_once() {
    let (leaf, other) = (certificate("a"), certificate("b"));
    let chain = Chain::from_pem(&leaf, Some(&format!("{leaf}{other}"))).unwrap();
    assert_eq!(chain.others_pem().matches("BEGIN").count(), 1);
    assert_eq!(Chain::from_pem(&leaf, None).unwrap().others_pem(), "");
}

#[test]
fn time_after_2049_is_read() {
    let mut params = CertificateParams::new(vec!["a".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2051, 1, 1);
    let leaf = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert!(Chain::from_pem(&leaf, None).unwrap().is_in_force(at(2_540_000_000)));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let leaf = certificate("a");
    let fault = |leaf: &str, others: Option<&str>| Chain::from_pem(leaf, others).unwrap_err();
    assert_eq!(fault("text", None), CertificateFault::NotPem);
    assert_eq!(fault(&KeyPair::generate().unwrap().public_key_pem(), None), CertificateFault::NotPem);
    assert_eq!(fault(&leaf, Some("text")), CertificateFault::NotPem);
    assert_eq!(fault(&format!("{leaf}{leaf}"), None), CertificateFault::Several { found: 2 });
    assert_eq!(fault(&leaf, Some(&leaf.repeat(11))), CertificateFault::TooMany { found: 11 });
    for bytes in [&b""[..], b"\x30\x00", b"\x30\x03\x30\x01\x02", &[0x30; 200]] {
        let text = pem::encode(&pem::Pem::new("CERTIFICATE", bytes));
        assert_eq!(fault(&text, None), CertificateFault::Malformed, "{bytes:?}");
    }
}

#[test]
fn no_byte_of_a_certificate_can_be_cut_off_unnoticed() {
    let der = pem::parse(certificate("a")).unwrap().into_contents();
    for length in 0..der.len() {
        let text = pem::encode(&pem::Pem::new("CERTIFICATE", &der[..length]));
        assert!(Chain::from_pem(&text, None).is_err(), "{length}");
    }
}
