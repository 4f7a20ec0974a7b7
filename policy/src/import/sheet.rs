//! What an import writes: objects in YAML, with comments about what they leave unsaid.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Imported, Remark, Unsaid,
    draft::{Draft, Written, fail},
    need::Need,
};
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

    /// Writes a policy, or several that say the same in simpler words.
    pub(super) fn policy(&mut self, draft: Draft<'_>) {
        draft.parts().iter().for_each(|part| self.one(part));
    }

    fn one(&mut self, draft: &Draft<'_>) {
        let Written { spec, own } = match draft.written() {
            Ok(written) => written,
            Err(why) => {
                let why = format!("{why}, so that these images are refused");
                self.unsaid(draft.place, "who must have signed", &why, "write the policy by hand");
                let refusing = Draft { need: Need::Nobody, ..draft.clone() };
                return self.one(&refusing);
            }
        };
        self.policies += 1;
        if own.is_empty() {
            self.write("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", draft.name, &spec);
        } else {
            let what = format!("has become an ImagePolicy, which sealgate alone reads, for {}", own.join(" and "));
            self.remark(draft.place, &what);
            self.write("sealgate.dev/v1", "ImagePolicy", draft.name, &spec);
        }
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
            let need = Need::any(vec![fail(message)]);
            self.policy(Draft::new("", "nothing-imported", vec!["**".to_owned()], need));
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

fn comments(notes: &[String]) -> String {
    notes.iter().map(|note| format!("# note: {}\n", plain(note))).collect()
}

/// Leaves room for a number within what Kubernetes accepts.
const MAX_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        PolicySet,
        import::{draft::pass, need::Signer},
    };

    fn load(imported: &Imported) -> PolicySet {
        let file = |(index, text): (usize, &String)| (format!("{index}.yaml"), text.clone());
        PolicySet::parse(&imported.documents.iter().enumerate().map(file).collect::<Vec<_>>()).expect("it loads")
    }

    #[test]
    fn names_are_plain_and_distinct() {
        let mut sheet = Sheet::default();
        for name in ["Docker.io/Library", "docker-io//library", "..", "", &"x".repeat(500)] {
            sheet.policy(Draft::new("f", name, vec!["**".into()], Need::any(vec![pass()])));
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
    fn a_policy_that_nobody_can_meet_refuses() {
        let signer = |name: &str| Signer::from(json!({"name": name, "static": {"action": "pass"}}));
        let many: Vec<Signer> = (0..65).map(|at| signer(&at.to_string())).collect();
        let deep = (0..9).fold(Need::One(signer("a")), |inner, at| {
            let beside = Need::One(signer(&at.to_string()));
            if at % 2 == 0 { Need::All(vec![inner, beside]) } else { Need::Any(vec![inner, beside]) }
        });
        for need in [Need::any(vec![]), Need::AtLeast(2, vec![signer("a")]), Need::AtLeast(2, many), deep] {
            let mut sheet = Sheet::default();
            sheet.policy(Draft::new("f", "p", vec!["**".into()], need));
            let imported = sheet.finish();
            assert_eq!(imported.documents.len(), 1);
            assert!(imported.documents[0].contains("action: fail"), "{imported:?}");
            load(&imported);
        }
    }

    #[test]
    fn only_what_needs_it_is_an_image_policy() {
        let key = |name: &str| {
            let pem = keys::PrivateKey::generate().expect("there is randomness").public().to_pem();
            Signer::from(json!({"name": name, "key": {"data": pem}}))
        };
        let (a, b, c) = (key("a"), key("b"), key("c"));
        let one = |signer: &Signer| Need::One(signer.clone());
        let kinds = |need: Need| {
            let mut sheet = Sheet::default();
            sheet.policy(Draft::new("f", "p", vec!["**".into()], need));
            let imported = sheet.finish();
            load(&imported);
            let own = imported.documents.iter().filter(|text| text.contains("kind: ImagePolicy")).count();
            assert_eq!(imported.remarks.len(), own, "each is told of: {imported:?}");
            (imported.documents.len(), own)
        };
        assert_eq!(kinds(one(&a)), (1, 0));
        assert_eq!(kinds(Need::Any(vec![one(&a), one(&b)])), (1, 0));
        assert_eq!(kinds(Need::All(vec![one(&a), Need::Any(vec![one(&b), one(&c)])])), (2, 0));
        assert_eq!(kinds(Need::AtLeast(2, vec![a.clone(), b.clone(), c.clone()])), (1, 1));
        assert_eq!(kinds(Need::Any(vec![one(&a), Need::All(vec![one(&b), one(&c)])])), (1, 1));
        assert_eq!(kinds(Need::All(vec![one(&a), Need::AtLeast(2, vec![a, b, c])])), (1, 1));
    }
}
