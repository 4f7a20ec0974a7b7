//! An OCI layout with a whole repository, pushed into a registry: every tag and every untagged referrer.
//!
//! The layouts are the corpus's: one folder a case, with cosign's attachments under their own tags in `index.json`
//! and what refers to an image beside them, untagged. Bytes go up as they lie, whatever they say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use oci::{AnyDigest, Digest, Repository, Tag};
use registry::{Client, Precondition, Reference, RegistryError, Settings};
use serde_json::Value;

/// A layout, read as plain JSON.
#[derive(Debug)]
pub struct CorpusLayout {
    folder: PathBuf,
    entries: Vec<Value>,
}

impl CorpusLayout {
    /// Opens the layout in this folder.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let index = fs::read(folder.join("index.json")).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let index: Value = serde_json::from_slice(&index).expect("an index is JSON");
        let entries = index["manifests"].as_array().expect("an index has manifests").clone();
        Self { folder: folder.to_owned(), entries }
    }

    /// Whether some referrer is reachable by the referrers API alone.
    #[must_use]
    pub fn needs_referrers_api(&self) -> bool {
        self.entries.iter().any(|entry| !entry["annotations"]["vnd.golden.referrer-of"].is_null())
    }

    /// Pushes everything into that repository.
    ///
    /// # Panics
    /// If the registry does not take something.
    pub fn push(&self, repository: &str) {
        let repository: Repository = repository.parse().expect("a test's own repository is one");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let client = Client::new(Settings::default()).expect("the default settings are good");
        let pushed = runtime.block_on(self.push_with(&client, &repository));
        pushed.unwrap_or_else(|error| panic!("{}: {error}", self.folder.display()));
    }

    async fn push_with(&self, client: &Client, repository: &Repository) -> Result<(), RegistryError> {
        for entry in &self.entries {
            for digest in self.below(entry) {
                let bytes = self.blob(&digest);
                client.push_blob(repository, &bytes).await?;
            }
            for child in self.children(entry) {
                self.put(client, repository, &child, None).await?;
            }
            let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
            self.put(client, repository, entry, name).await?;
        }
        Ok(())
    }

    /// The blobs of a manifest, and of those that an index lists.
    fn below(&self, entry: &Value) -> Vec<String> {
        let manifest = self.json(entry);
        let mut blobs: Vec<_> =
            [&manifest["config"]].into_iter().chain(list(&manifest["layers"])).map(digest).collect();
        blobs.extend(self.children(entry).iter().flat_map(|child| self.below(child)));
        blobs.into_iter().filter(|digest| !digest.is_empty()).collect()
    }

    /// What an index lists and the layout holds: a platform that nobody stored is no fault.
    fn children(&self, entry: &Value) -> Vec<Value> {
        let manifest = self.json(entry);
        list(&manifest["manifests"]).filter(|child| self.path(&digest(child)).exists()).cloned().collect()
    }

    async fn put(
        &self,
        client: &Client,
        repository: &Repository,
        entry: &Value,
        tag: Option<&str>,
    ) -> Result<(), RegistryError> {
        let bytes = self.blob(&digest(entry));
        let reference = match tag {
            Some(tag) => Reference::Tag(tag.parse::<Tag>().expect("the corpus's tags are tags")),
            None => Reference::Digest(AnyDigest::from(Digest::of(&bytes))),
        };
        let media_type = entry["mediaType"].as_str().expect("a descriptor has a media type");
        client.push_manifest(repository, &reference, media_type, bytes, Precondition::None).await.map(|_| ())
    }

    fn json(&self, entry: &Value) -> Value {
        serde_json::from_slice(&self.blob(&digest(entry))).expect("a manifest is JSON")
    }

    fn blob(&self, digest: &str) -> Bytes {
        let path = self.path(digest);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs").join(digest.replace(':', "/"))
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Empty where there is none.
fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap_or_default().to_owned()
}
