//! Attestations, and what is asked of each.

use serde_json::{Value, json};

use super::{
    cue,
    identities::{clocked, ignoring_sct, in_format, keyless, logged, person},
    key, named, rego, with,
};
use crate::{
    case::{Case, Root},
    shelf::{ALICE, Key, SCAN, Shelf},
};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let team = |attestations: &[Value]| with(key(shelf, Key::Team), "attestations", json!(attestations));
    let release = |attestations: &[Value]| with(key(shelf, Key::Release), "attestations", json!(attestations));
    let scan_and_vuln = [one("scan", SCAN), one("vuln", "vuln")];
    let mut cases = vec![
        Case::new("attested", &[team(&[one("scan", SCAN)])]),
        Case::new("attested-vuln", &[team(&[one("vuln", "vuln")])]),
        Case::new("attested-vuln-uri", &[team(&[one("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1")])]),
        Case::new("attested-both", &[team(&scan_and_vuln)]),
        Case::new("attested-one-missing", &[team(&[one("scan", SCAN), one("sbom", "spdxjson")])]).alike(),
        Case::new("attested-part-of-type", &[team(&[one("scan", "https://sealgate.test/scan")])]).alike(),
        Case::new("attested-release", &[release(&[one("scan", SCAN)])]).alike(),
        Case::new("attested-or-signed", &[named("scan", team(&[one("scan", SCAN)])), key(shelf, Key::Release)]),
        Case::new("attested-warn", &[release(&[one("scan", SCAN)])]).with("mode", json!("warn")).alike(),
    ];
    let question = |name, policy| Case::new(name, &[team(&[asking("scan", SCAN, policy)])]);
    cases.extend([
        question("attested-cue", cue("predicate: found: 0")),
        question("attested-cue-found", cue("predicate: found: >2")),
        question("attested-cue-absent", cue("predicate: severity: 3")),
        question("attested-cue-conflict", cue("predicate: scanner: name: \"trivy\"")).alike(),
        question("attested-cue-time", cue(TIMED)),
        question("attested-cue-late", cue(&TIMED.replace("2026-12", "2026-11"))).alike(),
        question("attested-cue-type", cue("predicateType: \"https://sealgate.test/scan/v1\"")),
        question("attested-cue-list", cue("import \"list\"\npredicate: ignored: list.MaxItems(2)")),
        question("attested-cue-short-list", cue("import \"list\"\npredicate: ignored: list.MaxItems(1)")).alike(),
        question("attested-cue-match", cue("predicate: ignored: [...=~\"^CVE-2026-\"]")),
        question("attested-cue-disjunction", cue("predicate: found: 0 | 3")),
        question("attested-rego", rego(&compliant("input.predicate.found == 0"))),
        question("attested-rego-count", rego(&compliant("count(input.predicate.ignored) == 2"))),
        question("attested-rego-absent", rego(&compliant("input.predicate.severity == 3"))).alike(),
        question("attested-rego-extended", rego(EXTENDED)),
        question("attested-rego-warning", rego(WARNING)).alike(),
        Case::new(
            "attested-both-asked",
            &[team(&[
                asking("scan", SCAN, cue("predicate: found: <1")),
                asking("vuln", "vuln", rego(&compliant("input.predicate.scanner.version == \"0.50\""))),
            ])],
        ),
    ]);
    cases.extend(by_name(shelf));
    cases
}

/// Attestations with certificates.
fn by_name(shelf: &Shelf) -> Vec<Case> {
    let found = |text: &str| asking("scan", SCAN, cue(&format!("predicate: found: {text}")));
    let of = |name, attestation: Value, vouched: fn(Value) -> Value| {
        let authority = vouched(with(alice(shelf), "attestations", json!([attestation])));
        Case::new(name, &[authority]).alpha().under(Root::Whole)
    };
    vec![
        of("attested-name", one("scan", SCAN), logged),
        of("attested-name-cue", found("0"), logged),
        of("attested-name-cue-not", found("3"), logged).alike(),
        of("attested-name-bundle", one("scan", SCAN), bundled).alike(),
        of("attested-name-bundle-log", one("scan", SCAN), |authority| bundled(logged(authority))).alike(),
        of("attested-name-bundle-clock", one("scan", SCAN), |authority| bundled(clocked(authority))).alike(),
        of("attested-name-bundle-cue", found("3"), |authority| bundled(clocked(authority))).alike(),
        of("attested-name-bundle-cue-not", found("0"), |authority| bundled(clocked(authority))).alike(),
        of("attested-name-bundle-log-clock", one("scan", SCAN), |authority| bundled(logged(clocked(authority))))
            .alike(),
        of("attested-name-bundle-no-sct", one("scan", SCAN), |authority| bundled(ignoring_sct(clocked(authority)))),
    ]
}

fn bundled(authority: Value) -> Value {
    in_format("bundle", authority)
}

fn alice(shelf: &Shelf) -> Value {
    keyless(&[person(shelf, ALICE)])
}

/// An attestation of that type has to be there.
fn one(name: &str, kind: &str) -> Value {
    json!({ "name": name, "predicateType": kind })
}

/// And to meet that policy.
fn asking(name: &str, kind: &str, policy: Value) -> Value {
    with(one(name, kind), "policy", policy)
}

/// A module that complies where this holds.
pub(super) fn compliant(body: &str) -> String {
    format!("package sigstore\n\ndefault isCompliant = false\n\nisCompliant {{\n  {body}\n}}\n")
}

/// As the documentation of policy-controller compares times.
const TIMED: &str = r#"import "time"
before: time.Parse(time.RFC3339, "2026-12-01T00:00:00Z")
predicate: at: <before
"#;

/// The form with more than a yes or a no.
const EXTENDED: &str = r#"package sigstore

isCompliant[response] {
  result = input.predicate.found == 0
  errorMsg := sprintf("found %d", [input.predicate.found])
  response := {"result": result, "error": errorMsg, "warning": ""}
}
"#;

const WARNING: &str = r#"package sigstore

isCompliant[response] {
  response := {"result": true, "error": "", "warning": "old scanner"}
}
"#;
