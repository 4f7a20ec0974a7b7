//! Registries that answer one byte a second: every door answers in the time it was given, and says why not sooner.

use std::{thread, time::Duration};

use oci::{Digest, media_type};
use suites::hostile::{Door, Doors, Reply, Scene, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const GIVEN: Duration = Duration::from_secs(3);
/// The start of the program, and a busy machine.
const GRACE: Duration = Duration::from_secs(4);

fn patient(mut scene: Scene) -> Scene {
    scene.doors.timeout(GIVEN);
    scene
}

#[track_caller]
fn in_time(doors: &Doors, door: Door, image: &str) -> suites::hostile::Answer {
    let answer = doors.ask(door, image);
    assert!(answer.took < GIVEN + GRACE, "{door:?} took {:?}: {}", answer.took, answer.said);
    assert!(!answer.said.contains("panicked"), "{}", answer.said);
    answer
}

/// Whatever is at this path comes one byte a second.
#[track_caller]
fn drips(path: impl Fn(&Scene) -> String) {
    let mut scene = patient(Scene::signed(PROGRAM));
    let path = path(&scene);
    let good = scene.shelf.at(&path).expect("the shelf answers it").dripping();
    if path == scene.image.referrers() {
        scene.shelf.put(&scene.image.sig(), Reply::status(404));
    }
    scene.shelf.put(&path, good);
    let server = scene.serve();
    let name = Shelf::name(&server.address()).to_string();
    at_every_door(&scene.doors, &name, &path);
}

/// All doors at once, since each takes its time.
#[track_caller]
fn at_every_door(doors: &Doors, name: &str, what: &str) {
    let ends = [(Door::Verify, 1), (Door::Check, 3), (Door::Pull, 1), (Door::Webhook, 503)];
    let answers = thread::scope(|scope| {
        let asked = ends.map(|(door, code)| (door, code, scope.spawn(move || in_time(doors, door, name))));
        asked.map(|(door, code, answer)| (door, code, answer.join()))
    });
    for (door, code, answer) in answers {
        let answer = answer.unwrap_or_else(|_| panic!("{door:?} at {what} was late or broken"));
        assert_eq!(answer.code, code, "{door:?} at {what}: {}", answer.said);
        assert!(answer.said.contains("no answer within "), "{door:?} at {what}: {}", answer.said);
    }
}

#[test]
fn dripping_manifest_ends_with_the_deadline() {
    peers::require!("time");
    drips(|scene| scene.image.by_tag());
}

#[test]
fn dripping_signature_tag_ends_with_the_deadline() {
    peers::require!("time");
    drips(|scene| scene.image.sig());
}

#[test]
fn dripping_referrers_end_with_the_deadline() {
    peers::require!("time");
    drips(|scene| scene.image.referrers());
}

#[test]
fn dripping_signature_ends_with_the_deadline() {
    peers::require!("time");
    drips(|scene| {
        let payload = scene.image.signature(&scene.key).0;
        format!("/v2/{}/blobs/{}", Shelf::REPOSITORY, Digest::of(&payload))
    });
}

#[test]
fn dripping_token_service_ends_with_the_deadline() {
    peers::require!("time");
    let service = suites::hostile::Server::http(|_| Reply::ok("application/json", r#"{"token":"good"}"#).dripping());
    let mut scene = patient(Scene::signed(PROGRAM));
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"shop\"", service.address());
    scene.shelf.rule(move |_| Some(Reply::status(401).header("WWW-Authenticate", &challenge)));
    let server = scene.serve();
    at_every_door(&scene.doors, &Shelf::name(&server.address()).to_string(), "the token service");
}

#[test]
fn server_that_says_nothing_ends_with_the_deadline() {
    peers::require!("time");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let name = Shelf::name(&listener.local_addr().expect("an address").to_string()).to_string();
    let scene = patient(Scene::signed(PROGRAM));
    at_every_door(&scene.doors, &name, "a port without a word");
}

#[test]
fn dripping_layer_of_a_good_image_ends_the_pull() {
    peers::require!("time");
    let mut scene = patient(Scene::signed(PROGRAM));
    let path = format!("/v2/{}/blobs/{}", Shelf::REPOSITORY, scene.image.layer);
    let good = scene.shelf.at(&path).expect("the shelf answers it").dripping();
    scene.shelf.put(&path, good);
    let server = scene.serve();
    let answer = in_time(&scene.doors, Door::Pull, &Shelf::name(&server.address()).to_string());
    assert_eq!(answer.code, 1, "{}", answer.said);
    assert!(answer.said.contains(&scene.image.layer.to_string()), "{}", answer.said);
    let index = std::fs::read_to_string(scene.doors.layout().join("index.json")).unwrap_or_default();
    assert!(!index.contains(media_type::OCI_MANIFEST), "an image was named: {index}");
}
