//! One case for each kind of evidence: good evidence of the world that the tests have, and the checks in it.

use keys::PrivateKey;
use oci::Digest;
use serde_json::{Value, json};
use verifier::{Demands, Found, Place, Source, TrustRoot, UntrustedSignature, examine};

use crate::{
    checks::Checks,
    world::{self, Leaf, T, World, as_layer, b64, image, payload, stamped, statement, statement_of, unlogged},
};

/// Evidence, what it is judged by, and the signature checks in it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) checks: Checks,
    found: UntrustedSignature,
    trust: TrustRoot,
}

impl Case {
    /// Examines it.
    ///
    /// # Panics
    /// If it is not found genuine.
    pub(crate) fn examine(&self) {
        let found = Found { signatures: vec![self.found.clone()], gaps: vec![] };
        let evidence = examine(&image(), found, &self.trust, world::time(world::NOW));
        assert!(evidence.refused().is_empty(), "{}: {:?}", self.name, evidence.refused());
    }
}

pub(crate) fn all() -> Vec<Case> {
    let world = World::new();
    let leaf = world.leaf();
    let logged = world.bundle(&leaf, T + 1);
    let attested = |text: &str| {
        let mut bundle = unlogged(&leaf, text);
        world.enter(&mut bundle, &leaf, T + 1);
        bundle
    };
    let (small, large) = (statement_of("https://p.test"), large_statement());
    let promised = || chain(&leaf).by_known_key(700);
    vec![
        key_layer(),
        key_bundle(),
        layer(&world, &leaf, promised().by_new_key(payload().len())),
        bundle("identity, bundle, Rekor v1", &logged, &world, proven(&leaf).by_new_key(statement().len())),
        version_2(&world, &leaf, chain(&leaf)),
        bundle("attestation, bundle, Rekor v1", &attested(&small), &world, proven(&leaf).by_new_key(small.len())),
        envelope(&attested(&small), &world, promised().by_new_key(small.len())),
        bundle("attestation of 1 MiB, bundle", &attested(&large), &world, proven(&leaf).by_new_key(large.len())),
    ]
}

/// Of the certificate by its issuer, of that by the root, and of the certificate by a log of certificates.
fn chain(leaf: &Leaf) -> Checks {
    let size = leaf.der.len();
    Checks::none().by_known_key(size).by_known_key(size).by_known_key(size)
}

/// The same, a log's promise and its checkpoint.
fn proven(leaf: &Leaf) -> Checks {
    chain(leaf).by_known_key(1400).by_known_key(60)
}

fn place() -> Place {
    Place { source: Source::Referrers, manifest: Digest::of(b"manifest").into(), index: 0 }
}

fn key_layer() -> Case {
    let key = PrivateKey::generate().unwrap();
    let annotations = [(oci::location::SIGNATURE_ANNOTATION.to_owned(), b64(key.sign(&payload()).unwrap()))];
    Case {
        name: "key, layer",
        checks: Checks::none().by_known_key(payload().len()),
        found: UntrustedSignature::layer(place(), payload(), annotations.into()),
        trust: TrustRoot::new(vec![key.public().clone()]),
    }
}

fn key_bundle() -> Case {
    let signer = Leaf { der: Vec::new(), key: PrivateKey::generate().unwrap() };
    let mut bundle = unlogged(&signer, &statement());
    bundle["verificationMaterial"] = json!({ "publicKey": { "hint": signer.key.public().id().hint() } });
    Case {
        name: "key, bundle",
        checks: Checks::none().by_known_key(statement().len() + 50),
        found: UntrustedSignature::bundle(place(), bundle.to_string().into_bytes()),
        trust: TrustRoot::new(vec![signer.key.public().clone()]),
    }
}

fn layer(world: &World, leaf: &Leaf, checks: Checks) -> Case {
    let found = UntrustedSignature::layer(place(), payload(), world.layer(leaf, &payload(), T + 1));
    Case { name: "identity, layer, Rekor v1", checks, found, trust: world.trust() }
}

fn envelope(bundle: &Value, world: &World, checks: Checks) -> Case {
    let (bytes, annotations) = as_layer(bundle);
    let found = UntrustedSignature::envelope(place(), bytes, annotations);
    Case { name: "attestation, layer, Rekor v1", checks, found, trust: world.trust() }
}

fn bundle(name: &'static str, bundle: &Value, world: &World, checks: Checks) -> Case {
    let found = UntrustedSignature::bundle(place(), bundle.to_string().into_bytes());
    Case { name, checks, found, trust: world.trust() }
}

/// The timestamp's signature, and those of its signer's certificate and of the intermediate, come on top; there is no
/// promise.
fn version_2(world: &World, leaf: &Leaf, checks: Checks) -> Case {
    let mut bundle = unlogged(leaf, &statement());
    let pae = format!("DSSEv1 28 application/vnd.in-toto+json {} {}", statement().len(), statement());
    let body = json!({ "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": {
        "data": { "algorithm": "SHA2_256", "digest": b64(Digest::of(pae.as_bytes()).as_bytes()) },
        "signature": { "content": b64(world::signature(&bundle)), "verifier": {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": { "rawBytes": b64(&leaf.der) } } } } } });
    let entry = world.entry_2(("hashedrekord", "0.0.2"), &body.to_string());
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    let bundle = stamped(bundle.clone(), &[world.tsa.stamp(&world::signature(&bundle), T + 1)]);
    let size = world.tsa.leaf.der.len();
    Case {
        name: "identity, bundle, Rekor v2 and timestamp",
        checks: checks
            .by_new_key(statement().len())
            .by_known_key(60)
            .by_known_key(100)
            .by_known_key(size)
            .by_known_key(size),
        found: UntrustedSignature::bundle(place(), bundle.to_string().into_bytes()),
        trust: world.trust().demanding(Demands { timestamp: true, ..Demands::LOGGED }),
    }
}

/// As long as that of a bill of material.
fn large_statement() -> String {
    let packages: Vec<Value> = (0..14_500)
        .map(|n| json!({ "name": format!("package-{n}"), "versionInfo": "1.2.3", "licenses": ["MIT"], "n": n }))
        .collect();
    let mut statement: Value = serde_json::from_str(&statement_of("https://spdx.dev/Document")).unwrap();
    statement["predicate"] = json!({ "packages": packages });
    statement.to_string()
}
