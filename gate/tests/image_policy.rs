//! ImagePolicies at the gate: what an index lists, the index of an image, and what the decision log says.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod lines;

use std::{sync::Arc, time::Duration};

use gate::{DecisionLog, Door, Gate, GateError, Judged, Outcome, Request, Share, Stage};
use keys::PrivateKey;
use oci::{Descriptor, Digest, ImageRef, Platform, media_type};
use policy::{PolicySet, Verdict};
use registry::{
    Client, Credentials, Precondition, Reference, Secret, Settings,
    serve::{self, Account, Options},
};
use serde_json::{Value, json};
use signer::{Credential, Format, Signer};

use lines::Lines;

struct World {
    address: String,
    client: Client,
    gate: Gate,
    log: Lines,
    key: Credential,
}

impl World {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { serve::serve(Options::default(), listener).await.unwrap() });
        let client = Client::new(Settings::default()).unwrap();
        let log = Lines::default();
        let gate = Gate::new(client.clone(), None, DecisionLog::lines(Box::new(log.clone())));
        Self { address, client, gate, log, key: PrivateKey::generate().unwrap().into() }
    }

    fn image(&self, name: &str) -> ImageRef {
        format!("{}/{name}", self.address).parse().unwrap()
    }

    /// Puts a policy in force that asks for the key, with these further fields.
    fn policy(&self, further: &str) {
        self.policy_of(further, None);
    }

    /// The same, with these authorities instead.
    fn policy_of(&self, further: &str, authorities: Option<&str>) {
        let pem = self.key.public().to_pem().replace('\n', "\\n");
        let own = format!("authorities: [{{name: team, key: {{data: \"{pem}\"}}}}]");
        let text = format!(
            "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: p}}\nspec: {{images: [{{glob: '{}/shop/**'}}], \
             {}, {further}}}\n",
            self.address,
            authorities.unwrap_or(&own)
        );
        self.gate.put_in_force(Arc::new(PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap()));
    }

    async fn put(&self, name: &str, kind: &str, manifest: Value) -> Descriptor {
        let (image, bytes) = (self.image(name), manifest.to_string().into_bytes());
        let descriptor = Descriptor::of(kind, &bytes);
        let reference = Reference::from(&image);
        self.client
            .push_manifest(image.repository(), &reference, kind, bytes.into(), Precondition::None)
            .await
            .unwrap();
        descriptor
    }

    async fn push(&self, name: &str, architecture: &str) -> Descriptor {
        let config = json!({ "architecture": architecture, "os": "linux", "note": name }).to_string().into_bytes();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "layers": [],
            "config": Descriptor::of(media_type::OCI_CONFIG, &config) });
        self.client.push_blob(self.image(name).repository(), &config.into()).await.unwrap();
        let platform = Platform { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None };
        Descriptor { platform: Some(platform), ..self.put(name, media_type::OCI_MANIFEST, manifest).await }
    }

    async fn push_index(&self, name: &str, manifests: &[Descriptor]) -> Descriptor {
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests });
        self.put(name, media_type::OCI_INDEX, index).await
    }

    /// Signs an image, and what it lists if `recursive`.
    async fn sign(&self, name: &str, recursive: bool) {
        let signer = Signer { format: Format::Bundle, ..Signer::new(self.client.clone()) };
        for target in signer.targets(&self.image(name), recursive).await.unwrap() {
            signer.sign(&self.key, &target).await.unwrap();
        }
    }

    async fn check(&self, name: &str) -> Result<Judged, GateError> {
        self.check_as(name, None).await
    }

    async fn check_as(&self, name: &str, user: Option<&str>) -> Result<Judged, GateError> {
        self.gate.check(&Request { user: user.map(str::to_owned), ..self.request(name) }).await
    }

    fn request(&self, name: &str) -> Request {
        Request {
            image: self.image(name),
            object: None,
            door: Door::Validate,
            asked_by: "test".into(),
            user: None,
            namespace: None,
            deadline: Duration::from_secs(20),
        }
    }

    fn last_decision(&self) -> Value {
        let lines = self.log.0.lock().unwrap();
        serde_json::from_slice(lines.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap()).unwrap()
    }
}

fn allowed(judged: &Result<Judged, GateError>) -> bool {
    matches!(judged, Ok(Judged { verdict: Verdict::Allow(_), .. }))
}

fn denied(judged: &Result<Judged, GateError>) -> bool {
    matches!(judged, Ok(Judged { verdict: Verdict::Deny(_), .. }))
}

#[tokio::test]
async fn every_child_of_an_index_is_looked_at_two_levels_deep() {
    let world = World::new().await;
    let amd = world.push("shop/cart:amd64", "amd64").await;
    let arm = world.push("shop/cart:arm64", "arm64").await;
    let inner = world.push_index("shop/cart:inner", &[arm]).await;
    world.push_index("shop/cart:1", &[amd, inner]).await;
    world.policy("platforms: every");
    world.sign("shop/cart:1", false).await;
    let refused = world.check("shop/cart:1").await;
    assert!(denied(&refused), "{refused:?}");
    world.policy("platforms: asked");
    assert!(allowed(&world.check("shop/cart:1").await));
    world.sign("shop/cart:1", true).await;
    world.policy("platforms: every");
    // What was missing a moment ago is remembered for five seconds.
    let world = World { gate: Gate::new(world.client.clone(), None, DecisionLog::Off), ..world };
    world.policy("platforms: every");
    let judged = world.check("shop/cart:1").await;
    assert!(allowed(&judged), "{judged:?}");
    let shallow = world.check("shop/cart:amd64").await;
    assert!(allowed(&shallow), "no index, and signed: {shallow:?}");
}

#[tokio::test]
async fn index_that_is_too_deep_or_empty_decides_nothing() {
    let world = World::new().await;
    world.policy("platforms: every");
    let mut inner = world.push("shop/cart:amd64", "amd64").await;
    for level in 1..=3 {
        inner = world.push_index(&format!("shop/cart:deep{level}"), &[inner]).await;
    }
    world.push_index("shop/cart:empty", &[]).await;
    for name in ["deep3", "empty"] {
        world.sign(&format!("shop/cart:{name}"), false).await;
        let judged = world.check(&format!("shop/cart:{name}")).await;
        assert!(matches!(judged, Err(GateError::Index(_))), "{name}: {judged:?}");
    }
}

#[tokio::test]
async fn index_that_the_tag_names_answers_for_its_child() {
    let world = World::new().await;
    let amd = world.push("shop/cart:amd64", "amd64").await;
    let other = world.push("shop/cart:other", "amd64").await;
    world.push_index("shop/cart:1", std::slice::from_ref(&amd)).await;
    world.sign("shop/cart:1", false).await;
    world.policy("index: accepted");
    let by_tag = world.check(&format!("shop/cart:1@{}", amd.digest)).await;
    assert!(allowed(&by_tag), "{by_tag:?}");
    assert!(denied(&world.check(&format!("shop/cart@{}", amd.digest)).await), "no tag, no index");
    assert!(denied(&world.check(&format!("shop/cart:1@{}", other.digest)).await), "the index does not list it");
    assert!(denied(&world.check(&format!("shop/cart:amd64@{}", amd.digest)).await), "the tag names no index");
    world.policy("index: ignored");
    assert!(denied(&world.check(&format!("shop/cart:1@{}", amd.digest)).await));
}

#[tokio::test]
async fn reprieve_and_audit_are_in_the_decision_log() {
    let world = World::new().await;
    world.push("shop/cart:1", "amd64").await;
    let far = "until: '2999-01-01T00:00:00Z', reason: registry is moving";
    world.policy(&format!("breakGlass: {{{far}, users: [oncall-*]}}"));
    assert!(allowed(&world.check_as("shop/cart:1", Some("oncall-ann")).await));
    let decision = world.last_decision();
    assert_eq!(decision["outcome"], "allow");
    let reprieve =
        json!({"policy": "p", "kind": "break-glass", "until": "2999-01-01T00:00:00Z", "reason": "registry is moving"});
    assert_eq!(decision["reprieves"], json!([reprieve]));
    assert!(decision["reasons"].to_string().contains("break-glass from policy: p"), "{decision}");
    assert!(denied(&world.check_as("shop/cart:1", Some("bob")).await));
    assert_eq!(world.last_decision().get("reprieves"), None);
    world.policy("mode: audit");
    assert!(allowed(&world.check("shop/cart:1").await));
    let decision = world.last_decision();
    assert!(decision["audited"].to_string().contains("no signatures found"), "{decision}");
    assert_eq!(decision["reasons"], json!([]));
}

#[tokio::test]
async fn broken_glass_lets_in_what_cannot_be_looked_at() {
    let world = World::new().await;
    let gone = Digest::of(b"gone");
    world.policy("breakGlass: {until: '2999-01-01T00:00:00Z', reason: registry is down}");
    let judged = world.check(&format!("shop/cart@{gone}")).await;
    assert!(allowed(&judged), "{judged:?}");
    assert!(judged.unwrap().pinned.is_none());
    world.policy("breakGlass: {until: '2001-01-01T00:00:00Z', reason: registry was down}");
    assert!(world.check(&format!("shop/cart@{gone}")).await.is_err());
}

#[tokio::test]
async fn revoked_image_is_refused_under_whatever_name_it_is_asked_for() {
    let world = World::new().await;
    let bad = world.push("shop/cart:1", "amd64").await;
    let good = world.push("shop/cart:2", "arm64").await;
    world.sign("shop/cart:1", false).await;
    world.sign("shop/cart:2", false).await;
    let revoked = format!("revoked: {{digests: ['{}']}}", bad.digest);
    let pass = "authorities: [{static: {action: pass}}]";
    for (further, authorities) in [(revoked.as_str(), None), (revoked.as_str(), Some(pass))] {
        world.policy_of(further, authorities);
        for name in ["shop/cart:1".to_owned(), format!("shop/cart@{}", bad.digest)] {
            let judged = world.check(&name).await;
            assert!(denied(&judged), "{name}: {judged:?}");
        }
        for name in ["shop/cart:2".to_owned(), format!("shop/cart@{}", good.digest)] {
            let judged = world.check(&name).await;
            assert!(allowed(&judged), "{name}: {judged:?}");
        }
    }
}

#[tokio::test]
async fn exception_for_images_is_found_by_their_tags_where_no_signature_is_asked_for() {
    let world = World::new().await;
    world.push("shop/cart:1", "amd64").await;
    let exception = |glob: &str| {
        let images = format!("images: [{{glob: '{}/{glob}'}}]", world.address);
        format!("exceptions: [{{{images}, until: '2999-01-01T00:00:00Z', reason: is moving}}]")
    };
    let refusing = Some("authorities: [{static: {action: fail}}]");
    world.policy_of(&exception("shop/cart@*"), refusing);
    assert!(allowed(&world.check("shop/cart:1").await));
    world.policy_of(&exception("shop/other@*"), refusing);
    assert!(denied(&world.check("shop/cart:1").await));
}

/// A thread that evaluates it could not heed a deadline, nor serve anybody else.
#[tokio::test]
async fn condition_that_takes_long_is_not_evaluated_on_the_thread_that_serves() {
    let world = World::new().await;
    let long = "isCompliant { n := numbers.range(1, 20000); x := [1 | n[_]; n == n]; count(x) > 0 }";
    let condition = format!("policy: {{type: rego, data: \"package sigstore\\n{long}\"}}");
    world.policy_of(&condition, Some("authorities: [{static: {action: pass}}]"));
    let name = format!("shop/cart@{}", Digest::of(b"an image"));
    let hurried = Request { deadline: Duration::from_millis(5), ..world.request(&name) };
    assert!(matches!(world.gate.check(&hurried).await, Err(GateError::Deadline(_))));
    let asked = tokio::time::timeout(Duration::from_millis(20), world.gate.check(&hurried));
    assert!(asked.await.is_err(), "whether it lets in what cannot be judged is found out elsewhere, too");
    assert!(denied(&world.check(&name).await), "with time, its bound decides");
}

#[tokio::test]
async fn metrics_tell_policies_outcomes_and_where_the_time_went() {
    let world = World::new().await;
    world.push("shop/cart:1", "amd64").await;
    world.policy("mode: enforce");
    for _ in 0..2 {
        assert!(denied(&world.check("shop/cart:1").await));
    }
    world.policy("mode: audit");
    assert!(allowed(&world.check("shop/cart:1").await));
    world.policy("mode: warn");
    assert!(allowed(&world.check("shop/cart:1").await));
    world.policy("breakGlass: {until: '2999-01-01T00:00:00Z', reason: outage}");
    assert!(allowed(&world.check("shop/cart:1").await));
    world.push("shop/cart:2", "arm64").await;
    world.sign("shop/cart:2", false).await;
    assert!(allowed(&world.check("shop/cart:2").await));
    world.policy("mode: enforce");
    assert!(matches!(world.check("shop/cart:absent").await, Err(GateError::ImageAbsent(_))));

    let metrics = world.gate.clone().metrics();
    let decided = [(Outcome::Allow, 4), (Outcome::Deny, 2), (Outcome::Undecided, 1)];
    assert_eq!(metrics.decisions, decided.into());
    let shares = [(Share::Met, 1), (Share::Refused, 2), (Share::Warned, 1), (Share::Audited, 1), (Share::Reprieved, 1)];
    assert_eq!(metrics.policies, [("p".to_owned(), shares.into())].into());
    assert_eq!(metrics.undecided, [("image-absent", 1)].into());
    assert_eq!(metrics.reasons["failed policy"], 3, "{:?}", metrics.reasons);
    assert_eq!(metrics.reasons["break-glass from policy"], 1, "{:?}", metrics.reasons);
    assert_eq!((metrics.misses, metrics.hits), (2, 4));
    assert_eq!(metrics.registry_errors, [].into());
    assert_eq!(metrics.stages[&Stage::Total].count(), 7);
    assert!(metrics.stages[&Stage::Total].seconds >= metrics.stages[&Stage::Resolve].seconds);
    assert!(!format!("{metrics:?}").contains("cart"), "{metrics:?}");
}

#[tokio::test]
async fn metrics_tell_what_registries_did_wrong() {
    let world = World::new().await;
    world.policy("mode: enforce");
    let gone = Client::new(Settings::default()).unwrap();
    let gate = Gate::new(gone, None, DecisionLog::Off);
    // Nobody listens there.
    let policy = "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {name: p}\nspec: {images: [{glob: '127.0.0.1:1/**'}], authorities: [{static: {action: pass}}]}\n";
    gate.put_in_force(Arc::new(PolicySet::parse(&[("p.yaml".to_owned(), policy.to_owned())]).unwrap()));
    let request = Request {
        image: "127.0.0.1:1/shop/cart:1".parse().unwrap(),
        object: None,
        door: Door::Check,
        asked_by: "test".into(),
        user: None,
        namespace: None,
        deadline: Duration::from_secs(20),
    };
    let _ = gate.check(&request).await;
    assert_eq!(gate.metrics().registry_errors, [("unreachable", 1)].into());
    assert_eq!(world.gate.metrics(), gate::Metrics::default(), "each gate counts for itself");
}

#[tokio::test]
async fn decision_log_says_where_the_credential_was_found_and_not_what_it_is() {
    let world = World::new().await;
    world.push("shop/cart:1", "amd64").await;
    world.policy("mode: enforce");
    let _ = world.check("shop/cart:1").await;
    assert_eq!(world.last_decision()["credentials"], json!("anonymous"));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = Options { account: Some(Account::new("ann", "hunter22")), ..Options::default() };
    tokio::spawn(async move { serve::serve(options, listener).await.unwrap() });
    let password = registry::Credential::Password { user: "ann".into(), password: Secret::new("hunter22".to_owned()) };
    let auth = json!({ "auths": { &address: { "auth": "YW5uOmh1bnRlcjIy" } } }).to_string();
    for (credentials, wanted) in [
        (Credentials::anonymous().with_given(password), "given"),
        (Credentials::from_docker(None, Some(&auth)), "DOCKER_AUTH_CONFIG"),
        (Credentials::anonymous(), "anonymous"),
    ] {
        let client = Client::new(Settings { credentials, ..Settings::default() }).unwrap();
        let gate = Gate::new(client.clone(), None, DecisionLog::lines(Box::new(world.log.clone())));
        let key = PrivateKey::generate().unwrap().into();
        let world = World { address: address.clone(), client, gate, log: world.log.clone(), key };
        world.policy("mode: enforce");
        let _ = world.check("shop/cart:1").await;
        let decision = world.last_decision();
        assert_eq!(decision["credentials"], json!(wanted), "{decision}");
        assert!(!decision.to_string().contains("hunter22"), "{decision}");
    }
}
