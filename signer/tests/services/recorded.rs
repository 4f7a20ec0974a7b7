//! Exchanges with the real services, as they were recorded: what is asked today has the shape of what was asked then,
//! and what was answered is understood, which shows in its being told apart from an answer to us.

use std::{env, fs, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use serde_json::{Map, Value};
use signer::{
    CertificateFault, Credential, Format, LogVersion, ServiceError, Services, SignError, blob, token::WebError,
};

use crate::{
    fake::{Asked, CERTIFY, Fake, LOG_1, LOG_2, Reply, STAMP},
    images::{alice, sign, signer},
};

/// A recorded exchange. Without the corpus there is none, which is an error where it is required.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn recorded(name: &str) -> Option<Value> {
    let default = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus").into();
    let corpus = PathBuf::from(env::var_os("SEALGATE_CORPUS").unwrap_or_else(default));
    let folder = corpus.join("golden-keyless/http");
    if !folder.is_dir() {
        assert!(env::var("SEALGATE_REQUIRE_PEERS").as_deref() != Ok("1"), "no corpus at {}", folder.display());
        println!("skipped: no corpus at {}", folder.display());
        return None;
    }
    Some(serde_json::from_slice(&fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap())
}

/// The recorded answer.
fn reply(exchange: &Value) -> Reply {
    let response = &exchange["response"];
    let body = response["body"].as_str().unwrap();
    let body = match body.strip_prefix("base64:") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).unwrap(),
        None => body.as_bytes().to_vec(),
    };
    let reply = Reply { status: response["status"].as_u64().unwrap() as u16, headers: vec![], body };
    match response["headers"]["Location"].as_str() {
        Some(place) => reply.with("location", place),
        None => reply,
    }
}

/// What a document consists of, without what it says.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut shapes: Vec<_> = members.iter().map(|(name, value)| (name.clone(), shape(value))).collect();
            shapes.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(Map::from_iter(shapes))
        }
        Value::Array(list) => list.iter().map(shape).collect(),
        Value::String(_) => Value::from("text"),
        other => other.clone(),
    }
}

/// That what was asked has the shape of what was recorded, a token aside: ours is in a header.
fn assert_same_shape(asked: &Asked, exchange: &Value) {
    let mut then: Value = serde_json::from_str(exchange["request"]["body"].as_str().unwrap()).unwrap();
    then.as_object_mut().unwrap().remove("credentials");
    let now: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(shape(&now), shape(&then));
    assert!(exchange["request"]["url"].as_str().unwrap().ends_with(&asked.path));
}

fn logged(fake: &Fake, version: LogVersion) -> Services {
    fake.services().with_log(&fake.address, version).unwrap().with_timestamps(&fake.stamp_url()).unwrap()
}

/// Asks with this answer recorded for this path.
async fn ask(path: &'static str, exchange: &Value, version: LogVersion, format: Format) -> (Fake, SignError) {
    let fake = Fake::start().await;
    let answer = reply(exchange);
    fake.spoil(path, move |_, _, _| Some(answer.clone()));
    let services = logged(&fake, version);
    let image = fake.image("recorded").await;
    let error = match alice(&services).await {
        Ok(by) => sign(&signer(&fake, services, format), &by, &image).await.unwrap_err(),
        Err(error) => error,
    };
    (fake, error)
}

#[tokio::test]
async fn authority_is_asked_as_then_and_its_certificate_is_another_keys() {
    for name in ["fulcio-ok", "fulcio-ok-no-ct"] {
        let Some(exchange) = recorded(name) else { return };
        let (fake, error) = ask(CERTIFY, &exchange, LogVersion::One, Format::Bundle).await;
        assert_same_shape(&fake.asked(CERTIFY)[0], &exchange);
        let SignError::Service(ServiceError::Certificate { fault, .. }) = error else { panic!("{error}") };
        assert!(matches!(fault, CertificateFault::OtherKey { .. }), "{fault}");
    }
}

#[tokio::test]
async fn refusals_are_told_in_the_services_words() {
    let refusals = [
        ("fulcio-bad-pop", CERTIFY, "400: The signature supplied in the request could not be verified"),
        ("fulcio-garbage-token", CERTIFY, "400: There was an error processing the identity token"),
        ("rekor1-bad-signature", LOG_1, "400: error processing entry: verifying signature"),
        ("rekor2-bad-signature", LOG_2, "400: invalid hashedrekord request"),
        ("rekor2-dsse-refused-by-2.3.0", LOG_2, "400: invalid type, must be hashedrekord"),
        ("tsa-garbage", STAMP, "400: Error generating timestamp response"),
    ];
    for (name, path, words) in refusals {
        let Some(exchange) = recorded(name) else { return };
        let version = if path == LOG_2 { LogVersion::Two } else { LogVersion::One };
        let (_, error) = ask(path, &exchange, version, Format::Bundle).await;
        assert!(matches!(&error, SignError::Service(ServiceError::Web { error: WebError::Refused { .. }, .. })));
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}

#[tokio::test]
async fn log_of_version_1_is_asked_as_then_and_its_entry_is_anothers() {
    for (name, format) in [("rekor1-create", Format::Legacy), ("rekor1-create-dsse", Format::Bundle)] {
        let Some(exchange) = recorded(name) else { return };
        let (fake, error) = ask(LOG_1, &exchange, LogVersion::One, format).await;
        assert_same_shape(&fake.asked(LOG_1)[0], &exchange);
        assert!(matches!(error, SignError::Service(ServiceError::OtherEntry { .. })), "{name}: {error}");
    }
}

#[tokio::test]
async fn entry_of_a_conflict_is_fetched_where_it_was_then() {
    let (Some(conflict), Some(entry)) = (recorded("rekor1-create-again"), recorded("rekor1-get")) else { return };
    let url = entry["request"]["url"].as_str().unwrap();
    let path: &'static str = Box::leak(url[url.find("/api").unwrap()..].to_owned().into_boxed_str());
    let fake = Fake::start().await;
    let (first, second) = (reply(&conflict), reply(&entry));
    fake.spoil(LOG_1, move |_, _, _| Some(first.clone()));
    fake.spoil(path, move |_, _, _| Some(second.clone()));
    let services = logged(&fake, LogVersion::One);
    let image = fake.image("conflict").await;
    let by = alice(&services).await.unwrap();
    let error = sign(&signer(&fake, services, Format::Legacy), &by, &image).await.unwrap_err();
    assert!(matches!(error, SignError::Service(ServiceError::OtherEntry { .. })), "{error}");
    assert_eq!(fake.asked(path).len(), 1);
}

#[tokio::test]
async fn log_of_version_2_is_asked_as_then_and_its_entry_is_anothers() {
    let Some(exchange) = recorded("rekor2-create-cert") else { return };
    let (fake, error) = ask(LOG_2, &exchange, LogVersion::Two, Format::Bundle).await;
    assert_same_shape(&fake.asked(LOG_2)[0], &exchange);
    assert!(matches!(error, SignError::Service(ServiceError::OtherEntry { .. })), "{error}");

    let Some(exchange) = recorded("rekor2-create-key") else { return };
    let fake = Fake::start().await;
    let answer = reply(&exchange);
    fake.spoil(LOG_2, move |_, _, _| Some(answer.clone()));
    let by = Credential::from(PrivateKey::generate().unwrap());
    let services = Services::none().with_log(&fake.address, LogVersion::Two).unwrap();
    let error = blob::sign(&by, &services, None, b"file").await.unwrap_err();
    assert_same_shape(&fake.asked(LOG_2)[0], &exchange);
    assert!(matches!(error, SignError::Service(ServiceError::OtherEntry { .. })), "{error}");
}

#[tokio::test]
async fn conflict_of_version_2_names_its_entry() {
    let Some(exchange) = recorded("rekor2-create-again") else { return };
    let (fake, error) = ask(LOG_2, &exchange, LogVersion::Two, Format::Bundle).await;
    assert!(matches!(error, SignError::Service(ServiceError::AlreadyLogged { index: 13, .. })), "{error}");
    assert_eq!(fake.asked(LOG_2).len(), 2, "once more, with another signature");
}

#[tokio::test]
async fn timestamp_is_asked_for_as_then_and_the_recorded_one_is_anothers() {
    for name in ["tsa-ok", "tsa-ok-nocert", "tsa-sha512"] {
        let Some(exchange) = recorded(name) else { return };
        let (fake, error) = ask(STAMP, &exchange, LogVersion::One, Format::Legacy).await;
        assert!(matches!(error, SignError::Service(ServiceError::OtherTimestamp { .. })), "{name}: {error}");
        if name == "tsa-ok" {
            let then = exchange["request"]["body"].as_str().unwrap().strip_prefix("base64:").unwrap();
            let (then, now) = (BASE64_STANDARD.decode(then).unwrap(), &fake.asked(STAMP)[0].body);
            // version and algorithm, up to the hash; the certificate at the end; theirs has a number between
            assert_eq!((&now[2..24], now.ends_with(&[1, 1, 255])), (&then[2..24], true));
        }
    }
}
