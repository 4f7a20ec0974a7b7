//! Children of an index that must be signed too, and an index that answers for a child.

use std::sync::Arc;

use oci::{Digest, PinnedRef, Platform};
use policy::{Child, Findings, PolicySet, Undecided, Verdict};
use verifier::{Found, Gap, Source, UntrustedSignature, examine};

use crate::{
    own::{Question, at, authority, own, plain, signed},
    writing::{image, key, set},
};

fn child(name: &str) -> Child {
    let (os, architecture) = name.split_once('/').expect("is a platform");
    let platform = Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant: None };
    Child { digest: Digest::of(name.as_bytes()), platform: Some(platform) }
}

/// The same findings, and these signatures of another manifest.
fn other(
    set: &PolicySet,
    findings: Findings,
    digest: Digest,
    signatures: &[UntrustedSignature],
    gaps: &[Gap],
) -> Findings {
    let subject = PinnedRef::new(image().repository().clone(), digest);
    Question::with(Vec::new()).matched(set).inquiries().fold(findings, |so_far, inquiry| {
        let found = Found { signatures: signatures.to_vec(), gaps: gaps.to_vec() };
        so_far.with_other(inquiry, Arc::new(examine(&subject, found, inquiry.trust(), at(1))))
    })
}

/// What becomes of an index that is signed by this key, and lists amd64, signed, and arm64, perhaps signed.
fn judged(platforms: &str, arm_is_signed: bool) -> Verdict {
    let key = key();
    let set = set(&[own(&format!("authorities: [{}], platforms: {platforms}", authority("a", &key, "")))]);
    let question = Question::with(vec![plain(&key)]);
    let children = vec![child("linux/amd64"), child("linux/arm64")];
    let mut findings = question.findings(&set).with_children(children.clone());
    for (one, is_signed) in children.iter().zip([true, arm_is_signed]) {
        let signature = signed(&key, ("ghcr.io/acme/app", one.digest), &[], 0);
        let signatures = if is_signed { vec![signature] } else { Vec::new() };
        findings = other(&set, findings, one.digest, &signatures, &[]);
    }
    question.ask_with(&set, &findings).expect("everything is known")
}

#[test]
fn every_child_must_be_signed_where_the_policy_says_so() {
    assert!(matches!(judged("asked", false), Verdict::Allow(_)));
    assert!(matches!(judged("every", true), Verdict::Allow(_)));
    let Verdict::Deny(denial) = judged("every", false) else { panic!("allowed") };
    let said = denial.to_string();
    let arm = child("linux/arm64").digest;
    assert!(said.contains(&format!("lists {arm}, which this policy wants signed too")), "{said}");
}

#[test]
fn named_platforms_must_be_there_and_signed() {
    assert!(matches!(judged("[linux/amd64]", false), Verdict::Allow(_)));
    assert!(matches!(judged("[linux/amd64, linux/arm64]", false), Verdict::Deny(_)));
    let Verdict::Deny(denial) = judged("[linux/amd64, linux/s390x]", true) else { panic!("allowed") };
    assert!(denial.to_string().contains("index lists linux/amd64, linux/arm64, wanted linux/s390x"), "{denial}");
}

#[test]
fn children_do_not_stand_in_for_the_index() {
    let key = key();
    let set = set(&[own(&format!("authorities: [{}], platforms: every", authority("a", &key, "")))]);
    let question = Question::with(Vec::new());
    let one = child("linux/amd64");
    let findings = question.findings(&set).with_children(vec![one.clone()]);
    let signature = signed(&key, ("ghcr.io/acme/app", one.digest), &[], 0);
    let findings = other(&set, findings, one.digest, &[signature], &[]);
    assert!(matches!(question.ask_with(&set, &findings), Ok(Verdict::Deny(_))));
}

#[test]
fn what_is_not_known_of_children_decides_nothing() {
    let key = key();
    let set = set(&[own(&format!("authorities: [{}], platforms: every", authority("a", &key, "")))]);
    let question = Question::with(vec![plain(&key)]);
    assert!(question.ask(&set).is_err(), "nobody looked what it lists");
    let one = child("linux/amd64");
    let listed = || question.findings(&set).with_children(vec![one.clone()]);
    assert!(question.ask_with(&set, &listed()).is_err(), "nobody looked at the child");
    let gap = Gap { source: Source::Referrers, why: "429".to_owned() };
    assert!(question.ask_with(&set, &other(&set, listed(), one.digest, &[], &[gap])).is_err());
    assert!(matches!(question.ask_with(&set, &other(&set, listed(), one.digest, &[], &[])), Ok(Verdict::Deny(_))));
    let alone = question.findings(&set).with_children(Vec::new());
    assert!(matches!(question.ask_with(&set, &alone), Ok(Verdict::Allow(_))), "no index: there is nothing else");
}

#[test]
fn evidence_about_what_is_not_listed_is_about_another_image() {
    let key = key();
    let set = set(&[own(&format!("authorities: [{}], platforms: every, index: accepted", authority("a", &key, "")))]);
    let question = Question::with(vec![plain(&key)]);
    let findings = question.findings(&set).with_children(vec![child("linux/amd64")]);
    let stranger = other(&set, findings, Digest::of(b"not listed"), &[], &[]);
    assert!(matches!(question.ask_with(&set, &stranger), Err(Undecided::OtherImage { .. })));
}

#[test]
fn index_answers_for_a_child_only_where_the_policy_accepts_it() {
    let key = key();
    let index = Digest::of(b"the index");
    let judged = |further: &str, signer: &keys::PrivateKey| {
        let set = set(&[own(&format!("authorities: [{}]{further}", authority("a", &key, "")))]);
        let question = Question::with(Vec::new());
        let signature = signed(signer, ("ghcr.io/acme/app", index), &[], 0);
        let findings = other(&set, question.findings(&set).with_index(index), index, &[signature], &[]);
        question.ask_with(&set, &findings).expect("everything is known")
    };
    assert!(matches!(judged(", index: accepted", &key), Verdict::Allow(_)));
    assert!(matches!(judged(", index: accepted", &crate::writing::key()), Verdict::Deny(_)));
    assert!(matches!(judged(", index: ignored", &key), Verdict::Deny(_)));
    assert!(matches!(judged("", &key), Verdict::Deny(_)));
}

#[test]
fn revoked_child_is_refused_with_its_index() {
    let key = key();
    let one = child("linux/amd64");
    let revoked = format!(
        "authorities: [{}], platforms: every, revoked: {{digests: ['{}']}}",
        authority("a", &key, ""),
        one.digest
    );
    let set = set(&[own(&revoked)]);
    let question = Question::with(vec![plain(&key)]);
    let signature = signed(&key, ("ghcr.io/acme/app", one.digest), &[], 0);
    let findings = question.findings(&set).with_children(vec![one.clone()]);
    let verdict = question.ask_with(&set, &other(&set, findings, one.digest, &[signature], &[]));
    let Ok(Verdict::Deny(denial)) = verdict else { panic!("{verdict:?}") };
    assert!(denial.to_string().contains("is revoked"), "{denial}");
}

#[test]
fn revoked_index_answers_for_no_child() {
    let (key, index) = (key(), Digest::of(b"the index"));
    let judged = |revoked: Digest| {
        let further = format!("index: accepted, revoked: {{digests: ['{revoked}']}}");
        let set = set(&[own(&format!("authorities: [{}], {further}", authority("a", &key, "")))]);
        let question = Question::with(Vec::new());
        let signature = signed(&key, ("ghcr.io/acme/app", index), &[], 0);
        let findings = other(&set, question.findings(&set).with_index(index), index, &[signature], &[]);
        question.ask_with(&set, &findings).expect("everything is known")
    };
    assert!(matches!(judged(Digest::of(b"another")), Verdict::Allow(_)));
    assert!(matches!(judged(index), Verdict::Deny(_)));
}
