//! `sigstoreSigned`: where its keys come from, and what it asks that is not said here.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::Authority;
use policy::import::{ContainerPolicy, ImportError, Imported, container_policy, key_files};

use crate::{
    loading::{admits, admits_signed, load, says},
    writing::{bundle, image, key},
};

const IMAGE: &str = "ghcr.io/acme/app:1";

fn text(fields: &str) -> String {
    format!(
        r#"{{"default": [{{"type": "reject"}}], "transports": {{"docker": {{"ghcr.io/acme": [{{"type": "sigstoreSigned", {fields}}}]}}}}}}"#
    )
}

fn read(fields: &str, files: &[(&str, &str)]) -> Result<Imported, ImportError> {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
    container_policy(&ContainerPolicy { name: "p", text: &text(fields), files: &files, registries: None })
}

fn import(fields: &str, files: &[(&str, &str)]) -> Imported {
    read(fields, files).unwrap_or_else(|e| panic!("{e}"))
}

fn encoded(pem: &str) -> String {
    BASE64_STANDARD.encode(pem)
}

#[test]
fn keys_come_from_paths_and_data_and_any_of_several_is_enough() {
    let (one, other, stranger) = (key(), key(), key());
    let (a, b) = (one.public().to_pem(), other.public().to_pem());
    let files = [("/a.pub", a.as_str()), ("/b.pub", b.as_str())];
    for (fields, second) in [
        (r#""keyPath": "/a.pub""#.to_owned(), false),
        (r#""keyPaths": ["/a.pub", "/b.pub"]"#.to_owned(), true),
        (format!(r#""keyData": "{}""#, encoded(&a)), false),
        (format!(r#""keyDatas": ["{}", "{}"]"#, encoded(&a), encoded(&b)), true),
    ] {
        let set = load(&import(&fields, &files));
        assert!(admits_signed(&set, IMAGE, &[&one]), "{fields}");
        assert_eq!(admits_signed(&set, IMAGE, &[&other]), second, "{fields}");
        assert!(!admits_signed(&set, IMAGE, &[&stranger]), "{fields}");
    }
}

#[test]
fn the_files_are_named_once_each() {
    let fields = r#""keyPaths": ["/b", "/a", "/b"], "rekorPublicKeyPath": "/r""#;
    assert_eq!(key_files("p", &text(fields)).expect("it parses"), ["/a", "/b", "/r"]);
    let fulcio = r#""fulcio": {"caPath": "/ca", "oidcIssuer": "i", "subjectEmail": "e"}, "rekorPublicKeyData": "eA==""#;
    assert_eq!(key_files("p", &text(fulcio)).expect("it parses"), ["/ca"]);
}

#[test]
fn a_file_that_is_not_there_and_one_that_is_no_key_refuse() {
    for files in [&[][..], &[("/a.pub", "no key")]] {
        let imported = import(r#""keyPath": "/a.pub""#, files);
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key()]));
        assert_eq!(imported.unsaid.len(), 1, "{:?}", imported.unsaid);
    }
}

#[test]
fn only_the_legacy_format_counts_as_there() {
    let key = key();
    let set = load(&import(&format!(r#""keyData": "{}""#, encoded(&key.public().to_pem())), &[]));
    assert!(!admits(&set, IMAGE, vec![bundle(&key, &image())]));
    assert!(admits_signed(&set, IMAGE, &[&key]));
}

#[test]
fn an_identity_becomes_a_trust_root_of_its_own_and_an_authority() {
    let (ca, log) = (Authority::new("roots"), key());
    let fields = format!(
        r#""fulcio": {{"caData": "{}", "oidcIssuer": "https://issuer", "subjectEmail": "a@b.c"}}, "rekorPublicKeyData": "{}""#,
        encoded(ca.certificate()),
        encoded(&log.public().to_pem()),
    );
    let imported = import(&fields, &[]);
    let [root, policy] = imported.documents.as_slice() else { panic!("{imported:?}") };
    assert!(root.contains("kind: TrustRoot") && root.contains(&encoded(&log.public().to_pem())), "{root}");
    for words in ["issuer: https://issuer", "subject: a@b.c", "insecureIgnoreSCT: true", "trustRootRef: imported-root"]
    {
        assert!(policy.contains(words), "{words}: {policy}");
    }
    let set = load(&imported);
    assert!(!set.needs_default_root());
    assert!(set.policies().all(|policy| policy.readiness().is_ok()), "{:?}", set.policies().next());
    assert!(!admits_signed(&set, IMAGE, &[&log]));
}

#[test]
fn what_an_authority_cannot_ask_refuses_and_is_told() {
    let (key, ca) = (key(), Authority::new("roots"));
    let pem = encoded(&key.public().to_pem());
    let pki = format!(r#""pki": {{"caRootsData": "{}", "subjectEmail": "a@b.c"}}"#, encoded(ca.certificate()));
    let two_logs = format!(r#""keyData": "{pem}", "rekorPublicKeyDatas": ["{pem}", "{pem}"]"#);
    let logged = format!(r#""keyData": "{pem}", "rekorPublicKeyData": "{pem}""#);
    for (fields, words) in [(pki, "`pki`"), (two_logs, "several logs"), (logged, "the key of a log")] {
        let imported = import(&fields, &[]);
        assert!(!admits_signed(&load(&imported), IMAGE, &[&key]), "{fields}");
        assert!(says(&imported, words), "{:?}", imported.unsaid);
    }
}

#[test]
fn what_is_no_requirement_is_refused() {
    for fields in [
        r#""keyPath": "/a", "keyData": "eA==""#,
        r#""signedIdentity": {"type": "matchRepository"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "matchAnything"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "matchExact", "prefix": "x"}"#,
        r#""keyData": "not base64!""#,
        r#""keyData": "eA==", "keyType": "GPGKeys""#,
        r#""fulcio": {"caPath": "/ca", "oidcIssuer": "i", "subjectEmail": "e"}"#,
        r#""fulcio": {"caPath": "/ca", "oidcIssuer": "i"}, "rekorPublicKeyData": "eA==""#,
        r#""keyPaths": []"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "exactReference", "dockerReference": "a.b/c"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "exactRepository", "dockerRepository": "A B"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "exactRepository"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "remapIdentity", "prefix": "a.b/c:1", "signedPrefix": "c.d"}"#,
        r#""keyData": "eA==", "signedIdentity": {"type": "remapIdentity", "prefix": "a.b", "signedPrefix": ""}"#,
    ] {
        let read = read(fields, &[("/ca", "x")]);
        assert!(read.is_err(), "{fields}: {read:?}");
    }
}

#[test]
fn where_registries_d_reads_no_signatures_beside_images_nothing_counts() {
    let key = key();
    let text = text(&format!(r#""keyData": "{}""#, encoded(&key.public().to_pem())));
    let files = BTreeMap::new();
    for (registries, wanted) in [
        ("default-docker: {use-sigstore-attachments: true}", true),
        ("docker: {ghcr.io: {use-sigstore-attachments: true}}", true),
        ("default-docker: {use-sigstore-attachments: false}", false),
        (
            "default-docker: {use-sigstore-attachments: true}\ndocker: {ghcr.io: {use-sigstore-attachments: false}}",
            false,
        ),
        ("docker: {quay.io: {use-sigstore-attachments: true}}", false),
        ("docker: {}", false),
    ] {
        let registries = [("d.yaml".to_owned(), registries.to_owned())];
        let source = ContainerPolicy { name: "p", text: &text, files: &files, registries: Some(&registries) };
        let imported = container_policy(&source).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(admits_signed(&load(&imported), IMAGE, &[&key]), wanted, "{registries:?}");
        assert_eq!(says(&imported, "use-sigstore-attachments"), !wanted, "{registries:?}");
    }
}

fn import_default(list: &str, scopes: &str, registries: &str) -> Imported {
    let text = format!(r#"{{"default": [{list}], "transports": {{"docker": {{{scopes}}}}}}}"#);
    let (registries, files) = ([("d.yaml".to_owned(), registries.to_owned())], BTreeMap::new());
    let source = ContainerPolicy { name: "p", text: &text, files: &files, registries: Some(&registries) };
    container_policy(&source).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn signatures_count_where_registries_d_has_them_read_and_not_beside_it() {
    let key = key();
    let signed = format!(r#"{{"type": "sigstoreSigned", "keyData": "{}"}}"#, encoded(&key.public().to_pem()));
    let scope = format!(r#""ghcr.io": [{signed}]"#);
    let (reject, accept) = (r#"{"type": "reject"}"#, r#"{"type": "insecureAcceptAnything"}"#);
    let (one, two) = ("ghcr.io/acme/app:1", "ghcr.io/acme/app/two:1");
    let (part, but) = (
        "docker: {ghcr.io/acme/app: {use-sigstore-attachments: true}}",
        "docker: {ghcr.io: {use-sigstore-attachments: true}, ghcr.io/acme/app/two: {use-sigstore-attachments: false}}",
    );
    let within = "docker: {ghcr.io/acme: {use-sigstore-attachments: true}, ghcr.io/acme/app/two: {use-sigstore-attachments: false}}";
    let other = "ghcr.io/other/x:1";
    let tagged = format!(r#"{scope}, "ghcr.io/other/x:1": [{accept}]"#);
    for (default, scopes, registries, counts) in [
        (reject, &scope, part, [(one, true), (two, true), (other, false)]),
        (reject, &scope, but, [(one, true), (two, false), (other, true)]),
        (reject, &scope, within, [(one, true), (two, false), (other, false)]),
        // What is left out would be let in, or held to another rule.
        (accept, &scope, part, [(one, false), (two, false), (other, false)]),
        (accept, &scope, but, [(one, true), (two, false), (other, true)]),
        (reject, &tagged, part, [(one, false), (two, false), (other, false)]),
    ] {
        let imported = import_default(default, scopes, registries);
        let set = load(&imported);
        for (name, counts) in counts {
            assert_eq!(admits_signed(&set, name, &[&key]), counts, "{default} {registries}: {name}");
            assert!(!admits_signed(&set, name, &[]), "{default} {registries}: {name}");
        }
        assert!(says(&imported, "use-sigstore-attachments"), "{registries}");
    }
}

#[test]
fn servers_for_signatures_are_told_of_and_double_sections_are_no_configuration() {
    let text = text(r#""keyPath": "/a""#);
    let files = BTreeMap::new();
    let read = |registries: &[&str]| {
        let registries: Vec<(String, String)> =
            registries.iter().map(|text| ("d.yaml".into(), text.to_string())).collect();
        container_policy(&ContainerPolicy { name: "p", text: &text, files: &files, registries: Some(&registries) })
    };
    let imported = read(&["default-docker: {lookaside: 'https://sigs.example'}"]).expect("it parses");
    assert!(says(&imported, "https://sigs.example"));
    for wrong in [&["default-docker: {}", "default-docker: {}"][..], &["docker: {a: {other: 1}}"], &["rest: {}"]] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
}
