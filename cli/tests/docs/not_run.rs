//! Blocks whose commands are not run here, each with the reason and the test that covers it.

use crate::{document, references::has_test};

struct NotRun {
    document: &'static str,
    /// The first line of the block.
    first: &'static str,
    #[expect(dead_code, reason = "for whoever reads the list")]
    because: &'static str,
    /// `path::test`.
    covered: &'static str,
}

const NOT_RUN: &[NotRun] = &[];

/// Languages of blocks that show something and hold no command.
const SHOWN: [&str; 3] = ["text", "yaml", "json"];

#[test]
fn blocks_that_are_not_run_are_listed_with_the_test_that_covers_them() {
    let mut listed = 0;
    for document in document::all() {
        for block in document.blocks() {
            let (at, first) = (format!("{}:{}", document.name, block.at), block.lines.first().copied());
            match block.language {
                "console" => {}
                "sh" => {
                    let of = |entry: &&NotRun| entry.document == document.name && Some(entry.first) == first;
                    let entry = NOT_RUN.iter().find(of);
                    let entry = entry.unwrap_or_else(|| panic!("{at}: a block of commands that is not run"));
                    assert!(has_test(entry.covered), "{at}: there is no test {}", entry.covered);
                    listed += 1;
                }
                shown => {
                    assert!(SHOWN.contains(&shown), "{at}: a block of `{shown}`");
                    let command = block.lines.iter().find(|line| is_command(line));
                    assert!(command.is_none(), "{at}: a command in a block of `{shown}`: {command:?}");
                }
            }
        }
    }
    assert_eq!(listed, NOT_RUN.len(), "the list names blocks that are in no document");
}

fn is_command(line: &str) -> bool {
    let programs = ["sealgate ", "docker ", "kubectl ", "cosign ", "cargo ", "openssl ", "curl "];
    line.starts_with("$ ") || programs.iter().any(|program| line.starts_with(program))
}
