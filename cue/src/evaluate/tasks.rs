//! What a vertex's fields and value must be computed for: comprehensions, computed labels, lists that are generated,
//! operators, calls and bounds.

use std::rc::Rc;

use super::expand::Work;
use super::{Evaluator, Judged, stop};
use crate::error::{Conflict, ConflictKind};
use crate::graph::{Check, Choice, Conjunct, Env, Frame, Id, ListConjunct, Mode, Scope, ScopeKind, Source, Value};
use crate::number::Number;
use crate::syntax::{Clause, Comprehension, Element, Expr, Kind, Label, List, Presence, Relation};
use crate::value::{Kinds, Scalar};

/// Something to compute.
pub(super) enum Task<'p> {
    Computed(&'p Expr, Conjunct<'p>),
    Comprehension { comprehension: &'p Comprehension, env: Option<Rc<Env<'p>>>, scope: Rc<Scope> },
    Dynamic { label: &'p Expr, presence: Presence, value: Conjunct<'p>, literal: usize },
    List { list: &'p List, conjunct: Conjunct<'p>, line: u32 },
}

/// The scopes that a comprehension's body is evaluated in, one for each time it is yielded.
type Yields<'p> = Vec<Option<Rc<Env<'p>>>>;

impl<'p> Evaluator<'p> {
    /// Runs all tasks, fields before values, together with those that they bring about.
    pub(super) fn run_tasks(&mut self, at: Id, work: Work<'p>) -> Judged<()> {
        let (mut fields, mut values): (Vec<_>, Vec<_>) =
            work.tasks.into_iter().partition(|task| !matches!(task, Task::Computed(..)));
        fields.reverse();
        values.reverse();
        while let Some(task) = fields.pop().or_else(|| values.pop()) {
            self.step(1)?;
            let mut work = Work::default();
            self.run_task(at, task, &mut work)?;
            self.run_later(at, &mut work)?;
            for task in work.tasks.into_iter().rev() {
                let queue = if matches!(task, Task::Computed(..)) { &mut values } else { &mut fields };
                queue.push(task);
            }
            if !self.vertices[at].open_choices.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn run_task(&mut self, at: Id, task: Task<'p>, work: &mut Work<'p>) -> Judged<()> {
        match task {
            Task::Computed(expr, conjunct) => self.add_computed(at, expr, &conjunct, work),
            Task::Comprehension { comprehension, env, scope } => {
                let mut yields = Vec::new();
                self.yield_all(at, comprehension, 0, env, &mut yields)?;
                for env in yields {
                    let scope = Rc::clone(&scope);
                    self.add(at, Conjunct { source: Source::Expr(&comprehension.body), env, scope }, work)?;
                }
                Ok(())
            }
            Task::Dynamic { label, presence, value, literal } => self.add_dynamic(at, label, presence, value, literal),
            Task::List { list, conjunct, line } => self.add_generated_list(at, list, &conjunct, line),
        }
    }

    /// Follows the clauses from the n-th on; whatever gets past the last one is yielded.
    fn yield_all(
        &mut self,
        at: Id,
        comprehension: &'p Comprehension,
        clause: usize,
        env: Option<Rc<Env<'p>>>,
        yields: &mut Yields<'p>,
    ) -> Judged<()> {
        self.step(1)?;
        let Some(next) = comprehension.clauses.get(clause) else {
            yields.push(env);
            return Ok(());
        };
        match next {
            Clause::If(condition) => {
                if self.is_true(at, condition, env.as_ref())? {
                    self.yield_all(at, comprehension, clause + 1, env, yields)?;
                }
            }
            Clause::Let { value, .. } => {
                let whole = self.anonymous(at, Source::Expr(value), env.clone())?;
                let env = Some(Rc::new(Env { up: env, frame: Frame::Whole(whole) }));
                self.yield_all(at, comprehension, clause + 1, env, yields)?;
            }
            Clause::For { source, .. } => {
                for (key, value) in self.ranged_over(at, source, env.as_ref())? {
                    let env = Some(Rc::new(Env { up: env.clone(), frame: Frame::Loop { key, value } }));
                    self.yield_all(at, comprehension, clause + 1, env, yields)?;
                }
            }
        }
        Ok(())
    }

    fn is_true(&mut self, at: Id, condition: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<bool> {
        match self.eval(at, condition, env)? {
            Value::Scalar(Scalar::Bool(value)) => Ok(value),
            Value::Bottom(fault) => {
                self.vertices[at].faults.push(*fault);
                Ok(false)
            }
            Value::Open(id) => {
                let fault = self.not_known(at, id, Kinds::BOOL, "a condition that is true or false", condition)?;
                self.vertices[at].faults.push(fault);
                Ok(false)
            }
            // CUE may not know it yet, where it is a default
            value => Err(stop(self.shown(&value), "a condition that is true or false")),
        }
    }

    /// The keys and values of what a `for` goes over.
    fn ranged_over(&mut self, at: Id, source: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Vec<(Scalar, Id)>> {
        let composite = match self.eval(at, source, env)? {
            Value::Composite(composite) => composite,
            Value::Bottom(fault) => {
                self.vertices[at].faults.push(*fault);
                return Ok(Vec::new());
            }
            Value::Open(id) => {
                let fault =
                    self.not_known(at, id, Kinds::STRUCT.or(Kinds::LIST), "a list or a struct to go over", source)?;
                self.vertices[at].faults.push(fault);
                return Ok(Vec::new());
            }
            Value::Scalar(value) => return Err(stop(value.to_string(), "a list or a struct to go over")),
        };
        if let Some((elements, _)) = self.vertices[composite].elements.clone() {
            let key = |position| Scalar::Number(Number::integer(i64::try_from(position).unwrap_or(i64::MAX)));
            return Ok(elements.into_iter().enumerate().map(|(position, id)| (key(position), id)).collect());
        }
        let fields = &self.vertices[composite].fields;
        if fields.iter().any(|field| self.vertices[*field].presence == Presence::Required) {
            return Err(stop("a struct that lacks a field".to_owned(), "a whole one to go over"));
        }
        Ok(self.members(composite))
    }

    /// The fields that are part of the data, of a struct that gets no other from now on.
    pub(super) fn members(&mut self, of: Id) -> Vec<(Scalar, Id)> {
        self.vertices[of].sealed = true;
        let member = |id: &Id| {
            let field = &self.vertices[*id];
            match &field.label {
                Some(Label::Text(name)) if field.presence == Presence::Member => {
                    Some((Scalar::Text(Rc::clone(name)), *id))
                }
                _ => None,
            }
        };
        self.vertices[of].fields.iter().filter_map(member).collect()
    }

    fn add_dynamic(
        &mut self,
        at: Id,
        label: &'p Expr,
        presence: Presence,
        value: Conjunct<'p>,
        literal: usize,
    ) -> Judged<()> {
        match self.eval(at, label, value.env.as_ref())? {
            Value::Scalar(Scalar::Text(name)) => {
                let label = Label::Text(name);
                self.vertices[at].literals[literal].labels.insert(label.clone());
                self.add_field(at, label, presence, value)
            }
            Value::Bottom(fault) => {
                self.vertices[at].faults.push(*fault);
                Ok(())
            }
            Value::Open(_) => {
                let fault = self.incomplete(at, "a label that is not known", "a string", label);
                self.vertices[at].faults.push(fault);
                Ok(())
            }
            value => {
                let found = self.shown(&value);
                self.fault(at, &found, "a label that is a string", label.place.line);
                Ok(())
            }
        }
    }

    fn add_generated_list(&mut self, at: Id, list: &'p List, conjunct: &Conjunct<'p>, line: u32) -> Judged<()> {
        let mut items = Vec::new();
        for element in &list.elements {
            let (expr, envs) = match element {
                Element::Value(value) => (value, vec![conjunct.env.clone()]),
                Element::Comprehension(comprehension) => {
                    let mut yields = Vec::new();
                    self.yield_all(at, comprehension, 0, conjunct.env.clone(), &mut yields)?;
                    (&comprehension.body, yields)
                }
            };
            for env in envs {
                let scope = Scope::within(&conjunct.scope, ScopeKind::Literal);
                items.push(Conjunct { source: Source::Expr(expr), env, scope });
            }
        }
        let rest = list.rest.as_ref().map(|rest| {
            let scope = Scope::within(&conjunct.scope, ScopeKind::Literal);
            rest.as_ref().map(|rest| Conjunct { source: Source::Expr(rest), env: conjunct.env.clone(), scope })
        });
        self.vertices[at].lists.push(ListConjunct { items, rest, from_data: false, line });
        Ok(())
    }

    /// Adds what an operator, a call or a bound comes to.
    fn add_computed(&mut self, at: Id, expr: &'p Expr, conjunct: &Conjunct<'p>, work: &mut Work<'p>) -> Judged<()> {
        match &expr.kind {
            Kind::Bound(relation, limit) => self.add_bound(at, *relation, limit, conjunct.env.as_ref()),
            Kind::Call(function, arguments) if function.is_close() => {
                let looked_for = self.vertices[at].absent.len();
                if let Some(fault) = self.not_closable(at, &arguments[0], conjunct.env.as_ref())? {
                    self.vertices[at].faults.push(fault);
                    return Ok(());
                }
                if self.vertices[at].absent.len() > looked_for {
                    return Err(stop("a closed struct that depends on itself".to_owned(), "an order"));
                }
                let scope = Scope::within(&conjunct.scope, ScopeKind::Closed(at));
                self.become_struct(at, false, expr.place.line);
                let env = conjunct.env.clone();
                self.add(at, Conjunct { source: Source::Expr(&arguments[0]), env, scope }, work)
            }
            Kind::Call(function, arguments) if function.is_and() || function.is_or() => {
                self.add_all_or_any(at, function.is_or(), &arguments[0], conjunct, work)
            }
            Kind::Call(function, arguments) if function.is_validator(arguments.len()) => {
                let mut values = Vec::new();
                for argument in arguments {
                    match self.eval(at, argument, conjunct.env.as_ref())? {
                        Value::Bottom(fault) => {
                            self.vertices[at].faults.push(*fault);
                            return Ok(());
                        }
                        Value::Open(_) => {
                            let fault = self.incomplete(at, "an argument that is not known", "a value", argument);
                            self.vertices[at].faults.push(fault);
                            return Ok(());
                        }
                        value => values.push(value),
                    }
                }
                let line = expr.place.line;
                self.restrict(at, function.validates(), &function.to_string(), false, line);
                self.vertices[at].checks.push(Check::Validator { function: *function, arguments: values, line });
                Ok(())
            }
            _ => {
                let value = self.compute(at, expr, conjunct.env.as_ref())?;
                self.add_value(at, value, conjunct, expr, work)
            }
        }
    }

    /// Why an argument cannot be closed: it is evaluated by itself, without what it is unified with.
    fn not_closable(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Option<Conflict>> {
        match self.eval(at, expr, env)? {
            Value::Composite(id) if self.vertices[id].elements.is_none() => Ok(None),
            Value::Bottom(fault) => Ok(Some(*fault)),
            Value::Open(id) => self.not_known(at, id, Kinds::STRUCT, "a struct to close", expr).map(Some),
            other => {
                let (found, wanted) = (self.shown(&other), "a struct to close".to_owned());
                Ok(Some(self.conflict(at, ConflictKind::Conflicting, found, wanted, expr.place.line)))
            }
        }
    }

    /// Adds a value that was computed.
    pub(super) fn add_value(
        &mut self,
        at: Id,
        value: Value,
        conjunct: &Conjunct<'p>,
        expr: &'p Expr,
        work: &mut Work<'p>,
    ) -> Judged<()> {
        match value {
            Value::Scalar(value) => self.set_scalar(at, value, false, expr.place.line),
            Value::Bottom(fault) => self.vertices[at].faults.push(*fault),
            Value::Composite(id) | Value::Open(id) => {
                let scope = Rc::clone(&conjunct.scope);
                return self.add(at, Conjunct { source: Source::Vertex(id), env: None, scope }, work);
            }
        }
        Ok(())
    }

    fn add_all_or_any(
        &mut self,
        at: Id,
        any: bool,
        list: &'p Expr,
        conjunct: &Conjunct<'p>,
        work: &mut Work<'p>,
    ) -> Judged<()> {
        let line = list.place.line;
        let composite = match self.eval(at, list, conjunct.env.as_ref())? {
            Value::Composite(id) => id,
            Value::Bottom(fault) => {
                self.vertices[at].faults.push(*fault);
                return Ok(());
            }
            _ => return Err(stop("an argument that is no list".to_owned(), "a list")),
        };
        let Some((elements, _)) = self.vertices[composite].elements.clone() else {
            return Err(stop("an argument that is no list".to_owned(), "a list"));
        };
        let of = |id| Conjunct { source: Source::Vertex(id), env: None, scope: Rc::clone(&conjunct.scope) };
        if !any {
            return elements.into_iter().try_for_each(|id| self.add(at, of(id), work));
        }
        if elements.is_empty() {
            let fault = self.incomplete(at, "an empty list of alternatives", "one at least", list);
            self.vertices[at].faults.push(fault);
            return Ok(());
        }
        let alternatives = elements.into_iter().map(|id| (Mode::Unmarked, of(id))).collect();
        self.add_choice(at, Choice { alternatives, line }, work)
    }

    fn add_bound(&mut self, at: Id, relation: Relation, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<()> {
        let line = expr.place.line;
        let limit = match self.eval(at, expr, env)? {
            Value::Scalar(limit) => limit,
            Value::Bottom(fault) => {
                self.vertices[at].faults.push(*fault);
                return Ok(());
            }
            Value::Open(id) => {
                let scalars = match relation {
                    Relation::NotEqual => Kinds::ALL,
                    _ => Kinds::NUMBER.or(Kinds::TEXT).or(Kinds::BYTES),
                };
                let fault = self.not_known(at, id, scalars, "a bound that is a number or a text", expr)?;
                self.vertices[at].faults.push(fault);
                return Ok(());
            }
            Value::Composite(_) => {
                return Err(stop("a bound that is a struct or a list".to_owned(), "a number or a text"));
            }
        };
        let kinds = match (&limit, relation) {
            (Scalar::Text(_), _) => Kinds::TEXT,
            (_, Relation::Matches | Relation::MatchesNot) => Kinds::ALL.without(Kinds::ALL),
            (Scalar::Null, Relation::NotEqual) => Kinds::ALL.without(Kinds::NULL),
            (Scalar::Null | Scalar::Bool(_), _) => Kinds::ALL.without(Kinds::ALL),
            (Scalar::Number(_), _) => Kinds::NUMBER,
            (Scalar::Bytes(_), _) => Kinds::BYTES,
        };
        let shown = format!("{relation}{limit}");
        if kinds.is_empty() {
            return Err(stop(shown, "a bound on values of its kind"));
        }
        if let (Relation::Matches | Relation::MatchesNot, Scalar::Text(pattern)) = (relation, &limit)
            && let Err(problem) = self.compile(pattern)?
        {
            return Err(stop(problem, "a regular expression"));
        }
        self.restrict(at, kinds, &shown, false, line);
        self.vertices[at].checks.push(Check::Bound { relation, limit, line });
        Ok(())
    }

    /// The bounds of an integer type.
    pub(super) fn bound_integers(&mut self, at: Id, low: Option<i128>, high: Option<i128>, line: u32) {
        let sides = [(Relation::GreaterOrEqual, low), (Relation::LessOrEqual, high)];
        for (relation, limit) in sides {
            let number = limit.and_then(|limit| Number::new(limit, 0, true).ok());
            if let Some(number) = number {
                let limit = Scalar::Number(number);
                self.vertices[at].checks.push(Check::Bound { relation, limit, line });
            }
        }
    }
}
