//! A signature and what belongs to it: in one bundle, in the one file that older cosigns wrote, or in a file each.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, json};
use serde_json::Value;
use verifier::{BundleMaker, UntrustedBundle};

use crate::{bounded_file, exit::Failure, flags::certificates};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PartFlags {
    /// The signature with what vouches for it: a Sigstore bundle of any version, or the file that older cosigns wrote
    #[arg(long, value_name = "FILE", env = "COSIGN_BUNDLE")]
    bundle: Option<PathBuf>,
    /// The signature alone: a file, or base64
    #[arg(long, value_name = "FILE|BASE64", env = "COSIGN_SIGNATURE")]
    signature: Option<String>,
    /// The timestamp of a signature that is no bundle, in cosign's form
    #[arg(long, value_name = "FILE", env = "COSIGN_RFC3161_TIMESTAMP")]
    rfc3161_timestamp: Option<PathBuf>,
}

/// What the flags hold.
pub(super) enum Held {
    /// A bundle.
    Bundle(Vec<u8>),
    /// The parts of one.
    Parts(Parts),
}

/// The parts of a bundle.
pub(super) struct Parts {
    /// Bytes, or an envelope.
    signature: Vec<u8>,
    /// Whose signature it is, if it says so: a certificate in PEM.
    certificate: Option<String>,
    log_entry: Option<String>,
    timestamp: Option<Vec<u8>>,
}

impl PartFlags {
    /// A bundle about the file with this digest. Parts that name nobody are by this one.
    pub(crate) fn to_bundle(&self, file: &Digest, by: Option<BundleMaker>) -> Result<Vec<u8>, Failure> {
        match self.held(None)? {
            Held::Bundle(bytes) => Ok(bytes),
            Held::Parts(parts) => Ok(parts.assembled(file, by)?.to_bytes()),
        }
    }

    /// What is there; `envelope` is the signature where it has a flag of its own.
    pub(super) fn held(&self, envelope: Option<Vec<u8>>) -> Result<Held, Failure> {
        let alone = match envelope {
            Some(envelope) => Some(envelope),
            None => self.signature.as_deref().map(signature).transpose()?,
        };
        let older = match &self.bundle {
            None => None,
            Some(path) => match read(path)? {
                (bytes, value) if value.get("mediaType").is_some() => return self.nothing_beside(bytes),
                (_, value) => Some(Parts::of_older(path, &value)?),
            },
        };
        let mut parts = match (older, alone) {
            (Some(older), None) => older,
            (Some(older), Some(signature)) => Parts { signature, ..older },
            (None, Some(signature)) => Parts { signature, certificate: None, log_entry: None, timestamp: None },
            (None, None) => return Err(Failure::failed("no signature is given, wanted --bundle or --signature")),
        };
        if parts.signature.is_empty() {
            return Err(Failure::failed("the bundle holds no signature, and --signature names none"));
        }
        parts.timestamp = self.rfc3161_timestamp.as_deref().map(timestamp).transpose()?;
        Ok(Held::Parts(parts))
    }

    /// A bundle holds all that belongs to it: what is given beside it would not be looked at.
    fn nothing_beside(&self, bytes: Vec<u8>) -> Result<Held, Failure> {
        let beside = match (&self.signature, &self.rfc3161_timestamp) {
            (Some(_), _) => "--signature",
            (None, Some(_)) => "--rfc3161-timestamp",
            (None, None) => return Ok(Held::Bundle(bytes)),
        };
        Err(Failure::failed(format_args!("{beside} is given beside a Sigstore bundle, which holds its own")))
    }
}

impl Parts {
    /// cosign's file: `base64Signature`, `cert` and `rekorBundle`.
    fn of_older(path: &Path, value: &Value) -> Result<Self, Failure> {
        let malformed =
            |what: &str| unreadable(path, &format!("neither a Sigstore bundle nor cosign's older file: {what}"));
        let members = value.as_object().ok_or_else(|| malformed("no object"))?;
        if let Some(other) = members.keys().find(|name| !OLDER.contains(&name.as_str())) {
            return Err(malformed(&format!("member `{}`", oci::excerpt(other, 40))));
        }
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(malformed(&format!("`{name}` is no text"))),
        };
        let signature = text("base64Signature")?.map(|text| BASE64_STANDARD.decode(text));
        Ok(Self {
            signature: signature
                .transpose()
                .map_err(|_| malformed("`base64Signature` is no base64"))?
                .unwrap_or_default(),
            certificate: text("cert")?.and_then(|text| certificates::pem(text.as_bytes())),
            log_entry: members.get("rekorBundle").filter(|entry| !entry.is_null()).map(Value::to_string),
            timestamp: None,
        })
    }

    /// Whether a log entry is among them.
    pub(super) fn is_logged(&self) -> bool {
        self.log_entry.is_some()
    }

    /// The bundle that these are the parts of.
    pub(super) fn assembled(self, file: &Digest, by: Option<BundleMaker>) -> Result<UntrustedBundle, Failure> {
        let Self { signature, certificate, log_entry, timestamp } = self;
        let named = certificate.as_deref().map(BundleMaker::certificate).transpose().map_err(assembling)?;
        let by = named
            .or(by)
            .ok_or_else(|| Failure::failed("the signature does not say whose it is, wanted --key or --certificate"))?;
        // a signature's bytes may begin as JSON does
        let bundle = match json::parse(&signature) {
            Ok(Value::Object(_)) => UntrustedBundle::of_envelope(&signature, &by),
            _ => UntrustedBundle::of_message(file, &signature, &by),
        };
        let mut bundle = bundle.map_err(assembling)?;
        if let Some(entry) = log_entry {
            bundle = bundle.with_rekor_bundle(&entry).map_err(assembling)?;
        }
        match timestamp {
            Some(response) => bundle.with_timestamp(&response).map_err(assembling),
            None => Ok(bundle),
        }
    }
}

/// A bundle or the like.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, Value), Failure> {
    let bytes = bounded_file::read(path, MAX_BUNDLE_KIB)
        .map_err(|why| Failure::failed(format_args!("reading bundle: {why}")))?;
    let value = json::parse(&bytes).map_err(|why| unreadable(path, &format!("bundle is not strict JSON: {why}")))?;
    Ok((bytes.to_vec(), value))
}

pub(super) fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("reading bundle: {}: {why}", path.display()))
}

/// A file's, or the text itself where there is no such file; base64, or the bytes as they are.
fn signature(text: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(text);
    if !path.exists() {
        return base64(text.as_bytes()).ok_or_else(|| {
            Failure::failed(format_args!(
                "reading signature: `{}` is neither a file nor base64",
                oci::excerpt(text, 80)
            ))
        });
    }
    let bytes = bounded_file::read(path, MAX_BUNDLE_KIB)
        .map_err(|why| Failure::failed(format_args!("reading signature: {why}")))?;
    Ok(base64(&bytes).unwrap_or_else(|| bytes.to_vec()))
}

/// `{"SignedRFC3161Timestamp": "…"}`
fn timestamp(path: &Path) -> Result<Vec<u8>, Failure> {
    let reading = |why: &dyn std::fmt::Display| Failure::failed(format_args!("reading timestamp: {why}"));
    let bytes = bounded_file::read(path, MAX_TIMESTAMP_KIB).map_err(|why| reading(&why))?;
    let value = json::parse(&bytes).map_err(|why| reading(&format_args!("{}: {why}", path.display())))?;
    let text = value.get("SignedRFC3161Timestamp").and_then(Value::as_str);
    text.and_then(|text| BASE64_STANDARD.decode(text).ok())
        .ok_or_else(|| reading(&format_args!("{}: wanted base64 as `SignedRFC3161Timestamp`", path.display())))
}

/// Base64 as files hold it, with line breaks.
fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    BASE64_STANDARD.decode(text).ok()
}

fn assembling(why: impl std::fmt::Display) -> Failure {
    Failure::failed(format_args!("reading signature: {why}"))
}

const OLDER: [&str; 3] = ["base64Signature", "cert", "rekorBundle"];
/// A bundle may hold a bill of material.
const MAX_BUNDLE_KIB: u64 = 64 * 1024;
const MAX_TIMESTAMP_KIB: u64 = 64;
