//! For whom a policy is, and where: doors, users, namespaces, modes.

use policy::{Asker, Door, Undecided, Unknown, Verdict};

use crate::{
    own::{Question, allowed, authority, denied, named, own, plain},
    writing::{key, set},
};

fn asker(door: Door, user: Option<&str>, namespace: Option<&str>) -> Asker {
    Asker { door, user: user.map(str::to_owned), namespace: namespace.map(str::to_owned) }
}

fn free(scope: &str) -> String {
    own(&format!("authorities: [{{static: {{action: pass}}}}], {scope}"))
}

#[test]
fn policy_for_another_door_is_as_if_it_were_not_there() {
    let only = free("doors: [webhook]");
    allowed(&only, &Question::with(Vec::new()).by(asker(Door::Webhook, None, None)));
    for door in [Door::Check, Door::Pull, Door::Host, Door::Containerd] {
        let denial = denied(&only, &Question::with(Vec::new()).by(asker(door, None, None)));
        assert_eq!(denial.reasons()[0].summary(), "no matching policies", "{door:?}");
    }
    let strict = named("q", &format!("authorities: [{}], doors: [check]", authority("a", &key(), "")));
    let both = format!("{only}---\n{strict}");
    allowed(&both, &Question::with(Vec::new()).by(asker(Door::Webhook, None, None)));
    denied(&both, &Question::with(Vec::new()).by(asker(Door::Check, None, None)));
}

#[test]
fn policy_is_for_its_users_and_undecided_where_nobody_knows_who_asks() {
    let only = free("users: [ci-*]");
    allowed(&only, &Question::with(Vec::new()).by(asker(Door::Webhook, Some("ci-build"), None)));
    denied(&only, &Question::with(Vec::new()).by(asker(Door::Webhook, Some("ann"), None)));
    let open = Question::with(Vec::new()).ask(&set(&[only])).unwrap_err();
    assert_eq!(open, Undecided::Unknown { what: Unknown::User, policies: vec!["p".into()] });
}

#[test]
fn policy_is_for_its_namespaces_and_undecided_where_there_is_none() {
    let only = free("namespaces: [prod, prod-*]");
    allowed(&only, &Question::with(Vec::new()).by(asker(Door::Webhook, None, Some("prod-eu"))));
    denied(&only, &Question::with(Vec::new()).by(asker(Door::Webhook, None, Some("dev"))));
    let set = set(&[only]);
    let open = Question::with(Vec::new()).by(asker(Door::Pull, None, None)).ask(&set).unwrap_err();
    assert!(open.to_string().contains("`namespaces` asks where the image is to run"), "{open}");
}

#[test]
fn audit_lets_in_and_tells_nobody_but_the_log() {
    let audit = own(&format!("authorities: [{}], mode: audit", authority("a", &key(), "")));
    let approval = allowed(&audit, &Question::with(Vec::new()));
    assert_eq!((approval.warnings().len(), approval.audited().len()), (0, 1));
    let enforcing = named("q", &format!("authorities: [{}]", authority("a", &key(), "")));
    let denial = denied(&format!("{audit}---\n{enforcing}"), &Question::with(Vec::new()));
    assert_eq!((denial.reasons().len(), denial.audited().len()), (1, 1));
}

#[test]
fn warn_and_enforce_are_as_in_the_other_kind() {
    let key = key();
    let in_mode = |mode: &str| own(&format!("authorities: [{}], mode: {mode}", authority("a", &key, "")));
    assert_eq!(allowed(&in_mode("warn"), &Question::with(Vec::new())).warnings().len(), 1);
    denied(&in_mode("enforce"), &Question::with(Vec::new()));
    assert!(matches!(Question::with(vec![plain(&key)]).ask(&set(&[in_mode("enforce")])), Ok(Verdict::Allow(_))));
}
