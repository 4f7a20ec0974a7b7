//! Whose signature a foreign rule wants, as an authority of a ClusterImagePolicy, with a TrustRoot where it needs one.
//!
//! A combination that an authority cannot say is told and yields none: whoever asked then has one way less to be met.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use oci::{Repository, location::TagPrefix};
use serde_json::{Map, Value, json};
use verifier::{CertificateAuthority, IdentityMatcher, TextMatcher, TimestampAuthority, Window};

use super::sheet::Sheet;
use crate::kms;

/// A signer, and who else must vouch.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The field that says so, for messages.
    pub(super) place: String,
    pub(super) by: By,
    /// `sha256` and the like, as the foreign rule has it.
    pub(super) hash: Option<String>,
    /// In which format signatures count; in both where it says nothing.
    pub(super) format: Option<&'static str>,
    pub(super) log: Log,
    /// Roots of certificates in PEM, beside or instead of the public ones.
    pub(super) roots: Option<String>,
    pub(super) certificate_log: CertificateLogs,
    /// A timestamp authority's chain in PEM.
    pub(super) clock: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) tag_prefix: Option<String>,
    /// Type of what must be attested; a signature is wanted where there is none.
    pub(super) attestation: Option<String>,
}

/// Who must have signed.
#[derive(Debug, Clone)]
pub(super) enum By {
    /// A public key in PEM.
    Key(String),
    /// A key that is held elsewhere.
    Kms(String),
    /// One of these identities.
    Identities(Vec<Identity>),
}

/// An identity: issuer and subject.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) issuer: Words,
    pub(super) subject: Words,
}

/// How a text is compared.
#[derive(Debug, Clone)]
pub(super) enum Words {
    Exact(String),
    /// Found anywhere.
    Regex(String),
}

/// Whether a log must hold the signature.
#[derive(Debug, Clone)]
pub(super) enum Log {
    Ignored,
    /// A log of the trusted root of whoever runs the gate.
    Trusted {
        url: String,
    },
    /// The log with this key in PEM.
    Keyed {
        url: String,
        key: String,
    },
}

/// Whether a log must hold the certificate.
#[derive(Debug, Clone)]
pub(super) enum CertificateLogs {
    Ignored,
    Trusted,
    Keyed { key: String },
}

impl Wanted {
    /// A signature by this signer, in either format, with nobody else to vouch.
    pub(super) fn new(place: &str, by: By) -> Self {
        Self {
            place: place.to_owned(),
            by,
            hash: None,
            format: None,
            log: Log::Ignored,
            roots: None,
            certificate_log: CertificateLogs::Trusted,
            clock: None,
            repository: None,
            tag_prefix: None,
            attestation: None,
        }
    }

    /// The authority, or none where it cannot be said, which is told.
    pub(super) fn authority(&self, sheet: &mut Sheet) -> Option<Value> {
        let sayable = self.signer().and_then(|signer| Ok((signer, self.source()?, self.plan()?)));
        let (mut authority, source, plan) = match sayable {
            Ok(sayable) => sayable,
            Err(Fault { what, why, hint }) => {
                sheet.unsaid(&self.place, &what, &format!("{why}, so that it lets nothing in"), hint);
                return None;
            }
        };
        let root =
            (!plan.keys.is_empty()).then(|| sheet.trust_root("imported-root", &Value::Object(plan.keys.clone())));
        self.vouchers(&mut authority, &plan, root.as_deref(), sheet);
        if let Some(source) = source {
            authority.insert("source".to_owned(), json!([source]));
        }
        if let Some(format) = self.format {
            authority.insert("signatureFormat".to_owned(), json!(format));
        }
        if let Some(kind) = &self.attestation {
            authority.insert("attestations".to_owned(), json!([{"name": "attested", "predicateType": kind}]));
        }
        Some(Value::Object(authority))
    }

    fn signer(&self) -> Result<Map<String, Value>, Fault> {
        let mut authority = Map::new();
        match &self.by {
            By::Key(pem) => drop(authority.insert("key".to_owned(), self.hashed(json!({"data": key(pem)?}))?)),
            By::Kms(uri) => {
                kms::check(uri)
                    .map_err(|wanted| fault(format!("`{uri}`"), &format_args!("wanted {wanted}"), EXPORT_KEY))?;
                authority.insert("key".to_owned(), self.hashed(json!({"kms": uri}))?);
            }
            By::Identities(identities) => {
                let identities: Vec<Value> = identities.iter().map(Identity::entry).collect::<Result<_, _>>()?;
                if identities.is_empty() {
                    return Err(fault("no identity", &"somebody must be named", "name issuer and subject"));
                }
                authority.insert("keyless".to_owned(), json!({"identities": identities}));
            }
        }
        Ok(authority)
    }

    fn hashed(&self, mut key: Value) -> Result<Value, Fault> {
        match self.hash.as_deref() {
            None | Some("") => {}
            Some(hash @ ("sha256" | "sha384" | "sha512")) => key["hashAlgorithm"] = json!(hash),
            Some(hash) => return Err(fault(format!("hash `{hash}`"), &"not understood here", "sign with sha256")),
        }
        Ok(key)
    }

    fn source(&self) -> Result<Option<Value>, Fault> {
        let mut source = Map::new();
        if let Some(repository) = &self.repository {
            repository
                .parse::<Repository>()
                .map_err(|why| fault(format!("`{repository}`"), &why, "name a repository"))?;
            source.insert("oci".to_owned(), json!(repository));
        }
        if let Some(prefix) = &self.tag_prefix {
            prefix.parse::<TagPrefix>().map_err(|why| fault(format!("`{prefix}`"), &why, "choose another prefix"))?;
            source.insert("tagPrefix".to_owned(), json!(prefix));
        }
        Ok((!source.is_empty()).then_some(Value::Object(source)))
    }

    /// What a TrustRoot must hold. A root of its own has no part of the default one.
    fn plan(&self) -> Result<Plan, Fault> {
        let mut keys = Map::new();
        let keyless = matches!(self.by, By::Identities(_));
        if let Some(clock) = &self.clock {
            if !matches!(self.log, Log::Ignored) {
                return Err(fault("a log entry and a timestamp", &"an authority asks for one of the two", ONE_VOUCHER));
            }
            TimestampAuthority::from_pem(clock, Window::UNBOUNDED)
                .map_err(|why| fault("timestamp authority", &why, "give its chain in PEM, the root last"))?;
            keys.insert("timestampAuthorities".to_owned(), json!([chain(clock)]));
        }
        if let (Some(roots), true) = (&self.roots, keyless) {
            keys.insert("certificateAuthorities".to_owned(), Value::Array(chains(roots)?));
        }
        let rooted = keys.contains_key("certificateAuthorities");
        if let Log::Keyed { url, key: pem } = &self.log {
            if !rooted {
                return Err(fault("the key of a log", &LOG_ALONE, LOG_HINT));
            }
            keys.insert("tLogs".to_owned(), json!([log(url, &key(pem)?)]));
        }
        if let (CertificateLogs::Keyed { key: pem }, true) = (&self.certificate_log, keyless) {
            if !rooted {
                return Err(fault("the key of a certificate log", &LOG_ALONE, LOG_HINT));
            }
            keys.insert("ctLogs".to_owned(), json!([log("https://ctlog.invalid", &key(pem)?)]));
        }
        Ok(Plan { keys, rooted })
    }

    fn vouchers(&self, authority: &mut Map<String, Value>, plan: &Plan, root: Option<&str>, sheet: &mut Sheet) {
        match &self.log {
            Log::Ignored => {}
            Log::Trusted { url } => drop(authority.insert("ctlog".to_owned(), json!({"url": url}))),
            Log::Keyed { url, .. } => {
                authority.insert("ctlog".to_owned(), json!({"url": url, "trustRootRef": root}));
            }
        }
        if self.clock.is_some() {
            authority.insert("rfc3161timestamp".to_owned(), json!({"trustRootRef": root}));
        }
        let Some(keyless) = authority.get_mut("keyless") else { return };
        match plan.rooted {
            true => keyless["trustRootRef"] = json!(root),
            false => keyless["url"] = json!("https://fulcio.sigstore.dev"),
        }
        match self.certificate_log {
            CertificateLogs::Ignored => keyless["insecureIgnoreSCT"] = json!(true),
            CertificateLogs::Trusted if plan.rooted => {
                let why = "a root of its own brings its own certificate logs, so that no certificate passes";
                sheet.unsaid(&self.place, "certificate logs of the public root", why, "name the log's key");
            }
            CertificateLogs::Trusted | CertificateLogs::Keyed { .. } => {}
        }
        if matches!(self.log, Log::Ignored) && self.clock.is_none() {
            let why = "a certificate is judged at a time that somebody vouches for, so that a log entry is asked for";
            sheet.unsaid(&self.place, "no log entry needed", why, "");
        }
    }
}

impl Identity {
    fn entry(&self) -> Result<Value, Fault> {
        let _: IdentityMatcher = IdentityMatcher::new(self.issuer.matcher()?, self.subject.matcher()?);
        let mut entry = Map::new();
        self.issuer.enter(&mut entry, "issuer", "issuerRegExp");
        self.subject.enter(&mut entry, "subject", "subjectRegExp");
        Ok(Value::Object(entry))
    }
}

impl Words {
    fn matcher(&self) -> Result<TextMatcher, Fault> {
        let matcher = match self {
            Self::Exact(text) => TextMatcher::exact(text),
            Self::Regex(text) => TextMatcher::found(text),
        };
        let (Self::Exact(text) | Self::Regex(text)) = self;
        matcher.map_err(|why| {
            let why = why.to_string();
            fault(format!("identity `{text}`"), &why.lines().last().unwrap_or_default(), "write it anew")
        })
    }

    fn enter(&self, entry: &mut Map<String, Value>, exact: &str, regex: &str) {
        match self {
            Self::Exact(text) => entry.insert(exact.to_owned(), json!(text)),
            Self::Regex(text) => entry.insert(regex.to_owned(), json!(text)),
        };
    }
}

/// The `sigstoreKeys` of a TrustRoot; none where the default root is enough.
#[derive(Debug, Clone)]
struct Plan {
    keys: Map<String, Value>,
    /// Whether it names who issues certificates.
    rooted: bool,
}

/// Why an authority cannot be said.
struct Fault {
    what: String,
    why: String,
    hint: &'static str,
}

fn fault(what: impl Into<String>, why: &dyn fmt::Display, hint: &'static str) -> Fault {
    Fault { what: what.into(), why: why.to_string(), hint }
}

/// One public key, as it is written here.
fn key(pem: &str) -> Result<String, Fault> {
    let key = PublicKey::from_pem(pem.trim().as_bytes());
    key.map(|key| key.to_pem()).map_err(|why| fault("a key", &why, "give one public key in PEM"))
}

/// Each root with all that stands below it; each certificate alone, where none issued itself.
fn chains(pem: &str) -> Result<Vec<Value>, Fault> {
    const END: &str = "-----END CERTIFICATE-----";
    let certificates: Vec<&str> = pem.split_inclusive(END).filter(|part| part.contains(END)).map(str::trim).collect();
    let bad = |why: &dyn fmt::Display| fault("roots of certificates", why, "give certificates in PEM, at most ten");
    if certificates.is_empty() {
        return Err(bad(&"there is no certificate in PEM"));
    }
    let issued_itself = |one: &&str| CertificateAuthority::roots_and_intermediates(one, Window::UNBOUNDED).is_ok();
    let (roots, between): (Vec<&str>, Vec<&str>) = certificates.iter().partition(|one| issued_itself(one));
    let whole: Vec<String> = match roots.is_empty() {
        true => between.iter().map(ToString::to_string).collect(),
        false => roots.iter().map(|root| [between.as_slice(), &[root]].concat().join("\n")).collect(),
    };
    let read = whole.iter().map(|one| CertificateAuthority::from_pem(one, Window::UNBOUNDED).map(|_| chain(one)));
    read.collect::<Result<_, _>>().map_err(|why| bad(&why))
}

fn chain(pem: &str) -> Value {
    json!({
        "subject": {"organization": "imported", "commonName": "imported"},
        "uri": "https://authority.invalid",
        "certChain": BASE64_STANDARD.encode(pem),
    })
}

fn log(url: &str, pem: &str) -> Value {
    json!({"baseURL": url, "hashAlgorithm": "sha-256", "publicKey": BASE64_STANDARD.encode(pem)})
}

/// The log that everybody uses.
pub(super) const PUBLIC_LOG: &str = "https://rekor.sigstore.dev";

const EXPORT_KEY: &str = "export the public key and write it here";
const ONE_VOUCHER: &str = "leave one of them away, or write two policies";
const LOG_ALONE: &str = "a TrustRoot that names a log names who issues certificates as well";
const LOG_HINT: &str = "run the gate with a trusted root that holds this log, and ask for a log entry by `ctlog.url`";
