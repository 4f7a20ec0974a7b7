//! Small images, and what an attacker with push rights would do with them.

use oci::{Descriptor, Digest, ImageRef, PinnedRef, location, media_type};
use registry::{Client, Lookup, Precondition, Reference};
use serde_json::json;

use super::stage::surprise;
use crate::exit::Failure;

/// Pushes an image with one layer that holds this text, under the tag.
pub(crate) async fn push(client: &Client, image: &ImageRef, text: &str) -> Result<(), Failure> {
    let repository = image.repository();
    let layer = text.as_bytes().to_vec();
    let config = json!({ "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": [Digest::of(&layer)] } })
    .to_string()
    .into_bytes();
    let layer_descriptor = Descriptor::of("application/vnd.oci.image.layer.v1.tar", &layer);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::of(media_type::OCI_CONFIG, &config), "layers": [layer_descriptor],
    });
    client.push_blob(repository, &layer.into()).await?;
    client.push_blob(repository, &config.into()).await?;
    let bytes = manifest.to_string().into_bytes();
    let reference = Reference::from(image);
    client.push_manifest(repository, &reference, media_type::OCI_MANIFEST, bytes.into(), Precondition::None).await?;
    Ok(())
}

/// Attaches the bundle that was made for `signed` to whatever the tag names now.
pub(crate) async fn move_signature(client: &Client, image: &ImageRef, signed: &Digest) -> Result<(), Failure> {
    let repository = image.repository();
    let pinned = PinnedRef::new(repository.clone(), *signed);
    let referrers = client.referrers(&pinned).await?;
    let [bundle] = referrers.as_slice() else { return Err(surprise("the image has not exactly one referrer")) };
    let Lookup::Found(found) = client.manifest(repository, &Reference::Digest(bundle.digest)).await? else {
        return Err(surprise("the referrer does not exist"));
    };
    let oci::Document::Manifest(_, manifest) = found.document else { return Err(surprise("the referrer is an index")) };
    let Lookup::Found(blob) = client.blob(repository, &manifest.layers[0], 1 << 20).await? else {
        return Err(surprise("the bundle does not exist"));
    };
    let Lookup::Found(target) = client.resolve(image).await? else { return Err(surprise("the image does not exist")) };
    let subject = Descriptor::of(target.document.media_type(), &target.bytes);
    let moved = location::bundle_manifest(&blob, &subject, verifier::SIGN_PREDICATE, "2026-01-01T00:00:00Z");
    client.push_referrer(repository, moved.into()).await?;
    Ok(())
}
