//! The tag that was signed with an image (`cosign sign -a tag=v1`), against the tag that is asked for.
//!
//! A signature stays good for its digest, whatever tag points there: an old image with its old signature can be put
//! under a new tag. Where the tag is signed too, that is seen.

use std::fmt;

use oci::ImageRef;
use serde_json::{Map, Value};

use crate::{object::Object, problem::excerpt};

/// Asks that the tag was signed, in the annotation of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedTag {
    annotation: String,
}

impl SignedTag {
    /// Reads `signedTag`.
    pub(crate) fn read(object: &Object<'_>) -> Self {
        let annotation = object.text("annotation").map_or("tag", |text| text.value).to_owned();
        Self { annotation }
    }

    /// Whether the tag that is asked for is the signed one; beside a digest too. Without either it is `latest`.
    pub(crate) fn met_by(&self, signed: &Map<String, Value>, asked: &ImageRef) -> Result<(), OtherTag> {
        let annotation = || self.annotation.clone();
        let tag = asked.tag().cloned().or_else(|| asked.effective_tag());
        let wanted = tag.ok_or_else(|| OtherTag::NotAsked { annotation: annotation() })?.to_string();
        match signed.get(&self.annotation) {
            Some(Value::String(found)) if *found == wanted => Ok(()),
            Some(Value::String(found)) => Err(OtherTag::Other { found: found.clone(), wanted }),
            _ => Err(OtherTag::NotSigned { annotation: annotation(), wanted }),
        }
    }
}

/// Why the tag is not the signed one, or why that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OtherTag {
    Other { found: String, wanted: String },
    NotSigned { annotation: String, wanted: String },
    NotAsked { annotation: String },
}

impl fmt::Display for OtherTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { found, wanted } => {
                write!(f, "signature is for the tag `{}`, wanted `{wanted}`", excerpt(found))
            }
            Self::NotSigned { annotation, wanted } => {
                write!(f, "signature has no annotation `{}`, wanted the tag `{wanted}` there", excerpt(annotation))
            }
            Self::NotAsked { annotation } => {
                let annotation = excerpt(annotation);
                write!(
                    f,
                    "image is asked for by its digest alone, so that the tag signed in `{annotation}` cannot be compared; ask by tag and digest"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn met(signed: Value, asked: &str) -> Result<(), OtherTag> {
        let Value::Object(signed) = signed else { panic!("an object is given") };
        SignedTag { annotation: "tag".to_owned() }.met_by(&signed, &asked.parse().unwrap())
    }

    #[test]
    fn old_signature_under_a_new_tag_is_refused() {
        assert_eq!(met(json!({"tag": "v1"}), "a.b/c:v1"), Ok(()));
        let refused = met(json!({"tag": "v1"}), "a.b/c:v2").unwrap_err().to_string();
        assert_eq!(refused, "signature is for the tag `v1`, wanted `v2`");
        assert!(met(json!({"tag": "v1"}), "a.b/c:v10").is_err());
        assert!(met(json!({"tag": "V1"}), "a.b/c:v1").is_err());
    }

    #[test]
    fn tag_that_was_not_signed_is_refused() {
        for signed in
            [json!({}), json!({"tags": "v1"}), json!({"tag": 1}), json!({"tag": ["v1"]}), json!({"tag": null})]
        {
            assert!(matches!(met(signed.clone(), "a.b/c:v1"), Err(OtherTag::NotSigned { .. })), "{signed}");
        }
    }

    #[test]
    fn asked_for_by_digest_alone_nothing_can_be_compared() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(met(json!({"tag": "v1"}), &format!("a.b/c:v1@{digest}")), Ok(()));
        let refused = met(json!({"tag": "v1"}), &format!("a.b/c@{digest}"));
        assert!(matches!(refused, Err(OtherTag::NotAsked { .. })), "{refused:?}");
    }

    #[test]
    fn neither_tag_nor_digest_means_latest() {
        assert_eq!(met(json!({"tag": "latest"}), "a.b/c"), Ok(()));
        assert!(met(json!({"tag": "v1"}), "a.b/c").is_err());
    }
}
