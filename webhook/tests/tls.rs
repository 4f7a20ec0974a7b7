//! The socket's certificate: of our own making, from files, changed under way; and what is not TLS.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use std::{fs, net::TcpListener, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};
use webhook::{Tls, TlsError, serve};

/// A server on a free port that ends with the test.
struct Running {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().route("/healthz", get(|| async { "ok" }));
        let stopped = async { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(serve(listener, tls, router, stopped));
        Self { port, stop: Some(stop), task }
    }

    /// What a client that trusts this authority and shows no certificate gets.
    async fn ask(&self, authority: &str, host: &str) -> Result<String, reqwest::Error> {
        self.answer(client(authority, None), host).await
    }

    /// What a client with a certificate of its own gets.
    async fn ask_as(&self, shown: &(String, String), authority: &str) -> Result<String, reqwest::Error> {
        self.answer(client(authority, Some(shown)), "127.0.0.1").await
    }

    async fn answer(&self, client: reqwest::Client, host: &str) -> Result<String, reqwest::Error> {
        client.get(format!("https://{host}:{}/healthz", self.port)).send().await?.text().await
    }
}

/// A client that trusts this authority, and shows a certificate if it has one with a key, both in PEM.
fn client(authority: &str, shown: Option<&(String, String)>) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// Writes a certificate and its key for 127.0.0.1, and returns the authority.
fn write_pair(folder: &Path) -> String {
    let (authority, (certificate, key)) = issued(ExtendedKeyUsagePurpose::ServerAuth);
    fs::write(folder.join("tls.crt"), certificate).unwrap();
    fs::write(folder.join("tls.key"), key).unwrap();
    authority
}

/// A new authority, and a certificate of it for 127.0.0.1 and this use with its key, all in PEM.
fn issued(usage: ExtendedKeyUsagePurpose) -> (String, (String, String)) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![usage];
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    (authority, (leaf.pem(), leaf_key.serialize_pem()))
}

async fn from_files(folder: &Path) -> Result<Tls, TlsError> {
    Tls::from_files(&folder.join("tls.crt"), &folder.join("tls.key")).await
}

#[tokio::test]
async fn own_certificate_serves_those_who_trust_its_authority() {
    let tls = Tls::own(&[]).unwrap();
    let authority = tls.authority().unwrap().to_owned();
    let server = Running::start(tls);
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(server.ask(&authority, host).await.unwrap(), "ok", "{host}");
    }
    let other = Tls::own(&[]).unwrap();
    assert!(server.ask(other.authority().unwrap(), "127.0.0.1").await.is_err());
}

#[tokio::test]
async fn own_certificate_holds_for_the_names_given_and_no_other() {
    let tls = Tls::own(&["localhost".to_owned(), "sealgate.sealgate.svc".to_owned()]).unwrap();
    let authority = tls.authority().unwrap().to_owned();
    let server = Running::start(tls);
    assert!(server.ask(&authority, "localhost").await.is_ok());
    assert!(server.ask(&authority, "127.0.0.1").await.is_err());
}

#[test]
fn impossible_name_is_refused() {
    assert!(matches!(Tls::own(&["größe".to_owned()]), Err(TlsError::Unmakeable(_))));
}

#[tokio::test]
async fn changed_files_are_served_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_pair(folder.path());
    let tls = from_files(folder.path()).await.unwrap().checked_every(Duration::from_millis(20));
    assert_eq!(tls.authority(), None);
    let server = Running::start(tls);
    assert_eq!(server.ask(&first, "127.0.0.1").await.unwrap(), "ok");
    let second = write_pair(folder.path());
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.ask(&second, "127.0.0.1").await.is_err() {
        assert!(Instant::now() < deadline, "the new certificate never came into force");
    }
    assert!(server.ask(&first, "127.0.0.1").await.is_err());
}

#[tokio::test]
async fn broken_files_leave_the_certificate_in_use_and_repaired_ones_replace_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_pair(folder.path());
    let tls = from_files(folder.path()).await.unwrap().checked_every(Duration::from_millis(10));
    let server = Running::start(tls);
    for broken in ["", "nonsense", &KeyPair::generate().unwrap().serialize_pem()] {
        fs::write(folder.path().join("tls.key"), broken).unwrap();
        let until = Instant::now() + Duration::from_millis(100);
        while Instant::now() < until {
            assert_eq!(server.ask(&first, "127.0.0.1").await.unwrap(), "ok");
        }
    }
    let second = write_pair(folder.path());
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.ask(&second, "127.0.0.1").await.is_err() {
        assert!(Instant::now() < deadline, "the repaired certificate never came into force");
    }
}

#[tokio::test]
async fn start_without_a_usable_pair_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(from_files(folder.path()).await, Err(TlsError::Unreadable { .. })));
    write_pair(folder.path());
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let good_key = fs::read(&key).unwrap();
    fs::write(&key, fs::read(&certificate).unwrap()).unwrap();
    assert!(matches!(from_files(folder.path()).await, Err(TlsError::NotPem { wanted: "a private key", .. })));
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(matches!(from_files(folder.path()).await, Err(TlsError::Unusable(_))));
    fs::write(&certificate, &good_key).unwrap();
    assert!(matches!(from_files(folder.path()).await, Err(TlsError::NotPem { wanted: "certificates", .. })));
}

#[tokio::test]
async fn with_a_client_authority_nobody_else_gets_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (clients, shown) = issued(ExtendedKeyUsagePurpose::ClientAuth);
    fs::write(folder.path().join("clients.crt"), clients).unwrap();
    let tls = Tls::own(&[]).unwrap().with_client_authority(&folder.path().join("clients.crt")).await.unwrap();
    let authority = tls.authority().unwrap().to_owned();
    let server = Running::start(tls);
    assert_eq!(server.ask_as(&shown, &authority).await.unwrap(), "ok");
    assert!(server.ask(&authority, "127.0.0.1").await.is_err());
    let (_, of_another) = issued(ExtendedKeyUsagePurpose::ClientAuth);
    assert!(server.ask_as(&of_another, &authority).await.is_err());
}

#[tokio::test]
async fn certificate_for_servers_is_none_for_clients() {
    let folder = tempfile::tempdir().unwrap();
    let (clients, of_a_server) = issued(ExtendedKeyUsagePurpose::ServerAuth);
    fs::write(folder.path().join("clients.crt"), clients).unwrap();
    let tls = Tls::own(&[]).unwrap().with_client_authority(&folder.path().join("clients.crt")).await.unwrap();
    let authority = tls.authority().unwrap().to_owned();
    assert!(Running::start(tls).ask_as(&of_a_server, &authority).await.is_err());
}

#[tokio::test]
async fn client_authority_outlives_a_new_serving_certificate() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let (clients, shown) = issued(ExtendedKeyUsagePurpose::ClientAuth);
    fs::write(folder.path().join("clients.crt"), clients).unwrap();
    let tls = from_files(folder.path()).await.unwrap().checked_every(Duration::from_millis(20));
    let server = Running::start(tls.with_client_authority(&folder.path().join("clients.crt")).await.unwrap());
    let second = write_pair(folder.path());
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.ask_as(&shown, &second).await.is_err() {
        assert!(Instant::now() < deadline, "the new certificate never came into force");
    }
    assert!(server.ask(&second, "127.0.0.1").await.is_err());
}

#[tokio::test]
async fn client_authority_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.crt");
    let with = async || Tls::own(&[]).unwrap().with_client_authority(&file).await.map(drop);
    assert!(matches!(with().await, Err(TlsError::Unreadable { .. })));
    for nothing in [String::new(), "nonsense".to_owned(), KeyPair::generate().unwrap().serialize_pem()] {
        fs::write(&file, nothing).unwrap();
        assert!(matches!(with().await, Err(TlsError::NotPem { wanted: "certificates", .. })));
    }
    fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(with().await, Err(TlsError::NoAuthority { .. })));
}

#[tokio::test]
async fn plaintext_gets_no_answer() {
    let server = Running::start(Tls::own(&[]).unwrap());
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    // The connection may also be reset; whatever was heard before that counts.
    let _ = timeout(Duration::from_secs(15), stream.read_to_end(&mut heard)).await.expect("the connection stays open");
    assert!(!String::from_utf8_lossy(&heard).contains("HTTP"), "{heard:?}");
}

#[tokio::test]
async fn shutdown_ends_the_server_and_frees_the_port() {
    let tls = Tls::own(&[]).unwrap();
    let authority = tls.authority().unwrap().to_owned();
    let mut server = Running::start(tls);
    assert!(server.ask(&authority, "127.0.0.1").await.is_ok());
    server.stop.take().unwrap().send(()).unwrap();
    timeout(Duration::from_secs(20), &mut server.task).await.expect("the server ends").unwrap().unwrap();
    assert!(TcpListener::bind(("127.0.0.1", server.port)).is_ok());
}
