//! No field is dead: whichever is taken away or changed, some verdict changes, or what is said of it. For both kinds.

use oci::Digest;
use policy::{Asker, Door, PolicySet};
use serde_json::{Map, Value, json};

use crate::{
    own::{Question, signed},
    writing::{bundle, image, key},
};

/// A policy in which every field has a say, and the key that it is met by.
struct Base {
    text: Value,
    questions: Vec<Question>,
}

const TIMES: [&str; 4] = ["validFrom", "validUntil", "until", "maxAge"];

fn own_base() -> Base {
    let (a, b, c) = (key(), key(), key());
    let pem = |key: &keys::PrivateKey| key.public().to_pem();
    let text = json!({
        "apiVersion": "sealgate.dev/v1", "kind": "ImagePolicy", "metadata": {"name": "p"},
        "spec": {
            "images": [{"glob": "ghcr.io/acme/app@*"}],
            "namespaces": ["prod"], "doors": ["webhook"], "users": ["ci-*"], "mode": "warn",
            "match": [],
            "authorities": [
                {"name": "a", "key": {"data": pem(&a)}, "validFrom": "1970-01-01T00:01:40Z", "validUntil": "1970-01-01T00:03:20Z",
                 "annotations": {"team": "release"}, "signedTag": {"annotation": "tag"},
                 "signedName": {"remap": [{"from": "ghcr.io/acme/", "to": "build.example/"}]}, "signatureFormat": "legacy"},
                {"name": "b", "key": {"data": pem(&b)}},
                {"name": "c", "key": {"data": pem(&c)}, "maxAge": "90d"},
                {"name": "d", "static": {"action": "fail", "message": "never"}},
            ],
            "require": {"anyOf": [
                {"allOf": [{"authority": "a"}, {"threshold": {"min": 1, "of": ["b", "c"]}}]},
                {"authority": "d"},
            ]},
            "platforms": "asked", "index": "ignored",
            "revoked": {"keys": ["0".repeat(64)], "digests": [Digest::of(b"another").to_string()]},
            "expressions": [{"cel": "size(signatures) < 2", "message": "too many"}],
            "exceptions": [{"images": [{"glob": "**"}], "digests": [image().digest().to_string()], "namespaces": ["prod"],
                            "until": "1970-01-01T00:05:00Z", "reason": "moving"}],
            "breakGlass": {"until": "1970-01-01T00:06:40Z", "reason": "outage", "users": ["ci-*"]},
        },
    });
    let by_a = signed(&a, ("build.example/app", *image().digest()), &[("team", "release"), ("tag", "1.2")], 0);
    let by_b = signed(&b, ("ghcr.io/acme/app", *image().digest()), &[], 1);
    let by_c = signed(&c, ("ghcr.io/acme/app", *image().digest()), &[], 2);
    let unannotated = signed(&a, ("build.example/app", *image().digest()), &[("tag", "1.2")], 3);
    let sets = [
        vec![],
        vec![by_a.clone()],
        vec![by_a.clone(), by_b.clone()],
        vec![by_a.clone(), by_c.clone()],
        vec![unannotated, by_b.clone()],
        vec![by_a, by_b, by_c],
    ];
    Base { text, questions: questions(&sets) }
}

fn other_base() -> Base {
    let (a, b) = (key(), key());
    let pem = |key: &keys::PrivateKey| key.public().to_pem();
    let text = json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy", "metadata": {"name": "p"},
        "spec": {
            "images": [{"glob": "ghcr.io/acme/app@*"}],
            "mode": "warn",
            "authorities": [
                {"name": "a", "key": {"data": pem(&a), "hashAlgorithm": "sha256"}, "signatureFormat": "bundle"},
                {"name": "b", "key": {"data": pem(&b)}},
                {"name": "d", "static": {"action": "fail", "message": "never"}},
            ],
            "policy": {"type": "rego", "data": "package sigstore\nisCompliant { count(input.authorityMatches.a.signatures) == 1 }"},
        },
    });
    let by_a = [signed(&a, ("ghcr.io/acme/app", *image().digest()), &[], 0), bundle(&a, &image())];
    let by_b = signed(&b, ("ghcr.io/acme/app", *image().digest()), &[], 1);
    let sets = [vec![], vec![by_a[0].clone()], vec![by_a[1].clone()], vec![by_b.clone()], vec![by_a[1].clone(), by_b]];
    Base { text, questions: questions(&sets) }
}

/// Everybody who could ask about these signatures, at times inside and outside of every window.
fn questions(sets: &[Vec<verifier::UntrustedSignature>]) -> Vec<Question> {
    let user = |door, user: &str, namespace: &str| Asker {
        door,
        user: Some(user.to_owned()),
        namespace: Some(namespace.to_owned()),
    };
    let askers = [
        user(Door::Webhook, "ci-build", "prod"),
        user(Door::Webhook, "ann", "prod"),
        user(Door::Webhook, "ci-build", "dev"),
        user(Door::Check, "ci-build", "prod"),
    ];
    let names = ["ghcr.io/acme/app:1.2", "ghcr.io/acme/app:1.3", "ghcr.io/acme/other:1.2"];
    let whens = [
        (150, names[0]),
        (350, names[0]),
        (500, names[0]),
        (50, names[0]),
        (250, names[0]),
        (150, names[1]),
        (500, names[1]),
        (500, names[2]),
    ];
    let mut questions = Vec::new();
    for signatures in sets {
        for (i, asker) in askers.iter().enumerate() {
            // The first asks at all times, the others at those at which something differs for them.
            for (seconds, name) in &whens[..if i == 0 { whens.len() } else { 3 }] {
                questions.push(Question::with(signatures.clone()).by(asker.clone()).at(*seconds).about(name));
            }
        }
    }
    questions
}

/// All verdicts in words; nothing where the policy does not load.
fn verdicts(text: &Value, questions: &[Question]) -> Option<String> {
    let set = PolicySet::parse(&[("p.json".to_owned(), text.to_string())]).ok()?;
    let said = questions.iter().map(|question| match question.ask(&set) {
        Ok(verdict) => serde_json::to_string(&verdict).expect("a verdict is text and lists"),
        Err(open) => open.to_string(),
    });
    Some(said.collect::<Vec<_>>().join("\n"))
}

/// The paths of all fields below a value that hold no others, lists' entries by their number.
fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.replace('/', "~1"), field)).collect(),
        Value::Array(entries) => entries.iter().enumerate().map(|(i, entry)| (i.to_string(), entry)).collect(),
        _ => return,
    };
    for (name, member) in members {
        let path = format!("{path}/{name}");
        let before = all.len();
        paths(member, &path, all);
        if all.len() == before {
            all.push(path);
        }
    }
}

/// The same without a field, and with others in its place.
fn flipped(text: &Value, path: &str) -> Vec<Value> {
    let (parent, name) = path.rsplit_once('/').expect("a path has a slash");
    let mut without = text.clone();
    match without.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(name)),
        Some(Value::Array(entries)) => drop(entries.remove(name.parse().expect("an index"))),
        _ => panic!("{path}"),
    }
    let found = text.pointer(path).expect("it is there");
    let replaced = others(name, found).into_iter().map(|other| {
        let mut changed = text.clone();
        *changed.pointer_mut(path).expect("it is there") = other;
        changed
    });
    let mut all: Vec<Value> = std::iter::once(without).chain(replaced).collect();
    match (name, found) {
        // Whoever is renamed is renamed everywhere.
        ("name", Value::String(old)) => all.push(renamed(text, &[(old, "renamed")])),
        // Authorities change places in what is required, so that each still has one.
        _ if path.starts_with("/spec/require") => {
            for (one, other) in [("a", "b"), ("a", "d"), ("b", "d")] {
                let mut changed = text.clone();
                changed["spec"]["require"] =
                    renamed(&text["spec"]["require"], &[(one, "?"), (other, one), ("?", other)]);
                all.push(changed);
            }
        }
        _ => {}
    }
    all
}

/// The same with texts replaced wherever they are all of a value.
fn renamed(text: &Value, pairs: &[(&str, &str)]) -> Value {
    let quoted = |text: &str| format!("\"{text}\"");
    let text = pairs.iter().fold(text.to_string(), |text, (old, new)| text.replace(&quoted(old), &quoted(new)));
    serde_json::from_str(&text).expect("it is still JSON")
}

fn others(name: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) if TIMES.contains(&name) => {
            vec![json!("1970-01-01T00:02:20Z"), json!("1970-01-01T00:10:00Z"), json!("1s")]
        }
        Value::String(text) => {
            let words = [
                "enforce", "audit", "every", "accepted", "pass", "bundle", "legacy", "cue", "sha384", "b", "c",
                "check", "false", "x",
            ];
            let mut others: Vec<Value> = words.iter().map(|word| json!(word)).collect();
            others.extend([
                json!(format!("{text}x")),
                json!(text.replace("acme", "emca")),
                json!(text.replace("== 1", "== 2")),
            ]);
            others.push(json!(text.replace("build", "dliub")));
            others.extend([json!(image().digest().to_string()), json!(Digest::of(b"a third").to_string())]);
            others.push(json!(key().public().to_pem()));
            others
        }
        Value::Number(_) => vec![json!(2), json!(3)],
        Value::Object(_) => vec![Value::Object(Map::new())],
        _ => Vec::new(),
    }
}

/// The fields whose every change leaves all verdicts as they are. To change one so that the policy no longer loads is no
/// change that counts.
fn dead(base: &Base) -> Vec<String> {
    let before = verdicts(&base.text, &base.questions).expect("the policy loads");
    let mut all = Vec::new();
    paths(&base.text["spec"], "/spec", &mut all);
    let dead = all.into_iter().filter(|path| {
        let mut loaded = flipped(&base.text, path).into_iter().filter_map(|text| verdicts(&text, &base.questions));
        loaded.all(|after| after == before)
    });
    dead.collect()
}

#[test]
fn t17_no_field_of_an_image_policy_is_dead() {
    // An empty list of objects is for all. Whose key is revoked is tried with a real one, and an index needs one, elsewhere.
    assert_eq!(dead(&own_base()), ["/spec/match", "/spec/index", "/spec/revoked/keys/0"]);
}

#[test]
fn t17_no_field_of_a_cluster_image_policy_is_dead_but_those_listed() {
    // Nobody is told the name of what always fails, and no text is in both languages.
    let inert = ["/spec/authorities/2/name", "/spec/policy/type"];
    assert_eq!(dead(&other_base()), inert);
}
