//! The JSON Schemas say what the readers do: the same fields at the same places, and no objection to what loads.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the corpus and the readers' sources lie on disk, and the absence of the corpus is said"
)]

mod described;
mod fields;
mod validator;

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy::{
    PolicySet,
    schema::{CLUSTER_IMAGE_POLICY, IMAGE_POLICY, POLICY_TEST, TRUST_ROOT},
};
use serde_json::Value;

use crate::validator::Schema;

/// A folder of the corpus; nothing where there is none, unless it is required.
fn corpus(folder: &str) -> Vec<(String, String)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("SEALGATE_CORPUS").map_or(beside, PathBuf::from);
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        assert!(std::env::var_os("SEALGATE_REQUIRE_PEERS").is_none(), "no corpus at {}", root.display());
        println!("skipped: no corpus at {}", root.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("the file can be read"))).collect()
}

/// The one object of a file that is more than comments.
fn object(text: &str) -> Value {
    let documents = text.split("\n---").map(|chunk| chunk.trim_start_matches("---"));
    let full = documents.filter(|chunk| chunk.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')));
    let full: Vec<&str> = full.collect();
    let [one] = full[..] else { panic!("{} documents in\n{text}", full.len()) };
    serde_saphyr::from_str(one).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn what_loads_is_valid() {
    let (policies, roots) = (Schema::parse(CLUSTER_IMAGE_POLICY), Schema::parse(TRUST_ROOT));
    let folders = ["valid", "examples", "e2e", "tester"].map(|f| (format!("cluster-image-policy/{f}"), &policies));
    let of_roots = ["valid", "e2e"].map(|f| (format!("trust-root/{f}"), &roots));
    for (folder, schema) in folders.into_iter().chain(of_roots) {
        for (name, text) in corpus(&folder) {
            assert_eq!(schema.faults(&object(&text)), Vec::<String>::new(), "{name}");
        }
    }
}

/// What only loading sees: keys that are none, and addresses of keys.
const BEYOND: [&str; 3] = ["invalid-keyref-awskms.yaml", "invalid-pubkey.yaml", "v1beta1-invalid-pubkey.yaml"];

#[test]
fn what_does_not_load_is_invalid_unless_it_takes_more_than_a_schema() {
    let schema = Schema::parse(CLUSTER_IMAGE_POLICY);
    let files = corpus("cluster-image-policy/invalid");
    let unseen = files.iter().filter(|(_, text)| schema.faults(&object(text)).is_empty());
    let mut unseen: Vec<&str> = unseen.filter_map(|(name, _)| name.rsplit('/').next()).collect();
    unseen.sort_unstable();
    assert!(files.is_empty() || unseen == BEYOND, "{unseen:?}");
}

#[test]
fn cases_are_valid_and_misspelt_ones_are_not() {
    let schema = Schema::parse(POLICY_TEST);
    let cases = |case: &str| {
        let text = format!("{{apiVersion: sealgate.dev/v1, kind: PolicyTest, cases: [{{{case}}}]}}");
        schema.faults(&serde_saphyr::from_str(&text).expect("is YAML"))
    };
    let whole =
        "name: a, image: b, evidence: c, object: d, door: pull, at: '2026-01-01T00:00:00Z', expect: deny, reasons: [e]";
    assert_eq!(cases(whole), Vec::<String>::new());
    assert_eq!(cases("name: a, image: b, expect: allow"), Vec::<String>::new());
    for wrong in [
        "name: a, image: b",
        "name: a, image: b, expect: maybe",
        "name: a, image: b, expect: allow, because: c",
        "name: a, image: b, expect: allow, at: '2026-01-01T00:00:00Z'",
    ] {
        assert_eq!(cases(wrong).len(), 1, "{wrong}");
    }
}

/// An ImagePolicy with most of its fields, and these in their place.
fn image_policy(replaced: &[(&str, &str)]) -> String {
    let text = "{apiVersion: sealgate.dev/v1, kind: ImagePolicy, metadata: {name: p}, spec: {
        images: [{glob: ghcr.io/acme/**}], doors: [check], users: [ci-*], namespaces: [prod], mode: audit,
        authorities: [
          {name: a, keyless: {identities: [{issuer: i, subjectRegExp: 's.*'}]}, validFrom: '2026-01-01T00:00:00Z', maxAge: 90d,
           annotations: {team: release}, signedName: {remap: [{from: m.example/, to: ghcr.io/}]}, signedTag: {annotation: tag}},
          {name: b, static: {action: pass}}],
        require: {anyOf: [{authority: b}, {threshold: {min: 1, ofIdentities: a}}]},
        platforms: [linux/amd64], index: accepted,
        revoked: {identities: [{issuer: i, subject: s}]}, expressions: [{cel: 'now > 0', message: m}],
        exceptions: [{namespaces: [dev], until: '2026-01-01T00:00:00Z', reason: r}],
        breakGlass: {until: '2026-01-01T00:00:00Z', reason: r, users: [oncall]}}}";
    replaced.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

#[test]
fn image_policies_that_load_are_valid_and_those_that_do_not_are_not() {
    let schema = Schema::parse(IMAGE_POLICY);
    let faults = |text: &str| schema.faults(&serde_saphyr::from_str(text).expect("is YAML"));
    let loads = |text: &str| PolicySet::parse(&[("p.yaml".to_owned(), text.to_owned())]).is_ok();
    for good in [&[][..], &[("[linux/amd64]", "every")], &[("mode: audit", "mode: warn")], &[("index: accepted,", "")]]
    {
        let text = image_policy(good);
        assert!(loads(&text), "{text}");
        assert_eq!(faults(&text), Vec::<String>::new());
    }
    for wrong in [
        ("doors: [check]", "doors: [kitchen]"),
        ("users: [ci-*]", "users: []"),
        ("mode: audit", "mode: loud"),
        ("2026-01-01T00:00:00Z', maxAge: 90d", "2026-01-01', maxAge: 90d"),
        ("maxAge: 90d", "maxAge: 90 days"),
        ("{team: release}", "{}"),
        ("from: m.example/, ", ""),
        ("min: 1", "min: 0"),
        ("ofIdentities: a", "of: []"),
        ("{authority: b}, ", "{authority: b, anyOf: [{authority: a}]}, "),
        ("[linux/amd64]", "[linux]"),
        ("index: accepted", "index: perhaps"),
        ("{identities: [{issuer: i, subject: s}]}", "{}"),
        ("cel: 'now > 0', ", ""),
        ("namespaces: [dev], ", ""),
        ("reason: r, users", "users"),
        ("users: [oncall]", "users: [oncall], images: []"),
    ] {
        let text = image_policy(&[wrong]);
        assert!(!loads(&text), "{wrong:?}");
        assert!(!faults(&text).is_empty(), "{wrong:?}");
    }
}
