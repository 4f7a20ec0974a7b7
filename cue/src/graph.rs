//! What evaluation works on: vertices, the conjuncts that each must satisfy, the environments that names are looked
//! up in, and the scopes that say which fields a closed struct allows.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value as Json;

use crate::builtin::Function;
use crate::error::Conflict;
use crate::syntax::{Expr, Label, Let, Presence, Relation};
use crate::value::{Kinds, Scalar};

/// A vertex's position in the evaluator.
pub(crate) type Id = usize;

/// Something that a vertex must satisfy, with what its names mean and whose closedness it is subject to.
#[derive(Clone)]
pub(crate) struct Conjunct<'p> {
    pub(crate) source: Source<'p>,
    pub(crate) env: Option<Rc<Env<'p>>>,
    pub(crate) scope: Rc<Scope>,
}

/// Where a conjunct comes from.
#[derive(Clone)]
pub(crate) enum Source<'p> {
    Expr(&'p Expr),
    Data(&'p Json),
    Scalar(Scalar),
    /// Whatever the vertex must satisfy.
    Vertex(Id),
    /// A list that was computed.
    Items(Rc<[Source<'p>]>),
}

/// What names mean: this scope, then those around it.
pub(crate) struct Env<'p> {
    pub(crate) up: Option<Rc<Env<'p>>>,
    pub(crate) frame: Frame<'p>,
}

/// One scope's meanings.
pub(crate) enum Frame<'p> {
    Struct { vertex: Id, lets: &'p [Let] },
    Loop { key: Scalar, value: Id },
    Whole(Id),
    Label(Rc<str>),
}

/// A conjunct's origin, for closedness: a tree that grows downward from what was written.
pub(crate) struct Scope {
    pub(crate) parent: Option<Rc<Scope>>,
    pub(crate) kind: ScopeKind,
    /// How many there are above it.
    pub(crate) depth: usize,
    /// Whether it, or one above, closes what it is the origin of.
    pub(crate) closing: bool,
}

/// What makes a scope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    /// A whole policy, the data, an expression on its own.
    Root,
    /// A struct literal.
    Literal,
    /// A value embedded in the literal above.
    Embedded,
    /// A reference to a vertex, made at a vertex; `true` where it closes what it refers to, all the way down.
    Reference { to: Id, at: Id, closed: bool },
    /// A value that was computed from another.
    Computed,
    /// An alternative that was taken at a vertex.
    Alternative(Id),
    /// A call of `close` at a vertex, which closes that alone.
    Closed(Id),
}

impl ScopeKind {
    fn closes(self) -> bool {
        matches!(self, Self::Reference { closed: true, .. } | Self::Closed(_))
    }
}

impl Scope {
    /// A scope of nothing above.
    pub(crate) fn root() -> Rc<Self> {
        Rc::new(Self { parent: None, kind: ScopeKind::Root, depth: 0, closing: false })
    }

    /// A scope within another.
    pub(crate) fn within(parent: &Rc<Self>, kind: ScopeKind) -> Rc<Self> {
        let closing = parent.closing || kind.closes();
        Rc::new(Self { parent: Some(Rc::clone(parent)), kind, depth: parent.depth + 1, closing })
    }

    /// Whether the other is this one or lies within it.
    pub(crate) fn contains(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        let mut next = Some(other);
        while let Some(scope) = next {
            if Rc::ptr_eq(self, scope) {
                return true;
            }
            next = scope.parent.as_ref();
        }
        false
    }
}

/// How far a vertex has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing but conjuncts.
    New,
    /// Its fields are being found.
    Expanding,
    /// Its fields are known.
    Expanded,
    /// Its alternatives are being tried.
    Deciding,
    /// Its own value is known; its fields may still be at any stage.
    Done,
}

/// A place in the value that is being built.
pub(crate) struct Vertex<'p> {
    pub(crate) parent: Option<Id>,
    pub(crate) label: Option<Label>,
    pub(crate) presence: Presence,
    pub(crate) conjuncts: Vec<Conjunct<'p>>,
    /// Which alternative is taken of the disjunctions met so far.
    pub(crate) choices: Vec<usize>,
    pub(crate) stage: Stage,
    /// Its conjuncts were copied elsewhere: more would come too late.
    pub(crate) copied: bool,
    pub(crate) kinds: Kinds,
    pub(crate) scalar: Option<Known>,
    pub(crate) checks: Vec<Check>,
    pub(crate) is_struct: bool,
    /// A literal that is a struct unless what it embeds is something else.
    pub(crate) is_struct_by_default: bool,
    /// Such a literal with nothing embedded in it: to CUE it is a struct beside anything but what it is embedded with.
    pub(crate) holds_hidden_alone: bool,
    pub(crate) fields: Vec<Id>,
    pub(crate) by_label: HashMap<Label, Id>,
    /// Labels that were looked up in vain: they must not appear any more.
    pub(crate) absent: HashSet<Label>,
    /// All its fields were looked at: no other must appear any more.
    pub(crate) sealed: bool,
    pub(crate) literals: Vec<Literal<'p>>,
    /// The origins of conjuncts that close it.
    pub(crate) closing: Vec<Rc<Scope>>,
    /// The literals that embed what is closed, and so are closed themselves, all the way down.
    pub(crate) enclosing: Vec<Rc<Scope>>,
    /// The origins of conjuncts that allow anything.
    pub(crate) tops: Vec<Rc<Scope>>,
    pub(crate) patterns: Vec<Pattern<'p>>,
    pub(crate) lists: Vec<ListConjunct<'p>>,
    /// The elements, once the lists are joined; and whether more could follow.
    pub(crate) elements: Option<(Vec<Id>, bool)>,
    pub(crate) disjunctions_met: usize,
    pub(crate) open_choices: Vec<Choice<'p>>,
    pub(crate) candidates: Vec<(Id, Mode)>,
    pub(crate) outcome: Outcome,
    /// It was chosen as a default while others were left.
    pub(crate) by_default: bool,
    /// What is wrong with the vertex itself.
    pub(crate) faults: Vec<Conflict>,
    /// Vertices that are no part of the value, and were used to compute it.
    pub(crate) uses: Vec<Id>,
    pub(crate) finishing: bool,
    /// What is wrong with it and all below, once that is known.
    pub(crate) all_faults: Option<Rc<Vec<Conflict>>>,
}

/// A scalar that the vertex has, who says so and where.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) value: Scalar,
    pub(crate) from_data: bool,
    pub(crate) line: u32,
}

/// What came of a vertex's alternatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There were none, or none was left.
    Plain,
    /// One is left, or is the default.
    Chosen(Id),
    /// Several are left.
    Ambiguous,
}

/// A condition on a value that is yet to be known.
#[derive(Clone)]
pub(crate) enum Check {
    Bound { relation: Relation, limit: Scalar, line: u32 },
    Validator { function: Function, arguments: Vec<Value>, line: u32 },
}

/// What an expression evaluates to.
#[derive(Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    /// A struct or list.
    Composite(Id),
    /// Not known well enough: a type, a bound, several alternatives.
    Open(Id),
    Bottom(Box<Conflict>),
}

/// A struct literal at a vertex: the fields it allows.
pub(crate) struct Literal<'p> {
    pub(crate) scope: Rc<Scope>,
    pub(crate) labels: HashSet<Label>,
    pub(crate) patterns: Vec<Pattern<'p>>,
    pub(crate) open: bool,
    pub(crate) from_data: bool,
}

/// `[label]: value`.
#[derive(Clone)]
pub(crate) struct Pattern<'p> {
    pub(crate) label: &'p Expr,
    pub(crate) value: &'p Expr,
    pub(crate) aliased: bool,
    pub(crate) env: Option<Rc<Env<'p>>>,
    pub(crate) scope: Rc<Scope>,
}

/// A list: its elements, and what may follow them.
pub(crate) struct ListConjunct<'p> {
    pub(crate) items: Vec<Conjunct<'p>>,
    pub(crate) rest: Option<Option<Conjunct<'p>>>,
    pub(crate) from_data: bool,
    pub(crate) line: u32,
}

/// Alternatives of which one must be taken.
#[derive(Clone)]
pub(crate) struct Choice<'p> {
    pub(crate) alternatives: Vec<(Mode, Conjunct<'p>)>,
    pub(crate) line: u32,
}

/// Whether an alternative is a default: unknown where none of its disjunction is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Default,
    Unmarked,
    NotDefault,
}

impl Mode {
    /// The mode of two alternatives taken together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotDefault, _) | (_, Self::NotDefault) => Self::NotDefault,
            (Self::Default, _) | (_, Self::Default) => Self::Default,
            (Self::Unmarked, Self::Unmarked) => Self::Unmarked,
        }
    }
}

impl<'p> Vertex<'p> {
    /// A vertex that nothing is known of but what it must satisfy.
    pub(crate) fn new(parent: Option<Id>, label: Option<Label>, conjuncts: Vec<Conjunct<'p>>) -> Self {
        Self {
            parent,
            label,
            presence: Presence::Member,
            conjuncts,
            choices: Vec::new(),
            stage: Stage::New,
            copied: false,
            kinds: Kinds::ALL,
            scalar: None,
            checks: Vec::new(),
            is_struct: false,
            is_struct_by_default: false,
            holds_hidden_alone: false,
            fields: Vec::new(),
            by_label: HashMap::new(),
            absent: HashSet::new(),
            sealed: false,
            literals: Vec::new(),
            closing: Vec::new(),
            enclosing: Vec::new(),
            tops: Vec::new(),
            patterns: Vec::new(),
            lists: Vec::new(),
            elements: None,
            disjunctions_met: 0,
            open_choices: Vec::new(),
            candidates: Vec::new(),
            outcome: Outcome::Plain,
            by_default: false,
            faults: Vec::new(),
            uses: Vec::new(),
            finishing: false,
            all_faults: None,
        }
    }
}

/// The scope so many scopes out.
pub(crate) fn env_at<'e, 'p>(env: Option<&'e Rc<Env<'p>>>, up: usize) -> &'e Rc<Env<'p>> {
    let mut env = env.expect("a resolved name has scopes around it");
    for _ in 0..up {
        env = env.up.as_ref().expect("a resolved name has enough scopes around it");
    }
    env
}
