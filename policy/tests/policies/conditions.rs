//! Attestations in place of signatures, and conditions on what they say or on all that was found.

use std::{collections::BTreeMap, sync::Arc};

use crate::writing::{
    answers, asker, bundle, by_key, document, evidence, image, incomplete, key, legacy, matched, now, set, stated,
    written,
};
use keys::PrivateKey;
use oci::{Digest, PinnedRef};
use policy::{Needs, PolicySet, Resource, Selection, Undecided, Unknown, Verdict};
use serde_json::json;
use verifier::UntrustedSignature;

const SPDX: &str = "https://spdx.dev/Document";
const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

/// A policy by one key, with these further fields of the authority and of the spec.
fn asking(key: &PrivateKey, authority: &str, spec: &str) -> PolicySet {
    let authority = by_key(key, &format!(", name: team{authority}"));
    set(&[document("p", &format!("images: [{{glob: ghcr.io/acme/app@*}}], authorities: [{authority}]{spec}"))])
}

fn attesting(key: &PrivateKey, attestations: &str) -> PolicySet {
    asking(key, &format!(", attestations: [{attestations}]"), "")
}

fn verdict(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Verdict {
    matched(set).decide(&evidence(set, signatures), now()).expect("the evidence is complete")
}

fn allowed(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> bool {
    matches!(verdict(set, signatures), Verdict::Allow(_))
}

fn words(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> String {
    match verdict(set, signatures) {
        Verdict::Deny(denial) => denial.reasons()[0].details().join("\n"),
        Verdict::Allow(approval) => panic!("{approval:?}"),
    }
}

#[test]
fn attestation_of_the_wanted_type_by_the_key_is_enough_and_no_other_is() {
    let (key, stranger) = (key(), key());
    let set = attesting(&key, "{name: bill, predicateType: spdx}");
    assert_eq!(matched(&set).needs(), Needs::Evidence);
    assert!(allowed(&set, vec![stated(&key, &image(), SPDX)]));
    assert!(!allowed(&set, vec![stated(&stranger, &image(), SPDX)]), "somebody else's");
    assert!(!allowed(&set, vec![stated(&key, &image(), "https://spdx.dev/Document/v2.3")]), "nearly the type");
    let other = PinnedRef::new(image().repository().clone(), Digest::of(b"another"));
    assert!(!allowed(&set, vec![stated(&key, &other, SPDX)]), "about another image");
    assert!(!allowed(&set, vec![bundle(&key, &image()), legacy(&key, &image())]), "signatures have no say");
    let found = words(&set, vec![stated(&key, &image(), VULN)]);
    let wanted = format!("no matching attestations with type {SPDX}, checked the following predicateTypes: \"{VULN}\"");
    assert!(found.contains(&wanted), "{found}");
    assert!(words(&set, Vec::new()).contains("attestation key validation failed for authority team"));
    assert!(words(&set, Vec::new()).ends_with("no matching attestations"));
}

#[test]
fn every_attestation_that_is_listed_is_asked_for() {
    let key = key();
    let set = attesting(&key, "{name: bill, predicateType: spdx}, {name: scan, predicateType: vuln}");
    let (bill, scan) = (|| stated(&key, &image(), SPDX), || stated(&key, &image(), VULN));
    assert!(allowed(&set, vec![bill(), scan()]));
    assert!(!allowed(&set, vec![bill()]));
    assert!(!allowed(&set, vec![scan(), scan()]));
}

#[test]
fn attestations_of_one_name_are_all_asked_for_and_none_hides_another() {
    let key = key();
    let two = ", attestations: [{name: a, predicateType: spdx}, {name: a, predicateType: vuln}]";
    let (bill, scan) = (|| stated(&key, &image(), SPDX), || stated(&key, &image(), VULN));
    assert!(allowed(&asking(&key, two, ""), vec![bill(), scan()]));
    assert!(!allowed(&asking(&key, two, ""), vec![bill()]));
    assert!(!allowed(&asking(&key, two, ""), vec![scan()]));
    for (kind, holds) in [(SPDX, true), (VULN, true), ("other", false)] {
        let among = format!(
            "package sigstore\\nisCompliant {{ input.authorityMatches.team.attestations.a[_].predicateType == \\\"{kind}\\\" }}"
        );
        let set = asking(&key, two, &format!(", policy: {{type: rego, data: \"{among}\"}}"));
        assert_eq!(allowed(&set, vec![bill(), scan()]), holds, "{kind}");
    }
    let counted = "package sigstore\\nisCompliant { count(input.authorityMatches.team.attestations.a) == 2 }";
    let set = asking(&key, two, &format!(", policy: {{type: rego, data: \"{counted}\"}}"));
    assert!(allowed(&set, vec![bill(), scan()]));
    let same = ", attestations: [{name: a, predicateType: spdx}, {name: a, predicateType: spdx}]";
    let set = asking(&key, same, &format!(", policy: {{type: rego, data: \"{counted}\"}}"));
    assert!(!allowed(&set, vec![bill()]), "one that meets both counts once");
}

#[test]
fn condition_on_a_statement_is_met_by_one_statement() {
    let key = key();
    for (language, holds, fails) in [
        ("cue", "predicateType: =~'^https://spdx'", "predicateType: =~'^https://other'"),
        (
            "rego",
            "package sigstore\\nisCompliant { startswith(input.predicateType, 'https://spdx') }",
            "package sigstore\\nisCompliant { startswith(input.predicateType, 'https://other') }",
        ),
    ] {
        let asking = |data: &str| {
            let data = data.replace('\'', "\\\"");
            attesting(
                &key,
                &format!("{{name: bill, predicateType: spdx, policy: {{type: {language}, data: \"{data}\"}}}}"),
            )
        };
        let statements = || vec![stated(&key, &image(), VULN), stated(&key, &image(), SPDX)];
        assert!(allowed(&asking(holds), statements()), "{language}");
        assert!(!allowed(&asking(holds), Vec::new()), "{language}");
        let found = words(&asking(fails), statements());
        assert!(found.contains(&format!("failed evaluating {language} policy for type bill: ")), "{found}");
    }
}

#[test]
fn condition_on_everything_counts_distinct_authorities() {
    let (one, two) = (key(), key());
    let both = "package sigstore\\nisCompliant { count(input.authorityMatches) == 2 }";
    let authorities = format!("{}, {}", by_key(&one, ", name: one"), by_key(&two, ", name: two"));
    let spec =
        format!("images: [{{glob: '**'}}], authorities: [{authorities}], policy: {{type: rego, data: \"{both}\"}}");
    let set = set(&[document("p", &spec)]);
    assert!(allowed(&set, vec![legacy(&one, &image()), legacy(&two, &image())]));
    assert!(!allowed(&set, vec![legacy(&one, &image()), legacy(&one, &image())]), "the same signer twice");
    assert!(!allowed(&set, vec![legacy(&two, &image())]));
    let found = words(&set, vec![legacy(&one, &image())]);
    assert!(found.contains("failed evaluating rego policy for ClusterImagePolicy: "), "{found}");
}

#[test]
fn who_signs_in_both_formats_has_signed_once() {
    let key = key();
    let twice = "package sigstore\\nisCompliant { count(input.authorityMatches.team.signatures) == 2 }";
    let set = asking(&key, "", &format!(", policy: {{type: rego, data: \"{twice}\"}}"));
    assert!(!allowed(&set, vec![legacy(&key, &image()), bundle(&key, &image())]));
    assert!(!allowed(&set, vec![bundle(&key, &image())]));
    let one = legacy(&key, &image());
    assert!(!allowed(&set, vec![one.clone(), one]), "one signature that is stored twice");
}

#[test]
fn condition_on_everything_needs_all_of_it() {
    let key = key();
    let any = "package sigstore\\nisCompliant { count(input.authorityMatches) > 0 }";
    let set = asking(&key, "", &format!(", policy: {{type: rego, data: \"{any}\"}}"));
    assert!(allowed(&set, vec![legacy(&key, &image())]));
    let open = matched(&set).decide(&incomplete(&set, vec![legacy(&key, &image())]), now());
    assert!(matches!(open, Err(Undecided::Gaps { .. })), "{open:?}");
}

#[test]
fn condition_without_an_authority_that_is_met_is_not_reached() {
    let key = key();
    let always = "package sigstore\\nisCompliant = true";
    let set = asking(&key, "", &format!(", policy: {{type: rego, data: \"{always}\"}}"));
    assert!(!allowed(&set, Vec::new()));
    assert!(!allowed(&set, vec![legacy(&crate::writing::key(), &image())]));
}

#[test]
fn object_goes_into_the_condition_and_its_absence_decides_nothing() {
    let key = key();
    for (include, holds) in [
        ("includeSpec", "input.spec.replicas == 2"),
        ("includeObjectMeta", "input.metadata.name == \\\"cart\\\""),
        ("includeTypeMeta", "input.typemeta.kind == \\\"Deployment\\\""),
    ] {
        let condition = format!("package sigstore\\nisCompliant {{ {holds} }}");
        let set = asking(&key, "", &format!(", policy: {{type: rego, {include}: true, data: \"{condition}\"}}"));
        let judged = |object: Option<Resource>| match set.select(
            &written(),
            Some(image().digest()),
            object.as_ref(),
            &asker(),
        ) {
            Selection::Matched(matched) => matched.decide(&answers(&matched, vec![legacy(&key, &image())]), now()),
            Selection::NeedsDigest => panic!("the digest was given"),
        };
        let object = |name: &str, replicas: u8, kind: &str| {
            let value = json!({"metadata": {"name": name}, "spec": {"replicas": replicas}});
            Some(Resource::new("apps/v1", kind, BTreeMap::new()).with_object(Arc::new(value)))
        };
        assert!(matches!(judged(object("cart", 2, "Deployment")), Ok(Verdict::Allow(_))), "{include}");
        assert!(matches!(judged(object("other", 3, "Job")), Ok(Verdict::Deny(_))), "{include}");
        assert!(matches!(judged(None), Err(Undecided::Unknown { what: Unknown::Object, .. })), "{include}");
    }
}

#[test]
fn configuration_goes_into_the_condition_and_its_absence_decides_nothing() {
    let key = key();
    let condition = "package sigstore\\nisCompliant { input.config[\\\"linux/amd64\\\"].config.User != \\\"root\\\" }";
    let set = asking(&key, "", &format!(", policy: {{type: rego, fetchConfigFile: true, data: \"{condition}\"}}"));
    assert!(matched(&set).needs_configs(&evidence(&set, vec![legacy(&key, &image())]), now()));
    for unmet in [Vec::new(), vec![legacy(&crate::writing::key(), &image())]] {
        assert!(
            !matched(&set).needs_configs(&evidence(&set, unmet), now()),
            "no authority is met, so nothing looks at it"
        );
    }
    let judged = |user: &str| {
        let config = json!({"config": {"User": user}});
        let configs = Arc::new(BTreeMap::from([("linux/amd64".to_owned(), config)]));
        let findings = evidence(&set, vec![legacy(&key, &image())]).with_configs(configs);
        matched(&set).decide(&findings, now()).expect("everything is known")
    };
    assert!(matches!(judged("nobody"), Verdict::Allow(_)));
    assert!(matches!(judged("root"), Verdict::Deny(_)));
    let without = matched(&set).decide(&evidence(&set, vec![legacy(&key, &image())]), now());
    assert!(without.is_err(), "{without:?}");
}

/// A policy with a condition on everything, in YAML's block style.
fn with_condition(name: &str, language: &str, condition: &str) -> String {
    let block: String = condition.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\nspec:\n  \
         images: [{{glob: '**'}}]\n  authorities: [{{static: {{action: pass}}}}]\n  policy:\n    type: {language}\n    \
         data: |\n{block}"
    )
}

#[test]
fn condition_that_cannot_be_read_does_not_load() {
    for (language, data, line) in [
        ("cue", "b: 1\na: {", 11),
        ("cue", "b: 1\n\n  a: c", 12),
        ("rego", "package sigstore\nisCompliant {", 11),
        ("rego", "package sigstore\nisCompliant if { true }", 11),
        ("rego", "package sigstore\nisCompliant { count(1, 2, 3) }", 11),
        ("rego", "package elsewhere\nisCompliant { true }", 10),
    ] {
        let text = with_condition("p", language, data);
        let errors = PolicySet::parse(&[("p.yaml".into(), text.clone())]).unwrap_err();
        let [problem] = errors.problems() else { panic!("{errors}") };
        assert_eq!(problem.line(), line, "{data}:\n{errors}");
        let shown = text.lines().nth(usize::try_from(line).unwrap() - 1).unwrap();
        assert!(errors.to_string().contains(&format!("\n{line} | {shown}\n")), "{errors}");
        assert!(errors.to_string().contains("spec.policy.data: "), "{errors}");
    }
}

#[test]
fn line_of_a_text_that_the_file_folds_or_escapes_is_told_as_one_of_the_text() {
    let spec =
        "images: [{glob: '**'}], authorities: [{static: {action: pass}}], policy: {type: cue, data: \"b: 1\\na: {\"}";
    let errors = PolicySet::parse(&[("p.yaml".into(), document("p", spec))]).unwrap_err();
    assert_eq!(errors.problems()[0].line(), 4, "{errors}");
    assert!(errors.to_string().contains("spec.policy.data: line 2 of it: "), "{errors}");
}

#[test]
fn condition_with_what_is_not_evaluated_makes_its_own_policy_not_ready_and_no_other() {
    for (language, data, line, wanted) in [
        ("cue", "import \"tool/http\"\na: 1", 10, "tool/http"),
        ("rego", "package sigstore\nisCompliant { time.now_ns() > 0 }", 11, "time.now_ns is refused"),
        ("rego", "package sigstore\n\nisCompliant { http.send({}).status_code == 200 }", 12, "http.send is refused"),
        ("rego", "package sigstore\nisCompliant { opa.runtime().env.HOME }", 11, "opa.runtime is refused"),
        ("rego", "package sigstore\nisCompliant { io.jwt.decode(input) }", 11, "no function io.jwt.decode"),
    ] {
        let other = "images: [{glob: '**'}], authorities: [{static: {action: pass}}]";
        let set = set(&[with_condition("p", language, data), document("q", other)]);
        let [p, q] = set.policies().collect::<Vec<_>>()[..] else { panic!("two policies") };
        let words = p.readiness().unwrap_err().to_string();
        let place = format!("has a condition that cannot be evaluated: spec.policy.data, policies.yaml:{line}: ");
        assert!(words.starts_with(&place) && words.contains(wanted), "{words}");
        assert_eq!(q.readiness(), Ok(()));
        let Verdict::Deny(denial) = verdict(&set, Vec::new()) else { panic!("{data}") };
        assert!(denial.headline().contains(&words), "{denial}");
    }
}
