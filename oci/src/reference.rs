//! Image references by Docker's grammar (distribution/reference), all of it and nothing else.
//!
//! A gate that reads a reference more leniently than the daemon gives one string two meanings. Each rejected text
//! says which part is wrong and why.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use crate::{AnyDigest, Digest, DigestError, excerpt};

const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;
/// Bytes of what was found in one error.
const MAX_FOUND: usize = 100;
const HUB: &str = "docker.io";
const HUB_ALIAS: &str = "index.docker.io";
const HUB_LIBRARY: &str = "library/";

/// A registry's domain and a path in it, in canonical form: `docker.io/library/nginx`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    domain: String,
    path: String,
}

impl Repository {
    /// Host and perhaps port: `docker.io`, `localhost:5000`, `[::1]:5000`.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The path below the domain, without a leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The short form that Docker shows: `nginx` for `docker.io/library/nginx`.
    #[must_use]
    pub fn familiar(&self) -> String {
        match self.domain.as_str() {
            HUB => {
                let short =
                    self.path.strip_prefix(HUB_LIBRARY).filter(|path| !path.contains('/') && !is_image_id(path));
                short.unwrap_or(&self.path).to_owned()
            }
            _ => self.to_string(),
        }
    }

    /// The form that cosign and ClusterImagePolicy use, in which Docker Hub is `index.docker.io`.
    #[must_use]
    pub fn index_name(&self) -> String {
        let domain = if self.domain == HUB { HUB_ALIAS } else { &self.domain };
        format!("{domain}/{}", self.path)
    }
}

/// What Docker takes for the id of an image, and never for a name.
fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    /// Reads a repository: a reference without tag and digest.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let image: ImageRef = text.parse()?;
        match (&image.tag, &image.digest) {
            (None, None) => Ok(image.repository),
            _ => Err(refuse(Part::Repository, text, "a tag or digest found, wanted a repository alone")),
        }
    }
}

/// A tag: a word character, then at most 127 word characters, dots and hyphens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag that is meant where neither tag nor digest is given.
    #[must_use]
    pub fn latest() -> Self {
        Self("latest".to_owned())
    }

    /// The tag's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let why = match text.as_bytes() {
            [] => "it is empty",
            bytes if bytes.len() > MAX_TAG => "more than 128 characters found",
            [first, ..] if !word(*first) => "it begins with something other than a letter, digit or underscore",
            bytes if !bytes.iter().all(|&b| word(b) || b == b'.' || b == b'-') => {
                "a character other than letters, digits, `_`, `.` and `-` found"
            }
            _ => return Ok(Self(text.to_owned())),
        };
        Err(refuse(Part::Tag, text, why))
    }
}

/// What a person wrote: a repository, and perhaps a tag, a digest, or both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<AnyDigest>,
}

impl ImageRef {
    /// The reference to a tag in a repository.
    #[must_use]
    pub fn tagged(repository: Repository, tag: Tag) -> Self {
        Self { repository, tag: Some(tag), digest: None }
    }

    /// The reference to a digest in a repository.
    #[must_use]
    pub fn digested(repository: Repository, digest: AnyDigest) -> Self {
        Self { repository, tag: None, digest: Some(digest) }
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag as written; none is not `latest`, see [`Self::effective_tag`].
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest as written.
    #[must_use]
    pub fn digest(&self) -> Option<&AnyDigest> {
        self.digest.as_ref()
    }

    /// The tag that selects the image: `latest` where neither tag nor digest is given, none where a digest is.
    #[must_use]
    pub fn effective_tag(&self) -> Option<Tag> {
        match (&self.digest, &self.tag) {
            (Some(_), _) => None,
            (None, Some(tag)) => Some(tag.clone()),
            (None, None) => Some(Tag::latest()),
        }
    }

    /// This image by digest, in canonical form, its tag kept for people: `docker.io/library/nginx:1.27@sha256:…`.
    #[must_use]
    pub fn pinned_text(&self, digest: &AnyDigest) -> String {
        match self.tag.clone().or_else(|| self.effective_tag()) {
            Some(tag) => format!("{}:{tag}@{digest}", self.repository),
            None => format!("{}@{digest}", self.repository),
        }
    }

    /// The short form that Docker shows.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.write_with(&self.repository.familiar())
    }

    fn write_with(&self, name: &str) -> String {
        let tag = self.tag.as_ref().map(|t| format!(":{t}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|d| format!("@{d}")).unwrap_or_default();
        format!("{name}{tag}{digest}")
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write_with(&self.repository.to_string()))
    }
}

impl fmt::Debug for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(refuse(Part::Reference, text, "it is empty"));
        }
        if is_image_id(text) {
            return Err(refuse(Part::Reference, text, "64 hexadecimal digits are an image id, wanted a name"));
        }
        let (rest, digest) = split_digest(text)?;
        let (name, tag) = split_tag(rest)?;
        Ok(Self { repository: repository(name)?, tag, digest })
    }
}

/// Repository and SHA-256 digest: the only reference that any check accepts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinnedRef {
    repository: Repository,
    digest: Digest,
}

impl PinnedRef {
    /// The image with this digest in this repository.
    #[must_use]
    pub fn new(repository: Repository, digest: Digest) -> Self {
        Self { repository, digest }
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The name by which ClusterImagePolicy globs select: `index.docker.io/library/nginx@sha256:…`.
    #[must_use]
    pub fn index_name(&self) -> String {
        format!("{}@{}", self.repository.index_name(), self.digest)
    }
}

impl fmt::Display for PinnedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

impl fmt::Debug for PinnedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn split_digest(text: &str) -> Result<(&str, Option<AnyDigest>), ReferenceError> {
    let Some((rest, digest)) = text.split_once('@') else { return Ok((text, None)) };
    let parsed = digest.parse().map_err(|why: DigestError| ReferenceError {
        part: Part::Digest,
        found: excerpt(digest, MAX_FOUND),
        why: why.to_string(),
    })?;
    Ok((rest, Some(parsed)))
}

/// A colon after the last slash begins a tag; one before it belongs to the port.
fn split_tag(text: &str) -> Result<(&str, Option<Tag>), ReferenceError> {
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[last..].find(':') {
        Some(colon) if !text[last..].starts_with('[') => {
            Ok((&text[..last + colon], Some(text[last + colon + 1..].parse()?)))
        }
        _ => Ok((text, None)),
    }
}

fn repository(name: &str) -> Result<Repository, ReferenceError> {
    let (domain, path) = match name.split_once('/') {
        Some((first, rest)) if is_domain(first) => (first, rest),
        _ => (HUB, name),
    };
    check_domain(domain)?;
    let domain = if domain == HUB_ALIAS { HUB } else { domain };
    let official = domain == HUB && !path.contains('/');
    let path = if official { format!("{HUB_LIBRARY}{path}") } else { path.to_owned() };
    check_path(&path, official)?;
    let repository = Repository { domain: domain.to_owned(), path };
    if repository.to_string().len() > MAX_NAME {
        return Err(refuse(Part::Repository, name, "the name is longer than 255 characters"));
    }
    Ok(repository)
}

/// The first component is a domain if it cannot be a namespace on Docker Hub.
fn is_domain(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn check_domain(domain: &str) -> Result<(), ReferenceError> {
    let fail = |why| Err(refuse(Part::Domain, domain, why));
    let (host, port) = if domain.starts_with('[') {
        let Some(end) = domain.find(']') else { return fail("`[` without `]` found") };
        if domain[1..end].parse::<Ipv6Addr>().is_err() {
            return fail("what stands in brackets is not an IPv6 address (zones are not allowed)");
        }
        (None, &domain[end + 1..])
    } else {
        let (host, port) = domain.find(':').map_or((domain, ""), |colon| domain.split_at(colon));
        (Some(host), port)
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return fail("a port that is not a number from 0 to 65535 found");
    }
    match host {
        Some(host) if !host.split('.').all(is_domain_component) => {
            fail("each part between dots must be letters, digits and inner hyphens")
        }
        _ => Ok(()),
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_domain_component(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('-')
        && !part.ends_with('-')
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn check_path(path: &str, official: bool) -> Result<(), ReferenceError> {
    let shown = if official { path.trim_start_matches(HUB_LIBRARY) } else { path };
    let fail = |why| Err(refuse(Part::Repository, shown, why));
    if path.is_empty() || official && shown.is_empty() {
        return fail("it is empty");
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return fail("repository name must be lowercase");
    }
    if official && shown == "scratch" {
        return fail("`scratch` is a reserved name that cannot be pulled");
    }
    if !path.split('/').all(is_path_component) {
        return fail(
            "each part between slashes must be lower-case letters and digits, joined by `.`, `_`, `__` or hyphens",
        );
    }
    Ok(())
}

/// `lower-alnum+ ( separator lower-alnum+ )*`, a separator being one dot, one or two underscores, or hyphens.
fn is_path_component(part: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !alnum(*first) || !alnum(*last) {
        return false;
    }
    bytes.chunk_by(|a, b| alnum(*a) == alnum(*b)).all(|run| match run {
        [first, ..] if alnum(*first) => true,
        b"." | b"_" | b"__" => true,
        run => run.iter().all(|&b| b == b'-'),
    })
}

/// Which part of a reference is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The whole text.
    Reference,
    /// The registry's host and port.
    Domain,
    /// The path of the repository.
    Repository,
    /// The tag.
    Tag,
    /// The digest.
    Digest,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Domain => "registry host",
            Self::Repository => "repository",
            Self::Tag => "tag",
            Self::Digest => "digest",
        })
    }
}

/// Why a text is not an image reference: the part, what was found there, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid reference format: {part} `{found}`: {why}")]
pub struct ReferenceError {
    part: Part,
    found: String,
    why: String,
}

impl ReferenceError {
    /// The part that is wrong.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }
}

fn refuse(part: Part, found: &str, why: &str) -> ReferenceError {
    ReferenceError { part, found: excerpt(found, MAX_FOUND), why: why.to_owned() }
}
