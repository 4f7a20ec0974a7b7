//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use policy::{Finding, RULES, Rule, Severity};
use serde_json::{Value, json};

use crate::sarif;

/// The document of one run, with every rule, found or not.
pub(super) fn document(findings: &[Finding]) -> Value {
    sarif::log(&RULES.map(rule), &findings.iter().map(result).collect::<Vec<_>>())
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.about },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding) -> Value {
    json!({
        "ruleId": finding.rule().id,
        "level": level(finding.rule().severity),
        "message": { "text": format!("{}: {}; {}", finding.policy(), finding.message(), finding.hint()) },
        "locations": [sarif::location(finding.file(), finding.line(), finding.column())],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
