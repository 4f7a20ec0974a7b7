//! docs/exit-codes.md against the program: each code that the table gives a meaning is provoked, and no other is.

use std::collections::{BTreeMap, BTreeSet};

use tokio::runtime::Runtime;

use crate::{
    document,
    repository::Repository,
    server::Server,
    stage::{POLICY, Stage},
};

/// A command that ends with this code. `KEY` stands for the flags that verify with the team's key, `MIRROR` for a TUF
/// mirror's address.
const PROVOKED: &[(&str, u8, &str)] = &[
    ("generate-key-pair", 0, "sealgate generate-key-pair --output-key-prefix a"),
    ("generate-key-pair", 1, "sealgate generate-key-pair --output-key-prefix missing/a"),
    ("generate-key-pair", 1, "sealgate generate-key-pair --kms awskms:///x"),
    ("import-key-pair", 0, "sealgate import-key-pair --key plain.pem"),
    ("import-key-pair", 1, "sealgate import-key-pair --key team.pub"),
    ("public-key", 0, "sealgate public-key --key team.key"),
    ("public-key", 1, "COSIGN_PASSWORD=wrong sealgate public-key --key team.key"),
    ("sign", 0, "sealgate sign --key team.key 127.0.0.1:5000/shop/cart:1.4"),
    ("sign", 1, "sealgate sign --key team.key 127.0.0.1:5000/shop/none:1.4"),
    ("sign", 1, "sealgate sign --certificate x 127.0.0.1:5000/shop/cart:1.4"),
    ("attest", 0, "sealgate attest --key team.key --predicate plain.pem 127.0.0.1:5000/shop/cart:1.4"),
    ("attest", 1, "sealgate attest --key team.key 127.0.0.1:5000/shop/cart:1.4"),
    ("sign-blob", 0, "sealgate sign-blob --key team.key --bundle blob.bundle plain.pem"),
    ("sign-blob", 1, "sealgate sign-blob --key team.key plain.pem"),
    ("attest-blob", 0, "sealgate attest-blob --key team.key --predicate plain.pem --bundle said.bundle plain.pem"),
    ("attest-blob", 1, "sealgate attest-blob --key team.key --bundle said.bundle plain.pem"),
    ("verify", 0, "sealgate verify KEY 127.0.0.1:5000/shop/cart:1.4"),
    ("verify", 1, "sealgate verify KEY 127.0.0.1:9/shop/cart:1.4"),
    ("verify", 1, "sealgate verify --certificate-identity x 127.0.0.1:5000/shop/cart:1.4"),
    ("verify", 10, "sealgate verify KEY 127.0.0.1:5000/shop/cart:1.5"),
    ("verify", 11, "sealgate verify KEY 127.0.0.1:5000/shop/cart:1.6"),
    ("verify", 12, "sealgate verify KEY -a stage=prod 127.0.0.1:5000/shop/cart:1.4"),
    ("verify-attestation", 0, "sealgate verify-attestation KEY 127.0.0.1:5000/shop/cart:1.4"),
    ("verify-attestation", 1, "sealgate verify-attestation KEY 127.0.0.1:9/shop/cart:1.4"),
    ("verify-attestation", 1, "sealgate verify-attestation KEY --policy x.rego 127.0.0.1:5000/shop/cart:1.4"),
    ("verify-attestation", 10, "sealgate verify-attestation KEY 127.0.0.1:5000/shop/cart:1.5"),
    ("verify-attestation", 11, "sealgate verify-attestation KEY 127.0.0.1:5000/shop/cart:1.6"),
    ("verify-attestation", 12, "sealgate verify-attestation KEY --type openvex 127.0.0.1:5000/shop/cart:1.4"),
    ("verify-blob", 0, "sealgate verify-blob KEY --bundle blob.bundle plain.pem"),
    ("verify-blob", 1, "sealgate verify-blob KEY --bundle blob.bundle team.pub"),
    ("verify-blob", 1, "sealgate verify-blob KEY --sct x --bundle blob.bundle plain.pem"),
    ("verify-blob-attestation", 0, "sealgate verify-blob-attestation KEY --bundle said.bundle plain.pem"),
    ("verify-blob-attestation", 1, "sealgate verify-blob-attestation KEY --bundle blob.bundle plain.pem"),
    ("bundle create", 0, "sealgate bundle create --artifact plain.pem --key team.pub --signature YQ== --ignore-tlog"),
    ("bundle create", 1, "sealgate bundle create --artifact plain.pem --key team.pub --ignore-tlog"),
    ("bundle inspect", 0, "sealgate bundle inspect blob.bundle"),
    ("bundle inspect", 1, "sealgate bundle inspect plain.pem"),
    ("bundle upgrade", 0, "sealgate bundle upgrade blob.bundle"),
    ("bundle upgrade", 1, "sealgate bundle upgrade plain.pem"),
    ("initialize", 0, "sealgate initialize --mirror MIRROR --root mirror.json"),
    ("initialize", 1, "sealgate initialize --mirror MIRROR --root plain.pem"),
    ("initialize", 1, "sealgate initialize --staging --root mirror.json"),
    ("trusted-root create", 0, "sealgate trusted-root create"),
    ("trusted-root create", 1, "sealgate trusted-root create --fulcio url=x,certificate-chain=team.pub"),
    ("trusted-root create", 1, "sealgate trusted-root create --certificate-chain x"),
    ("signing-config create", 0, "sealgate signing-config create"),
    ("signing-config create", 1, "sealgate signing-config create --base-config plain.pem"),
    ("signing-config create", 1, "sealgate signing-config create --rekor url=x"),
    ("explain", 0, "sealgate explain KEY 127.0.0.1:5000/shop/cart:1.4"),
    ("explain", 1, "sealgate explain KEY 127.0.0.1:9/shop/cart:1.4"),
    ("explain", 1, "sealgate explain KEY --policy plain.pem 127.0.0.1:5000/shop/cart:1.4"),
    ("explain", 2, "sealgate explain"),
    ("explain", 2, "COSIGN_CHECK_CLAIMS=1 sealgate explain KEY --policy policy.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("explain", 11, "sealgate explain KEY 127.0.0.1:5000/shop/cart:1.6"),
    ("triangulate", 0, "sealgate triangulate 127.0.0.1:5000/shop/cart:1.4"),
    ("triangulate", 1, "sealgate triangulate 127.0.0.1:5000/shop/cart:1.6"),
    ("check", 0, "sealgate check --policy policy.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("check", 1, "sealgate check --policy policy.yaml 127.0.0.1:5000/shop/cart:1.5"),
    ("check", 2, "sealgate check 127.0.0.1:5000/shop/cart:1.5"),
    ("check", 2, "COSIGN_CHECK_CLAIMS=false sealgate check --policy policy.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("check", 3, "sealgate check --policy plain.pem 127.0.0.1:5000/shop/cart:1.4"),
    ("check", 3, "sealgate check --policy policy.yaml 127.0.0.1:5000/shop/cart:1.6"),
    ("pull", 0, "sealgate pull --policy policy.yaml --to oci:pulled 127.0.0.1:5000/shop/cart:1.4"),
    ("pull", 1, "sealgate pull --policy policy.yaml --to oci:pulled 127.0.0.1:5000/shop/cart:1.5"),
    ("pull", 2, "COSIGN_INSECURE_IGNORE_TLOG=1 sealgate pull --policy policy.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("pull", 3, "sealgate pull --policy missing.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("pull", 125, "sealgate pull --all-tags --policy policy.yaml 127.0.0.1:5000/shop/cart:1.4"),
    ("webhook", 1, "sealgate webhook --policy policy.yaml --listen 127.0.0.1:0 --ca-out missing/ca.pem"),
    ("webhook", 2, "sealgate webhook"),
    ("webhook", 3, "sealgate webhook --policy plain.pem --listen 127.0.0.1:0"),
    ("policy export", 0, "sed 's/glob:.*/glob: \"**\"/' policy.yaml | sealgate policy export -"),
    ("policy export", 1, "sed 's/glob:.*/glob: a.b\\/c*/' policy.yaml | sealgate policy export --partial -"),
    ("policy export", 2, "sed 's/glob:.*/glob: a.b\\/c*/' policy.yaml | sealgate policy export -"),
    ("policy export", 2, "sealgate policy export"),
    ("policy fmt", 0, "sealgate policy fmt --check policy.yaml"),
    ("policy fmt", 1, "sed 's/^ /   /' policy.yaml | sealgate policy fmt --check -"),
    ("policy fmt", 2, "echo '? a' | sealgate policy fmt -"),
    ("policy fmt", 2, "sealgate policy fmt"),
    ("policy import", 0, "echo '{default: [{type: reject}]}' | sealgate policy import -"),
    ("policy import", 1, "echo '{default: [{type: signedBy}]}' | sealgate policy import -"),
    ("policy import", 2, "echo '{default: []}' | sealgate policy import -"),
    ("policy import", 2, "sealgate policy import"),
    ("policy lint", 0, "sealgate policy lint policy.yaml"),
    ("policy lint", 1, "sed 's/glob:.*/glob: x/' policy.yaml | sealgate policy lint -"),
    ("policy lint", 2, "sealgate policy lint plain.pem"),
    ("policy lint", 2, "sealgate policy lint"),
    ("policy record", 0, "sealgate policy record --to recorded 127.0.0.1:5000/shop/cart:1.4"),
    ("policy record", 1, "sealgate policy record --to absent 127.0.0.1:5000/shop/cart:1.6"),
    ("policy record", 2, "sealgate policy record 127.0.0.1:5000/shop/cart:1.4"),
    ("policy schema", 0, "sealgate policy schema"),
    ("policy schema", 2, "sealgate policy schema --kind Pod"),
    ("policy test", 0, "sealgate policy test --policy policy.yaml --image 127.0.0.1:5000/shop/cart:1.4"),
    ("policy test", 1, "sealgate policy test --policy policy.yaml --image 127.0.0.1:5000/shop/cart:1.5"),
    ("policy test", 2, "sealgate policy test policy.yaml"),
    ("registry serve", 1, "sealgate registry serve --listen 0.0.0.0:0"),
    ("registry serve", 2, "sealgate registry serve --listen nowhere"),
    ("demo", 0, "sealgate demo"),
    ("demo", 1, "TMPDIR=missing sealgate demo"),
    ("demo", 2, "sealgate demo --fast"),
    ("version", 0, "sealgate version --json"),
    ("version", 1, "sealgate version --yaml"),
    ("completion", 0, "sealgate completion zsh"),
    ("completion", 2, "sealgate completion cmd"),
    ("man", 0, "sealgate man ."),
    ("man", 1, "sealgate man missing"),
    ("man", 2, "sealgate man"),
    ("none, or an unknown one", 2, "sealgate"),
    ("none, or an unknown one", 2, "sealgate frobnicate"),
];

/// Commands that serve until they are told to end, and what they say once they serve.
const SERVING: &[(&str, &[&str], &str)] = &[
    ("webhook", &["webhook", "--policy", "policy.yaml", "--listen", "127.0.0.1:0"], "serving admission reviews at"),
    ("registry serve", &["registry", "serve", "--listen", "127.0.0.1:0"], "listening at"),
];

#[test]
fn table_of_exit_codes_is_the_programs() {
    let stage = prepared();
    let runtime = Runtime::new().expect("a runtime can be made");
    let mirror = runtime.block_on(mirror(&stage));
    let mut provoked: BTreeSet<(String, u8)> = BTreeSet::new();
    for (command, code, line) in PROVOKED {
        let line = line.replace("KEY", "--private-infrastructure --key team.pub").replace("MIRROR", mirror.address());
        let outcome = stage.shell(&line);
        assert_eq!(outcome.code, i32::from(*code), "`{line}` said:\n{}{}", outcome.stdout, outcome.stderr);
        provoked.insert(((*command).to_owned(), *code));
    }
    for (command, args, ready) in SERVING {
        let mut process = stage.start(args, ready);
        assert_eq!(process.stop().code(), Some(0), "{command}");
        provoked.insert(((*command).to_owned(), 0));
    }
    assert_eq!(in_table().into_keys().collect::<BTreeSet<_>>(), provoked);
}

#[test]
fn table_has_a_column_for_every_code_of_the_program_and_dockers() {
    let code = document::read("cli/src/exit.rs");
    let values = code.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok());
    let columns: BTreeSet<u8> = values.chain([0, DOCKER_USAGE]).collect();
    assert_eq!(columns, in_table().into_keys().map(|(_, code)| code).collect());
}

/// The cells of the table that say something.
fn in_table() -> BTreeMap<(String, u8), String> {
    let document = document::named("docs/exit-codes.md");
    let mut rows = document.prose().into_iter().filter_map(|line| line.strip_prefix('|')).map(cells);
    let codes: Vec<u8> = rows.next().expect("a table")[1..].iter().map(|code| code.parse().expect("a code")).collect();
    let mut table = BTreeMap::new();
    for row in rows.skip(1) {
        let command = row[0].trim_matches('`').to_owned();
        assert_eq!(row.len(), codes.len() + 1, "{command}");
        let said = codes.iter().zip(&row[1..]).filter(|(_, cell)| !cell.is_empty());
        table.extend(said.map(|(code, cell)| ((command.clone(), *code), (*cell).to_owned())));
    }
    table
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_end().trim_end_matches('|').split('|').map(str::trim).collect()
}

/// A stage with the team's key and policy, and with `shop/cart:1.4` signed.
fn prepared() -> Stage {
    let stage = Stage::set_up();
    let _ = stage.shell("sealgate generate-key-pair --output-key-prefix team").success();
    let policy = format!("cat > policy.yaml <<EOF\n{POLICY}\nEOF");
    let _ = stage.shell(&policy).success();
    let _ = stage.shell(&format!("cat > plain.pem <<EOF\n{PLAIN}\nEOF")).success();
    stage
}

/// A TUF mirror that has a trusted root in which nobody is trusted; its own root is `mirror.json` on the stage.
async fn mirror(stage: &Stage) -> Server {
    let trusted_root = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
    let repository = Repository::new(&[("trusted_root.json", trusted_root)], false);
    let root = String::from_utf8(repository.root()).expect("a root is JSON");
    let _ = stage.shell(&format!("cat > mirror.json <<'EOF'\n{root}\nEOF")).success();
    Server::start(&repository.files).await
}

const DOCKER_USAGE: u8 = 125;
/// A key of no use but here.
const PLAIN: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNxfjXaPqdKokGevf\n\
AE4t/0k81TpoAcIgBtN603cbjTqhRANCAARagR9o7fEvo8SE/RlgGZ0T7oLPJ+Tr\n\
+ZZYma7cvdk6M1suIikYDOai9K+OGp77U4fOel/hAbucAWPSLU499OHm\n\
-----END PRIVATE KEY-----";
