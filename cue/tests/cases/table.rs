//! Reads the table.

/// A policy, data, and what the real evaluator answers.
pub(crate) struct Case {
    pub(crate) policy: String,
    pub(crate) data: String,
    pub(crate) answer: Answer,
}

/// An answer of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Open,
}

/// All cases: policies are separated by `===`, each followed by lines of an answer and data.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for block in include_str!("../cases.txt").trim_end().split("\n===\n") {
        let (policy, questions) = block.split_once("\n--- ").expect("a policy has data");
        for question in questions.split("\n--- ") {
            let (answer, data) = question.split_once(' ').expect("data follow an answer");
            let answer = match answer {
                "yes" => Answer::Yes,
                "no" => Answer::No,
                "open" => Answer::Open,
                other => panic!("{other} is no answer"),
            };
            cases.push(Case { policy: policy.to_owned(), data: data.to_owned(), answer });
        }
    }
    cases
}
