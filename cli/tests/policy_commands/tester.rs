//! `policy test` with the flags of policy-controller's `policy-tester`: what it prints, and how it ends.

use serde_json::Value;

use super::{shop, write};

#[test]
fn success_is_silent_and_failure_is_one_json_object() {
    let stage = shop();
    for dashes in ["-", "--"] {
        let ask = |image: &str| {
            let line =
                format!("sealgate policy test {dashes}policy policies/shop.yaml {dashes}image {image} 2> errors");
            stage.shell(&line)
        };
        assert_eq!(ask("127.0.0.1:5000/shop/cart:1.4").success(), "");
        for (image, why) in [
            ("127.0.0.1:5000/shop/cart:1.5", "no signatures found"),
            ("127.0.0.1:5000/other/cart:1", "no matching policies"),
            ("127.0.0.1:5000/shop/cart:9", "does not exist"),
        ] {
            let outcome = ask(image);
            assert_eq!(outcome.code, 1, "{}", outcome.stdout);
            let answer: Value = serde_json::from_str(&outcome.stdout).expect("is one JSON object");
            let errors = answer["errors"].as_array().expect("a list");
            assert!(errors.iter().any(|one| one.as_str().is_some_and(|text| text.contains(why))), "{answer}");
            assert_eq!(answer.get("warnings"), None, "{answer}");
        }
    }
}

#[test]
fn failure_of_a_policy_that_warns_is_none() {
    let stage = shop();
    let _ = stage.shell("echo '  mode: warn' >> policies/shop.yaml").success();
    let line = "sealgate policy test -policy=policies/shop.yaml -image=127.0.0.1:5000/shop/cart:1.5";
    assert_eq!(stage.shell(&format!("{line} 2> errors")).success(), "");
    assert!(stage.shell(line).success().contains("WARNING: failed policy: shop"));
}

#[test]
fn resource_and_trust_root_are_taken_into_account() {
    let stage = shop();
    let _ = stage.shell("echo '  match: [{version: v1, resource: pods}]' >> policies/shop.yaml").success();
    write(&stage, "pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}");
    write(&stage, "job.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {}");
    let ask = |further: &str| {
        let line = "sealgate policy test -policy policies/shop.yaml -image 127.0.0.1:5000/shop/cart:1.4";
        stage.shell(&format!("{line} {further} 2> errors"))
    };
    assert_eq!(ask("-resource pod.yaml").success(), "");
    assert!(ask("-resource job.yaml").stdout.contains("no matching policies"));
    assert!(ask("").stdout.contains("`match` or `policy` asks which object"));
    // A TrustRoot is read with the policy: one that is none is an error.
    write(
        &stage,
        "root.yaml",
        "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: r}\nspec: {}",
    );
    assert_eq!(ask("-resource pod.yaml -trustroot root.yaml").code, 1);
    let _ = stage.shell("sed -i 's/^    key:/    ctlog: {trustRootRef: r}\\n    key:/' policies/shop.yaml").success();
    assert!(ask("-resource pod.yaml").stdout.contains("trustRootRef r, which is not found"));
}

#[test]
fn whatever_is_wrong_ends_with_1_and_says_so() {
    let stage = shop();
    for (flags, said) in [
        ("-policy absent.yaml -image a/b", "absent.yaml"),
        ("-policy team.pub -image a/b", "team.pub"),
        ("-policy policies/shop.yaml -image Bad:", "image `Bad:`"),
        ("-policy policies/shop.yaml -image a/b -resource team.pub", "object in team.pub"),
        ("-policy https://x.example/a.yaml -image a/b", "addresses are not fetched"),
    ] {
        let outcome = stage.shell(&format!("sealgate policy test {flags}"));
        assert_eq!(outcome.code, 1, "{flags}: {}", outcome.stdout);
        assert!(outcome.stdout.contains(said), "{flags}: {}", outcome.stdout);
    }
    for flags in ["-policy policies/shop.yaml", "-image a/b", "policies -policy a -image b", "-frobnicate"] {
        let outcome = stage.shell(&format!("sealgate policy test {flags}"));
        assert_eq!(outcome.code, 2, "{flags}: {}", outcome.stdout);
    }
}

#[test]
fn flags_without_effect_are_understood() {
    let stage = shop();
    let line = "sealgate policy test -log-level error -enable-oci11 -policy policies/shop.yaml -image 127.0.0.1:5000/shop/cart:1.4";
    assert_eq!(stage.shell(line).success(), "");
}
