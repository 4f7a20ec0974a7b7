//! A TUF repository over HTTP: bounded, with one deadline for all of a refresh.
//!
//! What comes is worth nothing until its signatures were checked, so plain HTTP is as good as any; and nothing secret is
//! sent, so that redirects are followed.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use sigstore_tuf::{
    Error, Repository,
    transport::{FetchFuture, UpdaterConfig},
};
use tokio::time::{Instant, timeout_at};

/// A repository, as far as one refresh needs it.
pub(super) struct Mirror {
    base: String,
    targets: String,
    client: reqwest::Client,
    until: Instant,
}

impl Mirror {
    /// The repository at this address, which must answer everything before `until`.
    pub(super) fn new(base: &str, until: Instant) -> Result<Self, Error> {
        let tls = tls().map_err(|why| unreachable("cannot speak TLS", why.to_string()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS))
            .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|why| unreachable(base, words(why)))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), targets: "targets".to_owned(), client, until })
    }

    /// The same, with its targets in this folder.
    pub(super) fn with_targets(self, folder: &str) -> Self {
        Self { targets: folder.trim_matches('/').to_owned(), ..self }
    }

    /// A file's bytes; nothing where the mirror says that there is none.
    pub(super) async fn get(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let url = format!("{}/{path}", self.base);
        let late = || unreachable(&url, "no answer in time".to_owned());
        // a timer that has run out would let the request begin
        if Instant::now() >= self.until {
            return Err(late());
        }
        timeout_at(self.until, self.read(&url, most)).await.map_err(|_| late())?
    }

    async fn read(&self, url: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let broken = |why| unreachable(url, words(why));
        let mut answer = self.client.get(url).send().await.map_err(broken)?;
        match answer.status().as_u16() {
            200 => {}
            // object stores say 403 of what is not there
            403 | 404 => return Ok(None),
            status => return Err(unreachable(url, format!("status {status} found, wanted 200"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > most {
                // no accident of the network: a mirror that never ends
                return Err(Error::IntegrityMismatch(format!("{url}: more than {most} bytes found")));
            }
        }
        Ok(Some(bytes))
    }
}

impl Repository for Mirror {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(&format!("{}/{path}", self.targets), max_length).await })
    }
}

/// Small enough that thirty-two rotations and all other files are nothing to a machine.
pub(super) fn limits() -> UpdaterConfig {
    let mut limits = UpdaterConfig::default();
    limits.target_max_length = MAX_TARGET;
    limits
}

/// The system's authorities; without any, only plain HTTP can be spoken.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = registry::system_roots().unwrap_or_else(|_| RootCertStore::empty().into());
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}

/// No answer, or not for now. What the mirror lacks the library says itself, without a source.
fn unreachable(what: &str, why: String) -> Error {
    Error::transport_with_source(what, why)
}

/// What went wrong, with its cause, which the library leaves out.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

const MAX_REDIRECTS: usize = 5;
const MAX_TARGET: u64 = 4 * 1024 * 1024;
