//! As much of JSON Schema as the schemas use; a keyword that is not known here fails the test.

use serde_json::{Map, Value};

/// A schema and its definitions.
pub(crate) struct Schema {
    pub(crate) root: Value,
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Self {
        Self { root: serde_json::from_str(text).expect("the schema is JSON") }
    }

    /// What is wrong with a value, each with its path.
    pub(crate) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.root, value, "", &mut faults);
        faults
    }

    /// Every place where an object with known fields stands, with its fields: `["spec", "images", "[]"]`.
    pub(crate) fn objects(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let mut found = Vec::new();
        self.walk(&self.root, &mut Vec::new(), &mut found);
        found
    }

    fn walk(&self, schema: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Vec<String>)>) {
        let schema = self.resolved(schema);
        if let Some(items) = schema.get("items") {
            path.push("[]".to_owned());
            self.walk(items, path, found);
            path.pop();
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        assert_eq!(schema["additionalProperties"], false, "{path:?} is open");
        found.push((path.clone(), properties.keys().cloned().collect()));
        for (name, property) in properties {
            path.push(name.clone());
            self.walk(property, path, found);
            path.pop();
        }
    }

    /// The schema with what it refers to put in its place.
    fn resolved(&self, schema: &Value) -> Map<String, Value> {
        let mut own = schema.as_object().expect("a schema is an object").clone();
        if let Some(reference) = own.remove("$ref") {
            let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
            let target = self.root.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
            own.extend(self.resolved(target).into_iter().filter(|(key, _)| key != "description"));
        }
        own
    }

    fn check(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        let before = faults.len();
        for (keyword, wanted) in &self.resolved(schema) {
            if !self.holds(keyword, wanted, schema, value, path, faults) && faults.len() == before {
                faults.push(format!("{path}: {keyword} {wanted} does not hold for {value}"));
            }
        }
    }

    fn valid(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn holds(
        &self,
        keyword: &str,
        wanted: &Value,
        schema: &Value,
        value: &Value,
        path: &str,
        faults: &mut Vec<String>,
    ) -> bool {
        let length = |wanted: &Value| usize::try_from(wanted.as_u64().expect("a number")).expect("a small one");
        let alternatives = || wanted.as_array().expect("a list").iter();
        match keyword {
            "$schema" | "title" | "description" | "$defs" | "default" | "examples" | "format" => true,
            "type" if wanted == "integer" => value.is_i64() || value.is_u64(),
            "type" => kind(value) == wanted,
            "minimum" => value.as_f64().is_none_or(|found| found >= wanted.as_f64().expect("a number")),
            "minProperties" => value.as_object().is_none_or(|fields| fields.len() >= length(wanted)),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= length(wanted)),
            "const" => value == wanted,
            "enum" => alternatives().any(|one| one == value),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= length(wanted)),
            "pattern" => value.as_str().is_none_or(|text| matches(wanted.as_str().expect("a text"), text)),
            "minItems" => value.as_array().is_none_or(|items| items.len() >= length(wanted)),
            "maxItems" => value.as_array().is_none_or(|items| items.len() <= length(wanted)),
            "required" => value
                .as_object()
                .is_none_or(|object| alternatives().all(|name| object.contains_key(name.as_str().expect("a name")))),
            "dependentRequired" => value.as_object().is_none_or(|object| {
                let rules =
                    wanted.as_object().expect("an object").iter().filter(|(name, _)| object.contains_key(*name));
                rules
                    .flat_map(|(_, names)| names.as_array().expect("a list"))
                    .all(|name| object.contains_key(name.as_str().expect("a name")))
            }),
            "oneOf" => alternatives().filter(|one| self.valid(one, value)).count() == 1,
            "anyOf" => alternatives().any(|one| self.valid(one, value)),
            "allOf" => alternatives().all(|one| self.valid(one, value)),
            "not" => !self.valid(wanted, value),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(wanted, item, &format!("{path}[{i}]"), faults);
                }
                true
            }
            "properties" => {
                for (name, property) in wanted.as_object().expect("an object") {
                    if let Some(inner) = value.get(name) {
                        self.check(property, inner, &format!("{path}.{name}"), faults);
                    }
                }
                true
            }
            "additionalProperties" if *wanted == Value::Bool(false) => {
                let known = self.resolved(schema);
                let known = known["properties"].as_object().expect("an object");
                value.as_object().is_none_or(|object| object.keys().all(|name| known.contains_key(name)))
            }
            "additionalProperties" => {
                value.as_object().into_iter().flatten().all(|(_, inner)| self.valid(wanted, inner))
            }
            other => panic!("the keyword {other} is not known here"),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a pattern is found in a text.
fn matches(pattern: &str, text: &str) -> bool {
    verifier::TextMatcher::found(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}")).matches(text)
}

#[test]
fn faults_are_found_where_they_are() {
    let schema = Schema::parse(
        r##"{"type": "object", "properties": {"a": {"items": {"$ref": "#/$defs/d"}}}, "additionalProperties": false,
            "$defs": {"d": {"type": "string", "minLength": 2, "pattern": "^x"}}}"##,
    );
    let faults = |text: &str| schema.faults(&serde_json::from_str(text).unwrap());
    assert_eq!(faults(r#"{"a": ["xy"]}"#), Vec::<String>::new());
    for (text, path) in
        [(r#"{"a": ["xy", "x"]}"#, ".a[1]"), (r#"{"a": ["yy"]}"#, ".a[0]"), (r#"{"b": 1}"#, ""), ("[]", "")]
    {
        let found = faults(text);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{path}: ")), "{text}: {found:?}");
    }
}
