//! A trusted root that lacks a part: what that part vouched for is refused, and everything else is as it was.

use peers::{Format, Part, Recipe};
use suites::signers::Tool;

use crate::stage::{By::Identity, Expecting, PROGRAM, Stage, Way, What::Signature};
use crate::verdict::unlike_accepted;

/// What sealgate says without each of the parts, if anything is missing.
const NEEDED: [(Recipe, &[(Part, &str)]); 6] = [
    (Recipe::Rekor1, &[AUTHORITY, CERTIFICATES, (Part::Rekor1, UNKNOWN_LOG)]),
    (Recipe::Rekor1Tsa, &[AUTHORITY, CERTIFICATES, (Part::Rekor1, UNKNOWN_LOG)]),
    (Recipe::Rekor2, &[AUTHORITY, CERTIFICATES, (Part::Rekor2, UNKNOWN_LOG), (Part::Timestamps, NO_TIME)]),
    (Recipe::Rekor2Dsse, &[AUTHORITY, CERTIFICATES, (Part::Rekor2, UNKNOWN_LOG), (Part::Timestamps, NO_TIME)]),
    (Recipe::TsaOnly, &[AUTHORITY, CERTIFICATES, (Part::Timestamps, "no valid timestamp")]),
    (Recipe::NoCt, &[AUTHORITY, (Part::Rekor1, UNKNOWN_LOG)]),
];
const AUTHORITY: (Part, &str) = (Part::Authority, "no certificate authority is trusted");
const CERTIFICATES: (Part, &str) = (Part::CertificateLog, "no valid certificate timestamp");
/// Rekor v2 tells none.
const NO_TIME: &str = "no trusted time: neither a log nor a timestamp authority vouches for one";
const UNKNOWN_LOG: &str = "no valid log entry: log entry is of unknown log";

#[test]
fn bundles() {
    each_part(Format::Bundle, &Recipe::ALL);
}

#[test]
fn legacy_signatures() {
    each_part(Format::Legacy, &[Recipe::Rekor1, Recipe::Rekor1Tsa, Recipe::TsaOnly]);
}

fn each_part(format: Format, recipes: &[Recipe]) {
    let Some(stage) = Stage::set_up() else { return };
    for (recipe, needed) in NEEDED.into_iter().filter(|(recipe, _)| recipes.contains(recipe)) {
        for signer in [Tool::Cosign3, Tool::Sealgate] {
            let way = Way { what: Signature, by: Identity, format, recipe };
            let image = stage.push(&format!("parts/{format:?}/{}/{}", recipe.name(), signer.name()).to_lowercase());
            stage.sign(signer, way, &image).success();
            for part in Part::ALL {
                let root = stage.sigstore.trusted_root_without(part);
                let args = stage.verifying_args(Tool::Sealgate, way, Expecting::Signer, &root, &image);
                let outcome = stage.plain().run(PROGRAM, args);
                let cell = format!("{} {format:?} by {} without {part:?}", recipe.name(), signer.name());
                match needed.iter().find(|(needed, _)| *needed == part) {
                    Some((_, reason)) => {
                        let said = outcome.failure(12);
                        assert!(said.contains(reason), "{cell}: wanted \"{reason}\": {said}");
                    }
                    None => {
                        assert_eq!(unlike_accepted(Signature, &image[image.len() - 71..], &outcome), None, "{cell}")
                    }
                }
            }
        }
    }
}
