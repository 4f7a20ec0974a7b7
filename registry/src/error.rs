//! What can go wrong with a registry, a variant per thing that the caller may do next.
//!
//! "Absent" is not here: it is an answer, see [`crate::Lookup`]. Text from a registry is cut to 200 bytes and escaped
//! before it gets into an error.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use oci::{AnyDigest, ManifestError};

use crate::credentials::CredentialError;

/// Why a registry's answer could not be had or not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No answer: worth trying again later.
    #[error("registry {registry} cannot be reached: {cause}{}", Attempts(*.attempts))]
    Unreachable {
        /// The registry.
        registry: String,
        /// What happened on the way.
        cause: Cause,
        /// How often it was tried.
        attempts: u32,
    },
    /// The registry said 401 or 403.
    #[error("registry {registry} answered {status}: {message}")]
    Denied {
        /// The registry.
        registry: String,
        /// 401 or 403.
        status: u16,
        /// The registry's words, cut and escaped.
        message: String,
        /// Whether it was asked without a credential.
        anonymous: bool,
    },
    /// The registry said 429.
    #[error("registry {registry} answered 429: too many requests{}{}", RetryAfter(*.retry_after), Attempts(*.attempts))]
    Throttled {
        /// The registry.
        registry: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// How often it was tried.
        attempts: u32,
    },
    /// The registry gave another answer than the protocol has for this request, mostly 5xx.
    #[error("registry {registry} answered {status}: {message}{}", Attempts(*.attempts))]
    Failed {
        /// The registry.
        registry: String,
        /// The status.
        status: u16,
        /// The registry's words, cut and escaped.
        message: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// An answer is larger than we take; none of it is used.
    #[error("registry {registry}: {item} is larger than {limit} bytes{}", Declared(*.declared))]
    TooLarge {
        /// The registry.
        registry: String,
        /// What was asked for.
        item: Item,
        /// The size that was declared, where one was.
        declared: Option<u64>,
        /// The most that is taken.
        limit: u64,
    },
    /// There are more of something than we go through.
    #[error("registry {registry}: more than {limit} {item}")]
    TooMany {
        /// The registry.
        registry: String,
        /// What there are too many of.
        item: Item,
        /// The most that is taken.
        limit: usize,
    },
    /// The answer contradicts itself, its digest or the protocol: a fault of the registry or of somebody between.
    #[error("registry {registry}: {violation}")]
    Violation {
        /// The registry.
        registry: String,
        /// What is wrong.
        violation: Violation,
    },
    /// We do not go where the registry sent us, or where its name leads.
    #[error("registry {registry}: {refusal}")]
    Refused {
        /// The registry.
        registry: String,
        /// Where, and why not.
        refusal: Refusal,
    },
    /// The registry's token service failed; the registry itself was not asked.
    #[error("token service {realm} of registry {registry}: {error}")]
    TokenService {
        /// The registry.
        registry: String,
        /// The token service's host.
        realm: String,
        /// What it did.
        error: Box<RegistryError>,
    },
    /// A tag kept being changed by somebody else, or a conditional write was refused.
    #[error("registry {registry}: {reference} was changed by somebody else, {rounds} rounds of merging lost")]
    Conflict {
        /// The registry.
        registry: String,
        /// The tag.
        reference: String,
        /// How often it was tried.
        rounds: u32,
    },
    /// The credential could not be looked up.
    #[error("credential for {registry}: {error}")]
    Credential {
        /// The registry.
        registry: String,
        /// Why.
        error: CredentialError,
    },
    /// The TLS settings for this registry cannot be used.
    #[error("registry {registry}: {error}")]
    Setup {
        /// The registry.
        registry: String,
        /// Why.
        error: ClientError,
    },
}

impl RegistryError {
    /// What it is, in a word of our own.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Denied { .. } => "denied",
            Self::Throttled { .. } => "throttled",
            Self::Failed { .. } => "failed",
            Self::TooLarge { .. } => "too-large",
            Self::TooMany { .. } => "too-many",
            Self::Violation { .. } => "violation",
            Self::Refused { .. } => "refused",
            Self::TokenService { .. } => "token-service",
            Self::Conflict { .. } => "conflict",
            Self::Credential { .. } => "credential",
            Self::Setup { .. } => "setup",
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Denied { anonymous: true, .. } => Some("no credential was found for it; `docker login` stores one"),
            Self::Denied { status: 401, .. } => Some("the stored credential was not accepted; log in again"),
            Self::Denied { .. } => Some("the credential may lack the right to this repository"),
            Self::Throttled { .. } => Some("wait; a registry allows more to those who log in with `docker login`"),
            Self::Unreachable { cause, .. } => cause.hint(),
            Self::Refused { refusal, .. } => refusal.hint(),
            Self::TokenService { error, .. } => error.hint(),
            _ => None,
        }
    }

    /// Whether bytes were had and are wrong, as opposed to not had: another attempt would not help.
    pub(crate) fn is_about_content(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::Violation { .. })
    }
}

/// What happened on the way to a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The name has no address, or the name service does not answer.
    #[error("name {name} cannot be resolved: {why}")]
    Dns {
        /// The name.
        name: String,
        /// The system's words.
        why: String,
    },
    /// TCP failed.
    #[error("{why} (tcp)")]
    Tcp {
        /// The system's words.
        why: String,
    },
    /// The certificate is not one that we trust for this name.
    #[error("certificate is not trusted: {why}")]
    Certificate {
        /// What is wrong with it.
        why: String,
    },
    /// TLS failed otherwise.
    #[error("{why} (tls)")]
    Tls {
        /// What was wrong.
        why: String,
    },
    /// Something answered, but not in TLS.
    #[error("the answer is not TLS")]
    NotTls,
    /// Something answered, but not in HTTP.
    #[error("the answer is not HTTP: {why}")]
    NotHttp {
        /// What was wrong.
        why: String,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection was closed before the answer was whole")]
    Closed,
    /// So many requests wait for it already that another one would have to wait for too long.
    #[error("{limit} requests to it are waiting already")]
    Queue {
        /// How many may wait.
        limit: usize,
    },
    /// It took too long.
    #[error("no answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
}

impl Cause {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Certificate { .. } => {
                Some("name its authority with --registry-cacert, or put it into certs.d/<host>/ca.crt")
            }
            Self::Dns { .. } => Some("check the registry's name and the name service"),
            Self::Tcp { .. } => Some("check that the registry is running and that this port is right"),
            _ => None,
        }
    }
}

/// What was asked of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A manifest.
    Manifest,
    /// A blob.
    Blob,
    /// Bytes of all signatures of one image.
    SignatureBytes,
    /// A token service's answer.
    Token,
    /// All pages of a list.
    List,
    /// Pages of a list.
    Pages,
    /// Referrers of one image.
    Referrers,
    /// Layers that hold signatures.
    SignatureLayers,
    /// Tags of a repository.
    Tags,
    /// A document that is no registry's.
    Document,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::SignatureBytes => "bytes of signatures",
            Self::Token => "token answer",
            Self::List => "list",
            Self::Pages => "pages",
            Self::Referrers => "referrers",
            Self::SignatureLayers => "signature layers",
            Self::Document => "document",
            Self::Tags => "tags",
        })
    }
}

/// How an answer contradicts itself, its digest or the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The bytes are not those that were asked for.
    #[error("the bytes have digest {found}, wanted {wanted}")]
    Digest {
        /// The digest of the bytes.
        found: Box<AnyDigest>,
        /// The digest asked for.
        wanted: Box<AnyDigest>,
    },
    /// The Docker-Content-Digest header is not the digest of the bytes.
    #[error("Docker-Content-Digest is `{header}`, the bytes have {found}")]
    DigestHeader {
        /// The header, cut and escaped.
        header: String,
        /// The digest of the bytes.
        found: Box<AnyDigest>,
    },
    /// The size is not the one that was declared.
    #[error("{found} bytes found, wanted {wanted}")]
    Size {
        /// The size found.
        found: u64,
        /// The size that the descriptor claims.
        wanted: u64,
    },
    /// The manifest cannot be read in one way.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// A manifest was wanted and an index found, or the other way round.
    #[error("media type {found} found where {wanted} was wanted")]
    Kind {
        /// What was found.
        found: String,
        /// What was wanted.
        wanted: &'static str,
    },
    /// The next page of a list is somewhere else.
    #[error("next page `{link}` is not on this registry")]
    ForeignLink {
        /// The link, cut and escaped.
        link: String,
    },
    /// A page of a list names an earlier one as the next.
    #[error("the pages of the list go in a circle")]
    LinkLoop,
    /// Redirects go in a circle, or there are too many.
    #[error("more than {limit} redirects")]
    Redirects {
        /// The most that are followed.
        limit: usize,
    },
    /// A redirect comes back to an address that was left.
    #[error("redirects go in a circle")]
    RedirectLoop,
    /// A redirect or upload without a place to go, or with one that is no address.
    #[error("{status} without a usable Location")]
    Location {
        /// The status.
        status: u16,
    },
    /// The token answer holds no token that can be used.
    #[error("the answer holds no token")]
    NoToken,
    /// The list is not JSON of the wanted form.
    #[error("the list cannot be read: {why}")]
    List {
        /// The parser's words.
        why: String,
    },
}

/// Where we do not go, and why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token service is not the registry's own.
    #[error("token service `{realm}` is not known to belong to this registry")]
    ForeignRealm {
        /// Its host, cut and escaped.
        realm: String,
    },
    /// The token service is not reached by HTTPS.
    #[error("token service `{realm}` is not https")]
    PlainRealm {
        /// Its address, cut and escaped.
        realm: String,
    },
    /// An address is of a kind that we do not follow.
    #[error("`{url}` is not an address to follow")]
    Address {
        /// The address, cut and escaped.
        url: String,
    },
    /// Link-local and metadata addresses are never registries.
    #[error("address {address} of {host} is link-local or a metadata service")]
    Forbidden {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// A registry elsewhere sends us to this machine itself.
    #[error("redirected to this machine itself: `{url}`")]
    Inward {
        /// The target, cut and escaped.
        url: String,
    },
    /// A document on this machine itself, which whoever wrote its address may not even know.
    #[error("`{url}` is on this machine itself, and no certificate is configured for it")]
    ThisMachine {
        /// The address, cut and escaped.
        url: String,
    },
    /// From HTTPS to HTTP.
    #[error("redirected from https to http: `{url}`")]
    Downgrade {
        /// The target, cut and escaped.
        url: String,
    },
    /// HTTP to something that is neither loopback nor excepted.
    #[error("plain http to `{host}`, which is not loopback")]
    PlainHttp {
        /// The host, cut and escaped.
        host: String,
    },
    /// A request with a body or a secret was redirected to another host.
    #[error("a write was redirected to another host: `{url}`")]
    WriteElsewhere {
        /// The target, cut and escaped.
        url: String,
    },
}

impl Refusal {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ForeignRealm { .. } => Some("if it is the registry's own, name its host with --trust-realm"),
            Self::PlainRealm { .. } | Self::PlainHttp { .. } => Some("use https, or --allow-http-registry"),
            _ => None,
        }
    }
}

/// Why a client cannot be built, or its TLS settings for one registry not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// A file cannot be read.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A file holds no usable certificate or key.
    #[error("{}: no usable {wanted} found (PEM){}", .path.display(), Because(.why))]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was wanted.
        wanted: &'static str,
        /// The parser's words, perhaps empty.
        why: String,
    },
    /// `X.cert` without `X.key`.
    #[error("{}: client certificate without its key, wanted {} beside it", .cert.display(), .key.display())]
    MissingKey {
        /// The certificate.
        cert: PathBuf,
        /// The key that is not there.
        key: PathBuf,
    },
    /// `X.key` without `X.cert`.
    #[error("{}: key without its client certificate, wanted {} beside it", .key.display(), .cert.display())]
    MissingCert {
        /// The key.
        key: PathBuf,
        /// The certificate that is not there.
        cert: PathBuf,
    },
    /// Key and certificate are both well-formed, but do not serve together.
    #[error("{}: client certificate cannot be used: {why}", .cert.display())]
    ClientCert {
        /// The certificate.
        cert: PathBuf,
        /// The TLS library's words.
        why: String,
    },
    /// No certificate authority is known to the system.
    #[error("no certificate authority found on this system{}", Because(.why))]
    NoSystemRoots {
        /// Why, perhaps empty.
        why: String,
    },
    /// The HTTP library refuses its settings.
    #[error("http client: {why}")]
    Http {
        /// Its words.
        why: String,
    },
    /// A limit is zero.
    #[error("limit `{name}` is zero: nothing could ever be fetched")]
    ZeroLimit {
        /// Which.
        name: &'static str,
    },
}

/// Text of a stranger as we show it: at most 200 bytes, control and direction characters escaped.
pub(crate) fn excerpt(text: &[u8]) -> String {
    let mut shown = String::new();
    for c in String::from_utf8_lossy(&text[..text.len().min(2 * SHOWN)]).trim().chars() {
        let piece = match c {
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                c.escape_unicode().to_string()
            }
            c if c.is_control() => c.escape_default().to_string(),
            c => c.to_string(),
        };
        if shown.len() + piece.len() > SHOWN {
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 | 1 => Ok(()),
            n => write!(f, " (tried {n} times)"),
        }
    }
}

struct RetryAfter(Option<Duration>);

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, ", retry after {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

struct Declared(Option<u64>);

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(size) => write!(f, ", {size} declared"),
            None => Ok(()),
        }
    }
}

struct Because<'a>(&'a str);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_text_is_cut_and_escaped() {
        let shown = excerpt("\u{1b}[31mred\u{202e}\n".repeat(100).as_bytes());
        assert!(shown.len() <= 200);
        assert!(shown.starts_with("\\u{1b}[31mred\\u{202e}"), "{shown}");
        assert!(!shown.contains(|c: char| c.is_control()));
        assert!(excerpt("ü".repeat(300).as_bytes()).len() <= 200);
    }

    #[test]
    fn attempts_are_said_when_there_was_more_than_one() {
        let error = |attempts| RegistryError::Throttled {
            registry: "a.b".into(),
            retry_after: Some(Duration::from_secs(30)),
            attempts,
        };
        assert_eq!(error(1).to_string(), "registry a.b answered 429: too many requests, retry after 30 s");
        assert_eq!(
            error(3).to_string(),
            "registry a.b answered 429: too many requests, retry after 30 s (tried 3 times)"
        );
    }
}
