//! `bundle create`, `inspect` and `upgrade`: beside cosign, with what is malformed, and with a log that answers.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Client, Cosign, Format, Outcome};
use serde_json::{Value, json};
use suites::hostile::{Reply, Server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const VERSION_3: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn run(client: &Client, line: &str) -> Outcome {
    client.run(PROGRAM, line.split_whitespace())
}

#[track_caller]
fn refuses(client: &Client, line: &str, wanted: &str) {
    let said = run(client, line).failure(1);
    assert!(said.contains("error: ") && said.contains(wanted), "{line}:\n{said}wanted: {wanted}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

fn read(client: &Client, name: &str) -> Value {
    json(&fs::read_to_string(client.home().join(name)).unwrap_or_else(|why| panic!("{name}: {why}")))
}

/// A cosign with a file that it has signed and attested by key in its older forms.
fn signed() -> Cosign {
    let mut cosign = Cosign::v2();
    let home = cosign.client().home().to_owned();
    fs::write(home.join("file"), "hello").expect("the home can be written");
    fs::write(home.join("predicate"), r#"{"a":1}"#).expect("the home can be written");
    let _ = cosign.generate_key_pair(&home.join("k"), "p");
    cosign.client_mut().set("COSIGN_PASSWORD", "p");
    let sign = ["--key", "k.key", "--bundle", "older", "--output-signature", "signature", "file"];
    let flags = cosign.signing_flags(Format::Legacy);
    let _ = cosign.run([&["sign-blob"], flags, &sign].concat()).success();
    let attest = ["--key", "k.key", "--predicate", "predicate", "--output-signature", "envelope", "file"];
    let _ = cosign.run([&["attest-blob"], flags, &attest].concat()).success();
    cosign
}

#[test]
fn bundles_that_are_put_together_are_those_that_cosign_makes() {
    peers::require!("cosign-2", "cosign-3");
    let cosign = signed();
    let client = cosign.client();
    for parts in ["--signature signature", "--bundle older"] {
        let line = format!("bundle create --artifact file {parts} --key k.pub --ignore-tlog --out");
        let _ = client.run("cosign-3", format!("{line} theirs").split(' ')).success();
        let _ = run(client, &format!("{line} ours")).success();
        let (mut theirs, ours) = (read(client, "theirs"), read(client, "ours"));
        assert_eq!(theirs["mediaType"], "application/vnd.dev.sigstore.bundle+json;version=0.3");
        theirs["mediaType"] = json!(VERSION_3);
        assert_eq!(ours, theirs, "{parts}");
        let printed = run(client, line.trim_end_matches(" --out")).success();
        assert_eq!(json(&printed), ours, "{parts}");
        let verify = ["verify-blob", "--insecure-ignore-tlog", "--key", "k.pub", "--bundle", "ours", "file"];
        let _ = client.run("cosign-3", verify).success();
        let _ = client.run(PROGRAM, verify).success();
    }
    let line = "bundle create --artifact file --attestation envelope --key k.pub --ignore-tlog --out statement";
    let _ = run(client, line).success();
    let verify =
        ["verify-blob-attestation", "--insecure-ignore-tlog", "--key", "k.pub", "--bundle", "statement", "file"];
    let _ = client.run("cosign-3", verify).success();
    let _ = client.run(PROGRAM, verify).success();
}

#[test]
fn what_is_no_bundle_yet_cannot_become_one() {
    peers::require!("cosign-2");
    let cosign = signed();
    let client = cosign.client();
    for (rest, wanted) in [
        (
            "--artifact file --signature signature --key k.pub",
            "no log entry is given, wanted one in --bundle, or --ignore-tlog",
        ),
        ("--artifact file --key k.pub --ignore-tlog", "no signature is given, wanted --bundle or --signature"),
        (
            "--artifact file --signature signature --ignore-tlog",
            "does not say whose it is, wanted --key or --certificate",
        ),
        ("--artifact absent --signature signature --key k.pub --ignore-tlog", "open absent: no such file"),
        ("--artifact file --attestation absent --key k.pub --ignore-tlog", "reading attestation: open absent: "),
        ("--artifact file --attestation predicate --key k.pub --ignore-tlog", "reading signature: "),
        ("--artifact file --signature signature --certificate k.pub --ignore-tlog", "loading certificate: k.pub: "),
        ("--artifact file --signature signature --key k.pub --ignore-tlog --out absent/x", "create bundle file: "),
        ("--signature signature --key k.pub --ignore-tlog", "--artifact"),
        ("--artifact file --signature signature --sk --ignore-tlog", "cosign's flag `--sk` is not here yet"),
    ] {
        refuses(client, &format!("bundle create {rest}"), wanted);
    }
    let done = "bundle create --artifact file --signature signature --key k.pub --ignore-tlog --out done";
    let _ = run(client, done).success();
    refuses(
        client,
        "bundle create --artifact file --bundle done --key k.pub --ignore-tlog",
        "a Sigstore bundle already",
    );
}

/// What an older cosign would have kept of the entry in this exchange, and what the log answers.
struct Logged {
    digest: String,
    index: u64,
    older: Value,
    answer: String,
}

impl Logged {
    fn read(corpus: &Path) -> Self {
        let exchange = fs::read_to_string(corpus.join("golden-keyless/http/rekor1-get.json")).expect("it is there");
        let answer = json(&exchange)["response"]["body"].as_str().expect("a body").to_owned();
        let entries = json(&answer);
        let entry = entries.as_object().and_then(|all| all.values().next()).expect("an entry");
        let body = BASE64_STANDARD.decode(entry["body"].as_str().expect("a body")).expect("base64");
        let body: Value = serde_json::from_slice(&body).expect("it is JSON");
        let signature = &body["spec"]["signature"];
        let payload: serde_json::Map<_, _> = ["body", "integratedTime", "logIndex", "logID"]
            .map(|name| (name.to_owned(), entry[name].clone()))
            .into_iter()
            .collect();
        let promise = &entry["verification"]["signedEntryTimestamp"];
        let older = json!({
            "base64Signature": signature["content"], "cert": signature["publicKey"]["content"],
            "rekorBundle": { "SignedEntryTimestamp": promise, "Payload": payload },
        });
        let digest = format!("sha256:{}", body["spec"]["data"]["hash"]["value"].as_str().expect("a hash"));
        Self { digest, index: entry["logIndex"].as_u64().expect("an index"), older, answer }
    }
}

#[test]
fn inclusion_proof_that_is_missing_is_fetched_and_must_be_the_entrys() {
    let Some(corpus) = peers::corpus() else { return };
    let logged = Logged::read(&corpus);
    let client = Client::new();
    fs::write(client.home().join("older"), logged.older.to_string()).expect("the home can be written");
    let (index, answer) = (logged.index, logged.answer.clone());
    let log = Server::http(move |seen| match seen.target.ends_with(&format!("/api/v1/log/entries?logIndex={index}")) {
        true => Reply::ok("application/json", answer.clone()),
        false => Reply::status(404),
    });
    let create =
        format!("bundle create --artifact {} --bundle older --rekor-url http://{}", logged.digest, log.address());
    let said = run(&client, &format!("{create} --out bundle"));
    assert!(said.stderr.contains("Fetching missing inclusion proof from Rekor for log index "), "{}", said.stderr);
    let _ = said.success();
    let bundle = read(&client, "bundle");
    assert_eq!(bundle["mediaType"], VERSION_3);
    assert!(bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"].is_object(), "{bundle}");
    let root = corpus.join("golden-keyless/trusted_root.json").display().to_string();
    let verify = |bundle: &str| {
        let who = "--certificate-identity-regexp ^.*$ --certificate-oidc-issuer-regexp ^.*$";
        run(&client, &format!("verify-blob --trusted-root {root} {who} --bundle {bundle} {}", logged.digest))
    };
    let outcome = verify("bundle");
    assert!(outcome.code == 0 && outcome.stderr.contains("  - included in log "), "{}", outcome.stderr);
    let outcome = verify("older");
    assert!(outcome.code == 0 && outcome.stderr.contains("  - promised to be in log "), "{}", outcome.stderr);
    refuses(&client, &format!("{create} --ignore-tlog"), "cannot ignore transparency log");
}

#[test]
fn log_that_answers_otherwise_gives_no_proof() {
    let Some(corpus) = peers::corpus() else { return };
    let logged = Logged::read(&corpus);
    let client = Client::new();
    fs::write(client.home().join("older"), logged.older.to_string()).expect("the home can be written");
    let moved = logged.answer.replace(&format!("\"logIndex\":{}", logged.index), "\"logIndex\":77");
    assert_ne!(moved, logged.answer);
    for (reply, wanted) in [
        (Reply::ok("application/json", moved), "log entry is of another log, index or body than those in the bundle"),
        (Reply::ok("application/json", "{}"), "exactly one log entry"),
        (Reply::ok("application/json", "").endless(), "transparency log"),
        (Reply::status(404), "404"),
        (Reply::redirect("http://127.0.0.1:9/"), "transparency log"),
    ] {
        let log = Server::http(move |_| reply.clone());
        let create =
            format!("bundle create --artifact {} --bundle older --rekor-url http://{}", logged.digest, log.address());
        refuses(&client, &create, wanted);
    }
    let create = format!("bundle create --artifact {} --bundle older", logged.digest);
    refuses(&client, &format!("{create} --rekor-url http://127.0.0.1:9"), "transparency log");
}

#[test]
fn no_log_is_asked_that_nobody_named() {
    let Some(corpus) = peers::corpus() else { return };
    let logged = Logged::read(&corpus);
    let mut client = Client::new();
    fs::write(client.home().join("older"), logged.older.to_string()).expect("the home can be written");
    let create = format!("bundle create --artifact {} --bundle older", logged.digest);
    let said = run(&client, &create).failure(1);
    assert!(said.contains("has no inclusion proof, and no log is named to ask for it"), "{said}");
    assert!(said.contains("--rekor-url https://rekor.sigstore.dev"), "{said}");
    client.set("COSIGN_REKOR_URL", "http://127.0.0.1:9");
    refuses(&client, &create, "transparency log: no answer from 127.0.0.1");
}

#[test]
fn upgraded_bundle_says_the_same_and_still_verifies() {
    peers::require!("cosign-3");
    let Some(corpus) = peers::corpus() else { return };
    let client = Client::new();
    let old = corpus.join("bundles/happy-path-v0.2/bundle.sigstore.json").display().to_string();
    let _ = run(&client, &format!("bundle upgrade {old} --out ours")).success();
    let theirs = Cosign::v3().run(["bundle", "upgrade", &old]).success();
    let ours = read(&client, "ours");
    assert_eq!(ours["mediaType"], VERSION_3);
    let theirs = json(theirs.lines().find(|line| line.starts_with('{')).expect("a bundle"));
    assert_eq!(ours["verificationMaterial"]["certificate"], theirs["verificationMaterial"]["certificate"]);
    assert_eq!(ours["messageSignature"], theirs["messageSignature"]);
    let root = corpus.join("public-good/trusted_root.json").display().to_string();
    let artifact = corpus.join("bundles/a.txt").display().to_string();
    let who = "--certificate-identity-regexp ^.*$ --certificate-oidc-issuer-regexp ^.*$";
    let verify = format!("verify-blob --trusted-root {root} {who} --bundle ours {artifact}");
    let _ = run(&client, &verify).success();
    let again = run(&client, "bundle upgrade ours");
    assert!(again.stderr.contains("Bundle is already at v0.3, no upgrade needed.\n"), "{}", again.stderr);
    assert_eq!(json(&again.success()), ours);
}

#[test]
fn inspection_shows_what_is_claimed_and_warns_that_it_is_unchecked() {
    let Some(corpus) = peers::corpus() else { return };
    let client = Client::new();
    let bundle = corpus.join("golden-keyless/blobs/blob.rekor2.sigstore.json").display().to_string();
    let outcome = run(&client, &format!("bundle inspect {bundle}"));
    assert!(outcome.stderr.starts_with("WARNING: This command only inspects the contents of the bundle.\n"));
    let text = outcome.success();
    for line in [
        "- media type: application/vnd.dev.sigstore.bundle.v0.3+json",
        "- signer:",
        "  - kind: certificate",
        "- log entries: 1",
        "- timestamps: 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}:\n{text}");
    }
    assert!(text.contains("alice@sealgate.test") && text.contains("hashedrekord 0.0.2"), "{text}");
    let said = json(&run(&client, &format!("bundle inspect -o json {bundle}")).success());
    assert_eq!(said["mediaType"], VERSION_3);
    assert_eq!(said["content"]["kind"], "message-signature");
}

#[test]
fn what_is_no_bundle_is_not_shown() {
    let client = Client::new();
    for (text, wanted) in [
        ("{", "reading bundle: b: bundle is not strict JSON: "),
        ("{}", "reading bundle: b: bundle: "),
        (r#"{"mediaType":"x\u001b[31m"}"#, "reading bundle: b: "),
    ] {
        fs::write(client.home().join("b"), text).expect("the home can be written");
        for command in ["inspect", "upgrade"] {
            refuses(&client, &format!("bundle {command} b"), wanted);
            assert!(!run(&client, &format!("bundle {command} b")).stderr.contains('\u{1b}'));
        }
    }
    refuses(&client, "bundle inspect absent", "reading bundle: open absent: no such file or directory");
}
