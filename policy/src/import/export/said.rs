//! What of a policy `policy.json` can say: keys, the name that they signed, and how many of them.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::SignatureHash;
use serde_json::{Value, json};
use verifier::{Demands, Format};

use super::theirs;
use crate::{
    Mode, Policy,
    image_policy::{Scope, Terms},
    model::{By, Lies, Requirement, SignatureRule},
};

/// An authority as it is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// It asks for nothing.
    Met,
    /// It lets nothing in.
    Unmet,
    /// A key in base64, and the `signedIdentity` that goes with it.
    Key { pem: String, identity: Value },
}

/// What a policy asks that nothing there asks, and why not.
pub(super) fn beyond(policy: &Policy) -> Option<(&'static str, &'static str)> {
    // These are said elsewhere: how many must sign, and what is lenient.
    let Terms { scope, platforms, revoked, expressions, require: _, accepts_index: _, reprieves: _ } = &policy.terms;
    let all = [
        ("`policy`", "no conditions are evaluated there", policy.whole.is_some()),
        ("`match`", "there are no objects there", !policy.resources.is_empty()),
        ("`doors`, `users` or `namespaces`", "nobody is told apart there", *scope != Scope::default()),
        ("`platforms`", "only what is asked for is judged there", platforms.need_children()),
        ("`revoked`", "nothing is revoked there", revoked.any()),
        ("`expressions`", "no conditions are evaluated there", !expressions.is_empty()),
    ];
    all.into_iter().find_map(|(what, why, asked)| asked.then_some((what, why)))
}

/// What a policy lets in though it is not met, and is not let in there.
pub(super) fn lenient(policy: &Policy) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("`mode: warn`", "nobody is warned there, so that it is enforced", policy.mode() == Mode::Warn),
        ("`mode: audit`", "nothing is written down there, so that it is enforced", policy.mode() == Mode::Audit),
        ("`index: accepted`", "an image is judged by its own signature there", policy.terms.accepts_index),
        ("`exceptions` or `breakGlass`", "there are none there", policy.terms.reprieves.any()),
    ];
    all.into_iter().filter_map(|(what, why, said)| said.then_some((what, why))).collect()
}

/// Lists of authorities, of each of which one must be met; none where that is not what is asked.
pub(super) fn clauses(policy: &Policy) -> Option<Vec<Vec<usize>>> {
    let Some(require) = &policy.terms.require else { return Some(vec![(0..policy.authorities.len()).collect()]) };
    // A key counts once, and is a way to meet each of its authorities.
    let keys = policy.authorities.iter().filter_map(|authority| match &authority.requirement {
        Requirement::Signature(SignatureRule { by: By::Key(key), .. }) => Some(key.to_pem()),
        _ => None,
    });
    let mut seen = BTreeSet::new();
    if require.counts() && !keys.into_iter().all(|key| seen.insert(key)) {
        return None;
    }
    require.clauses()
}

/// The key that a rule asks for and the name, if that is all that it asks.
pub(super) fn said(rule: &SignatureRule) -> Result<Literal, &'static str> {
    let By::Key(key) = &rule.by else { return Err("identities are not exported") };
    if rule.hash.is_some_and(|hash| hash != SignatureHash::Sha256) {
        return Err("signatures are over SHA-256 there");
    }
    if rule.format == Some(Format::Bundle) {
        return Err("bundles are not read there");
    }
    if rule.demands != (Demands { log_entry: false, certificate_log: false, timestamp: false }) {
        return Err("logs and clocks are not exported");
    }
    if rule.lies != Lies::default() {
        return Err("signatures are read only beside the image there");
    }
    if !rule.attestations.is_empty() {
        return Err("attestations are not read there");
    }
    let name = rule.conditions.on_the_name_alone().ok_or("times, annotations and tags are not compared there")?;
    let remap = name.map_or(Some(None), |name| name.prefixes());
    let remap = remap.ok_or("names are remapped there from one prefix to another, a repository with all below it")?;
    let identity = match remap {
        None => json!({"type": "matchRepository"}),
        Some((from, to)) => json!({"type": "remapIdentity", "prefix": theirs(from), "signedPrefix": theirs(to)}),
    };
    Ok(Literal::Key { pem: BASE64_STANDARD.encode(key.to_pem()), identity })
}
