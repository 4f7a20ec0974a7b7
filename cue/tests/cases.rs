//! The table of cases: policies, data, and what the real evaluator answers. `open` is a yes of CUE's that is not ours,
//! since the policy computes with what is not known, depends on an order, or uses what is not supported.

#[path = "cases/table.rs"]
mod table;

use cue::{ConflictKind, Policy, Problem};
use table::Answer;

#[test]
fn every_case_is_answered_as_cue_answers_it() {
    let cases = table::cases();
    assert!(cases.len() > 600, "{} cases", cases.len());
    for case in cases {
        let found = answer(&case.policy, &case.data);
        let agrees = match case.answer {
            Answer::Yes => found == Found::Yes,
            Answer::No => found != Found::Yes,
            Answer::Open => found == Found::Open,
        };
        assert!(agrees, "{found:?} instead of {:?}:\n{}\n{}", case.answer, case.policy, case.data);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Yes,
    No(String),
    Open,
}

fn answer(policy: &str, data: &str) -> Found {
    let data = serde_json::from_str(data).expect("data are JSON");
    match Policy::parse(policy) {
        Err(why) => match why.problem {
            Problem::Unsupported(_) | Problem::Undecided(_) | Problem::Incomplete(_) => Found::Open,
            _ => Found::No(why.to_string()),
        },
        Ok(policy) => match policy.check(&data) {
            Ok(()) => Found::Yes,
            Err(why) if why.iter().any(|reason| is_open(reason.kind)) => Found::Open,
            Err(why) => Found::No(why.to_string()),
        },
    }
}

fn is_open(kind: ConflictKind) -> bool {
    matches!(kind, ConflictKind::Incomplete | ConflictKind::Undefined | ConflictKind::Undecided)
}
