//! Reviews that nobody here wrote, whole and with each value replaced in turn.

use std::{fs, path::PathBuf};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

/// The reviews with their names, or none where the corpus is absent and nobody insists on it.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn corpus() -> Vec<(String, Value)> {
    let given = std::env::var_os("SEALGATE_CORPUS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = given.unwrap_or_else(beside).join("admission-reviews");
    let Ok(entries) = fs::read_dir(&folder) else {
        assert!(std::env::var_os("SEALGATE_REQUIRE_PEERS").is_none_or(|v| v != "1"), "{} is absent", folder.display());
        eprintln!("skipped: {} is absent", folder.display());
        return Vec::new();
    };
    let read = |path: PathBuf| {
        let value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), value)
    };
    let found: Vec<_> = entries.map(|e| read(e.unwrap().path())).collect();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

/// Nothing can be judged without a policy, so whatever is let in must say that it was not judged.
fn check(name: &str, uid: &Value, status: StatusCode, text: &str) {
    let usable = uid.as_str().is_some_and(|uid| uid != "\0");
    assert_eq!(status, if usable { StatusCode::OK } else { StatusCode::BAD_REQUEST }, "{name}: {text}");
    if !usable {
        return;
    }
    let answer: Value = serde_json::from_str(text).unwrap();
    assert_eq!(&answer["response"]["uid"], uid, "{name}");
    if answer["response"]["allowed"] != false {
        assert_eq!(answer["response"]["allowed"], true, "{name}");
        let decision = answer["response"]["auditAnnotations"]["decision"].as_str().unwrap();
        assert!(decision.starts_with("unjudged: "), "{name}: {decision}");
        assert!(answer["response"].get("patch").is_none(), "{name}");
    }
}

#[tokio::test]
async fn every_review_with_a_uid_is_answered_to_it_and_every_other_is_an_error() {
    let world = World::without_policy().await;
    for (name, review) in corpus() {
        let uid = review["request"]["uid"].clone();
        for path in ["/mutate", "/validate"] {
            let (status, text) = world.post(path, review.to_string()).await;
            check(&name, &uid, status, &text);
        }
    }
}

#[tokio::test]
async fn no_value_replaced_in_any_review_breaks_the_door_or_opens_it() {
    let world = World::without_policy().await;
    for (name, mut review) in corpus() {
        review["apiVersion"] = json!("admission.k8s.io/v1");
        let mut pointers = Vec::new();
        list(&review, "", &mut pointers);
        for (i, pointer) in pointers.iter().enumerate() {
            let wrong = [Value::Null, json!([[]]), json!({"image": 1}), json!("\u{0}"), json!(-1)][i % 5].clone();
            let mut changed = review.clone();
            *changed.pointer_mut(pointer).unwrap() = wrong;
            let (status, text) = world.post("/validate?timeout=5s", changed.to_string()).await;
            check(&format!("{name} {pointer}"), &changed["request"]["uid"], status, &text);
        }
    }
}

/// Where every value in a document stands, its labels and its field bookkeeping aside.
fn list(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "managedFields") {
                list(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| list(item, &format!("{at}/{i}"), found)),
        _ => {}
    }
}
