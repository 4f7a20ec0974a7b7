//! Connaisseur's values: validators, patterns, thresholds.

use keys::PrivateKey;
use peers::Authority;
use policy::{
    Mode,
    import::{ImportError, Imported, connaisseur},
};

use crate::{
    loading::{admits_signed, load, places, quoted, says, without_logs},
    writing::key,
};

const IMAGE: &str = "ghcr.io/acme/app:1";
const STATIC: &str = "{name: allow, type: static, approve: true}, {name: deny, type: static, approve: false}";

fn read(validators: &str, policy: &str) -> Result<Imported, ImportError> {
    connaisseur("values.yaml", &format!("application:\n  validators: [{STATIC}, {validators}]\n  policy: [{policy}]\n"))
}

fn import(validators: &str, policy: &str) -> Imported {
    read(validators, policy).unwrap_or_else(|e| panic!("{e}"))
}

/// A validator of this name with these keys, named `default`, `b`, `c` and so on.
fn cosign(name: &str, keys: &[&PrivateKey]) -> String {
    let names = ["default", "b", "c"];
    let roots: Vec<String> =
        names.iter().zip(keys).map(|(name, key)| format!("{{name: {name}, key: {}}}", quoted(key))).collect();
    format!("{{name: {name}, type: cosign, trustRoots: [{}]}}", roots.join(", "))
}

const UNLOGGED: &str = "verifyInTransparencyLog: false";

#[test]
fn a_key_lets_in_what_it_signed_and_the_rest_is_denied() {
    let (key, other) = (key(), key());
    let policy = format!("{{pattern: '*:*', validator: deny}}, {{pattern: 'ghcr.io/acme/*:*', with: {{{UNLOGGED}}}}}");
    let imported = import(&cosign("default", &[&key]), &policy);
    let set = load(&imported);
    assert!(admits_signed(&set, IMAGE, &[&key]));
    assert!(!admits_signed(&set, IMAGE, &[&other]));
    assert!(!admits_signed(&set, "ghcr.io/else/x", &[&key]));
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    assert!(imported.documents[0].contains("glob: ghcr.io/acme/**"), "{}", imported.documents[0]);
}

#[test]
fn a_log_is_asked_for_unless_it_is_switched_off() {
    let key = key();
    let imported = import(&cosign("default", &[&key]), "{pattern: 'ghcr.io/acme/*:*'}");
    assert!(!admits_signed(&load(&imported), IMAGE, &[&key]));
    assert!(admits_signed(&without_logs(&imported), IMAGE, &[&key]));
}

#[test]
fn what_is_allowed_unsigned_never_swallows_what_must_be_signed() {
    let key = key();
    let policy =
        format!("{{pattern: '*:*', validator: allow}}, {{pattern: 'docker.io/acme/*:*', with: {{{UNLOGGED}}}}}");
    let imported = import(&cosign("default", &[&key]), &policy);
    let set = load(&imported);
    assert!(admits_signed(&set, "quay.io/x/y", &[]));
    assert!(admits_signed(&set, "acme/app", &[&key]));
    for name in ["acme/app", "quay.io/docker.io/acme/app", "evildocker.io/acme/app"] {
        assert!(!admits_signed(&set, name, &[]), "{name}: the pattern begins with a star there");
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
}

#[test]
fn what_one_key_signed_is_never_enough_where_another_rule_decides() {
    let (wide, narrow) = (key(), key());
    let validators = format!("{}, {}", cosign("default", &[&wide]), cosign("other", &[&narrow]));
    let policy = format!(
        "{{pattern: '*:*', with: {{{UNLOGGED}}}}}, {{pattern: 'b.io/*:*', validator: other, with: {{{UNLOGGED}}}}}, \
         {{pattern: 'evil.io/*:*', validator: deny}}"
    );
    let imported = import(&validators, &policy);
    let set = load(&imported);
    for name in ["b.io/x", "ab.io/x", "c.io/b.io/x"] {
        assert!(!admits_signed(&set, name, &[&wide]), "{name}: the pattern begins with a star there");
        assert!(admits_signed(&set, name, &[&wide, &narrow]), "{name}");
    }
    assert!(!admits_signed(&set, "xevil.io/y", &[&wide]));
    assert!(admits_signed(&set, "c.io/x", &[&wide]));
    assert_eq!(imported.unsaid.len(), 1, "{:?}", imported.unsaid);
}

#[test]
fn what_is_allowed_within_what_must_be_signed_must_be_signed_too() {
    let key = key();
    let policy = format!("{{pattern: '*:*', with: {{{UNLOGGED}}}}}, {{pattern: 'k8s.gcr.io/*:*', validator: allow}}");
    let imported = import(&cosign("default", &[&key]), &policy);
    assert!(!admits_signed(&load(&imported), "k8s.gcr.io/pause", &[]));
    assert!(admits_signed(&load(&imported), "k8s.gcr.io/pause", &[&key]));
    assert!(says(&imported, "the choice between `k8s.gcr.io/*:*` and `*:*`"), "{:?}", imported.unsaid);
}

#[test]
fn a_narrower_denial_is_written() {
    let policy = "{pattern: '*:*', validator: allow}, {pattern: 'docker.io/evil/*:*', validator: deny}";
    let imported = import(&cosign("default", &[&key()]), policy);
    assert!(admits_signed(&load(&imported), "acme/app", &[]));
    assert!(!admits_signed(&load(&imported), "evil/app", &[]));
    assert!(imported.unsaid.is_empty());
}

#[test]
fn thresholds_and_required_roots_are_counted() {
    let (a, b, c) = (key(), key(), key());
    let validator = cosign("default", &[&a, &b, &c]);
    for (with, by, wanted) in [
        ("trustRoot: '*'", vec![&a, &b, &c], true),
        ("trustRoot: '*'", vec![&a, &b], false),
        ("trustRoot: '*', threshold: 2", vec![&a, &c], true),
        ("trustRoot: '*', threshold: 2", vec![&c], false),
        ("trustRoot: '*', threshold: 2, required: [b]", vec![&b, &c], true),
        ("trustRoot: '*', threshold: 2, required: [b]", vec![&a, &c], false),
        ("trustRoot: '*', required: [b, c]", vec![&b, &c], true),
        ("trustRoot: '*', required: [b, c]", vec![&a, &b], false),
        ("trustRoot: '*', threshold: 4", vec![&a, &b, &c], false),
        ("trustRoot: b", vec![&b], true),
        ("trustRoot: b", vec![&a], false),
        ("trust_root: b", vec![&b], true),
        ("trustRoot: b, threshold: 2", vec![&a, &b, &c], false),
        ("threshold: 2", vec![&a, &b, &c], false),
        ("threshold: 1", vec![&a], true),
        ("threshold: 1", vec![&b], false),
    ] {
        let imported = import(&validator, &format!("{{pattern: 'ghcr.io/acme/*:*', with: {{{with}, {UNLOGGED}}}}}"));
        assert_eq!(admits_signed(&load(&imported), IMAGE, &by), wanted, "{with}, {}", by.len());
    }
}

#[test]
fn threshold_and_required_roots_are_one_policy_by_their_names() {
    let (a, b, c) = (key(), key(), key());
    let with = |with: &str| {
        let pattern = format!("{{pattern: 'ghcr.io/acme/*:*', with: {{trustRoot: '*', {with}, {UNLOGGED}}}}}");
        import(&cosign("default", &[&a, &b, &c]), &pattern)
    };
    let imported = with("threshold: 2, required: [b]");
    let [text] = imported.documents.as_slice() else { panic!("{imported:?}") };
    for words in ["kind: ImagePolicy", "allOf:", "authority: b", "threshold:", "min: 2", "- default"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(imported.unsaid.is_empty(), "{:?}", imported.unsaid);
    let portable = with("required: [b, c]");
    assert_eq!(portable.documents.len(), 2);
    assert!(portable.documents.iter().all(|text| text.contains("kind: ClusterImagePolicy")), "{portable:?}");
}

#[test]
fn a_tag_and_what_is_no_glob_are_never_widened() {
    let key = key();
    for pattern in ["ghcr.io/acme/app:v*", "ghcr.io/acme/ap?:*", "ghcr.io/{acme,b}/app:*"] {
        let signed = import(&cosign("default", &[&key]), &format!("{{pattern: '{pattern}', with: {{{UNLOGGED}}}}}"));
        assert!(!admits_signed(&load(&signed), IMAGE, &[&key]), "{pattern}");
        assert_eq!(places(&signed), ["values.yaml: application.policy[0]"]);
        let allowed = import("", &format!("{{pattern: '{pattern}', validator: allow}}"));
        assert!(!admits_signed(&load(&allowed), IMAGE, &[]), "{pattern}");
        assert_eq!(places(&allowed), ["values.yaml: application.policy[0]"]);
        let denied =
            import("", &format!("{{pattern: '*', validator: allow}}, {{pattern: '{pattern}', validator: deny}}"));
        assert!(!admits_signed(&load(&denied), IMAGE, &[]), "{pattern}");
        assert!(admits_signed(&load(&denied), "quay.io/x/y", &[]));
    }
}

#[test]
fn validators_and_options_without_counterpart_refuse() {
    let key = key();
    let plain = cosign("default", &[&key]);
    let with = format!("with: {{{UNLOGGED}}}");
    for (validator, with, words) in [
        ("{name: default, type: notaryv1}".to_owned(), "with: {}", "`notaryv1`"),
        ("{name: default, type: notation}".to_owned(), "with: {}", "`notation`"),
        ("{name: default, type: cosign, trustRoots: [{name: default, cert: x}]}".to_owned(), &with, "trust root"),
        ("{name: default, type: cosign, trustRoots: [{name: default, key: 'x://y'}]}".to_owned(), &with, "x://y"),
        (plain.clone(), "with: {delegations: [a]}", "`delegations`"),
        (
            plain.replace("type: cosign", &format!("type: cosign, host: {{rekorPubkey: {}}}", quoted(&key))),
            "with: {}",
            "the key of a log",
        ),
    ] {
        let imported = import(&validator, &format!("{{pattern: 'ghcr.io/acme/*:*', {with}}}"));
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "{validator}");
        assert!(says(&imported, words), "{:?}", imported.unsaid);
    }
    let mode =
        import(&plain, &format!("{{pattern: 'ghcr.io/acme/*:*', with: {{mode: insecureValidateOnly, {UNLOGGED}}}}}"));
    assert!(admits_signed(&load(&mode), IMAGE, &[&key]));
    assert!(says(&mode, "insecureValidateOnly"));
}

#[test]
fn identities_and_hosts_of_its_own_are_taken_over() {
    let (ca, log) = (Authority::new("roots"), quoted(&key()));
    let certificate = format!("\"{}\"", ca.certificate().replace('\n', "\\n"));
    let validator = format!(
        "{{name: default, type: cosign, host: {{rekor: log.example, rekorPubkey: {log}, fulcioCert: {certificate}, ctLogPubkey: {log}}}, \
         trustRoots: [{{name: default, keyless: {{issuer: i, subjectRegex: '^s$'}}}}]}}"
    );
    let imported = import(&validator, "{pattern: 'ghcr.io/acme/*:*'}");
    let set = load(&imported);
    assert!(set.policies().all(|policy| policy.readiness().is_ok()));
    let text = imported.documents.join("---\n");
    for words in ["kind: TrustRoot", "issuer: i", "subjectRegExp: ^s$", "baseURL: https://log.example"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(imported.unsaid.is_empty());
    let public = import(&validator.replace("host: ", "ignored: "), "{pattern: 'ghcr.io/acme/*:*'}");
    assert!(load(&public).needs_default_root());
}

#[test]
fn features_are_modes_or_told_of() {
    let policy = "policy: [{pattern: '*:*', validator: allow}]";
    let read = |features: &str| {
        let text = format!("application:\n  features: {{{features}}}\n  validators: [{STATIC}]\n  {policy}\n");
        connaisseur("values.yaml", &text).unwrap_or_else(|e| panic!("{e}"))
    };
    let warns = read("detectionMode: true");
    assert_eq!(load(&warns).policies().next().map(|policy| policy.mode()), Some(Mode::Warn));
    assert!(says(&read("namespacedValidation: {mode: ignore}"), "namespacedValidation"));
    assert!(read("namespacedValidation: false, detectionMode: false").unsaid.is_empty());
}

#[test]
fn the_older_layout_is_read() {
    let key = key();
    let text = format!(
        "deployment: {{}}\nvalidators:\n- {{name: mine, type: cosign, trust_roots: [{{name: team, key: {}}}]}}\npolicy:\n- {{pattern: 'ghcr.io/acme/*:*', validator: mine, with: {{trust_root: team, {UNLOGGED}}}}}\n",
        quoted(&key)
    );
    let imported = connaisseur("values.yaml", &text).expect("it parses");
    assert!(admits_signed(&load(&imported), IMAGE, &[&key]));
}

#[test]
fn names_of_nothing_are_no_configuration() {
    let validator = cosign("default", &[&key()]);
    for policy in [
        "{pattern: 'a', validator: other}",
        "{pattern: 'a', with: {trustRoot: other}}",
        "{pattern: 'a', with: {trustRoot: '*', required: [other]}}",
        "{validator: default}",
        "{pattern: 'a', with: {threshold: -1}}",
    ] {
        let _: ImportError = read(&validator, policy).expect_err(policy);
    }
}
