//! What whoever starts the embedded registry chooses.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use oci::Digest;
use zeroize::Zeroizing;

use super::ServeError;

/// The registry's settings. The default is in memory, without credentials, with the referrers API.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where content is kept.
    pub storage: Storage,
    /// Who may use the registry, by HTTP Basic. Without an account everybody may, and only loopback is served.
    pub account: Option<Account>,
    /// Whether the referrers API is there. Without it clients keep an index under the fallback tag.
    pub referrers: bool,
    /// Limits on what clients send.
    pub limits: Limits,
    /// A delay before each answer, to measure with.
    pub latency: Duration,
    /// Called once for each request, before its answer's body is sent.
    pub access_log: Option<AccessLog>,
}

impl Options {
    /// Whether a listener at this address may be served.
    pub(super) fn check_address(&self, address: SocketAddr) -> Result<(), ServeError> {
        match self.account.is_some() || address.ip().to_canonical().is_loopback() {
            true => Ok(()),
            false => Err(ServeError::OpenToStrangers { address }),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            storage: Storage::memory(),
            account: None,
            referrers: true,
            limits: Limits::default(),
            latency: Duration::ZERO,
            access_log: None,
        }
    }
}

/// Where content is kept.
#[derive(Debug, Clone)]
pub struct Storage(pub(super) Place);

#[derive(Debug, Clone)]
pub(super) enum Place {
    Memory,
    Directory(PathBuf),
}

impl Storage {
    /// In memory; gone when the registry is dropped.
    #[must_use]
    pub fn memory() -> Self {
        Self(Place::Memory)
    }

    /// In this directory, which is made if absent and belongs to one process at a time. Every change is whole or not
    /// there at all after a crash of the process; nothing is flushed against a power cut.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self(Place::Directory(path.into()))
    }
}

/// The one account of the registry. Only a hash of the password is kept.
#[derive(Clone)]
pub struct Account(Digest);

impl Account {
    /// The account with this name and password. A name with a colon could never log in by HTTP Basic.
    #[must_use]
    pub fn new(user: &str, password: &str) -> Self {
        Self(Digest::of(Zeroizing::new(format!("{user}:{password}")).as_bytes()))
    }

    /// Whether a request carries this account's name and password.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some((scheme, encoded)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else { return false };
        let Ok(decoded) = STANDARD.decode(encoded.trim()).map(Zeroizing::new) else { return false };
        scheme.eq_ignore_ascii_case("basic") && Digest::of(&decoded) == self.0
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

/// The most that clients may send, keep and have open.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one manifest. Also where a page of referrers is cut.
    pub manifest_bytes: usize,
    /// Bytes of one blob.
    pub blob_bytes: u64,
    /// Bytes of everything kept and everything being uploaded.
    pub total_bytes: u64,
    /// Uploads begun and not ended.
    pub uploads: usize,
    /// How long an upload may lie untouched before it is dropped.
    pub upload_expiry: Duration,
    /// How long a client may pause while it sends a body.
    pub stall: Duration,
    /// Entries on one page of tags, repositories or referrers.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            blob_bytes: 4 << 30,
            total_bytes: 64 << 30,
            uploads: 256,
            upload_expiry: Duration::from_secs(3600),
            stall: Duration::from_secs(60),
            page: 1000,
        }
    }
}

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The method.
    pub method: Method,
    /// Path and query as sent; a stranger's text.
    pub target: String,
    /// The answer's status.
    pub status: StatusCode,
}

/// A function that is told of each request. It must return quickly: the request waits for it.
#[derive(Clone)]
pub struct AccessLog(Arc<dyn Fn(Access) + Send + Sync>);

impl AccessLog {
    /// Calls this function for each request.
    pub fn new(tell: impl Fn(Access) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, access: Access) {
        (self.0)(access);
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessLog(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(header: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header.parse().unwrap());
        Account::new("ann", "s3cret").admits(&headers)
    }

    #[test]
    fn only_the_right_name_and_password_are_admitted() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(admits(&basic("ann:s3cret")));
        assert!(!admits(&basic("ann:other")));
        assert!(!admits(&basic("bob:s3cret")));
        assert!(!admits(&basic("ann:s3cret").replace("Basic", "Bearer")));
        assert!(!admits("Basic ann:s3cret"));
    }

    #[test]
    fn two_authorizations_are_none() {
        let mut headers = HeaderMap::new();
        let value: http::HeaderValue = format!("Basic {}", STANDARD.encode("ann:s3cret")).parse().unwrap();
        headers.append(AUTHORIZATION, value.clone());
        headers.append(AUTHORIZATION, value);
        assert!(!Account::new("ann", "s3cret").admits(&headers));
    }

    #[test]
    fn debug_output_keeps_the_secret() {
        let options = Options { account: Some(Account::new("ann", "s3cret")), ..Options::default() };
        let text = format!("{options:?}");
        assert!(!text.contains("s3cret") && !text.contains("ann:"), "{text}");
    }

    #[test]
    fn only_loopback_is_open_to_everybody() {
        let open = Options::default();
        let closed = Options { account: Some(Account::new("ann", "s3cret")), ..Options::default() };
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"].map(|a| a.parse::<SocketAddr>().unwrap()) {
            assert!(matches!(open.check_address(address), Err(ServeError::OpenToStrangers { .. })), "{address}");
            assert!(closed.check_address(address).is_ok(), "{address}");
        }
        for address in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(open.check_address(address.parse().unwrap()).is_ok(), "{address}");
        }
    }
}
