use oci::{Descriptor, media_type};
use suites::hostile::{Door, Scene, Shelf};
#[test]
fn probe() {
    for (name, value) in [("A", ""), ("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_PURGE_DELAY", "-1"), ("MIMALLOC_ARENA_EAGER_COMMIT", "0")] {
        for size in [4 << 20, 8 << 20] {
            let mut scene = Scene::unsigned(env!("CARGO_BIN_EXE_sealgate"));
            let long = "A".repeat(size - 500);
            let bundle = serde_json::json!({
                "mediaType": media_type::BUNDLE,
                "verificationMaterial": { "publicKey": { "hint": "x" }, "tlogEntries": [] },
                "dsseEnvelope": { "payload": long, "payloadType": media_type::IN_TOTO, "signatures": [{ "sig": "AAAA" }] },
            });
            let bundle = bundle.to_string().into_bytes();
            scene.shelf.blob(&bundle);
            scene.shelf.bundle(&scene.image, &[Descriptor::of(media_type::BUNDLE, &bundle)]);
            if !value.is_empty() { scene.doors.set(name, value); }
            let server = scene.serve();
            let n = Shelf::name(&server.address()).to_string();
            let peaks: Vec<u64> = (0..3).map(|_| scene.doors.ask(Door::Verify, &n).peak).collect();
            println!("{name}={value} {size} {peaks:?}");
        }
    }
}
