//! Who is asked, in which order, and what is left when somebody refuses.

use serde_json::json;

use crate::{
    fake::{Fake, SECRET, token},
    stage::Stage,
};

const STATEMENT: &str = "The sigstore service, hosted by sigstore a Series of LF Projects";

/// A service that refuses everything.
fn refusing() -> Fake {
    Fake::answering(|_, _| (400, r#"{"message":"no \u001b[31m"}"#.to_owned()))
}

/// A signing config with these services.
fn config(authority: &Fake, log: &Fake) -> String {
    let service = |fake: &Fake| json!([{ "url": fake.address, "majorApiVersion": 1, "validFor": { "start": "2020-01-01T00:00:00Z" }, "operator": "a" }]);
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(authority), "oidcUrls": service(authority), "rekorTlogUrls": service(log),
        "rekorTlogConfig": { "selector": "ANY" },
    })
    .to_string()
}

#[test]
fn token_goes_to_the_authority_alone_and_its_refusal_leaves_nothing() {
    peers::require!("crane");
    let (authority, log) = (refusing(), refusing());
    let text = token(&json!({ "email": "me@a.test", "email_verified": true }));
    let stage = Stage::set_up().with_token(&text);
    let image = stage.image("1");
    let before = stage.registry.requests().len();
    stage.write("c.json", &config(&authority, &log));
    let urls = format!("--fulcio-url {} --rekor-url {}", authority.address, log.address);
    for services in ["--signing-config c.json", &urls] {
        let said = stage.run(&format!("sign {services} {image}")).failure(1);
        assert!(said.contains("Generating ephemeral keys...\n"), "{said}");
        let wanted = "error: certificate authority: 127.0.0.1 answered 400: no \\u{1b}[31m\n";
        assert!(said.contains(wanted), "{said}");
        assert!(!said.contains(SECRET) && !said.contains(STATEMENT), "{said}");
    }
    let asked = authority.asked();
    assert_eq!(authority.whats(), ["POST /api/v2/signingCert", "POST /api/v2/signingCert"]);
    assert_eq!(asked[0].authorization, format!("Bearer {text}"));
    assert!(asked[0].body.contains("proofOfPossession") && !asked[0].body.contains(SECRET));
    assert!(log.whats().is_empty() && !stage.stored_since(before));
}

#[test]
fn what_can_fail_cheaply_fails_before_the_authority_is_asked() {
    peers::require!("crane");
    let (authority, log) = (refusing(), refusing());
    let stage = Stage::set_up();
    let image = stage.image("1");
    stage.write("old", &token(&json!({ "exp": 1_000_000_000 })));
    stage.write("good", &token(&json!({})));
    stage.write("t.json", "{}");
    let urls = format!("--fulcio-url {} --rekor-url {}", authority.address, log.address);
    let absent = image.replace("shop/cart", "shop/absent");
    for (line, wanted) in [
        (format!("sign {urls} --identity-token good {absent}"), "does not exist in its registry"),
        (format!("sign {urls} --identity-token old {image}"), "identity token expired at 2001-09-09T01:46:40Z"),
        (format!("sign {urls} --identity-token nothing {image}"), "reading the file of the identity token"),
        (format!("sign {urls} --oidc-provider github-actions {image}"), "`github-actions` is not here"),
        (format!("sign {urls} --oidc-provider gitlab {image}"), "`gitlab` provides no identity tokens"),
        (format!("sign {urls} --trusted-root t.json --identity-token good {image}"), "loading trusted root: t.json"),
        (
            format!("sign {urls} --fulcio-auth-flow token {image}"),
            "--fulcio-auth-flow=token: there is no identity token",
        ),
        (format!("sign {urls} --tlog-upload=false --identity-token good {image}"), "neither a timestamp authority"),
        (format!("sign --use-signing-config {urls} {image}"), "cannot specify service URLs and use signing config"),
        (format!("sign --fulcio-url {} --identity-token good {image}", authority.address), "no --rekor-url its log"),
        (
            format!("sign --fulcio-url http://192.0.2.1 --rekor-url {} --identity-token good {image}", log.address),
            "choosing services: certificate authority: 192.0.2.1 is to be asked by plain http, wanted https",
        ),
        (
            format!("sign {urls} --timestamp-server-name a.test --identity-token good {image}"),
            "--timestamp-server-name is given, and no timestamp authority",
        ),
        (format!("sign --signing-config t.json --identity-token good {image}"), "choosing services: "),
        (format!("sign --signing-config absent --identity-token good {image}"), "choosing services: open absent"),
    ] {
        let said = stage.run(&line).failure(1);
        assert!(said.contains(wanted), "{line}: {said}");
        assert!(!said.contains(SECRET), "{said}");
    }
    assert!(authority.whats().is_empty() && log.whats().is_empty());
}

#[test]
fn key_writes_to_a_log_only_where_one_is_named_and_its_refusal_leaves_nothing() {
    peers::require!("crane");
    let (authority, log) = (refusing(), refusing());
    let stage = Stage::set_up();
    let image = stage.image("1");
    let before = stage.registry.requests().len();
    stage.write("c.json", &config(&authority, &log));
    for services in [format!("--rekor-url {}", log.address), "--signing-config c.json".to_owned()] {
        let said = stage.run(&format!("sign --key k.key {services} {image}")).failure(1);
        assert!(said.contains("error: transparency log: 127.0.0.1 answered 400"), "{said}");
    }
    assert_eq!(log.whats(), ["POST /api/v1/log/entries", "POST /api/v1/log/entries"]);
    assert!(authority.whats().is_empty() && !stage.stored_since(before));
    let services = format!("--rekor-url {} --tlog-upload=false", log.address);
    let outcome = stage.run(&format!("sign --key k.key {services} {image}"));
    assert!(outcome.stderr.ends_with("not logged; verify with --private-infrastructure\n"), "{}", outcome.stderr);
    assert!(log.whats().len() == 2 && stage.stored_since(before));
}

#[test]
fn key_that_is_to_be_certified_is_the_one_that_is_sent() {
    let authority = refusing();
    let stage = Stage::set_up().with_token(&token(&json!({})));
    let urls = format!("--fulcio-url {0} --rekor-url {0}", authority.address);
    let said = stage.run(&format!("sign-blob --key k.key --issue-certificate {urls} --bundle b.json f")).failure(1);
    assert!(said.ends_with("error: certificate authority: 127.0.0.1 answered 400: no \\u{1b}[31m\n"), "{said}");
    let public = std::fs::read_to_string(stage.path("k.pub")).unwrap().trim().replace('\n', "\\n");
    let asked = authority.asked();
    assert!(asked.len() == 1 && asked[0].body.contains(&public), "{asked:?}");
    let line = format!("sign-blob --key k.key --certificate c.pem --issue-certificate {urls} --bundle b.json f");
    assert!(stage.run(&line).failure(1).contains("cannot be used with"));
}

#[test]
fn files_are_signed_by_the_same_rules() {
    let (authority, log) = (refusing(), refusing());
    let stage = Stage::set_up().with_token(&token(&json!({})));
    stage.write("p.json", "{}");
    let urls = format!("--fulcio-url {} --rekor-url {}", authority.address, log.address);
    for command in ["sign-blob", "attest-blob --predicate p.json"] {
        let said = stage.run(&format!("{command} {urls} --bundle b.json f")).failure(1);
        assert!(said.contains("error: certificate authority: 127.0.0.1 answered 400"), "{said}");
        let said =
            stage.run(&format!("{command} --key k.key --rekor-url {} --bundle b.json f", log.address)).failure(1);
        assert!(said.contains("error: transparency log: 127.0.0.1 answered 400"), "{said}");
        assert!(!stage.exists("b.json"));
    }
}

#[test]
fn who_publishes_in_sigstores_own_instance_is_told_so_first() {
    let stage = Stage::set_up();
    stage.write("old", &token(&json!({ "exp": 1_000_000_000 })));
    let (one, other) = (refusing(), refusing());
    let private = config(&one, &other);
    let escaped = private.replace(&other.address, "https://rekor.sigstore\\u002edev");
    stage.write("private.json", &private);
    stage.write("escaped.json", &escaped);
    // the token is refused before anybody is asked
    for (flags, public) in [
        ("", true),
        ("--key k.key --issue-certificate --use-signing-config", true),
        ("--use-signing-config=false", true),
        ("--use-signing-config=false --yes", true),
        ("--fulcio-url https://fulcio.sigstore.dev. --rekor-url http://127.0.0.1:1", true),
        ("--fulcio-url http://127.0.0.1:1 --rekor-url https://REKOR.SIGSTORE.DEV", true),
        ("--fulcio-url http://127.0.0.1:1 --rekor-url https://rekor.sigstore%2edev/", true),
        ("--fulcio-url http://127.0.0.1:1 --rekor-url http://127.0.0.1:1", false),
        ("--fulcio-url http://127.0.0.1:1 --rekor-url https://rekor.sigstore.dev.a.test/rekor.sigstore.dev", false),
        ("--signing-config escaped.json", true),
        ("--signing-config private.json", false),
    ] {
        let said = stage.run(&format!("sign-blob --identity-token old {flags} --bundle b.json f")).failure(1);
        assert!(said.contains("identity token expired"), "{said}");
        assert_eq!(said.contains(STATEMENT), public, "{flags}: {said}");
    }
}

#[test]
fn files_of_a_private_instance_do_not_go_with_the_services_of_another() {
    for variable in [
        "SIGSTORE_ROOT_FILE",
        "SIGSTORE_REKOR_PUBLIC_KEY",
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE",
        "SIGSTORE_TSA_CERTIFICATE_FILE",
    ] {
        let mut stage = Stage::set_up();
        stage.write("old", &token(&json!({ "exp": 1_000_000_000 })));
        stage.sealgate.client_mut().set(variable, "k.pub");
        for flags in ["", "--key k.key --use-signing-config"] {
            let said = stage.run(&format!("sign-blob --identity-token old {flags} --bundle b.json f")).failure(1);
            assert!(
                said.contains(&format!("error: {variable} says whom to trust, and nothing names the services")),
                "{said}"
            );
            assert!(said.contains("--signing-config FILE") && !said.contains(STATEMENT), "{said}");
        }
        let services = "--fulcio-url http://127.0.0.1:1 --rekor-url http://127.0.0.1:1";
        let said = stage.run(&format!("sign-blob --identity-token old {services} --bundle b.json f")).failure(1);
        assert!(said.contains("identity token expired"), "{said}");
    }
}

#[test]
fn variable_that_was_forgotten_does_not_have_somebody_else_sign() {
    let stage = Stage::set_up().with_token(&token(&json!({})));
    for flag in ["--key=", "--identity-token="] {
        let args = ["sign-blob", flag, "--bundle", "b.json", "f"];
        let said = stage.sealgate.run(args).failure(1);
        assert!(
            said.contains("error: ") && said.contains("value") && said.contains(flag.trim_end_matches('=')),
            "{said}"
        );
        assert!(!said.contains("Generating ephemeral keys"), "{said}");
    }
}
