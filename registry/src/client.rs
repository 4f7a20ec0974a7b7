//! The client: one request at a time, with the right authorisation, and what the answers to reads mean.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use oci::{AnyDigest, Descriptor, Digest, DigestError, Document, ImageRef, Repository, Tag, media_type};
use url::Url;

use crate::{
    CredentialOrigin, Credentials, Limits, RegistryError, Settings,
    address::{Guard, Registry},
    answer::Answer,
    auth::{Auth, Challenge, Scope},
    error::{ClientError, Item, Violation, excerpt},
    tls::Tls,
    transport::{Outgoing, Transport},
};

/// A client of all registries, with one set of credentials and settings. Cheap to clone; clones share connections,
/// tokens and what was learnt of registries.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: Arc<Transport>,
    auth: Auth,
}

/// What a registry says of something: it is there, or it is not. "Could not be asked" is an error instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// The registry answered that it does not exist.
    Absent,
}

impl<T> Lookup<T> {
    /// What was found, if it was.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent => None,
        }
    }

    /// The same answer about something made from what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(value) => Lookup::Found(make(value)),
            Self::Absent => Lookup::Absent,
        }
    }
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A tag.
    Tag(Tag),
    /// A digest; the bytes must have it.
    Digest(AnyDigest),
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<AnyDigest> for Reference {
    fn from(digest: AnyDigest) -> Self {
        Self::Digest(digest)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest.into())
    }
}

impl From<&ImageRef> for Reference {
    /// The digest where one is written, else the tag.
    fn from(image: &ImageRef) -> Self {
        match image.digest() {
            Some(digest) => Self::Digest(*digest),
            None => Self::Tag(image.effective_tag().expect("a reference without a digest has a tag")),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A manifest or index as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The very bytes.
    pub bytes: Bytes,
    /// The SHA-256 of the bytes, computed here.
    pub digest: Digest,
    /// The bytes, read strictly.
    pub document: Document,
    /// The registry's word for this version, for conditional writes.
    pub etag: Option<HeaderValue>,
}

impl Client {
    /// A client with these settings. Nothing is contacted, and no system certificate is read, before it is needed.
    ///
    /// # Errors
    /// Fails if the given certificate authorities cannot be used, if the user agent is no header's text, or if a
    /// limit is zero.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let Settings {
            credentials,
            certs_d,
            ca_file,
            client_cert,
            allow_http,
            allow_insecure,
            user_agent,
            allowed_addresses,
            trusted_realms,
            limits,
        } = settings;
        check_limits(&limits)?;
        let tls = Tls::new(certs_d, ca_file.as_deref(), client_cert, allow_insecure)?;
        let user_agent = HeaderValue::from_str(&user_agent)
            .map_err(|error| ClientError::Http { why: format!("user agent: {error}") })?;
        let transport = Transport::new(limits, Guard::new(allowed_addresses), tls, allow_http, user_agent);
        let auth = Auth::new(credentials, trusted_realms, transport.limits.hosts);
        Ok(Self { inner: Arc::new(Inner { transport: Arc::new(transport), auth }) })
    }

    /// The same client with these credentials in place of its own. The two share connections, limits and what was learnt
    /// of hosts; no challenge, credential or token.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let Inner { transport, auth } = &*self.inner;
        let (transport, auth) = (Arc::clone(transport), auth.with_credentials(credentials));
        Self { inner: Arc::new(Inner { transport, auth }) }
    }

    /// Where the credential was found that this repository's registry was last given; nothing where it asked for none, or
    /// none was found.
    #[must_use]
    pub fn credential_origin(&self, repository: &Repository) -> Option<CredentialOrigin> {
        self.inner.auth.origin(repository.domain())
    }

    /// The manifest under this tag or digest.
    ///
    /// The bytes have the digest asked for, and the digest that the registry's header names; they can be read in one
    /// way only.
    ///
    /// # Errors
    /// Fails unless the registry answered, in good order, that it is there or is not.
    pub async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Lookup<Fetched>, RegistryError> {
        self.manifest_within(repository, reference, self.limits().manifest).await
    }

    pub(crate) async fn manifest_within(
        &self,
        repository: &Repository,
        reference: &Reference,
        most: u64,
    ) -> Result<Lookup<Fetched>, RegistryError> {
        let ask = Ask::get(repository, format!("manifests/{reference}")).accepting(media_type::ACCEPT_MANIFESTS);
        let answer = self.send(ask).await?;
        match answer.status {
            StatusCode::OK => read_manifest(answer, reference, most).await.map(Lookup::Found),
            StatusCode::NOT_FOUND => absent(answer).await,
            _ => Err(answer.into_error().await),
        }
    }

    /// The blob that this descriptor names, of at most so many bytes; it has the digest and the size claimed.
    ///
    /// # Errors
    /// Fails, before anything is fetched, if the size claimed is over `most`.
    pub async fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        most: u64,
    ) -> Result<Lookup<Bytes>, RegistryError> {
        let registry = || repository.domain().to_owned();
        let Descriptor { digest, size, .. } = descriptor;
        if *size > most {
            let (declared, item) = (Some(*size), Item::Blob);
            return Err(RegistryError::TooLarge { registry: registry(), item, declared, limit: most });
        }
        let answer = self.send(Ask::get(repository, format!("blobs/{digest}"))).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return absent(answer).await,
            _ => return Err(answer.into_error().await),
        }
        let violation = |violation| Err(RegistryError::Violation { registry: registry(), violation });
        let bytes = match answer.read(Item::Blob, *size).await {
            Err(RegistryError::TooLarge { declared: Some(found), .. }) => {
                return violation(Violation::Size { found, wanted: *size });
            }
            other => other?,
        };
        if !digest.matches(&bytes) {
            return violation(wrong_digest(digest, &bytes));
        }
        match bytes.len() as u64 == *size {
            true => Ok(Lookup::Found(bytes.into())),
            false => violation(Violation::Size { found: bytes.len() as u64, wanted: *size }),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.transport.limits
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Sends a request: anonymously, or as the registry asked for before; after a 401 as it asks for now, twice at
    /// most (for a token that has run out, and for a scope that was too narrow).
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Answer, RegistryError> {
        let Inner { transport, auth } = &*self.inner;
        let Ask { repository, place, method, headers, body, scope } = ask;
        let registry = Registry::of(repository)?;
        let ours = match &place {
            Place::Api(_) => true,
            Place::Url(url) => transport.owns(&registry, url),
        };
        let mut grant = if ours { auth.remembered(transport, &registry, &scope).await? } else { None };
        let mut outgoing = Outgoing { method, headers, body, authorization: None };
        let mut rounds = 0;
        loop {
            outgoing.authorization = grant.as_ref().map(|grant| grant.header.clone());
            let mut answer = match &place {
                Place::Api(path) => transport.api(&registry, path, &outgoing).await?,
                Place::Url(url) => transport.fetch(&registry, url.clone(), &outgoing).await?,
            };
            answer.anonymous = grant.as_ref().is_none_or(|grant| grant.anonymous);
            let refused = answer.status == StatusCode::UNAUTHORIZED && !answer.elsewhere && ours;
            let challenge = Challenge::from_headers(&answer.headers).filter(|_| refused && rounds < CHALLENGES);
            let Some(challenge) = challenge else { return Ok(answer) };
            answer.beginning().await;
            match auth.after_refusal(transport, &registry, &scope, challenge, grant.as_ref()).await? {
                Some(better) => grant = Some(better),
                None => return Ok(answer),
            }
            rounds += 1;
        }
    }
}

/// One request of the registry protocol.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    repository: &'a Repository,
    place: Place,
    method: Method,
    headers: HeaderMap,
    body: Option<Bytes>,
    scope: Scope,
}

#[derive(Debug)]
enum Place {
    /// A path of the API.
    Api(String),
    /// An address that the registry gave us.
    Url(Url),
}

impl<'a> Ask<'a> {
    /// A read of what is at this path below the repository.
    pub(crate) fn get(repository: &'a Repository, path: impl AsRef<str>) -> Self {
        let place = Place::Api(format!("/v2/{}/{}", repository.path(), path.as_ref()));
        let (headers, scope) = (HeaderMap::new(), Scope::pull(repository));
        Self { repository, place, method: Method::GET, headers, body: None, scope }
    }

    /// A write, or a read on the way to one, with a body.
    pub(crate) fn write(
        repository: &'a Repository,
        method: Method,
        path: impl AsRef<str>,
        body: Option<Bytes>,
    ) -> Self {
        Self { method, body, scope: Scope::push(repository), ..Self::get(repository, path) }
    }

    /// The same request to an address that the registry gave us.
    pub(crate) fn at(self, url: Url) -> Self {
        Self { place: Place::Url(url), ..self }
    }

    pub(crate) fn accepting(self, types: &'static str) -> Self {
        self.header(header::ACCEPT, HeaderValue::from_static(types))
    }

    pub(crate) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// The registry says that it is not there; the connection is kept.
pub(crate) async fn absent<T>(mut answer: Answer) -> Result<Lookup<T>, RegistryError> {
    answer.beginning().await;
    Ok(Lookup::Absent)
}

async fn read_manifest(answer: Answer, reference: &Reference, most: u64) -> Result<Fetched, RegistryError> {
    let registry = answer.registry.clone();
    let violation = |violation| RegistryError::Violation { registry: registry.clone(), violation };
    let headers = answer.headers.clone();
    let bytes: Bytes = answer.read(Item::Manifest, most).await?.into();
    check_digests(&headers, reference, &bytes).map_err(violation)?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let document = Document::parse(&bytes, content_type).map_err(|error| violation(error.into()))?;
    Ok(Fetched { digest: Digest::of(&bytes), bytes, document, etag: headers.get(header::ETAG).cloned() })
}

fn check_digests(headers: &HeaderMap, reference: &Reference, bytes: &[u8]) -> Result<(), Violation> {
    if let Reference::Digest(wanted) = reference
        && !wanted.matches(bytes)
    {
        return Err(wrong_digest(wanted, bytes));
    }
    check_digest_header(headers, bytes)
}

fn wrong_digest(wanted: &AnyDigest, bytes: &[u8]) -> Violation {
    Violation::Digest { found: Box::new(wanted.same_algorithm(bytes)), wanted: Box::new(*wanted) }
}

/// Compares the header with the bytes. A header by an algorithm that we do not know says nothing to us.
pub(crate) fn check_digest_header(headers: &HeaderMap, bytes: &[u8]) -> Result<(), Violation> {
    let Some(value) = headers.get("docker-content-digest") else { return Ok(()) };
    let named = value.to_str().unwrap_or_default().parse::<AnyDigest>();
    match named {
        Ok(named) if named.matches(bytes) => Ok(()),
        Err(DigestError::UnknownAlgorithm { .. }) => Ok(()),
        named => {
            let found = named.map_or_else(|_| Digest::of(bytes).into(), |named| named.same_algorithm(bytes));
            Err(Violation::DigestHeader { header: excerpt(value.as_bytes()), found: Box::new(found) })
        }
    }
}

/// A limit of zero would be a client that fails always, or one that waits for ever.
fn check_limits(limits: &Limits) -> Result<(), ClientError> {
    let zero = [
        ("manifest", limits.manifest == 0),
        ("requests_per_host", limits.requests_per_host == 0),
        ("large_bodies", limits.large_bodies == 0),
        ("hosts", limits.hosts == 0),
        ("connect", limits.connect.is_zero()),
        ("request", limits.request.is_zero()),
        ("merge_rounds", limits.merge_rounds == 0),
        ("pages", limits.pages == 0),
    ];
    match zero.into_iter().find(|(_, zero)| *zero) {
        Some((name, _)) => Err(ClientError::ZeroLimit { name }),
        None => Ok(()),
    }
}

/// Challenges answered for one request.
const CHALLENGES: u32 = 2;
