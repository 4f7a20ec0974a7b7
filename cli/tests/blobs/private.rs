//! Files that cosign 2 signs with a private Sigstore, in its older forms: log entries and timestamps beside the
//! signature, not in a bundle.

use std::{fs, path::Path};

use peers::{Client, Log, Outcome, Part, Sigstore, Subject};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const ALICE: Subject<'static> = Subject::Email("alice@shop.example");

struct Stage<'a> {
    sigstore: &'a Sigstore,
    client: Client,
}

impl<'a> Stage<'a> {
    fn new(sigstore: &'a Sigstore) -> Self {
        let mut client = Client::new();
        for (name, value) in sigstore.environment() {
            client.set(name, &value);
        }
        client.set("COSIGN_PASSWORD", "p");
        for (name, text) in [("file", "hello"), ("another", "other"), ("predicate", r#"{"a":1}"#)] {
            fs::write(client.home().join(name), text).expect("the home can be written");
        }
        let _ = client.run("cosign-2", ["generate-key-pair", "--output-key-prefix", "k"]).success();
        Self { sigstore, client }
    }

    /// cosign 2 makes a signature of the file, or of what is said of it.
    fn make(&self, line: &str) {
        let who = if line.contains("--key") {
            String::new()
        } else {
            let token = self.sigstore.token(ALICE);
            format!("--identity-token {token} --fulcio-url {}", self.sigstore.fulcio())
        };
        let (log, clock) = (self.sigstore.log(Log::Rekor1), self.sigstore.timestamps());
        let line = line.replace("TSA", &clock);
        let line = format!("{line} --yes {who} --rekor-url {log} file");
        let _ = self.client.run("cosign-2", line.split_whitespace()).success();
    }

    /// The command with a trusted root in place of what the environment names.
    fn run(&self, root: &Path, line: &str) -> Outcome {
        let (name, issuer) = self.sigstore.identity(ALICE);
        let who = match line.contains("--key") {
            true => String::new(),
            false => format!("--certificate-identity {name} --certificate-oidc-issuer {issuer}"),
        };
        let line = format!("{line} {who} --trusted-root {}", root.display());
        self.client.run(PROGRAM, line.split_whitespace())
    }
}

/// How cosign makes each, the parts to verify, and without which part of the trusted root none of it holds.
const FORMS: [(&str, &str, &[Part]); 6] = [
    ("sign-blob --bundle b", "verify-blob --bundle b", &[Part::Authority, Part::CertificateLog, Part::Rekor1]),
    ("sign-blob --key k.key --bundle b", "verify-blob --key k.pub --bundle b", &[Part::Rekor1]),
    (
        "sign-blob --bundle b --timestamp-server-url TSA --rfc3161-timestamp t",
        "verify-blob --bundle b --rfc3161-timestamp t --use-signed-timestamps",
        &[Part::Authority, Part::Rekor1, Part::Timestamps],
    ),
    (
        "attest-blob --bundle b --predicate predicate",
        "verify-blob-attestation --bundle b",
        &[Part::Authority, Part::CertificateLog, Part::Rekor1],
    ),
    (
        "attest-blob --bundle b --predicate predicate --rekor-entry-type intoto",
        "verify-blob-attestation --bundle b",
        &[Part::Authority, Part::Rekor1],
    ),
    (
        "attest-blob --key k.key --bundle b --predicate predicate",
        "verify-blob-attestation --key k.pub --bundle b",
        &[Part::Rekor1],
    ),
];

#[test]
fn older_forms_count_with_their_log_entries_and_timestamps() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    peers::require!("cosign-2");
    let sigstore = Sigstore::shared();
    let stage = Stage::new(&sigstore);
    for (make, verify, parts) in FORMS {
        stage.make(make);
        let outcome = stage.run(&sigstore.trusted_root(), &format!("{verify} file"));
        assert!(outcome.code == 0 && outcome.stderr.starts_with("Verified OK\n"), "{make}:\n{}", outcome.stderr);
        assert!(outcome.stderr.contains("  - promised to be in log "), "{make}:\n{}", outcome.stderr);
        let _ = stage.run(&sigstore.trusted_root(), &format!("{verify} another")).failure(1);
        let _ = stage.run(&sigstore.trusted_root_of_others(), &format!("{verify} file")).failure(1);
        for part in parts {
            let said = stage.run(&sigstore.trusted_root_without(*part), &format!("{verify} file")).failure(1);
            assert!(said.contains("error: file: "), "{make} without {part:?}: {said}");
        }
        // what the environment names is as good
        let who = if verify.contains("--key") {
            String::new()
        } else {
            let (name, issuer) = sigstore.identity(ALICE);
            format!("--certificate-identity {name} --certificate-oidc-issuer {issuer}")
        };
        let line = format!("{verify} {who} file");
        let _ = stage.client.run(PROGRAM, line.split_whitespace()).success();
    }
}

#[test]
fn bundles_made_of_older_ones_are_those_that_cosign_makes() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    peers::require!("cosign-2");
    let sigstore = Sigstore::shared();
    let stage = Stage::new(&sigstore);
    stage.make("sign-blob --key k.key --bundle b");
    let line =
        format!("bundle create --artifact file --bundle b --key k.pub --rekor-url {} --out", sigstore.log(Log::Rekor1));
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(stage.client.home().join(name)).expect("it was written")).expect("it is JSON")
    };
    let _ = stage.client.run("cosign-3", format!("{line} theirs").split(' ')).success();
    let _ = stage.client.run(PROGRAM, format!("{line} ours").split(' ')).success();
    let (mut theirs, mut ours) = (read("theirs"), read("ours"));
    theirs["mediaType"] = ours["mediaType"].clone();
    // the log's tree may have grown in between, and its promise is signed anew for each who asks
    for bundle in [&mut theirs, &mut ours] {
        let entry = bundle.pointer_mut("/verificationMaterial/tlogEntries/0").expect("an entry");
        assert!(entry["inclusionProof"]["checkpoint"]["envelope"].is_string(), "{entry}");
        entry["inclusionProof"].take();
        entry["inclusionPromise"].take();
        // an index of zero may be left out
        entry.as_object_mut().expect("an object").entry("logIndex").or_insert_with(|| "0".into());
    }
    assert_eq!(ours, theirs);
    let root = sigstore.trusted_root().display().to_string();
    for (program, bundle) in [("cosign-3", "ours"), (PROGRAM, "ours"), (PROGRAM, "theirs")] {
        let args = ["verify-blob", "--key", "k.pub", "--trusted-root", &root, "--bundle", bundle, "file"];
        let _ = stage.client.run(program, args).success();
    }
}
