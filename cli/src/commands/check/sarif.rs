//! Answers as SARIF 2.1.0: what code scanning shows beside the line that names an image.
//!
//! Rules are the policies. What is refused or undecided is an error and what is warned of a warning, once for each place
//! that names the image; what is allowed is no result.

use std::collections::BTreeSet;

use policy::{Reason, Verdict};
use serde_json::{Value, json};

use super::cases::{Answered, Place};
use crate::sarif;

/// The whole log.
pub(super) fn report(answered: &[Answered]) -> Value {
    let findings: Vec<(&Answered, Finding)> =
        answered.iter().flat_map(|one| findings(one).into_iter().map(move |finding| (one, finding))).collect();
    let met = answered.iter().flat_map(met);
    let rules: BTreeSet<String> = findings.iter().map(|(_, finding)| finding.rule.clone()).chain(met).collect();
    let rules: Vec<String> = rules.into_iter().collect();
    let results: Vec<Value> = findings.iter().flat_map(|(one, finding)| results(one, finding, &rules)).collect();
    let rules: Vec<Value> = rules.iter().map(|rule| described(rule)).collect();
    let mut log = sarif::log(&rules, &results);
    log["runs"][0]["invocations"] = json!([{ "executionSuccessful": answered.iter().all(|one| one.answer.is_ok()) }]);
    log
}

struct Finding {
    rule: String,
    level: &'static str,
    message: String,
}

fn findings(Answered { case, answer }: &Answered) -> Vec<Finding> {
    let name = case.name();
    let of = |level: &'static str| {
        let name = name.clone();
        move |reason: &Reason| Finding {
            rule: reason.policy().unwrap_or(NO_POLICY).to_owned(),
            level,
            message: format!("{name}: {reason}"),
        }
    };
    match answer {
        Ok(judged) => match &judged.verdict {
            Verdict::Allow(approval) => approval.warnings().iter().map(of("warning")).collect(),
            Verdict::Deny(denial) => {
                denial.reasons().iter().map(of("error")).chain(denial.warnings().iter().map(of("warning"))).collect()
            }
        },
        Err(open) => {
            let message = format!("{name}: {}", open.why);
            vec![Finding { rule: UNDECIDED.to_owned(), level: "error", message }]
        }
    }
}

/// The policies that an image met.
fn met(one: &Answered) -> Vec<String> {
    match one.answer.as_ref().map(|judged| &judged.verdict) {
        Ok(Verdict::Allow(approval)) => approval.met().iter().map(|met| met.policy.clone()).collect(),
        Ok(Verdict::Deny(_)) | Err(_) => Vec::new(),
    }
}

fn described(rule: &str) -> Value {
    let text = match rule {
        NO_POLICY => "A policy must be for every image".to_owned(),
        UNDECIDED => "It must be known whether an image meets the policies".to_owned(),
        policy => format!("Images must meet the policy {policy}"),
    };
    json!({ "id": rule, "shortDescription": { "text": text } })
}

/// A result for each place, or one without a place for an image of the command line.
fn results(one: &Answered, finding: &Finding, rules: &[String]) -> Vec<Value> {
    let name = one.case.name();
    let result = |location: Value| {
        json!({
            "ruleId": finding.rule,
            "ruleIndex": rules.iter().position(|rule| *rule == finding.rule),
            "level": finding.level,
            "message": { "text": finding.message },
            "locations": [location],
        })
    };
    match &one.case.places[..] {
        [] => vec![result(json!({ "logicalLocations": [{ "fullyQualifiedName": name }] }))],
        places => places.iter().map(|place| result(location(place))).collect(),
    }
}

fn location(place: &Place) -> Value {
    let mut location = sarif::location(&place.file(), place.at.line, place.at.column);
    let within = place.within();
    if !within.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": within }]);
    }
    location
}

/// No policy has a name with a slash.
const NO_POLICY: &str = "sealgate/no-policy";
const UNDECIDED: &str = "sealgate/undecided";
