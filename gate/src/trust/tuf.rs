//! Trust material by The Update Framework: cached for a day, refreshed with a deadline, never rolled back.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sigstore_tuf::{Error, Updater};
use tokio::time::Instant;

use super::{
    cache::{self, Cache, Files},
    embedded, http,
    http::Mirror,
};

/// Where the repository is, and where it is kept.
#[derive(Debug, Clone)]
pub struct TufSettings {
    /// The folder of the cache (`TUF_ROOT`).
    pub cache: PathBuf,
    /// The mirror (`TUF_MIRROR`); without it the one that `initialize` chose for the cache, or the public instance's.
    pub mirror: Option<String>,
    /// The root that its metadata is checked against (`TUF_ROOT_JSON`). The public instance's is built in, and a
    /// mirror that was initialized has its own in the cache.
    pub root: Option<Vec<u8>>,
    /// How long a refresh may take.
    pub patience: Duration,
}

/// Trust material, checked against a TUF root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// `trusted_root.json`.
    pub trusted_root: Vec<u8>,
    /// `signing_config.v0.2.json`, if the repository has one.
    pub signing_config: Option<Vec<u8>>,
    /// The mirror that it is of.
    pub mirror: String,
    /// When it was last compared with the mirror; never, where it is what is built in.
    pub refreshed: Option<Timestamp>,
    /// What whoever uses it should know: that the mirror could not be reached.
    pub warning: Option<String>,
}

/// A TUF repository.
#[derive(Debug, Clone)]
pub struct Tuf {
    settings: TufSettings,
    mirror: String,
    cache: Cache,
    /// Why it is not known which mirror was chosen for the cache. No other is asked in its place.
    unsure: Option<String>,
}

impl Tuf {
    /// The repository that these settings name. Nothing is read yet.
    #[must_use]
    pub fn new(settings: TufSettings) -> Self {
        let remembered = match &settings.mirror {
            Some(mirror) => Ok(Some(mirror.clone())),
            None => cache::remote(&settings.cache),
        };
        let unsure = remembered.as_ref().err().map(ToString::to_string);
        let mirror = remembered.ok().flatten().unwrap_or_else(|| embedded::MIRROR.to_owned());
        let cache = Cache::new(&settings.cache, &mirror);
        Self { settings, mirror, cache, unsure }
    }

    /// The trust material: from the cache if that was refreshed within the last 24 hours and is still valid, otherwise
    /// from the mirror. If the mirror cannot be reached, what is cached, or where nothing ever was, what is built in, with
    /// a warning, as long as it is valid.
    ///
    /// # Errors
    /// Fails if what the mirror has is expired, tampered with or older than what was seen before, and if nothing valid
    /// is there.
    pub async fn load(&self, now: Timestamp) -> Result<Material, TufError> {
        self.sure()?;
        if let Some(fresh) = self.fresh(now).await {
            return Ok(fresh);
        }
        let start = Instant::now();
        let until = start + self.settings.patience;
        // whoever holds the lock and does nothing must not keep everybody else from the mirror
        let lock = self.cache.lock(start + self.settings.patience / 2).await;
        // Whoever held the lock may have done the work.
        if let Some(fresh) = self.fresh(now).await {
            return Ok(fresh);
        }
        match self.refresh(now, until, lock.is_ok()).await {
            Err(TufError::Unreachable { why, .. }) => self.without_mirror(now, why).await,
            result => result,
        }
    }

    /// Forgets what is cached, and starts with this mirror and root.
    ///
    /// # Errors
    /// Fails if the mirror has no valid trust material, or the cache cannot be written. The cache is then as it was.
    pub async fn initialize(&self, now: Timestamp) -> Result<Material, TufError> {
        let until = Instant::now() + self.settings.patience;
        let _lock = self.cache.lock(until).await.map_err(|error| self.unusable(&error))?;
        let root = self.settings.root.clone().or_else(|| self.built_in());
        let root = root.ok_or_else(|| TufError::NoRoot { mirror: self.mirror.clone() })?;
        let files = Files::default();
        let material = self.fetch(&root, &files, now, until).await?;
        cache::begin_anew(&self.settings.cache, &self.mirror).map_err(|error| self.unusable(&error))?;
        self.cache.write(&files, now).map_err(|error| self.unusable(&error))?;
        Ok(material)
    }

    /// Another file of the repository, asked for every time and not kept.
    ///
    /// # Errors
    /// Fails if the mirror cannot be reached, has nothing valid, or has no such file.
    pub async fn target(&self, name: &str, now: Timestamp) -> Result<Vec<u8>, TufError> {
        let until = Instant::now() + self.settings.patience;
        let mut updater = self.refreshed(&self.root()?, &self.cache.read(), now, until).await?;
        updater.get_target(name, now).await.map_err(|error| self.fault(&error))
    }

    fn sure(&self) -> Result<(), TufError> {
        let fault = |why: &String| TufError::Cache { folder: self.settings.cache.clone(), why: why.clone() };
        self.unsure.as_ref().map_or(Ok(()), |why| Err(fault(why)))
    }

    /// The mirror.
    #[must_use]
    pub fn mirror(&self) -> &str {
        &self.mirror
    }

    /// The folder of the cache.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.settings.cache
    }

    /// What is cached, if it was refreshed not long ago and is valid. A time in the future is none.
    async fn fresh(&self, now: Timestamp) -> Option<Material> {
        let refreshed = self.cache.refreshed().filter(|at| *at <= now && now.duration_since(*at) < FRESH)?;
        let material = self.cached(now).await.ok()?;
        Some(Material { refreshed: Some(refreshed), ..material })
    }

    /// What is cached, checked as if it came from the mirror, expiry included.
    async fn cached(&self, now: Timestamp) -> Result<Material, TufError> {
        let files = self.cache.read();
        let mut updater = self.updater(&self.root()?, files.clone(), &files)?;
        updater.refresh(now).await.map_err(|error| self.fault(&error))?;
        let material = self.targets(&mut updater, now).await?;
        Ok(Material { refreshed: self.cache.refreshed(), ..material })
    }

    async fn refresh(&self, now: Timestamp, until: Instant, writable: bool) -> Result<Material, TufError> {
        let files = self.cache.read();
        let material = self.fetch(&self.root()?, &files, now, until).await?;
        // A cache that cannot be written costs the next command its time, and nothing else.
        if writable && let Err(error) = self.cache.write(&files, now) {
            tracing::warn!(folder = %self.settings.cache.display(), %error, "the TUF cache cannot be written");
        }
        Ok(material)
    }

    async fn fetch(&self, root: &[u8], files: &Files, now: Timestamp, until: Instant) -> Result<Material, TufError> {
        let mut updater = self.refreshed(root, files, now, until).await?;
        let material = self.targets(&mut updater, now).await?;
        Ok(Material { refreshed: Some(now), ..material })
    }

    async fn refreshed(&self, root: &[u8], files: &Files, now: Timestamp, until: Instant) -> Result<Updater, TufError> {
        let mirror = Mirror::new(&self.mirror, until).map_err(|error| self.fault(&error))?;
        let mut updater = self.updater(root, mirror, files)?;
        updater.refresh(now).await.map_err(|error| self.fault(&error))?;
        Ok(updater)
    }

    fn updater(
        &self,
        root: &[u8],
        repository: impl sigstore_tuf::Repository + 'static,
        files: &Files,
    ) -> Result<Updater, TufError> {
        let updater = Updater::new(repository, root).map_err(|error| self.fault(&error))?;
        Ok(updater.with_config(http::limits()).with_store(files.clone()))
    }

    async fn targets(&self, updater: &mut Updater, now: Timestamp) -> Result<Material, TufError> {
        let trusted_root = updater.get_target(TRUSTED_ROOT, now).await.map_err(|error| self.fault(&error))?;
        let signing_config = match updater.get_target(SIGNING_CONFIG, now).await {
            Ok(bytes) => Some(bytes),
            Err(Error::TargetNotFound(_)) => None,
            Err(error) => return Err(self.fault(&error)),
        };
        Ok(Material { trusted_root, signing_config, mirror: self.mirror.clone(), refreshed: None, warning: None })
    }

    /// What is left where the mirror cannot be reached.
    async fn without_mirror(&self, now: Timestamp, why: String) -> Result<Material, TufError> {
        let unreachable = format!("TUF mirror {} cannot be reached: {why}", self.mirror);
        match self.cached(now).await {
            Ok(cached) => {
                let at = cached.refreshed.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
                let warning = Some(format!("{unreachable}; trust material as of {at} is used"));
                Ok(Material { warning, ..cached })
            }
            Err(invalid) => {
                let nothing_kept = self.cache.is_empty().map_err(|error| self.unusable(&error))?;
                match (nothing_kept, invalid) {
                    (true, _) if self.built_in().is_some() && self.settings.root.is_none() => {
                        Ok(self.as_released(&unreachable))
                    }
                    (false, TufError::Rejected { why: stale, .. }) => {
                        let why = format!("{why}; what is cached is not valid: {stale}");
                        Err(TufError::Unreachable { mirror: self.mirror.clone(), why })
                    }
                    _ => Err(TufError::Unreachable { mirror: self.mirror.clone(), why }),
                }
            }
        }
    }

    /// What is built in, for a machine that has never reached the mirror.
    fn as_released(&self, unreachable: &str) -> Material {
        Material {
            trusted_root: embedded::TRUSTED_ROOT.to_vec(),
            signing_config: Some(embedded::SIGNING_CONFIG.to_vec()),
            mirror: self.mirror.clone(),
            refreshed: None,
            warning: Some(format!("{unreachable}; the trust material built in is used, as of {}", embedded::AS_OF)),
        }
    }

    /// What the repository is checked against first.
    fn root(&self) -> Result<Vec<u8>, TufError> {
        let given = self.settings.root.clone().or_else(|| self.built_in()).or_else(|| self.cache.root());
        given.ok_or_else(|| TufError::NoRoot { mirror: self.mirror.clone() })
    }

    fn built_in(&self) -> Option<Vec<u8>> {
        (self.mirror.trim_end_matches('/') == embedded::MIRROR).then(|| embedded::ROOT.to_vec())
    }

    fn fault(&self, error: &Error) -> TufError {
        let (mirror, why) = (self.mirror.clone(), oci::excerpt(&chain(error), MAX_WORDS));
        match error {
            // without a source it is the library that says what is missing from an answer
            Error::Transport { source: Some(_), .. } => TufError::Unreachable { mirror, why },
            Error::TargetNotFound(target) => TufError::NoTarget { mirror, target: oci::excerpt(target, MAX_WORDS) },
            _ => TufError::Rejected { mirror, why },
        }
    }

    fn unusable(&self, error: &io::Error) -> TufError {
        TufError::Cache { folder: self.settings.cache.clone(), why: error.to_string() }
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = match error {
        Error::Transport { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Why there is no trust material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TufError {
    /// The mirror did not answer, or not with a repository.
    #[error("TUF mirror {mirror} cannot be reached, and no valid trust material is cached: {why}")]
    Unreachable {
        /// The mirror.
        mirror: String,
        /// What happened.
        why: String,
    },
    /// What the mirror has, or what is cached, must not be used: it is expired, altered, older than what was seen
    /// before, or not signed by enough of the keys that may.
    #[error("trust material of TUF mirror {mirror} is not valid: {why}")]
    Rejected {
        /// The mirror.
        mirror: String,
        /// Which file, and what is wrong with it.
        why: String,
    },
    /// The repository is valid, and lacks what is needed.
    #[error("TUF mirror {mirror} has no `{target}`")]
    NoTarget {
        /// The mirror.
        mirror: String,
        /// The file's name.
        target: String,
    },
    /// Nothing to check the repository against.
    #[error("no TUF root for mirror {mirror}")]
    NoRoot {
        /// The mirror.
        mirror: String,
    },
    /// The cache cannot be used.
    #[error("TUF cache {}: {why}", folder.display())]
    Cache {
        /// Its folder.
        folder: PathBuf,
        /// The system's words.
        why: String,
    },
}

impl TufError {
    /// What may help.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoRoot { .. } => "`sealgate initialize --mirror URL --root FILE` sets up a mirror of one's own",
            Self::Cache { .. } => "TUF_ROOT names another folder",
            _ => "--trusted-root FILE needs no mirror",
        }
    }
}

const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
/// How long the mirror is not asked again.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
const MAX_WORDS: usize = 300;
