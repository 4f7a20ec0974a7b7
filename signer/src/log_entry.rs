//! Entries of transparency logs, as logs hand them out, and as signatures carry them.
//!
//! An entry is kept in the form that bundles have, built anew from the members that this form knows. What a log says
//! is not believed here: only that the entry is of what was sent; the rest is for the verifier to judge.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::json;
use serde_json::{Value, json};

/// An entry (`TransparencyLogEntry`), and the promise of its log if there is one.
#[derive(Debug, Clone)]
pub(crate) struct LogEntry {
    entry: Value,
}

impl LogEntry {
    /// Reads the one entry in an answer of Rekor version 1; says what is missing.
    pub(crate) fn version_1(answer: &Value) -> Result<Self, &'static str> {
        let entries = answer.as_object().filter(|entries| entries.len() == 1);
        let entry = entries.and_then(|entries| entries.values().next()).ok_or("exactly one log entry")?;
        let body = string(entry, "/body").ok_or("body of the log entry")?;
        let proof = entry.pointer("/verification/inclusionProof").ok_or("inclusion proof")?;
        let (kind, version) = kind(body).ok_or("kind of the log entry")?;
        let path = proof.get("hashes").and_then(Value::as_array).ok_or("inclusion proof")?;
        let path: Option<Vec<Value>> = path.iter().map(|hash| base64_of(hash.as_str()?).map(Value::from)).collect();
        let entry = json!({
            "logIndex": number(entry, "/logIndex").ok_or("index of the log entry")?,
            "logId": { "keyId": string(entry, "/logID").and_then(base64_of).ok_or("id of the log")? },
            "kindVersion": { "kind": kind, "version": version },
            "integratedTime": number(entry, "/integratedTime").ok_or("time of the log entry")?,
            "inclusionPromise": { "signedEntryTimestamp":
                string(entry, "/verification/signedEntryTimestamp").ok_or("signed entry timestamp")? },
            "inclusionProof": {
                "logIndex": number(proof, "/logIndex").ok_or("inclusion proof")?,
                "rootHash": string(proof, "/rootHash").and_then(base64_of).ok_or("inclusion proof")?,
                "treeSize": number(proof, "/treeSize").ok_or("inclusion proof")?,
                "hashes": path.ok_or("inclusion proof")?,
                "checkpoint": { "envelope": string(proof, "/checkpoint").ok_or("checkpoint")? },
            },
            "canonicalizedBody": body,
        });
        Ok(Self { entry })
    }

    /// Reads an answer of Rekor version 2; says what is missing. A log of this version says nothing about time.
    pub(crate) fn version_2(answer: &Value) -> Result<Self, &'static str> {
        let proof = answer.get("inclusionProof").filter(|proof| proof.is_object()).ok_or("inclusion proof")?;
        let path = proof.get("hashes").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |name, wanted| string(answer, name).ok_or(wanted);
        let entry = json!({
            "logIndex": number(answer, "/logIndex").unwrap_or_else(zero),
            "logId": { "keyId": text("/logId/keyId", "id of the log")? },
            "kindVersion": {
                "kind": text("/kindVersion/kind", "kind of the log entry")?,
                "version": text("/kindVersion/version", "kind of the log entry")?,
            },
            "inclusionProof": {
                "logIndex": number(proof, "/logIndex").unwrap_or_else(zero),
                "rootHash": string(proof, "/rootHash").ok_or("inclusion proof")?,
                "treeSize": number(proof, "/treeSize").ok_or("inclusion proof")?,
                "hashes": path,
                "checkpoint": { "envelope": string(proof, "/checkpoint/envelope").ok_or("checkpoint")? },
            },
            "canonicalizedBody": text("/canonicalizedBody", "body of the log entry")?,
        });
        Ok(Self { entry })
    }

    /// What the log recorded.
    pub(crate) fn body(&self) -> Option<Value> {
        let body = BASE64_STANDARD.decode(string(&self.entry, "/canonicalizedBody")?).ok()?;
        json::parse(&body).ok()
    }

    /// The index that the log gave it.
    pub(crate) fn index(&self) -> Option<u64> {
        string(&self.entry, "/logIndex")?.parse().ok()
    }

    /// As bundles carry it.
    pub(crate) fn in_bundle(&self) -> &Value {
        &self.entry
    }

    /// As layers carry it: with the log's promise; none if there was none.
    pub(crate) fn annotation(&self) -> Option<Value> {
        let entry = &self.entry;
        let whole = |name| string(entry, name)?.parse::<i64>().ok();
        let id = BASE64_STANDARD.decode(string(entry, "/logId/keyId")?).ok()?;
        Some(json!({
            "SignedEntryTimestamp": string(entry, "/inclusionPromise/signedEntryTimestamp")?,
            "Payload": {
                "body": string(entry, "/canonicalizedBody")?,
                "integratedTime": whole("/integratedTime")?,
                "logIndex": whole("/logIndex")?,
                "logID": hex::encode(id),
            },
        }))
    }
}

fn kind(body: &str) -> Option<(String, String)> {
    let body = json::parse(&BASE64_STANDARD.decode(body).ok()?).ok()?;
    Some((string(&body, "/kind")?.to_owned(), string(&body, "/apiVersion")?.to_owned()))
}

fn string<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// A whole number, as protobuf writes it in JSON: in text.
fn number(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) => text.parse::<u64>().ok().map(|number| number.to_string()),
        _ => None,
    }
}

/// Hexadecimal to base64.
fn base64_of(text: &str) -> Option<String> {
    hex::decode(text).ok().map(|bytes| BASE64_STANDARD.encode(bytes))
}

fn zero() -> String {
    "0".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_1() -> Value {
        let body = BASE64_STANDARD.encode(r#"{"apiVersion":"0.0.1","kind":"dsse","spec":{}}"#);
        json!({ "00aa": {
            "body": body, "integratedTime": 7, "logIndex": 12, "logID": "00ff",
            "verification": { "signedEntryTimestamp": "c2V0", "inclusionProof": {
                "checkpoint": "text", "hashes": ["00ff"], "logIndex": 3, "rootHash": "01", "treeSize": 4 } },
        }})
    }

    #[test]
    fn entry_of_version_1_is_turned_into_a_bundles() {
        let entry = LogEntry::version_1(&answer_1()).unwrap();
        assert_eq!(entry.index(), Some(12));
        let mut wanted = json!({
            "logIndex": "12", "logId": { "keyId": "AP8=" }, "kindVersion": { "kind": "dsse", "version": "0.0.1" },
            "integratedTime": "7", "inclusionPromise": { "signedEntryTimestamp": "c2V0" },
            "inclusionProof": { "logIndex": "3", "rootHash": "AQ==", "treeSize": "4", "hashes": ["AP8="],
                "checkpoint": { "envelope": "text" } },
        });
        wanted["canonicalizedBody"] = answer_1()["00aa"]["body"].clone();
        assert_eq!(entry.in_bundle(), &wanted);
        let annotation = entry.annotation().unwrap();
        assert_eq!(annotation["SignedEntryTimestamp"], "c2V0");
        assert_eq!(annotation["Payload"]["logID"], "00ff");
        assert_eq!(annotation["Payload"]["integratedTime"], 7);
    }

    #[test]
    fn answer_that_lacks_a_part_is_none() {
        let parts = [
            "/00aa/body",
            "/00aa/integratedTime",
            "/00aa/logIndex",
            "/00aa/logID",
            "/00aa/verification/signedEntryTimestamp",
            "/00aa/verification/inclusionProof",
            "/00aa/verification/inclusionProof/checkpoint",
            "/00aa/verification/inclusionProof/hashes",
            "/00aa/verification/inclusionProof/hashes/0",
            "/00aa/verification/inclusionProof/rootHash",
            "/00aa/verification/inclusionProof/treeSize",
        ];
        for part in parts {
            let mut answer = answer_1();
            *answer.pointer_mut(part).unwrap() = Value::Null;
            assert!(LogEntry::version_1(&answer).is_err(), "{part}");
        }
        let mut two = answer_1();
        two["00bb"] = two["00aa"].clone();
        assert!(LogEntry::version_1(&two).is_err() && LogEntry::version_1(&json!({})).is_err());
    }

    #[test]
    fn entry_of_version_2_has_no_time_and_no_annotation() {
        let answer = json!({
            "logIndex": "5", "logId": { "keyId": "AA==" }, "integratedTime": "0", "inclusionPromise": null,
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" }, "new": 1, "canonicalizedBody": "e30=",
            "inclusionProof": { "rootHash": "AQ==", "treeSize": "6", "checkpoint": { "envelope": "text" }, "new": 1 },
        });
        let entry = LogEntry::version_2(&answer).unwrap();
        let names: Vec<&str> = entry.in_bundle().as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["logIndex", "logId", "kindVersion", "inclusionProof", "canonicalizedBody"]);
        assert_eq!(entry.in_bundle()["inclusionProof"]["hashes"], json!([]));
        assert!(entry.annotation().is_none());
        for part in ["/logId/keyId", "/kindVersion/kind", "/inclusionProof", "/inclusionProof/checkpoint/envelope"] {
            let mut spoilt = answer.clone();
            *spoilt.pointer_mut(part).unwrap() = Value::Null;
            assert!(LogEntry::version_2(&spoilt).is_err(), "{part}");
        }
    }
}
