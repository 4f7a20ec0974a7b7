//! Who signed × who verifies × in which format × with which key × on which registry, with the real programs.
//!
//! [`TABLE`] is the one place that says what is expected; a cell that a cosign cannot do stands there as refused, and
//! the test fails once it can. Each image is also offered to every verifier with a key that did not sign it.

use std::{collections::BTreeMap, path::PathBuf};

use peers::{Format, KeyPair, Outcome, RefsOptions, Registry, push_image};
use serde_json::Value;
use suites::signers::{KeyType, Tool, Tools};
use tempfile::TempDir;

use Expected::{Accepts, AcceptsTold, Refuses};
use KeyType::{Ed25519, P256, P384, P521, Rsa2048};
use Tool::{Cosign2, Cosign3, Sealgate};

/// What a verifier says of a genuine signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Verified.
    Accepts,
    /// Refused, unless a flag of cosign's names the hash.
    AcceptsTold(&'static str),
    /// Refused with the exit code of a signature by another key.
    Refuses,
}

/// Key, signer, then what cosign 2, cosign 3 and sealgate say of the legacy signature and of the bundle.
type Row = (KeyType, Tool, [Expected; 3], [Expected; 3]);

/// cosign signs with the hash that belongs to the curve and verifies with SHA-256; it signs Ed25519ph and verifies
/// pure Ed25519. Sealgate accepts whatever is genuine, and signs Ed25519 so that cosign verifies it.
const TABLE: [Row; 15] = [
    (P256, Cosign2, [Accepts; 3], [Accepts; 3]),
    (P256, Cosign3, [Accepts; 3], [Accepts; 3]),
    (P256, Sealgate, [Accepts; 3], [Accepts; 3]),
    (Rsa2048, Cosign2, [Accepts; 3], [Accepts; 3]),
    (Rsa2048, Cosign3, [Accepts; 3], [Accepts; 3]),
    (Rsa2048, Sealgate, [Accepts; 3], [Accepts; 3]),
    (P384, Cosign2, TOLD_SHA384, TOLD_SHA384),
    (P384, Cosign3, TOLD_SHA384, TOLD_SHA384),
    (P384, Sealgate, TOLD_SHA384, TOLD_SHA384),
    (P521, Cosign2, TOLD_SHA512, TOLD_SHA512),
    (P521, Cosign3, TOLD_SHA512, TOLD_SHA512),
    (P521, Sealgate, TOLD_SHA512, TOLD_SHA512),
    (Ed25519, Cosign2, [Refuses, Refuses, Accepts], [Refuses, Refuses, Accepts]),
    (Ed25519, Cosign3, [Refuses, Refuses, Accepts], [Refuses, Refuses, Accepts]),
    (Ed25519, Sealgate, [Accepts; 3], [Accepts; 3]),
];
const TOLD_SHA384: [Expected; 3] = [AcceptsTold("sha384"), AcceptsTold("sha384"), Accepts];
const TOLD_SHA512: [Expected; 3] = [AcceptsTold("sha512"), AcceptsTold("sha512"), Accepts];

/// How a registry lets bundles be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    ReferrersApi,
    FallbackTag,
}

#[test]
fn every_key_on_our_registry() {
    peers::require!("cosign-2", "cosign-3", "crane", "openssl");
    World::new(Registry::sealgate(PROGRAM, &[]), Listing::ReferrersApi).run(&KeyType::ALL);
}

#[test]
fn every_key_on_our_registry_without_referrers() {
    peers::require!("cosign-2", "cosign-3", "crane", "openssl");
    World::new(Registry::sealgate(PROGRAM, &["--no-referrers"]), Listing::FallbackTag).run(&KeyType::ALL);
}

#[test]
fn p256_on_debians_registry() {
    peers::require!("cosign-2", "cosign-3", "crane", "openssl", "docker-registry");
    World::new(Registry::debian(), Listing::FallbackTag).run(&[P256]);
}

#[test]
fn p256_on_a_registry_that_names_no_subject() {
    peers::require!("cosign-2", "cosign-3", "crane", "openssl", "registry-refs");
    World::new(Registry::refs(RefsOptions::default()), Listing::ReferrersApi).run(&[P256]);
}

#[test]
fn p256_on_a_registry_with_pages_of_two() {
    peers::require!("cosign-2", "cosign-3", "crane", "openssl", "registry-refs");
    let options = RefsOptions { spec: true, page: Some(2), ..RefsOptions::default() };
    World::new(Registry::refs(options), Listing::ReferrersApi).run(&[P256]);
}

#[test]
fn every_cell_stands_in_the_table_once() {
    let mut cells: Vec<_> = TABLE.iter().map(|(key, signer, ..)| (key.name(), signer.name())).collect();
    cells.sort_unstable();
    cells.dedup();
    assert_eq!(cells.len(), KeyType::ALL.len() * Tool::ALL.len());
}

/// One registry, the programs, and a key pair of each type that is used.
struct World {
    tools: Tools,
    registry: Registry,
    listing: Listing,
    keys: BTreeMap<&'static str, KeyPair>,
    stranger: PathBuf,
    folder: TempDir,
    wrong: Vec<String>,
}

impl World {
    fn new(registry: Registry, listing: Listing) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let tools = Tools::new(PROGRAM);
        let stranger = tools.generate(Cosign3, &folder.path().join("stranger"), "").public;
        Self { tools, registry, listing, keys: BTreeMap::new(), stranger, folder, wrong: Vec::new() }
    }

    /// All rows with one of these keys, in both formats; then says which cells are not as the table says.
    fn run(mut self, keys: &[KeyType]) {
        let rows: Vec<_> = TABLE.iter().filter(|(key, ..)| keys.contains(key)).collect();
        for (key, signer, legacy, bundle) in &rows {
            self.sign_and_verify(*key, *signer, Format::Legacy, legacy);
            self.sign_and_verify(*key, *signer, Format::Bundle, bundle);
        }
        assert_eq!(rows.len(), keys.len() * Tool::ALL.len(), "each signer has its row for each key");
        assert!(
            self.wrong.is_empty(),
            "{} cells are not as the table says:\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
    }

    fn sign_and_verify(&mut self, key_type: KeyType, signer: Tool, format: Format, expected: &[Expected; 3]) {
        let name = format!("{}-{}-{format:?}", signer.name(), key_type.name()).to_lowercase();
        let digest = push_image(&self.registry, &format!("matrix/{name}:1"), &name);
        let image = format!("{}/matrix/{name}@{digest}", self.registry.address());
        let key = self.key(key_type, signer);
        let signed = match (signer, key_type, format) {
            (Cosign3, Ed25519, Format::Bundle) => self.sign_against_its_own_doubt(&key, &image),
            _ => self.tools.sign(signer, format, &key, &image),
        };
        if signed.code != 0 {
            return self.wrong.push(format!("{name}: not signed: {signed:?}"));
        }
        for (verifier, expected) in Tool::ALL.into_iter().zip(expected) {
            let cell = Cell { name: format!("{name} by {}", verifier.name()), verifier, format, digest: &digest };
            let ask = |public, extra: &[&str]| self.tools.verify(verifier, public, &image, extra);
            let mut faults = cell.check(*expected, self.listing, |extra| ask(&key.public, extra));
            faults.extend(cell.refused(&ask(&self.stranger, &[])).map(|fault| format!("another's key: {fault}")));
            self.wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", cell.name)));
        }
    }

    /// With a trusted root cosign 3 verifies what it has just signed, and Ed25519 fails there as well; without one it
    /// stores the bundle.
    fn sign_against_its_own_doubt(&mut self, key: &KeyPair, image: &str) -> Outcome {
        let doubted = self.tools.sign(Cosign3, Format::Bundle, key, image);
        if doubted.code != 1 || !doubted.stderr.contains("signing bundle: failed to verify signature") {
            self.wrong.push(format!("cosign 3 signs a bundle with Ed25519: wanted exit code 1: {doubted:?}"));
        }
        self.tools.sign_bundle_unverified_by_cosign3(key, image)
    }

    /// The key file of that type, made once, by the program that signs first.
    fn key(&mut self, key_type: KeyType, signer: Tool) -> KeyPair {
        if let Some(key) = self.keys.get(key_type.name()) {
            return key.clone();
        }
        let prefix = self.folder.path().join(key_type.name());
        let key = match key_type {
            P256 => self.tools.generate(signer, &prefix, "secret"),
            other => {
                let pem = prefix.with_extension("pem");
                other.write_pem(&pem);
                self.tools.import(signer, &pem, &prefix, "secret")
            }
        };
        self.keys.insert(key_type.name(), key.clone());
        key
    }
}

struct Cell<'a> {
    name: String,
    verifier: Tool,
    format: Format,
    digest: &'a str,
}

impl Cell<'_> {
    /// What is not as expected, if anything.
    fn check(&self, expected: Expected, listing: Listing, ask: impl Fn(&[&str]) -> Outcome) -> Vec<String> {
        let plain = ask(&[]);
        let told = |hash: &'static str| ask(&["--signature-digest-algorithm", hash]);
        let faults = match expected {
            Accepts => [self.accepted(&plain, listing), None],
            AcceptsTold(hash) => [self.refused(&plain), self.accepted(&told(hash), listing)],
            Refuses => [self.refused(&plain), None],
        };
        faults.into_iter().flatten().collect()
    }

    fn accepted(&self, outcome: &Outcome, listing: Listing) -> Option<String> {
        if outcome.code != 0 {
            return Some(format!("wanted exit code 0: {outcome:?}"));
        }
        let proofs: Value = serde_json::from_str(outcome.stdout.trim()).unwrap_or_default();
        let named = &proofs[0]["critical"]["image"]["docker-manifest-digest"];
        if proofs.as_array().map(Vec::len) != Some(1) || named != self.digest {
            return Some(format!("wanted one proof of {}: {proofs}", self.digest));
        }
        let wanted = match (self.format, listing) {
            (Format::Legacy, _) => "signature-tag",
            (Format::Bundle, Listing::ReferrersApi) => "referrers",
            (Format::Bundle, Listing::FallbackTag) => "fallback-tag",
        };
        let found = proofs[0]["sealgate"]["place"]["source"].as_str();
        (self.verifier == Sealgate && found != Some(wanted)).then(|| format!("wanted it found by {wanted}: {proofs}"))
    }

    /// Whether it is refused with the exit code, and in the words, of a signature by another key.
    fn refused(&self, outcome: &Outcome) -> Option<String> {
        let (code, words) = match (self.verifier, self.format) {
            (Sealgate, _) | (_, Format::Legacy) => (12, "no matching signatures"),
            (_, Format::Bundle) => (1, "no matching attestations: failed to verify signature"),
        };
        let right = outcome.code == code && outcome.stderr.contains(words) && outcome.stdout.trim().is_empty();
        (!right).then(|| format!("wanted exit code {code} and \"{words}\": {outcome:?}"))
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
