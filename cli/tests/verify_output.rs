//! What `verify` prints for programs: everything that cosign prints, equal, and one member more.

use std::fs;

use peers::{Cosign, Format, RefsOptions, Registry, push_image};
use serde_json::Value;
use suites::sealgate::Sealgate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

#[test]
fn every_member_that_cosign_prints_is_there_and_equal() {
    peers::require!("cosign-3", "registry-refs", "crane");
    let cosign = Cosign::v3();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let key = cosign.generate_key_pair(&folder.path().join("k"), "p");
    let registry = Registry::refs(RefsOptions::default());
    let sealgate = Sealgate::new(PROGRAM);
    for format in [Format::Legacy, Format::Bundle] {
        for (number, annotations) in [&[][..], &[("env", "prod"), ("team", "shop")][..]].into_iter().enumerate() {
            let name = format!("shop/{format:?}{number}").to_lowercase();
            let digest = push_image(&registry, &format!("{name}:1"), &name);
            let by_digest = format!("{}/{name}@{digest}", registry.address());
            cosign.sign(format, &key, &by_digest, annotations).success();
            for image in [by_digest, format!("{}/{name}:1", registry.address())] {
                for output in [&[][..], &["-o", "json"], &["-o", "text"]] {
                    let theirs = objects(&cosign.verify(&key.public, &image, output).success());
                    let public = key.public.display().to_string();
                    let args = ["verify", "--private-infrastructure", "--key", &public];
                    let ours = sealgate.run(args.iter().chain(output).copied().chain([image.as_str()]));
                    let ours = objects(&ours.success());
                    assert_eq!(theirs.len(), ours.len(), "{image} {output:?}");
                    for (theirs, ours) in theirs.iter().zip(&ours) {
                        includes(ours, theirs, &format!("{image} {output:?}"));
                        assert!(ours["sealgate"].is_object(), "{ours}");
                    }
                }
            }
        }
    }
    drop(fs::remove_dir_all(folder.path()));
}

#[test]
fn claim_under_the_name_of_a_certified_fact_is_not_printed_as_one() {
    peers::require!("crane");
    let mut sealgate = Sealgate::new(PROGRAM);
    sealgate.client_mut().set("COSIGN_PASSWORD", "p");
    let _ = sealgate.run(["generate-key-pair", "--output-key-prefix", "k"]).success();
    let registry = Registry::sealgate(PROGRAM, &[]);
    for form in ["--new-bundle-format", "--new-bundle-format=false"] {
        let name = format!("shop/{}", form.len());
        let image = format!("{}/{name}@{}", registry.address(), push_image(&registry, &format!("{name}:1"), &name));
        let claims = ["-a", "Subject=boss@acme.test", "-a", "githubWorkflowRef=refs/heads/main", "-a", "env=dev"];
        let fixed = ["sign", "--key", "k.key", "--tlog-upload=false", "--use-signing-config=false", form, &image];
        let _ = sealgate.run([&fixed[..], &claims].concat()).success();
        for output in ["json", "text"] {
            let args = ["verify", "--private-infrastructure", "--key", "k.pub", "-o", output, &image];
            let ours = objects(&sealgate.run(args).success());
            assert_eq!(ours[0]["optional"], serde_json::json!({ "env": "dev" }), "{form} {output}");
            let claimed = serde_json::json!({ "Subject": "boss@acme.test", "githubWorkflowRef": "refs/heads/main" });
            assert_eq!(ours[0]["sealgate"]["claimed"], claimed, "{form} {output}");
        }
    }
}

/// The objects of a list, or one on each line.
fn objects(text: &str) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let values = values.map(|value| value.unwrap_or_else(|why| panic!("{why}: {text}")));
    values.flat_map(|value| if let Value::Array(list) = value { list } else { vec![value] }).collect()
}

#[track_caller]
fn includes(ours: &Value, theirs: &Value, what: &str) {
    for (name, value) in theirs.as_object().expect("an object") {
        assert_eq!(ours.get(name), Some(value), "{what}: `{name}` of {theirs}\nin {ours}");
    }
}
