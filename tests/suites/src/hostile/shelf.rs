//! What a registry in good order answers for one image, `shop/cart:1`, and for its signature.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Descriptor, Digest, ImageRef, Repository, location, location::Attachment, media_type, simple_signing};
use serde_json::json;

use super::{Reply, Seen};

/// The image: its manifest and where the registry is asked about it.
#[derive(Debug, Clone)]
pub struct Image {
    /// What its tag names.
    pub manifest: Vec<u8>,
    /// The digest of that.
    pub digest: Digest,
    /// The layer's digest.
    pub layer: Digest,
    config: Vec<u8>,
    content: Vec<u8>,
}

impl Image {
    /// An image with one layer that holds this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::with_layers(text, &[Descriptor::of("application/vnd.oci.image.layer.v1.tar", text.as_bytes())])
    }

    /// An image that claims these layers.
    #[must_use]
    pub fn with_layers(text: &str, layers: &[Descriptor]) -> Self {
        let content = text.as_bytes().to_vec();
        let config = json!({ "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
            "type": "layers", "diff_ids": [Digest::of(&content)] } });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": Descriptor::of(media_type::OCI_CONFIG, &config), "layers": layers,
        });
        let manifest = manifest.to_string().into_bytes();
        let (digest, layer) = (Digest::of(&manifest), Digest::of(&content));
        Self { manifest, digest, layer, config, content }
    }

    /// The path of its tag.
    #[must_use]
    pub fn by_tag(&self) -> String {
        manifest_path(TAG)
    }

    /// The path of its digest.
    #[must_use]
    pub fn by_digest(&self) -> String {
        manifest_path(&self.digest.to_string())
    }

    /// The path of cosign's `.sig` tag.
    #[must_use]
    pub fn sig(&self) -> String {
        manifest_path(location::attachment_tag(&self.digest, Attachment::Signature).as_str())
    }

    /// The path of its referrers.
    #[must_use]
    pub fn referrers(&self) -> String {
        format!("/v2/{REPOSITORY}/referrers/{}", self.digest)
    }

    /// A payload that says that this image is good, and its signature by the key.
    ///
    /// # Panics
    /// If the key cannot sign.
    #[must_use]
    pub fn signature(&self, key: &PrivateKey) -> (Vec<u8>, Descriptor) {
        let repository: Repository = format!("shop.test/{REPOSITORY}").parse().expect("a repository");
        let payload = simple_signing::render(&repository, &self.digest, &BTreeMap::new());
        let signature = BASE64_STANDARD.encode(key.sign(&payload).expect("a key of our own signs"));
        let mut layer = Descriptor::of(media_type::SIMPLE_SIGNING, &payload);
        layer.annotations.insert(location::SIGNATURE_ANNOTATION.to_owned(), signature);
        (payload, layer)
    }
}

type Rule = dyn Fn(&Seen) -> Option<Reply> + Send + Sync;

/// Answers by path. Rules come first, the last one added before all others.
#[derive(Clone, Default)]
pub struct Shelf {
    good: BTreeMap<String, Reply>,
    rules: Vec<Arc<Rule>>,
}

impl Shelf {
    /// Where images and signatures are: `shop/cart`, no host.
    pub const REPOSITORY: &str = REPOSITORY;

    /// A shelf with this image under its tag and its digest. It lists no referrers.
    #[must_use]
    pub fn holding(image: &Image) -> Self {
        let mut shelf = Self::default();
        shelf.put(&image.by_tag(), Reply::ok(media_type::OCI_MANIFEST, image.manifest.clone()));
        shelf.add(image);
        shelf
    }

    /// Adds an image under its digest alone.
    pub fn add(&mut self, image: &Image) {
        self.put(&image.by_digest(), Reply::ok(media_type::OCI_MANIFEST, image.manifest.clone()));
        self.put(&image.referrers(), Reply::ok(media_type::OCI_INDEX, location::fallback_index(&[])));
        for blob in [&image.config, &image.content] {
            self.blob(blob);
        }
    }

    /// Adds a `.sig` tag with these layers.
    pub fn sig(&mut self, image: &Image, layers: &[Descriptor]) {
        let (config, manifest) = location::signature_manifest(layers);
        self.blob(&config);
        self.put(&image.sig(), Reply::ok(media_type::OCI_MANIFEST, manifest));
    }

    /// Adds a signature by this key under the `.sig` tag.
    pub fn sign(&mut self, image: &Image, key: &PrivateKey) {
        let (payload, layer) = image.signature(key);
        self.blob(&payload);
        self.sig(image, &[layer]);
    }

    /// Adds a bundle as the one referrer, described as it is.
    pub fn bundle(&mut self, image: &Image, bundles: &[Descriptor]) {
        let subject = Descriptor::of(media_type::OCI_MANIFEST, &image.manifest);
        let manifests: Vec<_> = bundles.iter().map(|bundle| self.referrer(bundle, &subject)).collect();
        self.put(&image.referrers(), Reply::ok(media_type::OCI_INDEX, location::fallback_index(&manifests)));
    }

    fn referrer(&mut self, bundle: &Descriptor, subject: &Descriptor) -> Descriptor {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": media_type::BUNDLE,
            "config": Descriptor::of(media_type::OCI_EMPTY, location::EMPTY_CONFIG), "layers": [bundle],
            "subject": subject,
        });
        let manifest = manifest.to_string().into_bytes();
        let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
        self.put(&manifest_path(&descriptor.digest.to_string()), Reply::ok(media_type::OCI_MANIFEST, manifest));
        descriptor
    }

    /// Adds a blob under its digest.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.put(&blob_path(&Digest::of(bytes)), Reply::ok("application/octet-stream", bytes));
    }

    /// Answers this at that path.
    pub fn put(&mut self, path: &str, reply: Reply) {
        self.good.insert(path.to_owned(), reply);
    }

    /// Asks this rule before everything else.
    pub fn rule(&mut self, rule: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) {
        self.rules.push(Arc::new(rule));
    }

    /// What is there at the path: the reply of a registry in good order, without any rule.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<Reply> {
        self.good.get(path).cloned()
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, seen: &Seen) -> Reply {
        if let Some(reply) = self.rules.iter().rev().find_map(|rule| rule(seen)) {
            return reply;
        }
        let path = seen.target.split('?').next().unwrap_or_default();
        self.at(path).unwrap_or_else(|| {
            let error = json!({ "errors": [{ "code": "NOT_FOUND", "message": "not on this shelf" }] });
            Reply::status(404).header("Content-Type", "application/json").body(error.to_string())
        })
    }

    /// The image's name on a registry at this address.
    ///
    /// # Panics
    /// If that is no address.
    #[must_use]
    pub fn name(address: &str) -> ImageRef {
        format!("{address}/{REPOSITORY}:{TAG}").parse().expect("an address and a name are a reference")
    }
}

/// The path of a manifest by tag or digest.
fn manifest_path(reference: &str) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

/// The path of a blob.
fn blob_path(digest: &Digest) -> String {
    format!("/v2/{REPOSITORY}/blobs/{digest}")
}

const REPOSITORY: &str = "shop/cart";
const TAG: &str = "1";
