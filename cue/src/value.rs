//! Values: the scalars, the kinds of value, and how both are written in messages.

use std::fmt;
use std::rc::Rc;

use crate::limits::MAX_QUOTED;
use crate::number::Number;
use crate::syntax::Relation;

/// A value without parts.
#[derive(Debug, Clone)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
}

impl Scalar {
    /// Its kind, as a set of one.
    pub(crate) fn kinds(&self) -> Kinds {
        match self {
            Self::Null => Kinds::NULL,
            Self::Bool(_) => Kinds::BOOL,
            Self::Number(number) if number.is_integer() => Kinds::INT,
            Self::Number(_) => Kinds::FLOAT,
            Self::Text(_) => Kinds::TEXT,
            Self::Bytes(_) => Kinds::BYTES,
        }
    }

    /// Whether both are the same value of the same kind.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kinds() == other.kinds() && self.order(other) == Some(std::cmp::Ordering::Equal)
    }

    /// The order of two values; `None` for kinds that have none, or that differ.
    pub(crate) fn order(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(std::cmp::Ordering::Equal),
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Number(left), Self::Number(right)) => Some(left.compare(*right)),
            (Self::Text(left), Self::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
            (Self::Bytes(left), Self::Bytes(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(f, "null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{}\"", shortened(&text.escape_default().to_string())),
            Self::Bytes(bytes) => write!(f, "'{}'", shortened(&bytes.escape_ascii().to_string())),
        }
    }
}

/// A set of kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOL: Self = Self(2);
    pub(crate) const INT: Self = Self(4);
    pub(crate) const FLOAT: Self = Self(8);
    pub(crate) const TEXT: Self = Self(16);
    pub(crate) const BYTES: Self = Self(32);
    pub(crate) const STRUCT: Self = Self(64);
    pub(crate) const LIST: Self = Self(128);
    pub(crate) const NUMBER: Self = Self(12);
    pub(crate) const ALL: Self = Self(255);

    /// What is in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one alone.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether there is none outside the other.
    pub(crate) fn within(self, other: Self) -> bool {
        self.without(other).is_empty()
    }
}

impl fmt::Display for Kinds {
    /// As CUE writes types: `int`, `(string|struct)`, `_`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return write!(f, "_");
        }
        let number = Self::NUMBER.within(*self);
        let mut names: Vec<&str> = NAMES.iter().filter(|(kind, _)| kind.within(*self)).map(|(_, name)| *name).collect();
        if number {
            names.retain(|name| !matches!(*name, "int" | "float"));
            names.push("number");
        }
        match names.as_slice() {
            [] => write!(f, "_|_"),
            [only] => write!(f, "{only}"),
            several => write!(f, "({})", several.join("|")),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        })
    }
}

/// At most as many bytes as a message may quote.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() <= MAX_QUOTED {
        return text.to_owned();
    }
    let end = (0..=MAX_QUOTED - 3).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &text[..end])
}

const NAMES: &[(Kinds, &str)] = &[
    (Kinds::NULL, "null"),
    (Kinds::BOOL, "bool"),
    (Kinds::INT, "int"),
    (Kinds::FLOAT, "float"),
    (Kinds::TEXT, "string"),
    (Kinds::BYTES, "bytes"),
    (Kinds::STRUCT, "struct"),
    (Kinds::LIST, "list"),
];
