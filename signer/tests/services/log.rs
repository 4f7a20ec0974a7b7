//! A transparency log in which each entry is the only one.

use std::collections::HashMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use oci::Digest;
use serde_json::{Value, json};

/// The log's key; its name is `log.test`.
pub(crate) struct Log(pub(crate) PrivateKey);

impl Log {
    fn id(&self) -> Digest {
        Digest::of(self.0.public().to_der())
    }

    /// Version 1's answer to this proposal: what it records, with its promise and proof.
    pub(crate) fn version_1(&self, proposal: &Value, at: u64) -> Value {
        let body = recorded_1(proposal).to_string();
        let (id, root) = (self.id().hex(), root(&body));
        let encoded = b64(&body);
        let promised = format!(r#"{{"body":"{encoded}","integratedTime":{at},"logID":"{id}","logIndex":5}}"#);
        let checkpoint = self.checkpoint(&format!("log.test - 1\n1\n{}\n", b64(root.as_bytes())));
        let uuid = format!("{:016x}{}", 1, root.hex());
        json!({ uuid: {
            "body": encoded, "integratedTime": at, "logID": id, "logIndex": 5,
            "verification": {
                "inclusionProof": { "checkpoint": checkpoint, "hashes": [], "logIndex": 0, "rootHash": root.hex(),
                    "treeSize": 1 },
                "signedEntryTimestamp": b64(self.0.sign(promised.as_bytes()).unwrap()),
            },
        }})
    }

    /// Version 2's answer to this request.
    pub(crate) fn version_2(&self, request: &Value) -> Value {
        let request = &request["hashedRekordRequestV002"];
        let details = request["signature"]["verifier"]["keyDetails"].as_str().unwrap();
        let hash = if details.contains("384") { "SHA2_384" } else { "SHA2_256" };
        let raw = |name: &str| request["signature"]["verifier"].get(name).map(|raw| (name.to_owned(), raw.clone()));
        let (name, raw) = raw("x509Certificate").or_else(|| raw("publicKey")).unwrap();
        // in the order of RFC 8785
        let mut verifier = json!({ "keyDetails": details });
        verifier[name] = raw;
        let body = json!({ "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": {
            "data": { "algorithm": hash, "digest": request["digest"] },
            "signature": { "content": request["signature"]["content"], "verifier": verifier },
        }}})
        .to_string();
        let root = root(&body);
        let checkpoint = self.checkpoint(&format!("log.test\n1\n{}\n", b64(root.as_bytes())));
        json!({
            "logIndex": "0", "logId": { "keyId": b64(self.id().as_bytes()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "integratedTime": "0", "inclusionPromise": null,
            "inclusionProof": { "logIndex": "0", "rootHash": b64(root.as_bytes()), "treeSize": "1", "hashes": [],
                "checkpoint": { "envelope": checkpoint } },
            "canonicalizedBody": b64(&body),
        })
    }

    /// What readers of version 2 get, by its path below the interface's, where this request's entry is one of many.
    pub(crate) fn tiles(&self, request: &Value, index: u64, size: u64) -> HashMap<String, Vec<u8>> {
        let body = BASE64_STANDARD.decode(self.version_2(request)["canonicalizedBody"].as_str().unwrap()).unwrap();
        let entry = |at: u64| if at == index { body.clone() } else { at.to_string().into_bytes() };
        let leaves: Vec<Digest> = (0..size).map(|at| Digest::of(&[&[0][..], &entry(at)].concat())).collect();
        let root = b64(merkle(&leaves).as_bytes());
        let checkpoint = self.checkpoint(&format!("log.test\n{size}\n{root}\n"));
        let mut served = HashMap::from([("checkpoint".to_owned(), checkpoint.into_bytes())]);
        let mut put = |kind: &str, tile: usize, width: usize, bytes: Vec<u8>| {
            let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
            served.insert(format!("tile/{kind}/{tile:03}{partial}"), bytes);
        };
        for (tile, row) in leaves.chunks(256).enumerate() {
            put("0", tile, row.len(), row.iter().flat_map(|hash| *hash.as_bytes()).collect());
            let sized = |bytes: Vec<u8>| [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
            let first = tile as u64 * 256;
            put(
                "entries",
                tile,
                row.len(),
                (first..first + row.len() as u64).flat_map(|at| sized(entry(at))).collect(),
            );
        }
        let whole: Vec<u8> = leaves.chunks_exact(256).flat_map(|row| *merkle(row).as_bytes()).collect();
        put("1", 0, whole.len() / 32, whole);
        served
    }

    fn checkpoint(&self, text: &str) -> String {
        let line = [&self.id().as_bytes()[..4], &self.0.sign(text.as_bytes()).unwrap()].concat();
        format!("{text}\n\u{2014} log.test {}\n", b64(line))
    }
}

/// What version 1 makes of a proposal.
fn recorded_1(proposal: &Value) -> Value {
    let spec = &proposal["spec"];
    let envelope = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let payload = |envelope: &Value| BASE64_STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let sha256 = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
    let spec = match proposal["kind"].as_str().unwrap() {
        "hashedrekord" => spec.clone(),
        "dsse" => {
            let text = &spec["proposedContent"]["envelope"];
            let inner = envelope(text);
            json!({
                "envelopeHash": sha256(text.as_str().unwrap().as_bytes()),
                "payloadHash": sha256(&payload(&inner)),
                "signatures": [{ "signature": inner["signatures"][0]["sig"],
                    "verifier": spec["proposedContent"]["verifiers"][0] }],
            })
        }
        "intoto" => {
            let text = &spec["content"]["envelope"];
            json!({
                "content": { "hash": sha256(text.as_str().unwrap().as_bytes()),
                    "payloadHash": sha256(&payload(&envelope(text))) },
                "publicKey": spec["publicKey"],
            })
        }
        other => panic!("{other}"),
    };
    json!({ "apiVersion": proposal["apiVersion"], "kind": proposal["kind"], "spec": spec })
}

/// RFC 6962, 2.1.
fn merkle(leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Digest::of(&[&[1][..], merkle(left).as_bytes(), merkle(right).as_bytes()].concat())
        }
    }
}

fn root(body: &str) -> Digest {
    Digest::of(&[b"\0", body.as_bytes()].concat())
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}
