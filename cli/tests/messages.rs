//! What a user reads when an image is not let in: eight situations, eight different texts, at each command.
//!
//! The texts stand in `messages.txt`, as they are, with names for ports and digests.

use std::fmt::Write as _;

use keys::PrivateKey;
use suites::hostile::{Answer, Door, Image, Reply, Scene, Server, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
const DOORS: [(Door, &str); 3] = [(Door::Verify, "verify"), (Door::Check, "check"), (Door::Pull, "pull")];
const WIDEST: usize = 120;
const LONGEST: usize = 12;

/// A situation, the exit codes of `verify` and `check` in it (`pull` has 1, as `docker pull`), and how to get there.
struct Situation {
    name: &'static str,
    verify: i32,
    check: i32,
    stage: fn() -> (Scene, Option<Server>),
}

const SITUATIONS: [Situation; 8] = [
    Situation { name: "signed with another key", verify: 12, check: 1, stage: wrong_key },
    Situation { name: "not signed", verify: 10, check: 1, stage: unsigned },
    Situation { name: "with the signature of another image", verify: 12, check: 1, stage: moved },
    Situation { name: "registry down", verify: 1, check: 3, stage: down },
    Situation { name: "password asked for", verify: 1, check: 3, stage: unauthorized },
    Situation { name: "throttled", verify: 1, check: 3, stage: throttled },
    Situation { name: "certificate of another authority", verify: 1, check: 3, stage: wrong_authority },
    Situation { name: "no such image", verify: 11, check: 3, stage: missing },
];

fn served(scene: Scene) -> (Scene, Option<Server>) {
    let server = scene.serve();
    (scene, Some(server))
}

fn wrong_key() -> (Scene, Option<Server>) {
    let mut scene = Scene::unsigned(PROGRAM);
    let rival = PrivateKey::generate().expect("the system has randomness");
    scene.shelf.sign(&scene.image, &rival);
    served(scene)
}

fn unsigned() -> (Scene, Option<Server>) {
    served(Scene::unsigned(PROGRAM))
}

fn moved() -> (Scene, Option<Server>) {
    let mut scene = Scene::unsigned(PROGRAM);
    let (payload, layer) = other_image().signature(&scene.key);
    scene.shelf.blob(&payload);
    scene.shelf.sig(&scene.image, &[layer]);
    served(scene)
}

fn other_image() -> Image {
    Image::of("another image")
}

fn down() -> (Scene, Option<Server>) {
    (Scene::signed(PROGRAM), None)
}

fn always(reply: Reply) -> (Scene, Option<Server>) {
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.rule(move |_| Some(reply.clone()));
    served(scene)
}

fn unauthorized() -> (Scene, Option<Server>) {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#;
    always(Reply::status(401).header("WWW-Authenticate", "Basic realm=\"shop\"").body(body))
}

fn throttled() -> (Scene, Option<Server>) {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;
    always(Reply::status(429).header("Retry-After", "30").body(body))
}

fn wrong_authority() -> (Scene, Option<Server>) {
    let mut scene = Scene::signed(PROGRAM);
    let other = peers::Authority::new("another");
    let shelf = scene.shelf.clone();
    let server = Server::https(move |seen| shelf.answer(seen));
    let path = scene.doors.write("registry.pem", other.certificate());
    scene.doors.flag("--registry-cacert", &path);
    (scene, Some(server))
}

fn missing() -> (Scene, Option<Server>) {
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.by_tag(), Reply::status(404));
    served(scene)
}

/// What the command says in a situation, with names for what differs from run to run.
fn ask(situation: &Situation, door: Door) -> (Answer, String) {
    let (scene, server) = (situation.stage)();
    let address = server.as_ref().map_or_else(|| NOWHERE.to_owned(), Server::address);
    let answer = scene.doors.ask(door, &Shelf::name(&address).to_string());
    let digests = [(scene.image.digest, "IMAGE"), (other_image().digest, "OTHER")];
    let mut said = answer.said.replace(&address, "REGISTRY");
    for (digest, name) in digests {
        said = said.replace(&digest.to_string(), name);
    }
    (answer, said)
}

/// Where nothing listens.
const NOWHERE: &str = "127.0.0.1:9";

#[test]
fn every_situation_has_its_own_words_and_exit_code() {
    peers::require!("time");
    let mut all = String::new();
    for (door, command) in DOORS {
        let mut texts = Vec::new();
        for situation in &SITUATIONS {
            let (answer, said) = ask(situation, door);
            let code = match door {
                Door::Verify => situation.verify,
                Door::Check => situation.check,
                _ => 1,
            };
            assert_eq!(answer.code, code, "{command}, {}: {}", situation.name, answer.said);
            fits_on_a_screen(&said);
            write!(all, "== {command}: {}, exit {code}\n{said}\n", situation.name).expect("a string can be written");
            texts.push(said);
        }
        for (i, text) in texts.iter().enumerate() {
            assert!(!texts[..i].contains(text), "{command} says twice: {text}");
        }
    }
    assert!(all == include_str!("messages.txt"), "messages.txt should be:\n{all}");
}

#[track_caller]
fn fits_on_a_screen(said: &str) {
    assert!(said.lines().count() <= LONGEST, "{} lines: {said}", said.lines().count());
    for line in said.lines() {
        assert!(line.chars().count() <= WIDEST, "{} columns: {line}", line.chars().count());
    }
}
