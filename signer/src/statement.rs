//! in-toto statements, member by member as cosign 3 writes them.

use std::collections::BTreeMap;

use oci::{Digest, json};
use serde_json::{Map, Value};
use verifier::{SIGN_PREDICATE, Statement};

use crate::{PredicateError, PredicateType, clock};

/// The statement that makes a bundle a signature of an image.
pub(crate) fn of_signature(digest: &Digest, annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest.hex() }, "annotations": annotations }],
        "predicateType": SIGN_PREDICATE,
        "predicate": {},
    });
    statement.to_string().into_bytes()
}

/// What is said of an image or a file.
#[derive(Debug, Clone)]
pub enum Attestation {
    /// A predicate of this type, as it is in a file. The statement around it is made here.
    Predicate(PredicateType, Vec<u8>),
    /// A whole statement, signed as it is.
    Statement(Vec<u8>),
}

impl Attestation {
    /// The statement about what has this name and digest, and its predicate type.
    pub(crate) fn about(&self, name: &str, digest: &Digest) -> Result<(Vec<u8>, String), PredicateError> {
        match self {
            Self::Predicate(kind, predicate) => {
                let statement = serde_json::json!({
                    "_type": "https://in-toto.io/Statement/v0.1",
                    "subject": [{ "name": name, "digest": { "sha256": digest.hex() } }],
                    "predicateType": kind.uri(),
                    "predicate": read(kind, predicate)?,
                });
                Ok((statement.to_string().into_bytes(), kind.uri().to_owned()))
            }
            Self::Statement(bytes) => {
                let statement = Statement::parse(bytes)?;
                match statement.subjects.iter().any(|(subject, _)| subject == digest) {
                    true => Ok((bytes.clone(), statement.predicate_type)),
                    false => {
                        let named: Vec<String> =
                            statement.subjects.iter().take(MAX_NAMED).map(|(digest, _)| digest.to_string()).collect();
                        Err(PredicateError::OtherSubject { named: named.join(", "), wanted: *digest })
                    }
                }
            }
        }
    }
}

/// The predicate as it stands in a statement.
fn read(kind: &PredicateType, bytes: &[u8]) -> Result<Value, PredicateError> {
    let text =
        || std::str::from_utf8(bytes).map(Value::from).map_err(|_| PredicateError::NotText { kind: kind.clone() });
    match kind {
        PredicateType::Spdx => text(),
        PredicateType::Custom => Ok(serde_json::json!({ "Data": text()?, "Timestamp": clock::stamp() })),
        _ => {
            let Value::Object(object) = json::parse(bytes).map_err(|error| PredicateError::Json { error })? else {
                return Err(PredicateError::NotObject { kind: kind.clone() });
            };
            let missing = kind.required().iter().find(|name| !object.contains_key(**name));
            match missing {
                Some(name) => Err(PredicateError::Missing { kind: kind.clone(), name }),
                None => Ok(shaped(kind, object)),
            }
        }
    }
}

/// Older programs write one member of SLSA's provenance under a name that it never had.
fn shaped(kind: &PredicateType, object: Map<String, Value>) -> Value {
    let mut predicate = Value::Object(object);
    let metadata = predicate.pointer_mut("/runDetails/metadata").and_then(Value::as_object_mut);
    if let (PredicateType::Slsa1, Some(metadata)) = (kind, metadata)
        && let Some(id) = metadata.remove("invocationID")
    {
        metadata.insert("invocationId".to_owned(), id);
    }
    predicate
}

const MAX_NAMED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn about(kind: &PredicateType, predicate: &[u8]) -> Value {
        let (statement, uri) =
            Attestation::Predicate(kind.clone(), predicate.to_vec()).about("a.b/c", &Digest::of(b"image")).unwrap();
        assert_eq!(uri, kind.uri());
        serde_json::from_slice(&statement).unwrap()
    }

    #[test]
    fn custom_predicate_is_kept_as_text_beside_the_time() {
        let statement = about(&PredicateType::Custom, b"any \"text\"\n");
        assert_eq!(statement["predicateType"], "https://cosign.sigstore.dev/attestation/v1");
        assert_eq!(statement["predicate"]["Data"], "any \"text\"\n");
        assert!(statement["predicate"]["Timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(statement["subject"][0]["name"], "a.b/c");
    }

    #[test]
    fn spdx_is_text_and_spdxjson_an_object() {
        assert_eq!(about(&PredicateType::Spdx, b"SPDXVersion: SPDX-2.3\n")["predicate"], "SPDXVersion: SPDX-2.3\n");
        assert_eq!(about(&PredicateType::SpdxJson, br#"{"a":[1]}"#)["predicate"]["a"][0], 1);
    }

    #[test]
    fn misspelt_member_of_provenance_gets_its_name() {
        let misspelt = br#"{"runDetails":{"metadata":{"invocationID":"7","x":1}}}"#;
        let of = |kind| about(&kind, misspelt)["predicate"]["runDetails"]["metadata"].to_string();
        assert_eq!(of(PredicateType::Slsa1), r#"{"x":1,"invocationId":"7"}"#);
        assert_eq!(of(PredicateType::Slsa02), r#"{"invocationID":"7","x":1}"#);
    }

    #[test]
    fn predicate_is_named_shortly_or_by_its_address() {
        for (name, kind) in PredicateType::NAMES {
            assert_eq!(name.parse(), Ok(kind));
        }
        assert_eq!("https://p.test/v1".parse(), Ok(PredicateType::Uri("https://p.test/v1".to_owned())));
        assert!("slsa".parse::<PredicateType>().is_err());
        assert!("".parse::<PredicateType>().is_err());
    }

    #[test]
    fn signature_says_nothing_but_the_digest_and_the_annotations() {
        let digest = Digest::of(b"image");
        let statement = of_signature(&digest, &BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        let wanted = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}},"annotations":{{"k":"v"}}}}],"predicateType":"{SIGN_PREDICATE}","predicate":{{}}}}"#,
            digest.hex()
        );
        assert_eq!(String::from_utf8(statement).unwrap(), wanted);
    }
}
