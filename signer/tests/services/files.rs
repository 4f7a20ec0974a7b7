//! Files signed, and statements about them.

use keys::PrivateKey;
use oci::Digest;
use rustls_pki_types::UnixTime;
use serde_json::Value;
use signer::{
    Attestation, By, Check, Credential, LogVersion, PredicateType, Purpose, Services, SignError, SigningAlgorithm, blob,
};
use verifier::{Artifact, Demands, TrustRoot, examine_blob};

use crate::fake::{Fake, LOG_1, token};

fn check(fake: &Fake) -> Check {
    Check { trust: fake.trust(), identity: None }
}

#[tokio::test]
async fn every_algorithm_signs_files_for_either_log() {
    let fake = Fake::start().await;
    for (name, algorithm) in SigningAlgorithm::ALL {
        // larger keys take seconds to make, and differ in nothing else
        if matches!(algorithm, SigningAlgorithm::Rsa3072 | SigningAlgorithm::Rsa4096 | SigningAlgorithm::P521) {
            continue;
        }
        for version in [LogVersion::One, LogVersion::Two] {
            let services = Services::none().with_log(&fake.address, version).unwrap();
            let services = services.with_timestamps(&fake.stamp_url()).unwrap();
            let by = Credential::from(algorithm.generate().unwrap());
            let made = blob::sign(&by, &services, Some(&check(&fake)), b"file").await;
            let made = made.unwrap_or_else(|error| panic!("{name} {version:?}: {error}"));
            assert_eq!(made.timestamps().len(), 1);
        }
    }
}

#[tokio::test]
async fn identity_signs_a_file() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let by = Credential::ready(By::Identity(token().0, SigningAlgorithm::P384), &services).await.unwrap();
    let made = blob::sign(&by, &services, Some(&check(&fake)), b"file").await.unwrap();
    let bundle: Value = serde_json::from_slice(made.stored()).unwrap();
    assert_eq!(bundle["messageSignature"]["messageDigest"]["algorithm"], "SHA2_384");
    let demands = Demands { log_entry: true, ..Demands::NOTHING };
    let judge = |bytes| {
        examine_blob(Artifact::Bytes(bytes), made.stored().to_vec(), &fake.trust().demanding(demands), UnixTime::now())
    };
    assert!(judge(b"file").is_ok());
    assert!(judge(b"fire").is_err());
}

#[tokio::test]
async fn file_whose_signature_would_count_for_something_else_is_not_signed() {
    let fake = Fake::start().await;
    let services = Services::none().with_log(&fake.address, LogVersion::One).unwrap();
    let by = Credential::from(PrivateKey::generate().unwrap());
    let image: oci::ImageRef = "a.test/b:v1".parse().unwrap();
    let payload = oci::simple_signing::render(image.repository(), &Digest::of(b"image"), &Default::default());
    for (bytes, purpose) in [
        (&payload[..], Purpose::ImageSignature),
        (b"DSSEv1 28 application/vnd.in-toto+json 2 {}", Purpose::Attestation),
    ] {
        let refused = blob::sign(&by, &services, None, bytes).await;
        assert!(matches!(refused, Err(SignError::Purpose(found)) if found == purpose), "{refused:?}");
        assert!(blob::sign(&by, &services, None, &bytes[1..]).await.is_ok());
    }
    assert_eq!(fake.asked(LOG_1).len(), 2);
}

#[tokio::test]
async fn file_of_an_older_bundle_holds_signature_certificate_and_promise() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let by = Credential::ready(By::Identity(token().0, SigningAlgorithm::P256), &services).await.unwrap();
    let made = blob::sign(&by, &services, None, b"file").await.unwrap();
    let old: Value = serde_json::from_str(&made.legacy_bundle()).unwrap();
    assert!(old["base64Signature"].is_string() && old["cert"].is_string());
    assert!(old["rekorBundle"]["SignedEntryTimestamp"].is_string());
    assert_eq!(old["rekorBundle"]["Payload"]["logIndex"], 5);
}

#[tokio::test]
async fn statement_about_a_file_names_it() {
    let fake = Fake::start().await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    let digest = Digest::of(b"file");
    let what = Attestation::Predicate("https://p.test/v1".parse().unwrap(), br#"{"a":1}"#.to_vec());
    let made = blob::attest(&by, &Services::none(), Some(&check(&fake)), ("file.txt", &digest), &what).await.unwrap();
    let statement: Value = serde_json::from_slice(made.signed()).unwrap();
    assert_eq!(statement["subject"][0]["name"], "file.txt");
    let trust = TrustRoot::new(vec![by.public().clone()]);
    let judged = examine_blob(Artifact::Digest(digest), made.stored().to_vec(), &trust, UnixTime::now()).unwrap();
    assert_eq!(judged.predicate_type(), Some("https://p.test/v1"));
}

#[tokio::test]
async fn predicate_that_is_not_of_its_type_is_not_signed() {
    let by = Credential::from(PrivateKey::generate().unwrap());
    let digest = Digest::of(b"file");
    let bad: [(PredicateType, &[u8]); 6] = [
        (PredicateType::SpdxJson, b"text"),
        (PredicateType::CycloneDx, b"[]"),
        (PredicateType::OpenVex, br#"{"a":1,"a":2}"#),
        (PredicateType::Link, b"{}"),
        (PredicateType::Vuln, br#"{"invocation":{},"scanner":{}}"#),
        (PredicateType::Custom, b"\xff"),
    ];
    for (kind, bytes) in bad {
        let what = Attestation::Predicate(kind.clone(), bytes.to_vec());
        let made = blob::attest(&by, &Services::none(), None, ("f", &digest), &what).await;
        assert!(matches!(made, Err(SignError::Predicate(_))), "{kind}");
    }
}
