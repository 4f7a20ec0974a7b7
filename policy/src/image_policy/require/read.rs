//! Reading `require`.

use std::num::NonZeroUsize;

use super::{Member, Require, Several, Threshold};
use crate::{
    object::{Object, Text},
    problem::{Objection, Why},
};

/// An authority that can be referred to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
}

/// What a reference has to know of an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It asks for nobody's signature.
    Static,
    /// It asks for that of one key.
    Key,
    /// It asks for that of one of so many identities.
    Identities(usize),
}

/// Reads `require`, where it is there. Every authority must have its place in it: one that has none would be read as if
/// it meant something.
pub(crate) fn read(spec: &Object<'_>, authorities: &[Named<'_>]) -> Option<Require> {
    let object = spec.object("require", &FIELDS)?;
    let require = one(&object, authorities, MAX_DEPTH)?;
    let used = require.authorities();
    for (_, unused) in authorities.iter().enumerate().filter(|(place, _)| !used.contains(place)) {
        let objection = Objection::invalid(unused.name, spec.path_of("require"), Why::Unused);
        spec.object_to(object.at(), objection);
    }
    Some(require)
}

fn one(object: &Object<'_>, authorities: &[Named<'_>], depth: usize) -> Option<Require> {
    if depth == 0 {
        let objection = Objection::invalid("more", object.path_of("…"), Why::Wanted("at most eight levels"));
        object.object_to(object.at(), objection);
        return None;
    }
    object.exactly_one(&FIELDS, &FIELDS);
    if let Some(text) = object.text("authority") {
        return place(&text, authorities).map(Require::Authority);
    }
    let threshold = object.object("threshold", &["min", "of", "ofIdentities"]);
    if let Some(threshold) = threshold {
        return self::threshold(&threshold, authorities).map(Require::Threshold);
    }
    let list = |name: &str| {
        let entries = object.objects(name, &FIELDS);
        Several::of(entries.iter().filter_map(|entry| one(entry, authorities, depth - 1)).collect())
    };
    let (all, any) = (list("allOf"), list("anyOf"));
    all.map(Require::All).or(any.map(Require::Any))
}

fn threshold(object: &Object<'_>, authorities: &[Named<'_>]) -> Option<Threshold> {
    object.exactly_one(&["of", "ofIdentities"], &["of", "ofIdentities"]);
    let members = match object.text("ofIdentities").filter(|_| !object.given("of")) {
        Some(text) => identities(&text, authorities)?,
        None => listed(object, authorities)?,
    };
    let wanted = "a number from 1 up to how many there are to count";
    let min = object.required_number("min")?;
    let threshold = usize::try_from(min).ok().and_then(NonZeroUsize::new).and_then(|n| Threshold::of(n, members));
    if threshold.is_none() {
        let objection = Objection::invalid(&min.to_string(), object.path_of("min"), Why::Wanted(wanted));
        object.object_to(object.at_field("min"), objection);
    }
    threshold
}

/// Authorities by name, each once.
fn listed(object: &Object<'_>, authorities: &[Named<'_>]) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    let texts = object.texts("of");
    for text in &texts {
        let member = Member::Authority(place(text, authorities)?);
        if members.contains(&member) {
            text.refuse(Why::Wanted("each authority once"));
        }
        signs(text, authorities);
        members.push(member);
    }
    (texts.len() <= MAX_MEMBERS).then_some(members).or_else(|| too_many(object, texts.len()))
}

/// The identities of one authority.
fn identities(text: &Text<'_>, authorities: &[Named<'_>]) -> Option<Vec<Member>> {
    let authority = place(text, authorities)?;
    match authorities[authority].kind {
        Kind::Identities(count) if count <= MAX_MEMBERS => {
            Some((0..count).map(|identity| Member::Identity { authority, identity }).collect())
        }
        _ => {
            text.refuse(Why::Wanted("an authority with keyless.identities, at most 64"));
            None
        }
    }
}

/// What asks for nobody's signature can't be counted by signers.
fn signs(text: &Text<'_>, authorities: &[Named<'_>]) {
    let fixed = authorities.iter().any(|one| one.name == text.value && one.kind == Kind::Static);
    text.expect(!fixed, "an authority with key or keyless");
}

fn place(text: &Text<'_>, authorities: &[Named<'_>]) -> Option<usize> {
    let place = authorities.iter().position(|one| one.name == text.value);
    text.expect(place.is_some(), "the name of an authority of this policy");
    place
}

fn too_many(object: &Object<'_>, found: usize) -> Option<Vec<Member>> {
    let objection = Objection::invalid(&found.to_string(), object.path_of("of"), Why::Wanted("at most 64 authorities"));
    object.object_to(object.at_field("of"), objection);
    None
}

const FIELDS: [&str; 4] = ["allOf", "anyOf", "authority", "threshold"];
const MAX_DEPTH: usize = 8;
const MAX_MEMBERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{problem::Problems, yaml::documents};

    const NAMED: [Named<'static>; 4] = [
        Named { name: "a", kind: Kind::Key },
        Named { name: "b", kind: Kind::Key },
        Named { name: "team", kind: Kind::Identities(3) },
        Named { name: "free", kind: Kind::Static },
    ];

    fn require(text: &str, authorities: &[Named<'_>]) -> (Option<Require>, Vec<String>) {
        let problems = Problems::default();
        let nodes = documents(&format!("require: {text}"), &problems);
        let require = read(&Object::open_any(&nodes[0], "spec".to_owned(), &problems), authorities);
        (require, problems.take().into_iter().map(|(_, objection)| objection.to_string()).collect())
    }

    #[test]
    fn every_form_is_read() {
        let (read, problems) = require(
            "{allOf: [{authority: free}, {anyOf: [{authority: a}, {threshold: {min: 2, of: [a, b]}}]}, {threshold: {min: 3, ofIdentities: team}}]}",
            &NAMED,
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(read.unwrap().authorities(), [3, 0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn what_could_be_met_by_nothing_or_never_is_refused() {
        for text in [
            "{}",
            "{allOf: []}",
            "{anyOf: []}",
            "{threshold: {min: 1, of: []}}",
            "{threshold: {min: 0, of: [a, b]}}",
            "{threshold: {min: 3, of: [a, b]}}",
            "{threshold: {min: -1, of: [a, b]}}",
            "{threshold: {min: 1.5, of: [a, b]}}",
            "{threshold: {of: [a, b]}}",
            "{threshold: {min: 2}}",
            "{threshold: {min: 2, of: [a, a]}}",
            "{threshold: {min: 2, of: [a, nobody]}}",
            "{threshold: {min: 1, of: [a, b], ofIdentities: a}}",
            "{threshold: {min: 1, ofIdentities: a}}",
            "{authority: a, anyOf: [{authority: b}]}",
            "{authority: nobody}",
            "{noneOf: [{authority: a}]}",
            "{anyOf: [a, b]}",
        ] {
            assert!(!require(text, &NAMED[..2]).1.is_empty(), "{text}");
        }
        assert!(!require("{threshold: {min: 1, of: [free]}}", &NAMED[3..]).1.is_empty());
    }

    #[test]
    fn authority_without_a_place_is_refused() {
        let (_, problems) = require("{authority: a}", &NAMED[..2]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("b: spec.require") && problems[0].contains("asks for"), "{problems:?}");
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |levels: usize| "{anyOf: [".repeat(levels) + "{authority: a}" + &"]}".repeat(levels);
        assert_eq!(require(&nested(7), &NAMED[..1]).1, Vec::<String>::new());
        assert!(!require(&nested(8), &NAMED[..1]).1.is_empty());
    }
}
