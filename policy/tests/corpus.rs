//! Policies and trust roots that others wrote: which must load, which must not, and with what words.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the corpus lies on disk, and its absence is said"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy::{NotReady, PolicySet};
use verifier::TrustRoot;

fn place() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    std::env::var_os("SEALGATE_CORPUS").map_or(beside, PathBuf::from)
}

/// A folder of the corpus; nothing where there is none, unless it is required.
fn corpus(folder: &str) -> Option<Vec<(String, String)>> {
    let root = place();
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        assert!(std::env::var_os("SEALGATE_REQUIRE_PEERS").is_none(), "no corpus at {}", root.display());
        println!("skipped: no corpus at {}", root.display());
        return None;
    };
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let files: Vec<_> = yaml
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("the file can be read")))
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
    Some(files)
}

#[test]
fn every_valid_policy_loads() {
    for folder in ["valid", "examples", "e2e", "tester"] {
        for file in corpus(&format!("cluster-image-policy/{folder}")).unwrap_or_default() {
            let name = file.0.clone();
            let set = PolicySet::parse(&[file]).unwrap_or_else(|errors| panic!("{name}:\n{errors}"));
            assert_eq!(set.policies().count(), 1, "{name}");
        }
    }
}

#[test]
fn every_invalid_policy_is_refused_with_the_expected_words() {
    for (name, text) in corpus("cluster-image-policy/invalid").unwrap_or_default() {
        let errors = PolicySet::parse(&[(name.clone(), text.clone())]).expect_err(&name).to_string();
        let fragments: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# ERROR:")).map(str::trim).collect();
        assert!(!fragments.is_empty(), "{name}");
        for fragment in fragments {
            assert!(errors.contains(fragment), "{name}: wanted `{fragment}` in:\n{errors}");
        }
    }
}

#[test]
fn policies_without_authorities_are_invalid_unless_configured_and_never_ready() {
    let lenient = "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-policy-controller}, data: {fail-on-empty-authorities: 'false'}}";
    for file in corpus("cluster-image-policy/empty-authorities").unwrap_or_default() {
        let errors = PolicySet::parse(std::slice::from_ref(&file)).expect_err(&file.0).to_string();
        assert!(errors.contains("missing field(s): spec.authorities"), "{errors}");
        let set = PolicySet::parse(&[file, ("config.yaml".into(), lenient.into())]).unwrap();
        assert!(set.policies().all(|policy| policy.readiness().is_err()));
    }
}

#[test]
fn every_trust_root_loads_beside_a_policy() {
    let policy = "{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: x}, spec: {images: [{glob: '**'}], authorities: [{static: {action: pass}}]}}";
    for folder in ["valid", "e2e"] {
        for file in corpus(&format!("trust-root/{folder}")).unwrap_or_default() {
            let name = file.0.clone();
            let alone = PolicySet::parse(std::slice::from_ref(&file)).expect_err(&name).to_string();
            assert_eq!(alone, "no ClusterImagePolicy found in 1 files, wanted at least one");
            PolicySet::parse(&[file, ("policy.yaml".into(), policy.into())]).unwrap_or_else(|e| panic!("{name}:\n{e}"));
        }
    }
}

/// What lies elsewhere, and what this version cannot evaluate. A policy with none of it is ready once there is a root.
const WANTING: [&str; 5] = ["ca-cert", "kms", "secretRef", "remote:", "configMapRef"];

#[test]
fn every_policy_is_ready_but_those_that_want_what_is_elsewhere() {
    if corpus("cluster-image-policy/valid").is_none() {
        return;
    }
    let root = fs::read(place().join("public-good/trusted_root.json")).expect("the corpus is whole");
    let root = TrustRoot::parse_trusted_root(&root).expect("a trusted root");
    let mut ready = 0;
    for folder in ["valid", "examples", "e2e", "tester"] {
        for (name, text) in corpus(&format!("cluster-image-policy/{folder}")).unwrap_or_default() {
            let wanting = WANTING.iter().any(|word| text.contains(word));
            let set = PolicySet::parse(&[(name.clone(), text)]).unwrap_or_else(|e| panic!("{name}:\n{e}"));
            for policy in set.with_default_root(&root).policies() {
                match policy.readiness() {
                    Ok(()) => ready += 1,
                    Err(NotReady::NoTrustRoot(_)) => {}
                    Err(why) => assert!(wanting, "{name}: {why}"),
                }
            }
        }
    }
    assert!(ready >= 20, "{ready} are ready");
}
