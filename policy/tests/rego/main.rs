//! Policies in Rego: what they are asked, what is refused, what is bounded, and that OPA agrees.
#![expect(clippy::disallowed_methods, reason = "the oracle and the measured evaluations are processes of their own")]

mod bounds;
mod contract;
mod functions;
mod generated;
mod oracle;
mod refusals;

use policy::{RegoDenial, RegoError, RegoPolicy, RegoQuery};
use serde_json::Value;

/// What became of a policy.
#[derive(Debug)]
enum Outcome {
    Complies,
    Denied(RegoDenial),
    NotTaken(RegoError),
}

fn outcome(policy: &str, query: RegoQuery, input: &Value) -> Outcome {
    match RegoPolicy::parse_for(policy, query).map(|policy| policy.check(input)) {
        Ok(Ok(())) => Outcome::Complies,
        Ok(Err(denial)) => Outcome::Denied(denial),
        Err(error) => Outcome::NotTaken(error),
    }
}

/// A policy of a ClusterImagePolicy, by what follows its first line.
fn compliance(rules: &str, input: &Value) -> Outcome {
    outcome(&format!("package sigstore\n{rules}"), RegoQuery::IsCompliant, input)
}
