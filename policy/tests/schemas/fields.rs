//! The fields of the schemas against those of the readers, whose sources give the names to try.

use std::{collections::BTreeSet, fs, path::Path};

use policy::{
    Objection, PolicySet,
    schema::{CLUSTER_IMAGE_POLICY, IMAGE_POLICY, TRUST_ROOT},
};
use serde_json::{Value, json};

use crate::validator::Schema;

/// Every text in the readers' sources that could be a field's name, and one that is none.
fn candidates() -> BTreeSet<String> {
    let folders = ["src", "src/image_policy", "src/image_policy/require", "src/image_policy/expression"];
    let folders = folders.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("the sources are there"));
    let sources = entries.map(|entry| entry.expect("can be listed").path());
    let files = sources.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let text: String = files.map(|path| fs::read_to_string(path).expect("can be read")).collect();
    let is_name = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let names: BTreeSet<String> = text.split('"').filter(is_name).map(str::to_owned).collect();
    assert!(names.contains("insecureIgnoreSCT") && names.contains("trustedRootTarget") && names.len() > 100);
    names.into_iter().chain(["neverAField".to_owned()]).collect()
}

/// An object that has these fields at this place, and nothing else.
fn nested(path: &[String], fields: Value) -> Value {
    path.iter().rev().fold(fields, |inner, step| match step.as_str() {
        "[]" => json!([inner]),
        name => json!({ name: inner }),
    })
}

/// The path as the readers write it, with a dot behind it where there is one.
fn shown(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        match step.as_str() {
            "[]" => text = format!("{}[0].", text.trim_end_matches('.')),
            name => text += &format!("{name}."),
        }
    }
    text
}

/// Which of these fields the reader does not know there.
fn unknown(kind: &str, path: &[String], names: &BTreeSet<String>) -> BTreeSet<String> {
    let fields: Value = names.iter().map(|name| (name.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
    let version = if kind == "ImagePolicy" { "sealgate.dev/v1" } else { "policy.sigstore.dev/v1alpha1" };
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" } });
    merge(&mut object, nested(path, fields));
    let errors = PolicySet::parse(&[("x.json".to_owned(), object.to_string())]).expect_err("it is no policy");
    let prefix = shown(path);
    let unknown = errors.problems().iter().filter_map(|problem| match problem.objection() {
        Objection::UnknownField { path } => path.strip_prefix(&prefix).map(str::to_owned),
        _ => None,
    });
    unknown.collect()
}

/// Puts one object into another; what is there already stays.
fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { return };
    for (name, value) in from {
        match into.get_mut(&name) {
            Some(there) => merge(there, value),
            None => drop(into.insert(name, value)),
        }
    }
}

#[test]
fn schema_and_reader_know_the_same_fields_at_the_same_places() {
    let candidates = candidates();
    let mut places = 0;
    for (kind, text) in
        [("ClusterImagePolicy", CLUSTER_IMAGE_POLICY), ("ImagePolicy", IMAGE_POLICY), ("TrustRoot", TRUST_ROOT)]
    {
        let schema = Schema::parse(text);
        for (path, fields) in schema.objects() {
            // Requirements are alike at all their levels.
            if path.iter().filter(|step| matches!(step.as_str(), "allOf" | "anyOf")).count() > 2 {
                continue;
            }
            let fields: BTreeSet<String> = fields.into_iter().collect();
            let names: BTreeSet<String> = candidates.union(&fields).cloned().collect();
            let known: BTreeSet<String> = names.difference(&unknown(kind, &path, &names)).cloned().collect();
            assert_eq!(known, fields, "{kind} at {}", shown(&path));
            places += 1;
        }
    }
    assert!(places > 25, "only {places} places were looked at");
}

#[test]
fn field_that_nobody_knows_is_found_to_be_unknown() {
    let name = BTreeSet::from(["neverAField".to_owned()]);
    for path in [&["spec"][..], &["spec", "images", "[]"], &[]] {
        let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
        assert_eq!(unknown("ClusterImagePolicy", &path, &name), name, "{path:?}");
    }
}
