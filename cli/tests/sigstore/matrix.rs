//! Who signs × who verifies × what × by identity or key × in which format × with which services.
//!
//! [`WAYS`] is the one place that says what is tried, [`IMPOSSIBLE`] and [`REFUSED`] what a cosign cannot do; the test
//! fails once it can. Each signature is also offered to every verifier that expects another name or key, to each that
//! expects another issuer, and to each with the root of another instance.

use peers::{Format, Outcome, Recipe};
use suites::signers::Tool;

use Format::{Bundle, Legacy};
use Recipe::{NoCt, Rekor1, Rekor1Tsa, Rekor2, Rekor2Dsse, TsaOnly};
use Tool::{Cosign2, Cosign3};

use crate::stage::{
    By::{self, Identity, Key},
    Expecting, Stage, Way,
    What::{self, Attestation, Signature},
};
use crate::verdict::{unlike_accepted, unlike_refused};

const WAYS: [(What, By, Format, &[Recipe]); 8] = [
    (Signature, Identity, Bundle, &[Rekor1, Rekor1Tsa, Rekor2, Rekor2Dsse, TsaOnly, NoCt]),
    (Signature, Identity, Legacy, &[Rekor1, Rekor1Tsa, TsaOnly]),
    (Signature, Key, Bundle, &[Rekor1, Rekor2]),
    (Signature, Key, Legacy, &[Rekor1]),
    (Attestation, Identity, Bundle, &[Rekor1, Rekor2]),
    (Attestation, Identity, Legacy, &[Rekor1]),
    (Attestation, Key, Bundle, &[Rekor1]),
    (Attestation, Key, Legacy, &[Rekor1]),
];

/// What a program cannot sign: today's Rekor v2 takes no envelopes, and cosign 2 gives it nothing else.
const IMPOSSIBLE: [(Tool, Format, Recipe); 1] = [(Cosign2, Bundle, Rekor2)];

/// What it answers to envelopes.
const NO_ENVELOPES: &str = "invalid type, must be hashedrekord";

/// What a verifier does not see though it is genuine: signer, format, services, verifier. cosign 3 does not know the
/// entries that Rekor v2 made of envelopes.
const REFUSED: [(Tool, Format, Recipe, Tool); 1] = [(Cosign2, Bundle, Rekor2Dsse, Cosign3)];

#[test]
fn signatures_by_identity() {
    run(|what, by| what == Signature && by == Identity);
}

#[test]
fn signatures_by_key() {
    run(|what, by| what == Signature && by == Key);
}

#[test]
fn attestations() {
    run(|what, _| what == Attestation);
}

/// All cells of these ways; then says which are not as the tables say.
fn run(chosen: impl Fn(What, By) -> bool) {
    let Some(stage) = Stage::set_up() else { return };
    let mut wrong = Vec::new();
    for (what, by, format, recipes) in WAYS.into_iter().filter(|(what, by, ..)| chosen(*what, *by)) {
        for way in recipes.iter().map(|recipe| Way { what, by, format, recipe: *recipe }) {
            for signer in Tool::ALL {
                wrong.extend(cells(&stage, signer, way));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
}

fn cells(stage: &Stage, signer: Tool, way: Way) -> Vec<String> {
    let Way { what, by, format, recipe } = way;
    let name = format!("{what:?}/{by:?}/{format:?}/{}/{}", recipe.name(), signer.name()).to_lowercase();
    let image = stage.push(&name);
    let signed = stage.sign(signer, way, &image);
    if IMPOSSIBLE.contains(&(signer, format, recipe)) {
        let right = signed.code != 0 && signed.stderr.contains(NO_ENVELOPES);
        return if right { Vec::new() } else { vec![format!("{name}: wanted \"{NO_ENVELOPES}\": {signed:?}")] };
    }
    if signed.code != 0 {
        return vec![format!("{name}: not signed: {signed:?}")];
    }
    let (_, digest) = image.split_once('@').expect("images are named by digest");
    let mut wrong = Vec::new();
    for verifier in Tool::ALL {
        for expecting in Expecting::all(by).iter().copied() {
            let outcome = stage.verify(verifier, way, expecting, &image);
            let fault = match expecting {
                _ if REFUSED.contains(&(signer, format, recipe, verifier)) => unseen(&outcome),
                Expecting::Signer => unlike_accepted(what, digest, &outcome),
                _ => unlike_refused(verifier, way, expecting, &outcome),
            };
            wrong.extend(fault.map(|fault| format!("{name}: {} expecting {expecting:?}: {fault}", verifier.name())));
        }
    }
    wrong
}

/// What is wrong with the refusal of what a verifier does not see, if anything.
fn unseen(outcome: &Outcome) -> Option<String> {
    let right = outcome.code == 10 && outcome.stderr.contains("no signatures found");
    (!right).then(|| format!("wanted exit code 10: {outcome:?}"))
}
