//! The identity providers, in this process: they publish their key and give a token to whoever asks the test.
//!
//! Three of them under one address, by the kind of subject that the certificate authority is told to expect from
//! each: e-mail addresses, URIs, GitHub workflows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A person, by e-mail address.
    Email(&'a str),
    /// A workload, by the path of a URI at the provider's own host.
    Workload(&'a str),
    /// The workflow `.github/workflows/release.yml@refs/heads/main` of this repository on GitHub.
    Workflow(&'a str),
}

/// The providers, gone when dropped.
#[derive(Debug)]
pub(super) struct Issuer {
    address: SocketAddr,
    key: KeyPair,
    ended: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("the system has randomness");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let ended = Arc::new(AtomicBool::new(false));
        let published = Published { address, keys: key_set(&key) };
        let serving = thread::spawn({
            let ended = Arc::clone(&ended);
            move || serve(&listener, &published, &ended)
        });
        Self { address, key, ended, serving: Some(serving) }
    }

    /// The base of all three.
    pub(super) fn url(&self, provider: &str) -> String {
        format!("http://{}/{provider}", self.address)
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Which of them vouches for that subject.
    pub(super) fn url_for(&self, subject: Subject<'_>) -> String {
        self.url(match subject {
            Subject::Email(_) => EMAIL,
            Subject::Workload(_) => URI,
            Subject::Workflow(_) => GITHUB,
        })
    }

    /// The name that a certificate for that subject has.
    pub(super) fn certified_name(&self, subject: Subject<'_>) -> String {
        match subject {
            Subject::Email(address) => address.to_owned(),
            Subject::Workload(path) => format!("http://{}/{path}", self.address),
            Subject::Workflow(repository) => format!("https://github.com/{}", workflow_of(repository)),
        }
    }

    pub(super) fn token(&self, subject: Subject<'_>) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
        let mut claims = json!({
            "iss": self.url_for(subject), "aud": "sigstore", "iat": now, "nbf": now - 5, "exp": now + 600,
        });
        let own = self.claims(subject);
        claims.as_object_mut().expect("claims are an object").extend(own.as_object().cloned().expect("so are these"));
        self.signed(&claims)
    }

    fn claims(&self, subject: Subject<'_>) -> Value {
        match subject {
            Subject::Email(address) => json!({ "sub": address, "email": address, "email_verified": true }),
            Subject::Workload(_) => json!({ "sub": self.certified_name(subject) }),
            Subject::Workflow(repository) => json!({
                "sub": format!("repo:{repository}:ref:{REF}"),
                "job_workflow_ref": workflow_of(repository),
                "repository": repository, "ref": REF, "sha": SHA, "event_name": "push", "workflow": "release",
            }),
        }
    }

    fn signed(&self, claims: &Value) -> String {
        // cosign takes a token of any other algorithm for the name of a file.
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "1" });
        let text = format!("{}.{}", encoded(&header.to_string()), encoded(&claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.expect("the system has randomness");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Whoever waits for a connection sees the flag when one comes.
        let _ = TcpStream::connect(self.address);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

struct Published {
    address: SocketAddr,
    keys: Value,
}

impl Published {
    fn answer(&self, path: &str) -> Option<Value> {
        let (provider, rest) = path.trim_start_matches('/').split_once('/')?;
        let issuer = format!("http://{}/{provider}", self.address);
        match rest {
            _ if ![EMAIL, URI, GITHUB].contains(&provider) => None,
            ".well-known/openid-configuration" => Some(json!({
                "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
                "response_types_supported": ["code", "id_token"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })),
            "keys" => Some(self.keys.clone()),
            _ => None,
        }
    }
}

/// One after another: a request is answered in microseconds, and a client that says nothing is left after a second.
fn serve(listener: &TcpListener, published: &Published, ended: &AtomicBool) {
    for stream in listener.incoming().map_while(Result::ok) {
        if ended.load(Ordering::SeqCst) {
            return;
        }
        // A client that goes away is its own trouble.
        let _ = answer(&stream, published);
    }
}

fn answer(stream: &TcpStream, published: &Published) -> std::io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next().and_then(|line| Some(line.strip_prefix("GET ")?.split_once(' ')?.0.to_owned()));
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let (status, body) = match path.and_then(|path| published.answer(&path)) {
        Some(value) => ("200 OK", value.to_string()),
        None => ("404 Not Found", String::new()),
    };
    let mut stream = stream;
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n")?;
    write!(stream, "Connection: close\r\n\r\n{body}")
}

fn key_set(key: &KeyPair) -> Value {
    // Of 2048 bits: eight bytes that say how long the parts are, a zero, the modulus, then the exponent 65537.
    let modulus = URL_SAFE_NO_PAD.encode(&key.public_key().as_ref()[9..265]);
    json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": modulus, "e": "AQAB" }] })
}

fn workflow_of(repository: &str) -> String {
    format!("{repository}/.github/workflows/release.yml@{REF}")
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) const EMAIL: &str = "email";
pub(super) const URI: &str = "uri";
pub(super) const GITHUB: &str = "github";
const REF: &str = "refs/heads/main";
const SHA: &str = "5f3c1a0e9d8b7a6958473625140f1e2d3c4b5a69";
const SILENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::exchange;

    fn get(issuer: &Issuer, path: &str) -> (u16, Value) {
        let stream = TcpStream::connect(issuer.address).unwrap();
        let answer = exchange(stream, "GET", path, &[]).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    #[test]
    fn a_provider_names_itself_and_publishes_its_key() {
        let issuer = Issuer::start();
        let (status, about) = get(&issuer, "/email/.well-known/openid-configuration");
        assert_eq!((status, about["issuer"].as_str().unwrap()), (200, issuer.url(EMAIL).as_str()));
        let (status, keys) = get(&issuer, "/email/keys");
        assert_eq!((status, keys["keys"].as_array().unwrap().len()), (200, 1));
        assert_eq!(get(&issuer, "/nobody/keys").0, 404);
        assert_eq!(get(&issuer, "/email/token").0, 404);
    }

    #[test]
    fn nobody_answers_when_it_is_dropped() {
        let issuer = Issuer::start();
        let address = issuer.address;
        drop(issuer);
        assert!(TcpStream::connect(address).is_err());
    }
}
