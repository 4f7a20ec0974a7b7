//! People who log in, played against a fake provider.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oci::Digest;
use registry::Secret;
use serde_json::{Value, json};
use signer::token::{Application, IdentityToken, Provider, TokenError, Web};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

use crate::fake::{Fake, Seen, Told, ok, refusal, token, words};

fn application() -> Application {
    Application { id: "sigstore".to_owned(), secret: None, redirect: None }
}

fn description(own: &str) -> Value {
    json!({
        "issuer": own,
        "authorization_endpoint": format!("{own}/auth"),
        "token_endpoint": format!("{own}/token"),
        "device_authorization_endpoint": format!("{own}/device"),
        "code_challenge_methods_supported": ["plain", "S256"],
    })
}

/// A provider whose other answers are these.
async fn provider(answer: impl Fn(&str, &Seen) -> Told + Send + Sync + 'static) -> Fake {
    Fake::answering(move |own, seen, _| match seen.target.as_str() {
        "/.well-known/openid-configuration" => ok(&description(own)),
        _ => answer(own, seen),
    })
    .await
}

/// A provider that gives tokens with the nonce that the browser's page was asked with.
struct Login {
    fake: Fake,
    page: Arc<Mutex<Option<Url>>>,
}

impl Login {
    async fn new(more: &Value) -> Self {
        let page: Arc<Mutex<Option<Url>>> = Arc::default();
        let (shown, more) = (page.clone(), more.clone());
        let fake = provider(move |own, _| {
            let nonce = shown.lock().unwrap().as_ref().and_then(|page| query(page, "nonce"));
            let mut claims = json!({ "iss": own, "email": "me@a.test", "email_verified": true, "nonce": nonce });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ok(&json!({ "id_token": token(&claims), "access_token": "hunter2" }))
        })
        .await;
        Self { fake, page }
    }

    /// Logs in while this visits the pages.
    async fn run<V: Future<Output = ()> + Send + 'static>(
        &self,
        application: &Application,
        visit: impl FnOnce(Url) -> V,
    ) -> Result<IdentityToken, TokenError> {
        let web = Web::default();
        let provider = Provider::discover(&web, &self.fake.address).await?;
        let show = |page: &str| {
            let page = Url::parse(page).unwrap();
            *self.page.lock().unwrap() = Some(page.clone());
            tokio::spawn(visit(page));
        };
        provider.browser(application, Duration::from_secs(20), show).await
    }
}

fn query(url: &Url, wanted: &str) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// What the program answers a browser that comes back with these pairs.
async fn come_back(page: &Url, pairs: &[(&str, &str)]) -> String {
    let mut back = Url::parse(&query(page, "redirect_uri").unwrap()).unwrap();
    back.query_pairs_mut().extend_pairs(pairs);
    get(&back).await
}

async fn get(url: &Url) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    let target = &url[url::Position::BeforePath..];
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn log_in(page: Url) {
    let state = query(&page, "state").unwrap();
    let answer = come_back(&page, &[("state", &state), ("code", "the code")]).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("You may close this page."), "{answer}");
}

#[tokio::test]
async fn browser_comes_back_with_a_code_that_only_its_asker_can_use() {
    let login = Login::new(&json!({})).await;
    let token = login.run(&application(), log_in).await.unwrap();
    assert_eq!((token.subject(), token.issuer()), ("me@a.test", login.fake.address.as_str()));
    let page = login.page.lock().unwrap().clone().unwrap();
    let sent = |name| query(&page, name).unwrap();
    assert_eq!(
        (sent("response_type"), sent("client_id"), sent("scope")),
        ("code".to_owned(), "sigstore".to_owned(), "openid email".to_owned())
    );
    assert!(sent("redirect_uri").starts_with("http://localhost:"));
    assert_eq!(sent("code_challenge_method"), "S256");
    let exchange = login.fake.seen().pop().unwrap();
    assert_eq!(exchange.form("code").unwrap(), "the code");
    assert_eq!(exchange.form("redirect_uri").unwrap(), sent("redirect_uri"));
    let secret = exchange.form("code_verifier").unwrap();
    assert_eq!(sent("code_challenge"), BASE64_URL_SAFE_NO_PAD.encode(Digest::of(secret.as_bytes()).as_bytes()));
    assert!(secret.len() >= 43 && ![sent("state"), sent("nonce"), sent("code_challenge")].contains(&secret));
}

#[tokio::test]
async fn strangers_at_the_port_neither_end_nor_finish_a_login() {
    let login = Login::new(&json!({})).await;
    let visit = |page: Url| async move {
        let idle = TcpStream::connect((
            "127.0.0.1",
            Url::parse(&query(&page, "redirect_uri").unwrap()).unwrap().port().unwrap(),
        ));
        let _idle = idle.await.unwrap();
        let state = query(&page, "state").unwrap();
        let wrong: [&[(&str, &str)]; 4] = [
            &[("state", "guessed"), ("code", "theirs")],
            &[("code", "theirs")],
            &[("state", "guessed"), ("error", "access_denied")],
            &[("state", &state), ("code", "")],
        ];
        for pairs in wrong {
            assert!(come_back(&page, pairs).await.starts_with("HTTP/1.1 404 "), "{pairs:?}");
        }
        let mut other = Url::parse(&query(&page, "redirect_uri").unwrap()).unwrap();
        other.set_path("/other");
        other.query_pairs_mut().append_pair("state", &state).append_pair("code", "theirs");
        assert!(get(&other).await.starts_with("HTTP/1.1 404 "));
        log_in(page).await;
    };
    assert!(login.run(&application(), visit).await.is_ok());
    assert_eq!(login.fake.seen().pop().unwrap().form("code").unwrap(), "the code");
}

#[tokio::test]
async fn people_may_refuse() {
    let login = Login::new(&json!({})).await;
    let visit = |page: Url| async move {
        let state = query(&page, "state").unwrap();
        come_back(&page, &[("state", &state), ("error", "access_denied")]).await;
    };
    assert_eq!(words(login.run(&application(), visit).await), "identity provider refused: access_denied");
    assert_eq!(login.fake.seen().len(), 1, "no code, no exchange");
}

#[tokio::test]
async fn tokens_for_another_request_issuer_or_application_are_refused() {
    for (claim, other) in [("nonce", "another"), ("iss", "https://another.test"), ("aud", "another")] {
        let login = Login::new(&json!({ claim: other })).await;
        let found = words(login.run(&application(), log_in).await);
        assert_eq!(found, format!("identity token has not the claim `{claim}` that was asked for"));
    }
}

#[tokio::test]
async fn nobody_who_logs_in_is_late() {
    let fake = provider(|_, _| refusal(500, "not asked")).await;
    let web = Web::default();
    let provider = Provider::discover(&web, &fake.address).await.unwrap();
    let result = provider.browser(&application(), Duration::from_millis(50), |_| ()).await;
    assert!(matches!(result, Err(TokenError::Late(_))), "{result:?}");
}

#[tokio::test]
async fn browsers_are_sent_back_to_this_machine_only() {
    let login = Login::new(&json!({})).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let redirect = |text: &str| Application { redirect: Some(text.to_owned()), ..application() };
    let taken = login.run(&redirect(&format!("http://127.0.0.1:{port}/back")), log_in).await;
    assert!(matches!(taken, Err(TokenError::Listen(_))), "{taken:?}");
    drop(free);
    for bad in ["http://192.0.2.1:80/back", "https://localhost:1/back", "urn:ietf:wg:oauth:2.0:oob", "back"] {
        let result = login.run(&redirect(bad), log_in).await;
        assert!(matches!(result, Err(TokenError::Redirect { .. })), "{bad}: {result:?}");
    }
    assert!(login.run(&redirect("http://127.0.0.1:0/back"), log_in).await.is_ok());
    let page = login.page.lock().unwrap().clone().unwrap();
    let sent = query(&page, "redirect_uri").unwrap();
    assert!(sent.starts_with("http://127.0.0.1:") && sent.ends_with("/back") && !sent.contains(":0/"), "{sent}");
}

#[tokio::test]
async fn device_codes_are_shown_and_asked_for_until_typed() {
    let polls = Arc::new(Mutex::new(0));
    let fake = provider(move |own, seen| match seen.target.as_str() {
        "/device" => ok(&json!({
            "device_code": "hunter2", "user_code": "ABCD", "verification_uri": "https://a.test/device",
            "verification_uri_complete": "https://a.test/device?ABCD", "expires_in": 60, "interval": 0,
        })),
        _ => {
            *polls.lock().unwrap() += 1;
            match *polls.lock().unwrap() {
                1 | 2 => refusal(400, json!({ "error": "authorization_pending" }).to_string()),
                _ => ok(&json!({ "id_token": token(&json!({ "iss": own })) })),
            }
        }
    })
    .await;
    let web = Web::default();
    let provider = Provider::discover(&web, &fake.address).await.unwrap();
    let mut shown = None;
    let show = |code: &str, address: &str| shown = Some((code.to_owned(), address.to_owned()));
    assert_eq!(provider.device(&application(), show).await.unwrap().subject(), "somebody");
    assert_eq!(shown.unwrap(), ("ABCD".to_owned(), "https://a.test/device?ABCD".to_owned()));
    let seen = fake.seen();
    assert_eq!(seen.len(), 5);
    let (begun, poll) = (&seen[1], &seen[4]);
    assert_eq!(poll.form("device_code").unwrap(), "hunter2");
    assert_eq!(poll.form("client_id").unwrap(), "sigstore");
    let digest = Digest::of(poll.form("code_verifier").unwrap().as_bytes());
    assert_eq!(begun.form("code_challenge").unwrap(), BASE64_URL_SAFE_NO_PAD.encode(digest.as_bytes()));
}

#[tokio::test]
async fn device_logins_end_when_refused_and_when_the_code_is_over() {
    let fake = provider(|_, seen| match seen.target.as_str() {
        "/device" => ok(&json!({
            "device_code": "hunter2", "user_code": "A", "verification_uri": "https://a.test", "expires_in": 60,
        })),
        _ => refusal(400, json!({ "error": "expired_token", "error_description": "too\nlate" }).to_string()),
    })
    .await;
    let web = Web::default();
    let provider_there = Provider::discover(&web, &fake.address).await.unwrap();
    let found = words(provider_there.device(&application(), |_, _| ()).await);
    assert_eq!(found, "identity provider refused: expired_token: too\\nlate");
    let fake = provider(|_, seen| match seen.target.as_str() {
        "/device" => ok(&json!({
            "device_code": "hunter2", "user_code": "A", "verification_uri": "https://a.test", "expires_in": 0,
        })),
        _ => refusal(400, json!({ "error": "authorization_pending" }).to_string()),
    })
    .await;
    let provider_there = Provider::discover(&web, &fake.address).await.unwrap();
    let result = provider_there.device(&application(), |_, _| ()).await;
    assert!(matches!(result, Err(TokenError::Late(_))), "{result:?}");
}

#[tokio::test]
async fn applications_with_a_secret_show_it_to_the_token_endpoint() {
    let fake = provider(|own, seen| match seen.form("client_secret").as_deref() {
        Some("hunter2") => ok(&json!({ "id_token": token(&json!({ "iss": own, "sub": "robot" })) })),
        _ => refusal(401, json!({ "error": "invalid_client" }).to_string()),
    })
    .await;
    let web = Web::default();
    let provider = Provider::discover(&web, &fake.address).await.unwrap();
    let known = Application { secret: Some(Secret::new("hunter2".to_owned())), ..application() };
    assert_eq!(provider.client_credentials(&known).await.unwrap().subject(), "robot");
    assert_eq!(fake.seen()[1].form("grant_type").unwrap(), "client_credentials");
    let found = words(provider.client_credentials(&application()).await);
    assert_eq!(found, "identity provider refused: invalid_client");
}

#[tokio::test]
async fn providers_that_are_another_or_unprotected_are_refused() {
    let refused = async |change: fn(&mut Value)| {
        let fake = Fake::answering(move |own, _, _| {
            let mut description = description(own);
            change(&mut description);
            ok(&description)
        })
        .await;
        let web = Web::default();
        match Provider::discover(&web, &fake.address).await {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string().split_once("`: ").unwrap().1.to_owned(),
        }
    };
    assert_eq!(refused(|_| ()).await, "accepted");
    let other = refused(|value| value["issuer"] = "https://another.test".into()).await;
    assert_eq!(other, "`https://another.test` found, wanted the address that was asked");
    let none = refused(|value| value["issuer"] = Value::Null).await;
    assert_eq!(none, "`` found, wanted the address that was asked");
    for endpoint in ["token_endpoint", "authorization_endpoint", "device_authorization_endpoint"] {
        let change: fn(&mut Value) = match endpoint {
            "token_endpoint" => |value| value["token_endpoint"] = "http://192.0.2.1/".into(),
            "authorization_endpoint" => |value| value["authorization_endpoint"] = "http://192.0.2.1/".into(),
            _ => |value| value["device_authorization_endpoint"] = "http://192.0.2.1/".into(),
        };
        assert_eq!(refused(change).await, "`http://192.0.2.1/` found, wanted an https address", "{endpoint}");
    }
    let plain = refused(|value| value["code_challenge_methods_supported"] = json!(["plain"])).await;
    assert_eq!(plain, "`no code_challenge_methods_supported` found, wanted S256 among them");
    let silent = refused(|value| value["token_endpoint"] = Value::Null).await;
    assert_eq!(silent, "`no token_endpoint` found, wanted one");
}

#[tokio::test]
async fn flows_that_the_provider_lacks_are_refused() {
    let fake = Fake::answering(|own, _, _| {
        let mut description = description(own);
        description["authorization_endpoint"] = Value::Null;
        description["device_authorization_endpoint"] = Value::Null;
        ok(&description)
    })
    .await;
    let web = Web::default();
    let provider = Provider::discover(&web, &fake.address).await.unwrap();
    let browser = words(provider.browser(&application(), Duration::from_secs(1), |_| ()).await);
    assert!(browser.ends_with("`no authorization_endpoint` found, wanted one"), "{browser}");
    let device = words(provider.device(&application(), |_, _| ()).await);
    assert!(device.ends_with("`no device_authorization_endpoint` found, wanted one"), "{device}");
}
