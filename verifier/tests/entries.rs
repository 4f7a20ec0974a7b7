//! Every kind of log entry, genuine and with one thing changed; checkpoints, good and bad.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use oci::Digest;
use serde_json::{Value, json};
use verifier::{CheckpointFault, Fault, LogFault, SetAside, TrustRoot, VerifiedSignature, Window};
use world::{Leaf, T, World, b64, judge, stamped, statement, unlogged};

/// A bundle with its time by a timestamp, so that an entry matters for being an entry alone.
struct Bench {
    world: World,
    leaf: Leaf,
    bundle: Value,
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        let leaf = world.leaf();
        let bundle = unlogged(&leaf, &statement());
        let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
        let bundle = stamped(bundle, &[stamp]);
        Self { world, leaf, bundle }
    }

    fn judge(&self, entry: &Value) -> Result<VerifiedSignature, LogFault> {
        self.judge_under(entry, &self.world.trust())
    }

    fn judge_under(&self, entry: &Value, trust: &TrustRoot) -> Result<VerifiedSignature, LogFault> {
        let mut bundle = self.bundle.clone();
        bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
        judge(&bundle, trust).map_err(|fault| match fault {
            Fault::NoLogEntry { set_aside } => match set_aside.as_slice() {
                [SetAside::LogEntry { why, .. }] => why.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other}"),
        })
    }

    fn body(&self, kind: &str, version: &str) -> Value {
        let signature = world::signature(&self.bundle);
        let pem = b64(pem::encode(&pem::Pem::new("CERTIFICATE", self.leaf.der.clone())));
        let payload = Digest::of(statement().as_bytes());
        let kind_of_payload = "application/vnd.in-toto+json";
        let pae = format!("DSSEv1 {} {kind_of_payload} {} {}", kind_of_payload.len(), statement().len(), statement());
        let message = Digest::of(pae.as_bytes());
        let hex = |digest: &Digest| json!({ "algorithm": "sha256", "value": digest.hex() });
        let raw = |digest: &Digest| json!({ "algorithm": "SHA2_256", "digest": b64(digest.as_bytes()) });
        let verifier =
            json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": { "rawBytes": b64(&self.leaf.der) } });
        let spec = match (kind, version) {
            ("hashedrekord", "0.0.1") => json!({ "data": { "hash": hex(&message) },
                "signature": { "content": b64(&signature), "publicKey": { "content": pem } } }),
            ("rekord", "0.0.1") => json!({ "data": { "hash": hex(&message) },
                "signature": { "content": b64(&signature), "format": "x509", "publicKey": { "content": pem } } }),
            ("dsse", "0.0.1") => json!({ "envelopeHash": hex(&message), "payloadHash": hex(&payload),
                "signatures": [{ "signature": b64(&signature), "verifier": pem }] }),
            ("intoto", "0.0.1") => {
                json!({ "content": { "hash": hex(&message), "payloadHash": hex(&payload) }, "publicKey": pem })
            }
            ("intoto", "0.0.2") => json!({ "content": { "envelope": { "payloadType": kind_of_payload,
                "signatures": [{ "publicKey": pem, "sig": b64(b64(&signature)) }] },
                "hash": hex(&message), "payloadHash": hex(&payload) } }),
            ("hashedrekord", "0.0.2") => json!({ "hashedRekordV002": { "data": raw(&message),
                "signature": { "content": b64(&signature), "verifier": verifier } } }),
            ("dsse", "0.0.2") => json!({ "dsseV002": { "payloadHash": raw(&payload),
                "signatures": [{ "content": b64(&signature), "verifier": verifier }] } }),
            other => panic!("{other:?}"),
        };
        json!({ "apiVersion": version, "kind": kind, "spec": spec })
    }

    fn entry(&self, kind: &str, version: &str, body: &str) -> Value {
        match version {
            "0.0.2" if kind != "intoto" => self.world.entry_2((kind, version), body),
            _ => self.world.entry((kind, version), body, T + 1),
        }
    }
}

const KINDS: [(&str, &str); 7] = [
    ("hashedrekord", "0.0.1"),
    ("rekord", "0.0.1"),
    ("dsse", "0.0.1"),
    ("intoto", "0.0.1"),
    ("intoto", "0.0.2"),
    ("hashedrekord", "0.0.2"),
    ("dsse", "0.0.2"),
];

#[test]
fn every_kind_of_entry_proves_the_signature_that_it_records() {
    let bench = Bench::new();
    for (kind, version) in KINDS {
        let body = bench.body(kind, version).to_string();
        let signature = bench.judge(&bench.entry(kind, version, &body)).unwrap_or_else(|why| panic!("{kind}: {why}"));
        assert_eq!(signature.proofs().log_entries()[0].log, "log.test");
    }
}

#[test]
fn entry_of_another_signature_signer_or_content_proves_nothing_in_any_kind() {
    let (bench, other) = (Bench::new(), Bench::new());
    let digest = |text: &str| (Digest::of(text.as_bytes()).hex(), b64(Digest::of(text.as_bytes()).as_bytes()));
    for (kind, version) in KINDS {
        let own = bench.body(kind, version).to_string();
        let judge = |body: String| bench.judge(&bench.entry(kind, version, &body)).map(drop).unwrap_err();
        // the same payload, signed by somebody else
        let fault = judge(other.body(kind, version).to_string());
        let wanted =
            if (kind, version) == ("intoto", "0.0.1") { LogFault::OtherSigner } else { LogFault::OtherSignature };
        assert_eq!(fault, wanted, "{kind} {version}");
        // our signature, by somebody else
        let (mine, theirs) = (&bench.leaf.der, &other.leaf.der);
        let pem = |der: &Vec<u8>| b64(pem::encode(&pem::Pem::new("CERTIFICATE", der.clone())));
        let swapped = own.replace(&pem(mine), &pem(theirs)).replace(&b64(mine), &b64(theirs));
        assert_eq!(judge(swapped), LogFault::OtherSigner, "{kind} {version}");
        // our signature over something else
        let pae = format!("DSSEv1 28 application/vnd.in-toto+json {} {}", statement().len(), statement());
        let mut moved = own.clone();
        for text in [statement(), pae] {
            let ((hex, raw), (other_hex, other_raw)) = (digest(&text), digest("other"));
            moved = moved.replace(&hex, &other_hex).replace(&raw, &other_raw);
        }
        assert!(matches!(judge(moved), LogFault::OtherDigest { .. }), "{kind} {version}");
    }
}

#[test]
fn entry_says_what_its_body_is() {
    let bench = Bench::new();
    let body = bench.body("dsse", "0.0.1").to_string();
    let entry = bench.world.entry(("intoto", "0.0.1"), &body, T + 1);
    assert_eq!(bench.judge(&entry).map(drop), Err(LogFault::OtherKind { found: "dsse 0.0.1".into() }));
    let unknown = body.replace("0.0.1", "0.0.9");
    let entry = bench.world.entry(("dsse", "0.0.9"), &unknown, T + 1);
    assert_eq!(bench.judge(&entry).map(drop), Err(LogFault::Kind { found: "dsse 0.0.9".into() }));
}

#[test]
fn body_of_version_2_is_canonical_and_has_no_more_members() {
    let bench = Bench::new();
    let body = bench.body("hashedrekord", "0.0.2").to_string();
    let judge = |body: &str| bench.judge(&bench.world.entry_2(("hashedrekord", "0.0.2"), body)).map(drop).unwrap_err();
    assert_eq!(judge(&body.replace("\"kind\"", " \"kind\"")), LogFault::NotCanonical);
    assert!(matches!(judge(&body.replace("\"kind\"", "\"more\":1,\"kind\"")), LogFault::Field(_)));
    assert!(matches!(judge(&body.replace("\"kind\"", "\"kind\":\"x\",\"kind\"")), LogFault::Json(_)));
}

#[test]
fn entry_needs_a_proof_and_the_proof_its_place() {
    let bench = Bench::new();
    let body = bench.body("dsse", "0.0.1").to_string();
    let fault = |change: fn(&mut Value)| {
        let mut entry = bench.world.entry(("dsse", "0.0.1"), &body, T + 1);
        change(&mut entry);
        bench.judge(&entry).map(drop)
    };
    let without = |name: &'static str| move |entry: &mut Value| drop(entry.as_object_mut().unwrap().remove(name));
    let mut bare = bench.world.entry(("dsse", "0.0.1"), &body, T + 1);
    without("inclusionProof")(&mut bare);
    assert_eq!(bench.judge(&bare).map(drop), Err(LogFault::NoProof));
    assert_eq!(fault(|_| ()), Ok(()));
    assert_eq!(fault(|e| e["inclusionProof"]["hashes"] = json!([b64([0; 32])])), Err(LogFault::Proof));
    assert!(matches!(
        fault(|e| e["inclusionProof"]["treeSize"] = json!("2")),
        Err(LogFault::Checkpoint(CheckpointFault::OtherTree { .. }))
    ));
    assert_eq!(fault(|e| e["inclusionProof"]["logIndex"] = json!("1")), Err(LogFault::Proof));
    assert!(matches!(fault(|e| e["logIndex"] = json!("-5")), Err(LogFault::Field(_))));
    assert_eq!(fault(|e| e["logIndex"] = json!("6")), Err(LogFault::Promise));
    let mut moved = bench.world.entry_2(("dsse", "0.0.1"), &body);
    moved["logIndex"] = json!("1");
    assert_eq!(bench.judge(&moved).map(drop), Err(LogFault::Index { found: 1, wanted: 0 }));
}

#[test]
fn checkpoint_must_be_the_logs_and_witnesses_change_nothing() {
    let (bench, stranger) = (Bench::new(), World::new());
    let body = bench.body("dsse", "0.0.2").to_string();
    let root = b64(Digest::of(&[b"\0", body.as_bytes()].concat()).as_bytes());
    let judge = |note: String| {
        let mut entry = bench.world.entry_2(("dsse", "0.0.2"), &body);
        entry["inclusionProof"]["checkpoint"]["envelope"] = json!(note);
        bench.judge(&entry).map(drop).map_err(|fault| match fault {
            LogFault::Checkpoint(fault) => fault,
            other => panic!("{other}"),
        })
    };
    let text = format!("log.test\n1\n{root}\n");
    let own = bench.world.checkpoint(&text);
    let witness = "\u{2014} witness.test AAAAAAAA\n";
    let line = own.split("\n\n").nth(1).unwrap();
    assert_eq!(judge(own.clone()), Ok(()));
    assert_eq!(judge(format!("{own}{witness}")), Ok(()));
    assert_eq!(judge(format!("{text}\n{witness}{line}")), Ok(()));
    let unsigned = CheckpointFault::Unsigned { wanted: "log.test".into() };
    assert_eq!(judge(format!("{text}\n{witness}")), Err(unsigned.clone()));
    assert_eq!(judge(stranger.checkpoint(&text)), Err(unsigned.clone()));
    assert_eq!(judge(own.replace(" log.test ", " elsewhere.test ")), Err(unsigned));
    assert_eq!(judge(format!("log.test\n1\n{root}\nmore\n\n{line}")), Err(CheckpointFault::Signature));
    let elsewhere = bench.world.checkpoint(&format!("elsewhere.test\n1\n{root}\n"));
    assert!(matches!(judge(elsewhere), Err(CheckpointFault::Origin { .. })));
    let other_tree = bench.world.checkpoint(&format!("log.test\n2\n{root}\n"));
    assert!(matches!(judge(other_tree), Err(CheckpointFault::OtherTree { .. })));
    for bad in ["", "log.test", "log.test\n1\n", "log.test\n01\nx\n\n\u{2014} a b\n", &text, &own[..own.len() - 1]] {
        assert!(matches!(judge(bad.to_owned()), Err(CheckpointFault::Malformed(_))), "{bad}");
    }
}

#[test]
fn log_must_be_trusted_when_it_logged_or_else_when_the_signature_was_stamped() {
    let bench = Bench::new();
    let body = bench.body("dsse", "0.0.2").to_string();
    let entry = || bench.world.entry_2(("dsse", "0.0.2"), &body);
    let log = |window: Window| {
        let log = verifier::TransparencyLog::new(bench.world.rekor.public().clone(), "https://log.test/", window);
        let tsa = verifier::TimestampAuthority::from_pem(&bench.world.tsa.pem(true), Window::UNBOUNDED).unwrap();
        let ca = verifier::CertificateAuthority::from_pem(&bench.world.ca.pem(), Window::UNBOUNDED).unwrap();
        let trust = TrustRoot::new(vec![]).with_log(log).with_authority(ca).with_timestamp_authority(tsa);
        trust.demanding(verifier::Demands { log_entry: true, ..verifier::Demands::NOTHING })
    };
    assert!(bench.judge_under(&entry(), &log(world::window(T + 1, T + 1))).is_ok());
    for outside in [world::window(T - 9, T), world::window(T + 2, T + 9)] {
        assert!(matches!(bench.judge_under(&entry(), &log(outside)), Err(LogFault::Outside { .. })));
    }
}
