//! What a stranger who can write to a registry might try: to hide what is good, to keep the judge busy, to fill its logs.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use oci::{Digest, location};
use serde_json::{Value, json};
use verifier::{
    Artifact, CertificateAuthority, CertificateError, CheckpointFault, Demands, Fault, LogFault, SetAside,
    TimestampAuthority, TimestampFault, TransparencyLog, TrustRoot, UntrustedSignature, Window, examine_blob,
};
use world::{
    Leaf, NOW, T, World, b64, der, evidence, judge, judge_layer, log_fault, payload, place, stamped, statement, time,
    token_saying, unlogged,
};

fn pem_of(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

fn entries(bundle: &mut Value) -> &mut Vec<Value> {
    bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap()
}

#[test]
fn false_copy_of_an_entry_does_not_hide_the_good_one() {
    let world = World::new();
    let mut bundle = world.bundle(&world.leaf(), T + 1);
    let good = entries(&mut bundle)[0].clone();
    let mut bad = good.clone();
    bad["inclusionPromise"]["signedEntryTimestamp"] = json!(b64("no signature"));
    for (list, why) in
        [(vec![bad.clone(), good.clone()], LogFault::Promise), (vec![good.clone(), good], LogFault::Repeated)]
    {
        *entries(&mut bundle) = list;
        let signature = judge(&bundle, &world.trust()).unwrap();
        assert_eq!(signature.proofs().log_entries().len(), 1);
        let [SetAside::LogEntry { why: found, .. }] = signature.proofs().set_aside() else {
            panic!("one is set aside")
        };
        assert_eq!(*found, why);
    }
    *entries(&mut bundle) = vec![bad];
    assert_eq!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Promise);
}

#[test]
fn certificate_with_more_extensions_than_are_looked_at_is_refused_and_one_twice_is_malformed() {
    let world = World::new();
    let fault = |der: Vec<u8>| {
        let mut annotations = world.layer(&world.leaf(), &payload(), T + 1);
        annotations.insert(location::CERTIFICATE_ANNOTATION.into(), pem_of(&der));
        judge_layer(&payload(), annotations, &world.trust()).unwrap_err()
    };
    let too_many = |found| Fault::Certificate(CertificateError::TooManyExtensions { found, most: 64 });
    assert_eq!(fault(with_extensions(64, &[])), Fault::NotByCertificate);
    assert_eq!(fault(with_extensions(65, &[])), too_many(65));
    assert_eq!(fault(with_extensions(5500, &[])), too_many(5500));
    let malformed = Fault::Certificate(CertificateError::Malformed);
    assert_eq!(fault(with_extensions(63, &extension(200))), malformed);
}

#[test]
fn timestamps_full_of_extensions_are_refused() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement());
    let made = world::signature(&bundle);
    let leaf = &world.tsa.leaf;
    let stamp = token_saying(leaf, leaf, &[], (Digest::of(&made).as_bytes(), T + 1), &[&with_extensions(5500, &[])]);
    let trust = world::stamps_only(world.trust());
    let Err(Fault::NoTimestamp { set_aside }) = judge(&stamped(bundle, &vec![stamp; 32]), &trust) else {
        panic!("no timestamp is proven")
    };
    assert!(set_aside.iter().all(|one| one.to_string() == "timestamp is malformed"), "{set_aside:?}");
}

/// A certificate by nobody, with the public key of a signer's.
fn with_extensions(count: u16, more: &[u8]) -> Vec<u8> {
    let leaf = World::new().leaf();
    let mut parts = der::certificate(&leaf.der);
    let list: Vec<u8> = (200..200 + count).flat_map(extension).chain(more.iter().copied()).collect();
    let extensions = der::tlv(0xa3, &[&der::sequence(&[&list])]);
    *parts.last_mut().unwrap() = &extensions;
    let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2])]);
    der::sequence(&[&der::sequence(&parts), &algorithm, &[3, 2, 0, 0]])
}

fn extension(number: u16) -> Vec<u8> {
    der::sequence(&[&der::oid(&[1, 2, u64::from(number)]), &der::octets(&[])])
}

/// The bundle with another checkpoint, in which these words stand for the tree's root and the log's own line.
fn proven(world: &World, bundle: &Value, checkpoint: &str) -> Value {
    let mut bundle = bundle.clone();
    let proof = &mut entries(&mut bundle)[0]["inclusionProof"];
    let root = proof["rootHash"].as_str().unwrap().to_owned();
    let genuine = world.checkpoint(&format!("log.test - 1\n1\n{root}\n"));
    let line = genuine.rsplit_once("\n\n").unwrap().1;
    proof["checkpoint"]["envelope"] = json!(checkpoint.replace("ROOT", &root).replace("GENUINE", line));
    bundle
}

#[test]
fn two_lines_of_a_checkpoint_may_be_called_the_logs_and_no_third_is_looked_at() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = world.bundle(&leaf, T + 1);
    let id = Digest::of(world.rekor.public().to_der());
    let line = |hint: &[u8]| format!("\u{2014} x {}\n", b64([&hint[..4], &leaf.key.sign(b"x").unwrap()].concat()));
    let (false_one, witness) = (line(id.as_bytes()), line(b"else"));
    let judge = |lines: &str| {
        let note = format!("log.test - 1\n1\nROOT\n\n{lines}GENUINE");
        judge(&proven(&world, &bundle, &note), &world.trust()).map(drop).map_err(log_fault)
    };
    for lines in [String::new(), false_one.clone(), witness.repeat(99)] {
        assert_eq!(judge(&lines), Ok(()));
    }
    for count in [2, 99] {
        assert_eq!(judge(&false_one.repeat(count)), Err(LogFault::Checkpoint(CheckpointFault::Signature)));
    }
}

#[test]
fn checkpoint_of_another_tree_and_a_path_elsewhere_are_refused_before_any_signature_is_checked() {
    let world = World::new();
    let bundle = world.bundle(&world.leaf(), T + 1);
    let unsigned = |text: &str| proven(&world, &bundle, &format!("{text}\n\n\u{2014} x AAAAAAA=\n"));
    let fault = |bundle: &Value| log_fault(judge(bundle, &world.trust()).unwrap_err());
    let other = fault(&unsigned("log.test - 1\n2\nROOT"));
    assert!(matches!(other, LogFault::Checkpoint(CheckpointFault::OtherTree { .. })), "{other}");
    let mut elsewhere = unsigned("log.test - 1\n1\nROOT");
    entries(&mut elsewhere)[0]["inclusionProof"]["hashes"] = json!([b64([0; 32])]);
    assert_eq!(fault(&elsewhere), LogFault::Proof);
    let unsigned = fault(&unsigned("log.test - 1\n1\nROOT"));
    assert!(matches!(unsigned, LogFault::Checkpoint(CheckpointFault::Unsigned { .. })), "{unsigned}");
}

/// What a log of version 1 records of the statement's signature, with this hash.
fn record(world: &World, bundle: &Value, hash: &str, signer: &str) -> Value {
    let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": { "algorithm": "sha256", "value": "00" },
        "payloadHash": { "algorithm": "sha256", "value": hash },
        "signatures": [{ "signature": b64(world::signature(bundle)), "verifier": b64(signer) }] } });
    world.entry(("dsse", "0.0.1"), &body.to_string(), T + 1)
}

#[test]
fn recorded_hash_of_another_length_is_refused_in_few_words() {
    let world = World::new();
    let leaf = world.leaf();
    let mut bundle = world.bundle(&leaf, T + 1);
    let digest = Digest::of(statement().as_bytes()).hex();
    let mut judge = |hash: &str| {
        *entries(&mut bundle) = vec![record(&world, &bundle, hash, &pem_of(&leaf.der))];
        judge(&bundle, &world.trust()).map(drop).map_err(log_fault)
    };
    assert_eq!(judge(&digest), Ok(()));
    for (hash, found) in [("ab".repeat(100_000), 100_000), (digest[2..].to_owned(), 31), (String::new(), 0)] {
        let fault = judge(&hash).unwrap_err();
        assert_eq!(fault, LogFault::HashLength { found, wanted: 32 });
        assert!(fault.to_string().len() < 200, "{fault}");
    }
}

#[test]
fn hash_noted_or_stamped_of_another_length_is_refused_in_few_words() {
    let world = World::new();
    let noted = |digest: Vec<u8>| {
        let bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": "" } },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": b64(digest) }, "signature": b64("x") } });
        examine_blob(Artifact::Bytes(b"x"), bundle.to_string().into_bytes(), &world.trust(), time(NOW)).unwrap_err()
    };
    for digest in [vec![7; 1_000_000], vec![7; 31]] {
        assert_eq!(noted(digest).to_string(), "bundle: `digest` is not standard base64 of the right length");
    }
    assert!(matches!(noted(vec![7; 32]), Fault::OtherArtifact { .. }));
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = |hash: &[u8]| {
        let stamp = token_saying(&world.tsa.leaf, &world.tsa.leaf, &[], (hash, T + 1), &[]);
        match judge(&stamped(bundle.clone(), &[stamp]), &world::stamps_only(world.trust())).unwrap_err() {
            Fault::NoTimestamp { set_aside } => set_aside[0].to_string(),
            other => panic!("{other}"),
        }
    };
    for length in [20_000, 31] {
        assert_eq!(stamp(&vec![7; length]), "timestamp is malformed");
    }
    assert!(stamp(&[7; 32]).starts_with("timestamp is of 0707"));
}

#[test]
fn timestamp_is_read_to_its_end_and_no_unknown_critical_extension_is_passed_over() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement());
    let made = world::signature(&bundle);
    let extensions =
        |critical: &[u8]| der::tlv(0xa1, &[&der::sequence(&[&der::oid(&[1, 2, 3]), critical, &der::octets(b"x")])]);
    let (accuracy, nonce) = (der::sequence(&[&der::integer(1)]), der::integer(7));
    let name = der::tlv(0xa0, &[&der::tlv(0xa4, &[&der::sequence(&[])])]);
    let all = [&accuracy[..], &[1, 1, 0xff], &nonce, &name, &extensions(&[])].concat();
    let judge = |more: &[u8]| {
        let leaf = &world.tsa.leaf;
        let stamp = token_saying(leaf, leaf, more, (Digest::of(&made).as_bytes(), T + 1), &[]);
        judge(&stamped(bundle.clone(), &[stamp]), &world::stamps_only(world.trust()))
    };
    for more in [&[][..], &nonce, &accuracy, &all] {
        assert!(judge(more).is_ok(), "{more:?}");
    }
    let backwards = [&nonce[..], &accuracy].concat();
    for more in [&extensions(&[1, 1, 0xff])[..], &der::octets(b"x"), &backwards, &[&all[..], &nonce].concat()] {
        let Fault::NoTimestamp { set_aside } = judge(more).unwrap_err() else { panic!("no timestamp is proven") };
        let malformed = SetAside::Timestamp { index: 0, why: TimestampFault::Malformed };
        assert_eq!(set_aside, [malformed], "{more:?}");
    }
}

/// A bundle that a log of version 2 recorded.
fn in_version_2(world: &World, leaf: &Leaf) -> Value {
    let mut bundle = unlogged(leaf, &statement());
    let made = world::signature(&bundle);
    let pae = format!("DSSEv1 28 application/vnd.in-toto+json {} {}", statement().len(), statement());
    let body = json!({ "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": {
        "data": { "algorithm": "SHA2_256", "digest": b64(Digest::of(pae.as_bytes()).as_bytes()) },
        "signature": { "content": b64(&made), "verifier": {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": { "rawBytes": b64(&leaf.der) } } } } } });
    let entry = world.entry_2(("hashedrekord", "0.0.2"), &body.to_string());
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    stamped(bundle, &[world.tsa.stamp(&made, T + 1)])
}

#[test]
fn log_of_version_2_is_the_host_of_its_address_and_none_where_no_address_is_known() {
    let world = World::new();
    let bundle = in_version_2(&world, &world.leaf());
    let judge = |url: &str| {
        let authority = CertificateAuthority::from_pem(&world.ca.pem(), Window::UNBOUNDED).unwrap();
        let clock = TimestampAuthority::from_pem(&world.tsa.pem(true), Window::UNBOUNDED).unwrap();
        let trust = TrustRoot::new(vec![])
            .with_authority(authority)
            .with_timestamp_authority(clock)
            .with_log(TransparencyLog::new(world.rekor.public().clone(), url, Window::UNBOUNDED))
            .demanding(Demands { log_entry: true, ..Demands::NOTHING });
        judge(&bundle, &trust).map(drop).map_err(log_fault)
    };
    for url in ["https://log.test", "https://log.test:3003", "https://log.test/api", "https://LOG.test"] {
        assert_eq!(judge(url), Ok(()), "{url}");
    }
    for url in ["", "https://", "https://other.test/log.test", "https://log.test.other", "https://log.test@other"] {
        let fault = judge(url).unwrap_err();
        assert!(matches!(fault, LogFault::Checkpoint(CheckpointFault::Origin { .. })), "{url}: {fault}");
    }
}

#[test]
fn log_without_an_address_in_a_trusted_root_proves_in_version_1_and_not_in_version_2() {
    let world = World::new();
    let mut root = world.trusted_root();
    for name in ["tlogs", "ctlogs"] {
        root[name][0].as_object_mut().unwrap().shift_remove("baseUrl");
    }
    let trust = TrustRoot::parse_trusted_root(root.to_string().as_bytes()).unwrap();
    let leaf = world.leaf();
    assert!(judge(&world.bundle(&leaf, T + 1), &trust).is_ok());
    let fault = log_fault(judge(&in_version_2(&world, &leaf), &trust).unwrap_err());
    assert!(matches!(fault, LogFault::Checkpoint(CheckpointFault::Origin { .. })), "{fault}");
    root["tlogs"][0]["baseUrl"] = json!(1);
    assert!(TrustRoot::parse_trusted_root(root.to_string().as_bytes()).is_err());
}

#[test]
fn many_entries_over_a_large_statement_are_judged_in_time() {
    let world = World::new();
    let leaf = world.leaf();
    let large = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://x.test",
        "predicate": { "a": "x".repeat(1_000_000) },
        "subject": [{ "digest": { "sha256": world::image().digest().hex() } }] });
    let mut bundle = unlogged(&leaf, &large.to_string());
    world.enter(&mut bundle, &leaf, T + 1);
    let one = entries(&mut bundle)[0].clone();
    let numbered = |index: usize| {
        let mut entry = one.clone();
        entry["logIndex"] = json!(index.to_string());
        entry
    };
    *entries(&mut bundle) = (0..32).map(numbered).collect();
    let found = evidence(UntrustedSignature::bundle(place(), bundle.to_string().into_bytes()), &world.trust());
    // the one with the index that the log signed
    assert_eq!(found.attestations()[0].proofs().log_entries().len(), 1);
}

#[test]
fn entry_by_a_key_without_any_time_is_of_a_log_that_is_trusted_now() {
    let world = World::new();
    let signer = Leaf { der: Vec::new(), key: keys::PrivateKey::generate().unwrap() };
    let mut bundle = unlogged(&signer, &statement());
    let hash = Digest::of(statement().as_bytes()).hex();
    let mut entry = record(&world, &bundle, &hash, &signer.key.public().to_pem());
    let entry_2 = entry.as_object_mut().unwrap();
    entry_2.shift_remove("inclusionPromise");
    entry_2.insert("logIndex".into(), json!("0"));
    bundle["verificationMaterial"] = json!({ "publicKey": { "hint": "" }, "tlogEntries": [entry] });
    let until = |end| {
        let log = TransparencyLog::new(world.rekor.public().clone(), "https://log.test", world::window(T - 1000, end));
        let trust = TrustRoot::new(vec![signer.key.public().clone()]).with_log(log);
        judge(&bundle, &trust.demanding(Demands { log_entry: true, ..Demands::NOTHING })).map(drop).map_err(log_fault)
    };
    assert_eq!(until(NOW), Ok(()));
    assert!(matches!(until(NOW - 1), Err(LogFault::Outside { .. })));
}
