//! The bundles of Sigstore's conformance suite: each is right, from the artifact and from its digest alone, and each
//! that must be refused is refused for the flaw that it was made with.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

mod corpus;

use std::{fs, path::Path};

use keys::PublicKey;
use oci::Digest;
use verifier::{Artifact, Demands, Fault, IdentityMatcher, Signer, TextMatcher, TrustRoot, VerifiedBlob, examine_blob};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SUBJECT: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";

/// Words of the reason for which a case must be refused.
const REASONS: [(&str, &str); 34] = [
    ("bundle-empty-certificate-chain_fail", "no certificate found in the chain"),
    ("bundle-from-wrong-instance_fail", "log entry is of unknown log"),
    ("bundle-malformed-json_fail", "bundle is not strict JSON"),
    ("bundle-negative-log-index_fail", "`logIndex` is not a whole number"),
    ("bundle-with-root-cert_fail", "chain contains a root certificate"),
    ("checkpoint-wrong-roothash_fail", "checkpoint is of 75610772 entries"),
    ("dsse-invalid-sig_fail", "signature is not by the certificate"),
    ("dsse-mismatch-sig_fail", "records another signature"),
    ("inclusion-proof-corrupted-hash_fail", "proof of inclusion does not lead to its root"),
    ("incorrect-public-key_fail", "records another signer"),
    ("intoto-expired-certificate_fail", "it is valid from 2030-01-01"),
    ("intoto-log-entry-mismatch_fail", "records another signature"),
    ("intoto-set-outside-signing-cert-validity_fail", "used at 2023-02-02T00:00:00Z, it is valid from 2023-02-01"),
    ("intoto-tsa-timestamp-outside-cert-validity_fail", "used at 2023-02-02T00:00:00Z, it is valid from 2023-02-01"),
    ("invalid-checkpoint-signature_fail", "checkpoint's signature is not the log's"),
    ("invalid-ct-key_fail", "certificate timestamp is of unknown log"),
    ("managed-key-wrong-key_fail", "no PEM block"),
    ("message-digest-mismatch_fail", "bundle is for a1cfc712"),
    ("rekor2-checkpoint-missing-log-signature_fail", "checkpoint is malformed, wanted a signature"),
    ("rekor2-checkpoint-missing-origin_fail", "checkpoint is malformed, wanted a size"),
    ("rekor2-checkpoint-missing-size_fail", "checkpoint is malformed, wanted a size"),
    ("rekor2-dsse-invalid-sig_fail", "signature is not by the certificate"),
    ("rekor2-dsse-mismatch-sig_fail", "records another signature"),
    ("rekor2-no-timestamp_fail", "no trusted time"),
    ("rekor2-timestamp-outside-trust-root-tsa-validity_fail", "its authority is trusted from 2025-04-09"),
    ("rekor2-timestamp-payload-mismatch_fail", "timestamp is of 0a4976ff"),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", "timestamp is by an unknown authority"),
    ("set-invalid-signature_fail", "signed timestamp is not the log's"),
    ("trust-root-tlog-missing-validity-start_fail", "lacks the start of its validity"),
    ("wrong-hashedrekord-artifact_fail", "log entry is about d40ec3ee"),
    ("wrong-hashedrekord-cert-and-sig_fail", "records another signature"),
    ("wrong-material_fail", "artifact is 1fa70528"),
    // not in every copy of the corpus
    ("integrated-time-in-future_fail", "in the future"),
    ("signature-mismatch_fail", "signature is not by the certificate"),
];

struct Case {
    name: String,
    artifact: Vec<u8>,
    bundle: Vec<u8>,
    root: Vec<u8>,
    key: Option<Vec<u8>>,
    matcher: IdentityMatcher,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let own = |name: &str, other: &str| {
            let path = folder.join(name);
            corpus::read(&if path.exists() { path } else { folder.join(other) })
        };
        let text = |name: &str, default: &str| {
            let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|_| default.to_owned());
            TextMatcher::exact(text.trim()).unwrap()
        };
        Self {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            artifact: own("artifact", "../a.txt"),
            bundle: corpus::read(&folder.join("bundle.sigstore.json")),
            root: own("trusted_root.json", "../../public-good/trusted_root.json"),
            key: fs::read(folder.join("key.pub")).ok(),
            matcher: IdentityMatcher::new(text("issuer", ISSUER), text("identity", SUBJECT)),
        }
    }

    /// The verdict as a client has it: verified, and by whom it was expected from.
    fn verdict(&self, artifact: Artifact<'_>) -> Result<VerifiedBlob, String> {
        let root = TrustRoot::parse_trusted_root(&self.root).map_err(|why| why.to_string())?;
        let key = self.key.as_ref().map(|pem| PublicKey::from_pem(pem).map_err(|why| why.to_string())).transpose()?;
        let root = root.with_keys(key.iter().cloned().collect());
        assert_eq!(root.demands(), Demands::LOGGED);
        let blob = examine_blob(artifact, self.bundle.clone(), &root, corpus::now());
        let blob = blob.map_err(|fault: Fault| fault.to_string())?;
        match blob.signer() {
            Signer::Key(id) => assert_eq!(Some(*id), key.as_ref().map(PublicKey::id)),
            Signer::Identity(identity) if key.is_none() && self.matcher.matches(identity) => {}
            other => return Err(format!("signed by {other}")),
        }
        Ok(blob)
    }
}

fn cases() -> Vec<Case> {
    let Some(folder) = corpus::folder("bundles") else { return Vec::new() };
    let mut folders: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(folders.len() > 20, "the corpus has lost its cases");
    folders.iter().map(|folder| Case::read(folder)).collect()
}

#[test]
fn every_case_is_right_from_bytes_and_from_digest() {
    let mut wrong = Vec::new();
    for case in cases() {
        let digest = Digest::of(&case.artifact);
        let verdicts = [case.verdict(Artifact::Bytes(&case.artifact)), case.verdict(Artifact::Digest(digest))];
        let shown = |verdict: &Result<VerifiedBlob, String>| match verdict {
            Ok(blob) => format!("by {}", blob.signer()),
            Err(why) => why.clone(),
        };
        println!("{:58} {}", case.name, shown(&verdicts[0]));
        let bad = case.name.ends_with("_fail");
        let reason = REASONS.iter().find(|(name, _)| *name == case.name).map(|(_, words)| *words);
        for verdict in &verdicts {
            let right = match verdict {
                Ok(blob) => !bad && !blob.proofs().log_entries().is_empty(),
                Err(why) => bad && reason.is_none_or(|words| why.contains(words)),
            };
            if !right {
                wrong.push(format!("{}: {}", case.name, shown(verdict)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
