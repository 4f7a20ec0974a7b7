//! Small questions to services: bounded, with a deadline, asked again where that may help, never redirected.

use std::{net::IpAddr, sync::OnceLock, time::Duration};

use bytes::Bytes;
use registry::Secret;
use reqwest::{Method, StatusCode, header};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{Tls, WebError, tls};

/// Asks services: for tokens, certificates, entries of logs, timestamps.
#[derive(Debug)]
pub struct Web {
    patience: Duration,
    secure: OnceLock<reqwest::Client>,
    direct: OnceLock<reqwest::Client>,
}

/// One question.
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Headers that may hold secrets.
    pub(crate) headers: Vec<(&'static str, Zeroizing<String>)>,
    pub(crate) body: Body<'a>,
    /// The service is in this machine's own network, and speaks plain HTTP only.
    pub(crate) on_this_machine: bool,
}

pub(crate) enum Body<'a> {
    None,
    Json(Value),
    Form(&'a [(&'static str, &'a str)]),
    /// Bytes of this media type.
    Bytes(&'static str, &'a [u8]),
}

/// An answer with its status, whatever it is.
pub(crate) struct Answer {
    pub(crate) host: String,
    pub(crate) status: StatusCode,
    /// Where the service says that something is.
    pub(crate) location: Option<String>,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl Web {
    /// Each question has this long, all its tries together.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { patience, secure: OnceLock::new(), direct: OnceLock::new() }
    }

    /// The same, over TLS as one service needs it.
    ///
    /// # Errors
    /// Fails if the certificates or the key cannot be read.
    pub fn over(self, tls: Tls) -> Result<Self, WebError> {
        let config = tls.config()?;
        let (secure, direct) = (client(config.clone(), false)?, client(config, true)?);
        Ok(Self { patience: self.patience, secure: secure.into(), direct: direct.into() })
    }

    /// The JSON object that answers with success.
    pub(crate) async fn object(&self, question: &Question<'_>) -> Result<Value, WebError> {
        self.ask(question).await?.succeeded()?.json()
    }

    /// The answer. Failures of the service are tried again while there is time, answers of any other kind handed out.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer, WebError> {
        let host = permitted(question)?;
        let client = self.client(question.on_this_machine || is_loopback(&question.url))?;
        let until = Instant::now() + self.patience;
        let mut pauses = PAUSES.into_iter();
        loop {
            let late = |_| WebError::Late { host: host.clone(), after: self.patience };
            let result = timeout_at(until, once(&client, &host, question)).await.map_err(late)?;
            let again = pauses
                .next()
                .and_then(|pause| pause_after(&result, pause))
                .and_then(|pause| Instant::now().checked_add(pause));
            match again.filter(|next| *next < until) {
                Some(next) => sleep_until(next).await,
                None => return result.map(|(answer, _)| answer),
            }
        }
    }

    /// Loopback and a machine's own services are never asked through a proxy.
    fn client(&self, direct: bool) -> Result<reqwest::Client, WebError> {
        let place = if direct { &self.direct } else { &self.secure };
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        let client = build(direct)?;
        Ok(place.get_or_init(|| client).clone())
    }
}

impl Default for Web {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl<'a> Question<'a> {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Body::None, on_this_machine: false }
    }

    pub(crate) fn post(url: Url, body: Body<'a>) -> Self {
        Self { method: Method::POST, body, ..Self::get(url) }
    }

    /// With an `Authorization` of this scheme.
    pub(crate) fn authorized(mut self, scheme: &str, secret: &Secret) -> Self {
        self.headers.push(("authorization", Zeroizing::new(format!("{scheme} {}", secret.reveal()))));
        self
    }
}

impl Answer {
    /// This answer, if it is a success.
    pub(crate) fn succeeded(self) -> Result<Self, WebError> {
        match self.status.is_success() {
            true => Ok(self),
            false => Err(self.refused()),
        }
    }

    pub(crate) fn refused(&self) -> WebError {
        let message = self.json().ok().and_then(|answer| text(&answer, "message").map(str::to_owned));
        let words = message.unwrap_or_else(|| String::from_utf8_lossy(&self.bytes).trim().to_owned());
        let words = oci::excerpt(&words, MAX_WORDS);
        WebError::Refused { host: self.host.clone(), status: self.status.as_u16(), words }
    }

    pub(crate) fn json(&self) -> Result<Value, WebError> {
        oci::json::parse(&self.bytes).map_err(|_| WebError::Unusable { host: self.host.clone(), wanted: "JSON object" })
    }
}

/// The address of a text that somebody gave.
pub(crate) fn address(text: &str) -> Result<Url, WebError> {
    let found = || WebError::Address { found: oci::excerpt(text.split(['?', '#']).next().unwrap_or(""), MAX_WORDS) };
    let url = Url::parse(text).map_err(|_| found())?;
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(_)) => Ok(url),
        _ => Err(found()),
    }
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether an address is this machine's own, or one that means another thing on every machine.
pub(crate) fn is_near(url: &Url) -> bool {
    let near = |ip: IpAddr| match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name.trim_end_matches('.').rsplit('.').next() == Some("localhost"),
        Some(url::Host::Ipv4(ip)) => near(ip.into()),
        Some(url::Host::Ipv6(ip)) => near(ip.into()),
        None => false,
    }
}

/// The text of a field, if it is there and not empty.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn permitted(question: &Question<'_>) -> Result<String, WebError> {
    let host = oci::excerpt(question.url.host_str().unwrap_or_default(), MAX_WORDS);
    match question.url.scheme() == "https" || question.on_this_machine || is_loopback(&question.url) {
        true => Ok(host),
        false => Err(WebError::PlainHttp { host }),
    }
}

/// An answer, and how long the service asks to be left alone.
type Tried = (Answer, Option<Duration>);

async fn once(client: &reqwest::Client, host: &str, question: &Question<'_>) -> Result<Tried, WebError> {
    let mut request = client.request(question.method.clone(), question.url.clone());
    for (name, value) in &question.headers {
        request = request.header(*name, value.as_str());
    }
    request = match &question.body {
        Body::None => request,
        Body::Json(value) => request.header(header::CONTENT_TYPE, "application/json").body(value.to_string()),
        Body::Form(pairs) => {
            let encoded = "application/x-www-form-urlencoded";
            request.header(header::CONTENT_TYPE, encoded).body(Bytes::from_owner(form(pairs)))
        }
        Body::Bytes(kind, bytes) => request.header(header::CONTENT_TYPE, *kind).body(bytes.to_vec()),
    };
    let unreachable = |error: reqwest::Error| WebError::Unreachable { host: host.to_owned(), why: reason(error) };
    let mut response = request.send().await.map_err(unreachable)?;
    let (status, told) = (response.status(), told(&response));
    let location = response.headers().get(header::LOCATION).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(WebError::TooLarge { host: host.to_owned(), most: MAX_ANSWER });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((Answer { host: host.to_owned(), status, location, bytes }, told))
}

fn told(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_secs)
}

/// How long to wait before another try, if that may help: as long as the service says, or else this long.
fn pause_after(result: &Result<Tried, WebError>, pause: Duration) -> Option<Duration> {
    match result {
        Ok((answer, told)) if is_passing(answer.status) => Some(told.unwrap_or(pause)),
        Ok(_) | Err(WebError::TooLarge { .. }) => None,
        Err(_) => Some(pause),
    }
}

fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The innermost words; the outer ones name the address, and an address may hold a secret.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let words = cause.to_string();
    oci::excerpt(words.split(" (os error").next().unwrap_or_default(), MAX_WORDS)
}

/// The form, wiped when it was sent. There is room for all of it from the beginning: a text that grows leaves its
/// beginnings behind.
fn form(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    // each byte is written as three at most
    let room = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    form_urlencoded::Serializer::new(&mut *text).extend_pairs(pairs);
    text
}

/// A client that trusts the system's authorities; loopback in plain HTTP needs none.
fn build(direct: bool) -> Result<reqwest::Client, WebError> {
    match tls::system() {
        Err(_) if direct => client(tls::usual(RootCertStore::empty().into())?, direct),
        roots => client(tls::usual(roots?)?, direct),
    }
}

fn client(tls: ClientConfig, direct: bool) -> Result<reqwest::Client, WebError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")));
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| WebError::Setup { why: error.to_string() })
}

/// What a question has, all its tries together.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pauses before the second and the third try, if the service names none.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// Tokens, descriptions of providers, certificates and log entries are a few KiB, a large attestation's entry more.
const MAX_ANSWER: usize = 1024 * 1024;
const MAX_WORDS: usize = 200;
