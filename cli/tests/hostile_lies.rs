//! Registries that contradict themselves: what was hashed is what counts, and nothing else is let in.

use std::sync::atomic::{AtomicUsize, Ordering};

use oci::{Digest, media_type};
use suites::hostile::{Case, Door, Ends, Image, Reply, Scene, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

fn blob(digest: &Digest) -> String {
    format!("/v2/{}/blobs/{digest}", Shelf::REPOSITORY)
}

#[test]
fn digest_header_that_lies_is_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let (signed, other) = (scene.image.clone(), Image::of("another image"));
    let lie = Reply::ok(media_type::OCI_MANIFEST, other.manifest.clone());
    scene.shelf.put(&signed.by_tag(), lie.header("Docker-Content-Digest", &signed.digest.to_string()));
    let says = &format!("Docker-Content-Digest is `{}`, the bytes have {}", signed.digest, other.digest);
    scene.play(Case { name: "lying header", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn digest_header_of_the_signature_tag_that_lies_is_a_gap() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let path = scene.image.sig();
    let good = scene.shelf.at(&path).expect("it is signed");
    scene.shelf.put(&path, good.header("Docker-Content-Digest", &scene.image.digest.to_string()));
    let says = &format!("Docker-Content-Digest is `{}`, the bytes have ", scene.image.digest);
    scene.play(Case { name: "lying header at .sig", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn other_bytes_for_a_digest_are_refused() {
    peers::require!("time");
    let scene = Scene::signed(PROGRAM);
    let (signed, other) = (scene.image.clone(), Image::of("another image"));
    let mut shelf = scene.shelf.clone();
    shelf.put(&signed.by_digest(), Reply::ok(media_type::OCI_MANIFEST, other.manifest.clone()));
    let server = suites::hostile::Server::http(move |seen| shelf.answer(seen));
    let name = format!("{}/{}@{}", server.address(), Shelf::REPOSITORY, signed.digest);
    for (door, code) in [(Door::Verify, 1), (Door::Check, 3), (Door::Pull, 1), (Door::Webhook, 503)] {
        let answer = scene.doors.ask(door, &name);
        assert_eq!(answer.code, code, "{door:?}: {}", answer.said);
        let says = format!("the bytes have digest {}, wanted {}", other.digest, signed.digest);
        assert!(answer.said.contains(&says), "{door:?}: {}", answer.said);
    }
}

#[test]
fn signature_with_other_bytes_than_its_digest_says_does_not_count() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let (payload, _) = scene.image.signature(&scene.key);
    let mut other = payload.clone();
    *other.last_mut().expect("a payload is not empty") ^= 1;
    scene.shelf.put(&blob(&Digest::of(&payload)), Reply::ok("application/octet-stream", other.clone()));
    let says = &format!("the bytes have digest {}, wanted {}", Digest::of(&other), Digest::of(&payload));
    scene.play(Case { name: "payload of another digest", ends: Ends::Denied, says }, &scene.serve());
}

#[test]
fn signature_that_is_listed_and_absent_does_not_count() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let (payload, _) = scene.image.signature(&scene.key);
    scene.shelf.put(&blob(&Digest::of(&payload)), Reply::status(404));
    let says = "cannot be read: its blob is listed, but absent";
    scene.play(Case { name: "absent payload", ends: Ends::Denied, says }, &scene.serve());
}

#[test]
fn manifest_with_a_key_twice_is_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let text = String::from_utf8(scene.image.manifest.clone()).expect("a manifest is text");
    let twice = text.replacen('{', r#"{"layers":[],"#, 1);
    scene.shelf.put(&scene.image.by_tag(), Reply::ok(media_type::OCI_MANIFEST, twice));
    let says = "manifest is not strict JSON: key `layers` stands twice";
    scene.play(Case { name: "duplicate key", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn manifest_under_the_media_type_of_an_index_is_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.by_tag(), Reply::ok(media_type::OCI_INDEX, scene.image.manifest.clone()));
    let says = "the registry says `application/vnd.oci.image.index.v1+json`";
    scene.play(Case { name: "other media type", ends: Ends::Undecided, says }, &scene.serve());
}

/// The tag answers the first image to each client's first question and the second one from then on.
fn alternating(scene: &mut Scene, first: &Image, then: &Image) {
    let (path, [first, then]) = (first.by_tag(), [first, then].map(|image| image.manifest.clone()));
    let asked = AtomicUsize::new(0);
    scene.shelf.rule(move |seen| {
        let turn = seen.is(&path).then(|| asked.fetch_add(1, Ordering::SeqCst))?;
        let manifest = if turn == 0 { &first } else { &then };
        Some(Reply::ok(media_type::OCI_MANIFEST, manifest.clone()))
    });
}

#[test]
fn tag_that_moves_after_the_first_answer_lets_in_the_first_image_or_none() {
    peers::require!("time");
    for door in Door::ALL {
        let mut scene = Scene::signed(PROGRAM);
        let (signed, other) = (scene.image.clone(), Image::of("another image"));
        scene.shelf.add(&other);
        alternating(&mut scene, &signed, &other);
        let server = scene.serve();
        let answer = scene.doors.ask(door, Shelf::name(&server.address()).to_string().as_str());
        assert_eq!((answer.code, answer.pinned), (0, Some(signed.digest.to_string())), "{door:?}: {}", answer.said);
        let by_tag = server.seen().iter().filter(|seen| seen.is(&signed.by_tag())).count();
        assert_eq!(by_tag, 1, "{door:?} asked what the tag names more than once");
        if door == Door::Pull {
            let text = std::fs::read_to_string(scene.doors.layout().join("index.json")).expect("an image was written");
            assert!(!text.contains(&other.digest.to_string()), "{text}");
        }
    }
}

#[test]
fn tag_that_moves_to_the_signed_image_too_late_is_refused() {
    peers::require!("time");
    for (door, code) in [(Door::Verify, 10), (Door::Check, 1), (Door::Pull, 1), (Door::Webhook, 400)] {
        let mut scene = Scene::signed(PROGRAM);
        let (signed, other) = (scene.image.clone(), Image::of("another image"));
        scene.shelf.add(&other);
        alternating(&mut scene, &other, &signed);
        let server = scene.serve();
        let answer = scene.doors.ask(door, Shelf::name(&server.address()).to_string().as_str());
        assert_eq!(answer.code, code, "{door:?}: {}", answer.said);
        assert!(answer.said.contains("no signatures found"), "{door:?}: {}", answer.said);
    }
}

#[test]
fn layer_with_other_bytes_is_never_written_under_the_images_name() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&blob(&scene.image.layer), Reply::ok("application/octet-stream", "the image that was bUilt"));
    let server = scene.serve();
    let answer = scene.doors.ask(Door::Pull, &Shelf::name(&server.address()).to_string());
    assert_eq!(answer.code, 1, "{}", answer.said);
    assert!(answer.said.contains(&format!("wanted {}", scene.image.layer)), "{}", answer.said);
    let index = std::fs::read_to_string(scene.doors.layout().join("index.json")).unwrap_or_default();
    assert!(!index.contains(&scene.image.digest.to_string()), "the layout names the image: {index}");
    let layer = scene.doors.layout().join("blobs/sha256").join(scene.image.layer.hex());
    assert!(!layer.exists(), "the wrong bytes were kept under the right digest");
}
