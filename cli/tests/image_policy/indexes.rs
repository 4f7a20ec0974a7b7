//! Images of several platforms: which of the manifests are signed, and which of them count.

use crate::stage::Stage;

/// An index `shop/cart:1` of two platforms, with the names by digest of itself and of each.
struct Index {
    whole: String,
    amd64: String,
    arm64: String,
}

fn pushed(stage: &Stage) -> Index {
    let platform = |tag: &str, platform: &str| {
        let _ = stage.push(&format!("shop/cart:{tag}-plain"), tag);
        let (from, to) = (stage.name(&format!("shop/cart:{tag}-plain")), stage.name(&format!("shop/cart:{tag}")));
        let said = stage.crane(["mutate", &from, "--set-platform", platform, "-t", &to]);
        said.lines().last().unwrap().to_owned()
    };
    let (amd64, arm64) = (platform("amd64", "linux/amd64"), platform("arm64", "linux/arm64"));
    let tag = stage.name("shop/cart:1");
    let said = stage.crane(["index", "append", "-m", &amd64, "-m", &arm64, "-t", &tag]);
    let digest = said.lines().last().unwrap().split('@').nth(1).unwrap();
    Index { whole: stage.by_digest("shop/cart:1", digest), amd64, arm64 }
}

fn policy(stage: &Stage, further: &str) {
    stage.policy(&format!("authorities: [{}], {further}", stage.authority("build", "")));
}

#[test]
fn every_platform_must_be_signed_where_that_is_asked() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let index = pushed(&stage);
    stage.sign("build", &index.whole, &[]);
    policy(&stage, "platforms: asked");
    let _ = stage.allowed(&index.whole);
    policy(&stage, "platforms: every");
    let digest = |name: &str| name.split('@').nth(1).unwrap().to_owned();
    stage.refused(&index.whole, &[&digest(&index.amd64), "which this policy wants signed too", "no signatures found"]);
    stage.sign("build", &index.amd64, &[]);
    stage.refused(&index.whole, &[&digest(&index.arm64), "which this policy wants signed too"]);
    policy(&stage, "platforms: [linux/amd64]");
    let _ = stage.allowed(&index.whole);
    stage.sign("build", &index.arm64, &[]);
    policy(&stage, "platforms: every");
    let _ = stage.allowed(&stage.name("shop/cart:1"));
}

#[test]
fn platform_that_is_named_must_be_there_and_signed() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let index = pushed(&stage);
    for image in [&index.whole, &index.amd64] {
        stage.sign("build", image, &[]);
    }
    policy(&stage, "platforms: [linux/amd64, windows/amd64]");
    stage.refused(&index.whole, &["index lists linux/amd64, linux/arm64", "wanted windows/amd64"]);
    policy(&stage, "platforms: [linux/amd64, linux/arm64]");
    stage.refused(&index.whole, &["which this policy wants signed too"]);
    policy(&stage, "platforms: [linux/amd64]");
    let _ = stage.allowed(&index.whole);
}

#[test]
fn platforms_alone_do_not_make_the_index_signed() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let index = pushed(&stage);
    for image in [&index.amd64, &index.arm64] {
        stage.sign("build", image, &[]);
    }
    policy(&stage, "platforms: every");
    stage.refused(&index.whole, &["no signatures found"]);
    stage.refused(&stage.name("shop/cart:1"), &["no signatures found"]);
    let _ = stage.allowed(&index.arm64);
}

#[test]
fn signed_index_vouches_for_its_platform_where_its_tag_is_named_and_the_policy_takes_it() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let index = pushed(&stage);
    stage.sign("build", &index.whole, &[]);
    let by_tag = format!("{}@{}", stage.name("shop/cart:1"), index.arm64.split('@').nth(1).unwrap());
    policy(&stage, "index: ignored");
    stage.refused(&by_tag, &["no signatures found"]);
    policy(&stage, "index: accepted");
    let _ = stage.allowed(&by_tag);
    stage.refused(&index.arm64, &["no signatures found"]);
    let other = stage.push("shop/cart:2", "other");
    let unlisted = format!("{}@{}", stage.name("shop/cart:1"), other.split('@').nth(1).unwrap());
    stage.refused(&unlisted, &["no signatures found"]);
}
