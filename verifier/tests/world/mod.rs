//! A Sigstore of our own, in one process: authorities for names and for the time, logs of certificates and signatures.
//! What it makes is genuine; tests then spoil one thing.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

pub(crate) mod der;
mod judging;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::{Digest, PinnedRef, location, simple_signing};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use verifier::{
    CertificateAuthority, CertificateLog, Demands, SIGN_PREDICATE, TimestampAuthority, TransparencyLog, TrustRoot,
    Window,
};

pub(crate) use judging::{attested, attested_layer, evidence, judge, judge_layer, log_fault, place, stamp_fault};

/// When everything is signed.
pub(crate) const T: u64 = 1_767_225_600;
/// How long a signer's certificate lives.
pub(crate) const MINUTES: u64 = 600;
pub(crate) const NOW: u64 = T + 1_000_000;

pub(crate) struct World {
    pub(crate) ca: Authority,
    pub(crate) tsa: Tsa,
    pub(crate) ct: PrivateKey,
    pub(crate) rekor: PrivateKey,
}

/// A root and an intermediate below it.
pub(crate) struct Authority {
    root: String,
    intermediate: String,
    issuer: Issuer<'static, KeyPair>,
    issuer_key: Vec<u8>,
}

/// A signer's certificate with its key.
pub(crate) struct Leaf {
    pub(crate) der: Vec<u8>,
    pub(crate) key: PrivateKey,
}

pub(crate) struct Tsa {
    pub(crate) authority: Authority,
    pub(crate) leaf: Leaf,
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(crate) fn time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn system(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn window(from: u64, to: u64) -> Window {
    Window::new(Some(time(from)), Some(time(to)))
}

pub(crate) fn image() -> PinnedRef {
    PinnedRef::new("a.b/c".parse().unwrap(), Digest::of(b"image"))
}

fn private(key: &KeyPair) -> PrivateKey {
    PrivateKey::from_pkcs8(key.serialized_der()).unwrap()
}

fn params(from: u64, to: u64) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    (params.not_before, params.not_after) = (system(from).into(), system(to).into());
    params.serial_number = Some(SerialNumber::from(7));
    params
}

impl Authority {
    /// An authority with this name; the intermediate is valid in this window.
    pub(crate) fn new(name: &str, usage: &ExtendedKeyUsagePurpose, from: u64, to: u64) -> Self {
        let ca = |name: &str, from, to| {
            let mut params = params(from, to);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params
        };
        let root_params = ca(&format!("{name} root"), T - 1_000_000, T + 100_000_000);
        let root_key = KeyPair::generate().unwrap();
        let root = root_params.self_signed(&root_key).unwrap().pem();
        let root_issuer = Issuer::new(root_params, root_key);
        let mut middle = ca(name, from, to);
        middle.extended_key_usages = vec![usage.clone()];
        let key = KeyPair::generate().unwrap();
        let issuer_key = private(&key).public().to_der().to_vec();
        let intermediate = middle.signed_by(&key, &root_issuer).unwrap().pem();
        Self { root, intermediate, issuer: Issuer::new(middle, key), issuer_key }
    }

    pub(crate) fn names() -> Self {
        Self::new("names", &ExtendedKeyUsagePurpose::CodeSigning, T - 1000, T + 100_000_000)
    }

    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.intermediate, self.root)
    }

    /// The root without the intermediate.
    pub(crate) fn root_pem(&self) -> String {
        self.root.clone()
    }

    /// A certificate for these parameters, with a timestamp of this log of certificates if there is one.
    pub(crate) fn issue(&self, mut params: CertificateParams, log: Option<&PrivateKey>) -> Leaf {
        let key = KeyPair::generate().unwrap();
        if let Some(log) = log {
            let before = params.signed_by(&key, &self.issuer).unwrap();
            let precertificate = der::split(der::split(before.der()).1).0;
            let list = sct_list(log, precertificate, &self.issuer_key);
            let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
            params.custom_extensions.push(CustomExtension::from_oid_content(&oid, der::octets(&list)));
        }
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Leaf { der, key: private(&key) }
    }
}

/// What Fulcio puts into a signer's certificate.
pub(crate) fn signer(from: u64) -> CertificateParams {
    let mut params = params(from, from + MINUTES);
    params.subject_alt_names = vec![SanType::Rfc822Name("alice@a.test".try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    let issuer = der::tlv(0x0c, &[b"https://issuer.test"]);
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], issuer)];
    params
}

fn sct_list(log: &PrivateKey, precertificate: &[u8], issuer_key: &[u8]) -> Vec<u8> {
    let milliseconds = (T * 1000).to_be_bytes();
    let length = &(precertificate.len() as u32).to_be_bytes()[1..];
    let message =
        [&[0, 0][..], &milliseconds, &[0, 1], Digest::of(issuer_key).as_bytes(), length, precertificate, &[0, 0]]
            .concat();
    let signature = log.sign(&message).unwrap();
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let id = Digest::of(log.public().to_der());
    let sct = [&[0][..], id.as_bytes(), &milliseconds, &[0, 0], &[4, 3], &sized(&signature)].concat();
    sized(&sized(&sct))
}

impl Tsa {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("time", &ExtendedKeyUsagePurpose::TimeStamping, T - 1000, T + 100_000_000);
        let leaf = authority.issue(Self::stamper(), None);
        Self { authority, leaf }
    }

    /// What a time stamping certificate needs: that usage alone, and critical.
    pub(crate) fn stamper() -> CertificateParams {
        let mut params = params(T - 1000, T + 10_000_000);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = der::sequence(&[&der::oid(&[1, 3, 6, 1, 5, 5, 7, 3, 8])]);
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], usage);
        usage.set_criticality(true);
        params.custom_extensions = vec![usage];
        params
    }

    /// The chain as a trusted root has it, the stamping certificate first if it is to be known.
    pub(crate) fn pem(&self, known: bool) -> String {
        let leaf = pem::encode(&pem::Pem::new("CERTIFICATE", self.leaf.der.clone()));
        format!("{}{}", if known { leaf } else { String::new() }, self.authority.pem())
    }

    pub(crate) fn stamp(&self, signature: &[u8], at: u64) -> Vec<u8> {
        token(&self.leaf, &self.leaf, signature, at, &[])
    }
}

/// A token that says that it is by `named`, signed by `by`, with these certificates in it.
pub(crate) fn token(named: &Leaf, by: &Leaf, signature: &[u8], at: u64, certificates: &[&[u8]]) -> Vec<u8> {
    token_saying(named, by, &[], (Digest::of(signature).as_bytes(), at), certificates)
}

/// The same over this hash, and with more after the time.
pub(crate) fn token_saying(
    named: &Leaf,
    by: &Leaf,
    more: &[u8],
    (hash, at): (&[u8], u64),
    certificates: &[&[u8]],
) -> Vec<u8> {
    let sha256 = der::sequence(&[&der::oid(&[2, 16, 840, 1, 101, 3, 4, 2, 1])]);
    let stamp = der::tlv(0x18, &[generalized(at).as_bytes()]);
    let imprint = der::sequence(&[&sha256, &der::octets(hash)]);
    let policy = der::oid(&[1, 3, 6, 1, 4, 1, 57264, 2]);
    let info = der::sequence(&[&der::integer(1), &policy, &imprint, &der::integer(9), &stamp, more]);
    let tst_info = der::oid(&[1, 2, 840, 113549, 1, 9, 16, 1, 4]);
    let attribute = |id: &[u64], value: &[u8]| der::sequence(&[&der::oid(id), &der::set(&[value])]);
    let attributes = [
        attribute(&[1, 2, 840, 113549, 1, 9, 3], &tst_info),
        attribute(&[1, 2, 840, 113549, 1, 9, 4], &der::octets(Digest::of(&info).as_bytes())),
    ]
    .concat();
    let signed = by.key.sign(&der::set(&[&attributes])).unwrap();
    let fields = der::certificate(&named.der);
    let (serial, issuer) = (fields[1], fields[3]);
    let ecdsa = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2])]);
    let signer = der::sequence(&[
        &der::integer(1),
        &der::sequence(&[issuer, serial]),
        &sha256,
        &der::tlv(0xa0, &[&attributes]),
        &ecdsa,
        &der::octets(&signed),
    ]);
    let content = der::sequence(&[&tst_info, &der::tlv(0xa0, &[&der::octets(&info)])]);
    let certificates = if certificates.is_empty() { vec![] } else { der::tlv(0xa0, certificates) };
    let data =
        der::sequence(&[&der::integer(3), &der::set(&[&sha256]), &content, &certificates, &der::set(&[&signer])]);
    let signed_data = der::oid(&[1, 2, 840, 113549, 1, 7, 2]);
    let token = der::sequence(&[&signed_data, &der::tlv(0xa0, &[&data])]);
    der::sequence(&[&der::sequence(&[&der::integer(0)]), &token])
}

fn generalized(at: u64) -> String {
    let (day, rest) = ((at - T) / 86_400, (at - T) % 86_400);
    assert!(at >= T && day < 31, "tests stay within January 2026");
    format!("202601{:02}{:02}{:02}{:02}Z", day + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

impl World {
    pub(crate) fn new() -> Self {
        let key = || PrivateKey::generate().unwrap();
        Self { ca: Authority::names(), tsa: Tsa::new(), ct: key(), rekor: key() }
    }

    pub(crate) fn log(&self) -> TransparencyLog {
        TransparencyLog::new(self.rekor.public().clone(), "https://log.test", window(T - 1000, T + 10_000_000))
    }

    /// All of it as Sigstore's `trusted_root.json`.
    pub(crate) fn trusted_root(&self) -> Value {
        let certificates = |text: String| {
            let blocks = pem::parse_many(text).unwrap();
            json!({ "certificates": blocks.iter().map(|block| json!({ "rawBytes": b64(block.contents()) })).collect::<Vec<_>>() })
        };
        let valid = json!({ "start": "2025-12-31T00:00:00Z", "end": "2026-06-01T00:00:00.999Z" });
        let log = |key: &PrivateKey| {
            json!({ "baseUrl": "https://log.test", "hashAlgorithm": "SHA2_256",
                "publicKey": { "rawBytes": b64(key.public().to_der()), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid },
                "logId": { "keyId": b64(Digest::of(key.public().to_der()).as_bytes()) } })
        };
        let authority = |pem| json!({ "subject": { "commonName": "x" }, "uri": "https://x.test", "certChain": certificates(pem), "validFor": valid });
        json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.rekor)], "ctlogs": [log(&self.ct)],
            "certificateAuthorities": [authority(self.ca.pem())],
            "timestampAuthorities": [authority(self.tsa.pem(true))] })
    }

    /// Trust in all of it, with cosign's demands.
    pub(crate) fn trust(&self) -> TrustRoot {
        self.trust_without_time()
            .with_timestamp_authority(TimestampAuthority::from_pem(&self.tsa.pem(true), Window::UNBOUNDED).unwrap())
    }

    pub(crate) fn trust_without_time(&self) -> TrustRoot {
        TrustRoot::new(vec![])
            .with_authority(CertificateAuthority::from_pem(&self.ca.pem(), window(T - 1000, T + 10_000_000)).unwrap())
            .with_certificate_log(CertificateLog::new(self.ct.public().clone(), window(T - 1000, T + 10_000_000)))
            .with_log(self.log())
            .demanding(Demands::LOGGED)
    }

    pub(crate) fn leaf(&self) -> Leaf {
        self.ca.issue(signer(T), Some(&self.ct))
    }

    /// A bundle by this signer, logged at this time.
    pub(crate) fn bundle(&self, leaf: &Leaf, at: u64) -> Value {
        let mut bundle = unlogged(leaf, &statement());
        self.enter(&mut bundle, leaf, at);
        bundle
    }

    /// Logs what the bundle holds.
    pub(crate) fn enter(&self, bundle: &mut Value, leaf: &Leaf, at: u64) {
        let envelope = &bundle["dsseEnvelope"];
        let payload = BASE64_STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.der.clone()));
        let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": Digest::of(b"envelope").hex() },
            "payloadHash": { "algorithm": "sha256", "value": Digest::of(&payload).hex() },
            "signatures": [{ "signature": envelope["signatures"][0]["sig"], "verifier": b64(certificate) }],
        } });
        bundle["verificationMaterial"]["tlogEntries"] = json!([self.entry(("dsse", "0.0.1"), &body.to_string(), at)]);
    }

    /// An entry with this body, the only one of its tree, as a log of version 1 has it.
    pub(crate) fn entry(&self, kind: (&str, &str), body: &str, at: u64) -> Value {
        let mut entry = self.entry_2(kind, body);
        let proof = &mut entry["inclusionProof"];
        let root = proof["rootHash"].as_str().unwrap().to_owned();
        proof["checkpoint"]["envelope"] = json!(self.checkpoint(&format!("log.test - 1\n1\n{root}\n")));
        entry["logIndex"] = json!("5");
        entry["integratedTime"] = json!(at.to_string());
        entry["inclusionPromise"] = json!({ "signedEntryTimestamp": b64(self.promise(body, at)) });
        entry
    }

    /// The same as a log of version 2 has it: no promise and no time, and the log's name as origin.
    pub(crate) fn entry_2(&self, (kind, version): (&str, &str), body: &str) -> Value {
        let id = Digest::of(self.rekor.public().to_der());
        let root = b64(Digest::of(&[b"\0", body.as_bytes()].concat()).as_bytes());
        let checkpoint = self.checkpoint(&format!("log.test\n1\n{root}\n"));
        json!({
            "logIndex": "0", "logId": { "keyId": b64(id.as_bytes()) },
            "kindVersion": { "kind": kind, "version": version },
            "inclusionProof": { "logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": [],
                "checkpoint": { "envelope": checkpoint } },
            "canonicalizedBody": b64(body),
        })
    }

    /// A note with this text, signed by the log.
    pub(crate) fn checkpoint(&self, text: &str) -> String {
        let id = Digest::of(self.rekor.public().to_der());
        let line = [&id.as_bytes()[..4], &self.rekor.sign(text.as_bytes()).unwrap()].concat();
        format!("{text}\n\u{2014} log.test {}\n", b64(line))
    }

    pub(crate) fn promise(&self, body: &str, at: u64) -> Vec<u8> {
        let id = Digest::of(self.rekor.public().to_der()).hex();
        let text = format!(r#"{{"body":"{}","integratedTime":{at},"logID":"{id}","logIndex":5}}"#, b64(body));
        self.rekor.sign(text.as_bytes()).unwrap()
    }

    /// The annotations of a legacy layer by this signer over this payload, logged at this time.
    pub(crate) fn layer(&self, leaf: &Leaf, payload: &[u8], at: u64) -> BTreeMap<String, String> {
        let signature = b64(leaf.key.sign(payload).unwrap());
        let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.der.clone()));
        let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": Digest::of(payload).hex() } },
            "signature": { "content": signature, "publicKey": { "content": b64(&certificate) } },
        } })
        .to_string();
        let bundle = json!({ "SignedEntryTimestamp": b64(self.promise(&body, at)), "Payload": {
            "body": b64(&body), "integratedTime": at, "logIndex": 5,
            "logID": Digest::of(self.rekor.public().to_der()).hex() } });
        BTreeMap::from([
            (location::SIGNATURE_ANNOTATION.to_owned(), signature),
            (location::CERTIFICATE_ANNOTATION.to_owned(), certificate),
            (location::BUNDLE_ANNOTATION.to_owned(), bundle.to_string()),
        ])
    }
}

pub(crate) fn payload() -> Vec<u8> {
    simple_signing::render(image().repository(), image().digest(), &BTreeMap::new())
}

pub(crate) fn statement() -> String {
    statement_of(SIGN_PREDICATE)
}

pub(crate) fn statement_of(predicate_type: &str) -> String {
    json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": predicate_type, "predicate": {},
        "subject": [{ "digest": { "sha256": image().digest().hex() }, "annotations": {} }] })
    .to_string()
}

/// A bundle by this signer over this payload, with nothing beside the certificate.
pub(crate) fn unlogged(leaf: &Leaf, payload: &str) -> Value {
    let kind = "application/vnd.in-toto+json";
    let pae = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "certificate": { "rawBytes": b64(&leaf.der) } },
        "dsseEnvelope": { "payload": b64(payload), "payloadType": kind,
            "signatures": [{ "sig": b64(leaf.key.sign(pae.as_bytes()).unwrap()) }] },
    })
}

/// The signature that a bundle holds.
pub(crate) fn signature(bundle: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap()).unwrap()
}

/// The bundle with these timestamps.
pub(crate) fn stamped(mut bundle: Value, stamps: &[Vec<u8>]) -> Value {
    let list: Vec<Value> = stamps.iter().map(|stamp| json!({ "signedTimestamp": b64(stamp) })).collect();
    bundle["verificationMaterial"]["timestampVerificationData"] = json!({ "rfc3161Timestamps": list });
    bundle
}

/// A layer's bytes and annotations.
pub(crate) type Layer = (Vec<u8>, BTreeMap<String, String>);

/// What a bundle holds, as a layer of a legacy attestation.
pub(crate) fn as_layer(bundle: &Value) -> Layer {
    let material = &bundle["verificationMaterial"];
    let mut annotations = BTreeMap::from([(location::SIGNATURE_ANNOTATION.to_owned(), String::new())]);
    let bytes = |value: &Value| BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap();
    if let Some(raw) = material.pointer("/certificate/rawBytes") {
        let pem = pem::encode(&pem::Pem::new("CERTIFICATE", bytes(raw)));
        annotations.insert(location::CERTIFICATE_ANNOTATION.to_owned(), pem);
    }
    if let Some(entry) = material.pointer("/tlogEntries/0") {
        let number = |name: &str| entry[name].as_str().unwrap().parse::<u64>().unwrap();
        let annotation = json!({ "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"], "Payload": {
            "body": entry["canonicalizedBody"], "integratedTime": number("integratedTime"),
            "logIndex": number("logIndex"), "logID": hex::encode(bytes(&entry["logId"]["keyId"])) } });
        annotations.insert(location::BUNDLE_ANNOTATION.to_owned(), annotation.to_string());
    }
    (bundle["dsseEnvelope"].to_string().into_bytes(), annotations)
}

/// The layer with this timestamp.
pub(crate) fn stamped_layer((bytes, mut annotations): Layer, stamp: &[u8]) -> Layer {
    let text = json!({ "SignedRFC3161Timestamp": b64(stamp) }).to_string();
    annotations.insert(location::TIMESTAMP_ANNOTATION.to_owned(), text);
    (bytes, annotations)
}

/// Timestamps instead of log entries.
pub(crate) fn stamps_only(trust: TrustRoot) -> TrustRoot {
    trust.demanding(Demands { log_entry: false, timestamp: true, ..Demands::LOGGED })
}
