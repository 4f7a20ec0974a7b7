//! A mirror that does not answer is not the same as one that answers wrongly.

use std::{
    fs::{self, File},
    io::ErrorKind,
    net::TcpListener,
    time::{Duration, Instant},
};

use gate::trust::{Tuf, TufError, TufSettings};
use jiff::Timestamp;

use crate::{
    repository::{Edition, LATE, Repository},
    server::Fault,
    stage::{MORNING, NEXT_DAY, Stage, at, is_edition},
};

const AWAY: [Fault; 2] = [Fault::HangsUp, Fault::Busy];

#[tokio::test]
async fn valid_cache_stands_in_with_a_warning() {
    for fault in AWAY {
        let stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        let before = stage.kept();
        stage.server.fails("", fault);
        let material = stage.load(NEXT_DAY).await.unwrap();
        is_edition(&material, 1);
        assert_eq!(material.refreshed, Some(at(MORNING)));
        let (warning, url) = (material.warning.unwrap(), stage.server.url());
        assert!(warning.starts_with(&format!("TUF mirror {url} cannot be reached: {url}/2.root.json: ")), "{warning}");
        assert!(warning.ends_with(&format!("; trust material as of {MORNING} is used")), "{warning}");
        assert_eq!(stage.kept(), before, "a failure is not a refresh");
    }
}

#[tokio::test]
async fn mirror_that_leaves_in_the_middle_is_away() {
    for path in ["timestamp.json", "2.snapshot.json", "2.targets.json", "trusted_root.json"] {
        let mut stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        let before = stage.kept();
        stage.repository.publish(&Edition::new(2));
        stage.publish();
        stage.server.fails(path, Fault::HangsUp);
        let material = stage.load(NEXT_DAY).await.unwrap();
        is_edition(&material, 1);
        assert!(material.warning.is_some_and(|warning| warning.contains(path)), "{path}");
        assert_eq!(stage.kept(), before, "{path}: nothing is kept by halves");
    }
}

#[tokio::test]
async fn expired_cache_does_not_stand_in() {
    for fault in AWAY {
        let mut edition = Edition::new(1);
        edition.timestamp.expires = "2030-01-01T12:00:00Z";
        let stage = Stage::of(Repository::with(&edition, LATE));
        stage.load(MORNING).await.unwrap();
        stage.server.fails("", fault);
        let refused = stage.load(NEXT_DAY).await.unwrap_err();
        assert!(matches!(refused, TufError::Unreachable { .. }), "{refused:?}");
        let (words, url) = (refused.to_string(), stage.server.url());
        let unreachable = "cannot be reached, and no valid trust material is cached";
        assert!(words.starts_with(&format!("TUF mirror {url} {unreachable}: {url}/2.root.json: ")), "{words}");
        let expired = "; what is cached is not valid: timestamp metadata expired at 2030-01-01T12:00:00Z";
        assert!(words.ends_with(expired), "{words}");
    }
}

#[tokio::test]
async fn own_mirror_without_cache_is_an_error() {
    let stage = Stage::new();
    stage.server.fails("", Fault::HangsUp);
    let refused = stage.load(MORNING).await.unwrap_err();
    assert!(matches!(&refused, TufError::Unreachable { mirror, .. } if *mirror == stage.server.url()), "{refused:?}");
    assert!(stage.kept().is_empty());
    assert_eq!(refused.hint(), "--trusted-root FILE needs no mirror");
}

#[tokio::test]
async fn refused_connection_is_an_outage() {
    let stage = Stage::new();
    // a port that nobody serves from
    let mirror = Some("http://127.0.0.1:1".to_owned());
    let refused = Tuf::new(TufSettings { mirror, ..stage.settings() }).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(&refused, TufError::Unreachable { why, .. } if why.contains("refused")), "{refused:?}");
}

#[tokio::test]
async fn slow_mirror_is_not_waited_for_longer_than_the_patience_lasts() {
    for (path, fault) in [("2.root.json", Fault::Silent), ("timestamp.json", Fault::Stalls)] {
        let stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        stage.server.fails(path, fault);
        let tuf = Tuf::new(TufSettings { patience: Duration::from_millis(300), ..stage.settings() });
        let start = Instant::now();
        let material = tuf.load(at(NEXT_DAY)).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(15), "it is given up");
        is_edition(&material, 1);
        let late = format!("{path}: no answer in time; ");
        assert!(material.warning.as_deref().is_some_and(|warning| warning.contains(&late)), "{material:?}");
        let newcomer = tempfile::tempdir().unwrap();
        let cache = newcomer.path().to_owned();
        let tuf = Tuf::new(TufSettings { cache, patience: Duration::from_millis(300), ..stage.settings() });
        let refused = tuf.load(at(NEXT_DAY)).await.unwrap_err();
        assert!(refused.to_string().ends_with(&format!("{path}: no answer in time")), "{refused}");
    }
}

#[tokio::test]
async fn process_that_holds_the_lock_keeps_nobody_from_the_mirror() {
    let stage = Stage::new();
    let lock = File::create(stage.cache.path().join(".sealgate.lock")).unwrap();
    lock.lock().unwrap();
    let patient = |millis| TufSettings { patience: Duration::from_millis(millis), ..stage.settings() };
    let material = Tuf::new(patient(2000)).load(at(MORNING)).await.unwrap();
    is_edition(&material, 1);
    assert_eq!(material.warning, None);
    assert!(stage.kept().is_empty(), "who has no lock writes nothing");
    let refused = Tuf::new(patient(100)).initialize(at(MORNING)).await.unwrap_err();
    assert!(matches!(&refused, TufError::Cache { why, .. } if why == "another process holds it"), "{refused}");
    drop(lock);
    is_edition(&stage.load(MORNING).await.unwrap(), 1);
    assert!(!stage.kept().is_empty());
}

#[tokio::test]
async fn without_patience_nobody_is_asked() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let mirror = Some(format!("http://{}", listener.local_addr().unwrap()));
    let settings = TufSettings { mirror, patience: Duration::ZERO, ..Stage::new().settings() };
    let refused = Tuf::new(settings).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(&refused, TufError::Unreachable { why, .. } if why.ends_with("no answer in time")), "{refused}");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn public_mirror_without_cache_has_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    // no patience: nobody is asked
    let settings = TufSettings { cache: folder.path().to_owned(), mirror: None, root: None, patience: Duration::ZERO };
    let material = Tuf::new(settings.clone()).load(Timestamp::now()).await.unwrap();
    assert_eq!(material.mirror, "https://tuf-repo-cdn.sigstore.dev");
    assert_eq!(material.refreshed, None);
    let root = verifier::TrustRoot::parse_trusted_root(&material.trusted_root);
    assert!(root.is_ok() && material.signing_config.is_some());
    let warning = material.warning.unwrap();
    assert!(warning.contains(": no answer in time; the trust material built in is used, as of 20"), "{warning}");
    let stranger = Some(Repository::new().root());
    let refused = Tuf::new(TufSettings { root: stranger, ..settings.clone() }).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(refused, TufError::Unreachable { .. }), "whoever names a root does not get another's: {refused}");
    let mirror = Some("https://tuf-repo-cdn.sigstore.dev.example".to_owned());
    let refused = Tuf::new(TufSettings { mirror, ..settings }).load(at(MORNING)).await.unwrap_err();
    assert!(matches!(refused, TufError::NoRoot { .. }), "{refused}");
}

#[tokio::test]
async fn what_is_built_in_does_not_stand_in_for_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let settings = TufSettings { cache: folder.path().to_owned(), mirror: None, root: None, patience: Duration::ZERO };
    let load = || async { Tuf::new(settings.clone()).load(Timestamp::now()).await };
    let kept = folder.path().join("tuf-repo-cdn.sigstore.dev");
    fs::create_dir(&kept).unwrap();
    assert!(load().await.unwrap().refreshed.is_none(), "an empty folder keeps nothing");
    fs::write(kept.join("9.snapshot.json"), "{}").unwrap();
    let refused = load().await.unwrap_err();
    assert!(matches!(refused, TufError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("; what is cached is not valid: "), "{refused}");
    fs::remove_dir_all(&kept).unwrap();
    fs::write(&kept, "x").unwrap();
    let refused = load().await.unwrap_err();
    assert!(matches!(&refused, TufError::Cache { folder: named, .. } if named == folder.path()), "{refused}");
    fs::remove_file(&kept).unwrap();
    fs::write(folder.path().join("tuf-repo-cdn.sigstore.dev.json"), "{").unwrap();
    let refused = load().await.unwrap_err();
    assert!(matches!(refused, TufError::Unreachable { .. }), "a note alone says that something was kept: {refused}");
}
