//! A timestamp authority that wants to know who asks, and has another name than its address.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use peers::Authority;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream, crypto::aws_lc_rs, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::stage::Stage;

/// A server called `stamps.test` that takes clients of this authority alone, and refuses to stamp.
fn serve(authority: &Authority) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let identity = authority.server(&["stamps.test"]);
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}/stamp", listener.local_addr().unwrap().port());
    let config = Arc::new(config);
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            let mut request = [0; 4096];
            // who does not come in says so itself
            if stream.read(&mut request).is_ok_and(|length| length > 0) {
                let _ = stream.write_all(b"HTTP/1.1 400 x\r\ncontent-length: 8\r\nconnection: close\r\n\r\nno stamp");
            }
        }
    });
    address
}

#[test]
fn timestamp_authority_is_known_by_its_certificate_and_knows_us_by_ours() {
    let authority = Authority::new("stamps");
    let address = serve(&authority);
    let stage = Stage::set_up();
    let client = authority.client("ci", "team");
    let stranger = Authority::new("strangers").client("ci", "team");
    for (name, text) in [
        ("ca.pem", authority.certificate()),
        ("ours.pem", &client.certificate),
        ("ours.key", &client.key),
        ("other.pem", &stranger.certificate),
        ("other.key", &stranger.key),
    ] {
        stage.write(name, text);
    }
    let said = |flags: &str| {
        let line = format!("sign-blob --key k.key --timestamp-server-url {address} {flags} --bundle b.json f");
        let said = stage.run(&line).failure(1);
        assert!(!stage.exists("b.json"), "{flags}");
        said
    };
    let ca = "--timestamp-client-cacert ca.pem";
    let ours = "--timestamp-client-cert ours.pem --timestamp-client-key ours.key";
    let name = "--timestamp-server-name stamps.test";
    let reached = "error: timestamp authority: localhost answered 400: no stamp\n";
    assert!(said(&format!("{ca} {ours} {name}")).ends_with(reached));
    for flags in [
        format!("{ours} {name}"),
        format!("{ca} {ours}"),
        format!("{ca} {ours} --timestamp-server-name others.test"),
        format!("{ca} {name}"),
        format!("{ca} {name} --timestamp-client-cert other.pem --timestamp-client-key other.key"),
    ] {
        let said = said(&flags);
        assert!(said.contains("error: timestamp authority: no answer from localhost: "), "{flags}: {said}");
    }
    assert!(said(&format!("{ca} --timestamp-client-cert ours.pem")).contains("--timestamp-client-key <FILE>"));
    let unreadable = said(&format!("{name} --timestamp-client-cacert f"));
    assert!(
        unreadable.ends_with("error: timestamp authority: cannot speak TLS: a file of certificates has none in PEM\n")
    );
    let absent = said("--timestamp-client-cacert absent");
    assert!(absent.ends_with("error: timestamp authority: open absent: no such file or directory\n"), "{absent}");
}
