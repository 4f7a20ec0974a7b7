//! Sigstore's `trusted_root.json`, read strictly.

use keys::{KeyError, PublicKey};
use oci::{excerpt, json, json::JsonError};
use serde_json::Value;

use crate::{
    CertificateAuthority, CertificateError, CertificateLog, FieldError, TimestampAuthority, TransparencyLog, TrustRoot,
    Window,
    asn1::{self, Oid},
    certificate::{Certificate, MAX_CHAIN},
    fields::Fields,
    window::rfc3339,
};

/// Reads a trusted root; see [`TrustRoot::parse_trusted_root`].
pub(crate) fn parse(bytes: &[u8]) -> Result<TrustRoot, TrustedRootError> {
    if bytes.len() > MAX_BYTES {
        return Err(TrustedRootError::TooLarge { found: bytes.len(), most: MAX_BYTES });
    }
    let value = json::parse(bytes)?;
    let top = Fields::of(&value, "an object", &["mediaType", CAS, CT_LOGS, LOGS, TSAS])?;
    let media_type = top.text("mediaType")?;
    if !MEDIA_TYPES.contains(&media_type) {
        return Err(TrustedRootError::Version { found: excerpt(media_type, 80) });
    }
    let mut root = TrustRoot::new(Vec::new());
    for value in top.list(CAS, MAX_MEMBERS)? {
        let (chain, window) = authority(value)?;
        root = root.with_authority(CertificateAuthority::new(chain, window)?);
    }
    for value in top.list(TSAS, MAX_MEMBERS)? {
        let (chain, window) = authority(value)?;
        root = root.with_timestamp_authority(TimestampAuthority::new(chain, window)?);
    }
    for value in top.list(CT_LOGS, MAX_MEMBERS)? {
        let log = Log::read(value)?;
        root = root.with_certificate_log(CertificateLog::new(log.key, log.window));
    }
    for value in top.list(LOGS, MAX_MEMBERS)? {
        let log = Log::read(value)?;
        root = root.with_log(TransparencyLog::new(log.key, &log.base_url, log.window).known_as(log.id));
    }
    Ok(root)
}

fn authority(value: &Value) -> Result<(Vec<Certificate>, Window), TrustedRootError> {
    let fields = Fields::of(value, "an authority", &["subject", "uri", "certChain", "validFor", "operator"])?;
    let list = fields.object("certChain", &["certificates"])?.list("certificates", MAX_CHAIN)?;
    let parse = |value: &Value| -> Result<Certificate, TrustedRootError> {
        Ok(Certificate::parse(&Fields::of(value, "a certificate", &["rawBytes"])?.base64("rawBytes")?)?)
    };
    let chain = list.iter().map(parse).collect::<Result<_, _>>()?;
    Ok((chain, window(&fields)?))
}

struct Log {
    base_url: String,
    key: PublicKey,
    id: Vec<u8>,
    window: Window,
}

impl Log {
    fn read(value: &Value) -> Result<Self, TrustedRootError> {
        let known = ["baseUrl", "hashAlgorithm", "publicKey", "logId", "checkpointKeyId", "operator"];
        let fields = Fields::of(value, "a log", &known)?;
        let hash = fields.text("hashAlgorithm")?;
        if hash != "SHA2_256" {
            return Err(TrustedRootError::HashAlgorithm { found: excerpt(hash, 40) });
        }
        // protobuf writes no empty text
        let base_url =
            fields.get("baseUrl").map(|_| fields.text("baseUrl")).transpose()?.unwrap_or_default().to_owned();
        let public = fields.object("publicKey", &["rawBytes", "keyDetails", "validFor"])?;
        let window = window(&public)?;
        if !window.has_start() {
            return Err(TrustedRootError::NoStart { log: excerpt(&base_url, 100) });
        }
        let key = key(&public.base64("rawBytes")?, public.text("keyDetails")?)?;
        let id = fields.object("logId", &["keyId"])?.base64("keyId")?;
        Ok(Self { base_url, key, id, window })
    }
}

/// A key; the oldest kind of RSA key is given without the wrapping that says that it is one.
fn key(bytes: &[u8], details: &str) -> Result<PublicKey, KeyError> {
    if !details.starts_with("PKCS1_RSA") || PublicKey::from_der(bytes).is_ok() {
        return PublicKey::from_der(bytes);
    }
    let oid = asn1::wrap(asn1::OBJECT_IDENTIFIER, RSA.as_bytes());
    let algorithm = asn1::wrap(asn1::SEQUENCE, &[&oid[..], &[5, 0]].concat());
    let bits = asn1::wrap(asn1::BIT_STRING, &[&[0], bytes].concat());
    PublicKey::from_der(&asn1::wrap(asn1::SEQUENCE, &[algorithm, bits].concat()))
}

fn window(fields: &Fields<'_>) -> Result<Window, TrustedRootError> {
    let Some(valid) = fields.optional("validFor", &["start", "end"])? else { return Ok(Window::UNBOUNDED) };
    let time = |name: &'static str| {
        let text = valid.get(name).map(|_| valid.text(name)).transpose()?;
        text.map(|text| rfc3339(text).ok_or_else(|| TrustedRootError::Time { found: excerpt(text, 40) })).transpose()
    };
    let window = Window::new(time("start")?, time("end")?);
    if window.is_possible() { Ok(window) } else { Err(TrustedRootError::Reversed { window: window.to_string() }) }
}

const MAX_BYTES: usize = 1024 * 1024;
const MAX_MEMBERS: usize = 64;
const CAS: &str = "certificateAuthorities";
const TSAS: &str = "timestampAuthorities";
const CT_LOGS: &str = "ctlogs";
const LOGS: &str = "tlogs";
const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// Why bytes are not a trusted root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedRootError {
    /// Larger than what is read.
    #[error("trusted root of {found} bytes found, at most {most} are read")]
    TooLarge {
        /// How many bytes.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// The bytes are not JSON that can be read in one way only.
    #[error("trusted root is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is unknown, missing or of the wrong kind.
    #[error("trusted root: {0}")]
    Field(#[from] FieldError),
    /// Another media type.
    #[error("trusted root of media type `{found}` found, wanted version 0.1 or 0.2")]
    Version {
        /// The media type found.
        found: String,
    },
    /// A log that hashes in another way.
    #[error("log with hash algorithm `{found}` found, wanted SHA2_256")]
    HashAlgorithm {
        /// The algorithm found.
        found: String,
    },
    /// A log without a start of validity, which must not be taken for one without limits.
    #[error("log `{log}` lacks the start of its validity")]
    NoStart {
        /// Its address.
        log: String,
    },
    /// A time that is none.
    #[error("`{found}` is not a time in RFC 3339 and UTC")]
    Time {
        /// The text.
        found: String,
    },
    /// A window that ends before it starts.
    #[error("window from {window} ends before it starts")]
    Reversed {
        /// The window.
        window: String,
    },
    /// A certificate cannot be used.
    #[error("trusted root: {0}")]
    Certificate(#[from] CertificateError),
    /// A key cannot be used.
    #[error("trusted root: {0}")]
    Key(#[from] KeyError),
}
