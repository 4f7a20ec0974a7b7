//! Services that refuse, fail, or say nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use keys::PrivateKey;
use serde_json::json;
use signer::{
    By, Credential, Format, LogVersion, ServiceError, Services, SignError, Signer, SigningAlgorithm, token::WebError,
};

use crate::{
    fake::{CERTIFY, Fake, LOG_1, LOG_2, Reply, STAMP, token},
    images::{alice, sign, signer},
};

fn web(error: SignError) -> WebError {
    match error {
        SignError::Service(ServiceError::Web { error, .. }) => error,
        other => panic!("{other}"),
    }
}

fn logged(fake: &Fake) -> Services {
    fake.services().with_log(&fake.address, LogVersion::One).unwrap()
}

#[tokio::test]
async fn refusal_is_told_in_the_services_words_and_not_repeated() {
    for path in [CERTIFY, LOG_1, LOG_2, STAMP] {
        let fake = Fake::start().await;
        fake.spoil(path, |_, _, _| Some(Reply::status(400)));
        let version = if path == LOG_2 { LogVersion::Two } else { LogVersion::One };
        let services = fake.services().with_log(&fake.address, version).unwrap();
        let services = services.with_timestamps(&fake.stamp_url()).unwrap();
        let image = fake.image("refused").await;
        let error = match alice(&services).await {
            Ok(by) => sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err(),
            Err(error) => error,
        };
        let words = error.to_string();
        assert!(words.contains("400") && words.contains("words of the\\nservice"), "{path}: {words}");
        assert!(!words.contains('\n'), "{words}");
        assert_eq!(fake.asked(path).len(), 1, "{path}");
    }
}

#[tokio::test]
async fn failure_that_passes_is_waited_for() {
    for path in [CERTIFY, LOG_1, STAMP] {
        let fake = Fake::start().await;
        fake.spoil(path, |n, _, genuine| Some(if n == 0 { Reply::status(503) } else { genuine }));
        let services = logged(&fake).with_timestamps(&fake.stamp_url()).unwrap();
        let image = fake.image("passing").await;
        let by = alice(&services).await.unwrap();
        sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap();
        assert_eq!(fake.asked(path).len(), 2, "{path}");
    }
}

#[tokio::test]
async fn failure_that_stays_is_an_error_after_three_tries() {
    let fake = Fake::start().await;
    fake.spoil(CERTIFY, |_, _, _| Some(Reply::status(502)));
    let error = web(alice(&logged(&fake)).await.unwrap_err());
    assert!(matches!(error, WebError::Refused { status: 502, .. }), "{error}");
    assert_eq!(fake.asked(CERTIFY).len(), 3);
}

#[tokio::test]
async fn service_that_asks_for_time_gets_it() {
    let fake = Fake::start().await;
    fake.spoil(CERTIFY, |n, _, genuine| {
        Some(if n == 0 { Reply::status(429).with("retry-after", "1") } else { genuine })
    });
    let start = Instant::now();
    alice(&logged(&fake)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn service_that_asks_for_more_time_than_there_is_is_given_up() {
    let fake = Fake::start().await;
    fake.spoil(CERTIFY, |_, _, _| Some(Reply::status(429).with("retry-after", "3600")));
    let services = logged(&fake).patient(Duration::from_millis(300));
    let error = web(alice(&services).await.unwrap_err());
    assert!(matches!(error, WebError::Refused { status: 429, .. }), "{error}");
    assert_eq!(fake.asked(CERTIFY).len(), 1);
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    for path in [CERTIFY, LOG_1, STAMP] {
        let fake = Fake::start().await;
        fake.spoil(path, |_, _, _| None);
        let services = logged(&fake).with_timestamps(&fake.stamp_url()).unwrap().patient(Duration::from_millis(300));
        let image = fake.image("silent").await;
        let error = match alice(&services).await {
            Ok(by) => sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(web(error), WebError::Late { .. }), "{path}");
    }
}

#[tokio::test]
async fn oversized_answer_is_not_read_to_its_end() {
    let fake = Fake::start().await;
    fake.spoil(CERTIFY, |_, _, genuine| Some(Reply { body: vec![b' '; 2 << 20], ..genuine }));
    let error = web(alice(&logged(&fake)).await.unwrap_err());
    assert!(matches!(error, WebError::TooLarge { .. }), "{error}");
    assert_eq!(fake.asked(CERTIFY).len(), 1);
}

#[tokio::test]
async fn token_goes_into_one_header_and_follows_no_redirect() {
    let (fake, elsewhere) = (Fake::start().await, Fake::start().await);
    let away = format!("{}{CERTIFY}", elsewhere.address);
    fake.spoil(CERTIFY, move |_, _, _| Some(Reply::status(307).with("location", &away)));
    let (token, text) = token();
    let services = logged(&fake);
    let error = Credential::ready(By::Identity(token, SigningAlgorithm::P256), &services).await.unwrap_err();
    assert!(matches!(
        error,
        SignError::Service(ServiceError::Web { error: WebError::Refused { status: 307, .. }, .. })
    ));
    assert!(elsewhere.asked("/").is_empty());
    let asked = &fake.asked(CERTIFY)[0];
    assert_eq!(asked.authorization.as_deref(), Some(format!("Bearer {text}").as_str()));
    let secret = text.rsplit('.').next().unwrap();
    assert!(!String::from_utf8_lossy(&asked.body).contains(secret));
    assert!(!format!("{error:?} {error}").contains(secret));
}

#[tokio::test]
async fn entry_that_is_there_already_is_fetched() {
    let fake = Fake::start().await;
    let world = fake.world.clone();
    let kept = Arc::new(Mutex::new(None::<Reply>));
    let id = "ab".repeat(40);
    let entry: &'static str = Box::leak(format!("{LOG_1}/{id}").into_boxed_str());
    let keep = kept.clone();
    let location = entry.to_owned();
    fake.spoil(LOG_1, move |_, asked, _| {
        let proposal = serde_json::from_slice(&asked.body).unwrap();
        *keep.lock().unwrap() = Some(Reply::json(200, &world.log.version_1(&proposal, crate::fake::now())));
        Some(Reply::status(409).with("location", &location))
    });
    fake.spoil(entry, move |_, _, _| kept.lock().unwrap().clone());
    let services = logged(&fake);
    let image = fake.image("there").await;
    let by = alice(&services).await.unwrap();
    sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap();
    assert_eq!(fake.asked(entry).len(), 1);
}

#[tokio::test]
async fn conflict_that_leads_elsewhere_is_not_followed() {
    let (fake, elsewhere) = (Fake::start().await, Fake::start().await);
    let away = format!("{}/x/{}", elsewhere.address, "..");
    fake.spoil(LOG_1, move |_, _, _| Some(Reply::status(409).with("location", &away)));
    let services = logged(&fake);
    let image = fake.image("away").await;
    let by = alice(&services).await.unwrap();
    let error = web(sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap_err());
    assert!(matches!(error, WebError::Unusable { .. }), "{error}");
    assert!(elsewhere.asked("/").is_empty());
}

#[tokio::test]
async fn signature_that_version_2_has_already_is_made_anew() {
    let fake = Fake::start().await;
    let there =
        json!({ "code": 6, "message": "an equivalent entry already exists in the transparency log with index 13" });
    fake.spoil(LOG_2, move |n, _, genuine| Some(if n == 0 { Reply::json(409, &there) } else { genuine }));
    let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
    let image = fake.image("anew").await;
    let by = PrivateKey::generate().unwrap().into();
    sign(&signer(&fake, services, Format::Bundle), &by, &image).await.unwrap();
    let sent = fake.asked(LOG_2);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].body, sent[1].body);
}

#[tokio::test]
async fn signature_that_can_be_made_one_way_only_stays_in_the_log() {
    let fake = Fake::start().await;
    let there =
        json!({ "code": 6, "message": "an equivalent entry already exists in the transparency log with index 13" });
    fake.spoil(LOG_2, move |_, _, _| Some(Reply::json(409, &there)));
    let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
    let image = fake.image("oneway").await;
    let by = SigningAlgorithm::Rsa2048.generate().unwrap().into();
    // nobody knows whose entry that is
    let blind = Signer { services, ..Signer::new(fake.client.clone()) };
    let error = sign(&blind, &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Service(ServiceError::AlreadyLogged { index: 13, .. })), "{error}");
    assert_eq!(fake.asked(LOG_2).len(), 1);
}

#[tokio::test]
async fn entry_that_version_2_has_already_is_put_together_from_its_tiles() {
    for (index, size) in [(0, 1), (3, 7), (255, 256), (270, 300), (10, 300)] {
        let fake = Fake::start().await;
        let kept = Arc::new(Mutex::new(HashMap::new()));
        let (world, keep) = (fake.world.clone(), kept.clone());
        fake.spoil(LOG_2, move |_, asked, _| {
            let request = serde_json::from_slice(&asked.body).unwrap();
            *keep.lock().unwrap() = world.log.tiles(&request, index, size);
            let words = format!("an equivalent entry already exists in the transparency log with index {index}");
            Some(Reply::json(409, &json!({ "code": 6, "message": words })))
        });
        for path in [
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/0/000.p/1",
            "tile/0/000.p/7",
            "tile/entries/000",
            "tile/entries/001.p/44",
            "tile/entries/000.p/1",
            "tile/entries/000.p/7",
        ] {
            let kept = kept.clone();
            let full: &'static str = Box::leak(format!("/api/v2/{path}").into_boxed_str());
            fake.spoil(full, move |_, _, genuine| {
                let body = kept.lock().unwrap().get(path).cloned();
                Some(body.map_or(genuine, |body| Reply { status: 200, headers: vec![], body }))
            });
        }
        let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
        let image = fake.image("tiles").await;
        let by = SigningAlgorithm::Rsa2048.generate().unwrap().into();
        let signed = sign(&signer(&fake, services, Format::Bundle), &by, &image).await;
        let signed = signed.unwrap_or_else(|error| panic!("{index} of {size}: {error}"));
        assert_eq!(signed.made[0].log_indexes(), [index]);
    }
}

#[tokio::test]
async fn identity_that_nobody_could_date_is_not_even_certified() {
    let fake = Fake::start().await;
    for services in [fake.services(), fake.services().with_log(&fake.address, LogVersion::Two).unwrap()] {
        let error = alice(&services).await.unwrap_err();
        assert!(matches!(error, SignError::NoClock), "{error}");
    }
    assert!(fake.asked(CERTIFY).is_empty());
}

#[tokio::test]
async fn legacy_format_and_version_2_are_told_apart_before_anything_is_signed() {
    let fake = Fake::start().await;
    let services = fake.services().with_log(&fake.address, LogVersion::Two).unwrap();
    let image = fake.image("legacy").await;
    for format in [Format::Legacy, Format::Both] {
        let by = PrivateKey::generate().unwrap().into();
        let error = sign(&signer(&fake, services.clone(), format), &by, &image).await.unwrap_err();
        assert!(matches!(error, SignError::LegacyLog), "{error}");
    }
    assert!(fake.asked(LOG_2).is_empty());
}

#[tokio::test]
async fn key_that_a_log_does_not_take_is_refused_before_it_signs() {
    let fake = Fake::start().await;
    let image = fake.image("kind").await;
    let pem = include_str!("ed25519.pem");
    let by = || Credential::from(PrivateKey::import(pem.as_bytes()).unwrap());
    let log = |version| Services::none().with_log(&fake.address, version).unwrap();
    for (version, format) in [(LogVersion::Two, Format::Bundle), (LogVersion::One, Format::Legacy)] {
        let error = sign(&signer(&fake, log(version), format), &by(), &image).await.unwrap_err();
        assert!(matches!(error, SignError::Service(ServiceError::Unloggable { .. })), "{error}");
    }
    assert!(fake.asked("/api").is_empty());
    sign(&signer(&fake, log(LogVersion::One), Format::Bundle), &by(), &image).await.unwrap();
}

#[tokio::test]
async fn envelope_that_version_1_would_hash_otherwise_is_refused_before_it_is_signed() {
    let fake = Fake::start().await;
    let image = fake.image("curve").await;
    let services = Services::none().with_log(&fake.address, LogVersion::One).unwrap();
    let by = SigningAlgorithm::P384.generate().unwrap().into();
    let error = sign(&signer(&fake, services.clone(), Format::Bundle), &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Service(ServiceError::Unloggable { what: "envelope", .. })), "{error}");
    assert!(fake.asked(LOG_1).is_empty());
    sign(&signer(&fake, services, Format::Legacy), &by, &image).await.unwrap();
}

#[tokio::test]
async fn address_that_is_none_is_refused_when_it_is_chosen() {
    assert!(Services::none().with_authority("ftp://a.test").is_err());
    assert!(Services::none().with_log("a.test", LogVersion::One).is_err());
    assert!(Services::none().with_timestamps("").is_err());
}
