//! `--local-image`: an image on disk with its signatures and attestations, as `cosign save` writes it.
//!
//! The index names the image, and by annotation the manifests that would be under cosign's tags; bundles lie among the
//! blobs, below manifests that name the image as their subject.

use std::{fs, path::Path};

use oci::{
    AnyDigest, Descriptor, Digest, Document, Manifest, PinnedRef,
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
    let reading = |error: LayoutError| failed(directory, &error);
    let layout = Layout::open(directory).map_err(reading)?;
    let index = layout.index().map_err(reading)?;
    let image = image(&index.manifests).map_err(|why| failed(directory, &why))?;
    let _ = layout.blob(&image.into(), MAX_MANIFEST).map_err(reading)?;
    let saved = Saved { layout };
    let mut signatures = Vec::new();
    for kind in kinds {
        let (noted, source) = tag(*kind);
        for entry in index.manifests.iter().filter(|entry| kind_of(entry) == Some(noted)) {
            signatures.extend(saved.layers(&[*kind], source, entry.digest).map_err(reading)?);
        }
    }
    for manifest in saved.referrers(directory, &image)? {
        signatures.extend(saved.layers(kinds, Source::Referrers, manifest).map_err(reading)?);
    }
    let repository = NAME.parse().expect("the name is a repository's");
    let found = Found { signatures, gaps: Vec::new() };
    Ok((PinnedRef::new(repository, image), Discovery { found, errors: Vec::new() }))
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

/// How cosign notes what would be under its tag, and which tag that is.
fn tag(kind: Kind) -> (&'static str, Source) {
    match kind {
        Kind::Signatures => ("dev.cosignproject.cosign/sigs", Source::SignatureTag),
        Kind::Attestations => ("dev.cosignproject.cosign/atts", Source::AttestationTag),
    }
}

fn media_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Signatures => SIMPLE_SIGNING,
        Kind::Attestations => DSSE_ENVELOPE,
    }
}

/// A layout with an image in it.
struct Saved {
    layout: Layout,
}

impl Saved {
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
/// By which name a layout's image goes, which names none itself.
const NAME: &str = "localhost/local-image";
const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
const MAX_BUNDLE: u64 = 8 * 1024 * 1024;
const MAX_BLOBS: usize = 65536;
