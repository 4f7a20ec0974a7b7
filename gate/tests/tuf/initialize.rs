//! `initialize` starts a cache anew, or leaves it as it was.

use std::fs;

use gate::trust::{Tuf, TufError, TufSettings};

use crate::{
    repository::{Edition, LATE, Repository, alter},
    server::Fault,
    stage::{EVENING, MORNING, NEXT_DAY, Stage, at, is_edition},
};

/// The settings of a client that names neither mirror nor root.
fn remembered(stage: &Stage) -> TufSettings {
    TufSettings { mirror: None, root: None, ..stage.settings() }
}

#[tokio::test]
async fn mirror_and_root_are_remembered() {
    let mut stage = Stage::new();
    is_edition(&Tuf::new(stage.settings()).initialize(at(MORNING)).await.unwrap(), 1);
    let tuf = Tuf::new(remembered(&stage));
    assert_eq!(tuf.mirror(), stage.server.url());
    stage.server.asked();
    is_edition(&tuf.load(at(EVENING)).await.unwrap(), 1);
    assert_eq!(stage.server.asked(), [""; 0]);
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    is_edition(&tuf.load(at(NEXT_DAY)).await.unwrap(), 2);
}

#[tokio::test]
async fn mirror_of_ones_own_without_root_is_refused() {
    let stage = Stage::new();
    let tuf = Tuf::new(TufSettings { root: None, ..stage.settings() });
    for refused in [tuf.load(at(MORNING)).await.unwrap_err(), tuf.initialize(at(MORNING)).await.unwrap_err()] {
        assert_eq!(refused.to_string(), format!("no TUF root for mirror {}", stage.server.url()));
        assert!(matches!(refused, TufError::NoRoot { .. }) && refused.hint().contains("sealgate initialize"));
    }
    assert_eq!(stage.server.asked(), [""; 0]);
    assert!(stage.kept().is_empty());
}

#[tokio::test]
async fn failure_leaves_the_cache_as_it_was() {
    let mut stage = Stage::new();
    let tuf = Tuf::new(stage.settings());
    tuf.initialize(at(MORNING)).await.unwrap();
    let before = stage.kept();
    alter(&mut stage.repository.files, "timestamp.json", |document| document["signed"]["version"] = 2.into());
    stage.publish();
    let refused = tuf.initialize(at(EVENING)).await.unwrap_err();
    assert!(matches!(refused, TufError::Rejected { .. }), "{refused}");
    assert_eq!(stage.kept(), before);
    stage.server.fails("", Fault::HangsUp);
    let refused = tuf.initialize(at(EVENING)).await.unwrap_err();
    assert!(matches!(refused, TufError::Unreachable { .. }), "{refused}");
    assert_eq!(stage.kept(), before);
    let stranger = TufSettings { root: Some(Repository::new().root()), ..stage.settings() };
    Tuf::new(stranger).initialize(at(EVENING)).await.unwrap_err();
    assert_eq!(stage.kept(), before);
    is_edition(&Tuf::new(remembered(&stage)).load(at(EVENING)).await.unwrap(), 1);
}

#[tokio::test]
async fn other_mirror_that_fails_changes_nothing() {
    let (stage, other) = (Stage::new(), Stage::new());
    Tuf::new(stage.settings()).initialize(at(MORNING)).await.unwrap();
    let before = stage.kept();
    let wrong = TufSettings { mirror: Some(other.server.url()), ..stage.settings() };
    let refused = Tuf::new(wrong).initialize(at(EVENING)).await.unwrap_err();
    let why = "signature threshold not met for role timestamp: 0/2 valid signatures";
    assert!(matches!(&refused, TufError::Rejected { why: found, .. } if found == why), "{refused}");
    assert_eq!(stage.kept(), before);
    assert_eq!(Tuf::new(remembered(&stage)).mirror(), stage.server.url());
}

#[tokio::test]
async fn other_mirror_takes_the_first_one_s_place() {
    let (stage, other) = (Stage::new(), Stage::of(Repository::with(&Edition::new(9), LATE)));
    Tuf::new(stage.settings()).initialize(at(MORNING)).await.unwrap();
    assert!(stage.path("root.json").exists());
    let settings = TufSettings { cache: stage.cache.path().to_owned(), ..other.settings() };
    Tuf::new(settings).initialize(at(EVENING)).await.unwrap();
    let kept = stage.kept();
    assert!(!kept.keys().any(|path| path.to_string_lossy().contains(&stage.server.folder())), "{:?}", kept.keys());
    let remembered = Tuf::new(remembered(&stage));
    assert_eq!(remembered.mirror(), other.server.url());
    is_edition(&remembered.load(at(EVENING)).await.unwrap(), 9);
    let first = TufSettings { root: None, ..stage.settings() };
    let refused = Tuf::new(first).load(at(EVENING)).await.unwrap_err();
    assert!(matches!(refused, TufError::NoRoot { .. }), "the first one's root is forgotten: {refused}");
}

#[tokio::test]
async fn older_edition_is_taken_by_who_starts_anew() {
    let mut stage = Stage::of(Repository::with(&Edition::new(5), LATE));
    stage.load(MORNING).await.unwrap();
    stage.repository.publish(&Edition::new(4));
    stage.publish();
    is_edition(&Tuf::new(stage.settings()).initialize(at(EVENING)).await.unwrap(), 4);
    is_edition(&stage.load(EVENING).await.unwrap(), 4);
}

#[tokio::test]
async fn root_that_is_named_wins_over_the_one_that_is_kept() {
    let stage = Stage::new();
    Tuf::new(stage.settings()).initialize(at(MORNING)).await.unwrap();
    let stranger = Tuf::new(TufSettings { root: Some(Repository::new().root()), ..remembered(&stage) });
    let refused = stranger.load(at(EVENING)).await.unwrap_err();
    let why = "signature threshold not met for role timestamp: 0/2 valid signatures";
    assert!(matches!(&refused, TufError::Rejected { why: found, .. } if found == why), "{refused}");
    fs::write(stage.path("root.json"), "{}").unwrap();
    let named = Tuf::new(TufSettings { root: Some(stage.repository.root()), ..remembered(&stage) });
    is_edition(&named.load(at(EVENING)).await.unwrap(), 1);
}
