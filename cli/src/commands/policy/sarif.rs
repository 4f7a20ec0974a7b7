//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use std::fmt::Write as _;

use policy::{Finding, RULES, Rule, Severity};
use serde_json::{Value, json};

/// The document of one run, with every rule, found or not.
pub(super) fn document(findings: &[Finding]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sealgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": RULES.map(rule),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
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
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(finding.file()) },
            "region": { "startLine": finding.line(), "startColumn": finding.column() },
        } }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a reference to it, absolute or not.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(byte)),
            _ => write!(uri, "%{byte:02X}").expect("a string takes all"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_becomes_a_reference() {
        for (path, wanted) in [
            ("a.yaml", "a.yaml"),
            ("./a b/ü.yaml", "a%20b/%C3%BC.yaml"),
            ("/a:b.yaml", "file:///a%3Ab.yaml"),
            ("../a.yaml", "../a.yaml"),
        ] {
            assert_eq!(uri(path), wanted);
        }
    }
}
