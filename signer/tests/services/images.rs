//! Images signed and attested, as a verifier finds them.

use oci::ImageRef;
use registry::Kind;
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use signer::{
    Attestation, By, Chain, Check, Credential, EnvelopeKind, Format, LogVersion, PredicateType, Services, SignError,
    Signed, Signer, SigningAlgorithm,
};
use verifier::{Demands, Evidence, TrustRoot, examine};

use crate::fake::{ALICE, CERTIFY, Fake, LOG_1, LOG_2, STAMP, token};

/// A signer that looks at what it made.
pub(crate) fn signer(fake: &Fake, services: Services, format: Format) -> Signer {
    let check = Some(Check { trust: fake.trust(), identity: None });
    Signer { services, format, check, ..Signer::new(fake.client.clone()) }
}

pub(crate) async fn alice(services: &Services) -> Result<Credential, SignError> {
    Credential::ready(By::Identity(token().0, SigningAlgorithm::P256), services).await
}

pub(crate) async fn sign(signer: &Signer, by: &Credential, image: &ImageRef) -> Result<Signed, SignError> {
    let targets = signer.targets(image, false).await?;
    signer.sign(by, &targets[0]).await
}

/// What a verifier finds.
pub(crate) async fn evidence(fake: &Fake, image: &ImageRef, kind: Kind, trust: &TrustRoot) -> Evidence {
    let pinned = fake.client.resolve(image).await.unwrap().found().unwrap().pinned;
    let found = fake.client.discover(&pinned, image.repository(), kind).await.found;
    examine(&pinned, found, trust, UnixTime::now())
}

fn by_all(fake: &Fake) -> TrustRoot {
    fake.trust().demanding(Demands { log_entry: true, certificate_log: false, timestamp: true })
}

#[tokio::test]
async fn identity_with_log_and_timestamp_signs_in_both_formats() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let services = services.with_timestamps(&fake.stamp_url()).unwrap();
    let image = fake.image("both").await;
    let by = alice(&services).await.unwrap();
    let signed = sign(&signer(&fake, services, Format::Both), &by, &image).await.unwrap();
    assert_eq!((signed.unchanged, signed.made.len()), (false, 2));
    let evidence = evidence(&fake, &image, Kind::Signatures, &by_all(&fake)).await;
    let formats: Vec<_> = evidence.verified().iter().map(|one| one.format().to_string()).collect();
    assert_eq!(formats, ["legacy", "bundle"], "{:?}", evidence.refused());
    assert!(evidence.verified()[0].signer().to_string().contains(ALICE));
    assert_eq!((fake.asked(CERTIFY).len(), fake.asked(LOG_1).len(), fake.asked(STAMP).len()), (1, 2, 2));
}

#[tokio::test]
async fn log_of_version_2_records_the_hash_of_what_an_envelope_covers() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::Two).unwrap();
    let services = services.with_timestamps(&fake.stamp_url()).unwrap();
    let image = fake.image("two").await;
    for algorithm in [SigningAlgorithm::P256, SigningAlgorithm::P384] {
        let by = Credential::ready(By::Identity(token().0, algorithm), &services).await.unwrap();
        let signer = Signer {
            annotations: [("by".into(), algorithm.to_string())].into(),
            ..signer(&fake, services.clone(), Format::Bundle)
        };
        sign(&signer, &by, &image).await.unwrap();
    }
    let evidence = evidence(&fake, &image, Kind::Signatures, &by_all(&fake)).await;
    assert_eq!(evidence.verified().len(), 2, "{:?}", evidence.refused());
    assert_eq!(fake.asked(LOG_2).len(), 2);
}

#[tokio::test]
async fn key_is_logged_where_a_log_was_chosen_and_nowhere_else() {
    let fake = Fake::start().await;
    let by = Credential::from(keys::PrivateKey::generate().unwrap());
    let image = fake.image("key").await;
    let trust = fake.trust().with_keys(vec![by.public().clone()]);
    sign(&Signer::new(fake.client.clone()), &by, &image).await.unwrap();
    let unlogged = evidence(&fake, &image, Kind::Signatures, &trust).await;
    assert!(unlogged.verified()[0].proofs().log_entries().is_empty());
    let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
    sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap();
    let logged =
        evidence(&fake, &image, Kind::Signatures, &trust.demanding(Demands { log_entry: true, ..Demands::NOTHING }))
            .await;
    assert_eq!((logged.verified().len(), logged.refused().len()), (1, 1));
    assert_eq!(fake.asked(CERTIFY).len(), 0);
}

#[tokio::test]
async fn given_certificate_signs_by_the_name_in_it() {
    let fake = Fake::start().await;
    let key = keys::PrivateKey::generate().unwrap();
    let leaf = fake.world.names.certify(key.public(), "bob@a.test", 3600);
    let chain = Chain::from_pem(&leaf, Some(fake.world.names.pem())).unwrap();
    let services = Services::none().with_timestamps(&fake.stamp_url()).unwrap();
    let by = Credential::ready(By::Certificate(key.into(), chain.clone()), &services).await.unwrap();
    let image = fake.image("given").await;
    sign(&signer(&fake, services.clone(), Format::Both), &by, &image).await.unwrap();
    let evidence = evidence(&fake, &image, Kind::Signatures, &fake.trust()).await;
    assert_eq!(evidence.verified().len(), 2, "{:?}", evidence.refused());
    assert!(evidence.verified().iter().all(|one| one.signer().to_string().contains("bob@a.test")));
    let other = keys::PrivateKey::generate().unwrap();
    let refused = Credential::ready(By::Certificate(other.into(), chain), &services).await;
    assert!(matches!(refused, Err(SignError::Certificate(signer::CertificateFault::OtherKey { .. }))), "{refused:?}");
}

#[tokio::test]
async fn attestation_is_found_as_one_in_both_formats_and_never_as_a_signature() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let services = services.with_timestamps(&fake.stamp_url()).unwrap();
    let image = fake.image("attested").await;
    let by = alice(&services).await.unwrap();
    let signer = signer(&fake, services, Format::Both);
    let targets = signer.targets(&image, false).await.unwrap();
    let what = Attestation::Predicate(PredicateType::SpdxJson, br#"{"spdxVersion":"SPDX-2.3"}"#.to_vec());
    signer.attest(&by, &targets[0], &what).await.unwrap();
    let evidence = evidence(&fake, &image, Kind::Attestations, &by_all(&fake)).await;
    assert_eq!((evidence.verified().len(), evidence.attestations().len()), (0, 2), "{:?}", evidence.refused());
    let statement: Value = serde_json::from_slice(evidence.attestations()[0].statement()).unwrap();
    assert_eq!(
        statement,
        json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "subject": [{ "name": image.repository().to_string(), "digest": { "sha256": targets[0].digest().hex() } }],
            "predicateType": "https://spdx.dev/Document",
            "predicate": { "spdxVersion": "SPDX-2.3" },
        })
    );
}

#[tokio::test]
async fn envelope_is_recorded_as_in_toto_where_that_is_asked_for() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap().recording(EnvelopeKind::InToto);
    let image = fake.image("intoto").await;
    let by = alice(&services).await.unwrap();
    let signer = signer(&fake, services, Format::Legacy);
    let targets = signer.targets(&image, false).await.unwrap();
    signer.attest(&by, &targets[0], &Attestation::Predicate(PredicateType::Custom, b"text".to_vec())).await.unwrap();
    let sent: Value = serde_json::from_slice(&fake.asked(LOG_1)[0].body).unwrap();
    assert_eq!(sent["kind"], "intoto");
    let trust = fake.trust().demanding(Demands { log_entry: true, ..Demands::NOTHING });
    let evidence = evidence(&fake, &image, Kind::Attestations, &trust).await;
    assert_eq!(evidence.attestations().len(), 1, "{:?}", evidence.refused());
}

#[tokio::test]
async fn statement_about_another_image_is_not_signed() {
    let fake = Fake::start().await;
    let image = fake.image("statement").await;
    let by = Credential::from(keys::PrivateKey::generate().unwrap());
    let signer = Signer::new(fake.client.clone());
    let targets = signer.targets(&image, false).await.unwrap();
    let about = |hex: String| {
        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://p.test",
            "subject": [{ "digest": { "sha256": hex } }], "predicate": {} });
        Attestation::Statement(statement.to_string().into_bytes())
    };
    let other = signer.attest(&by, &targets[0], &about("0".repeat(64))).await;
    assert!(matches!(other, Err(SignError::Predicate(_))), "{other:?}");
    signer.attest(&by, &targets[0], &about(targets[0].digest().hex())).await.unwrap();
}

#[tokio::test]
async fn nothing_is_stored_where_that_is_not_wanted() {
    let fake = Fake::start().await;
    let image = fake.image("kept").await;
    let by = Credential::from(keys::PrivateKey::generate().unwrap());
    let signer = Signer { upload: false, ..Signer::new(fake.client.clone()) };
    let signed = sign(&signer, &by, &image).await.unwrap();
    assert_eq!(signed.made.len(), 1);
    let trust = TrustRoot::new(vec![by.public().clone()]);
    let evidence = evidence(&fake, &image, Kind::Signatures, &trust).await;
    assert_eq!((evidence.verified().len(), evidence.refused().len(), evidence.is_complete()), (0, 0, true));
}
