//! The smallest image that a registry takes, pushed by our own client: no peer is needed for it.

use oci::{Descriptor, Digest, ImageRef, media_type};
use registry::{Client, Precondition, Reference};
use serde_json::{Value, json};

/// Pushes an image for this architecture, with one layer that holds this text; and what names it.
///
/// # Panics
/// If the registry does not take it.
pub async fn push_image(client: &Client, image: &ImageRef, layer: &str, architecture: &str) -> Descriptor {
    let layer = layer.as_bytes().to_vec();
    let config = json!({ "architecture": architecture, "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": [Digest::of(&layer)] } });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::of(media_type::OCI_CONFIG, &config),
        "layers": [Descriptor::of("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    for blob in [layer, config] {
        client.push_blob(image.repository(), &blob.into()).await.expect("the registry takes a blob");
    }
    push_manifest(client, image, media_type::OCI_MANIFEST, &manifest).await
}

/// Pushes a manifest of this kind; and what names it.
///
/// # Panics
/// If the registry does not take it.
pub async fn push_manifest(client: &Client, image: &ImageRef, kind: &str, manifest: &Value) -> Descriptor {
    let bytes = manifest.to_string().into_bytes();
    let descriptor = Descriptor::of(kind, &bytes);
    let pushed =
        client.push_manifest(image.repository(), &Reference::from(image), kind, bytes.into(), Precondition::None).await;
    pushed.expect("the registry takes a manifest");
    descriptor
}
