//! Files that are to hold a signature or what belongs to it, and do not, or not so that it can be told what is meant.

use std::fs;

use suites::sealgate::Sealgate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const BUNDLE: &str = r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#;

/// A home with a key and these files.
fn home(files: &[(&str, &str)]) -> Sealgate {
    let mut sealgate = Sealgate::new(PROGRAM);
    sealgate.client_mut().set("COSIGN_PASSWORD", "p");
    let _ = sealgate.run(["generate-key-pair", "--output-key-prefix", "team"]).success();
    for (name, text) in [("file", "hello")].iter().chain(files) {
        fs::write(sealgate.client().home().join(name), text).expect("the home can be written");
    }
    sealgate
}

#[test]
fn what_is_no_signature_is_refused_with_what_was_found() {
    for (flags, files, wanted) in [
        ("", &[][..], "no signature is given, wanted --bundle or --signature"),
        ("--bundle b", &[("b", "{")], "reading bundle: b: bundle is not strict JSON: "),
        ("--bundle b", &[("b", r#"{"cert":"","cert":""}"#)], "reading bundle: b: bundle is not strict JSON: "),
        (
            "--bundle b",
            &[("b", "[]")],
            "reading bundle: b: neither a Sigstore bundle nor cosign's older file: no object",
        ),
        ("--bundle b", &[("b", "{}")], "the bundle holds no signature, and --signature names none"),
        ("--bundle b", &[("b", r#"{"base64Signature":"*"}"#)], "`base64Signature` is no base64"),
        ("--bundle b", &[("b", r#"{"base64Signature":1}"#)], "`base64Signature` is no text"),
        ("--bundle b", &[("b", r#"{"signature":"YQ=="}"#)], "older file: member `signature`"),
        ("--bundle b", &[("b", r#"{"base64Signature":"YQ==","rekorBundle":{}}"#)], "reading signature: "),
        ("--bundle b", &[("b", r#"{"base64Signature":"YQ==","cert":"YQ=="}"#)], "reading signature: "),
        ("--bundle b", &[("b", r#"{"base64Signature":"YQ=="}"#)], "not by a trusted key: 1 tried"),
        ("--bundle b", &[("b", r#"{"base64Signature":"e30="}"#)], "reading signature: "),
        ("--bundle b", &[], "reading bundle: open b: no such file or directory"),
        ("--signature YQ==", &[], "not by a trusted key: 1 tried"),
        ("--signature *", &[], "`*` is neither a file nor base64"),
        ("--signature s", &[("s", "raw bytes")], "not by a trusted key: 1 tried"),
        ("--signature s", &[("s", "{raw bytes")], "not by a trusted key: 1 tried"),
        ("--signature YQ== --rfc3161-timestamp t", &[("t", "{}")], "t: wanted base64 as `SignedRFC3161Timestamp`"),
        ("--signature YQ== --rfc3161-timestamp t", &[("t", "x")], "reading timestamp: t: "),
        ("--bundle b --signature YQ==", &[("b", BUNDLE)], "--signature is given beside a Sigstore bundle"),
        ("--bundle b --rfc3161-timestamp t", &[("b", BUNDLE)], "--rfc3161-timestamp is given beside a Sigstore bundle"),
        ("--bundle b", &[("b", BUNDLE)], "file: bundle: "),
    ] {
        let sealgate = home(files);
        let args = ["verify-blob", "--private-infrastructure", "--key", "team.pub", "file"];
        let said = sealgate.run(args.into_iter().chain(flags.split_whitespace())).failure(1);
        assert!(said.starts_with("error: ") && said.contains(wanted), "{flags} {files:?}:\n{said}wanted: {wanted}");
    }
}

#[test]
fn bundle_beyond_the_limit_is_refused() {
    let sealgate = home(&[]);
    let args = ["verify-blob", "--private-infrastructure", "--key", "team.pub", "--bundle", "/dev/zero", "file"];
    let said = sealgate.run(args).failure(1);
    assert_eq!(said, "error: reading bundle: open /dev/zero: it is larger than 65536 KiB\n");
}

#[test]
fn standard_input_is_the_file() {
    let sealgate = home(&[]);
    let args = ["verify-blob", "--private-infrastructure", "--key", "team.pub", "--signature", "YQ==", "-"];
    let said = sealgate.client().run_with_input(PROGRAM, args, b"hello").failure(1);
    assert!(said.starts_with("error: -: not by a trusted key"), "{said}");
}
