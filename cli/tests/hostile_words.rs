//! Registries that speak to the terminal through us: their words are cut and escaped wherever they are shown.

use oci::{Descriptor, media_type};
use suites::hostile::{Door, Reply, Scene, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
/// Colours, a line of its own that looks like ours, and a change of direction.
const EVIL: &str = "\u{1b}[31mred\r\nallowed    everything\u{202e}\u{7}";

/// Asks all doors and checks that nothing of the stranger's reaches a terminal as it is.
#[track_caller]
fn nothing_gets_through(what: &str, scene: &Scene) {
    let server = scene.serve();
    for door in Door::ALL {
        let answer = scene.doors.ask(door, &Shelf::name(&server.address()).to_string());
        assert_ne!(answer.code, 0, "{what} at {door:?}: {}", answer.said);
        let raw = answer.said.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{what} at {door:?}: {:?}", answer.said);
        let forged = answer.said.lines().any(|line| line.starts_with("allowed    everything"));
        assert!(!forged, "{what} at {door:?}: {}", answer.said);
        let longest = answer.said.lines().filter(|line| !line.starts_with('{')).map(str::len).max();
        assert!(longest < Some(1000), "{what} at {door:?}: {longest:?} bytes in a line: {}", answer.said);
    }
}

#[test]
fn words_of_an_error_are_cut_and_escaped() {
    peers::require!("time");
    let long = EVIL.repeat(50);
    for status in [400, 401, 403, 500] {
        for body in [
            serde_json::json!({ "errors": [{ "code": long, "message": long }] }).to_string().into_bytes(),
            long.clone().into_bytes(),
            [long.as_bytes(), &[0xff, 0xfe, 0x9b, 0]].concat(),
        ] {
            let mut scene = Scene::signed(PROGRAM);
            scene.shelf.rule(move |_| Some(Reply::status(status).body(body.clone())));
            nothing_gets_through(&format!("body of {status}"), &scene);
        }
    }
}

#[test]
fn names_in_manifests_are_cut_and_escaped() {
    peers::require!("time");
    let long = EVIL.repeat(50);
    let manifests = [
        serde_json::json!({ "schemaVersion": 2, "mediaType": long }),
        serde_json::json!({ "schemaVersion": 2, long.as_str(): 1, "config": { "digest": long } }),
        serde_json::json!({ "schemaVersion": 2, "config": { "mediaType": "a", "size": 1, "digest": long } }),
        serde_json::json!({ "schemaVersion": 2, "config": { "mediaType": "a", "size": long, "digest": "sha256:0" } }),
    ];
    let twice = format!(r#"{{"a":{0},"a":{0},{0}:1,{0}:2}}"#, serde_json::json!(long));
    for manifest in manifests.map(|manifest| manifest.to_string()).into_iter().chain([twice]) {
        let mut scene = Scene::signed(PROGRAM);
        scene.shelf.put(&scene.image.by_tag(), Reply::ok(media_type::OCI_MANIFEST, manifest.clone()));
        nothing_gets_through(&manifest[..40], &scene);
    }
}

#[test]
fn headers_are_cut_and_escaped() {
    peers::require!("time");
    // A header cannot hold a line break; everything else can be sent.
    let long = EVIL.replace("\r\n", "\t").repeat(50);
    for (name, path) in [("Docker-Content-Digest", 0), ("Content-Type", 0), ("Location", 1), ("WWW-Authenticate", 2)] {
        let mut scene = Scene::signed(PROGRAM);
        let reply = match path {
            0 => Reply::status(200).header(name, &long).body(scene.image.manifest.clone()),
            1 => Reply::status(307).header(name, &format!("https://evil.example/{long}")),
            _ => Reply::status(401).header(name, &format!("Bearer realm=\"https://evil.example/{long}\"")),
        };
        scene.shelf.put(&scene.image.by_tag(), reply);
        if name == "Content-Type" {
            scene.shelf.put(&scene.image.sig(), Reply::status(404));
        }
        nothing_gets_through(name, &scene);
    }
}

#[test]
fn words_in_signatures_are_cut_and_escaped() {
    peers::require!("time");
    let long = EVIL.repeat(50);
    let payload = |kind: &str, digest: &str| {
        serde_json::json!({ "critical": { "identity": { "docker-reference": long.as_str() },
            "image": { "docker-manifest-digest": digest }, "type": kind }, "optional": { long.as_str(): long.as_str() } })
    };
    for payload in [payload(&long, "sha256:0"), payload("cosign container image signature", &long)] {
        let mut scene = Scene::unsigned(PROGRAM);
        let payload = payload.to_string().into_bytes();
        let signature = scene.key.sign(&payload).expect("a key of our own signs");
        let mut layer = Descriptor::of(media_type::SIMPLE_SIGNING, &payload);
        let signature = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature);
        layer.annotations.insert(oci::location::SIGNATURE_ANNOTATION.to_owned(), signature);
        scene.shelf.blob(&payload);
        scene.shelf.sig(&scene.image, &[layer]);
        nothing_gets_through("payload", &scene);
    }
    let bundles = [
        serde_json::json!({ "mediaType": long.as_str() }),
        serde_json::json!({ "mediaType": media_type::BUNDLE, long.as_str(): 1 }),
    ];
    for bundle in bundles {
        let mut scene = Scene::unsigned(PROGRAM);
        let bundle = bundle.to_string().into_bytes();
        scene.shelf.blob(&bundle);
        scene.shelf.bundle(&scene.image, &[Descriptor::of(media_type::BUNDLE, &bundle)]);
        nothing_gets_through("bundle", &scene);
    }
}
