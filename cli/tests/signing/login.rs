//! A person logs in, played against a fake identity provider and a certificate authority that refuses.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use peers::NotReady;
use serde_json::{Value, json};

use crate::{
    fake::{Asked, Fake, SECRET, token},
    stage::Stage,
};

/// A provider that gives out one kind of token, and refuses to certify.
fn provider(token: impl Fn(&str, &Asked) -> (u16, Value) + Send + 'static) -> Fake {
    Fake::answering(move |own, asked| match asked.what.as_str() {
        "GET /.well-known/openid-configuration" => (
            200,
            json!({
                "issuer": own, "authorization_endpoint": format!("{own}/auth"),
                "token_endpoint": format!("{own}/token"), "device_authorization_endpoint": format!("{own}/device"),
                "code_challenge_methods_supported": ["S256"],
            })
            .to_string(),
        ),
        "POST /api/v2/signingCert" => (400, "not you".to_owned()),
        _ => {
            let (status, value) = token(own, asked);
            (status, value.to_string())
        }
    })
}

fn line(fake: &Fake, more: &str) -> String {
    let own = &fake.address;
    format!("sign-blob --fulcio-url {own} --rekor-url {own} --oidc-issuer {own} --bundle b.json {more} f")
}

#[test]
fn code_is_shown_where_nobody_is_at_a_terminal() {
    let fake = provider(|own, asked| match asked.what.as_str() {
        "POST /device" => (
            200,
            json!({
                "device_code": "hunter2", "user_code": "AB-CD", "verification_uri": "https://a.test/device",
                "expires_in": 60, "interval": 0,
            }),
        ),
        _ => (200, json!({ "id_token": token(&json!({ "iss": own })) })),
    });
    let said = Stage::set_up().run(&line(&fake, "")).failure(1);
    assert!(said.contains("Non-interactive mode detected, using device flow.\n"), "{said}");
    assert!(said.contains("Enter the verification code AB-CD in your browser at: https://a.test/device\n"), "{said}");
    assert!(said.ends_with("error: certificate authority: 127.0.0.1 answered 400: not you\n"), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("hunter2"), "{said}");
    let token = "POST /token".to_owned();
    assert_eq!(fake.whats()[1..], ["POST /device".to_owned(), token, "POST /api/v2/signingCert".to_owned()]);
}

#[test]
fn page_is_shown_to_whoever_has_a_browser() {
    let fake = provider(|_, _| (400, json!({ "error": "invalid_grant", "error_description": "no such code" })));
    let stage = Stage::set_up();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("login.log");
    let args = line(&fake, "--fulcio-auth-flow normal");
    let mut process = stage.sealgate.start("login", args.split_whitespace(), folder.path());
    let shown = || std::fs::read_to_string(&log).ok()?.lines().find(|line| line.contains("/auth?")).map(str::to_owned);
    let page = process.wait_for(LONG, shown);
    assert!(page.contains("response_type=code&client_id=sigstore&scope=openid+email&"), "{page}");
    come_back(&query(&page, "redirect_uri"), &query(&page, "state"));
    assert!(matches!(process.ready(LONG, || None::<()>), Err(NotReady::Ended(status)) if status.code() == Some(1)));
    let said = process.log();
    let wanted = "error: getting an identity token: identity provider refused: invalid_grant: no such code\n";
    assert!(
        said.contains("Open this page in a browser on this machine, and log in:\n") && said.ends_with(wanted),
        "{said}"
    );
    let exchange = fake.asked().pop().unwrap();
    assert_eq!(exchange.what, "POST /token");
    assert!(exchange.body.contains("code=the-code") && exchange.body.contains("code_verifier="), "{}", exchange.body);
}

/// A value of an address's query, whose only escapes are those of addresses.
fn query(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("{name}=")).unwrap();
    rest.split('&').next().unwrap().replace("%3A", ":").replace("%2F", "/")
}

/// What the browser does when the provider's pages are done.
fn come_back(redirect: &str, state: &str) {
    let rest = redirect.strip_prefix("http://localhost:").unwrap();
    let (port, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    write!(stream, "GET /{path}?state={state}&code=the-code HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn application_with_a_secret_needs_no_person() {
    let fake = provider(|own, asked| match asked.body.contains("client_secret=hunter2") {
        true => (200, json!({ "id_token": token(&json!({ "iss": own, "aud": "ci" })) })),
        false => (401, json!({ "error": "invalid_client" })),
    });
    let stage = Stage::set_up();
    stage.write("secret", "hunter2\n");
    let flags = "--fulcio-auth-flow client_credentials --oidc-client-id ci";
    let said = stage.run(&line(&fake, flags)).failure(1);
    assert!(said.ends_with("error: getting an identity token: identity provider refused: invalid_client\n"), "{said}");
    let said = stage.run(&line(&fake, &format!("{flags} --oidc-client-secret-file secret"))).failure(1);
    assert!(said.ends_with("answered 400: not you\n") && !said.contains("hunter2"), "{said}");
    let said = stage.run(&line(&fake, &format!("{flags} --oidc-client-secret-file absent"))).failure(1);
    assert!(said.contains("error: reading OIDC client secret: open absent: no such file or directory"), "{said}");
}

#[test]
fn token_at_hand_is_left_where_it_is_if_that_is_asked_for() {
    let fake = provider(|_, _| (400, json!({ "error": "access_denied" })));
    let stage = Stage::set_up().with_token(&token(&json!({})));
    let said = stage.run(&line(&fake, "")).failure(1);
    assert!(said.ends_with("answered 400: not you\n"), "{said}");
    let said = stage.run(&line(&fake, "--oidc-disable-ambient-providers")).failure(1);
    assert!(said.contains("Non-interactive mode detected, using device flow.\n"), "{said}");
    let said = stage.run(&line(&fake, "--oidc-disable-ambient-providers --oidc-provider envvar")).failure(1);
    assert!(said.contains("cannot be used with"), "{said}");
}
