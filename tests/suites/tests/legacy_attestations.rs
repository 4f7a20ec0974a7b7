//! Keyless attestations under the `.att` tag, as real cosigns write them with a private Sigstore: every kind of log
//! entry, with a timestamp over the whole envelope and without.

use oci::PinnedRef;
use peers::{Client, Log, RefsOptions, Registry, Sigstore, Subject, push_image};
use registry::{Kind, Settings};
use rustls_pki_types::UnixTime;
use verifier::{Demands, Evidence, Format, IdentityMatcher, Signer, TextMatcher, TrustRoot, examine};

#[test]
fn attestations_of_both_cosigns_are_verified_with_all_that_vouches_for_them() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    peers::require!("cosign-2", "crane", "registry-refs");
    let sigstore = Sigstore::shared();
    let stage = Stage { sigstore: &sigstore, registry: Registry::refs(RefsOptions::default()) };
    for (program, more) in
        [("cosign-2", &[][..]), ("cosign-3", &["--use-signing-config=false", "--new-bundle-format=false"])]
    {
        for entry in ["dsse", "intoto"] {
            for stamped in [false, true] {
                let image = stage.attested(program, more, entry, stamped);
                stage.check(&image, stamped);
            }
        }
    }
}

struct Stage<'a> {
    sigstore: &'a Sigstore,
    registry: Registry,
}

impl Stage<'_> {
    /// An image with one attestation.
    fn attested(&self, program: &str, more: &[&str], entry: &str, stamped: bool) -> String {
        let name = format!("shop/{program}-{entry}-{stamped}");
        let digest = push_image(&self.registry, &format!("{name}:1"), &name);
        let image = format!("{}/{name}@{digest}", self.registry.address());
        let predicate = self.sigstore.folder().join("predicate.json");
        std::fs::write(&predicate, r#"{"spdxVersion":"SPDX-2.3"}"#).expect("a temporary folder can be written");
        let mut client = Client::new();
        self.sigstore.environment().iter().for_each(|(name, value)| client.set(name, value));
        let (fulcio, rekor, token) =
            (self.sigstore.fulcio(), self.sigstore.log(Log::Rekor1), self.sigstore.token(ALICE));
        let (predicate, timestamps) = (predicate.display().to_string(), self.sigstore.timestamps());
        let mut args =
            vec!["attest", "--yes", "--type", "spdxjson", "--predicate", &predicate, "--fulcio-url", &fulcio];
        args.extend(["--rekor-url", &rekor, "--rekor-entry-type", entry, "--identity-token", &token]);
        args.extend(stamped.then_some(["--timestamp-server-url", &timestamps]).into_iter().flatten());
        client.run(program, args.into_iter().chain(more.iter().copied()).chain([image.as_str()])).success();
        image
    }

    fn check(&self, image: &str, stamped: bool) {
        let demands = Demands { timestamp: stamped, ..Demands::LOGGED };
        let trust = self.trust().demanding(demands);
        let evidence = evidence(image, &trust);
        let [attestation] = evidence.attestations() else { panic!("{image}: {:?}", evidence.refused()) };
        assert_eq!((attestation.format(), attestation.predicate_type()), (Format::Legacy, "https://spdx.dev/Document"));
        let Signer::Identity(identity) = attestation.signer() else { panic!("{}", attestation.signer()) };
        let (name, issuer) = self.sigstore.identity(ALICE);
        let exact = |text: &str| TextMatcher::exact(text).expect("it is not empty");
        assert!(IdentityMatcher::new(exact(&issuer), exact(&name)).matches(identity), "{identity}");
        assert_eq!(attestation.proofs().set_aside(), [], "{image}");
        assert_eq!(attestation.proofs().timestamps().len(), usize::from(stamped), "{image}");
        assert!(evidence.verified().is_empty());
    }

    fn trust(&self) -> TrustRoot {
        let bytes = std::fs::read(self.sigstore.trusted_root()).expect("the trusted root is there");
        TrustRoot::parse_trusted_root(&bytes).expect("it is one")
    }
}

fn evidence(image: &str, trust: &TrustRoot) -> Evidence {
    let (repository, digest) = image.split_once('@').expect("a digest");
    let pinned = PinnedRef::new(repository.parse().expect("a repository"), digest.parse().expect("a digest"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let client = registry::Client::new(Settings::default()).expect("the default settings are good");
    let discovery = runtime.block_on(client.discover(&pinned, pinned.repository(), Kind::Attestations));
    assert!(discovery.errors.is_empty(), "{:?}", discovery.errors);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    examine(&pinned, discovery.found, trust, UnixTime::since_unix_epoch(now))
}

const ALICE: Subject<'static> = Subject::Email("alice@sealgate.test");
