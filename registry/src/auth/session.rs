//! Which `Authorization` to send: nothing first, then what the registry's challenge asks for.
//!
//! The challenge is remembered per registry, so that only the first request is made twice. A credential is looked up
//! only after a challenge, and again when it was refused or is ten minutes old.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderValue;
use oci::{Digest, Repository};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    challenge::Challenge,
    realm,
    token::{Token, TokenKey, Tokens, basic},
};
use crate::{Credential, CredentialOrigin, Credentials, RegistryError, address::Registry, transport::Transport};

/// What one request needs the right to.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    repository: String,
    push: bool,
}

impl Scope {
    pub(crate) fn pull(repository: &Repository) -> Self {
        Self { repository: repository.path().to_owned(), push: false }
    }

    pub(crate) fn push(repository: &Repository) -> Self {
        Self { repository: repository.path().to_owned(), push: true }
    }

    /// The scope by the registry protocol's own grammar, and those of the challenge that ask for no more: for this
    /// repository alone, and no writing where none is meant.
    fn with(&self, challenged: Option<&str>) -> Vec<String> {
        let actions = if self.push { "pull,push" } else { "pull" };
        let own = format!("repository:{}:{actions}", self.repository);
        let mut scopes = vec![own];
        let asked = challenged.unwrap_or_default().split(' ').filter(|scope| self.covers(scope));
        scopes.extend(asked.filter(|scope| *scope != scopes[0]).map(str::to_owned).collect::<Vec<_>>());
        scopes.truncate(MAX_SCOPES);
        scopes
    }

    fn covers(&self, scope: &str) -> bool {
        let Some(("repository", rest)) = scope.split_once(':') else { return false };
        let Some((path, actions)) = rest.rsplit_once(':') else { return false };
        let meant = |action| matches!((action, self.push), ("pull" | "metadata_read", _) | ("push", true));
        path == self.repository && actions.split(',').all(meant)
    }
}

/// What is remembered of one registry.
#[derive(Debug, Default)]
struct HostAuth {
    challenge: Mutex<Option<Challenge>>,
    credential: tokio::sync::Mutex<Option<(Instant, Option<Credential>)>>,
    /// Where that credential was found, for those who do not want to wait for another look.
    origin: Mutex<Option<CredentialOrigin>>,
}

/// An `Authorization` header, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) header: HeaderValue,
    /// Whether it was got without a credential.
    pub(crate) anonymous: bool,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Password(Digest),
    Token { key: TokenKey, token: Arc<Token>, fresh: bool },
}

/// The means to answer challenges.
#[derive(Debug)]
pub(crate) struct Auth {
    credentials: Credentials,
    trusted_realms: Vec<String>,
    tokens: Tokens,
    hosts: Mutex<HashMap<String, Arc<HostAuth>>>,
    /// Hosts that are remembered.
    most: usize,
}

impl Auth {
    pub(crate) fn new(credentials: Credentials, trusted_realms: Vec<String>, most: usize) -> Self {
        Self { credentials, trusted_realms, tokens: Tokens::new(), hosts: Mutex::default(), most }
    }

    /// The same means with other credentials. Nothing is remembered yet.
    pub(crate) fn with_credentials(&self, credentials: Credentials) -> Self {
        Self::new(credentials, self.trusted_realms.clone(), self.most)
    }

    /// Where this registry's credential was found last.
    pub(crate) fn origin(&self, registry: &str) -> Option<CredentialOrigin> {
        let host = self.hosts.lock().expect("nothing that holds this lock can panic").get(registry).cloned()?;
        let origin = host.origin.lock().expect("nothing that holds this lock can panic");
        origin.clone()
    }

    /// What is remembered of a registry. Bounded as the memory of hosts is: any other one is forgotten.
    fn host(&self, name: &str) -> Arc<HostAuth> {
        let mut hosts = self.hosts.lock().expect("nothing that holds this lock can panic");
        if let Some(host) = hosts.get(name) {
            return host.clone();
        }
        if hosts.len() >= self.most
            && let Some(any) = hosts.keys().next().cloned()
        {
            hosts.remove(&any);
        }
        hosts.entry(name.to_owned()).or_default().clone()
    }

    /// What to send with the first request, from what the registry asked for before.
    pub(crate) async fn remembered(
        &self,
        transport: &Transport,
        registry: &Registry,
        scope: &Scope,
    ) -> Result<Option<Grant>, RegistryError> {
        let host = self.host(&registry.name);
        let challenge = host.challenge.lock().expect("nothing that holds this lock can panic").clone();
        match challenge {
            None => Ok(None),
            // the scope of that challenge was for another request
            Some(challenge) => self.answer(transport, registry, scope, &challenge, None, false).await,
        }
    }

    /// What to send after a refusal; none if there is nothing better than what was refused.
    pub(crate) async fn after_refusal(
        &self,
        transport: &Transport,
        registry: &Registry,
        scope: &Scope,
        challenge: Challenge,
        refused: Option<&Grant>,
    ) -> Result<Option<Grant>, RegistryError> {
        let host = self.host(&registry.name);
        let again = refused.is_some();
        if let Some(Grant { kind: Kind::Token { key, token, fresh: false }, .. }) = refused {
            self.tokens.forget(key, token).await;
        }
        let asked = match &challenge {
            Challenge::Bearer { scope, .. } => scope.clone(),
            Challenge::Basic => None,
        };
        let grant = self.answer(transport, registry, scope, &challenge, asked.as_deref(), again).await?;
        *host.challenge.lock().expect("nothing that holds this lock can panic") = Some(challenge);
        Ok(grant.filter(|grant| !refused.is_some_and(|refused| grant.is_no_better_than(refused))))
    }

    async fn answer(
        &self,
        transport: &Transport,
        registry: &Registry,
        scope: &Scope,
        challenge: &Challenge,
        asked: Option<&str>,
        again: bool,
    ) -> Result<Option<Grant>, RegistryError> {
        if let Challenge::Bearer { realm, .. } = challenge {
            realm::check(registry, realm, transport.speaks_http(registry), &self.trusted_realms)
                .map_err(|refusal| registry.refuse(refusal))?;
        }
        let credential = self.credential(registry, again).await?;
        let Challenge::Bearer { realm, service, .. } = challenge else { return Ok(credential.and_then(password)) };
        let key = TokenKey {
            registry: registry.name.clone(),
            realm: realm.clone(),
            service: service.clone(),
            scopes: scope.with(asked),
            credential: credential.as_ref().map(Credential::fingerprint),
        };
        let cached = self.tokens.get(&key).await;
        let fresh = cached.is_none();
        let token = match cached {
            Some(token) => token,
            None => self.tokens.get_or_fetch(transport, registry, &key, credential.as_ref()).await?,
        };
        let header = token.header.clone();
        Ok(Some(Grant { header, anonymous: credential.is_none(), kind: Kind::Token { key, token, fresh } }))
    }

    /// The registry's credential; looked up once for all who wait.
    async fn credential(&self, registry: &Registry, again: bool) -> Result<Option<Credential>, RegistryError> {
        let host = self.host(&registry.name);
        let mut known = host.credential.lock().await;
        let usable = if again { RECENT } else { KEEP };
        if let Some((_, credential)) = known.as_ref().filter(|(since, _)| since.elapsed() < usable) {
            return Ok(credential.clone());
        }
        let found = self.credentials.lookup(&registry.name).await;
        let found = found.map_err(|error| RegistryError::Credential { registry: registry.name.clone(), error })?;
        if let Some((_, origin)) = &found {
            tracing::debug!(registry = registry.name, %origin, "credential found");
        }
        let (credential, origin) = found.unzip();
        *host.origin.lock().expect("nothing that holds this lock can panic") = origin;
        *known = Some((Instant::now(), credential.clone()));
        Ok(credential)
    }
}

impl Grant {
    /// Whether a registry that refused the other will refuse this one too: the same password, the same token, or a
    /// second token for the same asking.
    fn is_no_better_than(&self, refused: &Grant) -> bool {
        match (&self.kind, &refused.kind) {
            (Kind::Password(a), Kind::Password(b)) => a == b,
            (Kind::Token { key: a, token: t, .. }, Kind::Token { key: b, token: u, fresh }) => {
                a == b && (*fresh || Arc::ptr_eq(t, u))
            }
            _ => false,
        }
    }
}

/// A registry token is sent as it is, whatever the registry asks for.
fn password(credential: Credential) -> Option<Grant> {
    let kind = Kind::Password(credential.fingerprint());
    let header = match credential {
        Credential::Password { user, password } => basic(&user, password.reveal()),
        Credential::IdentityToken(token) => basic("<token>", token.reveal()),
        Credential::RegistryToken(token) => {
            let mut header = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {}", token.reveal()))).ok()?;
            header.set_sensitive(true);
            header
        }
    };
    Some(Grant { header, anonymous: false, kind })
}

/// How long a credential is used before it is looked up again.
const KEEP: Duration = Duration::from_secs(600);
/// A refused credential that was looked up within this time is not looked up again.
const RECENT: Duration = Duration::from_secs(10);
const MAX_SCOPES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(push: bool, challenged: &str) -> Vec<String> {
        Scope { repository: "a/b".into(), push }.with(Some(challenged))
    }

    #[test]
    fn challenge_cannot_widen_the_scope_to_other_repositories_or_to_writing() {
        for asked in ["repository:c:pull", "repository:a/b:pull,push", "repository:a/b:*", "registry:catalog:*", "x"] {
            assert_eq!(scopes(false, asked), ["repository:a/b:pull"], "{asked}");
        }
        assert_eq!(scopes(true, "repository:a/b:delete repository:a/b:pull,push"), ["repository:a/b:pull,push"]);
    }

    #[test]
    fn challenge_may_ask_for_the_same_right_in_other_words() {
        let asked = "repository:a/b:metadata_read,pull";
        assert_eq!(scopes(false, asked), ["repository:a/b:pull", asked]);
        assert_eq!(scopes(true, "repository:a/b:push"), ["repository:a/b:pull,push", "repository:a/b:push"]);
    }
}
