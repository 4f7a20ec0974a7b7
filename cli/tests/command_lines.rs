//! What a user reads whose command line cannot work, and what becomes of the words when nobody reads them.

use std::{io, process::Stdio};

use peers::{Client, command};
use suites::hostile::{Door, Scene, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// A client with a key pair `team` (password `right`), a policy and nothing else.
fn client() -> Client {
    let mut client = Client::new();
    client.set("COSIGN_PASSWORD", "right");
    let _ = client.run(PROGRAM, ["generate-key-pair", "--output-key-prefix", "team"]).success();
    let key = std::fs::read_to_string(client.home().join("team.pub")).expect("the key was made");
    let policy = serde_json::json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": { "name": "shop" },
        "spec": { "images": [{ "glob": "**" }], "authorities": [{ "name": "team", "key": { "data": key } }] },
    });
    std::fs::write(client.home().join("policy.json"), policy.to_string()).expect("the home can be written");
    client
}

#[test]
fn command_line_that_cannot_work_is_refused_in_words_that_say_why() {
    let client = client();
    let table: &[(&str, i32, &str)] = &[
        (
            "verify a/b",
            1,
            "error: --certificate-identity or --certificate-identity-regexp is required for verification in keyless \
             mode\nhint: --key verifies a signature by key instead\n",
        ),
        (
            "verify --key team.pub --private-infrastructure Bad:",
            1,
            "error: image `Bad:`: invalid reference format: tag ``: it is empty\n",
        ),
        ("pull --policy policy.json Bad:", 1, "error: image `Bad:`: invalid reference format: tag ``: it is empty\n"),
        (
            "check --policy policy.json Bad:",
            2,
            "error: invalid value 'Bad:' for '[IMAGE]...': invalid reference format: tag ``: it is empty\n\n\
             For more information, try '--help'.\n",
        ),
        (
            "verify --attachment sbom a/b",
            1,
            "error: cosign's flag `--attachment` is not here yet\n\
             hint: `sealgate verify --help` lists what is\n",
        ),
        (
            "verify --key absent.pub --private-infrastructure a/b",
            1,
            "error: loading public key: open absent.pub: no such file or directory\n",
        ),
        (
            "verify --key team.key --private-infrastructure a/b",
            1,
            "error: loading public key: team.key: PEM block `ENCRYPTED SIGSTORE PRIVATE KEY` found, wanted \
             `PUBLIC KEY`\nhint: `sealgate public-key` prints the public half of a key file\n",
        ),
        (
            "verify --key awskms://x --private-infrastructure a/b",
            1,
            "error: loading public key: keys kept at `awskms://` cannot be used yet, wanted a file or env://NAME\n",
        ),
        ("sign --key team.pub a/b@sha256:0", 1, "error: "),
    ];
    for (line, code, wanted) in table {
        let said = client.run(PROGRAM, line.split(' ')).failure(*code);
        assert!(said.starts_with(wanted), "{line}:\n{said}wanted:\n{wanted}");
        assert!(wanted.lines().count() == 1 || said == *wanted, "{line}:\n{said}");
        assert!(said.lines().count() <= 12 && !said.contains("panicked"), "{line}: {said}");
    }
}

#[test]
fn flag_that_nobody_has_is_named_with_the_exit_code_of_the_command() {
    let client = client();
    for (line, code) in [
        ("verify --frobnicate a/b", 1),
        ("sign --frobnicate a/b", 1),
        ("check --policy policy.json --frobnicate a/b", 2),
        ("pull --policy policy.json --frobnicate a/b", 125),
        ("webhook --policy policy.json --frobnicate", 2),
        ("registry serve --frobnicate", 2),
    ] {
        let said = client.run(PROGRAM, line.split(' ')).failure(code);
        assert!(said.starts_with("error: unexpected argument '--frobnicate' found\n"), "{line}: {said}");
        assert!(said.contains("Usage: sealgate "), "{line}: {said}");
    }
}

#[test]
fn wrong_password_is_said_with_the_file_and_without_the_password() {
    let mut client = client();
    client.set("COSIGN_PASSWORD", "wrong horse");
    for line in ["public-key --key team.key", "sign --yes --key team.key 127.0.0.1:9/shop/cart:1"] {
        let said = client.run(PROGRAM, line.split(' ')).failure(1);
        let wanted =
            "error: reading key: decrypt: team.key: decryption failed: wrong password, or the file was changed";
        assert!(said.contains(wanted) && !said.contains("wrong horse"), "{line}: {said}");
    }
}

#[test]
fn insecure_switch_in_the_environment_is_announced_by_verify() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let server = scene.serve();
    let name = Shelf::name(&server.address()).to_string();
    let quiet = scene.doors.ask(Door::Verify, &name);
    assert!(!quiet.said.contains("WARNING"), "{}", quiet.said);
    scene.doors.set("COSIGN_INSECURE_IGNORE_TLOG", "1");
    let answer = scene.doors.ask(Door::Verify, &name);
    assert_eq!(answer.code, 0, "{}", answer.said);
    assert!(
        answer.said.contains("WARNING: COSIGN_INSECURE_IGNORE_TLOG is set in the environment\n"),
        "{}",
        answer.said
    );
    assert!(answer.said.contains("WARNING: Skipping tlog verification is an insecure practice"), "{}", answer.said);
}

#[test]
fn insecure_switch_in_the_environment_is_an_error_at_doors() {
    for name in [
        "COSIGN_INSECURE_IGNORE_TLOG",
        "COSIGN_INSECURE_IGNORE_SCT",
        "COSIGN_PRIVATE_INFRASTRUCTURE",
        "COSIGN_CHECK_CLAIMS",
    ] {
        for value in ["1", "true", "false", ""] {
            let mut client = client_with_policy();
            client.set(name, value);
            for line in [
                "check --policy policy.json a/b",
                "pull --policy policy.json --to oci:x a/b:1",
                "webhook --policy policy.json",
            ] {
                let said = client.run(PROGRAM, line.split(' ')).failure(2);
                let wanted = format!(
                    "error: {name} is set, but what is demanded of an image is the policy's to say here\n\
                     hint: unset {name}\n"
                );
                assert_eq!(said, wanted, "{line} with {name}={value}");
            }
        }
    }
}

fn client_with_policy() -> Client {
    let client = Client::new();
    let policy = r#"{"apiVersion":"policy.sigstore.dev/v1beta1","kind":"ClusterImagePolicy","metadata":{"name":"x"},
        "spec":{"images":[{"glob":"**"}],"authorities":[{"static":{"action":"fail"}}]}}"#;
    std::fs::write(client.home().join("policy.json"), policy).expect("the home can be written");
    client
}

/// The exit code with this standard output, and what was said on standard error.
fn ended(client: &Client, line: &str, stdout: Stdio) -> (Option<i32>, String) {
    let mut command = command(PROGRAM);
    command.args(line.split(' ')).current_dir(client.home()).env("HOME", client.home());
    let child = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn();
    let output = child.expect("the program starts").wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    drop(reader);
    writer.into()
}

#[test]
fn closed_pipe_ends_quietly_and_never_as_a_yes() {
    peers::require!("time");
    let client = client();
    let scene = Scene::unsigned(PROGRAM);
    let server = scene.serve();
    let name = Shelf::name(&server.address());
    for (line, codes) in [
        (format!("check --policy policy.json {name}"), [141, 1]),
        (format!("check --policy policy.json -o json {name}"), [141, 1]),
        ("public-key --key team.pub".to_owned(), [1, 1]),
        ("version".to_owned(), [141, 0]),
        ("--help".to_owned(), [141, 0]),
        ("completion bash".to_owned(), [141, 0]),
    ] {
        let (code, said) = ended(&client, &line, closed_pipe());
        assert_eq!(code, Some(codes[0]), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
        let (code, said) = ended(&client, &line, Stdio::null());
        assert_eq!(code, Some(codes[1]), "{line}: {said}");
    }
}

#[test]
fn full_disk_is_an_error() {
    let client = client();
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").expect("Linux has it"));
    let (code, said) = ended(&client, "version", full());
    assert_eq!((code, said.as_str()), (Some(1), "error: standard output: no space left on device\n"));
}

#[test]
fn refusal_that_nobody_reads_is_a_refusal() {
    peers::require!("time");
    let client = client();
    let scene = Scene::unsigned(PROGRAM);
    let server = scene.serve();
    let name = Shelf::name(&server.address());
    for (line, code) in [
        (format!("verify --private-infrastructure --key team.pub {name}"), 10),
        (format!("check --policy policy.json {name}"), 1),
        (format!("pull --policy policy.json --to oci:x {name}"), 1),
    ] {
        let mut command = command(PROGRAM);
        command.args(line.split(' ')).current_dir(client.home()).env("HOME", client.home());
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(closed_pipe()).status();
        assert_eq!(status.expect("the program starts").code(), Some(code), "{line}");
    }
}

#[test]
fn words_have_no_colours_in_a_pipe_whatever_the_environment_says() {
    let mut client = client();
    for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "0"), ("TERM", "xterm-256color")] {
        client.set(name, value);
        for line in ["--help", "verify --help", "check --frobnicate", "verify a/b"] {
            let outcome = client.run(PROGRAM, line.split(' '));
            let said = outcome.stdout + &outcome.stderr;
            assert!(!said.is_empty() && !said.contains('\u{1b}'), "{line} with {name}: {said:?}");
        }
    }
}

#[test]
fn no_color_is_heeded_on_a_terminal() {
    peers::require!("script");
    let mut client = client();
    client.set("NO_COLOR", "1");
    client.set("TERM", "xterm-256color");
    for line in ["--help", "check --frobnicate", "verify a/b", "sign --yes --key absent a/b", "version"] {
        let outcome = client.run("script", ["-qec", &format!("{PROGRAM} {line}"), "/dev/null"]);
        assert!(!outcome.stdout.is_empty() && !outcome.stdout.contains('\u{1b}'), "{line}: {:?}", outcome.stdout);
    }
}
