//! Closedness: a definition that is referred to, and `close`, allow no field but those that they name, those that a
//! literal names which embeds them, and those that a pattern of theirs matches.

use std::rc::Rc;

use super::{Evaluator, Judged, stop};
use crate::error::ConflictKind;
use crate::graph::{Id, Literal, Scope, ScopeKind};
use crate::syntax::{Label, Presence};

impl<'p> Evaluator<'p> {
    /// Finds the fields that something does not allow.
    pub(super) fn check_closed(&mut self, at: Id) -> Judged<()> {
        if self.vertices[at].fields.is_empty() {
            return Ok(());
        }
        let boundaries = self.boundaries(at)?;
        for field in self.vertices[at].fields.clone() {
            let Some(label @ Label::Text(_)) = self.vertices[field].label.clone() else { continue };
            if self.vertices[field].presence == Presence::Optional {
                continue;
            }
            for Boundary { closing, of_alternative, direct, remote } in &boundaries {
                if !self.is_allowed(at, closing, &label)? {
                    if !self.vertices[at].choices.is_empty() && !of_alternative {
                        return Err(stop("a closed struct with alternatives".to_owned(), "one that is closed in each"));
                    }
                    if *remote {
                        return Err(stop(
                            "a field that something embedded or computed closes".to_owned(),
                            "a definition",
                        ));
                    }
                    if !direct && self.is_in_list(at) {
                        return Err(stop(
                            "a list's element that embeds what is closed".to_owned(),
                            "one that refers to it",
                        ));
                    }
                    let outside = |literal: &Literal<'p>| !literal.from_data && !speaks_for(closing, &literal.scope);
                    if !direct && self.vertices[at].literals.iter().any(outside) {
                        return Err(stop("a struct that embeds what is closed, and another".to_owned(), "one of both"));
                    }
                    if self.is_below_top(at) {
                        return Err(stop("a closed struct that may also be anything".to_owned(), "one of both"));
                    }
                    let line = self.vertices[field].scalar.as_ref().map_or(0, |known| known.line);
                    let (found, wanted) = (super::shown_label(&label), "no such field".to_owned());
                    let fault = self.conflict(field, ConflictKind::NotAllowed, found, wanted, line);
                    self.vertices[at].faults.push(fault);
                    break;
                }
            }
        }
        Ok(())
    }

    /// For each thing that closes the vertex, the scope within which a field must be named.
    fn boundaries(&mut self, at: Id) -> Judged<Vec<Boundary>> {
        let mut found: Vec<Boundary> = Vec::new();
        for origin in self.vertices[at].closing.clone() {
            let mut next = Some(&origin);
            while let Some(scope) = next.filter(|scope| scope.closing) {
                self.step(1)?;
                let closes = match scope.kind {
                    ScopeKind::Reference { closed, .. } => closed,
                    ScopeKind::Closed(closed) => closed == at,
                    _ => false,
                };
                if closes {
                    let (boundary, of_alternative) = (around(scope), self.is_of_alternative(scope, at)?);
                    let direct = Rc::ptr_eq(boundary, scope);
                    let remote = self.is_remote(scope, boundary)?;
                    match found.iter_mut().find(|known| Rc::ptr_eq(&known.closing, scope)) {
                        Some(known) => {
                            known.of_alternative &= of_alternative;
                            known.remote |= remote;
                        }
                        None => found.push(Boundary { closing: Rc::clone(scope), of_alternative, direct, remote }),
                    }
                }
                next = scope.parent.as_ref();
            }
        }
        let mut above = self.vertices[at].parent;
        while let Some(id) = above {
            for enclosing in self.vertices[id].enclosing.clone() {
                self.step(1)?;
                let concerned = self.vertices[at].literals.iter().any(|literal| enclosing.contains(&literal.scope));
                if concerned && !found.iter().any(|known| Rc::ptr_eq(&known.closing, &enclosing)) {
                    found.push(Boundary { closing: enclosing, of_alternative: false, direct: false, remote: true });
                }
            }
            above = self.vertices[id].parent;
        }
        Ok(found)
    }

    /// Notes that a literal embeds what is closed.
    pub(super) fn encloses(&mut self, at: Id, closing: &Rc<Scope>) {
        let boundary = around(closing);
        if !Rc::ptr_eq(boundary, closing) {
            self.vertices[at].enclosing.push(Rc::clone(boundary));
        }
    }

    /// Whether something closes a vertex.
    pub(super) fn is_closed(&self, at: Id) -> bool {
        let enclosed = |id: Id| !self.vertices[id].enclosing.is_empty();
        !self.vertices[at].closing.is_empty() || enclosed(at) || self.vertices[at].parent.is_some_and(enclosed)
    }

    /// Whether a vertex is no part of the data.
    pub(super) fn is_hidden(&self, at: Id) -> bool {
        let mut next = Some(at);
        while let Some(id) = next {
            if self.vertices[id].label.as_ref().is_some_and(|label| !label.is_regular()) {
                return true;
            }
            next = self.vertices[id].parent;
        }
        false
    }

    /// Whether a vertex is a definition, or part of one.
    pub(super) fn is_in_definition(&self, id: Id) -> bool {
        let mut next = Some(id);
        while let Some(id) = next {
            if self.vertices[id].label.as_ref().is_some_and(Label::is_definition) {
                return true;
            }
            next = self.vertices[id].parent;
        }
        false
    }

    /// Whether a scope is part of an alternative that was taken at the vertex.
    fn is_of_alternative(&mut self, scope: &Rc<Scope>, at: Id) -> Judged<bool> {
        let mut next = Some(scope);
        while let Some(scope) = next {
            self.step(1)?;
            if scope.kind == ScopeKind::Alternative(at) {
                return Ok(true);
            }
            next = scope.parent.as_ref();
        }
        Ok(false)
    }

    /// Whether what closes lies in something embedded further up than its boundary, or was computed.
    fn is_remote(&mut self, closing: &Rc<Scope>, boundary: &Rc<Scope>) -> Judged<bool> {
        let (mut next, mut inside) = (Some(closing), true);
        while let Some(scope) = next {
            self.step(1)?;
            inside &= !Rc::ptr_eq(scope, boundary);
            if scope.kind == ScopeKind::Computed || (!inside && scope.kind == ScopeKind::Embedded) {
                return Ok(true);
            }
            next = scope.parent.as_ref();
        }
        Ok(false)
    }

    fn is_in_list(&self, at: Id) -> bool {
        let mut next = Some(at);
        while let Some(id) = next {
            if matches!(self.vertices[id].label, Some(Label::Position(_))) {
                return true;
            }
            next = self.vertices[id].parent;
        }
        false
    }

    /// Whether something that closes, here or further up, allows anything as well.
    fn is_below_top(&self, at: Id) -> bool {
        let mut next = Some(at);
        while let Some(id) = next {
            if self.vertices[id].tops.iter().any(|scope| scope.closing) {
                return true;
            }
            next = self.vertices[id].parent;
        }
        false
    }

    fn is_allowed(&mut self, at: Id, closing: &Rc<Scope>, label: &Label) -> Judged<bool> {
        let vertex = &self.vertices[at];
        let within: Vec<_> = vertex.literals.iter().filter(|literal| speaks_for(closing, &literal.scope)).collect();
        if within.is_empty() {
            // what says nothing about fields allows them, though not where something else does say something
            let others = vertex.literals.iter().any(|literal| !literal.from_data);
            let unknown = || stop("a struct that is closed elsewhere".to_owned(), "one that is closed here");
            return if others { Err(unknown()) } else { Ok(true) };
        }
        let mut patterns = Vec::new();
        for literal in within {
            if literal.open || literal.labels.contains(label) {
                return Ok(true);
            }
            patterns.extend(literal.patterns.iter().cloned());
        }
        self.step(1 + patterns.len())?;
        let Label::Text(name) = label else { return Ok(true) };
        for pattern in patterns {
            if self.matches(at, &pattern, name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Something within which, or in a literal that embeds which, a field must be named.
struct Boundary {
    closing: Rc<Scope>,
    /// Whether it closes only in alternatives that were taken at the vertex.
    of_alternative: bool,
    /// Whether it closes itself, rather than by something embedded.
    direct: bool,
    /// Whether it lies in something that is embedded or was computed: CUE does not always follow it there.
    remote: bool,
}

/// The outermost literal that what closes is embedded in, or itself.
fn around(closing: &Rc<Scope>) -> &Rc<Scope> {
    let mut boundary = closing;
    while let Some(literal) = embedding(boundary) {
        boundary = literal;
    }
    boundary
}

/// Whether a literal can name fields for what closes: it is part of it, or of a literal that embeds it, though not of
/// what is unified with it before it is embedded.
fn speaks_for(closing: &Rc<Scope>, literal: &Rc<Scope>) -> bool {
    let mut current = closing;
    loop {
        if current.contains(literal) {
            return true;
        }
        let Some(above) = embedded_in(current) else { return false };
        let Some(outer) = above.parent.as_ref().filter(|_| !above.contains(literal)) else { return false };
        current = outer;
    }
}

/// The literal that a scope is embedded in, as it is or as one of several alternatives.
fn embedding(scope: &Rc<Scope>) -> Option<&Rc<Scope>> {
    embedded_in(scope)?.parent.as_ref()
}

fn embedded_in(scope: &Rc<Scope>) -> Option<&Rc<Scope>> {
    let mut above = scope.parent.as_ref()?;
    while matches!(above.kind, ScopeKind::Alternative(_) | ScopeKind::Computed) {
        above = above.parent.as_ref()?;
    }
    Some(above).filter(|above| above.kind == ScopeKind::Embedded)
}
