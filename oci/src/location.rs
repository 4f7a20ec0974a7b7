//! Where a signature lives: tags derived from a digest, and the manifests that hold signatures.
//!
//! The `.sig` tag is cosign's signature specification; the fallback tag is the OCI distribution specification 1.1,
//! "Referrers Tag Schema". The bytes written here are laid out as cosign lays them out, member by member.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Value, json};

use crate::{AnyDigest, Descriptor, Digest, ReferenceError, Tag, media_type};

/// The annotation of a `.sig` layer that holds the signature, base64.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// The annotation that holds the signer's certificate, PEM.
pub const CERTIFICATE_ANNOTATION: &str = "dev.sigstore.cosign/certificate";
/// The annotation that holds a transparency log's promise, JSON.
pub const BUNDLE_ANNOTATION: &str = "dev.sigstore.cosign/bundle";
/// The annotation that holds an RFC 3161 timestamp, JSON.
pub const TIMESTAMP_ANNOTATION: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// What is stored beside an image under a tag of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// `.sig`, signatures.
    Signature,
    /// `.att`, attestations.
    Attestation,
    /// `.sbom`, bills of material.
    Sbom,
}

/// The tag under which cosign stores an attachment: `sha256-<hex>.sig`.
#[must_use]
pub fn attachment_tag(digest: &Digest, attachment: Attachment) -> Tag {
    let suffix = match attachment {
        Attachment::Signature => "sig",
        Attachment::Attestation => "att",
        Attachment::Sbom => "sbom",
    };
    format!("sha256-{}.{suffix}", digest.hex()).parse().expect("71 to 76 word characters are a tag")
}

/// What stands before the tags of an image's attachments, where a team wants to tell its own from others'.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagPrefix(String);

impl TagPrefix {
    /// The tag of an attachment, with the prefix.
    #[must_use]
    pub fn tag(&self, digest: &Digest, attachment: Attachment) -> Tag {
        let tag = format!("{}{}", self.0, attachment_tag(digest, attachment));
        tag.parse().expect("the longest tag was tried when the prefix was read")
    }

    /// The prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagPrefix {
    type Err = ReferenceError;

    /// Anything, or nothing, that can begin a tag and leaves room for the rest of it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        format!("{text}{}", attachment_tag(&Digest::of(b""), Attachment::Sbom)).parse::<Tag>()?;
        Ok(Self(text.to_owned()))
    }
}

/// The tag of the index of referrers on a registry without the referrers API: `sha256-<hex>`.
#[must_use]
pub fn fallback_tag(digest: &AnyDigest) -> Tag {
    let text: String = format!("{}-{}", digest.algorithm(), digest.hex()).chars().take(128).collect();
    text.parse().expect("an algorithm and hexadecimal digits are a tag")
}

/// A `.sig` manifest with these layers, and its configuration: (configuration, manifest).
#[must_use]
pub fn signature_manifest(layers: &[Descriptor]) -> (Vec<u8>, Vec<u8>) {
    let zero = "0001-01-01T00:00:00Z";
    let history: Vec<_> = layers.iter().map(|_| json!({ "created": zero })).collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    let config = json!({
        "architecture": "", "created": zero, "history": history, "os": "",
        "rootfs": { "type": "layers", "diff_ids": diff_ids }, "config": {},
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": Descriptor::of(media_type::OCI_CONFIG, &config), "layers": layers,
    });
    (config, manifest.to_string().into_bytes())
}

/// A bundle's manifest, referring to its subject. The configuration is [`EMPTY_CONFIG`].
///
/// `created` is RFC 3339; two signatures of one bundle at different times are two referrers, as with cosign.
#[must_use]
pub fn bundle_manifest(bundle: &[u8], subject: &Descriptor, predicate_type: &str, created: &str) -> Vec<u8> {
    let mut config = json!(Descriptor::of(media_type::OCI_EMPTY, EMPTY_CONFIG));
    config["artifactType"] = Value::from(media_type::BUNDLE); // not in the specification; `cosign clean` looks for it
    let annotations = BTreeMap::from([
        ("dev.sigstore.bundle.content", "dsse-envelope"),
        ("dev.sigstore.bundle.predicateType", predicate_type),
        ("org.opencontainers.image.created", created),
    ]);
    let subject = Descriptor { annotations: BTreeMap::new(), platform: None, artifact_type: None, ..subject.clone() };
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config,
        "layers": [Descriptor::of(media_type::BUNDLE, bundle)], "annotations": annotations,
        "subject": subject, "artifactType": media_type::BUNDLE,
    });
    manifest.to_string().into_bytes()
}

/// An index of referrers for the fallback tag.
#[must_use]
pub fn fallback_index(manifests: &[Descriptor]) -> Vec<u8> {
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests });
    index.to_string().into_bytes()
}

/// The configuration of a bundle's manifest.
pub const EMPTY_CONFIG: &[u8] = b"{}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    #[test]
    fn tags_are_derived_from_the_digest() {
        let digest = Digest::of(b"");
        assert_eq!(attachment_tag(&digest, Attachment::Signature).as_str(), format!("sha256-{}.sig", digest.hex()));
        assert_eq!(fallback_tag(&digest.into()).as_str(), format!("sha256-{}", digest.hex()));
    }

    #[test]
    fn sha512_fallback_tag_is_cut_to_the_longest_tag() {
        assert_eq!(fallback_tag(&AnyDigest::Sha512([1; 64])).as_str().len(), 128);
    }

    #[test]
    fn configuration_has_the_size_that_cosign_specifies() {
        let layer = Descriptor::of(media_type::SIMPLE_SIGNING, b"payload");
        assert_eq!(signature_manifest(std::slice::from_ref(&layer)).0.len(), 233);
        assert_eq!(signature_manifest(&[layer.clone(), layer]).0.len(), 342);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let subject = Descriptor::of(media_type::OCI_MANIFEST, b"image");
        let bytes = bundle_manifest(b"bundle", &subject, "https://p.test", "2026-01-01T00:00:00Z");
        let document = Document::parse(&bytes, None).unwrap();
        assert_eq!(document.subject(), Some(&subject));
        let index = fallback_index(&[Descriptor::of(media_type::OCI_MANIFEST, &bytes)]);
        assert!(matches!(Document::parse(&index, None), Ok(Document::Index(_, i)) if i.manifests.len() == 1));
    }

    #[test]
    fn a_prefix_leaves_room_for_the_tag() {
        let digest = Digest::of(b"x");
        let prefix: TagPrefix = "team.".parse().unwrap();
        assert_eq!(prefix.tag(&digest, Attachment::Signature).as_str(), format!("team.sha256-{}.sig", digest.hex()));
        assert_eq!(TagPrefix::default().tag(&digest, Attachment::Sbom), attachment_tag(&digest, Attachment::Sbom));
        assert!("x".repeat(52).parse::<TagPrefix>().is_ok());
        for bad in ["x".repeat(53), ".x".to_owned(), "a/b".to_owned(), "a b".to_owned(), "é".to_owned()] {
            assert!(bad.parse::<TagPrefix>().is_err(), "{bad}");
        }
    }
}
