//! What a policy refers to: keys in Secrets and conditions in ConfigMaps, among the files.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use policy::{NotReady, PolicySet, Verdict};
use verifier::UntrustedSignature;

use crate::{
    validation::refusal,
    writing::{by_key, document, evidence, image, key, legacy, matched, now, policy, set, stated},
};

const SPDX: &str = "https://spdx.dev/Document";

fn verdict(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Verdict {
    matched(set).decide(&evidence(set, signatures), now()).expect("the evidence is complete")
}

fn allowed(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> bool {
    matches!(verdict(set, signatures), Verdict::Allow(_))
}

/// Why the first policy is not ready; whatever it matches is refused with that.
fn unready(set: &PolicySet) -> NotReady {
    let first = set.policies().next().expect("there is a policy");
    let why = first.readiness().expect_err("it is not ready").clone();
    let Verdict::Deny(denial) = verdict(set, Vec::new()) else { panic!("allowed") };
    assert!(denial.headline().contains(&format!("policy is not ready: it {why}")), "{denial}");
    why
}

fn by_secret(further: &str) -> String {
    policy("p", "enforce", &format!("{{key: {{secretRef: {{name: signer{further}}}}}}}"))
}

/// A Secret with these fields.
fn secret(metadata: &str, fields: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{{metadata}}}\n{fields}\n")
}

fn encoded(key: &PrivateKey) -> String {
    format!("data: {{cosign.pub: {}}}", BASE64_STANDARD.encode(key.public().to_pem()))
}

fn plain(key: &PrivateKey) -> String {
    format!("stringData: {{any: \"{}\"}}", key.public().to_pem().replace('\n', "\\n"))
}

fn config_map(metadata: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{{metadata}}}\ndata: {data}\n")
}

fn by_config_map(language: &str, further: &str) -> String {
    let policy = format!("policy: {{type: {language}, configMapRef: {{name: conditions, key: k{further}}}}}");
    document("p", &format!("images: [{{glob: '**'}}], authorities: [{{static: {{action: pass}}}}], {policy}"))
}

#[test]
fn key_in_a_secret_is_the_authority_s_key() {
    let (named, other) = (key(), key());
    for held in [encoded(&named), plain(&named), format!("type: Opaque\nimmutable: true\n{}", encoded(&named))] {
        let set = set(&[by_secret(""), secret("name: signer", &held)]);
        assert!(allowed(&set, vec![legacy(&named, &image())]), "{held}");
        assert!(!allowed(&set, vec![legacy(&other, &image())]), "{held}");
        assert!(!allowed(&set, Vec::new()), "{held}");
    }
}

#[test]
fn what_a_secret_says_plainly_goes_before_what_it_says_encoded() {
    let (named, other) = (key(), key());
    let both = format!("{}\n{}", encoded(&other), plain(&named).replace("any:", "cosign.pub:"));
    let set = set(&[by_secret(""), secret("name: signer", &both)]);
    assert!(allowed(&set, vec![legacy(&named, &image())]));
    assert!(!allowed(&set, vec![legacy(&other, &image())]));
}

#[test]
fn secret_that_is_not_there_is_named() {
    let field = "spec.authorities[0].key.secretRef.name".to_owned();
    assert_eq!(unready(&set(&[by_secret("")])), NotReady::NoReference { field, wanted: "Secret signer".to_owned() });
    let elsewhere = secret("name: signer, namespace: other", &encoded(&key()));
    let set = set(&[by_secret(", namespace: cosign-system"), elsewhere]);
    assert!(matches!(unready(&set), NotReady::NoReference { .. }), "of another namespace than the policy says");
}

#[test]
fn secret_without_exactly_one_public_key_is_not_ready_and_says_nothing_of_what_it_holds() {
    let key = key();
    let two = format!("{}\n{}", encoded(&key), plain(&key));
    let rows = [
        ("data: {}".to_owned(), "Secret signer has 0 entries, wanted exactly one"),
        ("type: Opaque".to_owned(), "Secret signer has 0 entries, wanted exactly one"),
        (two, "Secret signer has 2 entries, wanted exactly one"),
        ("data: {a: '%%%'}".to_owned(), "Secret signer holds no text in base64"),
        ("data: {a: /w==}".to_owned(), "Secret signer holds no text in base64"),
        ("stringData: {a: hunter2}".to_owned(), "Secret signer holds no public key: "),
    ];
    for (held, words) in rows {
        let why = unready(&set(&[by_secret(""), secret("name: signer", &held)])).to_string();
        assert!(why.starts_with("cannot use what spec.authorities[0].key.secretRef.name refers to: "), "{why}");
        assert!(why.contains(words) && !why.contains("hunter2") && !why.contains("PRIVATE"), "{why}");
    }
}

#[test]
fn of_two_secrets_of_one_name_the_controller_s_counts_and_two_others_are_a_guess() {
    let (named, other) = (key(), key());
    let other = secret("name: signer, namespace: shop", &encoded(&other));
    let own = secret("name: signer, namespace: cosign-system", &encoded(&named));
    for files in [[by_secret(""), other.clone(), own.clone()], [by_secret(""), own.clone(), other.clone()]] {
        assert!(allowed(&set(&files), vec![legacy(&named, &image())]));
    }
    let third = secret("name: signer, namespace: till", &encoded(&named));
    let found = refusal(&[by_secret(""), other.clone(), third].join("---\n"));
    let wanted = "Secret `signer` found in the namespaces shop, till, wanted one, or one in `cosign-system`";
    assert!(found.len() == 1 && found[0].starts_with(wanted), "{found:?}");
    let twice = refusal(&[by_secret(""), own.clone(), own].join("---\n"));
    assert!(twice.len() == 1 && twice[0].starts_with("Secret `signer` found twice"), "{twice:?}");
    let named_here = by_secret(", namespace: shop");
    assert!(!allowed(&set(&[named_here, other]), vec![legacy(&named, &image())]));
}

#[test]
fn condition_in_a_config_map_is_evaluated() {
    for (language, holds, fails) in [
        (
            "cue",
            "'authorityMatches: \"authority-0\": static: true'",
            "'authorityMatches: \"authority-0\": static: false'",
        ),
        ("rego", "\"package sigstore\\nisCompliant = true\"", "\"package sigstore\\nisCompliant = false\""),
    ] {
        let with = |text: &str, metadata: &str, further: &str| {
            set(&[by_config_map(language, further), config_map(metadata, &format!("{{k: {text}, other: x}}"))])
        };
        assert!(allowed(&with(holds, "name: conditions", ""), Vec::new()), "{language}");
        assert!(!allowed(&with(fails, "name: conditions", ""), Vec::new()), "{language}");
        assert!(allowed(&with(holds, "name: conditions, namespace: a", ", namespace: b"), Vec::new()), "{language}");
    }
}

#[test]
fn condition_of_an_attestation_in_a_config_map_is_evaluated() {
    let key = key();
    let policy = "{name: bill, predicateType: spdx, policy: {type: cue, configMapRef: {name: conditions, key: k}}}";
    let policy = policy_by(&key, &format!(", attestations: [{policy}]"));
    let with = |kind: &str| {
        set(&[policy.clone(), config_map("name: conditions", &format!("{{k: 'predicateType: \"{kind}\"'}}"))])
    };
    assert!(allowed(&with(SPDX), vec![stated(&key, &image(), SPDX)]));
    assert!(!allowed(&with("other"), vec![stated(&key, &image(), SPDX)]));
    assert!(matches!(unready(&set(&[policy])), NotReady::NoReference { .. }));
}

fn policy_by(key: &PrivateKey, further: &str) -> String {
    policy("p", "enforce", &by_key(key, further))
}

#[test]
fn config_map_that_is_not_there_or_lacks_the_entry_is_named() {
    let wanted = |set: &PolicySet| match unready(set) {
        NotReady::NoReference { field, wanted } => {
            assert_eq!(field, "spec.policy.configMapRef.name");
            wanted
        }
        other => panic!("{other}"),
    };
    assert_eq!(wanted(&set(&[by_config_map("cue", "")])), "ConfigMap conditions");
    for data in ["{}", "{other: x}", "{k: ''}", "~"] {
        let set = set(&[by_config_map("cue", ""), config_map("name: conditions", data)]);
        assert_eq!(wanted(&set), "entry `k` of ConfigMap conditions", "{data}");
    }
}

#[test]
fn problem_with_a_text_in_a_config_map_is_told_once_at_its_place() {
    let broken = config_map("name: conditions", "{k: 'a: {'}");
    let two = by_config_map("cue", "").replace("name: p}", "name: q}");
    let text = [by_config_map("cue", ""), two, broken].join("---\n");
    let errors = PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap_err();
    let [problem] = errors.problems() else { panic!("{errors}") };
    assert_eq!(problem.line(), 14, "{errors}");
    assert!(errors.to_string().contains("data.k"), "{errors}");
}

#[test]
fn config_maps_and_secrets_that_no_policy_refers_to_are_refused() {
    let found = refusal(&[by_secret(""), secret("name: sinner", &encoded(&key()))].join("---\n"));
    assert_eq!(found, ["Secret `sinner` found, wanted only those that a policy refers to"]);
    let found = refusal(&[by_config_map("cue", ""), config_map("name: config-policy-kontroller", "{}")].join("---\n"));
    assert!(
        found.len() == 1 && found[0].starts_with("ConfigMap `config-policy-kontroller` found, wanted"),
        "{found:?}"
    );
}
