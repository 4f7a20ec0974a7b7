//! Bytes to and from hosts: which scheme, which certificates, how many redirects, how many attempts.
//!
//! Nothing here knows the registry protocol. Plain HTTP goes to loopback, or where it was allowed; a host that was
//! reached by HTTPS is never asked by HTTP afterwards. `Authorization` goes to the scheme, host and port it was meant
//! for and nowhere else.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use url::Url;

use crate::{
    Limits, RegistryError,
    address::{Guard, Registry, Scheme, is_loopback},
    answer::{Answer, Waits, failure, retry_after},
    error::{Cause, ClientError, Refusal, Violation, excerpt},
    tls::{Tls, trusting_nobody},
};

/// What goes out, to a place that the caller knows. The body may hold a password, so there is no form of it to print.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) authorization: Option<HeaderValue>,
}

impl Outgoing {
    pub(crate) fn get() -> Self {
        Self { method: Method::GET, headers: HeaderMap::new(), body: None, authorization: None }
    }

    fn only_reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// What is remembered of one host, and its queue.
#[derive(Debug)]
pub(crate) struct Host {
    scheme: OnceLock<Scheme>,
    client: OnceLock<reqwest::Client>,
    slots: Arc<Semaphore>,
    /// Places to wait for a slot.
    queue: Semaphore,
    pub(crate) lacks_referrers: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) limits: Limits,
    guard: Guard,
    tls: Tls,
    allow_http: bool,
    user_agent: HeaderValue,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    /// Who reads a large body.
    large: Arc<Semaphore>,
    plain: OnceLock<reqwest::Client>,
    system: OnceLock<reqwest::Client>,
}

impl Transport {
    pub(crate) fn new(limits: Limits, guard: Guard, tls: Tls, allow_http: bool, user_agent: HeaderValue) -> Self {
        let (hosts, plain, system) = (Mutex::default(), OnceLock::new(), OnceLock::new());
        let large = Arc::new(Semaphore::new(limits.large_bodies));
        Self { large, limits, guard, tls, allow_http, user_agent, hosts, plain, system }
    }

    /// What is remembered of a host. The memory is bounded by forgetting any other one, which costs a few requests: which
    /// one that is, a stranger who makes up names cannot choose.
    pub(crate) fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().expect("nothing that holds this lock can panic");
        if let Some(host) = hosts.get(name) {
            return host.clone();
        }
        if hosts.len() >= self.limits.hosts
            && let Some(any) = hosts.keys().next().cloned()
        {
            hosts.remove(&any);
        }
        let host = Arc::new(Host {
            scheme: OnceLock::new(),
            client: OnceLock::new(),
            slots: Arc::new(Semaphore::new(self.limits.requests_per_host)),
            queue: Semaphore::new(self.limits.waiting_per_host),
            lacks_referrers: AtomicBool::new(false),
        });
        hosts.insert(name.to_owned(), host.clone());
        host
    }

    /// Asks a registry's API, by the scheme that it is found to speak.
    pub(crate) async fn api(&self, registry: &Registry, path: &str, out: &Outgoing) -> Result<Answer, RegistryError> {
        let host = self.host(&registry.name);
        let (first, second) = match host.scheme.get() {
            Some(known) => (*known, None),
            None => self.candidates(registry),
        };
        let probing = second.is_some();
        let mut spoken = first;
        let mut result = self.attempt(registry, registry.url(first, path), out, probing).await;
        if let Some(second) = second
            && not_spoken(first, &mut result).await
        {
            let other = self.attempt(registry, registry.url(second, path), out, probing).await;
            if other.is_ok() || !matches!(&other, Err(error) if is_nothing_there(error)) {
                (spoken, result) = (second, other);
            }
        }
        if result.is_ok() {
            host.scheme.get_or_init(|| spoken);
        }
        result
    }

    /// Asks an address that is not below the API's root: a next page, an upload, a token service.
    pub(crate) async fn fetch(&self, registry: &Registry, url: Url, out: &Outgoing) -> Result<Answer, RegistryError> {
        self.attempt(registry, url, out, false).await
    }

    /// Whether this registry is spoken to in plain HTTP, as far as is known.
    pub(crate) fn speaks_http(&self, registry: &Registry) -> bool {
        self.host(&registry.name).scheme.get() == Some(&Scheme::Http)
    }

    /// Whether this address is on the registry itself, by the scheme that it speaks.
    pub(crate) fn owns(&self, registry: &Registry, url: &Url) -> bool {
        let host = self.host(&registry.name);
        host.scheme.get().is_some_and(|scheme| registry.url(*scheme, "/").origin() == url.origin())
    }

    /// Whether certificates are configured for this server, or for all.
    pub(crate) fn knows(&self, registry: &Registry) -> bool {
        self.tls.given.is_some() || self.tls.folder(&registry.authority).is_some()
    }

    /// The scheme to try, and the one to try if that is not spoken.
    fn candidates(&self, registry: &Registry) -> (Scheme, Option<Scheme>) {
        if self.knows(registry) {
            return (Scheme::Https, None);
        }
        match (registry.is_loopback(), self.allow_http) {
            (true, _) => (Scheme::Http, Some(Scheme::Https)),
            (false, true) => (Scheme::Https, Some(Scheme::Http)),
            (false, false) => (Scheme::Https, None),
        }
    }

    /// One request, repeated while that may help and there is time.
    async fn attempt(
        &self,
        registry: &Registry,
        url: Url,
        out: &Outgoing,
        probing: bool,
    ) -> Result<Answer, RegistryError> {
        let whole = self.limits.request;
        let waits = Waits { whole, until: Instant::now() + whole, error_body: self.limits.error_body };
        let slot = self.turn(&registry.name, waits).await?;
        let mut attempts = 1;
        loop {
            let result = self.follow(registry, url.clone(), out, waits).await;
            let left = self.limits.retries + 1 > attempts && out.only_reads();
            match self.pause(&result, attempts, probing).filter(|pause| left && Instant::now() + *pause < waits.until) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return self.settled(registry, result, attempts, waits, slot),
            }
            attempts += 1;
        }
    }

    /// A slot: at once, or after a wait that is no longer than the request may take, in a queue that is no longer than
    /// its limit.
    async fn turn(&self, name: &str, waits: Waits) -> Result<OwnedSemaphorePermit, RegistryError> {
        let host = self.host(name);
        if let Ok(slot) = host.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let Ok(_waiting) = host.queue.try_acquire() else {
            let (registry, limit) = (name.to_owned(), self.limits.waiting_per_host);
            return Err(RegistryError::Unreachable { registry, cause: Cause::Queue { limit }, attempts: 1 });
        };
        waits.turn(&host.slots, name).await
    }

    /// How long to wait before another attempt, if another one may help.
    fn pause(&self, result: &Followed, attempts: u32, probing: bool) -> Option<Duration> {
        let backoff = FIRST_PAUSE * 3_u32.pow(attempts - 1);
        match result {
            Ok((response, _)) => match response.status().as_u16() {
                429 | 503 => match retry_after(response.headers()) {
                    Some(wait) if wait > self.limits.retry_after => None,
                    Some(wait) => Some(wait.max(backoff)),
                    None => Some(backoff),
                },
                502 | 504 => Some(backoff),
                _ => None,
            },
            Err(RegistryError::Unreachable { cause: Cause::Closed, .. }) if !probing => Some(backoff),
            Err(_) => None,
        }
    }

    fn settled(
        &self,
        registry: &Registry,
        result: Followed,
        tried: u32,
        waits: Waits,
        slot: OwnedSemaphorePermit,
    ) -> Result<Answer, RegistryError> {
        match result {
            Ok((response, elsewhere)) => {
                let name = shown_name(registry, response.url(), elsewhere);
                Ok(Answer::new(name, response, elsewhere, tried, waits, slot, self.large.clone()))
            }
            Err(RegistryError::Unreachable { registry, cause, .. }) => {
                Err(RegistryError::Unreachable { registry, cause, attempts: tried })
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a request and follows redirects, each checked as if it were the first, and more.
    async fn follow(&self, registry: &Registry, mut url: Url, out: &Outgoing, waits: Waits) -> Followed {
        let (origin, mut elsewhere, mut seen) = (url.origin(), false, HashSet::new());
        for _ in 0..=self.limits.redirects {
            self.permit(&url).map_err(|refusal| registry.refuse(refusal))?;
            let response = self.once(registry, &url, out, elsewhere, waits).await?;
            if !is_redirect(response.status()) {
                return Ok((response, elsewhere));
            }
            let violation = |violation| RegistryError::Violation { registry: registry.name.clone(), violation };
            let next = location(&response)
                .ok_or_else(|| violation(Violation::Location { status: response.status().as_u16() }))?;
            seen.insert(url.clone());
            if seen.contains(&next) {
                return Err(violation(Violation::RedirectLoop));
            }
            check_redirect(registry, &url, &next, out.only_reads()).map_err(|refusal| registry.refuse(refusal))?;
            elsewhere |= next.origin() != origin;
            url = next;
        }
        let limit = self.limits.redirects;
        Err(RegistryError::Violation { registry: registry.name.clone(), violation: Violation::Redirects { limit } })
    }

    fn permit(&self, url: &Url) -> Result<(), Refusal> {
        self.guard.check(url)?;
        let host = url.host().expect("the guard refuses an address without a host");
        match url.scheme() == "https" || self.allow_http || is_loopback(&host) {
            true => Ok(()),
            false => Err(Refusal::PlainHttp { host: excerpt(host.to_string().as_bytes()) }),
        }
    }

    async fn once(
        &self,
        registry: &Registry,
        url: &Url,
        out: &Outgoing,
        elsewhere: bool,
        waits: Waits,
    ) -> Result<reqwest::Response, RegistryError> {
        let name = shown_name(registry, url, elsewhere);
        let client = self.client(url).map_err(|error| RegistryError::Setup { registry: name.clone(), error })?;
        let mut request = client.request(out.method.clone(), url.clone()).headers(out.headers.clone());
        if let Some(authorization) = out.authorization.as_ref().filter(|_| !elsewhere) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(body) = &out.body {
            request = request.body(body.clone());
        }
        match timeout_at(waits.until, request.send()).await {
            Err(_) => Err(unreachable(&name, Cause::Timeout { after: waits.whole })),
            Ok(Err(error)) => Err(failure(&name, url.host_str().unwrap_or_default(), &error, waits)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// The HTTP client for this address. Loopback is never asked through a proxy; one without certificates of its own
    /// shares a client, and its connections, with all such hosts.
    fn client(&self, url: &Url) -> Result<reqwest::Client, ClientError> {
        let loopback = url.host().is_some_and(|host| is_loopback(&host));
        if loopback && url.scheme() == "http" {
            return shared(&self.plain, || self.build(trusting_nobody(), true));
        }
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = self.host(authority);
        shared(&host.client, || {
            let folder = self.tls.folder(authority);
            match (&folder, loopback) {
                (None, false) => shared(&self.system, || self.build(self.tls.config(None)?, false)),
                _ => self.build(self.tls.config(folder.as_deref())?, loopback),
            }
        })
    }

    fn build(&self, tls: rustls::ClientConfig, direct: bool) -> Result<reqwest::Client, ClientError> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(self.user_agent.clone())
            .connect_timeout(self.limits.connect)
            .dns_resolver(self.guard.clone())
            .pool_max_idle_per_host(self.limits.requests_per_host)
            .pool_idle_timeout(IDLE)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW);
        let builder = if direct { builder.no_proxy() } else { builder };
        builder.build().map_err(|error| ClientError::Http { why: error.to_string() })
    }
}

type Followed = Result<(reqwest::Response, bool), RegistryError>;

/// The client in this place, built if it is the first time. Two that build at once waste one client.
fn shared(
    place: &OnceLock<reqwest::Client>,
    build: impl FnOnce() -> Result<reqwest::Client, ClientError>,
) -> Result<reqwest::Client, ClientError> {
    match place.get() {
        Some(client) => Ok(client.clone()),
        None => {
            let client = build()?;
            Ok(place.get_or_init(|| client).clone())
        }
    }
}

/// Whether what came back shows that this scheme is not spoken there. A certificate that is not trusted shows no such
/// thing, nor does any answer in HTTP but the one that TLS servers give to plain HTTP.
async fn not_spoken(scheme: Scheme, result: &mut Result<Answer, RegistryError>) -> bool {
    match (scheme, result) {
        (Scheme::Http, Ok(answer)) if answer.status == StatusCode::BAD_REQUEST => {
            let body = answer.beginning().await;
            let text = String::from_utf8_lossy(&body);
            text.contains("HTTPS") || text.contains("SSL")
        }
        (Scheme::Http, Err(RegistryError::Unreachable { cause, .. })) => {
            matches!(cause, Cause::NotHttp { .. } | Cause::Closed)
        }
        (Scheme::Https, Err(RegistryError::Unreachable { cause, .. })) => {
            matches!(cause, Cause::NotTls | Cause::Closed | Cause::Tcp { .. })
        }
        _ => false,
    }
}

/// Whether the second scheme was no better, so that the first one's failure is the one to tell.
fn is_nothing_there(error: &RegistryError) -> bool {
    let RegistryError::Unreachable { cause, .. } = error else { return false };
    matches!(cause, Cause::NotTls | Cause::NotHttp { .. } | Cause::Closed | Cause::Tcp { .. })
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn location(response: &reqwest::Response) -> Option<Url> {
    let text = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let mut next = response.url().join(text).ok()?;
    next.set_fragment(None);
    Some(next)
}

fn check_redirect(registry: &Registry, from: &Url, to: &Url, only_reads: bool) -> Result<(), Refusal> {
    if !only_reads && from.origin() != to.origin() {
        return Err(Refusal::WriteElsewhere { url: shown(to) });
    }
    check_direction(registry, from, to)
}

/// Whether a registry may send us there, by a redirect or to upload: not from HTTPS to HTTP, and not to this machine
/// itself from elsewhere.
pub(crate) fn check_direction(registry: &Registry, from: &Url, to: &Url) -> Result<(), Refusal> {
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(Refusal::Downgrade { url: shown(to) });
    }
    if to.host().is_some_and(|host| is_loopback(&host)) && !registry.is_loopback() {
        return Err(Refusal::Inward { url: shown(to) });
    }
    Ok(())
}

/// Without the query, which may hold a secret.
fn shown(url: &Url) -> String {
    excerpt(url.as_str().split('?').next().unwrap_or_default().as_bytes())
}

/// Whom a message blames: the registry, or the host that it sent us to.
fn shown_name(registry: &Registry, url: &Url, elsewhere: bool) -> String {
    match elsewhere {
        false => registry.name.clone(),
        true => format!("{} (at {})", registry.name, excerpt(url.host_str().unwrap_or_default().as_bytes())),
    }
}

fn unreachable(registry: &str, cause: Cause) -> RegistryError {
    RegistryError::Unreachable { registry: registry.to_owned(), cause, attempts: 1 }
}

const FIRST_PAUSE: Duration = Duration::from_millis(150);
const IDLE: Duration = Duration::from_secs(60);
/// Small, since what is fetched is small, and a flood must not fill our memory before it is refused.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ClientError;

    fn transport(allow_http: bool) -> Transport {
        let tls = Tls::new(Vec::new(), None, None, false).unwrap();
        let user_agent = HeaderValue::from_static("test");
        Transport::new(Limits::default(), Guard::new(Vec::new()), tls, allow_http, user_agent)
    }

    fn registry(domain: &str) -> Registry {
        Registry::of(&format!("{domain}/a").parse().unwrap()).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_loopback_or_where_it_was_allowed_and_comes_second_there() {
        use Scheme::{Http, Https};
        for domain in ["registry.example", "localhost.example:5000", "10.0.0.1:5000", "docker.io"] {
            assert_eq!(transport(false).candidates(&registry(domain)), (Https, None), "{domain}");
            assert_eq!(transport(true).candidates(&registry(domain)), (Https, Some(Http)), "{domain}");
        }
        assert_eq!(transport(false).candidates(&registry("127.0.0.1:5000")), (Http, Some(Https)));
    }

    #[test]
    fn plain_url_beyond_loopback_is_refused_wherever_it_comes_from() {
        for text in ["http://registry.example/", "http://10.0.0.1/", "http://localhost.example/"] {
            assert!(matches!(transport(false).permit(&url(text)), Err(Refusal::PlainHttp { .. })), "{text}");
            assert_eq!(transport(true).permit(&url(text)), Ok(()), "{text}");
        }
        assert_eq!(transport(false).permit(&url("http://localhost:5000/")), Ok(()));
        let long = transport(false).permit(&url(&format!("http://{}/", "a.".repeat(50_000)))).unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    #[test]
    fn redirect_goes_neither_to_http_nor_inward_nor_elsewhere_with_a_body() {
        let check =
            |from: &str, to: &str, reads| check_redirect(&registry("registry.example"), &url(from), &url(to), reads);
        assert!(matches!(check("https://a.b/", "http://a.b/", true), Err(Refusal::Downgrade { .. })));
        assert!(matches!(check("https://a.b/", "https://127.0.0.1/", true), Err(Refusal::Inward { .. })));
        assert!(matches!(check("http://a.b/", "http://x.localhost:5000/", true), Err(Refusal::Inward { .. })));
        assert!(matches!(check("https://a.b/", "https://c.d/", false), Err(Refusal::WriteElsewhere { .. })));
        assert_eq!(check("https://a.b/", "https://c.d/", true), Ok(()));
        assert_eq!(check("https://a.b/x", "https://a.b/y", false), Ok(()));
    }

    #[tokio::test]
    async fn only_an_answer_that_is_not_tls_shows_that_tls_is_not_spoken() {
        let not = async |cause| not_spoken(Scheme::Https, &mut Err(unreachable("a.b", cause))).await;
        assert!(not(Cause::NotTls).await);
        assert!(not(Cause::Tcp { why: String::new() }).await);
        assert!(!not(Cause::Certificate { why: String::new() }).await);
        assert!(!not(Cause::Tls { why: String::new() }).await);
        assert!(!not(Cause::Timeout { after: IDLE }).await);
    }

    #[test]
    fn hosts_remembered_are_bounded_and_forgotten_one_at_a_time() {
        let transport = transport(false);
        let most = transport.limits.hosts;
        for n in 0..most * 2 {
            let host = transport.host(&n.to_string());
            assert_eq!(transport.hosts.lock().unwrap().len(), most.min(n + 1));
            assert!(Arc::ptr_eq(&host, &transport.host(&n.to_string())), "the one asked for now stays");
        }
    }

    #[test]
    fn client_that_cannot_be_built_is_an_error_each_time() {
        let place = OnceLock::new();
        let fail = || Err(ClientError::NoSystemRoots { why: String::new() });
        assert!(shared(&place, fail).is_err());
        assert!(shared(&place, fail).is_err());
    }
}
