//! Registries that answer with too much of everything: refused at every door, with the reason, within 32 MiB.

use oci::{Descriptor, Digest, location, media_type};
use suites::hostile::{Case, Ends, Image, Reply, Scene, Shelf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

fn layer(number: usize) -> Descriptor {
    Descriptor::of("a", format!("{number}").as_bytes())
}

fn signature_layer(number: usize) -> Descriptor {
    let mut layer = Descriptor::of(media_type::SIMPLE_SIGNING, format!("{number}").as_bytes());
    layer.annotations.insert(location::SIGNATURE_ANNOTATION.to_owned(), "AAAA".to_owned());
    layer
}

fn layers(count: usize, make: fn(usize) -> Descriptor) -> Vec<Descriptor> {
    (0..count).map(make).collect()
}

#[test]
fn endless_manifest_is_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let endless = Reply::ok(media_type::OCI_MANIFEST, "").endless();
    scene.shelf.put(&scene.image.by_tag(), endless);
    let case = Case { name: "endless manifest", ends: Ends::Undecided, says: "manifest is larger than 4194304 bytes" };
    scene.play(case, &scene.serve());
}

#[test]
fn manifest_with_a_hundred_thousand_layers_is_refused_before_it_is_fetched() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.replace(Image::with_layers("x", &layers(100_000, layer)));
    let says = "manifest is larger than 4194304 bytes, ";
    scene.play(Case { name: "100,000 layers", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn manifest_of_allowed_size_with_too_many_values_is_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.replace(Image::with_layers("x", &layers(35_000, layer)));
    let says = "manifest is not strict JSON: more than 50000 values";
    scene.play(Case { name: "35,000 layers", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn manifest_as_large_as_it_may_be_is_judged_like_any_other() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.replace(Image::with_layers("x", &layers(12_000, layer)));
    scene.play(Case { name: "12,000 layers", ends: Ends::Unsigned, says: "no signatures found" }, &scene.serve());
}

#[test]
fn signature_tag_with_a_hundred_thousand_layers_is_a_gap() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    scene.shelf.sig(&scene.image, &layers(100_000, signature_layer));
    let says = "manifest is larger than 4194304 bytes, ";
    scene.play(Case { name: "100,000 signatures", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn signature_tag_with_a_few_thousand_layers_is_read_to_the_limit_and_a_gap() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    scene.shelf.sig(&scene.image, &layers(5_000, signature_layer));
    let says = "more than 1000 signature layers";
    let server = scene.serve();
    scene.play(Case { name: "5,000 signatures", ends: Ends::Undecided, says }, &server);
    let blobs = server.seen().iter().filter(|seen| seen.target.contains("/blobs/")).count();
    assert!(blobs <= 4 * 1000, "{blobs} blobs were asked for by four doors");
}

#[test]
fn a_hundred_thousand_referrers_in_one_answer_are_a_gap() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let index = location::fallback_index(&layers(100_000, layer));
    scene.shelf.put(&scene.image.referrers(), Reply::ok(media_type::OCI_INDEX, index));
    let says = "larger than 4194304 bytes, ";
    scene.play(Case { name: "100,000 referrers", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn a_hundred_thousand_referrers_in_pages_are_a_gap() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let path = scene.image.referrers();
    scene.shelf.rule(move |seen| {
        let page: usize =
            seen.is(&path).then(|| seen.target.split_once("n=").map_or(Ok(0), |(_, n)| n.parse()))?.ok()?;
        let entries: Vec<_> = (page * 100..(page + 1) * 100).map(layer).collect();
        let next = format!("<{path}?n={}>; rel=\"next\"", page + 1);
        Some(Reply::ok(media_type::OCI_INDEX, location::fallback_index(&entries)).header("Link", &next))
    });
    let says = "more than 1000 referrers";
    let server = scene.serve();
    scene.play(Case { name: "1,000 pages of referrers", ends: Ends::Undecided, says }, &server);
    let pages = server.seen().iter().filter(|seen| seen.target.contains("/referrers/")).count();
    assert!(pages <= 4 * 33, "{pages} pages were asked for by four doors");
}

#[test]
fn signature_that_claims_a_gibibyte_is_not_fetched() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let mut huge = signature_layer(1);
    huge.size = 1 << 30;
    let blob = format!("/v2/{}/blobs/{}", Shelf::REPOSITORY, huge.digest);
    scene.shelf.sig(&scene.image, &[huge]);
    scene.shelf.put(&blob, Reply::status(200).declared(1 << 30));
    let says = "blob is larger than 1048576 bytes, 1073741824 declared";
    let server = scene.serve();
    scene.play(Case { name: "1 GiB claimed", ends: Ends::Denied, says }, &server);
    assert!(!server.seen().iter().any(|seen| seen.is(&blob)), "it was asked for");
}

#[test]
fn signature_that_turns_out_a_gibibyte_is_not_read() {
    peers::require!("time");
    for (name, reply, says) in [
        ("1 GiB declared", Reply::status(200).declared(1 << 30), "1073741824 bytes found, wanted"),
        ("endless", Reply::status(200).endless(), "blob is larger than"),
    ] {
        let mut scene = Scene::signed(PROGRAM);
        let (payload, _) = scene.image.signature(&scene.key);
        scene.shelf.put(&format!("/v2/{}/blobs/{}", Shelf::REPOSITORY, Digest::of(&payload)), reply);
        scene.play(Case { name, ends: Ends::Denied, says }, &scene.serve());
    }
}

#[test]
fn bundles_are_fetched_until_their_sum_is_too_large() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let bundles: Vec<_> = (0..8_u8).map(|n| vec![n; 4 << 20]).collect();
    bundles.iter().for_each(|bundle| scene.shelf.blob(bundle));
    let listed: Vec<_> = bundles.iter().map(|bundle| Descriptor::of(media_type::BUNDLE, bundle)).collect();
    scene.shelf.bundle(&scene.image, &listed);
    let says = "more than 12582912 bytes of signatures";
    scene.play(Case { name: "32 MiB of bundles", ends: Ends::Undecided, says }, &scene.serve());
}

#[test]
fn bundle_as_large_as_it_may_be_is_examined() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let long = "A".repeat((8 << 20) - 500);
    let bundle = serde_json::json!({
        "mediaType": media_type::BUNDLE,
        "verificationMaterial": { "publicKey": { "hint": "x" }, "tlogEntries": [] },
        "dsseEnvelope": { "payload": long, "payloadType": media_type::IN_TOTO, "signatures": [{ "sig": "AAAA" }] },
    });
    let bundle = bundle.to_string().into_bytes();
    scene.shelf.blob(&bundle);
    scene.shelf.bundle(&scene.image, &[Descriptor::of(media_type::BUNDLE, &bundle)]);
    scene.play(Case { name: "8 MiB bundle", ends: Ends::Denied, says: "not by a trusted key" }, &scene.serve());
}

#[test]
fn flood_beside_a_good_signature_does_not_hide_it() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.referrers(), Reply::ok(media_type::OCI_INDEX, "").endless());
    scene.let_in(&scene.serve(), &scene.image);
}
