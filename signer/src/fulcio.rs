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

    pub(crate) fn address(&self) -> &Address {
        &self.0
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
        let chain = self.judge(&answer, key.public())?;
        self.is_about(&chain, token)?;
        Ok(chain)
    }

    /// The certificate must be by the word of who issued the token, or of somebody whom the token names: a provider that
    /// passes on others' word, as dex does, says whose, and which of its claims counts is the authority's to choose. The
    /// holder's name cannot be compared likewise, since authorities make it out of several claims. A certificate that
    /// names nobody is not Fulcio's own, and left to the verifier.
    fn is_about(&self, chain: &Chain, token: &IdentityToken) -> Result<(), ServiceError> {
        match chain.vouched().iter().find(|found| !token.says(found)) {
            None => Ok(()),
            Some(found) => {
                let (found, wanted) = (oci::excerpt(found, 100), oci::excerpt(token.issuer(), 100));
                let fault = CertificateFault::OtherIssuer { found, wanted };
                Err(ServiceError::Certificate { host: self.0.host(), fault })
            }
        }
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
