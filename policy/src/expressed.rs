//! What expressions are held against: the image, the signatures and attestations that count for a policy, and the time.
//!
//! Only what an authority of the policy names is there; what somebody else signed is not evidence for it.

use oci::{Digest, ImageRef};
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value, json};
use verifier::{Proofs, Signer, VerifiedAttestation, VerifiedSignature};

use crate::{
    image_policy::Input,
    input::{Found, statement},
    model::Authority,
};

/// The input of a policy's expressions.
pub(crate) fn input(
    image: (&ImageRef, &Digest),
    authorities: &[Authority],
    found: &[(usize, Found<'_>)],
    attestations: &[&VerifiedAttestation],
    now: UnixTime,
) -> Input {
    Input {
        image: described(image),
        signatures: signatures(authorities, found),
        attestations: attestations.iter().map(|one| attestation(one)).collect(),
        now: now.as_secs(),
    }
}

fn described((image, digest): (&ImageRef, &Digest)) -> Value {
    let mut described = json!({
        "repository": image.repository().to_string(),
        "registry": image.repository().domain(),
        "digest": digest.to_string(),
    });
    if let Some(tag) = image.tag().cloned().or_else(|| image.effective_tag()) {
        described["tag"] = tag.to_string().into();
    }
    described
}

/// Each signature once, with the authorities that it satisfies.
fn signatures(authorities: &[Authority], found: &[(usize, Found<'_>)]) -> Value {
    let mut all: Vec<(&VerifiedSignature, Vec<&str>)> = Vec::new();
    for (place, found) in found {
        let Found::Signatures(own) = found else { continue };
        for one in own {
            let name = authorities[*place].name.as_str();
            match all.iter_mut().find(|(other, _)| other.id() == one.id() && other.place() == one.place()) {
                Some((_, names)) => names.push(name),
                None => all.push((one, vec![name])),
            }
        }
    }
    all.into_iter().map(|(one, names)| signature(one, &names)).collect()
}

fn signature(one: &VerifiedSignature, authorities: &[&str]) -> Value {
    let mut facts = signer(one.signer());
    facts.insert("authorities".to_owned(), authorities.into());
    facts.insert("format".to_owned(), one.format().to_string().into());
    facts.insert("annotations".to_owned(), one.claim().annotations.clone().into());
    facts.insert("times".to_owned(), times(one.proofs()));
    if let Some(name) = &one.claim().docker_reference {
        facts.insert("name".to_owned(), name.clone().into());
        facts.extend(name.parse().ok().map(|name| ("named".to_owned(), named(&name))));
    }
    facts.into()
}

/// A signed name in its parts; only those that are written there.
fn named(name: &ImageRef) -> Value {
    let mut parts = json!({"repository": name.repository().to_string()});
    if let Some(tag) = name.tag() {
        parts["tag"] = tag.to_string().into();
    }
    if let Some(digest) = name.digest() {
        parts["digest"] = digest.to_string().into();
    }
    parts
}

fn attestation(one: &VerifiedAttestation) -> Value {
    let mut facts = signer(one.signer());
    facts.insert("format".to_owned(), one.format().to_string().into());
    facts.insert("predicateType".to_owned(), one.predicate_type().into());
    facts.insert("times".to_owned(), times(one.proofs()));
    if let Some(predicate) = statement(one).and_then(|mut statement| statement.get_mut("predicate").map(Value::take)) {
        facts.insert("predicate".to_owned(), predicate);
    }
    facts.into()
}

/// `key`, or `issuer`, `subject` and what else the certificate says.
fn signer(signer: &Signer) -> Map<String, Value> {
    match signer {
        Signer::Key(id) => Map::from_iter([("key".to_owned(), id.to_string().into())]),
        Signer::Identity(identity) => {
            let subjects: Vec<&str> = identity.names().iter().map(|name| name.as_str()).collect();
            let extensions =
                identity.extensions().iter().map(|(number, text)| (number.to_string(), text.clone().into()));
            let mut facts = Map::from_iter([
                ("subjects".to_owned(), subjects.into()),
                ("extensions".to_owned(), Value::Object(extensions.collect())),
            ]);
            facts.extend(identity.issuer().map(|issuer| ("issuer".to_owned(), issuer.into())));
            facts
        }
    }
}

/// Every moment at which it is known to have been there, in seconds since 1970.
fn times(proofs: &Proofs) -> Value {
    proofs.times().iter().map(|time| Value::from(time.at)).collect()
}
