//! Pull secrets among the policy files: shown where an authority's signatures are looked for, and nowhere else.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request as Asked,
    http::{StatusCode, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use gate::{DecisionLog, Door, Gate, GateError, Judged, Request};
use keys::PrivateKey;
use oci::{Descriptor, Digest, ImageRef, Repository, media_type};
use policy::{PolicySet, Verdict};
use registry::{
    Client, Credential, Credentials, Precondition, Reference, Secret, Settings,
    serve::{self, Options},
};
use serde_json::json;
use signer::{Format, Signer};

/// A registry where each repository has users of its own. Signatures lie in `sig/cart`, which `robot` may read and the
/// door may not; the image in `shop/cart`, which both may.
struct World {
    address: String,
    seen: Seen,
    writer: Client,
    gate: Gate,
    key: signer::Credential,
    image: Digest,
}

/// Who asked for what: user and path.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

impl World {
    async fn new() -> Self {
        let seen = Seen::default();
        let address = front(serving().await, seen.clone()).await;
        let writer = client("writer");
        let gate = Gate::new(client("door"), None, DecisionLog::Off);
        let key = PrivateKey::generate().unwrap().into();
        let mut world = Self { address, seen, writer, gate, key, image: Digest::of(b"") };
        world.image = world.push().await;
        world.sign("shop/cart").await;
        world.sign("sig/cart").await;
        world.seen.lock().unwrap().clear();
        world
    }

    fn named(&self, rest: &str) -> ImageRef {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    async fn push(&self) -> Digest {
        let image = self.named("shop/cart:1");
        let config = json!({ "architecture": "amd64", "os": "linux" }).to_string().into_bytes();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "layers": [],
            "config": Descriptor::of(media_type::OCI_CONFIG, &config) });
        self.writer.push_blob(image.repository(), &config.into()).await.unwrap();
        let (bytes, tag) = (manifest.to_string().into_bytes(), Reference::from(&image));
        let (digest, kind) = (Digest::of(&bytes), media_type::OCI_MANIFEST);
        self.writer.push_manifest(image.repository(), &tag, kind, bytes.into(), Precondition::None).await.unwrap();
        digest
    }

    async fn sign(&self, stored_in: &str) {
        let stored_in: Repository = format!("{}/{stored_in}", self.address).parse().unwrap();
        let signer = Signer { format: Format::Both, stored_in: Some(stored_in), ..Signer::new(self.writer.clone()) };
        for target in signer.targets(&self.named("shop/cart:1"), false).await.unwrap() {
            signer.sign(&self.key, &target).await.unwrap();
        }
    }

    /// A policy with this source, of signatures by the key.
    fn policy(&self, name: &str, source: &str) -> String {
        let pem = serde_json::to_string(&self.key.public().to_pem()).unwrap();
        format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\n\
             spec: {{images: [{{glob: '**'}}], authorities: [{{key: {{data: {pem}}}, source: [{{{source}}}]}}]}}\n"
        )
    }

    /// In another repository, with the secrets of these names.
    fn elsewhere(&self, secrets: &str) -> String {
        format!("oci: '{}/sig/cart'{secrets}", self.address)
    }

    fn secret(&self, name: &str, user: &str, password: &str) -> String {
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let config = json!({ "auths": { &self.address: { "auth": auth } } }).to_string();
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/dockerconfigjson\n\
             data: {{.dockerconfigjson: {}}}\n",
            BASE64_STANDARD.encode(config)
        )
    }

    fn in_force(&self, files: &[String]) {
        let files: Vec<_> = files.iter().enumerate().map(|(i, text)| (format!("{i}.yaml"), text.clone())).collect();
        self.gate.put_in_force(Arc::new(PolicySet::parse(&files).unwrap()));
    }

    async fn check(&self, name: &str) -> Result<Judged, GateError> {
        let request = Request {
            image: self.named(name),
            object: None,
            door: Door::Check,
            asked_by: "test".into(),
            user: None,
            namespace: None,
            deadline: Duration::from_secs(20),
        };
        self.gate.check(&request).await
    }

    /// By tag and by digest, which go different ways.
    async fn checked(&self) -> [Result<Judged, GateError>; 2] {
        let by_digest = format!("shop/cart@{}", self.image);
        [self.check("shop/cart:1").await, self.check(&by_digest).await]
    }

    /// What this user asked for in all.
    fn asked_by(&self, user: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(who, _)| who == user).map(|(_, path)| path.clone()).collect()
    }
}

fn client(user: &str) -> Client {
    let credential = Credential::Password { user: user.to_owned(), password: Secret::new("pw".to_owned()) };
    let credentials = Credentials::anonymous().with_given(credential);
    Client::new(Settings { credentials, ..Settings::default() }).unwrap()
}

async fn serving() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { serve::serve(Options::default(), listener).await.unwrap() });
    address
}

/// Asks everybody who they are, writes it down, and lets them through to the registry behind if they may.
async fn front(behind: String, seen: Seen) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = axum::Router::new().fallback(move |asked: Asked| {
        let (behind, seen) = (behind.clone(), seen.clone());
        async move {
            let (user, path) = (user(&asked), asked.uri().path_and_query().unwrap().to_string());
            seen.lock().unwrap().push((user.clone(), path.clone()));
            match may(&user, &path) {
                true => pass(&behind, &path, asked).await,
                false => refused(),
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Nobody, where the password is wrong.
fn user(asked: &Asked) -> String {
    let value = asked.headers().get(header::AUTHORIZATION).map_or("", |value| value.to_str().unwrap());
    let pair = value.strip_prefix("Basic ").map(|text| BASE64_STANDARD.decode(text).unwrap());
    let pair = String::from_utf8(pair.unwrap_or_default()).unwrap();
    pair.strip_suffix(":pw").unwrap_or_default().to_owned()
}

fn may(user: &str, path: &str) -> bool {
    match user {
        "writer" => true,
        "robot" => path.starts_with("/v2/sig/") || path.starts_with("/v2/shop/"),
        "door" => path.starts_with("/v2/shop/"),
        _ => false,
    }
}

fn refused() -> Response {
    let response = Response::builder().status(StatusCode::UNAUTHORIZED);
    response.header(header::WWW_AUTHENTICATE, "Basic realm=\"x\"").body(Body::empty()).unwrap()
}

async fn pass(behind: &str, path: &str, asked: Asked) -> Response {
    let (mut parts, body) = asked.into_parts();
    parts.headers.remove(header::HOST);
    parts.headers.remove(header::AUTHORIZATION);
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default(); // another test may have been first
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(parts.method, format!("http://{behind}{path}")).headers(parts.headers).body(body);
    let answer = request.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

fn allowed(judged: &Result<Judged, GateError>) -> bool {
    matches!(judged, Ok(Judged { verdict: Verdict::Allow(_), .. }))
}

/// Whether it was not decided, for a source that could not be read.
fn undecided(judged: &Result<Judged, GateError>) -> bool {
    matches!(judged, Err(GateError::Incomplete(_)))
}

const PULL: &str = ", signaturePullSecrets: [{name: pull}]";

#[tokio::test]
async fn pull_secret_opens_the_signatures_and_is_shown_for_nothing_else() {
    let world = World::new().await;
    world.in_force(&[world.policy("p", &world.elsewhere(PULL)), world.secret("pull", "robot", "pw")]);
    assert!(world.checked().await.iter().all(allowed));
    let (robot, door) = (world.asked_by("robot"), world.asked_by("door"));
    assert!(!robot.is_empty() && robot.iter().all(|path| path.starts_with("/v2/sig/cart/")), "{robot:?}");
    assert!(!door.is_empty() && door.iter().all(|path| path.starts_with("/v2/shop/cart/")), "{door:?}");
}

#[tokio::test]
async fn pull_secret_of_signatures_beside_the_image_resolves_no_image() {
    let world = World::new().await;
    let source = PULL.trim_start_matches(", ");
    world.in_force(&[world.policy("p", source), world.secret("pull", "robot", "pw")]);
    assert!(world.checked().await.iter().all(allowed));
    let image = [format!("/v2/shop/cart/manifests/{}", world.image), "/v2/shop/cart/manifests/1".to_owned()];
    let (robot, door) = (world.asked_by("robot"), world.asked_by("door"));
    assert!(robot.iter().any(|path| path.ends_with(".sig")) && !robot.iter().any(|path| image.contains(path)));
    assert!(!door.is_empty() && door.iter().all(|path| image.contains(path)), "{door:?}");
}

#[tokio::test]
async fn image_in_another_registry_than_its_signatures_is_never_shown_the_secret() {
    let (world, other) = (World::new().await, World::new().await);
    // even if it has an entry for that registry too
    let (one, two) = (world.secret("pull", "robot", "pw"), other.secret("second", "robot", "pw"));
    let secrets = PULL.replace("pull}", "pull}, {name: second}");
    other.in_force(&[world.policy("p", &world.elsewhere(&secrets)), one, two]);
    // the same image in both, so that the signatures are good for it
    assert_eq!(world.image, other.image);
    assert!(other.checked().await.iter().all(allowed));
    assert!(other.asked_by("robot").is_empty() && !other.asked_by("door").is_empty());
    assert!(!world.asked_by("robot").is_empty() && world.asked_by("door").is_empty());
}

#[tokio::test]
async fn authority_without_the_secret_is_not_helped_by_one_that_has_it() {
    let world = World::new().await;
    let with = world.policy("with", &world.elsewhere(PULL));
    let without = world.policy("without", &world.elsewhere(""));
    let secret = world.secret("pull", "robot", "pw");
    world.in_force(&[with.clone(), secret.clone()]);
    assert!(world.checked().await.iter().all(allowed));
    world.in_force(std::slice::from_ref(&without));
    assert!(world.checked().await.iter().all(undecided), "kept evidence answered for another authority");
    world.in_force(&[with, without, secret]);
    assert!(world.checked().await.iter().all(undecided), "asked for at the same time");
}

#[tokio::test]
async fn evidence_of_one_secret_does_not_answer_for_another() {
    let world = World::new().await;
    let policy = world.policy("p", &world.elsewhere(PULL));
    world.in_force(&[policy.clone(), world.secret("pull", "robot", "pw")]);
    assert!(world.checked().await.iter().all(allowed));
    for (user, password) in [("robot", "wrong"), ("stranger", "pw")] {
        world.in_force(&[policy.clone(), world.secret("pull", user, password)]);
        assert!(world.checked().await.iter().all(undecided), "{user}");
    }
}

#[tokio::test]
async fn without_the_secret_the_door_shows_its_own_credentials() {
    let world = World::new().await;
    world.in_force(&[world.policy("p", PULL.trim_start_matches(", "))]);
    assert!(world.checked().await.iter().all(allowed));
    assert!(world.asked_by("door").iter().any(|path| path.ends_with(".sig")));
    world.in_force(&[world.policy("p", &world.elsewhere(PULL))]);
    assert!(world.checked().await.iter().all(undecided));
    let other = world.secret("pull", "robot", "pw").replace("name: pull", "name: unrelated");
    let unrelated = world.policy("p", &world.elsewhere(&PULL.replace("pull}", "pull}, {name: unrelated}")));
    world.in_force(&[unrelated, other]);
    assert!(world.checked().await.iter().all(allowed), "of two, the one that is there");
}
