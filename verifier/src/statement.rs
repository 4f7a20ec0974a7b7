//! in-toto statements: what a DSSE envelope says, about which artifacts.

use oci::{Digest, json, json::JsonError};
use serde_json::{Map, Value};

const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
const MAX_SUBJECTS: usize = 1024;
const MAX_DIGESTS: usize = 32;
const MAX_TYPE: usize = 1024;

/// A statement, as far as image signatures need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What kind of thing is said.
    pub predicate_type: String,
    /// What it is said of: those subjects that have a SHA-256 digest.
    pub subjects: Vec<Subject>,
}

/// What a statement is about: the digest, and what the signer noted beside it.
pub type Subject = (Digest, Map<String, Value>);

impl Statement {
    /// Reads a statement of version 1 or 0.1. Its predicate is not read, but must be JSON without duplicate keys too.
    ///
    /// # Errors
    /// Fails on JSON that can be read in two ways, on another type, on a predicate type that is missing or has more than
    /// 1,024 bytes, on more than 1,024 subjects or 32 digests of one, and on a SHA-256 digest that is not 64 lower-case hexadecimal digits.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let Value::Object(top) = json::parse_without(bytes, "predicate")? else {
            return Err(StatementError::Missing("an object"));
        };
        json::exact_names(&top, &["_type", "subject", "predicateType", "predicate"])?;
        match top.get("_type").and_then(Value::as_str) {
            Some(kind) if TYPES.contains(&kind) => {}
            _ => return Err(StatementError::Type),
        }
        let predicate_type = top.get("predicateType").and_then(Value::as_str).unwrap_or_default();
        if predicate_type.is_empty() {
            return Err(StatementError::Missing("predicateType"));
        }
        if predicate_type.len() > MAX_TYPE {
            return Err(StatementError::LongType { found: predicate_type.len(), most: MAX_TYPE });
        }
        let subjects = top.get("subject").and_then(Value::as_array).ok_or(StatementError::Missing("subject"))?;
        if subjects.len() > MAX_SUBJECTS {
            return Err(StatementError::TooMany { found: subjects.len(), most: MAX_SUBJECTS });
        }
        let subjects = subjects.iter().map(subject).filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Self { predicate_type: predicate_type.to_owned(), subjects })
    }
}

fn subject(value: &Value) -> Result<Option<Subject>, StatementError> {
    let object = value.as_object().ok_or(StatementError::Missing("subject as objects"))?;
    json::exact_names(object, &["name", "digest", "annotations"])?;
    let digests = object.get("digest").and_then(Value::as_object).ok_or(StatementError::Missing("subject digest"))?;
    if digests.len() > MAX_DIGESTS {
        return Err(StatementError::TooMany { found: digests.len(), most: MAX_DIGESTS });
    }
    json::exact_names(digests, &["sha256"])?;
    let Some(hex) = digests.get("sha256") else { return Ok(None) };
    let digest = hex.as_str().and_then(|hex| format!("sha256:{hex}").parse().ok()).ok_or(StatementError::Digest)?;
    let annotations = object.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(Some((digest, annotations)))
}

/// Why bytes are not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The bytes are not JSON that can be read in one way only.
    #[error("statement is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// `_type` is not that of an in-toto statement.
    #[error("payload is not an in-toto statement of version 1 or 0.1")]
    Type,
    /// A member is missing or of the wrong kind.
    #[error("statement lacks `{0}`")]
    Missing(&'static str),
    /// A subject's SHA-256 digest is none.
    #[error("subject's sha256 is not 64 lower-case hexadecimal digits")]
    Digest,
    /// A predicate type of a length that no name has.
    #[error("predicate type of {found} bytes found, at most {most} are read")]
    LongType {
        /// How many bytes.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// More subjects or digests than are looked at.
    #[error("{found} subjects or digests found, at most {most} are read")]
    TooMany {
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
}
