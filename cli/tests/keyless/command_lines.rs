//! Command lines about identities and trusted roots that cannot work, and what the environment may say.

use std::fs;

use suites::sealgate::Sealgate;

use crate::stage::{ALICE, PROGRAM, Stage};

fn client() -> Sealgate {
    let mut sealgate = Sealgate::new(PROGRAM);
    sealgate.client_mut().set("COSIGN_PASSWORD", "p");
    let _ = sealgate.run(["generate-key-pair", "--output-key-prefix", "team"]).success();
    sealgate
}

#[test]
fn who_is_expected_must_be_said_in_full_and_once() {
    let client = client();
    let (required, both) = ("is required for verification in keyless mode\n", "wanted exactly one of --key and ");
    for (line, wanted) in [
        ("verify a/b", "error: --certificate-identity or --certificate-identity-regexp "),
        ("verify a/b", required),
        (
            "verify --certificate-identity x a/b",
            "error: --certificate-oidc-issuer or --certificate-oidc-issuer-regexp ",
        ),
        ("verify --certificate-identity-regexp ^x$ a/b", required),
        ("verify --certificate-oidc-issuer x a/b", "error: --certificate-identity or --certificate-identity-regexp "),
        ("verify --certificate-github-workflow-ref x a/b", required),
        ("verify --key team.pub --certificate-identity x --certificate-oidc-issuer y a/b", both),
        ("verify --key team.pub --certificate-oidc-issuer y a/b", both),
        ("verify --key team.pub --certificate-github-workflow-ref y a/b", both),
        ("verify --certificate-identity= --certificate-oidc-issuer y a/b", "error: a value is required for "),
        (
            "verify --certificate-identity-regexp ( --certificate-oidc-issuer y a/b",
            "error: --certificate-identity-regexp: not a regular expression that can be used: ",
        ),
        (
            "verify --certificate-identity x --certificate-identity-regexp ^y --certificate-oidc-issuer y a/b",
            "error: --certificate-identity is `x`, which --certificate-identity-regexp /^y/ does not match",
        ),
    ] {
        let said = client.run(line.split(' ')).failure(1);
        assert!(said.contains(wanted), "{line}:\n{said}");
    }
}

#[test]
fn without_a_trusted_root_the_built_in_one_serves_with_a_warning_if_the_mirror_is_out_of_reach() {
    let client = client();
    for line in [
        "verify --certificate-identity x --certificate-oidc-issuer y 127.0.0.1:9/b",
        "verify --private-infrastructure --certificate-identity x --certificate-oidc-issuer y 127.0.0.1:9/b",
        "verify --key team.pub --private-infrastructure --use-signed-timestamps 127.0.0.1:9/b",
        "verify --key team.pub 127.0.0.1:9/b",
    ] {
        let said = client.run(line.split(' ')).failure(1);
        let first = said.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("WARNING: TUF mirror https://tuf-repo-cdn.sigstore.dev cannot be reached: "),
            "{said}"
        );
        assert!(first.ends_with("; the trust material built in is used, as of 2026-11-25"), "{line}: {said}");
        assert!(said.contains("error: registry 127.0.0.1:9 cannot be reached"), "{line}: {said}");
    }
}

#[test]
fn what_needs_no_trusted_root_looks_for_none() {
    let said = client().run("verify --key team.pub --private-infrastructure 127.0.0.1:9/b".split(' ')).failure(1);
    assert!(said.starts_with("error: registry 127.0.0.1:9 cannot be reached"), "{said}");
}

#[test]
fn trusted_root_that_cannot_be_used_is_refused_with_its_reason() {
    let client = client();
    let home = client.client().home();
    fs::write(home.join("empty.json"), "").expect("the home can be written");
    fs::write(home.join("other.json"), r#"{"mediaType":"application/json"}"#).expect("the home can be written");
    fs::write(home.join("large.json"), vec![b' '; 1024 * 1024 + 1]).expect("the home can be written");
    for (file, wanted) in [
        ("absent.json", "open absent.json: no such file or directory\n"),
        ("empty.json", "empty.json: trusted root is not strict JSON: "),
        ("other.json", "other.json: trusted root of media type `application/json` found, wanted version 0.1 or 0.2\n"),
        ("large.json", "open large.json: it is larger than 1024 KiB\n"),
    ] {
        for who in [&["--key", "team.pub"][..], &ALICE] {
            let args = [&["verify", "--trusted-root", file][..], who, &["a/b"]].concat();
            let said = client.run(args).failure(1);
            assert!(said.starts_with(&format!("error: loading trusted root: {wanted}")), "{file}:\n{said}");
        }
    }
}

#[test]
fn open_expression_is_warned_of_and_anchored_one_is_not() {
    let Some(stage) = Stage::set_up() else { return };
    let case = stage.case("c3-rekor2");
    for (name, issuer, warnings) in [("^alice@sealgate\\.test$", "^http.*/email$", 0), ("alice", "/email$", 2)] {
        let flags = ["--certificate-identity-regexp", name, "--certificate-oidc-issuer-regexp", issuer];
        let outcome = stage.verify("trusted_root.json", &case, &flags);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert_eq!(outcome.stderr.matches("WARNING: ").count(), warnings, "{}", outcome.stderr);
    }
}

#[test]
fn flags_are_taken_from_the_environment_and_weak_ones_announced() {
    let Some(mut stage) = Stage::set_up() else { return };
    let case = stage.case("c3-nosct");
    let (root, image) = (stage.path("trusted_root.json"), stage.image(&case));
    for (name, value) in [
        ("COSIGN_TRUSTED_ROOT", root.as_str()),
        ("COSIGN_CERTIFICATE_IDENTITY", ALICE[1]),
        ("COSIGN_CERTIFICATE_OIDC_ISSUER", ALICE[3]),
    ] {
        stage.sealgate.client_mut().set(name, value);
    }
    let said = stage.sealgate.run(["verify", &image]).failure(12);
    assert!(!said.contains("WARNING"), "{said}");
    stage.sealgate.client_mut().set("COSIGN_INSECURE_IGNORE_SCT", "1");
    let outcome = stage.sealgate.run(["verify", &image]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("WARNING: COSIGN_INSECURE_IGNORE_SCT is set in the environment\n"));
    stage.sealgate.client_mut().set("COSIGN_USE_SIGNED_TIMESTAMPS", "true");
    assert!(stage.sealgate.run(["verify", &image]).failure(12).contains("no valid timestamp"));
}
