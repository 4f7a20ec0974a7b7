//! `--local-image`: an image on disk with its signatures and attestations, as `cosign save` writes it.
//!
//! The index names the image, and by annotation the manifests that would be under cosign's tags; bundles lie among the
//! blobs, below manifests that name the image as their subject. A recording has beside these what an image lists and the
//! index that lists it, each with its own, under annotations that cosign does not look at.

use std::{fs, path::Path};

use oci::{
    AnyDigest, Descriptor, Digest, Document, Index, Manifest, PinnedRef,
    media_type::{BUNDLE_PREFIX, DSSE_ENVELOPE, SIMPLE_SIGNING},
};
use registry::{
    Discovery, Kind,
    layout::{Layout, LayoutError},
};
use verifier::{Found, Place, Source, UntrustedSignature};

use crate::{bounded_file::plain, exit::Failure};

/// The image by digest, and what of these kinds the layout holds for it.
pub(super) fn find(directory: &str, kinds: &[Kind]) -> Result<(PinnedRef, Discovery), Failure> {
    let saved = Saved::open(directory)?;
    let repository = NAME.parse().expect("the name is a repository's");
    let discovery = Discovery { found: saved.found(&saved.image, kinds)?, errors: Vec::new() };
    Ok((PinnedRef::new(repository, saved.image), discovery))
}

/// The one image that an index names.
fn image(entries: &[Descriptor]) -> Result<Digest, String> {
    let images: Vec<_> =
        entries.iter().filter(|entry| kind_of(entry).is_none_or(|kind| IMAGES.contains(&kind))).collect();
    match images[..] {
        [image] => image.digest.sha256().ok_or_else(|| format!("image {} found, wanted one by sha256", image.digest)),
        _ => Err(format!("{} images found, wanted one", images.len())),
    }
}

/// What cosign notes of an entry.
fn kind_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get("kind").map(String::as_str)
}

/// Whether all of this is noted of an entry.
fn has(entry: &Descriptor, noted: &[(&str, String)]) -> bool {
    noted.iter().all(|(name, value)| entry.annotations.get(*name) == Some(value))
}

/// The tag that holds this kind.
fn tag(kind: Kind) -> Source {
    match kind {
        Kind::Signatures => Source::SignatureTag,
        Kind::Attestations => Source::AttestationTag,
    }
}

/// How cosign notes, of the image, what would be under its tag; of referrers it notes nothing.
pub(super) fn note(source: Source) -> Option<Vec<(&'static str, String)>> {
    match source {
        Source::SignatureTag => Some(vec![("kind", "dev.cosignproject.cosign/sigs".to_owned())]),
        Source::AttestationTag => Some(vec![("kind", "dev.cosignproject.cosign/atts".to_owned())]),
        Source::Referrers | Source::FallbackTag => None,
    }
}

/// The same of another manifest than the image.
pub(super) fn note_of_other(source: Source, subject: &Digest) -> Option<Vec<(&'static str, String)>> {
    let kind = match source {
        Source::SignatureTag => "dev.sealgate/sigs",
        Source::AttestationTag => "dev.sealgate/atts",
        Source::Referrers | Source::FallbackTag => return None,
    };
    Some(vec![("kind", kind.to_owned()), (OF, subject.to_string())])
}

/// How a recording notes the index that the image was picked from.
pub(super) fn note_of_index() -> Vec<(&'static str, String)> {
    vec![("kind", ABOVE.to_owned())]
}

fn media_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Signatures => SIMPLE_SIGNING,
        Kind::Attestations => DSSE_ENVELOPE,
    }
}

/// A layout with an image in it.
pub(super) struct Saved {
    directory: String,
    layout: Layout,
    index: Index,
    /// The one image.
    pub(super) image: Digest,
}

impl Saved {
    /// The layout in a folder.
    pub(super) fn open(directory: &str) -> Result<Self, Failure> {
        let reading = |error: LayoutError| failed(directory, &error);
        let layout = Layout::open(directory).map_err(reading)?;
        let index = layout.index().map_err(reading)?;
        let image = image(&index.manifests).map_err(|why| failed(directory, &why))?;
        let _ = layout.blob(&image.into(), MAX_MANIFEST).map_err(reading)?;
        Ok(Self { directory: directory.to_owned(), layout, index, image })
    }

    /// What of these kinds lies there for a manifest.
    pub(super) fn found(&self, subject: &Digest, kinds: &[Kind]) -> Result<Found, Failure> {
        let reading = |error: LayoutError| failed(&self.directory, &error);
        let mut signatures = Vec::new();
        for kind in kinds {
            let source = tag(*kind);
            let noted = if *subject == self.image { note(source) } else { note_of_other(source, subject) };
            for entry in self.index.manifests.iter().filter(|entry| noted.as_ref().is_some_and(|n| has(entry, n))) {
                signatures.extend(self.layers(&[*kind], source, entry.digest).map_err(reading)?);
            }
        }
        for manifest in self.referrers(&self.directory, subject)? {
            signatures.extend(self.layers(kinds, Source::Referrers, manifest).map_err(reading)?);
        }
        Ok(Found { signatures, gaps: Vec::new() })
    }

    /// The manifest with this digest, if it lies there.
    pub(super) fn document(&self, digest: &Digest) -> Option<Document> {
        let bytes = self.layout.blob(&(*digest).into(), MAX_MANIFEST).ok()?;
        Document::parse(&bytes, None).ok()
    }

    /// The index that the image was picked from, if it was recorded.
    pub(super) fn above(&self) -> Option<Digest> {
        let entry = self.index.manifests.iter().find(|entry| kind_of(entry) == Some(ABOVE))?;
        entry.digest.sha256()
    }

    /// What the layers of these kinds in a manifest hold; one that cannot be read is one that does not count.
    fn layers(
        &self,
        kinds: &[Kind],
        source: Source,
        manifest: AnyDigest,
    ) -> Result<Vec<UntrustedSignature>, LayoutError> {
        let bytes = self.layout.blob(&manifest, MAX_MANIFEST)?;
        let place = |index| Place { source, manifest, index };
        match Document::parse(&bytes, None) {
            Ok(Document::Manifest(_, Manifest { layers, .. })) => {
                let layers = layers.into_iter().enumerate();
                Ok(layers.filter_map(|(index, layer)| self.signature(kinds, place(index), layer)).collect())
            }
            Ok(Document::Index(..)) => Ok(vec![UntrustedSignature::unreadable(place(0), "it is an index".to_owned())]),
            Err(why) => Ok(vec![UntrustedSignature::unreadable(place(0), why.to_string())]),
        }
    }

    fn signature(&self, kinds: &[Kind], place: Place, layer: Descriptor) -> Option<UntrustedSignature> {
        let kind = kinds.iter().find(|kind| layer.media_type == media_type(**kind));
        let bundle = layer.media_type.starts_with(BUNDLE_PREFIX);
        if kind.is_none() && !bundle {
            return None;
        }
        Some(match (self.layout.blob(&layer.digest, MAX_BUNDLE), kind) {
            (Err(why), _) => UntrustedSignature::unreadable(place, why.to_string()),
            (Ok(bytes), None) => UntrustedSignature::bundle(place, bytes),
            (Ok(bytes), Some(Kind::Signatures)) => UntrustedSignature::layer(place, bytes, layer.annotations),
            (Ok(bytes), Some(Kind::Attestations)) => UntrustedSignature::envelope(place, bytes, layer.annotations),
        })
    }

    /// The manifests among the blobs that refer to this image, in the order of their digests.
    fn referrers(&self, directory: &str, image: &Digest) -> Result<Vec<AnyDigest>, Failure> {
        let folder = Path::new(directory).join("blobs").join("sha256");
        let reading = |error: std::io::Error| failed(directory, &plain(&error));
        let mut found = Vec::new();
        for (count, entry) in fs::read_dir(folder).map_err(reading)?.enumerate() {
            if count == MAX_BLOBS {
                return Err(failed(directory, &format_args!("more than {MAX_BLOBS} blobs found")));
            }
            let entry = entry.map_err(reading)?;
            let digest = format!("sha256:{}", entry.file_name().to_string_lossy()).parse::<AnyDigest>();
            let small = entry.metadata().map_err(reading)?.len() <= MAX_MANIFEST;
            found.extend(digest.ok().filter(|digest| small && self.refers(digest, image)));
        }
        found.sort();
        Ok(found)
    }

    fn refers(&self, digest: &AnyDigest, image: &Digest) -> bool {
        let document = self.layout.blob(digest, MAX_MANIFEST).ok().and_then(|bytes| Document::parse(&bytes, None).ok());
        let subject = document.as_ref().and_then(Document::subject);
        subject.is_some_and(|subject| subject.digest == AnyDigest::from(*image))
    }
}

fn failed(directory: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("image in `{directory}`: {why}"))
}

const IMAGES: [&str; 2] = ["dev.cosignproject.cosign/image", "dev.cosignproject.cosign/imageIndex"];
/// Whose signatures these are.
const OF: &str = "dev.sealgate/of";
const ABOVE: &str = "dev.sealgate/index";
/// By which name a layout's image goes, which names none itself.
const NAME: &str = "localhost/local-image";
const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
const MAX_BUNDLE: u64 = 8 * 1024 * 1024;
const MAX_BLOBS: usize = 65536;
