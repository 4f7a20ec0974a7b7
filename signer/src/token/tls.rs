//! How a service is spoken to over TLS, where it is not like the rest of the web: authorities of its own, a certificate
//! of ours, a name that is not in its address.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _};
use zeroize::Zeroizing;

use super::WebError;

/// What one service needs.
#[derive(Default)]
pub struct Tls {
    /// The authorities that vouch for it, PEM; without them the system's.
    pub authorities: Option<Vec<u8>>,
    /// Our certificate and its key, both PEM.
    pub certificate: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
    /// The name that its certificate has, if that is not the one in its address.
    pub server_name: Option<String>,
}

impl Tls {
    pub(super) fn config(self) -> Result<ClientConfig, WebError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = self.authorities.map_or_else(system, |pem| authorities(&pem).map(Arc::new))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| setup(&error))?;
        let builder = builder(provider)?;
        let builder = match self.server_name {
            None => builder.with_webpki_verifier(verifier),
            Some(name) => {
                let name = ServerName::try_from(name).map_err(|error| setup(&error))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Named { verifier, name }))
            }
        };
        match self.certificate {
            None => Ok(builder.with_no_client_auth()),
            Some((certificates, key)) => {
                let key =
                    PrivateKeyDer::from_pem_slice(&key).map_err(|_| setup(&"the key of our certificate is no PEM"))?;
                builder.with_client_auth_cert(parse(&certificates)?, key).map_err(|error| setup(&error))
            }
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// As the rest of the web is spoken to.
pub(super) fn usual(roots: Arc<RootCertStore>) -> Result<ClientConfig, WebError> {
    Ok(builder(Arc::new(aws_lc_rs::default_provider()))?.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities of the system.
pub(super) fn system() -> Result<Arc<RootCertStore>, WebError> {
    registry::system_roots().map_err(|_| setup(&"the system has no certificate authorities"))
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, WebError> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| setup(&error))
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, WebError> {
    let mut roots = RootCertStore::empty();
    for certificate in parse(pem)? {
        roots.add(certificate).map_err(|error| setup(&error))?;
    }
    Ok(roots)
}

fn parse(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, WebError> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(setup(&"a file of certificates has none in PEM")),
    }
}

fn setup(why: &dyn std::fmt::Display) -> WebError {
    WebError::Setup { why: why.to_string() }
}

/// Looks for another name in a certificate than the address has.
#[derive(Debug)]
struct Named {
    verifier: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
