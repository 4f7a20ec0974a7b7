//! CEL over what counts for a policy.

use crate::{
    own::{Question, allowed, authority, denied, own, plain, signed},
    writing::{bundle, image, key, set},
};

#[test]
fn expressions_see_what_counts_and_nothing_else() {
    let (a, b) = (key(), key());
    let with = |cel: &str| {
        own(&format!(
            "authorities: [{}], expressions: [{{cel: \"{cel}\", message: two formats please}}]",
            authority("a", &a, "")
        ))
    };
    let both = with("signatures.exists(s, s.format == 'legacy') && signatures.exists(s, s.format == 'bundle')");
    allowed(&both, &Question::with(vec![plain(&a), bundle(&a, &image())]));
    let said = denied(&both, &Question::with(vec![plain(&a)])).to_string();
    assert!(
        said.contains("two formats please (expression `signatures.exists(") && said.contains("it is false)"),
        "{said}"
    );
    denied(&both, &Question::with(vec![plain(&a), bundle(&b, &image())])); // a stranger's does not count
    let team = with("signatures.all(s, s.annotations.team == 'release' && s.authorities == ['a'])");
    let here = ("ghcr.io/acme/app", *image().digest());
    allowed(&team, &Question::with(vec![signed(&a, here, &[("team", "release")], 0)]));
    denied(&team, &Question::with(vec![signed(&a, here, &[("team", "dev")], 0)]));
}

#[test]
fn image_and_time_are_seen() {
    let a = key();
    let with =
        |cel: &str| own(&format!("authorities: [{}], expressions: [{{cel: \"{cel}\"}}]", authority("a", &a, "")));
    let tag = with("image.tag.startsWith('1.') && image.repository == 'ghcr.io/acme/app'");
    allowed(&tag, &Question::with(vec![plain(&a)]).about("ghcr.io/acme/app:1.2"));
    denied(&tag, &Question::with(vec![plain(&a)]).about("ghcr.io/acme/app:2.0"));
    denied(&tag, &Question::with(vec![plain(&a)]).about(&format!("ghcr.io/acme/app@{}", image().digest())));
    let early = with("now < 1000");
    allowed(&early, &Question::with(vec![plain(&a)]).at(999));
    denied(&early, &Question::with(vec![plain(&a)]).at(1_000));
}

#[test]
fn all_expressions_must_be_true_and_none_stands_in_for_a_signature() {
    let a = key();
    let with = |all: &str| own(&format!("authorities: [{}], expressions: [{all}]", authority("a", &a, "")));
    allowed(&with("{cel: 'true'}, {cel: 'size(signatures) == 1'}"), &Question::with(vec![plain(&a)]));
    denied(&with("{cel: 'true'}, {cel: 'false'}"), &Question::with(vec![plain(&a)]));
    denied(&with("{cel: 'true'}"), &Question::with(Vec::new()));
}

#[test]
fn incomplete_evidence_could_turn_an_expression_around() {
    let a = key();
    let with = |further: &str| set(&[own(&format!("authorities: [{}]{further}", authority("a", &a, "")))]);
    let question = Question::with(vec![plain(&a)]).incomplete();
    assert!(question.ask(&with(", expressions: [{cel: 'size(signatures) == 1'}]")).is_err());
    assert!(question.ask(&with("")).is_ok());
}
