//! New objects: what is signed is stored by its digest, everything else is refused with its own reason.

use peers::{Cosign, Format};
use serde_json::{Value, json};

use crate::cluster::{Gated, deployment, object, pod, require_cluster};

#[test]
fn signed_images_are_stored_by_the_digest_that_was_judged() {
    require_cluster!();
    peers::require!("cosign-2", "cosign-3");
    let gated = Gated::closed();
    let shop = &gated.shop;
    let legacy = shop.unsigned("legacy");
    shop.sign(&legacy, &["--format", "legacy"]);
    let images = [
        ("bundle", shop.signed("bundle")),
        ("legacy", legacy),
        ("cosign-3", shop.signed_by(&Cosign::v3(), Format::Bundle, "cosign-3")),
        ("cosign-2", shop.signed_by(&Cosign::v2(), Format::Legacy, "cosign-2")),
    ];
    let _ = shop.signed("good");
    let _ = gated.admitted(&pod("debugged", &shop.image("good")));
    for (tag, digest) in images {
        let (image, pinned) = (shop.image(tag), format!("{}@{digest}", shop.image(tag)));
        for object in places(&gated, tag, &image) {
            let stored = gated.admitted(&object);
            assert!(stored.contains(&pinned), "{tag} in a {}: {stored}", object["kind"]);
        }
        let _ = debug(&gated, &image, tag).success();
        let stored = gated.stored(&pod("debugged", "")).unwrap();
        assert!(stored.contains(&pinned), "{tag} in an ephemeral container: {stored}");
    }
    let by_digest = shop.by_digest(&shop.signed("by-digest"));
    assert!(gated.admitted(&pod("by-digest", &by_digest)).contains(&by_digest));
}

#[test]
fn all_other_images_are_refused_everywhere_with_their_reason() {
    require_cluster!();
    let gated = Gated::closed_with_certificate_files();
    let shop = &gated.shop;
    let _ = shop.signed("good");
    let _ = gated.admitted(&pod("debugged", &shop.image("good")));
    let before = gated.stored(&pod("debugged", "")).unwrap();
    let (unsigned, moved) = ("no signatures found", shop.with_a_moved_signature("moved"));
    let stranger = "no matching signatures: not by a trusted key: 1 tried, none made this signature";
    let origin = shop.sealgate.client().run("crane", ["digest", &shop.image("moved-origin")]).success();
    let elsewhere = format!("no matching signatures: signature is for {origin}, image is {moved}");
    let cases = [
        ("unsigned", shop.unsigned("unsigned"), unsigned),
        ("rival", shop.signed_by_rival("rival"), stranger),
        ("moved", moved, &elsewhere),
        ("swapped", shop.swapped("swapped"), unsigned),
    ];
    for (tag, digest, reason) in cases {
        let image = shop.image(tag);
        let refusal = |path: &str| {
            let by_digest = shop.by_digest(&digest);
            format!(
                "validation failed: failed policy: signed-by-own: {path}\n\
                 {image} signature key validation failed for authority own for {by_digest}: {reason}"
            )
        };
        for object in places(&gated, tag, &image) {
            assert_eq!(gated.refused(&object), refusal(path_in(&object)), "{tag} in {object}");
        }
        let said = debug(&gated, &image, tag).failure(1);
        assert!(said.contains(&refusal("spec.ephemeralContainers[0].image")), "{said}");
        assert_eq!(gated.stored(&pod("debugged", "")).as_ref(), Some(&before), "{tag} in an ephemeral container");
    }
}

#[test]
fn refusal_is_shown_by_kubectl_word_for_word() {
    require_cluster!();
    let gated = Gated::closed();
    let digest = gated.shop.unsigned("bad");
    let image = gated.shop.image("bad");
    let said = gated.kubernetes.kubectl(["run", "it", "--image", &image]).failure(1);
    let wanted = format!(
        "Error from server (BadRequest): admission webhook \"mutate.sealgate.dev\" denied the request: \
         validation failed: failed policy: signed-by-own: spec.containers[0].image\n\
         {image} signature key validation failed for authority own for {}: no signatures found\n",
        gated.shop.by_digest(&digest)
    );
    assert_eq!(said, wanted);
}

#[test]
fn one_bad_image_among_good_ones_is_enough() {
    require_cluster!();
    let gated = Gated::closed();
    let (good, _) = (gated.shop.signed("good"), gated.shop.unsigned("bad"));
    let mut mixed = pod("it", &gated.shop.image("good"));
    let containers = |tags: &[&str]| {
        let one = |(i, tag): (usize, &&str)| json!({ "name": format!("c{i}"), "image": gated.shop.image(tag) });
        tags.iter().enumerate().map(one).collect::<Value>()
    };
    mixed["spec"]["initContainers"] = containers(&["good", "bad"]);
    let words = gated.refused(&mixed);
    let bad = "validation failed: failed policy: signed-by-own: spec.initContainers[1].image\n";
    assert!(words.starts_with(bad) && words.lines().count() == 2, "{words}");
    mixed["spec"]["containers"] = containers(&["bad", "good"]);
    let words = gated.refused(&mixed);
    let both = "failed policy: signed-by-own: spec.containers[0].image, spec.initContainers[1].image\n";
    assert!(words.contains(both), "{words}");
    mixed["spec"]["containers"] = containers(&["good", "good"]);
    mixed["spec"]["initContainers"] = containers(&["good"]);
    mixed["spec"]["initContainers"][0]["name"] = json!("init");
    let stored = gated.admitted(&mixed);
    assert_eq!(stored.matches(&format!("{}@{good}", gated.shop.image("good"))).count(), 3, "{stored}");
}

/// A Pod, a Deployment, a CronJob, a Pod with an image volume.
fn places(gated: &Gated, name: &str, image: &str) -> [Value; 4] {
    let mut mounting = pod(&format!("{name}-volume"), &gated.shop.image("good"));
    mounting["spec"]["volumes"] = json!([{ "name": "data", "image": { "reference": image } }]);
    mounting["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    [pod(name, image), deployment(name, image), object("batch/v1", "CronJob", name, image), mounting]
}

/// Where the image in question stands in such an object.
fn path_in(object: &Value) -> &'static str {
    match (object["kind"].as_str().unwrap(), object["spec"].get("volumes")) {
        ("Pod", Some(_)) => "spec.volumes[0].image.reference",
        ("Pod", None) => "spec.containers[0].image",
        ("CronJob", _) => "spec.jobTemplate.spec.template.spec.containers[0].image",
        _ => "spec.template.spec.containers[0].image",
    }
}

fn debug(gated: &Gated, image: &str, name: &str) -> peers::Outcome {
    gated.kubernetes.kubectl(["debug", "debugged", "--image", image, "--container", &format!("debug-{name}")])
}
