//! All signatures or attestations of one image: cosign's tag for them, and bundles or layers in referrers, asked for at
//! once.
//!
//! A source is either read to its end or leaves a gap that says why. What is listed but cannot be had in good order is
//! a signature that cannot be read, and is handed on as that; what is somebody else's artifact is passed over. No blob
//! is fetched twice for one image.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use oci::{
    AnyDigest, Descriptor, Document, Manifest, ManifestError, PinnedRef, Repository,
    location::{Attachment, TagPrefix},
    media_type::{BUNDLE_PREFIX, DSSE_ENVELOPE, SIMPLE_SIGNING},
};
use tokio::sync::OnceCell;
use verifier::{Found, Gap, Place, Source, UntrustedSignature};

use crate::{
    Client, Lookup, Reference, RegistryError,
    error::{Item, Violation},
    referrers::NotListed,
};

/// What was found for one image.
#[derive(Debug)]
pub struct Discovery {
    /// The signatures as found, and the gaps, in words.
    pub found: Found,
    /// The gaps' errors, in the order of the gaps.
    pub errors: Vec<RegistryError>,
}

/// What is looked for. It decides which legacy layers are read, and under which tag. Bundles are read either way: only
/// what they say tells what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Signatures: the tag `sha256-<hex>.sig`, and layers of that kind.
    Signatures,
    /// Attestations: the tag `sha256-<hex>.att`, and layers of that kind.
    Attestations,
}

impl Kind {
    fn tag(self) -> (Source, Attachment) {
        match self {
            Self::Signatures => (Source::SignatureTag, Attachment::Signature),
            Self::Attestations => (Source::AttestationTag, Attachment::Attestation),
        }
    }

    /// The media type of its layers, and how they are read.
    fn layer(self) -> (&'static str, Form) {
        match self {
            Self::Signatures => (SIMPLE_SIGNING, Form::Payload),
            Self::Attestations => (DSSE_ENVELOPE, Form::Envelope),
        }
    }
}

impl Client {
    /// Every signature, or every attestation, of this image in the repository where they are stored (usually its own).
    ///
    /// Never fails as a whole: what could not be read is a gap. The image itself is not asked for.
    pub async fn discover(&self, image: &PinnedRef, stored_in: &Repository, kind: Kind) -> Discovery {
        self.discover_kinds(image, stored_in, &TagPrefix::default(), &[kind]).await
    }

    /// The same, of several kinds at once, so that referrers are listed and read once for all. Tags have this prefix.
    pub async fn discover_kinds(
        &self,
        image: &PinnedRef,
        stored_in: &Repository,
        prefix: &TagPrefix,
        kinds: &[Kind],
    ) -> Discovery {
        let hunt = Hunt::new(self, stored_in, kinds);
        let subject = (*image.digest()).into();
        let by_tags = futures::future::join_all(kinds.iter().map(|kind| hunt.tag(image, prefix, *kind)));
        let (by_tags, by_referrers) = tokio::join!(by_tags, hunt.referrers(&subject));
        let (mut found, mut errors) = (Found::default(), Vec::new());
        for Haul { signatures, gap } in by_tags.into_iter().chain([by_referrers]) {
            found.signatures.extend(signatures);
            if let Some((source, error)) = gap {
                found.gaps.push(Gap { source, why: error.to_string() });
                errors.push(error);
            }
        }
        Discovery { found, errors }
    }
}

/// One source's signatures, and why there may be more.
#[derive(Default)]
struct Haul {
    signatures: Vec<UntrustedSignature>,
    gap: Option<(Source, RegistryError)>,
}

/// One layer that holds a signature.
struct Lead {
    place: Place,
    layer: Descriptor,
    form: Form,
}

impl Lead {
    /// About what it takes to keep it, its blob aside.
    fn cost(&self) -> u64 {
        let annotations = self.layer.annotations.iter().map(|(key, value)| key.len() + value.len() + 100);
        (size_of::<Self>() + annotations.sum::<usize>()) as u64
    }
}

enum Form {
    Payload,
    Envelope,
    Bundle,
    /// Known to be unreadable without a look.
    Broken(String),
}

type Blob = Result<Lookup<Bytes>, RegistryError>;

struct Hunt<'a> {
    client: &'a Client,
    repository: &'a Repository,
    kinds: &'a [Kind],
    blobs: Mutex<HashMap<AnyDigest, Arc<OnceCell<Blob>>>>,
    /// Bytes that may still be kept.
    left: Mutex<u64>,
}

impl<'a> Hunt<'a> {
    fn new(client: &'a Client, repository: &'a Repository, kinds: &'a [Kind]) -> Self {
        let left = Mutex::new(client.limits().signatures_total);
        Self { client, repository, kinds, blobs: Mutex::default(), left }
    }

    async fn tag(&self, image: &PinnedRef, prefix: &TagPrefix, kind: Kind) -> Haul {
        let (source, attachment) = kind.tag();
        let gap = |error| Haul { gap: Some((source, error)), ..Haul::default() };
        let tag = prefix.tag(image.digest(), attachment);
        let fetched = match self.client.manifest(self.repository, &Reference::Tag(tag)).await {
            Ok(Lookup::Found(fetched)) => fetched,
            Ok(Lookup::Absent) => return Haul::default(),
            Err(error) => return gap(error),
        };
        let leads = match fetched.document {
            Document::Manifest(_, manifest) => layers(&[kind], source, fetched.digest.into(), manifest),
            Document::Index(found, _) => {
                let violation = Violation::Kind { found, wanted: "a manifest with signatures" };
                return gap(RegistryError::Violation { registry: self.registry(), violation });
            }
        };
        self.follow(source, leads).await
    }

    async fn referrers(&self, subject: &AnyDigest) -> Haul {
        let listed = match self.client.list_referrers(self.repository, subject).await {
            Ok(listed) => listed,
            Err(NotListed { source, error }) => return Haul { gap: Some((source, error)), ..Haul::default() },
        };
        let source = listed.source;
        let opened = stream::iter(listed.referrers).map(|referrer| self.open(source, referrer));
        let opened = opened.buffered(self.client.limits().requests_per_host);
        let leads: Result<Vec<Vec<Lead>>, _> = opened.try_collect().await;
        match leads {
            Ok(leads) => self.follow(source, leads.into_iter().flatten().collect()).await,
            Err(error) => Haul { gap: Some((source, error)), ..Haul::default() },
        }
    }

    /// The layers with signatures in one referrer, whatever the list says of it.
    async fn open(&self, source: Source, referrer: Descriptor) -> Result<Vec<Lead>, RegistryError> {
        let place = Place { source, manifest: referrer.digest, index: 0 };
        let broken = |why: String| {
            Ok(vec![Lead { place: place.clone(), layer: Descriptor::of("", b""), form: Form::Broken(why) }])
        };
        let limit = self.client.limits().referrer_manifest;
        if referrer.size > limit {
            return broken(format!("its manifest is larger than {limit} bytes, {} declared", referrer.size));
        }
        let reference = Reference::Digest(referrer.digest);
        match self.client.manifest_within(self.repository, &reference, limit).await {
            Ok(Lookup::Found(fetched)) => match fetched.document {
                Document::Manifest(_, manifest) => {
                    let leads = self.in_referrer(source, referrer.digest, manifest);
                    self.keep(leads.iter().map(Lead::cost).sum())?;
                    Ok(leads)
                }
                Document::Index(..) => Ok(Vec::new()),
            },
            Ok(Lookup::Absent) => broken("its manifest is listed, but absent".to_owned()),
            // of a kind that holds no signature of any format we know
            Err(RegistryError::Violation {
                violation: Violation::Manifest(ManifestError::MediaType { .. }), ..
            }) => Ok(Vec::new()),
            Err(error) if error.is_about_content() => broken(error.to_string()),
            Err(error) => Err(error),
        }
    }

    /// A bundle is the only layer of its manifest. In a manifest with more, nobody can say which one is meant.
    fn in_referrer(&self, source: Source, digest: AnyDigest, mut manifest: Manifest) -> Vec<Lead> {
        let count = manifest.layers.len();
        let Some(index) = manifest.layers.iter().position(|layer| layer.media_type.starts_with(BUNDLE_PREFIX)) else {
            return layers(self.kinds, source, digest, manifest);
        };
        let form = match count {
            1 => Form::Bundle,
            _ => Form::Broken(format!("its manifest has {count} layers, wanted the bundle alone")),
        };
        vec![lead(source, digest, index, manifest.layers.swap_remove(index), form)]
    }

    /// Fetches what the leads name, in order, until a failure shows that the source cannot be read to its end.
    async fn follow(&self, source: Source, mut leads: Vec<Lead>) -> Haul {
        let limits = self.client.limits();
        let most = limits.signature_layers;
        let excess = leads.len() > most;
        leads.truncate(most);
        let mut fetched = stream::iter(leads).map(|lead| self.fetch(lead)).buffered(limits.requests_per_host);
        let mut haul = Haul::default();
        while let Some(result) = fetched.next().await {
            match result {
                Ok(signature) => haul.signatures.push(signature),
                Err(error) => return Haul { gap: Some((source, error)), ..haul },
            }
        }
        if excess {
            let item = Item::SignatureLayers;
            haul.gap = Some((source, RegistryError::TooMany { registry: self.registry(), item, limit: most }));
        }
        haul
    }

    async fn fetch(&self, lead: Lead) -> Result<UntrustedSignature, RegistryError> {
        let Lead { place, layer, form } = lead;
        let limits = self.client.limits();
        let most = match &form {
            Form::Broken(why) => return self.unreadable(place, why.clone()),
            Form::Payload => limits.payload,
            Form::Envelope | Form::Bundle => limits.bundle,
        };
        let bytes = match self.blob(&layer, most).await {
            Ok(Lookup::Found(bytes)) => bytes,
            Ok(Lookup::Absent) => {
                return self.unreadable(place, "its blob is listed, but absent".to_owned());
            }
            Err(error) if error.is_about_content() => {
                return self.unreadable(place, error.to_string());
            }
            Err(error) => return Err(error),
        };
        Ok(match form {
            Form::Bundle => UntrustedSignature::bundle(place, bytes.into()),
            Form::Envelope => UntrustedSignature::envelope(place, bytes.into(), layer.annotations),
            _ => UntrustedSignature::layer(place, bytes.into(), layer.annotations),
        })
    }

    /// What cannot be read is kept as well, with the reason.
    fn unreadable(&self, place: Place, why: String) -> Result<UntrustedSignature, RegistryError> {
        self.keep((size_of::<UntrustedSignature>() + why.len()) as u64)?;
        Ok(UntrustedSignature::unreadable(place, why))
    }

    /// A blob, fetched once whoever else asks for it too. Each use of it counts against what may be kept.
    async fn blob(&self, layer: &Descriptor, most: u64) -> Blob {
        if layer.size <= most {
            self.keep(layer.size)?;
        }
        let cell = {
            let mut blobs = self.blobs.lock().expect("nothing that holds this lock can panic");
            blobs.entry(layer.digest).or_default().clone()
        };
        let fetched = cell.get_or_init(|| self.client.blob(self.repository, layer, most)).await.clone()?;
        match &fetched {
            Lookup::Found(bytes) if bytes.len() as u64 != layer.size => {
                let violation = Violation::Size { found: bytes.len() as u64, wanted: layer.size };
                Err(RegistryError::Violation { registry: self.registry(), violation })
            }
            _ => Ok(fetched),
        }
    }

    fn keep(&self, size: u64) -> Result<(), RegistryError> {
        let mut left = self.left.lock().expect("nothing that holds this lock can panic");
        match left.checked_sub(size) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => Err(RegistryError::TooMany {
                registry: self.registry(),
                item: Item::SignatureBytes,
                limit: usize::try_from(self.client.limits().signatures_total).unwrap_or(usize::MAX),
            }),
        }
    }

    fn registry(&self) -> String {
        self.repository.domain().to_owned()
    }
}

/// The layers of a manifest that are of these kinds.
fn layers(kinds: &[Kind], source: Source, digest: AnyDigest, manifest: Manifest) -> Vec<Lead> {
    let of_kind = |(index, layer): (usize, Descriptor)| {
        let (_, form) = kinds.iter().map(|kind| kind.layer()).find(|(wanted, _)| layer.media_type == *wanted)?;
        Some(lead(source, digest, index, layer, form))
    };
    manifest.layers.into_iter().enumerate().filter_map(of_kind).collect()
}

fn lead(source: Source, manifest: AnyDigest, index: usize, layer: Descriptor, form: Form) -> Lead {
    Lead { place: Place { source, manifest, index }, layer, form }
}
