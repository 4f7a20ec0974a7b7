//! Finds the policies in CUE of the corpus.

use std::fs;
use std::path::Path;

/// Each policy and the file that has it.
pub(crate) fn all(corpus: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(corpus, &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the corpus can be read") {
        let path = entry.expect("the corpus can be read").path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let name = path.display().to_string();
        let text = || fs::read_to_string(&path).expect("the corpus is text");
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cue") => found.push((name, text())),
            Some("yaml") => found.extend(of(&text()).into_iter().map(|policy| (name.clone(), policy))),
            _ => {}
        }
    }
}

/// The blocks of text under `data: |` after `type: cue`, their indentation taken away.
pub(crate) fn of(yaml: &str) -> Vec<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let after_type = lines[..number].iter().rev().take(3).any(|before| before.trim() == "type: cue");
        if line.trim() != "data: |" || !after_type {
            continue;
        }
        let indent = lines[number + 1].len() - lines[number + 1].trim_start().len();
        let inside = |line: &&&str| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent;
        let block = lines[number + 1..].iter().take_while(inside).map(|line| line.get(indent..).unwrap_or(""));
        found.push(block.collect::<Vec<_>>().join("\n"));
    }
    found
}
