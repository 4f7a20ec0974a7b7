//! `sealgate bundle inspect`: what a bundle says of itself, for people or as JSON.

use std::path::PathBuf;

use clap::ValueEnum;
use oci::excerpt;
use serde_json::{Value, json};
use verifier::UntrustedBundle;

use super::parts::{read, unreadable};
use crate::{exit::Failure, output};

/// Shows what a bundle says of itself: whose signature it is meant to be, of what, when. None of it is checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// What to print
    #[arg(short, long, value_enum, default_value = "text", env = "COSIGN_OUTPUT")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    output::warn("This command only inspects the contents of the bundle.");
    output::note("It does not perform cryptographic verification or verify log inclusion.");
    let (bytes, _) = read(&args.bundle)?;
    let bundle = UntrustedBundle::parse(&bytes).map_err(|why| unreadable(&args.bundle, &why))?;
    let said = json!(bundle.describe());
    match args.output {
        Output::Json => output::line(said),
        Output::Text => tree(&said).into_iter().for_each(output::line),
    }
    Ok(())
}

/// A line for each member, those of a member further in.
pub(in crate::commands) fn tree(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    grow(value, 0, &mut lines);
    lines
}

fn grow(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (words(name), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in members {
        let indent = "  ".repeat(depth);
        match value {
            Value::Null => continue,
            Value::Object(members) if members.is_empty() => continue,
            Value::Array(items) => lines.push(format!("{indent}- {name}: {}", items.len())),
            Value::Object(_) => lines.push(format!("{indent}- {name}:")),
            Value::String(text) => lines.push(format!("{indent}- {name}: {}", excerpt(text, MAX_TEXT))),
            other => lines.push(format!("{indent}- {name}: {other}")),
        }
        grow(value, depth + 1, lines);
    }
}

/// `predicateType` for people: `predicate type`.
fn words(name: &str) -> String {
    let text = name.chars().fold(String::new(), |mut text, letter| {
        text.extend(letter.is_ascii_uppercase().then_some(' '));
        text.push(letter.to_ascii_lowercase());
        text
    });
    excerpt(&text, MAX_TEXT)
}

const MAX_TEXT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_lines_and_what_is_not_there_is_none() {
        let value =
            json!({ "mediaType": "x\n", "none": null, "no": {}, "list": [{ "a": 1 }, "b"], "one": { "two": true } });
        let wanted =
            ["- media type: x\\n", "- list: 2", "  - [0]:", "    - a: 1", "  - [1]: b", "- one:", "  - two: true"];
        assert_eq!(tree(&value), wanted);
    }
}
