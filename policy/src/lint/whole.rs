//! What only all policies together show.

use super::{
    Found,
    objects::{Entry, Kind},
    rules::{NEEDS_CLUSTER, NEVER_REACHED, NOT_READY, ONLY_WARNS, SAME_POLICY, UNUSED_ROOT},
};
use crate::{
    Mode, NotReady, PolicySet,
    object::Object,
    problem::{Problems, excerpt},
    yaml::{Node, Value},
};

/// Asks the rules that look at everything.
pub(super) fn look(set: &PolicySet, entries: &[Entry<'_>], nothing: &Problems, found: &Found) {
    let policies: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.is_policy()).collect();
    for entry in &policies {
        let Some(policy) = set.policies().find(|policy| policy.name() == entry.name) else { continue };
        let desk = entry.desk(nothing, found);
        match policy.readiness() {
            Ok(()) | Err(NotReady::NoDefaultRoot | NotReady::NoAuthorities | NotReady::NoDocument { .. }) => {}
            Err(NotReady::UnusableTrustRoot(name, _)) if set.awaits_root(name) => {}
            Err(why) => {
                let message = format!("it {why}: whatever it matches is refused");
                desk.note(&NOT_READY, entry.top.at(), excerpt(&message), "take away what it cannot work with");
            }
        }
        if policy.globs().iter().all(crate::Glob::never_matches) || entry.spec.as_ref().is_some_and(is_for_nothing) {
            let message = "no image can come to it: nothing that it lists ever matches";
            desk.note(&NEVER_REACHED, entry.top.at(), message, "mend its globs and its `match`, or take it away");
        }
    }
    only_warns(set, &policies, nothing, found);
    same(&policies, nothing, found);
    unused_roots(entries, &policies, nothing, found);
    pull_secrets(entries, &policies, nothing, found);
}

/// Whether `match` has entries, and none that matches anything.
fn is_for_nothing(spec: &Object<'_>) -> bool {
    let nothing = Problems::default();
    let entries = spec.items("match");
    let dead = |node| {
        let entry = Object::open_any(node, String::new(), &nothing);
        !entry.given("version") || !entry.given("resource")
    };
    !entries.is_empty() && entries.into_iter().all(|(_, node)| dead(node))
}

fn only_warns(set: &PolicySet, policies: &[&Entry<'_>], nothing: &Problems, found: &Found) {
    let warns = set.policies().all(|policy| policy.mode() != Mode::Enforce);
    if let (true, Some(first)) = (warns, policies.first()) {
        let at = first.spec.as_ref().map_or(first.top.at(), |spec| spec.at_field("mode"));
        let message = "no policy enforces: no image is refused by any";
        first.desk(nothing, found).note(&ONLY_WARNS, at, message, "write `mode: enforce` once the warnings are gone");
    }
}

fn same(policies: &[&Entry<'_>], nothing: &Problems, found: &Found) {
    let specs: Vec<String> =
        policies.iter().map(|entry| entry.spec_node().map(canonical).unwrap_or_default()).collect();
    for (index, entry) in policies.iter().enumerate() {
        let says_the_same = |earlier: &usize| specs[*earlier] == specs[index] && policies[*earlier].kind == entry.kind;
        if let Some(earlier) = (0..index).find(says_the_same) {
            let message = format!("says the same as policy `{}`", excerpt(&policies[earlier].name));
            entry.desk(nothing, found).note(&SAME_POLICY, entry.top.at(), message, "take one of them away");
        }
    }
}

fn unused_roots(entries: &[Entry<'_>], policies: &[&Entry<'_>], nothing: &Problems, found: &Found) {
    let named: Vec<String> = policies.iter().flat_map(|entry| roots(entry, nothing)).collect();
    for root in entries.iter().filter(|entry| entry.kind == Kind::TrustRoot && !named.contains(&entry.name)) {
        let message = "no policy refers to it";
        root.desk(nothing, found).note(
            &UNUSED_ROOT,
            root.top.at(),
            message,
            "name it in a `trustRootRef`, or take it away",
        );
    }
}

fn roots(entry: &Entry<'_>, nothing: &Problems) -> Vec<String> {
    let Some(spec) = &entry.spec else { return Vec::new() };
    let mut names = Vec::new();
    for (_, node) in spec.items("authorities") {
        let authority = Object::open_any(node, String::new(), nothing);
        let parts = ["keyless", "ctlog", "rfc3161timestamp"].into_iter().filter_map(|part| authority.any_object(part));
        names.extend(parts.filter_map(|part| part.text("trustRootRef").map(|text| text.value.to_owned())));
    }
    names
}

fn pull_secrets(entries: &[Entry<'_>], policies: &[&Entry<'_>], nothing: &Problems, found: &Found) {
    let is_there = |name: &str| entries.iter().any(|entry| entry.kind == Kind::Secret && entry.name == name);
    for entry in policies {
        let (Some(spec), desk) = (&entry.spec, entry.desk(nothing, found)) else { continue };
        let authorities = desk.entries(spec, "authorities");
        let sources = authorities.iter().flat_map(|authority| desk.entries(authority, "source"));
        let named = sources.flat_map(|source| desk.entries(&source, "signaturePullSecrets"));
        for name in named.filter_map(|secret| secret.text("name")).filter(|name| !is_there(name.value)) {
            let message = format!(
                "Secret `{}` is not among the files: that registry is shown the door's own credentials",
                excerpt(name.value)
            );
            desk.note(&NEEDS_CLUSTER, name.at, message, "add the Secret, or log in to that registry");
        }
    }
}

/// A value in a form in which the order of fields does not matter.
fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Object(members) => {
            let mut fields: Vec<String> =
                members.iter().map(|member| format!("{:?}: {}", member.name, canonical(&member.node))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
        Value::List(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}
