//! Sigstore's `trusted_root.json`: what is read, and what is refused.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use serde_json::{Value, json};
use verifier::{Demands, TrustRoot, TrustedRootError};
use world::{T, World, b64, judge};

/// What is done to a good trusted root.
type Change<'a> = &'a dyn Fn(&mut Value);

fn parse(root: &Value) -> Result<TrustRoot, TrustedRootError> {
    TrustRoot::parse_trusted_root(root.to_string().as_bytes())
}

#[test]
fn what_is_read_verifies_what_its_members_made() {
    let world = World::new();
    let trust = parse(&world.trusted_root()).unwrap();
    assert_eq!(trust.demands(), Demands::LOGGED);
    let counts = (trust.authorities().len(), trust.certificate_logs().len(), trust.logs().len());
    assert_eq!((counts, trust.timestamp_authorities().len(), trust.keys().len()), ((1, 1, 1), 1, 0));
    assert!(judge(&world.bundle(&world.leaf(), T + 1), &trust).is_ok());
    assert!(judge(&World::new().bundle(&world.leaf(), T + 1), &trust).is_err());
}

#[test]
fn several_of_each_are_trusted_at_once() {
    let (one, two) = (World::new(), World::new());
    let mut root = one.trusted_root();
    for name in ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"] {
        let more = two.trusted_root()[name][0].clone();
        root[name].as_array_mut().unwrap().insert(0, more);
    }
    let trust = parse(&root).unwrap();
    for world in [one, two] {
        assert!(judge(&world.bundle(&world.leaf(), T + 1), &trust).is_ok());
    }
}

#[test]
fn fingerprint_is_over_all_of_it_and_the_demands() {
    let world = World::new();
    let root = world.trusted_root();
    let whole = *parse(&root).unwrap().fingerprint();
    assert_eq!(whole, *parse(&root).unwrap().fingerprint());
    let mut seen = vec![whole];
    for name in ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"] {
        let mut less = root.clone();
        less[name] = json!([]);
        seen.push(*parse(&less).unwrap().fingerprint());
        let mut sooner = root.clone();
        let holder = if name.ends_with("logs") { &mut sooner[name][0]["publicKey"] } else { &mut sooner[name][0] };
        holder["validFor"]["end"] = json!("2026-05-01T00:00:00Z");
        seen.push(*parse(&sooner).unwrap().fingerprint());
    }
    seen.push(*parse(&root).unwrap().demanding(Demands::NOTHING).fingerprint());
    seen.push(*parse(&root).unwrap().with_keys(vec![world.ct.public().clone()]).fingerprint());
    let count = seen.len();
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn next_edge_is_the_first_opening_or_closing_of_any_window() {
    let mut root = World::new().trusted_root();
    root["tlogs"][0]["publicKey"]["validFor"] = json!({ "start": "2026-02-01T00:00:00Z" });
    root["timestampAuthorities"][0]["validFor"]["end"] = json!("2026-03-01T00:00:00Z");
    let trust = parse(&root).unwrap();
    let edges = [T + 31 * 86_400, T + 59 * 86_400 + 1, T + 151 * 86_400 + 1];
    let mut at = T;
    for edge in edges {
        assert_eq!(trust.next_edge(world::time(at)).map(|time| time.as_secs()), Some(edge));
        at = edge;
    }
    assert_eq!(trust.next_edge(world::time(at)), None);
    assert_eq!(TrustRoot::new(vec![]).next_edge(world::time(T)), None);
}

#[test]
fn malformed_trusted_root_is_refused_for_its_own_reason() {
    let world = World::new();
    let fault = |change: Change<'_>| {
        let mut root = world.trusted_root();
        change(&mut root);
        parse(&root).map(|_| "read").unwrap_err().to_string()
    };
    let log = |path: &'static str, value: Value| {
        move |root: &mut Value| *root["tlogs"][0].pointer_mut(path).unwrap() = value.clone()
    };
    let cases: [(Change<'_>, &str); 13] = [
        (&|root| root["more"] = json!(1), "unknown member `more`"),
        (&|root| root["mediaType"] = json!("application/json"), "wanted version 0.1 or 0.2"),
        (&|root| root["tlogs"] = json!({}), "lacks `tlogs`"),
        (&|root| root["tlogs"] = json!(vec![root["tlogs"][0].clone(); 65]), "at most 64"),
        (&log("/hashAlgorithm", json!("SHA1")), "wanted SHA2_256"),
        (&log("/publicKey/validFor", json!({})), "lacks the start of its validity"),
        (&|root| drop(root["ctlogs"][0]["publicKey"].as_object_mut().unwrap().remove("validFor")), "lacks the start"),
        (&log("/publicKey/validFor/start", json!("yesterday")), "`yesterday` is not a time"),
        (&log("/publicKey/validFor/start", json!("2027-01-01T00:00:00Z")), "ends before it starts"),
        (&log("/publicKey/rawBytes", json!(b64("key"))), "trusted root: "),
        (&log("/publicKey/rawBytes", json!("_")), "`rawBytes` is not standard base64"),
        (&|root| root["certificateAuthorities"][0]["certChain"]["certificates"] = json!([]), "no certificate found"),
        (
            &|root| root["timestampAuthorities"][0]["certChain"]["certificates"][0]["rawBytes"] = json!(b64("x")),
            "certificate is malformed",
        ),
    ];
    for (change, wanted) in cases {
        let found = fault(change);
        assert!(found.contains(wanted), "{found} lacks {wanted}");
    }
    for text in ["", "[]", "{}", "{\"mediaType\":\"a\",\"mediaType\":\"b\"}"] {
        assert!(TrustRoot::parse_trusted_root(text.as_bytes()).is_err(), "{text}");
    }
    assert!(matches!(TrustRoot::parse_trusted_root(&vec![b' '; 2 << 20]), Err(TrustedRootError::TooLarge { .. })));
}
