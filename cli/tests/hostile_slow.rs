//! Registries that answer one byte a second: every door answers in the time it was given, and says why not sooner.

use std::time::Duration;

use oci::{Digest, media_type};
use suites::hostile::{Case, Door, Doors, Ends, Reply, Scene, Shelf};

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

#[test]
fn dripping_answer_to_any_question_ends_with_the_deadline() {
    peers::require!("time");
    let paths: [fn(&Scene) -> String; 4] = [
        |scene| scene.image.by_tag(),
        |scene| scene.image.sig(),
        |scene| scene.image.referrers(),
        |scene| format!("/v2/{}/blobs/{}", Shelf::REPOSITORY, Digest::of(&scene.image.signature(&scene.key).0)),
    ];
    for (number, path) in paths.into_iter().enumerate() {
        let mut scene = patient(Scene::signed(PROGRAM));
        let path = path(&scene);
        let good = scene.shelf.at(&path).expect("the shelf answers it").dripping();
        scene.shelf.put(&path, good);
        if number == 2 {
            scene.shelf.put(&scene.image.sig(), Reply::status(404));
        }
        let server = scene.serve();
        let name = Shelf::name(&server.address()).to_string();
        for (door, code) in [(Door::Verify, 1), (Door::Check, 3), (Door::Pull, 1), (Door::Webhook, 503)] {
            let answer = in_time(&scene.doors, door, &name);
            assert_eq!(answer.code, code, "{door:?} at {path}: {}", answer.said);
            assert!(answer.said.contains("no answer within "), "{door:?} at {path}: {}", answer.said);
        }
    }
}

#[test]
fn dripping_token_service_ends_with_the_deadline() {
    peers::require!("time");
    let service = suites::hostile::Server::http(|_| Reply::ok("application/json", r#"{"token":"good"}"#).dripping());
    let mut scene = patient(Scene::signed(PROGRAM));
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"shop\"", service.address());
    scene.shelf.rule(move |_| Some(Reply::status(401).header("WWW-Authenticate", &challenge)));
    let case = Case { name: "dripping token", ends: Ends::Undecided, says: "no answer within " };
    scene.play(case, &scene.serve());
}

#[test]
fn server_that_says_nothing_ends_with_the_deadline() {
    peers::require!("time");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let name = Shelf::name(&listener.local_addr().expect("an address").to_string()).to_string();
    let scene = patient(Scene::signed(PROGRAM));
    for (door, code) in [(Door::Verify, 1), (Door::Check, 3), (Door::Pull, 1), (Door::Webhook, 503)] {
        let answer = in_time(&scene.doors, door, &name);
        assert_eq!(answer.code, code, "{door:?}: {}", answer.said);
        assert!(answer.said.contains("no answer within "), "{door:?}: {}", answer.said);
    }
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
