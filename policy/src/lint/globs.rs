//! Globs that match more than they seem to, or nothing.

use super::{
    Desk,
    rules::{DEAD_GLOB, REDUNDANT_GLOB, SIBLING_GLOB},
};
use crate::{
    Glob,
    object::{Object, Text},
};

/// Looks at `images`.
pub(super) fn look(desk: Desk<'_>, spec: &Object<'_>) {
    let images = desk.entries(spec, "images");
    let texts: Vec<Text<'_>> = images.iter().filter_map(|image| image.text("glob")).collect();
    for (index, text) in texts.iter().enumerate() {
        let Ok(glob) = Glob::parse(text.value) else { continue };
        if glob.never_matches() {
            let (why, hint) = reason(text.value);
            desk.note(&DEAD_GLOB, text.at, format_args!("`{glob}` never matches: {why}"), hint);
        } else if let Some((stem, sibling)) = sibling(text.value) {
            let message = format!("`{glob}` also matches `{sibling}`");
            let hint = format!("write `{stem}@*` for that repository, `{stem}/**` for those below it");
            desk.note(&SIBLING_GLOB, text.at, message, hint);
        }
        let others = texts.iter().enumerate().filter(|(other, _)| *other != index);
        let covering = others
            .map(|(other, by)| (other, by.value))
            .find(|(other, by)| covers(by, text.value) && (by != &text.value || *other < index));
        if let Some((_, by)) = covering {
            let message = format!("`{glob}` is covered by `{by}`");
            desk.note(&REDUNDANT_GLOB, text.at, message, "leave one of them away");
        }
    }
}

/// What is admitted has another name than the glob's.
fn reason(glob: &str) -> (&'static str, String) {
    let path = glob.rsplit('/').next().unwrap_or_default();
    let untagged = match path.split_once(':') {
        Some((name, _)) => &glob[..glob.len() - path.len() + name.len()],
        None => glob,
    };
    let named = untagged.split('@').next().unwrap_or_default().trim_end_matches('*');
    match named.split_once('/') {
        Some(("docker.io", rest)) => {
            ("Docker Hub is `index.docker.io` here", format!("write `index.docker.io/{rest}@*`"))
        }
        Some((host, _)) if !host.contains(['.', ':', '*']) && host != "localhost" => {
            ("it begins with no registry's host", format!("write `index.docker.io/{named}@*`"))
        }
        None => ("it begins with no registry's host", format!("write `index.docker.io/library/{named}@*`")),
        Some(_) if untagged != glob => {
            ("names are matched with their digest, never with a tag", format!("write `{named}@*`"))
        }
        Some(_) => ("names are matched with their digest", format!("write `{named}@*`")),
    }
}

/// A name that the glob begins with, and another name that it matches as well.
fn sibling(glob: &str) -> Option<(&str, String)> {
    let stem = glob.trim_end_matches('*');
    let behind_a_name = stem.len() < glob.len() && stem.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !behind_a_name || stem.contains('@') {
        return None;
    }
    match stem.contains('/') {
        true => Some((stem, format!("{stem}-other"))),
        false => Some((stem, format!("{stem}.other.example/any"))),
    }
}

/// Whether one glob certainly matches whatever the other does.
fn covers(by: &str, glob: &str) -> bool {
    let below = by.strip_suffix("**").filter(|folder| folder.is_empty() || folder.ends_with('/'));
    by == glob || below.is_some_and(|folder| !folder.contains('*') && glob.starts_with(folder) && glob.contains('/'))
}
