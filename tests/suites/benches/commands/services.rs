//! What the services of a private Sigstore take for an answer, each asked by curl: nobody who signs by an identity can
//! be faster than those that he needs.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::Digest;
use peers::{Log, Sigstore, Subject};
use serde_json::{Value, json};

use crate::{
    cases::{Case, FLOOR, find, words},
    keyless::wait_for_any_moment,
    scene::Scene,
};

/// One row for each service.
pub(crate) fn floors<'a>(scene: &'a Scene, sigstore: &'a Sigstore) -> Vec<Case<'a>> {
    let folder = scene.client().home();
    let ask = |what: &str, kind: &'static str, url: String, question: Box<dyn Fn(usize) -> Vec<u8> + 'a>| {
        let file = folder.join(what.replace(' ', "-"));
        let arguments = Box::new(move |round| {
            fs::write(&file, question(round)).expect("a temporary folder can be written");
            wait_for_any_moment(round);
            asking(kind, &file, &url)
        });
        Case { group: FLOOR, what: what.to_owned(), who: "curl", program: find("curl"), registry: None, arguments }
    };
    let [first, second] = [Log::Rekor1, Log::Rekor2].map(|log| sigstore.log(log));
    vec![
        ask("a certificate", JSON, sigstore.fulcio() + "/api/v2/signingCert", Box::new(|_| certificate(sigstore))),
        ask("an entry in Rekor v1", JSON, first + "/api/v1/log/entries", Box::new(|_| entry(version_1))),
        ask("an entry in Rekor v2", JSON, second + "/api/v2/log/entries", Box::new(|_| entry(version_2))),
        ask("a timestamp", "application/timestamp-query", sigstore.timestamps(), Box::new(timestamp)),
    ]
}

fn asking(kind: &str, question: &Path, url: &str) -> Vec<String> {
    let (header, question) = (format!("Content-Type: {kind}"), format!("@{}", question.display()));
    words(&["--silent", "--fail", "--header", &header, "--data-binary", &question], &[], &[url])
}

fn certificate(sigstore: &Sigstore) -> Vec<u8> {
    let key = new_key();
    let proof = key.sign(WHO.as_bytes()).expect("a new key signs");
    let question = json!({
        "credentials": { "oidcIdentityToken": sigstore.token(Subject::Email(WHO)) },
        "publicKeyRequest": {
            "publicKey": { "algorithm": "ECDSA", "content": key.public().to_pem() },
            "proofOfPossession": BASE64_STANDARD.encode(proof),
        },
    });
    question.to_string().into_bytes()
}

/// Of a signature by a new key: a log answers at once what it has already.
fn entry(version: fn(&Digest, &str, &PrivateKey) -> Value) -> Vec<u8> {
    let key = new_key();
    let signature = BASE64_STANDARD.encode(key.sign(MESSAGE).expect("a new key signs"));
    version(&Digest::of(MESSAGE), &signature, &key).to_string().into_bytes()
}

fn version_1(digest: &Digest, signature: &str, key: &PrivateKey) -> Value {
    json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": { "hash": { "algorithm": "sha256", "value": digest.hex() } },
        "signature": {
            "content": signature,
            "publicKey": { "content": BASE64_STANDARD.encode(key.public().to_pem()) },
        },
    } })
}

fn version_2(digest: &Digest, signature: &str, key: &PrivateKey) -> Value {
    json!({ "hashedRekordRequestV002": {
        "digest": BASE64_STANDARD.encode(digest.as_bytes()),
        "signature": { "content": signature, "verifier": {
            "publicKey": { "rawBytes": BASE64_STANDARD.encode(key.public().to_der()) },
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        } },
    } })
}

/// For another digest in each round, and with the authority's certificate.
fn timestamp(round: usize) -> Vec<u8> {
    let digest = Digest::of(&round.to_be_bytes());
    [QUERY, digest.as_bytes(), WITH_CERTIFICATE].concat()
}

fn new_key() -> PrivateKey {
    PrivateKey::generate().expect("the system has randomness")
}

const WHO: &str = "alice@sealgate.test";
const MESSAGE: &[u8] = b"a message";
const JSON: &str = "application/json";
/// `TimeStampReq`, version 1, up to the SHA-256 digest.
const QUERY: &[u8] =
    b"\x30\x39\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
/// `certReq`, true.
const WITH_CERTIFICATE: &[u8] = b"\x01\x01\xff";
