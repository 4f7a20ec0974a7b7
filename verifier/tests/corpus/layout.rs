//! What a repository holds, read from an OCI layout: signatures or attestations of an image under its tag and among
//! its referrers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use oci::PinnedRef;
use serde_json::Value;
use verifier::{Found, Place, Source, UntrustedSignature};

/// A layout on disk.
pub(crate) struct Layout(PathBuf);

impl Layout {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Everything that claims to be a signature or an attestation of this image, under the tag of this source and among
    /// the referrers.
    pub(crate) fn found(&self, image: &PinnedRef, source: Source) -> Found {
        let mut signatures = Vec::new();
        let suffix = if source == Source::SignatureTag { "sig" } else { "att" };
        let tag = format!("sha256-{}.{suffix}", image.digest().hex());
        for manifest in self.index() {
            let digest = text(&manifest["digest"]);
            let note = |name: &str| manifest["annotations"][name].as_str();
            if note("org.opencontainers.image.ref.name") == Some(&tag) {
                signatures.extend(self.layers(&digest, source));
            }
            if note("vnd.golden.referrer-of") == Some(&image.digest().to_string()) {
                signatures.push(self.bundle(&digest));
            }
        }
        Found { signatures, gaps: Vec::new() }
    }

    fn layers(&self, digest: &str, source: Source) -> Vec<UntrustedSignature> {
        let layer = |(index, layer): (usize, &Value)| {
            let place = Place { source, manifest: digest.parse().unwrap(), index };
            let annotations: BTreeMap<String, String> = serde_json::from_value(layer["annotations"].clone()).unwrap();
            let blob = self.blob(&text(&layer["digest"]));
            match source {
                Source::SignatureTag => UntrustedSignature::layer(place, blob, annotations),
                _ => UntrustedSignature::envelope(place, blob, annotations),
            }
        };
        self.json(digest)["layers"].as_array().unwrap().iter().enumerate().map(layer).collect()
    }

    fn bundle(&self, digest: &str) -> UntrustedSignature {
        let place = Place { source: Source::Referrers, manifest: digest.parse().unwrap(), index: 0 };
        UntrustedSignature::bundle(place, self.blob(&text(&self.json(digest)["layers"][0]["digest"])))
    }

    /// The manifests of the index.
    pub(crate) fn index(&self) -> Vec<Value> {
        let index: Value = serde_json::from_slice(&fs::read(self.0.join("index.json")).unwrap()).unwrap();
        index["manifests"].as_array().unwrap().clone()
    }

    fn json(&self, digest: &str) -> Value {
        serde_json::from_slice(&self.blob(digest)).unwrap()
    }

    fn blob(&self, digest: &str) -> Vec<u8> {
        crate::corpus::read(&self.0.join("blobs").join(digest.replace(':', "/")))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
