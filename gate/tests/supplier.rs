//! What policies refer to at an address: fetched once, tried again while it is not there, and never taken if it is not
//! what was wanted.

#![expect(clippy::unwrap_used, reason = "a test's surroundings")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use axum_server::tls_rustls::RustlsConfig;
use gate::Supplier;
use oci::Digest;
use policy::PolicySet;
use registry::{Client, Settings};
use tempfile::TempDir;

const CONDITION: &str = "authorityMatches: open: static: true";

/// A server with what it answers, and how often it was asked.
struct World {
    address: SocketAddr,
    answer: Arc<Mutex<(u16, String, usize)>>,
    handle: axum_server::Handle<SocketAddr>,
    certs: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

type Answer = Arc<Mutex<(u16, String, usize)>>;

async fn serve(State(answer): State<Answer>) -> Response {
    let mut answer = answer.lock().unwrap();
    answer.2 += 1;
    (StatusCode::from_u16(answer.0).unwrap(), answer.1.clone()).into_response()
}

impl World {
    fn new(status: u16, body: &str) -> Self {
        let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![key.cert.der().clone()];
        let private = rustls_pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let config = builder.with_no_client_auth().with_single_cert(chain, private).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, handle) = (listener.local_addr().unwrap(), axum_server::Handle::new());
        let answer: Answer = Arc::new(Mutex::new((status, body.to_owned(), 0)));
        let router = axum::Router::new().fallback(serve).with_state(Arc::clone(&answer));
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config))).unwrap();
        tokio::spawn(server.handle(handle.clone()).serve(router.into_make_service()));
        let certs = tempfile::tempdir().unwrap();
        std::fs::create_dir(certs.path().join(address.to_string())).unwrap();
        std::fs::write(certs.path().join(address.to_string()).join("ca.crt"), key.cert.pem()).unwrap();
        Self { address, answer, handle, certs }
    }

    fn supplier(&self) -> Supplier {
        let settings = Settings { certs_d: vec![self.certs.path().to_owned()], ..Settings::default() };
        Supplier::new(Client::new(settings).unwrap())
    }

    fn set(&self) -> PolicySet {
        let sum = Digest::of(CONDITION.as_bytes()).hex();
        let text = format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\nspec:\n  \
             images: [{{glob: '**'}}]\n  authorities: [{{name: open, static: {{action: pass}}}}]\n  \
             policy: {{type: cue, remote: {{url: 'https://{}/a.cue', sha256sum: {sum}}}}}\n",
            self.address
        );
        PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap()
    }

    fn answers(&self, status: u16, body: &str) {
        let mut answer = self.answer.lock().unwrap();
        (answer.0, answer.1) = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.answer.lock().unwrap().2
    }
}

/// Why the policy is not ready, if it isn't.
fn lack(set: &PolicySet) -> Option<String> {
    set.policies().next().unwrap().readiness().err().map(ToString::to_string)
}

#[tokio::test]
async fn document_is_fetched_once() {
    let world = World::new(200, CONDITION);
    let mut supplier = world.supplier();
    for _ in 0..3 {
        assert_eq!(lack(&supplier.supply(world.set()).await), None);
    }
    assert_eq!(world.asked(), 1);
    assert_eq!(lack(&world.set().supplied(supplier.supplies())), None);
}

#[tokio::test]
async fn absent_altered_refused_and_huge_documents_are_told_apart_and_tried_again() {
    let world = World::new(404, "");
    let mut supplier = world.supplier();
    let huge = "#".repeat((1 << 20) + 1);
    let rows = [
        (404, "", "which is not there"),
        (200, "a: 1", "which has the digest "),
        (403, "", "which cannot be had: the server answered 403"),
        (500, "", "which cannot be had: the server answered 500"),
        (200, huge.as_str(), "which is larger than 1048576 bytes"),
    ];
    for (status, body, wanted) in rows {
        world.answers(status, body);
        let found = lack(&supplier.supply(world.set()).await).unwrap();
        assert!(found.contains(wanted), "{found}");
    }
    world.answers(200, CONDITION);
    assert_eq!(lack(&supplier.supply(world.set()).await), None, "and then it is there");
}

#[tokio::test]
async fn server_that_nobody_trusts_or_that_is_not_there_is_no_answer() {
    let world = World::new(200, CONDITION);
    let text = "other.crt";
    let folder = world.certs.path().join(world.address.to_string());
    std::fs::rename(folder.join("ca.crt"), folder.join(text)).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join(text), other.cert.pem()).unwrap();
    let found = lack(&world.supplier().supply(world.set()).await).unwrap();
    assert!(found.contains("which cannot be reached: "), "{found}");
    assert_eq!(world.asked(), 0);
    let nobody = Supplier::new(Client::new(Settings::default()).unwrap()).supply(world.set()).await;
    assert!(lack(&nobody).unwrap().contains("which is not asked for: "), "{nobody:?}");
}
