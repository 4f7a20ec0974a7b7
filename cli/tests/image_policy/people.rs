//! Identities: each counts once, together with keys too, and no longer once it is revoked.

use peers::Recipe;

use crate::instance::{ALICE, BOB, Instance};

fn keyless(name: &str, identities: &[String]) -> String {
    format!("{{name: {name}, keyless: {{identities: [{}]}}}}", identities.join(", "))
}

#[test]
fn identity_and_key_together_make_two() {
    let Some(world) = Instance::with_keys(&["release"]) else { return };
    let stage = &world.stage;
    let authorities = [keyless("build", &[world.identity(ALICE)]), stage.authority("release", "")].join(", ");
    stage.policy(&format!("authorities: [{authorities}], require: {{threshold: {{min: 2, of: [build, release]}}}}"));
    let wanted = "wanted 2 of build, release, each by another signer";
    let image = stage.push("shop/cart:1", "v1");
    world.sign_as(ALICE, Recipe::Rekor1, &image);
    stage.refused(&image, &["1 found (build by alice@sealgate.test", wanted, "authority release for"]);
    stage.sign("release", &image, &[]);
    let _ = stage.allowed(&image);
    let other = stage.push("shop/cart:2", "v2");
    world.sign_as(BOB, Recipe::Rekor1, &other);
    stage.sign("release", &other, &[]);
    stage.refused(
        &other,
        &["1 found (release by key ", wanted, "signature is by bob@sealgate.test", "alice@sealgate.test"],
    );
}

#[test]
fn one_person_counts_once_however_often_and_under_whatever_names() {
    let Some(world) = Instance::with_keys(&[]) else { return };
    let stage = &world.stage;
    let image = stage.push("shop/cart:1", "v1");
    // Each has a certificate of its own, and one is not in the log.
    world.sign_as(ALICE, Recipe::Rekor1, &image);
    world.sign_as(ALICE, Recipe::Rekor1Tsa, &image);
    let team = keyless("team", &[world.identity(ALICE), world.identity(BOB), world.expression("a.*")]);
    stage.policy(&format!("authorities: [{team}], require: {{threshold: {{min: 2, ofIdentities: team}}}}"));
    stage.refused(&image, &["1 found (team by alice@sealgate.test", "wanted 2 of team, each by another signer"]);
    let (one, two) = (keyless("one", &[world.identity(ALICE)]), keyless("two", &[world.expression(".*")]));
    let twice = format!("authorities: [{one}, {two}], require: {{threshold: {{min: 2, of: [one, two]}}}}");
    stage.policy(&twice);
    stage.refused(&image, &["1 found (one by alice@sealgate.test", "wanted 2 of one, two, each by another signer"]);
    world.sign_as(BOB, Recipe::Rekor1, &image);
    let _ = stage.allowed(&image);
    stage.policy(&format!("authorities: [{team}], require: {{threshold: {{min: 2, ofIdentities: team}}}}"));
    let said = stage.allowed(&image);
    assert!(said.contains("alice@sealgate.test") && said.contains("bob@sealgate.test"), "{said}");
}

#[test]
fn expression_is_for_the_whole_name() {
    let Some(world) = Instance::with_keys(&[]) else { return };
    let stage = &world.stage;
    let image = stage.push("shop/cart:1", "v1");
    world.sign_as(ALICE, Recipe::Rekor1, &image);
    for part in ["alice@sealgate", "@sealgate[.]test"] {
        stage.policy(&format!("authorities: [{}]", keyless("build", &[world.expression(part)])));
        stage.refused(&image, &["signature is by alice@sealgate.test", part]);
    }
    stage.policy(&format!("authorities: [{}]", keyless("build", &[world.expression("[a-z]+@sealgate[.]test")])));
    let _ = stage.allowed(&image);
}

#[test]
fn revoked_person_counts_no_longer() {
    let Some(world) = Instance::with_keys(&[]) else { return };
    let stage = &world.stage;
    let image = stage.push("shop/cart:1", "v1");
    world.sign_as(ALICE, Recipe::Rekor1, &image);
    let team = keyless("team", &[world.expression(".*@sealgate[.]test")]);
    for revoked in [world.identity(ALICE), world.expression("a.*")] {
        stage.policy(&format!("authorities: [{team}], revoked: {{identities: [{revoked}]}}"));
        stage.refused(&image, &["signature by alice@sealgate.test", "its signer is revoked by this policy"]);
    }
    stage.policy(&format!("authorities: [{team}], revoked: {{identities: [{}]}}", world.identity(BOB)));
    let _ = stage.allowed(&image);
}
