//! What only an ImagePolicy asks: who wants the image, and where it is to run; and what it lets in all the same.

use serde_json::{Value, json};

use crate::world::{World, created, patch};

/// A policy that nobody's signature meets, with these further fields.
fn strict(world: &World, further: &str) -> String {
    let pem = keys::PrivateKey::generate().unwrap().public().to_pem().replace('\n', "\\n");
    format!(
        "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: own}}\nspec: {{images: [{{glob: '{}/**'}}], \
         authorities: [{{key: {{data: \"{pem}\"}}}}], {further}}}\n",
        world.name("shop")
    )
}

/// The answer of `ann` in the namespace `shop`, under a policy with these further fields.
async fn asked(further: &str, hook: &str) -> Value {
    let world = World::without_policy().await;
    world.push("shop/cart", "1", "v1").await;
    world.put_in_force(&strict(&world, further));
    world.ask(hook, &created(&[&world.name("shop/cart:1")])).await
}

const EXCEPTION: &str = "until: '2999-01-01T00:00:00Z', reason: is moving";

#[tokio::test]
async fn user_and_namespace_are_those_of_the_review() {
    for (reprieve, allowed) in [
        (format!("breakGlass: {{{EXCEPTION}, users: [ann]}}"), true),
        (format!("breakGlass: {{{EXCEPTION}, users: [bob]}}"), false),
        (format!("exceptions: [{{namespaces: [shop], {EXCEPTION}}}]"), true),
        (format!("exceptions: [{{namespaces: [other], {EXCEPTION}}}]"), false),
    ] {
        assert_eq!(asked(&reprieve, "/mutate").await["allowed"], allowed, "{reprieve}");
    }
}

#[tokio::test]
async fn image_that_is_let_in_all_the_same_is_warned_of() {
    let answer = asked(&format!("breakGlass: {{{EXCEPTION}}}"), "/mutate").await;
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("break-glass from policy: own") && warning.contains("is moving"), "{answer}");
}

#[tokio::test]
async fn exception_is_for_an_image_that_is_pinned_and_not_for_whatever_its_tag_names_later() {
    let exception = format!("exceptions: [{{namespaces: [shop], {EXCEPTION}}}]");
    assert_eq!(patch(&asked(&exception, "/mutate").await).len(), 1);
    let unpinned = asked(&exception, "/validate").await;
    assert!(unpinned["status"]["message"].to_string().contains("must be pinned to a digest"), "{unpinned}");
}

#[tokio::test]
async fn what_needs_no_signature_and_depends_on_the_digest_must_be_pinned() {
    let world = World::without_policy().await;
    let digest = world.push("shop/cart", "1", "v1").await;
    let passing = |glob: &str, further: &str| {
        format!(
            "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: own}}\nspec: {{images: [{{glob: '{}'}}], \
             authorities: [{{static: {{action: pass}}}}]{further}}}\n",
            world.name(glob)
        )
    };
    let revoked = format!(", revoked: {{digests: ['sha256:{}']}}", "0".repeat(64));
    for (policy, needs_pin) in [
        (passing("shop/**", ""), false),
        (passing("shop/**", &revoked), true),
        (passing(&format!("shop/cart@{digest}"), ""), true),
    ] {
        world.put_in_force(&policy);
        let review = created(&[&world.name("shop/cart:1")]);
        assert_eq!(patch(&world.ask("/mutate", &review).await).len(), 1, "{policy}");
        assert_eq!(world.ask("/validate", &review).await["allowed"], !needs_pin, "{policy}");
    }
}

#[tokio::test]
async fn policy_for_the_webhook_counts_at_both_hooks_and_one_for_other_doors_at_none() {
    for hook in ["/mutate", "/validate"] {
        let counts = asked("doors: [webhook]", hook).await;
        assert!(counts["status"]["message"].to_string().contains("no signatures found"), "{counts}");
        let elsewhere = asked("doors: [check, pull]", hook).await;
        assert!(elsewhere["status"]["message"].to_string().contains("no matching policies"), "{elsewhere}");
    }
    assert_eq!(asked("users: [ann], mode: audit", "/mutate").await["allowed"], json!(true));
}

#[tokio::test]
async fn what_is_let_in_all_the_same_is_in_the_audit_log() {
    for (further, key, wanted) in [
        (
            format!("breakGlass: {{{EXCEPTION}}}"),
            "reprieves",
            "shop/cart:1: break-glass of own until 2999-01-01T00:00:00Z: is moving",
        ),
        (
            format!("exceptions: [{{namespaces: [shop], {EXCEPTION}}}]"),
            "reprieves",
            "shop/cart:1: exception of own until 2999-01-01T00:00:00Z: is moving",
        ),
        ("mode: audit".to_owned(), "audited", "failed policy: own"),
    ] {
        let audit = asked(&further, "/mutate").await["auditAnnotations"].clone();
        assert!(audit[key].to_string().contains(wanted), "{further}: {audit}");
        let other = if key == "audited" { "reprieves" } else { "audited" };
        assert_eq!(audit.get(other), None, "{further}: {audit}");
    }
    let refused = asked("mode: enforce", "/mutate").await["auditAnnotations"].clone();
    assert_eq!((refused.get("reprieves"), refused.get("audited")), (None, None), "{refused}");
}

#[tokio::test]
async fn audit_mode_neither_refuses_nor_warns_and_is_counted() {
    let world = World::without_policy().await;
    world.push("shop/cart", "1", "v1").await;
    let review = created(&[&world.name("shop/cart:1")]);
    for (mode, allowed, warned, counted) in
        [("enforce", false, false, 0), ("warn", true, true, 0), ("audit", true, false, 1), ("audit", true, false, 2)]
    {
        world.put_in_force(&strict(&world, &format!("mode: {mode}")));
        let answer = world.ask("/mutate", &review).await;
        assert_eq!(answer["allowed"], json!(allowed), "{answer}");
        assert_eq!(answer["warnings"].is_array(), warned, "{answer}");
        let line = format!("sealgate_audited_total {counted}");
        assert!(world.get("/metrics").await.1.lines().any(|found| found == line), "{mode}");
    }
    world.put_in_force(&strict(&world, &format!("breakGlass: {{{EXCEPTION}}}")));
    let _ = world.ask("/mutate", &review).await;
    let metrics = world.get("/metrics").await.1;
    assert!(metrics.contains("sealgate_reprieves_total{kind=\"break-glass\"} 1"), "{metrics}");
}
