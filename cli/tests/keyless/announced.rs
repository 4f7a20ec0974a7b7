//! Variables that decide whom to trust: each is named on standard error where it does, and only there.

use peers::Client;

use crate::stage::{ALICE, PROGRAM, Stage};

const WORDS: &str = "trust comes from ";

/// What `verify` of a case says of variables, with these set and these flags; `pki/` and the root are the corpus's.
fn announced(stage: &Stage, variables: &[(&str, &str)], flags: &[&str]) -> Vec<String> {
    let here = |text: &str| match text.starts_with("pki/") || text.starts_with("trusted_root") {
        true => stage.path(text),
        false => text.to_owned(),
    };
    let mut client = Client::new();
    client.set("TUF_ROOT", &client.home().join("tuf").display().to_string());
    variables.iter().for_each(|(name, value)| client.set(name, &here(value)));
    let flags: Vec<String> = flags.iter().map(|flag| here(flag)).collect();
    let image = stage.image(&stage.case("c2-legacy"));
    let outcome = client.run(PROGRAM, ["verify", &image].into_iter().chain(flags.iter().map(String::as_str)));
    let said = outcome.stderr.lines().filter_map(|line| line.strip_prefix(WORDS));
    said.map(|line| line.replace(&stage.path(""), "")).collect()
}

#[test]
fn variable_that_decides_whom_to_trust_is_named() {
    let Some(stage) = Stage::set_up() else { return };
    let root = &["--trusted-root", "trusted_root.json"];
    let alice = &ALICE[..];
    let by_name = [&ALICE[..], root].concat();
    for (variables, flags) in [
        (&[("COSIGN_KEY", "pki/cosign.pub")][..], &root[..]),
        (&[("COSIGN_TRUSTED_ROOT", "trusted_root.json")], alice),
        (&[("COSIGN_CERTIFICATE_CHAIN", "pki/fulcio-chain.pem")], &by_name),
        (&[("COSIGN_CA_ROOTS", "pki/fulcio-root.pem"), ("COSIGN_CA_INTERMEDIATES", "pki/fulcio-int.pem")], &by_name),
        (&[("COSIGN_TIMESTAMP_CERTIFICATE_CHAIN", "pki/tsa-chain.pem")], &by_name),
        (&[("COSIGN_ALLOW_CERTIFICATE_CHAIN", "true")], &by_name),
        (&[("COSIGN_CERTIFICATE", "pki/fulcio-int.pem")], &by_name),
        (&[("SIGSTORE_ROOT_FILE", "pki/fulcio-chain.pem"), ("SIGSTORE_REKOR_PUBLIC_KEY", "pki/rekor1.pub")], alice),
        (&[("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "pki/ctlog.pub")], alice),
        (&[("SIGSTORE_TSA_CERTIFICATE_FILE", "pki/tsa-chain.pem")], alice),
        (&[("TUF_MIRROR", "http://127.0.0.1:9"), ("TUF_ROOT_JSON", "pki/rekor1.pub")], alice),
    ] {
        let wanted: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name} in the environment: {value}")).collect();
        assert_eq!(announced(&stage, variables, flags), wanted, "{variables:?}");
    }
}

#[test]
fn variable_that_decides_nothing_is_not_named() {
    let Some(stage) = Stage::set_up() else { return };
    let by_name = [&ALICE[..], &["--trusted-root", "trusted_root.json"]].concat();
    let key = ["--key", "pki/cosign.pub", "--trusted-root", "trusted_root.json"];
    let chain = [&by_name[..], &["--certificate-chain", "pki/fulcio-chain.pem"]].concat();
    for (variables, flags) in [
        (&[("COSIGN_KEY", "pki/rekor1.pub")][..], &key[..]),
        (&[("COSIGN_TRUSTED_ROOT", "trusted_root.no-tsa.json")], &by_name),
        (&[("COSIGN_CERTIFICATE_CHAIN", "pki/fulcio-root.pem")], &chain),
        (&[("COSIGN_ALLOW_CERTIFICATE_CHAIN", "false")], &by_name),
        (&[("SIGSTORE_ROOT_FILE", "pki/fulcio-chain.pem"), ("TUF_MIRROR", "http://127.0.0.1:9")], &by_name),
    ] {
        assert_eq!(announced(&stage, variables, flags), [""; 0], "{variables:?}");
    }
    let files = [("SIGSTORE_ROOT_FILE", "pki/fulcio-chain.pem"), ("TUF_MIRROR", "http://127.0.0.1:9")];
    assert_eq!(announced(&stage, &files, &ALICE), ["SIGSTORE_ROOT_FILE in the environment: pki/fulcio-chain.pem"]);
}
