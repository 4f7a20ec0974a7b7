//! TLS settings for one registry, laid out in files as Docker has them.
//!
//! Authorities in `certs.d` are beside the system's, those of a given file instead of them. The system's are loaded
//! only when a connection needs them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

use crate::{ClientCert, error::ClientError};

/// What every registry's TLS settings are made from.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) certs_d: Vec<PathBuf>,
    pub(crate) given: Option<Vec<CertificateDer<'static>>>,
    pub(crate) client_cert: Option<ClientCert>,
    pub(crate) insecure: bool,
    system: OnceLock<Result<Arc<RootCertStore>, ClientError>>,
}

impl Tls {
    pub(crate) fn new(
        certs_d: Vec<PathBuf>,
        ca_file: Option<&Path>,
        client_cert: Option<ClientCert>,
        insecure: bool,
    ) -> Result<Self, ClientError> {
        let given = ca_file.map(certificates).transpose()?;
        Ok(Self { certs_d, given, client_cert, insecure, system: OnceLock::new() })
    }

    /// The folder of `certs.d` for this `host[:port]`.
    pub(crate) fn folder(&self, authority: &str) -> Option<PathBuf> {
        self.certs_d.iter().map(|dir| dir.join(authority)).find(|dir| dir.is_dir())
    }

    /// The settings for a registry with this folder of its own, or without one.
    pub(crate) fn config(&self, folder: Option<&Path>) -> Result<ClientConfig, ClientError> {
        let own = folder.map(read_folder).transpose()?.unwrap_or_default();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = builder(&provider);
        let builder = match self.insecure {
            true => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
            false => builder.with_root_certificates(self.roots(&own)?),
        };
        let pair = own.pair.or_else(|| self.client_cert.clone());
        let mut config =
            match pair {
                None => builder.with_no_client_auth(),
                Some(ClientCert { cert, key }) => builder
                    .with_client_auth_cert(certificates(&cert)?, private_key(&key)?)
                    .map_err(|error| ClientError::ClientCert { cert, why: error.to_string() })?,
            };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn roots(&self, own: &Folder) -> Result<Arc<RootCertStore>, ClientError> {
        let base = match &self.given {
            Some(given) => Arc::new(store(given)),
            None => match self.system.get_or_init(system_roots).clone() {
                Ok(system) => system,
                // the folder's authorities do without the system's
                Err(_) if !own.authorities.is_empty() => Arc::new(RootCertStore::empty()),
                Err(error) => return Err(error),
            },
        };
        if own.authorities.is_empty() {
            return Ok(base);
        }
        let mut roots = RootCertStore::clone(&base);
        roots.add_parsable_certificates(own.authorities.iter().cloned());
        Ok(Arc::new(roots))
    }
}

/// Settings that trust nobody, for plain HTTP: cheap, and no use for anything else.
pub(crate) fn trusting_nobody() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    builder(&provider).with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

fn builder(provider: &Arc<CryptoProvider>) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
}

#[derive(Debug, Default)]
struct Folder {
    authorities: Vec<CertificateDer<'static>>,
    pair: Option<ClientCert>,
}

/// Reads `*.crt`, and `X.cert` with `X.key`; of several pairs the first by name serves.
fn read_folder(dir: &Path) -> Result<Folder, ClientError> {
    let mut folder = Folder::default();
    for path in sorted(dir)? {
        match path.extension().and_then(|e| e.to_str()) {
            Some("crt") => folder.authorities.extend(certificates(&path)?),
            Some("cert") => {
                let key = path.with_extension("key");
                if !key.is_file() {
                    return Err(ClientError::MissingKey { cert: path, key });
                }
                folder.pair.get_or_insert(ClientCert { cert: path, key });
            }
            Some("key") if !path.with_extension("cert").is_file() => {
                return Err(ClientError::MissingCert { cert: path.with_extension("cert"), key: path });
            }
            _ => {}
        }
    }
    Ok(folder)
}

fn sorted(dir: &Path) -> Result<Vec<PathBuf>, ClientError> {
    let listed: Result<Vec<_>, _> = fs::read_dir(dir).and_then(|entries| entries.map(|e| Ok(e?.path())).collect());
    let mut paths = listed.map_err(|error| unreadable(dir, &error))?;
    paths.sort();
    Ok(paths)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let pem = |why: String| ClientError::Pem { path: path.to_owned(), wanted: "certificate", why };
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|e| pem(e.to_string()))?;
    let mut parsable = RootCertStore::empty();
    match parsable.add_parsable_certificates(found.iter().cloned()) {
        (0, _) => Err(pem(String::new())),
        (_, 0) => Ok(found),
        (_, ignored) => Err(pem(format!("{ignored} cannot be parsed"))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ClientError> {
    let bytes = zeroize::Zeroizing::new(fs::read(path).map_err(|error| unreadable(path, &error))?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| ClientError::Pem {
        path: path.to_owned(),
        wanted: "private key",
        why: error.to_string(),
    })
}

fn store(authorities: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    roots
}

/// The certificate authorities that the system trusts.
///
/// # Errors
/// Fails if there are none.
pub fn system_roots() -> Result<Arc<RootCertStore>, ClientError> {
    let found = rustls_native_certs::load_native_certs();
    let roots = store(&found.certs);
    match roots.is_empty() {
        true => {
            Err(ClientError::NoSystemRoots { why: found.errors.first().map(ToString::to_string).unwrap_or_default() })
        }
        false => Ok(Arc::new(roots)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ClientError {
    ClientError::File { path: path.to_owned(), why: error.to_string() }
}

/// Takes any certificate, but still wants a handshake signed by its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
