//! Kyverno's `verifyImages`: which images, whose signatures, how many of them.

use keys::PrivateKey;
use peers::Authority;
use policy::{
    Asker, Door, Mode,
    import::{ImportError, Imported, kyverno},
};
use serde_json::json;

use crate::{
    loading::{admits, admits_for, admits_signed, annotated, load, places, quoted, says, without_logs},
    writing::{bundle, image, key, stated},
};

const IMAGE: &str = "ghcr.io/acme/app:1";

fn read(text: &str) -> Result<Imported, ImportError> {
    kyverno(&[("k.yaml".to_owned(), text.to_owned())])
}

/// A policy that enforces, with one rule, of which this is the entry of `verifyImages`.
fn import(entry: &str) -> Imported {
    whole("validationFailureAction: Enforce", "match: {any: [{resources: {kinds: [Pod]}}]}", entry)
}

fn whole(spec: &str, rule: &str, entry: &str) -> Imported {
    read(&format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: check}}\nspec:\n  {spec}\n  rules:\n  - name: rule\n    {rule}\n    verifyImages:\n    - {entry}\n"
    ))
    .unwrap_or_else(|e| panic!("{e}"))
}

/// An entry about the usual images with these attestors.
fn attestors(sets: &str) -> Imported {
    import(&format!("{{imageReferences: ['ghcr.io/acme/*'], attestors: [{sets}]}}"))
}

fn unlogged(key: &PrivateKey) -> String {
    format!("{{keys: {{publicKeys: {}, rekor: {{ignoreTlog: true}}}}}}", quoted(key))
}

#[test]
fn one_key_lets_in_what_it_signed() {
    let (one, other) = (key(), key());
    let imported = attestors(&format!("{{entries: [{}]}}", unlogged(&one)));
    let set = load(&imported);
    assert!(admits_signed(&set, IMAGE, &[&one]));
    for (name, by) in [(IMAGE, vec![]), (IMAGE, vec![&other]), ("ghcr.io/else/app", vec![&one])] {
        assert!(!admits_signed(&set, name, &by), "{name}");
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    assert!(imported.remarks[0].what.contains("no rule names"));
    assert_eq!(set.policies().next().map(|policy| policy.name()), Some("check-rule"));
}

#[test]
fn a_policy_behind_a_line_end_that_is_read_in_different_ways_is_an_error_and_not_absent() {
    let policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\nspec: {rules: []}\n";
    for end in ["\r", "\u{85}", "\u{2028}"] {
        let Err(ImportError::Syntax { why, .. }) = read(&format!("# all of ours{end}{policy}")) else {
            panic!("{end:?}")
        };
        assert!(why.starts_with("line 1, column 14: a line end found"), "{why}");
    }
}

#[test]
fn a_log_is_asked_for_unless_it_is_ignored() {
    let key = key();
    let imported = attestors(&format!("{{entries: [{{keys: {{publicKeys: {}}}}}]}}", quoted(&key)));
    assert!(load(&imported).needs_default_root());
    assert!(!admits_signed(&load(&imported), IMAGE, &[&key]));
    assert!(admits_signed(&without_logs(&imported), IMAGE, &[&key]), "only for want of the log");
    assert!(imported.unsaid.is_empty());
    let own = attestors(&format!(
        "{{entries: [{{keys: {{publicKeys: {}, rekor: {{url: 'https://log.example'}}}}}}]}}",
        quoted(&key)
    ));
    assert!(own.documents[0].contains("url: https://log.example"), "{}", own.documents[0]);
}

#[test]
fn a_count_is_how_many_must_have_signed() {
    let (a, b, c) = (key(), key(), key());
    let entries = format!("entries: [{}, {}, {}]", unlogged(&a), unlogged(&b), unlogged(&c));
    for (count, by, wanted) in [
        ("count: 1, ", vec![&b], true),
        ("count: 1, ", vec![], false),
        ("count: 2, ", vec![&a, &c], true),
        ("count: 2, ", vec![&a], false),
        ("count: 3, ", vec![&a, &b, &c], true),
        ("count: 3, ", vec![&a, &b], false),
        ("", vec![&a, &b, &c], true),
        ("", vec![&b, &c], false),
        ("count: 0, ", vec![&b, &c], false),
    ] {
        let imported = attestors(&format!("{{{count}{entries}}}"));
        assert_eq!(admits_signed(&load(&imported), IMAGE, &by), wanted, "{count} {}", by.len());
        assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    }
    let beyond = attestors(&format!("{{count: 4, {entries}}}"));
    assert!(!admits_signed(&load(&beyond), IMAGE, &[&a, &b, &c]));
    assert!(says(&beyond, "there are fewer"));
}

#[test]
fn keys_in_one_text_are_entries_and_a_key_counts_once() {
    let (a, b, c) = (key(), key(), key());
    let pem = format!("{}{}", a.public().to_pem(), b.public().to_pem()).replace('\n', "\\n");
    let both = format!("{{keys: {{publicKeys: \"{pem}\", rekor: {{ignoreTlog: true}}}}}}");
    let all = load(&attestors(&format!("{{entries: [{both}]}}")));
    assert!(admits_signed(&all, IMAGE, &[&a, &b]));
    assert!(!admits_signed(&all, IMAGE, &[&a]));
    let twice = format!("{{count: 2, entries: [{}, {}, {}]}}", unlogged(&a), unlogged(&a), unlogged(&c));
    let set = load(&attestors(&twice));
    assert!(admits_signed(&set, IMAGE, &[&a, &c]));
    assert!(!admits_signed(&set, IMAGE, &[&a]));
}

#[test]
fn all_sets_are_met_and_sets_within_sets_too() {
    let (a, b, c, d) = (key(), key(), key(), key());
    let sets = format!("{{entries: [{}]}}, {{count: 1, entries: [{}, {}]}}", unlogged(&a), unlogged(&b), unlogged(&c));
    let nested = format!(
        "{{entries: [{}, {{attestor: {{count: 1, entries: [{}, {}]}}}}]}}",
        unlogged(&a),
        unlogged(&b),
        unlogged(&c)
    );
    for sets in [sets, nested] {
        let imported = attestors(&sets);
        let set = load(&imported);
        assert!(admits_signed(&set, IMAGE, &[&a, &c]), "{sets}");
        assert!(!admits_signed(&set, IMAGE, &[&a]), "{sets}");
        assert!(!admits_signed(&set, IMAGE, &[&b, &c]), "{sets}");
        assert!(imported.unsaid.is_empty());
    }
    let either = |count: usize| {
        attestors(&format!(
            "{{count: {count}, entries: [{}, {}, {{attestor: {{entries: [{}, {}]}}}}]}}",
            unlogged(&a),
            unlogged(&d),
            unlogged(&b),
            unlogged(&c)
        ))
    };
    let imported = either(1);
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    let set = load(&imported);
    assert!(admits_signed(&set, IMAGE, &[&a]));
    assert!(admits_signed(&set, IMAGE, &[&b, &c]));
    assert!(!admits_signed(&set, IMAGE, &[&b]));
    let imported = either(2);
    assert!(admits_signed(&load(&imported), IMAGE, &[&a, &d]));
    assert!(!admits_signed(&load(&imported), IMAGE, &[&a, &b, &c]), "stricter");
    assert!(says(&imported, "an attestor within attestors"));
}

#[test]
fn count_of_some_is_a_threshold() {
    let [a, b, c] = [key(), key(), key()].map(|key| unlogged(&key));
    let imported = attestors(&format!("{{count: 2, entries: [{a}, {b}, {c}]}}"));
    assert!(imported.documents[0].contains("kind: ImagePolicy"), "{}", imported.documents[0]);
    assert!(imported.documents[0].contains("min: 2"), "{}", imported.documents[0]);
    assert!(!imported.documents[0].contains("rego"));
    assert!(imported.remarks.iter().any(|remark| remark.what.contains("for `require`")), "{:?}", imported.remarks);
    for count in ["", "count: 1, ", "count: 3, "] {
        let portable = attestors(&format!("{{{count}entries: [{a}, {b}, {c}]}}"));
        assert!(portable.documents.iter().all(|text| text.contains("kind: ClusterImagePolicy")), "{count}");
    }
}

#[test]
fn regular_expressions_of_a_counted_identity_are_found_anywhere_too() {
    let entry = |subject: &str| format!("{{keyless: {{issuer: i, subjectRegExp: '{subject}'}}}}");
    let imported = attestors(&format!("{{count: 2, entries: [{}, {}, {}]}}", entry("acme"), entry("^b$"), entry("c$")));
    for words in ["subjectRegExp: (?s:.*)(?:acme)(?s:.*)", "subjectRegExp: ^b$", "subjectRegExp: (?s:.*)(?:c$)"] {
        assert!(imported.documents[0].contains(words), "{words}: {}", imported.documents[0]);
    }
    load(&imported);
}

#[test]
fn annotations_must_be_on_every_signature_of_the_signer() {
    let (key, other) = (key(), key());
    let imported = import(&format!(
        "{{imageReferences: ['ghcr.io/acme/*'], annotations: {{stage: prod}}, attestors: [{{entries: [{}]}}]}}",
        unlogged(&key).replacen('{', "{annotations: {'say \"x\"': 'é'}, ", 1)
    ));
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    let set = load(&imported);
    let by = |key, annotations| annotated(key, "ghcr.io/acme/app", &annotations);
    let right = || json!({"stage": "prod", "say \"x\"": "é", "more": 1});
    assert!(admits(&set, IMAGE, vec![by(&key, right())]));
    assert!(admits(&set, IMAGE, vec![by(&key, right()), by(&other, json!({}))]), "a stranger has no say");
    for wrong in [json!({}), json!({"stage": "prod"}), json!({"stage": "dev", "say \"x\"": "é"})] {
        assert!(!admits(&set, IMAGE, vec![by(&key, wrong.clone())]), "{wrong}");
        assert!(!admits(&set, IMAGE, vec![by(&key, right()), by(&key, wrong.clone())]), "{wrong}");
    }
    assert!(!admits(&set, IMAGE, vec![by(&other, right())]));
}

#[test]
fn annotations_of_one_of_several_are_asked_of_its_signatures_alone() {
    let (a, b) = (key(), key());
    let marked = unlogged(&a).replacen('{', "{annotations: {stage: prod}, ", 1);
    let imported = attestors(&format!("{{count: 1, entries: [{marked}, {}]}}", unlogged(&b)));
    assert!(says(&imported, "annotations of some of several"), "{:?}", imported.unsaid);
    let set = load(&imported);
    let by = |key, annotations| annotated(key, "ghcr.io/acme/app", &annotations);
    assert!(admits(&set, IMAGE, vec![by(&a, json!({"stage": "prod"}))]));
    assert!(admits(&set, IMAGE, vec![by(&b, json!({}))]));
    assert!(!admits(&set, IMAGE, vec![by(&a, json!({}))]));
    assert!(!admits(&set, IMAGE, vec![by(&a, json!({})), by(&b, json!({}))]), "stricter");
}

#[test]
fn namespaces_that_a_rule_names_are_those_of_the_policy() {
    let key = key();
    let entry = format!("{{imageReferences: ['ghcr.io/acme/*'], attestors: [{{entries: [{}]}}]}}", unlogged(&key));
    let in_namespace = |name: &str| Asker { door: Door::Webhook, user: None, namespace: Some(name.to_owned()) };
    for rule in [
        "match: {any: [{resources: {kinds: [Pod], namespaces: [prod, 'team-*']}}]}",
        "match: {any: [{resources: {namespaces: [prod]}}, {resources: {namespaces: ['team-*']}}]}",
        "match: {all: [{resources: {namespaces: [prod, 'team-*']}}, {resources: {kinds: [Pod]}}]}",
        "match: {resources: {namespaces: [prod, 'team-*']}}",
    ] {
        let imported = whole("validationFailureAction: Enforce", rule, &entry);
        assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
        let signed = || vec![annotated(&key, "ghcr.io/acme/app", &json!({}))];
        for (namespace, signatures, wanted) in
            [("prod", signed(), true), ("team-a", signed(), true), ("prod", vec![], false), ("team-a", vec![], false)]
        {
            let set = load(&imported);
            assert_eq!(admits_for(&set, &in_namespace(namespace), IMAGE, signatures), wanted, "{rule} {namespace}");
        }
        assert!(!admits_for(&load(&imported), &in_namespace("dev"), IMAGE, signed()), "no policy is about it");
    }
}

#[test]
fn audit_is_a_warning_and_enforcing_anywhere_is_enforcing() {
    let entry = format!("{{imageReferences: ['ghcr.io/acme/*'], attestors: [{{entries: [{}]}}]}}", unlogged(&key()));
    let with = |further: &str| entry.replacen('{', &format!("{{{further}, "), 1);
    for (spec, entry, mode) in [
        ("background: true", entry.clone(), Mode::Warn),
        ("validationFailureAction: audit", entry.clone(), Mode::Warn),
        ("validationFailureAction: enforce", entry.clone(), Mode::Enforce),
        ("validationFailureAction: Enforce", with("failureAction: Audit"), Mode::Warn),
        ("validationFailureAction: Audit", with("failureAction: Enforce"), Mode::Enforce),
        ("validationFailureActionOverrides: [{action: Enforce, namespaces: [prod]}]", entry.clone(), Mode::Enforce),
    ] {
        let set = load(&whole(spec, "match: {any: []}", &entry));
        assert_eq!(set.policies().next().map(|policy| policy.mode()), Some(mode), "{spec}");
    }
}

#[test]
fn what_narrows_a_rule_to_objects_is_told_of() {
    let entry = format!("{{imageReferences: ['ghcr.io/acme/*'], attestors: [{{entries: [{}]}}]}}", unlogged(&key()));
    for (rule, place) in [
        ("match: {any: [{resources: {kinds: [Pod], namespaces: [pro?]}}]}", "match.any[0].resources.namespaces"),
        (
            "match: {any: [{resources: {namespaces: [prod]}}, {resources: {kinds: [Pod]}}]}",
            "match.any[0].resources.namespaces",
        ),
        ("match: {resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}}", "match.resources.selector"),
        ("match: {all: [{resources: {kinds: [Task]}}]}", "match.all[0].resources.kinds"),
        ("match: {any: [{subjects: [{kind: User, name: x}]}]}", "match.any[0].subjects"),
        ("exclude: {any: [{resources: {namespaces: [kube-system]}}]}", "exclude"),
        ("preconditions: {all: [{key: a, operator: Equals, value: b}]}", "preconditions"),
        ("imageExtractors: {Task: [{path: /spec}]}", "imageExtractors"),
    ] {
        let imported = whole("validationFailureAction: Enforce", rule, &entry);
        let wanted = format!("k.yaml: ClusterPolicy check: spec.rules[0].{place}");
        assert_eq!(places(&imported), [wanted.as_str()]);
    }
    let imported = whole("failurePolicy: Ignore", "match: {any: []}", &entry);
    assert_eq!(places(&imported), ["k.yaml: ClusterPolicy check: spec.failurePolicy"]);
}

#[test]
fn switches_that_loosen_are_told_of() {
    let signer = format!("attestors: [{{entries: [{}]}}]", unlogged(&key()));
    for switch in ["mutateDigest: false", "verifyDigest: false", "required: false", "skipImageReferences: ['*/app:*']"]
    {
        let imported = import(&format!("{{imageReferences: ['ghcr.io/acme/*'], {switch}, {signer}}}"));
        let name = switch.split(':').next().unwrap_or_default();
        assert!(places(&imported)[0].ends_with(name), "{:?}", imported.unsaid);
        assert!(!admits_signed(&load(&imported), IMAGE, &[]));
    }
}

#[test]
fn patterns_hold_for_at_least_what_they_name() {
    let key = key();
    let signer = unlogged(&key);
    for (pattern, name, told) in [
        ("ghcr.io/acme/app:v*", IMAGE, true),
        ("ghcr.io/acme/ap?:*", IMAGE, true),
        ("*", IMAGE, false),
        ("docker.io/library/nginx:*", "nginx", false),
        ("docker.io/*", "acme/app", false),
    ] {
        let imported = import(&format!("{{imageReferences: ['{pattern}'], attestors: [{{entries: [{signer}]}}]}}"));
        assert!(admits_signed(&load(&imported), name, &[&key]), "{pattern}");
        assert!(!admits_signed(&load(&imported), name, &[]), "{pattern}");
        assert_eq!(!imported.unsaid.is_empty(), told, "{pattern}: {:?}", imported.unsaid);
    }
}

#[test]
fn identities_are_compared_as_there() {
    let imported = attestors(
        "{count: 1, entries: [\
         {keyless: {issuer: 'https://i', subject: 'https://github.com/acme/*'}}, \
         {keyless: {issuerRegExp: '^https', subject: a@b.c, rekor: {url: 'https://log.example'}, ctlog: {ignoreSCT: true}}}, \
         {keyless: {issuer: 'https://i'}}]}",
    );
    let text = &imported.documents[0];
    for words in [
        "subjectRegExp: ^https://github\\.com/acme/.*$",
        "issuer: https://i",
        "issuerRegExp: ^https",
        "subject: a@b.c",
        "url: https://log.example",
        "insecureIgnoreSCT: true",
        "subjectRegExp: .*",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(imported.remarks.iter().any(|remark| remark.what.contains("names no subject")));
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    assert!(load(&imported).needs_default_root());
}

#[test]
fn roots_and_logs_of_its_own_become_a_trust_root() {
    let (ca, log) = (Authority::new("roots"), key());
    let (roots, log) = (format!("\"{}\"", ca.certificate().replace('\n', "\\n")), quoted(&log));
    let imported = attestors(&format!(
        "{{entries: [{{keyless: {{issuer: i, subject: s, roots: {roots}, rekor: {{pubkey: {log}}}, ctlog: {{pubkey: {log}}}}}}}]}}"
    ));
    let set = load(&imported);
    assert!(set.policies().all(|policy| policy.readiness().is_ok()));
    assert!(!set.needs_default_root());
    for words in ["tLogs:", "ctLogs:", "certificateAuthorities:"] {
        assert!(imported.documents[0].contains(words), "{}", imported.documents[0]);
    }
    assert!(imported.unsaid.is_empty());
    let clocked = attestors(&format!(
        "{{entries: [{{keyless: {{issuer: i, subject: s, rekor: {{ignoreTlog: true}}, ctlog: {{tsaCertChain: {roots}}}}}}}]}}"
    ));
    assert!(clocked.documents.iter().any(|text| text.contains("rfc3161timestamp:")), "{clocked:?}");
    load(&clocked);
}

#[test]
fn attestors_without_counterpart_let_nothing_in() {
    let key = key();
    let pem = quoted(&key);
    for (entry, words) in [
        ("{certificates: {cert: x}}".to_owned(), "`certificates`"),
        ("{keys: {secret: {name: a, namespace: b}}}".to_owned(), "a Secret"),
        ("{keys: {publicKeys: 'k8s://a/b'}}".to_owned(), "k8s://a/b"),
        ("{keys: {publicKeys: '{{ keys.data.x }}'}}".to_owned(), "in the cluster"),
        ("{keys: {publicKeys: 'nothing'}}".to_owned(), "none in PEM"),
        ("{keys: {kms: 'fancykms://x'}}".to_owned(), "fancykms"),
        (format!("{{keys: {{publicKeys: {pem}, signatureAlgorithm: md5}}}}"), "hash `md5`"),
        (format!("{{keys: {{publicKeys: {pem}, rekor: {{pubkey: {pem}}}}}}}"), "the key of a log"),
        (format!("{{keys: {{publicKeys: {pem}, other: 1}}}}"), "`other`"),
        (format!("{{keys: {{publicKeys: {pem}, rekor: {{ignoreTlog: true, other: 1}}}}}}"), "`other`"),
        (
            format!(
                "{{keys: {{publicKeys: {pem}, rekor: {{ignoreTlog: true}}}}, annotations: {{a: {}}}}}",
                "b".repeat(2_000)
            ),
            "annotations",
        ),
        ("{keyless: {issuer: i, subject: s, additionalExtensions: {a: b}}}".to_owned(), "additionalExtensions"),
        ("{keyless: {issuer: i, subjectRegExp: '('}}".to_owned(), "identity `(`"),
        ("{keyless: {issuer: i, subject: s, subjectRegExp: t}}".to_owned(), "`subject` and `subjectRegExp`"),
        ("{keyless: {issuer: i, issuerRegExp: j, subject: s}}".to_owned(), "`issuer` and `issuerRegExp`"),
        ("{}".to_owned(), "names nobody"),
    ] {
        let imported = attestors(&format!("{{entries: [{entry}]}}"));
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "{entry}");
        assert!(says(&imported, words), "{entry}: {:?}", imported.unsaid);
        let beside = attestors(&format!("{{count: 1, entries: [{entry}, {}]}}", unlogged(&key)));
        assert!(admits_signed(&load(&beside), IMAGE, &[&key]), "{entry}");
    }
}

#[test]
fn the_format_of_signatures_is_that_of_the_rule() {
    let key = key();
    let signer = format!("attestors: [{{entries: [{}]}}]", unlogged(&key));
    for (kind, legacy, bundled) in [("Cosign", true, false), ("SigstoreBundle", false, true), ("Notary", false, false)]
    {
        let set = load(&import(&format!("{{type: {kind}, imageReferences: ['ghcr.io/acme/*'], {signer}}}")));
        assert_eq!(admits_signed(&set, IMAGE, &[&key]), legacy, "{kind}");
        assert_eq!(admits(&set, IMAGE, vec![bundle(&key, &image())]), bundled, "{kind}");
    }
}

#[test]
fn attestations_are_asked_for_beside_signatures() {
    let (signer, scanner) = (key(), key());
    let entry = |conditions: &str| {
        format!(
            "{{type: SigstoreBundle, imageReferences: ['ghcr.io/acme/*'], attestors: [{{entries: [{}]}}], \
             attestations: [{{type: 'https://spdx.dev/Document', attestors: [{{entries: [{}]}}]{conditions}}}]}}",
            unlogged(&signer),
            unlogged(&scanner)
        )
    };
    let imported = import(&entry(""));
    let set = load(&imported);
    let signature = || bundle(&signer, &image());
    let sbom = || stated(&scanner, &image(), "https://spdx.dev/Document");
    assert!(admits(&set, IMAGE, vec![signature(), sbom()]));
    for found in [
        vec![signature()],
        vec![sbom()],
        vec![signature(), stated(&signer, &image(), "https://spdx.dev/Document")],
        vec![signature(), stated(&scanner, &image(), "https://other")],
    ] {
        assert!(!admits(&set, IMAGE, found));
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    let conditions = import(&entry(", conditions: [{all: [{key: '{{ a }}', operator: Equals, value: b}]}]"));
    assert!(!admits(&load(&conditions), IMAGE, vec![signature(), sbom()]));
    assert!(says(&conditions, "JMESPath"));
    let anybody = import("{imageReferences: ['ghcr.io/acme/*'], attestations: [{type: 'https://spdx.dev/Document'}]}");
    assert!(!admits(&load(&anybody), IMAGE, vec![sbom()]));
    assert!(says(&anybody, "nobody signed"));
}

#[test]
fn older_spellings_are_read() {
    let key = key();
    let imported = import(&format!("{{image: 'ghcr.io/acme/*', key: {}}}", quoted(&key)));
    assert!(admits_signed(&without_logs(&imported), IMAGE, &[&key]));
    assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "without a log entry");
    let imported = import("{image: 'ghcr.io/acme/*', subject: 'a@*', issuer: i}");
    assert!(imported.documents[0].contains("subjectRegExp: ^a@.*$"), "{}", imported.documents[0]);
}

#[test]
fn an_entry_that_asks_for_nothing_is_a_pass_and_an_unknown_field_refuses() {
    let imported = import("{imageReferences: ['ghcr.io/acme/*']}");
    assert!(admits_signed(&load(&imported), IMAGE, &[]));
    let key = key();
    let unknown = import(&format!(
        "{{imageReferences: ['ghcr.io/acme/*'], validate: {{deny: {{}}}}, attestors: [{{entries: [{}]}}]}}",
        unlogged(&key)
    ));
    assert!(!admits_signed(&load(&unknown), IMAGE, &[&key]));
    assert!(says(&unknown, "`validate`"));
}

#[test]
fn other_objects_are_passed_over_or_told_of() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n\
                - {apiVersion: kyverno.io/v2, kind: PolicyException, metadata: {name: b}, spec: {}}\n\
                - {apiVersion: kyverno.io/v1, kind: Policy, metadata: {name: c, namespace: d}, spec: {rules: [{name: e, validate: {}}]}}\n\
                - {apiVersion: kyverno.io/v1, kind: Policy, metadata: {name: f}, spec: {rules: [{name: e, validate: {}}]}}\n";
    let imported = read(text).expect("it parses");
    let wanted = [
        "k.yaml: items[1]: PolicyException b",
        "k.yaml: items[2]: Policy c: spec.rules[0]",
        "k.yaml: items[3]: Policy f",
        "k.yaml: items[3]: Policy f: spec.rules[0]",
    ];
    assert_eq!(places(&imported), wanted);
    assert!(!admits_signed(&load(&imported), IMAGE, &[]));
}

#[test]
fn what_is_no_policy_of_kyverno_is_refused() {
    let head = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\n";
    for (spec, place) in [
        ("spec: {validationFailureAction: Maybe}", "spec.validationFailureAction"),
        ("spec: {rules: 1}", "spec.rules"),
        ("spec: {rules: [{verifyImages: [{attestors: []}]}]}", "imageReferences"),
        ("spec: {rules: [{verifyImages: [{imageReferences: [a], type: Other}]}]}", "type"),
        ("spec: {rules: [{verifyImages: [{imageReferences: [a], attestors: [{count: x}]}]}]}", "count"),
        ("spec: {rules: [{verifyImages: [{imageReferences: [a], attestations: [{}]}]}]}", "attestations[0].type"),
    ] {
        let error = read(&format!("{head}{spec}")).expect_err(spec);
        assert!(error.to_string().contains(place), "{error}");
    }
}
