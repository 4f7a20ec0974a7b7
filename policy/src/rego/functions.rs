//! The functions that a policy may call, each within bounds.
//!
//! The evaluator's own are called behind a guard: arguments and result are weighed, what a call costs is counted, and
//! what would grow out of proportion is not begun. A function not named here is not known, even if the evaluator has
//! it: some ask the outside, some end only by luck, and one panics.

use std::sync::LazyLock;

use anyhow::{Result, bail};
use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Source, Span};
use regorus::{Engine, Value};

use super::error::RegoBound;
use super::measure::{MOST_BYTES, NODE, weigh};
use super::{meter, own, patterns};

/// How the names of our own functions begin, which no policy may use.
pub(super) const PREFIX: &str = "__sealgate";
/// Gives its argument back and counts what that weighs.
pub(super) const WEIGHED: &str = "__sealgate_weighed";
/// True; counts what its argument weighs.
pub(super) const SEEN: &str = "__sealgate_seen";

/// Whether a function's answer comes from elsewhere than its arguments.
pub(super) fn is_impure(name: &str) -> bool {
    IMPURE.contains(&name)
}

/// How many arguments a known function is called with, at least and at most. One more is given back: `f(x, y)` is
/// `f(x) = y`.
pub(super) fn arguments(name: &str) -> Option<(usize, usize)> {
    if let Some((_, arguments)) = OWN.iter().find(|(own, _)| *own == name) {
        let arguments = usize::from(*arguments);
        return Some((arguments, arguments + usize::from(BUILTINS.contains_key(name))));
    }
    match name {
        "print" => Some((0, 100)),
        "re_match" => Some((2, 2)),
        _ if FUNCTIONS.contains(&name) => {
            BUILTINS.get(name).map(|function| (usize::from(function.1), usize::from(function.1) + 1))
        }
        _ => None,
    }
}

/// Puts a guard before every function of an evaluator.
pub(super) fn guard(engine: &mut Engine) -> Result<()> {
    for (&name, &function) in BUILTINS.iter() {
        match name {
            // the operators | and &
            "__builtin_sets.union" | "__builtin_sets.intersection" => {}
            _ if OWN.iter().any(|(own, _)| *own == name) => {}
            "trace" => engine.add_extension(name.to_owned(), 1, Box::new(|_| Ok(Value::from(true))))?,
            _ if FUNCTIONS.contains(&name) => {
                engine.add_extension(name.to_owned(), function.1, Box::new(move |args| call(name, function, &args)))?;
            }
            _ => engine.add_extension(name.to_owned(), function.1, Box::new(move |_| bail!("{name} is refused")))?,
        }
    }
    for (name, arguments) in OWN {
        engine.add_extension(name.to_owned(), arguments, Box::new(move |args| own(name, &args)))?;
    }
    if let Some(&function) = BUILTINS.get("regex.match") {
        engine.add_extension("re_match".to_owned(), 2, Box::new(move |args| call("regex.match", function, &args)))?;
    }
    engine.add_extension(WEIGHED.to_owned(), 1, Box::new(weighed))?;
    engine.add_extension(SEEN.to_owned(), 1, Box::new(|args| weighed(args).map(|_| Value::from(true))))
}

fn weighed(mut args: Vec<Value>) -> Result<Value> {
    count(&args)?;
    Ok(args.pop().unwrap_or(Value::Undefined))
}

fn own(name: &str, args: &[Value]) -> Result<Value> {
    if args.contains(&Value::Undefined) {
        return Ok(Value::Undefined);
    }
    count(args)?;
    if name == "sprintf" && args.first().map_or(0, widths) > MOST_BYTES as u64 {
        return stop(RegoBound::Size);
    }
    let answer = match own::answer(name, args) {
        None if name == "sprintf" && matches!(args, [Value::String(_), Value::Array(_)]) => {
            return stop(RegoBound::Size);
        }
        answer => answer.unwrap_or(Value::Undefined),
    };
    count(std::slice::from_ref(&answer))?;
    Ok(answer)
}

fn call(name: &str, function: BuiltinFcn, args: &[Value]) -> Result<Value> {
    if args.contains(&Value::Undefined) {
        return Ok(Value::Undefined);
    }
    if !CHEAP.contains(&name) {
        count(args)?;
    }
    let (work, result) = estimate(name, args);
    meter::charge(work / BYTES_PER_STEP);
    if result > MOST_BYTES as u64 {
        return stop(RegoBound::Size);
    }
    // An error of a function makes it undefined, as it does in the original.
    let ask = |args: &[Value]| function.0(&PLACE.0, &PLACE.1[..args.len()], args, false).unwrap_or(Value::Undefined);
    let answer = match otherwise(name, args) {
        Otherwise::Asked(args) => ask(&args),
        Otherwise::Answered(answer) => answer,
        Otherwise::Same if name == "json.marshal" => as_go_marshals(ask(args)),
        Otherwise::Same => ask(args),
    };
    // What walk finds is there already, and as heavy as the levels above it are many.
    if !CHEAP.contains(&name) && name != "walk" {
        count(std::slice::from_ref(&answer))?;
    }
    Ok(answer)
}

/// Go writes JSON so that it could stand in HTML.
fn as_go_marshals(json: Value) -> Value {
    let escapes = [('<', "003c"), ('>', "003e"), ('&', "0026"), ('\u{2028}', "2028"), ('\u{2029}', "2029")];
    let Value::String(text) = &json else { return json };
    let escaped = |text: String, (c, code): (char, &str)| text.replace(c, &format!("\\u{code}"));
    Value::from(escapes.into_iter().fold(text.to_string(), escaped))
}

/// Where OPA's function of the name and the evaluator's differ.
enum Otherwise {
    Same,
    Asked(Vec<Value>),
    Answered(Value),
}

fn otherwise(name: &str, args: &[Value]) -> Otherwise {
    let is_text = |n: usize| matches!(args.get(n), Some(Value::String(_)));
    match (name, args) {
        ("base64.is_valid" | "json.is_valid", [_]) if !is_text(0) => Otherwise::Answered(Value::from(false)),
        ("indexof" | "indexof_n", [_, Value::String(part)]) if part.is_empty() => Otherwise::Answered(Value::Undefined),
        ("object.subset", [whole, part]) if !is_comparable(whole, part) => Otherwise::Answered(Value::Undefined),
        ("regex.is_valid", [Value::String(expression)]) if patterns::translated(expression).is_none() => {
            Otherwise::Answered(Value::from(false))
        }
        ("regex.replace", [text, Value::String(expression), by]) => {
            expression_or_undefined(expression, |expression| vec![text.clone(), expression, by.clone()])
        }
        (_, [Value::String(expression), rest @ ..]) if name.starts_with("regex.") => {
            expression_or_undefined(expression, |expression| [vec![expression], rest.to_vec()].concat())
        }
        _ => Otherwise::Same,
    }
}

fn expression_or_undefined(expression: &str, args: impl FnOnce(Value) -> Vec<Value>) -> Otherwise {
    match patterns::translated(expression) {
        Some(expression) => Otherwise::Asked(args(Value::from(expression))),
        None => Otherwise::Answered(Value::Undefined),
    }
}

fn is_comparable(whole: &Value, part: &Value) -> bool {
    matches!(
        (whole, part),
        (Value::Object(_), Value::Object(_))
            | (Value::Set(_), Value::Set(_))
            | (Value::Array(_), Value::Array(_) | Value::Set(_))
    )
}

fn count(values: &[Value]) -> Result<()> {
    match weigh(values) {
        Ok(weight) => meter::charge(weight as u64 / BYTES_PER_STEP),
        Err(bound) => stop(bound).map(|_| ())?,
    }
    Ok(())
}

fn stop(bound: RegoBound) -> Result<Value> {
    meter::stop(bound);
    bail!("{bound}")
}

/// What a call costs beyond the weight of its arguments, and what its result may weigh, where that is more than a
/// small multiple of it.
fn estimate(name: &str, args: &[Value]) -> (u64, u64) {
    let length = |n: usize| args.get(n).map_or(0, text_length);
    match name {
        "concat" => (0, length(0).saturating_mul(args.get(1).map_or(0, parts)).saturating_add(length(1))),
        "replace" => (0, (length(0) + 1).saturating_mul(length(2) + 1)),
        "strings.replace_n" => {
            let (patterns, text) = (args.first().map_or(0, parts), length(1) + 1);
            (patterns.saturating_mul(text), text.saturating_mul(longest(&args[0]) + 1))
        }
        "regex.replace" => (REGEX + length(1) * 16, (length(0) + 1).saturating_mul(length(2) + 1)),
        "regex.find_all_string_submatch_n" => {
            let groups = (length(0) + 1).saturating_mul(length(1) + 1).saturating_mul(NODE as u64);
            (REGEX + length(0) * 16 + groups / 16, 0)
        }
        "regex.match" | "regex.find_n" | "regex.is_valid" => (REGEX + length(0) * 16, 0),
        "glob.match" => (REGEX + length(0) * 16, 0),
        "indexof" | "indexof_n" | "trim" | "trim_left" | "trim_right" => (length(0).saturating_mul(length(1)) / 4, 0),
        "strings.any_prefix_match" | "strings.any_suffix_match" => {
            (args.iter().map(parts).fold(1, u64::saturating_mul).saturating_mul(8), 0)
        }
        "numbers.range" | "numbers.range_step" => (0, range(args).saturating_mul(NODE as u64)),
        "bits.lsh" => (0, args.get(1).map_or(0, |n| if is_large(n) { u64::MAX } else { 0 })),
        _ => (0, 0),
    }
}

fn text_length(value: &Value) -> u64 {
    value.as_string().map_or(0, |text| text.len() as u64)
}

fn parts(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.len() as u64,
        Value::Set(items) => items.len() as u64,
        Value::Object(fields) => fields.len() as u64,
        _ => 1,
    }
}

fn longest(value: &Value) -> u64 {
    value.as_object().map_or(0, |fields| fields.values().map(text_length).max().unwrap_or(0))
}

fn range(args: &[Value]) -> u64 {
    match args {
        [from @ Value::Number(_), to @ Value::Number(_), ..] => match (from.as_i64(), to.as_i64()) {
            (Ok(from), Ok(to)) => from.abs_diff(to),
            _ => u64::MAX,
        },
        _ => 0,
    }
}

fn is_large(number: &Value) -> bool {
    matches!(number, Value::Number(_)) && number.as_i64().map_or(true, |number| number >= 4096)
}

/// The sum of the widths that a format asks for.
fn widths(format: &Value) -> u64 {
    let Ok(format) = format.as_string() else { return 0 };
    let number = |digits: &str| if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    let of_verb = |verb: &str| {
        let end = verb.find(|c: char| !c.is_ascii_digit() && !"+-# .".contains(c)).unwrap_or(verb.len());
        verb[..end].split(|c: char| !c.is_ascii_digit()).map(number).fold(0, u64::saturating_add)
    };
    format.split('%').skip(1).map(of_verb).fold(0, u64::saturating_add)
}

/// Where a guarded function believes to be called, for messages that nobody reads.
static PLACE: LazyLock<(Span, Vec<Ref<Expr>>)> = LazyLock::new(|| {
    let source = Source::from_contents("function".to_owned(), " ".to_owned()).expect("one space is a short text");
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let nothing = Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    (span, vec![nothing; 8])
});

/// About what the evaluator handles in the time of a step.
const BYTES_PER_STEP: u64 = 32;
/// What making a regular expression costs, in bytes.
const REGEX: u64 = 64 << 10;

/// Those whose answer takes the same time whatever the size of their arguments.
const CHEAP: [&str; 9] =
    ["count", "is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name"];

/// Our own, with their number of arguments.
const OWN: [(&str, u8); 11] = [
    ("all", 1),
    ("any", 1),
    ("base64.decode", 1),
    ("base64url.decode", 1),
    ("sprintf", 2),
    ("strings.count", 2),
    ("time.clock", 1),
    ("time.date", 1),
    ("time.parse_duration_ns", 1),
    ("time.parse_rfc3339_ns", 1),
    ("time.weekday", 1),
];

const IMPURE: [&str; 7] = [
    "http.send",
    // compares the token's times with now where it is told no time
    "io.jwt.decode_verify",
    "net.lookup_ip_addr",
    "opa.runtime",
    "rand.intn",
    "time.now_ns",
    "uuid.rfc4122",
];

#[rustfmt::skip]
const FUNCTIONS: [&str; 84] = [
    "abs", "array.concat", "array.reverse", "array.slice", "base64.encode", "base64.is_valid",
    "base64url.encode", "base64url.encode_no_pad", "bits.and", "bits.lsh", "bits.negate",
    "bits.or", "bits.rsh", "bits.xor", "ceil", "concat", "contains", "count", "endswith", "floor", "format_int",
    "glob.match", "hex.decode", "hex.encode", "indexof", "indexof_n", "intersection", "is_array",
    "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "json.filter", "json.is_valid",
    "json.marshal", "json.patch", "json.remove", "json.unmarshal", "lower", "max", "min", "numbers.range",
    "numbers.range_step", "object.filter", "object.get", "object.keys", "object.remove", "object.subset",
    "object.union", "object.union_n", "product", "regex.find_all_string_submatch_n", "regex.find_n",
    "regex.is_valid", "regex.match", "regex.replace", "replace", "round", "semver.compare",
    "semver.is_valid", "sort", "split", "startswith", "strings.any_prefix_match",
    "strings.any_suffix_match", "strings.replace_n", "strings.reverse", "substring", "sum",
    "to_number", "trace", "trim", "trim_left",
    "trim_prefix", "trim_right", "trim_space", "trim_suffix", "type_name", "union",     "units.parse_bytes", "upper", "walk",
];
