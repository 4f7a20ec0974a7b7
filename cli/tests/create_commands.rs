//! `trusted-root create` and `signing-config create`: beside cosign, and with what cannot be used.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

#[expect(dead_code, reason = "there is more to test of the cache than of what is taken from it")]
#[path = "../../gate/tests/trust_caches/repository.rs"]
mod repository;
#[expect(dead_code, reason = "there is more to test of the cache than of what is taken from it")]
#[path = "../../gate/tests/trust_caches/server.rs"]
mod server;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use peers::{Client, Registry};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, RsaKeySize};
use repository::Repository;
use serde_json::Value;
use server::Server;
use suites::layout_loader::CorpusLayout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const DAY: &str = "start-time=2024-01-01T00:00:00Z";
const ALICE: &str = "--certificate-identity alice@sealgate.test --certificate-oidc-issuer http://127.0.0.1:15001/email";
const KEYS: [&str; 7] = ["p256", "p384", "p521", "ed25519", "rsa2048", "rsa3072", "rsa4096"];

/// A home with public keys of all kinds, chains, and files that are neither.
fn stage() -> Client {
    let client = Client::new();
    for name in KEYS {
        fs::write(client.home().join(format!("{name}.pub")), key(name).public_key_pem()).unwrap();
    }
    chains(client.home());
    fs::write(client.home().join("junk"), "junk").unwrap();
    client
}

fn key(name: &str) -> KeyPair {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
    let pair = match name {
        "p256" => KeyPair::generate(),
        "p384" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        "p521" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
        "ed25519" => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        "rsa2048" => rsa(RsaKeySize::_2048),
        "rsa3072" => rsa(RsaKeySize::_3072),
        _ => rsa(RsaKeySize::_4096),
    };
    pair.unwrap()
}

/// `root.pem` alone, `chain.pem` with an authority below it, `clock.pem` with a leaf below that.
fn chains(home: &Path) {
    let params = |name: &str, year, authority| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc. \u{e9}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(year, 5, 6);
        params.is_ca = if authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params
    };
    let [root_key, key, leaf_key] = ["p384", "p256", "p256"].map(key);
    let root_params = params("root", 2020, true);
    let root = root_params.self_signed(&root_key).unwrap().pem();
    let root_issuer = Issuer::new(root_params, root_key);
    let between_params = params("between", 2021, true);
    let between = between_params.signed_by(&key, &root_issuer).unwrap().pem();
    let leaf = params("leaf", 2022, false).signed_by(&leaf_key, &Issuer::new(between_params, key)).unwrap().pem();
    let mut late = params("late", 2020, true);
    (late.not_before, late.not_after) = (rcgen::date_time_ymd(9999, 12, 31), rcgen::date_time_ymd(9999, 12, 31));
    fs::write(home.join("late.pem"), late.self_signed(&self::key("p256")).unwrap().pem()).unwrap();
    fs::write(home.join("root.pem"), &root).unwrap();
    fs::write(home.join("leaf.pem"), &leaf).unwrap();
    fs::write(home.join("chain.pem"), format!("{between}{root}")).unwrap();
    fs::write(home.join("clock.pem"), format!("{leaf}{between}{root}")).unwrap();
}

/// What a program writes to a file, and that it prints the same without one.
fn created(client: &Client, program: &str, line: &str) -> Value {
    let said = client.run(program, line.split(' ')).success();
    let (file, path) = (format!("{line} --out made"), client.home().join("made"));
    assert_eq!(client.run(program, file.split(' ')).success(), "", "{program} {line}");
    let value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{program} {line}");
    fs::remove_file(path).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), value, "{program} {line}");
    value
}

#[track_caller]
fn same(client: &Client, peers: &[&str], line: &str) {
    let ours = created(client, PROGRAM, line);
    for peer in peers {
        assert_eq!(ours, created(client, peer, line), "{peer} {line}");
    }
}

#[test]
fn trusted_roots_are_those_that_cosign_creates() {
    peers::require!("cosign-2", "cosign-3");
    let client = stage();
    let both = &["cosign-2", "cosign-3"][..];
    same(&client, both, "trusted-root create");
    for name in KEYS {
        let log = format!("url=https://log.test/{name},public-key={name}.pub,start-time=2024-01-01T01:00:00.5+01:00");
        same(&client, both, &format!("trusted-root create --rekor {log} --ctfe {log},end-time=2030-01-01T00:00:00Z"));
        same(&client, both, &format!("trusted-root create --rekor {log},origin=log.test"));
        same(&client, &["cosign-3"], &format!("trusted-root create --ctfe {log},origin=log.test/ct"));
    }
    for chain in ["root.pem", "chain.pem"] {
        let authority = format!("trusted-root create --fulcio url=https://ca.test,certificate-chain={chain}");
        same(&client, both, &authority);
        same(&client, both, &format!("{authority},{DAY},end-time=2030-01-01T00:00:00Z"));
        same(&client, both, &format!("{authority},start-time=,end-time="));
    }
    let clock = "--tsa url=https://t.test/api,certificate-chain=clock.pem";
    same(&client, both, &format!("trusted-root create {clock}"));
    let log = |flag: &str, key: &str, year: u16| {
        format!("--{flag} url=https://{key}.test,public-key={key}.pub,start-time={year}-01-01T00:00:00Z")
    };
    let (later, earlier) = (log("rekor", "p256", 2025), log("rekor", "p384", 2020));
    let (ct_later, ct_earlier) = (log("ctfe", "p521", 2025), log("ctfe", "rsa2048", 2020));
    let ca = format!("--fulcio url=a,certificate-chain=root.pem,{DAY} --fulcio url=b,certificate-chain=chain.pem");
    same(&client, both, &format!("trusted-root create {later} {ct_later} {clock} {ca} {earlier} {ct_earlier}"));
}

#[test]
fn signing_configs_are_those_that_cosign_creates() {
    peers::require!("cosign-2", "cosign-3");
    let client = stage();
    let both = &["cosign-2", "cosign-3"][..];
    let service = |host: &str, version| format!("url=https://{host}.test,api-version={version},{DAY},operator={host}");
    same(&client, both, "signing-config create");
    let all = format!(
        "--fulcio {} --fulcio {},end-time=2030-01-01T00:00:00Z --oidc-provider {} --rekor {} --rekor {} --tsa {}",
        service("ca", 1),
        service("other", 1),
        service("login", 1),
        service("log", 1),
        service("log2", 2),
        service("time", 1)
    );
    for how_many in ["ANY", "ALL", "EXACT:2", "any", "exact:1"] {
        same(&client, both, &format!("signing-config create {all} --rekor-config {how_many} --tsa-config {how_many}"));
    }
    same(&client, both, "signing-config create --rekor-config ALL");
    let base =
        created(&client, PROGRAM, &format!("signing-config create {all} --rekor-config EXACT:1 --tsa-config ANY"));
    fs::write(client.home().join("base"), base.to_string()).unwrap();
    for line in [
        String::new(),
        "--no-default-fulcio".to_owned(),
        "--no-default-rekor --no-default-tsa".to_owned(),
        "--no-default-oidc=true --rekor-config ALL".to_owned(),
        format!("--fulcio {}", service("mine", 1)),
        format!("--rekor {} --rekor-config EXACT:1 --oidc-provider {}", service("mine", 2), service("mine", 1)),
    ] {
        let line = format!("signing-config create --base-config base {line}");
        same(&client, &["cosign-3"], line.trim_end());
    }
}

#[test]
fn default_services_are_those_of_the_mirror() {
    peers::require!("cosign-3");
    let [root, config] = ["trusted_root.json", "signing_config.v0.2.json"].map(|name| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../gate/src/trust/public").join(name)).unwrap()
    });
    let second =
        config.replace("https://rekor.sigstore.dev", "https://second.test").replace("sigstore.dev\"", "other\"");
    let targets = [
        ("trusted_root.json", &*root),
        ("signing_config.v0.2.json", &*config),
        ("signing_config_rekor_v2.v0.2.json", &*second),
    ];
    let repository = Repository::new(&targets, false);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(&repository.files));
    let mut client = stage();
    fs::write(client.home().join("tuf.json"), repository.root()).unwrap();
    let root = client.home().join("tuf.json").display().to_string();
    for (name, value) in [("TUF_MIRROR", server.address()), ("TUF_ROOT_JSON", &root)] {
        client.set(name, value);
    }
    let theirs = &["cosign-3"];
    let log = format!("url=https://log.test,public-key=p256.pub,{DAY}");
    for line in ["", "--no-default-fulcio --no-default-ctfe", "--no-default-rekor", "--no-default-tsa"] {
        same(&client, theirs, format!("trusted-root create --with-default-services {line}").trim_end());
    }
    same(&client, theirs, &format!("trusted-root create --with-default-services --rekor {log} --ctfe {log}"));
    same(&client, theirs, "trusted-root create --no-default-rekor");
    for line in
        ["", "--no-default-fulcio --no-default-oidc", "--no-default-rekor --no-default-tsa", "--with-default-rekor-v2"]
    {
        same(&client, theirs, format!("signing-config create --with-default-services {line}").trim_end());
    }
    let mine = format!("--fulcio url=https://mine.test,api-version=1,{DAY},operator=me --tsa-config ALL");
    same(&client, theirs, &format!("signing-config create --with-default-services {mine}"));
}

#[test]
fn what_is_created_serves_to_verify() {
    peers::require!("cosign-2", "cosign-3");
    let Some(corpus) = peers::corpus() else { return };
    let corpus = corpus.join("golden-keyless");
    let recorded: Value = serde_json::from_slice(&fs::read(corpus.join("trusted_root.json")).unwrap()).unwrap();
    let client = Client::new();
    let line = parts(&recorded, client.home());
    assert_eq!(created(&client, PROGRAM, &line), recorded);
    client.run(PROGRAM, format!("{line} --out whole.json").split(' ')).success();
    let without_logs = line.split(" --").filter(|flag| !flag.starts_with("rekor")).collect::<Vec<_>>().join(" --");
    client.run(PROGRAM, format!("{without_logs} --out unlogged.json").split(' ')).success();
    let registry = Registry::sealgate(PROGRAM, &[]);
    for (case, peer) in [("c2-legacy", "cosign-2"), ("c3-rekor1-tsa", "cosign-3"), ("c3-rekor2", "cosign-3")] {
        let image = format!("{}/kl/{case}", registry.address());
        CorpusLayout::open(&corpus.join("cases").join(case).join("layout")).push(&image);
        let verify = |program: &str, root: &str| {
            client.run(program, format!("verify --trusted-root {root} {ALICE} {image}:v1").split(' '))
        };
        for program in [PROGRAM, peer] {
            assert!(verify(program, "whole.json").success().contains("critical"), "{program} {case}");
            assert_ne!(verify(program, "unlogged.json").code, 0, "{program} {case}");
        }
    }
}

/// The command that creates this trusted root, with certificates and keys in files of that folder.
fn parts(root: &Value, home: &Path) -> String {
    let mut line = "trusted-root create".to_owned();
    let members = [
        ("--rekor", "tlogs"),
        ("--ctfe", "ctlogs"),
        ("--fulcio", "certificateAuthorities"),
        ("--tsa", "timestampAuthorities"),
    ];
    for (flag, list) in members {
        for (number, member) in root[list].as_array().unwrap().iter().enumerate() {
            let file = format!("{list}-{number}");
            let certificates = member.pointer("/certChain/certificates").and_then(Value::as_array);
            let name = if certificates.is_some() { "certificate-chain" } else { "public-key" };
            let pem: String = match certificates {
                Some(chain) => chain.iter().map(|one| pem("CERTIFICATE", &one["rawBytes"])).collect(),
                None => pem("PUBLIC KEY", &member["publicKey"]["rawBytes"]),
            };
            fs::write(home.join(&file), pem).unwrap();
            let url = member.get("uri").unwrap_or(&member["baseUrl"]).as_str().unwrap();
            let window = member.get("validFor").unwrap_or(&member["publicKey"]["validFor"]);
            let start = window["start"].as_str().unwrap();
            // logs of version 2, which sign notes, are those with a name for a host
            let origin = url.strip_prefix("https://").map(|host| format!(",origin={host}")).unwrap_or_default();
            line += &format!(" {flag} url={url},{name}={file},start-time={start}{origin}");
        }
    }
    line
}

fn pem(label: &str, base64: &Value) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64.as_str().unwrap())
}

#[track_caller]
fn refused(client: &Client, line: &str, wanted: &str) {
    let said = client.run(PROGRAM, format!("{line} --out made").split(' ')).failure(1);
    assert!(said.starts_with("error: ") && said.contains(wanted), "{line}:\n{said}wanted: {wanted}");
    assert!(!client.home().join("made").exists(), "{line}");
}

#[test]
fn trusted_root_of_what_cannot_be_used_is_refused() {
    let client = stage();
    for (line, wanted) in [
        ("--rekor url=a,public-key=p256.pub", "--rekor: `start-time` is missing or empty"),
        ("--rekor public-key=p256.pub,start-time=2024-01-01T00:00:00Z", "--rekor: `url` is missing or empty"),
        (
            "--rekor url=a,key=p256.pub",
            "--rekor: `key` found, wanted one of url, public-key, start-time, end-time, origin",
        ),
        ("--fulcio url=a,url=b", "--fulcio: `url` found twice, wanted once"),
        ("--tsa url", "--tsa: `url` found, wanted a name and its value"),
        ("--ctfe url=a,public-key=absent,start-time=2024-01-01T00:00:00Z", "open absent: no such file or directory"),
        ("--ctfe url=a,public-key=junk,start-time=2024-01-01T00:00:00Z", "--ctfe: `public-key`: junk: "),
        (
            "--rekor url=a,public-key=p256.pub,start-time=2024",
            "--rekor: `start-time`: `2024` found, wanted a time in RFC 3339",
        ),
        (
            "--rekor url=a,public-key=p256.pub,start-time=2024-01-01T00:00:00Z,end-time=2023-01-01T00:00:00Z",
            "--rekor: end at 2023-01-01T00:00:00Z found, wanted one after the start at 2024-01-01T00:00:00Z",
        ),
        (
            "--fulcio url=a,certificate-chain=root.pem,end-time=2019-01-01T00:00:00Z",
            "--fulcio: end at 2019-01-01T00:00:00Z found, wanted one after the start at 2020-05-06T00:00:00Z",
        ),
        ("--fulcio url=a,certificate-chain=junk", "junk: no certificate found, wanted PEM with at least one"),
        ("--fulcio url=a,certificate-chain=p256.pub", "p256.pub: no certificate found, wanted PEM with at least one"),
        ("--fulcio url=a,certificate-chain=absent", "--fulcio: `certificate-chain`: open absent: no such file"),
        (
            "--tsa url=a,certificate-chain=chain.pem",
            "chain.pem: wanted the certificate that signs, then those above it",
        ),
        (
            "--fulcio url=a,certificate-chain=late.pem",
            "--fulcio: certificate from 9999-12-31T00:00:00Z on found, wanted",
        ),
        ("--tsa url=a,certificate-chain=leaf.pem", "leaf.pem: wanted the certificate that signs, then those above it"),
        ("--rekor-key p256.pub", "cosign's flag `--rekor-key` is not here yet"),
    ] {
        refused(&client, &format!("trusted-root create {line}"), wanted);
    }
    let log = format!("--rekor url=a,public-key=p256.pub,{DAY}");
    refused(&client, &format!("trusted-root create {log} {log}"), "--rekor: log with key `p256.pub` found twice");
}

#[test]
fn signing_config_of_what_cannot_be_used_is_refused() {
    let client = stage();
    fs::write(client.home().join("old"), r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.1+json"}"#)
        .unwrap();
    for (line, wanted) in [
        ("--fulcio url=a,api-version=1,start-time=2024-01-01T00:00:00Z", "--fulcio: `operator` is missing or empty"),
        (
            "--fulcio url=a,api-version=x,operator=o,start-time=2024-01-01T00:00:00Z",
            "`api-version`: `x` found, wanted a whole number",
        ),
        (
            "--fulcio url=a,api-version=-1,operator=o,start-time=2024-01-01T00:00:00Z",
            "`api-version`: `-1` found, wanted",
        ),
        (
            "--fulcio url=a,api-version=0,operator=o,start-time=2024-01-01T00:00:00Z",
            "`api-version`: `0` found, wanted a whole number",
        ),
        (
            "--tsa url=a,certificate-chain=b --tsa-config ANY",
            "--tsa: `certificate-chain` found, wanted one of url, api-version",
        ),
        ("--rekor url=a", "--rekor-config"),
        ("--tsa url=a", "--tsa-config"),
        ("--rekor-config SOME", "--rekor-config: `SOME` found, wanted ANY, ALL or EXACT:<count>"),
        ("--rekor-config ANY:1", "--rekor-config: `ANY:1` found"),
        ("--rekor-config EXACT", "--rekor-config: `EXACT` found"),
        ("--tsa-config EXACT:0", "--tsa-config: `EXACT:0` found"),
        ("--tsa-config EXACT:two", "--tsa-config: `EXACT:two` found"),
        ("--base-config absent", "--base-config: open absent: no such file or directory"),
        ("--base-config junk", "signing config junk: "),
        ("--base-config old", "signing config old: "),
        ("--with-default-rekor-v2", "--with-default-services"),
    ] {
        refused(&client, &format!("signing-config create {line}"), wanted);
    }
}
