//! What a log recorded: each kind of entry, and whether it is about the signature at hand.
//!
//! An entry that is not compared with the signature that carries it proves nothing: any entry of the log would do.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PublicKey;
use oci::{excerpt, json};
use serde_json::{Map, Value};

use crate::{
    LogFault,
    fields::{FieldError, Fields},
    signed::{HashAlgorithm, Message, Signed, SignedBy},
};

/// Checks that the entry with this body records this signature, by this signer, over this.
pub(crate) fn check(body: &[u8], kind: Option<(&str, &str)>, signed: &Signed<'_>) -> Result<(), LogFault> {
    let value = json::parse(body)?;
    let top = Fields::of(&value, "an entry", &["apiVersion", "kind", "spec"])?;
    let found = (top.text("kind")?, top.text("apiVersion")?);
    let named = || excerpt(&format!("{} {}", found.0, found.1), 60);
    if kind.is_some_and(|kind| kind != found) {
        return Err(LogFault::OtherKind { found: named() });
    }
    let record = match found {
        ("hashedrekord", "0.0.1") => hashedrekord_1(&top)?,
        ("rekord", "0.0.1") => rekord_1(&top)?,
        ("dsse", "0.0.1") => dsse_1(&top)?,
        ("intoto", "0.0.1") => intoto_1(&top)?,
        ("intoto", "0.0.2") => intoto_2(&top)?,
        ("hashedrekord", "0.0.2") => hashedrekord_2(&top)?,
        ("dsse", "0.0.2") => dsse_2(&top)?,
        _ => return Err(LogFault::Kind { found: named() }),
    };
    // version 2 writes canonical JSON of known members alone, so the leaf that is proven is one rebuilt from them
    if found.1 == "0.0.2" && found.0 != "intoto" && canonical(&value).as_bytes() != body {
        return Err(LogFault::NotCanonical);
    }
    record.is_of(signed)
}

struct Record {
    signatures: Vec<(Option<Vec<u8>>, Recorded)>,
    over: Over,
}

enum Recorded {
    Certificate(Vec<u8>),
    Key(PublicKey),
}

/// What the recorded hash is of: what was signed, or the payload of the envelope.
enum Over {
    Message(HashAlgorithm, Vec<u8>),
    Payload(HashAlgorithm, Vec<u8>),
}

impl Record {
    fn is_of(&self, signed: &Signed<'_>) -> Result<(), LogFault> {
        let (algorithm, found, wanted) = match &self.over {
            Over::Message(algorithm, found) => (algorithm, found, signed.message.hash(*algorithm)),
            Over::Payload(algorithm, found) => {
                (algorithm, found, signed.payload.and_then(|payload| Message::Bytes(payload).hash(*algorithm)))
            }
        };
        if wanted.as_ref() != Some(found) {
            let wanted = wanted.map_or_else(|| format!("no {algorithm:?} that is known"), hex::encode);
            return Err(LogFault::OtherDigest { found: hex::encode(found), wanted });
        }
        let same = |(signature, _): &&(Option<Vec<u8>>, Recorded)| {
            signature.as_ref().is_none_or(|signature| signature == signed.signature)
        };
        let mut with_signature = self.signatures.iter().filter(same).peekable();
        if with_signature.peek().is_none() {
            return Err(LogFault::OtherSignature);
        }
        let by_signer = with_signature.any(|(_, recorded)| recorded.is(&signed.signer));
        if by_signer { Ok(()) } else { Err(LogFault::OtherSigner) }
    }
}

impl Recorded {
    /// Whoever comes with a certificate must be recorded by that certificate; a key by itself, in whatever form; and
    /// whoever is known by a certificate that was given, by it or by its key.
    fn is(&self, signer: &SignedBy<'_>) -> bool {
        match (self, signer) {
            (Self::Certificate(found), SignedBy::Certificate(wanted) | SignedBy::Given(wanted)) => {
                found == wanted.der().as_ref()
            }
            (Self::Key(found), SignedBy::Given(wanted)) => wanted.key().is_ok_and(|wanted| wanted == *found),
            (Self::Key(found), SignedBy::Key(wanted)) => found == *wanted,
            (Self::Certificate(found), SignedBy::Key(wanted)) => {
                let certificate = crate::certificate::Certificate::parse(found);
                certificate.is_ok_and(|certificate| certificate.key().is_ok_and(|key| key == **wanted))
            }
            (Self::Key(_), SignedBy::Certificate(_)) => false,
        }
    }

    /// One block of PEM, itself in base64.
    fn pem(encoded: &[u8]) -> Result<Self, LogFault> {
        match pem::parse_many(encoded).unwrap_or_default().as_slice() {
            [block] if block.tag() == "CERTIFICATE" => Ok(Self::Certificate(block.contents().to_vec())),
            [block] if block.tag() == "PUBLIC KEY" => {
                PublicKey::from_der(block.contents()).map(Self::Key).map_err(|_| LogFault::Signer)
            }
            _ => Err(LogFault::Signer),
        }
    }

    /// A `verifier` of version 2.
    fn verifier(fields: &Fields<'_>) -> Result<Self, LogFault> {
        let verifier = fields.object("verifier", &["keyDetails", "publicKey", "x509Certificate"])?;
        verifier.text("keyDetails")?;
        let raw = |name| verifier.optional(name, &["rawBytes"])?.map(|it| it.base64("rawBytes")).transpose();
        match (raw("x509Certificate")?, raw("publicKey")?) {
            (Some(certificate), None) => Ok(Self::Certificate(certificate)),
            (None, Some(key)) => PublicKey::from_der(&key).map(Self::Key).map_err(|_| LogFault::Signer),
            _ => Err(LogFault::Signer),
        }
    }
}

fn hashedrekord_1(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["data", "signature"])?;
    let (algorithm, hash) = hash(&spec.object("data", &["hash"])?, "hash")?;
    let signature = spec.object("signature", &["content", "publicKey"])?;
    let signer = Recorded::pem(&signature.object("publicKey", &["content"])?.base64("content")?)?;
    let signatures = vec![(Some(signature.base64("content")?), signer)];
    Ok(Record { signatures, over: Over::Message(algorithm, hash) })
}

fn rekord_1(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["data", "signature"])?;
    let (algorithm, hash) = hash(&spec.object("data", &["hash"])?, "hash")?;
    let signature = spec.object("signature", &["content", "format", "publicKey"])?;
    let signer = Recorded::pem(&signature.object("publicKey", &["content"])?.base64("content")?)?;
    let signatures = vec![(Some(signature.base64("content")?), signer)];
    Ok(Record { signatures, over: Over::Message(algorithm, hash) })
}

fn dsse_1(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["envelopeHash", "payloadHash", "signatures"])?;
    let (algorithm, hash) = hash(&spec, "payloadHash")?;
    let one = |value: &Value| {
        let fields = Fields::of(value, "a signature", &["signature", "verifier"])?;
        Ok((Some(fields.base64("signature")?), Recorded::pem(&fields.base64("verifier")?)?))
    };
    let signatures = spec.list("signatures", MAX_SIGNATURES)?.iter().map(one).collect::<Result<_, LogFault>>()?;
    Ok(Record { signatures, over: Over::Payload(algorithm, hash) })
}

/// The oldest kind records no signature: the payload and the signer are all that binds it.
fn intoto_1(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["content", "publicKey"])?;
    let (algorithm, hash) = hash(&spec.object("content", &["hash", "payloadHash"])?, "payloadHash")?;
    let signatures = vec![(None, Recorded::pem(&spec.base64("publicKey")?)?)];
    Ok(Record { signatures, over: Over::Payload(algorithm, hash) })
}

fn intoto_2(top: &Fields<'_>) -> Result<Record, LogFault> {
    let content = top.object("spec", &["content"])?.object("content", &["envelope", "hash", "payloadHash"])?;
    let (algorithm, hash) = hash(&content, "payloadHash")?;
    let envelope = content.object("envelope", &["payload", "payloadType", "signatures"])?;
    let one = |value: &Value| {
        let fields = Fields::of(value, "a signature", &["keyid", "publicKey", "sig"])?;
        // Rekor writes base64 of base64; a signature itself is never base64
        let outer = fields.base64("sig")?;
        let signature = BASE64_STANDARD.decode(&outer).unwrap_or(outer);
        Ok((Some(signature), Recorded::pem(&fields.base64("publicKey")?)?))
    };
    let signatures = envelope.list("signatures", MAX_SIGNATURES)?.iter().map(one).collect::<Result<_, LogFault>>()?;
    Ok(Record { signatures, over: Over::Payload(algorithm, hash) })
}

fn hashedrekord_2(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["hashedRekordV002"])?.object("hashedRekordV002", &["data", "signature"])?;
    let (algorithm, hash) = digest(&spec, "data")?;
    let signature = spec.object("signature", &["content", "verifier"])?;
    let signatures = vec![(Some(signature.base64("content")?), Recorded::verifier(&signature)?)];
    Ok(Record { signatures, over: Over::Message(algorithm, hash) })
}

fn dsse_2(top: &Fields<'_>) -> Result<Record, LogFault> {
    let spec = top.object("spec", &["dsseV002"])?.object("dsseV002", &["payloadHash", "signatures"])?;
    let (algorithm, hash) = digest(&spec, "payloadHash")?;
    let one = |value: &Value| {
        let fields = Fields::of(value, "a signature", &["content", "verifier"])?;
        Ok((Some(fields.base64("content")?), Recorded::verifier(&fields)?))
    };
    let signatures = spec.list("signatures", MAX_SIGNATURES)?.iter().map(one).collect::<Result<_, LogFault>>()?;
    Ok(Record { signatures, over: Over::Payload(algorithm, hash) })
}

/// A hash as version 1 writes it: in hexadecimal.
fn hash(fields: &Fields<'_>, name: &'static str) -> Result<(HashAlgorithm, Vec<u8>), LogFault> {
    let hash = fields.object(name, &["algorithm", "value"])?;
    let bytes = hex::decode(hash.text("value")?).map_err(|_| FieldError::Missing("a hash in hexadecimal"))?;
    of_length(algorithm(&hash)?, bytes)
}

/// A hash as version 2 writes it: in base64.
fn digest(fields: &Fields<'_>, name: &'static str) -> Result<(HashAlgorithm, Vec<u8>), LogFault> {
    let hash = fields.object(name, &["algorithm", "digest"])?;
    of_length(algorithm(&hash)?, hash.base64("digest")?)
}

fn of_length(algorithm: HashAlgorithm, hash: Vec<u8>) -> Result<(HashAlgorithm, Vec<u8>), LogFault> {
    let (found, wanted) = (hash.len(), algorithm.length());
    if found == wanted { Ok((algorithm, hash)) } else { Err(LogFault::HashLength { found, wanted }) }
}

fn algorithm(hash: &Fields<'_>) -> Result<HashAlgorithm, LogFault> {
    let name = hash.text("algorithm")?;
    HashAlgorithm::named(name).ok_or_else(|| LogFault::Hash { found: excerpt(name, 40) })
}

/// RFC 8785, for documents whose names are ASCII and whose numbers are whole.
fn canonical(value: &Value) -> String {
    let object = |map: &Map<String, Value>| {
        let mut members: Vec<_> = map.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    match value {
        Value::Object(map) => object(map),
        Value::Array(list) => format!("[{}]", list.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

const MAX_SIGNATURES: usize = 32;
