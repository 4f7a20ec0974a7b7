//! From what a vertex must satisfy to its fields: literals and data at once, references after them, then whatever
//! has to be computed. What arrives after somebody has already relied on its absence stops the evaluation.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use serde_json::Value as Json;

use super::tasks::Task;
use super::{Evaluator, Judged, stop};
use crate::error::ConflictKind;
use crate::graph::{
    Choice, Conjunct, Env, Frame, Id, Known, ListConjunct, Literal, Mode, Pattern, Scope, ScopeKind, Source, Stage,
    Vertex,
};
use crate::number::Number;
use crate::syntax::{Declaration, Element, Expr, Kind, Label, List, Presence, Struct, Type};
use crate::value::{Kinds, Scalar};

/// What is left to do for a vertex whose literals are known.
#[derive(Default)]
pub(super) struct Work<'p> {
    /// References and patterns.
    pub(super) later: VecDeque<Later<'p>>,
    pub(super) tasks: Vec<Task<'p>>,
}

/// What is done once all literals are known.
pub(super) enum Later<'p> {
    Reference(&'p Expr, Conjunct<'p>),
    Pattern(Pattern<'p>, usize),
}

impl<'p> Evaluator<'p> {
    /// Finds the vertex's fields, unless that was done or is being done.
    pub(super) fn expand(&mut self, at: Id) -> Judged<()> {
        if self.vertices[at].stage != Stage::New {
            return Ok(());
        }
        self.vertices[at].stage = Stage::Expanding;
        self.deeper(|evaluator| {
            let mut work = Work::default();
            for conjunct in evaluator.vertices[at].conjuncts.clone() {
                evaluator.add(at, conjunct, &mut work)?;
            }
            evaluator.run_later(at, &mut work)?;
            // alternatives first: what is computed may depend on which is taken
            if evaluator.vertices[at].open_choices.is_empty() {
                evaluator.run_tasks(at, work)?;
            }
            evaluator.assume_struct(at);
            evaluator.join_lists(at)?;
            evaluator.vertices[at].stage = Stage::Expanded;
            Ok(())
        })
    }

    pub(super) fn run_later(&mut self, at: Id, work: &mut Work<'p>) -> Judged<()> {
        while let Some(later) = work.later.pop_front() {
            match later {
                Later::Reference(expr, conjunct) => self.refer(at, expr, &conjunct, work)?,
                Later::Pattern(pattern, literal) => self.add_pattern(at, pattern, literal)?,
            }
        }
        Ok(())
    }

    /// Takes one more thing that the vertex must satisfy into account.
    pub(super) fn add(&mut self, at: Id, conjunct: Conjunct<'p>, work: &mut Work<'p>) -> Judged<()> {
        self.step(1)?;
        if conjunct.scope.closing {
            self.vertices[at].closing.push(Rc::clone(&conjunct.scope));
        }
        match conjunct.source {
            Source::Data(data) => self.add_data(at, data, &conjunct.scope),
            Source::Scalar(ref value) => {
                self.set_scalar(at, value.clone(), false, 0);
                Ok(())
            }
            Source::Items(ref items) => {
                self.step(items.len())?;
                let of = |source: &Source<'p>| Conjunct { source: source.clone(), ..conjunct.clone() };
                let items = items.iter().map(of).collect();
                self.claim_list(at, false, 0);
                self.vertices[at].lists.push(ListConjunct { items, rest: None, from_data: false, line: 0 });
                Ok(())
            }
            Source::Vertex(target) => {
                let scope = Scope::within(&conjunct.scope, ScopeKind::Computed);
                self.copy(at, target, &scope, work)
            }
            Source::Expr(expr) => self.deeper(|evaluator| evaluator.add_expr(at, expr, conjunct, work)),
        }
    }

    fn add_expr(&mut self, at: Id, expr: &'p Expr, conjunct: Conjunct<'p>, work: &mut Work<'p>) -> Judged<()> {
        let line = expr.place.line;
        match &expr.kind {
            Kind::Bottom => self.fault(at, "_|_", "a value", line),
            Kind::Null => self.set_scalar(at, Scalar::Null, false, line),
            Kind::Bool(value) => self.set_scalar(at, Scalar::Bool(*value), false, line),
            Kind::Number(value) => self.set_scalar(at, Scalar::Number(*value), false, line),
            Kind::String(text) => self.set_scalar(at, Scalar::Text(Rc::clone(text)), false, line),
            Kind::Bytes(bytes) => self.set_scalar(at, Scalar::Bytes(Rc::clone(bytes)), false, line),
            Kind::Type(Type::Top) => self.vertices[at].tops.push(conjunct.scope),
            Kind::Type(named) => self.restrict_to_type(at, *named, line),
            Kind::Struct(body) => return self.add_literal(at, body, expr, &conjunct, work),
            Kind::List(list) => return self.add_list(at, list, expr, conjunct, work),
            Kind::And(left, right) => {
                for side in [left, right] {
                    self.add(at, Conjunct { source: Source::Expr(side), ..conjunct.clone() }, work)?;
                }
            }
            Kind::Or(alternatives) => {
                let marked = alternatives.iter().any(|(marked, _)| *marked);
                let mode = |default: bool| match (marked, default) {
                    (false, _) => Mode::Unmarked,
                    (true, true) => Mode::Default,
                    (true, false) => Mode::NotDefault,
                };
                let conjunct = |expr| Conjunct { source: Source::Expr(expr), ..conjunct.clone() };
                let alternatives =
                    alternatives.iter().map(|(default, expr)| (mode(*default), conjunct(expr))).collect();
                return self.add_choice(at, Choice { alternatives, line }, work);
            }
            Kind::Name(_) | Kind::Select(..) | Kind::Index(..) => {
                work.later.push_back(Later::Reference(expr, conjunct))
            }
            Kind::Aliased(_, inner) => {
                let env = Some(Rc::new(Env { up: conjunct.env, frame: Frame::Whole(at) }));
                let scope = conjunct.scope;
                return self.add(at, Conjunct { source: Source::Expr(inner), env, scope }, work);
            }
            Kind::Interpolation(..) | Kind::Slice(..) | Kind::Call(..) | Kind::Unary(..) | Kind::Binary(..) => {
                work.tasks.push(Task::Computed(expr, conjunct));
            }
            Kind::Bound(..) => work.tasks.push(Task::Computed(expr, conjunct)),
            Kind::Unresolved(_) | Kind::UnresolvedCall(..) => unreachable!("every name of a policy is resolved"),
        }
        Ok(())
    }

    /// Takes the alternative that was chosen for this vertex, or leaves the choice open.
    pub(super) fn add_choice(&mut self, at: Id, choice: Choice<'p>, work: &mut Work<'p>) -> Judged<()> {
        let vertex = &mut self.vertices[at];
        let chosen = vertex.choices.get(vertex.disjunctions_met).copied();
        vertex.disjunctions_met += 1;
        match chosen {
            Some(chosen) => {
                let taken = choice.alternatives[chosen].1.clone();
                let scope = Scope::within(&taken.scope, ScopeKind::Alternative(at));
                self.add(at, Conjunct { scope, ..taken }, work)
            }
            None => {
                self.vertices[at].open_choices.push(choice);
                Ok(())
            }
        }
    }

    fn add_literal(
        &mut self,
        at: Id,
        body: &'p Struct,
        expr: &'p Expr,
        conjunct: &Conjunct<'p>,
        work: &mut Work<'p>,
    ) -> Judged<()> {
        let env =
            Some(Rc::new(Env { up: conjunct.env.clone(), frame: Frame::Struct { vertex: at, lets: &body.lets } }));
        let scope = Scope::within(&conjunct.scope, ScopeKind::Literal);
        self.claim_struct(at, body, expr, conjunct.scope.kind == ScopeKind::Embedded);
        let number = self.vertices[at].literals.len();
        self.vertices[at].literals.push(Literal {
            scope: Rc::clone(&scope),
            labels: HashSet::new(),
            patterns: Vec::new(),
            open: body.open,
            from_data: false,
        });
        for declaration in &body.declarations {
            self.step(1)?;
            match declaration {
                Declaration::Field(field) => {
                    let value =
                        Conjunct { source: Source::Expr(&field.value), env: env.clone(), scope: Rc::clone(&scope) };
                    self.vertices[at].literals[number].labels.insert(field.label.clone());
                    self.add_field(at, field.label.clone(), field.presence, value)?;
                }
                Declaration::Pattern { alias, label, value, .. } => {
                    let aliased = alias.is_some();
                    let pattern = Pattern { label, value, aliased, env: env.clone(), scope: Rc::clone(&scope) };
                    work.later.push_back(Later::Pattern(pattern, number));
                }
                Declaration::Dynamic { presence, label, value } => {
                    let value = Conjunct { source: Source::Expr(value), env: env.clone(), scope: Rc::clone(&scope) };
                    work.tasks.push(Task::Dynamic { label, presence: *presence, value, literal: number });
                }
                Declaration::Embedded(value) => {
                    let scope = Scope::within(&scope, ScopeKind::Embedded);
                    self.add(at, Conjunct { source: Source::Expr(value), env: env.clone(), scope }, work)?;
                }
                Declaration::Comprehension(comprehension) => {
                    let scope = Scope::within(&scope, ScopeKind::Embedded);
                    work.tasks.push(Task::Comprehension { comprehension, env: env.clone(), scope });
                }
            }
        }
        Ok(())
    }

    /// A literal is a struct, unless it has nothing but hidden fields and something embedded.
    fn claim_struct(&mut self, at: Id, body: &Struct, expr: &Expr, embedded: bool) {
        let embeds = body
            .declarations
            .iter()
            .any(|declaration| matches!(declaration, Declaration::Embedded(_) | Declaration::Comprehension(_)));
        let has_fields = body.declarations.iter().any(|declaration| match declaration {
            Declaration::Field(field) => field.label.is_regular() && field.presence != Presence::Optional,
            Declaration::Dynamic { .. } => true,
            Declaration::Pattern { .. } | Declaration::Embedded(_) | Declaration::Comprehension(_) => false,
        });
        if (embeds || (embedded && !body.declarations.is_empty())) && !has_fields {
            self.vertices[at].is_struct_by_default = true;
            self.vertices[at].holds_hidden_alone |= !embeds;
        } else {
            self.become_struct(at, false, expr.place.line);
        }
    }

    fn assume_struct(&mut self, at: Id) {
        let vertex = &self.vertices[at];
        let undetermined = vertex.scalar.is_none() && vertex.lists.is_empty() && Kinds::STRUCT.within(vertex.kinds);
        if vertex.is_struct_by_default && undetermined && vertex.tops.is_empty() && vertex.open_choices.is_empty() {
            self.become_struct(at, false, 0);
        }
    }

    fn add_data(&mut self, at: Id, data: &'p Json, scope: &Rc<Scope>) -> Judged<()> {
        let conjunct = |data| Conjunct { source: Source::Data(data), env: None, scope: Rc::clone(scope) };
        match data {
            Json::Null => self.set_scalar(at, Scalar::Null, true, 0),
            Json::Bool(value) => self.set_scalar(at, Scalar::Bool(*value), true, 0),
            Json::String(text) => self.set_scalar(at, Scalar::Text(Rc::from(text.as_str())), true, 0),
            Json::Number(number) => {
                let text = number.to_string();
                let digits = text.split(['e', 'E']).next().unwrap_or("").bytes().filter(u8::is_ascii_digit).count();
                if !(number.is_i64() || number.is_u64()) && digits > MAX_EXACT {
                    return Err(stop(text, "a number that no parser of JSON has rounded"));
                }
                let number = Number::parse(&text).map_err(|_| stop(text, "a number of at most 34 digits"))?;
                self.set_scalar(at, Scalar::Number(number), true, 0);
            }
            Json::Array(items) => {
                let items = items.iter().map(conjunct).collect();
                self.claim_list(at, true, 0);
                self.vertices[at].lists.push(ListConjunct { items, rest: None, from_data: true, line: 0 });
            }
            Json::Object(members) => {
                self.become_struct(at, true, 0);
                let labels = members.keys().map(|name| Label::Text(Rc::from(name.as_str()))).collect();
                let scope = Rc::clone(scope);
                self.vertices[at].literals.push(Literal {
                    scope,
                    labels,
                    patterns: Vec::new(),
                    open: true,
                    from_data: true,
                });
                for (name, value) in members {
                    self.step(1)?;
                    self.add_field(at, Label::Text(Rc::from(name.as_str())), Presence::Member, conjunct(value))?;
                }
            }
        }
        Ok(())
    }

    fn add_list(
        &mut self,
        at: Id,
        list: &'p List,
        expr: &'p Expr,
        conjunct: Conjunct<'p>,
        work: &mut Work<'p>,
    ) -> Judged<()> {
        let line = expr.place.line;
        self.claim_list(at, false, line);
        if list.elements.iter().any(|element| matches!(element, Element::Comprehension(_))) {
            work.tasks.push(Task::List { list, conjunct, line });
            return Ok(());
        }
        // a list that is embedded does not embed its elements
        let scope = Scope::within(&conjunct.scope, ScopeKind::Literal);
        let of = |expr| Conjunct { source: Source::Expr(expr), env: conjunct.env.clone(), scope: Rc::clone(&scope) };
        let items = list.elements.iter().filter_map(|element| match element {
            Element::Value(value) => Some(of(value)),
            Element::Comprehension(_) => None,
        });
        let items: Vec<_> = items.collect();
        self.step(items.len())?;
        let rest = list.rest.as_ref().map(|rest| rest.as_ref().map(|rest| of(rest)));
        self.vertices[at].lists.push(ListConjunct { items, rest, from_data: false, line });
        Ok(())
    }

    /// Adds to a field, which may be new.
    pub(super) fn add_field(&mut self, at: Id, label: Label, presence: Presence, value: Conjunct<'p>) -> Judged<()> {
        let existing = self.vertices[at].by_label.get(&label).copied();
        let becomes_member = presence == Presence::Member
            && existing.is_none_or(|existing| self.vertices[existing].presence != Presence::Member);
        if becomes_member && (self.vertices[at].sealed || self.vertices[at].absent.contains(&label)) {
            return Err(stop(
                format!("the field `{}` appears", super::shown_label(&label)),
                "it before it is looked for",
            ));
        }
        let Some(existing) = existing else {
            let mut vertex = Vertex::new(Some(at), Some(label.clone()), vec![value]);
            vertex.presence = presence;
            let field = self.vertex(vertex)?;
            self.vertices[at].fields.push(field);
            self.vertices[at].by_label.insert(label, field);
            return self.apply_patterns(at, field);
        };
        self.constrain(existing, value)?;
        let vertex = &mut self.vertices[existing];
        vertex.presence = vertex.presence.max(presence);
        Ok(())
    }

    /// Adds to a vertex that nobody has relied on yet.
    pub(super) fn constrain(&mut self, at: Id, conjunct: Conjunct<'p>) -> Judged<()> {
        let vertex = &mut self.vertices[at];
        if vertex.stage != Stage::New || vertex.copied {
            let path = self.path(at);
            return Err(stop(format!("`{path}` is constrained"), "it before its value is used"));
        }
        vertex.conjuncts.push(conjunct);
        Ok(())
    }

    /// The vertex is a struct, or else at fault.
    pub(super) fn become_struct(&mut self, at: Id, from_data: bool, line: u32) {
        self.restrict(at, Kinds::STRUCT, "{...}", from_data, line);
        self.vertices[at].is_struct = true;
    }

    pub(super) fn claim_list(&mut self, at: Id, from_data: bool, line: u32) {
        self.restrict(at, Kinds::LIST, "[...]", from_data, line);
    }

    fn restrict_to_type(&mut self, at: Id, named: Type, line: u32) {
        let (kinds, name) = match named {
            Type::Top => return,
            Type::Bool => (Kinds::BOOL, "bool"),
            Type::Int => (Kinds::INT, "int"),
            Type::Float => (Kinds::FLOAT, "float"),
            Type::Number => (Kinds::NUMBER, "number"),
            Type::String => (Kinds::TEXT, "string"),
            Type::Bytes => (Kinds::BYTES, "bytes"),
            Type::Ranged(name, low, high) => {
                self.bound_integers(at, low, high, line);
                (Kinds::INT, name)
            }
        };
        self.restrict(at, kinds, name, false, line);
    }

    /// Narrows the vertex's kinds; a fault where none is left.
    pub(super) fn restrict(&mut self, at: Id, kinds: Kinds, shown: &str, from_data: bool, line: u32) {
        let before = self.vertices[at].kinds;
        let after = before.and(kinds);
        self.vertices[at].kinds = after;
        if before.is_empty() || !after.is_empty() {
            return;
        }
        let known =
            self.vertices[at].scalar.as_ref().map_or_else(|| before.to_string(), |known| known.value.to_string());
        // CUE names the policy's side first where the kinds differ
        let known_from_data = self.vertices[at].scalar.as_ref().is_some_and(|known| known.from_data);
        let (first, first_kind, second, second_kind) = if from_data || !known_from_data {
            (known, before, shown.to_owned(), kinds)
        } else {
            (shown.to_owned(), kinds, known, before)
        };
        let second = format!("{second} (mismatched types {first_kind} and {second_kind})");
        let fault = self.conflict(at, ConflictKind::Conflicting, first, second, line);
        self.vertices[at].faults.push(fault);
    }

    pub(super) fn set_scalar(&mut self, at: Id, value: Scalar, from_data: bool, line: u32) {
        if let Some(known) = &self.vertices[at].scalar
            && known.value.kinds() == value.kinds()
        {
            if !known.value.is_same(&value) {
                // the data's side first, otherwise the later one
                let (first, second) = if known.from_data { (&known.value, &value) } else { (&value, &known.value) };
                let line = line.max(known.line);
                let fault = self.conflict(at, ConflictKind::Conflicting, first.to_string(), second.to_string(), line);
                self.vertices[at].faults.push(fault);
            }
            return;
        }
        self.restrict(at, value.kinds(), &value.to_string(), from_data, line);
        if self.vertices[at].scalar.is_none() {
            self.vertices[at].scalar = Some(Known { value, from_data, line });
        }
    }

    pub(super) fn fault(&mut self, at: Id, found: &str, wanted: &str, line: u32) {
        let fault = self.conflict(at, ConflictKind::Conflicting, found.to_owned(), wanted.to_owned(), line);
        self.vertices[at].faults.push(fault);
    }
}

/// Digits that a double keeps whatever they are; one of them may be a zero before or after the point.
const MAX_EXACT: usize = 16;
