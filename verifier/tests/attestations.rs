//! Attestations: genuine ones in both formats, and each check in a case where only that check fails. None of them is
//! ever a signature.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, location};
use serde_json::{Value, json};
use verifier::{
    CertificateError, EnvelopeError, Fault, Format, LogFault, Signer, StatementError, TimestampFault, TrustRoot,
    Unexamined,
};
use world::{
    Leaf, T, World, as_layer, attested, attested_layer, image, judge, log_fault, stamp_fault, stamped_layer,
    stamps_only, statement, statement_of, unlogged,
};

const SPDX: &str = "https://spdx.dev/Document";

/// An attestation by this signer over this statement, logged, in a bundle.
fn attestation(world: &World, leaf: &Leaf, statement: &str) -> Value {
    let mut bundle = unlogged(leaf, statement);
    world.enter(&mut bundle, leaf, T + 1);
    bundle
}

/// What it comes to in each format; that must be the same, wherever it lies.
fn both(world: &World, statement: &str) -> Fault {
    let bundle = attestation(world, &world.leaf(), statement);
    let fault = attested(&bundle, &world.trust()).unwrap_err();
    assert_eq!(attested_layer(as_layer(&bundle), &world.trust()).unwrap_err(), fault);
    fault
}

#[test]
fn genuine_attestation_says_who_signed_what_about_the_image() {
    let world = World::new();
    let statement = statement_of(SPDX).replace(r#""annotations":{}"#, r#""annotations":{"env":"prod"}"#);
    let bundle = attestation(&world, &world.leaf(), &statement);
    let (new, old) = (attested(&bundle, &world.trust()), attested_layer(as_layer(&bundle), &world.trust()));
    for (found, format) in [(new.unwrap(), Format::Bundle), (old.unwrap(), Format::Legacy)] {
        assert_eq!((found.predicate_type(), found.format()), (SPDX, format));
        assert_eq!(found.statement(), statement.as_bytes());
        assert_eq!(found.subject_annotations()["env"], "prod");
        assert!(matches!(found.signer(), Signer::Identity(_)));
        assert_eq!(found.proofs().times()[0].at, T + 1);
        assert!(found.to_string().contains("attestation of type `https://spdx.dev/Document` by alice@a.test"));
        let written = serde_json::to_string(&found).unwrap();
        assert!(!written.contains(&BASE64_STANDARD.encode(&statement)), "statements have megabytes: {written}");
    }
}

#[test]
fn statement_decides_what_is_a_signature_wherever_it_lies() {
    let world = World::new();
    let (bytes, annotations) = as_layer(&attestation(&world, &world.leaf(), &statement()));
    let layer = verifier::UntrustedSignature::envelope(world::place(), bytes, annotations);
    let evidence = world::evidence(layer, &world.trust());
    assert!(evidence.attestations().is_empty());
    let [signature] = evidence.verified() else { panic!("{:?}", evidence.refused()) };
    assert_eq!((signature.format(), signature.claim().kind), (Format::Legacy, verifier::SIGN_PREDICATE));
    // what is written beside it is not signed, and changes nothing
    let (bytes, mut annotations) = as_layer(&attestation(&world, &world.leaf(), &statement_of(SPDX)));
    annotations.insert("predicateType".into(), verifier::SIGN_PREDICATE.into());
    assert_eq!(attested_layer((bytes, annotations), &world.trust()).unwrap().predicate_type(), SPDX);
}

#[test]
fn attestation_about_another_image_is_refused() {
    let other = Digest::of(b"other").hex();
    for statement in
        [statement_of(SPDX).replace(&image().digest().hex(), &other), statement_of(SPDX).replace("sha256", "sha1")]
    {
        let fault = both(&World::new(), &statement);
        assert!(matches!(fault, Fault::OtherSubject { .. }), "{fault}");
    }
}

#[test]
fn statement_that_cannot_be_read_in_one_way_is_refused() {
    let good = statement_of(SPDX);
    for (statement, wanted) in [
        (good.replace("Statement/v1", "Statement/v2"), Some(StatementError::Type)),
        (good.replace(SPDX, ""), Some(StatementError::Missing("predicateType"))),
        (good.replace(SPDX, &"x".repeat(1025)), Some(StatementError::LongType { found: 1025, most: 1024 })),
        (good.replacen("\"predicate\":{}", "\"predicate\":{},\"predicate\":1", 1), None),
    ] {
        match both(&World::new(), &statement) {
            Fault::Statement(why) => assert!(wanted.is_none_or(|wanted| wanted == why), "{why}"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn longest_predicate_type_is_not_cut() {
    let (world, kind) = (World::new(), "x".repeat(1024));
    let found = attested(&attestation(&world, &world.leaf(), &statement_of(&kind)), &world.trust()).unwrap();
    assert_eq!(found.predicate_type(), kind);
    assert!(found.to_string().len() < 400, "messages show a part of it");
}

#[test]
fn predicate_may_be_as_long_as_a_bill_of_material_and_has_no_key_twice() {
    let world = World::new();
    let with = |item: &str| {
        let list = vec![item; 60_000].join(",");
        statement_of(SPDX).replace(r#""predicate":{}"#, &format!(r#""predicate":{{"packages":[{list}]}}"#))
    };
    let long = attestation(&world, &world.leaf(), &with(r#"{"a":1}"#));
    assert!(attested(&long, &world.trust()).is_ok() && attested_layer(as_layer(&long), &world.trust()).is_ok());
    let fault = both(&world, &with(r#"{"a":1,"a":1}"#));
    assert!(matches!(fault, Fault::Statement(StatementError::Json(_))), "{fault}");
}

#[test]
fn envelope_of_another_payload_type_or_with_more_signatures_is_refused() {
    let world = World::new();
    let leaf = world.leaf();
    let (bytes, annotations) = as_layer(&attestation(&world, &leaf, &statement_of(SPDX)));
    let mut changed: Value = serde_json::from_slice(&bytes).unwrap();
    let payload = BASE64_STANDARD.decode(changed["payload"].as_str().unwrap()).unwrap();
    changed["payloadType"] = json!("text/plain");
    let judge = |changed: &Value| {
        attested_layer((changed.to_string().into_bytes(), annotations.clone()), &world.trust()).unwrap_err()
    };
    assert_eq!(judge(&changed), Fault::NotByCertificate, "the type is signed");
    let pae = [format!("DSSEv1 10 text/plain {} ", payload.len()).as_bytes(), &payload].concat();
    changed["signatures"][0]["sig"] = json!(world::b64(leaf.key.sign(&pae).unwrap()));
    assert!(matches!(judge(&changed), Fault::NoLogEntry { .. }), "another signature than the logged one");
    for signatures in [json!([]), json!([changed["signatures"][0], changed["signatures"][0]])] {
        changed["signatures"] = signatures;
        assert!(matches!(judge(&changed), Fault::Envelope(EnvelopeError::Signatures { .. })));
    }
}

#[test]
fn signature_beside_the_envelope_is_not_read() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = attestation(&world, &leaf, &statement_of(SPDX));
    let (bytes, mut annotations) = as_layer(&bundle);
    annotations.insert(location::SIGNATURE_ANNOTATION.into(), "AAAA".into());
    assert!(attested_layer((bytes, annotations), &world.trust()).is_ok());
    // and a good one there does not make up for a bad one in it
    let forged = Leaf { der: leaf.der, key: world.leaf().key };
    let (bytes, mut annotations) = as_layer(&unlogged(&forged, &statement_of(SPDX)));
    annotations.insert(location::SIGNATURE_ANNOTATION.into(), world::b64(world::signature(&bundle)));
    assert_eq!(attested_layer((bytes, annotations), &world.trust()).unwrap_err(), Fault::NotByCertificate);
}

#[test]
fn log_entry_of_another_attestation_proves_nothing() {
    let world = World::new();
    let leaf = world.leaf();
    let (bytes, mut annotations) = as_layer(&attestation(&world, &leaf, &statement_of(SPDX)));
    let (_, foreign) = as_layer(&attestation(&world, &leaf, &statement_of("https://openvex.dev/ns")));
    annotations.insert(location::BUNDLE_ANNOTATION.into(), foreign[location::BUNDLE_ANNOTATION].clone());
    let fault = attested_layer((bytes, annotations.clone()), &world.trust()).unwrap_err();
    assert!(matches!(log_fault(fault), LogFault::OtherDigest { .. }));
    let (bytes, _) = as_layer(&attestation(&world, &leaf, &statement_of(SPDX)));
    annotations.remove(location::BUNDLE_ANNOTATION);
    let fault = attested_layer((bytes, annotations), &world.trust()).unwrap_err();
    assert!(matches!(fault, Fault::NoLogEntry { set_aside } if set_aside.is_empty()));
}

#[test]
fn entries_of_the_oldest_kind_are_bound_by_payload_and_signer() {
    let world = World::new();
    let (leaf, other) = (world.leaf(), world.leaf());
    let logged = |payload: &str, signer: &Leaf| {
        let mut bundle = unlogged(&leaf, &statement_of(SPDX));
        let pem = pem::encode(&pem::Pem::new("CERTIFICATE", signer.der.clone()));
        let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
        let body = json!({ "apiVersion": "0.0.1", "kind": "intoto", "spec": { "publicKey": world::b64(pem),
            "content": { "hash": hash(b"envelope"), "payloadHash": hash(payload.as_bytes()) } } });
        let entry = world.entry(("intoto", "0.0.1"), &body.to_string(), T + 1);
        bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
        attested_layer(as_layer(&bundle), &world.trust())
    };
    assert!(logged(&statement_of(SPDX), &leaf).is_ok());
    let fault = |payload: &str, signer| log_fault(logged(payload, signer).unwrap_err());
    assert!(matches!(fault(&statement(), &leaf), LogFault::OtherDigest { .. }));
    assert_eq!(fault(&statement_of(SPDX), &other), LogFault::OtherSigner);
}

#[test]
fn timestamp_is_of_the_signature_or_of_the_whole_envelope_and_of_nothing_else() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement_of(SPDX));
    let layer = as_layer(&bundle);
    let judge = |stamped: &[u8]| {
        let layer = stamped_layer(layer.clone(), &world.tsa.stamp(stamped, T + 2));
        attested_layer(layer, &stamps_only(world.trust()))
    };
    let whole = layer.0.clone();
    for stamped in [world::signature(&bundle), whole.clone()] {
        assert_eq!(judge(&stamped).unwrap().proofs().times()[0].at, T + 2);
    }
    for foreign in [statement_of(SPDX).into_bytes(), whole[1..].to_vec(), bundle.to_string().into_bytes()] {
        let fault = stamp_fault(judge(&foreign).unwrap_err());
        assert!(matches!(fault, TimestampFault::OtherSignature { .. }), "{fault}");
    }
    // a bundle's timestamp is of the signature alone
    let stamped = world::stamped(bundle.clone(), &[world.tsa.stamp(&whole, T + 2)]);
    let fault = stamp_fault(attested(&stamped, &stamps_only(world.trust())).unwrap_err());
    assert!(matches!(fault, TimestampFault::OtherSignature { .. }));
}

#[test]
fn keys_attest_under_the_same_demands() {
    let world = World::new();
    let signer = Leaf { der: Vec::new(), key: keys::PrivateKey::generate().unwrap() };
    let mut bundle = unlogged(&signer, &statement_of(SPDX));
    bundle["verificationMaterial"] = json!({ "publicKey": { "hint": "" } });
    let key = signer.key.public().clone();
    for trust in [TrustRoot::new(vec![key.clone()]), TrustRoot::new(vec![]), world.trust().with_keys(vec![key.clone()])]
    {
        let (new, old) = (attested(&bundle, &trust), attested_layer(as_layer(&bundle), &trust));
        assert_eq!(new.is_ok(), trust.keys().len() == 1 && trust.authorities().is_empty());
        assert_eq!(new.map(|it| it.signer().clone()), old.map(|it| it.signer().clone()));
    }
    let (bytes, mut annotations) = as_layer(&bundle);
    annotations.insert(location::CERTIFICATE_ANNOTATION.into(), "PEM".into());
    let found = attested_layer((bytes.clone(), annotations.clone()), &TrustRoot::new(vec![key])).unwrap();
    assert_eq!(found.proofs().unexamined(), [Unexamined::Certificate]);
    let stranger = attested_layer((bytes, annotations), &world.trust()).unwrap_err();
    assert_eq!(stranger, Fault::Certificate(CertificateError::NotPem));
}

#[test]
fn attestation_counts_for_no_signature() {
    let world = World::new();
    let bundle = attestation(&world, &world.leaf(), &statement_of(SPDX));
    for place_of_signatures in [true, false] {
        let signature = match place_of_signatures {
            true => verifier::UntrustedSignature::bundle(world::place(), bundle.to_string().into_bytes()),
            false => {
                let (bytes, annotations) = as_layer(&bundle);
                verifier::UntrustedSignature::layer(world::place(), bytes, annotations)
            }
        };
        assert!(world::evidence(signature, &world.trust()).verified().is_empty());
    }
    assert!(judge(&world.bundle(&world.leaf(), T + 1), &world.trust()).is_ok());
}
