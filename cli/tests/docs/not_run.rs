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

const NOT_RUN: &[NotRun] = &[
    NotRun {
        document: "README.md",
        first: "cargo run --release -- demo   # the whole story on an embedded registry, at every door, with nothing else installed",
        because: "builds for minutes",
        covered: "cli/tests/docs/exit_codes.rs::table_of_exit_codes_is_the_programs",
    },
    NotRun {
        document: "CONTRIBUTING.md",
        first: "cargo test --workspace                             # what this machine can run; the rest says that it skips",
        because: "would run itself",
        covered: "cli/tests/docs/not_run.rs::commands_for_contributors_are_those_of_ci",
    },
    NotRun {
        document: "docs/kubernetes.md",
        first: "sealgate webhook --policy /etc/sealgate/policies --listen 0.0.0.0:8443 \\",
        because: "needs an API server",
        covered: "cli/tests/kubernetes/admission.rs::signed_images_are_stored_by_the_digest_that_was_judged",
    },
    NotRun {
        document: "docs/benchmarks.md",
        first: "cargo bench -p suites --bench commands",
        because: "runs for minutes, and writes into the document",
        covered: "cli/tests/docs/not_run.rs::benchmarks_are_where_the_documents_say",
    },
    NotRun {
        document: "docs/benchmarks.md",
        first: "cargo bench -p verifier --bench examine",
        because: "runs for minutes, and writes into the document",
        covered: "cli/tests/docs/not_run.rs::benchmarks_are_where_the_documents_say",
    },
    NotRun {
        document: "docs/benchmarks.md",
        first: "cargo bench -p policy --bench thousand",
        because: "runs for minutes, and writes into the document",
        covered: "cli/tests/docs/not_run.rs::benchmarks_are_where_the_documents_say",
    },
];

/// Languages of blocks that show something and hold no command.
const SHOWN: [&str; 4] = ["text", "yaml", "json", "rego"];

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

#[test]
fn commands_for_contributors_are_those_of_ci() {
    let ci = document::read(".ci/run");
    for command in ["cargo clippy --workspace --all-targets", "tests/peers/install.sh", "cargo test --workspace"] {
        assert!(ci.contains(command), ".ci/run does not run `{command}`");
    }
    for path in [".ci/run", "tests/peers/install.sh", "cli/tests/docs/main.rs"] {
        assert!(document::exists(path), "there is no {path}");
    }
}

#[test]
fn benchmarks_are_where_the_documents_say() {
    let manifest = document::read("tests/suites/Cargo.toml");
    let bench = manifest.split_once("[[bench]]").expect("a benchmark").1;
    assert!(bench.contains("name = \"commands\"") && bench.contains("harness = false"), "{bench}");
}
