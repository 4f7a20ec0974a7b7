//! Files that cosign signed with a private Sigstore.

use std::{fs, path::Path};

use peers::{Client, Outcome};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const ALICE: [&str; 4] =
    ["--certificate-identity", "alice@sealgate.test", "--certificate-oidc-issuer", "http://127.0.0.1:15001/email"];
const BUNDLES: [&str; 4] = [
    "blob.rekor1.sigstore.json",
    "blob.rekor1.rsa-sign-pkcs1-2048-sha256.sigstore.json",
    "blob.rekor2.sigstore.json",
    "blob.rekor2.ecdsa-sha2-384-nistp384.sigstore.json",
];

fn verify(corpus: &Path, bundle: &str, root: &str, file: &str, who: &[&str]) -> Outcome {
    let path = |name: &str| corpus.join("golden-keyless").join(name).display().to_string();
    let (bundle, root, file) = (path(&format!("blobs/{bundle}")), path(root), path(file));
    let args = ["verify-blob", "--bundle", &bundle, "--trusted-root", &root];
    Client::new().run(PROGRAM, args.into_iter().chain(who.iter().copied()).chain([file.as_str()]))
}

#[test]
fn signer_time_and_log_are_said() {
    let Some(corpus) = peers::corpus() else { return };
    for bundle in BUNDLES {
        let outcome = verify(&corpus, bundle, "trusted_root.json", "blobs/blob.txt", &ALICE);
        assert_eq!(outcome.code, 0, "{bundle}: {}", outcome.stderr);
        let said = &outcome.stderr;
        assert!(
            said.starts_with("Verified OK\nSigned by alice@sealgate.test (http://127.0.0.1:15001/email):\n"),
            "{said}"
        );
        assert!(said.contains("  - at 2026-11-25T01:1") && said.contains("  - included in log "), "{said}");
        assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    }
}

#[test]
fn each_thing_that_is_wrong_is_named() {
    let Some(corpus) = peers::corpus() else { return };
    let blob = "blobs/blob.txt";
    for bundle in BUNDLES {
        let refused = |root, file, who: &[&str], wanted: &str| {
            let said = verify(&corpus, bundle, root, file, who).failure(1);
            assert!(said.starts_with("error: ") && said.contains(wanted), "{bundle}, {wanted}: {said}");
        };
        let bob = ["--certificate-identity", "bob@sealgate.test", ALICE[2], ALICE[3]];
        refused(
            "trusted_root.json",
            blob,
            &bob,
            "signed by alice@sealgate.test (http://127.0.0.1:15001/email), wanted bob@",
        );
        refused("trusted_root.json", "trusted_root.json", &ALICE, "artifact is ");
        refused("trusted_root.other.json", blob, &ALICE, "");
        let log = if bundle.contains("rekor1") { "trusted_root.no-rekor1.json" } else { "trusted_root.no-rekor2.json" };
        refused(log, blob, &ALICE, "log entry is of unknown log");
        refused("trusted_root.no-ctlog.json", blob, &ALICE, "certificate");
        let key = corpus.join("golden-keyless/pki/cosign.pub").display().to_string();
        refused("trusted_root.json", blob, &["--key", &key], "wanted key ");
    }
}

#[test]
fn statement_is_not_taken_for_a_signature_of_the_file_by_the_command_for_statements() {
    let Some(corpus) = peers::corpus() else { return };
    let path = |name: &str| corpus.join("golden-keyless").join(name).display().to_string();
    let (bundle, root, file) =
        (path("blobs/blob.rekor1.sigstore.json"), path("trusted_root.json"), path("blobs/blob.txt"));
    let args = ["verify-blob-attestation", "--bundle", &bundle, "--trusted-root", &root];
    let outcome = Client::new().run(PROGRAM, args.into_iter().chain(ALICE).chain([file.as_str()]));
    let said = outcome.failure(1);
    assert!(said.contains("the file itself is signed, wanted a statement about it"), "{said}");
}

#[test]
fn newer_bundle_may_bring_a_chain_only_where_that_is_allowed() {
    let Some(corpus) = peers::corpus() else { return };
    let client = Client::new();
    let path = |name: &str| corpus.join("golden-keyless").join(name).display().to_string();
    let text = fs::read_to_string(path("blobs/blob.rekor1.sigstore.json")).expect("it is there");
    let mut bundle: Value = serde_json::from_str(&text).expect("it is JSON");
    let between = fs::read_to_string(path("pki/fulcio-int.pem")).expect("it is there");
    let between: String = between.lines().filter(|line| !line.starts_with("-----")).collect();
    let material = bundle["verificationMaterial"].as_object_mut().expect("an object");
    let leaf = material.remove("certificate").expect("a certificate");
    let chain = json!({ "certificates": [leaf, { "rawBytes": between }] });
    material.insert("x509CertificateChain".to_owned(), chain);
    fs::write(client.home().join("chained"), bundle.to_string()).expect("the home can be written");
    let (root, file) = (path("trusted_root.json"), path("blobs/blob.txt"));
    let args = ["verify-blob", "--bundle", "chained", "--trusted-root", &root].into_iter().chain(ALICE);
    let args: Vec<&str> = args.chain([file.as_str()]).collect();
    let said = client.run(PROGRAM, &args).failure(1);
    assert!(said.contains("x509CertificateChain found, wanted certificate"), "{said}");
    let _ = client.run(PROGRAM, [&args[..], &["--allow-certificate-chain"]].concat()).success();
}
