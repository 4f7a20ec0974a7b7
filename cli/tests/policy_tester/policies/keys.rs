//! Authorities with keys and with fixed answers.

use serde_json::json;

use super::{fail, key, named, pass, with};
use crate::{
    case::{Case, Root},
    shelf::{ELSEWHERE, Key, PREFIX, Shelf},
};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let team = || key(shelf, Key::Team);
    let release = || key(shelf, Key::Release);
    let hashed = |name: &str| json!({ "key": { "data": shelf.key(Key::Team), "hashAlgorithm": name } });
    vec![
        Case::new("key-team", &[team()]),
        Case::new("key-team-alpha", &[team()]).alpha(),
        Case::new("key-release", &[release()]),
        Case::new("key-stranger", &[key(shelf, Key::Stranger)]),
        Case::new("key-either", &[named("team", team()), named("release", release())]),
        Case::new("key-same-name", &[named("one", team()), named("one", release())]),
        Case::new("key-or-pass", &[release(), pass()]).alike(),
        Case::new("key-or-fail", &[team(), fail()]),
        Case::new("key-sha256", &[hashed(" SHA256 ")]),
        Case::new("key-sha384", &[hashed("sha384")]).alike(),
        Case::new("key-sha512", &[hashed("sha512")]).alike(),
        Case::new("key-sha224", &[hashed("sha224")]).alike(),
        Case::new("key-p384", &[key(shelf, Key::P384)]).alike(),
        Case::new("key-p384-sha384", &[json!({ "key": { "data": shelf.key(Key::P384), "hashAlgorithm": "sha384" } })]),
        Case::new("key-legacy", &[with(team(), "signatureFormat", json!("legacy"))]),
        Case::new("key-bundle", &[with(team(), "signatureFormat", json!("bundle"))]).alike(),
        Case::new("key-warn", &[release()]).with("mode", json!("warn")).alike(),
        Case::new("key-enforce", &[team()]).with("mode", json!("enforce")),
        Case::new("static-pass", &[pass()]).alike(),
        Case::new("static-fail", &[fail()]).alike(),
        Case::new("static-fail-or-pass", &[fail(), pass()]).alike(),
        Case::new("static-fail-warn", &[fail()]).with("mode", json!("warn")).alike(),
    ]
    .into_iter()
    .chain(elsewhere(shelf))
    .chain(vouched_for(shelf))
    .collect()
}

/// Signatures that are not where an image's are.
fn elsewhere(shelf: &Shelf) -> Vec<Case> {
    let from = |source| with(key(shelf, Key::Team), "source", json!([source]));
    let there = format!("{}/{ELSEWHERE}", shelf.registry());
    vec![
        Case::new("source-elsewhere", &[from(json!({ "oci": there }))]),
        Case::new("source-of-one", &[from(json!({ "oci": format!("{}/shop/key", shelf.registry()) }))]),
        Case::new("source-nowhere", &[from(json!({ "oci": format!("{}/nothing/here", shelf.registry()) }))]).alike(),
        Case::new("source-prefix", &[from(json!({ "tagPrefix": PREFIX }))]),
        Case::new("source-elsewhere-prefix", &[from(json!({ "oci": there, "tagPrefix": PREFIX }))]).alike(),
    ]
}

/// Keys with a log or a clock.
fn vouched_for(shelf: &Shelf) -> Vec<Case> {
    let team = |field: &str| with(key(shelf, Key::Team), field, json!({ "trustRootRef": "root" }));
    let both = || with(team("ctlog"), "rfc3161timestamp", json!({ "trustRootRef": "root" }));
    vec![
        Case::new("key-log", &[team("ctlog")]).alpha().under(Root::Whole),
        Case::new("key-log-beta", &[team("ctlog")]).under(Root::Whole),
        Case::new("key-log-of-others", &[team("ctlog")]).alpha().under(Root::OfOthers).alike(),
        Case::new("key-log-rekor2", &[team("ctlog")]).alpha().under(Root::WithRekor2).alike(),
        Case::new("key-log-no-root", &[team("ctlog")]).alpha().alike(),
        Case::new("key-clock", &[team("rfc3161timestamp")]).alpha().under(Root::Whole),
        Case::new("key-clock-beta", &[team("rfc3161timestamp")]).under(Root::Whole),
        Case::new("key-clock-of-others", &[team("rfc3161timestamp")]).under(Root::OfOthers),
        Case::new("key-log-clock", &[both()]).alpha().under(Root::Whole),
    ]
}
