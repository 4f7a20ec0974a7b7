//! Editors show what a field is for: every field of every schema says it.

use policy::schema::{CLUSTER_IMAGE_POLICY, IMAGE_POLICY, POLICY_TEST, TRUST_ROOT};
use serde_json::Value;

/// The fields without a description, by their path in the document.
fn silent(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Value::Object(parts) = schema else { return };
    for (name, field) in parts.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if field["description"].as_str().is_none_or(|text| text.len() < 5) {
            found.push(format!("{path}.{name}"));
        }
        silent(field, &format!("{path}.{name}"), found);
    }
    for (name, definition) in parts.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        silent(definition, name, found);
    }
    for name in ["items", "additionalProperties"] {
        parts.get(name).into_iter().for_each(|part| silent(part, &format!("{path}[]"), found));
    }
}

fn silent_fields(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    silent(&serde_json::from_str(text).expect("the schema is JSON"), "", &mut found);
    found
}

#[test]
fn every_field_says_what_it_is_for() {
    for schema in [CLUSTER_IMAGE_POLICY, IMAGE_POLICY, TRUST_ROOT, POLICY_TEST] {
        assert_eq!(silent_fields(schema), Vec::<String>::new());
    }
}

#[test]
fn field_that_says_nothing_is_found_wherever_it_stands() {
    let schema = r##"{"properties": {"a": {"type": "array", "items": {"properties": {"b": {"description": "x"}}}}},
        "$defs": {"c": {"properties": {"d": {"$ref": "#/$defs/c"}}}}}"##;
    assert_eq!(silent_fields(schema), [".a", ".a[].b", "c.d"]);
}
