//! Policy files: read from a file or a folder, and read again when they change.
//!
//! At start, a policy that does not parse is an error. On reload the old revision stays in force, loudly, for a
//! grace; then everything is refused.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use oci::Digest;
use policy::{LoadErrors, PolicySet};
use verifier::TrustRoot;

use crate::{Gate, Supplier, trust::Tuf};

const MAX_FILES: usize = 1000;
const MAX_FILE: u64 = 1024 * 1024;
const POLL: Duration = Duration::from_secs(2);
/// The cache itself decides whether a day is over.
const REFRESH: Duration = Duration::from_secs(3600);

/// Reads the policies in a file, or in the `.yaml`, `.yml` and `.json` files of a folder (not of folders in it).
///
/// What they refer to at an address is for a [`Supplier`] to fetch.
///
/// # Errors
/// Fails if nothing is there, if something cannot be read, is no regular file or too large, and if what was read is no
/// policy.
pub fn load(path: &Path) -> Result<PolicySet, LoadError> {
    Ok(PolicySet::parse(&read(path)?)?)
}

fn read(path: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |cause| LoadError::Unreadable { path, cause }
    };
    if !std::fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        return Ok(vec![(path.display().to_string(), read_file(path)?)]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable(path))? {
        let file = entry.map_err(unreadable(path))?.path();
        if is_policy_file(&file) && !std::fs::metadata(&file).map_err(unreadable(&file))?.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    match files.len() {
        0 => Err(LoadError::Empty { path: path.to_owned() }),
        found if found > MAX_FILES => Err(LoadError::TooMany { found }),
        _ => files.iter().map(|file| Ok((file.display().to_string(), read_file(file)?))).collect(),
    }
}

/// By its name alone; what lies there is looked at afterwards, and must then be readable.
fn is_policy_file(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    !hidden && matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
}

fn read_file(path: &Path) -> Result<String, LoadError> {
    let mut text = String::new();
    let file = registry::open_regular(path).map_err(|cause| LoadError::Unreadable { path: path.to_owned(), cause })?;
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|cause| LoadError::Unreadable { path: path.to_owned(), cause })?;
    match text.len() as u64 > MAX_FILE {
        true => Err(LoadError::TooLarge { path: path.to_owned() }),
        false => Ok(text),
    }
}

/// Policies on disk that a gate follows, and the trusted root of those that name none.
#[derive(Debug)]
pub struct PolicyFolder {
    path: PathBuf,
    grace: Duration,
    root: Option<TrustRoot>,
    tuf: Option<Tuf>,
    supplier: Option<Supplier>,
    /// As they were read, without the root and what they refer to.
    policies: Option<PolicySet>,
    /// The same, until what they refer to was tried to fetch.
    awaiting: Option<PolicySet>,
    seen: Option<Digest>,
    /// Content that was not there at the look before: perhaps half of what is being written.
    fresh: Option<Digest>,
    failing_since: Option<Instant>,
}

impl PolicyFolder {
    /// Follows this file or folder. `grace` is how long the last good revision outlives a bad one.
    #[must_use]
    pub fn new(path: PathBuf, grace: Duration) -> Self {
        Self {
            path,
            grace,
            root: None,
            tuf: None,
            supplier: None,
            policies: None,
            awaiting: None,
            seen: None,
            fresh: None,
            failing_since: None,
        }
    }

    /// The same, with what policies refer to fetched by this supplier, and tried again every minute while it is not there.
    #[must_use]
    pub fn supplied_by(self, supplier: Supplier) -> Self {
        Self { supplier: Some(supplier), ..self }
    }

    /// The same, with this trusted root for policies that name none.
    #[must_use]
    pub fn with_root(self, root: TrustRoot) -> Self {
        Self { root: Some(root), ..self }
    }

    /// The same, with the trusted root compared with this repository every hour, and never while anybody waits.
    #[must_use]
    pub fn refreshed_by(self, tuf: Tuf) -> Self {
        Self { tuf: Some(tuf), ..self }
    }

    /// Looks at the files every two seconds, for as long as the process lives.
    pub async fn follow(mut self, gate: Gate) {
        let mut refreshed = Instant::now();
        loop {
            tokio::time::sleep(POLL).await;
            if refreshed.elapsed() > REFRESH {
                refreshed = Instant::now();
                self.refresh(&gate).await;
                self.refresh_named(&gate).await;
            }
            self = match tokio::task::spawn_blocking(move || (read(&self.path), self)).await {
                Ok((files, mut folder)) => {
                    folder.take_up(&gate, files, Instant::now());
                    folder.settle(&gate).await;
                    folder
                }
                Err(error) => {
                    tracing::error!(%error, "policies can no longer be read; refusing everything");
                    gate.withdraw_policies();
                    return;
                }
            };
        }
    }

    /// Puts what was read in force, or says why not. A change counts once two looks in a row have found the same.
    fn take_up(&mut self, gate: &Gate, files: Result<Vec<(String, String)>, LoadError>, now: Instant) {
        let files = match files {
            Ok(files) => files,
            Err(error) => return self.fail(gate, &error, now),
        };
        let content = Digest::of(format!("{files:?}").as_bytes());
        if self.seen == Some(content) && self.failing_since.is_none() {
            self.fresh = None;
            return;
        }
        if self.fresh.replace(content) != Some(content) {
            return;
        }
        match PolicySet::parse(&files) {
            Err(error) => self.fail(gate, &error.into(), now),
            Ok(set) => {
                if gate.revision() != Some(set.fingerprint()) {
                    tracing::info!(revision = %set.fingerprint(), "policies changed");
                }
                (self.seen, self.failing_since) = (Some(content), None);
                match self.supplier.as_ref().is_some_and(|supplier| supplier.lacks(&set)) {
                    true => self.awaiting = Some(set),
                    false => {
                        (self.policies, self.awaiting) = (Some(set), None);
                        self.put_in_force(gate);
                    }
                }
            }
        }
    }

    /// Fetches what policies refer to and is not there: at once of those that were just read, and every minute.
    async fn settle(&mut self, gate: &Gate) {
        let Some(supplier) = &mut self.supplier else { return };
        let changed = match (self.awaiting.take(), &self.policies) {
            (Some(set), _) => {
                supplier.fetch(&set).await;
                self.policies = Some(set);
                true
            }
            (None, Some(set)) if supplier.is_due(set) => supplier.fetch(set).await,
            _ => false,
        };
        if changed {
            self.put_in_force(gate);
        }
    }

    /// Policies and trust together, as one revision.
    fn put_in_force(&self, gate: &Gate) {
        let Some(set) = self.policies.clone() else { return };
        let set = match &self.root {
            Some(root) => set.with_default_root(root),
            None => set,
        };
        let set = match &self.supplier {
            Some(supplier) => set.supplied(supplier.supplies()),
            None => set,
        };
        gate.put_in_force(Arc::new(set));
    }

    /// Takes up what the repository has now; what cannot be had leaves the root as it is, loudly.
    async fn refresh(&mut self, gate: &Gate) {
        let Some(tuf) = &self.tuf else { return };
        let material = match tuf.load(jiff::Timestamp::now()).await {
            Ok(material) => material,
            Err(error) => {
                return tracing::error!(%error, "trust material cannot be refreshed; the last one stays in force");
            }
        };
        if let Some(warning) = &material.warning {
            tracing::warn!("{warning}");
        }
        match TrustRoot::parse_trusted_root(&material.trusted_root) {
            Err(error) => tracing::error!(%error, "the new trusted root cannot be read; the last one stays in force"),
            Ok(root) if self.root.as_ref().map(TrustRoot::fingerprint) == Some(root.fingerprint()) => {}
            Ok(root) => {
                tracing::info!(root = %root.fingerprint(), "trusted root changed");
                self.root = Some(root);
                self.put_in_force(gate);
            }
        }
    }

    /// The same of the repositories that TrustRoots name.
    async fn refresh_named(&mut self, gate: &Gate) {
        let (Some(supplier), Some(set)) = (&mut self.supplier, &self.policies) else { return };
        if supplier.refresh(set).await {
            self.put_in_force(gate);
        }
    }

    fn fail(&mut self, gate: &Gate, error: &LoadError, now: Instant) {
        let since = *self.failing_since.get_or_insert(now);
        if now.duration_since(since) < self.grace {
            tracing::error!(%error, "policies do not load; the last good revision stays in force for now");
        } else {
            tracing::error!(%error, "policies do not load and the grace is over; refusing everything");
            gate.withdraw_policies();
        }
    }
}

/// Why there are no policies.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("policy `{}` cannot be read: {cause}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The folder holds no policy file.
    #[error("policy folder `{}` holds no .yaml, .yml or .json file", .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// More files than are read.
    #[error("{found} policy files found, at most {MAX_FILES} are read")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A file is larger than what is read.
    #[error("policy file `{}` is larger than 1 MiB", .path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// What the files say is no policy.
    #[error(transparent)]
    Policy(#[from] LoadErrors),
}

#[cfg(test)]
mod tests {
    use registry::{Client, Settings};

    use super::*;
    use crate::DecisionLog;

    const GOOD: &str = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n\
                        spec:\n  images: [{glob: \"**\"}]\n  authorities: [{static: {action: pass}}]\n";

    fn gate() -> Gate {
        Gate::new(Client::new(Settings::default()).unwrap(), None, DecisionLog::Off)
    }

    fn folder() -> PolicyFolder {
        PolicyFolder::new("unused".into(), Duration::from_secs(900))
    }

    /// Two looks that find the same.
    fn look_twice(folder: &mut PolicyFolder, gate: &Gate, text: &str, now: Instant) {
        folder.take_up(gate, files(text), now);
        folder.take_up(gate, files(text), now);
    }

    fn files(text: &str) -> Result<Vec<(String, String)>, LoadError> {
        Ok(vec![("p.yaml".to_owned(), text.to_owned())])
    }

    #[test]
    fn changed_policy_is_put_in_force() {
        let (gate, mut folder, now) = (gate(), folder(), Instant::now());
        look_twice(&mut folder, &gate, GOOD, now);
        let first = gate.revision().expect("a policy is in force");
        look_twice(&mut folder, &gate, &GOOD.replace("pass", "fail"), now);
        assert!(gate.revision().is_some_and(|second| second != first));
    }

    #[test]
    fn bad_policy_leaves_the_last_good_one_in_force_for_the_grace_and_no_longer() {
        let (gate, mut folder, now) = (gate(), folder(), Instant::now());
        look_twice(&mut folder, &gate, GOOD, now);
        let good = gate.revision();
        for (seconds, want) in [(0, good), (899, good), (901, None)] {
            look_twice(&mut folder, &gate, "kind: Nonsense", now + Duration::from_secs(seconds));
            assert_eq!(gate.revision(), want, "after {seconds} s");
        }
        look_twice(&mut folder, &gate, GOOD, now + Duration::from_secs(902));
        assert_eq!(gate.revision(), good, "good again");
    }

    #[test]
    fn half_written_file_is_not_put_in_force() {
        let (gate, mut folder, now) = (gate(), folder(), Instant::now());
        look_twice(&mut folder, &gate, GOOD, now);
        let whole = format!("{GOOD}---\n{}", GOOD.replace("name: p", "name: q").replace("pass", "fail"));
        look_twice(&mut folder, &gate, &whole, now);
        let strict = gate.revision();
        folder.take_up(&gate, files(GOOD), now); // the first half, while the second is being written
        folder.take_up(&gate, files(&whole), now);
        folder.take_up(&gate, files(GOOD), now);
        assert_eq!(gate.revision(), strict);
    }

    #[test]
    fn files_that_vanish_are_a_failure_too() {
        let (gate, mut folder, now) = (gate(), folder(), Instant::now());
        look_twice(&mut folder, &gate, GOOD, now);
        let gone = || Err(LoadError::Empty { path: "unused".into() });
        folder.take_up(&gate, gone(), now);
        assert!(gate.revision().is_some());
        folder.take_up(&gate, gone(), now + Duration::from_secs(1000));
        assert!(gate.revision().is_none());
    }

    const REFERRING: &str = "policy: {type: cue, remote: {url: 'https://127.0.0.1:1/a', sha256sum: aa}}";

    fn supplied_folder() -> PolicyFolder {
        folder().supplied_by(Supplier::new(Client::new(Settings::default()).unwrap()))
    }

    #[tokio::test]
    async fn policy_that_refers_elsewhere_is_put_in_force_once_that_was_tried() {
        let (gate, mut folder, now) = (gate(), supplied_folder(), Instant::now());
        look_twice(&mut folder, &gate, GOOD, now);
        folder.settle(&gate).await;
        let first = gate.revision().expect("what refers to nothing waits for nothing");
        look_twice(&mut folder, &gate, &format!("{GOOD}  {REFERRING}\n"), now);
        assert_eq!(gate.revision(), Some(first), "the old one stays meanwhile");
        folder.settle(&gate).await;
        assert!(gate.revision().is_some_and(|second| second != first));
    }

    #[tokio::test]
    async fn policy_that_takes_the_place_of_one_that_waits_is_not_overtaken_by_it() {
        let (gate, mut folder, now) = (gate(), supplied_folder(), Instant::now());
        look_twice(&mut folder, &gate, &format!("{GOOD}  {REFERRING}\n"), now);
        look_twice(&mut folder, &gate, GOOD, now);
        let plain = gate.revision().expect("it refers to nothing");
        folder.settle(&gate).await;
        assert_eq!(gate.revision(), Some(plain));
    }

    #[test]
    fn only_policy_files_of_the_folder_itself_are_read() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.YML", "c.json", "notes.txt", ".hidden.yaml"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(dir.path().join("deeper.yaml")).unwrap();
        let names: Vec<_> = read(dir.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn policy_file_that_leads_nowhere_is_not_skipped() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("base.yaml"), GOOD).unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("strict.yaml")).unwrap();
        assert!(matches!(load(dir.path()), Err(LoadError::Unreadable { path, .. }) if path.ends_with("strict.yaml")));
    }

    #[test]
    fn fifo_among_policies_is_an_error_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("base.yaml"), GOOD).unwrap();
        let fifo = dir.path().join("strict.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for path in [dir.path().to_owned(), fifo] {
            let (told, answer) = std::sync::mpsc::channel();
            std::thread::spawn(move || drop(told.send(load(&path))));
            let refused = answer.recv_timeout(Duration::from_secs(20)).expect("it waits").unwrap_err();
            assert!(
                matches!(&refused, LoadError::Unreadable { path, .. } if path.ends_with("strict.yaml")),
                "{refused}"
            );
        }
    }

    #[test]
    fn empty_folder_missing_path_and_huge_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(load(dir.path()), Err(LoadError::Empty { .. })));
        assert!(matches!(load(&dir.path().join("none")), Err(LoadError::Unreadable { .. })));
        let file = dir.path().join("big.yaml");
        std::fs::write(&file, vec![b'#'; 2 << 20]).unwrap();
        assert!(matches!(load(&file), Err(LoadError::TooLarge { .. })));
    }
}
