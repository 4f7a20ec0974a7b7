//! A credential that is given outright is for one registry, whoever names another.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use peers::Client;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const POLICY: &str = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n\
                      spec: {images: [{glob: \"**\"}], authorities: [{static: {action: pass}}]}\n";

/// A registry that asks for a password, and keeps what it gets for one request more.
fn asks_for_a_password() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = thread::spawn(move || {
        let mut heard = String::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).expect("a request");
            heard.push_str(&String::from_utf8_lossy(&bytes[..length]));
            let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\
                          Connection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
        heard
    });
    (address, serving)
}

fn client_with_policy() -> Client {
    let client = Client::new();
    std::fs::write(client.home().join("p.yaml"), POLICY).expect("a policy");
    client
}

#[test]
fn one_registry_gets_it() {
    let (address, serving) = asks_for_a_password();
    let client = client_with_policy();
    let image = format!("{address}/a/b:1");
    let flags = ["--registry-username", "ann", "--registry-password", "s3cret"];
    let _ = client.run(PROGRAM, [&["triangulate"][..], &flags, &[&image]].concat());
    assert!(serving.join().expect("served").to_lowercase().contains("authorization: basic"));
}

#[test]
fn several_registries_get_nothing() {
    let client = client_with_policy();
    let images = ["127.0.0.1:9/a/b:1", "127.0.0.1:10/a/b:1"];
    let flags = ["--registry-username", "ann", "--registry-password", "s3cret"];
    for (command, code) in [(&["check", "--policy", "p.yaml"][..], 2), (&["sign", "--key", "k"], 1)] {
        let outcome = client.run(PROGRAM, [command, &flags, &images].concat());
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(outcome.stderr.contains("several registries: 127.0.0.1:10, 127.0.0.1:9"), "{outcome:?}");
    }
}

#[test]
fn webhook_does_not_start_with_one() {
    let mut client = client_with_policy();
    client.set("COSIGN_REGISTRY_TOKEN", "s3cret");
    let outcome = client.run(PROGRAM, ["webhook", "--policy", "p.yaml", "--listen", "127.0.0.1:0"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.stderr.contains("every registry that an image names"), "{outcome:?}");
    assert!(!outcome.stderr.contains("s3cret"), "{outcome:?}");
}
