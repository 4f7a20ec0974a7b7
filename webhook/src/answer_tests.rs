//! From findings to answers: shapes of patches and refusals, merging, bounds.

use oci::{Digest, ImageRef, PinnedRef};
use workload::ImageUse;

use super::*;
use crate::finding::Allowed;

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn used(image: &str, index: usize) -> ImageUse {
    ImageUse {
        image: image.to_owned(),
        pointer: format!("/spec/containers/{index}/image"),
        path: format!("spec.containers[{index}].image"),
    }
}

fn finding(image: &str, index: usize, outcome: Outcome) -> Finding {
    Finding { used: used(image, index), outcome }
}

fn allowed(image: &str, pinned: Option<Digest>, must_be_pinned: bool) -> Outcome {
    let image: ImageRef = image.parse().unwrap();
    let pinned = pinned.map(|d| PinnedRef::new(image.repository().clone(), d));
    let (warnings, remarks) = (Vec::new(), Remarks::default());
    Outcome::Allowed(Box::new(Allowed { image, pinned, must_be_pinned, warnings, remarks }))
}

fn signed(image: &str, index: usize) -> Finding {
    finding(image, index, allowed(image, Some(digest("a")), true))
}

fn ground(policy: &str, detail: &str) -> Ground {
    Ground { headline: format!("failed policy: {policy}"), details: vec![detail.to_owned()] }
}

fn denied(image: &str, index: usize) -> Finding {
    finding(image, index, Outcome::Denied(vec![ground("p", &format!("{image} no signatures found"))]))
}

fn message(answer: &Answer) -> &str {
    &answer.refusal.as_ref().expect("a refusal").message
}

#[test]
fn tag_is_replaced_by_tag_and_digest_under_the_canonical_name() {
    let d = digest("a");
    let table = [
        ("nginx", format!("docker.io/library/nginx:latest@{d}")),
        ("nginx:1.27", format!("docker.io/library/nginx:1.27@{d}")),
        ("index.docker.io/shop/cart:2", format!("docker.io/shop/cart:2@{d}")),
        ("localhost:5000/shop/cart:2", format!("localhost:5000/shop/cart:2@{d}")),
        (&format!("nginx@{d}"), format!("docker.io/library/nginx@{d}")),
    ];
    for (image, value) in table {
        let answer = Answer::of(Hook::Mutate, &[signed(image, 3)]);
        assert_eq!(answer.patch, [Replace { path: "/spec/containers/3/image".to_owned(), value }]);
        assert_eq!((answer.refusal, answer.warnings.len()), (None, 0));
    }
}

#[test]
fn pinned_canonical_text_is_left_alone() {
    let d = digest("a");
    for image in [format!("docker.io/library/nginx:1@{d}"), format!("localhost:5000/shop/cart@{d}")] {
        let answer = Answer::of(Hook::Mutate, &[signed(&image, 0)]);
        assert_eq!((answer.patch.len(), answer.refusal), (0, None), "{image}");
    }
}

#[test]
fn sha512_is_replaced_by_the_sha256_that_was_judged() {
    let image = format!("registry.example/a@sha512:{}", "0".repeat(128));
    let answer = Answer::of(Hook::Mutate, &[signed(&image, 0)]);
    assert_eq!(answer.patch[0].value, format!("registry.example/a@{}", digest("a")));
    assert_eq!(Answer::of(Hook::Validate, &[signed(&image, 0)]).refusal, None);
}

#[test]
fn validation_never_patches() {
    let image = format!("nginx@{}", digest("a"));
    let answer = Answer::of(Hook::Validate, &[signed(&image, 0)]);
    assert_eq!((answer.patch.len(), answer.refusal), (0, None));
}

#[test]
fn signed_tag_at_validation_is_refused_as_unpinned() {
    let answer = Answer::of(Hook::Validate, &[signed("nginx:1", 0)]);
    let wanted = "validation failed: must be pinned to a digest: nginx:1; is the mutating webhook installed?: \
                  spec.containers[0].image";
    assert_eq!(message(&answer), wanted);
    assert_eq!(answer.refusal.unwrap().cause.code(), (400, "BadRequest"));
}

#[test]
fn signed_image_without_a_digest_to_write_is_refused_at_mutation_too() {
    let odd = finding("nginx:1", 0, allowed("nginx:1", None, true));
    assert!(Answer::of(Hook::Mutate, &[odd]).refusal.is_some());
}

#[test]
fn unpinned_image_without_a_signature_is_admitted_with_a_warning() {
    for hook in [Hook::Mutate, Hook::Validate] {
        let answer = Answer::of(hook, &[finding("nginx:1", 0, allowed("nginx:1", None, false))]);
        assert_eq!((&answer.refusal, answer.patch.len()), (&None, 0));
        assert_eq!(answer.warnings, ["nginx:1: admitted without a digest: what runs may not be what was judged"]);
    }
    let late = finding("nginx:1", 0, allowed("nginx:1", Some(digest("a")), false));
    let answer = Answer::of(Hook::Validate, &[late]);
    assert_eq!((answer.refusal, answer.warnings.len()), (None, 1));
}

#[test]
fn image_judged_instead_of_the_one_asked_for_is_refused() {
    let image = format!("nginx@{}", digest("b"));
    let other: ImageRef = "registry.example/nginx:1".parse().unwrap();
    let pinned = Some(PinnedRef::new(other.repository().clone(), digest("a")));
    let (asked, warnings, remarks) = ("nginx:1".parse().unwrap(), Vec::new(), Remarks::default());
    let swapped = Allowed { image: asked, pinned, must_be_pinned: true, warnings, remarks };
    for hook in [Hook::Mutate, Hook::Validate] {
        assert!(message(&Answer::of(hook, &[signed(&image, 0)])).contains("another image was judged"));
        let moved = finding("nginx:1", 0, Outcome::Allowed(Box::new(swapped.clone())));
        assert!(message(&Answer::of(hook, &[moved])).contains("another image was judged"));
    }
}

#[test]
fn no_findings_are_no_admission() {
    let answer = Answer::of(Hook::Validate, &[]);
    assert_eq!(answer.refusal.unwrap().cause, Cause::Broken);
}

#[test]
fn denial_without_grounds_is_a_denial() {
    let answer = Answer::of(Hook::Mutate, &[finding("a", 0, Outcome::Denied(Vec::new()))]);
    assert_eq!(message(&answer), "validation failed: refused without a reason a: spec.containers[0].image");
}

#[test]
fn one_refused_image_refuses_the_object_and_drops_the_patch() {
    for hook in [Hook::Mutate, Hook::Validate] {
        let pinned = format!("nginx@{}", digest("a"));
        let answer = Answer::of(hook, &[signed(&pinned, 0), denied("evil:1", 1)]);
        let wanted = "validation failed: failed policy: p: spec.containers[1].image\nevil:1 no signatures found";
        assert_eq!((message(&answer), answer.patch.len()), (wanted, 0));
        assert_eq!(answer.audit["decision"], "denied");
    }
}

#[test]
fn same_ground_for_several_places_is_one_item() {
    let findings = [denied("evil:1", 0), denied("other:1", 1), denied("evil:1", 2)];
    let wanted = "validation failed: failed policy: p: spec.containers[0].image, spec.containers[2].image\n\
                  evil:1 no signatures found\n\
                  failed policy: p: spec.containers[1].image\n\
                  other:1 no signatures found";
    assert_eq!(message(&Answer::of(Hook::Validate, &findings)), wanted);
}

#[test]
fn undecided_is_refused_as_unavailable() {
    let answer =
        Answer::of(Hook::Mutate, &[finding("a:1", 0, Outcome::Undecided(vec!["registry said 429".to_owned()]))]);
    assert_eq!(
        message(&answer),
        "validation failed: could not decide about a:1: spec.containers[0].image\nregistry said 429"
    );
    assert_eq!(answer.refusal.unwrap().cause.code(), (503, "ServiceUnavailable"));
}

#[test]
fn denial_beside_undecided_is_a_denial_that_tells_both() {
    let undecided = finding("a:1", 0, Outcome::Undecided(vec!["registry said 429".to_owned()]));
    let answer = Answer::of(Hook::Mutate, &[undecided, denied("evil:1", 1), signed("nginx:1", 2)]);
    assert!(message(&answer).contains("429") && message(&answer).contains("no signatures found"));
    assert_eq!(answer.refusal.unwrap().cause, Cause::Denied);
}

#[test]
fn control_characters_never_reach_message_or_warning() {
    let evil = "a\n\u{1b}[2Jallowed\u{202e}";
    let grounds = vec![Ground { headline: evil.to_owned(), details: vec![evil.to_owned()] }];
    let mut passed = allowed("a:1", None, false);
    if let Outcome::Allowed(a) = &mut passed {
        a.warnings.push(evil.to_owned());
    }
    let findings = [
        finding(evil, 0, Outcome::Denied(grounds)),
        finding(evil, 1, Outcome::Undecided(vec![evil.to_owned()])),
        finding(evil, 2, passed),
    ];
    let answer = Answer::of(Hook::Validate, &findings);
    let texts = answer.warnings.iter().map(String::as_str).chain([message(&answer), &answer.audit["images"]]);
    let all: String = texts.collect();
    assert!(!all.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(message(&answer).lines().count(), 4);
    assert!(answer.warnings.iter().all(|w| !w.contains('\n')) && answer.warnings.len() == 2);
}

#[test]
fn warnings_are_told_once_and_bounded() {
    let mut warned = Vec::new();
    for i in 0..100 {
        let mut outcome = allowed("a:1", Some(digest("a")), false);
        if let Outcome::Allowed(a) = &mut outcome {
            a.warnings = vec!["same".to_owned(), format!("{i} {}", "x".repeat(1000))];
        }
        warned.push(finding("a:1", i, outcome));
    }
    let warnings = Answer::of(Hook::Mutate, &warned).warnings;
    assert_eq!(warnings.iter().filter(|w| *w == "same").count(), 1);
    assert!(warnings.iter().all(|w| w.chars().count() <= 256));
    assert!(warnings.iter().map(|w| w.chars().count()).sum::<usize>() <= 4096);
    assert!(warnings[1].starts_with("0 x") && warnings[1].contains('…') && warnings[1].ends_with('x'));
}

#[test]
fn message_is_bounded() {
    let many: Vec<Finding> =
        (0..200).map(|i| denied(&"x".repeat(300), i)).chain([denied(&"y".repeat(9000), 1)]).collect();
    assert!(message(&Answer::of(Hook::Validate, &many)).chars().count() <= 8001);
}

#[test]
fn audit_names_the_decision_and_the_digests() {
    let answer = Answer::of(Hook::Mutate, &[signed("nginx:1", 0), signed("nginx:1", 1)]);
    assert_eq!(answer.audit["decision"], "allowed");
    assert_eq!(answer.audit["images"], format!("docker.io/library/nginx@{}", digest("a")));
    let unjudged = Answer::unjudged(Unjudged::SameTemplate);
    assert_eq!((unjudged.audit["decision"].as_str(), unjudged.refusal), ("unjudged: pod template unchanged", None));
}

#[test]
fn remarks_are_in_the_audit_once_and_bounded() {
    let remarked = |index: usize, why: &str| {
        let Outcome::Allowed(mut allowed) = allowed("nginx:1", Some(digest("a")), false) else { panic!() };
        allowed.remarks = Remarks { reprieves: Vec::new(), audited: vec![why.to_owned()] };
        finding("nginx:1", index, Outcome::Allowed(allowed))
    };
    let twice = Answer::of(Hook::Mutate, &[remarked(0, "a\nb"), remarked(1, "a\nb"), remarked(2, "c")]);
    assert_eq!(twice.audit["audited"], "nginx:1: a\\nb; nginx:1: c");
    let many: Vec<Finding> = (0..50).map(|n| remarked(n, &format!("{n} {}", "x".repeat(900)))).collect();
    let kept = &Answer::of(Hook::Mutate, &many).audit["audited"];
    assert!((400..1100).contains(&kept.len()), "{}", kept.len());
}
