//! Certificates and authorities that are given, for images: `--certificate`, `--certificate-chain`, `--ca-roots`,
//! `--ca-intermediates`, `--timestamp-certificate-chain`.

use std::fs;

use peers::Outcome;

use crate::stage::{ALICE, Stage};

const ROOT: &str = "trusted_root.json";

/// `verify` of a case with these flags, in which `pki/` is the corpus's.
fn verify(stage: &Stage, root: &str, case: &str, flags: &str) -> Outcome {
    let pki = stage.path("pki/");
    let flags: Vec<String> = flags.split_whitespace().map(|word| word.replace("pki/", &pki)).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(ALICE).collect();
    stage.verify(root, &stage.case(case), &flags)
}

#[test]
fn authorities_that_are_given_replace_those_of_the_trusted_root() {
    let Some(stage) = Stage::set_up() else { return };
    let foreign = peers::Authority::new("foreign");
    fs::write(stage.sealgate.client().home().join("foreign.pem"), foreign.certificate()).expect("it can be written");
    for case in ["c2-legacy", "c3-rekor2"] {
        for flags in [
            "--certificate-chain pki/fulcio-chain.pem",
            "--ca-roots pki/fulcio-root.pem --ca-intermediates pki/fulcio-int.pem",
        ] {
            let _ = verify(&stage, ROOT, case, flags).success();
        }
        for flags in ["--certificate-chain foreign.pem", "--ca-roots foreign.pem"] {
            let said = verify(&stage, ROOT, case, flags).failure(12);
            assert!(
                said.contains("does not lead to a trusted authority") || said.contains("authority"),
                "{flags}: {said}"
            );
        }
    }
}

#[test]
fn clock_that_is_given_replaces_those_of_the_trusted_root_and_is_asked_for() {
    let Some(stage) = Stage::set_up() else { return };
    let given = "--timestamp-certificate-chain pki/tsa-chain.pem";
    let _ = verify(&stage, "trusted_root.no-tsa.json", "c3-rekor2", given).success();
    let said = verify(&stage, ROOT, "c3-rekor1-uri", given).failure(12);
    assert!(said.contains("no valid timestamp") || said.contains("wanted alice"), "{said}");
    let said = verify(&stage, ROOT, "c2-legacy", given).failure(12);
    assert!(said.contains("no valid timestamp"), "{said}");
    let foreign = "--timestamp-certificate-chain pki/fulcio-chain.pem";
    let said = verify(&stage, ROOT, "c3-rekor2", foreign).failure(12);
    assert!(said.contains("timestamp is by an unknown authority"), "{said}");
}

#[test]
fn certificate_that_is_given_must_have_made_the_signature() {
    let Some(stage) = Stage::set_up() else { return };
    for (name, case) in [("right.pem", "c2-legacy"), ("wrong.pem", "c2-legacy-tsa")] {
        fs::write(stage.sealgate.client().home().join(name), leaf_of(&stage, case)).expect("it can be written");
    }
    let _ = verify(&stage, ROOT, "c2-legacy", "--certificate right.pem").success();
    let said = verify(&stage, ROOT, "c2-legacy", "--certificate wrong.pem").failure(12);
    assert!(said.contains("signature is not by the certificate that was given"), "{said}");
    let said = verify(&stage, ROOT, "c2-legacy", "--certificate pki/cosign.pub").failure(1);
    assert!(said.starts_with("error: loading certificate: "), "{said}");
}

/// The certificate in the layer of a case's signature.
fn leaf_of(stage: &Stage, case: &str) -> String {
    let layout = stage.path(&format!("cases/{case}/layout"));
    let json = |path: String| {
        serde_json::from_slice::<serde_json::Value>(&fs::read(&path).expect("it is there")).expect("it is JSON")
    };
    let blob = |digest: &str| format!("{layout}/blobs/{}", digest.replace(':', "/"));
    let index = json(format!("{layout}/index.json"));
    let tagged = index["manifests"].as_array().expect("a list").iter().find(|entry| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
        name.is_some_and(|name| name.ends_with(".sig"))
    });
    let manifest = json(blob(tagged.expect("a tag")["digest"].as_str().expect("a digest")));
    manifest["layers"][0]["annotations"]["dev.sigstore.cosign/certificate"].as_str().expect("a certificate").to_owned()
}
