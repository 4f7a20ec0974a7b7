//! Who signs × who verifies × what × by identity or key × in which format × with which services.
//!
//! [`WAYS`] is the one place that says what is tried, [`IMPOSSIBLE`] and [`REFUSED`] what a cosign cannot do; the test
//! fails once it can. Each signature is also offered to every verifier that expects somebody else, and to each with
//! the root of another instance.

use peers::{Format, Recipe};
use suites::signers::Tool;

use Format::{Bundle, Legacy};
use Recipe::{NoCt, Rekor1, Rekor1Tsa, Rekor2, Rekor2Dsse, TsaOnly};
use Tool::Cosign2;

use crate::stage::{
    By::{self, Identity, Key},
    Expecting, Stage,
    What::{self, Attestation, Signature},
    Way,
};

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

/// What a program cannot sign.
const IMPOSSIBLE: [(Tool, Format, Recipe); 0] = [];

/// What a verifier refuses though it is genuine: signer, format, services, verifier.
const REFUSED: [(Tool, Format, Recipe, Tool); 0] = [];

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
    let possible = !IMPOSSIBLE.contains(&(signer, format, recipe));
    if (signed.code == 0) != possible {
        return vec![format!("{name}: signing: {}", signed.stderr)];
    }
    if !possible {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for verifier in Tool::ALL {
        for expecting in [Expecting::Signer, Expecting::Stranger, Expecting::SignerElsewhere] {
            // By variables, cosign 2 knows no other instance than this one.
            if expecting == Expecting::SignerElsewhere && verifier == Cosign2 && format == Legacy {
                continue;
            }
            let outcome = stage.verify(verifier, way, expecting, &image);
            let wanted = expecting == Expecting::Signer && !REFUSED.contains(&(signer, format, recipe, verifier));
            if (outcome.code == 0) != wanted {
                wrong.push(format!("{name}: {} expecting {expecting:?}: {}", verifier.name(), outcome.stderr));
            }
        }
    }
    wrong
}
