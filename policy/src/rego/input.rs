//! From JSON to the evaluator's values, and from its words to ours.

use regorus::Value;

use super::error::{RegoBound, RegoDenial, RegoError};
use super::functions::{SEEN, WEIGHED};
use super::measure::{MOST_LEVELS, weigh};

/// The input as the evaluator wants it, if it is not larger than a value may be.
pub(super) fn value(json: &serde_json::Value) -> Result<Value, RegoBound> {
    let value = convert(json, 0)?;
    weigh(std::slice::from_ref(&value)).map(|_| value)
}

fn convert(json: &serde_json::Value, level: usize) -> Result<Value, RegoBound> {
    if level > MOST_LEVELS {
        return Err(RegoBound::Size);
    }
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => convert_number(number),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| convert(item, level + 1)).collect();
            Value::from(items?)
        }
        serde_json::Value::Object(fields) => {
            let mut object = std::collections::BTreeMap::new();
            for (name, field) in fields {
                object.insert(Value::from(name.as_str()), convert(field, level + 1)?);
            }
            Value::from(object)
        }
    })
}

fn convert_number(number: &serde_json::Number) -> Value {
    let integer = number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from));
    integer.or_else(|| number.as_f64().map(Value::from)).unwrap_or(Value::Undefined)
}

/// The parser's refusal, with the place that it names.
pub(super) fn syntax(error: &anyhow::Error) -> RegoError {
    let (line, column, message) = read(&format!("{error:#}"));
    RegoError::Syntax { line, column, message }
}

/// The evaluator's refusal.
pub(super) fn failure(error: &anyhow::Error) -> RegoDenial {
    let (line, _, message) = read(&format!("{error:#}"));
    RegoDenial::Failed { line, message }
}

/// At most 200 bytes of a text, control characters escaped.
pub(super) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars() {
        let c = if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        if short.len() + c.len() > 200 {
            short.push('…');
            break;
        }
        short.push_str(&c);
    }
    short
}

/// The evaluator draws the line with an arrow under it and says `error: …` in the last of its lines.
fn read(drawn: &str) -> (u32, u32, String) {
    let place = drawn.split("--> ").last().and_then(|rest| rest.lines().next()).unwrap_or_default();
    let mut numbers = place.rsplit(':').map_while(|number| number.trim().parse().ok());
    let (column, line) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let message = drawn.rsplit("error: ").next().unwrap_or_default().trim();
    (line, column, excerpt(&message.replace(WEIGHED, "").replace(SEEN, "")))
}
