//! What an ImagePolicy asks, at a desk: who asks and where, at another time, and the family of an image from a
//! recording.

use super::{shop, stage::Stage, write};

/// The team's policy as an ImagePolicy with these further fields of its `spec`, and these cases beside it.
fn try_cases(stage: &Stage, further: &str, cases: &str) -> peers::Outcome {
    let policy = super::POLICY.replace("policy.sigstore.dev/v1beta1", "sealgate.dev/v1");
    let policy = policy.replace("kind: ClusterImagePolicy", "kind: ImagePolicy");
    write(stage, "policies/shop.yaml", &format!("{policy}\n{further}"));
    let text = format!("apiVersion: sealgate.dev/v1\nkind: PolicyTest\ncases:\n{cases}");
    write(stage, "policies/shop.test.yaml", &text);
    stage.shell("sealgate policy test policies")
}

const SIGNED: &str = "127.0.0.1:5000/shop/cart:1.4";

#[test]
fn case_says_who_asks_and_where() {
    let stage = shop();
    let _ = stage.shell(&format!("sealgate policy record --to policies/signed {SIGNED}")).success();
    let further = "  users: [ci-*]\n  namespaces: [prod]";
    for evidence in ["", "evidence: signed, "] {
        let case = |name: &str, who: &str, expect: &str, why: &str| {
            format!(
                "- {{name: {name}, image: '{SIGNED}', {evidence}door: webhook, {who}expect: {expect}, reasons: ['{why}']}}\n"
            )
        };
        let cases = [
            case("both", "user: ci-build, namespace: prod, ", "allow", "signed by key"),
            case("other user", "user: ann, namespace: prod, ", "deny", "no matching policies"),
            case("other place", "user: ci-build, namespace: dev, ", "deny", "no matching policies"),
            case("nobody", "namespace: prod, ", "undecided", "`users` asks who wants the image"),
            case("nowhere", "user: ci-build, ", "undecided", "`namespaces` asks where the image is to run"),
        ];
        let said = try_cases(&stage, further, &cases.concat()).success();
        assert_eq!(said.matches("ok    ").count(), 5, "{said}");
    }
    let outcome = try_cases(&stage, "", &format!("- {{name: a, image: '{SIGNED}', user: '', expect: deny}}"));
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
}

#[test]
fn case_is_judged_at_its_time() {
    let stage = shop();
    let _ = stage.shell("sealgate policy record --to policies/unsigned 127.0.0.1:5000/shop/cart:1.5").success();
    let further = "  breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}";
    let case = |name: &str, at: &str, expect: &str| {
        format!(
            "- {{name: {name}, image: '127.0.0.1:5000/shop/cart:1.5', evidence: unsigned, at: '{at}', expect: {expect}}}\n"
        )
    };
    let cases = case("before", "2025-12-31T23:59:59Z", "allow")
        + &case("at the end", "2026-01-01T00:00:00Z", "allow")
        + &case("after", "2026-01-01T00:00:01Z", "deny");
    let _ = try_cases(&stage, further, &cases).success();
}

/// The digest of what `shop/web` has under a tag.
fn digest(stage: &Stage, tag: &str) -> String {
    let said = stage.shell(&format!("sealgate triangulate 127.0.0.1:5000/shop/web:{tag}")).success();
    let hex = said.rsplit("sha256-").next().expect("a tag").trim_end_matches(".sig").to_owned();
    format!("sha256:{hex}")
}

fn sign(stage: &Stage, format: &str, tag: &str) {
    let line = format!("sealgate sign --key team.key --format {format} 127.0.0.1:5000/shop/web:{tag}");
    let _ = stage.shell(&line).success();
}

fn record(stage: &Stage, name: &str, reference: &str) -> String {
    stage.shell(&format!("sealgate policy record --to policies/{name} 127.0.0.1:5000/shop/web{reference}")).success()
}

/// A case about what was recorded.
fn case(evidence: &str, reference: &str, expect: &str, why: &str) -> String {
    let image = format!("127.0.0.1:5000/shop/web{reference}");
    format!("- {{name: {evidence}, image: '{image}', evidence: {evidence}, expect: {expect}, reasons: ['{why}']}}\n")
}

#[test]
fn recording_has_what_an_index_lists() {
    for format in ["legacy", "bundle"] {
        let stage = shop();
        ["2.0", "amd64"].iter().for_each(|tag| sign(&stage, format, tag));
        let said = record(&stage, "half", ":2.0");
        let wanted = "\nrecorded with it 2 manifests: 1 signature or attestation";
        assert!(said.ends_with(wanted), "{said}");
        sign(&stage, format, "arm64");
        let _ = record(&stage, "whole", ":2.0");
        let missing = format!("{}, which this policy wants signed too", digest(&stage, "arm64"));
        let cases = case("half", ":2.0", "deny", &missing) + &case("whole", ":2.0", "allow", "signed by key");
        let _ = try_cases(&stage, "  platforms: every", &cases).success();
    }
}

#[test]
fn what_was_not_recorded_is_not_taken_for_unsigned() {
    let stage = shop();
    ["2.0", "amd64", "arm64"].iter().for_each(|tag| sign(&stage, "bundle", tag));
    let _ = record(&stage, "lacking", ":2.0");
    let arm = digest(&stage, "arm64");
    let _ = stage.shell(&format!("rm policies/lacking/blobs/sha256/{}", &arm["sha256:".len()..])).success();
    let outcome = try_cases(&stage, "  platforms: every", &case("lacking", ":2.0", "deny", "signed"));
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains(&format!("lacks {arm}, which the image lists; record it again")),
        "{}",
        outcome.stdout
    );
}

#[test]
fn recording_has_the_index_that_an_image_was_picked_from() {
    let stage = shop();
    sign(&stage, "legacy", "2.0");
    let arm = digest(&stage, "arm64");
    let picked = format!(":2.0@{arm}");
    let said = record(&stage, "picked", &picked);
    assert!(said.ends_with("\nrecorded with it 1 manifest: 1 signature or attestation"), "{said}");
    let _ = record(&stage, "alone", &format!("@{arm}"));
    let cases = case("picked", &picked, "allow", "signed by key")
        + &case("picked", &format!("@{arm}"), "deny", "no signatures found").replacen("picked", "by digest", 1)
        + &case("alone", &picked, "deny", "no signatures found");
    let _ = try_cases(&stage, "  index: accepted", &cases).success();
    let _ = try_cases(&stage, "  index: ignored", &case("picked", &picked, "deny", "no signatures found")).success();
}
