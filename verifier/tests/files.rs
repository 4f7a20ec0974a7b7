//! Bundles of files: older versions, and what is noted beside a signature.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use oci::Digest;
use serde_json::json;
use verifier::{Artifact, Fault, LogFault, examine_blob};
use world::{NOW, T, World, b64, image, log_fault, stamped, stamps_only};

#[test]
fn older_bundles_of_files_need_what_their_version_needs() {
    let world = World::new();
    let leaf = world.leaf();
    let fault = |version: &str, gone: &[&str]| {
        let mut bundle = world.bundle(&leaf, T + 1);
        bundle["mediaType"] = json!(format!("application/vnd.dev.sigstore.bundle+json;version={version}"));
        for pointer in gone {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
            entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        }
        let artifact = Artifact::Digest(*image().digest());
        let verdict = examine_blob(artifact, bundle.to_string().into_bytes(), &world.trust(), world::time(NOW));
        verdict.map(drop).map_err(log_fault)
    };
    assert_eq!(fault("0.1", &[]), Ok(()));
    assert_eq!(fault("0.1", &["/inclusionProof/checkpoint"]), Ok(()), "a proof without checkpoint is as good as none");
    assert_eq!(fault("0.1", &["/inclusionProof"]), Ok(()));
    assert!(fault("0.1", &["/inclusionPromise"]).is_err());
    assert!(fault("0.2", &["/inclusionProof/checkpoint"]).is_err());
    assert_eq!(fault("0.2", &["/inclusionProof"]), Err(LogFault::NoProof));
    assert_eq!(fault("0.3", &["/inclusionProof"]), Err(LogFault::NoProof));
}

#[test]
fn digest_noted_beside_a_signature_may_be_absent_but_not_wrong() {
    let world = World::new();
    let leaf = world.leaf();
    let signature = leaf.key.sign(b"file").unwrap();
    let judge = |noted: Option<&[u8]>| {
        let mut bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "certificate": { "rawBytes": b64(&leaf.der) } },
            "messageSignature": { "signature": b64(&signature) } });
        if let Some(noted) = noted {
            let digest = b64(Digest::of(noted).as_bytes());
            bundle["messageSignature"]["messageDigest"] = json!({ "algorithm": "SHA2_256", "digest": digest });
        }
        let bundle = stamped(bundle, &[world.tsa.stamp(&signature, T + 1)]);
        let trust = stamps_only(world.trust());
        examine_blob(Artifact::Bytes(b"file"), bundle.to_string().into_bytes(), &trust, world::time(NOW)).map(drop)
    };
    assert_eq!(judge(None), Ok(()));
    assert_eq!(judge(Some(b"file")), Ok(()));
    assert!(matches!(judge(Some(b"other")), Err(Fault::OtherArtifact { .. })));
}
