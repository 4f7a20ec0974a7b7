//! A JSON document, altered in one place after the other.

mod pointers;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

pub(crate) use self::pointers::paths;

/// The document with what is at `path` changed in each of several ways, and without it. Of long bytes, no more than
/// about twice `most` are changed, one at a time.
pub(crate) fn alterations(document: &Value, path: &str, most: usize) -> Vec<Value> {
    let mut list: Vec<Value> = changes(document.pointer(path).unwrap(), most)
        .into_iter()
        .map(|change| {
            let mut altered = document.clone();
            *altered.pointer_mut(path).unwrap() = change;
            altered
        })
        .collect();
    let mut altered = document.clone();
    pointers::remove(&mut altered, path);
    list.push(altered);
    list.retain(|altered| altered != document);
    list
}

fn changes(value: &Value, most: usize) -> Vec<Value> {
    match value {
        Value::String(text) => match BASE64_STANDARD.decode(text) {
            Ok(bytes) if text.len() > 8 => {
                bits(&bytes, most).iter().map(|bytes| BASE64_STANDARD.encode(bytes).into()).collect()
            }
            _ => vec![json!(format!("{text}x")), json!(format!("1{text}")), json!("1"), json!("")],
        },
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1), json!(0)],
        Value::Array(items) => vec![json!([]), json!([items.clone(), items.clone()].concat())],
        _ => vec![Value::Null, json!({}), json!([])],
    }
}

/// One bit changed, at every byte of what is short and at some bytes of what is long.
fn bits(bytes: &[u8], most: usize) -> Vec<Vec<u8>> {
    let step = (bytes.len() / most).max(1);
    let flip = |at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        changed
    };
    (0..bytes.len()).step_by(step).map(flip).collect()
}
