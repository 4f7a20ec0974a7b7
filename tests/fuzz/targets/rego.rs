//! A policy in Rego and an input: it is refused where it stands, or answers, and says the same when it is asked again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{RegoPolicy, RegoQuery};
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (policy, input) = text.rsplit_once("\n--- ").unwrap_or((text, "{}"));
    let input = serde_json::from_str::<Value>(input).unwrap_or_default();
    for query in [RegoQuery::IsCompliant, RegoQuery::Allow] {
        let Ok(policy) = RegoPolicy::parse_for(policy, query) else { continue };
        let answer = policy.check(&input);
        assert_eq!(policy.check(&input), answer, "an answer follows from policy and input alone");
    }
});
