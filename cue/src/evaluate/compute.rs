//! Expressions to values: operators, interpolations, slices, comparisons. An operand that is not known leaves the
//! result unknown, which is a fault of its own.

use std::rc::Rc;

use super::copy::{is_conflict, is_unknown};
use super::lookup::Found;
use super::{Evaluator, Judged, stop};
use crate::error::{Conflict, ConflictKind};
use crate::graph::{Env, Id, Outcome, Source, Stage, Value};
use crate::limits::{COMPILATION, MAX_COMPUTED};
use crate::number::{Number, TooLong};
use crate::syntax::{Binary, Expr, Kind, Label, Piece, Presence, Relation, Unary};
use crate::value::{Kinds, Scalar};

impl<'p> Evaluator<'p> {
    /// What an expression evaluates to.
    pub(super) fn eval(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Value> {
        self.step(1)?;
        let scalar = match &expr.kind {
            Kind::Null => Scalar::Null,
            Kind::Bool(value) => Scalar::Bool(*value),
            Kind::Number(value) => Scalar::Number(*value),
            Kind::String(text) => Scalar::Text(Rc::clone(text)),
            Kind::Bytes(bytes) => Scalar::Bytes(Rc::clone(bytes)),
            Kind::Name(_) | Kind::Select(..) | Kind::Index(..) => {
                return match self.find(at, expr, env)? {
                    Found::Vertex { id, .. } => self.value_of(id),
                    Found::Value(value) => Ok(value),
                };
            }
            Kind::Interpolation(..) | Kind::Slice(..) | Kind::Unary(..) | Kind::Binary(..) => {
                return self.deeper(|evaluator| evaluator.compute(at, expr, env));
            }
            Kind::Call(function, arguments) if function.computes(arguments.len()) => {
                return self.deeper(|evaluator| evaluator.compute(at, expr, env));
            }
            _ => {
                let id = self.anonymous(at, Source::Expr(expr), env.cloned())?;
                self.vertices[at].uses.push(id);
                return self.deeper(|evaluator| evaluator.value_of(id));
            }
        };
        Ok(Value::Scalar(scalar))
    }

    /// A vertex's value, as far as it is known.
    pub(super) fn value_of(&mut self, id: Id) -> Judged<Value> {
        self.settle(id)?;
        let vertex = &self.vertices[id];
        if vertex.stage != Stage::Done {
            let known = vertex.scalar.as_ref().filter(|_| vertex.stage == Stage::Expanding && vertex.faults.is_empty());
            let unknown = || stop("a value that depends on itself".to_owned(), "an order");
            return known.map(|known| Value::Scalar(known.value.clone())).ok_or_else(unknown);
        }
        match vertex.outcome {
            Outcome::Chosen(chosen) => {
                let by_default = vertex.candidates.len() > 1;
                let value = self.value_of(chosen)?;
                if by_default && matches!(value, Value::Composite(_)) {
                    return Err(stop("a default that is a struct or a list".to_owned(), "one alternative"));
                }
                return Ok(value);
            }
            Outcome::Ambiguous => return Ok(Value::Open(id)),
            Outcome::Plain => {}
        }
        if let Some(fault) = vertex.faults.first() {
            if fault.kind == ConflictKind::NotAllowed {
                return Err(stop(format!("the field `{}`, which is not allowed", fault.path), "another"));
            }
            return Ok(Value::Bottom(Box::new(fault.clone())));
        }
        Ok(match &vertex.scalar {
            Some(known) => Value::Scalar(known.value.clone()),
            None if vertex.is_struct || vertex.elements.is_some() => Value::Composite(id),
            None => Value::Open(id),
        })
    }

    /// A value that is known, or what the whole expression is worth without it.
    pub(super) fn operand(
        &mut self,
        at: Id,
        expr: &'p Expr,
        env: Option<&Rc<Env<'p>>>,
    ) -> Judged<Result<Value, Value>> {
        Ok(match self.eval(at, expr, env)? {
            Value::Open(id) if self.vertices[id].outcome == Outcome::Ambiguous && self.is_hidden(at) => {
                return Err(stop("computing with several alternatives, in a definition".to_owned(), "one of them"));
            }
            Value::Open(_) => {
                let fault = self.incomplete(at, "an operand that is not known", "a value", expr);
                Err(Value::Bottom(Box::new(fault)))
            }
            bottom @ Value::Bottom(_) => Err(bottom),
            value => Ok(value),
        })
    }

    /// Why a value that is not known cannot be used: it may yet become one of these kinds, or never.
    pub(super) fn not_known(&self, at: Id, value: Id, wanted: Kinds, shown: &str, expr: &Expr) -> Judged<Conflict> {
        let possible = self.possible(value);
        let never = possible.and(wanted).is_empty();
        let vertex = &self.vertices[value];
        let several = vertex.outcome == Outcome::Ambiguous;
        let dubious = several && !possible.within(wanted) && self.is_hidden(at);
        if dubious || (never && (vertex.by_default || several)) {
            return Err(stop("several alternatives that cannot be used here".to_owned(), shown));
        }
        let kind = if never { ConflictKind::Conflicting } else { ConflictKind::Incomplete };
        Ok(self.conflict(at, kind, possible.to_string(), shown.to_owned(), expr.place.line))
    }

    /// The kinds that a value can still be of.
    pub(super) fn possible(&self, id: Id) -> Kinds {
        let vertex = &self.vertices[id];
        match vertex.outcome {
            Outcome::Chosen(chosen) => self.possible(chosen),
            Outcome::Ambiguous => {
                let kinds = vertex.candidates.iter().map(|(candidate, _)| self.possible(*candidate));
                kinds.reduce(Kinds::or).unwrap_or(vertex.kinds)
            }
            Outcome::Plain => vertex.kinds,
        }
    }

    /// What an operator or a call comes to.
    pub(super) fn compute(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<Value> {
        match &expr.kind {
            Kind::Interpolation(pieces, false) => self.interpolate(at, pieces, env),
            Kind::Slice(base, low, high) => self.slice(at, base, low.as_deref(), high.as_deref(), env),
            Kind::Call(function, arguments) => self.call(at, *function, arguments, expr, env),
            Kind::Unary(operator, value) => match self.operand(at, value, env)? {
                Ok(Value::Scalar(value)) => self.unary(at, *operator, value, expr),
                Ok(other) => self.no_value(at, &other, "a number or a boolean", expr),
                Err(bottom) => Ok(bottom),
            },
            Kind::Binary(Binary::Compare(relation @ (Relation::Equal | Relation::NotEqual)), left, right)
                if matches!(left.kind, Kind::Bottom) || matches!(right.kind, Kind::Bottom) =>
            {
                let other = if matches!(left.kind, Kind::Bottom) { right } else { left };
                let is_bottom = self.is_bottom(at, other, env)?;
                Ok(Value::Scalar(Scalar::Bool(is_bottom == (*relation == Relation::Equal))))
            }
            Kind::Binary(operator, left_expr, right_expr) => {
                let left = self.operand(at, left_expr, env)?;
                let right = self.operand(at, right_expr, env)?;
                match (left, right) {
                    (Ok(left), Ok(right)) => {
                        for side in [&left, &right] {
                            if let Some(bottom) = self.not_concrete(at, side, expr)? {
                                return Ok(bottom);
                            }
                        }
                        let computed = self.binary(at, *operator, &left, &right, expr)?;
                        let by_default = is_certain(&computed)
                            && (self.is_by_default(at, left_expr, env)? || self.is_by_default(at, right_expr, env)?);
                        if by_default {
                            return Err(stop("computing with a default that cannot be used".to_owned(), "a value"));
                        }
                        Ok(computed)
                    }
                    (Err(left), Err(right)) => Ok(if is_certain(&left) { left } else { right }),
                    (Err(bottom), _) | (_, Err(bottom)) => Ok(bottom),
                }
            }
            _ => Err(stop("an expression that computes nothing".to_owned(), "an operator or a call")),
        }
    }

    /// Whether a value is a default while other alternatives are left.
    fn is_by_default(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<bool> {
        if !matches!(expr.kind, Kind::Name(_) | Kind::Select(..) | Kind::Index(..)) {
            return Ok(false);
        }
        Ok(match self.find(at, expr, env)? {
            Found::Vertex { id, .. } => matches!(self.vertices[id].outcome, Outcome::Chosen(_)),
            Found::Value(_) => false,
        })
    }

    /// What an operator makes of a struct or list that is not known to its ends.
    fn not_concrete(&mut self, at: Id, value: &Value, expr: &'p Expr) -> Judged<Option<Value>> {
        let Value::Composite(id) = value else { return Ok(None) };
        let faults = self.finish(*id)?;
        if let Some(fault) = faults.iter().find(|fault| is_conflict(fault.kind)) {
            return Ok(Some(Value::Bottom(Box::new(fault.clone()))));
        }
        if faults.is_empty() && self.is_concrete(*id)? {
            return Ok(None);
        }
        let fault = self.incomplete(at, "an operand that is not known to its ends", "plain data", expr);
        Ok(Some(Value::Bottom(Box::new(fault))))
    }

    fn is_concrete(&mut self, id: Id) -> Judged<bool> {
        self.step(1)?;
        let composite = match self.value_of(id)? {
            Value::Scalar(_) => return Ok(true),
            Value::Open(_) | Value::Bottom(_) => return Ok(false),
            Value::Composite(id) => id,
        };
        let vertex = &self.vertices[composite];
        let parts = match &vertex.elements {
            Some((elements, _)) => elements.clone(),
            None => vertex.fields.clone(),
        };
        for part in parts {
            let vertex = &self.vertices[part];
            let is_data = vertex.label.as_ref().is_some_and(Label::is_regular);
            if is_data
                && vertex.presence == Presence::Member
                && !self.deeper(|evaluator| evaluator.is_concrete(part))?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether there is no value, or none that is concrete.
    fn is_bottom(&mut self, at: Id, expr: &'p Expr, env: Option<&Rc<Env<'p>>>) -> Judged<bool> {
        let value = self.eval(at, expr, env)?;
        if let Kind::Select(base, _) = &expr.kind
            && let Found::Vertex { id, .. } = self.find(at, base, env)?
            && self.vertices[id].faults.iter().any(|fault| is_unknown(fault.kind))
        {
            return Err(stop("a field of what is not known compared with `_|_`".to_owned(), "a value"));
        }
        match value {
            Value::Scalar(_) => Ok(false),
            Value::Open(id) if self.vertices[id].outcome == Outcome::Ambiguous => {
                Err(stop("several alternatives compared with `_|_`".to_owned(), "one of them"))
            }
            Value::Open(id) if self.vertices[id].kinds == Kinds::ALL => {
                Err(stop("what nothing is said of compared with `_|_`".to_owned(), "a value"))
            }
            Value::Open(id) if !self.vertices[id].checks.is_empty() => {
                Err(stop("a bound compared with `_|_`".to_owned(), "a value"))
            }
            Value::Bottom(_) | Value::Open(_) => Ok(true),
            Value::Composite(id) => Ok(self.finish(id)?.iter().any(|fault| is_conflict(fault.kind))),
        }
    }

    fn unary(&mut self, at: Id, operator: Unary, value: Scalar, expr: &'p Expr) -> Judged<Value> {
        match (operator, value) {
            (Unary::Not, Scalar::Bool(value)) => Ok(Value::Scalar(Scalar::Bool(!value))),
            (Unary::Plus, Scalar::Number(value)) => Ok(Value::Scalar(Scalar::Number(value))),
            (Unary::Minus, Scalar::Number(value)) => Ok(Value::Scalar(Scalar::Number(value.negate()))),
            (_, other) => self.no_value(at, &Value::Scalar(other), "an operand of the operator's kind", expr),
        }
    }

    fn binary(&mut self, at: Id, operator: Binary, left: &Value, right: &Value, expr: &'p Expr) -> Judged<Value> {
        if let Binary::Compare(relation) = operator {
            return self.comparison(at, relation, left, right, expr);
        }
        // what the left side settles, the right one cannot change, whatever it is
        if let (Binary::And | Binary::Or, Value::Scalar(Scalar::Bool(known))) = (operator, left)
            && *known == (operator == Binary::Or)
        {
            return Ok(Value::Scalar(Scalar::Bool(*known)));
        }
        let (Value::Scalar(left), Value::Scalar(right)) = (left, right) else {
            let odd = if matches!(left, Value::Scalar(_)) { right } else { left };
            return self.no_value(at, odd, "an operand of the operator's kind", expr);
        };
        let computed = match (operator, left, right) {
            (Binary::And, Scalar::Bool(left), Scalar::Bool(right)) => Scalar::Bool(*left && *right),
            (Binary::Or, Scalar::Bool(left), Scalar::Bool(right)) => Scalar::Bool(*left || *right),
            (Binary::Add, Scalar::Text(left), Scalar::Text(right)) => {
                self.step(left.len() / 64 + right.len() / 64)?;
                Scalar::Text(Rc::from(limited(format!("{left}{right}"))?))
            }
            (Binary::Multiply, Scalar::Text(text), Scalar::Number(times))
            | (Binary::Multiply, Scalar::Number(times), Scalar::Text(text)) => match repeated(text, *times)? {
                Some(text) => Scalar::Text(Rc::from(text)),
                None => return self.no_value(at, &Value::Scalar(right.clone()), "a number of times", expr),
            },
            (_, Scalar::Number(left), Scalar::Number(right)) => {
                return self.arithmetic(at, operator, *left, *right, expr);
            }
            (Binary::Add | Binary::Multiply, Scalar::Bytes(_), _) | (Binary::Multiply, _, Scalar::Bytes(_)) => {
                return Err(stop("computing with bytes".to_owned(), "text"));
            }
            _ => {
                let found = format!("{left} and {right}");
                return self.no_value(at, &Value::Scalar(Scalar::Text(Rc::from(found))), "operands of one kind", expr);
            }
        };
        Ok(Value::Scalar(computed))
    }

    pub(super) fn arithmetic(
        &mut self,
        at: Id,
        operator: Binary,
        left: Number,
        right: Number,
        expr: &'p Expr,
    ) -> Judged<Value> {
        let too_long = |TooLong| stop("a number of more than 34 digits".to_owned(), "a shorter one");
        let of_integers = |euclidean| {
            let whole = left.is_integer() && right.is_integer();
            whole.then(|| left.divide_integers(right, euclidean)).flatten()
        };
        let computed = match operator {
            Binary::Add => Some(left.add(right).map_err(too_long)?),
            Binary::Subtract => Some(left.add(right.negate()).map_err(too_long)?),
            Binary::Multiply => Some(left.multiply(right).map_err(too_long)?),
            Binary::Divide => left.divide(right).transpose().map_err(too_long)?,
            Binary::IntegerDiv => of_integers(true).map(|(quotient, _)| quotient),
            Binary::IntegerMod => of_integers(true).map(|(_, rest)| rest),
            Binary::IntegerQuotient => of_integers(false).map(|(quotient, _)| quotient),
            Binary::IntegerRemainder => of_integers(false).map(|(_, rest)| rest),
            Binary::And | Binary::Or | Binary::Compare(_) => None,
        };
        match computed {
            Some(number) => Ok(Value::Scalar(Scalar::Number(number))),
            None => self.no_value(at, &Value::Scalar(Scalar::Number(right)), "an operand that can be used here", expr),
        }
    }

    fn comparison(&mut self, at: Id, relation: Relation, left: &Value, right: &Value, expr: &'p Expr) -> Judged<Value> {
        let is_equality = matches!(relation, Relation::Equal | Relation::NotEqual);
        let answer = match (left, right) {
            (Value::Scalar(left), Value::Scalar(right)) if is_equality || comparable(relation, left, right) => {
                self.compare(relation, left, right)?
            }
            (Value::Composite(left), Value::Composite(right)) if is_equality => {
                let unknown = || stop("structs or lists whose equality is not known".to_owned(), "plain data");
                let equal = self.is_equal(*left, *right)?.ok_or_else(unknown)?;
                equal == (relation == Relation::Equal)
            }
            (Value::Composite(_), Value::Scalar(_)) | (Value::Scalar(_), Value::Composite(_)) if is_equality => {
                relation == Relation::NotEqual
            }
            _ => {
                let found = format!("{} and {}", self.shown(left), self.shown(right));
                let found = Value::Scalar(Scalar::Text(Rc::from(found)));
                return self.no_value(at, &found, "operands that can be compared", expr);
            }
        };
        Ok(Value::Scalar(Scalar::Bool(answer)))
    }

    /// Whether two scalars are related so.
    pub(super) fn compare(&mut self, relation: Relation, left: &Scalar, right: &Scalar) -> Judged<bool> {
        use std::cmp::Ordering;
        self.step(compared(left, right))?;
        let order = left.order(right);
        Ok(match relation {
            Relation::Equal => order == Some(Ordering::Equal),
            Relation::NotEqual => order != Some(Ordering::Equal),
            Relation::Less => order == Some(Ordering::Less),
            Relation::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Relation::Greater => order == Some(Ordering::Greater),
            Relation::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Relation::Matches | Relation::MatchesNot => {
                let (Scalar::Text(text), Scalar::Text(pattern)) = (left, right) else {
                    return Err(stop("matching what is no text".to_owned(), "text"));
                };
                self.is_match(pattern, text)? == (relation == Relation::Matches)
            }
        })
    }

    /// Whether an expression is a regular expression; why not, otherwise.
    pub(super) fn compile(&mut self, pattern: &str) -> Judged<Result<(), String>> {
        self.step(if self.patterns.knows(pattern) { 1 } else { COMPILATION })?;
        Ok(self.patterns.compiled(pattern).map(|_| ()))
    }

    /// Whether a text contains what the expression matches.
    pub(super) fn is_match(&mut self, pattern: &str, text: &str) -> Judged<bool> {
        self.step(if self.patterns.knows(pattern) { 0 } else { COMPILATION })?;
        let no_expression = |why| stop(why, "a regular expression");
        let parts = self.patterns.compiled(pattern).map_err(no_expression)?.parts;
        self.step(1 + pattern.len() / 16 + text.len() / 8 + text.len() * parts / 32)?;
        Ok(self.patterns.compiled(pattern).map_err(no_expression)?.regex.is_match(text))
    }

    fn interpolate(&mut self, at: Id, pieces: &'p [Piece], env: Option<&Rc<Env<'p>>>) -> Judged<Value> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => {
                    text.push_str(std::str::from_utf8(part).expect("a text was checked to be UTF-8"));
                }
                Piece::Value(value) => match self.operand(at, value, env)? {
                    Ok(Value::Scalar(Scalar::Text(part))) => text.push_str(&part),
                    Ok(Value::Scalar(Scalar::Bool(part))) => text.push_str(&part.to_string()),
                    Ok(Value::Scalar(Scalar::Number(part))) if part.is_integer() => text.push_str(&part.to_string()),
                    Ok(Value::Scalar(Scalar::Number(_) | Scalar::Bytes(_))) => {
                        return Err(stop("a float or bytes inside a text".to_owned(), "text or an integer"));
                    }
                    Ok(other) => return self.no_value(at, &other, "a text, a number or a boolean", value),
                    Err(bottom) => return Ok(bottom),
                },
            }
            self.step(text.len() / 64)?;
            text = limited(text)?;
        }
        Ok(Value::Scalar(Scalar::Text(Rc::from(text))))
    }

    fn slice(
        &mut self,
        at: Id,
        base: &'p Expr,
        low: Option<&'p Expr>,
        high: Option<&'p Expr>,
        env: Option<&Rc<Env<'p>>>,
    ) -> Judged<Value> {
        let elements = match self.operand(at, base, env)? {
            Ok(Value::Composite(id)) => match &self.vertices[id].elements {
                Some((elements, _)) => elements.clone(),
                None => return Err(stop("a slice of a struct".to_owned(), "a list")),
            },
            Ok(Value::Scalar(Scalar::Bytes(_))) => return Err(stop("a slice of bytes".to_owned(), "a list")),
            Ok(other) => return self.no_value(at, &other, "a list", base),
            Err(bottom) => return Ok(bottom),
        };
        let mut ends = [0, elements.len()];
        for (end, expr) in ends.iter_mut().zip([low, high]) {
            let Some(expr) = expr else { continue };
            match self.operand(at, expr, env)? {
                Ok(Value::Scalar(Scalar::Number(number))) if number.is_integer() => {
                    let within = number.to_i64().and_then(|number| usize::try_from(number).ok());
                    let Some(within) = within.filter(|within| *within <= elements.len()) else {
                        return self.no_value(at, &Value::Scalar(Scalar::Number(number)), "an index of the list", expr);
                    };
                    *end = within;
                }
                Ok(other) => return Err(stop(self.shown(&other), "an index")),
                Err(bottom) => return Ok(bottom),
            }
        }
        let [from, to] = ends;
        if from > to {
            return self.no_value(at, &Value::Scalar(Scalar::Bool(false)), "an end after the beginning", base);
        }
        self.list_of(at, elements[from..to].iter().map(|id| Source::Vertex(*id)).collect())
    }

    /// Whether two values are the same: unknown where either is not concrete.
    pub(super) fn is_equal(&mut self, left: Id, right: Id) -> Judged<Option<bool>> {
        self.step(1)?;
        self.deeper(|evaluator| match (evaluator.value_of(left)?, evaluator.value_of(right)?) {
            (Value::Scalar(left), Value::Scalar(right)) => {
                evaluator.step(compared(&left, &right))?;
                if left.is_same(&right) {
                    return Ok(Some(true));
                }
                // an integer and a float of one value are the same to some of CUE's functions
                let alike = left.order(&right) == Some(std::cmp::Ordering::Equal);
                Ok(if alike { None } else { Some(false) })
            }
            (Value::Composite(left), Value::Composite(right)) => evaluator.is_equal_composite(left, right),
            (Value::Composite(_), Value::Scalar(_)) | (Value::Scalar(_), Value::Composite(_)) => Ok(Some(false)),
            _ => Ok(None),
        })
    }

    fn is_equal_composite(&mut self, left: Id, right: Id) -> Judged<Option<bool>> {
        let pairs: Vec<(Id, Id)> = match (&self.vertices[left].elements, &self.vertices[right].elements) {
            (Some((left, false)), Some((right, false))) => {
                if left.len() != right.len() {
                    return Ok(Some(false));
                }
                left.iter().copied().zip(right.iter().copied()).collect()
            }
            (None, None) => {
                let (left_fields, right_fields) = (self.members(left), self.members(right));
                let is_plain = |evaluator: &Self, id: Id, count: usize| evaluator.vertices[id].fields.len() == count;
                if !is_plain(self, left, left_fields.len()) || !is_plain(self, right, right_fields.len()) {
                    return Ok(None);
                }
                if left_fields.len() != right_fields.len() {
                    return Ok(Some(false));
                }
                let mut pairs = Vec::with_capacity(left_fields.len());
                for (_, field) in &left_fields {
                    let label = self.vertices[*field].label.clone().expect("a member has a label");
                    match self.vertices[right].by_label.get(&label).copied() {
                        Some(other) if self.vertices[other].presence == Presence::Member => pairs.push((*field, other)),
                        _ => return Ok(Some(false)),
                    }
                }
                pairs
            }
            _ => return Ok(None),
        };
        let mut equal = Some(true);
        for (left, right) in pairs {
            match self.is_equal(left, right)? {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => equal = None,
            }
        }
        Ok(equal)
    }

    /// An expression that has no value, whatever else becomes known.
    pub(super) fn no_value(&mut self, at: Id, found: &Value, wanted: &str, expr: &Expr) -> Judged<Value> {
        let kind = ConflictKind::Conflicting;
        let fault = self.conflict(at, kind, self.shown(found), wanted.to_owned(), expr.place.line);
        Ok(Value::Bottom(Box::new(fault)))
    }

    /// A value as messages show it.
    pub(super) fn shown(&self, value: &Value) -> String {
        match value {
            Value::Scalar(value) => value.to_string(),
            Value::Composite(id) if self.vertices[*id].elements.is_some() => "[...]".to_owned(),
            Value::Composite(_) => "{...}".to_owned(),
            Value::Open(id) => self.vertices[*id].kinds.to_string(),
            Value::Bottom(fault) => fault.found.clone(),
        }
    }
}

fn is_certain(value: &Value) -> bool {
    matches!(value, Value::Bottom(fault) if is_conflict(fault.kind))
}

/// What it costs to look at both, as far as they are alike.
fn compared(left: &Scalar, right: &Scalar) -> usize {
    match (left, right) {
        (Scalar::Text(left), Scalar::Text(right)) => left.len().min(right.len()) / 64,
        (Scalar::Bytes(left), Scalar::Bytes(right)) => left.len().min(right.len()) / 64,
        _ => 0,
    }
}

fn comparable(relation: Relation, left: &Scalar, right: &Scalar) -> bool {
    match (left, right) {
        (Scalar::Text(_), Scalar::Text(_)) => true,
        (Scalar::Number(_), Scalar::Number(_)) | (Scalar::Bytes(_), Scalar::Bytes(_)) => {
            !matches!(relation, Relation::Matches | Relation::MatchesNot)
        }
        _ => false,
    }
}

fn repeated(text: &str, times: Number) -> Judged<Option<String>> {
    let Some(times) = times.to_i64().and_then(|times| usize::try_from(times).ok()) else { return Ok(None) };
    match text.len().checked_mul(times) {
        Some(length) if length <= MAX_COMPUTED => Ok(Some(text.repeat(times))),
        _ => Err(stop("a text of too many bytes".to_owned(), "a shorter one")),
    }
}

fn limited(text: String) -> Judged<String> {
    if text.len() <= MAX_COMPUTED {
        return Ok(text);
    }
    Err(stop(format!("a text of more than {MAX_COMPUTED} bytes"), "a shorter one"))
}
