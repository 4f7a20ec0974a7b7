//! Signing configs (`signing_config.v0.2.json`): which services there are, and which of them sign now.
//!
//! Read strictly. Of each kind, those of the highest version that is known, in force now, the newest of each operator;
//! of these one, several or all, as the config says. Versions are never mixed.

use std::time::Duration;

use oci::{json, json::JsonError};
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value};
use verifier::Window;

use crate::{Format, LogVersion, Service, ServiceError, Services};

/// A signing config.
#[derive(Debug, Clone)]
pub struct SigningConfig {
    authorities: Vec<Offer>,
    providers: Vec<Offer>,
    logs: Vec<Offer>,
    take_logs: Take,
    timestamps: Vec<Offer>,
    take_timestamps: Take,
}

/// One service.
#[derive(Debug, Clone)]
struct Offer {
    url: String,
    version: u64,
    window: Window,
    start: u64,
    operator: String,
}

/// How many of those that are fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    /// It does not say, which is well as long as there are none.
    Unsaid,
    Any,
    All,
    Exactly(usize),
}

impl SigningConfig {
    /// Reads a config of version 0.2.
    ///
    /// # Errors
    /// Fails on JSON that can be read in two ways, on other versions, on members that the format does not have, and on
    /// such as are not what they should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, SigningConfigError> {
        if bytes.len() > MAX_CONFIG {
            return Err(SigningConfigError::TooLarge { found: bytes.len() });
        }
        let value = json::parse(bytes)?;
        let top = object(&value, "config", &TOP)?;
        match top.get("mediaType").and_then(Value::as_str) {
            Some(MEDIA_TYPE) => {}
            other => {
                return Err(SigningConfigError::MediaType { found: oci::excerpt(other.unwrap_or_default(), 100) });
            }
        }
        Ok(Self {
            authorities: offers(top, "caUrls")?,
            providers: offers(top, "oidcUrls")?,
            logs: offers(top, "rekorTlogUrls")?,
            take_logs: take(top, "rekorTlogConfig")?,
            timestamps: offers(top, "tsaUrls")?,
            take_timestamps: take(top, "tsaConfig")?,
        })
    }

    /// The services for signing now, in this format; an authority among them if one is needed to certify a key.
    ///
    /// # Errors
    /// Fails if there are services of a kind, but none or too few that are fit.
    pub fn select(&self, now: UnixTime, format: Format, certified: bool) -> Result<Services, SigningConfigError> {
        let mut services = Services::none();
        if certified {
            services = services.with_authority(&self.authority(now)?.url)?;
        }
        let versions: &[u64] = if format == Format::Bundle { &[2, 1] } else { &[1] };
        for log in choose(&self.logs, self.take_logs, versions, Service::Log, now)? {
            let version = if log.version == 2 { LogVersion::Two } else { LogVersion::One };
            services = services.with_log(&log.url, version)?;
        }
        for server in choose(&self.timestamps, self.take_timestamps, &[1], Service::TimestampAuthority, now)? {
            services = services.with_timestamps(&server.url)?;
        }
        Ok(services)
    }

    /// The address of the identity provider to log in at, if the config names any that is fit now.
    #[must_use]
    pub fn provider(&self, now: UnixTime) -> Option<&str> {
        fit(&self.providers, &[1], now).first().map(|offer| offer.url.as_str())
    }

    fn authority(&self, now: UnixTime) -> Result<&Offer, SigningConfigError> {
        let none = || none_fit(Service::CertificateAuthority, &self.authorities, &[1]);
        fit(&self.authorities, &[1], now).first().copied().ok_or_else(none)
    }
}

/// Those of the highest version known, the newest of each operator, newest first.
fn fit<'a>(offers: &'a [Offer], versions: &[u64], now: UnixTime) -> Vec<&'a Offer> {
    for version in versions {
        let mut fit: Vec<&Offer> =
            offers.iter().filter(|offer| offer.version == *version && offer.window.contains(now)).collect();
        fit.sort_by_key(|offer| std::cmp::Reverse(offer.start));
        let mut operators = Vec::new();
        fit.retain(|offer| {
            let new = !operators.contains(&&offer.operator);
            operators.push(&offer.operator);
            new
        });
        if !fit.is_empty() {
            return fit;
        }
    }
    Vec::new()
}

fn choose<'a>(
    offers: &'a [Offer],
    take: Take,
    versions: &[u64],
    service: Service,
    now: UnixTime,
) -> Result<Vec<&'a Offer>, SigningConfigError> {
    if offers.is_empty() {
        return match take {
            Take::Exactly(wanted) => Err(SigningConfigError::TooFew { service, found: 0, wanted }),
            _ => Ok(Vec::new()),
        };
    }
    let mut fit = fit(offers, versions, now);
    if fit.is_empty() {
        return Err(none_fit(service, offers, versions));
    }
    match take {
        Take::Unsaid => Err(SigningConfigError::Unsaid { service }),
        Take::All => Ok(fit),
        Take::Exactly(wanted) if wanted > fit.len() => {
            Err(SigningConfigError::TooFew { service, found: fit.len(), wanted })
        }
        Take::Exactly(wanted) => some_of(fit, wanted),
        Take::Any => some_of(std::mem::take(&mut fit), 1),
    }
}

/// So many of them, each as likely as any other, so that all bear their part of the load.
fn some_of(mut fit: Vec<&Offer>, wanted: usize) -> Result<Vec<&Offer>, SigningConfigError> {
    let mut taken = Vec::new();
    while taken.len() < wanted {
        let random = getrandom::u32().map_err(|_| SigningConfigError::NoRandomness)? as usize;
        taken.push(fit.swap_remove(random % fit.len()));
    }
    Ok(taken)
}

fn none_fit(service: Service, offers: &[Offer], versions: &[u64]) -> SigningConfigError {
    let found = offers.iter().map(|offer| format!("version {} from {}", offer.version, offer.window));
    let found: Vec<String> = found.take(MAX_SHOWN).collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    SigningConfigError::NoneFit { service, found, versions: versions.to_vec() }
}

fn offers(top: &Map<String, Value>, name: &'static str) -> Result<Vec<Offer>, SigningConfigError> {
    let list = match top.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MAX_OFFERS => list,
        Some(_) => return Err(SigningConfigError::Member { name, wanted: "a list of at most 64" }),
    };
    list.iter().map(|value| offer(value, name)).collect()
}

fn offer(value: &Value, name: &'static str) -> Result<Offer, SigningConfigError> {
    let fields = object(value, name, &["url", "majorApiVersion", "validFor", "operator"])?;
    let wrong = |wanted| SigningConfigError::Member { name, wanted };
    let text = |member| match fields.get(member) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong("text as url and operator")),
    };
    let url = text("url")?;
    if url.is_empty() {
        return Err(wrong("services with a url"));
    }
    let version = fields.get("majorApiVersion").and_then(Value::as_u64).ok_or_else(|| wrong("a majorApiVersion"))?;
    let (start, end) = match fields.get("validFor") {
        None | Some(Value::Null) => (None, None),
        Some(value) => {
            let window = object(value, name, &["start", "end"])?;
            (moment(window.get("start"), name)?, moment(window.get("end"), name)?)
        }
    };
    let window = Window::new(start, end);
    let start = start.map_or(0, |start| start.as_secs());
    Ok(Offer { url, version, window, start, operator: text("operator")? })
}

fn moment(value: Option<&Value>, name: &'static str) -> Result<Option<UnixTime>, SigningConfigError> {
    let wrong = SigningConfigError::Member { name, wanted: "times as RFC 3339 in validFor" };
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str(),
    };
    let time = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match time.and_then(|time| u64::try_from(time.as_second()).ok()) {
        Some(seconds) => Ok(Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))),
        None => Err(wrong),
    }
}

fn take(top: &Map<String, Value>, name: &'static str) -> Result<Take, SigningConfigError> {
    let fields = match top.get(name) {
        None | Some(Value::Null) => return Ok(Take::Unsaid),
        Some(value) => object(value, name, &["selector", "count"])?,
    };
    let wrong = |wanted| Err(SigningConfigError::Member { name, wanted });
    let count = match fields.get("count") {
        None | Some(Value::Null) => 0,
        Some(count) => count.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX),
    };
    match fields.get("selector").and_then(Value::as_str) {
        None | Some("SERVICE_SELECTOR_UNDEFINED") => Ok(Take::Unsaid),
        Some("ANY") => Ok(Take::Any),
        Some("ALL") => Ok(Take::All),
        Some("EXACT") if count == 0 => wrong("a count above 0 with EXACT"),
        Some("EXACT") => Ok(Take::Exactly(count)),
        Some(_) => wrong("ANY, ALL or EXACT as selector"),
    }
}

fn object<'a>(
    value: &'a Value,
    name: &'static str,
    known: &[&str],
) -> Result<&'a Map<String, Value>, SigningConfigError> {
    let object = value.as_object().ok_or(SigningConfigError::Member { name, wanted: "objects" })?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(SigningConfigError::Unknown { name, found: oci::excerpt(key, 60) }),
        None => Ok(object),
    }
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const TOP: [&str; 7] = ["mediaType", "caUrls", "oidcUrls", "rekorTlogUrls", "rekorTlogConfig", "tsaUrls", "tsaConfig"];
const MAX_CONFIG: usize = 1024 * 1024;
const MAX_OFFERS: usize = 64;
const MAX_SHOWN: usize = 4;

/// Why a signing config is none, or offers nothing that is fit.
#[derive(Debug, thiserror::Error)]
pub enum SigningConfigError {
    /// It is larger than any.
    #[error("signing config of {found} bytes found, wanted at most {MAX_CONFIG}")]
    TooLarge {
        /// Its size.
        found: usize,
    },
    /// It is no JSON, or can be read in two ways.
    #[error("signing config is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// It is of another version.
    #[error("signing config of media type `{found}` found, wanted `{MEDIA_TYPE}`")]
    MediaType {
        /// The media type.
        found: String,
    },
    /// A member is not what it should be.
    #[error("signing config: `{name}` must have {wanted}")]
    Member {
        /// The member.
        name: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The format has no such member.
    #[error("signing config: `{found}` found in `{name}`, where the format has no such member")]
    Unknown {
        /// Where.
        name: &'static str,
        /// The member.
        found: String,
    },
    /// There are services of a kind, but none that is fit now.
    #[error("signing config names no {service} of version {} that is in force now: {found}", numbers(versions))]
    NoneFit {
        /// The kind.
        service: Service,
        /// What it names.
        found: String,
        /// The versions that are known here, for this format.
        versions: Vec<u64>,
    },
    /// There are fewer than it says are to be used.
    #[error("signing config wants {wanted} of kind {service}, {found} found that are in force now")]
    TooFew {
        /// The kind.
        service: Service,
        /// How many there are.
        found: usize,
        /// How many are to be used.
        wanted: usize,
    },
    /// It does not say how many are to be used.
    #[error("signing config names services of kind {service} and no selector, wanted ANY, ALL or EXACT")]
    Unsaid {
        /// The kind.
        service: Service,
    },
    /// An address is none.
    #[error("signing config: {0}")]
    Address(#[from] ServiceError),
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    NoRandomness,
}

fn numbers(versions: &[u64]) -> String {
    versions.iter().map(u64::to_string).collect::<Vec<_>>().join(" or ")
}
