//! Since when: times that logs and timestamp authorities vouch for, and what is no time.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use verifier::{ChainFault, Fault, LogFault, TimestampAuthority, TimestampFault, Window};
use world::{MINUTES, NOW, T, Tsa, World, judge, log_fault, stamp_fault, stamped, stamps_only, statement, unlogged};

#[test]
fn one_foreign_entry_and_timestamp_beside_good_ones_are_reported_and_harmless() {
    let (world, elsewhere) = (World::new(), World::new());
    let leaf = world.leaf();
    let mut bundle = world.bundle(&leaf, T + 1);
    let mut foreign = unlogged(&leaf, &statement());
    foreign["dsseEnvelope"] = bundle["dsseEnvelope"].clone();
    elsewhere.enter(&mut foreign, &leaf, T + 1);
    let entry = foreign["verificationMaterial"]["tlogEntries"][0].clone();
    bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().insert(0, entry);
    let bundle = stamped(bundle, &[b"no token".to_vec()]);
    let signature = judge(&bundle, &world.trust()).unwrap();
    assert_eq!(signature.proofs().log_entries().len(), 1);
    let reported: Vec<String> = signature.proofs().set_aside().iter().map(ToString::to_string).collect();
    assert!(reported[0].contains("malformed") && reported[1].contains("unknown log"), "{reported:?}");
}

#[test]
fn log_time_counts_only_after_the_logs_signature_over_it() {
    let world = World::new();
    let leaf = world.leaf();
    let late = T + MINUTES + 50;
    // logged after the certificate had ended, and the time moved back
    let mut bundle = world.bundle(&leaf, late);
    assert!(matches!(judge(&bundle, &world.trust()), Err(Fault::Chain(ChainFault::Outside { .. }))));
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!((T + 1).to_string());
    assert_eq!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Promise);
    // without a promise there is no time at all
    bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionPromise");
    bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("0");
    assert_eq!(judge(&bundle, &world.trust()).unwrap_err(), Fault::NoTime { set_aside: vec![] });
}

#[test]
fn certificate_must_be_valid_at_every_verified_time() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = world.bundle(&leaf, T + 1);
    let made = world::signature(&bundle);
    for at in [T + MINUTES + 1, T + MINUTES + 500] {
        let both = stamped(bundle.clone(), &[world.tsa.stamp(&made, T + 2), world.tsa.stamp(&made, at)]);
        assert!(matches!(judge(&both, &world.trust()), Err(Fault::Chain(ChainFault::Outside { .. }))), "{at}");
    }
    // the last second belongs to it
    assert!(judge(&stamped(bundle, &[world.tsa.stamp(&made, T + MINUTES)]), &world.trust()).is_ok());
}

#[test]
fn time_in_the_future_is_no_time() {
    let world = World::new();
    let leaf = world.ca.issue(world::signer(NOW - 10), Some(&world.ct));
    let bundle = world.bundle(&leaf, NOW + 1);
    assert!(matches!(log_fault(judge(&bundle, &world.trust()).unwrap_err()), LogFault::Future { .. }));
    let bundle = stamped(unlogged(&leaf, &statement()), &[]);
    let stamp = world.tsa.stamp(&world::signature(&bundle), NOW + 1);
    let fault = judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err();
    assert!(matches!(stamp_fault(fault), TimestampFault::Future { .. }));
    assert!(judge(&world.bundle(&leaf, NOW), &world.trust()).is_ok());
}

#[test]
fn each_timestamp_authority_has_its_own_window() {
    let world = World::new();
    let leaf = world.leaf();
    let bundle = unlogged(&leaf, &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let bundle = stamped(bundle, &[stamp]);
    let authority = |pem: String, window| TimestampAuthority::from_pem(&pem, window).unwrap();
    let trust = |window| {
        let other = authority(Tsa::new().pem(true), Window::UNBOUNDED);
        let own = authority(world.tsa.pem(true), window);
        stamps_only(world.trust_without_time().with_timestamp_authority(other).with_timestamp_authority(own))
    };
    assert!(judge(&bundle, &trust(world::window(T + 1, T + 1))).is_ok());
    for ended in [world::window(T - 9, T), world::window(T + 2, T + 9)] {
        assert!(judge(&bundle, &trust(ended)).is_err());
    }
}

#[test]
fn timestamp_of_another_signature_is_none_of_this_one() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = world.tsa.stamp(b"another signature", T + 1);
    let fault = stamp_fault(judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err());
    assert!(matches!(fault, TimestampFault::OtherSignature { .. }));
}

#[test]
fn timestamp_signer_that_may_do_more_is_refused() {
    let mut world = World::new();
    let mut params = Tsa::stamper();
    params.custom_extensions.clear();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
    world.tsa.leaf = world.tsa.authority.issue(params, None);
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = world.tsa.stamp(&world::signature(&bundle), T + 1);
    let fault = stamp_fault(judge(&stamped(bundle, &[stamp]), &stamps_only(world.trust())).unwrap_err());
    assert_eq!(fault, TimestampFault::Purpose, "not critical");
}
