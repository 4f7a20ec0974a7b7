//! The commands that verify and sign by an identity.
//!
//! What is verified was signed by cosign with a private Sigstore that is gone: the certificates lived for ten minutes,
//! and only the logs and the timestamps tell that they were in time. What is signed is signed with one that runs now.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use peers::{Recipe, Sigstore, Subject};
use serde_json::Value;
use suites::layout_loader::CorpusLayout;

use crate::{
    cases::{Case, OURS, find, words},
    scene::Scene,
};

pub(crate) const VERIFY: &str = "Verify by identity";
pub(crate) const SIGN: &str = "Sign by identity";

/// The same images verified by all three; none without the corpus.
pub(crate) fn verify<'a>(scene: &'a Scene, sealgate: &Path) -> Vec<Case<'a>> {
    let Some(corpus) = peers::corpus() else { return Vec::new() };
    let folder = corpus.join("golden-keyless");
    let root = folder.join("trusted_root.json").display().to_string();
    let kinds: [(_, _, &[&str]); 3] = [
        ("legacy, Rekor v1", "c2-legacy", &[]),
        ("bundle, Rekor v1", "c2-bundle-rekor1", &["--new-bundle-format"]),
        ("bundle, Rekor v2 and timestamp", "c3-rekor2", &["--new-bundle-format", "--use-signed-timestamps"]),
    ];
    let rows = kinds.map(|(what, recorded, old_flags)| {
        let image = pushed(scene, &folder.join("cases").join(recorded));
        let case = |(who, program, flags): (_, PathBuf, &[&str])| {
            let arguments = words(&["verify", "--trusted-root", &root], &[flags, &ALICE].concat(), &[&image]);
            let arguments = Box::new(move |_| arguments.clone());
            Case { group: VERIFY, what: what.to_owned(), who, program, registry: Some(&scene.api), arguments }
        };
        [
            (OURS, sealgate.to_owned(), [].as_slice()),
            ("cosign 2", find("cosign-2"), old_flags),
            ("cosign 3", find("cosign-3"), &[]),
        ]
        .map(case)
    });
    rows.into_iter().flatten().collect()
}

/// The image of a recorded case, in our registry with all that refers to it.
fn pushed(scene: &Scene, folder: &Path) -> String {
    let record = fs::read(folder.join("case.json")).expect("a case has a record");
    let record: Value = serde_json::from_slice(&record).expect("a record is JSON");
    let reference = record["reference"].as_str().expect("a case has an image");
    let (_, path) = reference.split_once('/').expect("an image has a registry");
    let (name, digest) = path.split_once('@').expect("a case's image is named by digest");
    let repository = format!("{}/{name}", scene.api.address());
    CorpusLayout::open(&folder.join("layout")).push(&repository);
    format!("{repository}@{digest}")
}

/// The first signature of an image that is new in each round, with the services of that Sigstore.
///
/// cosign 2 offers Rekor v2 a kind of entry that it no longer takes.
pub(crate) fn sign<'a>(scene: &'a Scene, sealgate: &Path, sigstore: &'a Sigstore) -> Vec<Case<'a>> {
    let case = |what: &str, recipe, who, program: &Path, flags| {
        let arguments = signing(scene, sigstore, recipe, who, flags);
        let program = program.to_owned();
        Case { group: SIGN, what: what.to_owned(), who, program, registry: Some(&scene.api), arguments }
    };
    let (first, second) = ("bundle, Rekor v1", "bundle, Rekor v2 and timestamp");
    vec![
        case(first, Recipe::Rekor1, OURS, sealgate, &["--format=bundle"]),
        case(first, Recipe::Rekor1, "cosign 2", &find("cosign-2"), &["--new-bundle-format"]),
        case(first, Recipe::Rekor1, "cosign 3", &find("cosign-3"), &[]),
        case(second, Recipe::Rekor2, OURS, sealgate, &["--format=bundle"]),
        case(second, Recipe::Rekor2, "cosign 3", &find("cosign-3"), &[]),
    ]
}

fn signing<'a>(
    scene: &'a Scene,
    sigstore: &'a Sigstore,
    recipe: Recipe,
    who: &str,
    flags: &'static [&'static str],
) -> Box<dyn Fn(usize) -> Vec<String> + 'a> {
    let name = format!("sign-{}-{}", recipe.name(), who.replace(' ', "-"));
    let [config, root] =
        [sigstore.signing_config(recipe), sigstore.trusted_root()].map(|path| path.display().to_string());
    Box::new(move |round| {
        let image = scene.fresh(&scene.api, &format!("{name}-{round}")).by_digest;
        let token = sigstore.token(Subject::Email("alice@sealgate.test"));
        wait_for_any_moment(round);
        let services = ["--signing-config", &config, "--trusted-root", &root, "--identity-token", &token, &image];
        words(&["sign", "--yes"], flags, &services)
    })
}

/// Logs answer all that wait at once, every second: who begins when the one before him has his answer always waits
/// longest. So each begins at another moment in each round, and all of them at the same ones.
pub(crate) fn wait_for_any_moment(round: usize) {
    // Multiples of the golden ratio are spread evenly, however many there are.
    let milliseconds = u64::try_from(round * 618 % 1000).expect("less than a thousand");
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Who signed what is verified here.
const ALICE: [&str; 4] =
    ["--certificate-identity", "alice@sealgate.test", "--certificate-oidc-issuer", "http://127.0.0.1:15001/email"];
