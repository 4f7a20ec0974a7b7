//! The table of limits in docs/registry.md is the code's.

use std::{collections::BTreeMap, time::Duration};

use registry::Limits;

use crate::document;

/// `name: value` of each limit, as the code has it.
fn in_code() -> BTreeMap<String, String> {
    let text = format!("{:?}", Limits::default());
    let inside = text.split_once('{').expect("fields are in braces").1.trim_end_matches('}');
    let field =
        |field: &str| field.split_once(": ").map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    inside.split(',').filter_map(field).collect()
}

/// A value as people write it, in the code's words: bytes as a number, times as Rust prints them.
fn in_words_of_code(written: &str) -> String {
    let number = |text: &str| text.replace(',', "").parse::<u64>().expect("a number");
    match written.split_once(' ') {
        None => number(written).to_string(),
        Some((count, "KiB")) => (number(count) * 1024).to_string(),
        Some((count, "MiB")) => (number(count) * 1024 * 1024).to_string(),
        Some((count, "s")) => format!("{:?}", Duration::from_secs(number(count))),
        Some(other) => panic!("no unit: {other:?}"),
    }
}

#[test]
fn limits_in_the_documents_are_those_of_the_code() {
    let document = document::named("docs/registry.md");
    let rows = document.prose().into_iter().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &str| {
        let (name, rest) = row.split_once("` |")?;
        Some((name.to_owned(), in_words_of_code(rest.split('|').next()?.trim())))
    };
    let written: BTreeMap<String, String> = rows.filter_map(row).collect();
    assert_eq!(written, in_code());
}
