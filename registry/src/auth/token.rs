//! Tokens from a token service, and the cache that hands them out.
//!
//! A token is kept under everything that went into it: registry, realm, service, credential and scope. So no request
//! is ever sent with a token that another credential got. Many who wait for one token make one request.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use moka::{Expiry, future::Cache};
use oci::Digest;
use serde_json::Value;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    Credential, RegistryError,
    address::Registry,
    answer::Answer,
    error::{Item, Violation, excerpt},
    transport::{Outgoing, Transport},
};

/// What a token is for, and who got it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(super) registry: String,
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) scopes: Vec<String>,
    /// None for nobody.
    pub(super) credential: Option<Digest>,
}

/// A token, ready to be sent.
pub(crate) struct Token {
    pub(super) header: HeaderValue,
    lifetime: Duration,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.lifetime)
    }
}

/// The tokens in use.
#[derive(Debug, Clone)]
pub(crate) struct Tokens(Cache<TokenKey, Arc<Token>>);

impl Tokens {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(MAX_TOKENS).expire_after(Lifetime).build())
    }

    pub(super) async fn get(&self, key: &TokenKey) -> Option<Arc<Token>> {
        self.0.get(key).await
    }

    /// The cached token, or a new one.
    pub(super) async fn get_or_fetch(
        &self,
        transport: &Transport,
        registry: &Registry,
        key: &TokenKey,
        credential: Option<&Credential>,
    ) -> Result<Arc<Token>, RegistryError> {
        let fetched =
            self.0.try_get_with_by_ref(key, async { Ok(Arc::new(fetch(transport, registry, key, credential).await?)) });
        fetched.await.map_err(|error: Arc<RegistryError>| RegistryError::TokenService {
            registry: registry.name.clone(),
            realm: excerpt(key.realm.host_str().unwrap_or_default().as_bytes()),
            error: Box::new(Arc::unwrap_or_clone(error)),
        })
    }

    /// Forgets a token that a registry did not accept, unless somebody has replaced it already.
    pub(super) async fn forget(&self, key: &TokenKey, rejected: &Arc<Token>) {
        if self.0.get(key).await.is_some_and(|cached| Arc::ptr_eq(&cached, rejected)) {
            self.0.invalidate(key).await;
        }
    }
}

struct Lifetime;

impl Expiry<TokenKey, Arc<Token>> for Lifetime {
    fn expire_after_create(&self, _key: &TokenKey, token: &Arc<Token>, _created: Instant) -> Option<Duration> {
        Some(token.lifetime)
    }
}

/// A password goes by GET first, which every service knows; an identity token by POST first, which is its protocol.
/// Each falls back to the other where the service shows that it does not know the way.
async fn fetch(
    transport: &Transport,
    registry: &Registry,
    key: &TokenKey,
    credential: Option<&Credential>,
) -> Result<Token, RegistryError> {
    let (first, other, unknown): (_, _, &[u16]) = match credential {
        None => (get(key, None), None, &[]),
        Some(Credential::RegistryToken(token)) => {
            return bearer(token.reveal(), MAX_LIFETIME).ok_or_else(|| no_token(registry));
        }
        Some(Credential::Password { user, password }) => {
            let form = [("grant_type", "password"), ("username", user), ("password", password.reveal())];
            (get(key, Some((user, password.reveal()))), Some(post(key, &form)), &[404, 405])
        }
        Some(Credential::IdentityToken(token)) => {
            let form = [("grant_type", "refresh_token"), ("refresh_token", token.reveal())];
            (post(key, &form), Some(get(key, Some(("<token>", token.reveal())))), &[400, 401, 404, 405])
        }
    };
    let (url, outgoing) = first;
    let mut answer = transport.fetch(registry, url, &outgoing).await?;
    if let Some((url, outgoing)) = other.filter(|_| unknown.contains(&answer.status.as_u16())) {
        answer.beginning().await;
        drop(answer);
        answer = transport.fetch(registry, url, &outgoing).await?;
    }
    read(transport, registry, answer, credential.is_none()).await
}

fn get(key: &TokenKey, user: Option<(&str, &str)>) -> (Url, Outgoing) {
    let mut url = key.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(key.service.iter().map(|service| ("service", service)));
        query.extend_pairs(key.scopes.iter().map(|scope| ("scope", scope)));
        query.extend_pairs(user.iter().filter(|(user, _)| *user != "<token>").map(|(user, _)| ("account", user)));
    }
    let authorization = user.map(|(user, password)| basic(user, password));
    (url, Outgoing { authorization, ..Outgoing::get() })
}

fn post(key: &TokenKey, grant: &[(&str, &str)]) -> (Url, Outgoing) {
    let body = Some(Bytes::from_owner(form(key, grant)));
    let mut outgoing = Outgoing { method: Method::POST, body, ..Outgoing::get() };
    outgoing.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    (key.realm.clone(), outgoing)
}

/// The form with the grant in it, wiped when the last request with it is dropped. There is room for all of it from the
/// beginning: a text that grows leaves its beginnings behind.
fn form(key: &TokenKey, grant: &[(&str, &str)]) -> Zeroizing<String> {
    let scopes = key.scopes.join(" ");
    let service = key.service.iter().map(|service| ("service", service.as_str()));
    let rest = [("client_id", "sealgate"), ("access_type", "online"), ("scope", &scopes)];
    let pairs: Vec<_> = grant.iter().copied().chain(service).chain(rest).collect();
    // each byte is written as three at most
    let room = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    form_urlencoded::Serializer::new(&mut *text).extend_pairs(pairs);
    text
}

async fn read(
    transport: &Transport,
    registry: &Registry,
    mut answer: Answer,
    anonymous: bool,
) -> Result<Token, RegistryError> {
    if !answer.status.is_success() {
        answer.anonymous = anonymous;
        return Err(answer.into_error().await);
    }
    let bytes = Zeroizing::new(answer.read(Item::Token, transport.limits.token_answer).await?);
    parse(&bytes).ok_or_else(|| no_token(registry))
}

fn parse(bytes: &[u8]) -> Option<Token> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let seconds = value.get("expires_in").and_then(Value::as_f64).unwrap_or(0.0);
    let lifetime = Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default();
    bearer(text("token").or_else(|| text("access_token"))?, lifetime.clamp(MIN_LIFETIME, MAX_LIFETIME))
}

fn bearer(token: &str, lifetime: Duration) -> Option<Token> {
    let mut header = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {token}"))).ok()?;
    header.set_sensitive(true);
    Some(Token { header, lifetime })
}

/// The `Authorization` header for user and password.
pub(super) fn basic(user: &str, password: &str) -> HeaderValue {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let mut text = Zeroizing::new(String::with_capacity("Basic ".len() + pair.len().div_ceil(3) * 4));
    text.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut text);
    let mut header = HeaderValue::from_str(&text).expect("base64 is visible ASCII");
    header.set_sensitive(true);
    header
}

fn no_token(registry: &Registry) -> RegistryError {
    RegistryError::Violation { registry: registry.name.clone(), violation: Violation::NoToken }
}

/// What the protocol guarantees where a service names no lifetime.
const MIN_LIFETIME: Duration = Duration::from_secs(60);
/// However long a service says: a withdrawn right must end some time.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);
const MAX_TOKENS: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_is_kept_between_a_minute_and_an_hour() {
        let lifetime = |text: &str| parse(text.as_bytes()).unwrap().lifetime;
        assert_eq!(lifetime(r#"{"token":"t"}"#), MIN_LIFETIME);
        assert_eq!(lifetime(r#"{"token":"t","expires_in":-5}"#), MIN_LIFETIME);
        assert_eq!(lifetime(r#"{"token":"t","expires_in":1e300}"#), MAX_LIFETIME);
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":300}"#), Duration::from_secs(300));
    }

    #[test]
    fn answers_without_a_usable_token_are_refused() {
        for text in ["", "{}", r#"{"token":""}"#, r#"{"token":5}"#, r#"{"token":"a\nb"}"#, "[]"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn form_holds_the_grant_and_never_outgrows_its_room() {
        let key = TokenKey {
            registry: "a.b".into(),
            realm: Url::parse("https://a.b/token").unwrap(),
            service: Some("reg istry".into()),
            scopes: vec!["repository:a:pull".into(), "x".into()],
            credential: None,
        };
        let secret = "ä&\u{1f980}\n".repeat(1000);
        let text = form(&key, &[("grant_type", "password"), ("password", &secret)]);
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((get("grant_type"), get("password")), (Some("password"), Some(secret.as_str())));
        assert_eq!((get("service"), get("scope")), (Some("reg istry"), Some("repository:a:pull x")));
        assert_eq!((get("client_id"), get("access_type"), pairs.len()), (Some("sealgate"), Some("online"), 6));
        assert!(text.capacity() < text.len() + 500, "a text that grows doubles its room");
    }

    #[test]
    fn basic_authorization_is_user_and_password() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn debug_shows_no_token() {
        let token = parse(br#"{"token":"hunter2"}"#).unwrap();
        assert!(!format!("{token:?} {:?}", token.header).contains("hunter2"));
    }
}
