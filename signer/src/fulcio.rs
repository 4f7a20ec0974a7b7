//! The certificate authority: an identity token and a fresh key in, a certificate that lives for minutes out.
//!
//! The token goes into a header of one request, to the address that was chosen, and nowhere else.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::{KeyKind, PublicKey};
use registry::Secret;
use serde_json::{Value, json};

use crate::{
    CertificateFault, Chain, Service, ServiceError, SignError, SigningKey,
    service::Address,
    token::{IdentityToken, Web, web::Body},
};

/// Fulcio's API, version 2.
#[derive(Debug, Clone)]
pub(crate) struct Fulcio(Address);

impl Fulcio {
    pub(crate) fn new(url: &str) -> Result<Self, ServiceError> {
        Address::new(Service::CertificateAuthority, url).map(Self)
    }

    /// Has the key certified as that of whom the token is about.
    pub(crate) async fn certify(&self, web: &Web, token: &IdentityToken, key: &SigningKey) -> Result<Chain, SignError> {
        let possession = key.sign(token.subject().as_bytes()).await?;
        let request = json!({ "publicKeyRequest": {
            "publicKey": { "algorithm": algorithm(key.public().kind()), "content": key.public().to_pem() },
            "proofOfPossession": BASE64_STANDARD.encode(possession),
        }});
        let question = self.0.post(&["api", "v2", "signingCert"], Body::Json(request));
        let question = question.authorized("Bearer", &Secret::new(token.reveal().to_owned()));
        let answer = self.0.succeeded(web.ask(&question).await)?;
        let answer = answer.json().map_err(|error| self.0.failed(error))?;
        Ok(self.judge(&answer, key.public())?)
    }

    /// The certificate must be for the very key; the others are taken as they are. One whose promise of a log comes
    /// beside it is taken like one without: no format of signatures has a place for it.
    fn judge(&self, answer: &Value, key: &PublicKey) -> Result<Chain, ServiceError> {
        let chain = ["signedCertificateEmbeddedSct", "signedCertificateDetachedSct"]
            .into_iter()
            .find_map(|name| answer.get(name)?.get("chain")?.get("certificates")?.as_array())
            .ok_or_else(|| self.0.lacks("certificates"))?;
        let pem: Option<Vec<&str>> = chain.iter().map(Value::as_str).collect();
        let (leaf, others) = pem.as_deref().and_then(<[_]>::split_first).ok_or_else(|| self.0.lacks("certificates"))?;
        let fault = |fault| ServiceError::Certificate { host: self.0.host(), fault };
        let others = (!others.is_empty()).then(|| others.join("\n"));
        let chain = Chain::from_pem(leaf, others.as_deref()).map_err(fault)?;
        match chain.key() == key {
            true => Ok(chain),
            false => {
                let (found, wanted) = (format!("{:?}", chain.key()), format!("{key:?}"));
                Err(fault(CertificateFault::OtherKey { found, wanted }))
            }
        }
    }
}

fn algorithm(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "ECDSA",
        KeyKind::Rsa(_) => "RSA_PSS",
        KeyKind::Ed25519 => "ED25519",
    }
}
