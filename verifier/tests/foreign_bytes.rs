//! Bytes from strangers: whatever they are, there is an answer and no panic; and no cut or garbled piece of evidence
//! is taken for a proof.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::{collections::BTreeMap, sync::LazyLock};

use oci::location;
use proptest::prelude::*;
use serde_json::{Value, json};
use verifier::{BundleMaker, Claimed, Demands, TrustRoot, UntrustedBundle};
use world::{Leaf, T, World, attested_layer, b64, judge, judge_layer, payload, stamped, statement, unlogged};

struct Bench {
    world: World,
    leaf: Leaf,
    bundle: Value,
    stamp: Vec<u8>,
    trust: TrustRoot,
}

/// A bundle that rests on its timestamp.
static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let trust = world.trust().demanding(Demands { log_entry: false, timestamp: true, ..Demands::LOGGED });
    Bench { world, leaf, bundle, stamp, trust }
});

#[test]
fn the_unchanged_one_is_verified() {
    let bundle = stamped(BENCH.bundle.clone(), std::slice::from_ref(&BENCH.stamp));
    assert!(judge(&bundle, &BENCH.trust).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn cut_timestamp_is_none(at in 0..BENCH.stamp.len()) {
        let bundle = stamped(BENCH.bundle.clone(), &[BENCH.stamp[..at].to_vec()]);
        prop_assert!(judge(&bundle, &BENCH.trust).is_err());
    }

    #[test]
    fn garbled_timestamp_never_says_another_time(at in 0..BENCH.stamp.len(), to: u8) {
        let mut stamp = BENCH.stamp.clone();
        stamp[at] = to;
        if let Ok(signature) = judge(&stamped(BENCH.bundle.clone(), &[stamp]), &BENCH.trust) {
            prop_assert_eq!(signature.proofs().times()[0].at, T + 1);
        }
    }

    #[test]
    fn garbled_certificate_signs_nothing(at in 0..BENCH.leaf.der.len(), to: u8, cut: bool) {
        let mut der = BENCH.leaf.der.clone();
        prop_assume!(der[at] != to);
        der[at] = to;
        der.truncate(if cut { at + 1 } else { der.len() });
        let mut bundle = stamped(BENCH.bundle.clone(), std::slice::from_ref(&BENCH.stamp));
        bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(b64(der));
        prop_assert!(judge(&bundle, &BENCH.trust).is_err());
    }

    #[test]
    fn garbled_annotations_of_a_layer_prove_nothing(at: prop::sample::Index, to in any::<char>(), which in 0..3_usize) {
        let name = [location::BUNDLE_ANNOTATION, location::CERTIFICATE_ANNOTATION, location::SIGNATURE_ANNOTATION][which];
        let mut annotations = BENCH.world.layer(&BENCH.leaf, &payload(), T + 1);
        let text = &annotations[name];
        let mut changed: Vec<char> = text.chars().collect();
        let at = at.index(changed.len());
        // blanks in PEM, and around JSON's members, say nothing
        prop_assume!(!changed[at].is_whitespace() && !to.is_whitespace());
        prop_assume!(changed[at] != to);
        changed[at] = to;
        annotations.insert(name.to_owned(), changed.into_iter().collect());
        prop_assert!(judge_layer(&payload(), annotations, &BENCH.world.trust()).is_err());
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let bundle = stamped(BENCH.bundle.clone(), std::slice::from_ref(&bytes));
        prop_assert!(judge(&bundle, &BENCH.trust).is_err());
        prop_assert!(TrustRoot::parse_trusted_root(&bytes).is_err());
        prop_assert!(attested_layer((bytes.clone(), BTreeMap::default()), &BENCH.trust).is_err());
        prop_assert!(UntrustedBundle::parse(&bytes).is_err());
        prop_assert!(UntrustedBundle::of_envelope(&bytes, &BundleMaker::key(BENCH.leaf.key.public())).is_err());
        let read = UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap();
        let unreadable = matches!(read.describe().timestamps[..], [Claimed::Unreadable { .. }]);
        prop_assert!(unreadable);
        prop_assert!(BENCH.world.trust().with_given_certificate(&text).is_err());
        let mut annotations = BENCH.world.layer(&BENCH.leaf, &payload(), T + 1);
        annotations.insert(location::BUNDLE_ANNOTATION.to_owned(), text);
        prop_assert!(judge_layer(&payload(), annotations, &BENCH.world.trust()).is_err());
    }
}
