//! Calls of functions, and the conditions on values that calls can be.

use std::rc::Rc;

use super::{Evaluator, Judged, stop};
use crate::builtin::Function;
use crate::error::ConflictKind;
use crate::graph::{Conjunct, Env, Id, Scope, Source, Value, Vertex};
use crate::limits::{MAX_COMPUTED, MAX_ITEMS};
use crate::number::Number;
use crate::syntax::{Binary, Expr};
use crate::time;
use crate::value::{Kinds, Scalar};

/// How far a condition is met.
pub(super) enum Met {
    Yes,
    No,
    /// More fields or elements could follow: CUE lets it pass.
    NotYet,
}

impl<'p> Evaluator<'p> {
    /// What a call comes to.
    pub(super) fn call(
        &mut self,
        at: Id,
        function: Function,
        arguments: &'p [Expr],
        expr: &'p Expr,
        env: Option<&Rc<Env<'p>>>,
    ) -> Judged<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for (position, argument) in arguments.iter().enumerate() {
            match self.eval(at, argument, env)? {
                Value::Open(id) => {
                    let fault = self.not_known(at, id, function.accepts(position), "an argument", argument)?;
                    return Ok(Value::Bottom(Box::new(fault)));
                }
                bottom @ Value::Bottom(_) => return Ok(bottom),
                value => values.push(value),
            }
        }
        if let Some(answer) = self.call_on_composites(at, function, &values, expr)? {
            return Ok(answer);
        }
        let mut scalars = Vec::with_capacity(values.len());
        for value in &values {
            match value {
                Value::Scalar(scalar) => scalars.push(scalar.clone()),
                other => return self.no_value(at, other, "another kind of argument", expr),
            }
        }
        if function.validates() != Kinds::ALL {
            let (subject, rest) = scalars.split_first().expect("a predicate has an argument");
            return match self.holds(function, subject, rest)? {
                Some(answer) => Ok(Value::Scalar(Scalar::Bool(answer))),
                None => self.no_value(at, &values[0], "other kinds of argument", expr),
            };
        }
        self.call_on_scalars(at, function, &scalars, expr)
    }

    fn call_on_scalars(&mut self, at: Id, function: Function, values: &[Scalar], expr: &'p Expr) -> Judged<Value> {
        let text = |text: String| Ok(Value::Scalar(Scalar::Text(Rc::from(text))));
        let number = |count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Ok(Value::Scalar(Scalar::Number(Number::integer(count))))
        };
        self.step(values.iter().map(size).sum::<usize>() / 64)?;
        match (function, values) {
            (Function::Len, [Scalar::Text(value)]) => number(value.len()),
            (Function::Len, [Scalar::Bytes(value)]) => number(value.len()),
            (
                Function::Div | Function::Mod | Function::Quo | Function::Rem,
                [Scalar::Number(left), Scalar::Number(right)],
            ) => {
                let operator = match function {
                    Function::Div => Binary::IntegerDiv,
                    Function::Mod => Binary::IntegerMod,
                    Function::Quo => Binary::IntegerQuotient,
                    _ => Binary::IntegerRemainder,
                };
                self.arithmetic(at, operator, *left, *right, expr)
            }
            (Function::ToLower, [Scalar::Text(value)]) => text(ascii(value)?.to_ascii_lowercase()),
            (Function::ToUpper, [Scalar::Text(value)]) => text(ascii(value)?.to_ascii_uppercase()),
            (Function::TrimSpace, [Scalar::Text(value)]) => text(ascii(value)?.trim_matches(is_go_space).to_owned()),
            (Function::TrimPrefix, [Scalar::Text(value), Scalar::Text(prefix)]) => {
                text(value.strip_prefix(prefix.as_ref()).unwrap_or(value).to_owned())
            }
            (Function::TrimSuffix, [Scalar::Text(value), Scalar::Text(suffix)]) => {
                text(value.strip_suffix(suffix.as_ref()).unwrap_or(value).to_owned())
            }
            (Function::RegexpMatch, [Scalar::Text(pattern), Scalar::Text(value)]) => {
                let found = self.is_match(pattern, value)?;
                Ok(Value::Scalar(Scalar::Bool(found)))
            }
            (Function::IndexOf, [Scalar::Text(value), Scalar::Text(part)]) => match value.find(part.as_ref()) {
                Some(position) => number(position),
                None => Ok(Value::Scalar(Scalar::Number(Number::integer(-1)))),
            },
            (Function::CountOf, [Scalar::Text(value), Scalar::Text(part)]) if !part.is_empty() => {
                number(value.matches(part.as_ref()).count())
            }
            (Function::Replace, [Scalar::Text(value), Scalar::Text(old), Scalar::Text(new), Scalar::Number(times)])
                if !old.is_empty() =>
            {
                let times = times.to_i64().ok_or_else(|| stop(format!("{times} replacements"), "an integer"))?;
                let found = value.matches(old.as_ref()).count();
                let times = usize::try_from(times).map_or(found, |times| times.min(found));
                if value.len() + times.saturating_mul(new.len()) > MAX_COMPUTED {
                    return Err(stop("a text of too many bytes".to_owned(), "a shorter one"));
                }
                text(value.replacen(old.as_ref(), new, times))
            }
            (Function::Split, [Scalar::Text(value), Scalar::Text(separator)]) if !separator.is_empty() => {
                let parts = value.split(separator.as_ref());
                self.list_of(at, parts.map(|part| Source::Scalar(Scalar::Text(Rc::from(part)))).collect())
            }
            (Function::TimeParse, [Scalar::Text(layout), Scalar::Text(value)]) => {
                let parsed = match layout.as_ref() {
                    "2006-01-02T15:04:05Z07:00" | "2006-01-02T15:04:05.999999999Z07:00" => time::normalised(value),
                    "2006-01-02" => time::normalised_date(value),
                    other => return Err(stop(format!("the layout `{other}`"), "one of RFC 3339")),
                };
                match parsed {
                    Some(parsed) => text(parsed),
                    None => self.no_value(at, &Value::Scalar(Scalar::Text(Rc::clone(value))), "a time", expr),
                }
            }
            (Function::Range, [Scalar::Number(from), Scalar::Number(to), Scalar::Number(by)]) => {
                self.range(at, *from, *to, *by)
            }
            _ => Err(stop(format!("these arguments of {function}"), "others")),
        }
    }

    fn range(&mut self, at: Id, from: Number, to: Number, by: Number) -> Judged<Value> {
        let (Some(from), Some(to), Some(by)) = (from.to_i64(), to.to_i64(), by.to_i64()) else {
            return Err(stop("a range of what are no integers".to_owned(), "integers"));
        };
        if by <= 0 {
            return Err(stop(format!("a range by {by}"), "by one or more"));
        }
        let mut items = Vec::new();
        let mut next = from;
        while next < to {
            items.push(Source::Scalar(Scalar::Number(Number::integer(next))));
            next = next.saturating_add(by);
            if items.len() > MAX_ITEMS {
                return Err(stop(format!("a list of more than {MAX_ITEMS} items"), "a shorter one"));
            }
        }
        self.list_of(at, items)
    }

    /// Calls of functions that take a struct or a list first; `None` if this is none.
    fn call_on_composites(
        &mut self,
        at: Id,
        function: Function,
        values: &[Value],
        expr: &'p Expr,
    ) -> Judged<Option<Value>> {
        let Some(Value::Composite(id)) = values.first() else { return Ok(None) };
        let id = *id;
        let wants_list = !matches!(function, Function::Len | Function::MinFields | Function::MaxFields);
        let elements = match &self.vertices[id].elements {
            // of a list without an end, what is known
            Some((elements, _)) => Some(elements.clone()),
            None if wants_list => return self.no_value(at, &values[0], "a list", expr).map(Some),
            None => None,
        };
        let count = |count: usize| Scalar::Number(Number::integer(i64::try_from(count).unwrap_or(i64::MAX)));
        let answer = match (function, elements) {
            (Function::Len, Some(elements)) => Value::Scalar(count(elements.len())),
            (Function::Len, None) => Value::Scalar(count(self.members(id).len())),
            (Function::Join, Some(elements)) => self.join(at, &elements, values.get(1), expr)?,
            (Function::Concat, Some(lists)) => self.concat(at, &lists, expr)?,
            (Function::Sum | Function::Least | Function::Greatest, Some(elements)) => {
                self.fold(at, function, &elements, expr)?
            }
            _ if function.validates() != Kinds::ALL => match self.meets(at, function, &values[0], &values[1..])? {
                Met::Yes => Value::Scalar(Scalar::Bool(true)),
                Met::No => Value::Scalar(Scalar::Bool(false)),
                Met::NotYet => Value::Bottom(Box::new(self.incomplete(at, "a struct that is open", "its end", expr))),
            },
            _ => return self.no_value(at, &values[0], "another kind of argument", expr).map(Some),
        };
        Ok(Some(answer))
    }

    fn join(&mut self, at: Id, elements: &[Id], separator: Option<&Value>, expr: &'p Expr) -> Judged<Value> {
        let Some(Value::Scalar(Scalar::Text(separator))) = separator else {
            return Err(stop("joining by what is no text".to_owned(), "a text"));
        };
        let mut joined = String::new();
        for (position, element) in elements.iter().enumerate() {
            match self.value_of(*element)? {
                Value::Scalar(Scalar::Text(text)) => {
                    if position > 0 {
                        joined.push_str(separator);
                    }
                    joined.push_str(&text);
                }
                bottom @ Value::Bottom(_) => return Ok(bottom),
                Value::Open(id) => {
                    let fault = self.not_known(at, id, Kinds::TEXT, "a text", expr)?;
                    return Ok(Value::Bottom(Box::new(fault)));
                }
                other => return self.no_value(at, &other, "a text", expr),
            }
            self.step(1 + joined.len() / 1024)?;
            if joined.len() > MAX_COMPUTED {
                return Err(stop("a text of too many bytes".to_owned(), "a shorter one"));
            }
        }
        Ok(Value::Scalar(Scalar::Text(Rc::from(joined))))
    }

    fn concat(&mut self, at: Id, lists: &[Id], expr: &'p Expr) -> Judged<Value> {
        let mut items = Vec::new();
        for list in lists {
            match self.value_of(*list)? {
                Value::Composite(id) => match &self.vertices[id].elements {
                    Some((elements, _)) => items.extend(elements.iter().map(|id| Source::Vertex(*id))),
                    _ => return Err(stop("what is no list with an end".to_owned(), "a list")),
                },
                bottom @ Value::Bottom(_) => return Ok(bottom),
                other => return self.no_value(at, &other, "a list", expr),
            }
        }
        self.list_of(at, items)
    }

    fn fold(&mut self, at: Id, function: Function, elements: &[Id], expr: &'p Expr) -> Judged<Value> {
        let mut folded = None;
        for element in elements {
            let number = match self.value_of(*element)? {
                Value::Scalar(Scalar::Number(number)) => number,
                bottom @ Value::Bottom(_) => return Ok(bottom),
                Value::Open(id) => {
                    let fault = self.not_known(at, id, Kinds::NUMBER, "a number", expr)?;
                    return Ok(Value::Bottom(Box::new(fault)));
                }
                other => return self.no_value(at, &other, "a number", expr),
            };
            let Some(before) = folded else {
                folded = Some(number);
                continue;
            };
            let less = number.compare(before).is_lt();
            folded = Some(match function {
                Function::Sum => {
                    number.add(before).map_err(|_| stop("a sum of too many digits".to_owned(), "fewer"))?
                }
                Function::Least if less => number,
                Function::Greatest if !less => number,
                _ => before,
            });
        }
        match folded {
            Some(number) => Ok(Value::Scalar(Scalar::Number(number))),
            None if function == Function::Sum => Ok(Value::Scalar(Scalar::Number(Number::integer(0)))),
            None => self.no_value(at, &Value::Scalar(Scalar::Null), "a list with elements", expr),
        }
    }

    /// Whether a value meets a condition.
    pub(super) fn meets(&mut self, at: Id, function: Function, subject: &Value, arguments: &[Value]) -> Judged<Met> {
        let of = |met: bool| if met { Met::Yes } else { Met::No };
        let limit = arguments.first().and_then(|limit| match limit {
            Value::Scalar(Scalar::Number(number)) => number.to_i64().and_then(|limit| usize::try_from(limit).ok()),
            _ => None,
        });
        let composite = match subject {
            Value::Scalar(subject) => {
                let scalars = arguments.iter().filter_map(|argument| match argument {
                    Value::Scalar(scalar) => Some(scalar.clone()),
                    _ => None,
                });
                let scalars: Vec<_> = scalars.collect();
                let unknown = || stop(format!("these arguments of {function}"), "others");
                return self.holds(function, subject, &scalars)?.map(of).ok_or_else(unknown);
            }
            Value::Composite(id) => *id,
            Value::Open(_) | Value::Bottom(_) => return Err(stop("a value that is not known".to_owned(), "a value")),
        };
        let elements = self.vertices[composite].elements.clone();
        // CUE may count the fields of what is closed before all are there
        if function == Function::MinFields && self.is_closed(composite) {
            return Err(stop("struct.MinFields of what is closed".to_owned(), "an open struct"));
        }
        // CUE looks at such a list before it knows what is in it
        let typed = self.vertices[composite].lists.iter().any(|list| matches!(list.rest, Some(Some(_))));
        if typed && matches!(function, Function::ContainsItem | Function::UniqueItems) {
            return Err(stop(format!("{function} of a list of one kind"), "another list"));
        }
        match (function, elements, limit) {
            (Function::MinItems, Some((elements, _)), Some(limit)) if elements.len() >= limit => Ok(Met::Yes),
            (Function::MinItems, Some((_, open)), Some(_)) => Ok(if open { Met::NotYet } else { Met::No }),
            (Function::MaxItems, Some((elements, _)), Some(limit)) => Ok(of(elements.len() <= limit)),
            (Function::MinFields, None, Some(limit)) if self.members(composite).len() >= limit => Ok(Met::Yes),
            (Function::MinFields, None, Some(_)) if self.is_in_definition(composite) => {
                Err(stop("a definition that has too few fields".to_owned(), "enough"))
            }
            (Function::MinFields, None, Some(_)) => Ok(Met::NotYet),
            (Function::MaxFields, None, Some(limit)) => Ok(of(self.members(composite).len() <= limit)),
            (Function::UniqueItems, Some((elements, _)), _) => self.are_unique(&elements).map(of),
            (Function::ContainsItem, Some((elements, _)), _) => self.contains(at, &elements, arguments).map(of),
            _ => Err(stop(format!("these arguments of {function}"), "others")),
        }
    }

    fn are_unique(&mut self, elements: &[Id]) -> Judged<bool> {
        for (position, element) in elements.iter().enumerate() {
            if matches!(self.value_of(*element)?, Value::Composite(_)) {
                return Err(stop("whether structs or lists are unique".to_owned(), "scalars"));
            }
            for other in &elements[..position] {
                if self.is_known_equal(*element, *other)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn contains(&mut self, at: Id, elements: &[Id], arguments: &[Value]) -> Judged<bool> {
        let wanted = match arguments {
            [Value::Composite(id)] => *id,
            [Value::Scalar(value)] => {
                let conjunct = Conjunct { source: Source::Scalar(value.clone()), env: None, scope: Scope::root() };
                self.vertex(Vertex::new(Some(at), None, vec![conjunct]))?
            }
            _ => return Err(stop("an element that is not known".to_owned(), "a value")),
        };
        for element in elements {
            // CUE looks at such an element before it knows that it is none
            if self.vertices[*element].is_struct_by_default {
                return Err(stop("an element in braces".to_owned(), "a plain one"));
            }
            if self.is_known_equal(*element, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_known_equal(&mut self, left: Id, right: Id) -> Judged<bool> {
        self.is_equal(left, right)?.ok_or_else(|| stop("elements whose equality is not known".to_owned(), "plain data"))
    }

    /// Whether a scalar meets a condition; `None` if the arguments are of the wrong kinds.
    fn holds(&mut self, function: Function, subject: &Scalar, arguments: &[Scalar]) -> Judged<Option<bool>> {
        let Scalar::Text(subject) = subject else { return Ok(None) };
        Ok(match (function, arguments) {
            (Function::TimeValid, []) => Some(time::normalised(subject).is_some()),
            (Function::HasPrefix, [Scalar::Text(part)]) => Some(subject.starts_with(part.as_ref())),
            (Function::HasSuffix, [Scalar::Text(part)]) => Some(subject.ends_with(part.as_ref())),
            (Function::ContainsText, [Scalar::Text(part)]) => Some(subject.contains(part.as_ref())),
            (Function::ContainsAny, [Scalar::Text(any)]) => Some(subject.chars().any(|c| any.contains(c))),
            (Function::MinRunes | Function::MaxRunes, [Scalar::Number(limit)]) => {
                let limit = limit.to_i64().ok_or_else(|| stop(format!("{limit} runes"), "an integer"))?;
                let count = i64::try_from(subject.chars().count()).unwrap_or(i64::MAX);
                Some(if function == Function::MinRunes { count >= limit } else { count <= limit })
            }
            _ => None,
        })
    }

    /// A list of its own.
    pub(super) fn list_of(&mut self, at: Id, items: Vec<Source<'p>>) -> Judged<Value> {
        if items.len() > MAX_ITEMS {
            return Err(stop(format!("a list of more than {MAX_ITEMS} items"), "a shorter one"));
        }
        let id = self.anonymous(at, Source::Items(items.into()), None)?;
        self.settle(id)?;
        Ok(Value::Composite(id))
    }

    /// A condition that is not met, and by what.
    pub(super) fn check_met(&mut self, at: Id, met: &Met, found: String, function: Function, line: u32) {
        let kind = match met {
            Met::Yes => return,
            Met::No => ConflictKind::Invalid,
            Met::NotYet => ConflictKind::Incomplete,
        };
        let fault = self.conflict(at, kind, found, format!("does not satisfy {function}"), line);
        self.vertices[at].faults.push(fault);
    }
}

/// Texts whose letters Go and we could treat differently are not treated at all.
fn ascii(text: &str) -> Judged<&str> {
    if text.is_ascii() { Ok(text) } else { Err(stop("a text outside ASCII".to_owned(), "ASCII")) }
}

fn is_go_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0B' | '\x0C' | '\r' | ' ')
}

fn size(value: &Scalar) -> usize {
    match value {
        Scalar::Text(text) => text.len(),
        Scalar::Bytes(bytes) => bytes.len(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) => 0,
    }
}
