//! A policy as a tree, names already resolved to what they stand for.
//! Nothing here is evaluated; every node knows its place in the text.

use std::rc::Rc;

use crate::builtin::Function;
use crate::number::Number;

/// A place in the text, both from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// An expression and its place.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// The forms of expression.
#[derive(Debug)]
pub(crate) enum Kind {
    Bottom,
    Null,
    Bool(bool),
    Number(Number),
    String(Rc<str>),
    Bytes(Rc<[u8]>),
    /// Texts and values by turns; `true` for bytes.
    Interpolation(Vec<Piece>, bool),
    Struct(Struct),
    List(List),
    Type(Type),
    /// A name not yet resolved; none is left in a policy.
    Unresolved(String),
    Name(Name),
    Select(Box<Expr>, Label),
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// A call whose function is not yet resolved; none is left in a policy.
    UnresolvedCall(Box<Expr>, Vec<Expr>),
    Call(Function, Vec<Expr>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    /// Alternatives, each with whether it is a default.
    Or(Vec<(bool, Expr)>),
    Bound(Relation, Box<Expr>),
    /// `X={…}`: the value may call itself by a name.
    Aliased(String, Box<Expr>),
}

/// A part of an interpolated text.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    Value(Expr),
}

/// A struct's declarations, its `let` clauses apart.
#[derive(Debug, Default)]
pub(crate) struct Struct {
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) lets: Vec<Let>,
    /// Whether `...` stands in it.
    pub(crate) open: bool,
}

/// A named expression that is no field.
#[derive(Debug)]
pub(crate) struct Let {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) value: Expr,
}

/// One declaration of a struct.
#[derive(Debug)]
pub(crate) enum Declaration {
    Field(Field),
    /// `[pattern]: value`, with the name that the label has inside the value.
    Pattern {
        place: Place,
        alias: Option<String>,
        label: Expr,
        value: Expr,
    },
    /// `(expression): value` or `"\(…)": value`.
    Dynamic {
        presence: Presence,
        label: Expr,
        value: Expr,
    },
    Embedded(Expr),
    Comprehension(Comprehension),
}

/// A field whose label is written out.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) place: Place,
    pub(crate) label: Label,
    /// Whether the label is an identifier, so that names can refer to the field.
    pub(crate) named: bool,
    /// `X=label: …`: another name for the field.
    pub(crate) alias: Option<String>,
    pub(crate) presence: Presence,
    pub(crate) value: Expr,
}

/// How firmly a field is declared, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    Optional,
    Required,
    Member,
}

/// A field's name. Those that begin with `_`, and definitions, are no part of the data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    Text(Rc<str>),
    Hidden(Rc<str>),
    Definition(Rc<str>),
    HiddenDefinition(Rc<str>),
    Position(usize),
}

impl Label {
    /// Whether it can occur in data.
    pub(crate) fn is_regular(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Position(_))
    }

    /// Whether referring to it closes what it refers to.
    pub(crate) fn is_definition(&self) -> bool {
        matches!(self, Self::Definition(_) | Self::HiddenDefinition(_))
    }
}

/// A list's elements, and what may follow them: nothing, anything, or values of one kind.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) elements: Vec<Element>,
    pub(crate) rest: Option<Option<Box<Expr>>>,
}

/// One element of a list, or many by a comprehension.
#[derive(Debug)]
pub(crate) enum Element {
    Value(Expr),
    Comprehension(Comprehension),
}

/// `for`, `if` and `let` clauses and what they yield.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) body: Expr,
}

/// One clause of a comprehension.
#[derive(Debug)]
pub(crate) enum Clause {
    For { place: Place, key: Option<String>, value: String, source: Expr },
    If(Expr),
    Let { place: Place, name: String, value: Expr },
}

/// What a name stands for: something in the scope that is `up` scopes out.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) up: usize,
    pub(crate) target: Target,
}

/// What a scope has to offer.
#[derive(Debug)]
pub(crate) enum Target {
    Field(Label),
    /// The n-th `let` of a struct.
    Let(usize),
    LoopKey,
    LoopValue,
    /// A clause's `let`, or a value's alias.
    Whole,
    /// The label that a pattern matched.
    Label,
}

/// The named types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Top,
    Bool,
    Int,
    Float,
    Number,
    String,
    Bytes,
    /// An integer within bounds, by its name.
    Ranged(&'static str, Option<i128>, Option<i128>),
}

/// Operators on one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Plus,
    Minus,
}

/// Operators that compute a value from two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerQuotient,
    IntegerRemainder,
    IntegerDiv,
    IntegerMod,
    And,
    Or,
    Compare(Relation),
}

/// Operators that compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    MatchesNot,
}
