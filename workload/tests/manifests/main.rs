//! Files that name images: what is found in each form, with its place, and what is refused.

mod compose;
mod dockerfile;
mod forms;
mod kubernetes;
mod strange;

use std::collections::BTreeMap;

use workload::{Form, Manifest, ManifestError, Problem};

fn read(form: Form, text: &str) -> Manifest {
    Manifest::read(form, text, &BTreeMap::new())
}

/// `line:column path image` of each mention.
fn told(manifest: &Manifest) -> Vec<String> {
    manifest.mentions.iter().map(|m| format!("{} {} {}", m.at, m.path, m.image)).collect()
}

/// All mentions of a file without problems.
#[track_caller]
fn found(form: Form, text: &str) -> Vec<String> {
    let manifest = read(form, text);
    assert_eq!(manifest.problems, [], "{text}");
    told(&manifest)
}

/// `line message` of each problem.
fn problems(manifest: &Manifest) -> Vec<String> {
    manifest.problems.iter().map(|Problem { at, why }| format!("{} {why}", at.line)).collect()
}

/// The only problem of a file.
#[track_caller]
fn refused(form: Form, text: &str) -> ManifestError {
    let manifest = read(form, text);
    let [Problem { why, .. }] = &manifest.problems[..] else { panic!("{text}\n{manifest:?}") };
    why.clone()
}
