//! Files that cosign signs by key, in every form in which it keeps such a signature.

use std::fs;

use peers::{Cosign, Format, Outcome};
use suites::sealgate::Sealgate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// A home with two files, `file` signed and attested by both cosigns with their keys, and a key of somebody else.
struct Stage(Sealgate);

impl Stage {
    fn set_up() -> Self {
        let stage = Self(Sealgate::new(PROGRAM));
        for (name, text) in [("file", "hello"), ("another", "other"), ("predicate", r#"{"a":1}"#)] {
            fs::write(stage.path(name), text).expect("the home can be written");
        }
        let (mut old, mut new) = (Cosign::v2(), Cosign::v3());
        for (version, cosign) in [("2", &mut old), ("3", &mut new)] {
            let _ = cosign.generate_key_pair(stage.path(&format!("key{version}")).as_ref(), "p");
            cosign.client_mut().set("COSIGN_PASSWORD", "p");
        }
        let _ = old.generate_key_pair(stage.path("other").as_ref(), "p");
        stage.bundles("3", &new, new.signing_flags(Format::Bundle));
        stage.bundles("2", &old, old.signing_flags(Format::Bundle));
        stage.bundles("older", &old, old.signing_flags(Format::Legacy));
        stage
    }

    fn bundles(&self, form: &str, cosign: &Cosign, flags: &[&str]) {
        let key = self.path(if form == "3" { "key3.key" } else { "key2.key" });
        let own = |kind: &str| self.path(&format!("{kind}{form}"));
        let (predicate, file) = (self.path("predicate"), self.path("file"));
        let (bundle, signature) = (own("bundle"), own("signature"));
        let detached = if form == "older" { vec!["--output-signature", &signature] } else { Vec::new() };
        let rest = ["--key", &key, "--bundle", &bundle];
        let _ = cosign.run([&["sign-blob"], flags, &rest, &detached, &[&file]].concat()).success();
        let (bundle, signature) = (own("attested"), own("envelope"));
        let detached = if form == "older" { vec!["--output-signature", &signature] } else { Vec::new() };
        let rest = ["--key", &key, "--type", "custom", "--predicate", &predicate, "--bundle", &bundle];
        let _ = cosign.run([&["attest-blob"], flags, &rest, &detached, &[&file]].concat()).success();
    }

    fn path(&self, name: &str) -> String {
        self.0.client().home().join(name).display().to_string()
    }

    /// Runs a command line that lacks only that no log is asked for.
    fn run(&self, line: &str) -> Outcome {
        self.0.run(line.split(' ').chain(["--private-infrastructure"]))
    }

    #[track_caller]
    fn passes(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert!(outcome.code == 0 && outcome.stderr.starts_with("Verified OK\n"), "{line}: {}", outcome.stderr);
        outcome.stderr
    }

    #[track_caller]
    fn refuses(&self, line: &str, wanted: &str) {
        let said = self.run(line).failure(1);
        assert!(said.contains("error: ") && said.contains(wanted), "{line}: {said}");
    }
}

/// Key and flags of each form in which the file's signature is kept.
const SIGNATURES: [(&str, &str); 4] = [
    ("key3", "--bundle bundle3"),
    ("key2", "--bundle bundle2"),
    ("key2", "--bundle bundleolder"),
    ("key2", "--signature signatureolder"),
];
const STATEMENTS: [(&str, &str); 4] = [
    ("key3", "--bundle attested3"),
    ("key2", "--bundle attested2"),
    ("key2", "--bundle attestedolder"),
    ("key2", "--signature envelopeolder"),
];

#[test]
fn signature_counts_for_its_file_by_its_key_in_every_form() {
    peers::require!("cosign-2", "cosign-3");
    let stage = Stage::set_up();
    let digest = oci::Digest::of(b"hello");
    for (key, form) in SIGNATURES {
        let said = stage.passes(&format!("verify-blob --key {key}.pub {form} file"));
        assert!(said.contains("\nSigned by key ") && said.contains("at a time that nobody"), "{said}");
        stage.passes(&format!("verify-blob --key {key}.pub {form} {digest}"));
        stage.refuses(&format!("verify-blob --key other.pub {form} file"), "not by a trusted key: 1 tried");
        stage.refuses(&format!("verify-blob --key {key}.pub {form} another"), "");
        stage.refuses(&format!("verify-blob --key {key}.pub {form} absent"), "open absent: no such file or directory");
        stage.refuses(&format!("verify-blob-attestation --key {key}.pub {form} file"), "the file itself is signed");
    }
    let text = fs::read_to_string(stage.path("signatureolder")).expect("cosign wrote it");
    stage.passes(&format!("verify-blob --key key2.pub --signature {text} file"));
    stage.refuses(&format!("verify-blob --key key2.pub --signature {text}x file"), "is neither a file nor base64");
}

#[test]
fn statement_counts_for_its_file_and_its_type_in_every_form() {
    peers::require!("cosign-2", "cosign-3");
    let stage = Stage::set_up();
    let hex = oci::Digest::of(b"hello").hex();
    for (key, form) in STATEMENTS {
        let line = |rest: &str| format!("verify-blob-attestation --key {key}.pub {form} {rest}");
        stage.passes(&line("file"));
        stage.passes(&line("--type custom file"));
        stage.passes(&line("--type https://cosign.sigstore.dev/attestation/v1 file"));
        stage.passes(&line(&format!("--digest {hex} --digestAlg sha256")));
        stage.passes(&line(&format!("sha256:{hex}")));
        stage.refuses(
            &line("--type spdxjson file"),
            "invalid predicate type, expected https://spdx.dev/Document got https://cosign",
        );
        stage.refuses(&line("another"), "statement is about ");
        stage.refuses(&line("--check-claims=false another"), "statement is about ");
        stage.refuses(&line(&format!("--digest {} --digestAlg sha256", "0".repeat(64))), "statement is about ");
        stage.refuses(&line(&format!("--digest {} --digestAlg sha512", "0".repeat(128))), "by sha512 is given");
        stage.refuses(&format!("verify-blob-attestation --key other.pub {form} file"), "not by a trusted key: 1 tried");
        let line = format!("verify-blob --key {key}.pub {form} file");
        stage.refuses(&line, "what is signed is a statement about the file, of type https://cosign.");
        stage.refuses(&line, "hint: sealgate verify-blob-attestation checks what is stated about a file");
    }
    stage.refuses("verify-blob-attestation --key key3.pub --bundle attested3", "required");
}

#[test]
fn log_entry_is_asked_for_unless_told_otherwise() {
    peers::require!("cosign-2", "cosign-3");
    let stage = Stage::set_up();
    let root = peers::corpus().map(|corpus| corpus.join("golden-keyless/trusted_root.json").display().to_string());
    let Some(root) = root else { return };
    for (key, form) in SIGNATURES {
        let line = format!("verify-blob --trusted-root {root} --key {key}.pub {form} file");
        let said = stage.0.run(line.split(' ')).failure(1);
        assert!(said.starts_with("error: file: no valid log entry") && !said.contains("hint: "), "{said}");
        let said = stage.0.run(format!("{line} --rekor-url https://rekor.test").split(' ')).failure(1);
        assert!(said.contains("hint: --rekor-url is not asked: "), "{said}");
    }
}
