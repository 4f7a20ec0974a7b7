//! What lies in the cache in place of a file: it is not waited for, not followed, and not removed.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use gate::trust::{Material, Tuf, TufError, TufSettings};

use crate::stage::{EVENING, MORNING, Stage, at, is_edition};

/// A load that must not wait for a file that is none.
fn promptly(settings: TufSettings) -> Result<Material, TufError> {
    let (told, answer) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        told.send(runtime.block_on(async { Tuf::new(settings).load(at(EVENING)).await }))
    });
    answer.recv_timeout(Duration::from_secs(20)).expect("it waits")
}

fn fifo(path: &Path) {
    drop(fs::remove_file(path));
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn fifo_in_place_of_what_is_kept_is_fetched_over() {
    let kept = ["root.json", "root_history/1.root.json", "timestamp.json", "targets/trusted_root.json"];
    for name in kept {
        let stage = Stage::new();
        stage.load(MORNING).await.unwrap();
        fifo(&stage.path(name));
        is_edition(&promptly(stage.settings()).unwrap(), 1);
    }
    let stage = Stage::new();
    stage.load(MORNING).await.unwrap();
    fifo(&stage.cache.path().join(format!("{}.json", stage.server.folder())));
    is_edition(&promptly(stage.settings()).unwrap(), 1);
}

#[tokio::test]
async fn fifo_in_place_of_the_chosen_mirror_is_an_error() {
    let stage = Stage::new();
    fifo(&stage.cache.path().join("remote.json"));
    let refused = promptly(TufSettings { mirror: None, ..stage.settings() }).unwrap_err();
    assert!(matches!(&refused, TufError::Cache { why, .. } if why == "remote.json cannot be read"), "{refused}");
}

#[tokio::test]
async fn fifo_in_place_of_the_lock_keeps_nobody_from_the_mirror() {
    let stage = Stage::new();
    fifo(&stage.cache.path().join(".sealgate.lock"));
    is_edition(&promptly(stage.settings()).unwrap(), 1);
}

#[tokio::test]
async fn lock_that_leads_elsewhere_is_not_followed() {
    let stage = Stage::new();
    let (elsewhere, lock) = (stage.cache.path().join("elsewhere"), stage.cache.path().join(".sealgate.lock"));
    symlink(&elsewhere, &lock).unwrap();
    is_edition(&stage.load(MORNING).await.unwrap(), 1);
    assert!(!elsewhere.exists(), "nothing is made where a link leads");
    File::create(&elsewhere).unwrap();
    let refused = Tuf::new(stage.settings()).initialize(at(MORNING)).await.unwrap_err();
    assert!(matches!(refused, TufError::Cache { .. }), "{refused}");
}
