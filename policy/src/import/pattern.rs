//! Patterns over image names, in which a star also stands for slashes, as globs over names with a digest.
//!
//! Docker Hub is `docker.io` there and `index.docker.io` here. Tags select no policy here.

use crate::Glob;

/// A pattern of another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern<'a> {
    repository: &'a str,
    /// What follows the repository: a tag after a colon, a digest after an at sign, or nothing.
    rest: Rest<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest<'a> {
    Anything,
    Tag(&'a str),
    Digest(&'a str),
}

/// A glob for a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) glob: String,
    /// What the glob matches though the pattern does not, in words.
    pub(super) beyond: Option<String>,
}

impl<'a> Pattern<'a> {
    /// Takes a pattern apart.
    pub(super) fn parse(text: &'a str) -> Self {
        if let Some((repository, digest)) = text.split_once('@') {
            let rest = if matches!(digest, "*" | "sha256:*") { Rest::Anything } else { Rest::Digest(digest) };
            return Self { repository, rest };
        }
        let last = text.rfind('/').map_or(0, |slash| slash + 1);
        match text[last..].split_once(':') {
            // A port, where there is nothing but a host.
            Some((_, "*")) => Self { repository: &text[..text.len() - 2], rest: Rest::Anything },
            Some((name, tag)) => Self { repository: &text[..last + name.len()], rest: Rest::Tag(tag) },
            None => Self { repository: text, rest: Rest::Anything },
        }
    }

    /// Whether it is about all images.
    pub(super) fn is_everything(&self) -> bool {
        self.rest == Rest::Anything && !self.repository.is_empty() && self.repository.bytes().all(|b| b == b'*')
    }

    /// Whether it is open which registries it means, Docker Hub among them: a star follows what may begin its name.
    fn is_vague(&self) -> bool {
        let first = self.repository.split('/').next().unwrap_or_default();
        match first.split_once('*') {
            None | Some(("", _)) => false,
            Some((before, _)) => first.len() == self.repository.len() || "docker.io".starts_with(before),
        }
    }

    /// The narrowest glob that matches whatever the pattern does.
    pub(super) fn cover(&self) -> Cover {
        let odd = self.repository.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:/*.".contains(c));
        if let Some(at) = odd {
            let before = stars(&self.repository[..at]);
            let glob = if before.contains('/') { located(&before) } else { String::new() };
            let glob = format!("{}**", glob.trim_end_matches('*'));
            return Cover {
                glob,
                beyond: Some(format!("whatever stands in the place of `{}`", &self.repository[at..])),
            };
        }
        if self.is_vague() {
            let glob = format!("**{}**", stars(self.repository).trim_end_matches('*'));
            return Cover { glob, beyond: Some("registries of which the name only ends like that".to_owned()) };
        }
        let repository = located(&stars(self.repository));
        let open = repository.ends_with("**");
        let whole = if open { repository.clone() } else { format!("{repository}@*") };
        match self.rest {
            Rest::Anything => Cover { glob: whole, beyond: None },
            Rest::Tag(tag) => Cover { glob: whole, beyond: Some(format!("tags other than `{tag}`")) },
            Rest::Digest(digest) => {
                let glob = format!("{repository}@{}", stars(digest));
                match Glob::parse(&glob) {
                    Ok(_) => Cover { glob, beyond: None },
                    Err(_) => Cover { glob: whole, beyond: Some(format!("digests other than `{digest}`")) },
                }
            }
        }
    }
}

/// Every star stands for slashes too.
fn stars(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' if out.ends_with("**") => {}
            '*' => out.push_str("**"),
            other => out.push(other),
        }
    }
    out
}

/// The repository as it is called here, the registry in front.
fn located(repository: &str) -> String {
    let (first, more) = repository.split_once('/').map_or((repository, None), |(first, more)| (first, Some(more)));
    match more {
        Some(more) if first == "docker.io" => format!("index.docker.io/{more}"),
        Some(_) if first.contains(['.', ':', '*']) || first == "localhost" => repository.to_owned(),
        Some(_) => format!("index.docker.io/{repository}"),
        None if first.starts_with('*') => repository.to_owned(),
        None => format!("index.docker.io/library/{repository}"),
    }
}

/// Whether some name may match both patterns, in which stars stand for anything.
pub(super) fn may_overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // reached[j]: the texts read so far of `one` and `other[..j]` have a name in common.
    let mut reached: Vec<bool> = vec![false; other.len() + 1];
    reached[0] = true;
    for j in 0..other.len() {
        reached[j + 1] = reached[j] && other[j] == b'*';
    }
    for &byte in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = reached[0] && byte == b'*';
        for j in 0..other.len() {
            let (star, other_star) = (byte == b'*', other[j] == b'*');
            let alike = reached[j] && byte == other[j];
            let empty = (star && reached[j + 1]) || (other_star && next[j]);
            let takes = (star && next[j]) || (other_star && reached[j + 1]);
            next[j + 1] = alike || empty || takes || (reached[j] && (star || other_star));
        }
        reached = next;
    }
    reached[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> String {
        Pattern::parse(pattern).cover().glob
    }

    #[test]
    fn patterns_become_globs_over_digests() {
        for (pattern, wanted) in [
            ("ghcr.io/acme/*", "ghcr.io/acme/**"),
            ("ghcr.io/acme/*:*", "ghcr.io/acme/**"),
            ("ghcr.io/acme/app:*", "ghcr.io/acme/app@*"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app@*"),
            ("ghcr.io/acme/app*", "ghcr.io/acme/app**"),
            ("localhost:5000/x:*", "localhost:5000/x@*"),
            ("docker.io/library/nginx:*", "index.docker.io/library/nginx@*"),
            ("docker.io/*", "index.docker.io/**"),
            ("nginx:*", "index.docker.io/library/nginx@*"),
            ("acme/app:*", "index.docker.io/acme/app@*"),
            ("*", "**"),
            ("*:*", "**"),
            ("*/acme/*", "**/acme/**"),
            ("ghcr.io/acme/app@sha256:*", "ghcr.io/acme/app@*"),
        ] {
            assert_eq!(Pattern::parse(pattern).cover(), Cover { glob: wanted.into(), beyond: None }, "{pattern}");
            assert!(Glob::parse(wanted).is_ok(), "{wanted}");
        }
    }

    #[test]
    fn what_a_glob_cannot_say_is_covered_and_told() {
        for (pattern, wanted) in [
            ("ghcr.io/acme/app:v1*", "ghcr.io/acme/app@*"),
            ("ghcr.io/acme/*:v1", "ghcr.io/acme/**"),
            ("ghcr.io/acme/app-?:*", "ghcr.io/acme/app-**"),
            ("ghcr.io/{a,b}/*", "ghcr.io/**"),
            ("{a,b}.io/x", "**"),
            ("docker.i*/x", "**docker.i**/x**"),
            ("docker.io*", "**docker.io**"),
            ("nginx*", "**nginx**"),
        ] {
            let cover = Pattern::parse(pattern).cover();
            assert_eq!(cover.glob, wanted, "{pattern}");
            assert!(cover.beyond.is_some(), "{pattern}");
        }
    }

    #[test]
    fn everything_is_recognised_in_each_of_its_forms() {
        for text in ["*", "*:*", "**"] {
            assert!(Pattern::parse(text).is_everything(), "{text}");
        }
        for text in ["", ":*", "*/*", "*:latest", "docker.io/*"] {
            assert!(!Pattern::parse(text).is_everything(), "{text}");
        }
        assert_eq!(glob("*/*"), "**/**");
    }

    #[test]
    fn patterns_overlap_where_a_name_matches_both() {
        for (one, other) in [("*", ""), ("a*c", "*b*"), ("docker.io/*", "*/x"), ("a", "a"), ("a*", "ab"), ("*a", "a*")]
        {
            assert!(may_overlap(one, other) && may_overlap(other, one), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a*", "b*"), ("*a", "*b"), ("", "a"), ("ab*", "a")] {
            assert!(!may_overlap(one, other) && !may_overlap(other, one), "{one} {other}");
        }
    }
}
