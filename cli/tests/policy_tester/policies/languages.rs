//! Policies over what the authorities found, the image's configuration and the object it is to run in.

use serde_json::{Value, json};

use super::{
    attestations::compliant,
    cue,
    identities::{keyless, logged, person},
    key, named, pass, rego, with,
};
use crate::{
    case::{Case, Root},
    policies::objects::{deployment, pod},
    shelf::{ALICE, Key, RELEASE, SCAN, Shelf},
};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let team = || named("team", key(shelf, Key::Team));
    let both = || [team(), named("release", key(shelf, Key::Release))];
    let asked = |name, policy: Value| Case::new(name, &both()).with("policy", policy);
    let mut cases = vec![
        asked("over-cue-both", cue(TWO_KEYS)),
        asked("over-cue-minimum", cue("import \"struct\"\nauthorityMatches: struct.MinFields(2)")),
        asked("over-cue-shape", cue("authorityMatches: team: signatures: [...{id: =~\"^[0-9a-f]{64}$\"}]")),
        asked("over-cue-comprehension", cue(AT_LEAST_ONE)),
        asked("over-cue-comprehension-two", cue(&AT_LEAST_ONE.replace("< 1", "< 2"))).alike(),
        asked("over-rego-both", rego(&compliant("count(input.authorityMatches) == 2"))),
        asked("over-rego-one", rego(&compliant("count(input.authorityMatches.team.signatures) >= 1"))),
        asked("over-rego-never", rego(&compliant("input.authorityMatches.nobody"))).alike(),
        asked("over-cue-warn", cue(TWO_KEYS)).with("mode", json!("warn")).alike(),
        Case::new("over-cue-static", &[named("static", pass())])
            .with("policy", cue("authorityMatches: static: static: true"))
            .alike(),
        Case::new("over-cue-static-not", &[named("static", pass())])
            .with("policy", cue("authorityMatches: static: static: false"))
            .alike(),
        Case::new(
            "over-attestations",
            &[with(team(), "attestations", json!([{ "name": "scan", "predicateType": SCAN }]))],
        )
        .with(
            "policy",
            cue(&format!("authorityMatches: team: attestations: scan: [...{{predicateType: \"{SCAN}\"}}]")),
        ),
    ];
    cases.extend(over_names(shelf));
    cases.extend(over_objects(shelf));
    cases
}

/// What certificates say.
fn over_names(shelf: &Shelf) -> Vec<Case> {
    let anyone = logged(keyless(&[person(shelf, ALICE), person(shelf, RELEASE)]));
    let asked = |name, policy: Value| {
        let authorities = [named("names", anyone.clone())];
        Case::new(name, &authorities).alpha().under(Root::Whole).with("policy", policy)
    };
    let of = |field: &str| format!("authorityMatches: names: signatures: [...{{{field}}}]");
    vec![
        asked("over-names-subject", cue(&of("subject: \"alice@sealgate.test\""))),
        asked("over-names-issuer", cue(&of("issuer: =~\"/github$\""))),
        asked(
            "over-names-repository",
            rego(&compliant("input.authorityMatches.names.signatures[_].githubWorkflowRepo == \"shop/cart\"")),
        ),
        asked(
            "over-names-trigger",
            rego(&compliant("input.authorityMatches.names.signatures[_].githubWorkflowTrigger == \"push\"")),
        ),
        asked(
            "over-names-workflow",
            rego(&compliant("input.authorityMatches.names.signatures[_].githubWorkflowName == \"release\"")),
        ),
    ]
}

/// The image's configuration, and the object.
fn over_objects(shelf: &Shelf) -> Vec<Case> {
    let asked = |name, flag: &str, policy: Value| {
        Case::new(name, &[named("team", key(shelf, Key::Team))]).with("policy", with(policy, flag, json!(true)))
    };
    let passed = |name, flag: &str, policy: Value| {
        Case::new(name, &[pass()]).with("policy", with(policy, flag, json!(true))).about(deployment()).few().alike()
    };
    vec![
        asked("over-config", "fetchConfigFile", cue("config: \"linux/amd64\": architecture: \"amd64\"")),
        asked("over-config-not", "fetchConfigFile", cue("config: \"linux/amd64\": architecture: \"arm64\"")).alike(),
        asked(
            "over-config-rego",
            "fetchConfigFile",
            rego(&compliant("input.config[_].config.Entrypoint[0] == \"/hello\"")),
        ),
        passed("over-spec", "includeSpec", cue("spec: replicas: 2")),
        passed("over-spec-not", "includeSpec", cue("spec: replicas: 3")),
        passed(
            "over-spec-rego",
            "includeSpec",
            rego(&compliant("input.spec.template.spec.containers[0].name == \"cart\"")),
        ),
        passed("over-spec-without", "includeObjectMeta", rego(&compliant("input.spec"))),
        passed("over-labels", "includeObjectMeta", cue("metadata: labels: app: \"cart\"")),
        passed("over-labels-not", "includeObjectMeta", cue("metadata: labels: app: \"shop\"")),
        passed("over-kind", "includeTypeMeta", cue("typemeta: {kind: \"Deployment\", apiVersion: \"apps/v1\"}")),
        passed("over-kind-not", "includeTypeMeta", cue("typemeta: kind: \"Pod\"")),
        passed("over-kind-of-a-pod", "includeTypeMeta", rego(&compliant("input.typemeta.kind == \"Pod\"")))
            .about(pod()),
        passed("over-spec-of-a-pod", "includeSpec", cue("spec: containers: [{name: \"cart\", ...}]")).about(pod()),
    ]
}

/// The documentation's way to ask for two of them.
const TWO_KEYS: &str = r#"import "list"
// each at least once
authorityMatches: {
  team: signatures: list.MinItems(1)
  release: {
    signatures: list.MaxItems(1)
    signatures: list.MinItems(1)
  },
}
"#;

/// Two values that conflict, where something holds: the corpus's way to ask for so many.
const AT_LEAST_ONE: &str = r#"authorityMatches: {
  if (len(authorityMatches.team.signatures) < 1) {
    minimum: 1
    minimum: "Error"
  }
}
"#;
