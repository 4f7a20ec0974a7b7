//! Services that answer, and not what they were asked: nothing is stored.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use serde_json::{Value, json};
use signer::{
    By, CertificateFault, Check, CheckFault, Credential, EnvelopeKind, Format, LogVersion, ServiceError, Services,
    SignError, Signer, SigningAlgorithm,
};
use verifier::{IdentityMatcher, TextMatcher};

use crate::{
    authority::ISSUER,
    der,
    fake::{CERTIFY, Fake, LOG_1, LOG_2, Reply, STAMP, now, token_saying},
    images::{alice, sign, signer},
    log::b64,
};

fn logged(fake: &Fake) -> Services {
    fake.services().with_log(&fake.address, LogVersion::One).unwrap()
}

/// The words of the refusal to store what was made by identity.
async fn refusal(fake: &Fake, services: Services) -> String {
    let image = fake.image("refused").await;
    let by = alice(&services).await.unwrap();
    let signer = signer(fake, services, Format::Bundle);
    let error = sign(&signer, &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Check(CheckFault::Fault(_))), "{error}");
    assert_nothing_stored(fake, &signer, &image).await;
    error.to_string()
}

async fn assert_nothing_stored(fake: &Fake, signer: &Signer, image: &oci::ImageRef) {
    let target = &signer.targets(image, false).await.unwrap()[0];
    let found = fake.client.discover(target.image(), image.repository(), registry::Kind::Signatures).await;
    assert!(found.found.signatures.is_empty() && found.errors.is_empty());
}

#[tokio::test]
async fn certificate_for_another_key_is_refused() {
    let fake = Fake::start().await;
    let other = PrivateKey::generate().unwrap();
    let world = fake.world.clone();
    fake.spoil(CERTIFY, move |_, _, _| Some(Reply::json(200, &world.certified(other.public(), 600))));
    let error = alice(&logged(&fake)).await.unwrap_err();
    let SignError::Service(ServiceError::Certificate { fault, .. }) = error else { panic!("{error}") };
    assert!(matches!(fault, CertificateFault::OtherKey { .. }), "{fault}");
}

/// What comes of a certificate with these extensions for a token with this claim beside Alice's.
async fn certified(extensions: &[(u64, Vec<u8>)], (name, claim): (&str, Value)) -> Result<Credential, SignError> {
    let fake = Fake::start().await;
    let (world, extensions) = (fake.world.clone(), extensions.to_vec());
    fake.spoil(CERTIFY, move |_, asked, _| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap();
        let pem = request["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap();
        let leaf = world.names.certify_saying(&keys::PublicKey::from_pem(pem.as_bytes()).unwrap(), &extensions);
        Some(Reply::json(200, &json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": [leaf] } } })))
    });
    let by = By::Identity(token_saying(name, &claim).0, SigningAlgorithm::P256);
    Credential::ready(by, &logged(&fake)).await
}

/// Fulcio's newer and older extension about who issued the token.
fn newer(text: &str) -> (u64, Vec<u8>) {
    (8, der::tlv(0x0c, &[text.as_bytes()]))
}

fn older(text: &str) -> (u64, Vec<u8>) {
    (1, text.as_bytes().to_vec())
}

#[tokio::test]
async fn certificate_by_the_word_of_another_than_the_tokens_issuer_is_refused() {
    let other = "https://other.test";
    for extensions in
        [vec![newer(other)], vec![older(other)], vec![newer(ISSUER), older(other)], vec![(8, other.into())]]
    {
        let error = certified(&extensions, ("more", Value::Null)).await.unwrap_err();
        let SignError::Service(ServiceError::Certificate { fault, .. }) = error else { panic!("{error}") };
        assert!(matches!(&fault, CertificateFault::OtherIssuer { wanted, .. } if wanted == ISSUER), "{fault}");
    }
    // a part of a claim is none
    assert!(certified(&[newer(other)], ("more", json!(format!("{other}/a")))).await.is_err());
}

#[tokio::test]
async fn certificate_may_name_whose_word_the_tokens_issuer_passes_on() {
    let passed_on = "https://passed-on.test";
    let none = || ("more", Value::Null);
    let federated = ("federated_claims", json!({ "connector_id": passed_on, "user_id": "1" }));
    assert!(certified(&[newer(passed_on), older(passed_on)], federated).await.is_ok());
    assert!(certified(&[newer(ISSUER), older(ISSUER)], none()).await.is_ok());
    assert!(certified(&[(9, b"anything".to_vec())], none()).await.is_ok(), "other authorities write no such extension");
}

#[tokio::test]
async fn answer_without_certificates_is_refused() {
    let chain =
        |certificates: Value| json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": certificates } } });
    for answer in [json!({}), chain(json!([])), chain(json!([7])), chain(json!(["text"]))] {
        let fake = Fake::start().await;
        fake.spoil(CERTIFY, move |_, _, _| Some(Reply::json(200, &answer)));
        let error = alice(&logged(&fake)).await.unwrap_err();
        assert!(matches!(error, SignError::Service(_)), "{error}");
    }
}

#[tokio::test]
async fn certificate_without_a_log_of_certificates_is_taken_as_that() {
    let fake = Fake::start().await;
    fake.spoil(CERTIFY, |_, _, genuine| {
        let chain = genuine.value()["signedCertificateEmbeddedSct"]["chain"].clone();
        Some(Reply::json(
            200,
            &json!({ "signedCertificateDetachedSct": { "chain": chain, "signedCertificateTimestamp": "" } }),
        ))
    });
    assert!(alice(&logged(&fake)).await.unwrap().certificate().is_some());
}

#[tokio::test]
async fn certificate_that_is_over_signs_nothing() {
    let fake = Fake::start().await;
    let services = logged(&fake);
    let world = fake.world.clone();
    fake.spoil(CERTIFY, move |_, asked, _| {
        let request: Value = serde_json::from_slice(&asked.body).unwrap();
        let pem = request["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap();
        let key = keys::PublicKey::from_pem(pem.as_bytes()).unwrap();
        // it began a minute ago
        let over = world.names.certify_until(&key, now() - 30);
        Some(Reply::json(200, &json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": [over] } } })))
    });
    let image = fake.image("over").await;
    let by = alice(&services).await.unwrap();
    let error = sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::NotInForce { .. }), "{error}");
    assert!(fake.asked(LOG_1).is_empty());
}

#[tokio::test]
async fn entry_of_another_signature_is_refused() {
    let fake = Fake::start().await;
    let world = fake.world.clone();
    fake.spoil(LOG_1, move |_, asked, _| {
        let mut other: Value = serde_json::from_slice(&asked.body).unwrap();
        let envelope = other["spec"]["proposedContent"]["envelope"].as_str().unwrap();
        let mut envelope: Value = serde_json::from_str(envelope).unwrap();
        envelope["signatures"][0]["sig"] = json!(b64("another"));
        other["spec"]["proposedContent"]["envelope"] = json!(envelope.to_string());
        Some(Reply::json(201, &world.log.version_1(&other, now())))
    });
    let image = fake.image("entry").await;
    let services = logged(&fake);
    let by = alice(&services).await.unwrap();
    // without a check as well
    let signer = Signer { services, ..Signer::new(fake.client.clone()) };
    let error = sign(&signer, &by, &image).await.unwrap_err();
    assert!(matches!(&error, SignError::Service(ServiceError::OtherEntry { what: "signature", .. })), "{error}");
    assert_nothing_stored(&fake, &signer, &image).await;
}

#[tokio::test]
async fn entry_by_another_signer_is_refused_without_any_trusted_root() {
    let place = |kind: &str| match kind {
        "hashedrekord" => "/spec/signature/publicKey/content",
        "dsse" => "/spec/proposedContent/verifiers/0",
        _ => "/spec/publicKey",
    };
    let stranger = b64(PrivateKey::generate().unwrap().public().to_pem());
    for (format, kind) in [
        (Format::Legacy, EnvelopeKind::Dsse),
        (Format::Bundle, EnvelopeKind::Dsse),
        (Format::Bundle, EnvelopeKind::InToto),
    ] {
        for by_name in [true, false] {
            let fake = Fake::start().await;
            let services = logged(&fake).recording(kind);
            let by = if by_name { alice(&services).await.unwrap() } else { PrivateKey::generate().unwrap().into() };
            let image = fake.image("signer").await;
            let signer = Signer { services, format, ..Signer::new(fake.client.clone()) };
            let (world, stranger) = (fake.world.clone(), stranger.clone());
            fake.spoil(LOG_1, move |before, asked, _| {
                let mut proposal: Value = serde_json::from_slice(&asked.body).unwrap();
                let kind = proposal["kind"].as_str().unwrap().to_owned();
                let signer = proposal.pointer_mut(place(&kind)).unwrap();
                // the same, as the real log writes it anew, then another
                let same = BASE64_STANDARD.decode(signer.as_str().unwrap()).unwrap();
                *signer = if before == 0 { json!(b64(same.trim_ascii_end())) } else { json!(stranger) };
                Some(Reply::json(201, &world.log.version_1(&proposal, now())))
            });
            sign(&signer, &by, &image).await.unwrap();
            let error = sign(&signer, &by, &image).await.unwrap_err();
            assert!(matches!(&error, SignError::Service(ServiceError::OtherEntry { what: "signer", .. })), "{error}");
        }
    }
}

#[tokio::test]
async fn entry_of_another_hash_is_refused_in_version_2() {
    let fake = Fake::start().await;
    let world = fake.world.clone();
    fake.spoil(LOG_2, move |_, asked, _| {
        let mut other: Value = serde_json::from_slice(&asked.body).unwrap();
        other["hashedRekordRequestV002"]["digest"] = json!(b64([0; 32]));
        Some(Reply::json(201, &world.log.version_2(&other)))
    });
    let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
    let by = PrivateKey::generate().unwrap().into();
    let image = fake.image("hash").await;
    let error = sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err();
    assert!(matches!(&error, SignError::Service(ServiceError::OtherEntry { what: "hash", .. })), "{error}");
}

#[tokio::test]
async fn wrong_promise_of_a_log_is_found_out() {
    let fake = Fake::start().await;
    fake.spoil(LOG_1, |_, _, genuine| {
        let mut answer = genuine.value();
        let entry = answer.as_object_mut().unwrap().values_mut().next().unwrap();
        entry["verification"]["signedEntryTimestamp"] = json!(b64("promise"));
        Some(Reply::json(201, &answer))
    });
    let words = refusal(&fake, logged(&fake)).await;
    assert!(words.contains("signed timestamp"), "{words}");
}

#[tokio::test]
async fn wrong_proof_of_a_log_is_found_out() {
    let fake = Fake::start().await;
    fake.spoil(LOG_1, |_, _, genuine| {
        let mut answer = genuine.value();
        let entry = answer.as_object_mut().unwrap().values_mut().next().unwrap();
        entry["verification"]["inclusionProof"]["hashes"] = json!(["00".repeat(32)]);
        Some(Reply::json(201, &answer))
    });
    refusal(&fake, logged(&fake)).await;
}

#[tokio::test]
async fn log_that_nobody_trusts_is_found_out() {
    let fake = Fake::start().await;
    let stranger = crate::log::Log(PrivateKey::generate().unwrap());
    fake.spoil(LOG_1, move |_, asked, _| {
        let proposal = serde_json::from_slice(&asked.body).unwrap();
        Some(Reply::json(201, &stranger.version_1(&proposal, now())))
    });
    refusal(&fake, logged(&fake)).await;
}

#[tokio::test]
async fn time_that_is_not_now_is_found_out() {
    for wrong in [now() - 1_000_000, now() + 1_000_000] {
        let fake = Fake::start().await;
        let world = fake.world.clone();
        fake.spoil(LOG_1, move |_, asked, _| {
            let proposal = serde_json::from_slice(&asked.body).unwrap();
            Some(Reply::json(201, &world.log.version_1(&proposal, wrong)))
        });
        refusal(&fake, logged(&fake)).await;
    }
}

#[tokio::test]
async fn timestamp_over_other_bytes_is_refused() {
    let fake = Fake::start().await;
    let world = fake.world.clone();
    fake.spoil(STAMP, move |_, _, genuine| Some(Reply { body: world.clock.token(&[7; 32], now()), ..genuine }));
    let services = fake.services().with_timestamps(&fake.stamp_url()).unwrap();
    let by = alice(&services).await.unwrap();
    let image = fake.image("stamp").await;
    let error = sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Service(ServiceError::OtherTimestamp { .. })), "{error}");
}

#[tokio::test]
async fn timestamp_that_was_refused_is_none() {
    let fake = Fake::start().await;
    // PKIStatusInfo with rejection
    fake.spoil(STAMP, |_, _, genuine| Some(Reply { body: vec![0x30, 5, 0x30, 3, 2, 1, 2], ..genuine }));
    let services = fake.services().with_timestamps(&fake.stamp_url()).unwrap();
    let by = alice(&services).await.unwrap();
    let image = fake.image("rejected").await;
    let error = sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Service(ServiceError::Refused { status: 2, .. })), "{error}");
}

#[tokio::test]
async fn timestamp_by_a_strangers_clock_is_found_out() {
    let fake = Fake::start().await;
    let stranger = crate::authority::Clock::new();
    fake.spoil(STAMP, move |_, asked, genuine| {
        let at = asked.body.windows(2).position(|two| two == [0x04, 0x20]).unwrap() + 2;
        Some(Reply { body: stranger.token(&asked.body[at..at + 32], now()), ..genuine })
    });
    let services = fake.services().with_timestamps(&fake.stamp_url()).unwrap();
    refusal(&fake, services).await;
}

#[tokio::test]
async fn certificate_in_another_name_is_found_out() {
    let fake = Fake::start().await;
    let services = logged(&fake);
    let image = fake.image("name").await;
    let by = alice(&services).await.unwrap();
    let expecting = |name| {
        let exact = |text| TextMatcher::exact(text).unwrap();
        let identity = Some(IdentityMatcher::new(exact(crate::authority::ISSUER), exact(name)));
        let check = Some(Check { trust: fake.trust(), identity });
        Signer { services: services.clone(), check, ..Signer::new(fake.client.clone()) }
    };
    let mallory = expecting("mallory@a.test");
    let error = sign(&mallory, &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Check(CheckFault::Identity { .. })), "{error}");
    assert_nothing_stored(&fake, &mallory, &image).await;
    sign(&expecting(crate::fake::ALICE), &by, &image).await.unwrap();
}
