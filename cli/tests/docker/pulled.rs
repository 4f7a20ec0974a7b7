//! Allowed images are there as `docker pull` would have brought them, and are exactly what was judged.

use peers::{Cosign, Format};
use suites::shop::Shop;

use crate::gated_host::{GatedHost, on_both, require_daemons};

#[test]
fn allowed_image_has_its_tag_and_digest_and_runs() {
    require_daemons!();
    peers::require!("cosign-2", "cosign-3");
    on_both(|host| {
        let shop = &host.shop;
        let images = [
            ("bundle", shop.signed("bundle")),
            ("cosign-3", shop.signed_by(&Cosign::v3(), Format::Bundle, "cosign-3")),
            ("cosign-2", shop.signed_by(&Cosign::v2(), Format::Legacy, "cosign-2")),
        ];
        for (tag, digest) in images {
            let image = shop.image(tag);
            let outcome = host.pull(&[&image]);
            assert!(outcome.stderr.starts_with(&format!("Verified {digest}\n")), "{outcome:?}");
            let _ = outcome.success();
            assert!(host.images().contains(&format!("{image}@{digest}")), "{tag}: {:?}", host.images());
            let digests = host.docker(&["inspect", &image], "{{json .RepoDigests}}");
            assert_eq!(digests, format!("[\"{}\"]", shop.by_digest(&digest)));
            let tags = host.docker(&["inspect", &image], "{{json .RepoTags}}");
            assert!(tags.contains(&format!("\"{image}\"")), "{tags}");
            let said = host.docker.docker(["run", "--rm", "--network", "none", &image]).success();
            assert_eq!(said, format!("hello from {tag}"));
            let again = host.docker.docker(["pull", &image]).success();
            assert!(again.contains(&format!("Status: Image is up to date for {image}")), "{again}");
        }
    });
}

#[test]
fn daemon_is_asked_for_the_judged_digest_and_never_for_the_tag() {
    require_daemons!();
    on_both(|host| {
        let digest = host.shop.signed("1");
        let before = host.shop.registry.requests().len();
        let _ = host.pull(&[&host.shop.image("1")]).success();
        let requests = host.shop.registry.requests().split_off(before);
        let asked = |what: &str| requests.iter().filter(|r| r.contains(what)).collect::<Vec<_>>();
        assert_eq!(asked("/manifests/1 "), ["GET /v2/shop/cart/manifests/1 200"]);
        assert!(!asked(&format!("/manifests/{digest} ")).is_empty(), "{requests:#?}");
        for content in host.content(&host.shop.by_digest(&digest)) {
            assert!(!asked(&format!("GET /v2/shop/cart/blobs/{content}")).is_empty(), "{content}: {requests:#?}");
        }
    });
}

#[test]
fn pull_again_brings_nothing_and_says_so() {
    require_daemons!();
    on_both(|host| {
        let digest = host.shop.signed("1");
        let image = host.shop.image("1");
        let _ = host.pull(&[&image]).success();
        let before = host.shop.registry.requests().len();
        let again = host.pull(&[&image]).success();
        assert!(again.contains(&format!("Status: Image is up to date for {image}\n")), "{again}");
        let content = host.content(&host.shop.by_digest(&digest));
        let requests = host.shop.registry.requests().split_off(before);
        let brought = requests.iter().filter(|r| content.iter().any(|digest| r.contains(digest))).count();
        assert_eq!(brought, 0, "{requests:#?}");
    });
}

#[test]
fn newer_image_takes_over_the_tag() {
    require_daemons!();
    on_both(|host| {
        let image = host.shop.image("1");
        let _ = host.shop.signed("1");
        let _ = host.pull(&[&image]).success();
        let newer = host.shop.swapped("1");
        host.shop.sign(&newer, &[]);
        let _ = host.pull(&[&image]).success();
        assert!(host.images().contains(&format!("{image}@{newer}")), "{:?}", host.images());
        let said = host.docker.docker(["run", "--rm", "--network", "none", &image]).success();
        assert_eq!(said, "hello from 1 swapped");
    });
}

#[test]
fn removing_the_tag_removes_the_image() {
    require_daemons!();
    on_both(|host| {
        let _ = host.shop.signed("1");
        let image = host.shop.image("1");
        let _ = host.pull(&[&image]).success();
        let _ = host.docker.docker(["rmi", &image]).success();
        assert!(host.images().is_empty(), "{:?}", host.images());
    });
}

#[test]
fn upgraded_daemon_with_its_former_store_is_served_as_well() {
    require_daemons!();
    let host = GatedHost::upgraded(Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let digest = host.shop.signed("1");
    let _ = host.shop.unsigned("2");
    let [good, bad] = ["1", "2"].map(|tag| host.shop.image(tag));
    assert!(!host.docker(&["info"], "{{.DriverStatus}}").contains("io.containerd.snapshotter"));
    let _ = host.pull(&[&good]).success();
    let _ = host.pull(&[&bad]).failure(1);
    assert_eq!(host.images(), [format!("{good}@{digest}")]);
    let said = host.docker.docker(["run", "--rm", "--network", "none", &good]).success();
    assert_eq!(said, "hello from 1");
}
