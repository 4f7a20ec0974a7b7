//! Images for several platforms: the index is judged, the daemon takes its platform of that index.

use peers::Engine;
use suites::shop::Shop;

use crate::gated_host::{GatedHost, on_both, require_daemons};

#[test]
fn platform_is_chosen_as_docker_chooses_it() {
    require_daemons!();
    on_both(|host| {
        let (image, digest) = index(host);
        host.shop.sign(&digest, &[]);
        for (flags, chosen) in [
            (&["--platform", "linux/amd64"][..], "amd64"),
            (&["--platform", "linux/arm64"], "arm64"),
            (&["--platform=linux/arm64/v8"], "arm64"),
            (&[], "amd64"),
        ] {
            let _ = host.pull(&[flags, &[&image]].concat()).success();
            assert_eq!(architecture(host, &image, chosen), chosen, "{flags:?}");
            let ours = host.docker(&["inspect", &image], INSPECTED);
            assert!(ours.contains(&host.shop.by_digest(&digest)), "{flags:?}: {ours}");
            host.forget_images();
            let _ = host.docker.docker([&["pull"], flags, &[&image]].concat()).success();
            assert_eq!(ours, host.docker(&["inspect", &image], INSPECTED), "{flags:?}");
            host.forget_images();
        }
    });
}

/// The image's architecture; the new daemon has the layers of several and must be asked for one.
fn architecture(host: &GatedHost, image: &str, wanted: &str) -> String {
    match host.engine {
        Engine::Old => host.docker(&["inspect", image], "{{.Architecture}}"),
        Engine::New => {
            let platform = format!("linux/{wanted}");
            host.docker(&["image", "inspect", "--platform", &platform, image], "{{.Architecture}}")
        }
    }
}

#[test]
fn platform_in_the_environment_is_used_and_another_one_takes_over_the_tag() {
    require_daemons!();
    let mut host = GatedHost::new(Engine::Old, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let (image, digest) = index(&host);
    host.shop.sign(&digest, &[]);
    host.shop.sealgate.client_mut().set("DOCKER_DEFAULT_PLATFORM", "linux/arm64");
    let _ = host.pull(&[&image]).success();
    assert_eq!(host.docker(&["inspect", &image], "{{.Architecture}}"), "arm64");
    let printed = host.pull(&["--platform", "linux/amd64", &image]).success();
    assert_eq!(host.docker(&["inspect", &image], "{{.Architecture}}"), "amd64");
    for once in ["Pulling from", "Digest:", "Status:"] {
        assert_eq!(printed.matches(once).count(), 1, "{printed}");
    }
    // As with `docker pull`, the image that had the tag before is still there.
    assert_eq!(host.docker(&["images", "--quiet"], "{{.ID}}").lines().count(), 2);
    let said = host.docker.docker(["run", "--rm", "--network", "none", &image]).success();
    assert_eq!(said, "hello from amd64");
}

#[test]
fn image_that_has_only_its_digest_is_not_lost_to_another_platform() {
    require_daemons!();
    let host = GatedHost::new(Engine::Old, Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let (image, digest) = index(&host);
    host.shop.sign(&digest, &[]);
    let _ = host.pull(&["--platform", "linux/arm64", &host.shop.by_digest(&digest)]).success();
    for asked in [image, host.shop.by_digest(&digest)] {
        let said = host.pull(&["--platform", "linux/amd64", &asked]).failure(1);
        assert!(said.contains("annot overwrite digest"), "{said}");
        let architecture = host.docker(&["inspect", &host.shop.by_digest(&digest)], "{{.Architecture}}");
        assert_eq!(architecture, "arm64");
    }
}

#[test]
fn platform_that_the_index_lacks_is_the_daemons_error() {
    require_daemons!();
    on_both(|host| {
        let (image, digest) = index(host);
        host.shop.sign(&digest, &[]);
        let said = host.pull(&["--platform", "linux/s390x", &image]).failure(1);
        assert!(
            said.contains("no matching manifest for linux/s390x") || said.contains("no match for platform"),
            "{said}"
        );
        assert!(host.images().is_empty(), "{:?}", host.images());
    });
}

#[test]
fn signed_child_does_not_let_an_unsigned_index_in() {
    require_daemons!();
    on_both(|host| {
        let (image, _) = index(host);
        let child = child(host, "amd64");
        host.shop.sign(&child, &[]);
        let said = host.pull(&[&image]).failure(1);
        assert!(said.contains("no signatures found"), "{said}");
        assert!(host.images().is_empty());
        let _ = host.pull(&[&host.shop.by_digest(&child)]).success();
    });
}

/// Pushes an index for amd64 and arm64; returns its name and digest. Nobody signs anything.
fn index(host: &GatedHost) -> (String, String) {
    let crane = |args: &[&str]| host.shop.sealgate.client().run("crane", args).success();
    let [amd64, arm64, index] = ["amd64", "arm64", "index"].map(|tag| host.shop.image(tag));
    let _ = host.shop.unsigned("amd64");
    let _ = crane(&["mutate", "--set-platform", "linux/arm64", &amd64, "--tag", &arm64]);
    let _ = crane(&["index", "append", "--manifest", &amd64, "--manifest", &arm64, "--tag", &index]);
    let digest = crane(&["digest", &index]);
    (index, digest)
}

/// The digest of the index's manifest for that architecture.
fn child(host: &GatedHost, architecture: &str) -> String {
    host.shop.sealgate.client().run("crane", ["digest", &host.shop.image(architecture)]).success()
}

/// What does not depend on how an image was asked for.
const INSPECTED: &str = "{{.Id}} {{.Os}}/{{.Architecture}} {{json .RootFS}} {{json .RepoDigests}} {{json .Config}}";
