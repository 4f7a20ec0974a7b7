//! What is to be signed: one manifest or index each, as it was resolved.

use std::collections::BTreeSet;

use oci::{Descriptor, Digest, Document, ImageRef, PinnedRef};
use registry::{Client, Lookup, Resolved};

use crate::SignError;

/// One manifest or index to be signed, as it was resolved.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) image: PinnedRef,
    pub(crate) descriptor: Descriptor,
}

impl Target {
    fn new(resolved: &Resolved) -> Self {
        let descriptor = Descriptor::of(resolved.document.media_type(), &resolved.bytes);
        Self { image: resolved.pinned.clone(), descriptor }
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &PinnedRef {
        &self.image
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.image.digest()
    }
}

/// The manifest or index that the image names, and if `recursive` every manifest below.
pub(crate) async fn targets(client: &Client, image: &ImageRef, recursive: bool) -> Result<Vec<Target>, SignError> {
    let (mut targets, mut waiting) = (Vec::new(), vec![image.clone()]);
    // what indexes name, before it is asked for; and what was found, since one manifest may go by two digests
    let (mut listed, mut seen) = (BTreeSet::new(), BTreeSet::new());
    while let Some(image) = waiting.pop() {
        let Lookup::Found(resolved) = client.resolve(&image).await? else {
            return Err(SignError::Absent { image: Box::new(image) });
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

/// The most manifests that one recursive signing covers.
pub(crate) const MAX_TARGETS: usize = 1000;
