//! Expressions in CEL over the evidence, which must be true.
//!
//! An expression is looked through before it is taken: it knows four variables and a handful of functions, whose answers
//! follow from their arguments. What it could cost is reckoned from the evidence before it is evaluated.

mod cost;

use std::{collections::HashMap, fmt, sync::Arc};

use cel::{
    Context, IdedExpr, Value,
    common::ast::{CallExpr, Expr},
    parser::PrattParser,
};

use self::cost::{Cost, TooCostly};
use crate::{
    object::Object,
    problem::{Objection, Why, excerpt, plain},
};

/// An expression that can be evaluated, and what to say where it is not true.
#[derive(Clone)]
pub(crate) struct Expression {
    text: String,
    message: Option<String>,
    parsed: Arc<IdedExpr>,
}

/// What expressions are held against.
pub(crate) struct Input {
    pub(crate) image: serde_json::Value,
    pub(crate) signatures: serde_json::Value,
    pub(crate) attestations: serde_json::Value,
    /// In seconds since 1970.
    pub(crate) now: u64,
}

impl Expression {
    /// Reads `expressions`.
    pub(crate) fn read_all(spec: &Object<'_>) -> Vec<Self> {
        let entries = spec.objects("expressions", &["cel", "message"]);
        if spec.has("expressions") && entries.is_empty() && !spec.given("expressions") {
            let objection = Objection::Missing { paths: vec![spec.path_of("expressions")] };
            spec.object_to(spec.at_field("expressions"), objection);
        }
        let one = |entry: &Object<'_>| {
            let message = entry.text("message").map(|text| text.value.to_owned());
            let text = entry.required_text("cel")?;
            match parse(text.value) {
                Ok(parsed) => Some(Self { text: text.value.to_owned(), message, parsed: Arc::new(parsed) }),
                Err(why) => {
                    text.refuse(Why::Expression(why));
                    None
                }
            }
        };
        entries.iter().filter_map(one).collect()
    }

    /// Whether attestations may have a say in it.
    pub(crate) fn sees_attestations(&self) -> bool {
        self.text.contains("attestations")
    }

    /// Whether it is true. Whatever is not true, is neither false nor an error but a refusal with its reason.
    pub(crate) fn holds(&self, input: &Input) -> Result<(), Untrue> {
        let untrue = |why: String| Untrue { text: self.text.clone(), message: self.message.clone(), why };
        Cost::check(&self.parsed, input).map_err(|why: TooCostly| untrue(why.to_string()))?;
        match Value::resolve(&self.parsed, &context(input)) {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(Value::Bool(false)) => Err(untrue("it is false".to_owned())),
            Ok(other) => Err(untrue(format!("it is a {}, wanted true", other.type_of()))),
            Err(why) => Err(untrue(excerpt(&why.to_string()))),
        }
    }
}

fn context(input: &Input) -> Context<'static, 'static> {
    let mut context = Context::default();
    context.add_variable_from_value("now", i64::try_from(input.now).unwrap_or(i64::MAX));
    context.add_variable_from_value("image", value(&input.image));
    context.add_variable_from_value("signatures", value(&input.signatures));
    context.add_variable_from_value("attestations", value(&input.attestations));
    context
}

/// As JSON comes to CEL; whole numbers are all of one kind, since CEL adds none of different kinds.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => (*flag).into(),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::INFINITY).into(),
        },
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(parts) => parts.iter().map(value).collect::<Vec<_>>().into(),
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), value(field)));
            fields.collect::<HashMap<_, _>>().into()
        }
    }
}

/// Not true, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untrue {
    text: String,
    message: Option<String>,
    why: String,
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, why) = (excerpt(&self.text), plain(&self.why));
        match &self.message {
            Some(message) => write!(f, "{} (expression `{text}`: {why})", plain(message)),
            None => write!(f, "expression `{text}` is not true: {why}"),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("text", &self.text).field("message", &self.message).finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Result<IdedExpr, String> {
    if text.len() > MAX_TEXT {
        return Err(format!("{} bytes of CEL found, wanted at most {MAX_TEXT}", text.len()));
    }
    let parsed =
        PrattParser::new().parse(text).map_err(|why| excerpt(why.to_string().lines().next().unwrap_or_default()))?;
    review(&parsed, &mut VARIABLES.to_vec(), MAX_DEPTH)?;
    Ok(parsed)
}

/// Nothing but what is known, and not too deep.
fn review<'e>(one: &'e IdedExpr, known: &mut Vec<&'e str>, depth: usize) -> Result<(), String> {
    let depth = depth.checked_sub(1).ok_or_else(|| format!("nested too deep, wanted at most {MAX_DEPTH} levels"))?;
    match &one.expr {
        Expr::Literal(_) => Ok(()),
        Expr::Ident(name) if known.contains(&name.as_str()) => Ok(()),
        Expr::Ident(name) => Err(format!("variable `{}` found, wanted one of {}", excerpt(name), VARIABLES.join(", "))),
        Expr::Select(select) => review(&select.operand, known, depth),
        Expr::Call(call) => review_call(call, known, depth),
        Expr::List(list) => list.elements.iter().try_for_each(|element| review(element, known, depth)),
        Expr::Comprehension(all) => {
            review(&all.iter_range, known, depth)?;
            review(&all.accu_init, known, depth)?;
            let outside = known.len();
            known.extend([all.iter_var.as_str(), all.accu_var.as_str()]);
            let inside = [&all.loop_cond, &all.loop_step, &all.result];
            let result = inside.into_iter().try_for_each(|part| review(part, known, depth));
            known.truncate(outside);
            result
        }
        Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
            Err("map or message found, wanted comparisons, lists and calls".to_owned())
        }
    }
}

fn review_call<'e>(call: &'e CallExpr, known: &mut Vec<&'e str>, depth: usize) -> Result<(), String> {
    let name = call.func_name.as_str();
    let operator = name.contains('_') && !name.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if !(operator || name == "@in" || name == "@not_strictly_false" || FUNCTIONS.contains(&name)) {
        return Err(format!("function `{}` found, wanted one of {}", excerpt(name), FUNCTIONS.join(", ")));
    }
    call.target.iter().map(|target| &**target).chain(&call.args).try_for_each(|part| review(part, known, depth))
}

const VARIABLES: [&str; 4] = ["image", "signatures", "attestations", "now"];
const FUNCTIONS: [&str; 7] = ["contains", "double", "endsWith", "int", "size", "startsWith", "string"];
/// Ten times what people write, and little enough that nesting cannot exhaust the parser's stack.
const MAX_TEXT: usize = 2_048;
const MAX_DEPTH: usize = 60;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input() -> Input {
        Input {
            image: json!({"repository": "ghcr.io/acme/app", "digest": "sha256:00", "tag": "v1"}),
            signatures: json!([
                {"authorities": ["release"], "key": "k1", "format": "bundle", "annotations": {"team": "a"}, "times": [100]},
                {"authorities": ["audit"], "issuer": "https://i", "subject": "ann@acme.example", "format": "legacy", "annotations": {}, "times": []},
            ]),
            attestations: json!([{"predicateType": "https://slsa.dev/provenance/v1", "predicate": {"runs": 3}}]),
            now: 1_000,
        }
    }

    fn holds(text: &str) -> Result<(), String> {
        let parsed = Arc::new(parse(text)?);
        let expression = Expression { text: text.to_owned(), message: None, parsed };
        expression.holds(&input()).map_err(|why| why.to_string())
    }

    #[test]
    fn evidence_is_seen() {
        for text in [
            "image.tag == 'v1'",
            "signatures.exists(s, s.format == 'bundle' && s.annotations.team == 'a')",
            "signatures.filter(s, has(s.issuer) && s.subject.endsWith('@acme.example')).size() == 1",
            "signatures.all(s, s.times.all(t, now - t < 1000))",
            "attestations.exists_one(a, a.predicateType.startsWith('https://slsa.dev/') && a.predicate.runs > 2)",
            "size(signatures.map(s, s.format)) == 2 && 'bundle' in signatures.map(s, s.format)",
            "'release' in signatures[0].authorities",
            "now == 1000",
            "!has(image.nothing)",
        ] {
            assert_eq!(holds(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn only_true_is_true() {
        for (text, why) in [
            ("image.tag == 'v2'", "it is false"),
            ("1", "it is a int, wanted true"),
            ("'true'", "it is a string, wanted true"),
            ("image.nothing == 'x'", "No such key"),
            ("signatures[7].format == 'x'", ""),
            ("1 / 0 == 1", ""),
            ("image.tag > 1", ""),
        ] {
            let said = holds(text).unwrap_err();
            assert!(said.contains(why) && said.contains("is not true"), "{text}: {said}");
        }
    }

    #[test]
    fn what_has_no_value_is_an_error_and_no_panic() {
        for text in [
            "9223372036854775807 + 1 > 0",
            "-9223372036854775807 - 2 < 0",
            "9223372036854775807 * 2 > 0",
            "(-9223372036854775807 - 1) / -1 > 0",
            "(-9223372036854775807 - 1) % -1 == 1",
            "-(-9223372036854775807 - 1) > 0",
            "1 % 0 == 0",
            "int(1e300) > 0",
            "int(0.0 / 0.0) > 0",
            "int('9999999999999999999999') > 0",
            "int('') == 0",
            "int(18446744073709551615u) > 0",
            "double('x') > 0.0",
            "signatures[-1].format == 'x'",
            "signatures[9223372036854775807].format == 'x'",
            "signatures['x'] == 1",
            "image['nothing'] == 1",
            "image[0] == 1",
            "'ü'[1] == 'x'",
            "signatures.exists(s, s)",
            "signatures.map(s, s, s)",
            "size(1) == 1",
            "size() == 1",
            "1.size(1, 2) == 1",
            "string(signatures) == 'x'",
            "true && signatures",
            "now ? true : true",
            "0.0 / 0.0 == 0.0 / 0.0",
            "image < image",
            "[1] > [0]",
            "null > null",
            "'a' in 'abc'",
            "1 in 1",
            "'abc'.contains(1)",
            "'abc'.startsWith(image)",
        ] {
            assert!(holds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn message_is_said_first_and_text_is_harmless() {
        let parsed = Arc::new(parse("false").unwrap());
        let expression =
            Expression { text: "false".into(), message: Some("two teams\u{1b}[2J must sign".into()), parsed };
        let said = expression.holds(&input()).unwrap_err().to_string();
        assert_eq!(said, "two teams\\u{1b}[2J must sign (expression `false`: it is false)");
    }

    #[test]
    fn what_is_unknown_is_refused_when_it_is_read() {
        for text in [
            "image.tag.matches('v.*')",
            "signature.size() > 0",
            "env('HOME') == ''",
            "timestamp('2026-01-01T00:00:00Z') == now",
            "signatures.exists(s, t.format == 'x')",
            "{'a': 1}.size() == 1",
            "signatures.exists(",
            "",
            "image.tag ==",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_exhausting_the_stack() {
        let on_a_small_stack = std::thread::Builder::new().stack_size(1 << 20).spawn(|| {
            let fill = |open: &str, middle: &str, close: &str| {
                let times = (MAX_TEXT - middle.len()) / (open.len() + close.len());
                open.repeat(times) + middle + &close.repeat(times)
            };
            for text in [
                fill("(", "true", ")"),
                fill("[", "1", "]"),
                fill("!", "true", ""),
                fill("-", "1", ""),
                fill("1+", "1", ""),
                fill("true?true:", "true", ""),
                fill("image", ".x", ".x"),
                fill("", "image", ".x"),
                fill("", "image", "[0]"),
                fill("size(", "1", ")"),
                fill("[1].map(x,", "1", ")"),
                fill("true&&", "true", ""),
                fill("{1:", "1", "}"),
            ] {
                drop(parse(&text)); // an error, or an expression that is shallow after all
            }
        });
        on_a_small_stack.unwrap().join().unwrap();
        assert!(parse(&format!("{}1", "1+".repeat(MAX_DEPTH))).is_err());
        assert!(parse(&"x".repeat(MAX_TEXT + 1)).unwrap_err().contains("wanted at most"));
    }
}
