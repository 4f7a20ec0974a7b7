//! What is refused at load, with which words and where; and that nothing hides anything else.

use crate::writing::{by_key, document, key, matched, no_match, policy, set};
use policy::{Objection, PolicySet};

const PASS: &str = "{static: {action: pass}}";

/// The objections to a file with this text.
pub(crate) fn refusal(text: &str) -> Vec<String> {
    match PolicySet::parse(&[("p.yaml".to_owned(), text.to_owned())]) {
        Ok(_) => panic!("loaded:\n{text}"),
        Err(errors) => errors.problems().iter().map(|problem| problem.objection().to_string()).collect(),
    }
}

#[test]
fn the_rest_of_a_policy() {
    let rows = [
        (format!("authorities: [{PASS}]"), "missing field(s): spec.images"),
        (format!("images: [], authorities: [{PASS}]"), "missing field(s): spec.images"),
        (format!("images: [{{}}], authorities: [{PASS}]"), "missing field(s): spec.images[0].glob"),
        (
            format!("images: [{{glob: '**'}}, {{glob: 'a[b'}}], authorities: [{PASS}]"),
            "invalid value: a[b: spec.images[1].glob: glob is invalid",
        ),
        ("images: [{glob: '**'}]".to_owned(), "missing field(s): spec.authorities"),
        ("images: [{glob: '**'}], authorities: []".to_owned(), "missing field(s): spec.authorities"),
        (rest("mode: audit"), "invalid value: audit: spec.mode"),
        (rest("match: [{resource: apple}]"), "invalid value: apple: spec.match[0].resource"),
        (
            rest("match: [{selector: {matchLabels: {a: b}}}]"),
            "missing field(s): spec.match[0].group, spec.match[0].resource, spec.match[0].version",
        ),
        (
            rest("match: [{resource: pods, selector: {matchLabels: {a: 1}}}]"),
            "invalid type: a number found, wanted a string: spec.match[0].selector.matchLabels.a",
        ),
        (
            rest("match: [{resource: pods, selector: {matchExpressions: [{key: a, operator: In}]}}]"),
            "invalid value: In: spec.match[0].selector.matchExpressions[0].operator",
        ),
        (rest("policy: {data: x}"), "missing field(s): spec.policy.type"),
        (rest("policy: {type: lua, data: x}"), "invalid value: lua: spec.policy.type"),
        (
            rest("policy: {type: cue}"),
            "expected exactly one, got neither: spec.policy.configMapRef, spec.policy.data, spec.policy.remote",
        ),
        (
            rest("policy: {type: cue, data: 'x: 1', configMapRef: {name: a, key: b}}"),
            "expected exactly one, got both: spec.policy.configMapRef",
        ),
        (
            rest("policy: {type: cue, remote: {url: 'http://x', sha256sum: z}}"),
            "invalid value: http://x: spec.policy.remote.url",
        ),
        (rest("policy: {type: cue, remote: {url: 'https://x'}}"), "missing field(s): spec.policy.remote.sha256sum"),
        (rest("policy: {type: cue, configMapRef: {name: a}}"), "missing field(s): spec.policy.configMapRef.key"),
        (
            rest("policy: {type: cue, data: 'x: 1', includeSpec: 'true'}"),
            "invalid type: a string found, wanted a boolean: spec.policy.includeSpec",
        ),
        (rest("image: x"), "unknown field: spec.image"),
        (rest("mode: [warn]"), "invalid type: a list found, wanted a string: spec.mode"),
    ];
    for (spec, wanted) in rows {
        let found = refusal(&document("p", &spec));
        assert!(
            found.iter().all(|line| line.starts_with(&format!("validation failed: {wanted}"))),
            "{spec}:\n{found:?}"
        );
    }
}

fn rest(further: &str) -> String {
    format!("images: [{{glob: '**'}}], authorities: [{PASS}], {further}")
}

#[test]
fn unknown_fields_at_the_top_are_refused() {
    let top = document("p", &rest("mode: warn")) + "spce: {}\n";
    assert_eq!(refusal(&top), ["validation failed: unknown field: spce"]);
    let metadata = document("p", &rest("mode: warn")).replace("{name: p}", "{name: p, labls: {}}");
    assert_eq!(refusal(&metadata), ["validation failed: unknown field: metadata.labls"]);
}

#[test]
fn objects_of_other_kinds_are_refused_by_name() {
    let good = document("p", &rest("mode: warn"));
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n";
    let found = refusal(&format!("{good}---\n{deployment}"));
    assert!(found[0].starts_with("`Deployment` of `apps/v1` found"), "{found:?}");
    let old = good.replace("v1beta1", "v1");
    assert!(refusal(&old)[0].starts_with("`ClusterImagePolicy` of `policy.sigstore.dev/v1` found"));
    let root = good.replace("ClusterImagePolicy", "TrustRoot");
    assert!(refusal(&root)[0].starts_with("`TrustRoot` of `policy.sigstore.dev/v1beta1` found"));
    let other = no_match("allow").replace("config-policy-controller", "config");
    assert_eq!(
        refusal(&format!("{good}---\n{other}")),
        ["ConfigMap `config` found, wanted `config-policy-controller` or one that a policy refers to"]
    );
    assert_eq!(refusal(&good.replace("kind: ClusterImagePolicy\n", "")), ["validation failed: missing field(s): kind"]);
    assert_eq!(refusal(&good.replace("{name: p}", "{}")), ["validation failed: missing field(s): metadata.name"]);
    assert_eq!(refusal("just text"), ["validation failed: invalid type: a string found, wanted an object: document"]);
}

#[test]
fn cases_beside_policies_are_passed_over_and_are_no_policy() {
    let good = document("p", &rest("mode: warn"));
    let cases = "apiVersion: sealgate.dev/v1\nkind: PolicyTest\ncases: [{name: a, image: b, expect: deny}]\n";
    let parse = |text: &str| PolicySet::parse(&[("a.yaml".to_owned(), text.to_owned())]);
    assert_eq!(parse(&format!("{good}---\n{cases}")).unwrap().policies().count(), 1);
    let alone = parse(cases).unwrap_err();
    assert!(matches!(alone.problems()[0].objection(), Objection::NoPolicy { .. }), "{alone}");
    let newer = cases.replace("sealgate.dev/v1", "sealgate.dev/v2");
    assert!(refusal(&format!("{good}---\n{newer}"))[0].starts_with("`PolicyTest` of `sealgate.dev/v2` found"));
}

#[test]
fn nothing_to_check_is_refused() {
    for files in
        [vec![], vec![("a.yaml".to_owned(), "# nothing\n---\n".to_owned())], vec![("c".to_owned(), no_match("allow"))]]
    {
        let errors = PolicySet::parse(&files).unwrap_err();
        assert!(matches!(errors.problems()[0].objection(), Objection::NoPolicy { .. }), "{errors}");
    }
}

#[test]
fn names_are_distinct_across_files_and_versions() {
    let policy = document("p", &rest("mode: warn"));
    let files = [("a.yaml", policy.clone()), ("b.yaml", "\n".to_owned() + &policy.replace("v1beta1", "v1alpha1"))];
    let errors = PolicySet::parse(&files.map(|(name, text)| (name.to_owned(), text))).unwrap_err();
    assert_eq!(
        errors.problems()[0].objection().to_string(),
        "ClusterImagePolicy `p` found twice, the first in a.yaml:1"
    );
    assert_eq!((errors.problems()[0].file(), errors.problems()[0].line()), ("b.yaml", 4));
    let twice = format!("{policy}---\n{}---\n{}", no_match("warn"), no_match("allow"));
    assert!(refusal(&twice)[0].starts_with("ConfigMap `config-policy-controller` found twice"));
}

#[test]
fn every_problem_of_every_file_is_reported_in_its_place() {
    let first = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: a\nspec:\n  mode: audit\n  images:\n  - glob: '['\n  - globe: x\n  authorities:\n  - static:\n      action: maybe\n";
    let second = "a: [\n---\nkind: Pod\napiVersion: v1\n";
    let errors =
        PolicySet::parse(&[("b".to_owned(), second.to_owned()), ("a".to_owned(), first.to_owned())]).unwrap_err();
    let places: Vec<_> = errors.problems().iter().map(|p| (p.file(), p.line(), p.column())).collect();
    assert_eq!(places[..5], [("a", 6, 9), ("a", 8, 11), ("a", 9, 5), ("a", 9, 5), ("a", 12, 15)]);
    assert_eq!(places[5].0, "b");
    assert_eq!(places[6], ("b", 3, 7));
    let text = errors.to_string();
    assert!(text.contains("a:6:9: validation failed: invalid value: audit: spec.mode"), "{text}");
    assert!(text.contains("6 |   mode: audit\n  |         ^"), "{text}");
}

#[test]
fn lists_hold_policies_with_and_without_their_kind() {
    let item = format!("metadata: {{name: NAME}}\n  spec: {{{}}}", rest("mode: warn"));
    let typed = format!(
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: ClusterImagePolicyList\nmetadata: {{}}\nitems:\n- {}\n- {}\n",
        item.replace("NAME", "a"),
        item.replace("NAME", "b")
    );
    assert_eq!(set(std::slice::from_ref(&typed)).policies().count(), 2);
    assert!(refusal(&typed.replace("name: b", "name: a"))[0].contains("found twice"));
    assert!(refusal(&typed.replace("mode: warn", "mode: wran"))[0].contains("spec.mode"));
    let header = "apiVersion: policy.sigstore.dev/v1beta1\n  kind: ClusterImagePolicy\n  ";
    let plain = format!("apiVersion: v1\nkind: List\nitems:\n- {header}{}\n", item.replace("NAME", "c"));
    assert_eq!(set(std::slice::from_ref(&plain)).policies().next().unwrap().name(), "c");
    assert_eq!(refusal(&plain.replace(header, "")).len(), 2);
    assert!(refusal("apiVersion: v1\nkind: PodList\nitems: []\n")[0].starts_with("`PodList` of `v1` found"));
}

#[test]
fn json_is_yaml_and_the_api_server_s_additions_are_accepted() {
    let json = serde_json::json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "ClusterImagePolicy",
        "metadata": {
            "name": "p", "uid": "u", "resourceVersion": "1", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"a": "b"}, "annotations": {}, "finalizers": ["x"], "managedFields": [{"fieldsV1": {"f:spec": {".": {}}}}],
        },
        "spec": {"images": [{"glob": "**"}], "authorities": [{"static": {"action": "pass"}}]},
        "status": {"conditions": [{"type": "Ready"}]},
    });
    assert_eq!(set(&[json.to_string()]).policies().count(), 1);
    assert_eq!(set(&[serde_json::to_string_pretty(&json).unwrap()]).policies().count(), 1);
}

#[test]
fn the_configuration_is_checked() {
    let policy = document("p", &rest("mode: warn"));
    let with = |data: &str| format!("{policy}---\n{}", no_match("deny").replace("{no-match-policy: deny}", data));
    set(&[with("{_example: text, enable-oci11: 'true', fail-on-empty-authorities: 'TRUE'}")]);
    set(&[with("null")]);
    for (data, wanted) in [
        ("{enable-oci11: maybe}", "validation failed: invalid value: maybe: data.enable-oci11"),
        ("{fail-on-empty-authorities: ja}", "validation failed: invalid value: ja: data.fail-on-empty-authorities"),
        ("{fail-on-empty-authorities: true}", "validation failed: invalid type: a boolean found, wanted a string"),
        ("{no-match: allow}", "validation failed: unknown field: data.no-match"),
    ] {
        assert!(refusal(&with(data))[0].starts_with(wanted), "{data}");
    }
}

#[test]
fn trust_roots_are_checked_in_their_structure() {
    let policy = document("p", &rest("mode: warn"));
    let with = |spec: &str| {
        format!(
            "{policy}---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {{name: r}}\nspec: {spec}\n"
        )
    };
    let authority = "{subject: {organization: o, commonName: c}, uri: u, certChain: x}";
    set(&[with("{remote: {root: x, mirror: z}}")]);
    set(&[with(&format!("{{sigstoreKeys: {{timestampAuthorities: [{authority}]}}}}"))]);
    for (spec, wanted) in [
        ("{}", "expected exactly one, got neither: spec.remote, spec.repository, spec.sigstoreKeys"),
        (
            "{remote: {root: x, mirror: z}, repository: {root: x, mirrorFS: z}}",
            "expected exactly one, got both: spec.remote",
        ),
        ("{remote: {root: x}}", "missing field(s): spec.remote.mirror"),
        ("{repository: {mirrorFS: x}}", "missing field(s): spec.repository.root"),
        (
            "{sigstoreKeys: {certificateAuthorities: []}}",
            "missing field(s): spec.sigstoreKeys.certificateAuthorities, spec.sigstoreKeys.timestampAuthorities",
        ),
        (
            "{sigstoreKeys: {certificateAuthorities: [{uri: u, certChain: x}]}}",
            "missing field(s): spec.sigstoreKeys.certificateAuthorities[0].subject",
        ),
        (
            &format!(
                "{{sigstoreKeys: {{certificateAuthorities: [{authority}], tLogs: [{{baseURL: x, publicKey: z}}]}}}}"
            ),
            "missing field(s): spec.sigstoreKeys.tLogs[0].hashAlgorithm",
        ),
        (
            &format!("{{sigstoreKeys: {{certificateAuthorities: [{authority}], ctlogs: []}}}}"),
            "unknown field: spec.sigstoreKeys.ctlogs",
        ),
    ] {
        let found = refusal(&with(spec));
        assert!(found.len() == 1 && found[0].starts_with(&format!("validation failed: {wanted}")), "{spec}: {found:?}");
    }
    let twice = with("{remote: {root: x, mirror: z}}");
    let root = twice.split_once("---\n").unwrap().1;
    assert!(refusal(&format!("{twice}---\n{root}"))[0].starts_with("TrustRoot `r` found twice"));
}

#[test]
fn fingerprints_follow_the_text_and_not_the_order() {
    let (a, b) = (document("a", &rest("mode: warn")), document("b", &rest("mode: warn")));
    let of = |texts: [&String; 2]| {
        let files: Vec<_> = texts.iter().enumerate().map(|(i, text)| (i.to_string(), (*text).clone())).collect();
        PolicySet::parse(&files).unwrap().fingerprint()
    };
    assert_eq!(of([&a, &b]), of([&b, &a]));
    assert_ne!(of([&a, &b]), of([&a, &b.replace("warn", "enforce")]));
    assert_ne!(of([&a, &b]), set(&[a.clone(), b.clone()]).fingerprint());
}

#[test]
fn trust_is_in_every_key_once() {
    let (one, two) = (key(), key());
    let set = set(&[
        policy("a", "enforce", &by_key(&one, "")),
        policy("b", "warn", &[by_key(&one, ""), by_key(&two, "")].join(", ")),
    ]);
    assert_eq!(matched(&set).inquiries().map(|one| one.trust().keys().len()).sum::<usize>(), 2);
}

proptest::proptest! {
    /// Whatever a file holds, it is read or refused, and problems lie within it.
    #[test]
    fn no_text_is_fatal(text in "([a-z]: |- |\\[|\\]|\\{|\\}|&a |\\*a|!x |#|\\||\n|  |---\n|\\.\\.\\.\n|'|\"|\\PC){0,60}") {
        let errors = PolicySet::parse(&[("f".to_owned(), text.clone())]).expect_err("nothing here is a policy");
        let lines = text.lines().count() as u64;
        proptest::prop_assert!(errors.problems().iter().all(|problem| problem.line() <= lines + 1), "{}", errors);
    }

    /// A valid policy of which a piece is replaced is read or refused.
    #[test]
    fn no_damage_is_fatal(at in 0_usize..200, length in 0_usize..20, put in "\\PC{0,5}") {
        let mut text = policy("p", "enforce", PASS);
        let at = at.min(text.len());
        text.replace_range(at..(at + length).min(text.len()), &put);
        if let Ok(set) = PolicySet::parse(&[("f".to_owned(), text)]) {
            proptest::prop_assert!(set.policies().count() == 1);
        }
    }
}
