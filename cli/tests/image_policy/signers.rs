//! Which authorities are needed, how many of them, and whose signatures count no longer.

use crate::stage::Stage;

#[test]
fn any_authority_will_do_where_nothing_is_required() {
    let Some(stage) = Stage::with_keys(&["build", "audit", "stranger"]) else { return };
    stage.policy(&format!("authorities: [{}, {}]", stage.authority("build", ""), stage.authority("audit", "")));
    let image = stage.push("shop/cart:1", "v1");
    stage.refused(&image, &["failed policy: own", "authority build", "authority audit", "no signatures found"]);
    stage.sign("stranger", &image, &[]);
    stage.refused(&image, &["not by a trusted key: 2 tried, none made this signature"]);
    stage.sign("audit", &image, &[]);
    let said = stage.allowed(&image);
    assert!(said.contains(&format!("policy own: signed by key {}", stage.key_id("audit"))), "{said}");
}

#[test]
fn all_that_are_required_must_have_signed() {
    let Some(stage) = Stage::with_keys(&["build", "audit", "security"]) else { return };
    let authorities = ["build", "audit", "security"].map(|key| stage.authority(key, "")).join(", ");
    let require = "allOf: [{authority: build}, {anyOf: [{authority: audit}, {authority: security}]}]";
    stage.policy(&format!("authorities: [{authorities}], require: {{{require}}}"));
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    stage.refused(&image, &["authority audit is not met, or authority security is not met"]);
    stage.sign("security", &image, &[]);
    let _ = stage.allowed(&image);
    let other = stage.push("shop/cart:2", "v2");
    stage.sign("audit", &other, &[]);
    stage.sign("security", &other, &[]);
    stage.refused(&other, &["authority build is not met", "authority build for"]);
}

#[test]
fn threshold_counts_different_keys_and_each_once() {
    let Some(stage) = Stage::with_keys(&["build", "audit", "security"]) else { return };
    let authorities = ["build", "audit", "security"].map(|key| stage.authority(key, "")).join(", ");
    stage.policy(&format!(
        "authorities: [{authorities}], require: {{threshold: {{min: 2, of: [build, audit, security]}}}}"
    ));
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    let wanted = "wanted 2 of build, audit, security, each by another signer";
    stage.refused(&image, &[&format!("1 found (build by key {})", stage.key_id("build")), wanted]);
    stage.sign("build", &image, &[("again", "yes")]);
    stage.refused(&image, &["1 found (build by key ", wanted]);
    stage.sign("security", &image, &[]);
    let said = stage.allowed(&image);
    for key in ["build", "security"] {
        assert!(said.contains(&stage.key_id(key)), "{said}");
    }
}

#[test]
fn one_key_under_two_names_is_one_signer() {
    let Some(stage) = Stage::with_keys(&["build", "audit"]) else { return };
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    let require = "require: {threshold: {min: 2, of: [one, two]}}";
    let policy = |second| {
        let (one, two) = (stage.authority_of("one", "build", ""), stage.authority_of("two", second, ""));
        stage.policy(&format!("authorities: [{one}, {two}], {require}"));
    };
    policy("build");
    stage.refused(&image, &["1 found (one by key ", "wanted 2 of one, two, each by another signer"]);
    policy("audit");
    stage.refused(&image, &["1 found (one by key ", "authority two for"]);
    stage.sign("audit", &image, &[]);
    let _ = stage.allowed(&image);
}

#[test]
fn revoked_key_counts_no_longer_and_revoked_image_never() {
    let Some(stage) = Stage::with_keys(&["build", "audit"]) else { return };
    let authorities = format!("authorities: [{}, {}]", stage.authority("build", ""), stage.authority("audit", ""));
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    stage.policy(&format!("{authorities}, revoked: {{keys: ['{}']}}", stage.key_id("build")));
    stage.refused(&image, &["its signer is revoked by this policy, wanted one that is not"]);
    let digest = image.split('@').nth(1).unwrap();
    stage.policy(&format!("{authorities}, revoked: {{digests: ['{digest}']}}"));
    stage.refused(&image, &[&format!("{digest} is revoked by this policy")]);
    stage.policy(&format!("{authorities}, revoked: {{keys: ['{}']}}", stage.key_id("audit")));
    let _ = stage.allowed(&image);
}

#[test]
fn annotations_must_be_signed_with_their_values() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let further = ", annotations: {team: release, stage: final}";
    stage.policy(&format!("authorities: [{}]", stage.authority("build", further)));
    let [bare, beta, last] = ["v1", "v2", "v3"].map(|seed| stage.push(&format!("shop/cart:{seed}"), seed));
    stage.sign("build", &bare, &[("stage", "final")]);
    stage.refused(&bare, &["signature has no annotation team, wanted team=release"]);
    stage.sign("build", &beta, &[("team", "release"), ("stage", "beta")]);
    stage.refused(&beta, &["signature has the annotation stage=beta, wanted stage=final"]);
    stage.sign("build", &last, &[("team", "release"), ("stage", "final"), ("more", "is no harm")]);
    let _ = stage.allowed(&last);
}

#[test]
fn expression_must_be_true_of_what_counts() {
    let Some(stage) = Stage::with_keys(&["build", "stranger"]) else { return };
    let cel = "expressions: [{cel: \"size(signatures) >= 2\", message: two signatures are usual here}]";
    stage.policy(&format!("authorities: [{}], {cel}", stage.authority("build", "")));
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    stage.refused(&image, &["two signatures are usual here"]);
    stage.sign("stranger", &image, &[("n", "2")]);
    stage.refused(&image, &["two signatures are usual here"]);
    stage.sign("build", &image, &[("n", "3")]);
    let _ = stage.allowed(&image);
}
