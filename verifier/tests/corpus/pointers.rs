//! The places of a JSON document, as JSON pointers.

use serde_json::Value;

/// Those of all members and items.
pub(crate) fn paths(value: &Value, at: String) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(map) => {
            map.iter().flat_map(|(name, value)| paths(value, format!("{at}/{}", escaped(name)))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, value)| paths(value, format!("{at}/{index}"))).collect()
        }
        _ => Vec::new(),
    };
    below.into_iter().chain((!at.is_empty()).then_some(at)).collect()
}

/// Takes what is at a place out of the document.
pub(crate) fn remove(document: &mut Value, path: &str) {
    let Some((parent, name)) = path.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => drop(name.parse().map(|index: usize| items.remove(index))),
        _ => {}
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
