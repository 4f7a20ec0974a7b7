//! The documents as text: where they are, their fenced blocks and their code spans.

use std::{fs, path::Path};

/// A Markdown file.
pub(crate) struct Document {
    /// Its path from the workspace's root, such as `docs/policy.md`.
    pub(crate) name: String,
    text: String,
}

/// A fenced block.
pub(crate) struct Block<'a> {
    /// The word behind the opening fence.
    pub(crate) language: &'a str,
    /// The line that it begins at, counted from 1.
    pub(crate) at: usize,
    pub(crate) lines: Vec<&'a str>,
}

/// Every document at the root and in `docs/`.
pub(crate) fn all() -> Vec<Document> {
    let mut names = [markdown_in(""), markdown_in("docs/")].concat();
    names.sort();
    assert!(names.len() >= 14, "documents are missing: {names:?}");
    names.into_iter().map(|name| named(&name)).collect()
}

/// One document, by its path from the root.
pub(crate) fn named(name: &str) -> Document {
    Document { name: name.to_owned(), text: read(name) }
}

/// A file of the workspace.
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Whether there is such a file or folder in the workspace.
pub(crate) fn exists(name: &str) -> bool {
    Path::new(ROOT).join(name).exists()
}

fn markdown_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).expect("the folder can be listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("names are text"));
    names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}{name}")).collect()
}

impl Document {
    /// The fenced blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (line, at) in self.text.lines().zip(1..) {
            match (line.strip_prefix("```"), open.take()) {
                (Some(language), None) => open = Some(Block { language, at, lines: Vec::new() }),
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.lines.push(line);
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.name);
        blocks
    }

    /// The lines outside of fenced blocks.
    pub(crate) fn prose(&self) -> Vec<&str> {
        let mut fenced = false;
        let outside = |line: &&str| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        };
        self.text.lines().filter(outside).collect()
    }

    /// What stands between backticks outside of fenced blocks.
    pub(crate) fn spans(&self) -> Vec<&str> {
        self.prose().into_iter().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    /// The targets of links, without their fragments, that are not addresses of the web.
    pub(crate) fn links(&self) -> Vec<&str> {
        let targets = self.prose().into_iter().flat_map(|line| line.split("](").skip(1));
        let paths = targets.filter_map(|rest| rest.split([')', '#']).next());
        paths.filter(|path| !path.is_empty() && !path.starts_with("http")).collect()
    }
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
