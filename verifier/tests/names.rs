//! The names in a signer's certificate: which are read, which are the signer's, and which are refused.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use rcgen::CustomExtension;
use verifier::{CertificateError, Fault, Identity, IdentityMatcher, Signer, TextMatcher};
use world::{Leaf, T, World, der, judge, judge_layer, payload, signer};

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;
const OTHER: u8 = 0xa0;

/// A certificate with these names alone, by tag.
fn named(world: &World, names: &[(u8, &[u8])]) -> Leaf {
    let parts: Vec<Vec<u8>> = names.iter().map(|(tag, name)| der::tlv(*tag, &[name])).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let mut params = signer(T);
    params.subject_alt_names.clear();
    params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], der::sequence(&parts)));
    world.ca.issue(params, Some(&world.ct))
}

/// A user's name in the form that Fulcio has for it.
fn user(name: &str) -> Vec<u8> {
    let id = der::oid(&[1, 3, 6, 1, 4, 1, 57264, 1, 7]);
    [id, der::tlv(0xa0, &[&der::tlv(0x0c, &[name.as_bytes()])])].concat()
}

fn of(signer: &Signer) -> Identity {
    let Signer::Identity(identity) = signer else { panic!("{signer}") };
    identity.clone()
}

fn in_bundle(names: &[(u8, &[u8])]) -> Result<Identity, Fault> {
    let world = World::new();
    let leaf = named(&world, names);
    judge(&world.bundle(&leaf, T + 1), &world.trust()).map(|signature| of(signature.signer()))
}

fn in_layer(names: &[(u8, &[u8])]) -> Result<Identity, Fault> {
    let world = World::new();
    let annotations = world.layer(&named(&world, names), &payload(), T + 1);
    judge_layer(&payload(), annotations, &world.trust()).map(|signature| of(signature.signer()))
}

fn texts(identity: &Identity) -> Vec<&str> {
    identity.names().iter().map(verifier::SubjectName::as_str).collect()
}

#[test]
fn name_that_is_not_ascii_or_holds_a_control_character_is_refused() {
    for name in ["аdmin@a.test", "alice１@a.test", "ſecurity@a.test", "a\u{2028}b@a.test", "a\0.evil", "a\n", "a\u{7f}"]
    {
        for tag in [EMAIL, DNS, URI] {
            let names = [(EMAIL, &b"alice@a.test"[..]), (tag, name.as_bytes())];
            let refused = Fault::Certificate(CertificateError::Text);
            assert_eq!(in_bundle(&names).unwrap_err(), refused, "{name:?}");
            assert_eq!(in_layer(&names).unwrap_err(), refused, "{name:?}");
        }
    }
    assert_eq!(in_bundle(&[(EMAIL, b"\xff")]).unwrap_err(), Fault::Certificate(CertificateError::Text));
    assert_eq!(texts(&in_bundle(&[(OTHER, &user("аlice"))]).unwrap()), ["аlice"]);
}

#[test]
fn empty_name_is_refused_beside_whatever_else() {
    for names in [&[(EMAIL, &b""[..])][..], &[(URI, b"https://a.test"), (DNS, b"")], &[(OTHER, &user(""))]] {
        let refused = Fault::Certificate(CertificateError::EmptyName);
        assert_eq!(in_bundle(names).unwrap_err(), refused);
        assert_eq!(in_layer(names).unwrap_err(), refused);
    }
}

#[test]
fn bundle_is_by_the_first_uri_else_mail_else_user_and_a_layer_by_any() {
    let user = user("alice");
    let all = [
        (OTHER, &user[..]),
        (DNS, b"host.test"),
        (EMAIL, b"alice@a.test"),
        (URI, b"https://a.test/1"),
        (ADDRESS, &[1; 4]),
    ];
    for (names, wanted) in [(&all[..], "https://a.test/1"), (&all[..3], "alice@a.test"), (&all[..2], "alice")] {
        assert_eq!(texts(&in_bundle(names).unwrap()), [wanted]);
        assert_eq!(in_layer(names).unwrap().names().len(), names.len().min(4));
    }
    assert_eq!(in_bundle(&all[1..2]).unwrap_err(), Fault::Certificate(CertificateError::Nameless));
    assert_eq!(texts(&in_layer(&all[1..2]).unwrap()), ["host.test"]);
    assert_eq!(in_layer(&all[4..]).unwrap_err(), Fault::Certificate(CertificateError::Nameless));
}

#[test]
fn signer_is_the_set_of_names_in_whatever_order() {
    let (mail, host) = ((EMAIL, &b"alice@a.test"[..]), (DNS, &b"x.test"[..]));
    let (one, two) = (in_layer(&[mail, host]).unwrap(), in_layer(&[host, mail]).unwrap());
    assert_eq!(one, two);
    assert_ne!(one, in_layer(&[mail]).unwrap());
    assert_eq!(in_bundle(&[mail, host]).unwrap(), in_bundle(&[mail]).unwrap());
}

#[test]
fn fact_with_a_control_character_is_no_fact_and_hides_no_other() {
    let world = World::new();
    let with = |number: u64, value: Vec<u8>| {
        let mut params = signer(T);
        let fact = |number, value| CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, number], value);
        params.custom_extensions.extend([fact(number, value), fact(5, b"acme/app".to_vec())]);
        let leaf = world.ca.issue(params, Some(&world.ct));
        judge(&world.bundle(&leaf, T + 1), &world.trust()).map(|signature| of(signature.signer()))
    };
    let any = || TextMatcher::found("^.*$").unwrap();
    let build = "build\tand push";
    for identity in [with(4, build.into()), with(9, der::tlv(0x0c, &[build.as_bytes()]))].map(Result::unwrap) {
        assert_eq!((identity.extension(4), identity.extension(9)), (None, None));
        assert!(IdentityMatcher::new(any(), any()).with_extension(5, "acme/app".into()).matches(&identity));
        assert!(!IdentityMatcher::new(any(), any()).with_extension(4, build.into()).matches(&identity));
        assert!(!IdentityMatcher::new(any(), any()).with_extension(4, String::new()).matches(&identity));
    }
    assert_eq!(with(1, b"https://issuer.test\n".to_vec()).unwrap_err(), Fault::Certificate(CertificateError::Text));
}
