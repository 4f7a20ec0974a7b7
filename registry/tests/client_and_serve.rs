//! The client against the embedded registry: what is pushed is found, with and without the referrers API.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use bytes::Bytes;
use oci::{
    Descriptor, PinnedRef, Repository, Tag,
    location::{Attachment, EMPTY_CONFIG, SIGNATURE_ANNOTATION, attachment_tag, bundle_manifest, signature_manifest},
    media_type::{OCI_MANIFEST, SIMPLE_SIGNING},
};
use registry::{
    Client, Credential, Credentials, Lookup, NewLayer, Precondition, Reference, RegistryError, Secret, Settings,
    serve::{self, Account, Options},
};
use verifier::Source;

struct World {
    repository: Repository,
    server: tokio::task::JoinHandle<()>,
}

impl World {
    async fn with(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let repository = format!("{}/team/app", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move { serve::serve(options, listener).await.unwrap() });
        Self { repository, server }
    }

    /// Pushes an image with this configuration.
    async fn image(&self, client: &Client, config: &'static str) -> (PinnedRef, Descriptor) {
        client.push_blob(&self.repository, &config.into()).await.unwrap();
        let descriptor = Descriptor::of("application/vnd.oci.image.config.v1+json", config.as_bytes());
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": [],
        });
        let bytes = Bytes::from(manifest.to_string());
        let subject = Descriptor::of(OCI_MANIFEST, &bytes);
        let reference = Reference::Tag(Tag::latest());
        let push = client.push_manifest(&self.repository, &reference, OCI_MANIFEST, bytes, Precondition::None).await;
        (PinnedRef::new(self.repository.clone(), push.unwrap().digest), subject)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn client() -> Client {
    Client::new(Settings::default()).unwrap()
}

fn signature(n: usize) -> NewLayer {
    let payload = format!("payload {n}");
    let mut descriptor = Descriptor::of(SIMPLE_SIGNING, payload.as_bytes());
    descriptor.annotations.insert(SIGNATURE_ANNOTATION.into(), n.to_string());
    NewLayer { descriptor, bytes: payload.into() }
}

async fn push_bundle(client: &Client, repository: &Repository, subject: &Descriptor, text: String) {
    let bundle = Bytes::from(text);
    client.push_blob(repository, &EMPTY_CONFIG.into()).await.unwrap();
    client.push_blob(repository, &bundle).await.unwrap();
    let manifest = bundle_manifest(&bundle, subject, "https://sigstore.dev/cosign/sign/v1", "2026-01-01T00:00:00Z");
    client.push_referrer(repository, manifest.into()).await.unwrap();
}

#[tokio::test]
async fn what_is_pushed_in_both_formats_is_found_with_and_without_the_referrers_api() {
    for (referrers, source) in [(true, Source::Referrers), (false, Source::FallbackTag)] {
        let world = World::with(Options { referrers, ..Options::default() }).await;
        let client = client();
        let (image, subject) = world.image(&client, "{}").await;
        let tag = attachment_tag(image.digest(), Attachment::Signature);
        client.append_layers(&world.repository, &tag, &[signature(1)]).await.unwrap();
        for n in 0..3 {
            push_bundle(&client, &world.repository, &subject, format!("bundle {n}")).await;
        }
        let resolved = client.resolve(&format!("{}:latest", world.repository).parse().unwrap()).await.unwrap();
        assert_eq!(resolved.found().unwrap().pinned, image);
        let discovery = client.discover(&image, &world.repository, registry::Kind::Signatures).await;
        assert!(discovery.found.gaps.is_empty(), "{:?}", discovery.found.gaps);
        let sources: Vec<_> = discovery.found.signatures.iter().map(|found| found.place().source).collect();
        assert_eq!(sources, [Source::SignatureTag, source, source, source]);
    }
}

#[tokio::test]
async fn twelve_signers_at_once_lose_nothing() {
    let world = World::with(Options { referrers: false, ..Options::default() }).await;
    let (image, subject) = world.image(&client(), "{}").await;
    let (repository, tag) = (&world.repository, attachment_tag(image.digest(), Attachment::Signature));
    let (tag, subject) = (&tag, &subject);
    let all = (0..12).map(async |n| {
        // each with a client of its own, as on as many machines
        let limits = registry::Limits { merge_rounds: 100, ..registry::Limits::default() };
        let client = Client::new(Settings { limits, ..Settings::default() }).unwrap();
        client.append_layers(repository, tag, &[signature(n)]).await.unwrap();
        push_bundle(&client, repository, subject, format!("bundle {n}")).await;
    });
    futures::future::join_all(all).await;
    let discovery = client().discover(&image, repository, registry::Kind::Signatures).await;
    assert_eq!(discovery.found.signatures.len(), 24);
    assert_eq!(client().referrers(&image).await.unwrap().len(), 12);
}

#[tokio::test]
async fn condition_that_is_not_met_is_a_conflict() {
    let world = World::with(Options::default()).await;
    let client = client();
    world.image(&client, "{}").await;
    let reference = Reference::Tag(Tag::latest());
    let Lookup::Found(first) = client.manifest(&world.repository, &reference).await.unwrap() else { panic!() };
    world.image(&client, "{ }").await;
    let (_, bytes) = signature_manifest(&[]);
    for condition in [Precondition::IfNoneMatch, Precondition::IfMatch(first.etag.unwrap())] {
        let bytes = Bytes::from(bytes.clone());
        let push = client.push_manifest(&world.repository, &reference, OCI_MANIFEST, bytes, condition).await;
        assert!(matches!(push, Err(RegistryError::Conflict { .. })), "{push:?}");
    }
}

#[tokio::test]
async fn deleted_manifest_is_absent_and_deleting_it_again_finds_nothing() {
    let world = World::with(Options::default()).await;
    let client = client();
    let (image, _) = world.image(&client, "{}").await;
    let reference = Reference::from(*image.digest());
    assert_eq!(client.delete_manifest(&world.repository, &reference).await, Ok(Lookup::Found(())));
    assert_eq!(client.manifest(&world.repository, &reference).await, Ok(Lookup::Absent));
    assert_eq!(client.delete_manifest(&world.repository, &reference).await, Ok(Lookup::Absent));
}

#[tokio::test]
async fn registry_with_an_account_is_for_its_user_alone() {
    let world = World::with(Options { account: Some(Account::new("me", "secret")), ..Options::default() }).await;
    let with = |password: &str| {
        let credential = Credential::Password { user: "me".into(), password: Secret::new(password.into()) };
        let credentials = Credentials::anonymous().with_given(credential);
        Client::new(Settings { credentials, ..Settings::default() }).unwrap()
    };
    let (image, _) = world.image(&with("secret"), "{}").await;
    let reference = Reference::from(*image.digest());
    assert!(with("secret").manifest(&world.repository, &reference).await.unwrap().found().is_some());
    for client in [client(), with("wrong")] {
        let result = client.manifest(&world.repository, &reference).await;
        assert!(matches!(result, Err(RegistryError::Denied { status: 401, .. })), "{result:?}");
    }
}
