//! Roots change hands one version at a time, and only with the consent of the hands before.

use std::fs;

use gate::trust::{Tuf, TufSettings};

use crate::{
    repository::{Edition, FIRST, Keys, LATE},
    stage::{EVENING, MORNING, NEXT_DAY, Stage, at, is_edition},
};

const SECOND: Keys = Keys { root: ["carol", "dave"], online: FIRST.online };
const THIRD: Keys = Keys { root: ["erin", "frank"], online: ["engine", "device"] };

/// Two rotations, after which nothing is left of the first keys.
fn rotate(stage: &mut Stage) {
    stage.repository.add_root(SECOND, &["alice", "bob", "carol", "dave"], LATE);
    stage.repository.add_root(THIRD, &["carol", "dave", "erin", "frank"], LATE);
    stage.repository.publish(&Edition::new(2));
    stage.publish();
}

#[tokio::test]
async fn two_rotations_are_followed_from_the_first_root() {
    let mut stage = Stage::new();
    rotate(&mut stage);
    is_edition(&stage.load(MORNING).await.unwrap(), 2);
    let asked = stage.server.asked();
    assert_eq!(asked[..4], ["2.root.json", "3.root.json", "4.root.json", "timestamp.json"]);
    let kept = stage.kept();
    for name in ["1.root.json", "2.root.json", "3.root.json"] {
        assert_eq!(kept[&stage.path("root_history").join(name)], stage.repository.files[name]);
    }
    assert_eq!(kept[&stage.path("root.json")], stage.repository.files["3.root.json"]);
}

#[tokio::test]
async fn two_rotations_are_followed_from_the_cache() {
    let mut stage = Stage::new();
    is_edition(&stage.load(MORNING).await.unwrap(), 1);
    rotate(&mut stage);
    let without_root = Tuf::new(TufSettings { root: None, ..stage.settings() });
    is_edition(&without_root.load(at(NEXT_DAY)).await.unwrap(), 2);
    assert_eq!(stage.kept()[&stage.path("root.json")], stage.repository.files["3.root.json"]);
}

/// A cache as cosign has it: only the newest root is kept.
#[tokio::test]
async fn newest_root_that_follows_the_named_one_is_enough() {
    let mut stage = Stage::new();
    stage.repository.add_root(THIRD, &["alice", "bob", "erin", "frank"], LATE);
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    stage.load(MORNING).await.unwrap();
    fs::remove_dir_all(stage.path("root_history")).unwrap();
    stage.server.asked();
    is_edition(&stage.load(EVENING).await.unwrap(), 2);
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[tokio::test]
async fn newest_root_that_comes_later_is_fetched_again() {
    let mut stage = Stage::new();
    rotate(&mut stage);
    stage.load(MORNING).await.unwrap();
    fs::remove_dir_all(stage.path("root_history")).unwrap();
    stage.server.asked();
    let without_root = Tuf::new(TufSettings { root: None, ..stage.settings() });
    is_edition(&without_root.load(at(EVENING)).await.unwrap(), 2);
    assert_eq!(stage.server.asked(), [""; 0], "where no root is named, the newest is enough");
    is_edition(&stage.load(EVENING).await.unwrap(), 2);
    assert_eq!(stage.server.asked()[..2], ["2.root.json", "3.root.json"]);
}

#[tokio::test]
async fn version_counts_anew_after_new_online_keys() {
    let mut stage = Stage::new();
    stage.repository.publish(&Edition::new(7));
    stage.publish();
    is_edition(&stage.load(MORNING).await.unwrap(), 7);
    rotate(&mut stage);
    is_edition(&stage.load(NEXT_DAY).await.unwrap(), 2);
}

#[tokio::test]
async fn old_online_keys_sign_nothing_after_a_rotation() {
    let mut stage = Stage::new();
    let old = stage.repository.files["timestamp.json"].clone();
    rotate(&mut stage);
    stage.repository.files.insert("timestamp.json".to_owned(), old);
    stage.publish();
    stage.refuses(MORNING, "signature threshold not met for role timestamp: 0/2 valid signatures").await;
}

#[tokio::test]
async fn expired_root_between_is_no_hindrance() {
    let mut stage = Stage::new();
    stage.repository.add_root(SECOND, &["alice", "bob", "carol", "dave"], "2020-01-01T00:00:00Z");
    stage.repository.add_root(THIRD, &["carol", "dave", "erin", "frank"], LATE);
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    is_edition(&stage.load(MORNING).await.unwrap(), 2);
}

/// The second root, signed by these, is refused with these words, by a new client and by one that knows the first root.
async fn is_refused(signers: &[&'static str], why: &str) {
    let mut stage = Stage::new();
    let known = Stage::new();
    known.load(MORNING).await.unwrap();
    stage.load(MORNING).await.unwrap();
    stage.repository.add_root(SECOND, signers, LATE);
    stage.publish();
    stage.refuses(NEXT_DAY, why).await;
    let newcomer = Stage::of(stage.repository);
    newcomer.refuses(MORNING, why).await;
    assert!(newcomer.kept().is_empty());
}

#[tokio::test]
async fn root_signed_by_its_own_keys_only_is_refused() {
    is_refused(&["carol", "dave"], "signature threshold not met for role root: 0/2 valid signatures").await;
}

#[tokio::test]
async fn root_signed_by_the_old_keys_only_is_refused() {
    is_refused(&["alice", "bob"], "signature threshold not met for role root: 0/2 valid signatures").await;
}

#[tokio::test]
async fn root_that_too_few_old_keys_signed_is_refused() {
    is_refused(&["alice", "carol", "dave"], "signature threshold not met for role root: 1/2 valid signatures").await;
}

#[tokio::test]
async fn root_that_too_few_new_keys_signed_is_refused() {
    is_refused(&["alice", "bob", "dave"], "signature threshold not met for role root: 1/2 valid signatures").await;
}

#[tokio::test]
async fn root_of_another_version_than_its_name_is_refused() {
    let mut stage = Stage::new();
    rotate(&mut stage);
    let third = stage.repository.files["3.root.json"].clone();
    stage.repository.files.insert("2.root.json".to_owned(), third);
    stage.publish();
    stage.refuses(MORNING, "root version must increment by one: trusted 1, got 3").await;
}

#[tokio::test]
async fn rotations_without_end_are_refused() {
    let mut stage = Stage::new();
    for _ in 0..32 {
        stage.repository.add_root(FIRST, &FIRST.root, LATE);
    }
    stage.publish();
    stage.refuses(MORNING, "exceeded 32 root rotations without reaching the latest root").await;
    assert_eq!(stage.server.asked().len(), 32);
}
