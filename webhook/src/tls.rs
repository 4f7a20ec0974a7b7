//! The certificate that the webhook shows: from files, read again when they change, or of its own making.
//!
//! The API server trusts whatever `caBundle` says in the webhook's configuration. A certificate of our own making has a
//! new authority at each start, kept in memory only, so it suits one process whose authority somebody copies there;
//! replicas need files.

use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use axum_server::tls_rustls::RustlsConfig;
use oci::Digest;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use zeroize::Zeroizing;

use crate::authority::Authority;

/// A serving certificate with its key, and where the next one comes from.
pub struct Tls {
    config: RustlsConfig,
    source: Source,
    every: Duration,
}

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What should be PEM is none, or holds nothing of what is wanted.
    #[error("{}: {found}, wanted {wanted} in PEM", path.display())]
    NotPem {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        found: rustls::pki_types::pem::Error,
        /// What should be there.
        wanted: &'static str,
    },
    /// Certificate and key are well-formed and cannot be used, for instance because they are not a pair.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A certificate of our own cannot be made, for instance because a name is none.
    #[error("cannot make a certificate: {0}")]
    Unmakeable(#[from] rcgen::Error),
}

impl Tls {
    /// The certificate chain and key in these PEM files. Once serving, both are read again every few seconds; a pair
    /// that cannot be used is logged and the one in use stays.
    ///
    /// # Errors
    /// Fails if a file cannot be read, holds no PEM of the right kind, or if the two are not a pair.
    pub async fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        let pair = files.read().await?;
        let config = files.config(&pair)?;
        Ok(Self::new(config, Source::Files { files, seen: pair.fingerprint() }))
    }

    /// A certificate for these names and addresses by an authority made for it; without any for `localhost`,
    /// `127.0.0.1` and `::1`. Once serving, it is renewed long before it expires, by the same authority.
    ///
    /// # Errors
    /// Fails if a name can stand in no certificate.
    pub fn own(names: &[String]) -> Result<Self, TlsError> {
        let authority = Authority::new(names)?;
        let config = fresh(&authority)?;
        Ok(Self::new(config, Source::Own { authority: Box::new(authority), issued: Instant::now() }))
    }

    fn new(config: ServerConfig, source: Source) -> Self {
        Self { config: RustlsConfig::from_config(Arc::new(config)), source, every: POLL }
    }

    /// Looks for changed files this often instead of every five seconds.
    #[must_use]
    pub fn checked_every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// The authority to trust, in PEM, as `caBundle` wants it before base64; none where the certificate is from files.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        match &self.source {
            Source::Files { .. } => None,
            Source::Own { authority, .. } => Some(authority.pem()),
        }
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Puts each new certificate in force, as long as it is polled.
    pub(crate) async fn keep_fresh(mut self) -> Infallible {
        loop {
            tokio::time::sleep(self.every).await;
            match self.source.next(Instant::now()).await {
                Ok(None) => {}
                Ok(Some(config)) => {
                    self.config.reload_from_config(Arc::new(config));
                    tracing::info!("a new serving certificate is in force");
                }
                Err(error) => tracing::error!(%error, "the serving certificate in use stays in force"),
            }
        }
    }
}

enum Source {
    Files { files: Files, seen: Digest },
    Own { authority: Box<Authority>, issued: Instant },
}

impl Source {
    /// A new configuration, if there is reason for one. Broken files are a reason once, not at every look.
    async fn next(&mut self, now: Instant) -> Result<Option<ServerConfig>, TlsError> {
        match self {
            Self::Files { files, seen } => {
                let pair = files.read().await?;
                if pair.fingerprint() == *seen {
                    return Ok(None);
                }
                *seen = pair.fingerprint();
                files.config(&pair).map(Some)
            }
            Self::Own { issued, .. } if now.duration_since(*issued) < RENEWAL => Ok(None),
            Self::Own { authority, issued } => {
                *issued = now;
                fresh(authority).map(Some)
            }
        }
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

struct Pair {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    async fn read(&self) -> Result<Pair, TlsError> {
        let certificate = read(&self.certificate).await?;
        Ok(Pair { certificate, key: Zeroizing::new(read(&self.key).await?) })
    }

    fn config(&self, pair: &Pair) -> Result<ServerConfig, TlsError> {
        let broken = |path: &Path, wanted| {
            let path = path.to_owned();
            move |found| TlsError::NotPem { path, found, wanted }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificate).collect();
        let chain = chain.and_then(|chain| match chain.is_empty() {
            true => Err(rustls::pki_types::pem::Error::NoItemsFound),
            false => Ok(chain),
        });
        let chain = chain.map_err(broken(&self.certificate, "certificates"))?;
        let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(broken(&self.key, "a private key"))?;
        server_config(chain, key)
    }
}

impl Pair {
    fn fingerprint(&self) -> Digest {
        let both = [Digest::of(&self.certificate).to_string(), Digest::of(&self.key).to_string()];
        Digest::of(both.concat().as_bytes())
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    tokio::fs::read(path).await.map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

fn fresh(authority: &Authority) -> Result<ServerConfig, TlsError> {
    let (certificate, key) = authority.issue()?;
    server_config(vec![certificate], key)
}

/// TLS 1.2 and 1.3. HTTP/1.1 alone: the API server speaks nothing else to webhooks, and with it the limit on
/// connections is one on requests too.
fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

const POLL: Duration = Duration::from_secs(5);
/// A third of a certificate's life.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn own_certificate_is_renewed_once_a_month_by_the_same_authority() {
        let mut tls = Tls::own(&[]).unwrap();
        let (begun, authority) = (Instant::now(), tls.authority().unwrap().to_owned());
        let mut renewed = Vec::new();
        for days in [0, 29, 31, 32, 60, 62] {
            let now = begun + Duration::from_secs(days * 24 * 3600);
            renewed.push(tls.source.next(now).await.unwrap().is_some());
        }
        assert_eq!(renewed, [false, false, true, false, false, true]);
        assert_eq!(tls.authority(), Some(authority.as_str()));
    }
}
