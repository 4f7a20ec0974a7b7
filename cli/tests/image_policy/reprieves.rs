//! Exceptions, broken glasses and modes: what is let in though no signature says so, and how loudly.

use serde_json::Value;

use crate::stage::Stage;

const FOREVER: &str = "until: '2999-01-01T00:00:00Z', reason: is moving";
const OVER: &str = "until: '2026-01-01T00:00:00Z', reason: is moving";

/// A policy that the unsigned image does not meet, with these further fields; the image.
fn unsigned(stage: &Stage) -> String {
    stage.push("shop/cart:1", "v1")
}

fn policy(stage: &Stage, further: &str) {
    stage.policy(&format!("authorities: [{}], {further}", stage.authority("build", "")));
}

#[test]
fn exception_lets_in_what_it_names_until_it_ends_and_says_so() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = unsigned(&stage);
    let named = format!("images: [{{glob: '{}@*'}}]", stage.name("shop/cart"));
    policy(&stage, &format!("exceptions: [{{{named}, {FOREVER}}}]"));
    let said = stage.allowed(&image);
    for words in ["exception from policy: own", "is let in until 2999-01-01T00:00:00Z, for this reason: is moving"] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    policy(&stage, &format!("exceptions: [{{{named}, {OVER}}}]"));
    stage.refused(&image, &["failed policy: own", "no signatures found"]);
    let other = format!("images: [{{glob: '{}@*'}}]", stage.name("shop/other"));
    policy(&stage, &format!("exceptions: [{{{other}, {FOREVER}}}]"));
    stage.refused(&image, &["failed policy: own", "no signatures found"]);
}

#[test]
fn broken_glass_lets_everything_in_until_it_ends_and_for_nobody_unknown() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = unsigned(&stage);
    policy(&stage, &format!("breakGlass: {{{FOREVER}}}"));
    let said = stage.allowed(&image);
    assert!(said.contains("break-glass from policy: own") && said.contains("is moving"), "{said}");
    policy(&stage, &format!("breakGlass: {{{OVER}}}"));
    stage.refused(&image, &["failed policy: own"]);
    policy(&stage, &format!("breakGlass: {{{FOREVER}, users: ['*']}}"));
    stage.refused(&image, &["failed policy: own"]);
}

#[test]
fn reprieve_is_in_the_answer_for_programs() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = unsigned(&stage);
    policy(&stage, &format!("breakGlass: {{{FOREVER}}}"));
    let said = stage.check(&image, &["-o", "json"]).success();
    let answer: Value = serde_json::from_str(&said).unwrap();
    let reprieve = &answer["verdict"]["reprieves"][0];
    assert_eq!((&reprieve["policy"], &reprieve["kind"]), (&"own".into(), &"break-glass".into()), "{said}");
    assert_eq!((&reprieve["until"], &reprieve["reason"]), (&"2999-01-01T00:00:00Z".into(), &"is moving".into()));
}

#[test]
fn mode_says_whether_a_refusal_is_one_or_is_told_or_is_kept() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = unsigned(&stage);
    policy(&stage, "mode: enforce");
    stage.refused(&image, &["failed policy: own"]);
    policy(&stage, "mode: warn");
    assert!(stage.allowed(&image).contains("no signatures found"));
    policy(&stage, "mode: audit");
    let said = stage.allowed(&image);
    assert!(!said.contains("no signatures found") && !said.contains("warn"), "{said}");
}

#[test]
fn policy_that_cannot_be_read_decides_nothing() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = unsigned(&stage);
    for (wrong, wanted) in [
        ("exceptions: [{digests: [], until: '2999-01-01T00:00:00Z', reason: x}]", "policy.yaml:4:"),
        ("breakGlass: {until: '2999-01-01T00:00:00Z', reason: ' '}", "a reason in words"),
        ("require: {threshold: {min: 2, of: [build]}}", "policy.yaml:4:"),
    ] {
        policy(&stage, wrong);
        let said = stage.check(&image, &[]).failure(3);
        assert!(said.contains(wanted), "{wrong}: {said}");
    }
}
