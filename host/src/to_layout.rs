//! Where there is no daemon: the judged image as an OCI layout on disk.

use std::{collections::BTreeSet, path::Path, time::Duration};

use oci::{AnyDigest, Descriptor, Document, ImageRef, PinnedRef, Platform, Repository};
use registry::{
    Client, Download, Lookup, Reference, RegistryError, Resolved,
    layout::{BlobWriter, Layout, LayoutError, REF_NAME},
};
use tokio::time::timeout;

/// Writes exactly the image that was judged, its layers checked as they arrive, and names it as it was asked for. Of
/// an index everything below it is written, or with `platform` only that manifest. Answers how many blobs there are.
///
/// Each MiB of a blob, and its end, must arrive within `patience`: a large image may take its time, a registry that
/// only drips may not.
///
/// # Errors
/// Fails if something is missing, is not what its digest says, comes too slowly, or cannot be written. The layout
/// names the image only if all of it is there.
pub async fn copy_to_layout(
    client: &Client,
    asked: &ImageRef,
    pinned: &PinnedRef,
    platform: Option<&str>,
    folder: &Path,
    patience: Duration,
) -> Result<usize, CopyError> {
    let layout = open_or_create(folder)?;
    let image = ImageRef::digested(pinned.repository().clone(), (*pinned.digest()).into());
    let Lookup::Found(resolved) = client.resolve(&image).await? else {
        return Err(CopyError::Absent(image.to_string()));
    };
    let Resolved { document, bytes, .. } = resolved;
    let (mut top, mut document, mut bytes) = (Descriptor::of(document.media_type(), &bytes), document, bytes);
    if let (Some(platform), Document::Index(_, index)) = (platform, &document) {
        top = for_platform(&index.manifests, platform)?.clone();
        (document, bytes) = fetch(client, pinned.repository(), &top).await?;
    }
    let mut copy =
        Copy { client, repository: pinned.repository(), layout: &layout, patience, written: BTreeSet::new() };
    copy.everything_below(document).await?;
    let named = asked.effective_tag().map_or_else(|| asked.to_string(), |tag| format!("{}:{tag}", asked.repository()));
    top.annotations.insert(REF_NAME.to_owned(), named);
    layout.add_manifest(&top, &bytes)?;
    copy.written.insert(top.digest);
    Ok(copy.written.len())
}

/// A layout that is there is added to; an image of the same name is replaced.
fn open_or_create(folder: &Path) -> Result<Layout, LayoutError> {
    match Layout::open(folder) {
        Err(LayoutError::NotALayout { .. }) => Layout::create(folder),
        other => other,
    }
}

struct Copy<'a> {
    client: &'a Client,
    repository: &'a Repository,
    layout: &'a Layout,
    patience: Duration,
    /// What this copy has checked. What lay there before is not relied on, whatever its name.
    written: BTreeSet<AnyDigest>,
}

impl Copy<'_> {
    /// Configuration and layers of a manifest; of an index all that and the manifests. Children come first, so that
    /// nothing in the layout ever names what is not there.
    async fn everything_below(&mut self, document: Document) -> Result<(), CopyError> {
        let children = match document {
            Document::Manifest(_, manifest) => return self.blobs_of(manifest).await,
            Document::Index(_, index) => index.manifests,
        };
        for child in children {
            let (document, bytes) = fetch(self.client, self.repository, &child).await?;
            match document {
                Document::Manifest(_, manifest) => self.blobs_of(manifest).await?,
                Document::Index(..) => return Err(CopyError::Nested(child.digest.to_string())),
            }
            self.layout.add_blob(&bytes)?;
            self.written.insert(child.digest);
        }
        Ok(())
    }

    async fn blobs_of(&mut self, manifest: oci::Manifest) -> Result<(), CopyError> {
        for descriptor in std::iter::once(manifest.config).chain(manifest.layers) {
            if !self.written.contains(&descriptor.digest) {
                self.blob(&descriptor).await?;
                self.written.insert(descriptor.digest);
            }
        }
        Ok(())
    }

    async fn blob(&self, descriptor: &Descriptor) -> Result<(), CopyError> {
        let late = |_| CopyError::Slow { blob: descriptor.digest.to_string(), patience: self.patience };
        let asked = timeout(self.patience, self.client.download(self.repository, descriptor));
        let Lookup::Found(mut download) = asked.await.map_err(late)?? else {
            return Err(CopyError::Absent(descriptor.digest.to_string()));
        };
        let mut writer = self.layout.writer(descriptor.digest, descriptor.size)?;
        while timeout(self.patience, next_step(&mut download, &mut writer)).await.map_err(late)?? {}
        Ok(writer.finish()?)
    }
}

/// Writes what arrives until there is a MiB of it. False if that was the end.
async fn next_step(download: &mut Download, writer: &mut BlobWriter) -> Result<bool, CopyError> {
    let mut arrived = 0;
    while arrived < STEP {
        let Some(piece) = download.next().await? else { return Ok(false) };
        arrived += piece.len();
        writer.write(&piece)?;
    }
    Ok(true)
}

async fn fetch(
    client: &Client,
    repository: &Repository,
    descriptor: &Descriptor,
) -> Result<(Document, bytes::Bytes), CopyError> {
    match client.manifest(repository, &Reference::Digest(descriptor.digest)).await? {
        Lookup::Found(fetched) => Ok((fetched.document, fetched.bytes)),
        Lookup::Absent => Err(CopyError::Absent(descriptor.digest.to_string())),
    }
}

/// The manifest for `os[/architecture[/variant]]`, the first if several fit.
fn for_platform<'a>(manifests: &'a [Descriptor], wanted: &str) -> Result<&'a Descriptor, CopyError> {
    let fits = |platform: &Platform| {
        let found = [Some(platform.os.as_str()), Some(&platform.architecture), platform.variant.as_deref()];
        wanted.split('/').zip(found).all(|(wanted, found)| Some(wanted) == found) && wanted.split('/').count() <= 3
    };
    let found = manifests.iter().find(|manifest| manifest.platform.as_ref().is_some_and(fits));
    found.ok_or_else(|| CopyError::NoPlatform { wanted: wanted.to_owned(), found: platforms(manifests) })
}

fn platforms(manifests: &[Descriptor]) -> String {
    let names = manifests.iter().filter_map(|m| m.platform.as_ref()).map(|p| format!("{}/{}", p.os, p.architecture));
    oci::excerpt(&names.take(20).collect::<Vec<_>>().join(", "), 500)
}

/// How much must arrive in the time that is given.
const STEP: usize = 1 << 20;

/// Why an image was not written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Part of the image is not in the registry.
    #[error("{0} is not in the registry")]
    Absent(String),
    /// It comes too slowly.
    #[error("blob {blob} comes too slowly: neither 1 MiB more nor its end within {:.1} s", .patience.as_secs_f64())]
    Slow {
        /// The digest of what is being fetched.
        blob: String,
        /// How long was waited.
        patience: Duration,
    },
    /// An index in an index.
    #[error("index {0} stands in an index, which is not copied")]
    Nested(String),
    /// No manifest for the platform.
    #[error("no manifest for platform {wanted}, found {found}")]
    NoPlatform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The disk.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests() -> Vec<Descriptor> {
        let with = |architecture: &str, variant: Option<&str>| {
            let platform =
                Platform { architecture: architecture.into(), os: "linux".into(), variant: variant.map(Into::into) };
            Descriptor { platform: Some(platform), ..Descriptor::of("x", architecture.as_bytes()) }
        };
        vec![with("amd64", None), with("arm", Some("v7"))]
    }

    #[test]
    fn platform_is_chosen_by_what_was_asked_for() {
        let manifests = manifests();
        assert_eq!(for_platform(&manifests, "linux").unwrap(), &manifests[0]);
        assert_eq!(for_platform(&manifests, "linux/arm").unwrap(), &manifests[1]);
        assert_eq!(for_platform(&manifests, "linux/arm/v7").unwrap(), &manifests[1]);
    }

    #[test]
    fn platforms_of_a_stranger_are_told_in_brief() {
        let platform = Platform { architecture: "\u{202e}".repeat(100_000), os: "linux".into(), variant: None };
        let manifests = [Descriptor { platform: Some(platform), ..Descriptor::of("x", b"") }];
        assert!(for_platform(&manifests, "windows").unwrap_err().to_string().len() < 600);
    }

    #[test]
    fn platform_that_is_not_there_is_refused_with_those_that_are() {
        for wanted in ["linux/s390x", "windows", "linux/arm/v6", "linux/arm/v7/x", ""] {
            let error = for_platform(&manifests(), wanted).unwrap_err().to_string();
            assert!(error.contains("linux/amd64, linux/arm"), "{wanted}: {error}");
        }
    }
}
