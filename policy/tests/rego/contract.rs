//! The contracts of policy-controller and of `cosign verify-attestation`, by cases with OPA's recorded answers.

use policy::{RegoDenial, RegoError, RegoPolicy, RegoQuery};
use serde_json::{Value, json};

use super::oracle::{Answer, Question};
use super::{Outcome, compliance, outcome};

/// Whether it is what OPA answers, to the letter where OPA has evaluated the policy.
pub(super) fn agrees(ours: &Outcome, opa: &Answer) -> bool {
    match (ours, opa) {
        (Outcome::Complies, Answer::Complies) => true,
        (Outcome::Denied(RegoDenial::Warning(text)), Answer::Warns(warning)) => *warning == format!("warning: {text}"),
        (Outcome::Denied(denial), Answer::Denied(text)) => text.replace('\n', "\\n") == denial.to_string(),
        // Nothing could comply with it; there it is found when it is evaluated.
        (Outcome::NotTaken(RegoError::NoRule { .. }), Answer::Denied(_)) => true,
        (Outcome::NotTaken(_) | Outcome::Denied(RegoDenial::Failed { .. }), Answer::Error(_)) => true,
        _ => false,
    }
}

/// The recorded cases: what is asked, what OPA answers, and why we answer otherwise where we do.
pub(super) fn cases() -> Vec<(Question, Answer, Option<String>)> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).expect("JSON");
    let case = |case: &Value| {
        let differs = case.get("differs").map(|why| why.as_str().expect("a text").to_owned());
        (Question::read(case), Answer::read(&case["opa"]), differs)
    };
    cases.iter().map(case).collect()
}

#[test]
fn every_case_ends_as_in_opa_save_where_it_says_why() {
    let cases = cases();
    assert!(cases.len() > 400);
    for (question, opa, differs) in &cases {
        let ours = outcome(&question.policy, question.query, &question.input);
        assert_eq!(agrees(&ours, opa), differs.is_none(), "{}\n{ours:?}\n{opa:?}", question.policy);
    }
}

#[test]
fn where_the_case_ends_otherwise_it_never_complies() {
    for (question, _, _) in cases().into_iter().filter(|(.., differs)| differs.is_some()) {
        let ours = outcome(&question.policy, question.query, &question.input);
        assert!(!matches!(ours, Outcome::Complies), "{}", question.policy);
    }
}

#[test]
fn a_warning_is_not_enough() {
    let rules = r#"isCompliant[response] { response := {"result": true, "warning": input.w} }"#;
    let warned = compliance(rules, &json!({"w": "soon too old"}));
    assert!(matches!(warned, Outcome::Denied(RegoDenial::Warning(text)) if text == "soon too old"));
    assert!(matches!(compliance(rules, &json!({"w": ""})), Outcome::Complies));
}

#[test]
fn the_policys_own_words_are_in_the_denial_and_harmless() {
    let rules = r#"isCompliant[response] { response := {"result": false, "error": input.e} }"#;
    let Outcome::Denied(denial) = compliance(rules, &json!({"e": format!("\u{1b}[31m{}", "x".repeat(900))})) else {
        panic!("denied");
    };
    assert!(denial.to_string().contains("with errors: \\u{1b}[31mxxx"), "{denial}");
    assert!(denial.to_string().len() < 400);
}

#[test]
fn an_answer_follows_from_policy_and_input_alone() {
    let rules = "package sigstore\nisCompliant { count([x | x := input.a[_]; x > 1]) == 2 }";
    let policy = RegoPolicy::parse(rules).unwrap();
    for _ in 0..3 {
        assert_eq!(policy.check(&json!({"a": [1, 2, 3]})), Ok(()));
        assert!(policy.check(&json!({"a": [1, 2]})).is_err());
        assert!(policy.check(&json!({})).is_err());
    }
}

#[test]
fn a_policy_answers_only_the_query_that_it_was_read_for() {
    let both = "package signature\nallow = true";
    assert!(matches!(outcome(both, RegoQuery::Allow, &json!({})), Outcome::Complies));
    let refused = outcome(both, RegoQuery::IsCompliant, &json!({}));
    assert!(matches!(refused, Outcome::NotTaken(RegoError::NoRule { wanted: "data.sigstore.isCompliant" })));
}
