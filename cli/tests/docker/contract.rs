//! What scripts know of `docker pull`: standard output, flags, exit codes; the real command beside ours.

use std::collections::BTreeSet;

use crate::gated_host::{GatedHost, on_both, require_daemons};

#[test]
fn standard_output_is_that_of_docker_pull() {
    require_daemons!();
    on_both(|host| {
        let digest = host.shop.signed("1");
        let latest = host.shop.signed("latest");
        let (tagged, bare) = (host.shop.image("1"), host.shop.repository());
        for (asked, digest) in [(&tagged, &digest), (&bare, &latest), (&host.shop.by_digest(&digest), &digest)] {
            let ours = host.pull(&[asked]).success();
            assert!(ours.contains(&format!("\nDigest: {digest}\n")), "{ours}");
            host.forget_images();
            let theirs = host.docker.docker(["pull", asked]).success();
            assert_eq!(lasting(&ours), lasting(&theirs), "ours:\n{ours}\n\ntheirs:\n{theirs}");
            let again = host.pull(&[asked]).success();
            let theirs = host.docker.docker(["pull", asked]).success();
            assert_eq!(again, theirs, "pulled again");
            host.forget_images();
        }
    });
}

/// The lines that do not depend on how fast the layers come.
fn lasting(output: &str) -> Vec<&str> {
    let passing = ["Waiting", "Verifying Checksum", "Download complete", "Already exists"];
    let lines = output.lines().filter(|line| !passing.iter().any(|end| line.ends_with(end)));
    lines.collect()
}

#[test]
fn quiet_prints_the_name_and_nothing_else() {
    require_daemons!();
    on_both(|host| {
        let digest = host.shop.signed("latest");
        for asked in [host.shop.image("latest"), host.shop.repository(), host.shop.by_digest(&digest)] {
            for flag in ["-q", "--quiet"] {
                let ours = host.pull(&[flag, &asked]);
                let theirs = host.docker.docker(["pull", flag, &asked]);
                assert_eq!((ours.code, &ours.stdout), (0, &theirs.stdout), "{ours:?}");
                host.forget_images();
            }
        }
    });
}

#[test]
fn tag_beside_a_digest_gives_the_digest() {
    require_daemons!();
    on_both(|host| {
        let digest = host.shop.signed("1");
        let _ = host.shop.unsigned("other");
        let asked = format!("{}@{digest}", host.shop.image("other"));
        let ours = host.pull(&[&asked]).success();
        let images = host.images().into_iter().collect::<BTreeSet<_>>();
        host.forget_images();
        let theirs = host.docker.docker(["pull", &asked]).success();
        assert_eq!(lasting(&ours), lasting(&theirs));
        assert_eq!(images, host.images().into_iter().collect());
    });
}

#[test]
fn wrong_command_lines_end_as_dockers_do() {
    require_daemons!();
    let host = new_host();
    let digest_too_short = format!("{}@sha256:12", host.shop.repository());
    let cases: [&[&str]; 7] =
        [&[], &["a", "b"], &["--no-such-flag", "a"], &["-x", "a"], &["A"], &["a:b:c"], &[&digest_too_short]];
    for args in cases {
        let ours = host.pull(args);
        let theirs = host.docker.docker(["pull"].iter().chain(args));
        assert_eq!(ours.code, theirs.code, "{args:?}: {ours:?} {theirs:?}");
        assert_eq!(ours.stdout, "", "{args:?}");
        assert!(!ours.stderr.is_empty(), "{args:?}");
    }
    for reference in ["A", "a:b:c", &digest_too_short] {
        let said = host.pull(&[reference]).stderr;
        assert!(said.contains("invalid reference format"), "{reference}: {said}");
    }
}

#[test]
fn flags_of_docker_that_are_missing_are_refused_by_name() {
    require_daemons!();
    let host = new_host();
    for flag in ["--all-tags", "-a", "--disable-content-trust"] {
        let said = host.pull(&[flag, &host.shop.repository()]).failure(125);
        assert!(said.contains(&format!("docker's flag `{flag}` is not here yet")), "{said}");
    }
    assert!(host.images().is_empty());
}

#[test]
fn daemons_own_errors_are_passed_on() {
    require_daemons!();
    on_both(|host| {
        let _ = host.shop.signed("1");
        let image = host.shop.image("1");
        let theirs = host.docker.docker(["pull", "--platform", "no/such/thing/at/all", &image]).failure(1);
        let ours = host.pull(&["--platform", "no/such/thing/at/all", &image]).failure(1);
        let words = theirs.trim_end().lines().last().unwrap();
        assert!(ours.contains(words), "ours: {ours}\ntheirs: {theirs}");
        assert!(host.images().is_empty());
    });
}

fn new_host() -> GatedHost {
    GatedHost::new(peers::Engine::New, suites::shop::Shop::open(env!("CARGO_BIN_EXE_sealgate")))
}
