//! A policy in CUE and data, as the table of the crate's tests has them: it is refused where it stands, or answers,
//! and says the same when it is asked again.

#![no_main]

use cue::Policy;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (policy, data) = text.rsplit_once("\n--- ").unwrap_or((text, "{}"));
    let policy = match Policy::parse(policy) {
        Ok(policy) => policy,
        Err(why) => {
            let lines = policy.split('\n').count();
            assert!((1..=lines).contains(&(why.line as usize)), "line {} of {lines}: {why}", why.line);
            assert!(why.column >= 1 && why.excerpt.len() <= 200, "{why}");
            return;
        }
    };
    let Ok(data) = serde_json::from_str::<Value>(data) else { return };
    let answer = policy.check(&data);
    if let Err(why) = &answer {
        assert!(why.iter().all(|reason| reason.found.len() <= 200 && reason.wanted.len() <= 200), "{why}");
    }
    assert_eq!(policy.check(&data), answer, "an answer follows from policy and data alone");
});
