//! Each trusted root that lacks something refuses for want of just that.

use crate::stage::{ALICE, Stage};

#[test]
fn trusted_root_refuses_what_it_lacks_in_words_that_say_so() {
    let Some(stage) = Stage::set_up() else { return };
    let case = stage.case("c3-rekor2");
    for root in ["trusted_root.json", "trusted_root.no-rekor1.json"] {
        let _ = stage.verify(root, &case, &ALICE).success();
    }
    for (root, why) in [
        ("no-rekor2", "no valid log entry: log entry is of unknown log "),
        ("badorigin", "checkpoint is of `rekor2.sealgate.test`, wanted `other.sealgate.test`"),
        ("no-ctlog", "no valid certificate timestamp"),
        ("no-tsa", "no trusted time"),
        ("ended", "its log is trusted from 2026-11-25T00:17:38Z to 2026-11-25T00:47:39Z"),
        ("other", "no valid log entry: log entry is of unknown log "),
    ] {
        let said = stage.verify(&format!("trusted_root.{root}.json"), &case, &ALICE).failure(12);
        assert!(said.contains(why), "{root}: {said}");
    }
}

#[test]
fn switches_take_away_one_demand_each() {
    let Some(stage) = Stage::set_up() else { return };
    let with = |flags: &[&'static str]| [&ALICE[..], flags].concat();
    let unlogged = stage.case("c3-tsa-only");
    let said = stage.verify("trusted_root.json", &unlogged, &ALICE).failure(12);
    assert!(said.contains("no valid log entry"), "{said}");
    for switch in ["--insecure-ignore-tlog", "--private-infrastructure"] {
        let _ = stage.verify("trusted_root.json", &unlogged, &with(&[switch])).success();
    }
    let uncertified = stage.case("c3-nosct");
    let said = stage.verify("trusted_root.json", &uncertified, &with(&["--insecure-ignore-tlog"])).failure(12);
    assert!(said.contains("no valid certificate timestamp"), "{said}");
    let _ = stage.verify("trusted_root.json", &uncertified, &with(&["--insecure-ignore-sct"])).success();
    let _ = stage.verify("trusted_root.json", &uncertified, &with(&["--insecure-ignore-sct=false"])).failure(12);
    let unstamped = stage.case("c3-rekor1-uri");
    let who =
        ["--certificate-identity-regexp", "^http://127.0.0.1:15001/ci/job/7$", "--certificate-oidc-issuer-regexp"];
    let who = [&who[..], &["^http://127.0.0.1:15001/uri$"]].concat();
    let _ = stage.verify("trusted_root.json", &unstamped, &who).success();
    let stamped = [&who[..], &["--use-signed-timestamps"]].concat();
    assert!(stage.verify("trusted_root.json", &unstamped, &stamped).failure(12).contains("no valid timestamp"));
}

#[test]
fn certificate_without_any_trusted_time_never_counts() {
    let Some(stage) = Stage::set_up() else { return };
    let case = stage.case("c3-tsa-only");
    let flags = [&ALICE[..], &["--insecure-ignore-tlog", "--insecure-ignore-sct"]].concat();
    let said = stage.verify("trusted_root.no-tsa.json", &case, &flags).failure(12);
    assert!(said.contains("no trusted time"), "{said}");
}
