//! Questions are bounded, asked again where that may help, and never follow a redirect with a secret.

use std::time::Duration;

use serde_json::json;
use signer::token::{Source, Surroundings, Web};

use crate::fake::{Fake, Told, ok, refusal, token, words};

fn runner(address: &str) -> Source {
    let variable = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(format!("{address}/?hunter2")),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    };
    Source::ambient(&Surroundings::of(variable)).expect("a source")
}

fn good() -> Told {
    ok(&json!({ "value": token(&json!({})) }))
}

#[tokio::test]
async fn passing_failures_are_asked_again_twice() {
    let busy = (429, vec![("retry-after", "0".to_owned())], String::new());
    let fake = Fake::answering(move |_, _, before| match before {
        0 => refusal(503, "later"),
        1 => busy.clone(),
        _ => good(),
    })
    .await;
    assert!(runner(&fake.address).token(&Web::default()).await.is_ok());
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test]
async fn lasting_failures_end_and_refusals_are_not_asked_again() {
    let fake = Fake::answering(|_, _, _| (500, vec![("retry-after", "0".to_owned())], "broken".to_owned())).await;
    assert!(words(runner(&fake.address).token(&Web::default()).await).contains("answered 500: broken"));
    assert_eq!(fake.seen().len(), 3);
    let fake = Fake::answering(|_, _, _| refusal(401, "no")).await;
    assert!(words(runner(&fake.address).token(&Web::default()).await).contains("answered 401: no"));
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn redirects_are_refusals_and_no_secret_follows_them() {
    let elsewhere = Fake::answering(|_, _, _| good()).await;
    let target = elsewhere.address.clone();
    let fake = Fake::answering(move |_, _, _| (307, vec![("location", target.clone())], String::new())).await;
    assert!(words(runner(&fake.address).token(&Web::default()).await).contains("answered 307"));
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn answers_have_a_limit() {
    let fake = Fake::answering(|_, _, _| refusal(200, " ".repeat(1100 * 1024))).await;
    assert!(words(runner(&fake.address).token(&Web::default()).await).contains("is over 1048576 bytes"));
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_there_is_patience() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let patience = Web::new(Duration::from_millis(100));
    assert!(words(runner(&silent).token(&patience).await).contains("no answer from 127.0.0.1 within 100ms"));
    let fake = Fake::answering(|_, _, _| (429, vec![("retry-after", "3600".to_owned())], String::new())).await;
    assert!(words(runner(&fake.address).token(&patience).await).contains("answered 429"));
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn secrets_are_not_sent_by_plain_http_and_errors_hide_the_query() {
    let found = words(runner("http://192.0.2.1").token(&Web::default()).await);
    assert!(found.ends_with("192.0.2.1 is to be asked by plain http, wanted https"), "{found}");
    let agent = |name: &str| match name {
        "BUILDKITE_AGENT_ENDPOINT" => Some("http://192.0.2.1/v3".to_owned()),
        "BUILDKITE_AGENT_ACCESS_TOKEN" | "BUILDKITE_JOB_ID" => Some("hunter2".to_owned()),
        _ => None,
    };
    let found = words(Source::named("buildkite-agent", &Surroundings::of(agent)).unwrap().token(&Web::default()).await);
    assert!(found.ends_with("192.0.2.1 is to be asked by plain http, wanted https"), "{found}");
    let found = words(runner("ftp://a.test").token(&Web::default()).await);
    assert!(found.ends_with("`ftp://a.test/` is not an address of the web"), "{found}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(words(runner(&closed).token(&Web::default()).await).contains("no answer from 127.0.0.1: "));
}
