//! T16: certificates whose name contains the name that is expected.

use std::slice;

use peers::{Client, Recipe, Sigstore, Subject};
use serde_json::{Value, json};

use crate::stage::{Stage, denied, is_let_in, policy};

/// What the certificates name, on their issuer's host.
const EXPECTED: &str = "acme/release";
const AROUND: &str = "evil/acme/release/x";

#[test]
fn t16_an_expression_is_found_within_a_name_as_upstream_and_lint_says_so_and_our_own_kind_does_not() {
    if !peers::present(&Sigstore::PROGRAMS) || !peers::present(&["crane"]) {
        return;
    }
    let (stage, sigstore) = (Stage::set_up(), Sigstore::shared());
    let image = |path: &'static str, tag: &str| {
        let image = stage.shop.by_digest(&stage.shop.unsigned(tag));
        sign(&sigstore, Subject::Workload(path), &image);
        image
    };
    let (good, evil) = (image(EXPECTED, "good"), image(AROUND, "evil"));
    let (name, issuer) = sigstore.identity(Subject::Workload(EXPECTED));
    let by = |expression: &str| {
        let identities = json!([{ "issuer": issuer, "subjectRegExp": expression }]);
        policy("p", "**", &json!([{ "name": "release", "keyless": { "identities": identities } }]))
    };
    let root = format!("--trusted-root={}", sigstore.trusted_root().display());
    let check = |policy: &Value, image: &str| stage.ask(&stage.policies(slice::from_ref(policy)), &[&root, image]);
    let lints = |policy: &Value| stage.findings(slice::from_ref(policy)).contains("unanchored-regexp");

    let loose = by(EXPECTED);
    assert!(is_let_in(&check(&loose, &good)) && is_let_in(&check(&loose, &evil)));
    assert!(lints(&loose));

    let tight = by(&format!("^{}$", name.replace('.', r"\.")));
    let stranger = "none of the expected identities matched what was in the certificate";
    assert!(is_let_in(&check(&tight, &good)));
    denied(&check(&tight, &evil), stranger);
    assert!(!lints(&tight));

    let own = |expression: &str| {
        let mut own = by(expression);
        (own["apiVersion"], own["kind"]) = (json!("sealgate.dev/v1"), json!("ImagePolicy"));
        own
    };
    denied(&check(&own(EXPECTED), &good), stranger);
    assert!(is_let_in(&check(&own(&format!(".*/{EXPECTED}")), &good)));
    denied(&check(&own(&format!(".*/{EXPECTED}")), &evil), stranger);
}

fn sign(sigstore: &Sigstore, who: Subject<'_>, image: &str) {
    let args = [
        "sign".to_owned(),
        "--yes".to_owned(),
        format!("--identity-token={}", sigstore.token(who)),
        format!("--signing-config={}", sigstore.signing_config(Recipe::Rekor1).display()),
        format!("--trusted-root={}", sigstore.trusted_root().display()),
        image.to_owned(),
    ];
    Client::new().run("cosign-3", args).success();
}
