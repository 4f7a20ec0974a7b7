//! Whom to trust from the files in `SIGSTORE_…` variables, as cosign has them.

use std::fs;

use peers::{Client, Outcome};

use crate::stage::{ALICE, PROGRAM, Stage};

const ALL: [(&str, &str); 4] = [
    ("SIGSTORE_ROOT_FILE", "pki/fulcio-chain.pem"),
    ("SIGSTORE_REKOR_PUBLIC_KEY", "pki/rekor1.pub"),
    ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "pki/ctlog.pub"),
    ("SIGSTORE_TSA_CERTIFICATE_FILE", "pki/tsa-chain.pem"),
];

/// `verify` of a case as alice's, with these variables and flags.
fn verify(stage: &Stage, case: &str, files: &[(&str, &str)], flags: &[&str]) -> Outcome {
    let mut client = Client::new();
    for (variable, file) in files {
        client.set(variable, &stage.path(file));
    }
    let image = stage.image(&stage.case(case));
    client.run(PROGRAM, ["verify"].iter().chain(&ALICE).chain(flags).chain(&[image.as_str()]))
}

fn without(variable: &str) -> Vec<(&'static str, &'static str)> {
    ALL.into_iter().filter(|(name, _)| *name != variable).collect()
}

#[test]
fn files_of_a_private_instance_are_enough_for_both_formats() {
    let Some(stage) = Stage::set_up() else { return };
    for (case, flags) in [
        ("c2-legacy", &[][..]),
        ("c2-legacy-tsa", &["--use-signed-timestamps"]),
        ("c2-bundle-rekor1", &[]),
        ("c3-rekor1-tsa", &["--use-signed-timestamps"]),
    ] {
        let said = verify(&stage, case, &ALL, flags).success();
        assert!(said.contains("critical"), "{case}: {said}");
    }
}

#[test]
fn files_of_a_private_instance_stand_alone() {
    let Some(stage) = Stage::set_up() else { return };
    for (variable, wanted) in [
        ("SIGSTORE_ROOT_FILE", "certificate authority is trusted"),
        ("SIGSTORE_REKOR_PUBLIC_KEY", "no valid log entry"),
        ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "no valid certificate timestamp"),
        ("SIGSTORE_TSA_CERTIFICATE_FILE", "no valid timestamp"),
    ] {
        let said = verify(&stage, "c2-legacy-tsa", &without(variable), &["--use-signed-timestamps"]).failure(12);
        assert!(said.contains(wanted) && !said.contains("TUF"), "without {variable}: {said}");
    }
}

#[test]
fn file_of_another_instance_refuses() {
    let Some(stage) = Stage::set_up() else { return };
    let mut files = without("SIGSTORE_REKOR_PUBLIC_KEY");
    files.push(("SIGSTORE_REKOR_PUBLIC_KEY", "pki/rekor2.pub"));
    let said = verify(&stage, "c2-legacy", &files, &[]).failure(12);
    assert!(said.contains("no valid log entry"), "{said}");
}

#[test]
fn several_keys_in_one_file_are_several_logs() {
    let Some(stage) = Stage::set_up() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let read = |name: &str| fs::read_to_string(stage.path(name)).expect("the corpus can be read");
    let both = folder.path().join("both.pub");
    fs::write(&both, read("pki/rekor2.pub") + &read("pki/rekor1.pub")).expect("the folder can be written");
    let mut files = without("SIGSTORE_REKOR_PUBLIC_KEY");
    let both = both.display().to_string();
    files.push(("SIGSTORE_REKOR_PUBLIC_KEY", &both));
    verify(&stage, "c2-legacy", &files, &[]).success();
}

#[test]
fn file_that_cannot_be_used_is_named_with_its_variable() {
    let Some(stage) = Stage::set_up() else { return };
    for (variable, file, wanted) in [
        ("SIGSTORE_ROOT_FILE", "pki/absent.pem", "no such file or directory"),
        ("SIGSTORE_ROOT_FILE", "pki/fulcio-int.pem", "SIGSTORE_ROOT_FILE: "),
        ("SIGSTORE_ROOT_FILE", "pki/rekor1.pub", "SIGSTORE_ROOT_FILE: "),
        ("SIGSTORE_REKOR_PUBLIC_KEY", "pki/fulcio-root.pem", "SIGSTORE_REKOR_PUBLIC_KEY: "),
        ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "README.md", "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: "),
        ("SIGSTORE_TSA_CERTIFICATE_FILE", "pki/tsa-leaf.key", "SIGSTORE_TSA_CERTIFICATE_FILE: "),
    ] {
        let mut files = without(variable);
        files.push((variable, file));
        let said = verify(&stage, "c2-legacy", &files, &[]).failure(1);
        assert!(said.contains(&format!("\nerror: {variable}: ")) && said.contains(wanted), "{said}");
    }
}
