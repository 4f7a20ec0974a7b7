//! Scopes of containers-policy.json(5) for images of registries, and the globs that say the same.
//!
//! A scope is a registry's host, or a path on it with all that lies below; Docker Hub is `docker.io` there.

use std::fmt;

use crate::{Glob, problem::excerpt};

/// What a list of requirements is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Everything,
    /// Hosts that end with this, a dot first.
    Subdomains(String),
    Host(String),
    /// A namespace or a repository, with all that lies below.
    Path(String),
    Tag {
        repository: String,
        tag: String,
    },
    Digest {
        repository: String,
        digest: String,
    },
}

impl Scope {
    /// Reads the key of an entry; nothing where it can be about no image.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let scope = if text.is_empty() {
            Self::Everything
        } else if let Some(domain) = text.strip_prefix('*') {
            Self::Subdomains(domain.to_owned())
        } else if let Some((repository, digest)) = text.split_once('@') {
            Self::Digest { repository: repository.to_owned(), digest: digest.to_owned() }
        } else {
            match text.rsplit_once('/') {
                None => Self::Host(text.to_owned()),
                Some((above, last)) => match last.split_once(':') {
                    Some((name, tag)) => Self::Tag { repository: format!("{above}/{name}"), tag: tag.to_owned() },
                    None => Self::Path(text.to_owned()),
                },
            }
        };
        scope.is_sound().then_some(scope)
    }

    fn is_sound(&self) -> bool {
        let shaped = match self {
            Self::Everything => true,
            // The one below it is Docker Hub's name here, and not there.
            Self::Subdomains(domain) => {
                domain.starts_with('.') && domain.len() > 1 && domain != ".docker.io" && !domain.contains(['*', '/'])
            }
            Self::Host(text) | Self::Path(text) => !text.contains('*') && !text.ends_with('/'),
            Self::Tag { repository, tag: last } | Self::Digest { repository, digest: last } => {
                repository.contains('/') && !repository.contains('*') && !last.is_empty() && !last.contains(['*', '/'])
            }
        };
        shaped && !self.is_hub_by_our_name() && self.globs().iter().all(|glob| Glob::parse(glob).is_ok())
    }

    /// Docker Hub is never called so there, and would be here.
    fn is_hub_by_our_name(&self) -> bool {
        match self {
            Self::Everything | Self::Subdomains(_) => false,
            Self::Host(text) | Self::Path(text) => text.split('/').next() == Some(OUR_HUB),
            Self::Tag { repository, .. } | Self::Digest { repository, .. } => {
                repository.split('/').next() == Some(OUR_HUB)
            }
        }
    }

    /// Globs that match the same images; of what selects no policy, all images of its repository.
    pub(super) fn globs(&self) -> Vec<String> {
        match self {
            Self::Everything => vec!["**".to_owned()],
            Self::Subdomains(domain) => vec![format!("*{domain}/**")],
            Self::Host(host) => vec![format!("{}/**", located(host))],
            Self::Path(path) => vec![format!("{}@*", located(path)), format!("{}/**", located(path))],
            Self::Tag { repository, .. } => vec![format!("{}@*", located(repository))],
            Self::Digest { repository, .. } if self.selects_nothing().is_some() => {
                vec![format!("{}@*", located(repository))]
            }
            Self::Digest { repository, digest } => vec![format!("{}@{digest}", located(repository))],
        }
    }

    /// What it is about, where that selects no policy here, and what such a thing is: images are admitted by their
    /// SHA-256 alone.
    pub(super) fn selects_nothing(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Tag { tag, .. } => Some((format!("the tag `{tag}`"), "a tag")),
            Self::Digest { digest, .. } if !digest.starts_with("sha256:") => {
                Some((format!("the digest `{}`", excerpt(digest)), "a digest that is not by SHA-256"))
            }
            _ => None,
        }
    }

    /// Whether all that the other is about is about this one too, and more.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let host = || match other {
            Self::Host(host) => Some(host.as_str()),
            Self::Path(text) | Self::Tag { repository: text, .. } | Self::Digest { repository: text, .. } => {
                text.split('/').next()
            }
            Self::Everything | Self::Subdomains(_) => None,
        };
        let below = |text: &str, above: &str| text.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        match (self, other) {
            (Self::Everything, _) => *other != Self::Everything,
            (Self::Subdomains(above), Self::Subdomains(domain)) => {
                domain.len() > above.len() && domain.ends_with(above)
            }
            (Self::Subdomains(above), _) => {
                host().is_some_and(|host| host.len() > above.len() && host.ends_with(above))
            }
            (Self::Host(above), Self::Path(text)) => below(text, above),
            (Self::Host(above), Self::Tag { repository, .. } | Self::Digest { repository, .. }) => {
                below(repository, above)
            }
            (Self::Path(above), Self::Path(text)) => below(text, above),
            (Self::Path(above), Self::Tag { repository, .. } | Self::Digest { repository, .. }) => {
                repository == above || below(repository, above)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::Subdomains(domain) => write!(f, "*{domain}"),
            Self::Host(text) | Self::Path(text) => f.write_str(text),
            Self::Tag { repository, tag } => write!(f, "{repository}:{tag}"),
            Self::Digest { repository, digest } => write!(f, "{repository}@{digest}"),
        }
    }
}

/// A place as it is called here.
fn located(text: &str) -> String {
    match text.strip_prefix("docker.io") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{OUR_HUB}{rest}"),
        _ => text.to_owned(),
    }
}

const OUR_HUB: &str = "index.docker.io";

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn matches(scope: &str, name: &str) -> bool {
        let name = format!("{name}@sha256:{}", "a".repeat(64));
        super::Scope::parse(scope).unwrap().globs().iter().any(|glob| Glob::parse(glob).unwrap().matches(&name))
    }

    #[test]
    fn scopes_match_what_lies_below_them_and_nothing_beside() {
        for (text, name) in [
            ("", "ghcr.io/a/b"),
            ("docker.io", "index.docker.io/library/busybox"),
            ("docker.io/library", "index.docker.io/library/busybox"),
            ("docker.io/library/busybox", "index.docker.io/library/busybox"),
            ("host:5000/ns", "host:5000/ns"),
            ("host:5000/ns", "host:5000/ns/a/b"),
            ("*.example.com", "a.b.example.com/x"),
        ] {
            assert!(matches(text, name), "{text} {name}");
        }
        for (text, name) in [
            ("docker.io", "docker.io.evil.com/x"),
            ("ghcr.io/acme", "ghcr.io/acme-evil/x"),
            ("ghcr.io/acme", "ghcr.io/acme-evil"),
            ("host", "host:5000/ns"),
            ("*.example.com", "example.com/x"),
            ("*.example.com", "a.example.com:5000/x"),
            ("*.example.com", "evil.com/a.example.com/x"),
        ] {
            assert!(!matches(text, name), "{text} {name}");
        }
    }

    #[test]
    fn covering_is_strict_and_follows_the_path() {
        let order = ["", "*.com", "*.example.com", "a.example.com", "a.example.com/b", "a.example.com/b/c:1"];
        for (i, one) in order.iter().enumerate() {
            for (j, other) in order.iter().enumerate() {
                assert_eq!(scope(one).covers(&scope(other)), i < j, "{one} {other}");
            }
        }
        for (one, other) in [("a/b", "a/bc"), ("a", "a:5000/b"), ("a/b:1", "a/b:2"), ("a/b/c", "a/b")] {
            assert!(!scope(one).covers(&scope(other)), "{one} {other}");
        }
        assert!(scope("a/b").covers(&scope(&format!("a/b@sha256:{}", "0".repeat(64)))));
    }

    #[test]
    fn what_is_no_scope_is_none() {
        for text in [
            "*",
            "*.",
            "*example.com",
            "example*.*.com",
            "a/*",
            "*.a/b",
            "a/b:",
            "a/",
            "a b",
            "*.docker.io",
            "index.docker.io",
            "index.docker.io/library",
            "index.docker.io/library/busybox:1",
        ] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }
}
