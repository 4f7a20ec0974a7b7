//! Policies on disk that change while hundreds ask every second: each is judged by one revision, a whole one, and told
//! which.
//!
//! A revision is two policies of one letter, which the image of that letter meets. A half one, of both letters, would
//! refuse both images in the name of both letters.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use gate::{DecisionLog, Door, Gate, GateError, Judged, PolicyFolder, Request};
use keys::PrivateKey;
use oci::{Digest, ImageRef};
use policy::{PolicySet, Verdict};
use registry::{
    Client, Settings,
    serve::{self, Options},
};
use serde_json::json;
use signer::{Format, Signer};
use suites::small_image::push_image;
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    A,
    B,
}

/// What one check was told.
struct Told {
    image: Letter,
    answer: Result<Judged, GateError>,
}

/// A registry with an image of each letter, a folder of policies behind a link, and a gate that follows it.
struct World {
    gate: Gate,
    images: [ImageRef; 2],
    keys: [String; 2],
    folder: TempDir,
    /// Every revision that was ever to be in force.
    revisions: Mutex<BTreeMap<Digest, Letter>>,
    edits: Mutex<usize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    /// With the first revision in force, whose letter is A.
    async fn start(grace: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let served = tokio::spawn(async move { serve::serve(Options::default(), listener).await.expect("it serves") });
        let client = Client::new(Settings::default()).expect("default settings serve");
        let pairs = [(); 2].map(|()| PrivateKey::generate().expect("there is randomness"));
        let keys = [0, 1].map(|at| pairs[at].public().to_pem());
        let mut images = Vec::new();
        for (name, key) in ["a", "b"].into_iter().zip(pairs) {
            images.push(signed(&client, &format!("{address}/shop/{name}:1"), key).await);
        }
        let images = images.try_into().expect("there are two");
        let gate = Gate::new(client, None, DecisionLog::Off);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (revisions, edits) = (Mutex::default(), Mutex::default());
        let mut world = Self { gate, images, keys, folder, revisions, edits, tasks: vec![served] };
        world.swap(&world.revision(Letter::A));
        world.gate.put_in_force(Arc::new(gate::load(&world.path()).expect("the first revision loads")));
        let follower = PolicyFolder::new(world.path(), grace);
        world.tasks.push(tokio::spawn(follower.follow(world.gate.clone())));
        world
    }

    /// What the gate follows: a link to a folder.
    fn path(&self) -> PathBuf {
        self.folder.path().join("current")
    }

    fn policy_file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The two files of a new revision, which may be in force from now on.
    fn revision(&self, letter: Letter) -> Revision {
        let mut edits = self.edits.lock().expect("nobody panicked");
        *edits += 1;
        let key = &self.keys[letter as usize];
        let files = ["one", "two"].map(|name| {
            let policy = json!({
                "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy",
                "metadata": { "name": format!("{name}-{letter:?}"), "annotations": { "edit": edits.to_string() } },
                "spec": { "images": [{ "glob": "**" }], "authorities": [{ "key": { "data": key } }] },
            });
            (format!("{name}.yaml"), policy.to_string())
        });
        let digest = PolicySet::parse(&files).expect("a revision loads").fingerprint();
        self.revisions.lock().expect("nobody panicked").insert(digest, letter);
        Revision { files, digest, folder: format!("revision-{edits}") }
    }

    /// Puts a revision into a folder of its own and the link on it, as Kubernetes does with its volumes.
    fn swap(&self, revision: &Revision) {
        let folder = self.folder.path().join(&revision.folder);
        fs::create_dir(&folder).expect("a temporary folder can be written");
        revision.files.iter().for_each(|(name, text)| write(&folder.join(name), text));
        let link = self.folder.path().join("next");
        std::os::unix::fs::symlink(&folder, &link).expect("a temporary folder can be written");
        fs::rename(link, self.path()).expect("a link can be replaced");
    }

    /// Replaces each file by renaming, one right after the other.
    fn rename(&self, revision: &Revision) {
        [0, 1].into_iter().for_each(|at| self.rename_one(revision, at));
    }

    fn rename_one(&self, revision: &Revision, at: usize) {
        let (name, text) = &revision.files[at];
        let aside = self.folder.path().join(name);
        write(&aside, text);
        fs::rename(aside, self.policy_file(name)).expect("a file can be replaced");
    }

    /// Waits until the revision is in force.
    async fn obeyed(&self, revision: &Revision) {
        let until = Instant::now() + PATIENCE;
        while self.gate.revision() != Some(revision.digest) {
            assert!(Instant::now() < until, "the revision is never in force");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, image: Letter) -> Told {
        let request = Request {
            image: self.images[image as usize].clone(),
            object: None,
            door: Door::Validate,
            asked_by: "test".to_owned(),
            user: None,
            namespace: None,
            deadline: PATIENCE,
        };
        Told { image, answer: self.gate.check(&request).await }
    }

    /// Asks 500 times a second until it is told to stop, and at least so many times.
    async fn ask_on(self: Arc<Self>, stop: Arc<AtomicBool>) -> Vec<Told> {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut asked = JoinSet::new();
        while !stop.load(Ordering::Relaxed) || asked.len() < CHECKS {
            ticks.tick().await;
            for image in [Letter::A, Letter::B].into_iter().cycle().take(10) {
                let world = Arc::clone(&self);
                asked.spawn(async move { world.ask(image).await });
            }
        }
        asked.join_all().await
    }

    /// That it was told by a whole revision, and what that revision says; and by which.
    #[track_caller]
    fn judged_by_one(&self, told: &Told) -> Digest {
        let judged = told.answer.as_ref().unwrap_or_else(|why| panic!("a check failed: {why}"));
        let revisions = self.revisions.lock().expect("nobody panicked");
        let letter = revisions.get(&judged.revision).expect("a revision was in force that nobody wrote");
        let (allowed, by) = match &judged.verdict {
            Verdict::Allow(approval) => (true, approval.met().iter().map(|met| met.policy.clone()).collect()),
            Verdict::Deny(denial) => {
                let policies = denial.reasons().iter().filter_map(|reason| reason.policy());
                (false, policies.map(str::to_owned).collect::<BTreeSet<String>>())
            }
        };
        assert_eq!(allowed, told.image == *letter, "{:?} by a revision of {letter:?}", told.image);
        assert_eq!(by, ["one", "two"].map(|name| format!("{name}-{letter:?}")).into());
        judged.revision
    }
}

struct Revision {
    files: [(String, String); 2],
    digest: Digest,
    folder: String,
}

/// Pushes and signs an image; by digest.
async fn signed(client: &Client, name: &str, key: PrivateKey) -> ImageRef {
    let tagged: ImageRef = name.parse().expect("it is a reference");
    let pushed = push_image(client, &tagged, name, "amd64").await;
    let image = ImageRef::digested(tagged.repository().clone(), pushed.digest);
    let (key, signer) = (key.into(), Signer { format: Format::Both, ..Signer::new(client.clone()) });
    for target in signer.targets(&image, false).await.expect("the image is there") {
        signer.sign(&key, &target).await.expect("the registry takes a signature");
    }
    image
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary folder can be written");
}

fn half(text: &str) -> &str {
    &text[..text.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_check_sees_half_a_revision_and_none_fails_while_policies_are_edited() {
    let world = Arc::new(World::start(Duration::from_secs(900)).await);
    for image in [Letter::A, Letter::B] {
        world.judged_by_one(&world.ask(image).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(Arc::clone(&world).ask_on(Arc::clone(&stop)));

    let swapped = world.revision(Letter::B);
    world.swap(&swapped);
    world.obeyed(&swapped).await;

    // A file that is written in place and stays half written for longer than a look.
    let renamed = world.revision(Letter::A);
    write(&world.policy_file("two.yaml"), half(&renamed.files[1].1));
    tokio::time::sleep(LOOK).await;
    assert_eq!(world.gate.revision(), Some(swapped.digest));
    world.rename(&renamed);
    world.obeyed(&renamed).await;

    // Files that go, come back broken, and come back.
    let returned = world.revision(Letter::B);
    fs::remove_file(world.policy_file("one.yaml")).expect("it is there");
    fs::remove_file(world.policy_file("two.yaml")).expect("it is there");
    tokio::time::sleep(LOOK).await;
    write(&world.policy_file("three.yaml"), "spec: [");
    write(&world.policy_file("one.yaml"), half(&returned.files[0].1));
    tokio::time::sleep(LOOK).await;
    assert_eq!(world.gate.revision(), Some(renamed.digest));
    world.rename(&returned);
    fs::rename(world.policy_file("three.yaml"), world.policy_file("three.txt")).expect("it is there");
    world.obeyed(&returned).await;

    // Files that come one by one, within what is between two looks: a look may find half of it.
    for _ in 0..3 {
        let slow = world.revision(Letter::A);
        world.rename_one(&slow, 0);
        tokio::time::sleep(LOOK / 3).await;
        world.rename_one(&slow, 1);
        tokio::time::sleep(LOOK / 3).await;
        world.rename(&world.revision(Letter::B));
    }

    // One edit on the heels of another.
    let last = world.revision(Letter::A);
    for letter in [Letter::A, Letter::B, Letter::A, Letter::B] {
        world.rename(&world.revision(letter));
        world.swap(&world.revision(letter));
    }
    world.swap(&last);
    world.obeyed(&last).await;

    stop.store(true, Ordering::Relaxed);
    let told = asking.await.expect("nobody who asks panics");
    assert!(told.len() >= CHECKS, "{} checks", told.len());
    let seen: BTreeSet<Digest> = told.iter().map(|one| world.judged_by_one(one)).collect();
    for revision in [&swapped, &renamed, &returned] {
        assert!(seen.contains(&revision.digest), "nobody saw {}", revision.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_file_keeps_the_old_revision_in_force_for_the_grace_and_then_everything_is_refused() {
    let grace = Duration::from_secs(3);
    let world = World::start(grace).await;
    let first = world.gate.revision();
    let broken = Instant::now();
    write(&world.policy_file("two.yaml"), "kind: Nonsense\n");
    let mut judged = 0;
    loop {
        let told = world.ask(Letter::A).await;
        if matches!(told.answer, Err(GateError::NotLoaded)) {
            break;
        }
        assert_eq!(Some(world.judged_by_one(&told)), first);
        judged += 1;
        assert!(broken.elapsed() < PATIENCE, "the old revision stays in force for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(broken.elapsed() >= grace && judged > 0, "refused after {:?} and {judged} checks", broken.elapsed());
    for image in [Letter::A, Letter::B] {
        assert!(matches!(world.ask(image).await.answer, Err(GateError::NotLoaded)));
    }
    let mended = world.revision(Letter::B);
    world.rename(&mended);
    world.obeyed(&mended).await;
    assert_eq!(world.judged_by_one(&world.ask(Letter::B).await), mended.digest);
}

const CHECKS: usize = 5_000;
/// Longer than from one look at the files to the next.
const LOOK: Duration = Duration::from_millis(2_500);
const PATIENCE: Duration = Duration::from_secs(60);
