//! References: what a vertex must satisfy is what the one that is referred to must satisfy, with the same names,
//! and closed where a definition is referred to. Patterns, which add to every field whose label they match.

use std::collections::HashMap;
use std::rc::Rc;

use super::expand::Work;
use super::lookup::Found;
use super::{Evaluator, Judged, stop};
use crate::error::ConflictKind;
use crate::graph::{Conjunct, Env, Frame, Id, Outcome, Pattern, Scope, ScopeKind, Source, Stage, Vertex};
use crate::limits::MAX_CHAIN;
use crate::syntax::{Expr, Kind, Label, Relation, Type};
use crate::value::Scalar;

impl<'p> Evaluator<'p> {
    /// Adds what an expression refers to.
    pub(super) fn refer(&mut self, at: Id, expr: &'p Expr, conjunct: &Conjunct<'p>, work: &mut Work<'p>) -> Judged<()> {
        match self.find(at, expr, conjunct.env.as_ref())? {
            Found::Vertex { id, definition } => {
                if conjunct.scope.depth > MAX_CHAIN {
                    return Err(stop(format!("more than {MAX_CHAIN} references to one another"), "fewer"));
                }
                self.step(conjunct.scope.depth / 16)?;
                let kind = ScopeKind::Reference { to: id, at, closed: definition };
                if is_cycle(&conjunct.scope, id, at) {
                    let parent = self.vertices[at].parent;
                    let enclosed = parent.is_some_and(|parent| !self.vertices[parent].enclosing.is_empty());
                    if conjunct.scope.closing || enclosed {
                        return Err(stop("a cycle of references inside what is closed".to_owned(), "an order"));
                    }
                    return Ok(());
                }
                let scope = Scope::within(&conjunct.scope, kind);
                if definition {
                    self.encloses(at, &scope);
                }
                self.copy(at, id, &scope, work)
            }
            Found::Value(value) => self.add_value(at, value, conjunct, expr, work),
        }
    }

    /// Adds all that another vertex must satisfy.
    pub(super) fn copy(&mut self, at: Id, from: Id, scope: &Rc<Scope>, work: &mut Work<'p>) -> Judged<()> {
        if at == from {
            return Ok(());
        }
        self.refuse_endless(at, from)?;
        self.vertices[from].copied = true;
        let conjuncts = self.vertices[from].conjuncts.clone();
        let mut moved = HashMap::new();
        for conjunct in conjuncts {
            self.step(1)?;
            let scope = transplanted(&conjunct.scope, scope, from, at, &mut moved);
            self.add(at, Conjunct { scope, ..conjunct }, work)?;
        }
        Ok(())
    }

    /// A vertex inside the one that it refers to would go on for ever, unless data give it an end.
    fn refuse_endless(&mut self, at: Id, from: Id) -> Judged<()> {
        let mut above = self.vertices[at].parent;
        while let Some(id) = above {
            if id == from
                && self.vertices[at].conjuncts.iter().all(|conjunct| !matches!(conjunct.source, Source::Data(_)))
            {
                return Err(stop("a value inside itself".to_owned(), "an end"));
            }
            above = self.vertices[id].parent;
        }
        Ok(())
    }

    /// Adds a pattern to a struct, and thereby to the fields that are there.
    pub(super) fn add_pattern(&mut self, at: Id, pattern: Pattern<'p>, literal: usize) -> Judged<()> {
        self.vertices[at].literals[literal].patterns.push(pattern.clone());
        for field in self.vertices[at].fields.clone() {
            self.apply_pattern(at, field, &pattern)?;
        }
        self.vertices[at].patterns.push(pattern);
        Ok(())
    }

    /// Adds to a new field what the struct's patterns say of it.
    pub(super) fn apply_patterns(&mut self, at: Id, field: Id) -> Judged<()> {
        for pattern in self.vertices[at].patterns.clone() {
            self.apply_pattern(at, field, &pattern)?;
        }
        Ok(())
    }

    fn apply_pattern(&mut self, at: Id, field: Id, pattern: &Pattern<'p>) -> Judged<()> {
        let Some(Label::Text(name)) = self.vertices[field].label.clone() else { return Ok(()) };
        if !self.matches(at, pattern, &name)? {
            return Ok(());
        }
        let mut env = pattern.env.clone();
        if pattern.aliased {
            env = Some(Rc::new(Env { up: env, frame: Frame::Label(name) }));
        }
        let scope = Rc::clone(&pattern.scope);
        self.constrain(field, Conjunct { source: Source::Expr(pattern.value), env, scope })
    }

    /// Whether a pattern's label matches.
    pub(super) fn matches(&mut self, at: Id, pattern: &Pattern<'p>, name: &Rc<str>) -> Judged<bool> {
        self.step(1)?;
        match &pattern.label.kind {
            Kind::Type(Type::String | Type::Top) => return Ok(true),
            Kind::String(text) => return Ok(text == name),
            Kind::Bound(relation @ (Relation::Matches | Relation::MatchesNot), limit) => {
                if let Kind::String(text) = &limit.kind {
                    let found = self.is_match(text, name)?;
                    return Ok(found == (*relation == Relation::Matches));
                }
            }
            _ => {}
        }
        let scope = Scope::root();
        let label =
            Conjunct { source: Source::Expr(pattern.label), env: pattern.env.clone(), scope: Rc::clone(&scope) };
        let name = Conjunct { source: Source::Scalar(Scalar::Text(Rc::clone(name))), env: None, scope };
        let trial = self.vertex(Vertex::new(Some(at), None, vec![label, name]))?;
        self.settle(trial)?;
        let trial = &self.vertices[trial];
        if trial.stage != Stage::Done || trial.faults.iter().any(|fault| !is_conflict(fault.kind)) {
            return Err(stop("a pattern that is not known".to_owned(), "a string or a regular expression"));
        }
        Ok(trial.faults.is_empty() && trial.outcome != Outcome::Ambiguous)
    }
}

/// Whether a fault excludes the value, rather than leave it unknown.
pub(super) fn is_conflict(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::Conflicting | ConflictKind::Invalid | ConflictKind::NotAllowed)
}

/// Whether a fault leaves the value unknown.
pub(super) fn is_unknown(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::Incomplete | ConflictKind::Undefined)
}

/// Whether the vertex's conjuncts are being copied to where we are already.
fn is_cycle(scope: &Rc<Scope>, to: Id, at: Id) -> bool {
    let mut next = Some(scope);
    while let Some(scope) = next {
        if matches!(scope.kind, ScopeKind::Reference { to: other, at: there, .. } if other == to && there == at) {
            return true;
        }
        next = scope.parent.as_ref();
    }
    to == at
}

/// The same scopes under another: what was closed stays closed.
fn transplanted(
    scope: &Rc<Scope>,
    under: &Rc<Scope>,
    from: Id,
    at: Id,
    moved: &mut HashMap<*const Scope, Rc<Scope>>,
) -> Rc<Scope> {
    if let Some(known) = moved.get(&Rc::as_ptr(scope)) {
        return Rc::clone(known);
    }
    let parent = match &scope.parent {
        Some(parent) => transplanted(parent, under, from, at, moved),
        None => Rc::clone(under),
    };
    let kind = match scope.kind {
        ScopeKind::Closed(closed) if closed == from => ScopeKind::Closed(at),
        ScopeKind::Alternative(of) if of == from => ScopeKind::Alternative(at),
        kind => kind,
    };
    let copy = Scope::within(&parent, kind);
    moved.insert(Rc::as_ptr(scope), Rc::clone(&copy));
    copy
}
