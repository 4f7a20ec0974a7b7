//! Whether a program said what it should: a verified signature is the one of that image, and a refusal has the reason
//! that was provoked, so that no cell is right by accident.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Format, Outcome, Recipe};
use serde_json::Value;
use suites::signers::Tool;

use crate::stage::{
    By, Expecting, KIND, Way,
    What::{self, Attestation, Signature},
};

/// What is wrong with a verified signature of that digest, if anything.
pub(crate) fn unlike_accepted(what: What, digest: &str, outcome: &Outcome) -> Option<String> {
    if outcome.code != 0 {
        return Some(format!("wanted exit code 0: {outcome:?}"));
    }
    let right = match what {
        Signature => signed_digests(&outcome.stdout) == [digest],
        Attestation => attested_digests(&outcome.stdout) == [digest],
    };
    (!right).then(|| format!("wanted one proof of {digest}: {}", outcome.stdout))
}

/// What is wrong with the refusal of what was expected otherwise, if anything.
pub(crate) fn unlike_refused(tool: Tool, way: Way, expecting: Expecting, outcome: &Outcome) -> Option<String> {
    let code = match (tool, way.format, way.what) {
        (Tool::Sealgate, ..) | (_, Format::Legacy, Signature) => 12,
        (_, Format::Bundle, _) | (_, _, Attestation) => 1,
    };
    let reason = match tool {
        Tool::Sealgate => reason_of_sealgate(way, expecting),
        Tool::Cosign2 | Tool::Cosign3 => reason_of_cosign(tool, way, expecting),
    };
    let right = outcome.code == code && outcome.stderr.contains(reason) && outcome.stdout.trim().is_empty();
    (!right).then(|| format!("wanted exit code {code} and \"{reason}\": {outcome:?}"))
}

fn reason_of_sealgate(way: Way, expecting: Expecting) -> &'static str {
    match (expecting, way.by, way.recipe) {
        (Expecting::Signer, ..) => unreachable!("what is genuine is not refused"),
        (Expecting::Stranger, By::Key, _) => "not by a trusted key: 1 tried, none made this signature",
        (Expecting::Stranger, By::Identity, _) => "wanted mallory@sealgate.test (",
        (Expecting::OtherIssuer, ..) => "signed by alice@sealgate.test (",
        (Expecting::SignerElsewhere, _, Recipe::TsaOnly) => "no valid timestamp: timestamp is by an unknown authority",
        (Expecting::SignerElsewhere, ..) => "no valid log entry: log entry is of unknown log",
    }
}

fn reason_of_cosign(tool: Tool, way: Way, expecting: Expecting) -> &'static str {
    match (expecting, way.by, way.format, way.recipe) {
        (Expecting::Signer, ..) => unreachable!("what is genuine is not refused"),
        (Expecting::Stranger, By::Key, Format::Legacy, _) => "comparing public key PEMs",
        // It makes the entry anew with the key that it is given.
        (Expecting::Stranger, By::Key, Format::Bundle, Recipe::Rekor2) if tool == Tool::Cosign3 => {
            "does not match expected root"
        }
        (Expecting::Stranger, By::Key, Format::Bundle, _) => "transparency log certificate does not match",
        (Expecting::Stranger, By::Identity, Format::Bundle, _) => "expected SAN value \"mallory@sealgate.test\"",
        (Expecting::OtherIssuer, _, Format::Bundle, _) => "expected issuer value",
        (Expecting::Stranger | Expecting::OtherIssuer, ..) => "none of the expected identities matched",
        (Expecting::SignerElsewhere, _, Format::Legacy, Recipe::TsaOnly) => "unable to verify RFC3161 timestamp bundle",
        (Expecting::SignerElsewhere, _, Format::Legacy, _) => "rekor log public key not found",
        (Expecting::SignerElsewhere, _, Format::Bundle, Recipe::TsaOnly) => {
            "threshold not met for verified signed timestamps"
        }
        (Expecting::SignerElsewhere, _, Format::Bundle, _) => "not enough verified log entries",
    }
}

/// `verify` prints a list, in both formats.
fn signed_digests(stdout: &str) -> Vec<String> {
    let proofs: Vec<Value> = serde_json::from_str(stdout.trim()).unwrap_or_default();
    let digest = |proof: &Value| proof["critical"]["image"]["docker-manifest-digest"].as_str().map(str::to_owned);
    proofs.iter().filter_map(digest).collect()
}

/// `verify-attestation` prints an envelope a line.
fn attested_digests(stdout: &str) -> Vec<String> {
    stdout.lines().filter(|line| !line.is_empty()).filter_map(attested_digest).collect()
}

fn attested_digest(line: &str) -> Option<String> {
    let envelope: Value = serde_json::from_str(line).ok()?;
    let payload = BASE64_STANDARD.decode(envelope["payload"].as_str()?).ok()?;
    let statement: Value = serde_json::from_slice(&payload).ok()?;
    (statement["predicateType"] == KIND).then_some(())?;
    Some(format!("sha256:{}", statement["subject"][0]["digest"]["sha256"].as_str()?))
}
