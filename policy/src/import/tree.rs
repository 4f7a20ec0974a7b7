//! Foreign texts as trees: each value with the path that leads to it, for messages.
//!
//! A field that is null counts as absent, as the programs concerned read it. Numbers, depth and aliases are bounded.

use serde_json::Value;

use super::ImportError;
use crate::{
    problem::excerpt,
    yaml::{ODD_BREAK, odd_break},
};

/// The documents of a text in YAML or JSON. A key that is there twice is an error.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Value>, ImportError> {
    let fault = |why: String| ImportError::Syntax { file: excerpt(file), why };
    if text.len() > MAX_TEXT {
        return Err(fault(format!("{} bytes, wanted at most {MAX_TEXT}", text.len())));
    }
    if let Some(at) = odd_break(text) {
        return Err(fault(format!("line {}, column {}: {ODD_BREAK}", at.line, at.column)));
    }
    // Tabs between values are usual in JSON, and not allowed in YAML.
    let json = text.trim_start().starts_with('{');
    let text = if json { text.replace('\t', " ") } else { text.to_owned() };
    let read = serde_saphyr::from_multiple_with_options::<Value>(&text, limits());
    let documents = read.map_err(|error| fault(words(&error)))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn words(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    excerpt(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
}

fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        reject_unsupported_tags: true,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_depth: 40,
            max_aliases: 100,
            max_anchors: 100,
        },
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) value: &'a Value,
    pub(super) place: String,
}

impl<'a> At<'a> {
    /// The top of a document.
    pub(super) fn top(file: &str, value: &'a Value) -> Self {
        Self { value, place: format!("{}: ", excerpt(file)) }
    }

    /// The place of a field, whether it is there or not.
    pub(super) fn place_of(&self, name: &str) -> String {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        match (plain && !name.is_empty(), self.place.ends_with(": ")) {
            (true, true) => format!("{}{name}", self.place),
            (true, false) => format!("{}.{name}", self.place),
            (false, _) => format!("{}[\"{}\"]", self.place.trim_end(), excerpt(name)),
        }
    }

    /// A field that is there.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { value, place: self.place_of(name) })
    }

    /// The fields of an object, in their order.
    pub(super) fn fields(&self) -> Result<Vec<(&'a str, Self)>, ImportError> {
        let object = self.value.as_object().ok_or_else(|| self.shape("an object"))?;
        let there = object.iter().filter(|(_, value)| !value.is_null());
        Ok(there.map(|(name, value)| (name.as_str(), Self { value, place: self.place_of(name) })).collect())
    }

    /// The fields that are not among these.
    pub(super) fn beside(&self, known: &[&str]) -> Result<Vec<(&'a str, Self)>, ImportError> {
        Ok(self.fields()?.into_iter().filter(|(name, _)| !known.contains(name)).collect())
    }

    /// An object that has no other fields than these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ImportError> {
        match self.beside(known)?.first() {
            Some((_, at)) => Err(ImportError::Field { place: at.place.clone() }),
            None => Ok(()),
        }
    }

    /// The text in a field, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ImportError> {
        self.field(name).map(|at| at.as_text()).transpose()
    }

    /// The text in a field that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, ImportError> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None => Err(ImportError::Shape { place: self.place_of(name), found: "nothing".into(), wanted: "a string" }),
        }
    }

    /// Whether a switch is on; nothing where it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ImportError> {
        let flag = |at: At<'_>| at.value.as_bool().ok_or_else(|| at.shape("true or false"));
        self.field(name).map(flag).transpose()
    }

    /// The number in a field, if it is there.
    pub(super) fn count(&self, name: &str) -> Result<Option<usize>, ImportError> {
        let number = |at: At<'_>| at.value.as_u64().and_then(|number| usize::try_from(number).ok());
        let read = |at: At<'_>| number(at.clone()).ok_or_else(|| at.shape("a number that is not negative"));
        self.field(name).map(read).transpose()
    }

    /// The entries of a list; none where the field is not there.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Self>, ImportError> {
        self.field(name).map_or_else(|| Ok(Vec::new()), |at| at.entries())
    }

    /// The texts of a list; none where the field is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ImportError> {
        self.list(name)?.iter().map(At::as_text).collect()
    }

    /// The entries of this list.
    pub(super) fn entries(&self) -> Result<Vec<Self>, ImportError> {
        let list = self.value.as_array().ok_or_else(|| self.shape("a list"))?;
        let entry = |(index, value)| Self { value, place: format!("{}[{index}]", self.place) };
        Ok(list.iter().enumerate().map(entry).collect())
    }

    /// This text.
    pub(super) fn as_text(&self) -> Result<&'a str, ImportError> {
        self.value.as_str().ok_or_else(|| self.shape("a string"))
    }

    /// The complaint that this is not what it should be.
    pub(super) fn shape(&self, wanted: &'static str) -> ImportError {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "a boolean".to_owned(),
            Value::Number(_) => "a number".to_owned(),
            Value::String(text) => format!("`{}`", excerpt(text)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        };
        ImportError::Shape { place: self.place.trim_end_matches(": ").to_owned(), found, wanted }
    }
}

/// As much as a policy file of ours may hold.
const MAX_TEXT: usize = 4 << 20;
const MAX_NODES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_refused() {
        for text in ["{\"default\": [], \"default\": []}", "a: 1\na: 2\n"] {
            assert!(matches!(documents("f", text), Err(ImportError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn json_with_tabs_is_read() {
        let read = documents("f", "{\n\t\"default\": [\n\t\t{\"type\": \"reject\"}\n\t]\n}\n").expect("is JSON");
        assert_eq!(read[0]["default"][0]["type"], "reject");
    }

    #[test]
    fn places_lead_to_their_fields() {
        let documents = documents("p", "a:\n  b.c/d:\n  - x: 1\n").expect("is YAML");
        let top = At::top("p", &documents[0]);
        let inner = top.field("a").expect("is there").field("b.c/d").expect("is there").entries().expect("is a list");
        assert_eq!(inner[0].place_of("x"), "p: a[\"b.c/d\"][0].x");
        assert_eq!(
            inner[0].text("x").expect_err("is a number").to_string(),
            "p: a[\"b.c/d\"][0].x: a number, wanted a string"
        );
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [deep, "x".repeat(MAX_TEXT + 1), format!("[{}1]", "1,".repeat(200_000))] {
            assert!(documents("f", &text).is_err(), "{text:.20}");
        }
    }
}
