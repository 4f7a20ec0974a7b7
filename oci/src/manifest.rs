//! Manifests and indexes, read strictly from the bytes that were hashed.
//!
//! A document that two readers could take for different things is refused: one with both `layers` and `manifests`
//! (CVE-2021-41190), one whose `mediaType` disagrees with the Content-Type it came with, one with a duplicate key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AnyDigest, excerpt, json, json::JsonError, media_type};

/// What one manifest says of another piece of content: its media type, digest and size, before any of it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type claimed.
    pub media_type: String,
    /// The digest that the content must have.
    pub digest: AnyDigest,
    /// The size claimed, in bytes.
    pub size: u64,
    /// The artifact type claimed; registries fill it differently, so nothing may be concluded from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// In an index: the platform that this manifest is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// The descriptor of these bytes under this media type.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: crate::Digest::of(bytes).into(),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
            platform: None,
        }
    }
}

/// The platform of a manifest in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture in Go's words: `amd64`, `arm64`.
    pub architecture: String,
    /// Operating system in Go's words: `linux`, `windows`.
    pub os: String,
    /// Variant of the architecture, such as `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// An image manifest of the OCI or Docker family.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, in order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// What kind of artifact this is, where it is not an image.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests of the OCI or Docker family.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// The manifests.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this index refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// What kind of artifact this is.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A manifest or an index, with the media type that it was found to have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there are few of them, none for long, and most are manifests")]
pub enum Document {
    /// One image.
    Manifest(String, Manifest),
    /// A list of manifests.
    Index(String, Index),
}

impl Document {
    /// Reads a manifest or index. `content_type` is what the registry called it, where there was a registry.
    ///
    /// # Errors
    /// Fails on JSON that can be read in two ways, on an unknown or contradicted media type, on a schema version
    /// other than 2, and on a document with the members of both kinds.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        let Value::Object(object) = json::parse(bytes)? else { return Err(ManifestError::NotAnObject) };
        check_schema_version(&object)?;
        let media_type = media_type_of(&object, content_type)?;
        let (layers, manifests) = (object.contains_key("layers"), object.contains_key("manifests"));
        if layers && manifests {
            return Err(ManifestError::Ambiguous);
        }
        if media_type::is_index(&media_type) {
            return match layers || object.contains_key("config") {
                true => Err(ManifestError::Ambiguous),
                false => Ok(Self::Index(media_type, read(object)?)),
            };
        }
        match manifests {
            true => Err(ManifestError::Ambiguous),
            false => Ok(Self::Manifest(media_type, read(object)?)),
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(media_type, _) | Self::Index(media_type, _) => media_type,
        }
    }

    /// The manifest that this document refers to, where it refers to one.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Manifest(_, manifest) => manifest.subject.as_ref(),
            Self::Index(_, index) => index.subject.as_ref(),
        }
    }
}

fn check_schema_version(object: &Map<String, Value>) -> Result<(), ManifestError> {
    match object.get("schemaVersion").and_then(Value::as_u64) {
        Some(2) => Ok(()),
        found => Err(ManifestError::SchemaVersion { found }),
    }
}

/// The document's own word first, then the registry's, then its shape; a contradiction between the first two is
/// refused.
fn media_type_of(object: &Map<String, Value>, content_type: Option<&str>) -> Result<String, ManifestError> {
    let known = |name: &str| media_type::is_index(name) || media_type::is_manifest(name);
    let outer = content_type.map(|t| t.split(';').next().unwrap_or_default().trim()).filter(|t| known(t));
    let inner = match object.get("mediaType") {
        None => None,
        Some(Value::String(name)) if known(name) => Some(name.as_str()),
        Some(other) => return Err(ManifestError::MediaType { found: excerpt(&other.to_string(), MAX_FOUND) }),
    };
    match (inner, outer) {
        (Some(inner), Some(outer)) if inner != outer => {
            Err(ManifestError::Contradiction { document: inner.to_owned(), header: outer.to_owned() })
        }
        (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
        (None, None) if object.contains_key("manifests") => Ok(media_type::OCI_INDEX.to_owned()),
        (None, None) => Ok(media_type::OCI_MANIFEST.to_owned()),
    }
}

fn read<T: serde::de::DeserializeOwned>(object: Map<String, Value>) -> Result<T, ManifestError> {
    serde_json::from_value(Value::Object(object))
        .map_err(|e| ManifestError::Malformed { why: excerpt(&e.to_string(), MAX_FOUND) })
}

fn null_is_empty<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: serde::Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Bytes of foreign text in one error.
const MAX_FOUND: usize = 200;

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("manifest is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// The JSON value is not an object.
    #[error("manifest is not a JSON object")]
    NotAnObject,
    /// The schema version is missing or not 2.
    #[error("manifest has schema version {}, wanted 2", .found.map_or("none".to_owned(), |v| v.to_string()))]
    SchemaVersion {
        /// The version found.
        found: Option<u64>,
    },
    /// `mediaType` names none of the four kinds.
    #[error("manifest has media type {found}, wanted an OCI or Docker manifest or index")]
    MediaType {
        /// What was found.
        found: String,
    },
    /// The document and the registry name different kinds.
    #[error("manifest says it is `{document}`, the registry says `{header}`")]
    Contradiction {
        /// `mediaType` of the document.
        document: String,
        /// Content-Type of the response.
        header: String,
    },
    /// The document has the members of an image and of an index.
    #[error("manifest can be read as an image and as an index")]
    Ambiguous,
    /// A member is missing or of the wrong kind.
    #[error("manifest is malformed: {why}")]
    Malformed {
        /// The parser's words.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn image(extra: &str) -> String {
        format!(r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{D}","size":2}},"layers":[]{extra}}}"#)
    }

    fn parse(text: &str) -> Result<Document, ManifestError> {
        Document::parse(text.as_bytes(), None)
    }

    #[test]
    fn image_and_index_are_told_apart() {
        assert!(matches!(parse(&image("")), Ok(Document::Manifest(..))));
        assert!(matches!(parse(r#"{"schemaVersion":2,"manifests":[]}"#), Ok(Document::Index(..))));
    }

    #[test]
    fn document_of_both_kinds_is_refused() {
        assert_eq!(parse(&image(r#","manifests":[]"#)), Err(ManifestError::Ambiguous));
        let index = image(&format!(r#","mediaType":"{}""#, media_type::OCI_INDEX));
        assert_eq!(parse(&index), Err(ManifestError::Ambiguous));
    }

    #[test]
    fn content_type_that_contradicts_is_refused() {
        let text = image(&format!(r#","mediaType":"{}""#, media_type::OCI_MANIFEST));
        let result = Document::parse(text.as_bytes(), Some(media_type::DOCKER_MANIFEST));
        assert!(matches!(result, Err(ManifestError::Contradiction { .. })));
        assert!(Document::parse(text.as_bytes(), Some("application/vnd.oci.image.manifest.v1+json; x=1")).is_ok());
    }

    #[test]
    fn duplicate_key_and_trailing_bytes_are_refused() {
        assert!(matches!(parse(&image(r#","layers":[]"#)), Err(ManifestError::Json(_))));
        assert!(matches!(parse(&format!("{} x", image(""))), Err(ManifestError::Json(_))));
    }

    #[test]
    fn other_schema_and_media_type_are_refused() {
        assert!(matches!(parse(r#"{"schemaVersion":1}"#), Err(ManifestError::SchemaVersion { found: Some(1) })));
        assert!(matches!(parse(&image(r#","mediaType":"text/plain""#)), Err(ManifestError::MediaType { .. })));
    }

    #[test]
    fn what_is_said_of_a_manifest_is_bounded() {
        let huge = "\u{202e}".repeat(10_000);
        for text in [
            image(&format!(r#","mediaType":"{huge}""#)),
            image("").replace(r#""size":2"#, &format!(r#""size":"{huge}""#)),
            image("").replace(D, &format!("{huge}:ab")),
            image(&format!(r#","{huge}":1,"{huge}":2"#)),
        ] {
            let said = parse(&text).unwrap_err().to_string();
            assert!(said.len() <= 300 && !said.contains('\u{202e}'), "{} bytes: {said}", said.len());
        }
    }

    #[test]
    fn digest_that_is_none_is_refused() {
        let text = image("").replace(D, "sha256:abc");
        assert!(matches!(parse(&text), Err(ManifestError::Malformed { .. })));
    }
}
