//! Good bundles of images, made by real cosigns.

use std::fs;

use oci::{Digest, PinnedRef};
use serde_json::Value;

/// A good bundle of an image.
pub(crate) struct Sample {
    pub(crate) image: PinnedRef,
    pub(crate) bundle: Value,
    pub(crate) root: Vec<u8>,
}

impl Sample {
    /// The bundle of a case, and a trusted root that it is good under.
    pub(crate) fn read(case: &str) -> Option<Self> {
        let folder = crate::corpus::folder("golden-keyless")?;
        let path = folder.join("cases").join(case);
        let about: Value = serde_json::from_slice(&crate::corpus::read(&path.join("case.json"))).unwrap();
        let (name, digest) = about["reference"].as_str().unwrap().split_once('@').unwrap();
        let blobs = path.join("layout/blobs/sha256");
        let mut files = fs::read_dir(blobs).unwrap().map(|entry| crate::corpus::read(&entry.unwrap().path()));
        let bundle = files.find_map(|bytes| {
            let value: Value = serde_json::from_slice(&bytes).ok()?;
            value.get("dsseEnvelope").is_some().then_some(value)
        });
        Some(Self {
            image: PinnedRef::new(name.parse().unwrap(), digest.parse::<Digest>().unwrap()),
            bundle: bundle.unwrap(),
            root: crate::corpus::read(&folder.join("trusted_root.json")),
        })
    }
}
