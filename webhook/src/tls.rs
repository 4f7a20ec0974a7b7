//! The certificate that the webhook shows: from files, read again when they change, or of its own making.
//!
//! The API server trusts whatever `caBundle` says in the webhook's configuration. A certificate of our own making has a
//! new authority at each start, kept in memory only, so it suits one process whose authority somebody copies there;
//! replicas need files. Whoever can reach the socket may ask, unless there is an authority for those who call.

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
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use zeroize::Zeroizing;

use crate::authority::Authority;

/// A serving certificate with its key, where the next one comes from, and whose certificates callers must show.
pub struct Tls {
    config: RustlsConfig,
    clients: Arc<dyn ClientCertVerifier>,
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
    /// A certificate in PEM can be no authority's.
    #[error("{}: {found}, wanted the certificate of an authority", path.display())]
    NoAuthority {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        found: rustls::Error,
    },
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
        let certificate = files.certificate(&pair)?;
        Self::new(certificate, Source::Files { files, seen: pair.fingerprint() })
    }

    /// A certificate for these names and addresses by an authority made for it; without any for `localhost`,
    /// `127.0.0.1` and `::1`. Once serving, it is renewed long before it expires, by the same authority.
    ///
    /// # Errors
    /// Fails if a name can stand in no certificate.
    pub fn own(names: &[String]) -> Result<Self, TlsError> {
        let authority = Authority::new(names)?;
        let certificate = fresh(&authority)?;
        Self::new(certificate, Source::Own { authority: Box::new(authority), issued: Instant::now() })
    }

    fn new(certificate: Certificate, source: Source) -> Result<Self, TlsError> {
        let clients = WebPkiClientVerifier::no_client_auth();
        let config = RustlsConfig::from_config(Arc::new(server_config(certificate, clients.clone())?));
        Ok(Self { config, clients, source, every: POLL })
    }

    /// Ends the handshake with everybody who shows no certificate for clients by an authority in this PEM file. The
    /// file is read once; whom a certificate names has no say.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or holds anything but certificates in PEM, at least one.
    pub async fn with_client_authority(mut self, file: &Path) -> Result<Self, TlsError> {
        let authorities = certificates(file, &read(file).await?)?;
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|found| TlsError::NoAuthority { path: file.to_owned(), found })?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        self.clients = verifier.build().expect("there is an authority, and no list of revoked certificates");
        let certificate = self.config.get_inner().cert_resolver.clone();
        self.config.reload_from_config(Arc::new(server_config(certificate, self.clients.clone())?));
        Ok(self)
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
            match self.next(Instant::now()).await {
                Ok(None) => {}
                Ok(Some(config)) => {
                    self.config.reload_from_config(Arc::new(config));
                    tracing::info!("a new serving certificate is in force");
                }
                Err(error) => tracing::error!(%error, "the serving certificate in use stays in force"),
            }
        }
    }

    async fn next(&mut self, now: Instant) -> Result<Option<ServerConfig>, TlsError> {
        let certificate = self.source.next(now).await?;
        certificate.map(|certificate| server_config(certificate, self.clients.clone())).transpose()
    }
}

type Certificate = Arc<dyn ResolvesServerCert>;

enum Source {
    Files { files: Files, seen: Digest },
    Own { authority: Box<Authority>, issued: Instant },
}

impl Source {
    /// A new certificate, if there is reason for one. Broken files are a reason once, not at every look.
    async fn next(&mut self, now: Instant) -> Result<Option<Certificate>, TlsError> {
        match self {
            Self::Files { files, seen } => {
                let pair = files.read().await?;
                if pair.fingerprint() == *seen {
                    return Ok(None);
                }
                *seen = pair.fingerprint();
                files.certificate(&pair).map(Some)
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

    fn certificate(&self, pair: &Pair) -> Result<Certificate, TlsError> {
        let chain = certificates(&self.certificate, &pair.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&pair.key);
        let key = key.map_err(|found| not_pem(&self.key, found, "a private key"))?;
        certified(chain, key)
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

/// The certificates in a PEM file, at least one.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.and_then(|found| match found.is_empty() {
        true => Err(rustls::pki_types::pem::Error::NoItemsFound),
        false => Ok(found),
    });
    found.map_err(|found| not_pem(path, found, "certificates"))
}

fn not_pem(path: &Path, found: rustls::pki_types::pem::Error, wanted: &'static str) -> TlsError {
    TlsError::NotPem { path: path.to_owned(), found, wanted }
}

fn fresh(authority: &Authority) -> Result<Certificate, TlsError> {
    let (certificate, key) = authority.issue()?;
    certified(vec![certificate], key)
}

fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Certificate, TlsError> {
    let pair = CertifiedKey::from_der(chain, key, &provider())?;
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}

/// TLS 1.2 and 1.3. HTTP/1.1 alone: the API server speaks nothing else to webhooks, and with it the limit on
/// connections is one on requests too.
fn server_config(certificate: Certificate, clients: Arc<dyn ClientCertVerifier>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
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
