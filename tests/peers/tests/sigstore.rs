//! cosign signs with the private Sigstore by every recipe and verifies by its trusted root, and by no other.

mod leftovers;

use std::time::Instant;

use peers::{Log, Outcome, Part, Recipe, RefsOptions, Registry, Sigstore, Subject, push_image, run};

#[test]
fn every_recipe_is_signed_by_and_verified() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    peers::require!("crane", "registry-refs");
    let sigstore = Sigstore::shared();
    let stage = Stage::new(&sigstore);
    for recipe in Recipe::ALL {
        let image = stage.push(recipe.name());
        let before = recipe.log().map(|log| sigstore.entries(log));
        stage.sign(recipe, ALICE, &image).success();
        // at least one more: another test may write as well
        let grown =
            recipe.log().map(|log| sigstore.entries(log)).zip(before).is_none_or(|(after, before)| after > before);
        assert!(grown, "{recipe:?}");
        let root = sigstore.trusted_root();
        let flags = stage.flags_for(recipe, ALICE);
        assert!(stage.verify(&root, &flags, &image).success().contains(&image[image.len() - 64..]));
        let _ = stage.verify(&root, &stage.flags_for(recipe, MALLORY), &image).failure(1);
        let _ = stage.verify(&sigstore.trusted_root_of_others(), &flags, &image).failure(1);
        for part in parts_of(recipe) {
            let _ = stage.verify(&sigstore.trusted_root_without(part), &flags, &image).failure(1);
        }
    }
}

#[test]
fn every_subject_gets_a_certificate() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    peers::require!("crane", "registry-refs");
    let sigstore = Sigstore::shared();
    let stage = Stage::new(&sigstore);
    for (name, subject) in
        [("email", ALICE), ("uri", Subject::Workload("ci/shop")), ("workflow", Subject::Workflow("shop/cart"))]
    {
        let image = stage.push(name);
        stage.sign(Recipe::Rekor1, subject, &image).success();
        let verify =
            |subject| stage.verify(&sigstore.trusted_root(), &stage.flags_for(Recipe::Rekor1, subject), &image);
        verify(subject).success();
        let _ = verify(MALLORY).failure(1);
    }
}

#[test]
fn nothing_is_left_of_one_that_ends() {
    if !peers::present(&Sigstore::PROGRAMS) {
        return;
    }
    let start = Instant::now();
    let sigstore = Sigstore::start();
    println!("started in {:?}, with waiting for its turn", start.elapsed());
    let folder = sigstore.folder().to_owned();
    assert_eq!(sigstore.entries(Log::Rekor1), 0);
    let start = Instant::now();
    drop(sigstore);
    println!("ended in {:?}", start.elapsed());
    leftovers::assert_none(&folder);
}

struct Stage<'a> {
    sigstore: &'a Sigstore,
    registry: Registry,
}

impl<'a> Stage<'a> {
    fn new(sigstore: &'a Sigstore) -> Self {
        Self { sigstore, registry: Registry::refs(RefsOptions::default()) }
    }

    fn push(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("shop/{name}:1"), name);
        format!("{}/shop/{name}@{digest}", self.registry.address())
    }

    fn sign(&self, recipe: Recipe, subject: Subject<'_>, image: &str) -> Outcome {
        let (config, root) = (self.sigstore.signing_config(recipe), self.sigstore.trusted_root());
        let token = self.sigstore.token(subject);
        let mut args = vec!["sign", "--yes", "--identity-token", &token];
        // cosign verifies what it has signed, and has no flag here to do without the log of certificates.
        let (config, root) = (config.display().to_string(), root.display().to_string());
        args.extend(["--signing-config", &config]);
        if recipe != Recipe::NoCt {
            args.extend(["--trusted-root", &root]);
        }
        run("cosign-3", args.into_iter().chain([image]))
    }

    fn flags_for(&self, recipe: Recipe, subject: Subject<'_>) -> Vec<String> {
        let (name, issuer) = self.sigstore.identity(subject);
        let mut flags = vec![format!("--certificate-identity={name}"), format!("--certificate-oidc-issuer={issuer}")];
        if recipe == Recipe::TsaOnly {
            flags.extend(["--insecure-ignore-tlog=true".to_owned(), "--use-signed-timestamps".to_owned()]);
        }
        if recipe == Recipe::NoCt {
            flags.push("--insecure-ignore-sct=true".to_owned());
        }
        flags
    }

    fn verify(&self, root: &std::path::Path, flags: &[String], image: &str) -> Outcome {
        let mut args = vec!["verify".to_owned(), format!("--trusted-root={}", root.display())];
        args.extend(flags.iter().cloned());
        args.push(image.to_owned());
        run("cosign-3", args)
    }
}

/// Without which of them the signature does not count.
fn parts_of(recipe: Recipe) -> Vec<Part> {
    let mut parts = vec![Part::Authority];
    if recipe != Recipe::NoCt {
        parts.push(Part::CertificateLog);
    }
    match recipe.log() {
        Some(Log::Rekor1) => parts.push(Part::Rekor1),
        Some(Log::Rekor2 | Log::Rekor2Dsse) => parts.extend([Part::Rekor2, Part::Timestamps]),
        None => parts.push(Part::Timestamps),
    }
    parts
}

const ALICE: Subject<'static> = Subject::Email("alice@sealgate.test");
const MALLORY: Subject<'static> = Subject::Email("mallory@sealgate.test");
