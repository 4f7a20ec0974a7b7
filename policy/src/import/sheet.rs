//! What an import writes: objects in YAML, with comments about what they leave unsaid.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Imported, Remark, Unsaid};
use crate::problem::plain;

/// Objects as they are written, and what is told beside them.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    imported: Imported,
    names: BTreeSet<String>,
    /// What was told since the last object, for the comments of the next one.
    pending: Vec<String>,
    policies: usize,
    roots: Vec<(Value, String)>,
}

/// One ClusterImagePolicy to be written. Without authorities it refuses everything.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) name: &'a str,
    pub(super) globs: Vec<String>,
    pub(super) warn: bool,
    pub(super) authorities: Vec<Value>,
    /// How many of the authorities must be met; one, unless it says more.
    pub(super) threshold: usize,
}

impl<'a> Draft<'a> {
    /// A policy that enforces, one authority being enough.
    pub(super) fn new(name: &'a str, globs: Vec<String>, authorities: Vec<Value>) -> Self {
        Self { name, globs, warn: false, authorities, threshold: 1 }
    }
}

/// The authority that lets everything pass.
pub(super) fn pass() -> Value {
    json!({"static": {"action": "pass"}})
}

/// The authority that refuses everything, and says why.
pub(super) fn fail(message: &str) -> Value {
    json!({"static": {"action": "fail", "message": message}})
}

impl Sheet {
    /// Tells that something has no counterpart.
    pub(super) fn unsaid(&mut self, place: &str, what: &str, why: &str, hint: &str) {
        let place = place.trim_end_matches(": ").to_owned();
        let unsaid = Unsaid { place, what: plain(what), why: plain(why), hint: plain(hint) };
        self.pending.push(unsaid.to_string());
        self.imported.unsaid.push(unsaid);
    }

    /// Tells what something has become.
    pub(super) fn remark(&mut self, place: &str, what: &str) {
        let remark = Remark { place: place.trim_end_matches(": ").to_owned(), what: plain(what) };
        self.pending.push(remark.to_string());
        self.imported.remarks.push(remark);
    }

    /// Writes a policy.
    pub(super) fn policy(&mut self, draft: Draft<'_>) {
        let Draft { name, globs, warn, authorities, threshold } = draft;
        let mut spec = Map::new();
        let images: Vec<Value> = globs.iter().map(|glob| json!({"glob": glob})).collect();
        spec.insert("images".to_owned(), Value::Array(images));
        if warn {
            spec.insert("mode".to_owned(), json!("warn"));
        }
        let refusing = authorities.is_empty() || threshold > authorities.len();
        let authorities = if refusing { vec![fail(UNSAYABLE)] } else { authorities };
        spec.insert("authorities".to_owned(), Value::Array(authorities));
        if threshold > 1 && !refusing {
            spec.insert("policy".to_owned(), json!({"type": "rego", "data": counting(threshold)}));
        }
        self.policies += 1;
        self.write("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", name, &Value::Object(spec));
    }

    /// Writes a TrustRoot with these keys, unless there is one; its name.
    pub(super) fn trust_root(&mut self, name: &str, keys: &Value) -> String {
        if let Some((_, name)) = self.roots.iter().find(|(known, _)| known == keys) {
            return name.clone();
        }
        let name = self.write("policy.sigstore.dev/v1alpha1", "TrustRoot", name, &json!({"sigstoreKeys": keys}));
        self.roots.push((keys.clone(), name.clone()));
        name
    }

    /// Everything that was written. Where no policy was, there is one that refuses, as the absence of all would.
    pub(super) fn finish(mut self) -> Imported {
        if self.policies == 0 {
            let message = "nothing that was imported lets an image in";
            self.policy(Draft::new("nothing-imported", vec!["**".to_owned()], vec![fail(message)]));
        }
        if !self.pending.is_empty() {
            let last = self.imported.documents.last_mut().expect("a policy was written");
            last.insert_str(0, &comments(&std::mem::take(&mut self.pending)));
        }
        self.imported
    }

    fn write(&mut self, api_version: &str, kind: &str, name: &str, spec: &Value) -> String {
        let name = self.free(name);
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec});
        let mut text = comments(&std::mem::take(&mut self.pending));
        text += &serde_saphyr::to_string(&object).expect("texts, lists and objects can be written");
        self.imported.documents.push(text);
        name
    }

    /// A name that Kubernetes accepts and nothing else has here.
    fn free(&mut self, wanted: &str) -> String {
        let mut slug = String::new();
        for c in wanted.chars().map(|c| c.to_ascii_lowercase()) {
            match c.is_ascii_alphanumeric() {
                true => slug.push(c),
                false if slug.is_empty() || slug.ends_with('-') => {}
                false => slug.push('-'),
            }
        }
        slug.truncate(MAX_NAME);
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "imported" } else { slug };
        let numbered = (2..).map(|number| format!("{slug}-{number}"));
        let name = std::iter::once(slug.to_owned()).chain(numbered).find(|name| !self.names.contains(name));
        let name = name.expect("numbers do not end");
        self.names.insert(name.clone());
        name
    }
}

/// Rego that asks for so many authorities.
fn counting(threshold: usize) -> String {
    format!("package sigstore\n\nisCompliant {{\n  count(input.authorityMatches) >= {threshold}\n}}\n")
}

fn comments(notes: &[String]) -> String {
    notes.iter().map(|note| format!("# note: {}\n", plain(note))).collect()
}

const UNSAYABLE: &str = "its rule could not be imported, see the notes above";
/// Leaves room for a number within what Kubernetes accepts.
const MAX_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PolicySet;

    fn load(imported: &Imported) -> PolicySet {
        let file = |(index, text): (usize, &String)| (format!("{index}.yaml"), text.clone());
        PolicySet::parse(&imported.documents.iter().enumerate().map(file).collect::<Vec<_>>()).expect("it loads")
    }

    #[test]
    fn names_are_plain_and_distinct() {
        let mut sheet = Sheet::default();
        for name in ["Docker.io/Library", "docker-io//library", "..", "", &"x".repeat(500)] {
            sheet.policy(Draft::new(name, vec!["**".into()], vec![pass()]));
        }
        let set = load(&sheet.finish());
        let names: Vec<&str> = set.policies().map(crate::Policy::name).collect();
        assert_eq!(names[..4], ["docker-io-library", "docker-io-library-2", "imported", "imported-2"]);
        assert_eq!(names[4].len(), MAX_NAME);
    }

    #[test]
    fn nothing_written_is_a_policy_that_refuses_and_keeps_the_notes() {
        let mut sheet = Sheet::default();
        sheet.unsaid("f: a", "this", "has no\ncounterpart: x", "do that");
        let imported = sheet.finish();
        assert!(imported.documents[0].starts_with("# note: f: a: this: has no\\ncounterpart: x; do that\n"));
        assert!(imported.documents[0].contains("action: fail"));
        load(&imported);
    }

    #[test]
    fn a_policy_without_authorities_or_with_too_few_refuses() {
        for (authorities, threshold) in [(vec![], 1), (vec![pass()], 2)] {
            let mut sheet = Sheet::default();
            sheet.policy(Draft { threshold, ..Draft::new("p", vec!["**".into()], authorities) });
            let imported = sheet.finish();
            assert!(imported.documents[0].contains("action: fail"), "{imported:?}");
            load(&imported);
        }
    }
}
