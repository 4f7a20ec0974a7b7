//! Entries of transparency logs: decoded, then judged one by one.
//!
//! The order is fixed: is the log known, is the entry about this signature, did the log promise it, does it hold it,
//! and was the log trusted then. A time is believed only after the log's signature over it was checked.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::KeyId;
use oci::{excerpt, json};
use rustls_pki_types::UnixTime;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    ClaimedEntry, LogFault, TransparencyLog, TrustRoot,
    checkpoint::{Checkpoint, CheckpointFault},
    fields::{FieldError, Fields},
    merkle, recorded,
    signed::Signed,
    window::written,
};

/// An entry as found.
#[derive(Debug)]
pub(crate) struct LogEntry {
    log: Vec<u8>,
    index: u64,
    kind: Option<(String, String)>,
    integrated: u64,
    promise: Option<Vec<u8>>,
    proof: Option<Proof>,
    body: Vec<u8>,
    must: Must,
}

#[derive(Debug)]
struct Proof {
    index: u64,
    root: [u8; 32],
    size: u64,
    path: Vec<[u8; 32]>,
    checkpoint: String,
}

/// What an entry must hold, by the format that carries it. The rest is checked if it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Must {
    /// The log's promise to include it: all that the oldest formats have.
    Promise,
    /// A proof that it is included.
    Proof,
}

/// A log recorded the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogProof {
    /// The log's name.
    pub log: String,
    /// The log's key.
    #[serde(serialize_with = "as_text")]
    pub key: KeyId,
    /// The entry's index.
    pub index: u64,
    /// When the log took it in, in seconds since 1970, if it signed that.
    pub integrated: Option<u64>,
    /// Whether it proved that the entry is included; otherwise it promised.
    pub included: bool,
}

impl LogEntry {
    /// Reads an entry of a bundle (`TransparencyLogEntry`).
    pub(crate) fn parse(value: &Value, must: Must) -> Result<Self, LogFault> {
        let fields = Fields::of(value, "a log entry", &ENTRY)?;
        let kind = fields.object("kindVersion", &["kind", "version"])?;
        let promise = fields.optional("inclusionPromise", &["signedEntryTimestamp"])?;
        Ok(Self {
            log: fields.object("logId", &["keyId"])?.base64("keyId")?,
            index: fields.number("logIndex")?,
            kind: Some((kind.text("kind")?.to_owned(), kind.text("version")?.to_owned())),
            integrated: fields.number("integratedTime")?,
            promise: promise.map(|promise| promise.base64("signedEntryTimestamp")).transpose()?,
            proof: proof(&fields, must)?,
            body: fields.base64("canonicalizedBody")?,
            must,
        })
    }

    /// Reads the annotation that legacy layers carry: an entry with the log's promise.
    pub(crate) fn parse_annotation(text: &str) -> Result<Self, LogFault> {
        if text.len() > MAX_ANNOTATION {
            return Err(FieldError::TooMany { name: "bytes", found: text.len(), most: MAX_ANNOTATION }.into());
        }
        let value = json::parse(text.as_bytes())?;
        let fields = Fields::of(&value, "a log entry", &["SignedEntryTimestamp", "Payload"])?;
        let payload = fields.object("Payload", &["body", "integratedTime", "logIndex", "logID"])?;
        let id = payload.text("logID")?;
        let log = hex::decode(id).ok().filter(|log| hex::encode(log) == id);
        let log = log.ok_or(FieldError::Missing("logID in lower-case hexadecimal"))?;
        Ok(Self {
            log,
            index: payload.number("logIndex")?,
            kind: None,
            integrated: payload.number("integratedTime")?,
            promise: Some(fields.base64("SignedEntryTimestamp")?),
            proof: None,
            body: payload.base64("body")?,
            must: Must::Promise,
        })
    }

    /// What it says, for people.
    pub(crate) fn described(&self) -> ClaimedEntry {
        let origin = |proof: &Proof| excerpt(proof.checkpoint.lines().next().unwrap_or_default(), 200);
        ClaimedEntry {
            log_id: hex::encode(&self.log),
            index: self.index,
            kind: self.kind.as_ref().map(|(kind, version)| format!("{kind} {version}")),
            integrated: (self.integrated != 0).then(|| written(self.integrated)),
            promised: self.promise.is_some(),
            included_by: self.proof.as_ref().map(origin),
        }
    }

    /// An entry that only promises, as a bundle has it; its kind is what its body says.
    pub(crate) fn to_json(&self) -> Result<Value, LogFault> {
        let body = json::parse(&self.body)?;
        let text = |name: &'static str| body[name].as_str().ok_or(FieldError::Missing(name));
        let promise = BASE64_STANDARD.encode(self.promise.as_ref().ok_or(LogFault::NoPromise)?);
        Ok(json!({
            "logIndex": self.index.to_string(), "logId": { "keyId": BASE64_STANDARD.encode(&self.log) },
            "kindVersion": { "kind": text("kind")?, "version": text("apiVersion")? },
            "integratedTime": self.integrated.to_string(), "inclusionPromise": { "signedEntryTimestamp": promise },
            "canonicalizedBody": BASE64_STANDARD.encode(&self.body),
        }))
    }

    /// Whether it holds a proof, be it good or not.
    pub(crate) fn is_proven(&self) -> bool {
        self.proof.is_some()
    }

    /// The log's id in hexadecimal, and the index.
    pub(crate) fn place(&self) -> (String, u64) {
        (hex::encode(&self.log), self.index)
    }

    /// Whether both are of one log and index, with one body.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        (&self.log, self.index, &self.body) == (&other.log, other.index, &other.body)
    }

    /// Which log and which place in it the entry claims.
    pub(crate) fn claims(&self) -> (&[u8], u64) {
        (&self.log, self.index)
    }

    /// Judges the entry. `times` are the other moments at which the signature is known to have been there.
    pub(crate) fn judge(
        &self,
        signed: &Signed<'_>,
        trust: &TrustRoot,
        times: &[UnixTime],
        now: UnixTime,
    ) -> Result<LogProof, LogFault> {
        // 1. the log is one that is trusted
        let mut fault = LogFault::Foreign { id: hex::encode(&self.log[..self.log.len().min(32)]) };
        let logs: Vec<_> = trust.logs().iter().filter(|log| log.is(&self.log)).collect();
        // 2. the entry is about this signature
        if !logs.is_empty() {
            let kind = self.kind.as_ref().map(|(kind, version)| (kind.as_str(), version.as_str()));
            recorded::check(&self.body, kind, signed)?;
        }
        for log in logs {
            match self.is_in(log, times, now) {
                Ok(proof) => return Ok(proof),
                Err(why) => fault = why,
            }
        }
        Err(fault)
    }

    fn is_in(&self, log: &TransparencyLog, times: &[UnixTime], now: UnixTime) -> Result<LogProof, LogFault> {
        // 3. the log's promise, and with it the time
        let integrated = self.promise.as_ref().map(|promise| self.promised(log, promise)).transpose()?;
        // 4. the log's proof
        self.proof.as_ref().map(|proof| self.included(log, proof)).transpose()?;
        match self.must {
            Must::Promise if integrated.is_none() => return Err(LogFault::NoPromise),
            Must::Proof if self.proof.is_none() => return Err(LogFault::NoProof),
            _ => {}
        }
        // 5. the log was trusted then
        let own = integrated.map(|seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)));
        if let Some(time) = own.filter(|time| *time > now) {
            return Err(LogFault::Future { at: written(time.as_secs()) });
        }
        let then = match (&own, times) {
            (Some(time), _) => std::slice::from_ref(time),
            (None, []) => std::slice::from_ref(&now),
            (None, times) => times,
        };
        if let Some(time) = then.iter().find(|time| !log.window().contains(**time)) {
            return Err(LogFault::Outside { at: written(time.as_secs()), window: log.window().to_string() });
        }
        Ok(LogProof {
            log: log.name().to_owned(),
            key: log.key().id(),
            index: self.index,
            integrated,
            included: self.proof.is_some(),
        })
    }

    /// The log's signature over the entry and its time, in RFC 8785's form.
    fn promised(&self, log: &TransparencyLog, promise: &[u8]) -> Result<u64, LogFault> {
        let text = format!(
            r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
            BASE64_STANDARD.encode(&self.body),
            self.integrated,
            hex::encode(&self.log),
            self.index
        );
        match log.key().verify(text.as_bytes(), promise) {
            Ok(()) => Ok(self.integrated),
            Err(_) => Err(LogFault::Promise),
        }
    }

    fn included(&self, log: &TransparencyLog, proof: &Proof) -> Result<(), LogFault> {
        // hashes before signatures: what does not fit together costs no more than that
        let checkpoint = Checkpoint::parse(&proof.checkpoint)?;
        if (checkpoint.size, checkpoint.root) != (proof.size, proof.root) {
            let tree = |size, root: [u8; 32]| format!("{size} entries under {}", hex::encode(root));
            let (found, wanted) = (tree(checkpoint.size, checkpoint.root), tree(proof.size, proof.root));
            return Err(CheckpointFault::OtherTree { found, wanted }.into());
        }
        if merkle::root(merkle::leaf(&self.body), proof.index, proof.size, &proof.path) != Some(proof.root) {
            return Err(LogFault::Proof);
        }
        checkpoint.is_by(log)?;
        // where no promise covers the entry's index, the proof's is the only one that is known
        if self.promise.is_none() && self.index != proof.index {
            return Err(LogFault::Index { found: self.index, wanted: proof.index });
        }
        Ok(())
    }
}

/// The oldest bundles hold proofs without a checkpoint, which lead nowhere: as good as none.
fn proof(entry: &Fields<'_>, must: Must) -> Result<Option<Proof>, LogFault> {
    let found = entry.optional("inclusionProof", &PROOF)?;
    let leads_somewhere = |proof: &Fields<'_>| must == Must::Proof || proof.get("checkpoint").is_some();
    found.filter(leads_somewhere).map(|proof| Proof::read(&proof)).transpose()
}

impl Proof {
    fn read(fields: &Fields<'_>) -> Result<Self, LogFault> {
        let path = fields.list("hashes", MAX_PATH)?.iter().map(|value| {
            let bytes = value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok()?.try_into().ok());
            bytes.ok_or(LogFault::Field(FieldError::Base64("hashes")))
        });
        Ok(Self {
            index: fields.number("logIndex")?,
            root: fields.hash("rootHash")?,
            size: fields.number("treeSize")?,
            path: path.collect::<Result<_, _>>()?,
            checkpoint: fields.object("checkpoint", &["envelope"])?.text("envelope")?.to_owned(),
        })
    }
}

fn as_text<S: serde::Serializer>(key: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

const ENTRY: [&str; 7] =
    ["logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof", "canonicalizedBody"];
const PROOF: [&str; 5] = ["logIndex", "rootHash", "treeSize", "hashes", "checkpoint"];
const MAX_PATH: usize = 64;
const MAX_ANNOTATION: usize = 1024 * 1024;
