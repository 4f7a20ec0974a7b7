//! An image's own configuration, where a policy looks into it; of an index, that of every image in it.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use oci::{AnyDigest, Descriptor, Document, PinnedRef};
use registry::{Client, Reference};
use serde_json::Value;

use crate::GateError;

/// By platform, as `linux/amd64` or `linux/arm/v7`. What is named and not there is an error: a condition must not be met
/// by what is missing.
pub(crate) async fn read(client: &Client, image: &PinnedRef) -> Result<BTreeMap<String, Value>, GateError> {
    let mut waiting: Vec<AnyDigest> = vec![(*image.digest()).into()];
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    while !waiting.is_empty() {
        let documents = try_join_all(waiting.iter().map(|digest| document(client, image, digest))).await?;
        seen.append(&mut waiting);
        for document in documents {
            match document {
                Document::Manifest(_, manifest) => found.push(config(client, image, &manifest.config).await?),
                Document::Index(_, index) => waiting.extend(index.manifests.iter().map(|child| child.digest)),
            }
        }
        waiting.retain(|digest| !seen.contains(digest));
        if seen.len() + waiting.len() > MAX_MANIFESTS {
            return Err(GateError::Config(format!("more than {MAX_MANIFESTS} manifests in the index")));
        }
    }
    by_platform(found)
}

/// Each platform once, and at least one: what hides behind another of its name, or is not there at all, would meet a
/// condition that does not see it.
fn by_platform(found: Vec<(String, Value)>) -> Result<BTreeMap<String, Value>, GateError> {
    let mut configs = BTreeMap::new();
    for (platform, config) in found {
        if configs.insert(platform.clone(), config).is_some() {
            return Err(GateError::Config(format!("{} found twice", oci::excerpt(&platform, 100))));
        }
    }
    match configs.is_empty() {
        true => Err(GateError::Config("no image in the index".to_owned())),
        false => Ok(configs),
    }
}

async fn document(client: &Client, image: &PinnedRef, digest: &AnyDigest) -> Result<Document, GateError> {
    let reference = Reference::Digest(*digest);
    let found = client.manifest(image.repository(), &reference).await.map_err(Box::new).map_err(GateError::Registry)?;
    let found = found.found().ok_or_else(|| GateError::Config(format!("manifest {digest} is not there")))?;
    Ok(found.document)
}

async fn config(client: &Client, image: &PinnedRef, config: &Descriptor) -> Result<(String, Value), GateError> {
    let bytes =
        client.blob(image.repository(), config, MAX_CONFIG).await.map_err(Box::new).map_err(GateError::Registry)?;
    let bytes = bytes.found().ok_or_else(|| GateError::Config(format!("{} is not there", config.digest)))?;
    let value: Value =
        oci::json::parse(&bytes).map_err(|why| GateError::Config(format!("{}: {why}", config.digest)))?;
    let part = |name: &str| value[name].as_str().unwrap_or_default();
    let variant = Some(part("variant")).filter(|variant| !variant.is_empty());
    let platform = [part("os"), part("architecture")].into_iter().chain(variant).collect::<Vec<_>>().join("/");
    Ok((platform, value))
}

const MAX_MANIFESTS: usize = 64;
const MAX_CONFIG: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn platform_that_hides_another_and_an_empty_index_are_errors() {
        let of = |platforms: &[&str]| by_platform(platforms.iter().map(|one| ((*one).to_owned(), json!({}))).collect());
        let why = |platforms| of(platforms).unwrap_err().to_string();
        assert!(why(&["linux/amd64", "linux/arm64", "linux/amd64"]).ends_with("linux/amd64 found twice"));
        assert!(why(&[]).ends_with("no image in the index"));
        assert_eq!(of(&["linux/amd64", "linux/arm64"]).unwrap().len(), 2);
    }
}
