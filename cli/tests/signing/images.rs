//! `sign`: the files it leaves behind, and what it does not store.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;

use crate::stage::Stage;

const VERIFY: &str = "verify --private-infrastructure --key k.pub";

#[test]
fn bundle_in_a_file_is_written_each_time_and_stored_once() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let mut written = Vec::new();
    for did in ["Pushed signature: sha256:", "Signature was there already: sha256:"] {
        let outcome = stage.run(&format!("sign --key k.key --bundle b.json {image}"));
        assert!(outcome.stderr.contains(did), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("Wrote bundle to file b.json\n"), "{}", outcome.stderr);
        assert_eq!(outcome.success(), "");
        let bundle = stage.json("b.json");
        assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
        written.push(bundle);
        std::fs::remove_file(stage.path("b.json")).unwrap();
    }
    assert_eq!(written[0], written[1], "what is stored is what is written");
    let _ = stage.run(&format!("{VERIFY} {image}")).success();
}

#[test]
fn nothing_is_stored_without_upload() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let before = stage.registry.requests().len();
    let said = stage.run(&format!("sign --key k.key --upload=false {image}")).failure(1);
    assert!(said.contains("must enable upload to the OCI registry or specify a local --bundle path"), "{said}");
    assert_eq!(stage.registry.requests().len(), before, "refused before anybody was asked");
    let _ = stage.run(&format!("sign --key k.key --upload=false --bundle b.json {image}")).success();
    let _ =
        stage.run(&format!("sign --key k.key --upload=false --format legacy --output-signature s {image}")).success();
    assert!(!stage.stored_since(before) && stage.exists("b.json") && stage.exists("s"));
    let _ = stage.run(&format!("{VERIFY} {image}")).failure(10);
}

#[test]
fn parts_of_a_legacy_signature_are_written_as_they_were_signed() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let parts = "--output-signature s --output-payload p --output-certificate c --bundle b.json";
    let _ = stage.run(&format!("sign --key k.key --format legacy {parts} {image}")).success();
    let key = PublicKey::from_pem(stage.written("c").as_bytes()).unwrap();
    let signature = BASE64_STANDARD.decode(stage.written("s")).unwrap();
    key.verify(stage.written("p").as_bytes(), &signature).unwrap();
    assert!(stage.written("p").contains(image.split_once('@').unwrap().1));
    assert_eq!(stage.json("b.json")["base64Signature"], stage.written("s"));
    let hex = image.rsplit_once(':').unwrap().1;
    let _ = stage.run(&format!("sign --key k.key --format legacy --recursive --output-signature r {image}")).success();
    assert!(stage.exists(&format!("r-sha256-{hex}")) && !stage.exists("r"));
}

#[test]
fn files_of_the_other_format_are_refused_by_a_warning() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let outcome = stage.run(&format!("sign --key k.key --output-signature s --output-payload p {image}"));
    for flag in ["--output-signature", "--output-payload"] {
        let warning = format!("WARNING: {flag} is deprecated when using --new-bundle-format and will be ignored\n");
        assert!(outcome.stderr.contains(&warning), "{}", outcome.stderr);
    }
    let _ = outcome.success();
    assert!(!stage.exists("s") && !stage.exists("p"));
}

#[test]
fn one_bundle_file_is_for_one_signature() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let (one, two) = (stage.image("1"), stage.image("2"));
    let before = stage.registry.requests().len();
    let said = stage.run(&format!("sign --key k.key --bundle b.json {one} {two}")).failure(1);
    assert!(said.contains("--bundle names one file, and 2 manifests are to be signed"), "{said}");
    assert!(!stage.stored_since(before) && !stage.exists("b.json"));
}

#[test]
fn file_that_cannot_be_written_is_said() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let said = stage.run(&format!("sign --key k.key --bundle no/b.json {image}")).failure(1);
    assert!(said.ends_with("error: create bundle file: open no/b.json: no such file or directory\n"), "{said}");
}

#[test]
fn certificate_must_be_for_the_key() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let image = stage.image("1");
    let before = stage.registry.requests().len();
    let authority = peers::Authority::new("somebody's authority");
    stage.write("c.pem", authority.certificate());
    let said = stage.run(&format!("sign --key k.key --certificate c.pem {image}")).failure(1);
    assert!(said.contains("error: certificate is for ") && said.contains(", wanted "), "{said}");
    stage.write("c.pem", "no certificate");
    let said = stage.run(&format!("sign --key k.key --certificate c.pem {image}")).failure(1);
    assert!(said.contains("error: reading certificate: c.pem: other text found, wanted certificates in PEM"), "{said}");
    let said = stage.run(&format!("sign --certificate c.pem {image}")).failure(1);
    assert!(said.contains("--key <KEY>"), "{said}");
    assert!(!stage.stored_since(before));
}
