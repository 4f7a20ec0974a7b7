//! What evaluating an expression could cost at most, reckoned from the size of the evidence.
//!
//! CEL always ends, but lists that are made of lists, and texts that are doubled again and again, grow without a bound
//! that anybody would wait for. Each value is described by how large it can be and how many parts it can have.

use std::fmt;

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators},
};
use serde_json::Value;

use super::Input;

/// The most that a value can be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Most {
    /// In bytes, about.
    size: f64,
    /// How many parts it has, if it is a list.
    count: f64,
    /// The size of its largest part.
    each: f64,
    /// How many parts any of its parts has.
    inner: f64,
}

/// What was reckoned so far, in about a nanosecond each.
pub(super) struct Cost<'e> {
    names: Vec<(&'e str, Most)>,
    total: f64,
}

/// More than anybody would wait for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TooCostly;

impl fmt::Display for TooCostly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it could take too long with so many signatures and attestations")
    }
}

impl<'e> Cost<'e> {
    /// Whether evaluating this is cheap enough.
    pub(super) fn check(one: &'e IdedExpr, input: &Input) -> Result<(), TooCostly> {
        let names = vec![
            ("now", Most::SCALAR),
            ("image", Most::of(&input.image)),
            ("signatures", Most::of(&input.signatures)),
            ("attestations", Most::of(&input.attestations)),
        ];
        let mut cost = Self { names, total: 0.0 };
        cost.of(one, 1.0);
        if cost.total <= MAX_TOTAL { Ok(()) } else { Err(TooCostly) }
    }

    /// Adds the cost of evaluating this so many times, and tells what it comes to.
    fn of(&mut self, one: &'e IdedExpr, times: f64) -> Most {
        self.total += times * STEP;
        if self.total > MAX_TOTAL {
            return Most::SCALAR; // the answer is known already
        }
        match &one.expr {
            Expr::Literal(literal) => Most::text(literal_size(literal)),
            Expr::Ident(name) => self.named(name),
            Expr::Select(select) => self.of(&select.operand, times).part(),
            Expr::Call(call) => self.call(call, times),
            Expr::List(list) => {
                let parts: Vec<Most> = list.elements.iter().map(|element| self.of(element, times)).collect();
                let all = Most::list(&parts);
                self.copy(all, times);
                all
            }
            Expr::Comprehension(all) => self.comprehension(all, times),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => Most::SCALAR, // refused when it was read
        }
    }

    fn named(&self, name: &str) -> Most {
        self.names.iter().rev().find(|(known, _)| *known == name).map_or(Most::SCALAR, |(_, most)| *most)
    }

    fn call(&mut self, call: &'e CallExpr, times: f64) -> Most {
        let parts = call.target.iter().map(|target| &**target).chain(&call.args);
        let parts: Vec<Most> = parts.map(|part| self.of(part, times)).collect();
        match (call.func_name.as_str(), &parts[..]) {
            (operators::ADD, [one, other]) => {
                let sum = one.and(*other);
                self.copy(sum, times);
                sum
            }
            (operators::CONDITIONAL, [_, one, other]) => one.or(*other),
            (operators::INDEX, [one, _]) => one.part(),
            // Compared until they differ: no longer than the shorter one.
            (operators::EQUALS | operators::NOT_EQUALS | "startsWith" | "endsWith", [one, other]) => {
                self.total += times * one.size.min(other.size);
                Most::SCALAR
            }
            (operators::IN, [one, list]) => {
                self.total += times * list.count.max(1.0) * (STEP + one.size.min(list.each));
                Most::SCALAR
            }
            ("size" | operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => Most::SCALAR,
            _ => {
                let all = Most::list(&parts);
                self.copy(all, times);
                Most::text(all.size)
            }
        }
    }

    /// Of a macro: the range, then the step for each part of it. What is gathered grows by what one step adds.
    fn comprehension(&mut self, all: &'e ComprehensionExpr, times: f64) -> Most {
        let range = self.of(&all.iter_range, times);
        let start = self.of(&all.accu_init, times);
        let (outside, rounds) = (self.names.len(), times * range.count);
        self.total += rounds * range.each;
        self.names.push((&all.iter_var, range.part()));
        self.names.push((&all.accu_var, Most::NOTHING));
        let added = self.of(&all.loop_step, rounds);
        let gathered = start.and(added.times(range.count));
        self.names[outside + 1].1 = gathered;
        self.copy(gathered, rounds);
        self.of(&all.loop_cond, rounds);
        let result = self.of(&all.result, times);
        self.names.truncate(outside);
        result
    }

    fn copy(&mut self, most: Most, times: f64) {
        self.total += times * most.size;
    }
}

impl Most {
    const NOTHING: Self = Self { size: 0.0, count: 0.0, each: 0.0, inner: 0.0 };
    const SCALAR: Self = Self { size: 16.0, count: 0.0, each: 0.0, inner: 0.0 };

    fn text(size: f64) -> Self {
        Self { size: 16.0 + size, ..Self::SCALAR }
    }

    /// What is known exactly.
    fn of(value: &Value) -> Self {
        let (mut all, mut inner) = (Self::NOTHING, 0.0_f64);
        let parts: Box<dyn Iterator<Item = (f64, &Value)>> = match value {
            Value::Array(parts) => Box::new(parts.iter().map(|part| (0.0, part))),
            Value::Object(fields) => Box::new(fields.iter().map(|(name, field)| (length(name), field))),
            Value::String(text) => return Self::text(length(text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => return Self::SCALAR,
        };
        for (name, part) in parts {
            let part = Self::of(part);
            inner = inner.max(part.count).max(part.inner);
            let size = 16.0 + name + part.size;
            all = Self { size: all.size + size, count: all.count + 1.0, each: all.each.max(size), inner };
        }
        Self { size: all.size + 16.0, ..all }
    }

    fn list(parts: &[Self]) -> Self {
        parts.iter().fold(Self::SCALAR, |all, part| Self {
            size: all.size + part.size,
            count: all.count + 1.0,
            each: all.each.max(part.size),
            inner: all.inner.max(part.count).max(part.inner),
        })
    }

    /// One part of it, or a part of that.
    fn part(self) -> Self {
        Self { size: self.each.max(16.0), count: self.inner, each: self.each, inner: self.inner }
    }

    /// Both together.
    fn and(self, other: Self) -> Self {
        Self { size: self.size + other.size, count: self.count + other.count, ..self.or(other) }
    }

    /// Either.
    fn or(self, other: Self) -> Self {
        Self {
            size: self.size.max(other.size),
            count: self.count.max(other.count),
            each: self.each.max(other.each),
            inner: self.inner.max(other.inner),
        }
    }

    fn times(self, times: f64) -> Self {
        Self { size: self.size * times, count: self.count * times, ..self }
    }
}

fn literal_size(literal: &LiteralValue) -> f64 {
    match literal {
        LiteralValue::String(text) => length(text.inner()),
        LiteralValue::Bytes(bytes) => bytes.inner().len() as f64,
        _ => 0.0,
    }
}

fn length(text: &str) -> f64 {
    text.len() as f64
}

/// What one operation costs beside what it copies.
const STEP: f64 = 100.0;
/// A fifth of a second.
const MAX_TOTAL: f64 = 200_000_000.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::parse, *};

    fn input(signatures: usize, attested: usize) -> Input {
        let signature =
            json!({"authorities": ["release"], "key": "k".repeat(64), "annotations": {"team": "a"}, "times": [1]});
        Input {
            image: json!({"repository": "ghcr.io/acme/app", "digest": "sha256:00"}),
            signatures: vec![signature; signatures].into(),
            attestations: json!([{"predicateType": "p", "predicate": {"packages": vec!["x".repeat(90); attested / 100]}}]),
            now: 1,
        }
    }

    fn check(text: &str, input: &Input) -> Result<(), TooCostly> {
        Cost::check(&parse(text).unwrap_or_else(|why| panic!("{text}: {why}")), input)
    }

    #[test]
    fn what_people_write_is_cheap_even_with_much_evidence() {
        let much = input(100, 10 << 20);
        for text in [
            "signatures.exists(s, s.annotations.team == 'release')",
            "signatures.all(s, s.times.exists(t, now - t < 86400))",
            "attestations.exists(a, a.predicateType == 'p' && a.predicate.builder == 'x')",
            "size(signatures.filter(s, 'release' in s.authorities)) >= 2",
        ] {
            assert_eq!(check(text, &much), Ok(()), "{text}");
        }
    }

    #[test]
    fn bombs_are_too_costly() {
        let ten = "[1,1,1,1,1,1,1,1,1,1]";
        let doubled = "['xx']".to_owned() + &".map(x,x+x)".repeat(40);
        let widened = ten.to_owned() + &".map(x,[x,x,x,x,x,x,x,x,x,x])".repeat(10);
        let nested = |depth: usize| {
            let open: String = (0..depth).map(|i| format!("{ten}.all(x{i},")).collect();
            format!("{open}true{}", ")".repeat(depth))
        };
        for text in [doubled + ".size() > 0", widened + ".size() > 0", nested(8)] {
            assert_eq!(check(&text, &input(1, 1)), Err(TooCostly), "{text}");
        }
        assert_eq!(check(&nested(3), &input(1, 1)), Ok(()));
        let pairs = "signatures.all(a, signatures.all(b, signatures.all(c, a.key + b.key + c.key != '')))";
        assert_eq!(check(pairs, &input(3, 1)), Ok(()));
        assert_eq!(check(pairs, &input(1_000, 1)), Err(TooCostly), "the same, with evidence that strangers pile up");
    }

    proptest::proptest! {
        /// Chains of what makes values larger: what is allowed is evaluated, all of them before anybody loses patience.
        #[test]
        fn what_is_cheap_enough_is_fast(steps in proptest::collection::vec(0usize..5, 1..14)) {
            let of = ["map(x,x+x)", "map(x,[x,x])", "filter(x,x!=x+x)", "map(x,[x]+[x,x])", "map(x,signatures)"];
            let text = "signatures.map(s,s.key)".to_owned() + &steps.iter().map(|step| format!(".{}", of[*step])).collect::<String>() + ".size()>=0";
            let Ok(parsed) = parse(&text) else { return Ok(()) };
            let input = input(3, 1);
            if Cost::check(&parsed, &input).is_ok() {
                let context = super::super::context(&input);
                let value = cel::Value::resolve(&parsed, &context);
                proptest::prop_assert_eq!(value, Ok(cel::Value::Bool(true)));
            }
        }
    }
}
