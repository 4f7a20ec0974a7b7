//! What was newer once is never older again, however valid the old signatures are.

use crate::{
    repository::{Edition, FIRST, Keys, LATE, Repository},
    stage::{MORNING, NEXT_DAY, Stage, is_edition},
};

/// A client that has seen edition 5, and a mirror that then has this one.
async fn then(edition: &Edition) -> Stage {
    let mut stage = Stage::of(Repository::with(&Edition::new(5), LATE));
    is_edition(&stage.load(MORNING).await.unwrap(), 5);
    stage.repository.publish(edition);
    stage.publish();
    stage
}

#[tokio::test]
async fn older_edition_is_refused() {
    let stage = then(&Edition::new(4)).await;
    stage.refuses(NEXT_DAY, "rollback detected for timestamp: trusted version 5 > new version 4").await;
    let newcomer = Stage::of(stage.repository);
    is_edition(&newcomer.load(NEXT_DAY).await.unwrap(), 4);
}

#[tokio::test]
async fn older_snapshot_under_a_newer_timestamp_is_refused() {
    let mut edition = Edition::new(4);
    edition.timestamp.version = 6;
    let stage = then(&edition).await;
    stage.refuses(NEXT_DAY, "rollback detected for snapshot (via timestamp): trusted version 5 > new version 4").await;
}

#[tokio::test]
async fn older_targets_under_a_newer_snapshot_are_refused() {
    let mut edition = Edition::new(6);
    edition.targets.version = 4;
    let stage = then(&edition).await;
    let why = "rollback detected for targets.json (via snapshot): trusted version 5 > new version 4";
    stage.refuses(NEXT_DAY, why).await;
}

#[tokio::test]
async fn newer_root_does_not_make_what_is_old_new() {
    let mut stage = then(&Edition::new(4)).await;
    let keys = Keys { root: ["carol", "dave"], ..FIRST };
    stage.repository.add_root(keys, &["alice", "bob", "carol", "dave"], LATE);
    stage.publish();
    stage.refuses(NEXT_DAY, "rollback detected for timestamp: trusted version 5 > new version 4").await;
}

#[tokio::test]
async fn expired_cache_still_says_what_is_old() {
    let mut newest = Edition::new(5);
    for part in [&mut newest.timestamp, &mut newest.snapshot] {
        part.expires = "2030-01-01T12:00:00Z";
    }
    let mut stage = Stage::of(Repository::with(&newest, LATE));
    stage.load(MORNING).await.unwrap();
    stage.repository.publish(&Edition::new(4));
    stage.publish();
    stage.refuses(NEXT_DAY, "rollback detected for timestamp: trusted version 5 > new version 4").await;
}

#[tokio::test]
async fn refused_edition_does_not_stand_in_the_way_of_the_next() {
    let mut stage = then(&Edition::new(4)).await;
    stage.load(NEXT_DAY).await.unwrap_err();
    stage.repository.publish(&Edition::new(6));
    stage.publish();
    is_edition(&stage.load(NEXT_DAY).await.unwrap(), 6);
}
