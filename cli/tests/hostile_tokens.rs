//! Registries that send a user's password to a token service: only to one that is the registry's own.

use suites::hostile::{Case, Ends, Reply, Scene, Server, Shelf, Sink};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

/// A registry that asks for a token of this service; the doors have a password for the registry.
fn asking(realm: &str) -> (Scene, Server) {
    let mut scene = Scene::signed(PROGRAM);
    challenge(&mut scene, realm);
    let server = scene.serve();
    scene.doors.log_in(&server.address(), "carol", "a password");
    (scene, server)
}

fn challenge(scene: &mut Scene, realm: &str) {
    let challenge =
        format!("Bearer realm=\"{realm}\",service=\"shop\",scope=\"repository:{}:pull\"", Shelf::REPOSITORY);
    scene.shelf.rule(move |seen| {
        (seen.header("authorization") != Some("Bearer good") && !seen.target.starts_with("/token"))
            .then(|| Reply::status(401).header("WWW-Authenticate", &challenge))
    });
}

#[test]
fn foreign_token_service_gets_nothing() {
    peers::require!("time");
    for realm in ["https://evil.example/token", "https://127.0.0.1.evil.example/token", "https://auth.docker.io/token"]
    {
        let (mut scene, server) = asking(realm);
        let sink = Sink::start();
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            scene.doors.set(name, &format!("http://{}", sink.address()));
        }
        let says = "is not known to belong to this registry";
        scene.play(Case { name: realm, ends: Ends::Undecided, says }, &server);
        assert_eq!(sink.arrived(), Vec::<String>::new(), "{realm}");
        assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()), "{realm}");
    }
}

#[test]
fn token_service_at_a_metadata_address_gets_nothing() {
    peers::require!("time");
    let (mut scene, server) = asking("https://169.254.169.254/token");
    let sink = Sink::start();
    scene.doors.set("HTTPS_PROXY", &format!("http://{}", sink.address()));
    let says = "token service `169.254.169.254` is not known to belong to this registry";
    scene.play(Case { name: "metadata realm", ends: Ends::Undecided, says }, &server);
    assert_eq!(sink.arrived(), Vec::<String>::new());
}

#[test]
fn token_service_without_tls_of_a_registry_with_tls_gets_nothing() {
    peers::require!("time");
    let plain = Sink::start();
    let mut scene = Scene::signed(PROGRAM);
    challenge(&mut scene, &format!("http://{}/token", plain.address()));
    let server = scene.serve_https();
    scene.doors.log_in(&server.address(), "carol", "a password");
    scene.play(Case { name: "plain realm", ends: Ends::Undecided, says: "/token` is not https" }, &server);
    assert_eq!(plain.arrived(), Vec::<String>::new());
}

#[test]
fn token_service_that_redirects_does_not_pass_on_the_password() {
    peers::require!("time");
    let elsewhere = Server::http(|_| Reply::ok("application/json", r#"{"token":"good"}"#));
    let service = format!("http://{}/token", elsewhere.address());
    let redirecting = Server::http(move |_| Reply::redirect(&service));
    let (scene, server) = asking(&format!("http://{}/token", redirecting.address()));
    scene.let_in(&server, &scene.image);
    assert!(redirecting.seen().iter().any(|seen| seen.header("authorization").is_some()), "{:?}", redirecting.seen());
    assert!(!elsewhere.seen().is_empty(), "the redirect was not followed");
    assert!(elsewhere.seen().iter().all(|seen| seen.header("authorization").is_none()), "{:?}", elsewhere.seen());
}

#[test]
fn own_token_service_gets_the_password_and_the_registry_does_not() {
    peers::require!("time");
    let service = Server::http(|_| Reply::ok("application/json", r#"{"token":"good"}"#));
    let (scene, server) = asking(&format!("http://{}/token", service.address()));
    scene.let_in(&server, &scene.image);
    let basic = |server: &Server| {
        let basic = |seen: &suites::hostile::Seen| seen.header("authorization").is_some_and(|a| a.starts_with("Basic"));
        server.seen().iter().any(basic)
    };
    assert!(basic(&service) && !basic(&server));
}

#[test]
fn endless_token_answer_is_refused() {
    peers::require!("time");
    for (name, reply, says) in [
        ("endless token", Reply::status(200).endless(), "token answer is larger than 65536 bytes"),
        ("1 GiB token", Reply::status(200).declared(1 << 30), "token answer is larger than 65536 bytes, 1073741824"),
        ("endless refusal", Reply::status(500).endless(), "answered 500"),
    ] {
        let service = Server::http(move |_| reply.clone());
        let (scene, server) = asking(&format!("http://{}/token", service.address()));
        scene.play(Case { name, ends: Ends::Undecided, says }, &server);
    }
}

#[test]
fn challenges_without_end_are_given_up() {
    peers::require!("time");
    let service = Server::http(|_| Reply::ok("application/json", r#"{"token":"bad"}"#));
    let (scene, server) = asking(&format!("http://{}/token", service.address()));
    scene.play(Case { name: "token refused", ends: Ends::Undecided, says: "answered 401" }, &server);
    assert!(server.seen().len() <= 4 * 6, "{} requests by four doors", server.seen().len());
}
