//! Transparency logs: a signature in, the log's entry of it out, whether it is new there or not.
//!
//! Version 1 takes signatures over hashes (`hashedrekord`) and envelopes (`dsse`, or `intoto` as cosign 1 wrote);
//! version 2 takes signatures over hashes alone, for an envelope that of the bytes which its signature covers.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use reqwest::StatusCode;
use serde_json::{Value, json};
use verifier::TransparencyLog;

use crate::{
    Credential, Service, ServiceError,
    content::{Content, envelope_json},
    log_entry::LogEntry,
    scheme::Scheme,
    service::Address,
    tiles,
    token::{
        Web,
        web::{Answer, Body},
    },
};

/// Which interface a log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogVersion {
    /// Rekor version 1, whose entries have a time.
    One,
    /// Rekor version 2 (rekor-tiles), whose entries have none.
    Two,
}

/// As what version 1 records an envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// `dsse`.
    #[default]
    Dsse,
    /// `intoto`, version 0.0.1, which records the payload and the signer, and no signature.
    InToto,
}

/// A transparency log.
#[derive(Debug, Clone)]
pub(crate) struct Rekor {
    address: Address,
    version: LogVersion,
}

/// A signature that is to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct Submission<'a> {
    pub(crate) by: &'a Credential,
    pub(crate) content: Content<'a>,
    pub(crate) signature: &'a [u8],
    pub(crate) envelopes: EnvelopeKind,
    /// The logs that are known, where an entry that is there already is worth fetching.
    pub(crate) known: &'a [TransparencyLog],
}

/// What is sent, and where an entry of it must say the same: a pointer, its name for people, the text; and a pointer to
/// who signed, if the signature itself does not say enough of that.
struct Proposal {
    body: Value,
    claims: Vec<(&'static str, &'static str, String)>,
    signer: Option<&'static str>,
}

impl Rekor {
    pub(crate) fn new(url: &str, version: LogVersion) -> Result<Self, ServiceError> {
        Ok(Self { address: Address::new(Service::Log, url)?, version })
    }

    pub(crate) fn version(&self) -> LogVersion {
        self.version
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it takes signatures of this kind at all, before any is made.
    pub(crate) fn takes(&self, by: &Credential, content: Content<'_>) -> Result<(), ServiceError> {
        let kind = by.public().kind();
        let scheme = Scheme::of(kind);
        let (what, takes) = match (self.version, content) {
            // it hashes by SHA-256 whatever the curve; a pure Ed25519 signature is over the bytes themselves
            (LogVersion::One, Content::Statement(_)) => ("envelope", scheme.plain == "sha256"),
            (LogVersion::One, Content::Message(_)) => ("signature", scheme.signs_hash),
            (LogVersion::Two, _) => ("signature", scheme.signs_hash && scheme.details.is_some()),
        };
        match takes {
            true => Ok(()),
            false => Err(ServiceError::Unloggable { host: self.address.host(), what, kind }),
        }
    }

    /// Has the signature recorded, and returns the entry.
    pub(crate) async fn record(&self, web: &Web, submission: &Submission<'_>) -> Result<LogEntry, ServiceError> {
        let proposal = match self.version {
            LogVersion::One => submission.proposal_1(),
            LogVersion::Two => submission.proposal_2(),
        };
        let entry = match self.version {
            LogVersion::One => self.record_1(web, &proposal).await?,
            LogVersion::Two => self.record_2(web, &proposal, submission.known).await?,
        };
        self.is_of(&entry, &proposal, submission.by)?;
        Ok(entry)
    }

    async fn record_1(&self, web: &Web, proposal: &Proposal) -> Result<LogEntry, ServiceError> {
        let question = self.address.post(&ENTRIES_1, Body::Json(proposal.body.clone()));
        let mut answer = web.ask(&question).await.map_err(|error| self.address.failed(error))?;
        if answer.status == StatusCode::CONFLICT {
            let id = known_as(&answer).ok_or_else(|| self.address.lacks("place of the entry that is there already"))?;
            let [api, version, log, entries] = ENTRIES_1;
            answer = self.address.succeeded(web.ask(&self.address.get(&[api, version, log, entries, &id])).await)?;
        }
        let answer = self.address.succeeded(Ok(answer))?;
        let answer = answer.json().map_err(|error| self.address.failed(error))?;
        LogEntry::version_1(&answer).map_err(|wanted| self.address.lacks(wanted))
    }

    async fn record_2(
        &self,
        web: &Web,
        proposal: &Proposal,
        known: &[TransparencyLog],
    ) -> Result<LogEntry, ServiceError> {
        let question = self.address.post(&ENTRIES_2, Body::Json(proposal.body.clone()));
        let answer = web.ask(&question).await.map_err(|error| self.address.failed(error))?;
        if let (StatusCode::CONFLICT, Some(index)) = (answer.status, index_in(&answer)) {
            return match known {
                [] => Err(ServiceError::AlreadyLogged { host: self.address.host(), index }),
                known => tiles::entry(web, &self.address, index, known).await,
            };
        }
        let answer = self.address.succeeded(Ok(answer))?;
        let answer = answer.json().map_err(|error| self.address.failed(error))?;
        LogEntry::version_2(&answer).map_err(|wanted| self.address.lacks(wanted))
    }

    /// Whether the entry is of what was proposed.
    fn is_of(&self, entry: &LogEntry, proposal: &Proposal, by: &Credential) -> Result<(), ServiceError> {
        let body = entry.body().ok_or_else(|| self.address.lacks("body of the log entry"))?;
        let found = |pointer| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let other = |what, found, wanted| {
            let (found, wanted) = (oci::excerpt(found, 100), oci::excerpt(wanted, 100));
            Err(ServiceError::OtherEntry { host: self.address.host(), what, found, wanted })
        };
        for (pointer, what, wanted) in &proposal.claims {
            if found(pointer) != wanted {
                return other(what, found(pointer), wanted);
            }
        }
        match proposal.signer.map(found).filter(|found| !names(by, found)) {
            Some(found) => other("signer", found, &BASE64_STANDARD.encode(by.pem())),
            None => Ok(()),
        }
    }
}

impl Submission<'_> {
    fn proposal_1(&self) -> Proposal {
        let verifier = BASE64_STANDARD.encode(self.by.pem());
        let signature = BASE64_STANDARD.encode(self.signature);
        match (self.content, self.envelopes) {
            (Content::Message(bytes), _) => {
                let scheme = Scheme::of(self.by.public().kind());
                let hash = hex::encode(scheme.hash(bytes));
                let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
                    "data": { "hash": { "algorithm": scheme.plain, "value": hash } },
                    "signature": { "content": signature, "publicKey": { "content": verifier } },
                }});
                let claims =
                    vec![("/spec/data/hash/value", "hash", hash), ("/spec/signature/content", "signature", signature)];
                Proposal { body, claims, signer: Some("/spec/signature/publicKey/content") }
            }
            (Content::Statement(payload), EnvelopeKind::Dsse) => {
                let envelope = envelope_json(payload, self.signature).to_string();
                let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
                    "proposedContent": { "envelope": envelope, "verifiers": [verifier] },
                }});
                let claims = vec![
                    ("/spec/payloadHash/value", "payload", oci::Digest::of(payload).hex()),
                    ("/spec/signatures/0/signature", "signature", signature),
                ];
                Proposal { body, claims, signer: Some("/spec/signatures/0/verifier") }
            }
            (Content::Statement(payload), EnvelopeKind::InToto) => {
                let envelope = envelope_json(payload, self.signature).to_string();
                let body = json!({ "apiVersion": "0.0.1", "kind": "intoto", "spec": {
                    "content": { "envelope": envelope }, "publicKey": verifier,
                }});
                let claims = vec![("/spec/content/payloadHash/value", "payload", oci::Digest::of(payload).hex())];
                Proposal { body, claims, signer: Some("/spec/publicKey") }
            }
        }
    }

    fn proposal_2(&self) -> Proposal {
        let scheme = Scheme::of(self.by.public().kind());
        let digest = BASE64_STANDARD.encode(scheme.hash(&self.content.to_be_signed()));
        let signature = BASE64_STANDARD.encode(self.signature);
        let (member, raw) = match self.by.certificate() {
            Some(chain) => ("x509Certificate", chain.leaf()),
            None => ("publicKey", self.by.public().to_der()),
        };
        let verifier = json!({ member: { "rawBytes": BASE64_STANDARD.encode(raw) }, "keyDetails": scheme.details });
        let body = json!({ "hashedRekordRequestV002": {
            "digest": digest, "signature": { "content": signature, "verifier": verifier },
        }});
        let claims = vec![
            ("/spec/hashedRekordV002/data/digest", "hash", digest),
            ("/spec/hashedRekordV002/signature/content", "signature", signature),
        ];
        Proposal { body, claims, signer: None }
    }
}

/// Whether a log of version 1 means this signer: by a certificate or a key in PEM, which it writes anew, in base64.
fn names(signer: &Credential, text: &str) -> bool {
    let Ok(pem) = BASE64_STANDARD.decode(text) else { return false };
    match signer.certificate() {
        Some(chain) => pem::parse(&pem).is_ok_and(|found| found.contents() == chain.leaf()),
        None => PublicKey::from_pem(&pem).is_ok_and(|found| found == *signer.public()),
    }
}

/// The entry that is there already, by what version 1 calls it: in the last part of the address that it names.
fn known_as(answer: &Answer) -> Option<String> {
    let id = answer.location.as_deref()?.rsplit('/').next()?;
    ((64..=80).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The entry that is there already, in version 2's words: `… with index 13`.
fn index_in(answer: &Answer) -> Option<u64> {
    let answer = answer.json().ok()?;
    answer.get("message")?.as_str()?.rsplit(' ').next()?.parse().ok()
}

const ENTRIES_1: [&str; 4] = ["api", "v1", "log", "entries"];
const ENTRIES_2: [&str; 4] = ["api", "v2", "log", "entries"];
