//! `seeds TARGET FOLDER`: writes what the tests of a parser try into a folder, a file for each text.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

// what is instrumented wants its callbacks
use libfuzzer_sys as _;
use oci::Digest;
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, folder] = arguments.as_slice() else { panic!("usage: seeds TARGET FOLDER") };
    let found = match target.as_str() {
        "cue_policies" => table(&read(&project("cue/tests/cases.txt"))),
        "rego" => cases(&read(&project("policy/tests/rego/cases.json"))),
        "policies" => literals(&project("policy/tests")),
        "workloads" => literals(&project("workload/tests")),
        _ => return,
    };
    assert!(!found.is_empty(), "the tests of `{target}` have nothing to try");
    for text in found {
        let name = Digest::of(text.as_bytes()).hex()[..32].to_owned();
        fs::write(Path::new(folder).join(name), text).expect("the folder takes files");
    }
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Policies and data: those of one policy follow one another, each behind the answer to it.
fn table(text: &str) -> BTreeSet<String> {
    let blocks = text.trim_end().split("\n===\n").filter_map(|block| block.split_once("\n--- "));
    let each = blocks.flat_map(|(policy, questions)| {
        let data = questions.split("\n--- ").filter_map(|question| question.split_once(' '));
        data.map(move |(_, data)| format!("{policy}\n--- {data}"))
    });
    each.collect()
}

fn cases(text: &str) -> BTreeSet<String> {
    let cases: Vec<Value> = serde_json::from_str(text).expect("the cases are JSON");
    let written = |case: &Value| Some(format!("{}\n--- {}", case["policy"].as_str()?, case["input"]));
    cases.iter().filter_map(written).collect()
}

/// The longer quoted texts of all sources in a folder.
fn literals(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the project has the folder") {
        let path = entry.expect("it is listed").path();
        if path.is_dir() {
            found.extend(literals(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(quoted(&read(&path)).into_iter().filter(|text| text.len() > SHORT));
        }
    }
    found
}

fn quoted(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('"') {
        let marks = before.len() - before.trim_end_matches('#').len();
        let raw = before[..before.len() - marks].ends_with('r');
        let end = if raw { after.find(&format!("\"{}", "#".repeat(marks))) } else { end_of_plain(after) };
        let Some(end) = end else { break };
        let text = &after[..end];
        found.push(if raw { text.to_owned() } else { unescaped(text) });
        rest = &after[end + 1..];
    }
    found
}

fn end_of_plain(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescaped(text: &str) -> String {
    text.replace("\\n\\\n", "\n").replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Anything shorter is a name.
const SHORT: usize = 24;
