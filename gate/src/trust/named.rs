//! The trusted root in the TUF repository that a TrustRoot names: at a mirror of its own, or packed into the object.

use std::time::Duration;

use jiff::Timestamp;
use policy::{TufPlace, TufRepository};
use sigstore_tuf::{Error, Updater};
use tokio::time::Instant;

use super::{archive::Archive, cache::Files, http, http::Mirror, tuf::chain};

/// What was seen of a repository, for as long as the process lives: nothing older is taken afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Files);

/// The trusted root, checked against the repository's metadata; or why there is none, in words that follow "which".
pub(crate) async fn trusted_root(repository: &TufRepository, seen: &Seen, now: Timestamp) -> Result<Vec<u8>, String> {
    let mut updater = match repository.place() {
        TufPlace::Mirror(address) => {
            let mirror = Mirror::new(address, Instant::now() + PATIENCE).map_err(|why| words(&why))?;
            Updater::new(mirror.with_targets(repository.targets()), repository.root())
        }
        TufPlace::Archive(bytes) => {
            let archive = Archive::unpack(bytes, repository.targets());
            let archive = archive.map_err(|why| format!("holds an archive that cannot be unpacked: {why}"))?;
            Updater::new(archive, repository.root())
        }
    }
    .map_err(|why| words(&why))?
    .with_config(http::limits())
    .with_store(seen.0.clone());
    updater.refresh(now).await.map_err(|why| words(&why))?;
    updater.get_target(repository.target(), now).await.map_err(|why| words(&why))
}

fn words(why: &Error) -> String {
    let told = oci::excerpt(&chain(why), MAX_WORDS);
    match why {
        Error::Transport { source: Some(_), .. } => format!("names a TUF repository that cannot be reached: {told}"),
        Error::TargetNotFound(target) => {
            format!("names a TUF repository that has no `{}`", oci::excerpt(target, MAX_WORDS))
        }
        _ => format!("names a TUF repository that is not valid: {told}"),
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const MAX_WORDS: usize = 300;
