//! What the program says of itself: help for every command, flags that documents name, man pages, completion.

use std::{collections::BTreeSet, fs};

use peers::Client;

use crate::{document, stage::PROGRAM};

/// Flags in documents that are other programs'.
const FOREIGN: &[(&str, &str)] = &[
    ("--signature-digest-algorithm", "cosign"),
    ("--all-tags", "docker"),
    ("--disable-content-trust", "docker"),
    ("--bench", "cargo"),
    ("--print", "the benchmarks"),
    ("--rounds", "the benchmarks"),
    ("--only", "the benchmarks"),
];

/// Commands below others, and one that the help does not list.
const NESTED: [&str; 14] = [
    "man",
    "policy export",
    "policy fmt",
    "policy import",
    "policy lint",
    "policy record",
    "policy schema",
    "policy test",
    "registry serve",
    "bundle create",
    "bundle inspect",
    "bundle upgrade",
    "trusted-root create",
    "signing-config create",
];

/// Flags that are understood and not shown by `--help`.
const HIDDEN: &[(&str, &str)] = &[("verify", "--new-bundle-format")];

fn commands() -> Vec<String> {
    let help = help(&[]);
    let listed = help.split_once("Commands:\n").expect("the help lists the commands").1;
    let lines = listed.lines().take_while(|line| !line.trim().is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.extend(NESTED.map(str::to_owned));
    names
}

fn help(command: &[&str]) -> String {
    let args = command.iter().copied().chain(["--help"]);
    Client::new().run(PROGRAM, args).success()
}

fn flags_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.starts_with("--") && word.len() > 3).collect()
}

#[test]
fn every_command_has_help_with_its_name() {
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:?}");
    for command in &commands {
        let text = help(&command.split(' ').collect::<Vec<_>>());
        assert!(text.contains(&format!("Usage: sealgate {command}")), "{command}: {text}");
    }
}

#[test]
fn flags_that_documents_name_exist() {
    let commands = commands();
    let helps: Vec<String> = commands.iter().map(|c| help(&c.split(' ').collect::<Vec<_>>())).collect();
    let known: BTreeSet<&str> = helps.iter().flat_map(|text| flags_in(text)).collect();
    let mut named = 0;
    for document in document::all() {
        for span in document.spans() {
            let own = span.strip_prefix("sealgate ");
            let index = own.and_then(|rest| commands.iter().rposition(|command| rest.starts_with(command.as_str())));
            for flag in flags_in(span) {
                let exists = match index {
                    Some(index) => flags_in(&helps[index]).contains(flag) || is_hidden(&commands[index], flag),
                    None => known.contains(flag) || FOREIGN.iter().any(|(foreign, _)| *foreign == flag),
                };
                assert!(exists, "{}: `{span}` names the flag {flag}, which does not exist", document.name);
                named += 1;
            }
        }
    }
    assert!(named > 30, "only {named} flags were found in the documents");
}

fn is_hidden(command: &str, flag: &str) -> bool {
    HIDDEN.contains(&(command, flag))
}

#[test]
fn man_pages_are_written_for_every_command() {
    let home = Client::new();
    let folder = home.home().join("man");
    fs::create_dir(&folder).expect("a temporary folder can be written");
    let _ = home.run(PROGRAM, ["man", &folder.display().to_string()]).success();
    for command in commands().iter().filter(|command| *command != "man") {
        let page = folder.join(format!("sealgate-{}.1", command.replace(' ', "-")));
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(".TH") && text.contains(".SH SYNOPSIS"), "{command}: {text}");
    }
}

#[test]
fn completion_knows_the_commands_in_every_shell() {
    let home = Client::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(PROGRAM, ["completion", shell]).success();
        for word in ["generate-key-pair", "verify", "webhook", "private-infrastructure"] {
            assert!(script.contains(word), "{shell}: {word} is missing");
        }
    }
    let script = home.run(PROGRAM, ["completion", "bash"]).success();
    let _ = home.run_with_input("bash", ["-n"], script.as_bytes()).success();
}
