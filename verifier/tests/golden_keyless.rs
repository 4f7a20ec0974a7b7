//! Signatures that real cosigns made with a private Sigstore: each of the recorded checks comes out as recorded, save
//! for those that the corpus itself lists; and each trusted root refuses what it lacks, and nothing else.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on disk")]

mod corpus;
#[path = "corpus/layout.rs"]
mod layout;

use std::{fs, path::Path};

use keys::PublicKey;
use layout::Layout;
use oci::{Digest, PinnedRef};
use serde_json::Value;
use verifier::{
    Artifact, CertificateAuthority, CertificateLog, Demands, Evidence, Fault, IdentityMatcher, Signer, Source,
    TextMatcher, TimestampAuthority, TransparencyLog, TrustRoot, VerifiedSignature, Window, examine, examine_blob,
};

/// Checks whose recorded outcome is not ours, with ours. An attestation is no signature; a timestamp is looked at
/// whenever there is one; a log entry of kind `dsse` 0.0.2 is as good as any.
const OURS: [(&str, usize, bool); 4] = [
    ("c3-attest-rekor1", 1, false),
    ("c3-attest-rekor2", 1, false),
    ("c3-rekor2", 2, true),
    ("c2-bundle-rekor2d", 1, true),
];

/// One recorded command, as far as it concerns a verifier.
struct Check<'a> {
    folder: &'a Path,
    command: Vec<String>,
    environment: Vec<String>,
}

impl Check<'_> {
    fn flag(&self, name: &str) -> Option<&str> {
        let at = self.command.iter().position(|word| word == name)?;
        self.command.get(at + 1).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.command.iter().any(|word| word == name)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn demands(&self) -> Demands {
        Demands {
            log_entry: !self.has("--insecure-ignore-tlog"),
            certificate_log: !self.has("--insecure-ignore-sct"),
            timestamp: self.has("--use-signed-timestamps"),
        }
    }

    fn trust(&self) -> TrustRoot {
        let root = match self.flag("--trusted-root") {
            Some(name) => TrustRoot::parse_trusted_root(self.file(name).as_bytes()).unwrap(),
            None => self.environment_trust(),
        };
        let key = self.flag("--key").map(|name| PublicKey::from_pem(self.file(name).as_bytes()).unwrap());
        root.with_keys(key.into_iter().collect()).demanding(self.demands())
    }

    fn environment_trust(&self) -> TrustRoot {
        let file = |name: &str| {
            let value = self.environment.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap();
            self.file(value)
        };
        let key = |name| PublicKey::from_pem(file(name).as_bytes()).unwrap();
        let open = Window::UNBOUNDED;
        TrustRoot::new(vec![])
            .with_authority(CertificateAuthority::from_pem(&file("SIGSTORE_ROOT_FILE"), open).unwrap())
            .with_timestamp_authority(
                TimestampAuthority::from_pem(&file("SIGSTORE_TSA_CERTIFICATE_FILE"), open).unwrap(),
            )
            .with_certificate_log(CertificateLog::new(key("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE"), open))
            .with_log(TransparencyLog::new(key("SIGSTORE_REKOR_PUBLIC_KEY"), "", open))
    }

    fn expects(&self, signature: &VerifiedSignature) -> bool {
        let annotations = self.flag("-a").and_then(|text| text.split_once('='));
        signature.has_annotations(annotations) && self.expects_signer(signature.signer())
    }

    fn expects_signer(&self, signer: &Signer) -> bool {
        let text = |name: &str| {
            let pattern = self.flag(&format!("{name}-regexp")).map(|text| TextMatcher::found(text).unwrap());
            pattern.unwrap_or_else(|| TextMatcher::exact(self.flag(name).unwrap()).unwrap())
        };
        match signer {
            Signer::Key(_) => self.has("--key"),
            Signer::Identity(_) if self.has("--key") => false,
            Signer::Identity(identity) => {
                let mut matcher =
                    IdentityMatcher::new(text("--certificate-oidc-issuer"), text("--certificate-identity"));
                for (number, name) in [(2, "trigger"), (5, "repository"), (6, "ref")] {
                    if let Some(text) = self.flag(&format!("--certificate-github-workflow-{name}")) {
                        matcher = matcher.with_extension(number, text.to_owned());
                    }
                }
                matcher.matches(identity)
            }
        }
    }

    /// What `verify` and `verify-attestation` answer.
    fn passes(&self, evidence: &Evidence) -> bool {
        if !self.has("verify-attestation") {
            return evidence.verified().iter().any(|signature| self.expects(signature));
        }
        let wanted = match self.flag("--type") {
            Some("slsaprovenance1") => "https://slsa.dev/provenance/v1",
            _ => "https://spdx.dev/Document",
        };
        evidence.attestations().iter().any(|one| one.predicate_type() == wanted && self.expects_signer(one.signer()))
    }
}

fn image(reference: &str) -> PinnedRef {
    let (name, digest) = reference.split_once('@').unwrap();
    PinnedRef::new(name.parse().unwrap(), digest.parse::<Digest>().unwrap())
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn recorded_checks_come_out_as_recorded() {
    let Some(folder) = corpus::folder("golden-keyless") else { return };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(folder.join("cases")).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&corpus::read(&path.join("case.json"))).unwrap();
        let name = case["case"].as_str().unwrap();
        let image = image(case["reference"].as_str().unwrap());
        for (index, verify) in case["verify"].as_array().unwrap().iter().enumerate() {
            let command = verify["cmd"].as_str().unwrap().split(' ').map(str::to_owned).collect();
            let check = Check { folder: &folder, command, environment: strings(&verify["env"]) };
            let layout = Layout::new(&path.join("layout"));
            let attested = check.has("verify-attestation");
            let source = if attested { Source::AttestationTag } else { Source::SignatureTag };
            let found = layout.found(&image, source);
            let evidence = examine(&image, found, &check.trust(), corpus::now());
            let ours = OURS.iter().find(|(case, at, _)| (*case, *at) == (name, index)).map(|(_, _, passes)| *passes);
            let wanted = ours.unwrap_or(verify["exit"] == 0);
            let faults: Vec<String> = evidence.refused().iter().map(ToString::to_string).collect();
            println!("{name:20} #{index} {:7} {faults:?}", if check.passes(&evidence) { "passes" } else { "refused" });
            count += 1;
            if check.passes(&evidence) != wanted {
                wrong.push(format!("{name} #{index}: {faults:?}"));
            }
        }
    }
    assert!(count > 30, "the corpus has lost its cases");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What vouches for a signature of a case.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// A certificate, Rekor version 1; with a timestamp or not, it has the log's time.
    Rekor1,
    /// A certificate, Rekor version 2 and a timestamp.
    Rekor2,
    /// The same with the log that takes envelopes.
    Rekor2d,
    /// A key, Rekor version 1.
    Key1,
    /// A key, Rekor version 2 and a timestamp.
    Key2,
    /// Not what is demanded: no log at all, or no log of certificates.
    Short,
}

const CASES: [(&str, &[By]); 19] = [
    ("c3-rekor1-tsa", &[By::Rekor1]),
    ("c3-rekor2", &[By::Rekor2]),
    ("c3-rekor2-gha", &[By::Rekor2]),
    ("c3-rekor1-uri", &[By::Rekor1]),
    ("c3-tsa-only", &[By::Short]),
    ("c3-two-signers", &[By::Rekor1, By::Rekor2]),
    ("c3-index", &[By::Rekor2]),
    ("c3-key-rekor2", &[By::Key2]),
    ("c3-legacy", &[By::Rekor1]),
    ("c3-nosct", &[By::Short]),
    ("c2-legacy", &[By::Rekor1]),
    ("c2-legacy-tsa", &[By::Rekor1]),
    ("c2-legacy-tsa-only", &[By::Short]),
    ("c2-legacy-gha", &[By::Rekor1]),
    ("c2-legacy-two", &[By::Rekor1, By::Rekor1]),
    ("c2-legacy-index", &[By::Rekor1]),
    ("c2-legacy-key", &[By::Key1]),
    ("c2-bundle-rekor1", &[By::Rekor1]),
    ("c2-bundle-rekor2d", &[By::Rekor2d]),
];

/// Whether the trusted root of this name can do with what vouches for a signature.
fn suffices(root: &str, by: By) -> bool {
    let certified = !matches!(by, By::Key1 | By::Key2);
    by != By::Short
        && match root {
            "trusted_root.json" => true,
            "trusted_root.no-rekor1.json" => !matches!(by, By::Rekor1 | By::Key1),
            "trusted_root.no-rekor2.json" => matches!(by, By::Rekor1 | By::Key1),
            "trusted_root.badorigin.json" => !matches!(by, By::Rekor2 | By::Key2),
            "trusted_root.no-ctlog.json" => !certified,
            "trusted_root.no-tsa.json" => !matches!(by, By::Rekor2 | By::Rekor2d),
            "trusted_root.ended.json" | "trusted_root.other.json" => false,
            other => panic!("{other}"),
        }
}

const ROOTS: [&str; 8] = [
    "trusted_root.json",
    "trusted_root.no-rekor1.json",
    "trusted_root.no-rekor2.json",
    "trusted_root.badorigin.json",
    "trusted_root.no-ctlog.json",
    "trusted_root.no-tsa.json",
    "trusted_root.ended.json",
    "trusted_root.other.json",
];

#[test]
fn each_trusted_root_refuses_what_it_lacks_and_nothing_else() {
    let Some(folder) = corpus::folder("golden-keyless") else { return };
    let key = PublicKey::from_pem(&corpus::read(&folder.join("pki/cosign.pub"))).unwrap();
    for (name, by) in CASES {
        let path = folder.join("cases").join(name);
        // a part of the corpus is kept elsewhere
        let Ok(bytes) = fs::read(path.join("case.json")) else { continue };
        let case: Value = serde_json::from_slice(&bytes).unwrap();
        let image = image(case["reference"].as_str().unwrap());
        for root in ROOTS {
            let trust = TrustRoot::parse_trusted_root(&corpus::read(&folder.join(root))).unwrap();
            let trust = trust.with_keys(vec![key.clone()]);
            let evidence = examine(
                &image,
                Layout::new(&path.join("layout")).found(&image, Source::SignatureTag),
                &trust,
                corpus::now(),
            );
            let wanted = by.iter().filter(|by| suffices(root, **by)).count();
            assert_eq!(evidence.verified().len(), wanted, "{name} under {root}: {:?}", evidence.refused());
            assert_eq!(evidence.refused().len(), by.len() - wanted, "{name} under {root}");
        }
    }
}

#[test]
fn verified_signature_says_who_when_and_by_which_clock() {
    let Some(folder) = corpus::folder("golden-keyless") else { return };
    let path = folder.join("cases/c3-rekor1-tsa");
    let case: Value = serde_json::from_slice(&corpus::read(&path.join("case.json"))).unwrap();
    let image = image(case["reference"].as_str().unwrap());
    let trust = TrustRoot::parse_trusted_root(&corpus::read(&folder.join("trusted_root.json"))).unwrap();
    let evidence =
        examine(&image, Layout::new(&path.join("layout")).found(&image, Source::SignatureTag), &trust, corpus::now());
    let [signature] = evidence.verified() else { panic!("{:?}", evidence.refused()) };
    let Signer::Identity(identity) = signature.signer() else { panic!("{}", signature.signer()) };
    assert_eq!(identity.issuer(), Some("http://127.0.0.1:15001/email"));
    assert_eq!(identity.names()[0].as_str(), "alice@sealgate.test");
    let proofs = signature.proofs();
    assert_eq!(proofs.times().len(), 2, "{proofs:?}");
    assert!(
        proofs.times().iter().all(|time| (1_795_569_000..1_795_569_800).contains(&time.at)),
        "{:?}",
        proofs.times()
    );
    assert!(proofs.log_entries()[0].included && proofs.log_entries()[0].log == "127.0.0.1:15006");
    assert_eq!((proofs.certificate_logs().len(), proofs.set_aside().len()), (1, 0));
    assert!(proofs.authority().is_some());
    assert!(signature.meets(Demands { timestamp: true, ..Demands::LOGGED }).is_ok());
}

#[test]
fn blobs_of_every_algorithm_are_verified_and_other_blobs_refused() {
    let Some(folder) = corpus::folder("golden-keyless") else { return };
    let trust = TrustRoot::parse_trusted_root(&corpus::read(&folder.join("trusted_root.json"))).unwrap();
    let artifact = corpus::read(&folder.join("blobs/blob.txt"));
    let mut count = 0;
    for entry in fs::read_dir(folder.join("blobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let judge = |artifact| examine_blob(artifact, corpus::read(&path), &trust, corpus::now());
        let by_digest = judge(Artifact::Digest(Digest::of(&artifact)));
        assert!(
            judge(Artifact::Bytes(&artifact)).is_ok(),
            "{}: {:?}",
            path.display(),
            judge(Artifact::Bytes(&artifact))
        );
        match path.to_str().unwrap().contains("384") {
            true => assert!(matches!(by_digest, Err(Fault::NeedsBytes { .. }))),
            false => assert!(by_digest.is_ok(), "{by_digest:?}"),
        }
        assert!(matches!(judge(Artifact::Bytes(b"other")), Err(Fault::OtherArtifact { .. })));
        count += 1;
    }
    assert!(count > 0, "the corpus has lost its blobs");
}
