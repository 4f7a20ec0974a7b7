//! Signing an image: what is to be signed, then each signature made and stored.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use keys::SigningFailed;
use oci::{
    Descriptor, Digest, Document, ImageRef, Repository, location,
    location::{Attachment, EMPTY_CONFIG},
    media_type, simple_signing,
};
use registry::{Client, Lookup, NewLayer, Reference, RegistryError, Resolved};
use verifier::SIGN_PREDICATE;

use crate::{SigningKey, bundle};

/// The most manifests that one recursive signing covers.
const MAX_TARGETS: usize = 1000;

/// In which format signatures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A layer under the tag `sha256-<hex>.sig`, which every verifier of cosign's signatures reads.
    Legacy,
    /// A Sigstore bundle that refers to the image, as cosign 3 writes.
    Bundle,
    /// Both.
    Both,
}

/// Makes and stores signatures.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The registry client.
    pub client: Client,
    /// Where signatures are stored; beside the image where this is none.
    pub stored_in: Option<Repository>,
    /// In which format.
    pub format: Format,
    /// What the signer says beside the digest.
    pub annotations: BTreeMap<String, String>,
}

/// One manifest or index to be signed, as it was resolved.
#[derive(Debug, Clone)]
pub struct Target {
    repository: Repository,
    descriptor: Descriptor,
    digest: Digest,
}

impl Target {
    fn new(resolved: &Resolved) -> Self {
        let descriptor = Descriptor::of(resolved.document.media_type(), &resolved.bytes);
        let (repository, digest) = (resolved.pinned.repository().clone(), *resolved.pinned.digest());
        Self { repository, descriptor, digest }
    }
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The digest.
    pub digest: Digest,
    /// The repository that the signature was stored in.
    pub stored_in: Repository,
    /// The same key had signed the same payload before; nothing was added.
    pub unchanged: bool,
}

impl Signer {
    /// What signing this image means: the manifest or index it names, and if `recursive` every manifest below.
    ///
    /// # Errors
    /// Fails if something does not exist or cannot be read, and if there are more than 1,000 manifests.
    pub async fn targets(&self, image: &ImageRef, recursive: bool) -> Result<Vec<Target>, SignError> {
        let (mut targets, mut waiting) = (Vec::new(), vec![image.clone()]);
        // what indexes name, before it is asked for; and what was found, since one manifest may go by two digests
        let (mut listed, mut seen) = (BTreeSet::new(), BTreeSet::new());
        while let Some(image) = waiting.pop() {
            let Lookup::Found(resolved) = self.client.resolve(&image).await? else {
                return Err(SignError::Absent { image });
            };
            if !seen.insert(*resolved.pinned.digest()) {
                continue;
            }
            targets.push(Target::new(&resolved));
            if let (true, Document::Index(_, index)) = (recursive, &resolved.document) {
                let below = |digest| ImageRef::digested(image.repository().clone(), digest);
                let new = index.manifests.iter().map(|child| child.digest).filter(|digest| listed.insert(*digest));
                waiting.extend(new.map(below).collect::<Vec<_>>().into_iter().rev());
            }
            if listed.len() >= MAX_TARGETS {
                return Err(SignError::TooMany);
            }
        }
        Ok(targets)
    }

    /// Signs one target and stores the signature.
    ///
    /// # Errors
    /// Fails if the key cannot be used or the registry does not take the signature. With both formats, the legacy
    /// signature is stored first.
    pub async fn sign(&self, key: &SigningKey, target: &Target) -> Result<Signed, SignError> {
        let stored_in = self.stored_in.clone().unwrap_or_else(|| target.repository.clone());
        let mut unchanged = false;
        if self.format != Format::Bundle {
            unchanged = !self.add_layer(key, target, &stored_in).await?;
        }
        if self.format != Format::Legacy {
            self.add_bundle(key, target, &stored_in).await?;
            unchanged = false;
        }
        Ok(Signed { digest: target.digest, stored_in, unchanged })
    }

    /// Adds a layer to the `.sig` manifest, unless this key has signed the same payload there.
    async fn add_layer(&self, key: &SigningKey, target: &Target, stored_in: &Repository) -> Result<bool, SignError> {
        let payload = simple_signing::render(&target.repository, &target.digest, &self.annotations);
        let tag = location::attachment_tag(&target.digest, Attachment::Signature);
        let mut descriptor = Descriptor::of(media_type::SIMPLE_SIGNING, &payload);
        let stored = self.client.manifest(stored_in, &Reference::Tag(tag.clone())).await?.found();
        if stored.is_some_and(|stored| holds(&stored.document, &descriptor, key, &payload)) {
            return Ok(false);
        }
        let signature = BASE64_STANDARD.encode(key.sign(&payload).await?);
        descriptor.annotations.insert(location::SIGNATURE_ANNOTATION.to_owned(), signature);
        let layer = NewLayer { descriptor, bytes: Bytes::from(payload) };
        self.client.append_layers(stored_in, &tag, &[layer]).await?;
        Ok(true)
    }

    async fn add_bundle(&self, key: &SigningKey, target: &Target, stored_in: &Repository) -> Result<(), SignError> {
        let bundle = Bytes::from(bundle::make(key, &target.digest, &self.annotations).await?);
        let created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let manifest = location::bundle_manifest(&bundle, &target.descriptor, SIGN_PREDICATE, &created);
        let empty = Bytes::from_static(EMPTY_CONFIG);
        futures::try_join!(self.client.push_blob(stored_in, &empty), self.client.push_blob(stored_in, &bundle))?;
        self.client.push_referrer(stored_in, manifest.into()).await?;
        Ok(())
    }
}

/// Whether a layer has this payload, signed by this key.
fn holds(document: &Document, layer: &Descriptor, key: &SigningKey, payload: &[u8]) -> bool {
    let Document::Manifest(_, manifest) = document else { return false };
    manifest.layers.iter().filter(|stored| stored.digest == layer.digest).any(|stored| {
        let text = stored.annotations.get(location::SIGNATURE_ANNOTATION);
        let signature = text.and_then(|text| BASE64_STANDARD.decode(text).ok());
        signature.is_some_and(|signature| key.public().verify(payload, &signature).is_ok())
    })
}

/// Why an image was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There is no such image, or an index names a manifest that is not there.
    #[error("image `{image}` does not exist in its registry")]
    Absent {
        /// The image.
        image: ImageRef,
    },
    /// The index has too much below it.
    #[error("more than {MAX_TARGETS} manifests to sign")]
    TooMany,
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningFailed),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}
