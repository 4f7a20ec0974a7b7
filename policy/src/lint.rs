//! What is probably not meant: policies that load, and do something else than they seem to say.
//!
//! Nothing here has a say in a verdict. A warning is for what should be changed. A note is for what is as it should be
//! and surprises people: fields that change nothing, what only some doors can know, and where a verdict is stricter
//! than policy-controller's.

mod authorities;
mod globs;
mod identities;
mod image_policy;
mod languages;
mod objects;
mod rules;
mod whole;

use std::{cell::RefCell, fmt};

use rustls_pki_types::UnixTime;

pub use self::rules::{RULES, Rule, Severity};
use crate::{
    LoadErrors, PolicySet,
    object::Object,
    problem::{At, Problems, excerpt},
    yaml::{Node, documents},
};

/// Looks through policy files, each with its name and text, as [`PolicySet::parse`] takes them; what has ended is what
/// ends before `now`.
///
/// Findings come in the order of files and lines.
///
/// # Errors
/// Fails with every problem of every file if they do not load.
pub fn lint(files: &[(String, String)], now: UnixTime) -> Result<Vec<Finding>, LoadErrors> {
    let set = PolicySet::parse(files)?;
    let nothing = Problems::default(); // files that load have none
    let trees: Vec<Vec<Node>> = files.iter().map(|(_, text)| documents(text, &nothing)).collect();
    let mut entries = Vec::new();
    for ((file, _), nodes) in files.iter().zip(&trees) {
        nodes.iter().for_each(|node| objects::gather(file, node, &nothing, &mut entries));
    }
    let found = Found::default();
    for entry in &entries {
        entry.look(&nothing, &found, now);
    }
    whole::look(&set, &entries, &nothing, &found);
    Ok(found.in_order(files))
}

/// Something about one place of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    file: String,
    line: u64,
    column: u64,
    policy: String,
    rule: &'static Rule,
    message: String,
    hint: String,
}

impl Finding {
    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from one.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The column, counted in characters from one.
    #[must_use]
    pub fn column(&self) -> u64 {
        self.column
    }

    /// The name of the object that it is about.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Which rule found it.
    #[must_use]
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// What was found. Text from the file is shortened and escaped.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, rule, message, .. } = self;
        write!(f, "{file}:{line}:{column}: {}: {}: {message}", rule.severity, rule.id)
    }
}

/// What was found so far.
#[derive(Default)]
struct Found(RefCell<Vec<Finding>>);

impl Found {
    fn in_order(self, files: &[(String, String)]) -> Vec<Finding> {
        let mut findings = self.0.into_inner();
        let index = |name: &str| files.iter().position(|(file, _)| excerpt(file) == name);
        findings.sort_by_cached_key(|f| (index(&f.file), f.line, f.column, f.rule.id));
        findings
    }
}

/// Where findings about one object go.
#[derive(Clone, Copy)]
struct Desk<'a> {
    file: &'a str,
    name: &'a str,
    /// What strangers' fields are read with; nobody looks at it.
    nothing: &'a Problems,
    found: &'a Found,
}

impl<'a> Desk<'a> {
    fn note(self, rule: &'static Rule, at: At, message: impl fmt::Display, hint: impl fmt::Display) {
        self.found.0.borrow_mut().push(Finding {
            file: excerpt(self.file),
            line: at.line,
            column: at.column,
            policy: excerpt(self.name),
            rule,
            message: message.to_string(),
            hint: hint.to_string(),
        });
    }

    /// The same of a field, if it is there.
    fn note_field(self, object: &Object<'_>, field: &str, rule: &'static Rule, message: &str, hint: &str) {
        if object.has(field) {
            self.note(rule, object.at_field(field), message, hint);
        }
    }

    /// The objects of a list.
    fn entries(self, object: &Object<'a>, list: &str) -> Vec<Object<'a>> {
        object.items(list).into_iter().map(|(path, node)| Object::open_any(node, path, self.nothing)).collect()
    }
}
