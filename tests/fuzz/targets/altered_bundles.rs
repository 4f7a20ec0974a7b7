//! Good bundles, altered in several places at once: the verifier and the `sigstore-verify` crate say the same of each,
//! save where the list says why not; and no altered one that the other refuses is taken.

#![no_main]

#[path = "alterations/mod.rs"]
mod alterations;
#[path = "../../../verifier/tests/corpus/mod.rs"]
mod corpus;
#[path = "../../../verifier/tests/corpus/disagreements.rs"]
mod disagreements;
#[path = "../../../verifier/tests/corpus/pointers.rs"]
mod pointers;
#[path = "../../../verifier/tests/corpus/sample.rs"]
mod sample;

use std::sync::LazyLock;

use alterations::{Alteration, STRANGER};
use disagreements::ALTERED;
use libfuzzer_sys::{
    Corpus,
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use sample::Sample;
use serde_json::Value;
use sigstore_verify::{
    VerificationPolicy,
    trust_root::TrustedRoot,
    types::{Bundle, Sha256Hash},
    verify,
};
use verifier::{Artifact, TrustRoot, examine_blob};

#[derive(Debug, Arbitrary)]
struct Input {
    sample: bool,
    alterations: Vec<Alteration>,
}

struct Judges {
    sample: Sample,
    ours: TrustRoot,
    theirs: TrustedRoot,
}

static JUDGES: LazyLock<[Judges; 2]> = LazyLock::new(|| ["c3-rekor1-tsa", "c3-rekor2"].map(Judges::of));

fuzz_target!(|input: Input| -> Corpus {
    let judges = &JUDGES[usize::from(input.sample)];
    let mut bundle = judges.sample.bundle.clone();
    let places: Vec<String> = input.alterations.iter().take(4).filter_map(|one| one.apply(&mut bundle)).collect();
    if places.is_empty() {
        return Corpus::Reject;
    }
    let (we, they) = (judges.we_take(&bundle), judges.they_take(&bundle));
    assert!(we == they || explained(&places, we), "we take it: {we}, they: {they}, altered: {places:?}: {bundle}");
    Corpus::Keep
});

/// Whether one of these places is known to be judged differently, in this direction. Members that nobody knows are
/// refused here and passed over there.
fn explained(places: &[String], we: bool) -> bool {
    if !we && places.iter().any(|place| place.ends_with(STRANGER)) {
        return true;
    }
    let at = |place: &str, known: &str| place.starts_with(known) || known.starts_with(place);
    places.iter().any(|place| ALTERED.iter().any(|(known, who, _)| at(place, known) && *who == we))
}

impl Judges {
    fn of(case: &str) -> Self {
        let sample = Sample::read(case).expect("the corpus is where SEALGATE_CORPUS says");
        let ours = TrustRoot::parse_trusted_root(&sample.root).expect("a trusted root");
        let theirs = TrustedRoot::from_json(std::str::from_utf8(&sample.root).expect("text")).expect("a trusted root");
        Self { sample, ours, theirs }
    }

    fn we_take(&self, bundle: &Value) -> bool {
        let artifact = Artifact::Digest(*self.sample.image.digest());
        examine_blob(artifact, bundle.to_string().into_bytes(), &self.ours, corpus::now()).is_ok()
    }

    fn they_take(&self, bundle: &Value) -> bool {
        let digest = Sha256Hash::from_hex(&self.sample.image.digest().hex()).expect("64 digits");
        let policy = VerificationPolicy::any_identity();
        Bundle::from_json(&bundle.to_string())
            .is_ok_and(|bundle| verify(digest, &bundle, &policy, &self.theirs).is_ok())
    }
}
