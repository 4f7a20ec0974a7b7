//! Any payload with any annotations as a layer of cosign's legacy format, under a real trusted root: there is an answer,
//! and nobody makes a signature by chance.

#![no_main]

#[path = "../../../verifier/tests/corpus/mod.rs"]
mod corpus;

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use oci::{AnyDigest, Digest, PinnedRef};
use verifier::{Found, Place, Source, TrustRoot, UntrustedSignature, examine};

#[derive(Debug, Arbitrary)]
struct Input {
    payload: Vec<u8>,
    attestation: bool,
    signature: String,
    certificate: Option<String>,
    chain: Option<String>,
    bundle: Option<String>,
    timestamp: Option<String>,
}

static ROOT: LazyLock<TrustRoot> = LazyLock::new(|| {
    let folder = corpus::folder("public-good").expect("the corpus is where SEALGATE_CORPUS says");
    TrustRoot::parse_trusted_root(&corpus::read(&folder.join("trusted_root.json"))).expect("a trusted root")
});

fuzz_target!(|input: Input| {
    let digest = Digest::of(&input.payload);
    let image = PinnedRef::new("registry.example/a".parse().expect("a repository"), digest);
    let found = Found { signatures: vec![input.signature(AnyDigest::from(digest))], gaps: Vec::new() };
    let evidence = examine(&image, found, &ROOT, corpus::now());
    assert!(evidence.verified().is_empty() && evidence.attestations().is_empty());
});

impl Input {
    fn signature(self, manifest: AnyDigest) -> UntrustedSignature {
        let annotations = self.annotations();
        let place = |source| Place { source, manifest, index: 0 };
        match self.attestation {
            true => UntrustedSignature::envelope(place(Source::AttestationTag), self.payload, annotations),
            false => UntrustedSignature::layer(place(Source::SignatureTag), self.payload, annotations),
        }
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let optional = [
            ("dev.sigstore.cosign/certificate", &self.certificate),
            ("dev.sigstore.cosign/chain", &self.chain),
            ("dev.sigstore.cosign/bundle", &self.bundle),
            ("dev.sigstore.cosign/rfc3161timestamp", &self.timestamp),
        ];
        let given = optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)));
        given.chain([("dev.cosignproject.cosign/signature".to_owned(), self.signature.clone())]).collect()
    }
}
