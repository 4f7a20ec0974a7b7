//! T14: other spellings of an image's name, by which a policy would judge one image and somebody else pull another.

use serde_json::json;

use crate::stage::{Stage, denied, is_let_in, policy};

/// A name that is written otherwise is either no name, or another image's, about which no policy is.
#[test]
fn t14_an_image_has_one_name_and_every_other_spelling_is_refused() {
    peers::require!("crane");
    let stage = Stage::set_up();
    let (digest, other) = (stage.shop.signed("1"), stage.shop.unsigned("2"));
    let mut signed = stage.shop.policy();
    signed["spec"]["images"][0]["glob"] = json!(format!("{}@*", stage.shop.repository()));
    let folder = stage.policies(&[signed]);
    let ask = |image: &str| stage.ask(&folder, &["--", image]);
    let (address, hex) = (stage.address().to_owned(), digest["sha256:".len()..].to_owned());
    let port = address.rsplit_once(':').expect("the address has a port").1.to_owned();
    for good in [format!("{address}/shop/cart:1"), format!("{address}/shop/cart@{digest}")] {
        assert!(is_let_in(&ask(&good)), "{good}");
    }
    // The digest decides, whatever the tag says.
    assert!(is_let_in(&ask(&format!("{address}/shop/cart:2@{digest}"))));
    denied(&ask(&format!("{address}/shop/cart:1@{other}")), "no signatures found");
    let before = stage.shop.registry.requests().len();
    for elsewhere in [
        format!("localhost:{port}/shop/cart@{digest}"),
        format!("LOCALHOST:{port}/shop/cart@{digest}"),
        format!("127.0.0.1:0{port}/shop/cart@{digest}"),
        format!("127.1:{port}/shop/cart@{digest}"),
        format!("[::ffff:127.0.0.1]:{port}/shop/cart@{digest}"),
        format!("{address}/shop/cart-/../cart@{digest}"),
        format!("{address}//shop/cart@{digest}"),
        format!("{address}/./shop/cart@{digest}"),
        format!("{address}/shop/../shop/cart@{digest}"),
        format!("{address}/Shop/cart@{digest}"),
        format!("{address}/shop/c\u{430}rt@{digest}"),
        format!("{address}/shop%2fcart@{digest}"),
        format!("{address}/shop/cart?x@{digest}"),
        format!("{address}/shop/cart#x@{digest}"),
        format!("127.0.0.1.:{port}/shop/cart@{digest}"),
        format!("user@{address}/shop/cart@{digest}"),
        format!("user:word@{address}/shop/cart@{digest}"),
        format!("http://{address}/shop/cart@{digest}"),
        format!("127.0.0.1/shop/cart@{digest}"),
        format!("{address}/shop/cart@sha256:{}", hex.to_uppercase()),
        format!("{address}/shop/cart@SHA256:{hex}"),
        format!("{address}/shop/cart@sha512:{hex}{hex}"),
        format!("{address}/shop/cart@sha256:{hex}0"),
        format!("{address}/shop/cart@{digest}@{digest}"),
        format!("{address}/shop/cart:{}@{digest}", "t".repeat(129)),
        format!(" {address}/shop/cart@{digest}"),
        format!("{address}/shop/cart@{digest} "),
        format!("{address}/shop/cart@{digest}\n"),
        String::new(),
    ] {
        let outcome = ask(&elsewhere);
        assert!(!is_let_in(&outcome), "{elsewhere:?}: {}", outcome.stdout);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let no_name = outcome.code == 2 && said.contains("invalid reference format");
        let other_name = outcome.code == 1 && said.contains("no matching policies");
        let other_algorithm = elsewhere.contains("sha512:") && outcome.code == 3;
        assert!(no_name || other_name || other_algorithm, "{elsewhere:?}: exit code {}: {said}", outcome.code);
    }
    let asked = stage.shop.registry.requests().split_off(before);
    assert!(asked.iter().all(|line| line.contains("/v2/shop/cart/") && line.ends_with(" 404")), "{asked:?}");
}

#[test]
fn t14_docker_hub_has_many_spellings_and_one_name() {
    let stage = Stage::set_up();
    let digest = format!("sha256:{}", "1".repeat(64));
    let refuse =
        |name: &str, glob: &str| policy(name, glob, &json!([{ "static": { "action": "fail", "message": name } }]));
    let folder = stage.policies(&[
        refuse("official", "index.docker.io/library/nginx@*"),
        refuse("ours", "index.docker.io/acme/app@*"),
    ]);
    for (spelling, name) in [
        ("nginx", "official"),
        ("library/nginx", "official"),
        ("docker.io/nginx", "official"),
        ("docker.io/library/nginx", "official"),
        ("index.docker.io/nginx", "official"),
        ("index.docker.io/library/nginx", "official"),
        ("acme/app", "ours"),
        ("docker.io/acme/app", "ours"),
        ("index.docker.io/acme/app", "ours"),
    ] {
        for image in [format!("{spelling}@{digest}"), format!("{spelling}:1@{digest}")] {
            denied(&stage.ask(&folder, &[&image]), &format!("disallowed by static policy: {name}"));
        }
    }
    for other in
        ["docker.io:443/library/nginx", "registry-1.docker.io/library/nginx", "docker.io./nginx", "DOCKER.IO/nginx"]
    {
        let outcome = stage.ask(&folder, &[&format!("{other}@{digest}")]);
        assert!(!is_let_in(&outcome) && !outcome.stdout.contains("static policy"), "{other}: {}", outcome.stdout);
    }
}
