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

/// The image by digest, and what the layout holds for it.
pub(super) fn find(directory: &str, kind: Kind) -> Result<(PinnedRef, Discovery), Failure> {
    let reading = |error: LayoutError| failed(directory, &error);
    let layout = Layout::open(directory).map_err(reading)?;
    let index = layout.index().map_err(reading)?;
    let image = image(&index.manifests).map_err(|why| failed(directory, &why))?;
    let _ = layout.blob(&image.into(), MAX_MANIFEST).map_err(reading)?;
    let saved = Saved { layout, kind };
    let tagged = index.manifests.iter().filter(|entry| kind_of(entry) == Some(saved.tag().0));
    let mut signatures = Vec::new();
    for entry in tagged {
        signatures.extend(saved.layers(saved.tag().1, entry.digest).map_err(reading)?);
    }
    for manifest in saved.referrers(directory, &image)? {
        signatures.extend(saved.layers(Source::Referrers, manifest).map_err(reading)?);
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

/// A layout, and what is looked for in it.
struct Saved {
    layout: Layout,
    kind: Kind,
}

impl Saved {
    /// How cosign notes what would be under its tag, and which tag that is.
    fn tag(&self) -> (&'static str, Source) {
        match self.kind {
            Kind::Signatures => ("dev.cosignproject.cosign/sigs", Source::SignatureTag),
            Kind::Attestations => ("dev.cosignproject.cosign/atts", Source::AttestationTag),
        }
    }

    /// What the layers of a manifest hold; one that cannot be read is one that does not count.
    fn layers(&self, source: Source, manifest: AnyDigest) -> Result<Vec<UntrustedSignature>, LayoutError> {
        let bytes = self.layout.blob(&manifest, MAX_MANIFEST)?;
        let place = |index| Place { source, manifest, index };
        match Document::parse(&bytes, None) {
            Ok(Document::Manifest(_, Manifest { layers, .. })) => {
                let layers = layers.into_iter().enumerate();
                Ok(layers.filter_map(|(index, layer)| self.signature(place(index), layer)).collect())
            }
            Ok(Document::Index(..)) => Ok(vec![UntrustedSignature::unreadable(place(0), "it is an index".to_owned())]),
            Err(why) => Ok(vec![UntrustedSignature::unreadable(place(0), why.to_string())]),
        }
    }

    fn signature(&self, place: Place, layer: Descriptor) -> Option<UntrustedSignature> {
        let (payload, envelope) = (SIMPLE_SIGNING, DSSE_ENVELOPE);
        let wanted = match self.kind {
            Kind::Signatures => layer.media_type == payload,
            Kind::Attestations => layer.media_type == envelope,
        };
        let bundle = layer.media_type.starts_with(BUNDLE_PREFIX);
        if !wanted && !bundle {
            return None;
        }
        Some(match self.layout.blob(&layer.digest, MAX_BUNDLE) {
            Err(why) => UntrustedSignature::unreadable(place, why.to_string()),
            Ok(bytes) if bundle => UntrustedSignature::bundle(place, bytes),
            Ok(bytes) if self.kind == Kind::Signatures => UntrustedSignature::layer(place, bytes, layer.annotations),
            Ok(bytes) => UntrustedSignature::envelope(place, bytes, layer.annotations),
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
