//! Answers as lines and as JSON.

use gate::Judged;
use policy::Verdict;
use serde_json::{Value, json};

use super::cases::{Answered, Open, Place, Subject};
use crate::output;

/// A case for people.
pub(super) fn text(Answered { case, answer }: &Answered) -> Vec<String> {
    let mut lines = lines(&case.name(), answer.as_ref());
    match case.subject {
        Subject::Image { .. } => {
            lines.extend(case.places.iter().map(|place| format!("{INDENT}at {place} {}", place.within())));
        }
        Subject::Unread(_) => lines[0] = lines[0].replacen("undecided", "unread   ", 1),
    }
    lines
}

/// A case for programs.
pub(super) fn json(Answered { case, answer }: &Answered) -> Value {
    let mut object = object(answer.as_ref());
    if let Subject::Image { image, .. } = &case.subject {
        object["image"] = image.to_string().into();
    }
    if !case.places.is_empty() {
        object["places"] = case.places.iter().map(place).collect();
    }
    object
}

/// An answer for people.
pub(super) fn lines(name: &str, answer: Result<&Judged, &Open>) -> Vec<String> {
    match answer {
        Ok(Judged { verdict, pinned, .. }) => {
            let at = pinned.as_ref().map_or("not resolved".to_owned(), |pinned| pinned.digest().to_string());
            let word = if matches!(verdict, Verdict::Allow(_)) { "allowed  " } else { "denied   " };
            let reasons = gate::lines(verdict);
            let reasons = reasons.iter().flat_map(|line| output::folded(&format!("{INDENT}{line}")));
            std::iter::once(format!("{word}  {name} ({at})")).chain(reasons).collect()
        }
        Err(Open { why, hint }) => {
            let hint = hint.as_ref().map(|hint| format!("{INDENT}hint: {hint}"));
            [format!("undecided  {name}"), format!("{INDENT}{why}")].into_iter().chain(hint).collect()
        }
    }
}

/// An answer for programs, without the image's name.
pub(super) fn object(answer: Result<&Judged, &Open>) -> Value {
    match answer {
        Ok(judged) => {
            let (outcome, verdict) = match &judged.verdict {
                Verdict::Allow(approval) => ("allow", json!(approval)),
                Verdict::Deny(denial) => ("deny", json!(denial)),
            };
            json!({
                "outcome": outcome, "verdict": verdict, "policy": judged.revision,
                "digest": judged.pinned.as_ref().map(oci::PinnedRef::digest),
                "evidence": judged.evidence.iter().map(|one| &**one).collect::<Vec<_>>(),
            })
        }
        Err(Open { why, hint }) => json!({ "outcome": "undecided", "error": why, "hint": hint }),
    }
}

fn place(place: &Place) -> Value {
    let mut object = json!({ "file": place.file(), "line": place.at.line, "column": place.at.column });
    if !place.path.is_empty() {
        object["path"] = place.path.as_str().into();
    }
    if let Some(of) = &place.object {
        object["object"] = json!({
            "apiVersion": of.api_version(), "kind": of.kind(), "namespace": of.namespace(), "name": of.name(),
        });
        object["source"] = json!(of.source);
    }
    object
}

const INDENT: &str = "           ";
