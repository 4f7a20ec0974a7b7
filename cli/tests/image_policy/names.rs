//! The name and the tag that were signed: mirrors made by crane, and old images under new tags.

use crate::stage::Stage;

/// A stage with an image that is signed and copied, signature and all, to these repositories; the image's digest.
fn copied(stage: &Stage, to: &[&str]) -> String {
    let image = stage.push("acme/app:1", "v1");
    stage.sign("build", &image, &[]);
    let digest = image.split('@').nth(1).unwrap().to_owned();
    let signatures = format!("{}.sig", digest.replace(':', "-"));
    for repository in to {
        for tag in ["1", &signatures] {
            let (from, to) = (stage.name(&format!("acme/app:{tag}")), stage.name(&format!("{repository}:{tag}")));
            let _ = stage.crane(["copy", &from, &to]);
        }
    }
    digest
}

#[test]
fn copy_of_an_image_counts_under_its_own_name_alone() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let _ = copied(&stage, &["acme/evil", "mirror/acme/app"]);
    stage.policy(&format!("authorities: [{}]", stage.authority("build", "")));
    let _ = stage.allowed(&stage.name("mirror/acme/app:1"));
    stage.policy(&format!("authorities: [{}]", stage.authority("build", ", signedName: {}")));
    let _ = stage.allowed(&stage.name("acme/app:1"));
    for other in ["acme/evil", "mirror/acme/app"] {
        let found = format!("signature is for the name `{}`", stage.name("acme/app"));
        stage.refused(&stage.name(&format!("{other}:1")), &[&found, &format!("wanted `{}`", stage.name(other))]);
    }
}

#[test]
fn mirror_counts_where_it_is_said_what_it_mirrors() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let _ = copied(&stage, &["mirror/acme/app", "mirror/acme/other", "elsewhere/acme/app"]);
    let remap = format!("{{from: '{}/', to: '{}/'}}", stage.name("mirror/acme"), stage.name("acme"));
    stage.policy(&format!(
        "authorities: [{}]",
        stage.authority("build", &format!(", signedName: {{remap: [{remap}]}}"))
    ));
    let _ = stage.allowed(&stage.name("mirror/acme/app:1"));
    let _ = stage.allowed(&stage.name("acme/app:1"));
    for (other, wanted) in [("mirror/acme/other", "acme/other"), ("elsewhere/acme/app", "elsewhere/acme/app")] {
        stage.refused(&stage.name(&format!("{other}:1")), &[&format!("wanted `{}`", stage.name(wanted))]);
    }
}

#[test]
fn old_image_under_a_new_tag_is_refused() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let (old, new) = (stage.push("shop/cart:v1", "v1"), stage.push("shop/cart:v2", "v2"));
    stage.sign("build", &old, &[("tag", "v1")]);
    stage.sign("build", &new, &[("tag", "v2")]);
    stage.policy(&format!("authorities: [{}]", stage.authority("build", ", signedTag: {}")));
    let _ = stage.allowed(&stage.name("shop/cart:v1"));
    let _ = stage.allowed(&stage.name("shop/cart:v2"));
    let _ = stage.crane(["tag", &old, "v2"]);
    stage.refused(&stage.name("shop/cart:v2"), &["signature is for the tag `v1`, wanted `v2`"]);
    stage.refused(&old, &["asked for by its digest alone", "ask by tag and digest"]);
    let digest = old.split('@').nth(1).unwrap();
    let _ = stage.allowed(&format!("{}@{digest}", stage.name("shop/cart:v1")));
}

#[test]
fn tag_is_compared_with_the_annotation_that_the_policy_names() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    stage.policy(&format!("authorities: [{}]", stage.authority("build", ", signedTag: {annotation: release}")));
    for (tag, annotations) in [("v1", ("tag", "v1")), ("v2", ("release", "v1")), ("v3", ("release", "v3"))] {
        let image = stage.push(&format!("shop/cart:{tag}"), tag);
        stage.sign("build", &image, &[annotations]);
    }
    stage.refused(&stage.name("shop/cart:v1"), &["signature has no annotation `release`, wanted the tag `v1` there"]);
    stage.refused(&stage.name("shop/cart:v2"), &["signature is for the tag `v1`, wanted `v2`"]);
    let _ = stage.allowed(&stage.name("shop/cart:v3"));
}
