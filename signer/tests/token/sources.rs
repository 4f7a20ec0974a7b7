//! Tokens of places: runners, machines, files.

use std::path::PathBuf;

use serde_json::json;
use signer::token::{Source, Surroundings, TokenError, Web};

use crate::fake::{Fake, ok, refusal, token, words};

/// Surroundings with these variables, and none of this machine's files.
fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    let find = |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
    let nowhere = PathBuf::from("/nonexistent/file");
    Surroundings {
        token_file: nowhere.clone(),
        product_file: nowhere.clone(),
        spiffe_default: nowhere,
        ..Surroundings::of(find)
    }
}

fn ambient(variables: &[(&str, &str)]) -> Source {
    Source::ambient(&surroundings(variables)).expect("a source")
}

#[tokio::test]
async fn github_is_asked_for_our_audience_with_the_jobs_secret() {
    let fake = Fake::answering(|_, _, _| ok(&json!({ "value": token(&json!({ "sub": "repo:a/b" })) }))).await;
    let url = format!("{}/token?api-version=2", fake.address);
    let source = ambient(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2")]);
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "repo:a/b");
    let seen = &fake.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/token?api-version=2&audience=sigstore"));
    assert_eq!(seen.authorization, "bearer hunter2");
    assert!(!format!("{source:?}").contains("hunter2"));
}

#[tokio::test]
async fn refusals_and_answers_without_a_token_are_told_apart() {
    let fake = Fake::answering(|_, seen, _| match seen.target.split('?').next() {
        Some("/refused") => refusal(403, "no permission \u{1b}[31m"),
        Some("/empty") => ok(&json!({ "value": "" })),
        Some("/other") => ok(&json!({ "token": token(&json!({})) })),
        _ => ok(&json!({ "value": "not.a.token" })),
    })
    .await;
    let refused = async |path: &str| {
        let url = format!("{}{path}", fake.address);
        let source = ambient(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2")]);
        words(source.token(&Web::default()).await)
    };
    let refusal = "asking GitHub for an identity token: 127.0.0.1 answered 403: no permission \\u{1b}[31m";
    assert_eq!(refused("/refused").await, refusal);
    let empty = "asking GitHub for an identity token: answer of 127.0.0.1 has no value";
    assert_eq!(refused("/empty").await, empty);
    assert_eq!(refused("/other").await, empty);
    assert!(refused("/text").await.contains("malformed"));
}

#[tokio::test]
async fn buildkite_is_asked_for_the_job_with_the_agents_secret() {
    let fake = Fake::answering(|_, _, _| ok(&json!({ "token": token(&json!({ "sub": "pipeline" })) }))).await;
    let endpoint = format!("{}/v3", fake.address);
    let variables = [
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "hunter2"),
        ("BUILDKITE_AGENT_ENDPOINT", &endpoint),
        ("BUILDKITE_JOB_ID", "0185/x"),
    ];
    assert_eq!(ambient(&variables).token(&Web::default()).await.unwrap().subject(), "pipeline");
    let seen = &fake.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v3/jobs/0185%2Fx/oidc/tokens"));
    assert_eq!((seen.authorization.as_str(), seen.body.as_str()), ("Token hunter2", r#"{"audience":"sigstore"}"#));
}

#[tokio::test]
async fn google_machines_answer_who_asks_as_they_want_to_be_asked() {
    let fake = Fake::answering(|_, seen, _| match seen.flavor.as_str() {
        "Google" => refusal(200, token(&json!({ "sub": "1", "email": "vm@a.test", "email_verified": true }))),
        _ => refusal(403, "wrong flavor"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let product_file = dir.path().join("product_name");
    std::fs::write(&product_file, "Google Compute Engine\n").unwrap();
    let host = fake.address.trim_start_matches("http://");
    let here = Surroundings { product_file, ..surroundings(&[("GCE_METADATA_HOST", host)]) };
    let source = Source::ambient(&here).expect("a source");
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "vm@a.test");
    let wanted = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=sigstore&format=full";
    assert_eq!(fake.seen()[0].target, wanted);
    let elsewhere = Surroundings { google_credentials_elsewhere: true, ..here };
    assert!(Source::ambient(&elsewhere).is_none());
}

#[tokio::test]
async fn google_accounts_are_spoken_for_with_the_machines_own_secret() {
    let fake = Fake::answering(|_, seen, _| match seen.target.ends_with("/default/token") {
        true => ok(&json!({ "access_token": "hunter2" })),
        false => ok(&json!({ "token": token(&json!({ "email": "ci@a.test", "email_verified": true })) })),
    })
    .await;
    let host = fake.address.trim_start_matches("http://");
    let variables = [("GCE_METADATA_HOST", host), ("GOOGLE_SERVICE_ACCOUNT_NAME", "ci@a.test")];
    let here = Surroundings { google_tokens: fake.address.clone(), ..surroundings(&variables) };
    for source in [Source::ambient(&here).unwrap(), Source::named("google", &here).unwrap()] {
        assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "ci@a.test");
    }
    let seen = &fake.seen()[1];
    assert_eq!(seen.target, "/v1/projects/-/serviceAccounts/ci@a.test:generateIdToken");
    assert_eq!(seen.authorization, "Bearer hunter2");
    assert_eq!(seen.body, r#"{"audience":"sigstore","includeEmail":true}"#);
}

#[tokio::test]
async fn what_is_given_is_a_token_or_the_path_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token").to_str().unwrap().to_owned();
    let text = token(&json!({ "sub": "given" }));
    std::fs::write(&path, format!("{text}\n")).unwrap();
    for given in [&text, &path] {
        assert_eq!(Source::given(given).token(&Web::default()).await.unwrap().subject(), "given");
    }
    let absent = format!("{path}-absent");
    let result = Source::given(&absent).token(&Web::default()).await;
    assert!(matches!(result, Err(TokenError::File { .. })), "{result:?}");
    std::fs::write(&path, "no token").unwrap();
    assert!(words(Source::given(&path).token(&Web::default()).await).contains("malformed"));
}

#[tokio::test]
async fn variable_and_mounted_file_are_sources() {
    let text = token(&json!({ "sub": "gitlab" }));
    let source = ambient(&[("SIGSTORE_ID_TOKEN", &text)]);
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "gitlab");
    assert!(!format!("{source:?}").contains(&text));
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("oidc-token");
    std::fs::write(&token_file, token(&json!({ "sub": "pod" }))).unwrap();
    let source = Source::ambient(&Surroundings { token_file, ..surroundings(&[]) }).unwrap();
    assert_eq!(source.token(&Web::default()).await.unwrap().subject(), "pod");
}

#[test]
fn sources_are_taken_in_cosigns_order_and_whole() {
    let github = [("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a.test"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2")];
    let buildkite = [("BUILDKITE_AGENT_ACCESS_TOKEN", "hunter2"), ("BUILDKITE_JOB_ID", "1")];
    let rest = [("SIGSTORE_ID_TOKEN", "x"), ("GOOGLE_SERVICE_ACCOUNT_NAME", "a")];
    let all = [&github[..], &buildkite, &rest].concat();
    let kind = |variables: &[(&str, &str)]| match Source::ambient(&surroundings(variables)) {
        Some(Source::GitHub { .. }) => "github",
        Some(Source::Buildkite { .. }) => "buildkite",
        Some(Source::Text(_)) => "variable",
        Some(Source::GoogleAccount { .. }) => "account",
        Some(_) => "another",
        None => "none",
    };
    assert_eq!(kind(&all), "github");
    assert_eq!(kind(&all[1..]), "buildkite", "half of GitHub's variables is none of it");
    assert_eq!(kind(&all[3..]), "variable", "half of Buildkite's variables is none of it");
    assert_eq!(kind(&all[5..]), "account");
    assert_eq!(kind(&[("SIGSTORE_ID_TOKEN", "")]), "none");
    let elsewhere = [("GOOGLE_SERVICE_ACCOUNT_NAME", "a"), ("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")];
    assert_eq!(kind(&elsewhere), "none");
}

#[test]
fn named_sources_that_are_not_here_are_refused() {
    let here = surroundings(&[("SIGSTORE_ID_TOKEN", "x")]);
    assert!(matches!(Source::named("envvar", &here), Ok(Source::Text(_))));
    for name in Source::NAMES.into_iter().filter(|name| *name != "envvar") {
        let result = Source::named(name, &here);
        assert!(matches!(result, Err(TokenError::NotHere { source_name, .. }) if source_name == name), "{result:?}");
    }
    let unknown = Source::named("gitlab\u{1b}", &here).unwrap_err().to_string();
    assert!(unknown.starts_with("`gitlab\\u{1b}` provides no identity tokens, wanted one of github-actions, "));
}

#[tokio::test]
async fn source_that_fails_is_not_followed_by_another() {
    let fake = Fake::answering(|_, _, _| refusal(403, "no")).await;
    let other = token(&json!({ "sub": "another" }));
    let variables = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", fake.address.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ("SIGSTORE_ID_TOKEN", &other),
    ];
    assert!(words(ambient(&variables).token(&Web::default()).await).contains("answered 403: no"));
    assert_eq!(ambient(&variables[2..]).token(&Web::default()).await.unwrap().subject(), "another");
}
