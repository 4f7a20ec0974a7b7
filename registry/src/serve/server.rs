//! The registry as a service: who may ask, which function answers, what is logged.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE, request::Parts};
use tokio::net::TcpListener;

use super::{
    Access, AccessLog, Account, Limits, Options, ServeError, blobs,
    endpoint::Endpoint,
    listing, manifests,
    problem::Problem,
    store::Store,
    uploads::{self, Sessions},
};

/// An open registry, cheap to clone. Its directory, if it has one, is free again when the last clone is dropped.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    sessions: Sessions,
    account: Option<Account>,
    referrers: bool,
    limits: Limits,
    latency: std::time::Duration,
    access_log: Option<AccessLog>,
}

impl Registry {
    /// Opens the storage.
    ///
    /// # Errors
    /// Fails if the directory cannot be used, belongs to another process, or holds what this registry would not have
    /// written.
    pub fn open(options: Options) -> Result<Self, ServeError> {
        let Options { storage, account, referrers, limits, latency, access_log } = options;
        let store = Store::open(&storage, limits.total_bytes)?;
        let sessions = Sessions::new(limits.uploads, limits.upload_expiry);
        Ok(Self(Arc::new(Inner { store, sessions, account, referrers, limits, latency, access_log })))
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn has_referrers(&self) -> bool {
        self.0.referrers
    }
}

/// Serves a registry on this listener until the future is dropped or the listener fails.
///
/// # Errors
/// Fails before the first answer if everybody who can reach the listener could push: without an account only loopback
/// is served. Fails as [`Registry::open`] does.
pub async fn serve(options: Options, listener: TcpListener) -> Result<(), ServeError> {
    options.check_address(listener.local_addr().map_err(ServeError::Listener)?)?;
    let registry = Registry::open(options)?;
    axum::serve(listener, router(registry)).await.map_err(ServeError::Listener)
}

/// The registry as a service that can be called without a socket. Whoever binds it to one decides who can reach it;
/// [`serve`] refuses what would be open to everybody.
pub fn router(registry: Registry) -> Router {
    Router::new()
        .route("/v2", any(base))
        .route("/v2/", any(base))
        .route("/v2/{*rest}", any(dispatch))
        .fallback(async || Problem::NoEndpoint)
        .layer(from_fn_with_state(registry.clone(), front))
        .with_state(registry)
}

/// What is done for every request, whatever it asks.
async fn front(State(registry): State<Registry>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    if !registry.0.latency.is_zero() {
        tokio::time::sleep(registry.0.latency).await;
    }
    let mut response = match &registry.0.account {
        Some(account) if !account.admits(request.headers()) => Problem::Unauthorized.into_response(),
        _ => next.run(request).await,
    };
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    let status = response.status();
    tracing::debug!(%method, ?target, status = status.as_u16(), "answered");
    if let Some(log) = &registry.0.access_log {
        log.tell(Access { method, target, status });
    }
    response
}

async fn base(method: Method) -> Result<Response, Problem> {
    match method {
        Method::GET | Method::HEAD => Ok(([(CONTENT_TYPE, "application/json")], "{}").into_response()),
        _ => Err(Problem::Method),
    }
}

async fn dispatch(
    State(registry): State<Registry>,
    Path(rest): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let asked = Asked::new(registry, &parts);
    let endpoint = Endpoint::parse(&rest)?;
    match parts.method {
        Method::GET | Method::HEAD => read(&asked, endpoint).await,
        Method::DELETE => delete(&asked, endpoint),
        method => write(&asked, &method, endpoint, body).await,
    }
}

async fn read(asked: &Asked, endpoint: Endpoint) -> Result<Response, Problem> {
    match endpoint {
        Endpoint::Catalog => listing::catalog(asked),
        Endpoint::Tags(repository) => listing::tags(asked, &repository),
        Endpoint::Referrers(repository, digest) => listing::referrers(asked, &repository, &digest),
        Endpoint::Manifest(repository, reference) => manifests::get(asked, &repository, &reference),
        Endpoint::Blob(repository, digest) => blobs::get(asked, &repository, &digest).await,
        Endpoint::Upload(repository, id) => uploads::status(asked, &repository, &id),
        Endpoint::Uploads(_) => Err(Problem::Method),
    }
}

fn delete(asked: &Asked, endpoint: Endpoint) -> Result<Response, Problem> {
    match endpoint {
        Endpoint::Manifest(repository, reference) => manifests::delete(asked, &repository, &reference),
        Endpoint::Blob(repository, digest) => blobs::delete(asked, &repository, &digest),
        Endpoint::Upload(repository, id) => uploads::cancel(asked, &repository, &id),
        _ => Err(Problem::Method),
    }
}

async fn write(asked: &Asked, method: &Method, endpoint: Endpoint, body: Body) -> Result<Response, Problem> {
    match (method, endpoint) {
        (&Method::PUT, Endpoint::Manifest(repository, reference)) => {
            manifests::put(asked, &repository, &reference, body).await
        }
        (&Method::POST, Endpoint::Uploads(repository)) => uploads::begin(asked, &repository, body).await,
        (&Method::PATCH, Endpoint::Upload(repository, id)) => uploads::add(asked, &repository, &id, body).await,
        (&Method::PUT, Endpoint::Upload(repository, id)) => uploads::finish(asked, &repository, &id, body).await,
        _ => Err(Problem::Method),
    }
}

/// What every endpoint is asked with.
pub(super) struct Asked {
    pub(super) registry: Registry,
    pub(super) headers: HeaderMap,
    query: Vec<(String, String)>,
}

impl Asked {
    fn new(registry: Registry, parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { registry, headers: parts.headers.clone(), query }
    }

    /// The first parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A header that stands once and is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// The digest of what an answer is about.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
