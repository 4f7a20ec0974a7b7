//! Conditions at an address: wanted, brought, and taken only by their digest.

use oci::Digest;
use policy::{NotReady, PolicySet, RemoteDocument, Supplies, Verdict, Wanted};

use crate::writing::{by_key, document, evidence, image, key, matched, now, policy, set, stated};

const URL: &str = "https://policies.example/a.cue";
const HOLDS: &str = "authorityMatches: open: static: true";

fn remote(url: &str, text: &str) -> String {
    format!("policy: {{type: cue, remote: {{url: '{url}', sha256sum: {}}}}}", Digest::of(text.as_bytes()).hex())
}

/// A policy that lets everything pass that meets the condition at [`URL`] with this text.
fn asking(text: &str) -> PolicySet {
    let spec = format!(
        "images: [{{glob: '**'}}], authorities: [{{name: open, static: {{action: pass}}}}], {}",
        remote(URL, text)
    );
    set(&[document("p", &spec)])
}

fn only(set: &PolicySet) -> Wanted {
    set.wanted().into_iter().next().expect("something is wanted")
}

fn supplied(set: &PolicySet, found: Result<&str, &str>) -> PolicySet {
    let mut supplies = Supplies::default();
    supplies.insert(only(set), found.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned));
    set.clone().supplied(&supplies)
}

fn allowed(set: &PolicySet) -> bool {
    let verdict = matched(set).decide(&evidence(set, Vec::new()), now()).expect("the evidence is complete");
    matches!(verdict, Verdict::Allow(_))
}

fn why(set: &PolicySet) -> String {
    assert!(!allowed(set));
    set.policies().next().expect("there is one").readiness().expect_err("it is not ready").to_string()
}

#[test]
fn document_is_named_by_its_address_and_not_at_hand_until_it_is_brought() {
    let set = asking(HOLDS);
    let Wanted::Document(document) = only(&set) else { panic!("a document is wanted") };
    assert_eq!((document.url(), set.wanted().len()), (URL, 1));
    assert_eq!(why(&set), format!("refers to {URL}, which was not fetched"));
    assert_eq!(why(&set.clone().supplied(&Supplies::default())), why(&set));
    assert!(allowed(&supplied(&set, Ok(HOLDS))));
}

#[test]
fn document_counts_by_what_it_says() {
    let fails = HOLDS.replace("true", "false");
    let set = supplied(&asking(&fails), Ok(&fails));
    assert_eq!(set.policies().next().unwrap().readiness(), Ok(()));
    assert!(!allowed(&set));
}

#[test]
fn absent_unreachable_and_altered_are_told_apart() {
    let set = asking(HOLDS);
    for words in ["is not there", "cannot be reached: no route"] {
        assert_eq!(why(&supplied(&set, Err(words))), format!("refers to {URL}, which {words}"));
    }
    let (found, wanted) = (Digest::of(b"a: 1").hex(), Digest::of(HOLDS.as_bytes()).hex());
    let altered = why(&supplied(&set, Ok("a: 1")));
    assert_eq!(altered, format!("refers to {URL}, which has the digest {found}, wanted {wanted}"));
}

#[test]
fn document_that_is_no_condition_is_told_with_its_line() {
    let broken = "a: 1\nb: {";
    let words = why(&supplied(&asking(broken), Ok(broken)));
    assert!(words.starts_with(&format!("refers to {URL}, which is not cue, line 2: ")), "{words}");
    let refused = "import \"tool/http\"\na: 1";
    let set = supplied(&asking(refused), Ok(refused));
    let words = why(&set);
    assert!(words.contains(&format!("{URL}:1: ")), "{words}");
    assert!(matches!(set.policies().next().unwrap().readiness(), Err(NotReady::Construct { .. })));
}

#[test]
fn what_was_found_is_not_given_up_for_a_failure_and_what_nobody_wants_is() {
    let (set, mut supplies) = (asking(HOLDS), Supplies::default());
    supplies.insert(only(&set), Ok(HOLDS.as_bytes().to_vec()));
    supplies.insert(only(&set), Err("is not there".to_owned()));
    supplies.insert(only(&set), Ok(b"altered".to_vec()));
    assert!(allowed(&set.clone().supplied(&supplies)));
    supplies.keep(|wanted| *wanted != only(&set));
    assert!(!supplies.has(&only(&set)));
    assert!(!allowed(&set.supplied(&supplies)));
}

#[test]
fn condition_of_an_attestation_is_brought_too() {
    let (key, text) = (key(), "predicateType: \"https://spdx.dev/Document\"");
    let attestation = format!(", attestations: [{{name: a, predicateType: spdx, {}}}]", remote(URL, text));
    let asking = set(&[policy("p", "enforce", &by_key(&key, &attestation))]);
    let verdict = |set: &PolicySet| {
        let signatures = vec![stated(&key, &image(), "https://spdx.dev/Document")];
        matched(set).decide(&evidence(set, signatures), now()).expect("the evidence is complete")
    };
    assert!(matches!(verdict(&asking), Verdict::Deny(_)));
    assert!(matches!(verdict(&supplied(&asking, Ok(text))), Verdict::Allow(_)));
}

#[test]
fn one_document_that_two_policies_refer_to_is_wanted_once() {
    let spec = |name: &str| {
        document(
            name,
            &format!("images: [{{glob: '**'}}], authorities: [{{static: {{action: pass}}}}], {}", remote(URL, "")),
        )
    };
    let set = set(&[spec("p"), spec("q")]);
    assert_eq!(set.wanted().len(), 1);
    let urls: Vec<String> = set
        .wanted()
        .iter()
        .map(|one| match one {
            Wanted::Document(document) => RemoteDocument::url(document).to_owned(),
            Wanted::TrustedRoot(_) => String::new(),
        })
        .collect();
    assert_eq!(urls, [URL]);
}
