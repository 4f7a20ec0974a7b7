//! Functions that are not the evaluator's: it has them not, or not as OPA has them, or not without a clock.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use regorus::Value;

use super::measure::MOST_BYTES;
use super::{format, time};

/// What one of these gives, or `None` where it is undefined.
pub(super) fn answer(name: &str, args: &[Value]) -> Option<Value> {
    match (name, args) {
        ("all", [items]) => truths(items).map(|truths| Value::from(truths.iter().all(|truth| *truth))),
        ("any", [items]) => truths(items).map(|truths| Value::from(truths.iter().any(|truth| *truth))),
        ("base64.decode", [text]) => decoded(&STANDARD, &text_without_line_ends(text)?),
        ("base64url.decode", [text]) => {
            let text = text_without_line_ends(text)?;
            decoded(&URL_SAFE, text.trim_end_matches('='))
        }
        ("strings.count", [text, part]) => {
            let (text, part) = (text.as_string().ok()?, part.as_string().ok()?);
            let none = part.is_empty().then(|| text.chars().count() + 1);
            Some(Value::from(none.unwrap_or_else(|| text.matches(&**part).count())))
        }
        ("sprintf", [text, values]) => {
            let values = values.as_array().ok()?;
            format::sprintf(text.as_string().ok()?, values.as_slice(), MOST_BYTES).map(Value::from)
        }
        (_, [argument]) => time::answer(name, argument),
        _ => None,
    }
}

fn truths(items: &Value) -> Option<Vec<bool>> {
    let is_true = |item: &Value| *item == Value::Bool(true);
    match items {
        Value::Array(items) => Some(items.iter().map(is_true).collect()),
        Value::Set(items) => Some(items.iter().map(is_true).collect()),
        _ => None,
    }
}

/// Go passes over the ends of lines.
fn text_without_line_ends(text: &Value) -> Option<String> {
    Some(text.as_string().ok()?.replace(['\r', '\n'], ""))
}

fn decoded(engine: &GeneralPurpose, text: &str) -> Option<Value> {
    engine.decode(text).ok().map(|bytes| Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

const STANDARD: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);
