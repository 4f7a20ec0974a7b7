//! What `verify` says of a signature by certificate: cosign's words and members, who, when and by which clock.

use serde_json::Value;

use crate::stage::{ALICE, Stage};

const WORKFLOW: [&str; 6] = [
    "--certificate-identity",
    "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0",
    "--certificate-oidc-issuer",
    "http://127.0.0.1:15001/gha",
    "--certificate-github-workflow-sha",
    "0123456789abcdef0123456789abcdef01234567",
];
/// Members of cosign's output that hold bytes as found. What was proven by them is in our own member.
const RAW: [&str; 2] = ["Bundle", "RFC3161Timestamp"];

fn only(text: &str) -> Value {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"));
    let [object] = &list[..] else { panic!("{text}") };
    object.clone()
}

#[test]
fn objects_are_those_that_cosign_printed() {
    let Some(stage) = Stage::set_up() else { return };
    for (name, flags) in [
        ("c2-legacy", &ALICE[..]),
        ("c2-legacy-tsa", &ALICE),
        ("c2-legacy-gha", &WORKFLOW),
        ("c3-rekor2-gha", &WORKFLOW),
    ] {
        let case = stage.case(name);
        let ours = only(&stage.verify("trusted_root.json", &case, flags).success());
        let [theirs] = &stage.recorded(name, "verify-1.stdout")[..] else { panic!("{name} has one signature") };
        // a legacy signature's name is signed, a bundle's is the one that was typed
        let signed = theirs["critical"].to_string();
        let critical = if name.contains("legacy") { signed } else { stage.here(&signed) };
        assert_eq!(ours["critical"], serde_json::from_str::<Value>(&critical).expect("it was JSON"), "{name}");
        let mut optional = theirs["optional"].as_object().expect("an object").clone();
        optional.retain(|member, _| !RAW.contains(&member.as_str()));
        assert_eq!(ours["optional"], Value::Object(optional), "{name}");
    }
}

#[test]
fn own_member_says_who_when_and_by_which_clock() {
    let Some(stage) = Stage::set_up() else { return };
    let case = stage.case("c3-rekor1-tsa");
    let own = only(&stage.verify("trusted_root.json", &case, &ALICE).success())["sealgate"].clone();
    assert_eq!(own["signer"], "alice@sealgate.test (http://127.0.0.1:15001/email)");
    assert_eq!(own["issuer"], "http://127.0.0.1:15001/email");
    let clocks: Vec<&str> = own["times"].as_array().unwrap().iter().map(|t| t["clock"].as_str().unwrap()).collect();
    assert!(clocks[0].starts_with("timestamp authority sha256:"), "{own}");
    assert_eq!(clocks[1..], ["log 127.0.0.1:15006"], "{own}");
    for time in own["times"].as_array().unwrap() {
        let at = time["at"].as_str().unwrap();
        assert!(at.starts_with("2026-11-25T01:1") && at.ends_with('Z'), "{own}");
    }
    assert_eq!(own["logs"][0]["included"], true, "{own}");
    assert_eq!(own["certificate-logs"].as_array().map(Vec::len), Some(1), "{own}");
}

#[test]
fn summary_names_the_checks_that_were_made_and_no_others() {
    let Some(stage) = Stage::set_up() else { return };
    let (log, key, certificate) = ("transparency log was verified", "specified public key", "code-signing certificate");
    let said = |name: &str, flags: &[&str]| {
        let outcome = stage.verify("trusted_root.json", &stage.case(name), flags);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.stderr
    };
    let logged = said("c3-rekor2", &ALICE);
    assert!(logged.contains(log) && logged.contains(certificate) && !logged.contains(key), "{logged}");
    assert!(logged.contains("Signed by alice@sealgate.test (http://127.0.0.1:15001/email):\n  - at 2026-11-25T01:1"));
    assert!(logged.contains("  - included in log rekor2.sealgate.test at index "), "{logged}");
    let unlogged = said("c3-tsa-only", &[&ALICE[..], &["--insecure-ignore-tlog"]].concat());
    assert!(!unlogged.contains(log) && unlogged.contains(certificate), "{unlogged}");
    let path = stage.path("pki/cosign.pub");
    let by_key = said("c2-legacy-key", &["--key", &path]);
    assert!(by_key.contains(log) && by_key.contains(key) && !by_key.contains(certificate), "{by_key}");
    assert!(by_key.contains("  - promised to be in log 127.0.0.1:15006 at index "), "{by_key}");
}

#[test]
fn signature_by_somebody_else_is_named_with_who_was_wanted() {
    let Some(stage) = Stage::set_up() else { return };
    let case = stage.case("c3-rekor2-gha");
    let said = stage.verify("trusted_root.json", &case, &ALICE).failure(12);
    assert!(said.contains("release.yml@refs/tags/v1.0.0 (http://127.0.0.1:15001/gha), wanted alice@sealgate.test ("));
    let evil = [&WORKFLOW[..], &["--certificate-github-workflow-repository", "evil/app"]].concat();
    let said = stage.verify("trusted_root.json", &case, &evil).failure(12);
    assert!(said.contains("; workflow repository is acme/app, wanted evil/app\n"), "{said}");
    let path = stage.path("pki/cosign.pub");
    let said = stage.verify("trusted_root.json", &case, &["--key", &path]).failure(12);
    assert!(said.contains("(http://127.0.0.1:15001/gha), wanted key cb3c124d"), "{said}");
    let said = stage.verify("trusted_root.json", &stage.case("c2-legacy-key"), &ALICE).failure(12);
    assert!(
        said.contains("made with a key and without a certificate, wanted a certificate that names the signer"),
        "{said}"
    );
}

#[test]
fn one_of_two_signers_is_enough_and_the_other_is_reported() {
    let Some(stage) = Stage::set_up() else { return };
    let outcome = stage.verify("trusted_root.json", &stage.case("c3-two-signers"), &ALICE);
    let said = outcome.stderr.clone();
    let _ = only(&outcome.success());
    assert!(said.contains("1 further found, not counted:\n") && said.contains("signed by bob@sealgate.test"), "{said}");
}
