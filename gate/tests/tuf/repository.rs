//! A TUF repository made with another implementation than the client's: its documents, key ids, canonical form and
//! signatures.
//!
//! Each role has two keys and wants both. What an attacker would do is done by the tests to the files.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU64,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::Ed25519KeyPair,
};
use futures::executor::block_on;
use serde_json::Value;
use tough::{
    TargetName,
    schema::{
        Hashes, Metafile, Role, RoleKeys, RoleType, Root, Signature, Signed, Snapshot, Target, Targets, Timestamp,
    },
    sign::{Sign, parse_keypair},
};

/// Files of a mirror by their paths.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A repository with its keys, which come into being when they are first named.
#[derive(Clone)]
pub(crate) struct Repository {
    keys: HashMap<&'static str, Vec<u8>>,
    roots: Vec<Keys>,
    pub(crate) files: Files,
}

/// The names of the keys that a root puts in charge.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) root: [&'static str; 2],
    pub(crate) online: [&'static str; 2],
}

/// What is published at once, apart from the root.
#[derive(Clone)]
pub(crate) struct Edition {
    pub(crate) timestamp: Part,
    pub(crate) snapshot: Part,
    pub(crate) targets: Part,
    pub(crate) texts: Vec<(&'static str, String)>,
    /// Whether a document says what the next one hashes to, and not only its version.
    pub(crate) hashes: bool,
}

/// A document's version, and when it expires.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) version: u64,
    pub(crate) expires: &'static str,
}

impl Repository {
    /// A repository with one root and one edition.
    pub(crate) fn new() -> Self {
        Self::with(&Edition::new(1), LATE)
    }

    /// A repository with this edition, whose root expires then.
    pub(crate) fn with(edition: &Edition, root_expires: &str) -> Self {
        let mut repository = Self { keys: HashMap::new(), roots: Vec::new(), files: Files::new() };
        repository.add_root(FIRST, &FIRST.root, root_expires);
        repository.publish(edition);
        repository
    }

    /// The first root.
    pub(crate) fn root(&self) -> Vec<u8> {
        self.files["1.root.json"].clone()
    }

    /// Another root, with these keys, signed by those.
    pub(crate) fn add_root(&mut self, keys: Keys, signers: &[&'static str], expires: &str) {
        let version = self.roots.len() as u64 + 1;
        let online = self.role(&keys.online);
        let roles = HashMap::from([
            (RoleType::Root, self.role(&keys.root)),
            (RoleType::Timestamp, online.clone()),
            (RoleType::Snapshot, online.clone()),
            (RoleType::Targets, online),
        ]);
        let named = keys.root.into_iter().chain(keys.online);
        let root = Root {
            spec_version: SPECIFICATION.to_owned(),
            consistent_snapshot: true,
            version: number(version),
            expires: expires.parse().unwrap(),
            keys: named.map(|name| self.key(name).tuf_key()).map(|key| (key.key_id().unwrap(), key)).collect(),
            roles,
            _extra: HashMap::new(),
        };
        self.roots.push(keys);
        self.sign(&root, signers);
    }

    /// Signs an edition with the keys that the newest root names.
    pub(crate) fn publish(&mut self, edition: &Edition) {
        let signers = self.roots.last().unwrap().online;
        let Part { version, expires } = edition.targets;
        let mut targets = Targets::new(SPECIFICATION.to_owned(), number(version), expires.parse().unwrap());
        targets.delegations = None;
        for (name, text) in &edition.texts {
            let target = self.target(name, text);
            targets.targets.insert(TargetName::new(*name).unwrap(), target);
        }
        let targets = self.sign(&targets, &signers);
        let Part { version, expires } = edition.snapshot;
        let mut snapshot = Snapshot::new(SPECIFICATION.to_owned(), number(version), expires.parse().unwrap());
        snapshot.meta.insert("targets.json".to_owned(), edition.pin(edition.targets, &targets));
        let snapshot = self.sign(&snapshot, &signers);
        let Part { version, expires } = edition.timestamp;
        let mut timestamp = Timestamp::new(SPECIFICATION.to_owned(), number(version), expires.parse().unwrap());
        timestamp.meta.insert("snapshot.json".to_owned(), edition.pin(edition.snapshot, &snapshot));
        self.sign(&timestamp, &signers);
    }

    fn sign<T: Role>(&mut self, document: &T, signers: &[&'static str]) -> Vec<u8> {
        let (text, random) = (document.canonical_form().unwrap(), SystemRandom::new());
        let signature = |name: &&'static str| {
            let key = self.key(name);
            let keyid = key.tuf_key().key_id().unwrap();
            Signature { keyid, sig: block_on(key.sign(&text, &random)).unwrap().into() }
        };
        let signatures = signers.iter().map(signature).collect();
        let bytes = serde_json::to_vec(&Signed { signed: document, signatures }).unwrap();
        self.files.insert(document.filename(true), bytes.clone());
        bytes
    }

    fn role(&mut self, names: &[&'static str; 2]) -> RoleKeys {
        let keyids = names.iter().map(|name| self.key(name).tuf_key().key_id().unwrap()).collect();
        RoleKeys { keyids, threshold: number(names.len() as u64), _extra: HashMap::new() }
    }

    fn key(&mut self, name: &'static str) -> impl Sign + use<> {
        let new = || Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
        parse_keypair(self.keys.entry(name).or_insert_with(new)).unwrap()
    }

    fn target(&mut self, name: &str, text: &str) -> Target {
        let hashes = hashes(text.as_bytes());
        let hex: String = hashes.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        self.files.insert(format!("targets/{hex}.{name}"), text.as_bytes().to_vec());
        Target { length: text.len() as u64, hashes, custom: HashMap::new(), _extra: HashMap::new() }
    }
}

impl Edition {
    /// An edition whose documents have this version, are good for long, and list what a client wants.
    pub(crate) fn new(version: u64) -> Self {
        let part = Part { version, expires: LATE };
        let texts = ["trusted_root.json", "signing_config.v0.2.json"].map(|name| (name, format!("{name} {version}")));
        Self { timestamp: part, snapshot: part, targets: part, texts: texts.to_vec(), hashes: true }
    }

    fn pin(&self, part: Part, bytes: &[u8]) -> Metafile {
        let version = number(part.version);
        let length = self.hashes.then_some(bytes.len() as u64);
        Metafile { length, hashes: self.hashes.then(|| hashes(bytes)), version, _extra: HashMap::new() }
    }
}

/// The path of the file that stands for this target.
pub(crate) fn target_path(files: &Files, target: &str) -> String {
    files.keys().find(|path| path.starts_with("targets/") && path.ends_with(target)).unwrap().clone()
}

/// Changes a document, as somebody would who has no key.
pub(crate) fn alter(files: &mut Files, name: &str, change: impl FnOnce(&mut Value)) {
    let mut document = serde_json::from_slice(&files[name]).unwrap();
    change(&mut document);
    files.insert(name.to_owned(), serde_json::to_vec(&document).unwrap());
}

fn hashes(bytes: &[u8]) -> Hashes {
    Hashes { sha256: digest(&SHA256, bytes).as_ref().to_vec().into(), _extra: HashMap::new() }
}

fn number(version: u64) -> NonZeroU64 {
    NonZeroU64::new(version).unwrap()
}

/// When documents expire that are good for long.
pub(crate) const LATE: &str = "2040-01-01T00:00:00Z";
/// The keys of the first root.
pub(crate) const FIRST: Keys = Keys { root: ["alice", "bob"], online: ["robot", "machine"] };
const SPECIFICATION: &str = "1.0.0";
