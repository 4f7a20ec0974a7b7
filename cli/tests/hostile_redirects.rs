//! Registries that send us elsewhere: followed within limits, never to metadata, never out of TLS, never with a password.

use std::sync::atomic::{AtomicUsize, Ordering};

use oci::{location, media_type};
use suites::hostile::{Case, Door, Ends, Reply, Scene, Server, Shelf, Sink};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// Whatever is not on loopback goes through a proxy, and the proxy is a port that keeps what arrives.
fn watched(scene: &mut Scene) -> Sink {
    let sink = Sink::start();
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        scene.doors.set(name, &format!("http://{}", sink.address()));
    }
    sink
}

#[test]
fn what_is_not_on_loopback_would_be_seen_by_the_proxy() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let sink = watched(&mut scene);
    let answer = scene.doors.ask(Door::Verify, "registry.example/shop/cart:1");
    assert_eq!(answer.code, 1, "{}", answer.said);
    let arrived = sink.arrived();
    assert!(arrived.iter().any(|text| text.starts_with("CONNECT registry.example:443")), "{arrived:?}");
}

#[test]
fn redirects_in_a_circle_are_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let (here, there) = (scene.image.by_tag(), "/v2/elsewhere");
    scene.shelf.put(&here, Reply::redirect(there));
    scene.shelf.put(there, Reply::redirect(&here));
    let case = Case { name: "redirect loop", ends: Ends::Undecided, says: "redirects go in a circle" };
    scene.play(case, &scene.serve());
}

#[test]
fn redirects_without_end_are_refused() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let (path, hop) = (scene.image.by_tag(), AtomicUsize::new(0));
    scene.shelf.rule(move |seen| {
        let next = format!("/hop/{}", hop.fetch_add(1, Ordering::SeqCst));
        (seen.is(&path) || seen.target.starts_with("/hop/")).then(|| Reply::redirect(&next))
    });
    let server = scene.serve();
    scene.play(Case { name: "endless redirects", ends: Ends::Undecided, says: "more than 5 redirects" }, &server);
    let hops = server.seen().iter().filter(|seen| seen.target.starts_with("/hop/")).count();
    assert!(hops <= 4 * 5, "four doors followed {hops} redirects");
}

#[test]
fn metadata_addresses_are_never_contacted() {
    peers::require!("time");
    for target in ["http://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "http://2852039166/"] {
        let mut scene = Scene::signed(PROGRAM);
        let sink = watched(&mut scene);
        scene.shelf.put(&scene.image.by_tag(), Reply::redirect(target));
        let says = "is link-local or a metadata service";
        scene.play(Case { name: target, ends: Ends::Undecided, says }, &scene.serve());
        assert_eq!(sink.arrived(), Vec::<String>::new(), "{target}");
    }
}

#[test]
fn metadata_address_as_a_place_of_signatures_is_a_gap_or_unreadable() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let sink = watched(&mut scene);
    scene.shelf.put(&scene.image.sig(), Reply::redirect("http://169.254.169.254/"));
    let says = "address 169.254.169.254 of 169.254.169.254 is link-local or a metadata service";
    scene.play(Case { name: ".sig at a metadata address", ends: Ends::Undecided, says }, &scene.serve());
    assert_eq!(sink.arrived(), Vec::<String>::new());
}

#[test]
fn redirect_from_https_to_http_is_refused() {
    peers::require!("time");
    let plain = Sink::start();
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.by_tag(), Reply::redirect(&format!("http://{}/x", plain.address())));
    let server = scene.serve_https();
    let case = Case { name: "https to http", ends: Ends::Undecided, says: "redirected from https to http" };
    scene.play(case, &server);
    assert_eq!(plain.arrived(), Vec::<String>::new());
}

#[test]
fn pages_in_a_circle_are_a_gap() {
    peers::require!("time");
    let mut scene = Scene::unsigned(PROGRAM);
    let path = scene.image.referrers();
    let link = format!("<{path}?page=2>; rel=\"next\"");
    let page = Reply::ok(media_type::OCI_INDEX, location::fallback_index(&[])).header("Link", &link);
    scene.shelf.put(&path, page);
    let case = Case { name: "Link loop", ends: Ends::Undecided, says: "the pages of the list go in a circle" };
    scene.play(case, &scene.serve());
}

#[test]
fn next_page_on_another_host_is_a_gap_and_not_asked_for() {
    peers::require!("time");
    let foreign = Sink::start();
    let mut scene = Scene::unsigned(PROGRAM);
    let sink = watched(&mut scene);
    for host in ["evil.example".to_owned(), foreign.address()] {
        let link = format!("<https://{host}/v2/next>; rel=\"next\"");
        let page = Reply::ok(media_type::OCI_INDEX, location::fallback_index(&[])).header("Link", &link);
        scene.shelf.put(&scene.image.referrers(), page);
        let case = Case { name: "foreign Link", ends: Ends::Undecided, says: "is not on this registry" };
        scene.play(case, &scene.serve());
    }
    assert_eq!(foreign.arrived().len() + sink.arrived().len(), 0);
}

#[test]
fn redirect_to_another_host_is_followed_without_the_password() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    let storage = scene.serve();
    let (target, path) = (format!("http://{}", storage.address()), scene.image.by_tag());
    scene.shelf.rule(move |seen| match seen.header("authorization") {
        None => Some(Reply::status(401).header("WWW-Authenticate", "Basic realm=\"shop\"")),
        Some(_) if seen.is(&path) || seen.target.contains("/blobs/") => {
            Some(Reply::redirect(&format!("{target}{}", seen.target)))
        }
        Some(_) => None,
    });
    let registry = scene.serve();
    scene.doors.log_in(&registry.address(), "carol", "a password");
    scene.let_in(&registry, &scene.image);
    let arrived = storage.seen();
    assert!(!arrived.is_empty(), "nothing was redirected");
    assert!(arrived.iter().all(|seen| seen.header("authorization").is_none()), "{arrived:?}");
    assert!(registry.seen().iter().any(|seen| seen.header("authorization").is_some()));
}

#[test]
fn redirect_from_one_registry_does_not_take_along_the_password_of_another() {
    peers::require!("time");
    let asking = Server::http(|_| Reply::status(401).header("WWW-Authenticate", "Basic realm=\"other\""));
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.put(&scene.image.by_tag(), Reply::redirect(&format!("http://{}/x", asking.address())));
    scene.doors.log_in(&asking.address(), "carol", "a password");
    let case = Case { name: "redirect to a registry we know", ends: Ends::Undecided, says: "answered 401" };
    scene.play(case, &scene.serve());
    assert!(asking.seen().iter().all(|seen| seen.header("authorization").is_none()), "{:?}", asking.seen());
    assert_eq!(asking.seen().len(), Door::ALL.len());
}

#[test]
fn another_registry_does_not_get_the_password() {
    peers::require!("time");
    let mut scene = Scene::signed(PROGRAM);
    scene.shelf.rule(|_| Some(Reply::status(401).header("WWW-Authenticate", "Basic realm=\"shop\"")));
    let server = scene.serve();
    let port = server.address().rsplit(':').next().expect("a port").to_owned();
    for known in [format!("localhost:{port}"), "127.0.0.1:1".to_owned(), "127.0.0.1".to_owned()] {
        scene.doors.log_in(&known, "carol", "a password");
        let name = Shelf::name(&server.address()).to_string();
        let answer = scene.doors.ask(Door::Verify, &name);
        assert_eq!(answer.code, 1, "{known}: {}", answer.said);
        assert!(answer.said.contains("no credential was found"), "{known}: {}", answer.said);
    }
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}
