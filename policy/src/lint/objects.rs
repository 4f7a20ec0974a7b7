//! The objects of the files, and which rules look at which.

use rustls_pki_types::UnixTime;

use super::{
    Desk, Found, authorities, globs, image_policy, languages,
    rules::{NO_MATCH_ALLOWS, NOT_FETCHED, OCI11, SEVERAL},
};
use crate::{
    load::SETTINGS,
    object::Object,
    problem::Problems,
    yaml::{Node, Value},
};

/// One object of a file.
pub(super) struct Entry<'a> {
    file: &'a str,
    node: &'a Node,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) top: Object<'a>,
    pub(super) spec: Option<Object<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ClusterImagePolicy,
    ImagePolicy,
    TrustRoot,
    Config,
    Secret,
}

/// Adds the object of a document, or those of a list. Kinds that have no rules are left out.
pub(super) fn gather<'a>(file: &'a str, node: &'a Node, nothing: &'a Problems, entries: &mut Vec<Entry<'a>>) {
    let top = Object::open_any(node, String::new(), nothing);
    let kind = top.text("kind").map_or("", |text| text.value);
    if kind.ends_with("List") {
        let member = kind.trim_end_matches("List");
        entries.extend(top.items("items").into_iter().filter_map(|(_, item)| Entry::read(file, item, member, nothing)));
    } else {
        entries.extend(Entry::read(file, node, kind, nothing));
    }
}

impl<'a> Entry<'a> {
    fn read(file: &'a str, node: &'a Node, listed: &str, nothing: &'a Problems) -> Option<Self> {
        let top = Object::open_any(node, String::new(), nothing);
        let name = top.any_object("metadata")?.text("name")?.value.to_owned();
        let kind = match top.text("kind").map_or(listed, |text| text.value) {
            "ClusterImagePolicy" => Kind::ClusterImagePolicy,
            "ImagePolicy" => Kind::ImagePolicy,
            "TrustRoot" => Kind::TrustRoot,
            "Secret" => Kind::Secret,
            "ConfigMap" if name == SETTINGS => Kind::Config,
            _ => return None,
        };
        let spec = top.any_object("spec");
        Some(Self { file, node, kind, name, top, spec })
    }

    /// Whether it is a policy, of either kind.
    pub(super) fn is_policy(&self) -> bool {
        matches!(self.kind, Kind::ClusterImagePolicy | Kind::ImagePolicy)
    }

    /// The `spec` as it was read.
    pub(super) fn spec_node(&self) -> Option<&'a Node> {
        let Value::Object(members) = &self.node.value else { return None };
        members.iter().find(|member| member.name == "spec").map(|member| &member.node)
    }

    /// What findings about it are written on.
    pub(super) fn desk<'d>(&'d self, nothing: &'d Problems, found: &'d Found) -> Desk<'d> {
        Desk { file: self.file, name: &self.name, nothing, found }
    }

    /// Asks every rule that needs nothing but this object.
    pub(super) fn look(&self, nothing: &Problems, found: &Found, now: UnixTime) {
        let desk = self.desk(nothing, found);
        match (self.kind, &self.spec) {
            (Kind::ClusterImagePolicy | Kind::ImagePolicy, Some(spec)) => {
                globs::look(desk, spec);
                authorities::look(desk, spec, self.kind);
                languages::look(desk, spec);
                if self.kind == Kind::ImagePolicy {
                    image_policy::look(desk, spec, now);
                }
            }
            (Kind::TrustRoot, Some(spec)) => trust_root(desk, spec),
            (Kind::Config, _) => config(desk, &self.top),
            (Kind::ClusterImagePolicy | Kind::ImagePolicy | Kind::TrustRoot, None) | (Kind::Secret, _) => {}
        }
    }
}

fn trust_root(desk: Desk<'_>, spec: &Object<'_>) {
    for kind in ["remote", "repository"] {
        let message = "what the TUF repository holds is not known here";
        let hint =
            "`policy test` and the doors ask it; until it answers, what policies match that refer to it is refused";
        desk.note_field(spec, kind, &NOT_FETCHED, message, hint);
    }
    let Some(keys) = spec.any_object("sigstoreKeys") else { return };
    for (list, what) in [("timestampAuthorities", "timestamp authorities"), ("tLogs", "transparency logs")] {
        let count = keys.items(list).len();
        if count > 1 {
            let message = format!("{count} {what} found; each counts, where policy-controller uses the last");
            desk.note(&SEVERAL, keys.at_field(list), message, "leave those away that need not count");
        }
    }
}

fn config(desk: Desk<'_>, top: &Object<'_>) {
    let Some(data) = top.any_object("data") else { return };
    if let Some(text) = data.text("no-match-policy").filter(|text| text.value == "allow") {
        desk.note(
            &NO_MATCH_ALLOWS,
            text.at,
            "an image that no policy matches is let in unseen",
            "write deny, and a policy with `static: {action: pass}` for what may come in unsigned",
        );
    }
    let message = "changes nothing: referrers are always looked at, and count only once verified";
    desk.note_field(&data, "enable-oci11", &OCI11, message, "it can be left away");
}
