//! What is kept of a TUF repository is enough until it is a day old, whoever wrote it and whatever role signed it.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod repository;
mod server;

use std::{fs, path::Path, time::Duration};

use gate::trust::{Material, Tuf, TufError, TufSettings};
use jiff::Timestamp;
use repository::Repository;
use server::Server;

const TARGETS: [(&str, &str); 2] = [("trusted_root.json", "whom to trust"), ("signing_config.v0.2.json", "who signs")];
const MORNING: &str = "2030-01-01T06:00:00Z";
const EVENING: &str = "2030-01-01T18:00:00Z";
const NEXT_DAY: &str = "2030-01-02T07:00:00Z";

fn tuf(server: &Server, cache: &Path, root: Option<Vec<u8>>) -> Tuf {
    let mirror = Some(server.address().to_owned());
    Tuf::new(TufSettings { cache: cache.to_owned(), mirror, root, patience: Duration::from_secs(10) })
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn has_targets(material: &Material) {
    assert_eq!(material.trusted_root, TARGETS[0].1.as_bytes());
    assert_eq!(material.signing_config.as_deref(), Some(TARGETS[1].1.as_bytes()));
    assert_eq!(material.warning, None);
}

#[tokio::test]
async fn targets_of_a_delegated_role_are_kept_like_others() {
    for delegated in [false, true] {
        let repository = Repository::new(&TARGETS, delegated);
        let (server, folder) = (Server::start(&repository.files).await, tempfile::tempdir().unwrap());
        let tuf = tuf(&server, folder.path(), Some(repository.root()));
        has_targets(&tuf.load(at(MORNING)).await.unwrap());
        let asked = server.asked();
        assert_eq!(asked.contains(&"1.services.json".to_owned()), delegated, "{asked:?}");
        has_targets(&tuf.load(at(EVENING)).await.unwrap());
        assert_eq!(server.asked(), [""; 0], "what is kept is enough, delegated: {delegated}");
        has_targets(&tuf.load(at(NEXT_DAY)).await.unwrap());
        let asked = server.asked();
        assert_eq!(asked[..2], ["2.root.json", "timestamp.json"], "what may have changed is asked for first");
        assert!(!asked.iter().any(|path| path.starts_with("targets/") || path.contains("snapshot")), "{asked:?}");
    }
}

#[tokio::test]
async fn newest_root_is_enough_where_cosign_kept_no_others() {
    let mut repository = Repository::new(&TARGETS, false);
    let first = repository.root();
    repository.rotate_root();
    let (server, folder) = (Server::start(&repository.files).await, tempfile::tempdir().unwrap());
    let tuf = tuf(&server, folder.path(), Some(first));
    has_targets(&tuf.load(at(MORNING)).await.unwrap());
    let kept = folder.path().join(server.address().trim_start_matches("http://").replace(':', "-"));
    assert_eq!(fs::read(kept.join("root.json")).unwrap(), repository.files["2.root.json"]);
    fs::remove_dir_all(kept.join("root_history")).unwrap();
    assert!(server.asked().contains(&"2.root.json".to_owned()));
    has_targets(&tuf.load(at(EVENING)).await.unwrap());
    assert_eq!(server.asked(), [""; 0]);
    fs::write(kept.join("root.json"), repository.root()).unwrap();
    has_targets(&tuf.load(at(EVENING)).await.unwrap());
}

#[tokio::test]
async fn kept_root_is_enough_for_a_mirror_of_ones_own() {
    let repository = Repository::new(&TARGETS, false);
    let (server, folder) = (Server::start(&repository.files).await, tempfile::tempdir().unwrap());
    let unknown = tuf(&server, folder.path(), None).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(unknown, TufError::NoRoot { .. }), "{unknown}");
    tuf(&server, folder.path(), Some(repository.root())).load(at(MORNING)).await.unwrap();
    has_targets(&tuf(&server, folder.path(), None).load(at(NEXT_DAY)).await.unwrap());
    let stranger = Repository::new(&TARGETS, false);
    let refused = tuf(&server, folder.path(), Some(stranger.root())).load(at(EVENING)).await.unwrap_err();
    assert!(
        matches!(refused, TufError::Rejected { .. }),
        "a root that is named counts, not the one that is kept: {refused}"
    );
}

#[tokio::test]
async fn mirror_that_answers_without_a_repository_is_not_called_unreachable() {
    let repository = Repository::new(&TARGETS, false);
    let (server, folder) = (Server::start(&repository.files).await, tempfile::tempdir().unwrap());
    let tuf = tuf(&server, folder.path(), Some(repository.root()));
    for missing in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let mut files = repository.files.clone();
        files.remove(missing).unwrap();
        server.has(&files);
        let refused = tuf.load(at(MORNING)).await.unwrap_err();
        let wanted = format!("trust material of TUF mirror {} is not valid: {missing} not found", server.address());
        assert_eq!(refused.to_string(), wanted);
    }
    server.has(&repository.files);
    tuf.load(at(MORNING)).await.unwrap();
    server.has(&Default::default());
    let refused = tuf.load(at(NEXT_DAY)).await.unwrap_err();
    assert!(
        matches!(refused, TufError::Rejected { .. }),
        "what is kept is no answer to what the mirror says: {refused}"
    );
    assert!(tuf.load(at(EVENING)).await.is_ok(), "and it is still there");
}

#[tokio::test]
async fn target_that_is_listed_and_missing_is_no_target_that_is_not_listed() {
    let repository = Repository::new(&TARGETS[..1], false);
    let (server, folder) = (Server::start(&repository.files).await, tempfile::tempdir().unwrap());
    let tuf = tuf(&server, folder.path(), Some(repository.root()));
    assert_eq!(tuf.load(at(MORNING)).await.unwrap().signing_config, None);
    let other = Repository::new(&[("other.json", "x")], false);
    server.has(&other.files);
    let folder = tempfile::tempdir().unwrap();
    let refused = self::tuf(&server, folder.path(), Some(other.root())).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(&refused, TufError::NoTarget { target, .. } if target == "trusted_root.json"), "{refused}");
    let mut listed = Repository::new(&TARGETS, false);
    listed.files.retain(|name, _| !name.ends_with(".trusted_root.json"));
    server.has(&listed.files);
    let refused = self::tuf(&server, folder.path(), Some(listed.root())).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(refused, TufError::Rejected { .. }), "{refused}");
}
