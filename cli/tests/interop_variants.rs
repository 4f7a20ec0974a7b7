//! What the matrix leaves out: annotations, whole indexes, both formats at once, several signers of one image, and
//! cosign's other commands on what sealgate has written.

use std::path::Path;

use peers::{Cosign, Format, KeyPair, RefsOptions, Registry, push_image, run};
use serde_json::Value;
use suites::{
    as_cosign::AsCosign,
    signers::{Tool, Tools},
};
use tempfile::TempDir;

#[test]
fn annotations_are_read_by_the_others() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    let (cosign, sealgate) = (Cosign::v3(), AsCosign::new(PROGRAM));
    // what Go escapes in JSON and what it does not
    let odd = [("env", "prod"), ("note", "a<b>&c\\ = ü\u{2028}")];
    let wanted: Vec<_> = odd.iter().flat_map(|(name, value)| ["-a".to_owned(), format!("{name}={value}")]).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    for format in [Format::Legacy, Format::Bundle] {
        let [ours, theirs] = ["ours", "theirs"].map(|name| world.image(&format!("{name}-{format:?}").to_lowercase()));
        sealgate.sign(format, &world.key, &ours, &odd).success();
        cosign.sign(format, &world.key, &theirs, &odd).success();
        cosign.verify(&world.key.public, &ours, &wanted).success();
        sealgate.verify(&world.key.public, &theirs, &wanted).success();

        // one line of CSV says the same
        let quoted = ["-a", "env=prod,\"note=a<b>&c\\ = ü\u{2028}\""];
        cosign.verify(&world.key.public, &ours, &quoted).success();
        sealgate.verify(&world.key.public, &theirs, &quoted).success();

        let code = if format == Format::Legacy { 12 } else { 1 };
        let _ = cosign.verify(&world.key.public, &ours, &["-a", "env=dev"]).failure(code);
        let _ = sealgate.verify(&world.key.public, &theirs, &["-a", "env=dev"]).failure(12);
    }
}

#[test]
fn every_manifest_of_an_index_is_signed() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    let key = world.key.private.to_str().unwrap();
    for (name, flags) in [("legacy", ["--format", "legacy"]), ("bundle", ["--format", "bundle"])] {
        let (index, children) = world.index(name);
        let mut sealgate = AsCosign::new(PROGRAM);
        sealgate.client_mut().set("COSIGN_PASSWORD", &world.key.password);
        sealgate.run(["sign", "--recursive", "--key", key, flags[0], flags[1], &index]).success();
        for image in children.iter().chain([&index]) {
            world.assert_verified_by_all(image);
        }
        let (index, children) = world.index(&format!("{name}-index-only"));
        sealgate.run(["sign", "--key", key, flags[0], flags[1], &index]).success();
        world.assert_verified_by_all(&index);
        world.assert_unsigned_for_all(&children[0]);
    }
}

#[test]
fn both_formats_at_once_are_read_in_either() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    let image = world.image("both");
    let mut sealgate = AsCosign::new(PROGRAM);
    sealgate.client_mut().set("COSIGN_PASSWORD", &world.key.password);
    sealgate.run(["sign", "--format", "both", "--key", world.key.private.to_str().unwrap(), &image]).success();
    world.assert_verified_by_all(&image);
    Cosign::v3().verify(&world.key.public, &image, &["--new-bundle-format=false"]).success();
    let proofs = sealgate.verify(&world.key.public, &image, &[]).success();
    let proofs: Value = serde_json::from_str(&proofs).unwrap();
    let formats: Vec<_> = proofs.as_array().unwrap().iter().map(|proof| &proof["sealgate"]["format"]).collect();
    assert_eq!(formats, ["legacy", "bundle"]);
}

#[test]
fn one_image_is_signed_by_all_three() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    for format in [Format::Legacy, Format::Bundle] {
        let image = world.image(&format!("by-three-{format:?}").to_lowercase());
        let keys = Tool::ALL.map(|tool| {
            let key = world.tools.generate(tool, &world.folder.path().join(format!("{format:?}-{}", tool.name())), "");
            world.tools.sign(tool, format, &key, &image).success();
            key
        });
        for (verifier, key) in Tool::ALL.iter().flat_map(|tool| keys.iter().map(move |key| (*tool, key))) {
            world.tools.verify(verifier, &key.public, &image, &[]).success();
        }
    }
}

#[test]
fn a_legacy_signature_is_not_made_twice() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    for first in Tool::ALL {
        let image = world.image(&format!("twice-{}", first.name()));
        world.tools.sign(first, Format::Legacy, &world.key, &image).success();
        for again in Tool::ALL {
            world.tools.sign(again, Format::Legacy, &world.key, &image).success();
            assert_eq!(world.layers(&image), 1, "first {first:?}, then {again:?}");
        }
        world.assert_verified_by_all(&image);
    }
}

#[test]
fn cosigns_other_commands_work_on_what_we_wrote() {
    peers::require!("cosign-2", "cosign-3", "crane");
    let world = World::new();
    let (cosign, sealgate) = (Cosign::v3(), AsCosign::new(PROGRAM));
    let image = world.image("listed");
    sealgate.sign(Format::Legacy, &world.key, &image, &[]).success();
    let place = cosign.triangulate(&image).success();
    assert_eq!(sealgate.run(["triangulate", &image]).success(), place);
    assert!(cosign.run(["tree", &image]).success().contains(&place));
    let downloaded: Value = serde_json::from_str(&cosign.run(["download", "signature", &image]).success()).unwrap();
    assert!(downloaded["Base64Signature"].as_str().is_some_and(|text| text.len() > 60), "{downloaded}");
    cosign.run(["clean", "--force", "--type", "signature", &image]).success();
    let _ = sealgate.verify(&world.key.public, &image, &[]).failure(10);

    sealgate.sign(Format::Bundle, &world.key, &image, &[]).success();
    let downloaded: Value = serde_json::from_str(&cosign.run(["download", "signature", &image]).success()).unwrap();
    assert_eq!(downloaded["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    cosign.run(["clean", "--force", "--type", "referrer", &image]).success();
    let _ = sealgate.verify(&world.key.public, &image, &[]).failure(10);
}

#[test]
fn a_saved_image_is_loaded_elsewhere_with_its_legacy_signature() {
    peers::require!("cosign-3", "crane");
    let world = World::new();
    let copy = format!("{}/shop/loaded:1", world.registry.address());
    assert_eq!(world.save_and_load(Format::Legacy, &copy), 0);
    AsCosign::new(PROGRAM).verify(&world.key.public, &copy, &[]).success();
    Cosign::v3().verify(&world.key.public, &copy, &[]).success();
}

/// cosign pushes the bundle's manifest before its blob. A registry that checks, such as Debian's and ours, refuses.
#[test]
fn cosign_does_not_load_a_bundle_into_a_registry_that_checks() {
    peers::require!("cosign-3", "crane", "docker-registry", "registry-refs");
    let world = World::new();
    let image = |registry: &Registry| format!("{}/shop/loaded:1", registry.address());
    assert_eq!(world.save_and_load(Format::Bundle, &image(&world.registry)), 1);
    assert_eq!(world.save_and_load(Format::Bundle, &image(&Registry::debian())), 1);
    let lax = Registry::refs(RefsOptions::default());
    assert_eq!(world.save_and_load(Format::Bundle, &image(&lax)), 0);
}

struct World {
    tools: Tools,
    registry: Registry,
    key: KeyPair,
    stranger: KeyPair,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let tools = Tools::new(PROGRAM);
        let [key, stranger] =
            ["team", "stranger"].map(|name| tools.generate(Tool::Sealgate, &folder.path().join(name), "secret"));
        Self { tools, registry: Registry::sealgate(PROGRAM, &[]), key, stranger, folder }
    }

    /// A new image by its digest.
    fn image(&self, name: &str) -> String {
        let digest = push_image(&self.registry, &format!("shop/{name}:1"), name);
        format!("{}/shop/{name}@{digest}", self.registry.address())
    }

    /// A new index of two images, and the two, by their digests.
    fn index(&self, name: &str) -> (String, [String; 2]) {
        let repository = format!("{}/shop/{name}", self.registry.address());
        let children = ["one", "two"].map(|tag| {
            let digest = push_image(&self.registry, &format!("shop/{name}:{tag}"), &format!("{name} {tag}"));
            format!("{repository}@{digest}")
        });
        let [one, two, index] = ["one", "two", "index"].map(|tag| format!("{repository}:{tag}"));
        run("crane", ["index", "append", "-m", &one, "-m", &two, "-t", &index]).success();
        (format!("{repository}@{}", run("crane", ["digest", &index]).success()), children)
    }

    /// The exit code of `cosign load` of an image that sealgate signed and cosign saved.
    fn save_and_load(&self, format: Format, copy: &str) -> i32 {
        let (cosign, folder) = (Cosign::v3(), TempDir::new().expect("a temporary folder can be made"));
        let image = self.image("saved");
        AsCosign::new(PROGRAM).sign(format, &self.key, &image, &[]).success();
        cosign.run(["save".as_ref(), "--dir".as_ref(), folder.path(), Path::new(&image)]).success();
        cosign.run(["load".as_ref(), "--dir".as_ref(), folder.path(), Path::new(copy)]).code
    }

    /// How many layers are under the image's `.sig` tag.
    fn layers(&self, image: &str) -> usize {
        let (repository, digest) = image.split_once('@').expect("the image has a digest");
        let tag = format!("{repository}:{}.sig", digest.replace(':', "-"));
        let manifest: Value = serde_json::from_str(&run("crane", ["manifest", &tag]).success()).expect("it is JSON");
        manifest["layers"].as_array().expect("it has layers").len()
    }

    #[track_caller]
    fn assert_verified_by_all(&self, image: &str) {
        for tool in Tool::ALL {
            self.tools.verify(tool, &self.key.public, image, &[]).success();
            let code = self.tools.verify(tool, &self.stranger.public, image, &[]).code;
            assert!([1, 12].contains(&code), "{tool:?} with another's key: {code}");
        }
    }

    #[track_caller]
    fn assert_unsigned_for_all(&self, image: &str) {
        for tool in Tool::ALL {
            let _ = self.tools.verify(tool, &self.key.public, image, &[]).failure(10);
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
