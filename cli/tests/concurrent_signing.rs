//! Eight people sign one image at once, each with a key of their own.
//!
//! Where a registry lists referrers itself, or honours `If-Match`, no signature is lost. Elsewhere a list under a tag
//! is read, merged and written, and read again until one's own signature is in it; whoever read before and writes
//! after can still take it out. Signing once more puts it back, and that is all that can be promised there.

use std::{
    collections::BTreeMap,
    sync::{Barrier, LazyLock},
    thread,
};

use peers::{Cosign, Format, KeyPair, Outcome, RefsOptions, Registry, push_image};
use suites::as_cosign::AsCosign;
use tempfile::TempDir;

#[test]
fn our_registry_loses_no_signature() {
    peers::require!("crane");
    for flags in [&["--latency", "50ms"][..], &["--no-referrers"]] {
        let registry = Registry::sealgate(PROGRAM, flags);
        for format in [Format::Legacy, Format::Bundle] {
            let image = image(&registry, "signed");
            assert_all_signed(&sign_at_once(&image, format, sealgate_signs));
            assert_eq!(found(&image), SIGNERS, "{format:?} {flags:?}");
        }
    }
}

#[test]
fn no_referrer_is_lost() {
    peers::require!("crane", "registry-refs");
    for spec in [false, true] {
        let registry = Registry::refs(RefsOptions { spec, ..RefsOptions::default() });
        let image = image(&registry, "signed");
        assert_all_signed(&sign_at_once(&image, Format::Bundle, sealgate_signs));
        assert_eq!(found(&image), SIGNERS, "spec {spec}");
    }
}

#[test]
fn without_conditional_put_each_says_so_and_once_more_is_enough() {
    peers::require!("crane", "registry-refs", "docker-registry");
    let refs = Registry::refs(RefsOptions { referrers: false, ..RefsOptions::default() });
    for (name, registry) in [("registry-refs", refs), ("Debian's", Registry::debian())] {
        for format in [Format::Legacy, Format::Bundle] {
            let image = image(&registry, "signed");
            let outcomes = sign_at_once(&image, format, sealgate_signs);
            let refused =
                outcomes.iter().filter(|outcome| outcome.code != 0).inspect(|outcome| blames(outcome)).count();
            let found = found(&image);
            println!("{name}, {format:?}: {found} of {SIGNERS} found, {refused} refused by the registry");
            assert!(found >= SIGNERS - 2, "{name} {format:?}: {found} found, {outcomes:?}");
            sign_the_missing(&image, format);
            assert_eq!(self::found(&image), SIGNERS, "{name} {format:?}");
        }
    }
}

/// Debian's registry fails when two clients write one blob or one tag at once; that must be said, as its failure.
fn blames(outcome: &Outcome) {
    let said = outcome.code == 1 && outcome.stderr.contains("error: registry 127.0.0.1:");
    assert!(said && outcome.stderr.contains(" answered "), "{outcome:?}");
}

#[test]
fn cosign_loses_signatures_and_says_that_it_signed() {
    peers::require!("cosign-3", "crane");
    let registry = Registry::sealgate(PROGRAM, &["--latency", "100ms"]);
    let image = image(&registry, "signed");
    assert_all_signed(&sign_at_once(&image, Format::Legacy, cosign_signs));
    let found = found(&image);
    println!("cosign 3, legacy: {found} of {SIGNERS} found");
    assert!((1..SIGNERS).contains(&found), "{found} of {SIGNERS} are there");
}

/// All of them sign as nearly at the same time as processes can.
fn sign_at_once(image: &str, format: Format, sign: fn(Format, &KeyPair, &str) -> Outcome) -> Vec<Outcome> {
    let barrier = Barrier::new(SIGNERS);
    thread::scope(|scope| {
        let signing = KEYS.pairs.iter().map(|key| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                sign(format, key, image)
            })
        });
        let signing: Vec<_> = signing.collect();
        signing.into_iter().map(|thread| thread.join().expect("a signer does not panic")).collect()
    })
}

fn sealgate_signs(format: Format, key: &KeyPair, image: &str) -> Outcome {
    AsCosign::new(PROGRAM).sign(format, key, image, &[])
}

fn cosign_signs(format: Format, key: &KeyPair, image: &str) -> Outcome {
    Cosign::v3().sign(format, key, image, &[])
}

/// One after another, those sign again whose signature is not there.
fn sign_the_missing(image: &str, format: Format) {
    for (key, _) in verdicts(image).into_iter().filter(|(_, outcome)| outcome.code != 0) {
        sealgate_signs(format, &KEYS.pairs[key], image).success();
    }
}

/// How many of the keys are found. For the others it must be said that they have not signed, and nothing else.
#[track_caller]
fn found(image: &str) -> usize {
    let verdicts = verdicts(image);
    for (key, outcome) in &verdicts {
        assert!([0, 12].contains(&outcome.code), "key {key}: {outcome:?}");
        assert!(!outcome.stderr.contains("could not look"), "key {key}: {outcome:?}");
    }
    verdicts.values().filter(|outcome| outcome.code == 0).count()
}

fn verdicts(image: &str) -> BTreeMap<usize, Outcome> {
    let sealgate = AsCosign::new(PROGRAM);
    let verdicts = KEYS.pairs.iter().map(|key| sealgate.verify(&key.public, image, &[]));
    verdicts.enumerate().collect()
}

#[track_caller]
fn assert_all_signed(outcomes: &[Outcome]) {
    assert_eq!(outcomes.len(), SIGNERS);
    for outcome in outcomes {
        assert_eq!(outcome.code, 0, "{outcome:?}");
    }
}

/// A new image by its digest.
fn image(registry: &Registry, name: &str) -> String {
    let seed = TempDir::new().expect("a temporary folder can be made").path().display().to_string();
    let digest = push_image(registry, &format!("shop/{name}:1"), &seed);
    format!("{}/shop/{name}@{digest}", registry.address())
}

struct Keys {
    pairs: Vec<KeyPair>,
    _folder: TempDir,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let sealgate = AsCosign::new(PROGRAM);
    let pair = |number| sealgate.generate_key_pair(&folder.path().join(format!("{number}")), "secret");
    Keys { pairs: (0..SIGNERS).map(pair).collect(), _folder: folder }
});
const SIGNERS: usize = 8;
const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
