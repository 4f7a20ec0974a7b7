//! Redirects: followed, but with nothing that was meant for another host, and not everywhere.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use oci::media_type::OCI_MANIFEST;
use registry::{Credential, Credentials, Refusal, RegistryError, Secret, Settings, Violation};
use scripted::*;

fn to(code: u16, location: &str) -> axum::response::Response {
    with(code, &[("location", location)], "")
}

async fn refusal(location: &'static str) -> Refusal {
    let server = Scripted::start(move |_| to(307, location)).await;
    match client().resolve(&server.image(":v1")).await {
        Err(RegistryError::Refused { refusal, .. }) => refusal,
        other => panic!("{location}: {other:?}"),
    }
}

#[tokio::test]
async fn authorization_is_dropped_when_the_port_changes_and_stays_dropped() {
    let cdn = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let there = format!("http://{}/cdn", cdn.address);
    let server = Scripted::start(move |seen| match seen.authorization() {
        "" => with(401, &[("www-authenticate", r#"Basic realm="x""#)], ""),
        _ => to(307, &there),
    })
    .await;
    let credential = Credential::Password { user: "me".into(), password: Secret::new("x".into()) };
    let credentials = Credentials::anonymous().with_given(credential);
    let client = client_with(Settings { credentials, ..Settings::default() });
    assert!(client.resolve(&server.image(":v1")).await.unwrap().found().is_some());
    assert_eq!(cdn.seen().len(), 1);
    assert_eq!(cdn.seen()[0].authorization(), "");
}

#[tokio::test]
async fn authorization_is_kept_on_the_same_host() {
    let server = Scripted::start(|seen| match (seen.authorization(), seen.path.as_str()) {
        ("", _) => with(401, &[("www-authenticate", r#"Basic realm="x""#)], ""),
        (_, "/moved") => ok(OCI_MANIFEST, manifest(&[])),
        _ => to(302, "/moved"),
    })
    .await;
    let credential = Credential::Password { user: "me".into(), password: Secret::new("x".into()) };
    let credentials = Credentials::anonymous().with_given(credential);
    let client = client_with(Settings { credentials, ..Settings::default() });
    assert!(client.resolve(&server.image(":v1")).await.unwrap().found().is_some());
}

#[tokio::test]
async fn challenge_of_another_host_is_not_answered() {
    let cdn = Scripted::start(|_| with(401, &[("www-authenticate", r#"Basic realm="x""#)], "")).await;
    let there = format!("http://{}/cdn", cdn.address);
    let server = Scripted::start(move |_| to(307, &there)).await;
    let credential = Credential::Password { user: "me".into(), password: Secret::new("x".into()) };
    let credentials = Credentials::anonymous().with_given(credential);
    let client = client_with(Settings { credentials, ..Settings::default() });
    let error = client.resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    assert!(cdn.seen().iter().all(|seen| seen.authorization().is_empty()));
}

#[tokio::test]
async fn circle_is_an_error_and_so_are_six_redirects() {
    let circle = Scripted::start(|seen| match seen.path.ends_with("/x") {
        true => to(307, "/y"),
        false => to(307, "/x"),
    })
    .await;
    let error = client().resolve(&circle.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Violation { violation: Violation::RedirectLoop, .. }), "{error}");
    let chain = Scripted::start(|seen| to(307, &format!("{}x", seen.path))).await;
    let error = client().resolve(&chain.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Violation { violation: Violation::Redirects { limit: 5 }, .. }), "{error}");
    assert_eq!(chain.seen().len(), 6);
}

#[tokio::test]
async fn redirect_without_a_place_is_a_violation() {
    let server = Scripted::start(|_| status(307)).await;
    let error = client().resolve(&server.image(":v1")).await.unwrap_err();
    assert!(
        matches!(error, RegistryError::Violation { violation: Violation::Location { status: 307 }, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn redirect_to_a_metadata_address_or_a_file_is_refused() {
    assert!(matches!(refusal("http://169.254.169.254/latest/meta-data").await, Refusal::Forbidden { .. }));
    assert!(matches!(refusal("https://[fd00:ec2::254]/").await, Refusal::Forbidden { .. }));
    assert!(matches!(refusal("file:///etc/passwd").await, Refusal::Address { .. }));
    assert!(matches!(refusal("http://user:pass@127.0.0.1/").await, Refusal::Address { .. }));
}

#[tokio::test]
async fn redirect_to_plain_http_beyond_loopback_is_refused_without_a_connection() {
    assert!(matches!(refusal("http://192.0.2.1/a").await, Refusal::PlainHttp { .. }));
    assert!(matches!(refusal("http://registry.example/a").await, Refusal::PlainHttp { .. }));
}

#[tokio::test]
async fn write_redirected_to_another_host_is_refused() {
    let elsewhere = Scripted::start(|_| status(201)).await;
    let there = format!("http://{}/steal", elsewhere.address);
    let server = Scripted::start(move |_| to(307, &there)).await;
    let bytes = manifest(&[]).into();
    let reference = digest_of(&manifest(&[])).into();
    let push = client()
        .push_manifest(&server.repository(), &reference, OCI_MANIFEST, bytes, registry::Precondition::None)
        .await;
    assert!(matches!(push, Err(RegistryError::Refused { refusal: Refusal::WriteElsewhere { .. }, .. })), "{push:?}");
    assert!(elsewhere.seen().is_empty());
}
