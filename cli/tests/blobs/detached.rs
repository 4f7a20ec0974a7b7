//! Signatures by certificate in files of their own: those that cosign made of an image's payload with a private
//! Sigstore, taken out of the registry as `cosign download signature` takes them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::Outcome;
use serde_json::{Value, json};
use suites::sealgate::Sealgate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const ALICE: &str = "--certificate-identity alice@sealgate.test --certificate-oidc-issuer http://127.0.0.1:15001/email";

/// A home with the parts of one signature: `payload`, `signature`, `leaf.pem`, and as far as there are such, `older`
/// (cosign's older bundle) and `stamp`.
struct Stage {
    sealgate: Sealgate,
    corpus: PathBuf,
}

impl Stage {
    fn set_up(case: &str) -> Option<Self> {
        let stage = Self { sealgate: Sealgate::new(PROGRAM), corpus: peers::corpus()?.join("golden-keyless") };
        let (payload, notes) = signature(&stage.corpus.join("cases").join(case).join("layout"));
        let note = |name: &str| notes[format!("dev.sigstore.cosign/{name}")].as_str();
        let signature = notes["dev.cosignproject.cosign/signature"].as_str().expect("a signature");
        let certificate = note("certificate").expect("a certificate");
        let log_entry = note("bundle").map(|text| serde_json::from_str::<Value>(text).expect("it is JSON"));
        let encoded = BASE64_STANDARD.encode(certificate);
        let older = json!({ "base64Signature": signature, "cert": encoded, "rekorBundle": log_entry });
        stage.write("payload", &payload);
        stage.write("signature", signature.as_bytes());
        stage.write("leaf.pem", certificate.as_bytes());
        stage.write("leaf.base64", encoded.as_bytes());
        stage.write("chain.pem", note("chain").expect("a chain").as_bytes());
        stage.write("older", older.to_string().as_bytes());
        stage.write("stamp", note("rfc3161timestamp").unwrap_or("{}").as_bytes());
        Some(stage)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.sealgate.client().home().join(name), bytes).expect("the home can be written");
    }

    fn run(&self, root: &str, flags: &str) -> Outcome {
        let root = self.corpus.join(root).display().to_string();
        let line = format!("verify-blob --trusted-root {root} {flags} payload");
        self.sealgate.run(line.split_whitespace())
    }

    #[track_caller]
    fn passes(&self, root: &str, flags: &str) -> String {
        let outcome = self.run(root, flags);
        assert!(outcome.code == 0 && outcome.stderr.contains("Verified OK\n"), "{flags}: {}", outcome.stderr);
        outcome.stderr
    }

    #[track_caller]
    fn refuses(&self, root: &str, flags: &str, wanted: &str) {
        let said = self.run(root, flags).failure(1);
        assert!(said.contains(wanted), "{root} {flags}:\n{said}wanted: {wanted}");
    }
}

/// The payload under the only signature tag of a layout, and the annotations of its layer.
fn signature(layout: &Path) -> (Vec<u8>, Value) {
    let json =
        |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).expect("it is there")).expect("it is JSON");
    let blob = |digest: &Value| layout.join("blobs").join(digest.as_str().expect("a digest").replace(':', "/"));
    let index = json(layout.join("index.json"));
    let tagged = |entry: &&Value| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
        name.is_some_and(|name| name.ends_with(".sig"))
    };
    let entry = index["manifests"].as_array().expect("a list").iter().find(tagged).expect("a signature tag");
    let layer = json(blob(&entry["digest"]))["layers"][0].clone();
    (fs::read(blob(&layer["digest"])).expect("it is there"), layer["annotations"].clone())
}

const ROOT: &str = "trusted_root.json";

#[test]
fn older_bundle_counts_by_its_certificate_and_log_entry() {
    let Some(stage) = Stage::set_up("c2-legacy") else { return };
    let said = stage.passes(ROOT, &format!("--bundle older {ALICE}"));
    assert!(said.contains("Signed by alice@sealgate.test") && said.contains("promised to be in log"), "{said}");
    for certificate in ["leaf.pem", "leaf.base64"] {
        stage.passes(ROOT, &format!("--bundle older --certificate {certificate} {ALICE}"));
    }
    stage.refuses("trusted_root.no-rekor1.json", &format!("--bundle older {ALICE}"), "unknown log");
    stage.refuses("trusted_root.other.json", &format!("--bundle older {ALICE}"), "");
    stage.refuses(ROOT, &format!("--bundle older {}", ALICE.replace("alice", "bob")), "wanted bob@sealgate.test");
    stage.write("payload", b"another");
    stage.refuses(ROOT, &format!("--bundle older {ALICE}"), "signature is not by the certificate it comes with");
}

#[test]
fn signature_alone_has_no_log_entry_and_no_time() {
    let Some(stage) = Stage::set_up("c2-legacy") else { return };
    let alone = format!("--signature signature --certificate leaf.pem {ALICE}");
    stage.refuses(ROOT, &alone, "no valid log entry");
    stage.refuses(ROOT, &format!("{alone} --insecure-ignore-tlog"), "no trusted time");
    stage.refuses(
        ROOT,
        &format!("--signature signature {ALICE}"),
        "does not say whose it is, wanted --key or --certificate",
    );
}

#[test]
fn timestamp_beside_a_signature_is_its_time() {
    for case in ["c2-legacy-tsa", "c2-legacy-tsa-only"] {
        let Some(stage) = Stage::set_up(case) else { return };
        let alone = format!("--signature signature --certificate leaf.pem --rfc3161-timestamp stamp {ALICE}");
        let ignoring = format!("{alone} --insecure-ignore-tlog");
        let said = stage.passes(ROOT, &ignoring);
        assert!(said.contains("by timestamp authority sha256:"), "{said}");
        stage.passes(ROOT, &format!("{ignoring} --use-signed-timestamps"));
        stage.refuses(ROOT, &alone, "no valid log entry");
        stage.refuses("trusted_root.no-tsa.json", &ignoring, "no trusted time");
    }
}

#[test]
fn certificate_that_did_not_make_the_signature_is_refused() {
    let (Some(stage), Some(other)) = (Stage::set_up("c2-legacy"), Stage::set_up("c2-legacy-tsa")) else { return };
    let leaf = fs::read(other.sealgate.client().home().join("leaf.pem")).expect("it was written");
    stage.write("other.pem", &leaf);
    for flags in ["--bundle older", "--signature signature --insecure-ignore-tlog"] {
        stage.refuses(
            ROOT,
            &format!("{flags} --certificate other.pem {ALICE}"),
            "not by the certificate that was given",
        );
    }
}

#[test]
fn authorities_that_are_given_are_trusted_and_no_others() {
    let Some(stage) = Stage::set_up("c2-legacy") else { return };
    let older = format!("--bundle older {ALICE}");
    let pki = |name: &str| stage.corpus.join("pki").join(name).display().to_string();
    let roots = format!("--ca-roots {} --ca-intermediates {}", pki("fulcio-root.pem"), pki("fulcio-int.pem"));
    stage.passes(ROOT, &format!("{older} --certificate-chain chain.pem"));
    stage.passes(ROOT, &format!("{older} {roots}"));
    // the certificate's own annotation brings nothing that lies between
    stage.refuses(ROOT, &format!("{older} --ca-roots {}", pki("fulcio-root.pem")), "authority");
    stage.write("foreign.pem", peers::Authority::new("foreign").certificate().as_bytes());
    stage.refuses(ROOT, &format!("{older} --certificate-chain foreign.pem"), "authority");
    stage.refuses(ROOT, &format!("{older} --ca-roots foreign.pem"), "authority");
    stage.refuses(ROOT, &format!("{older} --ca-intermediates chain.pem"), "--ca-roots");
    stage.refuses(
        ROOT,
        &format!("{older} --ca-roots foreign.pem --certificate-chain chain.pem"),
        "cannot be used with",
    );
    stage.refuses(ROOT, &format!("{older} --certificate-chain signature"), "loading certificate: signature: ");
    stage.refuses(ROOT, &format!("{older} --certificate-chain absent"), "loading certificate: open absent: ");
    stage.refuses(ROOT, "--bundle older --key leaf.pem --certificate leaf.pem", "cannot be used with");
}

#[test]
fn given_authorities_of_both_kinds_need_no_trusted_root() {
    let Some(stage) = Stage::set_up("c2-legacy-tsa-only") else { return };
    let pki = |name: &str| stage.corpus.join("pki").join(name).display().to_string();
    let line = |clock: &str, rest: &str| {
        let flags = "--signature signature --certificate leaf.pem --rfc3161-timestamp stamp --insecure-ignore-tlog";
        let chain = format!("--certificate-chain {} {clock} {rest}", pki("fulcio-chain.pem"));
        stage.sealgate.run(format!("verify-blob {flags} {chain} {ALICE} payload").split_whitespace())
    };
    let clock = format!("--timestamp-certificate-chain {}", pki("tsa-chain.pem"));
    let outcome = line(&clock, "--insecure-ignore-sct");
    assert!(outcome.code == 0 && outcome.stderr.contains("Verified OK\n"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("TUF"), "{}", outcome.stderr);
    // what else is needed comes from the public instance, which knows neither this log nor this clock
    for (clock, rest, wanted) in [
        (clock.as_str(), "", "certificate timestamp is of unknown log"),
        ("", "--insecure-ignore-sct", "no trusted time"),
    ] {
        let said = line(clock, rest).failure(1);
        assert!(said.contains(wanted), "{said}");
    }
    let foreign = format!("--timestamp-certificate-chain {}", pki("fulcio-chain.pem"));
    let said = line(&foreign, "--insecure-ignore-sct").failure(1);
    assert!(said.contains("timestamp is by an unknown authority"), "{said}");
}
