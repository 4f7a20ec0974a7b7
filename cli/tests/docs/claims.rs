//! What docs/differences.md claims of the command line and no other test shows.

use crate::stage::Stage;

const IMAGE: &str = "127.0.0.1:5000/shop/cart:1.4";
const UNSIGNED: &str = "127.0.0.1:5000/shop/cart:1.5";
const VERIFY: &str = "sealgate verify --private-infrastructure --key team.pub";

/// A stage with a key pair `team`, by which the image is signed in this format.
fn signed(format: &str) -> Stage {
    let stage = Stage::set_up();
    let _ = stage.shell("sealgate generate-key-pair --output-key-prefix team").success();
    let _ = stage.shell(&format!("sealgate sign --format {format} --key team.key {IMAGE}")).success();
    stage
}

/// The digest of an image, as `triangulate` prints it.
fn digest(stage: &Stage, image: &str) -> String {
    let printed = stage.shell(&format!("sealgate triangulate --type digest {image}")).success();
    printed.split_once("@sha256:").expect("a digest").1.to_owned()
}

/// What a command prints on both outputs that ends with this code, which is not 0.
#[track_caller]
fn refused(stage: &Stage, code: i32, command: &str) -> String {
    let outcome = stage.shell(command);
    assert_eq!(outcome.code, code, "`{command}` said:\n{}", outcome.stdout);
    outcome.stdout
}

#[test]
fn digest_is_compared_without_check_claims() {
    let stage = signed("legacy");
    let (from, to) = (digest(&stage, IMAGE), digest(&stage, UNSIGNED));
    stage.copy_manifest("shop/cart", &format!("sha256-{from}.sig"), &format!("sha256-{to}.sig"));
    let _ = stage.shell(&format!("{VERIFY} --check-claims=false -a never=signed {IMAGE}")).success();
    let said = refused(&stage, 12, &format!("{VERIFY} --check-claims=false {UNSIGNED}"));
    assert!(said.contains(&format!("signature is for sha256:{from}, image is sha256:{to}")), "{said}");
}

#[test]
fn digest_that_does_not_exist_is_no_image() {
    let stage = signed("bundle");
    let said = refused(&stage, 11, &format!("{VERIFY} 127.0.0.1:5000/shop/cart@sha256:{}", "0".repeat(64)));
    assert!(said.contains("does not exist in its registry"), "{said}");
}

#[test]
fn flags_that_are_not_here_are_refused_by_name() {
    let stage = Stage::set_up();
    for (code, command, flag) in [
        (1, "sealgate verify --sct x", "cosign's flag `--sct`"),
        (1, "sealgate sign --sk --key team.key", "cosign's flag `--sk`"),
        (125, "sealgate pull --all-tags", "docker's flag `--all-tags`"),
    ] {
        let said = refused(&stage, code, &format!("{command} {IMAGE}"));
        assert!(said.contains(flag) && said.contains("not here yet"), "{said}");
    }
}

#[test]
fn keys_kept_elsewhere_are_refused_by_name() {
    let stage = Stage::set_up();
    for scheme in ["awskms://", "gcpkms://", "hashivault://", "k8s://", "https://"] {
        let said = refused(&stage, 1, &format!("{VERIFY} --key {scheme}key {IMAGE}").replace("--key team.pub ", ""));
        assert!(said.contains(&format!("keys kept at `{scheme}`")), "{said}");
    }
}

#[test]
fn newline_of_a_password_on_standard_input_is_part_of_it() {
    let stage = Stage::set_up();
    let made = "unset COSIGN_PASSWORD; echo secret | sealgate generate-key-pair";
    let _ = stage.shell(made).success();
    let _ = stage.shell("unset COSIGN_PASSWORD; echo secret | sealgate public-key --key cosign.key").success();
    let without = "unset COSIGN_PASSWORD; printf secret | sealgate public-key --key cosign.key";
    assert!(refused(&stage, 1, without).contains("wrong password"));
}
