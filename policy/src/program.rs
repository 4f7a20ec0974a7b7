//! A condition within a policy, and where its text comes from: the policy itself, a ConfigMap, or an address.
//!
//! Nothing is fetched here. What must be is named, and the policy is not ready until it was brought.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{
    NotReady,
    language::{Condition, Dialect},
    object::{Object, Text},
    problem::{Objection, Why, excerpt},
    references::{Context, References},
    supplies::{RemoteDocument, Supplies, Wanted},
};

/// A condition, if it is at hand and can be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    dialect: Dialect,
    /// Where it must be fetched from, if it must.
    remote: Option<Wanted>,
    state: State,
}

/// The condition, or why there is none.
type State = Result<Arc<Condition>, NotReady>;

/// The condition of a whole policy, and what it wants to see beside what authorities found.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) program: Program,
    pub(crate) includes: Includes,
}

/// What goes into the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Includes {
    pub(crate) config: bool,
    pub(crate) spec: bool,
    pub(crate) metadata: bool,
    pub(crate) types: bool,
}

impl Includes {
    /// Whether the object that the image runs in has to be known.
    pub(crate) fn object(self) -> bool {
        self.spec || self.metadata || self.types
    }
}

/// The `policy` of a whole ClusterImagePolicy; nothing where there is none, or a problem with it.
pub(crate) fn spec_policy<'a>(spec: &Object<'a>, context: &mut Context<'_, 'a>) -> Option<Whole> {
    let policy = spec.object("policy", &FIELDS)?;
    let [config, spec, metadata, types] = INPUTS.map(|name| policy.flag(name));
    let program = Program::read(&policy, context)?;
    Some(Whole { program, includes: Includes { config, spec, metadata, types } })
}

/// The `policy` of one attestation, which cannot ask for more than the attestation.
pub(crate) fn attestation_policy<'a>(attestation: &Object<'a>, context: &mut Context<'_, 'a>) -> Option<Program> {
    let policy = attestation.object("policy", &FIELDS)?;
    let set: Vec<&str> = INPUTS.into_iter().filter(|name| policy.flag(name)).collect();
    if !set.is_empty() {
        policy.object_to(policy.at(), Objection::Disallowed { paths: policy.paths_of(&set) });
    }
    Program::read(&policy, context)
}

impl Program {
    /// Nothing where there is a problem with it.
    fn read<'a>(policy: &Object<'a>, context: &mut Context<'_, 'a>) -> Option<Self> {
        let dialect = policy.required_text("type").and_then(|text| {
            let dialect = Dialect::named(text.value);
            text.expect(dialect.is_some(), "cue or rego");
            dialect
        });
        policy.exactly_one(&["data", "remote", "configMapRef"], &["configMapRef", "data", "remote"]);
        let remote = policy.object("remote", &["url", "sha256sum"]).map(|remote| document(&remote));
        let entry = policy.object("configMapRef", &["name", "namespace", "key"]);
        let entry = entry.map(|entry| referred(&entry, context.references));
        let (data, dialect) = (policy.text("data"), dialect?);
        let state = match (data, remote, entry) {
            (Some(text), ..) => written(dialect, &text)?,
            (None, Some(remote), _) => return Some(Self::awaited(dialect, remote?)),
            (None, None, entry) => match entry?? {
                Ok(text) => written(dialect, &text)?,
                Err(lack) => Err(lack),
            },
        };
        Some(Self { dialect, remote: None, state })
    }

    fn awaited(dialect: Dialect, remote: RemoteDocument) -> Self {
        let state = remote.lack("was not fetched");
        Self { dialect, remote: Some(Wanted::Document(remote)), state }
    }

    /// What must be fetched.
    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        self.remote.as_ref()
    }

    /// Takes up what was fetched, or why it is not to be had.
    pub(crate) fn supply(&mut self, supplies: &Supplies) {
        let Some(wanted @ Wanted::Document(document)) = &self.remote else { return };
        self.state = match supplies.get(wanted).map(std::str::from_utf8) {
            Err(why) => document.lack(why),
            Ok(Err(_)) => document.lack("is not text in UTF-8"),
            Ok(Ok(text)) => fetched(self.dialect, document, text),
        };
    }

    /// Holds it against this input.
    ///
    /// # Errors
    /// Fails with what does not hold, or why it cannot be evaluated.
    pub(crate) fn check(&self, input: &Value) -> Result<(), String> {
        match &self.state {
            Ok(condition) => condition.check(input),
            Err(lack) => Err(lack.to_string()),
        }
    }

    /// Why it cannot be evaluated.
    pub(crate) fn lack(&self) -> Option<&NotReady> {
        self.state.as_ref().err()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dialect.fmt(f)
    }
}

/// The condition in this text; nothing where the text is not of the language, which is a problem of the file that it is
/// in.
fn written(dialect: Dialect, text: &Text<'_>) -> Option<State> {
    let unread = match Condition::parse(dialect, text.value) {
        Ok(condition) => return Some(Ok(Arc::new(condition))),
        Err(unread) => unread,
    };
    let at = unread.place.and_then(|place| text.within(place));
    // a line of the text is worth telling where it is not one of the file
    let line =
        unread.place.filter(|_| at.is_none()).map(|(line, _)| format!("line {line} of it: ")).unwrap_or_default();
    let (at, what) = (at.unwrap_or(text.at), format!("{line}{}", unread.what));
    if unread.is_language {
        let place = format!("{}:{}", text.file(), at.line);
        return Some(Err(NotReady::Construct { field: text.path.clone(), place, what }));
    }
    text.refuse_at(at, unread.place.map_or(1, |(line, _)| line), Why::Language(what));
    None
}

/// The condition in a document that was fetched.
fn fetched(dialect: Dialect, document: &RemoteDocument, text: &str) -> State {
    let unread = match Condition::parse(dialect, text) {
        Ok(condition) => return Ok(Arc::new(condition)),
        Err(unread) => unread,
    };
    let place = unread.place.map(|(line, _)| format!(":{line}")).unwrap_or_default();
    match unread.is_language {
        false => document.lack(&format!("is not {dialect}{}: {}", place.replace(':', ", line "), unread.what)),
        true => {
            let (field, place) = ("remote".to_owned(), format!("{}{place}", excerpt(&document.url)));
            Err(NotReady::Construct { field, place, what: unread.what })
        }
    }
}

impl RemoteDocument {
    fn lack(&self, why: &str) -> State {
        Err(NotReady::NoDocument { url: excerpt(&self.url), why: why.to_owned() })
    }
}

/// The text of a ConfigMap's entry; nothing where there is a problem with the reference.
fn referred<'a>(reference: &Object<'a>, references: &References<'a>) -> Option<Result<Text<'a>, NotReady>> {
    let (name, key) = (reference.required_text("name"), reference.required_text("key"));
    reference.text("namespace");
    Some(references.config_map(&name?, key?.value))
}

/// A document by its address and digest; nothing where there is a problem with either.
fn document(remote: &Object<'_>) -> Option<RemoteDocument> {
    let (url, sum) = (remote.required_text("url"), remote.required_text("sha256sum"));
    let url = url?;
    let host = url.value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    url.expect(host, "https and a host");
    Some(RemoteDocument { url: url.value.to_owned(), sha256sum: sum?.value.trim().to_owned() })
}

const INPUTS: [&str; 4] = ["fetchConfigFile", "includeSpec", "includeObjectMeta", "includeTypeMeta"];
const FIELDS: [&str; 8] = [
    "type",
    "data",
    "remote",
    "configMapRef",
    "fetchConfigFile",
    "includeSpec",
    "includeObjectMeta",
    "includeTypeMeta",
];
