//! `sign-blob` and `attest-blob`: what cosign can verify, and what they refuse.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::Cosign;

use crate::stage::Stage;

#[test]
fn cosign_verifies_what_was_signed_in_each_format() {
    peers::require!("cosign-3");
    let (stage, cosign) = (Stage::set_up(), Cosign::v3());
    let path = |name: &str| stage.path(name).display().to_string();
    let _ = stage.run("sign-blob --key k.key --bundle b.json f").success();
    let signature = stage.run("sign-blob --key k.key --new-bundle-format=false f").success();
    stage.write("s", &signature);
    let (key, bundle, signature, file) = (path("k.pub"), path("b.json"), path("s"), path("f"));
    for proof in [["--bundle", &bundle], ["--signature", &signature]] {
        let fixed = ["verify-blob", "--insecure-ignore-tlog", "--key", &key];
        let _ = cosign.run([&fixed[..], &proof, &[&file]].concat()).success();
        stage.write("g", "hallo");
        let _ = cosign.run([&fixed[..], &proof, &[&path("g")]].concat()).failure(1);
    }
}

#[test]
fn cosign_verifies_what_was_said_of_a_file() {
    peers::require!("cosign-3");
    let (stage, cosign) = (Stage::set_up(), Cosign::v3());
    let path = |name: &str| stage.path(name).display().to_string();
    stage.write("p.json", r#"{"a":1}"#);
    let hash = oci::Digest::of(b"hello").hex();
    let about = ["f".to_owned(), format!("--hash {hash}"), format!("--hash {}", hash.to_uppercase())];
    for about in about {
        let _ = stage
            .run(&format!("attest-blob --key k.key --predicate p.json --type openvex --bundle b.json {about}"))
            .success();
        let args =
            ["verify-blob-attestation", "--insecure-ignore-tlog", "--key", &path("k.pub"), "--bundle", &path("b.json")];
        let _ = cosign.run([&args[..], &["--type", "openvex", &path("f")]].concat()).success();
        let _ = cosign.run([&args[..], &["--type", "custom", &path("f")]].concat()).failure(1);
        stage.write("g", "hallo");
        let _ = cosign.run([&args[..], &["--type", "openvex", &path("g")]].concat()).failure(1);
    }
}

#[test]
fn whole_statement_is_signed_as_it_is() {
    let stage = Stage::set_up();
    let hash = oci::Digest::of(b"hello").hex();
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{hash}"}}}}],"predicateType":"https://a.test/p","predicate":{{}}}}"#
    );
    stage.write("s.json", &statement);
    for about in ["", "f"] {
        let _ = stage.run(&format!("attest-blob --key k.key --statement s.json --bundle b.json {about}")).success();
        let payload =
            BASE64_STANDARD.decode(stage.json("b.json")["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(payload).unwrap(), statement);
    }
    stage.write("g", "hallo");
    let said = stage.run("attest-blob --key k.key --statement s.json --bundle c.json g").failure(1);
    assert!(said.contains("error: statement is about ") && !stage.exists("c.json"), "{said}");
}

#[test]
fn parts_are_written_where_the_older_format_is_asked_for() {
    let stage = Stage::set_up();
    stage.write("p.json", r#"{"a":1}"#);
    let out =
        stage.run("sign-blob --key k.key --new-bundle-format=false --output-signature s --bundle b.json f").success();
    assert_eq!(out, "");
    assert_eq!(stage.json("b.json")["base64Signature"], stage.written("s"));
    let raw = stage.run("sign-blob --key k.key --new-bundle-format=false --b64=false --output r f");
    let _ = raw.success();
    assert_eq!(std::fs::read(stage.path("r")).unwrap()[0], 0x30, "DER, not base64");
    let line =
        "attest-blob --key k.key --predicate p.json --new-bundle-format=false --output-attestation a --bundle b.json f";
    let envelope = stage.run(line).success();
    let parsed: serde_json::Value = serde_json::from_str(&envelope).unwrap();
    assert_eq!(parsed["payload"], BASE64_STANDARD.encode(stage.written("a")));
    assert_eq!(stage.json("b.json")["base64Signature"], BASE64_STANDARD.encode(envelope));
    for missing in ["--output-certificate c", "--rfc3161-timestamp-bundle t"] {
        let line = format!("attest-blob --key k.key --predicate p.json --new-bundle-format=false {missing} f");
        let said = stage.run(&line).failure(1);
        assert!(said.contains("found in bundle"), "{said}");
    }
}

#[test]
fn lines_that_leave_nothing_or_mean_nothing_are_refused() {
    let stage = Stage::set_up();
    stage.write("p.json", "no json");
    let bundle = "must specify --bundle with --new-bundle-format";
    for (line, wanted) in [
        ("sign-blob --key k.key f", bundle),
        ("sign-blob --key k.key --bundle b.json f f", "--bundle names one file, and several are to be signed"),
        ("sign-blob --key k.key --bundle b.json absent", "open absent: no such file or directory"),
        ("sign-blob --key k.key --bundle b.json --signing-algorithm rot13 f", "wanted one of ecdsa-sha2-256-nistp256"),
        ("attest-blob --key k.key --predicate p.json f", bundle),
        ("attest-blob --key k.key --bundle b.json f", "--predicate <FILE>"),
        ("attest-blob --key k.key --predicate p.json --statement p.json --bundle b.json f", "cannot be used with"),
        ("attest-blob --key k.key --predicate p.json --bundle b.json", "no file is given, wanted one, or --hash"),
        ("attest-blob --key k.key --predicate p.json --hash 12 --bundle b.json", "--hash: wanted the 64 hexadecimal"),
        ("attest-blob --key k.key --predicate p.json --type spdxjson --bundle b.json f", "is not strict JSON"),
        ("attest-blob --key k.key --predicate p.json --type nonsense --bundle b.json f", "predicate type `nonsense`"),
        ("attest-blob --key k.key --statement p.json --bundle b.json", "invalid statement"),
        ("sign-blob --key k.key --sk --bundle b.json f", "cosign's flag `--sk` is not here yet"),
    ] {
        let said = stage.run(line).failure(1);
        assert!(said.contains(wanted), "{line}: {said}");
        assert!(!stage.exists("b.json"), "{line}");
    }
}

#[test]
fn standard_input_is_a_file_too() {
    peers::require!("cosign-3");
    let (stage, cosign) = (Stage::set_up(), Cosign::v3());
    let args = ["sign-blob", "--key", "k.key", "--bundle", "b.json", "-"];
    let _ = stage.sealgate.client().run_with_input(stage.sealgate.program(), args, b"hello").success();
    let path = |name: &str| stage.path(name).display().to_string();
    let (key, bundle, file) = (path("k.pub"), path("b.json"), path("f"));
    let args = ["verify-blob", "--insecure-ignore-tlog", "--key", &key, "--bundle", &bundle, &file];
    let _ = cosign.run(args).success();
}

#[test]
fn file_that_is_an_image_signatures_payload_is_not_signed_and_still_verified() {
    let stage = Stage::set_up();
    let digest = format!("sha256:{}", "0".repeat(64));
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"a.test/b"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    stage.write("p.json", &payload);
    stage.write("pae", "DSSEv1 28 application/vnd.in-toto+json 2 {}");
    for (file, found, hint) in [
        ("p.json", "p.json: file is the payload of an image's signature", "`sealgate sign`"),
        ("pae", "pae: file is what the signature of an attestation covers (DSSE)", "`sealgate attest-blob`"),
    ] {
        // also beside a file that is none, and before a password is asked for
        for line in [format!("--bundle b.json {file}"), format!("--new-bundle-format=false f {file}")] {
            let said = stage.run(&format!("sign-blob --key absent.key {line}")).failure(1);
            assert!(said.contains(found) && said.contains(hint), "{line}: {said}");
            assert!(!stage.exists("b.json"));
        }
    }
    // as cosign signs it
    let key = keys::PrivateKey::generate().unwrap();
    stage.write("other.pub", &key.public().to_pem());
    stage.write("s", &BASE64_STANDARD.encode(key.sign(payload.as_bytes()).unwrap()));
    let _ = stage.run("verify-blob --private-infrastructure --key other.pub --signature s p.json").success();
}
