//! Docker's reference grammar, row by row.

use oci::{ImageRef, Part, Repository};

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn canonical(text: &str) -> String {
    text.parse::<ImageRef>().unwrap_or_else(|e| panic!("{text}: {e}")).to_string()
}

fn wrong_part(text: &str) -> Part {
    match text.parse::<ImageRef>() {
        Ok(image) => panic!("{text} was read as {image}"),
        Err(error) => error.part(),
    }
}

#[test]
fn every_spelling_has_one_canonical_form() {
    for (text, want) in [
        ("nginx", "docker.io/library/nginx"),
        ("foo/bar", "docker.io/foo/bar"),
        ("localhost/foo", "localhost/foo"),
        ("host:5000/foo", "host:5000/foo"),
        ("a.b/foo", "a.b/foo"),
        ("HOST/foo", "HOST/foo"),
        ("index.docker.io/foo/bar", "docker.io/foo/bar"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("docker.io/library/nginx", "docker.io/library/nginx"),
        ("[::1]:5000/a/b", "[::1]:5000/a/b"),
        ("[2001:db8::1]/a", "[2001:db8::1]/a"),
        ("127.0.0.1:5000/x__y/z-w--v.u", "127.0.0.1:5000/x__y/z-w--v.u"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("a.b/c:_T.a-g", "a.b/c:_T.a-g"),
        ("xn--7o8h.com/foo", "xn--7o8h.com/foo"),
    ] {
        assert_eq!(canonical(text), want, "{text}");
        assert_eq!(canonical(want), want, "canonical form must be stable");
    }
}

#[test]
fn tag_and_digest_are_both_kept_and_the_digest_selects() {
    let text = format!("a.b/c:1@sha256:{HEX}");
    let image: ImageRef = text.parse().unwrap();
    assert_eq!(image.to_string(), text);
    assert_eq!(image.effective_tag(), None);
    assert_eq!(image.pinned_text(image.digest().unwrap()), text);
}

#[test]
fn latest_is_meant_only_without_tag_and_digest() {
    let tag = |text: &str| text.parse::<ImageRef>().unwrap().effective_tag().map(|t| t.to_string());
    assert_eq!(tag("a.b/c"), Some("latest".into()));
    assert_eq!(tag("a.b/c:2"), Some("2".into()));
    assert_eq!(tag(&format!("a.b/c@sha256:{HEX}")), None);
}

#[test]
fn sha512_reference_is_read() {
    let image: ImageRef = format!("a.b/c@sha512:{HEX}{HEX}").parse().unwrap();
    assert_eq!(image.digest().unwrap().algorithm(), "sha512");
}

#[test]
fn familiar_form_is_what_docker_shows() {
    for (text, want) in [("nginx", "nginx"), ("docker.io/u/x:1", "u/x:1"), ("a.b/c", "a.b/c")] {
        assert_eq!(text.parse::<ImageRef>().unwrap().familiar(), want);
    }
    let like_an_id = format!("library/{HEX}");
    assert_eq!(like_an_id.parse::<ImageRef>().unwrap().familiar(), like_an_id, "alone it would be an image's id");
}

#[test]
fn hub_is_index_docker_io_in_policies() {
    assert_eq!("nginx".parse::<Repository>().unwrap().index_name(), "index.docker.io/library/nginx");
    assert_eq!("a.b/c".parse::<Repository>().unwrap().index_name(), "a.b/c");
}

#[test]
fn rejected_reference_names_the_part() {
    let long_tag = format!("a.b/c:{}", "t".repeat(129));
    let long_name = format!("a.b/{}", "n".repeat(252));
    let cases: &[(&str, Part)] = &[
        ("", Part::Reference),
        (HEX, Part::Reference),
        ("foo/Bar", Part::Repository),
        ("Nginx", Part::Repository),
        ("a.b/", Part::Repository),
        ("/a", Part::Repository),
        ("a.b//c", Part::Repository),
        ("a.b/c..d", Part::Repository),
        ("a.b/c___d", Part::Repository),
        ("a.b/-c", Part::Repository),
        ("a.b/c-", Part::Repository),
        ("a.b/../c", Part::Repository),
        ("scratch", Part::Repository),
        (" nginx", Part::Repository),
        ("nginx ", Part::Repository),
        ("user@host.com/x", Part::Digest),
        ("a.b:port/c", Part::Domain),
        ("a.b:99999/c", Part::Domain),
        ("a.b:/c", Part::Domain),
        ("a_b.c/d", Part::Domain),
        ("-a.b/c", Part::Domain),
        ("a.b./c", Part::Domain),
        ("[::1/c", Part::Domain),
        ("[fe80::1%eth0]/c", Part::Domain),
        ("[::1]x/c", Part::Domain),
        ("https://a.b/c", Part::Domain),
        ("a.b/c:", Part::Tag),
        ("a.b/c:-x", Part::Tag),
        ("a.b/c:.x", Part::Tag),
        ("a.b/c:x y", Part::Tag),
        (&long_tag, Part::Tag),
        (&long_name, Part::Repository),
        ("a.b/c@sha256:abc", Part::Digest),
        ("a.b/c@md5:d41d8cd98f00b204e9800998ecf8427e", Part::Digest),
        ("a.b/c@", Part::Digest),
        ("b\u{0430}r/c", Part::Repository),
    ];
    for (text, part) in cases {
        assert_eq!(wrong_part(text), *part, "{text:?}");
    }
    assert_eq!(canonical("Foo/bar"), "Foo/bar");
}

#[test]
fn message_says_part_text_and_reason() {
    let error = "foo/Bar".parse::<ImageRef>().unwrap_err().to_string();
    assert_eq!(error, "invalid reference format: repository `foo/Bar`: repository name must be lowercase");
}

#[test]
fn control_characters_never_reach_the_message() {
    let error = "a.b/c:\u{1b}[2J\n".parse::<ImageRef>().unwrap_err().to_string();
    assert!(!error.contains('\u{1b}') && !error.contains('\n'), "{error:?}");
}
