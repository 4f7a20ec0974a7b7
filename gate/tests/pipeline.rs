//! The pipeline on a real registry: what is asked, what is kept, and how each way ends.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod lines;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use gate::{DecisionLog, Door, Gate, GateError, Judged, Request};
use keys::PrivateKey;
use oci::{Descriptor, Digest, ImageRef, media_type};
use policy::{PolicySet, Verdict};
use registry::{
    Client, Precondition, Reference, Settings,
    serve::{self, AccessLog, Options},
};
use serde_json::json;
use signer::{Credential, Format, Signer};

use lines::Lines;

/// A registry that writes down what it is asked, and a gate in front of it.
struct World {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    client: Client,
    gate: Gate,
    log: Lines,
}

impl World {
    async fn new() -> Self {
        Self::with_latency(Duration::ZERO).await
    }

    async fn with_latency(latency: Duration) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let told = Arc::clone(&asked);
        let access_log = AccessLog::new(move |access| {
            told.lock().unwrap().push(format!("{} {}", access.method, access.target));
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let options = Options { access_log: Some(access_log), latency, ..Options::default() };
        tokio::spawn(async move { serve::serve(options, listener).await.unwrap() });
        let client = Client::new(Settings::default()).unwrap();
        let log = Lines::default();
        let gate = Gate::new(client.clone(), None, DecisionLog::lines(Box::new(log.clone())));
        Self { address, asked, client, gate, log }
    }

    fn image(&self, name: &str) -> ImageRef {
        format!("{}/{name}", self.address).parse().unwrap()
    }

    async fn push(&self, name: &str, text: &str) -> Digest {
        let image = self.image(name);
        let config = json!({ "architecture": "amd64", "os": "linux", "note": text }).to_string().into_bytes();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "layers": [],
            "config": Descriptor::of(media_type::OCI_CONFIG, &config) });
        let repository = image.repository();
        self.client.push_blob(repository, &config.into()).await.unwrap();
        let bytes = manifest.to_string().into_bytes();
        let (digest, tag) = (Digest::of(&bytes), Reference::from(&image));
        let kind = media_type::OCI_MANIFEST;
        self.client.push_manifest(repository, &tag, kind, bytes.into(), Precondition::None).await.unwrap();
        digest
    }

    async fn sign(&self, name: &str, key: &Credential) {
        let signer = Signer { format: Format::Both, ..Signer::new(self.client.clone()) };
        for target in signer.targets(&self.image(name), false).await.unwrap() {
            signer.sign(key, &target).await.unwrap();
        }
    }

    /// Puts a policy in force with this as its one authority.
    fn policy(&self, authority: &str) {
        let text = self.policy_text("p", authority);
        self.gate.put_in_force(Arc::new(PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap()));
    }

    fn policy_text(&self, name: &str, authority: &str) -> String {
        format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: {name}\nspec:\n  \
             images:\n  - glob: \"{}/shop/**\"\n  authorities:\n  - {authority}\n",
            self.address
        )
    }

    /// Puts signatures under the image's `.sig` tag, each well-formed and none by a key that anybody has.
    async fn push_bad_signatures(&self, repository: &str, digest: &Digest, count: usize) {
        let image = self.image(&format!("{repository}:sha256-{}.sig", digest.hex()));
        let payload = json!({ "critical": { "identity": { "docker-reference": "" }, "image":
            { "docker-manifest-digest": digest.to_string() }, "type": "cosign container image signature" } });
        let payload = payload.to_string().into_bytes();
        let signature = PrivateKey::generate().unwrap().sign(&payload).unwrap();
        let mut layer = Descriptor::of(media_type::SIMPLE_SIGNING, &payload);
        let signature = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature);
        layer.annotations.insert(oci::location::SIGNATURE_ANNOTATION.into(), signature);
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": Descriptor::of(media_type::OCI_CONFIG, b"{}"), "layers": vec![layer; count] });
        for blob in [payload, b"{}".to_vec()] {
            self.client.push_blob(image.repository(), &blob.into()).await.unwrap();
        }
        let (kind, bytes) = (media_type::OCI_MANIFEST, manifest.to_string().into_bytes());
        let tag = Reference::from(&image);
        self.client.push_manifest(image.repository(), &tag, kind, bytes.into(), Precondition::None).await.unwrap();
    }

    /// Puts a policy in force that any of these keys meets.
    fn trust_any<'a>(&self, keys: impl Iterator<Item = &'a Credential>) {
        self.policy(&keys.map(authority).collect::<Vec<_>>().join("\n  - "));
    }

    fn trust(&self, key: &Credential) {
        self.policy(&authority(key));
    }

    async fn check(&self, name: &str) -> Result<Judged, GateError> {
        self.check_within(name, Duration::from_secs(20)).await
    }

    async fn check_within(&self, name: &str, deadline: Duration) -> Result<Judged, GateError> {
        self.check_by("test", name, deadline).await
    }

    async fn check_by(&self, asked_by: &str, name: &str, deadline: Duration) -> Result<Judged, GateError> {
        let image = self.image(name);
        self.gate
            .check(&Request {
                image,
                object: None,
                door: Door::Check,
                asked_by: asked_by.into(),
                user: None,
                namespace: None,
                deadline,
            })
            .await
    }

    fn asked_for(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    fn forget_requests(&self) {
        self.asked.lock().unwrap().clear();
    }

    fn decisions(&self) -> Vec<serde_json::Value> {
        let bytes = self.log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn key() -> Credential {
    PrivateKey::generate().unwrap().into()
}

fn authority(key: &Credential) -> String {
    format!("key: {{data: {}}}", serde_json::to_string(&key.public().to_pem()).unwrap())
}

fn allowed(judged: &Judged) -> bool {
    matches!(judged.verdict, Verdict::Allow(_))
}

#[tokio::test]
async fn unsigned_image_is_denied_and_a_signed_one_pinned() {
    let (world, key) = (World::new().await, key());
    let digest = world.push("shop/cart:1", "a").await;
    world.trust(&key);
    let denied = world.check("shop/cart:1").await.unwrap();
    let Verdict::Deny(denial) = &denied.verdict else { panic!("allowed unsigned") };
    assert!(denial.headline().contains("no signatures found"), "{}", denial.headline());
    world.sign("shop/cart:1", &key).await;
    world.trust(&key); // same policy; the cache of "unsigned" is still warm
    let other = World { gate: Gate::new(world.client.clone(), None, DecisionLog::Off), ..world };
    other.trust(&key);
    let judged = other.check("shop/cart:1").await.unwrap();
    assert!(allowed(&judged));
    assert_eq!(judged.pinned.unwrap().digest(), &digest);
}

#[tokio::test]
async fn signature_by_a_key_that_is_not_trusted_is_denied_with_its_fault() {
    let (world, team, stranger) = (World::new().await, key(), key());
    world.push("shop/cart:1", "a").await;
    world.sign("shop/cart:1", &stranger).await;
    world.trust(&team);
    let judged = world.check("shop/cart:1").await.unwrap();
    let Verdict::Deny(denial) = &judged.verdict else { panic!("allowed a stranger's") };
    assert!(denial.to_string().contains("not by a trusted key"), "{denial}");
    assert_eq!(judged.evidence[0].refused().len(), 2);
}

#[tokio::test]
async fn moved_tag_is_judged_as_what_it_names_now() {
    let (world, key) = (World::new().await, key());
    let first = world.push("shop/cart:1", "a").await;
    world.sign("shop/cart:1", &key).await;
    world.trust(&key);
    assert!(allowed(&world.check("shop/cart:1").await.unwrap()));
    world.push("shop/cart:1", "b").await;
    assert!(!allowed(&world.check("shop/cart:1").await.unwrap()), "the tag names an unsigned image now");
    let by_digest = format!("shop/cart@{first}");
    assert!(allowed(&world.check(&by_digest).await.unwrap()));
}

#[tokio::test]
async fn what_is_settled_without_a_signature_costs_no_traffic() {
    let world = World::new().await;
    world.policy("static: {action: fail, message: closed}");
    for name in ["shop/cart:1", "elsewhere/x:1"] {
        assert!(!allowed(&world.check(name).await.unwrap()), "{name}");
    }
    assert_eq!(world.asked_for(""), 0);
}

#[tokio::test]
async fn static_pass_is_pinned_when_the_registry_answers_and_let_in_unpinned_when_not() {
    let world = World::new().await;
    let digest = world.push("shop/cart:1", "a").await;
    world.policy("static: {action: pass}");
    let judged = world.check("shop/cart:1").await.unwrap();
    assert_eq!(judged.pinned.unwrap().digest(), &digest);
    assert_eq!(world.asked_for(".sig"), 0);
    let gone = world.check("shop/gone:1").await.unwrap();
    let Verdict::Allow(approval) = &gone.verdict else { panic!("refused") };
    assert!(gone.pinned.is_none());
    assert_eq!(approval.warnings().len(), 1);
}

#[tokio::test]
async fn many_who_ask_at_once_cost_one_fetch() {
    let (world, key) = (World::with_latency(Duration::from_millis(20)).await, key());
    let digest = world.push("shop/cart:1", "a").await;
    world.sign("shop/cart:1", &key).await;
    world.trust(&key);
    world.forget_requests();
    let by_digest = format!("shop/cart@{digest}");
    let answers = futures::future::join_all((0..20).map(|_| world.check(&by_digest))).await;
    assert!(answers.iter().all(|answer| allowed(answer.as_ref().unwrap())));
    assert_eq!(world.asked_for(".sig"), 1);
    assert_eq!(world.asked_for("/referrers/"), 1);
    assert!(allowed(&world.check(&by_digest).await.unwrap()));
    assert_eq!(world.asked_for(".sig"), 1, "valid evidence is kept");
}

#[tokio::test]
async fn second_signature_that_was_missing_is_noticed_within_seconds() {
    let (world, first, second) = (World::new().await, key(), key());
    world.push("shop/cart:1", "a").await;
    world.sign("shop/cart:1", &first).await;
    let demand = |policies: &[(&str, &Credential)]| {
        let file =
            |(name, key): &(&str, &Credential)| (format!("{name}.yaml"), world.policy_text(name, &authority(key)));
        let files: Vec<_> = policies.iter().map(file).collect();
        world.gate.put_in_force(Arc::new(PolicySet::parse(&files).unwrap()));
    };
    demand(&[("a", &first), ("b", &second)]);
    assert!(!allowed(&world.check("shop/cart:1").await.unwrap()));
    world.sign("shop/cart:1", &second).await;
    let begun = tokio::time::Instant::now();
    while !allowed(&world.check("shop/cart:1").await.unwrap()) {
        assert!(begun.elapsed() < Duration::from_secs(10), "still refused for want of a signature that is there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn image_that_does_not_exist_is_neither_signed_nor_unsigned() {
    let (world, key) = (World::new().await, key());
    world.trust(&key);
    assert!(matches!(world.check("shop/cart:1").await, Err(GateError::ImageAbsent(_))));
    let by_digest = format!("shop/cart@{}", Digest::of(b"nothing"));
    assert!(matches!(world.check(&by_digest).await, Err(GateError::ImageAbsent(_) | GateError::Shared(_))));
}

#[tokio::test]
async fn registry_that_is_down_is_no_verdict() {
    let (world, key) = (World::new().await, key());
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = World { address: down.to_string(), ..world };
    nowhere.trust(&key);
    assert!(matches!(nowhere.check("shop/cart:1").await, Err(GateError::Registry(_))));
}

#[tokio::test]
async fn deadline_is_kept_and_is_no_verdict() {
    let (world, key) = (World::with_latency(Duration::from_secs(30)).await, key());
    world.trust(&key);
    let result = world.check_within("shop/cart:1", Duration::from_millis(50)).await;
    assert!(matches!(result, Err(GateError::Deadline(_))));
}

#[tokio::test]
async fn without_a_policy_everything_is_refused() {
    let world = World::new().await;
    world.push("shop/cart:1", "a").await;
    assert!(matches!(world.check("shop/cart:1").await, Err(GateError::NotLoaded)));
    world.policy("static: {action: pass}");
    assert!(allowed(&world.check("shop/cart:1").await.unwrap()));
    world.gate.withdraw_policies();
    assert!(matches!(world.check("shop/cart:1").await, Err(GateError::NotLoaded)));
    assert_eq!(world.gate.revision(), None);
}

#[tokio::test]
async fn every_decision_is_one_line_that_says_why() {
    let (world, key) = (World::new().await, key());
    let digest = world.push("shop/cart:1", "a").await;
    world.trust(&key);
    drop(world.check("shop/cart:1").await);
    drop(world.check("shop/gone:1").await);
    world.sign("shop/cart:1", &key).await;
    world.policy("static: {action: pass}");
    drop(world.check("shop/cart:1").await);
    let decisions = world.decisions();
    let outcomes: Vec<_> = decisions.iter().map(|d| d["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["deny", "undecided", "allow"]);
    assert_eq!(decisions[0]["digest"], digest.to_string());
    assert_eq!(decisions[0]["asked_by"], "test");
    assert!(decisions[0]["reasons"].to_string().contains("no signatures found"));
    assert!(decisions[1]["reasons"].to_string().contains("does not exist"));
    assert_ne!(decisions[0]["policy"], decisions[2]["policy"], "the revision in force is named");
}

#[tokio::test]
async fn t29_names_of_those_who_ask_write_no_line_of_the_decision_log() {
    let world = World::new().await;
    world.policy("static: {action: fail, message: \"\\e[31m\\n{}\"}");
    let name = "a\r\n{\"outcome\": \"allow\"}\n\u{1b}[31m\0";
    let _ = world.check_by(name, "shop/app:1", Duration::from_secs(20)).await;
    let text = String::from_utf8(world.log.0.lock().unwrap().clone()).unwrap();
    assert!(!text.trim_end_matches('\n').contains(char::is_control), "{text:?}");
    assert_eq!((world.decisions().len(), world.decisions()[0]["asked_by"].as_str()), (1, Some(name)));
}

#[tokio::test]
async fn image_with_many_signatures_keeps_no_other_waiting() {
    let (world, key) = (World::new().await, key());
    world.push("shop/cart:1", "a").await;
    world.sign("shop/cart:1", &key).await;
    let evil = world.push("shop/evil:1", "b").await;
    world.push_bad_signatures("shop/evil", &evil, 300).await;
    let others: Vec<_> = (0..9).map(|_| self::key()).collect();
    world.trust_any(others.iter().chain([&key]));
    world.forget_requests();
    let (gate, image) = (world.gate.clone(), world.image("shop/evil:1"));
    let request = Request {
        image,
        object: None,
        door: Door::Check,
        asked_by: "test".into(),
        user: None,
        namespace: None,
        deadline: Duration::from_secs(60),
    };
    let slow = tokio::spawn(async move { gate.check(&request).await });
    let mut answered = Vec::new();
    while !slow.is_finished() {
        let fetched = world.asked_for("shop/evil");
        assert!(allowed(&world.check("shop/cart:1").await.unwrap()));
        answered.push(fetched);
    }
    let judged = slow.await.unwrap().unwrap();
    assert_eq!(judged.evidence[0].refused().len(), 300);
    let all = world.asked_for("shop/evil");
    let meanwhile = answered.iter().filter(|fetched| **fetched == all).count();
    assert!(meanwhile > 10, "{meanwhile} answers while it was examined");
}
