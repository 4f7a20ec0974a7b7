//! Who signs: a key, a key with a certificate, or whoever an identity token is about.

use keys::{KeyKind, PrivateKey, PublicKey};
use rustls_pki_types::UnixTime;
use verifier::{IdentityMatcher, TextMatcher};

use crate::{CertificateFault, Chain, Services, SignError, SigningAlgorithm, SigningKey, clock, token::IdentityToken};

/// Who signs, before anything was asked of anybody.
#[derive(Debug)]
pub enum By {
    /// The holder of a key.
    Key(SigningKey),
    /// Whom this token is about. A key is made for the occasion, and wiped with the credential.
    Identity(IdentityToken, SigningAlgorithm),
    /// Whom this token is about, with a key that they have already.
    Issued(IdentityToken, SigningKey),
    /// The holder of a key, by the name that a certificate gives.
    Certificate(SigningKey, Chain),
}

/// A key that is ready to sign, with its certificate if its holder signs by name.
#[derive(Debug)]
pub struct Credential {
    key: SigningKey,
    chain: Option<Chain>,
    brief: bool,
    known_as: Option<IdentityMatcher>,
}

impl Credential {
    /// Makes ready: for a token, makes a key and has it certified. One credential signs many things, as long as its
    /// certificate lasts.
    ///
    /// # Errors
    /// Fails if a certificate is for another key, and if the authority gives none.
    pub async fn ready(by: By, services: &Services) -> Result<Self, SignError> {
        match by {
            By::Key(key) => Ok(key.into()),
            By::Certificate(key, chain) if chain.key() == key.public() => Ok(Self { chain: Some(chain), ..key.into() }),
            By::Certificate(key, chain) => {
                let (found, wanted) = (format!("{:?}", chain.key()), format!("{:?}", key.public()));
                Err(SignError::Certificate(CertificateFault::OtherKey { found, wanted }))
            }
            By::Identity(token, algorithm) => Self::issued(&token, algorithm.generate()?.into(), services).await,
            By::Issued(token, key) => Self::issued(&token, key, services).await,
        }
    }

    async fn issued(token: &IdentityToken, key: SigningKey, services: &Services) -> Result<Self, SignError> {
        if !services.tell_the_time() {
            return Err(SignError::NoClock);
        }
        let chain = services.certify(token, &key).await?;
        Ok(Self { chain: Some(chain), brief: true, known_as: known_as(token), ..key.into() })
    }

    /// The key that others check signatures with.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// The certificates, if the signer signs by name.
    #[must_use]
    pub fn certificate(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    /// Whether its certificate, if it has one, is in force.
    #[must_use]
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        self.chain.as_ref().is_none_or(|chain| chain.is_in_force(now))
    }

    /// Whether only a trusted clock can tell later on that the certificate was in force.
    pub(crate) fn lives_briefly(&self) -> bool {
        self.brief
    }

    /// Whom the token said this is. What an authority makes of it may differ.
    pub(crate) fn known_as(&self) -> Option<&IdentityMatcher> {
        self.known_as.as_ref()
    }

    /// Whether signing the same again gives another signature.
    pub(crate) fn signs_differently(&self) -> bool {
        matches!(self.public().kind(), KeyKind::P256 | KeyKind::P384 | KeyKind::P521)
    }

    /// The certificate or, without one, the key, as PEM.
    pub(crate) fn pem(&self) -> String {
        self.chain.as_ref().map_or_else(|| self.public().to_pem(), Chain::leaf_pem)
    }

    pub(crate) async fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.chain {
            Some(chain) if !chain.is_in_force(clock::now()) => {
                Err(SignError::NotInForce { until: clock::written(chain.until()) })
            }
            _ => Ok(self.key.sign(bytes).await?),
        }
    }
}

impl From<SigningKey> for Credential {
    fn from(key: SigningKey) -> Self {
        Self { key, chain: None, brief: false, known_as: None }
    }
}

impl From<PrivateKey> for Credential {
    fn from(key: PrivateKey) -> Self {
        SigningKey::from(key).into()
    }
}

fn known_as(token: &IdentityToken) -> Option<IdentityMatcher> {
    let exact = |text| TextMatcher::exact(text).ok();
    Some(IdentityMatcher::new(exact(token.issuer())?, exact(token.subject())?))
}
