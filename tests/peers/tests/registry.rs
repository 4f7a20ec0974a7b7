//! Registries start, take an image, say what they were asked, and behave as they were told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use peers::{Client, RefsOptions, Registry, push_image, run};

#[test]
fn debian_registry_gives_back_what_was_pushed() {
    peers::require!("docker-registry", "crane");
    let registry = Registry::debian();
    let digest = push_image(&registry, "shop/cart:1", "debian");
    let found = run("crane", ["digest", &format!("{}/shop/cart:1", registry.address())]).success();
    assert_eq!(found, digest);
    let requests = registry.requests();
    assert!(requests.contains(&"PUT /v2/shop/cart/manifests/1 201".to_owned()), "{requests:#?}");
    assert!(requests.iter().all(|line| line.split(' ').count() == 3), "{requests:#?}");
}

#[test]
fn skopeo_sees_the_same_image() {
    peers::require!("skopeo", "docker-registry", "crane");
    let registry = Registry::debian();
    let digest = push_image(&registry, "shop/cart:1", "skopeo");
    let image = format!("docker://{}/shop/cart:1", registry.address());
    let inspected = run("skopeo", ["inspect", "--tls-verify=false", &image]).success();
    assert!(inspected.contains(&digest) && inspected.contains("amd64"), "{inspected}");
}

#[test]
fn two_registries_do_not_share_anything() {
    peers::require!("docker-registry", "crane");
    let (full, empty) = (Registry::debian(), Registry::debian());
    let _ = push_image(&full, "shop/cart:1", "full");
    let error = run("crane", ["digest", &format!("{}/shop/cart:1", empty.address())]).failure(1);
    assert!(error.contains("404"), "{error}");
}

#[test]
fn only_a_registry_with_referrers_lists_them() {
    peers::require!("docker-registry", "registry-refs", "crane");
    let with = Registry::refs(RefsOptions::default());
    let without = Registry::refs(RefsOptions { referrers: false, ..RefsOptions::default() });
    let debian = Registry::debian();
    for (registry, status) in [(&with, 200), (&without, 404), (&debian, 404)] {
        let digest = push_image(registry, "shop/cart:1", "x");
        let path = format!("/v2/shop/cart/referrers/{digest}");
        assert!(ask(registry, "GET", &path, "").starts_with(&format!("HTTP/1.0 {status}")));
        assert_eq!(registry.requests().last(), Some(&format!("GET {path} {status}")));
    }
}

#[test]
fn referrers_come_as_the_specification_says() {
    peers::require!("registry-refs", "crane");
    let registry = Registry::refs(RefsOptions { spec: true, page: Some(2), ..RefsOptions::default() });
    let subject = push_image(&registry, "shop/cart:1", "x");
    let referrers = format!("/v2/shop/cart/referrers/{subject}");
    assert!(ask(&registry, "GET", &referrers, "").contains(r#""manifests":[]"#));
    for number in 0..3 {
        let answer = put_referrer(&registry, &subject, "text/one", number);
        assert!(answer.to_lowercase().contains(&format!("oci-subject: {subject}")), "{answer}");
    }
    put_referrer(&registry, &subject, "text/two", 0);

    let first = ask(&registry, "GET", &referrers, "");
    assert_eq!(first.matches(r#""artifactType":"text/"#).count(), 2, "{first}");
    let rest = ask(&registry, "GET", &next_page(&first).expect("four do not fit on a page of two"), "");
    assert_eq!(rest.matches(r#""artifactType":"text/"#).count(), 2, "{rest}");
    assert_eq!(next_page(&rest), None);

    let filtered = ask(&registry, "GET", &format!("{referrers}?artifactType=text/two"), "");
    assert!(filtered.contains("Oci-Filters-Applied: artifactType"), "{filtered}");
    assert!(filtered.contains("text/two") && !filtered.contains("text/one"), "{filtered}");
}

#[test]
fn password_is_asked_for_and_only_the_right_one_taken() {
    peers::require!("registry-refs", "crane");
    let basic = |password: &str| Some(("alice".to_owned(), password.to_owned()));
    let registry = Registry::refs(RefsOptions { basic: basic("secret"), ..RefsOptions::default() });
    let other = Registry::refs(RefsOptions { basic: basic("other"), ..RefsOptions::default() });
    let digest = push_image(&registry, "shop/cart:1", "x");
    let image = format!("{}/shop/cart:1", registry.address());

    let mut friend = Client::new();
    friend.trust(&registry);
    assert_eq!(friend.run("crane", ["digest", &image]).success(), digest);
    let mut neighbour = Client::new();
    neighbour.trust(&other);
    let error = neighbour.run("crane", ["digest", &image]).failure(1);
    assert!(error.contains("401"), "{error}");
    let error = run("crane", ["digest", &image]).failure(1);
    assert!(error.contains("401"), "{error}");
}

#[test]
fn certificate_convinces_only_who_trusts_its_authority() {
    peers::require!("registry-refs", "crane");
    let registry = Registry::refs(RefsOptions { tls: true, ..RefsOptions::default() });
    let digest = push_image(&registry, "shop/cart:1", "x");
    let image = format!("{}/shop/cart@{digest}", registry.address());
    let mut friend = Client::new();
    friend.trust(&registry);
    assert_eq!(friend.run("crane", ["digest", &image]).success(), digest);
    let error = run("crane", ["digest", &image]).failure(1);
    assert!(error.contains("certificate signed by unknown authority"), "{error}");
}

#[test]
fn latency_delays_each_answer() {
    peers::require!("registry-refs");
    let latency = Duration::from_millis(60);
    let registry = Registry::refs(RefsOptions { latency, ..RefsOptions::default() });
    let start = Instant::now();
    ask(&registry, "GET", "/v2/", "");
    assert!(start.elapsed() >= latency);
}

fn put_referrer(registry: &Registry, subject: &str, kind: &str, number: u32) -> String {
    let descriptor = |digest: &str| format!(r#"{{"mediaType":"application/json","digest":"{digest}","size":2}}"#);
    let (config, subject) = (descriptor(EMPTY), descriptor(subject));
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{kind}",
        "config":{config},"layers":[],"subject":{subject},"annotations":{{"number":"{number}"}}}}"#
    );
    ask(registry, "PUT", &format!("/v2/shop/cart/manifests/{kind}-{number}").replace("text/", ""), &manifest)
}

fn next_page(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("Link: <")?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// The whole answer as text, head and body.
fn ask(registry: &Registry, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(registry.address()).expect("it listens");
    let length = body.len();
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let head = format!("{method} {path} HTTP/1.0\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    answer
}

/// The digest of `{}`.
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
