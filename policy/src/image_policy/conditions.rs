//! What an authority of an ImagePolicy asks of a signature beside who made it: when, with which annotations, under
//! which name, for which tag.

use std::fmt;

use oci::ImageRef;
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value};
use verifier::{VerifiedAttestation, VerifiedSignature};

use super::{
    signed_name::{OtherName, SignedName},
    signed_tag::{OtherTag, SignedTag},
    window::{Times, Untimely},
};
use crate::{
    object::Object,
    problem::{Objection, excerpt},
};

/// Further conditions on one signature; a ClusterImagePolicy has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    times: Times,
    annotations: Vec<(String, String)>,
    name: Option<SignedName>,
    tag: Option<SignedTag>,
}

impl Conditions {
    /// Reads those of an authority.
    pub(crate) fn read(entry: &Object<'_>) -> Self {
        // An attestation is signed under no name and no tag; and what asks for no signature has nothing to ask of it.
        if entry.given("attestations") {
            refuse(entry, &FIELDS[4..], "attestations");
        }
        if entry.has("static") {
            refuse(entry, &FIELDS, "static");
        }
        let name = entry.object("signedName", &["remap"]).map(|object| SignedName::read(&object));
        let tag = entry.object("signedTag", &["annotation"]).map(|object| SignedTag::read(&object));
        Self { times: Times::read(entry), annotations: annotations(entry), name, tag }
    }

    /// The condition on the name, if there is no other one.
    pub(crate) fn on_the_name_alone(&self) -> Option<Option<&SignedName>> {
        let others = Self { name: None, ..self.clone() } != Self::default();
        (!others).then_some(self.name.as_ref())
    }

    /// Whether a signature of this image, as it was asked for, meets all of them.
    pub(crate) fn met_by(&self, signature: &VerifiedSignature, image: &ImageRef, now: UnixTime) -> Result<(), Unmet> {
        let claim = signature.claim();
        self.times.met_by(&signature.proofs().times(), now).map_err(Unmet::Time)?;
        self.annotated(&claim.annotations)?;
        if let Some(name) = &self.name {
            name.met_by(claim.docker_reference.as_deref(), image.repository()).map_err(Unmet::Name)?;
        }
        self.tag.as_ref().map_or(Ok(()), |tag| tag.met_by(&claim.annotations, image)).map_err(Unmet::Tag)
    }

    /// Whether an attestation meets those that attestations can meet, which are all that are asked of them.
    pub(crate) fn met_by_attestation(&self, attestation: &VerifiedAttestation, now: UnixTime) -> Result<(), Unmet> {
        self.times.met_by(&attestation.proofs().times(), now).map_err(Unmet::Time)?;
        self.annotated(attestation.subject_annotations())
    }

    fn annotated(&self, found: &Map<String, Value>) -> Result<(), Unmet> {
        let missing =
            self.annotations.iter().find(|(key, value)| found.get(key).and_then(Value::as_str) != Some(value));
        missing.map_or(Ok(()), |(key, wanted)| {
            let found = found.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            Err(Unmet::Annotation { key: key.clone(), found, wanted: wanted.clone() })
        })
    }
}

fn annotations(entry: &Object<'_>) -> Vec<(String, String)> {
    let Some(object) = entry.any_object("annotations") else { return Vec::new() };
    let all = object.all_texts();
    if all.is_empty() {
        object.object_to(object.at(), Objection::Missing { paths: vec![entry.path_of("annotations")] });
    }
    all
}

fn refuse(entry: &Object<'_>, fields: &[&str], beside: &str) {
    let given: Vec<&str> = fields.iter().copied().filter(|name| entry.has(name)).collect();
    if !given.is_empty() {
        entry.object_to(entry.at_field(beside), Objection::Disallowed { paths: entry.paths_of(&given) });
    }
}

/// Which condition a signature does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmet {
    Time(Untimely),
    Annotation { key: String, found: Option<String>, wanted: String },
    Name(OtherName),
    Tag(OtherTag),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(why) => why.fmt(f),
            Self::Name(why) => why.fmt(f),
            Self::Tag(why) => why.fmt(f),
            Self::Annotation { key, found: Some(found), wanted } => {
                let [key, found, wanted] = [key, found, wanted].map(|text| excerpt(text));
                write!(f, "signature has the annotation {key}={found}, wanted {key}={wanted}")
            }
            Self::Annotation { key, found: None, wanted } => {
                write!(f, "signature has no annotation {}, wanted {0}={}", excerpt(key), excerpt(wanted))
            }
        }
    }
}

/// The fields of an authority that a ClusterImagePolicy does not have; from the fifth on, those that attestations cannot
/// meet.
pub(crate) const FIELDS: [&str; 6] = ["validFrom", "validUntil", "maxAge", "annotations", "signedName", "signedTag"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{problem::Problems, yaml::documents};

    fn read(text: &str) -> (Conditions, Vec<String>) {
        let problems = Problems::default();
        let nodes = documents(text, &problems);
        let conditions = Conditions::read(&Object::open_any(&nodes[0], "spec.authorities[0]".to_owned(), &problems));
        (conditions, problems.take().into_iter().map(|(_, objection)| objection.to_string()).collect())
    }

    #[test]
    fn authority_without_conditions_has_those_of_the_other_kind() {
        assert_eq!(read("{key: {data: x}}"), (Conditions::default(), Vec::new()));
    }

    #[test]
    fn every_annotation_must_be_there_with_its_value() {
        let (conditions, problems) = read("annotations: {team: release, stage: final}");
        assert_eq!(problems, Vec::<String>::new());
        let met = |found: Value| conditions.annotated(found.as_object().unwrap());
        assert_eq!(met(json!({"team": "release", "stage": "final", "more": 1})), Ok(()));
        let other = met(json!({"team": "dev", "stage": "final"})).unwrap_err().to_string();
        assert_eq!(other, "signature has the annotation team=dev, wanted team=release");
        let none = met(json!({"team": "release"})).unwrap_err().to_string();
        assert_eq!(none, "signature has no annotation stage, wanted stage=final");
        assert!(met(json!({"team": ["release"], "stage": "final"})).is_err());
    }

    #[test]
    fn conditions_that_nothing_could_meet_are_refused() {
        for text in [
            "{validFrom: '2026-02-01T00:00:00Z', validUntil: '2026-01-01T00:00:00Z'}",
            "{validFrom: tomorrow}",
            "{validUntil: 2026-01-01}",
            "{validUntil: '2026-01-01T00:00:00+01:00'}",
            "{validUntil: '2026-02-30T00:00:00Z'}",
            "{validUntil: '1969-01-01T00:00:00Z'}",
            "{maxAge: ''}",
            "{validFrom: ''}",
            "{validUntil: ''}",
            "{maxAge: 0d}",
            "{maxAge: 90}",
            "{annotations: {}}",
            "{signedName: {remap: [{from: a.b/c, to: a.b/c}]}}",
            "{signedName: {remap: [{from: a.b/c/, to: a.b/d}]}}",
            "{signedName: {remap: [{from: a.b/c}]}}",
            "{signedName: {remap: [{from: 'a.b/c:1', to: a.b/d}]}}",
            "{signedName: {remaps: []}}",
            "{signedTag: {annotations: tag}}",
            "{attestations: [{name: a}], signedTag: {}}",
            "{attestations: [{name: a}], signedName: {}}",
            "{static: {action: pass}, maxAge: 90d}",
        ] {
            assert_eq!(read(text).1.len(), 1, "{text}: {:?}", read(text).1);
        }
        for good in [
            "{validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-01-01T00:00:00Z'}",
            "{validUntil: 2026-01-01T00:00:00Z, maxAge: 90d}",
            "{attestations: [{name: a}], maxAge: 90d, annotations: {team: release}}",
            "{signedName: {}, signedTag: {}}",
            "{signedName: {remap: [{from: mirror.example/, to: ghcr.io/acme/}]}}",
        ] {
            assert_eq!(read(good).1, Vec::<String>::new(), "{good}");
        }
    }
}
