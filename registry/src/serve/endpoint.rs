//! Which endpoint a path names. A repository's name may hold slashes, and words such as `blobs`, so a path is read
//! from its end.

use oci::{AnyDigest, Repository, Tag};

use super::problem::Problem;

/// An endpoint below `/v2/`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Catalog,
    Tags(Repository),
    /// The reference as sent; it is read by [`Reference::parse`] since a wrong one is absent to a reader.
    Manifest(Repository, String),
    Blob(Repository, AnyDigest),
    Uploads(Repository),
    Upload(Repository, String),
    Referrers(Repository, AnyDigest),
}

impl Endpoint {
    /// Reads the decoded path after `/v2/`.
    pub(super) fn parse(rest: &str) -> Result<Self, Problem> {
        let parts: Vec<&str> = rest.split('/').collect();
        Ok(match parts.as_slice() {
            ["_catalog"] => Self::Catalog,
            [name @ .., "tags", "list"] => Self::Tags(repository(name)?),
            [name @ .., "manifests", reference] => Self::Manifest(repository(name)?, (*reference).to_owned()),
            [name @ .., "referrers", digest] => Self::Referrers(repository(name)?, digest.parse()?),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => Self::Uploads(repository(name)?),
            [name @ .., "blobs", "uploads", id] => Self::Upload(repository(name)?, (*id).to_owned()),
            [name @ .., "blobs", digest] => Self::Blob(repository(name)?, digest.parse()?),
            _ => return Err(Problem::NoEndpoint),
        })
    }
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(Tag),
    Digest(AnyDigest),
}

impl Reference {
    /// Reads a reference; what has a colon can only be a digest.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        match text.contains(':') {
            true => Ok(Self::Digest(text.parse()?)),
            false => text.parse().map(Self::Tag).map_err(Problem::TagInvalid),
        }
    }
}

/// The repository of this name, by Docker's grammar.
pub(super) fn repository_named(name: &str) -> Result<Repository, Problem> {
    format!("{DOMAIN}/{name}").parse().map_err(Problem::NameInvalid)
}

fn repository(name: &[&str]) -> Result<Repository, Problem> {
    repository_named(&name.join("/"))
}

/// Stands for this registry where the grammar wants a domain. It is never shown.
const DOMAIN: &str = "registry.local";

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn name(text: &str) -> Repository {
        repository_named(text).unwrap()
    }

    #[test]
    fn names_may_hold_slashes_and_the_words_of_endpoints() {
        let parse = |text: &str| Endpoint::parse(text).unwrap();
        assert_eq!(parse("a/b/tags/list"), Endpoint::Tags(name("a/b")));
        assert_eq!(parse("blobs/uploads/manifests/v1"), Endpoint::Manifest(name("blobs/uploads"), "v1".into()));
        assert_eq!(parse(&format!("a/manifests/blobs/{D}")), Endpoint::Blob(name("a/manifests"), D.parse().unwrap()));
        assert_eq!(parse("a/blobs/uploads/"), Endpoint::Uploads(name("a")));
        assert_eq!(parse("a/blobs/uploads/1f"), Endpoint::Upload(name("a"), "1f".into()));
    }

    #[test]
    fn names_outside_the_grammar_are_refused() {
        for bad in ["../x", "A", "a//b", "a:1", "", "a/..", "_a", &format!("a@{D}"), &"a".repeat(250)] {
            let result = Endpoint::parse(&format!("{bad}/tags/list"));
            assert!(matches!(result, Err(Problem::NameInvalid(_))), "{bad}: {result:?}");
        }
    }

    #[test]
    fn digests_outside_the_grammar_are_refused() {
        for bad in ["sha256:00", "md5:00", &D.to_uppercase(), "x"] {
            assert!(matches!(Endpoint::parse(&format!("a/blobs/{bad}")), Err(Problem::DigestInvalid(_))), "{bad}");
            assert!(matches!(Endpoint::parse(&format!("a/referrers/{bad}")), Err(Problem::DigestInvalid(_))), "{bad}");
        }
    }

    #[test]
    fn other_paths_are_no_endpoint() {
        for bad in ["a", "a/b", "tags", "a/tags/lists", "a/tags/list/"] {
            assert!(matches!(Endpoint::parse(bad), Err(Problem::NoEndpoint)), "{bad}");
        }
    }

    #[test]
    fn what_has_a_colon_is_never_a_tag() {
        assert_eq!(Reference::parse(D).unwrap(), Reference::Digest(D.parse().unwrap()));
        assert!(matches!(Reference::parse("sha256:00"), Err(Problem::DigestInvalid(_))));
        assert!(matches!(Reference::parse(".hidden"), Err(Problem::TagInvalid(_))));
    }
}
