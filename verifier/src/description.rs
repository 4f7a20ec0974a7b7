//! What a bundle says of itself, in a form for people. All of it is hearsay: no signature was checked for it.

use keys::PublicKey;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    CertificateError, Identity, LogFault, Statement, SubjectName, TimestampFault,
    bundle::{Bundle, BundleSigner, Content, Noted},
    certificate::Certificate,
    identity::Names,
    log_entry::LogEntry,
    timestamp,
    token::Token,
    window::written,
};

/// What a bundle says of itself. Each of these words is whoever wrote the bundle's, and none was checked.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleDescription {
    /// The media type, which names the version.
    pub media_type: String,
    /// What is said to be signed.
    pub content: ClaimedContent,
    /// Who is said to have signed.
    pub signer: ClaimedSigner,
    /// The log entries.
    pub log_entries: Vec<Claimed<ClaimedEntry>>,
    /// The RFC 3161 timestamps.
    pub timestamps: Vec<Claimed<ClaimedTimestamp>>,
}

/// One piece, or why it cannot be read.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Claimed<T> {
    /// What it says.
    Says(T),
    /// It cannot be read.
    Unreadable {
        /// Why.
        unreadable: String,
    },
}

impl<T> Claimed<T> {
    pub(crate) fn of<E: ToString>(found: Result<T, E>) -> Self {
        found.map_or_else(|why| Self::Unreadable { unreadable: why.to_string() }, Self::Says)
    }
}

/// What is said to be signed.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ClaimedContent {
    /// An envelope.
    DsseEnvelope {
        /// The type of its payload.
        payload_type: String,
        /// How many bytes the payload has.
        payload_bytes: usize,
        /// The payload, if it is a statement.
        statement: Claimed<ClaimedStatement>,
    },
    /// The bytes of a file.
    MessageSignature {
        /// What they are said to hash to: the function's name, and the hash in hexadecimal.
        digest: Option<(String, String)>,
    },
}

/// A statement.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedStatement {
    /// What kind of thing is said.
    pub predicate_type: String,
    /// About what: those subjects that have a SHA-256 digest, with what is noted beside them.
    pub subjects: Vec<(String, Map<String, Value>)>,
}

/// Who is said to have signed.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ClaimedSigner {
    /// The holder of a key that the bundle does not hold.
    PublicKey {
        /// What is to help to find it.
        hint: Option<String>,
    },
    /// The holder of the first certificate.
    Certificate {
        /// The certificate, and others after it.
        certificates: Vec<Claimed<ClaimedCertificate>>,
    },
}

/// A certificate.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedCertificate {
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// When it is valid.
    pub validity: String,
    /// The kind of its key, and the key's id.
    pub key: Claimed<String>,
    /// Whom it names.
    pub names: Vec<SubjectName>,
    /// Who vouches for the names.
    pub issuer: Option<String>,
    /// Fulcio's extensions, by the last number of their identifier.
    pub extensions: std::collections::BTreeMap<u8, String>,
}

/// A log entry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedEntry {
    /// The log's id in hexadecimal.
    pub log_id: String,
    /// The entry's index in that log.
    pub index: u64,
    /// The kind of entry and its version.
    pub kind: Option<String>,
    /// When the log is said to have taken it in.
    pub integrated: Option<String>,
    /// Whether there is a promise to include it.
    pub promised: bool,
    /// The first line of the checkpoint, if there is a proof that it is included.
    pub included_by: Option<String>,
}

/// A timestamp.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedTimestamp {
    /// When.
    pub time: String,
    /// The hash that was stamped, in hexadecimal.
    pub imprint: String,
}

impl BundleDescription {
    pub(crate) fn of(bundle: &Bundle, media_type: &str, hint: Option<&str>) -> Self {
        let timestamp = |found: &Result<Vec<u8>, TimestampFault>| {
            let token = found.as_ref().map_err(Clone::clone).and_then(|bytes| timestamp::granted(bytes));
            Claimed::of(token.map(|token| ClaimedTimestamp::of(&token)))
        };
        let entry = |found: &Result<LogEntry, LogFault>| Claimed::of(found.as_ref().map(LogEntry::described));
        Self {
            media_type: media_type.to_owned(),
            content: ClaimedContent::of(&bundle.content),
            signer: ClaimedSigner::of(&bundle.signer, hint),
            log_entries: bundle.log_entries.iter().map(entry).collect(),
            timestamps: bundle.timestamps.iter().map(timestamp).collect(),
        }
    }
}

impl ClaimedContent {
    fn of(content: &Content) -> Self {
        match content {
            Content::Envelope(envelope) => Self::DsseEnvelope {
                payload_type: envelope.payload_type.clone(),
                payload_bytes: envelope.payload.len(),
                statement: Claimed::of(Statement::parse(&envelope.payload).map(ClaimedStatement::of)),
            },
            Content::Message { noted, .. } => {
                let digest = |noted: &Noted| (noted.algorithm.clone(), hex::encode(&noted.digest));
                Self::MessageSignature { digest: noted.as_ref().map(digest) }
            }
        }
    }
}

impl ClaimedStatement {
    fn of(statement: Statement) -> Self {
        let subjects = statement.subjects.into_iter().map(|(digest, annotations)| (digest.to_string(), annotations));
        Self { predicate_type: statement.predicate_type, subjects: subjects.collect() }
    }
}

impl ClaimedSigner {
    fn of(signer: &BundleSigner, hint: Option<&str>) -> Self {
        match signer {
            BundleSigner::Key => Self::PublicKey { hint: hint.map(str::to_owned) },
            BundleSigner::Certificate { leaf, others } => {
                let all = std::iter::once(leaf).chain(others);
                Self::Certificate { certificates: all.map(|der| Claimed::of(ClaimedCertificate::read(der))).collect() }
            }
        }
    }
}

impl ClaimedCertificate {
    /// A certificate between the signer's and a root names nobody, which is no fault of it.
    fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Certificate::parse(der)?;
        let identity = Identity::of(&certificate, Names::All);
        let named = match &identity {
            Ok(identity) => Some(identity),
            Err(CertificateError::Nameless) => None,
            Err(why) => return Err(why.clone()),
        };
        let key = |key: PublicKey| format!("{} {}", key.kind(), key.id());
        Ok(Self {
            digest: oci::Digest::of(der).to_string(),
            serial: hex::encode(certificate.serial()),
            validity: certificate.window().to_string(),
            key: Claimed::of(certificate.key().map(key)),
            names: named.map(|one| one.names().to_vec()).unwrap_or_default(),
            issuer: named.and_then(|one| one.issuer()).map(str::to_owned),
            extensions: named.map(|one| one.extensions().clone()).unwrap_or_default(),
        })
    }
}

impl ClaimedTimestamp {
    fn of(token: &Token) -> Self {
        Self { time: written(token.time.as_secs()), imprint: hex::encode(&token.imprint.1) }
    }
}
