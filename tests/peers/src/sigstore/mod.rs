//! A private Sigstore: an identity provider, a certificate authority with its log of certificates, transparency logs
//! of both generations, a timestamp authority.
//!
//! The real servers, in memory or in a temporary folder, told of each other; and the files that clients are given:
//! trusted roots, signing configs, cosign 2's variables. Everything is new with each start: no key, certificate or
//! entry outlives it.

mod files;
mod issuer;
mod object;
mod pki;
mod service;
mod turn;
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;

pub use self::files::{Part, Recipe};
pub use self::issuer::Subject;
pub use self::object::trust_root;

use self::issuer::Issuer;
use self::pki::Pki;
use self::service::get;
use self::turn::Turn;
use self::world::World;

/// A running private Sigstore, gone with everything in it when dropped. There is one at a time on a machine: two of
/// its programs have a port of their own that nobody can choose.
#[derive(Debug)]
pub struct Sigstore {
    world: World,
    issuer: Issuer,
    pki: Pki,
    pki_of_others: Pki,
    folder: TempDir,
    // Last, so that the next one starts when all of this one's processes are gone.
    _turn: Turn,
}

/// One of the transparency logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Rekor v1.
    Rekor1,
    /// Rekor v2.
    Rekor2,
    /// Rekor v2 of the release that still took DSSE entries.
    Rekor2Dsse,
}

impl Sigstore {
    /// What must be installed, for [`present`](crate::present).
    pub const PROGRAMS: [&str; 8] = [
        "cosign-3",
        "fulcio",
        "rekor-server",
        "rekor-tiles",
        "rekor-tiles-2.2",
        "tesseract",
        "timestamp-server",
        "trillian-mem",
    ];

    /// The one that the tests of this program share: started by the first, ended with the last that holds it.
    ///
    /// # Panics
    /// If one of its programs does not start.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Sigstore>> = Mutex::new(Weak::new());
        // If starting panics, the weak reference is as good as it was.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// Starts one and waits until every part of it answers. Another one on this machine is waited for first.
    ///
    /// # Panics
    /// If one of its programs does not start, or the other one stays for a quarter of an hour.
    #[must_use]
    pub fn start() -> Self {
        let turn = Turn::wait();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let pki = Pki::create(&folder.path().join("pki"));
        let issuer = Issuer::start();
        let world = World::start(folder.path(), &pki, &issuer);
        let pki_of_others = Pki::create(&folder.path().join("pki-of-others"));
        files::write_trusted_roots(folder.path(), &world, &pki, &pki_of_others);
        files::write_signing_configs(folder.path(), &world, &issuer);
        Self { world, issuer, pki, pki_of_others, folder, _turn: turn }
    }

    /// A token that the certificate authority accepts for ten minutes.
    #[must_use]
    pub fn token(&self, subject: Subject<'_>) -> String {
        self.issuer.token(subject)
    }

    /// What a certificate for that subject says: its name, and who vouched for it.
    #[must_use]
    pub fn identity(&self, subject: Subject<'_>) -> (String, String) {
        (self.issuer.certified_name(subject), self.issuer.url_for(subject))
    }

    /// The trusted root with all parts, as `cosign trusted-root create` writes it.
    #[must_use]
    pub fn trusted_root(&self) -> PathBuf {
        self.folder.path().join(files::TRUSTED_ROOT)
    }

    /// The trusted root that lacks one part.
    #[must_use]
    pub fn trusted_root_without(&self, part: Part) -> PathBuf {
        self.folder.path().join(part.trusted_root())
    }

    /// A trusted root of other services, with the same names and addresses and other keys.
    #[must_use]
    pub fn trusted_root_of_others(&self) -> PathBuf {
        self.folder.path().join(files::TRUSTED_ROOT_OF_OTHERS)
    }

    /// The signing config that names these services.
    #[must_use]
    pub fn signing_config(&self, recipe: Recipe) -> PathBuf {
        self.folder.path().join(recipe.file())
    }

    /// The certificate authority's URL.
    #[must_use]
    pub fn fulcio(&self) -> String {
        self.world.fulcio.url()
    }

    /// The URL of the certificate authority that puts nothing into the log of certificates.
    #[must_use]
    pub fn fulcio_without_log(&self) -> String {
        self.world.fulcio_without_log.url()
    }

    /// The URL at which timestamps are asked for.
    #[must_use]
    pub fn timestamps(&self) -> String {
        self.world.timestamps()
    }

    /// The URL of a log.
    #[must_use]
    pub fn log(&self, log: Log) -> String {
        self.world.log(log).url()
    }

    /// How many entries a log has.
    ///
    /// # Panics
    /// If the log does not say.
    #[must_use]
    pub fn entries(&self, log: Log) -> u64 {
        match log {
            Log::Rekor1 => {
                let answer = get(self.world.rekor1.address(), "/api/v1/log").expect("the log answers");
                let answer: Value = serde_json::from_slice(&answer.body).expect("the log speaks JSON");
                answer["treeSize"].as_u64().expect("the log has a size")
            }
            Log::Rekor2 => checkpoint_size(&self.folder.path().join(world::REKOR2)),
            Log::Rekor2Dsse => checkpoint_size(&self.folder.path().join(world::REKOR2_DSSE)),
        }
    }

    /// The variables by which programs without `--trusted-root` are told of it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        environment(&self.pki)
    }

    /// The same variables, with the keys of [`Self::trusted_root_of_others`].
    #[must_use]
    pub fn environment_of_others(&self) -> [(&'static str, String); 4] {
        environment(&self.pki_of_others)
    }

    /// The folder with everything in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn environment(pki: &Pki) -> [(&'static str, String); 4] {
    let path = |name| pki.path(name).display().to_string();
    [
        ("SIGSTORE_ROOT_FILE", path(pki::FULCIO_CHAIN)),
        ("SIGSTORE_REKOR_PUBLIC_KEY", path(pki::REKOR1_PUBLIC)),
        ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", path(pki::CT_LOG_PUBLIC)),
        ("SIGSTORE_TSA_CERTIFICATE_FILE", path(pki::TSA_CHAIN)),
    ]
}

/// The second line of a log's checkpoint, which it writes before it answers.
fn checkpoint_size(storage: &Path) -> u64 {
    let checkpoint = fs::read_to_string(storage.join("checkpoint")).expect("the log has a checkpoint");
    checkpoint.lines().nth(1).and_then(|line| line.parse().ok()).expect("a checkpoint has a size")
}
