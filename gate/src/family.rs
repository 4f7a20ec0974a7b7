//! What an index lists, and the index that lists an image: for policies that want more signed than what was asked for,
//! or take less.

use std::future::Future;

use futures::future::try_join_all;
use oci::{AnyDigest, Descriptor, Digest, Document, ImageRef, Index, PinnedRef};
use policy::Child;
use registry::{Client, Reference};

use crate::GateError;

/// Everything that an image lists, two levels deep, each once; nothing where it is no index.
///
/// # Errors
/// Fails if any of it cannot be had, is listed by a digest that is not SHA-256, or is more than is looked at: what is
/// not known must not count as signed.
pub async fn children(client: &Client, image: &PinnedRef) -> Result<Vec<Child>, GateError> {
    listed(image.digest(), |digest| async move { document(client, image, &digest).await }).await
}

/// The same of an image whose manifests are had elsewhere.
///
/// # Errors
/// As [`children`] does.
pub async fn listed<F, D>(image: &Digest, document: F) -> Result<Vec<Child>, GateError>
where
    F: Fn(Digest) -> D,
    D: Future<Output = Result<Document, GateError>>,
{
    let Document::Index(_, index) = document(*image).await? else { return Ok(Vec::new()) };
    let mut children: Vec<Child> = Vec::new();
    let below = add(&mut children, &index)?;
    let documents = try_join_all(below.into_iter().map(document)).await?;
    for document in documents {
        let Document::Index(_, index) = document else { continue };
        if !add(&mut children, &index)?.is_empty() {
            return Err(GateError::Index(format!("more than {DEPTH} levels of indexes")));
        }
    }
    match children.is_empty() {
        true => Err(GateError::Index("an index that lists nothing".to_owned())),
        false => Ok(children),
    }
}

/// The index that the image's tag names, if the image is named by tag and digest and the index lists that digest.
///
/// # Errors
/// Fails if the registry does not say what the tag names.
pub async fn index(client: &Client, image: &ImageRef, digest: &Digest) -> Result<Option<Digest>, GateError> {
    let (Some(tag), Some(_)) = (image.tag(), image.digest()) else { return Ok(None) };
    let reference = Reference::Tag(tag.clone());
    let found = client.manifest(image.repository(), &reference).await.map_err(Box::new).map_err(GateError::Registry)?;
    let Some(found) = found.found() else { return Ok(None) };
    Ok(Some(found.digest).filter(|index| lists(&found.document, digest) && index != digest))
}

/// Whether this is an index that lists the digest.
#[must_use]
pub fn lists(document: &Document, digest: &Digest) -> bool {
    let Document::Index(_, index) = document else { return false };
    index.manifests.iter().any(|child| child.digest == AnyDigest::from(*digest))
}

/// Adds what an index lists, and gives the indexes among it.
fn add(children: &mut Vec<Child>, index: &Index) -> Result<Vec<Digest>, GateError> {
    let mut below = Vec::new();
    for descriptor in &index.manifests {
        let child = child(descriptor)?;
        if oci::media_type::is_index(&descriptor.media_type) {
            below.push(child.digest);
        }
        if !children.contains(&child) {
            children.push(child);
        }
    }
    match children.len() > MAX_CHILDREN {
        true => Err(GateError::Index(format!("more than {MAX_CHILDREN} manifests"))),
        false => Ok(below),
    }
}

fn child(descriptor: &Descriptor) -> Result<Child, GateError> {
    let found = || GateError::Index(format!("{} where a SHA-256 digest is wanted", descriptor.digest));
    Ok(Child { digest: descriptor.digest.sha256().ok_or_else(found)?, platform: descriptor.platform.clone() })
}

async fn document(client: &Client, image: &PinnedRef, digest: &Digest) -> Result<Document, GateError> {
    let reference = Reference::Digest((*digest).into());
    let found = client.manifest(image.repository(), &reference).await.map_err(Box::new).map_err(GateError::Registry)?;
    let found = found.found().ok_or_else(|| GateError::Index(format!("{digest}, which is not there")))?;
    Ok(found.document)
}

const MAX_CHILDREN: usize = 64;
const DEPTH: usize = 2;

#[cfg(test)]
mod tests {
    use oci::media_type;

    use super::*;

    fn index(manifests: Vec<Descriptor>) -> Index {
        Index { manifests, subject: None, artifact_type: None, annotations: Default::default() }
    }

    fn listed(count: usize) -> Index {
        let one = |i| Descriptor::of(media_type::OCI_MANIFEST, format!("manifest {i}").as_bytes());
        index((0..count).map(one).collect())
    }

    #[test]
    fn no_more_is_looked_at_than_there_is_time_for() {
        let mut children = Vec::new();
        assert!(add(&mut children, &listed(MAX_CHILDREN)).is_ok_and(|below| below.is_empty()));
        assert!(add(&mut children, &listed(MAX_CHILDREN)).is_ok(), "the same once more");
        assert!(matches!(add(&mut children, &listed(MAX_CHILDREN + 1)), Err(GateError::Index(_))));
    }

    #[test]
    fn child_by_another_hash_is_not_passed_over() {
        let bytes = b"manifest";
        let sha512 = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
        let listed = Descriptor { digest: sha512, ..Descriptor::of(media_type::OCI_MANIFEST, bytes) };
        assert!(matches!(add(&mut Vec::new(), &index(vec![listed])), Err(GateError::Index(_))));
    }

    #[test]
    fn indexes_in_an_index_are_children_too_and_are_told_apart() {
        let inner = Descriptor::of(media_type::OCI_INDEX, b"inner");
        let mut children = Vec::new();
        let below = add(&mut children, &index(vec![inner, Descriptor::of(media_type::OCI_MANIFEST, b"x")])).unwrap();
        assert_eq!((children.len(), below), (2, vec![Digest::of(b"inner")]));
    }
}
