//! The evaluator: builds the value that policy and data make together, on demand, and finds what is wrong with it.
//! Where the outcome could depend on an order that it does not follow, it stops with `Undecided` rather than guess.

mod call;
mod choose;
mod closed;
mod compute;
mod copy;
mod expand;
mod finish;
mod lookup;
mod tasks;

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value as Json;

use crate::error::{Conflict, ConflictKind};
use crate::graph::{Conjunct, Env, Id, Scope, Source, Vertex};
use crate::limits::{MAX_DEPTH, MAX_QUOTED, MAX_STEPS};
use crate::regular::Patterns;
use crate::syntax::{Expr, Label};
use crate::value::shortened;

/// Why evaluation had to stop: its kind is always `Undecided`.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Conflict);

/// A result of evaluation, unless it had to stop.
pub(crate) type Judged<T> = Result<T, Stop>;

/// What one evaluation works with.
pub(crate) struct Evaluator<'p> {
    vertices: Vec<Vertex<'p>>,
    lets: HashMap<(*const Env<'p>, usize), (Rc<Env<'p>>, Id)>,
    patterns: Patterns,
    steps: usize,
    depth: usize,
}

/// What is wrong with a policy, or with a policy and some data.
pub(crate) struct Findings {
    /// With the whole: the top level's own faults.
    pub(crate) top: Vec<Conflict>,
    /// With anything in it.
    pub(crate) all: Vec<Conflict>,
}

/// Evaluates a policy, together with data if there are any.
pub(crate) fn evaluate<'p>(policy: &'p Expr, data: Option<&'p Json>) -> Judged<Findings> {
    let mut evaluator =
        Evaluator { vertices: Vec::new(), lets: HashMap::new(), patterns: Patterns::default(), steps: 0, depth: 0 };
    let mut conjuncts = vec![Conjunct { source: Source::Expr(policy), env: None, scope: Scope::root() }];
    if let Some(data) = data {
        conjuncts.push(Conjunct { source: Source::Data(data), env: None, scope: Scope::root() });
    }
    let root = evaluator.vertex(Vertex::new(None, None, conjuncts))?;
    let all = evaluator.finish(root)?.as_ref().clone();
    let top = evaluator.vertices[root].faults.clone();
    Ok(Findings { top, all })
}

impl<'p> Evaluator<'p> {
    fn vertex(&mut self, vertex: Vertex<'p>) -> Judged<Id> {
        self.step(4)?;
        self.vertices.push(vertex);
        Ok(self.vertices.len() - 1)
    }

    /// A vertex for an expression that stands for no field.
    fn anonymous(&mut self, parent: Id, source: Source<'p>, env: Option<Rc<Env<'p>>>) -> Judged<Id> {
        let conjunct = Conjunct { source, env, scope: Scope::root() };
        self.vertex(Vertex::new(Some(parent), None, vec![conjunct]))
    }

    fn step(&mut self, cost: usize) -> Judged<()> {
        self.steps += cost;
        if self.steps > MAX_STEPS {
            return Err(stop(format!("more than {MAX_STEPS} steps"), "fewer"));
        }
        Ok(())
    }

    /// Runs an evaluation one level further in.
    fn deeper<T>(&mut self, evaluate: impl FnOnce(&mut Self) -> Judged<T>) -> Judged<T> {
        if self.depth >= MAX_DEPTH {
            return Err(stop(format!("more than {MAX_DEPTH} levels"), "fewer"));
        }
        self.depth += 1;
        let evaluated = evaluate(self);
        self.depth -= 1;
        evaluated
    }

    fn path(&self, vertex: Id) -> String {
        let mut labels = Vec::new();
        let mut next = Some(vertex);
        while let Some(id) = next {
            let vertex = &self.vertices[id];
            labels.extend(vertex.label.as_ref());
            next = vertex.parent;
        }
        let mut path = String::new();
        for label in labels.into_iter().rev() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&shown_label(label));
        }
        path
    }

    /// A fault at a vertex.
    fn conflict(&self, at: Id, kind: ConflictKind, found: String, wanted: String, line: u32) -> Conflict {
        let (found, wanted) = (short(found), short(wanted));
        Conflict { path: self.path(at), kind, found, wanted, line }
    }

    fn incomplete(&self, at: Id, found: &str, wanted: &str, expr: &Expr) -> Conflict {
        self.conflict(at, ConflictKind::Incomplete, found.to_owned(), wanted.to_owned(), expr.place.line)
    }
}

fn short(text: String) -> String {
    if text.len() <= MAX_QUOTED { text } else { shortened(&text) }
}

/// A reason to stop.
pub(crate) fn stop(found: String, wanted: &str) -> Stop {
    let (path, wanted) = (String::new(), wanted.to_owned());
    Stop(Conflict { path, kind: ConflictKind::Undecided, found, wanted, line: 0 })
}

/// A label as CUE writes it in a path.
pub(crate) fn shown_label(label: &Label) -> String {
    match label {
        Label::Position(position) => position.to_string(),
        Label::Hidden(name) | Label::Definition(name) | Label::HiddenDefinition(name) => name.to_string(),
        Label::Text(name) => {
            let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
            if plain { name.to_string() } else { format!("\"{}\"", shortened(&name.escape_default().to_string())) }
        }
    }
}
