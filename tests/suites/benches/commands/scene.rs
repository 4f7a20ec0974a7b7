//! What is measured upon: three registries, the images in them, and their signatures, all made by cosign.

use std::{path::Path, time::Duration};

use peers::{Client, Cosign, Format, KeyPair, RefsOptions, Registry, push_image};

/// Registries with signed images, and the home that commands are run from.
pub(crate) struct Scene {
    /// Has the referrers API.
    pub(crate) api: Registry,
    /// Has none: bundles are under the fallback tag.
    pub(crate) plain: Registry,
    /// Has it, and takes its time.
    pub(crate) slow: Registry,
    pub(crate) key: KeyPair,
    cosign: Cosign,
    old_cosign: Cosign,
}

/// An image in one of the registries.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) by_tag: String,
    pub(crate) by_digest: String,
}

impl Scene {
    pub(crate) fn set_up() -> Self {
        let slow = RefsOptions { latency: LATENCY, ..RefsOptions::default() };
        let plain = RefsOptions { referrers: false, ..RefsOptions::default() };
        let mut cosign = Cosign::v3();
        cosign.client_mut().set("COSIGN_PASSWORD", PASSWORD);
        let key = cosign.generate_key_pair(&cosign.client().home().join("key"), PASSWORD);
        let [api, plain, slow] = [RefsOptions::default(), plain, slow].map(Registry::refs);
        Self { api, plain, slow, key, cosign, old_cosign: Cosign::v2() }
    }

    /// The home that every command is run from, with cosign's empty trusted root in it.
    pub(crate) fn client(&self) -> &Client {
        self.cosign.client()
    }

    pub(crate) fn private_key(&self) -> &Path {
        &self.key.private
    }

    /// A new image with so many signatures of that format.
    pub(crate) fn signed(&self, registry: &Registry, format: Format, count: usize) -> Image {
        let image = self.fresh(registry, &format!("{format:?}-{count}").to_lowercase());
        let cosign = match format {
            Format::Legacy => &self.old_cosign,
            Format::Bundle => &self.cosign,
        };
        for number in 1..=count {
            let number = number.to_string();
            cosign.sign(format, &self.key, &image.by_digest, &[("number", &number)]).success();
        }
        image
    }

    /// An image that nobody has signed.
    pub(crate) fn fresh(&self, registry: &Registry, name: &str) -> Image {
        let digest = push_image(registry, &format!("{name}:v1"), name);
        let repository = format!("{}/{name}", registry.address());
        Image { by_tag: format!("{repository}:v1"), by_digest: format!("{repository}@{digest}") }
    }
}

/// What the slow registry takes for each request.
const LATENCY: Duration = Duration::from_millis(20);
const PASSWORD: &str = "a benchmark's own";
