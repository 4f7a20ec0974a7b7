//! Refused images never reach the daemon: no name, no layer, no request for one.

use crate::gated_host::{GatedHost, on_both, require_daemons};

#[test]
fn refused_image_leaves_no_trace_and_no_layer_is_asked_for() {
    require_daemons!();
    on_both(|host| {
        let shop = &host.shop;
        let stranger = "no matching signatures: not by a trusted key: 1 tried, none made this signature";
        let unsigned = "no signatures found";
        assert_refused(host, "unsigned", &shop.unsigned("unsigned"), unsigned);
        assert_refused(host, "rival", &shop.signed_by_rival("rival"), stranger);
        let moved = shop.with_a_moved_signature("moved");
        let origin = shop.sealgate.client().run("crane", ["digest", &shop.image("moved-origin")]).success();
        let elsewhere = format!("no matching signatures: signature is for {origin}, image is {moved}");
        assert_refused(host, "moved", &moved, &elsewhere);
        assert_refused(host, "swapped", &shop.swapped("swapped"), unsigned);
    });
}

#[track_caller]
fn assert_refused(host: &GatedHost, tag: &str, digest: &str, reason: &str) {
    let (image, by_digest) = (host.shop.image(tag), host.shop.by_digest(digest));
    for asked in [image.as_str(), &by_digest] {
        let outcome = host.pull(&[asked]);
        assert_eq!(outcome.stdout, "");
        let said = outcome.failure(1);
        let wanted = format!(
            "error: image `{asked}` is refused by policy \
             - failed policy: signed-by-own \
             - {asked} signature key validation failed for authority own for {by_digest}: {reason}"
        );
        // Where lines are broken is another test's business.
        assert_eq!(said.split_whitespace().collect::<Vec<_>>().join(" "), wanted);
    }
    assert!(host.images().is_empty(), "{tag}: {:?}", host.images());
    let requests = host.shop.registry.requests();
    for content in host.content(&by_digest) {
        let fetched = requests.iter().filter(|r| r.starts_with("GET") && r.contains(&content)).count();
        assert_eq!(fetched, 0, "{tag}: {content} in {requests:#?}");
    }
}

#[test]
fn refusal_leaves_the_image_of_before_where_it_was() {
    require_daemons!();
    on_both(|host| {
        let image = host.shop.image("1");
        let digest = host.shop.signed("1");
        let _ = host.pull(&[&image]).success();
        let before = host.images();
        let _ = host.shop.swapped("1");
        let _ = host.pull(&[&image]).failure(1);
        assert_eq!(host.images(), before);
        assert!(before.contains(&format!("{image}@{digest}")), "{before:?}");
    });
}

#[test]
fn missing_image_and_registry_that_is_down_are_told_apart() {
    require_daemons!();
    on_both(|host| {
        let _ = host.shop.signed("1");
        let missing = host.shop.image("missing");
        let said = host.pull(&[&missing]).failure(1);
        assert!(said.contains(&format!("image `{missing}` does not exist in its registry")), "{said}");
        let nowhere = format!("{}/shop/cart:1", "127.0.0.1:1");
        let said = host.pull(&[&nowhere]).failure(1);
        assert!(said.contains("is refused by policy") && said.contains("no matching policies"), "{said}");
        assert!(host.images().is_empty());
    });
}

#[test]
fn registry_that_is_down_is_the_reason() {
    require_daemons!();
    let mut host = GatedHost::new(peers::Engine::New, suites::shop::Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let _ = host.shop.signed("1");
    host.shop.registry.stop();
    let said = host.pull(&[&host.shop.image("1")]).failure(1);
    assert!(said.contains("could not decide about") && said.contains("refused"), "{said}");
    assert!(!said.contains("no signatures") && !said.contains("refused by policy"), "{said}");
    assert!(host.images().is_empty());
}
