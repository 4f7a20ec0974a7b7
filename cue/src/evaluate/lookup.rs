//! What names, selectors and indices stand for. What is looked up in vain is remembered: it must not appear later.

use std::rc::Rc;

use super::copy::is_unknown;
use super::{Evaluator, Judged, shown_label, stop};
use crate::error::ConflictKind;
use crate::graph::{Env, Frame, Id, Outcome, Source, Stage, Value, Vertex, env_at};
use crate::syntax::{Expr, Kind, Label, Name, Presence, Target};
use crate::value::{Kinds, Scalar};

/// What a reference leads to.
pub(super) enum Found {
    /// A vertex, and whether the way there names a definition.
    Vertex {
        id: Id,
        definition: bool,
    },
    Value(Value),
}

impl<'p> Evaluator<'p> {
    /// Follows a reference; what is no reference is evaluated.
    pub(super) fn find(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Found> {
        self.step(1)?;
        self.deeper(|evaluator| match &expr.kind {
            Kind::Name(name) => evaluator.find_name(at, name, expr, env),
            Kind::Select(base, label) => evaluator.find_in(at, base, label, expr, env),
            Kind::Index(base, index) => {
                let label = match evaluator.eval(at, index, env)? {
                    Value::Scalar(Scalar::Text(name)) => Label::Text(name),
                    Value::Scalar(Scalar::Number(number)) => {
                        let position = number.to_i64().and_then(|position| usize::try_from(position).ok());
                        match position {
                            Some(position) => Label::Position(position),
                            None => return Ok(evaluator.no_such(at, &number.to_string(), "an index", index)),
                        }
                    }
                    Value::Bottom(fault) => return Ok(Found::Value(Value::Bottom(fault))),
                    Value::Open(_) => {
                        let fault = evaluator.incomplete(at, "an index that is not known", "a value", index);
                        return Ok(Found::Value(Value::Bottom(Box::new(fault))));
                    }
                    other => return Err(stop(evaluator.shown(&other), "an index")),
                };
                evaluator.find_in(at, base, &label, expr, env)
            }
            _ => evaluator.eval(at, expr, env).map(Found::Value),
        })
    }

    fn find_name(&mut self, at: Id, name: &'p Name, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Found> {
        let env = env_at(env, name.up);
        match (&name.target, &env.frame) {
            (Target::Field(label), Frame::Struct { vertex, .. }) => self.find_field(at, *vertex, label, expr),
            (Target::Let(position), Frame::Struct { vertex, lets }) => {
                let key = (Rc::as_ptr(env), *position);
                let known = self.lets.get(&key).map(|(_, id)| *id);
                let id = match known {
                    Some(id) => id,
                    None => {
                        let id = self.anonymous(*vertex, Source::Expr(&lets[*position].value), Some(Rc::clone(env)))?;
                        self.lets.insert(key, (Rc::clone(env), id));
                        id
                    }
                };
                Ok(Found::Vertex { id, definition: false })
            }
            (Target::LoopKey, Frame::Loop { key, .. }) => Ok(Found::Value(Value::Scalar(key.clone()))),
            (Target::LoopValue, Frame::Loop { value, .. }) => Ok(Found::Vertex { id: *value, definition: false }),
            (Target::Whole, Frame::Whole(id)) => Ok(Found::Vertex { id: *id, definition: false }),
            (Target::Label, Frame::Label(name)) => Ok(Found::Value(Value::Scalar(Scalar::Text(Rc::clone(name))))),
            _ => unreachable!("a name is resolved to what its scope has"),
        }
    }

    fn find_in(
        &mut self,
        at: Id,
        base: &'p Expr,
        label: &Label,
        expr: &'p Expr,
        env: Option<&Rc<Env<'p>>>,
    ) -> Judged<Found> {
        let (inside, in_definition) = match self.find(at, base, env)? {
            Found::Vertex { id, definition } => (id, definition),
            Found::Value(Value::Composite(id)) => (id, false),
            Found::Value(Value::Open(id)) => {
                let fault = self.not_known(at, id, Kinds::STRUCT.or(Kinds::LIST), "a struct or a list", expr)?;
                return Ok(Found::Value(Value::Bottom(Box::new(fault))));
            }
            Found::Value(bottom @ Value::Bottom(_)) => return Ok(Found::Value(bottom)),
            Found::Value(Value::Scalar(value)) => {
                return Ok(self.no_such(at, &value.to_string(), "a struct or a list", expr));
            }
        };
        if self.vertices[inside].stage != Stage::Expanding {
            self.settle(inside)?;
        }
        let inside = match self.vertices[inside].outcome {
            // a default that is no value yet: the others are not given up
            Outcome::Chosen(chosen)
                if self.vertices[inside].candidates.len() > 1
                    && self.vertices[chosen].kinds.and(Kinds::STRUCT.or(Kinds::LIST)).is_empty()
                    && self.vertices[chosen].scalar.is_none() =>
            {
                return Err(stop("a default that is no value".to_owned(), "a struct or a list"));
            }
            Outcome::Chosen(chosen) => chosen,
            Outcome::Plain if self.vertices[inside].stage != Stage::Deciding => inside,
            Outcome::Ambiguous => {
                let fault = self.not_known(at, inside, Kinds::STRUCT.or(Kinds::LIST), "one alternative", expr)?;
                return Ok(Found::Value(Value::Bottom(Box::new(fault))));
            }
            Outcome::Plain => return Err(stop("a value that depends on itself".to_owned(), "an order")),
        };
        match self.find_field(at, inside, label, expr)? {
            Found::Vertex { id, definition } => Ok(Found::Vertex { id, definition: definition || in_definition }),
            found => Ok(found),
        }
    }

    fn find_field(&mut self, at: Id, inside: Id, label: &Label, expr: &'p Expr) -> Judged<Found> {
        let vertex = &self.vertices[inside];
        if let Some(known) = &vertex.scalar
            && vertex.fields.is_empty()
        {
            // what is not known may yet turn out to be something else, to CUE
            if let Some(fault) = vertex.faults.iter().find(|fault| is_unknown(fault.kind)) {
                return Ok(Found::Value(Value::Bottom(Box::new(fault.clone()))));
            }
            let found = known.value.to_string();
            return Ok(self.no_such(at, &found, "a struct or a list", expr));
        }
        let wanted = if matches!(label, Label::Position(_)) { Kinds::LIST } else { Kinds::STRUCT };
        if label.is_regular() && vertex.kinds.and(wanted).is_empty() && vertex.faults.is_empty() {
            let found = vertex.kinds.to_string();
            if vertex.stage == Stage::Expanding {
                return Err(stop("a value that depends on itself".to_owned(), "an order"));
            }
            if vertex.scalar.is_none() && vertex.kinds.within(Kinds::STRUCT.or(Kinds::LIST)) {
                let line = expr.place.line;
                let fault =
                    self.conflict(at, ConflictKind::Undefined, shown_label(label), "its value".to_owned(), line);
                return Ok(Found::Value(Value::Bottom(Box::new(fault))));
            }
            return Ok(self.no_such(at, &found, &wanted.to_string(), expr));
        }
        if let Label::Position(position) = label {
            return self.find_element(at, inside, *position, expr);
        }
        if let Some(id) = vertex.by_label.get(label).copied()
            && self.vertices[id].presence == Presence::Member
        {
            return Ok(Found::Vertex { id, definition: label.is_definition() });
        }
        if let Some(fault) = vertex.faults.first().filter(|_| vertex.stage != Stage::Expanding) {
            return Ok(Found::Value(Value::Bottom(Box::new(fault.clone()))));
        }
        self.vertices[inside].absent.insert(label.clone());
        let (found, wanted) = (shown_label(label), "its value".to_owned());
        let fault = self.conflict(at, ConflictKind::Undefined, found, wanted, expr.place.line);
        Ok(Found::Value(Value::Bottom(Box::new(fault))))
    }

    fn find_element(&mut self, at: Id, inside: Id, position: usize, expr: &'p Expr) -> Judged<Found> {
        let vertex = &self.vertices[inside];
        let Some((elements, _)) = &vertex.elements else {
            if vertex.stage == Stage::Done {
                let fault = self.incomplete(at, "no list to take an element of", "a list", expr);
                return Ok(Found::Value(Value::Bottom(Box::new(fault))));
            }
            return Err(stop("a list that depends on itself".to_owned(), "an order"));
        };
        match elements.get(position) {
            Some(id) => Ok(Found::Vertex { id: *id, definition: false }),
            None => {
                let fault = self.incomplete(at, &format!("index {position} out of range"), "an element", expr);
                Ok(Found::Value(Value::Bottom(Box::new(fault))))
            }
        }
    }

    fn no_such(&self, at: Id, found: &str, wanted: &str, expr: &Expr) -> Found {
        let line = expr.place.line;
        let fault = self.conflict(at, ConflictKind::Conflicting, found.to_owned(), wanted.to_owned(), line);
        Found::Value(Value::Bottom(Box::new(fault)))
    }

    /// Joins a vertex's lists: closed ones must be of one length, open ones no longer.
    pub(super) fn join_lists(&mut self, at: Id) -> Judged<()> {
        let lists = std::mem::take(&mut self.vertices[at].lists);
        if lists.is_empty() || !self.vertices[at].open_choices.is_empty() {
            self.vertices[at].lists = lists;
            return Ok(());
        }
        let closed = lists.iter().filter(|list| list.rest.is_none()).map(|list| list.items.len());
        let longest = lists.iter().map(|list| list.items.len()).max().unwrap_or(0);
        let length = closed.clone().next();
        let unequal = closed.clone().any(|other| Some(other) != length) || length.is_some_and(|fixed| fixed < longest);
        if unequal {
            let by_data = lists.iter().find(|list| list.from_data).map_or(longest, |list| list.items.len());
            let by_policy = lists.iter().find(|list| !list.from_data).map_or(longest, |list| list.items.len());
            let line = lists.iter().map(|list| list.line).max().unwrap_or(0);
            let (found, wanted) = (format!("a list of {by_data}"), format!("a list of {by_policy}"));
            self.fault(at, &found, &wanted, line);
        }
        let count = length.unwrap_or(longest);
        let mut elements = Vec::with_capacity(count.min(1 << 16));
        for position in 0..count {
            let mut conjuncts = Vec::new();
            for list in &lists {
                self.step(1)?;
                match (list.items.get(position), &list.rest) {
                    (Some(item), _) => conjuncts.push(item.clone()),
                    (None, Some(Some(rest))) => conjuncts.push(rest.clone()),
                    (None, Some(None) | None) => {}
                }
            }
            elements.push(self.vertex(Vertex::new(Some(at), Some(Label::Position(position)), conjuncts))?);
        }
        self.vertices[at].lists = lists;
        self.vertices[at].elements = Some((elements, length.is_none()));
        Ok(())
    }
}
