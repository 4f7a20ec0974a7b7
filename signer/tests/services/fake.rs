//! A Sigstore in one process whose answers a test can spoil, and a registry beside it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, extract::Request};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use keys::{PrivateKey, PublicKey};
use oci::{Descriptor, ImageRef, media_type};
use registry::{
    Client, Precondition, Reference, Settings,
    serve::{self, Options},
};
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use signer::{Services, token::IdentityToken};
use tokio::task::JoinHandle;
use verifier::{CertificateAuthority, TimestampAuthority, TransparencyLog, TrustRoot, Window};

use crate::{
    authority::{Authority, Clock, ISSUER},
    log::Log,
};

/// What a service answers.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a service was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Given how often it was asked before, what was asked, and the genuine answer: the answer; none is silence.
type Spoil = Box<dyn Fn(usize, &Asked, Reply) -> Option<Reply> + Send + Sync>;

pub(crate) struct World {
    pub(crate) names: Authority,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    spoils: Mutex<HashMap<&'static str, Spoil>>,
    asked: Mutex<Vec<Asked>>,
}

/// The services' address, and what they are asked; all ends with it.
pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) registry: String,
    pub(crate) world: Arc<World>,
    pub(crate) client: Client,
    tasks: Vec<JoinHandle<()>>,
}

pub(crate) const CERTIFY: &str = "/api/v2/signingCert";
pub(crate) const LOG_1: &str = "/api/v1/log/entries";
pub(crate) const LOG_2: &str = "/api/v2/log/entries";
pub(crate) const STAMP: &str = "/stamp";
pub(crate) const ALICE: &str = "alice@a.test";

impl Fake {
    pub(crate) async fn start() -> Self {
        let world = Arc::new(World {
            names: Authority::new("names"),
            clock: Clock::new(),
            log: Log(PrivateKey::generate().unwrap()),
            spoils: Mutex::default(),
            asked: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = world.clone();
        let router = Router::new().fallback(async move |request: Request| served.serve(request).await);
        let services = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registry = listener.local_addr().unwrap().to_string();
        let stored = tokio::spawn(async move { serve::serve(Options::default(), listener).await.unwrap() });
        let client = Client::new(Settings::default()).unwrap();
        Self { address, registry, world, client, tasks: vec![services, stored] }
    }

    /// From now on this path answers so.
    pub(crate) fn spoil(
        &self,
        path: &'static str,
        spoil: impl Fn(usize, &Asked, Reply) -> Option<Reply> + Send + Sync + 'static,
    ) {
        self.world.spoils.lock().unwrap().insert(path, Box::new(spoil));
    }

    /// What was asked of this path, in order.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.world.asked.lock().unwrap().iter().filter(|asked| asked.path.starts_with(path)).cloned().collect()
    }

    /// Trust in everything here.
    pub(crate) fn trust(&self) -> TrustRoot {
        let World { names, clock, log, .. } = &*self.world;
        TrustRoot::new(vec![])
            .with_authority(CertificateAuthority::from_pem(names.pem(), Window::UNBOUNDED).unwrap())
            .with_log(TransparencyLog::new(log.0.public().clone(), "https://log.test", Window::UNBOUNDED))
            .with_timestamp_authority(TimestampAuthority::from_pem(clock.authority.pem(), Window::UNBOUNDED).unwrap())
    }

    pub(crate) fn services(&self) -> Services {
        Services::none().patient(Duration::from_secs(20)).with_authority(&self.address).unwrap()
    }

    pub(crate) fn stamp_url(&self) -> String {
        format!("{}{STAMP}", self.address)
    }

    /// An image in the registry.
    pub(crate) async fn image(&self, name: &str) -> ImageRef {
        let image: ImageRef = format!("{}/{name}:v1", self.registry).parse().unwrap();
        let config = json!({ "architecture": "amd64", "os": "linux", "note": name }).to_string().into_bytes();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "layers": [],
            "config": Descriptor::of(media_type::OCI_CONFIG, &config) });
        self.client.push_blob(image.repository(), &config.into()).await.unwrap();
        let (tag, kind) = (Reference::from(&image), media_type::OCI_MANIFEST);
        let bytes = manifest.to_string().into_bytes().into();
        self.client.push_manifest(image.repository(), &tag, kind, bytes, Precondition::None).await.unwrap();
        image
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    async fn serve(&self, request: Request) -> (StatusCode, HeaderMap, Bytes) {
        let path = request.uri().path().to_owned();
        let authorization = request.headers().get("authorization").map(|text| text.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap().to_vec();
        let asked = Asked { path, authorization, body };
        let reply = self.answer(&asked);
        let Some(Reply { status, headers, body }) = reply else { std::future::pending().await };
        let pairs = headers.iter().map(|(name, text)| (name.parse().unwrap(), text.parse().unwrap()));
        (StatusCode::from_u16(status).unwrap(), pairs.collect(), body.into())
    }

    fn answer(&self, asked: &Asked) -> Option<Reply> {
        let genuine = self.genuine(asked);
        let mut all = self.asked.lock().unwrap();
        let before = all.iter().filter(|other| other.path == asked.path).count();
        all.push(asked.clone());
        match self.spoils.lock().unwrap().get(asked.path.as_str()) {
            Some(spoil) => spoil(before, asked, genuine),
            None => Some(genuine),
        }
    }

    fn genuine(&self, asked: &Asked) -> Reply {
        let json = || serde_json::from_slice::<Value>(&asked.body).unwrap();
        match asked.path.as_str() {
            CERTIFY => {
                let pem = json()["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap().to_owned();
                Reply::json(200, &self.certified(&PublicKey::from_pem(pem.as_bytes()).unwrap(), 600))
            }
            LOG_1 => Reply::json(201, &self.log.version_1(&json(), now())),
            LOG_2 => Reply::json(201, &self.log.version_2(&json())),
            STAMP => {
                let at = asked.body.windows(2).position(|two| two == [0x04, 0x20]).unwrap() + 2;
                Reply { status: 200, headers: vec![], body: self.clock.token(&asked.body[at..at + 32], now()) }
            }
            _ => Reply::json(404, &json!({ "message": "nothing here" })),
        }
    }

    /// The answer with a certificate for this key.
    pub(crate) fn certified(&self, key: &PublicKey, seconds: u64) -> Value {
        let chain = [self.names.certify(key, ALICE, seconds), self.names.pem().to_owned()];
        json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": chain } } })
    }
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: value.to_string().into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::json(status, &json!({ "code": 3, "message": "words of the\nservice" }))
    }

    pub(crate) fn with(mut self, name: &'static str, text: &str) -> Self {
        self.headers.push((name, text.to_owned()));
        self
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of Alice's, and its text.
pub(crate) fn token() -> (IdentityToken, String) {
    token_saying("more", &Value::Null)
}

/// The same with one more claim.
pub(crate) fn token_saying(name: &str, value: &Value) -> (IdentityToken, String) {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = json!({ "iss": ISSUER, "sub": "1", "email": ALICE, "email_verified": true, "aud": "sigstore",
        "exp": now() + 600 });
    claims[name] = value.clone();
    let text = format!("{}.{}.c2VjcmV0", part(json!({ "alg": "RS256" })), part(claims));
    (IdentityToken::read(&text, UnixTime::now()).unwrap(), text)
}
