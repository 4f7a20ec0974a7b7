//! What a mirror may not have: altered, signed by strangers or by too few, expired, without end.

use gate::trust::TufError;
use serde_json::Value;

use crate::{
    repository::{Edition, Keys, LATE, Repository, alter, target_path},
    server::Fault,
    stage::{MORNING, Stage, is_edition},
};

const NOON: &str = "2030-01-01T12:00:00Z";
const ONE_OF_TWO: &str = "1/2 valid signatures";

/// A mirror whose documents say only which version the next one is, so that its signatures are all that protects it.
fn without_hashes() -> Stage {
    Stage::of(Repository::with(&Edition { hashes: false, ..Edition::new(1) }, LATE))
}

/// The mirror has this document after the change, and that is refused with these words.
async fn is_refused(mut stage: Stage, name: &str, change: impl FnOnce(&mut Value), why: &str) {
    alter(&mut stage.repository.files, name, change);
    stage.publish();
    stage.refuses(MORNING, why).await;
    assert!(stage.kept().is_empty(), "nothing of it is kept");
}

fn lose_signature(document: &mut Value) {
    document["signatures"].as_array_mut().unwrap().pop().unwrap();
}

fn extend(document: &mut Value) {
    document["signed"]["expires"] = "2050-01-01T00:00:00Z".into();
}

#[tokio::test]
async fn altered_target_is_refused() {
    let mut stage = Stage::new();
    let path = target_path(&stage.repository.files, "trusted_root.json");
    let text = stage.repository.files[&path].clone();
    let longer = [&text[..], b"x"].concat();
    let address = format!("{}/{path}: more than {} bytes found", stage.server.url(), text.len());
    for (altered, why) in [
        (b"trusted_root.json 9".to_vec(), "integrity check failed: trusted_root.json: sha256 mismatch"),
        (b"short".to_vec(), "integrity check failed: trusted_root.json: length 5 != pinned 19"),
        (longer, &format!("integrity check failed: {address}")),
    ] {
        stage.repository.files.insert(path.clone(), altered);
        stage.publish();
        stage.refuses(MORNING, why).await;
    }
}

#[tokio::test]
async fn altered_signing_config_is_not_the_same_as_none() {
    let mut stage = Stage::new();
    let path = target_path(&stage.repository.files, "signing_config.v0.2.json");
    stage.repository.files.insert(path.clone(), b"signing_config.v0.2.json 9".to_vec());
    stage.publish();
    stage.refuses(MORNING, "integrity check failed: signing_config.v0.2.json: sha256 mismatch").await;
    stage.repository.files.remove(&path).unwrap();
    stage.publish();
    stage.refuses(MORNING, &format!("{} not found", path.replace("targets/", "target "))).await;
}

#[tokio::test]
async fn snapshot_of_another_hash_is_refused_though_its_signatures_are_valid() {
    let mut stage = Stage::new();
    let snapshot = stage.repository.files.get_mut("1.snapshot.json").unwrap();
    let comma = snapshot.iter().position(|byte| *byte == b',').unwrap();
    let length = snapshot.len();
    snapshot.insert(comma, b' ');
    stage.publish();
    let why = format!("integrity check failed: snapshot.json: length {} != pinned {length}", length + 1);
    stage.refuses(MORNING, &why).await;
}

#[tokio::test]
async fn altered_snapshot_is_refused() {
    let why = "signature threshold not met for role snapshot: 0/2 valid signatures";
    is_refused(without_hashes(), "1.snapshot.json", extend, why).await;
}

#[tokio::test]
async fn altered_targets_are_refused() {
    let why = "signature threshold not met for role targets: 0/2 valid signatures";
    is_refused(without_hashes(), "1.targets.json", extend, why).await;
}

#[tokio::test]
async fn altered_timestamp_is_refused() {
    let why = "signature threshold not met for role timestamp: 0/2 valid signatures";
    is_refused(Stage::new(), "timestamp.json", extend, why).await;
}

#[tokio::test]
async fn timestamp_of_a_stranger_is_refused() {
    let mut stage = Stage::new();
    stage.repository.files.insert("timestamp.json".to_owned(), Repository::new().files["timestamp.json"].clone());
    stage.publish();
    stage.refuses(MORNING, "signature threshold not met for role timestamp: 0/2 valid signatures").await;
}

#[tokio::test]
async fn timestamp_of_a_stranger_under_the_right_names_is_refused() {
    let mut stranger: Value = serde_json::from_slice(&Repository::new().files["timestamp.json"]).unwrap();
    let rename = |document: &mut Value| {
        for at in 0..2 {
            stranger["signatures"][at]["keyid"] = document["signatures"][at]["keyid"].take();
        }
        *document = stranger;
    };
    let why = "signature threshold not met for role timestamp: 0/2 valid signatures";
    is_refused(Stage::new(), "timestamp.json", rename, why).await;
}

#[tokio::test]
async fn timestamp_that_root_keys_signed_is_refused() {
    let mut stage = Stage::new();
    let keys = Keys { root: ["robot", "machine"], online: ["alice", "bob"] };
    let mut other = stage.repository.clone();
    other.add_root(keys, &["alice", "bob", "robot", "machine"], LATE);
    other.publish(&Edition::new(2));
    for name in ["timestamp.json", "2.snapshot.json", "2.targets.json"] {
        stage.repository.files.insert(name.to_owned(), other.files[name].clone());
    }
    stage.publish();
    stage.refuses(MORNING, "signature threshold not met for role timestamp: 0/2 valid signatures").await;
}

#[tokio::test]
async fn timestamp_that_too_few_signed_is_refused() {
    let why = format!("signature threshold not met for role timestamp: {ONE_OF_TWO}");
    is_refused(Stage::new(), "timestamp.json", lose_signature, &why).await;
}

#[tokio::test]
async fn snapshot_that_too_few_signed_is_refused() {
    let why = format!("signature threshold not met for role snapshot: {ONE_OF_TWO}");
    is_refused(without_hashes(), "1.snapshot.json", lose_signature, &why).await;
}

#[tokio::test]
async fn targets_that_too_few_signed_are_refused() {
    let why = format!("signature threshold not met for role targets: {ONE_OF_TWO}");
    is_refused(without_hashes(), "1.targets.json", lose_signature, &why).await;
}

#[tokio::test]
async fn first_root_that_too_few_signed_is_refused() {
    // it is the one that the client is told, too
    let why = format!("signature threshold not met for role root: {ONE_OF_TWO}");
    is_refused(Stage::new(), "1.root.json", lose_signature, &why).await;
}

#[tokio::test]
async fn one_signature_twice_is_not_two() {
    let double = |document: &mut Value| document["signatures"][1] = document["signatures"][0].clone();
    let mut stage = Stage::new();
    alter(&mut stage.repository.files, "timestamp.json", double);
    stage.publish();
    let refused = stage.load(MORNING).await.unwrap_err().to_string();
    assert!(refused.contains("duplicate signature key id ") && refused.ends_with(" for role timestamp"), "{refused}");
}

#[tokio::test]
async fn expired_timestamp_is_refused() {
    let mut edition = Edition::new(1);
    edition.timestamp.expires = NOON;
    expires(&Repository::with(&edition, LATE), "timestamp").await;
}

#[tokio::test]
async fn expired_snapshot_is_refused() {
    let mut edition = Edition::new(1);
    edition.snapshot.expires = NOON;
    expires(&Repository::with(&edition, LATE), "snapshot").await;
}

#[tokio::test]
async fn expired_targets_are_refused() {
    let mut edition = Edition::new(1);
    edition.targets.expires = NOON;
    expires(&Repository::with(&edition, LATE), "targets").await;
}

#[tokio::test]
async fn expired_root_is_refused() {
    expires(&Repository::with(&Edition::new(1), NOON), "root").await;
}

/// It is good until noon, and then not.
async fn expires(repository: &Repository, role: &str) {
    let in_time = Stage::of(repository.clone());
    is_edition(&in_time.load("2030-01-01T11:59:59Z").await.unwrap(), 1);
    let late = Stage::of(repository.clone());
    late.refuses("2030-01-01T12:00:01Z", &format!("{role} metadata expired at {NOON}")).await;
    assert!(late.kept().is_empty());
}

#[tokio::test]
async fn endless_answer_is_cut_off() {
    for (path, most) in [
        ("2.root.json", 512_000),
        ("timestamp.json", 16_384),
        ("1.snapshot.json", 2_000_000),
        ("1.targets.json", 5_000_000),
        ("trusted_root.json", 19),
    ] {
        let stage = Stage::new();
        stage.server.fails(path, Fault::Endless);
        let whole = match path {
            "trusted_root.json" => target_path(&stage.repository.files, path),
            _ => path.to_owned(),
        };
        let why = format!("integrity check failed: {}/{whole}: more than {most} bytes found", stage.server.url());
        stage.refuses(MORNING, &why).await;
        assert!(stage.kept().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    for garbage in ["", "{}", "[]", "null", "<html>", "{\"signed\":{},\"signatures\":[]}"] {
        let mut stage = Stage::new();
        stage.repository.files.insert("timestamp.json".to_owned(), garbage.as_bytes().to_vec());
        stage.publish();
        let refused = stage.load(MORNING).await.unwrap_err();
        assert!(matches!(refused, TufError::Rejected { .. }), "{garbage}: {refused}");
        assert!(stage.kept().is_empty());
    }
}
