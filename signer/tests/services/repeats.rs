//! Signing again: nothing is added that is there already and good.

use keys::PrivateKey;
use registry::{Kind, Reference};
use signer::{Attestation, Check, Credential, Format, LogVersion, Made, PredicateType, Services, SignError, Signer};
use verifier::{TransparencyLog, TrustRoot, Window};

use crate::{
    fake::{Fake, LOG_1},
    images::{alice, evidence, sign, signer},
};

#[tokio::test]
async fn same_key_over_the_same_adds_nothing_in_any_format() {
    let fake = Fake::start().await;
    let image = fake.image("again").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    let signer = Signer { format: Format::Both, ..Signer::new(fake.client.clone()) };
    let unchanged = async |signer: &Signer, by| sign(signer, by, &image).await.unwrap().unchanged;
    assert!(!unchanged(&signer, &by).await);
    assert!(unchanged(&signer, &by).await);
    let annotated = Signer { annotations: [("a".to_owned(), "b".to_owned())].into(), ..signer.clone() };
    assert!(!unchanged(&annotated, &by).await);
    assert!(!unchanged(&signer, &PrivateKey::generate().unwrap().into()).await);
    let trust = TrustRoot::new(vec![by.public().clone()]);
    assert_eq!(evidence(&fake, &image, Kind::Signatures, &trust).await.verified().len(), 4);
}

#[tokio::test]
async fn format_that_is_missing_is_added_alone() {
    let fake = Fake::start().await;
    let image = fake.image("half").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    let with = |format| Signer { format, ..Signer::new(fake.client.clone()) };
    sign(&with(Format::Legacy), &by, &image).await.unwrap();
    let signed = sign(&with(Format::Both), &by, &image).await.unwrap();
    assert!(!signed.unchanged);
    assert_eq!(signed.made.iter().map(signer::Made::format).collect::<Vec<_>>(), [verifier::Format::Bundle]);
}

#[tokio::test]
async fn same_identity_over_the_same_adds_nothing_and_asks_no_log() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let image = fake.image("alice").await;
    let signer = signer(&fake, services.clone(), Format::Both);
    let first = sign(&signer, &alice(&services).await.unwrap(), &image).await.unwrap();
    let second = sign(&signer, &alice(&services).await.unwrap(), &image).await.unwrap();
    assert_eq!((first.unchanged, second.unchanged), (false, true));
    assert_eq!(fake.asked(LOG_1).len(), 2);
}

#[tokio::test]
async fn what_was_there_is_handed_out_as_it_is_stored_and_asks_no_log() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let image = fake.image("handed").await;
    let legacy = signer(&fake, services.clone(), Format::Legacy);
    let first = sign(&legacy, &alice(&services).await.unwrap(), &image).await.unwrap();
    let both = signer(&fake, services.clone(), Format::Both);
    let added = sign(&both, &alice(&services).await.unwrap(), &image).await.unwrap();
    let again = sign(&both, &alice(&services).await.unwrap(), &image).await.unwrap();
    let written = |made: &[Made]| -> Vec<_> {
        let parts = |made: &Made| (made.stored().clone(), made.signature().to_vec(), made.signed().clone());
        made.iter().map(|made| (parts(made), made.certificate().map(str::to_owned), made.format())).collect()
    };
    let made = [first.made, added.made.clone()].concat();
    let (after, last) = (both.everything(&added).await.unwrap(), both.everything(&again).await.unwrap());
    assert_eq!(written(&after)[..1], written(&made)[..1], "the layer");
    assert_eq!(written(&after), written(&both.everything(&added).await.unwrap()));
    assert_eq!(after[0].legacy_bundle(), made[0].legacy_bundle());
    assert_eq!(last[1].stored(), made[1].stored());
    assert_eq!(last[1].signature(), made[1].signature());
    assert!(again.unchanged && last.iter().all(|made| made.log_indexes().is_empty()));
    assert_eq!(fake.asked(LOG_1).len(), 2);
}

#[tokio::test]
async fn what_is_gone_by_now_is_an_error_and_not_made_again() {
    let fake = Fake::start().await;
    let image = fake.image("gone").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    for format in [Format::Legacy, Format::Bundle] {
        let signer = Signer { format, ..Signer::new(fake.client.clone()) };
        sign(&signer, &by, &image).await.unwrap();
        let again = sign(&signer, &by, &image).await.unwrap();
        let reference = Reference::Digest(again.present[0].manifest);
        fake.client.delete_manifest(&again.stored_in, &reference).await.unwrap();
        assert!(matches!(signer.everything(&again).await, Err(SignError::Gone { .. })), "{format:?}");
    }
}

#[tokio::test]
async fn what_nobody_can_see_to_be_good_is_made_again() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::One).unwrap();
    let image = fake.image("blind").await;
    let signer = Signer { services: services.clone(), ..Signer::new(fake.client.clone()) };
    for _ in 0..2 {
        let by = alice(&services).await.unwrap();
        assert!(!sign(&signer, &by, &image).await.unwrap().unchanged);
    }
}

#[tokio::test]
async fn signature_without_the_entry_that_is_wanted_now_does_not_count_as_there() {
    let fake = Fake::start().await;
    let image = fake.image("unlogged").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    sign(&Signer::new(fake.client.clone()), &by, &image).await.unwrap();
    let services = Services::none().with_log(&fake.address, LogVersion::One).unwrap();
    let signer = signer(&fake, services, Format::Bundle);
    assert!(!sign(&signer, &by, &image).await.unwrap().unchanged);
    assert!(sign(&signer, &by, &image).await.unwrap().unchanged);
}

#[tokio::test]
async fn entry_in_another_log_than_the_one_that_is_asked_now_does_not_count() {
    let (one, other) = (Fake::start().await, Fake::start().await);
    let trusted =
        |fake: &Fake| TransparencyLog::new(fake.world.log.0.public().clone(), &fake.address, Window::UNBOUNDED);
    let trust = TrustRoot::new(vec![]).with_log(trusted(&one)).with_log(trusted(&other));
    let image = one.image("logs").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    let asking = |logs: &[&Fake], format| {
        let add = |services: Services, fake: &&Fake| services.with_log(&fake.address, LogVersion::One).unwrap();
        let services = logs.iter().fold(Services::none(), add);
        let check = Some(Check { trust: trust.clone(), identity: None });
        Signer { services, format, check, ..Signer::new(one.client.clone()) }
    };
    let what = Attestation::Predicate(PredicateType::CycloneDx, b"{}".to_vec());
    let unchanged = async |signer: &Signer| {
        let target = &signer.targets(&image, false).await.unwrap()[0];
        let signed = signer.sign(&by, target).await.unwrap().unchanged;
        assert_eq!(signer.attest(&by, target, &what).await.unwrap().unchanged, signed);
        signed
    };
    for format in [Format::Bundle, Format::Legacy] {
        for logs in [&[&one][..], &[&other]] {
            let signer = asking(logs, format);
            assert!(!unchanged(&signer).await, "{format:?}");
            assert!(unchanged(&signer).await, "{format:?}");
        }
    }
    let both = asking(&[&one, &other], Format::Bundle);
    assert!(!unchanged(&both).await, "each of the two has an entry, and no signature has both");
    assert!(unchanged(&both).await);
}

#[tokio::test]
async fn log_behind_an_address_that_nobody_knows_is_any_trusted_one() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let log = |fake: &Fake, name| TransparencyLog::new(fake.world.log.0.public().clone(), name, Window::UNBOUNDED);
    let trust = TrustRoot::new(vec![]).with_log(log(&fake, "rekor.a.test")).with_log(log(&other, "rekor.b.test"));
    let image = fake.image("proxied").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    sign(&Signer::new(fake.client.clone()), &by, &image).await.unwrap();
    let services = Services::none().with_log(&fake.address, LogVersion::One).unwrap();
    let check = Some(Check { trust, identity: None });
    let signer = Signer { services, check, ..Signer::new(fake.client.clone()) };
    assert!(!sign(&signer, &by, &image).await.unwrap().unchanged, "the first has no entry at all");
    assert!(sign(&signer, &by, &image).await.unwrap().unchanged);
}

#[tokio::test]
async fn same_statement_is_stored_once_and_another_beside_it() {
    let fake = Fake::start().await;
    let image = fake.image("statements").await;
    let by = Credential::from(PrivateKey::generate().unwrap());
    let signer = Signer { format: Format::Both, ..Signer::new(fake.client.clone()) };
    let target = &signer.targets(&image, false).await.unwrap()[0];
    let what = |text: &str| Attestation::Predicate(PredicateType::CycloneDx, text.as_bytes().to_vec());
    let unchanged = async |text| signer.attest(&by, target, &what(text)).await.unwrap().unchanged;
    assert!(!unchanged(r#"{"a":1}"#).await);
    assert!(unchanged(r#"{"a":1}"#).await);
    assert!(!unchanged(r#"{"a":2}"#).await);
    let trust = TrustRoot::new(vec![by.public().clone()]);
    assert_eq!(evidence(&fake, &image, Kind::Attestations, &trust).await.attestations().len(), 4);
}
