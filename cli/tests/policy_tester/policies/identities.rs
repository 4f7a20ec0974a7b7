//! Authorities with identities, under the roots of the private Sigstore.

use peers::Subject;
use serde_json::{Value, json};

use super::{key, with};
use crate::{
    case::{Case, Root},
    shelf::{ALICE, Key, RELEASE, Shelf},
};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let alice = || person(shelf, ALICE);
    let mut cases = whom(shelf);
    cases.extend([
        Case::new("name-log", &[logged(keyless(&[alice()]))]).alpha().under(Root::Whole),
        Case::new("name-log-beta", &[logged(keyless(&[alice()]))]).under(Root::Whole),
        Case::new("name-log-of-others", &[logged(keyless(&[alice()]))]).alpha().under(Root::OfOthers).alike(),
        Case::new("name-log-rekor2", &[logged(keyless(&[alice()]))]).alpha().under(Root::WithRekor2).alike(),
        Case::new("name-log-no-root", &[logged(keyless(&[alice()]))]).alpha().alike(),
        Case::new("name-root-alone", &[keyless(&[alice()])]).alpha().under(Root::Whole),
        Case::new("name-root-alone-release", &[keyless(&[person(shelf, RELEASE)])]).alpha().under(Root::Whole),
        Case::new("name-clock", &[clocked(keyless(&[alice()]))]).alpha().under(Root::Whole),
        Case::new("name-clock-of-others", &[clocked(keyless(&[alice()]))]).alpha().under(Root::OfOthers).alike(),
        Case::new("name-log-clock", &[logged(clocked(keyless(&[alice()])))]).alpha().under(Root::Whole),
        Case::new("name-no-sct", &[logged(keyless(&[alice()]))]).alpha().under(Root::NoCertificateLog).alike(),
        Case::new("name-no-sct-ignored", &[ignoring_sct(logged(keyless(&[alice()])))])
            .alpha()
            .under(Root::NoCertificateLog),
        Case::new("name-legacy", &[in_format("legacy", logged(keyless(&[alice()])))]).alpha().under(Root::Whole),
        Case::new("name-default-root", &[json!({ "keyless": { "identities": [alice()] } })]).alike(),
        Case::new("name-or-key", &[logged(keyless(&[alice()])), key(shelf, Key::Team)]).alpha().under(Root::Whole),
        Case::new("name-url", &[at_fulcio(logged(keyless(&[alice()])))]).alpha().under(Root::Whole),
    ]);
    cases.extend(bundles(shelf));
    cases
}

/// Which names are expected, and how.
fn whom(shelf: &Shelf) -> Vec<Case> {
    let (name, issuer) = shelf.sigstore.identity(ALICE);
    let case = |name, identities: &[Value]| Case::new(name, &[logged(keyless(identities))]).alpha().under(Root::Whole);
    let mallory = person(shelf, Subject::Email("mallory@sealgate.test"));
    let wrong_issuer = json!({ "issuer": shelf.sigstore.identity(RELEASE).1, "subject": name });
    let parts = json!({ "issuerRegExp": "^http://127\\.0\\.0\\.1:[0-9]+/", "subjectRegExp": "@sealgate\\.test$" });
    let inner = json!({ "issuerRegExp": "127", "subjectRegExp": "lice@seal" });
    let workflows = json!({ "issuerRegExp": ".*", "subjectRegExp": "^https://github\\.com/shop/[^/]+/\\.github/" });
    let folded = json!({ "issuer": issuer, "subjectRegExp": "(?i)^ALICE@" });
    let short = json!({ "issuer": issuer, "subject": "alice@sealgate" });
    vec![
        case("name-alice", &[person(shelf, ALICE)]),
        case("name-release", &[person(shelf, RELEASE)]),
        case("name-mallory", std::slice::from_ref(&mallory)).alike(),
        case("name-other-issuer", &[wrong_issuer]).alike(),
        case("name-either", &[mallory, person(shelf, RELEASE)]),
        case("name-patterns", &[parts]),
        case("name-patterns-inside", &[inner]),
        case("name-pattern-workflows", &[workflows]),
        case("name-pattern-folded", &[folded]),
        case("name-part-of-text", &[short]).alike(),
        case("name-anyone", &[json!({ "issuerRegExp": ".*", "subjectRegExp": ".*" })]),
    ]
}

fn bundles(shelf: &Shelf) -> Vec<Case> {
    let alice = || in_format("bundle", keyless(&[person(shelf, ALICE)]));
    let mallory = person(shelf, Subject::Email("mallory@sealgate.test"));
    vec![
        Case::new("bundle-name", &[alice()]).alpha().under(Root::Whole).alike(),
        Case::new("bundle-name-beta", &[alice()]).under(Root::Whole).alike(),
        Case::new("bundle-name-log", &[logged(alice())]).alpha().under(Root::Whole).alike(),
        Case::new("bundle-name-clock", &[clocked(alice())]).alpha().under(Root::Whole).alike(),
        Case::new("bundle-name-of-others", &[alice()]).alpha().under(Root::OfOthers).alike(),
        Case::new("bundle-name-mallory", &[in_format("bundle", keyless(&[mallory]))])
            .alpha()
            .under(Root::Whole)
            .alike(),
        Case::new("bundle-name-no-sct", &[alice()]).alpha().under(Root::NoCertificateLog).alike(),
        Case::new("bundle-name-no-sct-ignored", &[ignoring_sct(alice())]).alpha().under(Root::NoCertificateLog).alike(),
    ]
}

pub(super) fn person(shelf: &Shelf, who: Subject<'_>) -> Value {
    let (subject, issuer) = shelf.sigstore.identity(who);
    json!({ "issuer": issuer, "subject": subject })
}

/// These identities, certified under the root.
pub(super) fn keyless(identities: &[Value]) -> Value {
    json!({ "keyless": { "identities": identities, "trustRootRef": "root" } })
}

pub(super) fn logged(authority: Value) -> Value {
    with(authority, "ctlog", json!({ "trustRootRef": "root" }))
}

pub(super) fn clocked(authority: Value) -> Value {
    with(authority, "rfc3161timestamp", json!({ "trustRootRef": "root" }))
}

pub(super) fn in_format(format: &str, authority: Value) -> Value {
    with(authority, "signatureFormat", json!(format))
}

pub(super) fn ignoring_sct(mut authority: Value) -> Value {
    authority["keyless"]["insecureIgnoreSCT"] = json!(true);
    authority
}

fn at_fulcio(mut authority: Value) -> Value {
    authority["keyless"]["url"] = json!("https://fulcio.sealgate.test");
    authority
}
