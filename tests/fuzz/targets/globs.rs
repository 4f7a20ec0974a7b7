//! Globs and names of few letters, so that they meet: each answer is that of the definition, written as it is told.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{Digest, ImageRef};
use policy::{Asker, Door, Glob, PolicySet, Selection};

fuzz_target!(|bytes: (&[u8], &[u8])| {
    let glob = spelled(bytes.0, b"ab/*a1*:.@-*", LONGEST_GLOB);
    let name = spelled(bytes.1, b"ab/a1:.@-b", LONGEST_NAME);
    let Ok(read) = Glob::parse(&glob) else { return };
    let meant = match glob.as_str() {
        "*" => "index.docker.io/library/*",
        "*/*" => "index.docker.io/*/*",
        other => other,
    };
    assert_eq!(read.matches(&name), is_match(meant, &name), "`{glob}` and `{name}`");
    if let Ok(image) = format!("a.io/{name}").parse::<ImageRef>()
        && image.digest().is_none()
    {
        select(&format!("a.io/{glob}"), &image);
        select(meant, &image);
    }
});

/// What a policy's glob says of an image holds whatever the image's digest is.
fn select(glob: &str, image: &ImageRef) {
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\nspec:\n  \
         images: [{{glob: '{glob}'}}]\n  authorities: [{{static: {{action: pass}}}}]\n"
    );
    let Ok(set) = PolicySet::parse(&[(String::new(), text)]) else { return };
    let asker = Asker { door: Door::Check, user: None, namespace: None };
    let selected = |digest: Option<&Digest>| match set.select(image, digest, None, &asker) {
        Selection::NeedsDigest => None,
        Selection::Matched(matched) => Some(!matched.policies().is_empty()),
    };
    let undigested = selected(None);
    for seed in 0..16_u8 {
        let digest = Digest::of(&[seed]);
        let admitted = format!("{}@{digest}", image.repository().index_name());
        let expected = is_match(glob, &admitted);
        assert_eq!(selected(Some(&digest)), Some(expected), "`{glob}` and `{admitted}`");
        assert!(undigested.is_none_or(|found| found == expected), "`{glob}` and `{admitted}` without its digest");
    }
}

/// `**` stands for anything, `*` for anything without a slash, everything else for itself.
fn is_match(glob: &str, name: &str) -> bool {
    let mut pieces = Vec::new();
    let mut rest = glob;
    while let Some(first) = rest.get(..1) {
        let piece = if rest.starts_with("**") { "**" } else { first };
        pieces.push(piece);
        rest = &rest[piece.len()..];
    }
    // from each place of the name on: whether the pieces that were looked at, the last first, match what is left of it
    let mut matched = vec![false; name.len()];
    matched.push(true);
    for piece in pieces.into_iter().rev() {
        let from = |from: usize| match piece {
            "**" => matched[from..].contains(&true),
            "*" => {
                let most = name[from..].find('/').unwrap_or(name.len() - from);
                matched[from..=from + most].contains(&true)
            }
            literal => name[from..].starts_with(literal) && matched[from + 1],
        };
        matched = (0..=name.len()).map(from).collect();
    }
    matched[0]
}

fn spelled(bytes: &[u8], letters: &[u8], longest: usize) -> String {
    bytes.iter().take(longest).map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect()
}

const LONGEST_GLOB: usize = 16;
const LONGEST_NAME: usize = 32;
