//! `explain`: what is told of a signature, with and without somebody who is expected, and where each check ends.

use serde_json::Value;

use crate::stage::{ALICE, Stage};

/// What is printed for a case's image with a trusted root of the corpus.
fn explain(stage: &Stage, root: &str, case: &str, flags: &[&str]) -> String {
    let (root, image) = (stage.path(root), stage.image(&stage.case(case)));
    let args = ["explain", "--trusted-root", &root].into_iter().chain(flags.iter().copied()).chain([image.as_str()]);
    stage.sealgate.run(args).success()
}

fn object(stage: &Stage, root: &str, case: &str, flags: &[&str]) -> Value {
    let text = explain(stage, root, case, &[flags, &["-o", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// The names of a piece's steps that ended so.
fn ended<'a>(piece: &'a Value, how: &str) -> Vec<&'a str> {
    let steps = piece["steps"].as_array().expect("steps");
    let steps = steps.iter().filter(|step| step["ended"] == how);
    steps.map(|step| step["step"].as_str().expect("a name")).collect()
}

const ROOT: &str = "trusted_root.json";

#[test]
fn whoever_signed_is_named_with_the_flags_that_expect_them() {
    let Some(stage) = Stage::set_up() else { return };
    let told = object(&stage, ROOT, "c3-two-signers", &[]);
    let pieces = told["pieces"].as_array().expect("pieces");
    let mut signers: Vec<&str> = pieces.iter().map(|one| one["verified"]["signer"].as_str().expect("a name")).collect();
    signers.sort_unstable();
    assert_eq!(signers, ["alice", "bob"].map(|name| format!("{name}@sealgate.test (http://127.0.0.1:15001/email)")));
    for piece in pieces {
        assert_eq!(piece["verdict"], "genuine signature");
        assert_eq!(ended(piece, "failed"), [""; 0]);
        assert!(ended(piece, "not asked").contains(&"signer"), "{piece}");
        let advice = piece["to-count"].as_str().expect("advice");
        let (flags, _) = advice.split_once(',').expect("a condition");
        let flags: Vec<&str> = flags.split(' ').collect();
        let _ = stage.verify(ROOT, &stage.case("c3-two-signers"), &flags).success();
    }
}

#[test]
fn somebody_else_is_told_from_who_is_expected() {
    let Some(stage) = Stage::set_up() else { return };
    let text = explain(&stage, ROOT, "c3-two-signers", &ALICE);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(": genuine signature, by ")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines.iter().any(|line| line.ends_with("by whom it should be")), "{text}");
    assert!(lines.iter().any(|line| line.ends_with("by somebody else")), "{text}");
    assert!(text.contains("     failed      signer: signed by bob@sealgate.test "), "{text}");
    for line in
        ["  referrers: 2 found", "  signature tag: nothing there", "   says of itself, unchecked:", "   checked:"]
    {
        assert!(text.lines().any(|other| other == line), "{line}:\n{text}");
    }
}

#[test]
fn each_fault_is_at_its_step_and_only_what_it_proves_is_passed() {
    let Some(stage) = Stage::set_up() else { return };
    let none = [""; 0];
    let (read, made) = (["read"], ["read", "signature"]);
    for (case, root, flags, failed, passed) in [
        ("c3-rekor1-tsa", "trusted_root.other.json", &[][..], "log entry", &made[..]),
        ("c3-rekor1-uri", "trusted_root.no-rekor1.json", &[], "log entry", &made),
        ("c3-rekor1-uri", "trusted_root.no-rekor1.json", &["--insecure-ignore-tlog"], "time", &made),
        ("c3-rekor2", "trusted_root.no-tsa.json", &[], "time", &["read", "signature", "log entry"]),
        (
            "c3-rekor2",
            "trusted_root.no-ctlog.json",
            &[],
            "certificate log",
            &["read", "signature", "log entry", "time", "certificate"],
        ),
        ("c3-nosct", ROOT, &[], "certificate log", &["read", "signature", "log entry", "time", "certificate"]),
        (
            "c3-rekor1-uri",
            ROOT,
            &["--use-signed-timestamps"],
            "timestamp",
            &["read", "signature", "log entry", "time", "certificate", "certificate log"],
        ),
        ("c3-key-rekor2", ROOT, &[], "signature", &read),
        ("c2-legacy-key", ROOT, &[], "signature", &read),
    ] {
        let told = object(&stage, root, case, flags);
        let piece = &told["pieces"][0];
        assert_eq!(ended(piece, "failed"), [failed], "{case} {root} {flags:?}: {piece}");
        assert_eq!(ended(piece, "passed"), passed, "{case} {root} {flags:?}: {piece}");
        assert_eq!((&piece["verdict"], &piece["verified"]), (&"does not count".into(), &Value::Null));
        assert!(piece["to-count"].is_string() && ended(piece, "not judged") != none, "{piece}");
    }
}

#[test]
fn attestation_is_told_as_one_and_its_kind_named() {
    let Some(stage) = Stage::set_up() else { return };
    let told = object(&stage, ROOT, "c3-attest-rekor2", &ALICE);
    let piece = &told["pieces"][0];
    assert_eq!(piece["verdict"], "genuine attestation, by whom it should be");
    let claims =
        piece["steps"].as_array().expect("steps").iter().find(|step| step["step"] == "claims").expect("claims");
    assert_eq!(
        claims["detail"],
        "an attestation about this image, of type `https://slsa.dev/provenance/v1`; it is not a signature"
    );
    assert_eq!(piece["unchecked"]["content"]["statement"]["predicateType"], "https://slsa.dev/provenance/v1");
}
