//! Images for several platforms: the index is judged, the daemon takes its platform of that index.

use crate::gated_host::{GatedHost, on_both, require_daemons};

#[test]
fn platform_is_chosen_as_docker_chooses_it() {
    require_daemons!();
    on_both(|host| {
        let (image, digest) = index(host);
        host.shop.sign(&digest, &[]);
        for (flags, chosen, other) in [
            (&["--platform", "linux/amd64"][..], "amd64", "arm64"),
            (&["--platform", "linux/arm64"], "arm64", "amd64"),
            (&["--platform=linux/arm64/v8"], "arm64", "amd64"),
            (&[], "amd64", "arm64"),
        ] {
            let before = host.shop.registry.requests().len();
            let _ = host.pull(&[flags, &[&image]].concat()).success();
            let requests = host.shop.registry.requests().split_off(before);
            let ours = host.docker(&["inspect", &image], INSPECTED);
            assert!(ours.contains(&host.shop.by_digest(&digest)), "{flags:?}: {ours}");
            assert!(requests.iter().any(|r| r.contains(&child(host, chosen))), "{flags:?}: {requests:#?}");
            assert!(!requests.iter().any(|r| r.contains(&child(host, other))), "{flags:?}: {requests:#?}");
            host.forget_images();
            let _ = host.docker.docker([&["pull"], flags, &[&image]].concat()).success();
            assert_eq!(ours, host.docker(&["inspect", &image], INSPECTED), "{flags:?}");
            host.forget_images();
        }
    });
}

#[test]
fn platform_in_the_environment_is_used() {
    require_daemons!();
    let mut host = GatedHost::new(peers::Engine::Old, suites::shop::Shop::open(env!("CARGO_BIN_EXE_sealgate")));
    let (image, digest) = index(&host);
    host.shop.sign(&digest, &[]);
    host.shop.sealgate.client_mut().set("DOCKER_DEFAULT_PLATFORM", "linux/arm64");
    let _ = host.pull(&[&image]).success();
    assert_eq!(host.docker(&["inspect", &image], "{{.Architecture}}"), "arm64");
    let _ = host.pull(&["--platform", "linux/amd64", &image]).success();
    assert_eq!(host.docker(&["inspect", &image], "{{.Architecture}}"), "amd64");
}

#[test]
fn platform_that_the_index_lacks_is_the_daemons_error() {
    require_daemons!();
    on_both(|host| {
        let (image, digest) = index(host);
        host.shop.sign(&digest, &[]);
        let said = host.pull(&["--platform", "linux/s390x", &image]).failure(1);
        assert!(said.contains("no matching manifest for linux/s390x") || said.contains("no match for platform"), "{said}");
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
