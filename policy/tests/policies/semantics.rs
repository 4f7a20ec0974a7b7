//! What adds up to a yes: policies by AND, authorities by OR, and never an absence.

use crate::writing::{
    asker, bundle, by_key, document, evidence, image, incomplete, key, legacy, matched, no_match, now, policy, set,
    stated, written,
};
use oci::{Digest, PinnedRef};
use policy::{Denial, Findings, Needs, PolicySet, Selection, Undecided, Verdict};
use verifier::{Signer, UntrustedSignature};

const PASS: &str = "{static: {action: pass}}";
const FAIL: &str = "{static: {action: fail, message: not today}}";

fn verdict(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Verdict {
    matched(set).decide(&evidence(set, signatures), now()).expect("the evidence is complete")
}

fn denial(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Denial {
    match verdict(set, signatures) {
        Verdict::Deny(denial) => denial,
        Verdict::Allow(approval) => panic!("{approval:?}"),
    }
}

fn allowed(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> bool {
    matches!(verdict(set, signatures), Verdict::Allow(_))
}

#[test]
fn a_signature_by_the_named_key_meets_the_policy_and_is_named() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, ", name: team"))]);
    assert_eq!(matched(&set).needs(), Needs::Evidence);
    for signature in [legacy(&key, &image()), bundle(&key, &image())] {
        let Verdict::Allow(approval) = verdict(&set, vec![signature]) else { panic!("denied") };
        let met = &approval.met()[0];
        assert_eq!((met.policy.as_str(), met.authority.as_str()), ("p", "team"));
        assert_eq!(met.signer, Some(Signer::Key(key.public().id())));
        assert!(approval.warnings().is_empty());
    }
}

#[test]
fn nothing_is_satisfied_by_nothing() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let denial = denial(&set, Vec::new());
    assert_eq!(denial.reasons()[0].summary(), "failed policy: p");
    let wanted = format!(
        "ghcr.io/acme/app:1.2 signature key validation failed for authority authority-0 for {}: no signatures found",
        image().index_name()
    );
    assert_eq!(denial.reasons()[0].details(), [wanted]);
}

#[test]
fn a_stranger_and_a_foreign_digest_are_refused() {
    let (key, stranger) = (key(), key());
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let unknown = denial(&set, vec![legacy(&stranger, &image())]);
    assert!(unknown.headline().contains("no matching signatures: not by a trusted key"), "{unknown}");
    let other = PinnedRef::new(image().repository().clone(), Digest::of(b"another"));
    let moved = denial(&set, vec![legacy(&key, &other)]);
    assert!(moved.headline().contains(&format!("signature is for {}", other.digest())), "{moved}");
}

#[test]
fn an_attestation_satisfies_nobody_and_is_named() {
    let (key, stranger) = (key(), key());
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let attested = stated(&key, &image(), "https://spdx.dev/Document");
    let said = format!(
        "attestation of type `https://spdx.dev/Document` by key {}, which is not a signature",
        key.public().id()
    );
    let alone = denial(&set, vec![attested.clone()]);
    assert!(alone.headline().contains(&said), "{alone}");
    let beside = denial(&set, vec![legacy(&stranger, &image()), attested]);
    assert!(beside.headline().contains(&said), "nearer than a stranger's signature: {beside}");
    assert!(beside.reasons()[0].details().iter().any(|line| line.contains("not by a trusted key")), "{beside}");
}

#[test]
fn a_moved_signature_is_told_before_a_stranger_s_in_any_order() {
    let (key, stranger) = (key(), key());
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let other = PinnedRef::new(image().repository().clone(), Digest::of(b"another"));
    let mut signatures = vec![legacy(&stranger, &image()), legacy(&key, &other), bundle(&stranger, &image())];
    for _ in 0..signatures.len() {
        signatures.rotate_left(1);
        let denial = denial(&set, signatures.clone());
        let details = denial.reasons()[0].details();
        assert!(details[0].contains("signature is for sha256:"), "{denial}");
        assert!(details[1].contains("signature is for sha256:"), "{denial}");
        assert!(details[2].contains("not by a trusted key"), "{denial}");
        assert_eq!(details.len(), 4, "{denial}");
    }
}

#[test]
fn the_authority_that_came_nearest_is_told_first() {
    let (one, two) = (key(), key());
    let mut authorities = [by_key(&one, ", name: other"), by_key(&two, ", name: near, signatureFormat: bundle")];
    for _ in 0..2 {
        authorities.reverse();
        let set = set(&[policy("p", "enforce", &authorities.join(", "))]);
        let denial = denial(&set, vec![legacy(&two, &image())]);
        assert!(denial.headline().contains("authority near for"), "{denial}");
    }
}

#[test]
fn one_bad_signature_does_not_spoil_a_good_one() {
    let (key, stranger) = (key(), key());
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    assert!(allowed(&set, vec![legacy(&stranger, &image()), bundle(&key, &image())]));
    assert!(!allowed(&set, vec![legacy(&stranger, &image()), bundle(&stranger, &image())]));
}

#[test]
fn authorities_are_alternatives() {
    let (one, two, three) = (key(), key(), key());
    let set = set(&[policy("p", "enforce", &[by_key(&one, ""), by_key(&two, "")].join(", "))]);
    assert!(allowed(&set, vec![legacy(&one, &image())]));
    assert!(allowed(&set, vec![legacy(&two, &image())]));
    let denial = denial(&set, vec![legacy(&three, &image())]);
    let text = denial.to_string();
    assert!(text.contains("authority authority-0") && text.contains("authority authority-1"), "{text}");
}

#[test]
fn policies_must_all_be_met() {
    let (one, two) = (key(), key());
    let set = set(&[policy("a", "enforce", &by_key(&one, "")), policy("b", "enforce", &by_key(&two, ""))]);
    assert!(allowed(&set, vec![legacy(&one, &image()), legacy(&two, &image())]));
    for (key, failing) in [(&two, "a"), (&one, "b")] {
        let denial = denial(&set, vec![legacy(key, &image())]);
        assert_eq!(denial.reasons().len(), 1);
        assert_eq!(denial.reasons()[0].policy(), Some(failing));
        assert!(denial.headline().contains("signature is by key"), "{denial}");
    }
    assert_eq!(denial(&set, Vec::new()).reasons().len(), 2);
}

#[test]
fn a_key_of_one_policy_does_not_serve_another() {
    let (one, two) = (key(), key());
    let elsewhere = format!("images: [{{glob: ghcr.io/other/*}}], authorities: [{}]", by_key(&two, ""));
    let set = set(&[policy("a", "enforce", &by_key(&one, "")), document("b", &elsewhere)]);
    assert!(!allowed(&set, vec![legacy(&two, &image())]));
    assert_eq!(matched(&set).inquiries().map(|one| one.trust().keys().len()).sum::<usize>(), 1);
}

#[test]
fn static_pass_needs_no_signature_and_makes_a_key_beside_it_irrelevant() {
    let key = key();
    for authorities in [PASS.to_owned(), format!("{}, {PASS}", by_key(&key, ""))] {
        let set = set(&[policy("p", "enforce", &authorities)]);
        assert_eq!(matched(&set).needs(), Needs::Pin);
        let Ok(Verdict::Allow(approval)) = matched(&set).decide(&Findings::none(), now()) else {
            panic!("not allowed")
        };
        assert_eq!(approval.met()[0].signer, None);
        let unpinned = matched(&set).could_not_decide("registry down", now()).expect("static pass");
        assert!(unpinned.warnings()[0].details()[0].contains("registry down"));
    }
}

#[test]
fn static_fail_is_settled_without_traffic() {
    let key = key();
    let set_of = |second: &str| set(&[policy("p", "enforce", FAIL), policy("q", "enforce", second)]);
    for set in [set_of(PASS), set_of(&by_key(&key, ""))] {
        assert_eq!(matched(&set).needs(), Needs::Nothing);
        let Ok(Verdict::Deny(denial)) = matched(&set).decide(&Findings::none(), now()) else { panic!("not denied") };
        assert_eq!(denial.reasons()[0].details(), ["ghcr.io/acme/app:1.2 disallowed by static policy: not today"]);
        assert!(matched(&set).could_not_decide("registry down", now()).is_none());
        assert!(!allowed(&set, vec![legacy(&key, &image())]));
    }
}

#[test]
fn static_fail_beside_a_key_leaves_the_key() {
    let key = key();
    let set = set(&[policy("p", "enforce", &format!("{FAIL}, {}", by_key(&key, "")))]);
    assert_eq!(matched(&set).needs(), Needs::Evidence);
    assert!(allowed(&set, vec![legacy(&key, &image())]));
    assert!(denial(&set, Vec::new()).to_string().contains("disallowed by static policy: not today"));
}

#[test]
fn no_match_is_denied_unless_the_settings_say_otherwise() {
    let elsewhere = document("p", &format!("images: [{{glob: ghcr.io/other/*}}], authorities: [{PASS}]"));
    for (word, needs, allow, warnings) in [
        ("deny", Needs::Nothing, false, 0),
        ("nonsense", Needs::Nothing, false, 0),
        ("warn", Needs::Pin, true, 1),
        ("allow", Needs::Pin, true, 0),
    ] {
        let set = set(&[no_match(word), elsewhere.clone()]);
        let matched = matched(&set);
        assert_eq!(matched.needs(), needs, "{word}");
        match matched.decide(&Findings::none(), now()).unwrap() {
            Verdict::Allow(approval) => assert_eq!((allow, approval.warnings().len()), (true, warnings), "{word}"),
            Verdict::Deny(denial) => {
                assert!(!allow, "{word}");
                assert_eq!(denial.reasons()[0].summary(), "no matching policies");
                assert_eq!(denial.reasons()[0].policy(), None);
            }
        }
        assert_eq!(matched.could_not_decide("down", now()).is_some(), allow, "{word}");
    }
    let silent = set(&[elsewhere]);
    assert_eq!(matched(&silent).needs(), Needs::Nothing);
}

#[test]
fn near_misses_are_named_and_far_ones_are_not() {
    let hub = "docker.io/acme/app@*";
    for (glob, verb) in [("ghcr.io/acme/app", "never matches"), ("ghcr.io/acme/app:1.*", "never matches")] {
        let set = set(&[document("p", &format!("images: [{{glob: '{glob}'}}], authorities: [{PASS}]"))]);
        let wanted = format!(
            "glob `{glob}` {verb}: policies are matched against `ghcr.io/acme/app@sha256:…`; write `ghcr.io/acme/app@*`"
        );
        assert_eq!(denial(&set, Vec::new()).reasons()[0].details()[1..], [wanted]);
    }
    for glob in ["ghcr.io/acme/app:2", "ghcr.io/acme/other", "ghcr.io/acme/app-x@*", hub] {
        let set = set(&[document("p", &format!("images: [{{glob: '{glob}'}}], authorities: [{PASS}]"))]);
        assert_eq!(denial(&set, Vec::new()).reasons()[0].details().len(), 1, "{glob}");
    }
    let set = set(&[document("p", &format!("images: [{{glob: '{hub}'}}], authorities: [{PASS}]"))]);
    let Selection::Matched(matched) = set.select(&"acme/app".parse().unwrap(), None, None, &asker()) else {
        panic!("digest")
    };
    let Ok(Verdict::Deny(denial)) = matched.decide(&Findings::none(), now()) else { panic!("not denied") };
    assert!(denial.reasons()[0].details()[1].contains("write `index.docker.io/acme/app@*`"), "{denial}");
}

#[test]
fn a_tag_never_selects_a_policy() {
    let set = set(&[document("p", &format!("images: [{{glob: 'ghcr.io/acme/app:1.2'}}], authorities: [{PASS}]"))]);
    let pinned = format!("ghcr.io/acme/app:1.2@{}", image().digest()).parse().unwrap();
    for reference in [written(), pinned] {
        let Selection::Matched(matched) = set.select(&reference, None, None, &asker()) else {
            panic!("no digest is needed")
        };
        assert!(matched.policies().is_empty());
    }
}

#[test]
fn the_digest_is_asked_for_only_where_it_decides() {
    let exact = |digest: &Digest| {
        set(&[document("p", &format!("images: [{{glob: 'ghcr.io/acme/app@{digest}'}}], authorities: [{PASS}]"))])
    };
    let set_of = exact(image().digest());
    assert!(matches!(set_of.select(&written(), None, None, &asker()), Selection::NeedsDigest));
    assert_eq!(matched(&set_of).policies().len(), 1);
    let other = Digest::of(b"another");
    let Selection::Matched(unmatched) = set_of.select(&written(), Some(&other), None, &asker()) else {
        panic!("digest was given")
    };
    assert!(unmatched.policies().is_empty());
    let pinned = format!("ghcr.io/acme/app@{}", image().digest()).parse().unwrap();
    let Selection::Matched(by_reference) = set_of.select(&pinned, None, None, &asker()) else {
        panic!("digest was written")
    };
    assert_eq!(by_reference.policies().len(), 1);
    let elsewhere = "ghcr.io/acme/other:1".parse().unwrap();
    assert!(matches!(set_of.select(&elsewhere, None, None, &asker()), Selection::Matched(_)));
    let certain = set(&[policy("p", "enforce", PASS)]);
    assert!(matches!(certain.select(&written(), None, None, &asker()), Selection::Matched(_)));
}

#[test]
fn a_certain_glob_spares_the_digest_that_another_of_the_same_policy_names() {
    let globs = format!("{{glob: '**'}}, {{glob: 'ghcr.io/acme/app@{}'}}", image().digest());
    let set = set(&[document("p", &format!("images: [{globs}], authorities: [{PASS}]"))]);
    assert!(matches!(set.select(&written(), None, None, &asker()), Selection::Matched(_)));
}

#[test]
fn incomplete_evidence_can_say_yes_but_not_no() {
    let (key, stranger) = (key(), key());
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let good = incomplete(&set, vec![legacy(&key, &image())]);
    assert!(matches!(matched(&set).decide(&good, now()), Ok(Verdict::Allow(_))));
    for signatures in [Vec::new(), vec![legacy(&stranger, &image())]] {
        let undecided = matched(&set).decide(&incomplete(&set, signatures), now()).unwrap_err();
        assert_eq!(undecided.gaps().len(), 1);
        assert!(undecided.to_string().contains("referrers: the registry answered 429"), "{undecided}");
    }
    assert_eq!(
        matched(&set).decide(&Findings::none(), now()),
        Err(Undecided::NoEvidence { policies: vec!["p".into()] })
    );
    assert!(matched(&set).could_not_decide("down", now()).is_none());
}

#[test]
fn what_is_refused_anyway_is_refused_with_incomplete_evidence_too() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, "")), policy("q", "enforce", FAIL)]);
    let decided = matched(&set).decide(&incomplete(&set, Vec::new()), now());
    assert!(matches!(decided, Ok(Verdict::Deny(_))), "{decided:?}");
}

#[test]
fn evidence_about_another_image_is_no_evidence() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let evidence = evidence(&set, vec![legacy(&key, &image())]);
    let other = Digest::of(b"another");
    for (reference, digest) in [("ghcr.io/acme/app", &other), ("ghcr.io/acme/other", image().digest())] {
        let Selection::Matched(matched) = set.select(&reference.parse().unwrap(), Some(digest), None, &asker()) else {
            panic!()
        };
        assert!(matches!(matched.decide(&evidence, now()), Err(Undecided::OtherImage { .. })), "{reference}");
    }
}

#[test]
fn warn_mode_warns_and_enforce_mode_refuses() {
    let key = key();
    let set = set(&[policy("w", "warn", &by_key(&key, ""))]);
    let Verdict::Allow(approval) = verdict(&set, Vec::new()) else { panic!("denied") };
    assert!(approval.met().is_empty());
    assert_eq!(approval.warnings()[0].summary(), "failed policy: w");
    let unread = matched(&set).decide(&incomplete(&set, Vec::new()), now());
    assert!(matches!(unread, Err(Undecided::Gaps { .. })), "{unread:?}");
    let unpinned = matched(&set).could_not_decide("timed out", now()).expect("only warns");
    assert!(unpinned.warnings().iter().any(|w| w.summary() == "could not decide about policy: w"));
}

#[test]
fn an_unread_source_does_not_let_a_warning_policy_hold_up_an_enforcing_one() {
    let (key, other) = (key(), key());
    let set = set(&[policy("e", "enforce", &by_key(&key, "")), policy("w", "warn", &by_key(&other, ""))]);
    let decided = matched(&set).decide(&incomplete(&set, vec![legacy(&key, &image())]), now());
    let Ok(Verdict::Allow(approval)) = decided else { panic!("{decided:?}") };
    assert_eq!(approval.warnings()[0].summary(), "could not decide about policy: w");
    assert!(matched(&set).could_not_decide("down", now()).is_none());
}

proptest::proptest! {
    /// Whatever the order, a failing enforcing policy refuses, and the reasons read the same.
    #[test]
    fn t26_warn_and_enforce_failing_together_always_refuse(order in proptest::sample::subsequence(vec![0, 1, 2, 3], 4).prop_shuffle()) {
        let key = key();
        let all = [
            policy("warning", "warn", &by_key(&key, "")),
            policy("enforcing", "enforce", &by_key(&key, "")),
            policy("passing", "enforce", PASS),
            policy("refusing", "enforce", FAIL),
        ];
        let documents: Vec<String> = order.iter().map(|&i| all[i].clone()).collect();
        let denial = denial(&set(&documents), Vec::new());
        let names: Vec<_> = denial.reasons().iter().map(|reason| reason.policy().unwrap()).collect();
        proptest::prop_assert_eq!(names, ["refusing", "enforcing"]);
        proptest::prop_assert_eq!(denial.warnings().len(), 1);
    }
}

use proptest::strategy::Strategy as _;

#[test]
fn what_needs_no_evidence_is_decided_without() {
    let key = key();
    let authorities = [PASS.to_owned(), FAIL.to_owned(), by_key(&key, ""), by_key(&key, ", ctlog: {}")];
    for first in &authorities {
        for second in &authorities {
            for (one, two) in [("enforce", "warn"), ("warn", "enforce"), ("warn", "warn"), ("enforce", "enforce")] {
                let set = set(&[policy("a", one, first), policy("b", two, second)]);
                let matched = matched(&set);
                let decided = matched.decide(&Findings::none(), now());
                match matched.needs() {
                    Needs::Nothing => assert!(matches!(decided, Ok(Verdict::Deny(_))), "{decided:?}"),
                    Needs::Pin => assert!(matches!(decided, Ok(Verdict::Allow(_))), "{decided:?}"),
                    Needs::Evidence => assert!(decided.is_err(), "{decided:?}"),
                }
            }
        }
    }
}

#[test]
fn a_verdict_can_be_written_down() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, ""))]);
    let allow = serde_json::to_value(verdict(&set, vec![legacy(&key, &image())])).unwrap();
    assert_eq!(allow["allow"]["met"][0]["signer"], format!("key {}", key.public().id()));
    let deny = serde_json::to_value(verdict(&set, Vec::new())).unwrap();
    assert_eq!(deny["deny"]["reasons"][0]["summary"], "failed policy: p");
}
