//! How large a value is, as far as it may be.
//!
//! Parts that a value holds twice count twice: whatever compares or prints it meets them twice.

use regorus::Value;

use super::error::RegoBound;

/// The most a value may weigh: its strings' bytes and [`NODE`] for every part.
pub(super) const MOST_BYTES: usize = 8 << 20;
/// How many levels of arrays, sets and objects a value may have.
pub(super) const MOST_LEVELS: usize = 128;
/// What a part weighs beside its text.
pub(super) const NODE: usize = 16;

/// The weight of all of them together.
pub(super) fn weigh(values: &[Value]) -> Result<usize, RegoBound> {
    let mut open: Vec<_> = values.iter().map(|value| (value, 0)).collect();
    let mut weight = 0;
    while let Some((value, level)) = open.pop() {
        weight += NODE + own_weight(value);
        if weight > MOST_BYTES || level > MOST_LEVELS {
            return Err(RegoBound::Size);
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Value::Set(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(fields) => {
                open.extend(fields.iter().flat_map(|(name, value)| [name, value]).map(|part| (part, level + 1)));
            }
            _ => {}
        }
    }
    Ok(weight)
}

fn own_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) if number.as_big().is_some_and(|digits| digits.bits() > MOST_BITS) => MOST_BYTES,
        _ => 0,
    }
}

/// The bits of a number, so that arithmetic stays cheap.
const MOST_BITS: u64 = 4096;
