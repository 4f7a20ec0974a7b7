//! For which door a policy counts, and what this door cannot know.

use crate::stage::Stage;

#[test]
fn policy_for_other_doors_is_as_if_it_were_not_there() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    let authorities = format!("authorities: [{}]", stage.authority("build", ""));
    for doors in ["[webhook]", "[pull, host, containerd]"] {
        stage.policy(&format!("{authorities}, doors: {doors}"));
        stage.refused(&image, &["no matching policies"]);
    }
    stage.policy(&format!("{authorities}, doors: [check]"));
    let _ = stage.allowed(&image);
}

#[test]
fn who_asks_and_where_is_not_known_here() {
    let Some(stage) = Stage::with_keys(&["build"]) else { return };
    let image = stage.push("shop/cart:1", "v1");
    stage.sign("build", &image, &[]);
    let authorities = format!("authorities: [{}]", stage.authority("build", ""));
    for (scope, wanted) in [
        ("users: ['*']", "`users` asks who wants the image, and nobody said that here"),
        ("namespaces: ['*']", "`namespaces` asks where the image is to run, and nobody said that here"),
    ] {
        stage.policy(&format!("{authorities}, {scope}"));
        stage.undecided(&image, wanted);
    }
    stage.policy(&format!("{authorities}, users: ['*'], doors: [webhook]"));
    stage.refused(&image, &["no matching policies"]);
}
