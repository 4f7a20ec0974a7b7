//! `attest`: what cosign can verify, what is stored, and what never counts as a signature.

use peers::Cosign;

use crate::stage::Stage;

#[test]
fn attestations_are_cosigns_and_no_signatures() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let stage = Stage::set_up();
    stage.write("p.json", r#"{"a":1}"#);
    for (format, cosigns) in [("bundle", vec![Cosign::v3()]), ("legacy", vec![Cosign::v2(), Cosign::v3()])] {
        let image = stage.image(format);
        let line = format!("attest --key k.key --predicate p.json --type openvex --format {format} {image}");
        let _ = stage.run(&line).success();
        for cosign in cosigns {
            let _ = cosign.verify_attestation(&stage.key().public, &image, "openvex", &[]).success();
            assert_ne!(cosign.verify_attestation(&stage.key().public, &image, "spdxjson", &[]).code, 0);
        }
        let outcome = stage.run(&format!("verify --private-infrastructure --key k.pub {image}"));
        assert_eq!(outcome.code, 10, "{}", outcome.stderr);
    }
}

#[test]
fn what_is_not_stored_is_written() {
    peers::require!("crane");
    let stage = Stage::set_up();
    stage.write("p.json", r#"{"a":1}"#);
    let image = stage.image("1");
    let before = stage.registry.requests().len();
    let said = stage.run(&format!("attest --key k.key --predicate p.json --no-upload {image}")).failure(1);
    assert!(said.contains("must enable upload to the OCI registry or specify a local --bundle path"), "{said}");
    assert_eq!(stage.registry.requests().len(), before, "refused before anybody was asked");
    let _ = stage.run(&format!("attest --key k.key --predicate p.json --no-upload --bundle b.json {image}")).success();
    assert!(stage.json("b.json")["dsseEnvelope"].is_object());
    let legacy =
        stage.run(&format!("attest --key k.key --predicate p.json --no-upload --format legacy {image}")).success();
    let envelope: serde_json::Value = serde_json::from_str(&legacy).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert!(!stage.stored_since(before));
}

#[test]
fn statement_about_another_image_is_refused() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let (one, two) = (stage.image("1"), stage.image("2"));
    let digest = |image: &str| image.rsplit_once(':').unwrap().1.to_owned();
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://a.test/p","predicate":{{}}}}"#,
        digest(&one)
    );
    stage.write("s.json", &statement);
    let before = stage.registry.requests().len();
    let said = stage.run(&format!("attest --key k.key --statement s.json {two}")).failure(1);
    assert!(said.contains(&format!("statement is about sha256:{}", digest(&one))), "{said}");
    assert!(!stage.stored_since(before));
    let _ = stage.run(&format!("attest --key k.key --statement s.json {one}")).success();
    assert!(stage.stored_since(before));
}

#[test]
fn lines_that_say_nothing_are_refused_before_anybody_is_asked() {
    let stage = Stage::set_up();
    stage.write("p.json", "{}");
    let image = format!("{}/a/b", stage.registry.address());
    let before = stage.registry.requests().len();
    for (line, wanted) in [
        (format!("attest --key k.key {image}"), "--predicate <FILE>"),
        (format!("attest --key k.key --predicate p.json --statement p.json {image}"), "cannot be used with"),
        (format!("attest --key k.key --predicate absent {image}"), "open absent: no such file or directory"),
        (
            format!("attest --key k.key --predicate p.json --rekor-entry-type x {image}"),
            "[possible values: dsse, intoto]",
        ),
        (format!("attest --key k.key --predicate p.json --bundle b {image} {image}"), "--bundle names one file"),
        (
            format!("attest --key k.key --predicate p.json --replace --format legacy {image}"),
            "--replace is not here yet for the legacy format",
        ),
        (
            format!("attest --key k.key --predicate p.json --record-creation-timestamp --format both {image}"),
            "--record-creation-timestamp is not here yet for the legacy format",
        ),
    ] {
        let said = stage.run(&line).failure(1);
        assert!(said.contains(wanted), "{line}: {said}");
    }
    assert_eq!(stage.registry.requests().len(), before);
}

#[test]
fn bundles_stay_beside_each_other() {
    peers::require!("crane", "cosign-3");
    let stage = Stage::set_up();
    let image = stage.image("1");
    for said in ["1", "2"] {
        stage.write("p.json", said);
        let line = format!("attest --key k.key --predicate p.json --record-creation-timestamp --replace {image}");
        let outcome = stage.run(&line);
        assert!(outcome.stderr.contains("WARNING: --replace: bundles are never replaced"), "{}", outcome.stderr);
        let _ = outcome.success();
    }
    let found = Cosign::v3().verify_attestation(&stage.key().public, &image, "custom", &[]).success();
    assert_eq!(found.lines().count(), 2, "{found}");
}
