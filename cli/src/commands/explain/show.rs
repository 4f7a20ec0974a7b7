//! The story as text and as JSON.

use oci::ImageRef;
use serde_json::{Value, json};

use super::{
    super::{bundle::tree, check, vouched},
    advice,
    steps::{Ended, Judged, Name, Step},
    story::{Looked, Piece, Story},
};

/// What a policy says about the image.
pub(super) struct Opinion {
    pub(super) image: ImageRef,
    pub(super) answer: Result<gate::Judged, gate::GateError>,
}

/// For people.
pub(super) fn text(typed: &str, story: &Story, policy: Option<&Opinion>) -> Vec<String> {
    let mut lines =
        vec![format!("image   {typed}"), format!("digest  {}", story.image.digest()), "looked at".to_owned()];
    lines.extend(story.sources.iter().map(looked));
    for (number, piece) in (1..).zip(&story.pieces) {
        lines.push(String::new());
        lines.extend(told(number, piece));
    }
    if let Some(opinion) = policy {
        lines.push(String::new());
        lines.push("policy".to_owned());
        lines.extend(check::lines(&opinion.image, &opinion.answer).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn looked(Looked { source, found, gap }: &Looked) -> String {
    match (found, gap) {
        (0, None) => format!("  {source}: nothing there"),
        (found, None) => format!("  {source}: {found} found"),
        (0, Some(why)) => format!("  {source}: could not be looked at: {why}"),
        (found, Some(why)) => format!("  {source}: {found} found, and there may be more: {why}"),
    }
}

fn told(number: usize, piece: &Piece) -> Vec<String> {
    let mut lines = vec![format!("{number}. {}: {}", piece.place, verdict(piece))];
    lines.push("   says of itself, unchecked:".to_owned());
    lines.extend(tree(&json!(piece.says)).into_iter().map(|line| format!("     {line}")));
    lines.push("   checked:".to_owned());
    for step in &piece.steps {
        let detail = if step.detail.is_empty() { String::new() } else { format!(": {}", step.detail) };
        lines.push(format!("     {:11} {}{detail}", step.ended, step.step));
    }
    if let Some((_, proofs)) = piece.judged.signer() {
        lines.extend(proofs.set_aside().iter().map(|one| format!("     counts for nothing: {one}")));
        lines.extend(proofs.unexamined().iter().map(|one| format!("     not examined: {one}")));
    }
    lines.extend(advice::on(piece).map(|advice| format!("   to count: {advice}")));
    lines
}

fn verdict(piece: &Piece) -> &'static str {
    let signer = piece.steps.iter().find(|step| step.step == Name::Signer).map(|step| step.ended);
    match (&piece.judged, signer) {
        (Judged::Refused(_), _) => "does not count",
        (Judged::Signature(_), Some(Ended::Failed)) => "genuine signature, by somebody else",
        (Judged::Signature(_), Some(Ended::Passed)) => "genuine signature, by whom it should be",
        (Judged::Signature(_), _) => "genuine signature",
        (Judged::Attestation(_), Some(Ended::Failed)) => "genuine attestation, by somebody else",
        (Judged::Attestation(_), Some(Ended::Passed)) => "genuine attestation, by whom it should be",
        (Judged::Attestation(_), _) => "genuine attestation",
    }
}

/// For programs.
pub(super) fn object(typed: &str, story: &Story, policy: Option<&Opinion>) -> Value {
    let sources = story.sources.iter().map(|one| json!({ "source": one.source, "found": one.found, "error": one.gap }));
    let pieces = story.pieces.iter().map(|piece| {
        let step = |step: &Step| json!({ "step": step.step.to_string(), "ended": step.ended.to_string(), "detail": step.detail });
        let steps: Vec<Value> = piece.steps.iter().map(step).collect();
        let verified = piece.judged.signer().map(|(signer, proofs)| vouched::members(signer, proofs));
        json!({
            "place": piece.place, "verdict": verdict(piece), "unchecked": piece.says, "steps": steps,
            "verified": verified, "to-count": advice::on(piece),
        })
    });
    json!({
        "image": typed, "digest": story.image.digest(),
        "sources": sources.collect::<Vec<_>>(), "pieces": pieces.collect::<Vec<_>>(),
        "policy": policy.map(|opinion| check::object(&opinion.image, &opinion.answer)),
    })
}
