//! What conditions are held against: a statement, or everything that a policy's authorities found.
//!
//! The document is that of policy-controller, by its names; see its documentation of "policy at ClusterImagePolicy level".

use std::collections::{BTreeMap, BTreeSet};

use oci::Digest;
use serde_json::{Map, Value, json};
use verifier::{Format, Identity, Signer, VerifiedAttestation, VerifiedSignature};

use crate::{Findings, Resource, program::Includes};

/// What one authority found of an image that meets it.
#[derive(Debug)]
pub(crate) enum Found<'e> {
    /// Nothing was asked for.
    Pass,
    /// At least one.
    Signatures(Vec<&'e VerifiedSignature>),
    /// For each attestation that is asked for, by its name, at least one.
    Attestations(Vec<(&'e str, Vec<&'e VerifiedAttestation>)>),
}

impl Found<'_> {
    /// Who made the first of it.
    pub(crate) fn signer(&self) -> Option<&Signer> {
        match self {
            Self::Pass => None,
            Self::Signatures(all) => all.first().map(|one| one.signer()),
            Self::Attestations(all) => all.first().and_then(|(_, all)| all.first()).map(|one| one.signer()),
        }
    }

    /// Everybody who made all of it: who signed, or who vouched for each attestation that is asked for.
    pub(crate) fn signers(&self) -> Vec<&Signer> {
        match self {
            Self::Pass => Vec::new(),
            Self::Signatures(all) => all.iter().map(|one| one.signer()).collect(),
            Self::Attestations(all) => {
                let Some(((_, first), rest)) = all.split_first() else { return Vec::new() };
                let by = |signer: &Signer, all: &[&VerifiedAttestation]| all.iter().any(|one| one.signer() == signer);
                let signers = first.iter().map(|one| one.signer());
                signers.filter(|signer| rest.iter().all(|(_, all)| by(signer, all))).collect()
            }
        }
    }

    fn document(&self) -> Value {
        match self {
            Self::Pass => json!({ "static": true }),
            Self::Signatures(all) => {
                let of = |one: &VerifiedSignature| Value::from(facts(&one.id().hex(), one.signer()));
                let all = counted(all, VerifiedSignature::format, VerifiedSignature::id);
                json!({ "signatures": all.into_iter().map(of).collect::<Vec<_>>() })
            }
            Self::Attestations(all) => {
                // those of one name, so that neither hides the other
                let mut named: BTreeMap<&str, Vec<&VerifiedAttestation>> = BTreeMap::new();
                all.iter().for_each(|(name, all)| named.entry(name).or_default().extend(all));
                let list = |all: &[&VerifiedAttestation]| {
                    let all = counted(all, VerifiedAttestation::format, VerifiedAttestation::id);
                    all.into_iter().map(attested).collect()
                };
                let named = named.iter().map(|(name, all)| ((*name).to_owned(), list(all)));
                json!({ "attestations": named.collect::<Map<String, Value>>() })
            }
        }
    }
}

/// The input of a whole policy's condition.
///
/// # Errors
/// Names what is wanted and not there.
pub(crate) fn whole(
    found: &[(&str, &Found<'_>)],
    includes: Includes,
    object: Option<&Resource>,
    findings: &Findings,
) -> Result<Value, &'static str> {
    let matches: Map<String, Value> =
        found.iter().map(|(name, found)| ((*name).to_owned(), found.document())).collect();
    let mut input = Map::from_iter([("authorityMatches".to_owned(), Value::from(matches))]);
    if includes.config {
        let configs = findings.configs().ok_or("fetchConfigFile")?;
        let configs = configs.iter().map(|(platform, config)| (platform.clone(), config.clone()));
        input.insert("config".to_owned(), configs.collect::<Map<_, _>>().into());
    }
    let parts = [
        (includes.spec, "spec", "includeSpec"),
        (includes.metadata, "metadata", "includeObjectMeta"),
        (includes.types, "typemeta", "includeTypeMeta"),
    ];
    for (_, name, field) in parts.into_iter().filter(|(wanted, ..)| *wanted) {
        let object = object.ok_or(field)?;
        input.insert(name.to_owned(), object.part(name).ok_or(field)?);
    }
    Ok(input.into())
}

/// The input of an attestation's condition: the statement itself. What cannot be read as JSON is none.
pub(crate) fn statement(attestation: &VerifiedAttestation) -> Option<Value> {
    serde_json::from_slice(attestation.statement()).ok()
}

/// Whoever signs in both formats signs once, and a signature that is stored twice is one: where there is one in the older
/// format, those in the newer are left out, so that a condition that counts counts what policy-controller would.
fn counted<'a, T>(all: &[&'a T], format: impl Fn(&T) -> Format, id: impl Fn(&T) -> Digest) -> Vec<&'a T> {
    let legacy = all.iter().any(|one| format(one) == Format::Legacy);
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for one in all.iter().filter(|one| !legacy || format(one) == Format::Legacy) {
        if seen.insert(*id(one).as_bytes()) {
            kept.push(*one);
        }
    }
    kept
}

fn attested(one: &VerifiedAttestation) -> Value {
    let mut facts = facts(&one.id().hex(), one.signer());
    facts.insert("predicateType".to_owned(), one.predicate_type().into());
    facts.insert("digest".to_owned(), one.stored().to_string().into());
    facts.into()
}

fn facts(id: &str, signer: &Signer) -> Map<String, Value> {
    let mut facts = Map::from_iter([("id".to_owned(), Value::from(id))]);
    if let Signer::Identity(identity) = signer {
        let known = certified(identity).into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
        facts.extend(known);
    }
    facts
}

/// What a certificate says, by the names that policies know.
fn certified(identity: &Identity) -> [(&'static str, Option<&str>); 7] {
    [
        ("subject", identity.names().first().map(|name| name.as_str())),
        ("issuer", identity.issuer()),
        ("githubWorkflowTrigger", identity.extension(2)),
        ("githubWorkflowSha", identity.extension(3)),
        ("githubWorkflowName", identity.extension(4)),
        ("githubWorkflowRepo", identity.extension(5)),
        ("githubWorkflowRef", identity.extension(6)),
    ]
}
