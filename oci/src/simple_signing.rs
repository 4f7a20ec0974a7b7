//! The simple-signing payload: what a legacy cosign signature says, and the only thing it covers.
//!
//! Verification is over the stored bytes; [`Payload::parse`] then reads those bytes in the one way that every reader
//! must. [`render`] writes the bytes that cosign writes (its signature specification, "Payload").

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Digest, DigestError, Repository, excerpt, json, json::JsonError};

/// `critical.type` of an image signature. Anything else is not one.
pub const IMAGE_SIGNATURE: &str = "cosign container image signature";

/// What a simple-signing payload claims. A claim is worth what the signature over its bytes is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The name under which the image was signed; neither cosign nor this module compares it with anything.
    pub docker_reference: String,
    /// The digest of the manifest that was signed.
    pub digest: Digest,
    /// The signer's annotations.
    pub optional: Map<String, Value>,
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// Fails on JSON that can be read in two ways, on a missing or wrong `critical.type`, and on a digest that is
    /// not exactly `sha256:` and 64 lower-case hexadecimal digits.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        let Value::Object(top) = json::parse(bytes)? else { return Err(PayloadError::Missing("critical")) };
        json::exact_names(&top, &["critical", "optional"])?;
        let critical = object(&top, "critical", &["identity", "image", "type"])?;
        let identity = object(critical, "identity", &["docker-reference"])?;
        let image = object(critical, "image", &["docker-manifest-digest"])?;
        match text(critical, "type")? {
            IMAGE_SIGNATURE => {}
            other => return Err(PayloadError::Type { found: excerpt(other, 100) }),
        }
        let optional = match top.get("optional") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return Err(PayloadError::Missing("optional as an object")),
        };
        let digest = text(image, "docker-manifest-digest")?.parse().map_err(PayloadError::Digest)?;
        Ok(Self { docker_reference: text(identity, "docker-reference")?.to_owned(), digest, optional })
    }
}

/// The payload bytes for a repository and digest, exactly as cosign serialises them.
#[must_use]
pub fn render(repository: &Repository, digest: &Digest, annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let name = escape(&repository.index_name());
    let optional = match annotations.is_empty() {
        true => "null".to_owned(),
        false => {
            let members: Vec<_> = annotations.iter().map(|(k, v)| format!("{}:{}", escape(k), escape(v))).collect();
            format!("{{{}}}", members.join(","))
        }
    };
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":{name}}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{IMAGE_SIGNATURE}"}},"optional":{optional}}}"#
    )
    .into_bytes()
}

/// A JSON string with the further escapes of Go's encoder.
fn escape(text: &str) -> String {
    let mut out = Value::from(text).to_string();
    for (raw, escaped) in
        [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
    {
        out = out.replace(raw, escaped);
    }
    out
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    name: &'static str,
    known: &[&str],
) -> Result<&'a Map<String, Value>, PayloadError> {
    let object = parent.get(name).and_then(Value::as_object).ok_or(PayloadError::Missing(name))?;
    json::exact_names(object, known)?;
    Ok(object)
}

fn text<'a>(parent: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, PayloadError> {
    parent.get(name).and_then(Value::as_str).ok_or(PayloadError::Missing(name))
}

/// Why bytes are not a simple-signing payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("payload is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or of the wrong kind.
    #[error("payload lacks `{0}`")]
    Missing(&'static str),
    /// The payload is of another type, or of none.
    #[error("payload is of type `{found}`, wanted `{IMAGE_SIGNATURE}`")]
    Type {
        /// The type found.
        found: String,
    },
    /// The digest named is not a digest.
    #[error("payload names no digest: {0}")]
    Digest(DigestError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let digest = Digest::of(b"image");
        String::from_utf8(render(&"a.b/c".parse().unwrap(), &digest, &BTreeMap::new())).unwrap()
    }

    #[test]
    fn what_is_rendered_is_read_back() {
        let annotations = BTreeMap::from([("env".to_owned(), "<prod>".to_owned())]);
        let bytes = render(&"nginx".parse().unwrap(), &Digest::of(b"x"), &annotations);
        let payload = Payload::parse(&bytes).unwrap();
        assert_eq!(payload.docker_reference, "index.docker.io/library/nginx");
        assert_eq!(payload.digest, Digest::of(b"x"));
        assert_eq!(payload.optional["env"], "<prod>");
        assert!(String::from_utf8(bytes).unwrap().contains(r#"{"env":"\u003cprod\u003e"}"#));
    }

    #[test]
    fn no_annotations_are_null_as_cosign_writes_them() {
        assert!(sample().ends_with(r#""type":"cosign container image signature"},"optional":null}"#));
    }

    #[test]
    fn other_type_and_no_type_are_refused() {
        let other = sample().replace("cosign container", "atomic container");
        assert!(matches!(Payload::parse(other.as_bytes()), Err(PayloadError::Type { .. })));
        let none = sample().replace(r#","type":"cosign container image signature""#, "");
        assert_eq!(Payload::parse(none.as_bytes()), Err(PayloadError::Missing("type")));
    }

    #[test]
    fn what_is_said_of_another_type_is_bounded() {
        let other = sample().replace("cosign container", &"\u{202e}".repeat(10_000));
        assert!(Payload::parse(other.as_bytes()).unwrap_err().to_string().len() <= 300);
    }

    #[test]
    fn duplicate_digest_is_refused_in_either_order() {
        let twice = sample().replace(r#""image":{"#, r#""image":{"docker-manifest-digest":"sha256:00","#);
        assert!(matches!(Payload::parse(twice.as_bytes()), Err(PayloadError::Json(_))));
        let cased = sample().replace(r#""image":{"#, r#""image":{"Docker-Manifest-Digest":"sha256:00","#);
        assert!(matches!(Payload::parse(cased.as_bytes()), Err(PayloadError::Json(_))));
    }

    #[test]
    fn upper_case_and_empty_digest_are_refused() {
        let digest = Digest::of(b"image").hex();
        for other in [digest.to_uppercase(), String::new()] {
            let text = sample().replace(&digest, &other);
            assert!(matches!(Payload::parse(text.as_bytes()), Err(PayloadError::Digest(_))), "{other}");
        }
    }

    #[test]
    fn unknown_members_are_no_objection() {
        let text = sample().replace(r#""optional":null"#, r#""optional":{"n":1,"deep":{"x":[1]}},"more":true"#);
        assert_eq!(Payload::parse(text.as_bytes()).unwrap().optional.len(), 2);
    }
}
