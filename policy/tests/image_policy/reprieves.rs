//! Exceptions, and the glass to be broken.

use policy::{Asker, Door, ReprieveKind, Selection, Verdict};

use crate::{
    own::{Question, allowed, at, authority, denied, own, plain},
    writing::{image, key, set, written},
};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_767_225_600;
const TERMS: &str = "until: '2026-01-01T00:00:00Z', reason: moving to the new key";

fn unsigned() -> Question {
    Question::with(Vec::new()).at(NEW_YEAR)
}

fn with(further: &str) -> String {
    own(&format!("authorities: [{}], {further}", authority("a", &key(), "")))
}

#[test]
fn exception_lets_in_until_it_ends_and_says_so() {
    let moving = with(&format!("exceptions: [{{images: [{{glob: ghcr.io/acme/app@*}}], {TERMS}}}]"));
    let approval = allowed(&moving, &unsigned());
    let [reprieve] = approval.reprieves() else { panic!("{approval:?}") };
    assert_eq!((reprieve.kind, reprieve.policy.as_str()), (ReprieveKind::Exception, "p"));
    assert_eq!((reprieve.until.as_str(), reprieve.reason.as_str()), ("2026-01-01T00:00:00Z", "moving to the new key"));
    let said = approval.warnings()[0].to_string();
    assert!(said.contains("exception from policy: p") && said.contains("no signatures found"), "{said}");
    denied(&moving, &unsigned().at(NEW_YEAR + 1));
    denied(&with(&format!("exceptions: [{{digests: ['{}'], {TERMS}}}]", oci::Digest::of(b"another"))), &unsigned());
}

#[test]
fn image_that_meets_the_policy_needs_no_exception() {
    let key = key();
    let exception = format!("exceptions: [{{digests: ['{}'], {TERMS}}}]", image().digest());
    let policy = own(&format!("authorities: [{}], {exception}", authority("a", &key, "")));
    let approval = allowed(&policy, &Question::with(vec![plain(&key)]));
    assert!(approval.reprieves().is_empty() && approval.warnings().is_empty());
    assert_eq!(allowed(&policy, &unsigned()).reprieves().len(), 1);
}

#[test]
fn exception_from_one_policy_is_none_from_another() {
    let excepted = with(&format!("exceptions: [{{images: [{{glob: '**'}}], {TERMS}}}]"));
    let strict = crate::own::named("q", &format!("authorities: [{}]", authority("a", &key(), "")));
    let denial = denied(&format!("{excepted}---\n{strict}"), &unsigned());
    assert_eq!(denial.reasons().len(), 1);
    assert_eq!(denial.reasons()[0].policy(), Some("q"));
    assert!(denial.warnings().iter().any(|warning| warning.summary() == "exception from policy: p"));
}

#[test]
fn broken_glass_lets_everything_in_loudly_until_it_is_mended() {
    let glass = with("breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}");
    let approval = allowed(&glass, &unsigned());
    assert_eq!(approval.reprieves()[0].kind, ReprieveKind::BreakGlass);
    assert!(approval.warnings()[0].summary().contains("break-glass from policy: p"));
    denied(&glass, &unsigned().at(NEW_YEAR + 1));
    let own = with("breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage, users: [oncall-*]}");
    let user = |name: &str| Asker { door: Door::Webhook, user: Some(name.to_owned()), namespace: None };
    allowed(&own, &unsigned().by(user("oncall-ann")));
    denied(&own, &unsigned().by(user("bob")));
    denied(&own, &unsigned());
}

#[test]
fn broken_glass_opens_where_nothing_can_be_known() {
    let glass = set(&[with("breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}")]);
    let Selection::Matched(matched) = glass.select(&written(), None, None, &crate::writing::asker()) else { panic!() };
    let approval = matched.could_not_decide("registry down", at(NEW_YEAR)).expect("the glass is broken");
    assert_eq!(approval.reprieves().len(), 1);
    assert!(matched.could_not_decide("registry down", at(NEW_YEAR + 1)).is_none());
    assert!(matches!(unsigned().incomplete().ask(&glass), Ok(Verdict::Allow(_))));
    assert!(unsigned().incomplete().at(NEW_YEAR + 1).ask(&glass).is_err());
}

#[test]
fn policy_that_is_not_ready_is_under_its_broken_glass_too() {
    let unready = |further: &str| own(&format!("authorities: [{{key: {{kms: 'gcpkms://x'}}}}]{further}"));
    allowed(&unready(", breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}"), &unsigned());
    denied(&unready(""), &unsigned());
    denied(&unready(", breakGlass: {until: '2025-01-01T00:00:00Z', reason: outage}"), &unsigned());
}

#[test]
fn revoked_image_has_no_exception_and_no_broken_glass() {
    for way in [
        format!("exceptions: [{{images: [{{glob: '**'}}], {TERMS}}}]"),
        "breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}".to_owned(),
    ] {
        denied(&with(&format!("{way}, revoked: {{digests: ['{}']}}", image().digest())), &unsigned());
        allowed(&with(&format!("{way}, revoked: {{digests: ['{}']}}", oci::Digest::of(b"another"))), &unsigned());
    }
}
