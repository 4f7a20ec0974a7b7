//! What is cached is enough for a day, and never believed unchecked.

use std::fs;

use futures::future::join_all;
use gate::trust::{Tuf, TufError, TufSettings};

use crate::{
    repository::{Edition, Files, LATE, Repository, alter},
    server::Fault,
    stage::{EVENING, MORNING, NEXT_DAY, Stage, at, is_edition},
};

#[tokio::test]
async fn first_load_fills_the_cache() {
    let stage = Stage::new();
    let material = stage.load(MORNING).await.unwrap();
    is_edition(&material, 1);
    assert_eq!((&material.mirror, material.refreshed), (&stage.server.url(), Some(at(MORNING))));
    assert_eq!(material.warning, None);
    let files = &stage.repository.files;
    for (kept, served) in [
        ("root.json", "1.root.json"),
        ("root_history/1.root.json", "1.root.json"),
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "1.snapshot.json"),
        ("targets.json", "1.targets.json"),
    ] {
        assert_eq!(fs::read(stage.path(kept)).unwrap(), files[served], "{kept}");
    }
    assert_eq!(fs::read(stage.path("targets/trusted_root.json")).unwrap(), material.trusted_root);
    let note = fs::read_to_string(stage.cache.path().join(format!("{}.json", stage.server.folder()))).unwrap();
    assert_eq!(note, format!(r#"{{"lastTimestamp":"{MORNING}"}}"#));
    let kept = stage.kept();
    assert_eq!(kept.len(), 8, "five documents, two targets, a note, and nothing twice: {:?}", kept.keys());
}

#[tokio::test]
async fn within_a_day_nobody_is_asked() {
    let mut stage = Stage::new();
    stage.load(MORNING).await.unwrap();
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    stage.server.asked();
    let material = stage.load(EVENING).await.unwrap();
    is_edition(&material, 1);
    assert_eq!(material.refreshed, Some(at(MORNING)), "it says how old it is");
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[tokio::test]
async fn after_a_day_it_is_refreshed() {
    let mut stage = Stage::new();
    stage.load(MORNING).await.unwrap();
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    let material = stage.load(NEXT_DAY).await.unwrap();
    is_edition(&material, 2);
    assert_eq!(material.refreshed, Some(at(NEXT_DAY)));
    stage.server.asked();
    is_edition(&stage.load(NEXT_DAY).await.unwrap(), 2);
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[tokio::test]
async fn time_in_the_future_is_not_fresh() {
    let stage = Stage::new();
    stage.load(NEXT_DAY).await.unwrap();
    stage.server.asked();
    let material = stage.load(MORNING).await.unwrap();
    is_edition(&material, 1);
    assert_eq!(material.refreshed, Some(at(MORNING)));
    assert!(stage.server.asked().contains(&"timestamp.json".to_owned()), "the mirror is asked");
}

#[tokio::test]
async fn what_has_expired_is_not_fresh() {
    let mut edition = Edition::new(1);
    edition.timestamp.expires = "2030-01-01T12:00:00Z";
    let mut stage = Stage::of(Repository::with(&edition, LATE));
    stage.load(MORNING).await.unwrap();
    stage.refuses(EVENING, "timestamp metadata expired at 2030-01-01T12:00:00Z").await;
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    is_edition(&stage.load(EVENING).await.unwrap(), 2);
}

#[tokio::test]
async fn altered_document_is_fetched_again() {
    for name in ["timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"] {
        let stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        let before = fs::read(stage.path(name)).unwrap();
        stage.server.asked();
        for altered in [Vec::new(), b"{}".to_vec(), exchanged(&before)] {
            fs::write(stage.path(name), altered).unwrap();
            is_edition(&stage.load(EVENING).await.unwrap(), 1);
            assert!(!stage.server.asked().is_empty(), "{name}: the mirror is asked");
            assert_eq!(fs::read(stage.path(name)).unwrap(), before, "{name}: what it has is kept");
        }
    }
}

#[tokio::test]
async fn altered_document_is_not_believed_while_the_mirror_is_away() {
    for name in ["timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"] {
        let stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        stage.server.fails("", Fault::HangsUp);
        fs::write(stage.path(name), exchanged(&fs::read(stage.path(name)).unwrap())).unwrap();
        let refused = stage.load(EVENING).await.unwrap_err();
        assert!(matches!(refused, TufError::Unreachable { .. }), "{name}: {refused}");
        assert!(refused.to_string().contains("what is cached is not valid: "), "{name}: {refused}");
    }
}

#[tokio::test]
async fn altered_root_of_a_mirror_of_ones_own_is_refused() {
    let stage = Stage::new();
    stage.load(MORNING).await.unwrap();
    let mut files = Files::from([("root".to_owned(), stage.repository.root())]);
    alter(&mut files, "root", |document| document["signed"]["expires"] = "2050-01-01T00:00:00Z".into());
    fs::write(stage.path("root.json"), &files["root"]).unwrap();
    let settings = TufSettings { root: None, ..stage.settings() };
    let refused = Tuf::new(settings).load(at(EVENING)).await.unwrap_err();
    let wanted = "signature threshold not met for role root: 0/2 valid signatures";
    assert!(matches!(&refused, TufError::Rejected { why, .. } if why == wanted), "{refused}");
    is_edition(&stage.load(EVENING).await.unwrap(), 1);
}

#[tokio::test]
async fn cache_of_a_stranger_is_not_believed() {
    let (stage, stranger) = (Stage::new(), Stage::new());
    stranger.load(MORNING).await.unwrap();
    fs::rename(stranger.cache.path().join(stranger.server.folder()), stage.path("")).unwrap();
    let note = format!(r#"{{"lastTimestamp":"{MORNING}"}}"#);
    fs::write(stage.cache.path().join(format!("{}.json", stage.server.folder())), note).unwrap();
    is_edition(&stage.load(EVENING).await.unwrap(), 1);
    assert!(stage.server.asked().contains(&"timestamp.json".to_owned()), "the mirror is asked");
    assert_eq!(fs::read(stage.path("timestamp.json")).unwrap(), stage.repository.files["timestamp.json"]);
}

#[tokio::test]
async fn what_was_written_by_halves_is_never_mixed() {
    let mut stage = Stage::new();
    stage.load(MORNING).await.unwrap();
    let old = stage.kept();
    stage.repository.publish(&Edition::new(2));
    stage.publish();
    stage.load(NEXT_DAY).await.unwrap();
    let new = stage.kept();
    assert_eq!(old.len(), new.len());
    let mut mixtures = 0;
    for written in 0..=new.len() {
        for (path, bytes) in old.iter().chain(new.iter().take(written)) {
            fs::write(path, bytes).unwrap();
        }
        stage.server.asked();
        let material = stage.load(EVENING).await.unwrap();
        let begun = new.iter().take(written).any(|(path, bytes)| old[path] != *bytes);
        is_edition(&material, if begun { 2 } else { 1 });
        let asked = !stage.server.asked().is_empty();
        assert!(begun || !asked, "what is whole is enough");
        mixtures += usize::from(begun && asked);
    }
    assert!(mixtures > 2, "a mixture is fetched again");
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let stage = Stage::new();
    for material in join_all((0..8).map(|_| stage.load(MORNING))).await {
        is_edition(&material.unwrap(), 1);
    }
    let timestamps = stage.server.asked().iter().filter(|path| *path == "timestamp.json").count();
    assert_eq!(timestamps, 1, "who waited for the lock finds the work done");
}

#[tokio::test]
async fn cache_that_cannot_be_written_costs_only_time() {
    let stage = Stage::new();
    let no_folder = stage.cache.path().join("file");
    fs::write(&no_folder, "x").unwrap();
    let tuf = Tuf::new(TufSettings { cache: no_folder.clone(), ..stage.settings() });
    for _ in 0..2 {
        is_edition(&tuf.load(at(MORNING)).await.unwrap(), 1);
        assert!(stage.server.asked().contains(&"timestamp.json".to_owned()), "the mirror is asked each time");
    }
    let refused = tuf.initialize(at(MORNING)).await.unwrap_err();
    assert!(matches!(&refused, TufError::Cache { folder, .. } if *folder == no_folder), "{refused}");
    assert_eq!(fs::read(no_folder).unwrap(), b"x");
}

/// The same, with one digit instead of another: of the same length, and still JSON if it was.
fn exchanged(bytes: &[u8]) -> Vec<u8> {
    let place = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[place] = if bytes[place] == b'7' { b'8' } else { b'7' };
    bytes
}
