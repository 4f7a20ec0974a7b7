//! TLS: whom the client trusts, whom it shows a certificate, and when it speaks plain HTTP.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod scripted;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::response::Response;
use axum_server::tls_rustls::RustlsConfig;
use oci::media_type::OCI_MANIFEST;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use registry::{Cause, Client, ClientCert, ClientError, Lookup, Refusal, RegistryError, Settings};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier};
use scripted::*;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        // two that share a name would be told apart by their signatures alone
        let name = format!("authority {:?}", std::time::Instant::now());
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, and its key, both PEM.
    fn issue(&self, names: &[&str]) -> (String, String) {
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A registry with TLS; with `clients`, only for clients with a certificate by that authority.
struct TlsRegistry {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    handle: axum_server::Handle<SocketAddr>,
}

impl TlsRegistry {
    async fn start(authority: &Authority, names: &[&str], clients: Option<&Authority>) -> Self {
        Self::answering(authority, names, clients, |_| ok(OCI_MANIFEST, manifest(&[]))).await
    }

    async fn answering(
        authority: &Authority,
        names: &[&str],
        clients: Option<&Authority>,
        answer: impl Fn(&Seen) -> Response + Send + Sync + 'static,
    ) -> Self {
        let (cert, key) = authority.issue(names);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(certs(&cert), private_key(&key)).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, handle) = (Arc::default(), axum_server::Handle::new());
        let router = router(answer, Arc::clone(&seen));
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config))).unwrap();
        tokio::spawn(server.handle(handle.clone()).serve(router.into_make_service()));
        Self { address, seen, handle }
    }
}

impl Drop for TlsRegistry {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn certs(pem: &str) -> Vec<rustls_pki_types::CertificateDer<'static>> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

fn private_key(pem: &str) -> rustls_pki_types::PrivateKeyDer<'static> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
}

async fn resolve(client: &Client, domain: &str) -> Result<bool, RegistryError> {
    let image = format!("{domain}/a:v1").parse().unwrap();
    client.resolve(&image).await.map(|found| found.found().is_some())
}

/// A folder like Docker's, with these files for this host.
fn certs_d(domain: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(domain)).unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(domain).join(name), text).unwrap();
    }
    let settings = Settings { certs_d: vec![dir.path().to_owned()], ..Settings::default() };
    (dir, settings)
}

fn cause(error: RegistryError) -> Cause {
    match error {
        RegistryError::Unreachable { cause, .. } => cause,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn authority_in_certs_d_is_trusted_for_its_host_and_http_2_is_spoken() {
    let authority = Authority::new();
    let server = TlsRegistry::start(&authority, &["127.0.0.1", "localhost"], None).await;
    let domain = server.address.to_string();
    let (_dir, settings) = certs_d(&domain, &[("ca.crt", &authority.pem())]);
    let client = client_with(settings);
    assert_eq!(resolve(&client, &domain).await, Ok(true));
    assert_eq!(server.seen.lock().unwrap()[0].version, http::Version::HTTP_2);
    let other = format!("localhost:{}", server.address.port());
    assert!(matches!(cause(resolve(&client, &other).await.unwrap_err()), Cause::Certificate { .. }));
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_said_to_be_that() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = TlsRegistry::start(&authority, &["127.0.0.1"], None).await;
    let domain = server.address.to_string();
    let (_dir, settings) = certs_d(&domain, &[("ca.crt", &other.pem())]);
    let error = resolve(&client_with(settings), &domain).await.unwrap_err();
    let wanted = format!("registry {domain} cannot be reached: certificate is not trusted: unknown issuer");
    assert_eq!(error.to_string(), wanted);
    assert!(error.hint().unwrap().contains("certs.d"));
}

#[tokio::test]
async fn certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let server = TlsRegistry::start(&authority, &["registry.example"], None).await;
    let domain = server.address.to_string();
    let (_dir, settings) = certs_d(&domain, &[("ca.crt", &authority.pem())]);
    let error = resolve(&client_with(settings), &domain).await.unwrap_err();
    assert_eq!(cause(error), Cause::Certificate { why: "not valid for this name".into() });
}

#[tokio::test]
async fn given_authorities_are_trusted_for_every_registry() {
    let authority = Authority::new();
    let server = TlsRegistry::start(&authority, &["127.0.0.1"], None).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let client = client_with(Settings { ca_file: Some(ca), ..Settings::default() });
    assert_eq!(resolve(&client, &server.address.to_string()).await, Ok(true));
}

#[tokio::test]
async fn unusable_authorities_are_an_error_and_not_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        Some(dir.path().join(name))
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for ca_file in [path("empty", ""), path("junk", "junk"), path("broken", broken), Some(dir.path().join("absent"))] {
        let settings = Settings { ca_file: ca_file.clone(), ..Settings::default() };
        let error = Client::new(settings).unwrap_err();
        assert!(error.to_string().contains(ca_file.unwrap().to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn client_certificate_is_shown_from_certs_d_and_from_the_settings() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = TlsRegistry::start(&authority, &["127.0.0.1"], Some(&clients)).await;
    let domain = server.address.to_string();
    let (cert, key) = clients.issue(&["me"]);
    let files = [("ca.crt", authority.pem()), ("me.cert", cert), ("me.key", key)];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let (_dir, settings) = certs_d(&domain, &files);
    assert_eq!(resolve(&client_with(settings), &domain).await, Ok(true));
    let (dir, settings) = certs_d(&domain, &files[..1]);
    assert!(resolve(&client_with(settings.clone()), &domain).await.is_err(), "without one");
    let at = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name)
    };
    let pair = ClientCert { cert: at("me.pem", files[1].1), key: at("me.key", files[2].1) };
    assert_eq!(resolve(&client_with(Settings { client_cert: Some(pair), ..settings }), &domain).await, Ok(true));
}

#[tokio::test]
async fn half_a_client_certificate_is_an_error_that_names_the_other_half() {
    let (cert, key) = Authority::new().issue(&["me"]);
    for (name, text, missing) in [("me.cert", &cert, "me.key"), ("me.key", &key, "me.cert")] {
        let domain = "127.0.0.1:1";
        let (dir, settings) = certs_d(domain, &[(name, text)]);
        let error = resolve(&client_with(settings), domain).await.unwrap_err();
        let RegistryError::Setup { error, .. } = error else { panic!("{error}") };
        let path: &Path = match &error {
            ClientError::MissingKey { key, .. } => key,
            ClientError::MissingCert { cert, .. } => cert,
            other => panic!("{other}"),
        };
        assert_eq!(path, dir.path().join(domain).join(missing));
    }
}

#[tokio::test]
async fn any_certificate_will_do_only_where_that_was_asked_for() {
    let server = TlsRegistry::start(&Authority::new(), &["registry.example"], None).await;
    let domain = server.address.to_string();
    let insecure = client_with(Settings { allow_insecure: true, ..Settings::default() });
    assert_eq!(resolve(&insecure, &domain).await, Ok(true));
    let (_dir, settings) = certs_d(&domain, &[]);
    assert!(resolve(&client_with(settings), &domain).await.is_err());
}

#[tokio::test]
async fn loopback_with_tls_is_found_after_plain_http_and_remembered() {
    let server = TlsRegistry::start(&Authority::new(), &["127.0.0.1"], None).await;
    let insecure = client_with(Settings { allow_insecure: true, ..Settings::default() });
    for _ in 0..2 {
        assert_eq!(resolve(&insecure, &server.address.to_string()).await, Ok(true));
    }
    assert_eq!(server.seen.lock().unwrap().len(), 2);
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let go = Raw::start(go).await;
    let error = client().resolve(&go.image()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Failed { status: 400, .. }), "the first scheme's answer: {error}");
}

#[tokio::test]
async fn registry_with_an_authority_of_its_own_is_never_asked_in_plain_http() {
    let server = Scripted::start(|_| ok(OCI_MANIFEST, manifest(&[]))).await;
    let domain = server.address.to_string();
    let (_dir, mut settings) = certs_d(&domain, &[("ca.crt", &Authority::new().pem())]);
    settings.allow_http = true;
    let error = resolve(&client_with(settings), &domain).await.unwrap_err();
    assert_eq!(cause(error), Cause::NotTls);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn upload_is_not_sent_from_https_to_plain_http() {
    let elsewhere = Scripted::start(|_| status(201)).await;
    let there = format!("http://{}/put", elsewhere.address);
    let answer = move |seen: &Seen| match seen.method.as_str() {
        "HEAD" => status(404),
        _ => with(202, &[("location", &there)], ""),
    };
    let server = TlsRegistry::answering(&Authority::new(), &["127.0.0.1"], None, answer).await;
    let insecure = client_with(Settings { allow_insecure: true, ..Settings::default() });
    let repository = format!("{}/a", server.address).parse().unwrap();
    let error = insecure.push_blob(&repository, &"x".into()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { refusal: Refusal::Downgrade { .. }, .. }), "{error}");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn system_authorities_come_from_ssl_cert_file() {
    let authority = Authority::new();
    let server = TlsRegistry::start(&authority, &["127.0.0.1"], None).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(dir.path().join("other.pem"), Authority::new().pem()).unwrap();
    for (file, trusted) in [("ca.pem", true), ("other.pem", false)] {
        // the environment belongs to a whole process, so this needs one of its own
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "reaches_the_registry_named_in_the_environment", "--ignored"]);
        child.env("SSL_CERT_FILE", dir.path().join(file)).env("REGISTRY_UNDER_TEST", server.address.to_string());
        let status = child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status();
        assert_eq!(status.await.unwrap().success(), trusted, "{file}");
    }
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "half of system_authorities_come_from_ssl_cert_file"]
async fn reaches_the_registry_named_in_the_environment() {
    let domain = std::env::var("REGISTRY_UNDER_TEST").unwrap();
    assert_eq!(resolve(&client(), &domain).await, Ok(true));
}

#[tokio::test]
async fn document_is_fetched_by_https_with_a_bound_and_absence_is_told_apart() {
    let authority = Authority::new();
    let server = TlsRegistry::answering(&authority, &["127.0.0.1"], None, |seen| match seen.path.as_str() {
        "/policy.cue" => ok("text/plain", b"a: 1".to_vec()),
        "/broken" => status(500),
        _ => status(404),
    })
    .await;
    let (_dir, settings) = certs_d(&server.address.to_string(), &[("ca.crt", &authority.pem())]);
    let client = client_with(settings);
    let at = |path: &str| format!("https://{}{path}", server.address);
    assert_eq!(client.document(&at("/policy.cue"), 4).await, Ok(Lookup::Found(b"a: 1".to_vec())));
    assert!(matches!(client.document(&at("/policy.cue"), 3).await, Err(RegistryError::TooLarge { .. })));
    assert_eq!(client.document(&at("/other"), 4).await, Ok(Lookup::Absent));
    assert!(matches!(client.document(&at("/broken"), 4).await, Err(RegistryError::Failed { .. })));
    assert!(server.seen.lock().unwrap().iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[tokio::test]
async fn document_is_not_asked_for_in_plain_http_nor_on_this_machine_nor_at_metadata_addresses() {
    let client = client_with(Settings::default());
    let refusal = async |address: &str| match client.document(address, 1).await {
        Err(RegistryError::Refused { refusal, .. }) => refusal,
        other => panic!("{address}: {other:?}"),
    };
    for address in ["https://127.0.0.1:1/a", "https://localhost/a", "https://[::1]/a"] {
        assert!(matches!(refusal(address).await, Refusal::ThisMachine { .. }), "{address}");
    }
    for address in ["https://169.254.169.254/a", "https://[fd00:ec2::254]/a"] {
        assert!(matches!(refusal(address).await, Refusal::Forbidden { .. }), "{address}");
    }
    for address in ["http://a.example/a", "file:///etc/passwd", "nonsense", "https://user:word@a.example/"] {
        assert!(matches!(refusal(address).await, Refusal::Address { .. }), "{address}");
    }
}
