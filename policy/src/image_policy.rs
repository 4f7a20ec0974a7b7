//! ImagePolicy, of `sealgate.dev/v1`: ClusterImagePolicy's skeleton, and what people ask for beside it.
//!
//! Thresholds and nestings of authorities, signed names and tags, windows of validity, revocation, platforms,
//! expressions, exceptions and a glass to break. Both kinds come to one model and are decided in one way; to that, a
//! ClusterImagePolicy says nothing of all this.

mod conditions;
mod expression;
mod moment;
mod names;
mod persons;
mod platforms;
mod reprieve;
mod require;
mod revoked;
mod scope;
mod signed_name;
mod signed_tag;
mod window;

pub(crate) use self::{
    conditions::{Conditions, Unmet},
    expression::{Expression, Input},
    moment::{moment, span, written},
    platforms::Platforms,
    reprieve::Reprieves,
    require::{Answers, Member, Require, Use},
    revoked::{IsRevoked, Revoked},
    scope::{Scope, Standing},
};
pub use self::{
    platforms::Child,
    reprieve::{Reprieve, ReprieveKind},
    scope::{Asker, Door, Unknown},
};

use self::require::{Kind, Named};
use crate::{
    authority::{self, Regexes},
    cluster_image_policy::{EmptyAuthorities, authorities, globs, resources},
    model::{Authority, By, Mode, Policy, Requirement},
    object::Object,
    problem::Objection,
    program::spec_policy,
    references::{Context, References},
};

/// What only an ImagePolicy says. Where it says nothing, it is as if it were a ClusterImagePolicy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) scope: Scope,
    /// Any one authority, where there is none.
    pub(crate) require: Option<Require>,
    pub(crate) platforms: Platforms,
    /// Whether the signature of the index that a manifest was picked from is as good as its own.
    pub(crate) accepts_index: bool,
    pub(crate) revoked: Revoked,
    pub(crate) expressions: Vec<Expression>,
    pub(crate) reprieves: Reprieves,
}

/// Reads the `spec` of a policy with this name. The result counts only if there was no problem.
pub(crate) fn policy<'a>(name: &str, top: &Object<'a>, references: &References<'a>) -> Policy {
    let Some(spec) = top.object("spec", &FIELDS) else {
        top.object_to(top.at(), Objection::Missing { paths: vec!["spec.images".into(), "spec.authorities".into()] });
        return Policy::unsatisfiable(name);
    };
    spec.refuse_nulls();
    let mut context = Context::new(references);
    let known = [authority::FIELDS.as_slice(), conditions::FIELDS.as_slice()].concat();
    let authorities = authorities(&spec, (&known, Regexes::Whole), EmptyAuthorities::Invalid, &mut context);
    let whole = spec_policy(&spec, &mut context);
    let unready = context.unready(authorities.is_empty());
    let (mode, globs, resources) = (mode(&spec), globs(&spec), resources(&spec));
    let terms = terms(&spec, &authorities);
    Policy { name: name.to_owned(), mode, globs, resources, authorities, whole, terms, unready, lack: None }
}

fn terms(spec: &Object<'_>, authorities: &[Authority]) -> Terms {
    let named: Vec<Named<'_>> =
        authorities.iter().map(|one| Named { name: &one.name, kind: kind(&one.requirement) }).collect();
    Terms {
        scope: Scope::read(spec),
        require: require::read(spec, &named),
        platforms: Platforms::read(spec),
        accepts_index: accepts_index(spec),
        revoked: Revoked::read(spec),
        expressions: Expression::read_all(spec),
        reprieves: Reprieves::read(spec),
    }
}

fn kind(requirement: &Requirement) -> Kind {
    match requirement {
        Requirement::Pass | Requirement::Fail { .. } => Kind::Static,
        Requirement::Signature(rule) => match &rule.by {
            By::Key(_) => Kind::Key,
            By::Identities(all) => Kind::Identities(all.len()),
        },
        // A key that lies elsewhere; the policy is not ready.
        Requirement::Unsupported => Kind::Key,
    }
}

fn mode(spec: &Object<'_>) -> Mode {
    let Some(text) = spec.text("mode") else { return Mode::Enforce };
    match text.value {
        "warn" => Mode::Warn,
        "audit" => Mode::Audit,
        value => {
            text.expect(value == "enforce", "enforce, warn or audit");
            Mode::Enforce
        }
    }
}

fn accepts_index(spec: &Object<'_>) -> bool {
    let Some(text) = spec.text("index") else { return false };
    text.expect(matches!(text.value, "accepted" | "ignored"), "accepted or ignored");
    text.value == "accepted"
}

const FIELDS: [&str; 15] = [
    "images",
    "namespaces",
    "doors",
    "users",
    "match",
    "mode",
    "authorities",
    "require",
    "platforms",
    "index",
    "revoked",
    "expressions",
    "policy",
    "exceptions",
    "breakGlass",
];
