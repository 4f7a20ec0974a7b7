//! From what a person wrote to the image it names: once, by bytes that we hashed.

use bytes::Bytes;
use oci::{AnyDigest, Document, ImageRef, PinnedRef};

use crate::{Client, Lookup, Reference, RegistryError};

/// An image, as it was when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The repository, and the SHA-256 of the bytes.
    pub pinned: PinnedRef,
    /// The manifest or index.
    pub document: Document,
    /// The bytes that were hashed.
    pub bytes: Bytes,
    /// The digest that was asked for, where one was; the bytes have it.
    pub asked: Option<AnyDigest>,
}

impl Client {
    /// The image that this reference names now. A tag beside a digest is not asked for.
    ///
    /// The digest is computed from the bytes and never taken from a header; one that is asked for by SHA-512 is
    /// checked by it and pinned by the SHA-256 of the same bytes.
    ///
    /// # Errors
    /// Fails unless the registry answered, in good order, that it is there or is not.
    pub async fn resolve(&self, image: &ImageRef) -> Result<Lookup<Resolved>, RegistryError> {
        let fetched = self.manifest(image.repository(), &Reference::from(image)).await?;
        Ok(fetched.map(|fetched| Resolved {
            pinned: PinnedRef::new(image.repository().clone(), fetched.digest),
            document: fetched.document,
            bytes: fetched.bytes,
            asked: image.digest().copied(),
        }))
    }
}
