//! What is asked of a signature beside who made it.

use policy::{Findings, PolicySet, Selection, Verdict};

use crate::{
    own::{Question, allowed, at, authority, denied, own, plain, signed},
    writing::{asker, bundle, image, key, set, written},
};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_767_225_600;

#[test]
fn key_without_a_verified_time_counts_while_its_window_is_open() {
    let key = key();
    let window = ", validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-01-01T00:01:00Z'";
    let policy = own(&format!("authorities: [{}]", authority("a", &key, window)));
    let now = |seconds| Question::with(vec![plain(&key)]).at(seconds);
    allowed(&policy, &now(NEW_YEAR));
    allowed(&policy, &now(NEW_YEAR + 60));
    let early = denied(&policy, &now(NEW_YEAR - 1)).to_string();
    assert!(early.contains("no verified time") && early.contains("from 2026-01-01T00:00:00Z until"), "{early}");
    denied(&policy, &now(NEW_YEAR + 61));
}

#[test]
fn maximum_age_is_unmet_without_a_verified_time() {
    let key = key();
    let policy = own(&format!("authorities: [{}]", authority("a", &key, ", maxAge: 90d")));
    for seconds in [1, NEW_YEAR] {
        let said = denied(&policy, &Question::with(vec![plain(&key)]).at(seconds)).to_string();
        assert!(said.contains("no verified time, wanted one that is at most 90d old"), "{said}");
    }
}

#[test]
fn annotations_must_be_signed() {
    let key = key();
    let policy = own(&format!("authorities: [{}]", authority("a", &key, ", annotations: {team: release}")));
    let here = ("ghcr.io/acme/app", *image().digest());
    allowed(&policy, &Question::with(vec![signed(&key, here, &[("team", "release"), ("more", "x")], 0)]));
    let other = denied(&policy, &Question::with(vec![signed(&key, here, &[("team", "dev")], 0)])).to_string();
    assert!(other.contains("team=dev, wanted team=release"), "{other}");
    denied(&policy, &Question::with(vec![plain(&key)]));
    let two = vec![signed(&key, here, &[("team", "dev")], 0), signed(&key, here, &[("team", "release")], 1)];
    allowed(&policy, &Question::with(two));
}

#[test]
fn each_signature_that_is_not_as_wanted_is_told_of_and_each_fault_once() {
    let key = key();
    let policy = own(&format!("authorities: [{}]", authority("a", &key, ", annotations: {team: release}")));
    let here = ("ghcr.io/acme/app", *image().digest());
    let all = |teams: &[&str]| {
        let signatures = teams.iter().enumerate().map(|(place, team)| signed(&key, here, &[("team", team)], place));
        denied(&policy, &Question::with(signatures.collect())).to_string()
    };
    let said = all(&["dev", "test", "dev"]);
    for wanted in ["team=dev, wanted team=release", "team=test, wanted team=release"] {
        assert_eq!(said.matches(wanted).count(), 1, "{wanted}\n{said}");
    }
    let many = all(&["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(many.matches("wanted team=release").count(), 5, "{many}");
}

#[test]
fn image_that_was_copied_is_not_signed_under_its_new_name() {
    let key = key();
    let exact = own(&format!("authorities: [{}]", authority("a", &key, ", signedName: {}")));
    allowed(&exact, &Question::with(vec![plain(&key)]));
    let copied = signed(&key, ("ghcr.io/acme/old", *image().digest()), &[], 0);
    let said = denied(&exact, &Question::with(vec![copied])).to_string();
    assert!(said.contains("for the name `ghcr.io/acme/old`, wanted `ghcr.io/acme/app`"), "{said}");
    denied(&exact, &Question::with(vec![bundle(&key, &image())])); // carries no name
    let remap = ", signedName: {remap: [{from: ghcr.io/acme/, to: build.example/}]}";
    let mirrored = own(&format!("authorities: [{}]", authority("a", &key, remap)));
    allowed(&mirrored, &Question::with(vec![signed(&key, ("build.example/app", *image().digest()), &[], 0)]));
    denied(&mirrored, &Question::with(vec![plain(&key)]));
}

#[test]
fn old_image_under_a_new_tag_is_refused() {
    let key = key();
    let policy = own(&format!("authorities: [{}]", authority("a", &key, ", signedTag: {annotation: tag}")));
    let tagged =
        |tag: &str| Question::with(vec![signed(&key, ("ghcr.io/acme/app", *image().digest()), &[("tag", tag)], 0)]);
    allowed(&policy, &tagged("1.2").about("ghcr.io/acme/app:1.2"));
    allowed(&policy, &tagged("1.2").about(&format!("ghcr.io/acme/app:1.2@{}", image().digest())));
    let said = denied(&policy, &tagged("1.1").about("ghcr.io/acme/app:1.2")).to_string();
    assert!(said.contains("for the tag `1.1`, wanted `1.2`"), "{said}");
    let said = denied(&policy, &tagged("1.2").about(&format!("ghcr.io/acme/app@{}", image().digest()))).to_string();
    assert!(said.contains("by its digest alone"), "{said}");
    denied(&policy, &Question::with(vec![plain(&key)]));
}

#[test]
fn revoked_image_is_refused_by_its_tag_too() {
    let key = key();
    let revoked = format!("revoked: {{digests: ['{}']}}", image().digest());
    let signed = set(&[own(&format!("authorities: [{}], {revoked}", authority("a", &key, "")))]);
    let free = set(&[own(&format!("authorities: [{{static: {{action: pass}}}}], {revoked}"))]);
    let by_tag = |set: &PolicySet, digest: Option<oci::Digest>, findings: &Findings| {
        let Selection::Matched(matched) = set.select(&written(), None, None, &asker()) else { panic!("by digest") };
        let matched = match digest {
            Some(digest) => matched.resolved(digest),
            None => matched,
        };
        matched.decide(findings, at(1))
    };
    let found = Question::with(vec![plain(&key)]).findings(&signed);
    assert!(matches!(by_tag(&signed, None, &found), Ok(Verdict::Deny(_))), "the evidence says which image it is");
    for set in [&signed, &free] {
        let nothing = Findings::none();
        assert!(by_tag(set, None, &nothing).is_err(), "it may be the revoked one");
        assert!(matches!(by_tag(set, Some(*image().digest()), &nothing), Ok(Verdict::Deny(_))));
        let Selection::Matched(matched) = set.select(&written(), None, None, &asker()) else { panic!("by digest") };
        assert!(matched.could_not_decide("registry down", at(1)).is_none());
    }
    assert!(matches!(by_tag(&free, Some(oci::Digest::of(b"another")), &Findings::none()), Ok(Verdict::Allow(_))));
}

#[test]
fn revoked_keys_and_images_are_refused_whoever_signed() {
    let (a, b) = (key(), key());
    let with = |revoked: String| {
        own(&format!("authorities: [{}, {}], revoked: {revoked}", authority("a", &a, ""), authority("b", &b, "")))
    };
    let key_gone = with(format!("{{keys: [{}]}}", a.public().id()));
    let said = denied(&key_gone, &Question::with(vec![plain(&a)])).to_string();
    assert!(said.contains("its signer is revoked by this policy"), "{said}");
    allowed(&key_gone, &Question::with(vec![plain(&a), plain(&b)]));
    let image_gone = with(format!("{{digests: ['{}']}}", *image().digest()));
    denied(&image_gone, &Question::with(vec![plain(&a), plain(&b)]));
    denied(&image_gone, &Question::with(Vec::new()));
    allowed(&with(format!("{{digests: ['{}']}}", oci::Digest::of(b"another"))), &Question::with(vec![plain(&a)]));
}

#[test]
fn every_problem_is_located() {
    let text = own(
        "authorities: [{name: a, static: {action: pass}, maxAge: 1d}], require: {threshold: {min: 1, of: [a]}}, \
         revoked: {keys: [x]}, platforms: [linux], doors: [kitchen], mode: loud, index: maybe, expressions: [{cel: '1 +'}], \
         breakGlass: {until: x, reason: y}, nonsense: 1",
    );
    let errors = PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap_err();
    let lines: Vec<String> = errors.problems().iter().map(|problem| problem.objection().to_string()).collect();
    for field in [
        "spec.authorities[0].maxAge",
        "spec.require.threshold.of[0]",
        "spec.revoked.keys[0]",
        "spec.platforms[0]",
        "spec.doors[0]",
        "spec.mode",
        "spec.index",
        "spec.expressions[0].cel",
        "spec.breakGlass.until",
        "spec.nonsense",
    ] {
        assert_eq!(lines.iter().filter(|line| line.contains(field)).count(), 1, "{field}: {lines:#?}");
    }
    assert!(errors.problems().iter().all(|problem| problem.line() == 4 && problem.column() > 1), "{errors}");
}

#[test]
fn names_are_distinct_across_both_kinds() {
    let one = own("authorities: [{static: {action: pass}}]");
    let other = crate::writing::policy("p", "enforce", "{static: {action: pass}}");
    let errors = PolicySet::parse(&[("p.yaml".to_owned(), format!("{one}---\n{other}"))]).unwrap_err().to_string();
    assert!(errors.contains("`p` found twice"), "{errors}");
}

#[test]
fn field_without_a_value_is_not_taken_for_its_absence() {
    let authority = |further: &str| format!("authorities: [{}]", authority("a", &key(), further));
    let (plain, none) = (authority(""), String::new());
    for (authorities, further) in [
        (authority(", signedName:"), &none),
        (authority(", signedTag: ~"), &none),
        (authority(", annotations: null"), &none),
        (authority(", rfc3161timestamp:"), &none),
        (authority(", validUntil:"), &none),
        (plain.clone(), &", require:".to_owned()),
        (plain.clone(), &", revoked: {keys: }".to_owned()),
        (plain.clone(), &", users:".to_owned()),
        (plain.clone(), &", breakGlass: {until: '2026-01-01T00:00:00Z', reason: r, users: }".to_owned()),
    ] {
        let text = own(&format!("{authorities}{further}"));
        let refused = PolicySet::parse(&[("p.yaml".to_owned(), text.clone())]);
        let said = refused.map(|_| ()).expect_err(&text).to_string();
        assert!(said.contains("null"), "{said}");
    }
}
