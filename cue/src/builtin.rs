//! The functions and packages that policies may use: what they are called, how many arguments they take, what they
//! validate. Whatever is not in these tables is refused by name.

use std::fmt;

use crate::syntax::Type;
use crate::value::Kinds;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Len,
    Close,
    And,
    Or,
    Div,
    Mod,
    Quo,
    Rem,
    HasPrefix,
    HasSuffix,
    ContainsText,
    ContainsAny,
    MinRunes,
    MaxRunes,
    ToLower,
    ToUpper,
    TrimSpace,
    TrimPrefix,
    TrimSuffix,
    Replace,
    Split,
    Join,
    IndexOf,
    CountOf,
    RegexpMatch,
    MinItems,
    MaxItems,
    UniqueItems,
    ContainsItem,
    Concat,
    Sum,
    Least,
    Greatest,
    Range,
    MinFields,
    MaxFields,
    TimeParse,
    TimeValid,
}

/// What a package offers under a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member {
    Text(&'static str),
    Function(Function),
}

impl Function {
    /// Whether it can be called with so many arguments; a predicate lacks one where it validates.
    pub(crate) fn takes(self, arguments: usize) -> bool {
        let entry = self.entry();
        arguments == entry.arity || self.is_validator(arguments)
    }

    /// Whether a call with so many arguments is a condition on the value that it is unified with.
    pub(crate) fn is_validator(self, arguments: usize) -> bool {
        let entry = self.entry();
        entry.validates.is_some() && arguments + 1 == entry.arity
    }

    /// The kinds of value that it is a condition on.
    pub(crate) fn validates(self) -> Kinds {
        self.entry().validates.unwrap_or(Kinds::ALL)
    }

    /// Whether a call with so many arguments computes a value, rather than constrain one.
    pub(crate) fn computes(self, arguments: usize) -> bool {
        !matches!(self, Self::Close | Self::And | Self::Or) && !self.is_validator(arguments)
    }

    /// The kinds of value that the n-th argument can be of.
    pub(crate) fn accepts(self, argument: usize) -> Kinds {
        match (self, self.entry().package, argument) {
            (Self::Len, ..) => Kinds::TEXT.or(Kinds::BYTES).or(Kinds::LIST).or(Kinds::STRUCT),
            (Self::Join, _, 0) => Kinds::LIST,
            (Self::MinRunes | Self::MaxRunes, _, 1) | (Self::Replace, _, 3) => Kinds::INT,
            (_, "strings" | "regexp" | "time", _) => Kinds::TEXT,
            (Self::Div | Self::Mod | Self::Quo | Self::Rem, ..) => Kinds::INT,
            (Self::Range, ..) => Kinds::NUMBER,
            (_, "list", 0) => Kinds::LIST,
            (_, "struct", 0) => Kinds::STRUCT,
            (Self::MinItems | Self::MaxItems | Self::MinFields | Self::MaxFields, _, 1) => Kinds::INT,
            _ => Kinds::ALL,
        }
    }

    /// Whether it closes its argument.
    pub(crate) fn is_close(self) -> bool {
        self == Self::Close
    }

    /// Whether it unifies a list's elements.
    pub(crate) fn is_and(self) -> bool {
        self == Self::And
    }

    /// Whether it makes alternatives of a list's elements.
    pub(crate) fn is_or(self) -> bool {
        self == Self::Or
    }

    fn entry(self) -> &'static Entry {
        FUNCTIONS.iter().find(|entry| entry.function == self).expect("every function is in the table")
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry();
        match entry.package {
            "" => write!(f, "{}", entry.name),
            package => write!(f, "{package}.{}", entry.name),
        }
    }
}

/// Whether a package of that name can be imported.
pub(crate) fn is_package(path: &str) -> bool {
    matches!(path, "list" | "regexp" | "strings" | "struct" | "time")
}

/// What needs no import.
pub(crate) fn global(name: &str) -> Option<Member> {
    member("", name)
}

/// What a package offers under that name.
pub(crate) fn member(package: &str, name: &str) -> Option<Member> {
    let layout = LAYOUTS.iter().find(|(constant, _)| package == "time" && *constant == name);
    if let Some((_, layout)) = layout {
        return Some(Member::Text(layout));
    }
    let entry = FUNCTIONS.iter().find(|entry| entry.package == package && entry.name == name)?;
    Some(Member::Function(entry.function))
}

/// The type of that name.
pub(crate) fn named_type(name: &str) -> Option<Type> {
    let plain = match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "float" => Type::Float,
        "number" => Type::Number,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "rune" => Type::Ranged("rune", Some(0), Some(0x10_FFFF)),
        _ => {
            let (name, bits, signed) = RANGES.iter().find(|(range, ..)| *range == name)?;
            let size = bits.map(|bits| 1_i128 << bits);
            let low = if *signed { size.map(|size| -size) } else { Some(0) };
            return Some(Type::Ranged(name, low, size.map(|size| size - 1)));
        }
    };
    Some(plain)
}

struct Entry {
    function: Function,
    package: &'static str,
    name: &'static str,
    arity: usize,
    validates: Option<Kinds>,
}

const fn plain(function: Function, package: &'static str, name: &'static str, arity: usize) -> Entry {
    Entry { function, package, name, arity, validates: None }
}

const fn predicate(function: Function, package: &'static str, name: &'static str, arity: usize, on: Kinds) -> Entry {
    Entry { function, package, name, arity, validates: Some(on) }
}

const FUNCTIONS: &[Entry] = &[
    plain(Function::Len, "", "len", 1),
    plain(Function::Close, "", "close", 1),
    plain(Function::And, "", "and", 1),
    plain(Function::Or, "", "or", 1),
    plain(Function::Div, "", "div", 2),
    plain(Function::Mod, "", "mod", 2),
    plain(Function::Quo, "", "quo", 2),
    plain(Function::Rem, "", "rem", 2),
    predicate(Function::HasPrefix, "strings", "HasPrefix", 2, Kinds::TEXT),
    predicate(Function::HasSuffix, "strings", "HasSuffix", 2, Kinds::TEXT),
    predicate(Function::ContainsText, "strings", "Contains", 2, Kinds::TEXT),
    predicate(Function::ContainsAny, "strings", "ContainsAny", 2, Kinds::TEXT),
    predicate(Function::MinRunes, "strings", "MinRunes", 2, Kinds::TEXT),
    predicate(Function::MaxRunes, "strings", "MaxRunes", 2, Kinds::TEXT),
    plain(Function::ToLower, "strings", "ToLower", 1),
    plain(Function::ToUpper, "strings", "ToUpper", 1),
    plain(Function::TrimSpace, "strings", "TrimSpace", 1),
    plain(Function::TrimPrefix, "strings", "TrimPrefix", 2),
    plain(Function::TrimSuffix, "strings", "TrimSuffix", 2),
    plain(Function::Replace, "strings", "Replace", 4),
    plain(Function::Split, "strings", "Split", 2),
    plain(Function::Join, "strings", "Join", 2),
    plain(Function::IndexOf, "strings", "Index", 2),
    plain(Function::CountOf, "strings", "Count", 2),
    plain(Function::RegexpMatch, "regexp", "Match", 2),
    predicate(Function::MinItems, "list", "MinItems", 2, Kinds::LIST),
    predicate(Function::MaxItems, "list", "MaxItems", 2, Kinds::LIST),
    predicate(Function::UniqueItems, "list", "UniqueItems", 1, Kinds::LIST),
    predicate(Function::ContainsItem, "list", "Contains", 2, Kinds::LIST),
    plain(Function::Concat, "list", "Concat", 1),
    plain(Function::Sum, "list", "Sum", 1),
    plain(Function::Least, "list", "Min", 1),
    plain(Function::Greatest, "list", "Max", 1),
    plain(Function::Range, "list", "Range", 3),
    predicate(Function::MinFields, "struct", "MinFields", 2, Kinds::STRUCT),
    predicate(Function::MaxFields, "struct", "MaxFields", 2, Kinds::STRUCT),
    plain(Function::TimeParse, "time", "Parse", 2),
    predicate(Function::TimeValid, "time", "Time", 1, Kinds::TEXT),
];

/// Layouts of times by their constants' names.
const LAYOUTS: &[(&str, &str)] = &[
    ("RFC3339", "2006-01-02T15:04:05Z07:00"),
    ("RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"),
    ("RFC3339Date", "2006-01-02"),
];

/// Integers within bounds: the bits of their size, and whether they can be negative.
const RANGES: &[(&str, Option<u32>, bool)] = &[
    ("uint", None, false),
    ("uint8", Some(8), false),
    ("int8", Some(7), true),
    ("uint16", Some(16), false),
    ("int16", Some(15), true),
    ("uint32", Some(32), false),
    ("int32", Some(31), true),
    ("uint64", Some(64), false),
    ("int64", Some(63), true),
];
