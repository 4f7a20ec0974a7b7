//! Who is told what: challenges, token services, and what is never sent to whom.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use oci::media_type::OCI_MANIFEST;
use registry::{Client, Credential, Credentials, Refusal, RegistryError, Secret, Settings, Violation};
use scripted::*;

fn password(user: &str, password: &str) -> Credential {
    Credential::Password { user: user.into(), password: Secret::new(password.into()) }
}

fn as_user(credential: Credential) -> Client {
    let credentials = Credentials::anonymous().with_given(credential);
    client_with(Settings { credentials, ..Settings::default() })
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn image() -> Response {
    ok(OCI_MANIFEST, manifest(&[]))
}

/// 401 with a token service on the same host.
fn challenged(seen: &Seen) -> Response {
    let text = format!(r#"Bearer realm="http://{}/token",service="reg",scope="repository:a:pull""#, seen.host);
    with(401, &[("www-authenticate", &text)], "")
}

/// A registry whose token for a user is `for-<user>`, and `for-nobody` without one.
fn bearer_registry(seen: &Seen) -> Response {
    if seen.path.starts_with("/token") {
        let user = match seen.authorization().strip_prefix("Basic ") {
            Some(pair) => {
                String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap().split(':').next().unwrap().to_owned()
            }
            None => "nobody".to_owned(),
        };
        return ok("application/json", format!(r#"{{"token":"for-{user}","expires_in":300}}"#));
    }
    match seen.authorization().starts_with("Bearer for-") {
        true => image(),
        false => challenged(seen),
    }
}

#[tokio::test]
async fn password_is_sent_only_after_a_challenge_and_remembered() {
    let server = Scripted::start(|seen| match seen.authorization() {
        "" => with(401, &[("www-authenticate", r#"Basic realm="x""#)], ""),
        _ => image(),
    })
    .await;
    let client = as_user(password("me", "a:b"));
    for _ in 0..2 {
        client.resolve(&server.image(":v1")).await.unwrap();
    }
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.authorization().to_owned()).collect();
    assert_eq!(sent, ["", &basic("me", "a:b"), &basic("me", "a:b")]);
}

#[tokio::test]
async fn client_with_other_credentials_shows_them_to_one_registry_and_takes_nothing_that_the_first_was_given() {
    let asks = |seen: &Seen| match seen.authorization() {
        "" => with(401, &[("www-authenticate", r#"Basic realm="x""#)], ""),
        _ => image(),
    };
    let (server, elsewhere) = (Scripted::start(asks).await, Scripted::start(asks).await);
    let own = as_user(password("me", "x"));
    let other = own.with_credentials(Credentials::of_registry(&server.address.to_string(), password("other", "y")));
    for client in [&own, &other, &own, &other] {
        client.resolve(&server.image(":v1")).await.unwrap();
    }
    let (me, other_one) = (basic("me", "x"), basic("other", "y"));
    let sent: Vec<_> = server.seen().iter().map(|seen| seen.authorization().to_owned()).collect();
    assert_eq!(sent, ["", &me, "", &other_one, &me, &other_one]);
    let error = other.resolve(&elsewhere.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { status: 401, anonymous: true, .. }), "{error}");
    assert!(elsewhere.seen().iter().all(|seen| seen.authorization().is_empty()));
    let origin = |client: &Client| client.credential_origin(elsewhere.image(":v1").repository());
    assert!(origin(&other).is_none() && own.credential_origin(&server.repository()).is_some());
}

#[tokio::test]
async fn client_with_other_credentials_gets_tokens_of_its_own() {
    let server = Scripted::start(bearer_registry).await;
    let own = as_user(password("a", "x"));
    let other = own.with_credentials(Credentials::of_registry(&server.address.to_string(), password("b", "x")));
    for (client, token) in [(&own, "Bearer for-a"), (&other, "Bearer for-b"), (&own, "Bearer for-a")] {
        client.resolve(&server.image(":v1")).await.unwrap();
        assert_eq!(server.seen().last().unwrap().authorization(), token);
    }
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn registry_that_asks_for_nothing_gets_no_credential() {
    let server = Scripted::start(|_| image()).await;
    as_user(password("me", "x")).resolve(&server.image(":v1")).await.unwrap();
    assert!(server.seen().iter().all(|seen| seen.authorization().is_empty()));
}

#[tokio::test]
async fn broken_configuration_matters_only_to_a_registry_that_asks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), "{").unwrap();
    let credentials = Credentials::from_docker(Some(dir.path().to_owned()), None);
    let client = client_with(Settings { credentials, ..Settings::default() });
    let public = Scripted::start(|_| image()).await;
    assert!(client.resolve(&public.image(":v1")).await.is_ok());
    let private = Scripted::start(|_| with(401, &[("www-authenticate", r#"Basic realm="x""#)], "")).await;
    let error = client.resolve(&private.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Credential { .. }) && error.to_string().contains("config.json"), "{error}");
}

#[tokio::test]
async fn wrong_password_is_denied_after_one_attempt() {
    let server = Scripted::start(|_| with(401, &[("www-authenticate", r#"Basic realm="x""#)], "")).await;
    let error = as_user(password("me", "x")).resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { status: 401, anonymous: false, .. }), "{error}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn token_is_fetched_with_the_password_and_the_registry_sees_the_token_alone() {
    let server = Scripted::start(bearer_registry).await;
    as_user(password("me", "x")).resolve(&server.image(":v1")).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].path, "/token?service=reg&scope=repository%3Aa%3Apull&account=me");
    assert_eq!(seen[1].authorization(), basic("me", "x"));
    assert_eq!(seen[2].authorization(), "Bearer for-me");
}

#[tokio::test]
async fn fifty_who_wait_share_one_token_request() {
    let server = Scripted::start(bearer_registry).await;
    let (client, image) = (client(), server.image(":v1"));
    let all = futures::future::join_all((0..50).map(|_| client.resolve(&image))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test]
async fn two_credentials_never_share_a_token() {
    let server = Scripted::start(bearer_registry).await;
    for (client, token) in [
        (as_user(password("a", "x")), "Bearer for-a"),
        (as_user(password("b", "x")), "Bearer for-b"),
        (client(), "Bearer for-nobody"),
    ] {
        client.resolve(&server.image(":v1")).await.unwrap();
        assert_eq!(server.seen().last().unwrap().authorization(), token);
    }
    assert_eq!(server.count("/token"), 3);
}

#[tokio::test]
async fn token_that_the_registry_no_longer_accepts_is_replaced_once() {
    let (issued, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (issued.clone(), calls.clone());
    let server = Scripted::start(move |seen| {
        if seen.path.starts_with("/token") {
            let n = counters.0.fetch_add(1, Ordering::SeqCst);
            return ok("application/json", format!(r#"{{"token":"t{n}"}}"#));
        }
        // every token serves for one request
        let newest = format!("Bearer t{}", counters.0.load(Ordering::SeqCst).wrapping_sub(1));
        let unused = counters.1.load(Ordering::SeqCst) < counters.0.load(Ordering::SeqCst);
        match seen.authorization() == newest && unused {
            true => {
                counters.1.fetch_add(1, Ordering::SeqCst);
                image()
            }
            false => challenged(seen),
        }
    })
    .await;
    let client = client();
    for n in 1..=3 {
        client.resolve(&server.image(":v1")).await.unwrap();
        assert_eq!(server.count("/token"), n);
    }
}

#[tokio::test]
async fn registry_that_accepts_no_token_is_denied_and_not_asked_for_ever() {
    let server = Scripted::start(|seen| match seen.path.starts_with("/token") {
        true => ok("application/json", r#"{"token":"t"}"#),
        false => challenged(seen),
    })
    .await;
    let error = client().resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { status: 401, anonymous: true, .. }), "{error}");
    assert!(server.seen().len() <= 4, "{:?}", server.seen());
}

#[tokio::test]
async fn narrow_scope_is_widened_as_the_challenge_says() {
    let server = Scripted::start(|seen| {
        if seen.path.starts_with("/token") {
            return ok("application/json", format!(r#"{{"token":"{}"}}"#, seen.path.matches("scope=").count()));
        }
        match seen.authorization() {
            "" => challenged(seen),
            "Bearer 2" => image(),
            _ => {
                let scope = "repository:a:metadata_read,pull";
                let text = format!(
                    r#"Bearer realm="http://{}/token",service="reg",scope="{scope}",error="insufficient_scope""#,
                    seen.host
                );
                with(401, &[("www-authenticate", &text)], "")
            }
        }
    })
    .await;
    assert!(client().resolve(&server.image(":v1")).await.unwrap().found().is_some());
}

#[tokio::test]
async fn failing_token_service_is_named_as_the_one_that_failed() {
    let server = Scripted::start(|seen| match seen.path.starts_with("/token") {
        true => with(500, &[], "database on fire"),
        false => challenged(seen),
    })
    .await;
    let error = client().resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::TokenService { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("token service 127.0.0.1") && text.contains("500: database on fire"), "{text}");
}

#[tokio::test]
async fn token_answer_is_bounded_and_must_hold_a_token() {
    let server = Scripted::start(|seen| match (seen.path.starts_with("/token"), seen.path.contains("%3Ab%3A")) {
        (true, true) => ok("application/json", "{}"),
        (true, false) => ok("application/json", endless(Arc::default())),
        (false, _) => challenged(seen),
    })
    .await;
    let inner = |result: Result<_, RegistryError>| match result {
        Err(RegistryError::TokenService { error, .. }) => *error,
        other => panic!("{other:?}"),
    };
    let large = inner(client().resolve(&server.image(":v1")).await);
    assert!(matches!(large, RegistryError::TooLarge { limit: 65536, .. }), "{large}");
    let image = format!("{}/b", server.address).parse().unwrap();
    let empty = inner(client().resolve(&image).await);
    assert!(matches!(empty, RegistryError::Violation { violation: Violation::NoToken, .. }), "{empty}");
}

#[tokio::test]
async fn identity_token_is_exchanged_by_post_and_by_get_where_post_is_unknown() {
    for refuses_post in [false, true] {
        let server = Scripted::start(move |seen| match (seen.path.starts_with("/token"), seen.method.as_str()) {
            (true, "POST") if refuses_post => status(405),
            (true, _) => ok("application/json", r#"{"access_token":"t","expires_in":60}"#),
            (false, _) if seen.authorization() == "Bearer t" => image(),
            (false, _) => challenged(seen),
        })
        .await;
        let client = as_user(Credential::IdentityToken(Secret::new("refresh".into())));
        client.resolve(&server.image(":v1")).await.unwrap();
        let seen = server.seen();
        let body = String::from_utf8(seen[1].body.to_vec()).unwrap();
        assert!(body.contains("grant_type=refresh_token&refresh_token=refresh"), "{body}");
        assert!(body.contains("scope=repository%3Aa%3Apull") && body.contains("service=reg"), "{body}");
        assert_eq!(seen[2].authorization().starts_with("Basic "), refuses_post);
    }
}

#[tokio::test]
async fn password_goes_by_post_where_get_is_unknown() {
    let server = Scripted::start(|seen| match (seen.path.starts_with("/token"), seen.method.as_str()) {
        (true, "GET") => status(404),
        (true, _) => ok("application/json", r#"{"token":"t"}"#),
        (false, _) if seen.authorization() == "Bearer t" => image(),
        (false, _) => challenged(seen),
    })
    .await;
    as_user(password("me", "p&w")).resolve(&server.image(":v1")).await.unwrap();
    let body = String::from_utf8(server.seen()[2].body.to_vec()).unwrap();
    assert!(body.starts_with("grant_type=password&username=me&password=p%26w"), "{body}");
}

#[tokio::test]
async fn registry_token_is_sent_as_it_is() {
    let server = Scripted::start(|seen| match seen.authorization() {
        "Bearer ready" => image(),
        _ => challenged(seen),
    })
    .await;
    as_user(Credential::RegistryToken(Secret::new("ready".into()))).resolve(&server.image(":v1")).await.unwrap();
    assert_eq!(server.count("/token"), 0);
}

#[tokio::test]
async fn foreign_token_service_is_not_asked_and_gets_no_credential() {
    let server = Scripted::start(|_| {
        with(401, &[("www-authenticate", r#"Bearer realm="https://tokens.example/t",service="x""#)], "")
    })
    .await;
    let error = as_user(password("me", "x")).resolve(&server.image(":v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { refusal: Refusal::ForeignRealm { .. }, .. }), "{error}");
    assert!(error.hint().unwrap().contains("--trust-realm"));
}

#[tokio::test]
async fn metadata_service_is_not_asked_even_as_a_trusted_realm() {
    let server =
        Scripted::start(|_| with(401, &[("www-authenticate", r#"Bearer realm="https://169.254.169.254/t""#)], ""))
            .await;
    let settings = Settings { trusted_realms: vec!["169.254.169.254".into()], ..Settings::default() };
    let error = client_with(settings).resolve(&server.image(":v1")).await.unwrap_err();
    let RegistryError::TokenService { error, .. } = error else { panic!("{error}") };
    assert!(matches!(*error, RegistryError::Refused { refusal: Refusal::Forbidden { .. }, .. }), "{error}");
}

#[tokio::test]
async fn metadata_address_is_no_registry_in_any_spelling() {
    for domain in ["169.254.169.254", "2852039166:443", "[::ffff:a9fe:a9fe]:5000"] {
        let error = client().resolve(&format!("{domain}/a").parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused { refusal: Refusal::Forbidden { .. }, .. }), "{error}");
    }
}
