//! A TUF repository of the test's own making: signed JSON files by their paths.

use std::collections::BTreeMap;

use keys::PrivateKey;
use oci::Digest;
use serde_json::{Value, json};

/// The files of a repository whose metadata is good until the year 2040, and the keys that sign it.
pub(crate) struct Repository {
    root_keys: [PrivateKey; 2],
    online: PrivateKey,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Repository {
    /// One with these targets: in the role `targets` itself, or in one that it delegates to.
    pub(crate) fn new(targets: &[(&str, &str)], delegated: bool) -> Self {
        let key = || PrivateKey::generate().unwrap();
        let mut repository = Self { root_keys: [key(), key()], online: key(), files: BTreeMap::new() };
        repository.add_root(1, &[0]);
        repository.publish(targets, delegated);
        repository
    }

    /// The first root.
    pub(crate) fn root(&self) -> Vec<u8> {
        self.files["1.root.json"].clone()
    }

    /// A second root, signed by the first one's key and by its own.
    pub(crate) fn rotate_root(&mut self) {
        self.add_root(2, &[0, 1]);
    }

    fn add_root(&mut self, version: usize, signers: &[usize]) {
        let own = &self.root_keys[version - 1];
        let keys = [own, &self.online].map(key_object);
        let role = |id: &str| json!({"keyids": [id], "threshold": 1});
        let [root, online] = [role(&keys[0].0), role(&keys[1].0)];
        let body = json!({"_type": "root", "spec_version": "1.0", "version": version, "expires": EXPIRES,
            "consistent_snapshot": true, "keys": BTreeMap::from(keys),
            "roles": {"root": root, "timestamp": online, "snapshot": online, "targets": online}});
        let signers: Vec<_> = signers.iter().map(|at| &self.root_keys[*at]).collect();
        self.files.insert(format!("{version}.root.json"), signed(&body, &signers));
    }

    fn publish(&mut self, targets: &[(&str, &str)], delegated: bool) {
        let listed: serde_json::Map<String, Value> =
            targets.iter().map(|(name, text)| self.target(name, text)).collect();
        let plain = |targets: Value| json!({"_type": "targets", "spec_version": "1.0", "version": 1, "expires": EXPIRES, "targets": targets});
        let mut meta = json!({"targets.json": {"version": 1}});
        let mut top = plain(if delegated { json!({}) } else { listed.clone().into() });
        if delegated {
            let (id, key) = key_object(&self.online);
            top["delegations"] = json!({"keys": {id.as_str(): key},
                "roles": [{"name": "services", "keyids": [id], "threshold": 1, "terminating": true, "paths": ["*"]}]});
            meta["services.json"] = json!({"version": 1});
            self.sign("1.services.json", &plain(listed.into()));
        }
        self.sign("1.targets.json", &top);
        self.sign(
            "1.snapshot.json",
            &json!({"_type": "snapshot", "spec_version": "1.0", "version": 1, "expires": EXPIRES, "meta": meta}),
        );
        let meta = json!({"snapshot.json": {"version": 1}});
        self.sign(
            "timestamp.json",
            &json!({"_type": "timestamp", "spec_version": "1.0", "version": 1, "expires": EXPIRES, "meta": meta}),
        );
    }

    fn target(&mut self, name: &str, text: &str) -> (String, Value) {
        let digest = Digest::of(text.as_bytes());
        self.files.insert(format!("targets/{}.{name}", digest.hex()), text.as_bytes().to_vec());
        (name.to_owned(), json!({"length": text.len(), "hashes": {"sha256": digest.hex()}}))
    }

    fn sign(&mut self, name: &str, body: &Value) {
        self.files.insert(name.to_owned(), signed(body, &[&self.online]));
    }
}

fn signed(body: &Value, signers: &[&PrivateKey]) -> Vec<u8> {
    let text = canonical(body);
    let signature = |key: &&PrivateKey| {
        let hex: String = key.sign(text.as_bytes()).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"keyid": key_object(key).0, "sig": hex})
    };
    let signatures: Vec<Value> = signers.iter().map(signature).collect();
    serde_json::to_vec(&json!({"signed": body, "signatures": signatures})).unwrap()
}

/// A key with its id.
fn key_object(key: &PrivateKey) -> (String, Value) {
    let object =
        json!({"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": key.public().to_pem()}});
    (Digest::of(canonical(&object).as_bytes()).hex().to_owned(), object)
}

/// What TUF signs: sorted members, no space, nothing escaped but quotes and backslashes.
fn canonical(value: &Value) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members = sorted.into_iter().map(|(name, value)| format!("{}:{}", text(name), canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

const EXPIRES: &str = "2040-01-01T00:00:00Z";
