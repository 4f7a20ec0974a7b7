//! Conditions in CUE and Rego, and `match`: what they need to know, and what could turn them around.

use super::{
    Desk,
    image_policy::is_for_webhook_alone,
    rules::{DEAD_MATCH, INERT, NEEDS_OBJECT, NOT_FETCHED, NOT_MONOTONE, TYPE_META},
};
use crate::object::{Object, Text};

/// Looks at `match`, at the policy's own condition and at those of its attestations.
pub(super) fn look(desk: Desk<'_>, spec: &Object<'_>) {
    matches(desk, spec);
    if let Some(policy) = spec.any_object("policy") {
        inputs(desk, &policy, is_for_webhook_alone(spec));
        elsewhere(desk, &policy);
        if let (Some(kind), Some(data)) = (policy.text("type"), policy.text("data")) {
            turned_around(desk, kind.value, &data);
        }
    }
    for authority in desk.entries(spec, "authorities") {
        let attestations = desk.entries(&authority, "attestations");
        attestations.iter().filter_map(|one| one.any_object("policy")).for_each(|policy| elsewhere(desk, &policy));
    }
}

fn matches(desk: Desk<'_>, spec: &Object<'_>) {
    if spec.given("match") && !is_for_webhook_alone(spec) {
        let message = "is only for some objects: `check` and `pull` cannot decide what it matches without one";
        desk.note(&NEEDS_OBJECT, spec.at_field("match"), message, "keep it out of what those doors read");
    }
    for entry in desk.entries(spec, "match") {
        for field in ["version", "resource"] {
            if !entry.given(field) {
                let message = format!("an entry without {field} matches nothing");
                let hint = if field == "version" {
                    "write `version: \"*\"` for all"
                } else {
                    "write the resource, such as pods"
                };
                desk.note(&DEAD_MATCH, entry.at(), message, hint);
            }
        }
    }
}

fn inputs(desk: Desk<'_>, policy: &Object<'_>, object_is_known: bool) {
    for field in ["includeSpec", "includeObjectMeta", "includeTypeMeta"] {
        if policy.flag(field) && !object_is_known {
            let message = format!("{field}: `check` and `pull` cannot decide what it matches without an object");
            desk.note(&NEEDS_OBJECT, policy.at_field(field), message, "keep it out of what those doors read");
        }
    }
    if policy.flag("includeTypeMeta") {
        let message = "pods have their type metadata too, which policy-controller leaves empty in a cluster";
        desk.note(&TYPE_META, policy.at_field("includeTypeMeta"), message, "try it with a pod");
    }
}

/// What the policy does not hold itself.
fn elsewhere(desk: Desk<'_>, policy: &Object<'_>) {
    if policy.has("remote") {
        let message = "the condition was not fetched, so that nothing is known of what it says";
        let hint = "`policy test` and the doors fetch it; until it is there, what the policy matches is refused";
        desk.note(&NOT_FETCHED, policy.at_field("remote"), message, hint);
    }
    let Some(reference) = policy.any_object("configMapRef") else { return };
    let message = "configMapRef.namespace changes nothing: policy-controller looks in its own namespace, and here the name counts";
    desk.note_field(&reference, "namespace", &INERT, message, "it can be left away");
}

/// Says of a condition what more evidence could turn around, if anything.
pub(super) fn turned_around(desk: Desk<'_>, language: &str, data: &Text<'_>) {
    if let Some((line, word)) = turning(language, data.value) {
        let message = format!("`{word}` in line {line} of the condition: more signatures could turn it around");
        let hint = "where a signature cannot be read, nothing is decided; ask for what must be there if you can";
        desk.note(&NOT_MONOTONE, data.at, message, hint);
    }
}

/// The first word of a condition that more evidence could turn around, with its line. Words within strings and
/// comments are not told from others: too much is said rather than too little.
fn turning(language: &str, condition: &str) -> Option<(usize, &'static str)> {
    let (words, comment): (&[&str], _) = match language {
        "cue" => (&CUE, "//"),
        "cel" => (&CEL, "//"),
        _ => (&REGO, "#"),
    };
    condition.lines().enumerate().find_map(|(index, line)| {
        let code = line.split(comment).next().unwrap_or_default();
        let word = words.iter().copied().find(|word| has(code, word))?;
        Some((index + 1, word))
    })
}

/// Whether a word stands there, by itself where it is made of letters.
pub(super) fn has(code: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(letter);
        let after = code[at + word.len()..].chars().next().is_some_and(letter);
        !word.starts_with(letter) || (!before && !after)
    })
}

const CUE: [&str; 7] = ["MaxItems", "MaxFields", "MaxRunes", "close", "!=", "!~", "_|_"];
const CEL: [&str; 5] = ["all", "exists_one", "!", "==", "<"];
const REGO: [&str; 7] = ["not", "every", "!=", "==", "<", "max", "min"];
