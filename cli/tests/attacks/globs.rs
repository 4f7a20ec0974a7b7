//! T15: names that look like those that a glob is about.

use std::slice;

use peers::push_image_from;

use crate::stage::{Stage, denied, is_let_in, pass};

#[test]
fn t15_a_glob_is_about_whole_names_and_lint_tells_of_one_that_is_about_siblings() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let address = stage.address().to_owned();
    let image = |name: &str| {
        let digest = push_image_from(stage.shop.sealgate.client(), &format!("{address}/{name}:1"), name);
        format!("{address}/{name}@{digest}")
    };
    let wanted = image("trusted.io/app");
    let (sibling, below) = (image("trusted.io/app-evil"), image("trusted.io/app/evil"));
    let others = [image("evil.io/trusted.io/app"), image("trustedxio/app"), image("trusted.io/ap"), image("app")];
    let tight = pass("tight", &format!("{address}/trusted.io/app@*"));
    let check = |policy, image: &str| stage.check(slice::from_ref(policy), image);
    assert!(is_let_in(&check(&tight, &wanted)));
    for other in others.iter().chain([&sibling, &below]) {
        denied(&check(&tight, other), "no matching policies");
    }
    assert!(!stage.findings(slice::from_ref(&tight)).contains("sibling-glob"));
    // As upstream, and said.
    let loose = pass("loose", &format!("{address}/trusted.io/app*"));
    assert!(is_let_in(&check(&loose, &wanted)) && is_let_in(&check(&loose, &sibling)));
    for other in others.iter().chain([&below]) {
        denied(&check(&loose, other), "no matching policies");
    }
    assert!(stage.findings(&[loose]).contains("sibling-glob"));
}
