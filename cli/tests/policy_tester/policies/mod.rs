//! The policies of the grid, by what they are about.

mod attestations;
mod globs;
mod identities;
mod keys;
mod languages;
mod malformed;
mod objects;

use serde_json::{Value, json};

use crate::{
    case::Case,
    shelf::{Key, Shelf},
};

/// All of them. Each has a name of its own.
pub(crate) fn all(shelf: &Shelf) -> Vec<Case> {
    // First, since one of them depends on certificates that are valid for ten minutes.
    let mut cases = identities::cases(shelf);
    cases.extend(keys::cases(shelf));
    cases.extend(attestations::cases(shelf));
    cases.extend(languages::cases(shelf));
    cases.extend(globs::cases(shelf));
    cases.extend(objects::cases());
    cases.extend(malformed::cases(shelf));
    cases
}

/// An authority with that key.
fn key(shelf: &Shelf, key: Key) -> Value {
    json!({ "key": { "data": shelf.key(key) } })
}

/// The same with a name.
fn named(name: &str, authority: Value) -> Value {
    with(authority, "name", json!(name))
}

/// The same with a further field.
fn with(mut authority: Value, field: &str, value: Value) -> Value {
    authority[field] = value;
    authority
}

fn pass() -> Value {
    json!({ "static": { "action": "pass" } })
}

fn fail() -> Value {
    json!({ "static": { "action": "fail", "message": "not today" } })
}

fn cue(text: &str) -> Value {
    json!({ "type": "cue", "data": text })
}

fn rego(text: &str) -> Value {
    json!({ "type": "rego", "data": text })
}
