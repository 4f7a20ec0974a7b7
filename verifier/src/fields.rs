//! Members of foreign JSON objects, read strictly: known names only, standard base64, numbers in decimal.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::excerpt;
use serde_json::{Map, Value};

/// An object whose members are all known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The object that `value` is; `name` is what it is called in messages.
    pub(crate) fn of(value: &'a Value, name: &'static str, known: &[&str]) -> Result<Self, FieldError> {
        let map = value.as_object().ok_or(FieldError::Missing(name))?;
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(FieldError::Unknown { member: excerpt(key, 60) }),
            None => Ok(Self(map)),
        }
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &'static str, known: &[&str]) -> Result<Self, FieldError> {
        Self::of(self.value(name)?, name, known)
    }

    /// A member that is an object, or is absent.
    pub(crate) fn optional(&self, name: &'static str, known: &[&str]) -> Result<Option<Self>, FieldError> {
        self.get(name).map(|value| Self::of(value, name, known)).transpose()
    }

    /// A member that is text.
    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, FieldError> {
        self.value(name)?.as_str().ok_or(FieldError::Missing(name))
    }

    /// A member that is standard base64.
    pub(crate) fn base64(&self, name: &'static str) -> Result<Vec<u8>, FieldError> {
        BASE64_STANDARD.decode(self.text(name)?).map_err(|_| FieldError::Base64(name))
    }

    /// A member that is the base64 of 32 bytes.
    pub(crate) fn hash(&self, name: &'static str) -> Result<[u8; 32], FieldError> {
        self.base64(name)?.try_into().map_err(|_| FieldError::Base64(name))
    }

    /// A member that is a whole number, as JSON's number or, as protobuf writes it, in text. Absent is zero.
    pub(crate) fn number(&self, name: &'static str) -> Result<u64, FieldError> {
        match self.get(name) {
            None => Ok(0),
            Some(Value::Number(number)) => number.as_u64().ok_or(FieldError::Number(name)),
            Some(Value::String(text)) => decimal(text).ok_or(FieldError::Number(name)),
            Some(_) => Err(FieldError::Number(name)),
        }
    }

    /// A member that is a list of at most `most`; absent is empty.
    pub(crate) fn list(&self, name: &'static str, most: usize) -> Result<&'a [Value], FieldError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) if list.len() <= most => Ok(list),
            Some(Value::Array(list)) => Err(FieldError::TooMany { name, found: list.len(), most }),
            Some(_) => Err(FieldError::Missing(name)),
        }
    }

    /// A member that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the object has this member, null or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn value(&self, name: &'static str) -> Result<&'a Value, FieldError> {
        self.get(name).ok_or(FieldError::Missing(name))
    }
}

/// A decimal number without sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| plain)
}

/// Why a JSON object is not what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A member that the format does not have.
    #[error("unknown member `{member}`")]
    Unknown {
        /// Its name.
        member: String,
    },
    /// A member is missing or of the wrong kind.
    #[error("lacks `{0}`")]
    Missing(&'static str),
    /// A member is not standard base64, or not of the length wanted.
    #[error("`{0}` is not standard base64 of the right length")]
    Base64(&'static str),
    /// A member is not a whole number.
    #[error("`{0}` is not a whole number")]
    Number(&'static str),
    /// A list is longer than what is looked at.
    #[error("{found} of `{name}` found, at most {most} are read")]
    TooMany {
        /// Of what.
        name: &'static str,
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
}
