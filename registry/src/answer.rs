//! One HTTP answer, read no further than its limit and its deadline, and what its failure means.

use std::{error::Error, io, sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use url::Url;

use crate::error::{Cause, Item, Refusal, RegistryError, Violation, excerpt};

/// An answer whose body has not been read yet. It holds one of the registry's request slots until then.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) registry: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    /// Whether a redirect led to another scheme, host or port.
    pub(crate) elsewhere: bool,
    attempts: u32,
    /// Whether it was asked without a credential.
    pub(crate) anonymous: bool,
    waits: Waits,
    body: Body,
    slot: Option<OwnedSemaphorePermit>,
    large: Arc<Semaphore>,
}

#[derive(Debug)]
enum Body {
    Arriving(reqwest::Response),
    Held(Vec<u8>),
}

/// How long is waited for one request, and until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) whole: Duration,
    pub(crate) until: Instant,
    pub(crate) error_body: u64,
}

impl Answer {
    pub(crate) fn new(
        registry: String,
        mut response: reqwest::Response,
        elsewhere: bool,
        attempts: u32,
        waits: Waits,
        slot: OwnedSemaphorePermit,
        large: Arc<Semaphore>,
    ) -> Self {
        let headers = std::mem::take(response.headers_mut());
        let (status, url) = (response.status(), response.url().clone());
        Self {
            registry,
            status,
            headers,
            url,
            elsewhere,
            attempts,
            anonymous: true,
            waits,
            body: Body::Arriving(response),
            slot: Some(slot),
            large,
        }
    }

    /// A header's text, if it is there and is text.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The whole body, if it is no larger than this. A larger declared size is refused before the first byte.
    pub(crate) async fn read(self, item: Item, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let declared = self.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let too_large = |declared| RegistryError::TooLarge { registry: self.registry.clone(), item, declared, limit };
        if declared.is_some_and(|size| size > limit) {
            return Err(too_large(declared));
        }
        let mut response = match self.body {
            Body::Held(bytes) => return Ok(bytes),
            Body::Arriving(response) => response,
        };
        // room for what is declared, which is within the limit: growing by doubling would hold twice as much
        let room = declared.and_then(|size: u64| usize::try_from(size).ok()).unwrap_or_default();
        let (mut bytes, mut turn) = (Vec::with_capacity(room), None);
        loop {
            match next_chunk(&mut response, self.waits, &self.registry).await? {
                None => return Ok(bytes),
                Some(chunk) if (bytes.len() + chunk.len()) as u64 > limit => return Err(too_large(None)),
                Some(chunk) => bytes.extend_from_slice(&chunk),
            }
            if bytes.len() > SMALL && turn.is_none() {
                turn = Some(self.waits.turn(&self.large, &self.registry).await?);
            }
        }
    }

    /// The next piece of a body that is not kept. Each piece has the time that a whole request has.
    pub(crate) async fn piece(&mut self) -> Result<Option<bytes::Bytes>, RegistryError> {
        let waits = Waits { until: Instant::now() + self.waits.whole, ..self.waits };
        match &mut self.body {
            Body::Arriving(response) => next_chunk(response, waits, &self.registry).await,
            Body::Held(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()).map(Into::into)),
        }
    }

    /// The beginning of an error's body; the connection is used again if that was all of it.
    pub(crate) async fn beginning(&mut self) -> Vec<u8> {
        if let Body::Arriving(response) = &mut self.body {
            let mut bytes = Vec::new();
            while (bytes.len() as u64) < self.waits.error_body {
                match next_chunk(response, self.waits, &self.registry).await {
                    Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                    Ok(None) | Err(_) => break,
                }
            }
            bytes.truncate(usize::try_from(self.waits.error_body).unwrap_or(usize::MAX));
            self.body = Body::Held(bytes);
            self.slot = None;
        }
        match &self.body {
            Body::Held(bytes) => bytes.clone(),
            Body::Arriving(_) => Vec::new(),
        }
    }

    /// What an answer means that is not the one hoped for.
    pub(crate) async fn into_error(mut self) -> RegistryError {
        let body = self.beginning().await;
        let message = message(&body, self.status);
        let retry_after = retry_after(&self.headers);
        let Self { registry, attempts, anonymous, .. } = self;
        let status = self.status.as_u16();
        match status {
            401 | 403 => RegistryError::Denied { registry, status, message, anonymous },
            429 => RegistryError::Throttled { registry, retry_after, attempts },
            _ => RegistryError::Failed { registry, status, message, attempts },
        }
    }

    pub(crate) fn violates(&self, violation: Violation) -> RegistryError {
        RegistryError::Violation { registry: self.registry.clone(), violation }
    }
}

impl Waits {
    /// A place in a queue, if it comes in time.
    pub(crate) async fn turn(
        &self,
        queue: &Arc<Semaphore>,
        registry: &str,
    ) -> Result<OwnedSemaphorePermit, RegistryError> {
        match timeout_at(self.until, queue.clone().acquire_owned()).await {
            Ok(permit) => Ok(permit.expect("no queue is ever closed")),
            Err(_) => Err(RegistryError::Unreachable {
                registry: registry.to_owned(),
                cause: Cause::Timeout { after: self.whole },
                attempts: 1,
            }),
        }
    }
}

async fn next_chunk(
    response: &mut reqwest::Response,
    waits: Waits,
    registry: &str,
) -> Result<Option<bytes::Bytes>, RegistryError> {
    let unreachable = |cause| RegistryError::Unreachable { registry: registry.to_owned(), cause, attempts: 1 };
    match timeout_at(waits.until, response.chunk()).await {
        Err(_) => Err(unreachable(Cause::Timeout { after: waits.whole })),
        Ok(Err(error)) => Err(failure(registry, registry, &error, waits)),
        Ok(Ok(chunk)) => Ok(chunk),
    }
}

/// The registry's own words: the first entry of `errors`, or the body, or what the status is called.
fn message(body: &[u8], status: StatusCode) -> String {
    let said = serde_json::from_slice::<serde_json::Value>(body).ok().and_then(|value| {
        let first = value.get("errors")?.get(0)?;
        let text = |key| first.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        Some([text("code"), text("message")].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(": "))
    });
    let said = said.filter(|text| !text.is_empty()).map_or_else(|| excerpt(body), |text| excerpt(text.as_bytes()));
    match (said.is_empty(), status.as_u16()) {
        (false, _) => said,
        (true, 401) => "authentication required".to_owned(),
        (true, _) => status.canonical_reason().unwrap_or("an unknown status").to_lowercase(),
    }
}

/// `Retry-After` in seconds, or as the time until the date it names.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// What an error of the HTTP library means, found in the chain of its sources.
pub(crate) fn failure(registry: &str, host: &str, error: &reqwest::Error, waits: Waits) -> RegistryError {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    let mut cause = None;
    while let Some(error) = source {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return RegistryError::Refused { registry: registry.to_owned(), refusal: refusal.clone() };
        }
        cause = known_cause(host, error).or(cause);
        source = error.source();
    }
    let cause = match cause {
        Some(cause) => cause,
        None if error.is_timeout() => Cause::Timeout { after: waits.whole },
        None => unknown_cause(error),
    };
    RegistryError::Unreachable { registry: registry.to_owned(), cause, attempts: 1 }
}

/// The cause that this one error names, its sources aside.
fn known_cause(host: &str, error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<reqwest::Error>().filter(|e| e.is_dns()) {
        let words = deepest(error).to_string();
        let why = words.rsplit(": ").next().unwrap_or_default().to_lowercase();
        let why = excerpt(why.as_bytes());
        return Some(Cause::Dns { name: excerpt(host.as_bytes()), why });
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(tls_cause(error));
    }
    let error = error.downcast_ref::<io::Error>()?;
    // an error wrapped in one of these is not among its sources
    if let Some(cause) = error.get_ref().and_then(|inner| known_cause(host, inner)) {
        return Some(cause);
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Some(Cause::Closed)
        }
        io::ErrorKind::ConnectionRefused => Some(Cause::Tcp { why: "connection refused".to_owned() }),
        _ if error.raw_os_error().is_some() => {
            let text = error.to_string();
            let why = text.split(" (os error").next().unwrap_or_default().to_lowercase();
            Some(Cause::Tcp { why })
        }
        _ => None,
    }
}

fn tls_cause(error: &rustls::Error) -> Cause {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => Cause::Certificate {
            why: match bad {
                Bad::UnknownIssuer => "unknown issuer".to_owned(),
                Bad::Expired | Bad::ExpiredContext { .. } => "expired".to_owned(),
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => "not valid yet".to_owned(),
                Bad::BadSignature => "not signed by the authority that it names".to_owned(),
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "not valid for this name".to_owned(),
                other => excerpt(other.to_string().as_bytes()),
            },
        },
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => Cause::NotTls,
        other => Cause::Tls { why: excerpt(other.to_string().as_bytes()) },
    }
}

/// Told apart by the words of the deepest source, since the HTTP library's types are not ours to name.
fn unknown_cause(error: &reqwest::Error) -> Cause {
    let words = deepest(error).to_string();
    if error.is_connect() {
        return Cause::Tcp { why: excerpt(words.as_bytes()) };
    }
    match words.contains("closed") || words.contains("reset") || words.contains("end of file") {
        true => Cause::Closed,
        false => Cause::NotHttp { why: excerpt(words.as_bytes()) },
    }
}

/// The error at the end of the chain, which says most.
fn deepest(error: &reqwest::Error) -> &dyn Error {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

/// Bodies up to this size are read at once; larger ones wait for each other.
const SMALL: usize = 256 * 1024;
