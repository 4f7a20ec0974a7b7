//! When a signature was made, as a log or a clock says, and what counts where nobody says it.

use std::time::{Duration, Instant};

use peers::{Outcome, Recipe};

use crate::{
    instance::{ALICE, Instance},
    stage::Stage,
};

/// So many seconds from now, as a policy writes it.
fn later(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now + seconds).unwrap().to_string()
}

/// The first answer about an image that is no yes.
fn first_refusal(stage: &Stage, image: &str) -> Outcome {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let outcome = stage.check(image, &[]);
        if outcome.code != 0 {
            return outcome;
        }
        assert!(Instant::now() < end, "still let in: {outcome:?}");
    }
}

#[test]
fn age_is_told_by_a_log_or_a_clock_and_by_nobody_else() {
    let Some(world) = Instance::with_keys(&["release"]) else { return };
    let stage = &world.stage;
    let identity = |further: &str| {
        format!("authorities: [{{name: build, keyless: {{identities: [{}]}}{further}}}]", world.identity(ALICE))
    };
    let (logged, stamped) = (stage.push("shop/cart:1", "v1"), stage.push("shop/cart:2", "v2"));
    world.sign_as(ALICE, Recipe::Rekor1, &logged);
    world.sign_as(ALICE, Recipe::TsaOnly, &stamped);
    for (image, clock) in [(&logged, ""), (&stamped, ", rfc3161timestamp: {}")] {
        stage.policy(&identity(&format!("{clock}, maxAge: 90d")));
        let _ = stage.allowed(image);
        stage.policy(&identity(&format!("{clock}, maxAge: 1s")));
        let refused = first_refusal(stage, image);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stdout.contains("s old, wanted at most 1s"), "{}", refused.stdout);
    }
    let plain = stage.push("shop/cart:3", "v3");
    stage.sign("release", &plain, &[("created", &later(0))]);
    stage.policy(&format!("authorities: [{}]", stage.authority("release", ", maxAge: 90d")));
    stage.refused(&plain, &["signature has no verified time, wanted one that is at most 90d old"]);
}

#[test]
fn key_that_ended_counts_for_what_it_signed_before() {
    let Some(world) = Instance::with_keys(&["old"]) else { return };
    let stage = &world.stage;
    let (stamped, plain) = (stage.push("shop/cart:1", "v1"), stage.push("shop/cart:2", "v2"));
    world.sign_by("old", Recipe::TsaOnly, &stamped);
    stage.sign("old", &plain, &[]);
    let until = later(5);
    stage.policy(&format!("authorities: [{}]", stage.authority("old", &format!(", validUntil: '{until}'"))));
    let over = first_refusal(stage, &plain);
    let wanted = format!("signature has no verified time, and the time now is not until {until}");
    assert!(over.code == 1 && over.stdout.contains(&wanted), "{over:?}");
    let with_clock = |window: &str| {
        let further = format!(", rfc3161timestamp: {{}}, {window}");
        stage.policy(&format!("authorities: [{}]", stage.authority("old", &further)));
    };
    with_clock(&format!("validUntil: '{until}'"));
    let _ = stage.allowed(&stamped);
    stage.refused(&plain, &["no valid timestamp"]);
}

#[test]
fn what_was_signed_outside_of_a_window_does_not_count() {
    let Some(world) = Instance::with_keys(&["release"]) else { return };
    let stage = &world.stage;
    let (logged, plain) = (stage.push("shop/cart:1", "v1"), stage.push("shop/cart:2", "v2"));
    world.sign_by("release", Recipe::Rekor1, &logged);
    stage.sign("release", &plain, &[]);
    for (window, wanted) in [
        ("validFrom: '2999-01-01T00:00:00Z'", "from 2999-01-01T00:00:00Z on"),
        ("validUntil: '2021-01-01T00:00:00Z'", "until 2021-01-01T00:00:00Z"),
        (
            "validFrom: '2020-01-01T00:00:00Z', validUntil: '2021-01-01T00:00:00Z'",
            "from 2020-01-01T00:00:00Z until 2021-01-01T00:00:00Z",
        ),
    ] {
        stage.policy(&format!("authorities: [{}]", stage.authority("release", &format!(", ctlog: {{}}, {window}"))));
        stage.refused(&logged, &["signature was made at ", &format!("wanted a time {wanted}")]);
        stage.policy(&format!("authorities: [{}]", stage.authority("release", &format!(", {window}"))));
        stage.refused(&plain, &["signature has no verified time", &format!("the time now is not {wanted}")]);
    }
    let open = "validFrom: '2020-01-01T00:00:00Z', validUntil: '2999-01-01T00:00:00Z'";
    stage.policy(&format!("authorities: [{}]", stage.authority("release", &format!(", ctlog: {{}}, {open}"))));
    let _ = stage.allowed(&logged);
    stage.policy(&format!("authorities: [{}]", stage.authority("release", &format!(", {open}"))));
    let _ = stage.allowed(&plain);
}
